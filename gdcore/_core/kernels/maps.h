/* Elementwise functions over arrays, and what their derivatives are multiplied by. */
#ifndef GDCORE_MAPS_H
#define GDCORE_MAPS_H

#include "config.h"
#include "vmath.h"

/* y[i] = f(x[i]); x and y may be the same array, which compilers cannot know without being told. */
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

#endif
