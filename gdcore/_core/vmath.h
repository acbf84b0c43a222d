/* Elementwise functions without branches, so that the compiler turns a loop over them into full-width SIMD.
 *
 * Every function exists for float (suffix f) and double.  The usual libm versions branch, set errno or call
 * out of line, and so stop vectorisation.  Error bounds are measured by tests/test_vmath.py.
 *
 * Polynomials are Chebyshev interpolants (computed with 40 digits) of
 *     P(r) = (e^r - 1 - r) / r^2        on |r| <= ln(2)/2,
 *     Q(z) = (atanh(s)/s - 1) / s^2     with z = s^2, on |s| <= (sqrt 2 - 1)/(sqrt 2 + 1).
 *
 * The unit is compiled without contraction (optimizer updates must round as written); a fused multiply-add
 * is asked for by name, and falls back to two roundings where the instruction set has none.
 */
#ifndef GDCORE_VMATH_H
#define GDCORE_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef _MSC_VER
#define GD_INLINE static __forceinline
#else
#define GD_INLINE static inline __attribute__((always_inline))
#endif

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define GD_FMAF(a, b, c) __builtin_fmaf((a), (b), (c))
#define GD_FMA(a, b, c) __builtin_fma((a), (b), (c))
#else
#define GD_FMAF(a, b, c) ((a) * (b) + (c))
#define GD_FMA(a, b, c) ((a) * (b) + (c))
#endif

GD_INLINE float gd_float_of(uint32_t u) { float x; memcpy(&x, &u, 4); return x; }
GD_INLINE uint32_t gd_bits_of(float x) { uint32_t u; memcpy(&u, &x, 4); return u; }
GD_INLINE double gd_double_of(uint64_t u) { double x; memcpy(&x, &u, 8); return x; }
GD_INLINE uint64_t gd_bits_of_double(double x) { uint64_t u; memcpy(&u, &x, 8); return u; }

/* Adding 1.5 * 2^(mantissa bits) rounds to an integer and leaves that integer in the low bits. */
#define GD_MAGICF 12582912.0f
#define GD_MAGIC 6755399441055744.0

/* ---- float ------------------------------------------------------------------------------------------ */

/* e^(r + low) - 1 for |r| <= ln(2)/2 and low below r's last digit */
GD_INLINE float gd_expm1_reducedf(float r, float low)
{
    float p = 0.00019891030654370328f;
    p = GD_FMAF(p, r, 0.0013933685862617174f);
    p = GD_FMAF(p, r, 0.0083333108895820772f);
    p = GD_FMAF(p, r, 0.041666464602026542f);
    p = GD_FMAF(p, r, 0.16666666681659179f);
    p = GD_FMAF(p, r, 0.50000000134981779f);
    return r + GD_FMAF(r * r, p, low);
}

/* x = n ln 2 + r + low; returns n.  ln 2 is split so that n times its upper part is exact. */
GD_INLINE float gd_reducef(float x, float *r, float *low)
{
    float n = (x * 1.44269504088896341f + GD_MAGICF) - GD_MAGICF;
    float t = GD_FMAF(n, -0.693359375f, x), c = n * 2.12194440054690583e-4f;
    *r = t + c;
    *low = c - (*r - t);
    return n;
}

GD_INLINE float gd_pow2f(float n) /* integer n in [-126, 127] */
{
    return gd_float_of((gd_bits_of(n + GD_MAGICF) - 0x4b400000u + 127u) << 23);
}

GD_INLINE float gd_expf(float x)
{
    float r, low, n, half, q;
    x = x > 89.0f ? 89.0f : x; /* the comparison is false for nan, which passes through */
    x = x < -104.0f ? -104.0f : x;
    n = gd_reducef(x, &r, &low);
    half = (n * 0.5f + GD_MAGICF) - GD_MAGICF; /* two factors reach denormals and infinity with one rounding */
    q = 1.0f + gd_expm1_reducedf(r, low);
    return q * gd_pow2f(half) * gd_pow2f(n - half);
}

GD_INLINE float gd_sigmoidf(float x)
{
    float e = gd_expf(-fabsf(x)), sum = 1.0f + e, lost = e - (sum - 1.0f);
    float q = (x >= 0.0f ? 1.0f : e) / sum, inverse = x >= 0.0f ? q : 1.0f - q;
    return q - q * lost * inverse; /* the quotient by 1 + e before rounding */
}

/* e^x - 1: for x below the clamp the result is -1 to the last digit */
GD_INLINE float gd_expm1f(float x)
{
    float r, low, n, half, s, t, given = x;
    x = x > 89.0f ? 89.0f : x;
    x = x < -25.0f ? -25.0f : x;
    n = gd_reducef(x, &r, &low);
    half = (n * 0.5f + GD_MAGICF) - GD_MAGICF;
    s = gd_pow2f(half); /* in two factors, for 2^n itself may be out of range */
    t = gd_pow2f(n - half);
    s = GD_FMAF(s, gd_expm1_reducedf(r, low), s - 1.0f / t) * t;
    return given == 0.0f ? given : s;
}

