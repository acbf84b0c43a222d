/* The kernels that depend on the instruction set: vector math and matrix products, for float and double.
 * One source, compiled once for each instruction set (see setup.py). */
#ifndef GDCORE_KERNELS_H
#define GDCORE_KERNELS_H

#include <Python.h>
#include <stdlib.h>
#include "vmath.h"

/* Rows of a batch are padded to a multiple of this, in both types: a whole vector on every machine. */
#define GD_LANES 16
#define GD_ALIGNMENT 64

#if defined(__AVX512F__)
#define GD_VECTOR_BYTES 64
#elif defined(__AVX__)
#define GD_VECTOR_BYTES 32
#else
#define GD_VECTOR_BYTES 16
#endif

/* Whole vectors have no portable fused multiply-add, and contraction is off (see vmath.h). */
#if defined(__AVX512F__)
#include <immintrin.h>
#define GD_VFMA_F32(a, b, c) ((gd_vec_f32)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define GD_VFMA_F64(a, b, c) ((gd_vec_f64)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#elif defined(__AVX__) && defined(__FMA__)
#include <immintrin.h>
#define GD_VFMA_F32(a, b, c) ((gd_vec_f32)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define GD_VFMA_F64(a, b, c) ((gd_vec_f64)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#elif defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>
#define GD_VFMA_F32(a, b, c) ((gd_vec_f32)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define GD_VFMA_F64(a, b, c) ((gd_vec_f64)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#else
#define GD_VFMA_F32(a, b, c) ((a) * (b) + (c))
#define GD_VFMA_F64(a, b, c) ((a) * (b) + (c))
#endif

#include <stdint.h>
#include "threads.h"

#ifdef __GNUC__
#define GD_HINT 3
#define GD_PREFETCH(p) __builtin_prefetch(p, 0, GD_HINT)
#else
#define GD_PREFETCH(p) ((void)(p))
#endif

/* Multiply-adds from which it pays to wake other threads: some ten microseconds of work for one of them. */
#define GD_THREADED_WORK 1e6

/* A first layer of so many units at most, on rows of so many inputs at least, reads the caller's rows where they lie, if
 * the workspace holds no more rows than that. */
#define GD_FEW_UNITS 12
#define GD_WIDE_INPUTS 96
#define GD_FEW_MOST 2048
#define GD_FEW_WORK 5e5

/* Tiles of a product fill the registers: 8 rows by 3 vectors of 32, or 4 by 3 of 16. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define GD_REGISTERS 32
#else
#define GD_REGISTERS 16
#endif

/* (a0, b0, a1, b1, ...) of the lower and upper halves of two vectors */
#define GD_LOW_2 0, 2
#define GD_HIGH_2 1, 3
#define GD_LOW_4 0, 4, 1, 5
#define GD_HIGH_4 2, 6, 3, 7
#define GD_LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define GD_HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define GD_LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define GD_HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define GD_SHUFFLES
#endif
#endif
#if GD_VECTOR_BYTES == 64
#define GD_INTERLEAVE_F32(half, a, b) __builtin_shufflevector(a, b, GD_##half##_16)
#define GD_INTERLEAVE_F64(half, a, b) __builtin_shufflevector(a, b, GD_##half##_8)
#elif GD_VECTOR_BYTES == 32
#define GD_INTERLEAVE_F32(half, a, b) __builtin_shufflevector(a, b, GD_##half##_8)
#define GD_INTERLEAVE_F64(half, a, b) __builtin_shufflevector(a, b, GD_##half##_4)
#else
#define GD_INTERLEAVE_F32(half, a, b) __builtin_shufflevector(a, b, GD_##half##_4)
#define GD_INTERLEAVE_F64(half, a, b) __builtin_shufflevector(a, b, GD_##half##_2)
#endif

#define REAL float
#define ACC double
#define VFMA GD_VFMA_F32
#ifdef GD_SHUFFLES
#define INTERLEAVE_LOW(a, b) GD_INTERLEAVE_F32(LOW, a, b)
#define INTERLEAVE_HIGH(a, b) GD_INTERLEAVE_F32(HIGH, a, b)
#endif
#define NAME(x) gd_##x##_f32
#include "matmul.h"
#undef REAL
#undef VFMA
#undef NAME
#undef INTERLEAVE_LOW
#undef INTERLEAVE_HIGH

#define REAL double
#define VFMA GD_VFMA_F64
#ifdef GD_SHUFFLES
#define INTERLEAVE_LOW(a, b) GD_INTERLEAVE_F64(LOW, a, b)
#define INTERLEAVE_HIGH(a, b) GD_INTERLEAVE_F64(HIGH, a, b)
#endif
#define NAME(x) gd_##x##_f64
#include "matmul.h"
#undef REAL
#undef ACC
#undef VFMA
#undef NAME

