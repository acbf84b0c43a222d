/* Functions whose accuracy needs numbers in two parts, mostly x times something between 0 and 1.
 * Included by vmath.h, once for each type. */

/* a b = the result + low, exactly (but for the last bits of low, where there is no fused multiply-add) */
GD_INLINE REAL FN(gd_two_product)(REAL a, REAL b, REAL *low)
{
    REAL product = a * b;
#if GD_HAS_FMA
    *low = GD_TIMES_PLUS(a, b, -product);
#else
    REAL a_high = REAL_OF(BITS_OF(a) & ~LOWER_HALF), a_low = a - a_high;
    REAL b_high = REAL_OF(BITS_OF(b) & ~LOWER_HALF), b_low = b - b_high;
    *low = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
#endif
    return product;
}

GD_INLINE REAL FN(gd_sqrt)(REAL x) { return FN(sqrt)(x); }

/* x 2^n for integer n down to twice the smallest exponent, with one rounding */
GD_INLINE REAL FN(gd_scale)(REAL x, REAL n)
{
    REAL half = FN(gd_half)(n);
    return x * FN(gd_pow2)(half) * FN(gd_pow2)(n - half);
}

/* e^(x - top) for x <= top, without the rounding of the difference */
GD_INLINE REAL FN(gd_exp_difference)(REAL x, REAL top)
{
    REAL low, d = FN(gd_two_sum)(x, -top, &low);
    return FN(gd_exp_sum)(d, d >= -EXP_LIMIT ? low : (REAL)-0.0);
}

/* log(1 + e^x) */
GD_INLINE REAL FN(gd_softplus)(REAL x)
{
    REAL e = FN(gd_exp)(-FN(fabs)(x)), upper = e > (REAL)0.41421356 ? (REAL)1 : (REAL)0;
    REAL rest = FN(gd_log_parts)(upper, upper > 0 ? (REAL)0.5 * (e - (REAL)1) : e);
    return (x > 0 ? x : (x <= 0 ? (REAL)0 : x)) + rest;
}

GD_INLINE REAL FN(gd_softplus_slope)(REAL x) { return FN(gd_sigmoid)(x); }

GD_INLINE REAL FN(gd_log_sigmoid)(REAL x) { return -FN(gd_softplus)(-x); }

GD_INLINE REAL FN(gd_log_sigmoid_slope)(REAL x) { return FN(gd_sigmoid)(-x); }

/* (x - top) - log_sum, without the rounding of the difference */
GD_INLINE REAL FN(gd_log_quotient)(REAL x, REAL top, REAL log_sum)
{
    REAL low, d = FN(gd_two_sum)(x, -top, &low), a = d - log_sum;
    return d > -(REAL)INFINITY ? a + low : a;
}

/* x / (1 + e^-(u + rest)), with e^-u = big * scale kept in two factors and divided out last */
GD_INLINE REAL FN(gd_gate)(REAL x, REAL u, REAL rest)
{
    REAL y = u < -EXP_LIMIT ? EXP_LIMIT : -u, r, low, n, half, big, inverse, one, sum, lost, q;
    y = y < -EXP_LIMIT ? -EXP_LIMIT : y;
    n = FN(gd_reduce)(y, -rest, &r, &low);
    half = FN(gd_half)(n);
    big = ((REAL)1 + FN(gd_expm1_reduced)(r, low)) * FN(gd_pow2)(half);
    inverse = FN(gd_pow2)(half - n);
    one = y > 0 ? inverse : big * FN(gd_pow2)(n - half); /* the smaller summand of the divisor */
    big = y > 0 ? big : (REAL)1;
    sum = big + one;
    lost = one - (sum - big);
    q = x / sum;
    q = lost == 0 ? q : q - q * (lost / sum);
    q = y > 0 ? q * inverse : q;
    return u < -EXP_LIMIT ? (REAL)-0.0 : q;
}

/* x sigmoid(x) */
GD_INLINE REAL FN(gd_silu)(REAL x) { return FN(gd_gate)(x, x, (REAL)0.0); }

