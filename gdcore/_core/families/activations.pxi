# Activations: one row a kind in the table at the end, each with its kernel forward and backward side by side.
#
# Batches are feature-major: z[j*m + i] is unit j of row i, of m rows.  Forward makes a of z (which may be one array where
# the kind does not keep its input); backward makes dL/dz of dL/da in d.  `row` and `total` are scratch, m values each.
# Numbers beside a `real` are cast to it: left alone they are double in C, and take the whole expression along.

cdef enum:
    COUPLES_UNITS = 1            # one unit's output depends on the other units' inputs
    KEEPS_INPUT = 2              # the derivative does not follow from the output alone, or units couple
    IS_SIGMOID = 4               # the two that cross-entropies look behind
    IS_SOFTMAX = 8

ctypedef void (*activate_f32)(const double*, Py_ssize_t, Py_ssize_t, const float*, float*, float*, float*) noexcept nogil
ctypedef void (*activate_f64)(const double*, Py_ssize_t, Py_ssize_t, const double*, double*, double*,
                              double*) noexcept nogil
ctypedef void (*derive_f32)(const double*, Py_ssize_t, Py_ssize_t, const float*, const float*, float*,
                            float*) noexcept nogil
ctypedef void (*derive_f64)(const double*, Py_ssize_t, Py_ssize_t, const double*, const double*, double*,
                            double*) noexcept nogil

cdef struct ActivationKind:
    int flags
    activate_f32 forward_f32
    activate_f64 forward_f64
    derive_f32 backward_f32
    derive_f64 backward_f64

cdef struct Activation:
    const ActivationKind* kind
    double parameters[4]


cdef inline void activate(const Activation* f, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                          real* total) noexcept nogil:
    if real is float:
        f.kind.forward_f32(f.parameters, units, m, z, a, row, total)
    else:
        f.kind.forward_f64(f.parameters, units, m, z, a, row, total)


cdef inline void activation_backward(const Activation* f, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a,
                                     real* d, real* total) noexcept nogil:
    """d is dL/da on entry and dL/dz on return; z is only looked at where the kind keeps its input."""
    if real is float:
        f.kind.backward_f32(f.parameters, units, m, z, a, d, total)
    else:
        f.kind.backward_f64(f.parameters, units, m, z, a, d, total)


cdef void linear(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                 real* total) noexcept nogil:
    if z != a:
        memcpy(a, z, units * m * sizeof(real))


cdef void linear_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                          real* total) noexcept nogil:
    pass


cdef void relu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
               real* total) noexcept nogil:
    map_relu(units * m, z, a)


cdef void relu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                        real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = d[i] if a[i] > 0 else 0


cdef void sigmoid(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                  real* total) noexcept nogil:
    map_sigmoid(units * m, z, a)


cdef void sigmoid_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                           real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = d[i] * (a[i] * (<real>1 - a[i]))


cdef void tanh(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
               real* total) noexcept nogil:
    map_tanh(units * m, z, a)


cdef void tanh_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                        real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = d[i] * (<real>1 - a[i] * a[i])


# ---- softmax and its relatives: units couple --------------------------------------------------------------------------

cdef void row_maxima(Py_ssize_t units, Py_ssize_t m, const real* z, real* row) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(m):
        row[i] = z[i]
    for j in range(1, units):
        for i in range(m):
            row[i] = z[j * m + i] if z[j * m + i] > row[i] else row[i]


cdef void exponentials(Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* low, real* total) noexcept nogil:
    """a = e^(z - the row's largest), and total + low their sum in two parts; z and a must differ."""
    cdef Py_ssize_t i, j
    cdef real sum, kept
    row_maxima(units, m, z, low)
    for j in range(units):
        for i in range(m):
            a[j * m + i] = exp_difference_(z[j * m + i], low[i])
    for i in range(m):
        total[i] = a[i]
        low[i] = 0
    for j in range(1, units):
        for i in range(m):
            sum = total[i] + a[j * m + i]
            kept = sum - total[i]
            low[i] += (total[i] - (sum - kept)) + (a[j * m + i] - kept)
            total[i] = sum


