# Activations and their derivatives, on feature-major batches: z[j*m + i] is unit j of row i, m rows.
# Numbers beside a `real` are cast to it: left alone they are double in C, and take the whole expression along.

ctypedef fused real:
    float
    double

cdef extern from "kernels.h" nogil:
    float gd_expf(float)
    double gd_exp(double)
    float gd_logf(float)
    double gd_log(double)
    float gd_log1pf(float)
    double gd_log1p(double)
    float gd_sigmoidf(float)
    double gd_sigmoid(double)
    float gd_exp_differencef(float, float)
    double gd_exp_difference(double, double)
    float gd_log_quotientf(float, float, float)
    double gd_log_quotient(double, double, double)
    float gd_squareplusf(float, float)
    double gd_squareplus(double, double)
    float gd_root_of_sumf(float, float)
    double gd_root_of_sum(double, double)
    void gd_map_exp_f32(Py_ssize_t, const float*, float*)
    void gd_map_exp_f64(Py_ssize_t, const double*, double*)
    void gd_map_log_f32(Py_ssize_t, const float*, float*)
    void gd_map_log_f64(Py_ssize_t, const double*, double*)
    void gd_map_log1p_f32(Py_ssize_t, const float*, float*)
    void gd_map_log1p_f64(Py_ssize_t, const double*, double*)
    void gd_map_sigmoid_f32(Py_ssize_t, const float*, float*)
    void gd_map_sigmoid_f64(Py_ssize_t, const double*, double*)
    void gd_map_tanh_f32(Py_ssize_t, const float*, float*)
    void gd_map_tanh_f64(Py_ssize_t, const double*, double*)
    void gd_map_expm1_f32(Py_ssize_t, const float*, float*)
    void gd_map_expm1_f64(Py_ssize_t, const double*, double*)
    void gd_map_silu_f32(Py_ssize_t, const float*, float*)
    void gd_map_silu_f64(Py_ssize_t, const double*, double*)
    void gd_map_softplus_f32(Py_ssize_t, const float*, float*)
    void gd_map_softplus_f64(Py_ssize_t, const double*, double*)
    void gd_map_log_sigmoid_f32(Py_ssize_t, const float*, float*)
    void gd_map_log_sigmoid_f64(Py_ssize_t, const double*, double*)
    void gd_map_gelu_f32(Py_ssize_t, const float*, float*)
    void gd_map_gelu_f64(Py_ssize_t, const double*, double*)
    void gd_map_gelu_tanh_f32(Py_ssize_t, const float*, float*)
    void gd_map_gelu_tanh_f64(Py_ssize_t, const double*, double*)
    void gd_map_mish_f32(Py_ssize_t, const float*, float*)
    void gd_map_mish_f64(Py_ssize_t, const double*, double*)
    void gd_map_tanh_shrink_f32(Py_ssize_t, const float*, float*)
    void gd_map_tanh_shrink_f64(Py_ssize_t, const double*, double*)
    void gd_map_relu_f32(Py_ssize_t, const float*, float*)
    void gd_map_relu_f64(Py_ssize_t, const double*, double*)
    void gd_times_silu_slope_f32(Py_ssize_t, const float*, float*)
    void gd_times_silu_slope_f64(Py_ssize_t, const double*, double*)
    void gd_times_softplus_slope_f32(Py_ssize_t, const float*, float*)
    void gd_times_softplus_slope_f64(Py_ssize_t, const double*, double*)
    void gd_times_log_sigmoid_slope_f32(Py_ssize_t, const float*, float*)
    void gd_times_log_sigmoid_slope_f64(Py_ssize_t, const double*, double*)
    void gd_times_gelu_slope_f32(Py_ssize_t, const float*, float*)
    void gd_times_gelu_slope_f64(Py_ssize_t, const double*, double*)
    void gd_times_gelu_tanh_slope_f32(Py_ssize_t, const float*, float*)
    void gd_times_gelu_tanh_slope_f64(Py_ssize_t, const double*, double*)
    void gd_times_mish_slope_f32(Py_ssize_t, const float*, float*)
    void gd_times_mish_slope_f64(Py_ssize_t, const double*, double*)
    void gd_times_tanh_shrink_slope_f32(Py_ssize_t, const float*, float*)
    void gd_times_tanh_shrink_slope_f64(Py_ssize_t, const double*, double*)
    ctypedef void (*gd_map_f32)(Py_ssize_t, const float*, float*) noexcept nogil
    ctypedef void (*gd_map_f64)(Py_ssize_t, const double*, double*) noexcept nogil
    gd_map_f32 gd_find_map_f32(const char*)
    gd_map_f64 gd_find_map_f64(const char*)