GD_INLINE REAL FN(gd_silu_slope)(REAL x)
{
    REAL z = FN(fabs)(x), e = FN(gd_exp)(-z), large = (REAL)1 / ((REAL)1 + e), small = e / ((REAL)1 + e);
    z = z > EXP_LIMIT ? EXP_LIMIT : z; /* large and small are sigmoid(|x|) and sigmoid(-|x|) */
    return x >= 0 ? large * ((REAL)1 + z * small) : small * ((REAL)1 - z * large);
}

/* Phi(-y) = (q/y) (factor + factor_low) e^(-y^2/2) for y > 0, where q + q_low = y/(y + 4) */
GD_INLINE REAL FN(gd_tail)(REAL y, REAL *factor_low, REAL *q_low, REAL *inverse)
{
    REAL sum, lost, q, a, a_low, t, t_low, p, rest;
    sum = FN(gd_two_sum)(y, (REAL)4, &lost);
    *inverse = (REAL)1 / sum;
    q = y * *inverse;
    a = FN(gd_two_product)(q, sum, &a_low);
    *q_low = (((y - a) - a_low) - q * lost) * *inverse;
    t = FN(gd_two_sum)((REAL)2 * q, (REAL)-1, &t_low);
    t_low += (REAL)2 * *q_low;
    rest = t * FN(gd_tail_factor)(t);
    p = FN(gd_two_sum)(TAIL_1, rest, &a_low);
    rest = t * (a_low + TAIL_1_LOW) + t_low * (p + rest) + TAIL_0_LOW;
    a = FN(gd_two_product)(t, p, &a_low);
    rest += a_low;
    a = FN(gd_two_sum)(TAIL_0, a, factor_low);
    *factor_low += rest;
    return a;
}

/* -y^2/2 = n ln 2 + r + low, from the exact square of y's upper half */
GD_INLINE REAL FN(gd_reduce_square)(REAL y, REAL *r, REAL *low)
{
    REAL high = REAL_OF(BITS_OF(y) & ~LOWER_HALF);
    return FN(gd_reduce)((REAL)-0.5 * high * high, (REAL)-0.5 * (y - high) * (y + high), r, low);
}

/* x Phi(x), from y Phi(-y) with y = |x| */
GD_INLINE REAL FN(gd_gelu)(REAL x)
{
    REAL y = FN(fabs)(x), factor, factor_low, p, n, inverse, q, q_low, a, a_low;
    y = y > TAIL_LIMIT ? TAIL_LIMIT : y;
    factor = FN(gd_tail)(y, &factor_low, &q_low, &inverse);
    q = y * inverse;
    a = FN(gd_two_product)(q, factor, &a_low);
    a_low += q * factor_low + q_low * factor;
    n = FN(gd_reduce_square)(y, &p, &q_low);
    p = FN(gd_expm1_reduced)(p, q_low);
    a = FN(gd_scale)(a + (a_low + a * p), n);
    return x >= 0 ? x - a : -a;
}

/* Phi(x) + x phi(x) */
GD_INLINE REAL FN(gd_gelu_slope)(REAL x)
{
    REAL y = FN(fabs)(x), factor, factor_low, q_low, inverse, r, low, n, a;
    y = y > TAIL_LIMIT ? TAIL_LIMIT : y;
    factor = FN(gd_tail)(y, &factor_low, &q_low, &inverse);
    n = FN(gd_reduce_square)(y, &r, &low);
    a = factor * inverse - y * (REAL)0.39894228040143267794; /* 1/sqrt(2 pi) */
    a = FN(gd_scale)(a + a * FN(gd_expm1_reduced)(r, low), n);
    return x >= 0 ? (REAL)1 - a : a;
}

