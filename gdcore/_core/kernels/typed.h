/* What exists for each type: included twice by kernels.h, with REAL, ACC (the wider type that sums are kept in),
 * VFMA(a, b, c) and NAME(x) defined.
 *
 * All matrices of a batch are stored feature-major: one feature of all rows is contiguous, padded to a multiple of
 * GD_LANES rows.  A layer with three units then still fills whole vectors. */

#ifdef __GNUC__
typedef REAL NAME(vec) __attribute__((vector_size(GD_VECTOR_BYTES), may_alias));
typedef ACC NAME(wide) __attribute__((vector_size(GD_VECTOR_BYTES / sizeof(REAL) * sizeof(ACC)), may_alias));
#define VL ((Py_ssize_t)(GD_VECTOR_BYTES / sizeof(REAL)))
#define WIDEN(v) __builtin_convertvector((v), NAME(wide))
#else
typedef REAL NAME(vec);
typedef ACC NAME(wide);
#define VL ((Py_ssize_t)1)
#define WIDEN(v) ((ACC)(v))
#endif

#ifdef __GNUC__
typedef REAL NAME(loose) __attribute__((vector_size(GD_VECTOR_BYTES), may_alias, aligned(sizeof(REAL))));
#else
typedef REAL NAME(loose);
#endif
#define LOAD(p) (*(const NAME(loose) *)(p))
#define STORE(p, v) (*(NAME(loose) *)(p) = (v))

/* s - 0 is s for every s, so that compilers reduce it to a broadcast */
GD_INLINE NAME(vec) NAME(splat)(REAL s) { NAME(vec) z; memset(&z, 0, sizeof z); return s - z; }

#include "reduce.h"
#include "transpose.h"
#include "matmul.h"
#include "direct.h"

#undef VL
#undef WIDEN
#undef LOAD
#undef STORE