/* x sigmoid(x) = x / (1 + e^-x), with e^-x = big * scale kept in two factors and divided out last */
GD_INLINE float gd_siluf(float x)
{
    float y = x < -120.0f ? 120.0f : -x, r, low, n, half, big, inverse, one, sum, lost, q;
    y = y < -120.0f ? -120.0f : y;
    n = gd_reducef(y, &r, &low);
    half = (n * 0.5f + GD_MAGICF) - GD_MAGICF;
    big = (1.0f + gd_expm1_reducedf(r, low)) * gd_pow2f(half);
    inverse = gd_pow2f(half - n);
    one = y > 0.0f ? inverse : big * gd_pow2f(n - half); /* the smaller summand of the divisor */
    big = y > 0.0f ? big : 1.0f;
    sum = big + one;
    lost = one - (sum - big);
    q = x / sum;
    q = lost == 0.0f ? q : q - q * (lost / sum);
    q = y > 0.0f ? q * inverse : q;
    return x < -120.0f ? -0.0f : q;
}

GD_INLINE float gd_tanhf(float x)
{
    float y = 2.0f * fabsf(x), r, low, n, s, t, sum, q;
    y = y > 40.0f ? 40.0f : y;
    n = gd_reducef(y, &r, &low);
    s = gd_pow2f(n);
    t = GD_FMAF(s, gd_expm1_reducedf(r, low), s - 1.0f); /* e^(2|x|) - 1: its error shrinks in the quotient */
    sum = 2.0f + t;
    q = t / sum;
    q = q - q * (t - (sum - 2.0f)) * (0.5f - 0.5f * q);
    return copysignf(q > 1.0f ? 1.0f : q, x);
}

GD_INLINE float gd_reluf(float x) { return x < 0.0f ? 0.0f : x; } /* nan passes through */