/* 2/sqrt(pi) times the integral of e^-t^2 from 0 to x */
GD_INLINE REAL FN(gd_erf)(REAL x)
{
    REAL y = FN(fabs)(x), z, high, factor, low, q_low, p, n, inverse, a;
    y = y > ERF_LIMIT ? ERF_LIMIT : y;
    z = y < (REAL)1 ? y : (REAL)1;
    factor = FN(gd_tail)(y * (REAL)1.4142135623730950488, &low, &q_low, &inverse);
    high = REAL_OF(BITS_OF(y) & ~LOWER_HALF);
    n = FN(gd_reduce)(-high * high, -(y - high) * (y + high), &p, &low);
    p = FN(gd_expm1_reduced)(p, low);
    a = (REAL)2 * factor * inverse;
    a = (REAL)1 - (a + a * p) * FN(gd_pow2)(n);
    a = y < (REAL)1 ? y + y * FN(gd_erf_factor)(z * z) : a;
    return FN(copysign)(a, x);
}

/* u + low = 2 sqrt(2/pi) (x + 0.044715 x^3); where |x| is above CUBE_LIMIT, of CUBE_LIMIT */
GD_INLINE REAL FN(gd_gelu_cube)(REAL x, REAL *low)
{
    const REAL linear = (REAL)1.59576912160573071176, cubic = (REAL)0.07135481627260024878;
    REAL h, h_low, c, c_low, u;
    x = x > CUBE_LIMIT ? CUBE_LIMIT : x;
    x = x < -CUBE_LIMIT ? -CUBE_LIMIT : x;
    h = FN(gd_two_product)(x, x, &h_low);
    c = FN(gd_two_product)(cubic, h, &c_low);
    c_low += cubic * h_low + CUBIC_LOW * h;
    h = FN(gd_two_sum)(linear, c, &h_low);
    h_low += c_low + LINEAR_LOW;
    u = FN(gd_two_product)(h, x, &c_low);
    *low = c_low + h_low * x;
    return u;
}

/* x (1 + tanh(u/2)) / 2 = x sigmoid(u) with the u above */
GD_INLINE REAL FN(gd_gelu_tanh)(REAL x)
{
    REAL low, u = FN(gd_gelu_cube)(x, &low);
    return FN(gd_gate)(x, u, low);
}

GD_INLINE REAL FN(gd_gelu_tanh_slope)(REAL x)
{
    REAL low, u = FN(gd_gelu_cube)(x, &low), e, large, small, z = FN(fabs)(x);
    e = FN(gd_exp_sum)(-FN(fabs)(u), x < 0 ? low : -low);
    large = (REAL)1 / ((REAL)1 + e); /* sigmoid(|u|) and sigmoid(-|u|) */
    small = e / ((REAL)1 + e);
    z = z > CUBE_LIMIT ? CUBE_LIMIT : z;
    u = z * ((REAL)1.5957691216057307118 + (REAL)0.21406444881780076134 * (z * z)); /* x du/dx */
    return x >= 0 ? large * ((REAL)1 + small * u) : small * ((REAL)1 - large * u);
}

/* x tanh(log(1 + e^x)) = x v/(v + 2) with v = e^x (e^x + 2), each in two parts */
GD_INLINE REAL FN(gd_mish)(REAL x)
{
    REAL z = x > MISH_LIMIT ? MISH_LIMIT : x, r, low, n, m, p, e, e_low, s, s_low, v, v_low, d, d_low, inverse, q;
    z = z < -EXP_LIMIT ? -EXP_LIMIT : z;
    n = FN(gd_reduce)(z, (REAL)-0.0, &r, &low);
    p = FN(gd_expm1_reduced)(r, low);
    m = n < MISH_LOWEST ? MISH_LOWEST : n; /* below it the quotient is e^x, whose exponent comes last */
    e = (REAL)1 + p;
    e_low = (p - (e - (REAL)1)) * FN(gd_pow2)(m);
    e = e * FN(gd_pow2)(m);
    s = FN(gd_two_sum)(e, (REAL)2, &s_low);
    s_low += e_low;
    v = FN(gd_two_product)(e, s, &v_low);
    v_low += e * s_low + e_low * s;
    d = FN(gd_two_sum)(v, (REAL)2, &d_low);
    d_low += v_low;
    inverse = (REAL)1 / d;
    q = v * inverse;
    s = FN(gd_two_product)(q, d, &s_low);
    q = q + (((v - s) - s_low) + (v_low - q * d_low)) * inverse;
    return x < -EXP_LIMIT ? (REAL)-0.0 : FN(gd_scale)(x * q, n - m);
}