cdef void softmax(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* low,
                  real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q
    exponentials(units, m, z, a, low, total)
    for i in range(m):
        low[i] = low[i] / total[i]
    for j in range(units):
        for i in range(m):
            q = a[j * m + i] / total[i]
            a[j * m + i] = q - q * low[i]


cdef void softmax_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                           real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += d[j * m + i] * a[j * m + i]
    for j in range(units):
        for i in range(m):
            d[j * m + i] = (d[j * m + i] - total[i]) * a[j * m + i]


cdef void log_softmax(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                      real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    exponentials(units, m, z, a, row, total)
    for i in range(m):
        total[i] = (total[i] - <real>1) + row[i]
    map_log1p(m, <const real*>total, total)
    row_maxima(units, m, z, row)
    for j in range(units):
        for i in range(m):
            a[j * m + i] = log_quotient_(z[j * m + i], row[i], total[i])


cdef void log_softmax_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                               real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += d[j * m + i]
    for j in range(units):
        for i in range(m):
            d[j * m + i] = d[j * m + i] - exp_(a[j * m + i]) * total[i]


cdef inline Py_ssize_t next_largest(Py_ssize_t units, Py_ssize_t m, const real* z, Py_ssize_t at) noexcept nogil:
    """The unit that follows unit `at` in descending order, equal ones by number; -1: the first or none."""
    cdef Py_ssize_t j, best = -1
    for j in range(units):
        if ((at < 0 or z[j * m] < z[at * m] or (z[j * m] == z[at * m] and j > at))
                and (z[j * m] > z[best * m] if best >= 0 else z[j * m] == z[j * m])):
            best = j
    return best


cdef Py_ssize_t sparsemax_support(Py_ssize_t units, Py_ssize_t m, const real* z, real* tau) noexcept nogil:
    """How many of a row's largest values take part, and what is subtracted from all, as Keras computes it.

    Martins and Astudillo (ICML 2016) subtract (sum of the k largest - 1) / k; Keras has the sum of the k partial
    sums there, which differs from k = 2 on.
    """
    cdef Py_ssize_t k = 0, at = -1
    cdef real sum = 0, sums = 0
    while k < units:
        at = next_largest(units, m, z, at)
        if at < 0 or (k > 0 and not z[at * m] - (sum + z[at * m] - 1) / (k + 1) > 0):
            break
        sum += z[at * m]
        sums += sum
        k += 1
    tau[0] = (sums - 1) / k
    return k


cdef void sparsemax(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                    real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real tau, t
    for i in range(m):
        sparsemax_support(units, m, z + i, &tau)
        for j in range(units):
            t = z[j * m + i] - tau
            a[j * m + i] = 0 if t <= 0 else t


cdef void sparsemax_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                             real* total) noexcept nogil:
    cdef Py_ssize_t i, j, k, rank, at
    cdef real tau, sum
    for i in range(m):
        k = sparsemax_support(units, m, z + i, &tau)
        sum = 0
        for j in range(units):
            if z[j * m + i] - tau < 0:
                d[j * m + i] = 0
            sum += d[j * m + i]
        at = -1
        for rank in range(k):
            at = next_largest(units, m, z + i, at)
            d[at * m + i] -= sum * (k - rank) / k


# ---- exponential families ----------------------------------------------------------------------------------------------

# Klambauer et al., Self-normalizing neural networks, NeurIPS 2017
cdef double SELU_SCALE = 1.0507009873554804934193349852946
cdef double SELU_SCALE_ALPHA = 1.7580993408473768599
cdef double SELU_SCALE_ALPHA_LOW = 1.415351938e-17  # what the double has rounded away


cdef void elu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
              real* total) noexcept nogil:
    cdef Py_ssize_t i, n = units * m
    cdef real alpha = <real>p[0]
    map_expm1(n, z, a)
    for i in range(n):
        a[i] = z[i] if z[i] > 0 else alpha * a[i]


cdef void elu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                       real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real alpha = <real>p[0], slope
    for i in range(units * m):
        slope = a[i] + alpha                         # alpha e^z
        d[i] = d[i] if z[i] > 0 else d[i] * slope


cdef void selu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
               real* total) noexcept nogil:
    cdef Py_ssize_t i, n = units * m
    cdef real scale = <real>SELU_SCALE, alpha = <real>SELU_SCALE_ALPHA
    cdef real low = <real>(SELU_SCALE_ALPHA - <double>alpha + SELU_SCALE_ALPHA_LOW)
    map_expm1(n, z, a)
    for i in range(n):
        a[i] = scale * z[i] if z[i] > 0 else alpha * a[i] + low * a[i]


cdef void selu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                        real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real scale = <real>SELU_SCALE, alpha = <real>SELU_SCALE_ALPHA
    for i in range(units * m):
        d[i] = d[i] * (a[i] + alpha if z[i] < 0 else scale)


