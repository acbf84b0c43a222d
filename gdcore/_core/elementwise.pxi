# Activations and their derivatives, on feature-major batches: z[j*m + i] is unit j of row i, m rows.

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
    float gd_expm1f(float)
    double gd_expm1(double)
    float gd_sigmoidf(float)
    double gd_sigmoid(double)
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
    void gd_map_relu_f32(Py_ssize_t, const float*, float*)
    void gd_map_relu_f64(Py_ssize_t, const double*, double*)

cdef extern from "<math.h>" nogil:
    float fabsf(float)
    double fabs(double)
    float sqrtf(float)
    double sqrt(double)


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


cdef inline real expm1_(real x) noexcept nogil:
    if real is float:
        return gd_expm1f(x)
    else:
        return gd_expm1(x)


cdef inline real root(real x) noexcept nogil:
    if real is float:
        return sqrtf(x)
    else:
        return sqrt(x)


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
}

# Klambauer et al., Self-normalizing neural networks, NeurIPS 2017
cdef double SELU_ALPHA = 1.6732632423543772848170429916717
cdef double SELU_SCALE = 1.0507009873554804934193349852946


cdef inline bint couples_units(int kind) noexcept nogil:
    """Whether one unit's output depends on the other units' inputs."""
    return kind == SOFTMAX


cdef inline bint keeps_input(int kind) noexcept nogil:
    """Whether what enters must be kept: the derivative does not follow from the output alone, or units couple."""
    return kind == SOFTMAX or kind >= ELU


cdef void softmax(Py_ssize_t units, Py_ssize_t m, const real* z, real* a, real* top, real* total) noexcept nogil:
    # z and a must differ; top and total hold m values each
    cdef Py_ssize_t i, j
    for i in range(m):
        top[i] = z[i]
        total[i] = 0
    for j in range(1, units):
        for i in range(m):
            top[i] = z[j * m + i] if z[j * m + i] > top[i] else top[i]
    for j in range(units):
        for i in range(m):
            a[j * m + i] = exp_(z[j * m + i] - top[i])
            total[i] += a[j * m + i]
    for j in range(units):
        for i in range(m):
            a[j * m + i] = a[j * m + i] / total[i]


cdef void activate(int kind, const double* params, Py_ssize_t units, Py_ssize_t m, const real* z, real* a,
                   real* top, real* total) noexcept nogil:
    # a may be z where not keeps_input
    cdef Py_ssize_t i, n = units * m
    cdef real p, q, t
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
        for i in range(n):
            a[i] = z[i] if z[i] > 0 else p * expm1_(z[i])
    elif kind == SELU:
        p = <real>SELU_SCALE
        q = <real>(SELU_SCALE * SELU_ALPHA)
        for i in range(n):
            a[i] = p * z[i] if z[i] > 0 else q * expm1_(z[i])
    elif kind == CELU:
        p = <real>params[0]
        for i in range(n):
            a[i] = z[i] if z[i] > 0 else p * expm1_(z[i] / p)
    elif kind == LEAKY_RELU:
        p = <real>params[0]
        for i in range(n):
            a[i] = z[i] if z[i] > 0 else p * z[i]
    elif kind == RELU6:
        for i in range(n):
            a[i] = bounded(z[i], <real>0, <real>6)
    elif kind == SOFTSIGN:
        for i in range(n):
            a[i] = z[i] / (1 + abs_(z[i]))
    elif kind == LOG_SIGMOID:
        for i in range(n):
            a[i] = -z[i]
        if real is float:
            gd_map_softplus_f32(n, a, a)
        else:
            gd_map_softplus_f64(n, a, a)
        for i in range(n):
            a[i] = -a[i]
    elif kind == HARD_SIGMOID:
        for i in range(n):
            a[i] = bounded(z[i] + 3, <real>0, <real>6) / 6
    elif kind == HARD_SILU:
        for i in range(n):
            a[i] = z[i] * (bounded(z[i] + 3, <real>0, <real>6) / 6)
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
            t = root(z[i] * z[i] + p)
            # for negative z the sum would cancel: (t + z)(t - z) = b
            a[i] = (z[i] + t) / 2 if z[i] >= 0 else p / (2 * (t - z[i]))
    elif kind == SPARSE_PLUS:
        for i in range(n):
            a[i] = 0 if z[i] <= -1 else (z[i] if z[i] >= 1 else (z[i] + 1) * (z[i] + 1) / 4)


cdef void activation_vjp(int kind, const double* params, Py_ssize_t units, Py_ssize_t m, const real* z,
                         const real* a, real* d, real* total) noexcept nogil:
    # d is dL/da on entry and dL/dz on return; z is only looked at where keeps_input
    cdef Py_ssize_t i, j, n = units * m
    cdef real p, q, t
    if kind == SIGMOID:
        for i in range(n):
            d[i] = d[i] * (a[i] * (1 - a[i]))
    elif kind == TANH:
        for i in range(n):
            d[i] = d[i] * (1 - a[i] * a[i])
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
            t = (a[i] + p if kind == ELU else a[i] / p + 1)
            d[i] = d[i] if z[i] > 0 else d[i] * t
    elif kind == SELU:
        p = <real>SELU_SCALE
        q = <real>(SELU_SCALE * SELU_ALPHA)
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
        for i in range(n):
            t = sigmoid_(z[i])
            d[i] = d[i] * (t + a[i] * (1 - t))
    elif kind == SOFTPLUS:
        for i in range(n):
            d[i] = d[i] * sigmoid_(z[i])
    elif kind == LOG_SIGMOID:
        for i in range(n):
            d[i] = d[i] * sigmoid_(-z[i])
    elif kind == SOFTSIGN:
        for i in range(n):
            t = 1 + abs_(z[i])
            d[i] = d[i] / (t * t)
    elif kind == HARD_SIGMOID:
        for i in range(n):
            d[i] = d[i] / 6 if z[i] > -3 and z[i] < 3 else 0
    elif kind == HARD_SILU:
        for i in range(n):
            t = (2 * z[i] + 3) / 6
            d[i] = 0 if z[i] <= -3 else (d[i] if z[i] >= 3 else d[i] * t)
    elif kind == HARD_TANH:
        for i in range(n):
            d[i] = 0 if z[i] < -1 or z[i] > 1 else d[i]
    elif kind == HARD_SHRINK or kind == SOFT_SHRINK:
        p = <real>params[0]
        for i in range(n):
            d[i] = d[i] if abs_(z[i]) > p else 0
    elif kind == SQUAREPLUS:
        p = <real>params[0]
        for i in range(n):
            d[i] = d[i] * (1 + z[i] / root(z[i] * z[i] + p)) / 2
    elif kind == SPARSE_PLUS:
        for i in range(n):
            t = (z[i] + 1) / 2
            d[i] = 0 if z[i] <= -1 else (d[i] if z[i] >= 1 else d[i] * t)
