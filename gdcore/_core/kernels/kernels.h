/* The kernels that depend on the instruction set: vector math and matrix products, for float and double.
 * One source, compiled once for each instruction set (see setup.py). */
#ifndef GDCORE_KERNELS_H
#define GDCORE_KERNELS_H

#include "config.h"
#include "vmath.h"
#include "alloc.h"
#include "threads.h"

#define REAL float
#define ACC double
#define VFMA GD_VFMA_F32
#ifdef GD_SHUFFLES
#define INTERLEAVE_LOW(a, b) GD_INTERLEAVE_F32(LOW, a, b)
#define INTERLEAVE_HIGH(a, b) GD_INTERLEAVE_F32(HIGH, a, b)
#endif
#define NAME(x) gd_##x##_f32
#include "typed.h"
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
#include "typed.h"
#undef REAL
#undef ACC
#undef VFMA
#undef NAME

#include "maps.h"
#include "descents.h"
#include "philox.h"

#endif
