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

#ifdef __GNUC__
typedef REAL NAME(loose) __attribute__((vector_size(GD_VECTOR_BYTES), may_alias, aligned(sizeof(REAL))));
#else
typedef REAL NAME(loose);
#endif
#define LOAD(p) (*(const NAME(loose) *)(p))
#define STORE(p, v) (*(NAME(loose) *)(p) = (v))

/* s - 0 is s for every s, so that compilers reduce it to a broadcast */
GD_INLINE NAME(vec) NAME(splat)(REAL s) { NAME(vec) z; memset(&z, 0, sizeof z); return s - z; }

/* A tile: MR rows by NV vectors of c, kept in registers over the whole sum:
 *     c[r, :] = start + sum_k w[k*sk + r*sr] * a[k, :]
 * where start is bias[r], or what is in c where bias is c, or 0 where it is NULL.  Each number of c is one chain
 * of multiply-adds in the order of k, whatever the tile: the cut into tiles, or among threads, changes no bit. */
#define GD_DECLARE1(r) NAME(vec) c##r##0 = NAME(start)(bias, c, r, r * ldc);
#define GD_DECLARE2(r) GD_DECLARE1(r) NAME(vec) c##r##1 = NAME(start)(bias, c, r, r * ldc + VL);
#define GD_DECLARE3(r) GD_DECLARE2(r) NAME(vec) c##r##2 = NAME(start)(bias, c, r, r * ldc + 2 * VL);
#define GD_STEP1(r) { NAME(vec) s = NAME(splat)(w[r * sr]); c##r##0 = VFMA(x0, s, c##r##0); }
#define GD_STEP2(r) { NAME(vec) s = NAME(splat)(w[r * sr]); c##r##0 = VFMA(x0, s, c##r##0); c##r##1 = VFMA(x1, s, c##r##1); }
#define GD_STEP3(r) { NAME(vec) s = NAME(splat)(w[r * sr]); c##r##0 = VFMA(x0, s, c##r##0); c##r##1 = VFMA(x1, s, c##r##1); c##r##2 = VFMA(x2, s, c##r##2); }
#define GD_SAVE1(r) STORE(c + r * ldc, c##r##0);
#define GD_SAVE2(r) GD_SAVE1(r) STORE(c + r * ldc + VL, c##r##1);
#define GD_SAVE3(r) GD_SAVE2(r) STORE(c + r * ldc + 2 * VL, c##r##2);
#define GD_LOAD1 NAME(vec) x0 = LOAD(a);
#define GD_LOAD2 GD_LOAD1 NAME(vec) x1 = LOAD(a + VL);
#define GD_LOAD3 GD_LOAD2 NAME(vec) x2 = LOAD(a + 2 * VL);
#define GD_ROWS1(X) X(0)
#define GD_ROWS2(X) GD_ROWS1(X) X(1)
#define GD_ROWS3(X) GD_ROWS2(X) X(2)
#define GD_ROWS4(X) GD_ROWS3(X) X(3)
#define GD_ROWS5(X) GD_ROWS4(X) X(4)
#define GD_ROWS6(X) GD_ROWS5(X) X(5)
#define GD_ROWS7(X) GD_ROWS6(X) X(6)
#define GD_ROWS8(X) GD_ROWS7(X) X(7)

GD_INLINE NAME(vec) NAME(start)(const REAL *bias, const REAL *c, Py_ssize_t r, Py_ssize_t at)
{
    return bias == c ? LOAD(c + at) : NAME(splat)(bias ? bias[r] : 0);
}