GD_INLINE float gd_logf(float x)
{
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    uint32_t i = gd_bits_of(scaled) - 0x3f3504f3u; /* mantissa into [sqrt(1/2), sqrt 2) */
    float e = (float)((int32_t)i >> 23) - (x < 1.17549435e-38f ? 23.0f : 0.0f);
    float f = gd_float_of((i & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float s = f / (2.0f + f), z = s * s, half = 0.5f * f * f;
    float q = 0.11665807235921750f;
    q = GD_FMAF(q, z, 0.14275389316595983f);
    q = GD_FMAF(q, z, 0.20000061105905325f);
    q = GD_FMAF(q, z, 0.33333333277021007f);
    q = 2.0f * z * q;
    /* log(1+f) = f - (f^2/2 - s (f^2/2 + 2 z Q)): the small terms first */
    q = GD_FMAF(e, -2.12194440054690583e-4f, s * (half + q)) - half + f;
    q = GD_FMAF(e, 0.693359375f, q);
    q = x == INFINITY ? x : q;
    q = x == 0.0f ? -INFINITY : q;
    return x >= 0.0f ? q : NAN;
}

GD_INLINE float gd_log1pf(float x)
{
    float u = 1.0f + x, c = x - (u - 1.0f); /* what 1 + x lost */
    float y = gd_logf(u) + c / u;
    y = x == INFINITY ? x : y;
    y = u == 0.0f ? -INFINITY : y;
    return x == 0.0f ? x : y;
}

/* log(1 + e^x) */
GD_INLINE float gd_softplusf(float x)
{
    return (x > 0.0f ? x : (x <= 0.0f ? 0.0f : x)) + gd_log1pf(gd_expf(-fabsf(x)));
}

/* ---- double ----------------------------------------------------------------------------------------- */

GD_INLINE double gd_expm1_reduced(double r, double low)
{
    double p = 2.0914717341716376e-9;
    p = GD_FMA(p, r, 2.5105259538448493e-8);
    p = GD_FMA(p, r, 2.7557273570102140e-7);
    p = GD_FMA(p, r, 2.7557255297969644e-6);
    p = GD_FMA(p, r, 2.4801587325605323e-5);
    p = GD_FMA(p, r, 1.9841269874901259e-4);
    p = GD_FMA(p, r, 1.3888888888883731828e-3);
    p = GD_FMA(p, r, 8.3333333333261120526e-3);
    p = GD_FMA(p, r, 4.1666666666666669767e-2);
    p = GD_FMA(p, r, 1.6666666666666671008e-1);
    p = GD_FMA(p, r, 0.5);
    return r + GD_FMA(r * r, p, low);
}

GD_INLINE double gd_reduce(double x, double *r, double *low)
{
    double n = (x * 1.44269504088896338700 + GD_MAGIC) - GD_MAGIC;
    double t = GD_FMA(n, -6.93147180369123816490e-01, x), c = n * -1.90821492927058770002e-10;
    *r = t + c;
    *low = c - (*r - t);
    return n;
}

GD_INLINE double gd_pow2(double n) /* integer n in [-1022, 1023] */
{
    return gd_double_of((gd_bits_of_double(n + GD_MAGIC) - 0x4338000000000000ull + 1023u) << 52);
}

GD_INLINE double gd_exp(double x)
{
    double r, low, n, half, q;
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    n = gd_reduce(x, &r, &low);
    half = (n * 0.5 + GD_MAGIC) - GD_MAGIC;
    q = 1.0 + gd_expm1_reduced(r, low);
    return q * gd_pow2(half) * gd_pow2(n - half);
}

GD_INLINE double gd_sigmoid(double x)
{
    double e = gd_exp(-fabs(x)), sum = 1.0 + e, lost = e - (sum - 1.0);
    double q = (x >= 0.0 ? 1.0 : e) / sum, inverse = x >= 0.0 ? q : 1.0 - q;
    return q - q * lost * inverse; /* the quotient by 1 + e before rounding */
}

/* e^x - 1: for x below the clamp the result is -1 to the last digit */
GD_INLINE double gd_expm1(double x)
{
    double r, low, n, half, s, t, given = x;
    x = x > 710.0 ? 710.0 : x;
    x = x < -55.0 ? -55.0 : x;
    n = gd_reduce(x, &r, &low);
    half = (n * 0.5 + GD_MAGIC) - GD_MAGIC;
    s = gd_pow2(half); /* in two factors, for 2^n itself may be out of range */
    t = gd_pow2(n - half);
    s = GD_FMA(s, gd_expm1_reduced(r, low), s - 1.0 / t) * t;
    return given == 0.0 ? given : s;
}

/* x sigmoid(x) = x / (1 + e^-x), with e^-x = big * scale kept in two factors and divided out last */
GD_INLINE double gd_silu(double x)
{
    double y = x < -760.0 ? 760.0 : -x, r, low, n, half, big, inverse, one, sum, lost, q;
    y = y < -760.0 ? -760.0 : y;
    n = gd_reduce(y, &r, &low);
    half = (n * 0.5 + GD_MAGIC) - GD_MAGIC;
    big = (1.0 + gd_expm1_reduced(r, low)) * gd_pow2(half);
    inverse = gd_pow2(half - n);
    one = y > 0.0 ? inverse : big * gd_pow2(n - half); /* the smaller summand of the divisor */
    big = y > 0.0 ? big : 1.0;
    sum = big + one;
    lost = one - (sum - big);
    q = x / sum;
    q = lost == 0.0 ? q : q - q * (lost / sum);
    q = y > 0.0 ? q * inverse : q;
    return x < -760.0 ? -0.0 : q;
}

GD_INLINE double gd_tanh(double x)
{
    double y = 2.0 * fabs(x), r, low, n, s, t, sum, q;
    y = y > 80.0 ? 80.0 : y;
    n = gd_reduce(y, &r, &low);
    s = gd_pow2(n);
    t = GD_FMA(s, gd_expm1_reduced(r, low), s - 1.0);
    sum = 2.0 + t;
    q = t / sum;
    q = q - q * (t - (sum - 2.0)) * (0.5 - 0.5 * q);
    return copysign(q > 1.0 ? 1.0 : q, x);
}

GD_INLINE double gd_relu(double x) { return x < 0.0 ? 0.0 : x; }

GD_INLINE double gd_log(double x)
{
    double scaled = x < 2.2250738585072014e-308 ? x * 4503599627370496.0 : x;
    uint64_t i = gd_bits_of_double(scaled) - 0x3fe6a09e00000000ull;
    /* the exponent, biased to stay positive, becomes a double by way of the low mantissa bits of 2^52 */
    uint64_t k = (i + 0x8000000000000000ull) >> 52;
    double e = gd_double_of(k | 0x4330000000000000ull) - (4503599627370496.0 + 2048.0)
               - (x < 2.2250738585072014e-308 ? 52.0 : 0.0);
    double f = gd_double_of((i & 0x000fffffffffffffull) + 0x3fe6a09e00000000ull) - 1.0;
    double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double q = 0.065440174254637769;
    q = GD_FMA(q, z, 0.066343191846334119);
    q = GD_FMA(q, z, 0.076931223688108333);
    q = GD_FMA(q, z, 0.090908977737605682);
    q = GD_FMA(q, z, 0.11111111196290523);
    q = GD_FMA(q, z, 0.14285714285399893);
    q = GD_FMA(q, z, 0.20000000000000442);
    q = GD_FMA(q, z, 0.33333333333333332);
    q = 2.0 * z * q;
    q = GD_FMA(e, 1.90821492927058770002e-10, s * (half + q)) - half + f;
    q = GD_FMA(e, 6.93147180369123816490e-01, q);
    q = x == (double)INFINITY ? x : q;
    q = x == 0.0 ? -(double)INFINITY : q;
    return x >= 0.0 ? q : (double)NAN;
}

GD_INLINE double gd_log1p(double x)
{
    double u = 1.0 + x, c = x - (u - 1.0);
    double y = gd_log(u) + c / u;
    y = x == (double)INFINITY ? x : y;
    y = u == 0.0 ? -(double)INFINITY : y;
    return x == 0.0 ? x : y;
}

/* log(1 + e^x) */
GD_INLINE double gd_softplus(double x)
{
    return (x > 0.0 ? x : (x <= 0.0 ? 0.0 : x)) + gd_log1p(gd_exp(-fabs(x)));
}

#endif
