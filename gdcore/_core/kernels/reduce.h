/* Sums over lanes, rows and products of rows; part of typed.h. */

GD_INLINE REAL NAME(reduce_add)(NAME(vec) v)
{
    REAL lane[sizeof v / sizeof(REAL)];
    Py_ssize_t h = VL / 2, l;
    memcpy(lane, &v, sizeof v);
    for (; h > 0; h /= 2)
        for (l = 0; l < h; l++) lane[l] += lane[l + h];
    return lane[0];
}

/* db[j] += sum_i d[j, i] */
static void NAME(row_sums)(Py_ssize_t m, Py_ssize_t J, const REAL *d, REAL *db)
{
    Py_ssize_t i, j;
    for (j = 0; j < J; j++) {
        NAME(vec) c0 = NAME(splat)(0);
        for (i = 0; i < m; i += VL) c0 += LOAD(d + j * m + i);
        db[j] += NAME(reduce_add)(c0);
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