cdef void celu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
               real* total) noexcept nogil:
    cdef Py_ssize_t i, n = units * m
    cdef real alpha = <real>p[0]
    for i in range(n):
        a[i] = z[i] / alpha
    map_expm1(n, <const real*>a, a)
    for i in range(n):
        a[i] = z[i] if z[i] > 0 else alpha * a[i]


cdef void celu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                        real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real alpha = <real>p[0], slope
    for i in range(units * m):
        slope = a[i] / alpha + <real>1               # e^(z/alpha)
        d[i] = d[i] if z[i] > 0 else d[i] * slope


cdef void exponential(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                      real* total) noexcept nogil:
    map_exp(units * m, z, a)


cdef void exponential_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                               real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = d[i] * a[i]


# ---- piecewise --------------------------------------------------------------------------------------------------------

cdef void leaky_relu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                     real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real slope = <real>p[0]
    for i in range(units * m):
        a[i] = z[i] if z[i] > 0 else slope * z[i]


cdef void leaky_relu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                              real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real slope = <real>p[0]
    for i in range(units * m):
        d[i] = d[i] if z[i] > 0 else d[i] * slope


cdef void relu6(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        a[i] = bounded(z[i], <real>0, <real>6)


cdef void relu6_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                         real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = d[i] if z[i] > 0 and z[i] < 6 else 0


cdef void bounded_relu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                       real* total) noexcept nogil:
    # only where there is a maximum, 0 is a minimum too
    cdef Py_ssize_t i, n = units * m
    cdef real slope = <real>p[0], high = <real>p[1], cut = <real>p[2]
    cdef real low = <real>(0 if p[1] < INFINITY else -INFINITY)
    for i in range(n):
        a[i] = bounded(0 if z[i] <= cut else z[i], low, high)
    if p[0] != 0:
        for i in range(n):
            a[i] = a[i] - slope * (cut - z[i]) if z[i] < cut else a[i]


cdef void bounded_relu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                                real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real slope = <real>p[0], high = <real>p[1], cut = <real>p[2], at_high = <real>p[3], u
    cdef real low = <real>(0 if p[1] < INFINITY else -INFINITY)
    for i in range(units * m):
        u = d[i] if z[i] < high else (d[i] * at_high if z[i] == high else 0)
        u = u if z[i] > cut else 0
        u = u if z[i] >= low else 0
        d[i] = u + (d[i] * slope if z[i] < cut else 0)


