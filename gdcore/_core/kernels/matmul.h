/* The matrix products of a dense layer, in tiles that stay in registers; part of typed.h. */

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

/* dw[k*J + j] += sum_i a[k, i] * d[j, i], one dot product for each */
static void NAME(weight_gradient_small)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *a, const REAL *d, REAL *dw)
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
            dw[k * J + j] += NAME(reduce_add)(c0);
            dw[k * J + j + 1] += NAME(reduce_add)(c1);
            dw[k * J + j + 2] += NAME(reduce_add)(c2);
            dw[k * J + j + 3] += NAME(reduce_add)(c3);
        }
        for (; j < J; j++) {
            const REAL *d0 = d + j * m;
            NAME(vec) c0 = NAME(splat)(0);
            for (i = 0; i < m; i += VL) c0 = VFMA(LOAD(ak + i), LOAD(d0 + i), c0);
            dw[k * J + j] += NAME(reduce_add)(c0);
        }
    }
}

typedef struct {
    Py_ssize_t m, J, padded;
    const REAL *d;
    REAL *transposed;
} NAME(transposing);

static void NAME(transpose_part)(void *context, int part, int parts)
{
    const NAME(transposing) *p = context;
    const REAL *rows[sizeof(NAME(vec)) / sizeof(REAL)];
    static const REAL zeros[sizeof(NAME(vec)) / sizeof(REAL)] = {0};
    Py_ssize_t panels = (p->J + VL - 1) / VL, last = GD_SHARE(panels, part + 1, parts), t, l, i;
    for (t = GD_SHARE(panels, part, parts); t < last; t++) {
        if ((t + 1) * VL <= p->J) {
            for (l = 0; l < VL; l++) rows[l] = p->d + (t * VL + l) * p->m;
            NAME(transpose_rows)(rows, p->m, p->transposed + t * VL, p->padded);
            continue;
        }
        for (i = 0; i < p->m; i += VL) { /* the last, with rows of zeros */
            for (l = 0; l < VL; l++) rows[l] = t * VL + l < p->J ? p->d + (t * VL + l) * p->m + i : zeros;
            NAME(transpose_rows)(rows, VL, p->transposed + i * p->padded + t * VL, p->padded);
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
static void NAME(weight_gradient)(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const REAL *a, const REAL *d, int add, REAL *dw,
                        REAL *scratch)
{
    /* rows of scratch must not lie a multiple of 256 apart, where they would share a few sets of a cache */
    Py_ssize_t padded = (J + VL - 1) / VL * VL + (J % 256 ? 0 : GD_LANES), whole = J / VL * VL;
    int parts = gd_parts((double)m * K * J >= GD_THREADED_WORK);
    if (2 * J < VL || K < 4) {
        if (!add) memset(dw, 0, K * J * sizeof(REAL));
        NAME(weight_gradient_small)(m, K, J, a, d, dw);
        return;
    }
    /* with d transposed, the values of a stand for the weights of a layer whose inputs are the rows of the batch */
    NAME(transposing) turning = {m, J, padded, d, scratch};
    NAME(product) p = {K, whole, m, a, 1, m, NULL, add, scratch, padded, dw, J};
    gd_run(NAME(transpose_part), &turning, parts);
    if (whole) NAME(multiply)(&p);
    if (whole < J) gd_run(NAME(rest_part), &p, parts);
}