/* y[i] = f(x[i]); x and y may be the same array, which compilers cannot know without being told. */
#if defined(__clang__)
#define GD_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define GD_INDEPENDENT _Pragma("GCC ivdep")
#else
#define GD_INDEPENDENT
#endif
#define GD_MAP(name)                                                                \
    static void gd_map_##name##_f32(Py_ssize_t n, const float *x, float *y)         \
    {                                                                               \
        Py_ssize_t i;                                                               \
        GD_INDEPENDENT                                                              \
        for (i = 0; i < n; i++) y[i] = gd_##name##f(x[i]);                          \
    }                                                                               \
    static void gd_map_##name##_f64(Py_ssize_t n, const double *x, double *y)       \
    {                                                                               \
        Py_ssize_t i;                                                               \
        GD_INDEPENDENT                                                              \
        for (i = 0; i < n; i++) y[i] = gd_##name(x[i]);                             \
    }
#define GD_ALL_MAPS(X) \
    X(exp) X(log) X(log1p) X(expm1) X(sqrt) X(sigmoid) X(tanh) X(erf) X(relu) X(silu) X(softplus) \
    X(log_sigmoid) X(gelu) X(gelu_tanh) X(mish) X(tanh_shrink)
GD_ALL_MAPS(GD_MAP)

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
 * steepest: size takes in another component of the gradient, trouble too, which is 0 where all is finite and nan elsewhere.
 * keep_better: what belongs to a value that is better than the best.  news: whether one that still runs has to stop. */
#define GD_DESCENTS(REAL, suffix, fabs)                                                                             \
    static void gd_steepest_##suffix(Py_ssize_t n, const REAL *slope, REAL *size, REAL *trouble)                    \
    {                                                                                                               \
        Py_ssize_t i;                                                                                               \
        GD_INDEPENDENT                                                                                              \
        for (i = 0; i < n; i++) {                                                                                   \
            REAL s = fabs(slope[i]);                                                                                \
            size[i] = s > size[i] ? s : size[i];                                                                    \
            trouble[i] += slope[i] - slope[i];                                                                      \
        }                                                                                                           \
    }                                                                                                               \
    static void gd_keep_better_##suffix(Py_ssize_t n, const REAL *value, const REAL *trouble, const REAL *best,     \
                                        const REAL *from, REAL *to)                                                 \
    {                                                                                                               \
        Py_ssize_t i;                                                                                               \
        GD_INDEPENDENT                                                                                              \
        for (i = 0; i < n; i++) to[i] = value[i] + trouble[i] < best[i] ? from[i] : to[i];                          \
    }                                                                                                               \
    static int gd_news_##suffix(Py_ssize_t n, const REAL *size, const REAL *trouble, const REAL *gate)              \
    {                                                                                                               \
        Py_ssize_t i;                                                                                               \
        int news = 0;                                                                                               \
        for (i = 0; i < n; i++) news |= (size[i] < gate[i]) | ((trouble[i] != 0) & (gate[i] >= 0));                 \
        return news;                                                                                                \
    }
GD_DESCENTS(float, f32, fabsf)
GD_DESCENTS(double, f64, fabs)

/* d[i] = d[i] f'(x[i]) */
#define GD_SLOPE(name)                                                                        \
    static void gd_times_##name##_slope_f32(Py_ssize_t n, const float *x, float *d)           \
    {                                                                                         \
        Py_ssize_t i;                                                                         \
        GD_INDEPENDENT                                                                        \
        for (i = 0; i < n; i++) d[i] = d[i] * gd_##name##_slopef(x[i]);                       \
    }                                                                                         \
    static void gd_times_##name##_slope_f64(Py_ssize_t n, const double *x, double *d)         \
    {                                                                                         \
        Py_ssize_t i;                                                                         \
        GD_INDEPENDENT                                                                        \
        for (i = 0; i < n; i++) d[i] = d[i] * gd_##name##_slope(x[i]);                        \
    }
GD_SLOPE(silu)
GD_SLOPE(softplus)
GD_SLOPE(log_sigmoid)
GD_SLOPE(gelu)
GD_SLOPE(gelu_tanh)
GD_SLOPE(mish)
GD_SLOPE(tanh_shrink)

/* The map of that name, or NULL. */
typedef void (*gd_map_f32)(Py_ssize_t, const float *, float *);
typedef void (*gd_map_f64)(Py_ssize_t, const double *, double *);
#define GD_IF_NAMED_F32(name) if (!strcmp(wanted, #name)) return gd_map_##name##_f32;
#define GD_IF_NAMED_F64(name) if (!strcmp(wanted, #name)) return gd_map_##name##_f64;
static gd_map_f32 gd_find_map_f32(const char *wanted) { GD_ALL_MAPS(GD_IF_NAMED_F32) return NULL; }
static gd_map_f64 gd_find_map_f64(const char *wanted) { GD_ALL_MAPS(GD_IF_NAMED_F64) return NULL; }

#include "philox.h"

static void *gd_alloc(size_t bytes)
{
    void *p = NULL;
#ifdef _MSC_VER
    p = _aligned_malloc(bytes ? bytes : 1, GD_ALIGNMENT);
#else
    if (posix_memalign(&p, GD_ALIGNMENT, bytes ? bytes : 1)) return NULL;
#endif
    return p;
}

static void gd_free(void *p)
{
#ifdef _MSC_VER
    _aligned_free(p);
#else
    free(p);
#endif
}

#endif