#define GD_TILE(MR, NV)                                                                                      \
    static void NAME(tile##MR##NV)(Py_ssize_t K, const REAL *w, Py_ssize_t sk, Py_ssize_t sr, const REAL *bias, \
                                   const REAL *a, Py_ssize_t lda, REAL *c, Py_ssize_t ldc)                   \
    {                                                                                                        \
        Py_ssize_t k;                                                                                        \
        GD_ROWS##MR(GD_DECLARE##NV)                                                                          \
        for (k = 0; k < K; k++, w += sk, a += lda) { GD_LOAD##NV GD_ROWS##MR(GD_STEP##NV) }                  \
        GD_ROWS##MR(GD_SAVE##NV)                                                                             \
    }
#define GD_TILES(MR) GD_TILE(MR, 1) GD_TILE(MR, 2) GD_TILE(MR, 3)

typedef void (*NAME(tile))(Py_ssize_t, const REAL *, Py_ssize_t, Py_ssize_t, const REAL *, const REAL *, Py_ssize_t,
                           REAL *, Py_ssize_t);
GD_TILES(1) GD_TILES(2) GD_TILES(3) GD_TILES(4)
#if GD_REGISTERS == 32
#define GD_MOST_ROWS 8
GD_TILES(5) GD_TILES(6) GD_TILES(7) GD_TILES(8)
#else
#define GD_MOST_ROWS 4
#endif

static const NAME(tile) NAME(tiles)[GD_MOST_ROWS][3] = {
#define GD_ENTRY(MR) {NAME(tile##MR##1), NAME(tile##MR##2), NAME(tile##MR##3)}
    GD_ENTRY(1), GD_ENTRY(2), GD_ENTRY(3), GD_ENTRY(4),
#if GD_REGISTERS == 32
    GD_ENTRY(5), GD_ENTRY(6), GD_ENTRY(7), GD_ENTRY(8),
#endif
};

/* c[r, :n] = start + sum_k w[k*sk + r*sr] * a[k, :n] for R rows; n is a whole number of vectors. */
typedef struct {
    Py_ssize_t R, n, K;
    const REAL *w;
    Py_ssize_t sk, sr;
    const REAL *bias;
    int add; /* to what is in c */
    const REAL *a;
    Py_ssize_t lda;
    REAL *c;
    Py_ssize_t ldc;
} NAME(product);

/* The part-th of so many near-equal pieces of 0..n begins here. */
#ifndef GD_SHARE
#define GD_SHARE(n, part, parts) ((Py_ssize_t)(n) * (part) / (parts))
#endif

static void NAME(product_part)(void *context, int part, int parts)
{
    const NAME(product) *p = context;
    Py_ssize_t panels = (p->R + GD_MOST_ROWS - 1) / GD_MOST_ROWS, blocks = (p->n / VL + 2) / 3;
    Py_ssize_t t, last = GD_SHARE(panels * blocks, part + 1, parts), packed = -1;
    REAL panel[GD_MOST_ROWS * 1024];
    for (t = GD_SHARE(panels * blocks, part, parts); t < last; t++) {
        /* panels and blocks of near-equal size, so that no tile is left with a single row or vector */
        Py_ssize_t r = GD_SHARE(p->R, t / blocks, panels), rows = GD_SHARE(p->R, t / blocks + 1, panels) - r;
        Py_ssize_t v = GD_SHARE(p->n / VL, t % blocks, blocks), vectors = GD_SHARE(p->n / VL, t % blocks + 1, blocks) - v;
        const REAL *w = p->w + r * p->sr;
        REAL *c = p->c + r * p->ldc + v * VL;
        Py_ssize_t sk = p->sk, sr = p->sr;
        if (blocks > 1 && sr == 1 && p->K > 64 && p->K <= 1024) { /* rows of w far apart: once through them is enough */
            if (packed != t / blocks) {
                Py_ssize_t k; /* of whole width, which is quicker; at the end of w this must not read beyond it */
                size_t bytes = (r + GD_MOST_ROWS <= p->R ? GD_MOST_ROWS : rows) * sizeof(REAL);
                if (bytes == GD_MOST_ROWS * sizeof(REAL))
                    for (k = 0; k < p->K; k++)
                        memcpy(panel + k * GD_MOST_ROWS, w + k * sk, GD_MOST_ROWS * sizeof(REAL));
                else
                    for (k = 0; k < p->K; k++) memcpy(panel + k * GD_MOST_ROWS, w + k * sk, bytes);
                packed = t / blocks;
            }
            w = panel;
            sk = GD_MOST_ROWS;
        }
        NAME(tiles)[rows - 1][vectors - 1](p->K, w, sk, sr, p->add ? c : (p->bias ? p->bias + r : NULL),
                                           p->a + v * VL, p->lda, c, p->ldc);
    }
}

static void NAME(multiply)(const NAME(product) *p)
{
    double work = (double)p->R * p->n * p->K;
    gd_run(NAME(product_part), (void *)p, gd_parts(work >= GD_THREADED_WORK));
}

/* c[j, :m] = bias[j] + sum_k w[k*sk + j*sj] * a[k, :m]   (bias may be NULL; rows of a and c are m apart) */
static void NAME(affine)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *w, Py_ssize_t sk, Py_ssize_t sj,
                         const REAL *bias, const REAL *a, REAL *c)
{
    NAME(product) p = {J, m, K, w, sk, sj, bias, 0, a, m, c, m};
    NAME(multiply)(&p);
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

/* The transpose of a block of VL rows and VL columns, in registers: log2(VL) perfect shuffles of its rows. */
GD_INLINE void NAME(turn)(const NAME(vec) *rows, NAME(vec) *columns)
{
#ifdef INTERLEAVE_LOW
    NAME(vec) here[sizeof(NAME(vec)) / sizeof(REAL)], there[sizeof(NAME(vec)) / sizeof(REAL)];
    Py_ssize_t l, half;
    memcpy(here, rows, sizeof here);
    for (half = VL; half > 1; half /= 2) {
        for (l = 0; l < VL / 2; l++) {
            there[2 * l] = INTERLEAVE_LOW(here[l], here[l + VL / 2]);
            there[2 * l + 1] = INTERLEAVE_HIGH(here[l], here[l + VL / 2]);
        }
        memcpy(here, there, sizeof here);
    }
    memcpy(columns, here, sizeof here);
#else
    Py_ssize_t l, i;
    for (l = 0; l < VL; l++)
        for (i = 0; i < VL; i++) ((REAL *)columns)[i * VL + l] = ((const REAL *)rows)[l * VL + i];
#endif
}

/* out[k*ldo + r] = in[r][k] for VL rows r, n columns k; more rows of out than n are not touched */
static void NAME(turn_rows)(const REAL *const *in, Py_ssize_t n, REAL *out, Py_ssize_t ldo)
{
    NAME(vec) rows[sizeof(NAME(vec)) / sizeof(REAL)], columns[sizeof(NAME(vec)) / sizeof(REAL)];
    Py_ssize_t k, l;
    for (k = 0; k + VL <= n; k += VL) {
        for (l = 0; l < VL; l++) rows[l] = LOAD(in[l] + k);
        NAME(turn)(rows, columns);
        for (l = 0; l < VL; l++) STORE(out + (k + l) * ldo, columns[l]);
    }
    for (; k < n; k++)
        for (l = 0; l < VL; l++) out[k * ldo + l] = in[l][k];
}

/* out[r*J + j] = a[j*m + r] for n rows r */
static void NAME(ungather)(const REAL *a, Py_ssize_t m, Py_ssize_t J, Py_ssize_t n, REAL *out)
{
    const REAL *units[sizeof(NAME(vec)) / sizeof(REAL)];
    Py_ssize_t j, l, r;
    for (j = 0; j + VL <= J; j += VL) {
        for (l = 0; l < VL; l++) units[l] = a + (j + l) * m;
        NAME(turn_rows)(units, n, out + j, J);
    }
    for (r = 0; j < J && r < n; r++)
        for (l = j; l < J; l++) out[r * J + l] = a[l * m + r];
}

/* out[k*m + r] = x[row(r), k] for m rows, r from n on repeating the first; row(r) is order[first + r], or that number
 * itself.  While a block of rows is turned the next is on its way from memory, and `last` is the end of what may come. */
typedef struct {
    const REAL *x;
    Py_ssize_t width;
    const int64_t *order;
    Py_ssize_t first, n, m, last;
    REAL *out;
} NAME(gathering);

static void NAME(gather_part)(void *context, int part, int parts)
{
    const NAME(gathering) *p = context;
    const REAL *rows[sizeof(NAME(vec)) / sizeof(REAL)], *coming[sizeof(NAME(vec)) / sizeof(REAL)];
    Py_ssize_t blocks = p->m / VL, end = GD_SHARE(blocks, part + 1, parts), b, l, k, r;
    for (b = GD_SHARE(blocks, part, parts); b < end; b++) {
        for (l = 0; l < VL; l++) {
            r = p->first + (b * VL + l < p->n ? b * VL + l : 0);
            rows[l] = p->x + (p->order ? p->order[r] : r) * p->width;
            /* after this part's last block comes its first of the next batch */
            r = b + 1 < end ? r + VL : p->first + p->n + GD_SHARE(blocks, part, parts) * VL + l;
            r = r < p->last ? r : p->last - 1;
            coming[l] = p->x + (p->order ? p->order[r] : r) * p->width;
        }
        for (k = 0; k + VL <= p->width; k += VL) {
            NAME(vec) block[sizeof(NAME(vec)) / sizeof(REAL)], turned[sizeof(NAME(vec)) / sizeof(REAL)];
            for (l = 0; l < VL; l++) {
                block[l] = LOAD(rows[l] + k);
                GD_PREFETCH(coming[l] + k);
            }
            NAME(turn)(block, turned);
            for (l = 0; l < VL; l++) STORE(p->out + (k + l) * p->m + b * VL, turned[l]);
        }
        for (; k < p->width; k++)
            for (l = 0; l < VL; l++) p->out[k * p->m + b * VL + l] = rows[l][k];
    }
}

static void NAME(gather)(const REAL *x, Py_ssize_t width, const int64_t *order, Py_ssize_t first, Py_ssize_t n,
                         Py_ssize_t m, Py_ssize_t last, REAL *out)
{
    NAME(gathering) p = {x, width, order, first, n, m, last, out};
    gd_run(NAME(gather_part), &p, gd_parts((double)m * width >= GD_THREADED_WORK / 16));
}

/* dw[k*J + j] += sum_i a[k, i] * d[j, i], one dot product for each */
static void NAME(outer_small)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *a, const REAL *d, REAL *dw)
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

