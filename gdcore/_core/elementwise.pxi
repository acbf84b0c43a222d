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
    void gd_map_relu_f32(Py_ssize_t, const float*, float*)
    void gd_map_relu_f64(Py_ssize_t, const double*, double*)

cdef extern from "<math.h>" nogil:
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


cdef enum:
    LINEAR
    RELU
    SIGMOID
    TANH
    SOFTMAX

ACTIVATIONS = {
    "linear": LINEAR,
    "relu": RELU,
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "softmax": SOFTMAX,
}


cdef inline bint couples_units(int kind) noexcept nogil:
    """Whether one unit's output depends on the other units' inputs."""
    return kind == SOFTMAX


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


cdef void activate(int kind, Py_ssize_t units, Py_ssize_t m, const real* z, real* a,
                   real* top, real* total) noexcept nogil:
    cdef Py_ssize_t i, n = units * m
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
    elif z != a:
        for i in range(n):
            a[i] = z[i]


cdef void activation_vjp(int kind, Py_ssize_t units, Py_ssize_t m, const real* a, real* d,
                         real* total) noexcept nogil:
    # d is dL/da on entry and dL/dz on return; all of these derivatives follow from the output alone
    cdef Py_ssize_t i, j, n = units * m
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
