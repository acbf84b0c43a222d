# Test functions of optimization, for many points at once: x[k*n + i] is coordinate k of point i, of n points.
# Each gives values and gradients in one pass.

from libc.math cimport sin as c_sin

cdef extern from "kernels.h" nogil:
    float gd_peak_f32(float, float, float*, float*)
    double gd_peak_f64(double, double, double*, double*)
    void gd_peaks_f32(Py_ssize_t, const float*, const float*, float*, float*, float*)
    void gd_peaks_f64(Py_ssize_t, const double*, const double*, double*, double*, double*)

cdef enum:
    PEAKS
    ROSENBROCK
    HIMMELBLAU
    BEALE
    BOOTH
    MATYAS
    THREE_HUMP_CAMEL
    RASTRIGIN
    ACKLEY
    STYBLINSKI_TANG
    SADDLE
    QUADRATIC
    SWISH

SURFACES = {
    "peaks": PEAKS,
    "rosenbrock": ROSENBROCK,
    "himmelblau": HIMMELBLAU,
    "beale": BEALE,
    "booth": BOOTH,
    "matyas": MATYAS,
    "three_hump_camel": THREE_HUMP_CAMEL,
    "rastrigin": RASTRIGIN,
    "ackley": ACKLEY,
    "styblinski_tang": STYBLINSKI_TANG,
    "saddle": SADDLE,
    "quadratic": QUADRATIC,
    "swish": SWISH,
}

cdef struct Surface:
    int kind
    double condition             # of a quadratic


# Functions of two variables: the value, and the gradient in u and v.

cdef inline real himmelblau(real x, real y, real* u, real* v) noexcept nogil:
    cdef real p = x * x + y - 11, q = x + y * y - 7
    u[0] = 4 * x * p + 2 * q
    v[0] = 2 * p + 4 * y * q
    return p * p + q * q


cdef inline real beale(real x, real y, real* u, real* v) noexcept nogil:
    cdef real one = 1, y2 = y * y, y3 = y2 * y
    cdef real p = one * 3 / 2 - x + x * y, q = one * 9 / 4 - x + x * y2, r = one * 21 / 8 - x + x * y3
    u[0] = 2 * (p * (y - 1) + q * (y2 - 1) + r * (y3 - 1))
    v[0] = 2 * x * (p + 2 * y * q + 3 * y2 * r)
    return p * p + q * q + r * r


cdef inline real booth(real x, real y, real* u, real* v) noexcept nogil:
    cdef real p = x + 2 * y - 7, q = 2 * x + y - 5
    u[0] = 2 * p + 4 * q
    v[0] = 4 * p + 2 * q
    return p * p + q * q


cdef inline real matyas(real x, real y, real* u, real* v) noexcept nogil:
    cdef real p = <real>0.26, q = <real>0.48
    u[0] = 2 * p * x - q * y
    v[0] = 2 * p * y - q * x
    return p * (x * x + y * y) - q * x * y


cdef inline real three_hump_camel(real x, real y, real* u, real* v) noexcept nogil:
    cdef real one = 1, x2 = x * x, p = <real>1.05
    u[0] = x * (4 - 4 * p * x2 + x2 * x2) + y
    v[0] = x + 2 * y
    return x2 * (2 - p * x2 + x2 * x2 / 6) + x * y + y * y


cdef inline real saddle(real x, real y, real* u, real* v) noexcept nogil:
    u[0] = 2 * x
    v[0] = -2 * y
    return x * x - y * y


cdef inline void surface(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                         real* grad) noexcept nogil:
    """Values and gradients at n points; no two of the arrays may overlap."""
    if shape.kind == PEAKS and n == 1:
        if real is float:
            value[0] = gd_peak_f32(x[0], x[1], grad, grad + 1)
        else:
            value[0] = gd_peak_f64(x[0], x[1], grad, grad + 1)
    else:
        surface_at_many(shape, dims, n, x, value, grad)


