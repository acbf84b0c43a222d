/* A first layer of few units on wide rows reads the caller's rows where they lie; part of typed.h. */

/* Layers of few units on wide rows of the caller's: rows are read where they lie, once forward and once back, and no
 * batch of them is gathered.  The kernel and its gradient are transposed instead, units by inputs, so that whole vectors of
 * inputs are worked with.  Sums over inputs then have a lane for each VL-th of them; sums over rows go row by row. */
typedef struct {
    const REAL *x;
    Py_ssize_t width;
    const int64_t *order;
    Py_ssize_t first, n, m, last; /* as for gathering */
    Py_ssize_t J;                 /* units */
    const REAL *w;                /* (width, J) */
    REAL *transposed;                 /* (J, pad), behind the inputs 0 */
    Py_ssize_t pad;
    REAL *z, *more;               /* (J, m): the sums over the first half of the inputs, and over the second */
    const REAL *d;                /* (J, m) */
    int add;
    REAL *dw;
} NAME(direct);

GD_INLINE const REAL *NAME(row_of)(const NAME(direct) *p, Py_ssize_t r) { return p->x + (p->order ? p->order[r] : r) * p->width; }

/* lane l is the sum over v[l] */
GD_INLINE NAME(vec) NAME(reduce_add_all)(const NAME(vec) *v)
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
    for (l = 0; l < VL; l++) ((REAL *)&all)[l] = NAME(reduce_add)(v[l]);
    return all;
#endif
}

/* The first n of a vector, then 0. */
GD_INLINE NAME(vec) NAME(load_partial)(const REAL *p, Py_ssize_t n)
{
    NAME(vec) v = NAME(splat)(0);
    memcpy(&v, p, n * sizeof(REAL));
    return v;
}

/* sum[j*VL + r] = the products of rows x[r] with units w + j*pad, lane by lane, for some rows and NJ units; meanwhile
 * every other of the rows `coming` is fetched. */
#if !defined(__GNUC__)
#define GD_DOT_AT_ONCE 1
#define GD_DOT_ROWS(X) X(0)
#define GD_DOT_FETCH(k)
#elif GD_REGISTERS == 32 && GD_VECTOR_BYTES > 16
#define GD_DOT_AT_ONCE 4
#define GD_DOT_ROWS(X) X(0) X(1) X(2) X(3)
#define GD_DOT_FETCH(k) GD_PREFETCH(coming[0] + k); GD_PREFETCH(coming[2] + k);
#else
#define GD_DOT_AT_ONCE 2
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
#define GD_DOT_PART(r) NAME(vec) x##r = NAME(load_partial)(x[r] + k, K - k);
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

/* transposed[j*pad + k] = kernel[k*J + j] for inputs from..to-1 of K, and 0 behind K */
static void NAME(transpose_kernel)(Py_ssize_t from, Py_ssize_t to, Py_ssize_t K, Py_ssize_t J, const REAL *kernel, REAL *transposed,
                              Py_ssize_t pad)
{
    NAME(vec) block[sizeof(NAME(vec)) / sizeof(REAL)], columns[sizeof(NAME(vec)) / sizeof(REAL)];
    REAL tail[(sizeof(NAME(vec)) / sizeof(REAL) + 1) * GD_DIRECT_UNITS + sizeof(NAME(vec)) / sizeof(REAL)];
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
            NAME(transpose)(block, columns);
            for (l = 0; l < VL && j + l < J; l++) STORE(transposed + (j + l) * pad + k, columns[l]);
        }
    }
}

/* Each half of the inputs has a sum of its own, whatever the number of threads, and as far as possible a thread of its
 * own too: the one that has seen these inputs of the rows on the way forward. */
#define GD_HALF(K, half) ((half) == 0 ? 0 : (half) == 1 ? ((K) / 2 + GD_LANES - 1) / GD_LANES * GD_LANES : (K))