cdef extern from "<math.h>" nogil:
    float sqrtf(float)
    double sqrt(double)
    double INFINITY
    float fabsf(float)
    double fabs(double)


cdef inline real abs_(real x) noexcept nogil:
    if real is float:
        return fabsf(x)
    else:
        return fabs(x)


cdef inline real exp_(real x) noexcept nogil:
    if real is float:
        return gd_expf(x)
    else:
        return gd_exp(x)


cdef inline real exp_difference_(real x, real top) noexcept nogil:
    if real is float:
        return gd_exp_differencef(x, top)
    else:
        return gd_exp_difference(x, top)


cdef inline real log_quotient_(real x, real top, real total) noexcept nogil:
    if real is float:
        return gd_log_quotientf(x, top, total)
    else:
        return gd_log_quotient(x, top, total)


cdef inline real log_(real x) noexcept nogil:
    if real is float:
        return gd_logf(x)
    else:
        return gd_log(x)


cdef inline real log1p_(real x) noexcept nogil:
    if real is float:
        return gd_log1pf(x)
    else:
        return gd_log1p(x)


cdef inline real sigmoid_(real x) noexcept nogil:
    if real is float:
        return gd_sigmoidf(x)
    else:
        return gd_sigmoid(x)


cdef inline void expm1_of(Py_ssize_t n, const real* x, real* y) noexcept nogil:
    if real is float:
        gd_map_expm1_f32(n, x, y)
    else:
        gd_map_expm1_f64(n, x, y)


cdef inline void log1p_of(Py_ssize_t n, const real* x, real* y) noexcept nogil:
    if real is float:
        gd_map_log1p_f32(n, x, y)
    else:
        gd_map_log1p_f64(n, x, y)


cdef inline real root(real x) noexcept nogil:
    if real is float:
        return sqrtf(x)
    else:
        return sqrt(x)


cdef inline real squareplus_(real x, real b) noexcept nogil:
    if real is float:
        return gd_squareplusf(x, b)
    else:
        return gd_squareplus(x, b)


cdef inline real root_of_sum_(real x, real b) noexcept nogil:
    if real is float:
        return gd_root_of_sumf(x, b)
    else:
        return gd_root_of_sum(x, b)


cdef inline real bounded(real x, real low, real high) noexcept nogil:
    return low if x < low else (high if x > high else x)


cdef enum:
    LINEAR
    RELU
    SIGMOID
    TANH
    SOFTMAX
    ELU
    SELU
    CELU
    EXPONENTIAL
    LEAKY_RELU
    RELU6
    SILU
    SOFTPLUS
    SOFTSIGN
    LOG_SIGMOID
    HARD_SIGMOID
    HARD_SILU
    HARD_TANH
    HARD_SHRINK
    SOFT_SHRINK
    SQUAREPLUS
    SPARSE_PLUS
    SPARSE_SIGMOID
    BOUNDED_RELU
    THRESHOLD
    GELU
    GELU_TANH
    MISH
    TANH_SHRINK
    LOG_SOFTMAX
    SPARSEMAX

ACTIVATIONS = {
    "linear": LINEAR,
    "relu": RELU,
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "softmax": SOFTMAX,
    "elu": ELU,
    "selu": SELU,
    "celu": CELU,
    "exponential": EXPONENTIAL,
    "leaky_relu": LEAKY_RELU,
    "relu6": RELU6,
    "silu": SILU,
    "softplus": SOFTPLUS,
    "softsign": SOFTSIGN,
    "log_sigmoid": LOG_SIGMOID,
    "hard_sigmoid": HARD_SIGMOID,
    "hard_silu": HARD_SILU,
    "hard_tanh": HARD_TANH,
    "hard_shrink": HARD_SHRINK,
    "soft_shrink": SOFT_SHRINK,
    "squareplus": SQUAREPLUS,
    "sparse_plus": SPARSE_PLUS,
    "sparse_sigmoid": SPARSE_SIGMOID,
    "bounded_relu": BOUNDED_RELU,        # relu with a maximum or a threshold
    "threshold": THRESHOLD,
    "gelu": GELU,
    "gelu_tanh": GELU_TANH,
    "mish": MISH,
    "tanh_shrink": TANH_SHRINK,
    "log_softmax": LOG_SOFTMAX,
    "sparsemax": SPARSEMAX,
}

# Klambauer et al., Self-normalizing neural networks, NeurIPS 2017
cdef double SELU_SCALE = 1.0507009873554804934193349852946
cdef double SELU_SCALE_ALPHA = 1.7580993408473768599
cdef double SELU_SCALE_ALPHA_LOW = 1.415351938e-17  # what the double has rounded away


