/* Rows of the caller into features of the workspace, and back; part of typed.h. */

/* The transpose of a block of VL rows and VL columns, in registers: log2(VL) perfect shuffles of its rows. */
GD_INLINE void NAME(transpose)(const NAME(vec) *rows, NAME(vec) *columns)
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
static void NAME(transpose_rows)(const REAL *const *in, Py_ssize_t n, REAL *out, Py_ssize_t ldo)
{
    NAME(vec) rows[sizeof(NAME(vec)) / sizeof(REAL)], columns[sizeof(NAME(vec)) / sizeof(REAL)];
    Py_ssize_t k, l;
    for (k = 0; k + VL <= n; k += VL) {
        for (l = 0; l < VL; l++) rows[l] = LOAD(in[l] + k);
        NAME(transpose)(rows, columns);
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
        NAME(transpose_rows)(units, n, out + j, J);
    }
    for (r = 0; j < J && r < n; r++)
        for (l = j; l < J; l++) out[r * J + l] = a[l * m + r];
}

/* out[k*m + r] = x[row(r), k] for m rows, r from n on repeating the first; row(r) is order[first + r], or that number
 * itself.  While a block of rows is transposed the next is on its way from memory, and `last` is the end of what may come. */
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
            NAME(vec) block[sizeof(NAME(vec)) / sizeof(REAL)], transposed[sizeof(NAME(vec)) / sizeof(REAL)];
            for (l = 0; l < VL; l++) {
                block[l] = LOAD(rows[l] + k);
                GD_PREFETCH(coming[l] + k);
            }
            NAME(transpose)(block, transposed);
            for (l = 0; l < VL; l++) STORE(p->out + (k + l) * p->m + b * VL, transposed[l]);
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