static void NAME(direct_forward_part)(void *context, int part, int parts)
{
    const NAME(direct) *p = context;
    Py_ssize_t size = GD_GROUP(p->J, 5), groups = GD_GROUPS(p->J, size), b, l, g, j, r;
    void (*dot)(Py_ssize_t, const REAL *const *, const REAL *const *, const REAL *, Py_ssize_t, NAME(vec) *) =
        size == 1 ? NAME(dot1) : size == 3 ? NAME(dot3) : NAME(dot5);
    const REAL *rows[sizeof(NAME(vec)) / sizeof(REAL)], *coming[sizeof(NAME(vec)) / sizeof(REAL)];
    NAME(vec) sum[GD_DIRECT_UNITS * sizeof(NAME(vec)) / sizeof(REAL)];
    for (; part < 2; part += parts) {
        Py_ssize_t from = GD_HALF(p->width, part), to = GD_HALF(p->width, part + 1);
        REAL *z = part ? p->more : p->z;
        NAME(transpose_kernel)(from, to, p->width, p->J, p->w, p->transposed, p->pad);
        for (b = 0; b < p->m / VL; b++) {
            for (l = 0; l < VL; l++) {
                rows[l] = NAME(row_of)(p, p->first + (b * VL + l < p->n ? b * VL + l : 0)) + from;
                r = p->first + p->n + b * VL + l; /* of the next batch */
                coming[l] = NAME(row_of)(p, r < p->last ? r : p->first) + from;
            }
            for (l = 0; l < VL; l += GD_DOT_AT_ONCE)
                for (g = 0; g < groups; g++) {
                    j = (g + 1) * size <= p->J ? g * size : p->J - size;
                    dot(to - from, rows + l, coming + l, p->transposed + j * p->pad + from, p->pad, sum + j * VL + l);
                }
            for (j = 0; j < p->J; j++) STORE(z + j * p->m + b * VL, NAME(reduce_add_all)(sum + j * VL));
        }
    }
}

/* z[j*m + r] = bias[j] + sum_k x[row(r), k] w[k*J + j], rows as for gather.  transposed gets the kernel, units by inputs, pad
 * from one unit to the next; more has room for another z. */
static void NAME(direct_forward)(const REAL *x, Py_ssize_t K, const int64_t *order, Py_ssize_t first, Py_ssize_t n,
                              Py_ssize_t m, Py_ssize_t last, Py_ssize_t J, const REAL *w, const REAL *bias,
                              REAL *transposed, Py_ssize_t pad, REAL *z, REAL *more)
{
    NAME(direct) p = {x, K, order, first, n, m, last, J, w, transposed, pad, z, more, NULL, 0, NULL};
    Py_ssize_t i, j;
    gd_run(NAME(direct_forward_part), &p, gd_parts((double)m * K * J >= GD_DIRECT_WORK) > 1 ? 2 : 1);
    for (j = 0; j < J; j++) {
        NAME(vec) b = NAME(splat)(bias ? bias[j] : 0);
        for (i = j * m; i < (j + 1) * m; i += VL) STORE(z + i, LOAD(z + i) + LOAD(more + i) + b);
    }
}

/* c: for MR units the sums over rows of w[i] times two vectors of the row, which begin at a and b; meanwhile those of
 * every other of the rows `coming` are fetched */
#define GD_MOST_SUMS (GD_DIRECT_UNITS + (Py_ssize_t)(sizeof(NAME(vec)) / sizeof(REAL)))
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

static void NAME(direct_backward_part)(void *context, int part, int parts)
{
    const NAME(direct) *p = context;
    Py_ssize_t J = p->J, K = p->width, size = GD_GROUP(J, GD_BACK_UNITS), groups = GD_GROUPS(J, size);
    Py_ssize_t k, end, h, r, g, j, l;
    void (*back)(Py_ssize_t, const REAL *const *, const REAL *const *, Py_ssize_t, Py_ssize_t, const REAL *, Py_ssize_t,
                 REAL *) = size == 1 ? NAME(back1) : size == 3 ? NAME(back3) :
#if GD_BACK_UNITS == 10
        size == 10 ? NAME(back10) :
#endif
        NAME(back5);
    const REAL *rows[GD_DIRECT_ROWS + 1], *coming[GD_DIRECT_ROWS + 1];
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
                for (j = 0; j < J; j += VL) NAME(transpose)(sum[h] + j, columns + j);
                /* each is stored over what the one before wrote behind its units */
                if (J <= VL || VL >= GD_DIRECT_UNITS)
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
static void NAME(direct_backward)(const REAL *x, Py_ssize_t K, const int64_t *order, Py_ssize_t first, Py_ssize_t n,
                           Py_ssize_t m, Py_ssize_t last, Py_ssize_t J, const REAL *d, int add, REAL *dw)
{
    NAME(direct) p = {x, K, order, first, n, m, last, J, NULL, NULL, 0, NULL, NULL, d, add, dw};
    gd_run(NAME(direct_backward_part), &p, gd_parts((double)m * K * J >= GD_DIRECT_WORK) > 1 ? 2 : 1);
}

#undef GD_MOST_ROWS
#undef GD_ENTRY
