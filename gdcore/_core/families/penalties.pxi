# Regularizers and constraints of single arrays in the flat vector, seen as matrices of rows x columns
# (keras/src/regularizers/regularizers.py, keras/src/constraints/constraints.py).

# Keras's epsilon, which keeps the divisors of norms from 0
cdef double EPSILON = 1e-7

ctypedef double (*penalty_f32)(const Regularizer*, const float*, float*, double, double*) noexcept nogil
ctypedef double (*penalty_f64)(const Regularizer*, const double*, double*, double, double*) noexcept nogil
ctypedef void (*constrain_f32)(const Constraint*, float*) noexcept nogil
ctypedef void (*constrain_f64)(const Constraint*, double*) noexcept nogil

cdef struct RegularizerKind:
    bint by_rows
    penalty_f32 single
    penalty_f64 double_

cdef struct ConstraintKind:
    constrain_f32 single
    constrain_f64 double_

cdef struct Regularizer:
    const RegularizerKind* kind
    double number[2]             # as the kind names them
    Py_ssize_t offset
    Py_ssize_t rows
    Py_ssize_t columns

cdef struct Constraint:
    const ConstraintKind* kind
    double number[3]
    bint over_rows               # norms are taken along these axes
    bint over_columns
    Py_ssize_t offset
    Py_ssize_t rows
    Py_ssize_t columns


cdef inline double absolute(double x) noexcept nogil:
    return -x if x < 0 else x


cdef double penalty(const Regularizer* rule, const real* theta, real* grad, double scale, double* scratch) noexcept nogil:
    """The penalty on one array; its gradient times scale is added to grad, unless NULL."""
    cdef real* g = NULL if grad == NULL else grad + rule.offset
    if real is float:
        return rule.kind.single(rule, theta + rule.offset, g, scale, scratch)
    else:
        return rule.kind.double_(rule, theta + rule.offset, g, scale, scratch)


cdef double l1l2_penalty(const Regularizer* rule, const real* w, real* g, double scale, double* scratch) noexcept nogil:
    """l1 sum |w| + l2 sum w^2"""
    cdef Py_ssize_t i, n = rule.rows * rule.columns
    cdef double l1 = 0, l2 = 0
    cdef real p = <real>rule.number[0], q = <real>rule.number[1], factor = <real>scale
    if p != 0:
        for i in range(n):
            l1 += absolute(w[i])
        if g != NULL:
            for i in range(n):
                g[i] += p * factor * sign(w[i])
    if q != 0:
        for i in range(n):
            l2 += <double>w[i] * w[i]
        if g != NULL:
            for i in range(n):
                g[i] += q * factor * (2 * w[i])
    return p * l1 + q * l2


cdef double orthogonal_penalty(const Regularizer* rule, const real* w, real* g, double scale,
                               double* scratch) noexcept nogil:
    """factor / pairs * sum_{i<j} |u_i . u_j| over the rows (or columns), u_i = w_i / max(|w_i|, epsilon).

    scratch holds 2 * size + vectors values.
    """
    cdef bint by_rows = rule.kind.by_rows
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


cdef void constrain(const Constraint* rule, real* theta) noexcept nogil:
    """Hold one array to its constraint."""
    if real is float:
        rule.kind.single(rule, theta + rule.offset)
    else:
        rule.kind.double_(rule, theta + rule.offset)


cdef void non_negative(const Constraint* rule, real* w) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rule.rows * rule.columns):
        w[i] = 0 if w[i] < 0 else w[i]


cdef struct Groups:              # of values that share a norm: a column, a row, a single value or the whole matrix
    Py_ssize_t count
    Py_ssize_t rows
    Py_ssize_t columns
    Py_ssize_t next


cdef Groups groups_of(const Constraint* rule) noexcept nogil:
    cdef Groups g
    cdef Py_ssize_t n = rule.rows * rule.columns
    g.rows = rule.rows if rule.over_rows else 1
    g.columns = rule.columns if rule.over_columns else 1
    g.count = n // (g.rows * g.columns) if n else 0
    g.next = 1 if rule.over_rows or not rule.over_columns else rule.columns
    return g


cdef real norm_of(const Constraint* rule, const Groups* g, const real* w) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef double total = 0
    for i in range(g.rows):
        for j in range(g.columns):
            total += <double>w[i * rule.columns + j] * w[i * rule.columns + j]
    return <real>c_sqrt(total)


cdef void multiply_group(const Constraint* rule, const Groups* g, real factor, real* w) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(g.rows):
        for j in range(g.columns):
            w[i * rule.columns + j] = w[i * rule.columns + j] * factor


cdef void unit_norm(const Constraint* rule, real* w) noexcept nogil:
    cdef Groups g = groups_of(rule)
    cdef Py_ssize_t k, i, j
    cdef real norm, epsilon = <real>EPSILON
    for k in range(g.count):
        norm = norm_of(rule, &g, <const real*>w + k * g.next)
        for i in range(g.rows):
            for j in range(g.columns):
                w[k * g.next + i * rule.columns + j] = w[k * g.next + i * rule.columns + j] / (epsilon + norm)