GD_INLINE REAL FN(gd_mish_slope)(REAL x)
{
    REAL z = x > MISH_LIMIT ? MISH_LIMIT : x, e, v, d;
    z = z < -EXP_LIMIT ? -EXP_LIMIT : z;
    e = FN(gd_exp)(z);
    v = e * (e + (REAL)2);
    d = v + (REAL)2;
    return (v + z * (((REAL)4 * e * (e + (REAL)1)) / d)) / d;
}

/* x - tanh x, for larger |x| from |x| - 1 and 1 - tanh |x| */
GD_INLINE REAL FN(gd_tanh_shrink)(REAL x)
{
    REAL y = FN(fabs)(x), z = y < (REAL)1 ? y : (REAL)1, square, low, factor, factor_low, a, a_low, large;
    large = (y - (REAL)1) + (REAL)2 * FN(gd_sigmoid)((REAL)-2 * y);
    square = FN(gd_two_product)(z, z, &low);
    factor = FN(gd_tanh_shrink_factor)(square, &factor_low);
    a = FN(gd_two_product)(square, factor, &a_low);
    a = z * a + z * (a_low + low * factor + square * factor_low);
    return FN(copysign)(y < (REAL)1 ? a : large, x);
}

GD_INLINE REAL FN(gd_tanh_shrink_slope)(REAL x)
{
    REAL t = FN(gd_tanh)(x);
    return t * t;
}

/* sqrt(x^2 + b); a large x is scaled before it is squared, and the root back */
GD_INLINE REAL FN(gd_root_of_sum)(REAL x, REAL b)
{
    REAL scale = FN(fabs)(x) > SQUARE_LIMIT ? SQUARE_SCALE : (REAL)1, y = x * scale;
    return FN(sqrt)(y * y + b * scale * scale) / scale;
}

/* (x + sqrt(x^2 + b)) / 2; where x is negative and that cancels, the b/4 it makes with (sqrt(x^2 + b) - x) / 2 */
GD_INLINE REAL FN(gd_squareplus)(REAL x, REAL b)
{
    REAL scale = FN(fabs)(x) > SQUARE_LIMIT ? SQUARE_SCALE : (REAL)1, y = x * scale;
    REAL square, square_low, sum, sum_low, root, root_low, d, d_low, q;
    square = FN(gd_two_product)(y, y, &square_low);
    sum = FN(gd_two_sum)(square, b * scale * scale, &sum_low);
    root = FN(sqrt)(sum);
    square_low += sum_low;
    square = FN(gd_two_product)(root, root, &sum_low);
    root_low = ((sum - square) - sum_low + square_low) / (sum > 0 ? (REAL)2 * root : (REAL)1);
    scale = (REAL)0.5 / scale;
    d = FN(gd_two_sum)(root * scale, (REAL)0.5 * FN(fabs)(x), &d_low);
    d_low = d < INFINITY ? d_low + root_low * scale : (REAL)0;
    q = (REAL)0.25 * b / d;
    return x >= 0 ? d + d_low : q - q * (d_low / d);
}

#undef REAL
#undef FN
#undef LOWER_HALF
#undef BITS_OF
#undef REAL_OF
#undef EXP_LIMIT
#undef TAIL_LIMIT
#undef TAIL_0
#undef TAIL_0_LOW
#undef TAIL_1
#undef TAIL_1_LOW
#undef ERF_LIMIT
#undef MISH_LIMIT
#undef MISH_LOWEST
#undef CUBE_LIMIT
#undef SQUARE_LIMIT
#undef SQUARE_SCALE
#undef LINEAR_LOW
#undef CUBIC_LOW
#undef GD_TIMES_PLUS
