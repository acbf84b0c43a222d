/* Elementwise functions without branches, so that the compiler turns a loop over them into full-width SIMD.
 *
 * Every function exists for float (suffix f) and double.  The usual libm versions branch, set errno or call
 * out of line, and so stop vectorisation.  Error bounds are measured by tests/test_vmath.py.
 *
 * Polynomials are Chebyshev interpolants (computed with 40 digits) of
 *     P(r) = (e^r - 1 - r) / r^2        on |r| <= ln(2)/2,
 *     Q(z) = (atanh(s)/s - 1) / s^2     with z = s^2, on |s| <= (sqrt 2 - 1)/(sqrt 2 + 1),
 * and of what the comments at the others say.
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
#define GD_HAS_FMA 1
#define GD_FMAF(a, b, c) __builtin_fmaf((a), (b), (c))
#define GD_FMA(a, b, c) __builtin_fma((a), (b), (c))
#else
#define GD_HAS_FMA 0
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

/* a + b = the result + low, exactly */
GD_INLINE float gd_two_sumf(float a, float b, float *low)
{
    float sum = a + b, b_kept = sum - a;
    *low = (a - (sum - b_kept)) + (b - b_kept);
    return sum;
}

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

/* x + rest = n ln 2 + r + low; returns n.  ln 2 is split so that n times its upper part is exact. */
GD_INLINE float gd_reducef(float x, float rest, float *r, float *low)
{
    float n = ((x + rest) * 1.44269504088896341f + GD_MAGICF) - GD_MAGICF;
    float t = GD_FMAF(n, -0.693359375f, x), c = n * 2.12194440054690583e-4f + rest;
    *r = t + c;
    *low = c - (*r - t);
    return n;
}

GD_INLINE float gd_pow2f(float n) /* integer n in [-126, 127] */
{
    return gd_float_of((gd_bits_of(n + GD_MAGICF) - 0x4b400000u + 127u) << 23);
}

GD_INLINE float gd_halff(float n) { return (n * 0.5f + GD_MAGICF) - GD_MAGICF; } /* to the nearest integer */

/* e^(x + rest), rest well below x */
GD_INLINE float gd_exp_sumf(float x, float rest)
{
    float r, low, n, half, q;
    x = x > 89.0f ? 89.0f : x; /* the comparison is false for nan, which passes through */
    x = x < -104.0f ? -104.0f : x;
    n = gd_reducef(x, rest, &r, &low);
    half = gd_halff(n); /* two factors reach denormals and infinity with one rounding */
    q = 1.0f + gd_expm1_reducedf(r, low);
    return q * gd_pow2f(half) * gd_pow2f(n - half);
}

GD_INLINE float gd_expf(float x) { return gd_exp_sumf(x, -0.0f); }

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
    n = gd_reducef(x, -0.0f, &r, &low);
    half = gd_halff(n);
    s = gd_pow2f(half); /* in two factors, for 2^n itself may be out of range */
    t = gd_pow2f(n - half);
    s = GD_FMAF(s, gd_expm1_reducedf(r, low), s - 1.0f / t) * t;
    return given == 0.0f ? given : s;
}

GD_INLINE float gd_tanhf(float x)
{
    float y = 2.0f * fabsf(x), r, low, n, s, t, sum, q;
    y = y > 40.0f ? 40.0f : y;
    n = gd_reducef(y, -0.0f, &r, &low);
    s = gd_pow2f(n);
    t = GD_FMAF(s, gd_expm1_reducedf(r, low), s - 1.0f); /* e^(2|x|) - 1: its error shrinks in the quotient */
    sum = 2.0f + t;
    q = t / sum;
    q = q - q * (t - (sum - 2.0f)) * (0.5f - 0.5f * q);
    return copysignf(q > 1.0f ? 1.0f : q, x);
}

GD_INLINE float gd_reluf(float x) { return x < 0.0f ? 0.0f : x; } /* nan passes through */

