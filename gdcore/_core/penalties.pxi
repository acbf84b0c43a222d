# Regularizers and constraints of single arrays in the flat vector, seen as matrices of rows x columns
# (keras/src/regularizers/regularizers.py, keras/src/constraints/constraints.py).

cdef enum:
    L1L2
    ORTHOGONAL_ROWS
    ORTHOGONAL_COLUMNS

REGULARIZERS = {"l1l2": L1L2, "orthogonal_rows": ORTHOGONAL_ROWS, "orthogonal_columns": ORTHOGONAL_COLUMNS}

cdef enum:
    MAX_NORM
    MIN_MAX_NORM
    NON_NEG
    UNIT_NORM

CONSTRAINTS = {"max_norm": MAX_NORM, "min_max_norm": MIN_MAX_NORM, "non_neg": NON_NEG, "unit_norm": UNIT_NORM}

# Keras's epsilon, which keeps the divisors of norms from 0
cdef double EPSILON = 1e-7

cdef struct Regularizer:
    int kind
    double number[2]             # l1 and l2; or the factor
    Py_ssize_t offset
    Py_ssize_t rows
    Py_ssize_t columns

cdef struct Constraint:
    int kind
    double number[3]             # max; or min, max, rate
    bint over_rows               # norms are taken along these axes
    bint over_columns
    Py_ssize_t offset
    Py_ssize_t rows
    Py_ssize_t columns


cdef inline double absolute(double x) noexcept nogil:
    return -x if x < 0 else x


cdef double penalty(Regularizer* rule, const real* theta, real* grad, double scale, double* scratch) noexcept nogil:
    """The penalty on one array; its gradient times scale is added to grad, unless NULL."""
    cdef const real* w = theta + rule.offset
    cdef real* g = grad + rule.offset
    cdef Py_ssize_t i, n = rule.rows * rule.columns
    cdef double l1 = 0, l2 = 0
    cdef real p = <real>rule.number[0], q = <real>rule.number[1], factor = <real>scale
    if rule.kind != L1L2:
        return orthogonal_penalty(rule, w, NULL if grad == NULL else g, scale, scratch)
    if p != 0:
        for i in range(n):
            l1 += absolute(w[i])
        if grad != NULL:
            for i in range(n):
                g[i] += p * factor * sign(w[i])
    if q != 0:
        for i in range(n):
            l2 += <double>w[i] * w[i]
        if grad != NULL:
            for i in range(n):
                g[i] += q * factor * (2 * w[i])
    return p * l1 + q * l2


cdef double orthogonal_penalty(Regularizer* rule, const real* w, real* g, double scale, double* scratch) noexcept nogil:
    """factor / pairs * sum_{i<j} |u_i . u_j| over the rows (or columns), u_i = w_i / max(|w_i|, epsilon).

    scratch holds 2 * size + vectors values.
    """
    cdef bint by_rows = rule.kind == ORTHOGONAL_ROWS
    cdef Py_ssize_t vectors = rule.rows if by_rows else rule.columns
    cdef Py_ssize_t length = rule.columns if by_rows else rule.rows
    cdef Py_ssize_t next_vector = rule.columns if by_rows else 1, next_value = 1 if by_rows else rule.columns
    cdef double* u = scratch                         # the unit vectors, one after the other
    cdef double* du = u + vectors * length
    cdef double* inverse = du + vectors * length     # 1 / norm
    cdef Py_ssize_t i, j, k
    cdef double total = 0, dot, value, factor = rule.number[0] / (vectors * (vectors - 1.0) / 2.0)
    for i in range(vectors):
        dot = 0
        for k in range(length):
            value = w[i * next_vector + k * next_value]
            u[i * length + k] = value
            du[i * length + k] = 0
            dot += value * value
        inverse[i] = min(1 / c_sqrt(dot), 1 / EPSILON)
        for k in range(length):
            u[i * length + k] *= inverse[i]
    for i in range(vectors):
        for j in range(i):
            dot = 0
            for k in range(length):
                dot += u[i * length + k] * u[j * length + k]
            total += absolute(dot)
            for k in range(length if g != NULL else 0):
                du[i * length + k] += sign(dot) * u[j * length + k]
                du[j * length + k] += sign(dot) * u[i * length + k]
    for i in range(vectors if g != NULL else 0):
        dot = 0
        if inverse[i] < 1 / EPSILON:                 # else the divisor is a constant
            for k in range(length):
                dot += u[i * length + k] * du[i * length + k]
        for k in range(length):
            g[i * next_vector + k * next_value] += <real>(
                scale * factor * inverse[i] * (du[i * length + k] - u[i * length + k] * dot))
    return factor * total


cdef void constrain(Constraint* rule, real* theta) noexcept nogil:
    cdef real* w = theta + rule.offset
    cdef Py_ssize_t n = rule.rows * rule.columns, i, j, k, groups, rows, columns
    cdef Py_ssize_t next_group, next_row
    if rule.kind == NON_NEG:
        for i in range(n):
            w[i] = 0 if w[i] < 0 else w[i]
        return
    # one norm for each group of values: a column, a row, a single value or the whole matrix
    rows = rule.rows if rule.over_rows else 1
    columns = rule.columns if rule.over_columns else 1
    groups = n // (rows * columns) if n else 0
    next_group = 1 if rule.over_rows or not rule.over_columns else rule.columns
    for k in range(groups):
        scale_to_norm(rule, w + k * next_group, rows, columns, rule.columns)


cdef void scale_to_norm(Constraint* rule, real* w, Py_ssize_t rows, Py_ssize_t columns,
                        Py_ssize_t stride) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef double total = 0
    cdef real norm, wanted, epsilon = <real>EPSILON
    for i in range(rows):
        for j in range(columns):
            total += <double>w[i * stride + j] * w[i * stride + j]
    norm = <real>c_sqrt(total)
    if rule.kind == UNIT_NORM:
        for i in range(rows):
            for j in range(columns):
                w[i * stride + j] = w[i * stride + j] / (epsilon + norm)
        return
    if rule.kind == MAX_NORM:
        wanted = bounded(norm, <real>0, <real>rule.number[0])
    else:
        wanted = bounded(norm, <real>rule.number[0], <real>rule.number[1])
        wanted = <real>rule.number[2] * wanted + <real>(1 - rule.number[2]) * norm
    wanted = wanted / (epsilon + norm)
    for i in range(rows):
        for j in range(columns):
            w[i * stride + j] = w[i * stride + j] * wanted
