/* What this machine can do at best, for the roofline of the benchmarks; and what this build was made with. */
#ifndef GDCORE_PROBE_H
#define GDCORE_PROBE_H

#include "kernels.h"

#if defined(__VERSION__)
#define GD_COMPILER __VERSION__
#else
#define GD_COMPILER "unknown"
#endif
#ifndef GD_FLAGS
#define GD_FLAGS ""
#endif

#ifdef __GNUC__
typedef gd_vec_f32 gd_probe_vec;
#define GD_PROBE_LANES ((Py_ssize_t)(GD_VECTOR_BYTES / sizeof(float)))
#define GD_OPAQUE(v) __asm__ volatile("" : : "m"(v) : "memory")
#else
typedef float gd_probe_vec;
#define GD_PROBE_LANES ((Py_ssize_t)1)
#define GD_OPAQUE(v) ((void)(v))
#endif

/* Enough independent chains to cover a latency of 4 to 6 cycles on two units, and few enough for 16 registers. */
#define GD_CHAINS 12

/* Runs `rounds` rounds of independent multiply-adds; returns how many floating point operations those were. */
static double gd_burn(Py_ssize_t rounds)
{
    gd_probe_vec c[GD_CHAINS], a = gd_splat_f32(0.999f), b = gd_splat_f32(0.001f);
    Py_ssize_t r;
    int k;
    for (k = 0; k < GD_CHAINS; k++) c[k] = gd_splat_f32((float)k);
    for (r = 0; r < rounds; r++)
        for (k = 0; k < GD_CHAINS; k++) c[k] = GD_VFMA_F32(c[k], a, b);
    GD_OPAQUE(c);
    return 2.0 * (double)rounds * GD_CHAINS * (double)GD_PROBE_LANES;
}

/* a = b + s c, the triad of McCalpin's STREAM */
static void gd_triad(Py_ssize_t n, float *a, const float *b, const float *c, float s)
{
    Py_ssize_t i;
    GD_INDEPENDENT
    for (i = 0; i < n; i++) a[i] = b[i] + s * c[i];
    GD_OPAQUE(*a);
}

#endif