/* e ln 2 + log(1 + f) for integer e and f in [sqrt(1/2) - 1, sqrt(2) - 1] */
GD_INLINE float gd_log_partsf(float e, float f)
{
    float s = f / (2.0f + f), z = s * s, half = 0.5f * f * f;
    float q = 0.11665807235921750f;
    q = GD_FMAF(q, z, 0.14275389316595983f);
    q = GD_FMAF(q, z, 0.20000061105905325f);
    q = GD_FMAF(q, z, 0.33333333277021007f);
    q = 2.0f * z * q;
    /* log(1+f) = f - (f^2/2 - s (f^2/2 + 2 z Q)): the small terms first */
    q = GD_FMAF(e, -2.12194440054690583e-4f, s * (half + q)) - half + f;
    return GD_FMAF(e, 0.693359375f, q);
}

GD_INLINE float gd_logf(float x)
{
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    uint32_t i = gd_bits_of(scaled) - 0x3f3504f3u; /* mantissa into [sqrt(1/2), sqrt 2) */
    float e = (float)((int32_t)i >> 23) - (x < 1.17549435e-38f ? 23.0f : 0.0f);
    float f = gd_float_of((i & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float q = gd_log_partsf(e, f);
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

/* Phi(-y) (y + 4) e^(y^2/2) = TAIL_0 + TAIL_1 t + this t^2 at t = (y - 4)/(y + 4), Phi the normal distribution */
GD_INLINE float gd_tail_factorf(float t)
{
    float p = -5.2206455805514407e-5f;
    p = GD_FMAF(p, t, -2.334758737395235e-4f);
    p = GD_FMAF(p, t, 1.7006074406088872e-4f);
    p = GD_FMAF(p, t, 1.6458766688202534e-3f);
    p = GD_FMAF(p, t, -3.4885788522746989e-3f);
    p = GD_FMAF(p, t, -7.5452749826739966e-3f);
    p = GD_FMAF(p, t, 0.060397389127336402f);
    p = GD_FMAF(p, t, -0.18652129623416784f);
    p = GD_FMAF(p, t, 0.38713737670288931f);
    return p;
}

/* erf(x)/x - 1 with z = x^2 <= 1 */
GD_INLINE float gd_erf_factorf(float z)
{
    float p = 7.8758750626854883e-5f;
    p = GD_FMAF(p, z, -8.0168642871658695e-4f);
    p = GD_FMAF(p, z, 5.189087423433974e-3f);
    p = GD_FMAF(p, z, -0.026854212010626412f);
    p = GD_FMAF(p, z, 0.11283594715160218f);
    p = GD_FMAF(p, z, -0.37612626666720331f);
    p = GD_FMAF(p, z, 0.12837916584835095f);
    return p;
}

/* (x - tanh x)/x^3 with z = x^2 <= 1 */
GD_INLINE float gd_tanh_shrink_factorf(float z, float *low)
{
    float p = 4.8467111958658752e-5f;
    p = GD_FMAF(p, z, -3.3768981029704557e-4f);
    p = GD_FMAF(p, z, 1.2421574962590361e-3f);
    p = GD_FMAF(p, z, -3.4783864895885351e-3f);
    p = GD_FMAF(p, z, 8.8262503438581895e-3f);
    p = GD_FMAF(p, z, -0.021862575381616189f);
    p = GD_FMAF(p, z, 0.053967596691454743f);
    p = GD_FMAF(p, z, -0.13333330899461984f);
    p = gd_two_sumf(0.33333333318346928f, p * z, low);
    *low += -1.0083972e-8f; /* what rounding took from the 1/3 */
    return p;
}

/* ---- double ----------------------------------------------------------------------------------------- */

GD_INLINE double gd_two_sum(double a, double b, double *low)
{
    double sum = a + b, b_kept = sum - a;
    *low = (a - (sum - b_kept)) + (b - b_kept);
    return sum;
}

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

GD_INLINE double gd_reduce(double x, double rest, double *r, double *low)
{
    double n = ((x + rest) * 1.44269504088896338700 + GD_MAGIC) - GD_MAGIC;
    double t = GD_FMA(n, -6.93147180369123816490e-01, x), c = n * -1.90821492927058770002e-10 + rest;
    *r = t + c;
    *low = c - (*r - t);
    return n;
}

GD_INLINE double gd_pow2(double n) /* integer n in [-1022, 1023] */
{
    return gd_double_of((gd_bits_of_double(n + GD_MAGIC) - 0x4338000000000000ull + 1023u) << 52);
}

GD_INLINE double gd_half(double n) { return (n * 0.5 + GD_MAGIC) - GD_MAGIC; } /* to the nearest integer */

/* e^(x + rest), rest well below x */
GD_INLINE double gd_exp_sum(double x, double rest)
{
    double r, low, n, half, q;
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    n = gd_reduce(x, rest, &r, &low);
    half = gd_half(n);
    q = 1.0 + gd_expm1_reduced(r, low);
    return q * gd_pow2(half) * gd_pow2(n - half);
}

GD_INLINE double gd_exp(double x) { return gd_exp_sum(x, -0.0); }

/* e^x for x <= 0, and 0 below -708: short to wait for, with an error of up to one unit in the last place. */
GD_INLINE double gd_exp_falling(double x)
{
    double shifted = GD_FMA(x, 1.44269504088896338700, GD_MAGIC), n = shifted - GD_MAGIC;
    double r = GD_FMA(n, -6.93147180369123816490e-01, x) - n * 1.90821492927058770002e-10;
    double r2 = r * r, r4 = r2 * r2, p, q, scale;
    if (x < -708.0) return 0.0; /* not so for nan */
    /* the polynomial of gd_expm1_reduced, by pairs of terms */
    p = GD_FMA(r2, 2.0914717341716376e-9, GD_FMA(2.5105259538448493e-8, r, 2.7557273570102140e-7));
    q = GD_FMA(r2, GD_FMA(2.7557255297969644e-6, r, 2.4801587325605323e-5),
               GD_FMA(1.9841269874901259e-4, r, 1.3888888888883731828e-3));
    q = GD_FMA(r4, p, q);
    p = GD_FMA(r2, GD_FMA(8.3333333333261120526e-3, r, 4.1666666666666669767e-2),
               GD_FMA(1.6666666666666671008e-1, r, 0.5));
    p = GD_FMA(r4, q, p);
    scale = gd_double_of((gd_bits_of_double(shifted) + 1023u) << 52);
    return GD_FMA(scale * r2, p, GD_FMA(scale, r, scale));
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
    n = gd_reduce(x, -0.0, &r, &low);
    half = gd_half(n);
    s = gd_pow2(half); /* in two factors, for 2^n itself may be out of range */
    t = gd_pow2(n - half);
    s = GD_FMA(s, gd_expm1_reduced(r, low), s - 1.0 / t) * t;
    return given == 0.0 ? given : s;
}

GD_INLINE double gd_tanh(double x)
{
    double y = 2.0 * fabs(x), r, low, n, s, t, sum, q;
    y = y > 80.0 ? 80.0 : y;
    n = gd_reduce(y, -0.0, &r, &low);
    s = gd_pow2(n);
    t = GD_FMA(s, gd_expm1_reduced(r, low), s - 1.0);
    sum = 2.0 + t;
    q = t / sum;
    q = q - q * (t - (sum - 2.0)) * (0.5 - 0.5 * q);
    return copysign(q > 1.0 ? 1.0 : q, x);
}

GD_INLINE double gd_relu(double x) { return x < 0.0 ? 0.0 : x; }

/* x = 2^e (1 + f), f around 0 */
GD_INLINE double gd_log_split(double x, double *f)
{
    double scaled = x < 2.2250738585072014e-308 ? x * 4503599627370496.0 : x;
    uint64_t i = gd_bits_of_double(scaled) - 0x3fe6a09e00000000ull;
    /* the exponent, biased to stay positive, becomes a double by way of the low mantissa bits of 2^52 */
    uint64_t k = (i + 0x8000000000000000ull) >> 52;
    *f = gd_double_of((i & 0x000fffffffffffffull) + 0x3fe6a09e00000000ull) - 1.0;
    return gd_double_of(k | 0x4330000000000000ull) - (4503599627370496.0 + 2048.0)
           - (x < 2.2250738585072014e-308 ? 52.0 : 0.0);
}

/* log(2^e (1 + f)) less e times the upper part of ln 2, a product that is exact */
GD_INLINE double gd_log_rest(double e, double f)
{
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
    return GD_FMA(e, 1.90821492927058770002e-10, s * (half + q)) - half + f;
}

GD_INLINE double gd_log_parts(double e, double f) { return GD_FMA(e, 6.93147180369123816490e-01, gd_log_rest(e, f)); }

GD_INLINE double gd_log(double x)
{
    double f, e = gd_log_split(x, &f), q = gd_log_parts(e, f);
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

/* The leading half of a double's digits: the product of two such halves is exact. */
GD_INLINE double gd_leading(double x) { return gd_double_of(gd_bits_of_double(x) & ~0x7ffffffull); }

/* a b - product: what rounding took from a product (Dekker, 1971). */
GD_INLINE double gd_lost_in_product(double a, double b, double product)
{
#if GD_HAS_FMA
    return GD_FMA(a, b, -product);
#else
    double x = gd_leading(a), y = gd_leading(b);
    return ((x * y - product) + x * (b - y) + (a - x) * y) + (a - x) * (b - y);
#endif
}

/* x^y for finite x, times `sign` for x < 0: the caller says what (-1)^y is, 1, -1 or nan.
 * y log|x| is kept in two parts, for the exponential turns its absolute error into a relative one. */
GD_INLINE double gd_pow(double x, double y, double sign)
{
    double size = fabs(x), f, e = gd_log_split(size, &f), rest = gd_log_rest(e, f);
    double upper = e * 6.93147180369123816490e-01;
    double whole = upper + rest, high, low, r, r_low, n, half, q;
    rest = rest - (whole - upper); /* log|x| = whole + rest */
    high = gd_leading(y) * gd_leading(whole);
    low = gd_leading(y) * ((whole - gd_leading(whole)) + rest) + (y - gd_leading(y)) * whole;
    upper = high + low;
    rest = low - (upper - high);
    upper = upper > 710.0 ? 710.0 : upper;
    upper = upper < -746.0 ? -746.0 : upper;
    n = gd_reduce(upper, -0.0, &r, &r_low);
    half = (n * 0.5 + GD_MAGIC) - GD_MAGIC;
    q = 1.0 + gd_expm1_reduced(r, r_low);
    q = (q + q * rest) * gd_pow2(half) * gd_pow2(n - half);
    q = size == 0.0 ? (y > 0.0 ? 0.0 : (double)INFINITY) : q;
    q = y == 0.0 ? 1.0 : q;
    q = x < 0.0 ? sign * q : q;
    return x == x ? q : x;
}

GD_INLINE float gd_powf(float x, double y, double sign) { return (float)gd_pow((double)x, y, sign); }

GD_INLINE double gd_tail_factor(double t)
{
    double p = -7.2624198104095792767e-10;
    p = GD_FMA(p, t, -2.5220994578780735302e-9);
    p = GD_FMA(p, t, 1.9182770203733402626e-9);
    p = GD_FMA(p, t, 1.9619610861355559722e-8);
    p = GD_FMA(p, t, 1.3280797787310327831e-8);
    p = GD_FMA(p, t, -8.5408418156851249758e-8);
    p = GD_FMA(p, t, -1.5496491742247450466e-7);
    p = GD_FMA(p, t, 2.7180452962592835766e-7);
    p = GD_FMA(p, t, 1.0215540371961015334e-6);
    p = GD_FMA(p, t, -6.2969656058158233297e-7);
    p = GD_FMA(p, t, -5.9201733230161029169e-6);
    p = GD_FMA(p, t, 7.1666632452210311862e-7);
    p = GD_FMA(p, t, 3.514468605300346296e-5);
    p = GD_FMA(p, t, -1.9082584797734331084e-6);
    p = GD_FMA(p, t, -2.3109493516945901442e-4);
    p = GD_FMA(p, t, 1.3334431240964573657e-4);
    p = GD_FMA(p, t, 1.6308184575887011911e-3);
    p = GD_FMA(p, t, -3.4796923673935951504e-3);
    p = GD_FMA(p, t, -7.5401889667267915747e-3);
    p = GD_FMA(p, t, 0.060396574890936560689);
    p = GD_FMA(p, t, -0.1865218579596572468);
    p = GD_FMA(p, t, 0.38713740074221454099);
    return p;
}

GD_INLINE double gd_erf_factor(double z)
{
    double p = 5.9571761477489114044e-11;
    p = GD_FMA(p, z, -1.137284885679167367e-9);
    p = GD_FMA(p, z, 1.4659775274047435814e-8);
    p = GD_FMA(p, z, -1.6350312701054695011e-7);
    p = GD_FMA(p, z, 1.6461000484121368033e-6);
    p = GD_FMA(p, z, -1.4925595266831181565e-5);
    p = GD_FMA(p, z, 1.2055331111642710923e-4);
    p = GD_FMA(p, z, -8.5483269808337899052e-4);
    p = GD_FMA(p, z, 5.2239776248180144673e-3);
    p = GD_FMA(p, z, -0.026866170645076793248);
    p = GD_FMA(p, z, 0.11283791670954878666);
    p = GD_FMA(p, z, -0.37612638903183748056);
    p = GD_FMA(p, z, 0.12837916709551257377);
    return p;
}

GD_INLINE double gd_tanh_shrink_factor(double z, double *low)
{
    double p = -2.515502365938210575e-8;
    p = GD_FMA(p, z, 2.6330772232959334619e-7);
    p = GD_FMA(p, z, -1.3791814499083341601e-6);
    p = GD_FMA(p, z, 4.9877603175203466704e-6);
    p = GD_FMA(p, z, -1.4606131676715378477e-5);
    p = GD_FMA(p, z, 3.8389607893147333132e-5);
    p = GD_FMA(p, z, -9.646277743313181427e-5);
    p = GD_FMA(p, z, 2.389570522873822522e-4);
    p = GD_FMA(p, z, -5.8997929463000516564e-4);
    p = GD_FMA(p, z, 1.4558246920964941967e-3);
    p = GD_FMA(p, z, -3.5921266793663411995e-3);
    p = GD_FMA(p, z, 8.8632354045782824851e-3);
    p = GD_FMA(p, z, -0.021869488529129090127);
    p = GD_FMA(p, z, 0.053968253968046375855);
    p = GD_FMA(p, z, -0.13333333333333090074);
    p = gd_two_sum(0.33333333333333332859, p * z, low);
    *low += 1.3756325e-17; /* what rounding took from the 1/3 */
    return p;
}

/* ---- both ------------------------------------------------------------------------------------------- */

#define REAL float
#define FN(name) name##f
#define LOWER_HALF 0x00000fffu
#define BITS_OF gd_bits_of
#define REAL_OF gd_float_of
#define EXP_LIMIT 120.0f  /* e^-120 is 0 */
#define TAIL_LIMIT 15.0f  /* so is 15 Phi(-15), */
#define ERF_LIMIT 4.0f    /* and 1 - erf(4) nothing beside 1, */
#define MISH_LIMIT 20.0f  /* as 1/e^40 is, */
#define MISH_LOWEST -30.0f /* and 2^-60 */
#define TAIL_0 0.75528513054051997f
#define TAIL_0_LOW -1.3311714e-8f
#define TAIL_1 -0.60789665831501369f
#define TAIL_1_LOW 2.7285267e-8f
#define CUBE_LIMIT 12.0f
#define SQUARE_LIMIT 0x1p60f
#define SQUARE_SCALE 0x1p-66f
#define LINEAR_LOW -4.5340680e-8f
#define CUBIC_LOW 2.3988324e-9f
#define GD_TIMES_PLUS GD_FMAF
#include "gates.h"

#define REAL double
#define FN(name) name
#define LOWER_HALF 0x0000000007ffffffull
#define BITS_OF gd_bits_of_double
#define REAL_OF gd_double_of
#define EXP_LIMIT 760.0
#define TAIL_LIMIT 39.5
#define ERF_LIMIT 6.0
#define MISH_LIMIT 40.0
#define MISH_LOWEST -60.0
#define TAIL_0 0.75528513041575149327
#define TAIL_0_LOW -2.2272053e-17
#define TAIL_1 -0.60789664197189210759
#define TAIL_1_LOW -2.5418246e-17
#define CUBE_LIMIT 25.0
#define SQUARE_LIMIT 0x1p500
#define SQUARE_SCALE 0x1p-522
#define LINEAR_LOW -9.969308809e-17
#define CUBIC_LOW -6.175149918e-19
#define GD_TIMES_PLUS GD_FMA
#include "gates.h"

#endif