typedef struct {
    Py_ssize_t m, J, padded;
    const REAL *d;
    REAL *turned;
} NAME(turning);

static void NAME(turning_part)(void *context, int part, int parts)
{
    const NAME(turning) *p = context;
    const REAL *rows[sizeof(NAME(vec)) / sizeof(REAL)];
    static const REAL zeros[sizeof(NAME(vec)) / sizeof(REAL)] = {0};
    Py_ssize_t panels = p->padded / VL, last = GD_SHARE(panels, part + 1, parts), t, l, i;
    for (t = GD_SHARE(panels, part, parts); t < last; t++) {
        if ((t + 1) * VL <= p->J) {
            for (l = 0; l < VL; l++) rows[l] = p->d + (t * VL + l) * p->m;
            NAME(turn_rows)(rows, p->m, p->turned + t * VL, p->padded);
            continue;
        }
        for (i = 0; i < p->m; i += VL) { /* the last, with rows of zeros */
            for (l = 0; l < VL; l++) rows[l] = t * VL + l < p->J ? p->d + (t * VL + l) * p->m + i : zeros;
            NAME(turn_rows)(rows, VL, p->turned + i * p->padded + t * VL, p->padded);
        }
    }
}

/* What is left of the rows of dw behind the whole vectors, less than a vector; p->n says where it begins. */
static void NAME(rest_part)(void *context, int part, int parts)
{
    const NAME(product) *p = context;
    REAL tile[GD_MOST_ROWS * sizeof(NAME(vec)) / sizeof(REAL)];
    Py_ssize_t panels = (p->R + GD_MOST_ROWS - 1) / GD_MOST_ROWS, end = GD_SHARE(panels, part + 1, parts), t, i, j;
    for (t = GD_SHARE(panels, part, parts); t < end; t++) {
        Py_ssize_t r = GD_SHARE(p->R, t, panels), rows = GD_SHARE(p->R, t + 1, panels) - r;
        REAL *c = p->c + r * p->ldc;
        if (p->n == 0 && t + 1 < end) {
            /* Rows shorter than a vector, one behind the other: each is stored over what the one before it wrote
             * into it, which was its own old values and nothing that counts. */
            NAME(tiles)[rows - 1][0](p->K, p->w + r * p->sr, p->sk, p->sr, p->add ? c : NULL, p->a, p->lda, c, p->ldc);
            continue;
        }
        NAME(tiles)[rows - 1][0](p->K, p->w + r * p->sr, p->sk, p->sr, NULL, p->a + p->n, p->lda, tile, VL);
        for (i = 0; i < rows; i++)
            for (j = p->n; j < p->ldc; j++)
                c[i * p->ldc + j] = (p->add ? c[i * p->ldc + j] : 0) + tile[i * VL + j - p->n];
    }
}

/* dw[k*J + j] = sum_i a[k, i] * d[j, i], or added to it; scratch holds m * (J rounded up to GD_LANES) values */
static void NAME(outer)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *a, const REAL *d, int add, REAL *dw,
                        REAL *scratch)
{
    Py_ssize_t padded = (J + VL - 1) / VL * VL, whole = J / VL * VL;
    int parts = gd_parts((double)m * K * J >= GD_THREADED_WORK);
    if (2 * J < VL || K < 4) {
        if (!add) memset(dw, 0, K * J * sizeof(REAL));
        NAME(outer_small)(m, K, J, a, d, dw);
        return;
    }
    /* with d turned, the values of a stand for the weights of a layer whose inputs are the rows of the batch */
    NAME(turning) turning = {m, J, padded, d, scratch};
    NAME(product) p = {K, whole, m, a, 1, m, NULL, add, scratch, padded, dw, J};
    gd_run(NAME(turning_part), &turning, parts);
    if (whole) NAME(multiply)(&p);
    if (whole < J) gd_run(NAME(rest_part), &p, parts);
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
#undef GD_MOST_ROWS
#undef GD_ENTRY
#undef LOAD
#undef STORE