cdef void threshold(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                    real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real cut = <real>p[0], otherwise = <real>p[1]
    for i in range(units * m):
        a[i] = otherwise if z[i] <= cut else z[i]


cdef void threshold_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                             real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real cut = <real>p[0]
    for i in range(units * m):
        d[i] = d[i] if z[i] > cut else 0


cdef void hard_sigmoid(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                       real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        a[i] = bounded(z[i] + <real>3, <real>0, <real>6) / <real>6


cdef void hard_sigmoid_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                                real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = d[i] / <real>6 if z[i] > -3 and z[i] < 3 else 0


cdef void hard_silu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                    real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        a[i] = z[i] * (bounded(z[i] + <real>3, <real>0, <real>6) / <real>6)


cdef void hard_silu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                             real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real slope
    for i in range(units * m):
        slope = (<real>2 * z[i] + <real>3) / <real>6
        d[i] = 0 if z[i] <= -3 else (d[i] if z[i] >= 3 else d[i] * slope)


cdef void hard_tanh(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                    real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        a[i] = bounded(z[i], <real>-1, <real>1)


cdef void hard_tanh_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                             real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = 0 if abs_(z[i]) > 1 else d[i]


cdef void hard_shrink(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                      real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real cut = <real>p[0]
    for i in range(units * m):
        a[i] = 0 if abs_(z[i]) <= cut else z[i]


cdef void soft_shrink(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                      real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real cut = <real>p[0]
    for i in range(units * m):
        a[i] = z[i] - bounded(z[i], -cut, cut)


cdef void shrink_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                          real* total) noexcept nogil:
    """Of both, hard and soft."""
    cdef Py_ssize_t i
    cdef real cut = <real>p[0]
    for i in range(units * m):
        d[i] = d[i] if abs_(z[i]) > cut else 0


cdef void sparse_plus(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                      real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        a[i] = 0 if z[i] <= -1 else (z[i] if z[i] >= 1 else (z[i] + <real>1) * (z[i] + <real>1) / <real>4)


cdef void sparse_plus_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                               real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real slope
    for i in range(units * m):
        slope = (z[i] + <real>1) / <real>2
        d[i] = 0 if z[i] <= -1 else (d[i] if z[i] >= 1 else d[i] * slope)


cdef void sparse_sigmoid(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                         real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        a[i] = bounded((z[i] + <real>1) / <real>2, <real>0, <real>1)


cdef void sparse_sigmoid_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                                  real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        d[i] = d[i] / <real>2 if z[i] > -1 and z[i] < 1 else 0


# ---- smooth ------------------------------------------------------------------------------------------------------------

cdef void softsign(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                   real* total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(units * m):
        a[i] = z[i] / (<real>1 + abs_(z[i]))


cdef void softsign_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                            real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real t
    for i in range(units * m):
        t = <real>1 + abs_(z[i])
        d[i] = d[i] / (t * t)


cdef void squareplus(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                     real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real b = <real>p[0]
    for i in range(units * m):
        a[i] = squareplus_(z[i], b)


cdef void squareplus_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                              real* total) noexcept nogil:
    cdef Py_ssize_t i
    cdef real b = <real>p[0]
    for i in range(units * m):
        d[i] = d[i] * (a[i] / root_of_sum_(z[i], b))


cdef void silu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
               real* total) noexcept nogil:
    map_silu(units * m, z, a)


cdef void silu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                        real* total) noexcept nogil:
    times_silu_slope(units * m, z, d)


cdef void softplus(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                   real* total) noexcept nogil:
    map_softplus(units * m, z, a)


cdef void softplus_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                            real* total) noexcept nogil:
    times_softplus_slope(units * m, z, d)


cdef void log_sigmoid(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                      real* total) noexcept nogil:
    map_log_sigmoid(units * m, z, a)


cdef void log_sigmoid_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                               real* total) noexcept nogil:
    times_log_sigmoid_slope(units * m, z, d)


cdef void gelu(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
               real* total) noexcept nogil:
    map_gelu(units * m, z, a)


cdef void gelu_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                        real* total) noexcept nogil:
    times_gelu_slope(units * m, z, d)


cdef void gelu_tanh(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                    real* total) noexcept nogil:
    map_gelu_tanh(units * m, z, a)


cdef void gelu_tanh_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                             real* total) noexcept nogil:
    times_gelu_tanh_slope(units * m, z, d)


cdef void mish(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
               real* total) noexcept nogil:
    map_mish(units * m, z, a)


cdef void mish_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                        real* total) noexcept nogil:
    times_mish_slope(units * m, z, d)


cdef void tanh_shrink(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* row,
                      real* total) noexcept nogil:
    map_tanh_shrink(units * m, z, a)


cdef void tanh_shrink_backward(const double* p, Py_ssize_t units, Py_ssize_t m, const real* z, const real* a, real* d,
                               real* total) noexcept nogil:
    times_tanh_shrink_slope(units * m, z, d)


# ---- the table ----------------------------------------------------------------------------------------------------------

ACTIVATIONS = {}
cdef ActivationKind activation_kinds[40]


cdef int add_activation(str name, tuple parameters, int flags, activate_f32 forward_f32, activate_f64 forward_f64,
                        derive_f32 backward_f32, derive_f64 backward_f64) except -1:
    cdef ActivationKind* kind = &activation_kinds[new_index(ACTIVATIONS, 40)]
    kind.flags = flags
    kind.forward_f32, kind.forward_f64 = forward_f32, forward_f64
    kind.backward_f32, kind.backward_f64 = backward_f32, backward_f64
    ACTIVATIONS[name] = Kind(name, len(ACTIVATIONS), parameters)
    return 0


add_activation("linear", (), 0, linear[float], linear[double], linear_backward[float], linear_backward[double])
add_activation("relu", (), 0, relu[float], relu[double], relu_backward[float], relu_backward[double])
add_activation("sigmoid", (), IS_SIGMOID, sigmoid[float], sigmoid[double], sigmoid_backward[float],
               sigmoid_backward[double])
add_activation("tanh", (), 0, tanh[float], tanh[double], tanh_backward[float], tanh_backward[double])
add_activation("softmax", (), COUPLES_UNITS | KEEPS_INPUT | IS_SOFTMAX, softmax[float], softmax[double],
               softmax_backward[float], softmax_backward[double])
add_activation("elu", ("alpha",), KEEPS_INPUT, elu[float], elu[double], elu_backward[float], elu_backward[double])
add_activation("selu", (), KEEPS_INPUT, selu[float], selu[double], selu_backward[float], selu_backward[double])
add_activation("celu", ("alpha",), KEEPS_INPUT, celu[float], celu[double], celu_backward[float], celu_backward[double])
add_activation("exponential", (), KEEPS_INPUT, exponential[float], exponential[double], exponential_backward[float],
               exponential_backward[double])
