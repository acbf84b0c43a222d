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
#define GD_ROWS9(X) GD_ROWS8(X) X(8)
#define GD_ROWS10(X) GD_ROWS9(X) X(9)

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

/* panel[k*GD_MOST_ROWS + i] = w[k*sk + i] for two panels of rows, which lie in the same lines of memory; there is less
 * than a whole panel to be read for the last rows. */
static void NAME(pack)(Py_ssize_t K, const REAL *w, Py_ssize_t sk, Py_ssize_t second, Py_ssize_t left, REAL *panel, REAL *other)
{
    const size_t whole = GD_MOST_ROWS * sizeof(REAL);
    Py_ssize_t k;
    if (left >= second + GD_MOST_ROWS)
        for (k = 0; k < K; k++, w += sk) {
            memcpy(panel + k * GD_MOST_ROWS, w, whole);
            memcpy(other + k * GD_MOST_ROWS, w + second, whole);
        }
    else
        for (k = 0; k < K; k++, w += sk) {
            memcpy(panel + k * GD_MOST_ROWS, w, left >= GD_MOST_ROWS ? whole : left * sizeof(REAL));
            memcpy(other + k * GD_MOST_ROWS, w + second, left > second ? (left - second) * sizeof(REAL) : 0);
        }
}

/* What a part does is some blocks of one or more pairs of panels: the second panel finds a block in a cache.  Panels and
 * blocks are of near-equal size, so that no tile is left with a single row or vector. */
#define GD_PACKED 1024 /* terms of a sum at a time */
static void NAME(product_part)(void *context, int part, int parts)
{
    const NAME(product) *p = context;
    Py_ssize_t panels = (p->R + GD_MOST_ROWS - 1) / GD_MOST_ROWS, blocks = (p->n / VL + 2) / 3, pairs = (panels + 1) / 2;
    Py_ssize_t t, last = GD_SHARE(pairs * blocks, part + 1, parts), end, pair, i, b, k;
    int packs = blocks > 1 && p->sr == 1 && p->K > 64; /* rows of w far apart: once through them is enough */
    REAL panel[2][GD_MOST_ROWS * GD_PACKED];
    for (t = GD_SHARE(pairs * blocks, part, parts); t < last; t = end) {
        pair = t / blocks;
        end = last < (pair + 1) * blocks ? last : (pair + 1) * blocks;
        for (k = 0; k < p->K; k += GD_PACKED) {
            Py_ssize_t first = GD_SHARE(p->R, 2 * pair, panels), K = p->K - k < GD_PACKED ? p->K - k : GD_PACKED;
            if (packs)
                NAME(pack)(K, p->w + first + k * p->sk, p->sk, GD_SHARE(p->R, 2 * pair + 1, panels) - first,
                           p->R - first, panel[0], panel[1]);
            for (b = t - pair * blocks; b < end - pair * blocks; b++) {
                Py_ssize_t v = GD_SHARE(p->n / VL, b, blocks), vectors = GD_SHARE(p->n / VL, b + 1, blocks) - v;
                for (i = 2 * pair; i < 2 * pair + 2 && i < panels; i++) {
                    Py_ssize_t r = GD_SHARE(p->R, i, panels), rows = GD_SHARE(p->R, i + 1, panels) - r;
                    REAL *c = p->c + r * p->ldc + v * VL;
                    NAME(tiles)[rows - 1][vectors - 1](K, packs ? panel[i - 2 * pair] : p->w + r * p->sr + k * p->sk,
                                                       packs ? GD_MOST_ROWS : p->sk, p->sr,
                                                       k || p->add ? c : p->bias ? p->bias + r : NULL,
                                                       p->a + v * VL + k * p->lda, p->lda, c, p->ldc);
                }
            }
        }
    }
}