cdef inline bint couples_units(int kind) noexcept nogil:
    """Whether one unit's output depends on the other units' inputs."""
    return kind == SOFTMAX or kind == LOG_SOFTMAX or kind == SPARSEMAX


cdef inline bint keeps_input(int kind) noexcept nogil:
    """Whether what enters must be kept: the derivative does not follow from the output alone, or units couple."""
    return kind == SOFTMAX or kind >= ELU


cdef void row_maxima(Py_ssize_t units, Py_ssize_t m, const real* z, real* top) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(m):
        top[i] = z[i]
    for j in range(1, units):
        for i in range(m):
            top[i] = z[j * m + i] if z[j * m + i] > top[i] else top[i]


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


cdef void softmax(Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* low, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q
    exponentials(units, m, z, a, low, total)
    for i in range(m):
        low[i] = low[i] / total[i]
    for j in range(units):
        for i in range(m):
            q = a[j * m + i] / total[i]
            a[j * m + i] = q - q * low[i]


cdef void log_softmax(Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* top, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    exponentials(units, m, z, a, top, total)
    for i in range(m):
        total[i] = (total[i] - <real>1) + top[i]
    log1p_of(m, total, total)
    row_maxima(units, m, z, top)
    for j in range(units):
        for i in range(m):
            a[j * m + i] = log_quotient_(z[j * m + i], top[i], total[i])


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


cdef void sparsemax(Py_ssize_t units, Py_ssize_t m, const real* z, real* a) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real tau, t
    for i in range(m):
        sparsemax_support(units, m, z + i, &tau)
        for j in range(units):
            t = z[j * m + i] - tau
            a[j * m + i] = 0 if t <= 0 else t


cdef void sparsemax_vjp(Py_ssize_t units, Py_ssize_t m, const real* z, real* d) noexcept nogil:
    cdef Py_ssize_t i, j, k, rank, at
    cdef real tau, total
    for i in range(m):
        k = sparsemax_support(units, m, z + i, &tau)
        total = 0
        for j in range(units):
            if z[j * m + i] - tau < 0:
                d[j * m + i] = 0
            total += d[j * m + i]
        at = -1
        for rank in range(k):
            at = next_largest(units, m, z + i, at)
            d[at * m + i] -= total * (k - rank) / k


cdef void activate(int kind, const double* params, Py_ssize_t units, Py_ssize_t m, const real* z, real* a,
                   real* top, real* total) noexcept nogil:
    # a may be z where not keeps_input
    cdef Py_ssize_t i, n = units * m
    cdef real p, q, t, low
    if kind == SIGMOID:
        if real is float:
            gd_map_sigmoid_f32(n, z, a)
        else:
            gd_map_sigmoid_f64(n, z, a)
    elif kind == TANH:
        if real is float:
            gd_map_tanh_f32(n, z, a)
        else:
            gd_map_tanh_f64(n, z, a)
    elif kind == RELU:
        if real is float:
            gd_map_relu_f32(n, z, a)
        else:
            gd_map_relu_f64(n, z, a)
    elif kind == SOFTMAX:
        softmax(units, m, z, a, top, total)
    elif kind == LOG_SOFTMAX:
        log_softmax(units, m, z, a, top, total)
    elif kind == SPARSEMAX:
        sparsemax(units, m, z, a)
    elif kind == GELU:
        if real is float:
            gd_map_gelu_f32(n, z, a)
        else:
            gd_map_gelu_f64(n, z, a)
    elif kind == GELU_TANH:
        if real is float:
            gd_map_gelu_tanh_f32(n, z, a)
        else:
            gd_map_gelu_tanh_f64(n, z, a)
    elif kind == MISH:
        if real is float:
            gd_map_mish_f32(n, z, a)
        else:
            gd_map_mish_f64(n, z, a)
    elif kind == TANH_SHRINK:
        if real is float:
            gd_map_tanh_shrink_f32(n, z, a)
        else:
            gd_map_tanh_shrink_f64(n, z, a)
    elif kind == SILU:
        if real is float:
            gd_map_silu_f32(n, z, a)
        else:
            gd_map_silu_f64(n, z, a)
    elif kind == SOFTPLUS:
        if real is float:
            gd_map_softplus_f32(n, z, a)
        else:
            gd_map_softplus_f64(n, z, a)
    elif kind == EXPONENTIAL:
        if real is float:
            gd_map_exp_f32(n, z, a)
        else:
            gd_map_exp_f64(n, z, a)
    elif kind == LINEAR:
        if z != a:
            for i in range(n):
                a[i] = z[i]
    elif kind == ELU:
        p = <real>params[0]
        expm1_of(n, z, a)
        for i in range(n):
            a[i] = z[i] if z[i] > 0 else p * a[i]
    elif kind == SELU:
        p = <real>SELU_SCALE
        q = <real>SELU_SCALE_ALPHA
        low = <real>(SELU_SCALE_ALPHA - <double>q + SELU_SCALE_ALPHA_LOW)
        expm1_of(n, z, a)
        for i in range(n):
            a[i] = p * z[i] if z[i] > 0 else q * a[i] + low * a[i]
    elif kind == CELU:
        p = <real>params[0]
        for i in range(n):
            a[i] = z[i] / p
        expm1_of(n, a, a)
        for i in range(n):
            a[i] = z[i] if z[i] > 0 else p * a[i]
    elif kind == LEAKY_RELU:
        p = <real>params[0]
        for i in range(n):
            a[i] = z[i] if z[i] > 0 else p * z[i]
    elif kind == RELU6:
        for i in range(n):
            a[i] = bounded(z[i], <real>0, <real>6)
    elif kind == SOFTSIGN:
        for i in range(n):
            a[i] = z[i] / (<real>1 + abs_(z[i]))
    elif kind == LOG_SIGMOID:
        if real is float:
            gd_map_log_sigmoid_f32(n, z, a)
        else:
            gd_map_log_sigmoid_f64(n, z, a)
    elif kind == HARD_SIGMOID:
        for i in range(n):
            a[i] = bounded(z[i] + <real>3, <real>0, <real>6) / <real>6
    elif kind == HARD_SILU:
        for i in range(n):
            a[i] = z[i] * (bounded(z[i] + <real>3, <real>0, <real>6) / <real>6)
    elif kind == HARD_TANH:
        for i in range(n):
            a[i] = bounded(z[i], <real>-1, <real>1)
    elif kind == HARD_SHRINK:
        p = <real>params[0]
        for i in range(n):
            a[i] = 0 if abs_(z[i]) <= p else z[i]
    elif kind == SOFT_SHRINK:
        p = <real>params[0]
        for i in range(n):
            a[i] = z[i] - bounded(z[i], -p, p)
    elif kind == SQUAREPLUS:
        p = <real>params[0]
        for i in range(n):
            a[i] = squareplus_(z[i], p)
    elif kind == SPARSE_PLUS:
        for i in range(n):
            a[i] = 0 if z[i] <= -1 else (z[i] if z[i] >= 1 else (z[i] + <real>1) * (z[i] + <real>1) / <real>4)
    elif kind == SPARSE_SIGMOID:
        for i in range(n):
            a[i] = bounded((z[i] + <real>1) / <real>2, <real>0, <real>1)
    elif kind == BOUNDED_RELU:
        # slope, maximum, threshold; only where there is a maximum, 0 is a minimum too
        p = <real>params[1]
        q = <real>params[2]
        low = <real>(0 if params[1] < INFINITY else -INFINITY)
        for i in range(n):
            a[i] = bounded(0 if z[i] <= q else z[i], low, p)
        if params[0] != 0:
            p = <real>params[0]
            for i in range(n):
                a[i] = a[i] - p * (q - z[i]) if z[i] < q else a[i]
    elif kind == THRESHOLD:
        p = <real>params[0]
        q = <real>params[1]
        for i in range(n):
            a[i] = q if z[i] <= p else z[i]


cdef void activation_vjp(int kind, const double* params, Py_ssize_t units, Py_ssize_t m, const real* z,
                         const real* a, real* d, real* total) noexcept nogil:
    # d is dL/da on entry and dL/dz on return; z is only looked at where keeps_input
    cdef Py_ssize_t i, j, n = units * m
    cdef real p, q, t, u, low, top
    if kind == SIGMOID:
        for i in range(n):
            d[i] = d[i] * (a[i] * (<real>1 - a[i]))
    elif kind == TANH:
        for i in range(n):
            d[i] = d[i] * (<real>1 - a[i] * a[i])
    elif kind == RELU:
        for i in range(n):
            d[i] = d[i] if a[i] > 0 else 0
    elif kind == SOFTMAX:
        for i in range(m):
            total[i] = 0
        for j in range(units):
            for i in range(m):
                total[i] += d[j * m + i] * a[j * m + i]
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (d[j * m + i] - total[i]) * a[j * m + i]
    elif kind == ELU or kind == CELU:
        p = <real>params[0]
        for i in range(n):
            # alpha e^z is a + alpha; celu's is e^(z/alpha), which is a/alpha + 1
            t = (a[i] + p if kind == ELU else a[i] / p + <real>1)
            d[i] = d[i] if z[i] > 0 else d[i] * t
    elif kind == SELU:
        p = <real>SELU_SCALE
        q = <real>SELU_SCALE_ALPHA
        for i in range(n):
            d[i] = d[i] * (a[i] + q if z[i] < 0 else p)
    elif kind == EXPONENTIAL:
        for i in range(n):
            d[i] = d[i] * a[i]
    elif kind == LEAKY_RELU:
        p = <real>params[0]
        for i in range(n):
            d[i] = d[i] if z[i] > 0 else d[i] * p
    elif kind == RELU6:
        for i in range(n):
            d[i] = d[i] if z[i] > 0 and z[i] < 6 else 0
    elif kind == SILU:
        if real is float:
            gd_times_silu_slope_f32(n, z, d)
        else:
            gd_times_silu_slope_f64(n, z, d)
    elif kind == SOFTPLUS:
        if real is float:
            gd_times_softplus_slope_f32(n, z, d)
        else:
            gd_times_softplus_slope_f64(n, z, d)
    elif kind == LOG_SIGMOID:
        if real is float:
            gd_times_log_sigmoid_slope_f32(n, z, d)
        else:
            gd_times_log_sigmoid_slope_f64(n, z, d)
    elif kind == SOFTSIGN:
        for i in range(n):
            t = <real>1 + abs_(z[i])
            d[i] = d[i] / (t * t)
    elif kind == HARD_SIGMOID:
        for i in range(n):
            d[i] = d[i] / <real>6 if z[i] > -3 and z[i] < 3 else 0
    elif kind == HARD_SILU:
        for i in range(n):
            t = (<real>2 * z[i] + <real>3) / <real>6
            d[i] = 0 if z[i] <= -3 else (d[i] if z[i] >= 3 else d[i] * t)
    elif kind == HARD_TANH:
        for i in range(n):
            d[i] = 0 if abs_(z[i]) > 1 else d[i]
    elif kind == HARD_SHRINK or kind == SOFT_SHRINK:
        p = <real>params[0]
        for i in range(n):
            d[i] = d[i] if abs_(z[i]) > p else 0
    elif kind == SQUAREPLUS:
        p = <real>params[0]
        for i in range(n):
            d[i] = d[i] * (a[i] / root_of_sum_(z[i], p))
    elif kind == SPARSE_PLUS:
        for i in range(n):
            t = (z[i] + <real>1) / <real>2
            d[i] = 0 if z[i] <= -1 else (d[i] if z[i] >= 1 else d[i] * t)
    elif kind == SPARSE_SIGMOID:
        for i in range(n):
            d[i] = d[i] / <real>2 if z[i] > -1 and z[i] < 1 else 0
    elif kind == BOUNDED_RELU:
        # the fourth parameter is the slope at the maximum itself
        p = <real>params[0]
        q = <real>params[2]
        t = <real>params[3]
        top = <real>params[1]
        low = <real>(0 if params[1] < INFINITY else -INFINITY)
        for i in range(n):
            u = d[i] if z[i] < top else (d[i] * t if z[i] == top else 0)
            u = u if z[i] > q else 0
            u = u if z[i] >= low else 0
            d[i] = u + (d[i] * p if z[i] < q else 0)
    elif kind == THRESHOLD:
        p = <real>params[0]
        for i in range(n):
            d[i] = d[i] if z[i] > p else 0
    elif kind == GELU:
        if real is float:
            gd_times_gelu_slope_f32(n, z, d)
        else:
            gd_times_gelu_slope_f64(n, z, d)
    elif kind == GELU_TANH:
        if real is float:
            gd_times_gelu_tanh_slope_f32(n, z, d)
        else:
            gd_times_gelu_tanh_slope_f64(n, z, d)
    elif kind == MISH:
        if real is float:
            gd_times_mish_slope_f32(n, z, d)
        else:
            gd_times_mish_slope_f64(n, z, d)
    elif kind == TANH_SHRINK:
        if real is float:
            gd_times_tanh_shrink_slope_f32(n, z, d)
        else:
            gd_times_tanh_shrink_slope_f64(n, z, d)
    elif kind == LOG_SOFTMAX:
        for i in range(m):
            total[i] = 0
        for j in range(units):
            for i in range(m):
                total[i] += d[j * m + i]
        for j in range(units):
            for i in range(m):
                d[j * m + i] = d[j * m + i] - exp_(a[j * m + i]) * total[i]
    elif kind == SPARSEMAX:
        sparsemax_vjp(units, m, z, d)