cdef void max_norm(const Constraint* rule, real* w) noexcept nogil:
    cdef Groups g = groups_of(rule)
    cdef Py_ssize_t k
    cdef real norm, epsilon = <real>EPSILON
    for k in range(g.count):
        norm = norm_of(rule, &g, <const real*>w + k * g.next)
        multiply_group(rule, &g, bounded(norm, <real>0, <real>rule.number[0]) / (epsilon + norm), w + k * g.next)


cdef void min_max_norm(const Constraint* rule, real* w) noexcept nogil:
    cdef Groups g = groups_of(rule)
    cdef Py_ssize_t k
    cdef real norm, wanted, epsilon = <real>EPSILON
    for k in range(g.count):
        norm = norm_of(rule, &g, <const real*>w + k * g.next)
        wanted = bounded(norm, <real>rule.number[0], <real>rule.number[1])
        wanted = <real>rule.number[2] * wanted + <real>(1 - rule.number[2]) * norm
        multiply_group(rule, &g, wanted / (epsilon + norm), w + k * g.next)


# ---- the tables -----------------------------------------------------------------------------------------------------------

REGULARIZERS = {}
CONSTRAINTS = {}
cdef RegularizerKind regularizer_kinds[8]
cdef ConstraintKind constraint_kinds[8]


cdef int add_regularizer(str name, tuple parameters, bint by_rows, penalty_f32 single, penalty_f64 double_) except -1:
    cdef RegularizerKind* kind = &regularizer_kinds[new_index(REGULARIZERS, 8)]
    kind.by_rows, kind.single, kind.double_ = by_rows, single, double_
    REGULARIZERS[name] = Kind(name, len(REGULARIZERS), parameters)
    return 0


cdef int add_constraint(str name, tuple parameters, constrain_f32 single, constrain_f64 double_) except -1:
    cdef ConstraintKind* kind = &constraint_kinds[new_index(CONSTRAINTS, 8)]
    kind.single, kind.double_ = single, double_
    CONSTRAINTS[name] = Kind(name, len(CONSTRAINTS), parameters)
    return 0


add_regularizer("l1l2", ("l1", "l2"), False, l1l2_penalty[float], l1l2_penalty[double])
add_regularizer("orthogonal_rows", ("factor",), True, orthogonal_penalty[float], orthogonal_penalty[double])
add_regularizer("orthogonal_columns", ("factor",), False, orthogonal_penalty[float], orthogonal_penalty[double])
add_constraint("max_norm", ("max_value",), max_norm[float], max_norm[double])
add_constraint("min_max_norm", ("min_value", "max_value", "rate"), min_max_norm[float], min_max_norm[double])
add_constraint("non_neg", (), non_negative[float], non_negative[double])
add_constraint("unit_norm", (), unit_norm[float], unit_norm[double])


cdef int fill_regularizer(Regularizer* rule, spec, const Layer* layer, Py_ssize_t kernel, Py_ssize_t bias) except -1:
    """Make the struct of a `RegularizerSpec` of a layer whose arrays have these sizes."""
    cdef Py_ssize_t i
    kind = row_of(REGULARIZERS, "regularizer", spec)
    rule.kind = &regularizer_kinds[<Py_ssize_t>kind.row]
    for i, value in enumerate(parameters_of(kind, spec)):
        rule.number[i] = value
    rule.rows, rule.columns = size_of("rows", spec.rows), size_of("columns", spec.columns)
    rule.offset = place_of(spec.array, rule.rows * rule.columns, layer, kernel, bias)
    return 0


cdef int fill_constraint(Constraint* rule, spec, const Layer* layer, Py_ssize_t kernel, Py_ssize_t bias) except -1:
    """Make the struct of a `ConstraintSpec`."""
    cdef Py_ssize_t i
    kind = row_of(CONSTRAINTS, "constraint", spec)
    rule.kind = &constraint_kinds[<Py_ssize_t>kind.row]
    for i, value in enumerate(parameters_of(kind, spec)):
        rule.number[i] = value
    rule.over_rows, rule.over_columns = spec.over_rows, spec.over_columns
    rule.rows, rule.columns = size_of("rows", spec.rows), size_of("columns", spec.columns)
    rule.offset = place_of(spec.array, rule.rows * rule.columns, layer, kernel, bias)
    return 0


cdef Py_ssize_t place_of(array, Py_ssize_t size, const Layer* layer, Py_ssize_t kernel, Py_ssize_t bias) except -1:
    """Where a layer's array (0: kernel, 1: bias) of that size lies in the flat vector."""
    cdef Py_ssize_t offset = layer.bias if array else layer.kernel
    if offset < 0 or size != (bias if array else kernel):
        raise ValueError(f"a rule is for {size} numbers of array {array}, which the layer does not have")
    return offset