add_activation("leaky_relu", ("negative_slope",), KEEPS_INPUT, leaky_relu[float], leaky_relu[double],
               leaky_relu_backward[float], leaky_relu_backward[double])
add_activation("relu6", (), KEEPS_INPUT, relu6[float], relu6[double], relu6_backward[float], relu6_backward[double])
add_activation("silu", (), KEEPS_INPUT, silu[float], silu[double], silu_backward[float], silu_backward[double])
add_activation("softplus", (), KEEPS_INPUT, softplus[float], softplus[double], softplus_backward[float],
               softplus_backward[double])
add_activation("softsign", (), KEEPS_INPUT, softsign[float], softsign[double], softsign_backward[float],
               softsign_backward[double])
add_activation("log_sigmoid", (), KEEPS_INPUT, log_sigmoid[float], log_sigmoid[double], log_sigmoid_backward[float],
               log_sigmoid_backward[double])
add_activation("hard_sigmoid", (), KEEPS_INPUT, hard_sigmoid[float], hard_sigmoid[double], hard_sigmoid_backward[float],
               hard_sigmoid_backward[double])
add_activation("hard_silu", (), KEEPS_INPUT, hard_silu[float], hard_silu[double], hard_silu_backward[float],
               hard_silu_backward[double])
add_activation("hard_tanh", (), KEEPS_INPUT, hard_tanh[float], hard_tanh[double], hard_tanh_backward[float],
               hard_tanh_backward[double])
add_activation("hard_shrink", ("threshold",), KEEPS_INPUT, hard_shrink[float], hard_shrink[double],
               shrink_backward[float], shrink_backward[double])
add_activation("soft_shrink", ("threshold",), KEEPS_INPUT, soft_shrink[float], soft_shrink[double],
               shrink_backward[float], shrink_backward[double])
add_activation("squareplus", ("b",), KEEPS_INPUT, squareplus[float], squareplus[double], squareplus_backward[float],
               squareplus_backward[double])
add_activation("sparse_plus", (), KEEPS_INPUT, sparse_plus[float], sparse_plus[double], sparse_plus_backward[float],
               sparse_plus_backward[double])
add_activation("sparse_sigmoid", (), KEEPS_INPUT, sparse_sigmoid[float], sparse_sigmoid[double],
               sparse_sigmoid_backward[float], sparse_sigmoid_backward[double])
# relu with a maximum or a threshold; the last is the slope at the maximum itself
add_activation("bounded_relu", ("negative_slope", "max_value", "threshold", "slope_at_max"), KEEPS_INPUT,
               bounded_relu[float], bounded_relu[double], bounded_relu_backward[float], bounded_relu_backward[double])
add_activation("threshold", ("threshold", "default_value"), KEEPS_INPUT, threshold[float], threshold[double],
               threshold_backward[float], threshold_backward[double])
add_activation("gelu", (), KEEPS_INPUT, gelu[float], gelu[double], gelu_backward[float], gelu_backward[double])
add_activation("gelu_tanh", (), KEEPS_INPUT, gelu_tanh[float], gelu_tanh[double], gelu_tanh_backward[float],
               gelu_tanh_backward[double])
add_activation("mish", (), KEEPS_INPUT, mish[float], mish[double], mish_backward[float], mish_backward[double])
add_activation("tanh_shrink", (), KEEPS_INPUT, tanh_shrink[float], tanh_shrink[double], tanh_shrink_backward[float],
               tanh_shrink_backward[double])
add_activation("log_softmax", (), COUPLES_UNITS | KEEPS_INPUT, log_softmax[float], log_softmax[double],
               log_softmax_backward[float], log_softmax_backward[double])
add_activation("sparsemax", (), COUPLES_UNITS | KEEPS_INPUT, sparsemax[float], sparsemax[double],
               sparsemax_backward[float], sparsemax_backward[double])


cdef Activation activation_of(spec) except *:
    """The struct of an `ActivationSpec`."""
    cdef Activation f
    cdef Py_ssize_t i
    memset(&f, 0, sizeof(Activation))
    kind = row_of(ACTIVATIONS, "activation", spec)
    f.kind = &activation_kinds[<Py_ssize_t>kind.row]
    for i, value in enumerate(parameters_of(kind, spec)):
        f.parameters[i] = value
    return f
