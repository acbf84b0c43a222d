/* Everything that knows the instruction set's widths, and every constant that was tuned, with its unit and its reason. */
#ifndef GDCORE_CONFIG_H
#define GDCORE_CONFIG_H

#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- widths ------------------------------------------------------------------------------------------ */

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


/* The iterations of the loop that follows are independent, which compilers cannot know without being told. */
#if defined(__clang__)
#define GD_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define GD_INDEPENDENT _Pragma("GCC ivdep")
#else
#define GD_INDEPENDENT
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


/* ---- tuned ------------------------------------------------------------------------------------------- */

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
#define GD_DIRECT_UNITS 12
#define GD_DIRECT_INPUTS 96
#define GD_DIRECT_ROWS 2048
#define GD_DIRECT_WORK 5e5

/* Tiles of a product fill the registers: 8 rows by 3 vectors of 32, or 4 by 3 of 16. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define GD_REGISTERS 32
#else
#define GD_REGISTERS 16
#endif


/* Terms of a sum that a product packs at a time: two panels of them, of up to 8 rows, stay in a second-level cache. */
#define GD_PACKED 1024

/* Values that the pieces of a batch may have together: they stay in a second-level cache of 512 kB (in float32), yet a
 * piece is long enough (at least GD_PIECE_ROWS rows) to amortise reading the weights, and never longer than
 * GD_PIECE_MOST rows. */
#define GD_PIECE_VALUES 131072
#define GD_PIECE_ROWS 128
#define GD_PIECE_MOST 4096

/* Multiply-adds between two looks at the signals: some milliseconds.  A piece of a batch is shorter than GD_PIECE_WORK of
 * them, so that Ctrl-C is answered within a second. */
#define GD_SIGNAL_WORK 2e7
#define GD_PIECE_WORK 1000000000

/* What a row costs beside its parameters, in multiply-adds. */
#define GD_ROW_WORK 20

/* Numbers of an update from which several threads share it: waking one takes as long as some thousand numbers. */
#define GD_THREADED_UPDATE 32768

/* Values from which several threads look for nan and inf. */
#define GD_THREADED_CHECK 200000

/* Strides of a multiple of so many values put all features into the same few sets of a first-level cache. */
#define GD_CONFLICTS 256

/* Bytes of rows up to which a prediction takes the short way. */
#define GD_SHORT_BYTES 65536

/* The part-th of so many near-equal pieces of 0..n begins here. */
#define GD_SHARE(n, part, parts) ((Py_ssize_t)(n) * (part) / (parts))

#endif
