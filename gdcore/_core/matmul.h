/* The three matrix products of a dense layer, for one type: included twice by kernels.h, with REAL, ACC
 * (the wider type sums are kept in), VFMA(a, b, c) and NAME(x) defined.
 *
 * All matrices of a batch are stored feature-major: one feature of all rows is contiguous, padded to a
 * multiple of GD_LANES rows.  A layer with three units then still fills whole vectors.  This file and
 * vmath.h are the only ones that know the machine.
 */

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

#define LOAD(p) (*(const NAME(vec) *)(p))
#define STORE(p, v) (*(NAME(vec) *)(p) = (v))

/* s - 0 is s for every s, so that compilers reduce it to a broadcast */
GD_INLINE NAME(vec) NAME(splat)(REAL s) { NAME(vec) z; memset(&z, 0, sizeof z); return s - z; }

/* c[j, :m] = bias[j] + sum_k w[k*sk + j*sj] * a[k, :m]   (bias may be NULL; rows of a and c are m apart) */
static void NAME(affine)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *w, Py_ssize_t sk, Py_ssize_t sj,
                         const REAL *bias, const REAL *a, REAL *c)
{
    Py_ssize_t i, j, k;
    for (j = 0; j + 4 <= J; j += 4) {
        const REAL *w0 = w + j * sj, *w1 = w0 + sj, *w2 = w1 + sj, *w3 = w2 + sj;
        REAL b0 = bias ? bias[j] : 0, b1 = bias ? bias[j + 1] : 0, b2 = bias ? bias[j + 2] : 0,
             b3 = bias ? bias[j + 3] : 0;
        for (i = 0; i + 2 * VL <= m; i += 2 * VL) {
            NAME(vec) c00 = NAME(splat)(b0), c10 = NAME(splat)(b1), c20 = NAME(splat)(b2), c30 = NAME(splat)(b3);
            NAME(vec) c01 = c00, c11 = c10, c21 = c20, c31 = c30;
            const REAL *ak = a + i;
            for (k = 0; k < K; k++, ak += m) {
                NAME(vec) x0 = LOAD(ak), x1 = LOAD(ak + VL);
                NAME(vec) s0 = NAME(splat)(w0[k * sk]), s1 = NAME(splat)(w1[k * sk]);
                NAME(vec) s2 = NAME(splat)(w2[k * sk]), s3 = NAME(splat)(w3[k * sk]);
                c00 = VFMA(x0, s0, c00); c01 = VFMA(x1, s0, c01);
                c10 = VFMA(x0, s1, c10); c11 = VFMA(x1, s1, c11);
                c20 = VFMA(x0, s2, c20); c21 = VFMA(x1, s2, c21);
                c30 = VFMA(x0, s3, c30); c31 = VFMA(x1, s3, c31);
            }
            STORE(c + j * m + i, c00); STORE(c + j * m + i + VL, c01);
            STORE(c + (j + 1) * m + i, c10); STORE(c + (j + 1) * m + i + VL, c11);
            STORE(c + (j + 2) * m + i, c20); STORE(c + (j + 2) * m + i + VL, c21);
            STORE(c + (j + 3) * m + i, c30); STORE(c + (j + 3) * m + i + VL, c31);
        }
        for (; i < m; i += VL) {
            NAME(vec) c0 = NAME(splat)(b0), c1 = NAME(splat)(b1), c2 = NAME(splat)(b2), c3 = NAME(splat)(b3);
            const REAL *ak = a + i;
            for (k = 0; k < K; k++, ak += m) {
                NAME(vec) x0 = LOAD(ak);
                c0 = VFMA(x0, NAME(splat)(w0[k * sk]), c0);
                c1 = VFMA(x0, NAME(splat)(w1[k * sk]), c1);
                c2 = VFMA(x0, NAME(splat)(w2[k * sk]), c2);
                c3 = VFMA(x0, NAME(splat)(w3[k * sk]), c3);
            }
            STORE(c + j * m + i, c0);
            STORE(c + (j + 1) * m + i, c1);
            STORE(c + (j + 2) * m + i, c2);
            STORE(c + (j + 3) * m + i, c3);
        }
    }
    for (; j < J; j++) {
        const REAL *w0 = w + j * sj;
        REAL b0 = bias ? bias[j] : 0;
        for (i = 0; i < m; i += VL) {
            NAME(vec) c0 = NAME(splat)(b0);
            const REAL *ak = a + i;
            for (k = 0; k < K; k++, ak += m) c0 = VFMA(LOAD(ak), NAME(splat)(w0[k * sk]), c0);
            STORE(c + j * m + i, c0);
        }
    }
}

GD_INLINE REAL NAME(across)(NAME(vec) v)
{
    REAL lane[sizeof v / sizeof(REAL)];
    Py_ssize_t h = VL / 2, l;
    memcpy(lane, &v, sizeof v);
    for (; h > 0; h /= 2)
        for (l = 0; l < h; l++) lane[l] += lane[l + h];
    return lane[0];
}

/* dw[k*J + j] += sum_i a[k, i] * d[j, i] */
static void NAME(outer)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *a, const REAL *d, REAL *dw)
{
    Py_ssize_t i, j, k;
    for (k = 0; k < K; k++) {
        const REAL *ak = a + k * m;
        for (j = 0; j + 4 <= J; j += 4) {
            const REAL *d0 = d + j * m, *d1 = d0 + m, *d2 = d1 + m, *d3 = d2 + m;
            NAME(vec) c0 = NAME(splat)(0), c1 = c0, c2 = c0, c3 = c0;
            for (i = 0; i < m; i += VL) {
                NAME(vec) x = LOAD(ak + i);
                c0 = VFMA(x, LOAD(d0 + i), c0);
                c1 = VFMA(x, LOAD(d1 + i), c1);
                c2 = VFMA(x, LOAD(d2 + i), c2);
                c3 = VFMA(x, LOAD(d3 + i), c3);
            }
            dw[k * J + j] += NAME(across)(c0);
            dw[k * J + j + 1] += NAME(across)(c1);
            dw[k * J + j + 2] += NAME(across)(c2);
            dw[k * J + j + 3] += NAME(across)(c3);
        }
        for (; j < J; j++) {
            const REAL *d0 = d + j * m;
            NAME(vec) c0 = NAME(splat)(0);
            for (i = 0; i < m; i += VL) c0 = VFMA(LOAD(ak + i), LOAD(d0 + i), c0);
            dw[k * J + j] += NAME(across)(c0);
        }
    }
}

/* db[j] += sum_i d[j, i] */
static void NAME(row_sums)(Py_ssize_t m, Py_ssize_t J, const REAL *d, REAL *db)
{
    Py_ssize_t i, j;
    for (j = 0; j < J; j++) {
        NAME(vec) c0 = NAME(splat)(0);
        for (i = 0; i < m; i += VL) c0 += LOAD(d + j * m + i);
        db[j] += NAME(across)(c0);
    }
}

/* sum_i u[i] * v[i] over m rows, kept in the wider type */
static ACC NAME(weighted_sum)(Py_ssize_t m, const REAL *u, const REAL *v)
{
    NAME(wide) s;
    ACC lane[sizeof s / sizeof(ACC)], total = 0;
    Py_ssize_t i, l;
    memset(&s, 0, sizeof s);
    for (i = 0; i < m; i += VL) s += WIDEN(LOAD(u + i)) * WIDEN(LOAD(v + i));
    memcpy(lane, &s, sizeof s);
    for (l = 0; l < VL; l++) total += lane[l];
    return total;
}

#undef VL
#undef WIDEN
#undef LOAD
#undef STORE