cdef void surface_at_many(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                          real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef const real* y = x + n
    cdef real* dy = grad + n
    cdef const real* here
    cdef real* slope
    cdef real one = 1, half = 0.5, ten = 10, p, q, u, v
    if shape.kind == PEAKS:
        if real is float:
            gd_peaks_f32(n, x, y, value, grad, dy)
        else:
            gd_peaks_f64(n, x, y, value, grad, dy)
    elif shape.kind == HIMMELBLAU:
        for i in range(n):
            value[i] = himmelblau(x[i], y[i], &u, &v)
            grad[i] = u
            dy[i] = v
    elif shape.kind == BEALE:
        for i in range(n):
            value[i] = beale(x[i], y[i], &u, &v)
            grad[i] = u
            dy[i] = v
    elif shape.kind == BOOTH:
        for i in range(n):
            value[i] = booth(x[i], y[i], &u, &v)
            grad[i] = u
            dy[i] = v
    elif shape.kind == MATYAS:
        for i in range(n):
            value[i] = matyas(x[i], y[i], &u, &v)
            grad[i] = u
            dy[i] = v
    elif shape.kind == THREE_HUMP_CAMEL:
        for i in range(n):
            value[i] = three_hump_camel(x[i], y[i], &u, &v)
            grad[i] = u
            dy[i] = v
    elif shape.kind == SADDLE:
        for i in range(n):
            value[i] = saddle(x[i], y[i], &u, &v)
            grad[i] = u
            dy[i] = v
    elif shape.kind == SWISH:
        for i in range(n):
            p = sigmoid_(x[i])
            value[i] = x[i] * p
            grad[i] = p + x[i] * p * (one - p)
    elif shape.kind == ACKLEY:
        # where all coordinates are 0 there is no gradient; 0 is the middle of all slopes
        for i in range(n):
            p = 0
            q = 0
            for k in range(dims):
                p += x[k * n + i] * x[k * n + i]
                q += <real>c_cos(2 * PI * x[k * n + i])
            u = root(p / dims)
            p = 20 * exp_(-u / 5)
            q = exp_(q / dims)
            value[i] = (20 - p) + (exp_(one) - q)
            p = p / (5 * dims * u) if u > 0 else 0
            q = q * <real>(2 * PI) / dims
            for k in range(dims):
                grad[k * n + i] = p * x[k * n + i] + q * <real>c_sin(2 * PI * x[k * n + i])
    else:
        # sums over the coordinates
        for i in range(n):
            value[i] = 0
        memset(grad, 0, dims * n * sizeof(real))
        for k in range(dims - 1 if shape.kind == ROSENBROCK else dims):
            here = x + k * n
            slope = grad + k * n
            if shape.kind == ROSENBROCK:
                y = here + n
                dy = slope + n
                for i in range(n):
                    p = y[i] - here[i] * here[i]
                    q = one - here[i]
                    value[i] += 100 * p * p + q * q
                    slope[i] -= 400 * here[i] * p + 2 * q
                    dy[i] += 200 * p
            elif shape.kind == RASTRIGIN:
                for i in range(n):
                    value[i] += here[i] * here[i] + ten * (one - <real>c_cos(2 * PI * here[i]))
                    slope[i] = 2 * here[i] + <real>(20 * PI) * <real>c_sin(2 * PI * here[i])
            elif shape.kind == STYBLINSKI_TANG:
                for i in range(n):
                    p = here[i] * here[i]
                    value[i] += half * (p * p - 16 * p + 5 * here[i])
                    slope[i] = half * (4 * p * here[i] - 32 * here[i] + 5)
            else:
                p = <real>c_pow(shape.condition, k / <double>(dims - 1) if dims > 1 else 0)
                for i in range(n):
                    value[i] += half * p * here[i] * here[i]
                    slope[i] = p * here[i]


cdef Surface surface_struct(spec):
    cdef Surface shape
    name, shape.condition = spec
    shape.kind = SURFACES[name]
    return shape


def apply_surface(spec, x, value, grad):
    """Values and gradients of a surface at the columns of x, of shape (dims, n) as grad."""
    if x.dtype == np.float64:
        _apply_surface[double](spec, x, value, grad)
    else:
        _apply_surface[float](spec, x, value, grad)


cdef _apply_surface(spec, const real[:, ::1] x, real[::1] value, real[:, ::1] grad):
    cdef Surface shape = surface_struct(spec)
    if value.shape[0]:
        with nogil:
            surface(&shape, x.shape[0], x.shape[1], &x[0, 0], &value[0], &grad[0, 0])