static void NAME(multiply)(const NAME(product) *p)
{
    /* a part for each two panels, so that threads come to their ends together, and each panel is packed once */
    int parts = gd_parts((double)p->R * p->n * p->K >= GD_THREADED_WORK);
    int pairs = (int)((p->R + 2 * GD_MOST_ROWS - 1) / (2 * GD_MOST_ROWS));
    if (parts > 1 && parts < pairs) parts = pairs;
    gd_run(NAME(product_part), (void *)p, parts);
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
    Py_ssize_t panels = (p->J + VL - 1) / VL, last = GD_SHARE(panels, part + 1, parts), t, l, i;
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

/* dw[k*J + j] = sum_i a[k, i] * d[j, i], or added to it; scratch holds m values for each of J, padded
 * as rows of a batch are */
static void NAME(outer)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *a, const REAL *d, int add, REAL *dw,
                        REAL *scratch)
{
    /* rows of scratch must not lie a multiple of 256 apart, where they would share a few sets of a cache */
    Py_ssize_t padded = (J + VL - 1) / VL * VL + (J % 256 ? 0 : GD_LANES), whole = J / VL * VL;
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

/* Layers of few units on wide rows of the caller's: rows are read where they lie, once forward and once back, and no
 * batch of them is gathered.  The kernel and its gradient are turned instead, units by inputs, so that whole vectors of
 * inputs are worked with.  Sums over inputs then have a lane for each VL-th of them; sums over rows go row by row. */
typedef struct {
    const REAL *x;
    Py_ssize_t width;
    const int64_t *order;
    Py_ssize_t first, n, m, last; /* as for gathering */
    Py_ssize_t J;                 /* units */
    const REAL *w;                /* (width, J) */
    REAL *turned;                 /* (J, pad), behind the inputs 0 */
    Py_ssize_t pad;
    REAL *z, *more;               /* (J, m): the sums over the first half of the inputs, and over the second */
    const REAL *d;                /* (J, m) */
    int add;
    REAL *dw;
} NAME(few);

GD_INLINE const REAL *NAME(row_of)(const NAME(few) *p, Py_ssize_t r) { return p->x + (p->order ? p->order[r] : r) * p->width; }

/* lane l is the sum over v[l] */
GD_INLINE NAME(vec) NAME(sums)(const NAME(vec) *v)
{
    Py_ssize_t l;
#ifdef INTERLEAVE_LOW
    NAME(vec) a[16];
    for (l = 0; l < VL; l++) a[l] = v[l];
#define GD_FOLD(half) \
    for (l = 0; 2 * half <= VL && l < half; l++) a[l] = INTERLEAVE_LOW(a[l], a[l + half]) + INTERLEAVE_HIGH(a[l], a[l + half]);
    GD_FOLD(8) GD_FOLD(4) GD_FOLD(2) GD_FOLD(1)
    return a[0];
#else
    NAME(vec) all;
    for (l = 0; l < VL; l++) ((REAL *)&all)[l] = NAME(across)(v[l]);
    return all;
#endif
}

/* The first n of a vector, then 0. */
GD_INLINE NAME(vec) NAME(some)(const REAL *p, Py_ssize_t n)
{
    NAME(vec) v = NAME(splat)(0);
    memcpy(&v, p, n * sizeof(REAL));
    return v;
}

/* sum[j*VL + r] = the products of rows x[r] with units w + j*pad, lane by lane, for some rows and NJ units; meanwhile
 * every other of the rows `coming` is fetched. */
#if !defined(__GNUC__)
#define GD_FEW_ROWS 1
#define GD_DOT_ROWS(X) X(0)
#define GD_DOT_FETCH(k)
#elif GD_REGISTERS == 32 && GD_VECTOR_BYTES > 16
#define GD_FEW_ROWS 4
#define GD_DOT_ROWS(X) X(0) X(1) X(2) X(3)
#define GD_DOT_FETCH(k) GD_PREFETCH(coming[0] + k); GD_PREFETCH(coming[2] + k);
#else
#define GD_FEW_ROWS 2
#define GD_DOT_ROWS(X) X(0) X(1)
#define GD_DOT_FETCH(k) GD_PREFETCH(coming[0] + k);
#endif
#define GD_DOT_DECLARE1(r) NAME(vec) c##r##0 = NAME(splat)(0);
#define GD_DOT_DECLARE2(r) GD_DOT_DECLARE1(r) NAME(vec) c##r##1 = c##r##0;
#define GD_DOT_DECLARE3(r) GD_DOT_DECLARE2(r) NAME(vec) c##r##2 = c##r##0;
#define GD_DOT_DECLARE4(r) GD_DOT_DECLARE3(r) NAME(vec) c##r##3 = c##r##0;
#define GD_DOT_DECLARE5(r) GD_DOT_DECLARE4(r) NAME(vec) c##r##4 = c##r##0;
#define GD_DOT_MULTIPLY1(r) c##r##0 = VFMA(x##r, w0, c##r##0);
#define GD_DOT_MULTIPLY2(r) GD_DOT_MULTIPLY1(r) c##r##1 = VFMA(x##r, w1, c##r##1);
#define GD_DOT_MULTIPLY3(r) GD_DOT_MULTIPLY2(r) c##r##2 = VFMA(x##r, w2, c##r##2);
#define GD_DOT_MULTIPLY4(r) GD_DOT_MULTIPLY3(r) c##r##3 = VFMA(x##r, w3, c##r##3);
#define GD_DOT_MULTIPLY5(r) GD_DOT_MULTIPLY4(r) c##r##4 = VFMA(x##r, w4, c##r##4);
#define GD_DOT_SAVE1(r) sum[r] = c##r##0;
#define GD_DOT_SAVE2(r) GD_DOT_SAVE1(r) sum[VL + r] = c##r##1;
#define GD_DOT_SAVE3(r) GD_DOT_SAVE2(r) sum[2 * VL + r] = c##r##2;
#define GD_DOT_SAVE4(r) GD_DOT_SAVE3(r) sum[3 * VL + r] = c##r##3;
#define GD_DOT_SAVE5(r) GD_DOT_SAVE4(r) sum[4 * VL + r] = c##r##4;
#define GD_DOT_LOAD1 NAME(vec) w0 = LOAD(w + k);
#define GD_DOT_LOAD2 GD_DOT_LOAD1 NAME(vec) w1 = LOAD(w + pad + k);
#define GD_DOT_LOAD3 GD_DOT_LOAD2 NAME(vec) w2 = LOAD(w + 2 * pad + k);
#define GD_DOT_LOAD4 GD_DOT_LOAD3 NAME(vec) w3 = LOAD(w + 3 * pad + k);
#define GD_DOT_LOAD5 GD_DOT_LOAD4 NAME(vec) w4 = LOAD(w + 4 * pad + k);
#define GD_DOT_WHOLE(r) NAME(vec) x##r = LOAD(x[r] + k);
#define GD_DOT_PART(r) NAME(vec) x##r = NAME(some)(x[r] + k, K - k);
#define GD_DOT(NJ)                                                                                               \
    static void NAME(dot##NJ)(Py_ssize_t K, const REAL *const *x, const REAL *const *coming, const REAL *w,      \
                              Py_ssize_t pad, NAME(vec) *sum)                                                    \
    {                                                                                                            \
        Py_ssize_t k = 0;                                                                                        \
        GD_DOT_ROWS(GD_DOT_DECLARE##NJ)                                                                          \
        GD_DOT_FETCH(0)                                                                                          \
        for (; k + VL <= K; k += VL) {                                                                           \
            GD_DOT_FETCH(k + VL - 1)                                                                             \
            GD_DOT_LOAD##NJ GD_DOT_ROWS(GD_DOT_WHOLE) GD_DOT_ROWS(GD_DOT_MULTIPLY##NJ)                           \
        }                                                                                                        \
        if (k < K) { GD_DOT_LOAD##NJ GD_DOT_ROWS(GD_DOT_PART) GD_DOT_ROWS(GD_DOT_MULTIPLY##NJ) }                 \
        GD_DOT_ROWS(GD_DOT_SAVE##NJ)                                                                             \
    }
GD_DOT(1) GD_DOT(3) GD_DOT(5)

/* Into how many groups of at most `most` units J go, and how many each has: where that does not divide J, the last group
 * begins earlier, with units that the one before it had too. */
#define GD_GROUP(J, most) ((J) < 3 ? 1 : (J) < 5 ? 3 : (J) < (most) ? 5 : (most))
#define GD_GROUPS(J, size) (((J) + (size) - 1) / (size))

/* turned[j*pad + k] = kernel[k*J + j] for inputs from..to-1 of K, and 0 behind K */
static void NAME(turn_kernel)(Py_ssize_t from, Py_ssize_t to, Py_ssize_t K, Py_ssize_t J, const REAL *kernel, REAL *turned,
                              Py_ssize_t pad)
{
    NAME(vec) block[sizeof(NAME(vec)) / sizeof(REAL)], columns[sizeof(NAME(vec)) / sizeof(REAL)];
    REAL tail[(sizeof(NAME(vec)) / sizeof(REAL) + 1) * GD_FEW_UNITS + sizeof(NAME(vec)) / sizeof(REAL)];
    Py_ssize_t k, j, l;
    for (k = from; k < to; k += VL) {
        const REAL *w = kernel + k * J;
        if (k + 2 * VL > K) { /* nothing may be read behind the end */
            memset(tail, 0, sizeof tail);
            memcpy(tail, w, (K - k < VL ? K - k : VL) * J * sizeof(REAL));
            w = tail;
        }
        for (j = 0; j < J; j += VL) {
            for (l = 0; l < VL; l++) block[l] = LOAD(w + l * J + j);
            NAME(turn)(block, columns);
            for (l = 0; l < VL && j + l < J; l++) STORE(turned + (j + l) * pad + k, columns[l]);
        }
    }
}

/* Each half of the inputs has a sum of its own, whatever the number of threads, and as far as possible a thread of its
 * own too: the one that has seen these inputs of the rows on the way forward. */
#define GD_HALF(K, half) ((half) == 0 ? 0 : (half) == 1 ? ((K) / 2 + GD_LANES - 1) / GD_LANES * GD_LANES : (K))

static void NAME(few_forward_part)(void *context, int part, int parts)
{
    const NAME(few) *p = context;
    Py_ssize_t size = GD_GROUP(p->J, 5), groups = GD_GROUPS(p->J, size), b, l, g, j, r;
    void (*dot)(Py_ssize_t, const REAL *const *, const REAL *const *, const REAL *, Py_ssize_t, NAME(vec) *) =
        size == 1 ? NAME(dot1) : size == 3 ? NAME(dot3) : NAME(dot5);
    const REAL *rows[sizeof(NAME(vec)) / sizeof(REAL)], *coming[sizeof(NAME(vec)) / sizeof(REAL)];
    NAME(vec) sum[GD_FEW_UNITS * sizeof(NAME(vec)) / sizeof(REAL)];
    for (; part < 2; part += parts) {
        Py_ssize_t from = GD_HALF(p->width, part), to = GD_HALF(p->width, part + 1);
        REAL *z = part ? p->more : p->z;
        NAME(turn_kernel)(from, to, p->width, p->J, p->w, p->turned, p->pad);
        for (b = 0; b < p->m / VL; b++) {
            for (l = 0; l < VL; l++) {
                rows[l] = NAME(row_of)(p, p->first + (b * VL + l < p->n ? b * VL + l : 0)) + from;
                r = p->first + p->n + b * VL + l; /* of the next batch */
                coming[l] = NAME(row_of)(p, r < p->last ? r : p->first) + from;
            }
            for (l = 0; l < VL; l += GD_FEW_ROWS)
                for (g = 0; g < groups; g++) {
                    j = (g + 1) * size <= p->J ? g * size : p->J - size;
                    dot(to - from, rows + l, coming + l, p->turned + j * p->pad + from, p->pad, sum + j * VL + l);
                }
            for (j = 0; j < p->J; j++) STORE(z + j * p->m + b * VL, NAME(sums)(sum + j * VL));
        }
    }
}

/* z[j*m + r] = bias[j] + sum_k x[row(r), k] w[k*J + j], rows as for gather.  turned gets the kernel, units by inputs, pad
 * from one unit to the next; more has room for another z. */
static void NAME(few_forward)(const REAL *x, Py_ssize_t K, const int64_t *order, Py_ssize_t first, Py_ssize_t n,
                              Py_ssize_t m, Py_ssize_t last, Py_ssize_t J, const REAL *w, const REAL *bias,
                              REAL *turned, Py_ssize_t pad, REAL *z, REAL *more)
{
    NAME(few) p = {x, K, order, first, n, m, last, J, w, turned, pad, z, more, NULL, 0, NULL};
    Py_ssize_t i, j;
    gd_run(NAME(few_forward_part), &p, gd_parts((double)m * K * J >= GD_FEW_WORK) > 1 ? 2 : 1);
    for (j = 0; j < J; j++) {
        NAME(vec) b = NAME(splat)(bias ? bias[j] : 0);
        for (i = j * m; i < (j + 1) * m; i += VL) STORE(z + i, LOAD(z + i) + LOAD(more + i) + b);
    }
}

/* c: for MR units the sums over rows of w[i] times two vectors of the row, which begin at a and b; meanwhile those of
 * every other of the rows `coming` are fetched */
#define GD_MOST_SUMS (GD_FEW_UNITS + (Py_ssize_t)(sizeof(NAME(vec)) / sizeof(REAL)))
#define GD_BACK_SAVE(r) STORE(c + (GD_MOST_SUMS + r) * VL, c##r##1);
#define GD_BACK(MR)                                                                                                  \
    static void NAME(back##MR)(Py_ssize_t n, const REAL *const *rows, const REAL *const *coming, Py_ssize_t a,       \
                               Py_ssize_t b, const REAL *w, Py_ssize_t sr, REAL *c)                                  \
    {                                                                                                                \
        const REAL *bias = NULL;                                                                                     \
        const Py_ssize_t ldc = VL;                                                                                   \
        Py_ssize_t i;                                                                                                \
        GD_ROWS##MR(GD_DECLARE2)                                                                                     \
        for (i = 0; i < n; i++, w++) {                                                                               \
            NAME(vec) x0 = LOAD(rows[i] + a), x1 = LOAD(rows[i] + b);                                                \
            GD_PREFETCH(coming[i | 1] + (i & 1 ? a : b) + VL - 1);                                                   \
            GD_ROWS##MR(GD_STEP2)                                                                                    \
        }                                                                                                            \
        GD_ROWS##MR(GD_SAVE1)                                                                                        \
        GD_ROWS##MR(GD_BACK_SAVE)                                                                                    \
    }
GD_BACK(1) GD_BACK(3) GD_BACK(5)
#if GD_REGISTERS == 32
#define GD_BACK_UNITS 10
GD_BACK(10)
#else
#define GD_BACK_UNITS 5
#endif

static void NAME(few_back_part)(void *context, int part, int parts)
{
    const NAME(few) *p = context;
    Py_ssize_t J = p->J, K = p->width, size = GD_GROUP(J, GD_BACK_UNITS), groups = GD_GROUPS(J, size);
    Py_ssize_t k, end, h, r, g, j, l;
    void (*back)(Py_ssize_t, const REAL *const *, const REAL *const *, Py_ssize_t, Py_ssize_t, const REAL *, Py_ssize_t,
                 REAL *) = size == 1 ? NAME(back1) : size == 3 ? NAME(back3) :
#if GD_BACK_UNITS == 10
        size == 10 ? NAME(back10) :
#endif
        NAME(back5);
    const REAL *rows[GD_FEW_MOST + 1], *coming[GD_FEW_MOST + 1];
    NAME(vec) sum[2][GD_MOST_SUMS], columns[GD_MOST_SUMS]; /* units by inputs, and inputs by units */
    REAL tail[GD_MOST_SUMS * sizeof(NAME(vec)) / sizeof(REAL)];
    memset(sum, 0, sizeof sum);
    for (r = 0; r <= p->n; r++) {
        Py_ssize_t next = p->first + p->n + r;
        rows[r] = NAME(row_of)(p, p->first + (r < p->n ? r : 0));
        coming[r] = NAME(row_of)(p, next < p->last ? next : p->first);
        if (r & 1) GD_PREFETCH(coming[r] + GD_HALF(K, part));
    }
    for (; part < 2; part += parts) {
        end = GD_HALF(K, part + 1);
        for (k = GD_HALF(K, part); k < end; k += 2 * VL) {
            /* a last vector that is not whole begins earlier, and the one beyond the end is the last once more */
            Py_ssize_t from[2] = {k < end - VL ? k : end - VL, k + VL < end - VL ? k + VL : end - VL};
            for (g = 0; g < groups; g++) {
                j = (g + 1) * size <= J ? g * size : J - size;
                back(p->n, rows, g ? rows : coming, from[0], from[1], p->d + j * p->m, p->m, (REAL *)(sum[0] + j));
            }
            for (h = 0; h < 2 && k + h * VL < end; h++) {
                Py_ssize_t at = k + h * VL, known = at - from[h];
                int close = p->add || at + 2 * VL > end; /* nothing may be written behind the end */
                REAL *out = close ? tail : p->dw + at * J;
                for (j = 0; j < J; j += VL) NAME(turn)(sum[h] + j, columns + j);
                /* each is stored over what the one before wrote behind its units */
                if (J <= VL || VL >= GD_FEW_UNITS)
                    for (l = 0; l < VL; l++) STORE(out + l * J, columns[l]);
                else
                    for (l = 0; l < VL; l++)
                        for (j = 0; j < J; j += VL) STORE(out + l * J + j, columns[j + l]);
                if (close && p->add)
                    for (l = known * J; l < VL * J; l++) p->dw[from[h] * J + l] += tail[l];
                else if (close)
                    memcpy(p->dw + at * J, tail + known * J, (VL - known) * J * sizeof(REAL));
            }
        }
    }
}

/* dw[k*J + j] = sum_r x[row(r), k] * d[j*m + r] over the n rows, or added to it */
static void NAME(few_back)(const REAL *x, Py_ssize_t K, const int64_t *order, Py_ssize_t first, Py_ssize_t n,
                           Py_ssize_t m, Py_ssize_t last, Py_ssize_t J, const REAL *d, int add, REAL *dw)
{
    NAME(few) p = {x, K, order, first, n, m, last, J, NULL, NULL, 0, NULL, NULL, d, add, dw};
    gd_run(NAME(few_back_part), &p, gd_parts((double)m * K * J >= GD_FEW_WORK) > 1 ? 2 : 1);
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
