/* What descents look at after each step, and the peaks surface. */
#ifndef GDCORE_DESCENTS_H
#define GDCORE_DESCENTS_H

#include "config.h"
#include "vmath.h"

/* The peaks surface at (x, y): its value, and its gradient in u and v.  Few operations wait for the exponentials: all that
 * can be is computed beside them. */
#define GD_PEAKS(REAL, suffix, exp)                                                                 \
    GD_INLINE REAL gd_peak_##suffix(REAL x, REAL y, REAL *u, REAL *v)                               \
    {                                                                                               \
        const REAL one = 1, two_thirds = one * 2 / 3, third = one / 3, fifth = one / 5;             \
        REAL c = one - x, x2 = x * x, y2 = y * y, y4 = y2 * y2;                                     \
        REAL p = x * (fifth - x2) - y4 * y, q = 3 * (c * c);                                        \
        REAL e = exp(-x2 - (y + one) * (y + one)), f = exp(-x2 - y2);                               \
        REAL g = exp(-((x + one) * (x + one)) - y2);                                                \
        *u = (x + one) * two_thirds * g - (6 * c + 2 * x * q) * e - (2 - 30 * x2 - 20 * x * p) * f; \
        *v = y * two_thirds * g - 2 * (y + one) * q * e + (50 * y4 + 20 * y * p) * f;               \
        return q * e - 10 * p * f - third * g;                                                      \
    }                                                                                               \
    static void gd_peaks_##suffix(Py_ssize_t n, const REAL *x, const REAL *y, REAL *value, REAL *u, REAL *v) \
    {                                                                                               \
        Py_ssize_t i;                                                                               \
        GD_INDEPENDENT                                                                              \
        for (i = 0; i < n; i++) {                                                                   \
            REAL a, b;                                                                              \
            value[i] = gd_peak_##suffix(x[i], y[i], &a, &b);                                        \
            u[i] = a;                                                                               \
            v[i] = b;                                                                               \
        }                                                                                           \
    }
GD_PEAKS(float, f32, gd_expf)
GD_PEAKS(double, f64, gd_exp_falling)

/* What descents look at after each step, for many starts; no two arrays overlap, but for `best` as `to`.
 * gradient_norm: norm takes in another component of the gradient, nonfinite too, which is 0 where all is finite and nan elsewhere.
 * keep_better: what belongs to a value that is better than the best.  has_event: whether one that still runs has to stop. */
#define GD_DESCENTS(REAL, suffix, fabs)                                                                             \
    static void gd_gradient_norm_##suffix(Py_ssize_t n, const REAL *grad, REAL *norm, REAL *nonfinite)                    \
    {                                                                                                               \
        Py_ssize_t i;                                                                                               \
        GD_INDEPENDENT                                                                                              \
        for (i = 0; i < n; i++) {                                                                                   \
            REAL s = fabs(grad[i]);                                                                                \
            norm[i] = s > norm[i] ? s : norm[i];                                                                    \
            nonfinite[i] += grad[i] - grad[i];                                                                      \
        }                                                                                                           \
    }                                                                                                               \
    static void gd_keep_better_##suffix(Py_ssize_t n, const REAL *value, const REAL *nonfinite, const REAL *best,     \
                                        const REAL *from, REAL *to)                                                 \
    {                                                                                                               \
        Py_ssize_t i;                                                                                               \
        GD_INDEPENDENT                                                                                              \
        for (i = 0; i < n; i++) to[i] = value[i] + nonfinite[i] < best[i] ? from[i] : to[i];                          \
    }                                                                                                               \
    static int gd_has_event_##suffix(Py_ssize_t n, const REAL *norm, const REAL *nonfinite, const REAL *threshold)              \
    {                                                                                                               \
        Py_ssize_t i;                                                                                               \
        int event = 0;                                                                                               \
        for (i = 0; i < n; i++) event |= (norm[i] < threshold[i]) | ((nonfinite[i] != 0) & (threshold[i] >= 0));                 \
        return event;                                                                                                \
    }
GD_DESCENTS(float, f32, fabsf)
GD_DESCENTS(double, f64, fabs)

#endif
