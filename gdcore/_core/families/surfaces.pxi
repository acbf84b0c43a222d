# Test functions of optimization, for many points at once: x[k*n + i] is coordinate k of point i, of n points.
# Each gives values and gradients in one pass; one row a kind in the table at the end.

cdef extern from "kernels/kernels.h" nogil:
    float peak "gd_peak_f32"(float, float, float*, float*)
    double peak "gd_peak_f64"(double, double, double*, double*)
    void many_peaks "gd_peaks_f32"(Py_ssize_t, const float*, const float*, float*, float*, float*)
    void many_peaks "gd_peaks_f64"(Py_ssize_t, const double*, const double*, double*, double*, double*)

ctypedef void (*surface_f32)(const Surface*, Py_ssize_t, Py_ssize_t, const float*, float*, float*) noexcept nogil
ctypedef void (*surface_f64)(const Surface*, Py_ssize_t, Py_ssize_t, const double*, double*, double*) noexcept nogil

cdef struct SurfaceKind:
    Py_ssize_t dims              # 0: any number
    bint has_short_way           # at a single point
    surface_f32 single
    surface_f64 double_

cdef struct Surface:
    const SurfaceKind* kind
    double number[1]


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
    if n == 1 and shape.kind.has_short_way:
        value[0] = peak(x[0], x[1], grad, grad + 1)
    elif real is float:
        shape.kind.single(shape, dims, n, x, value, grad)
    else:
        shape.kind.double_(shape, dims, n, x, value, grad)


cdef void peaks_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                   real* grad) noexcept nogil:
    many_peaks(n, x, x + n, value, grad, grad + n)


cdef void himmelblau_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                       real* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef real u, v
    for i in range(n):
        value[i] = himmelblau(x[i], x[n + i], &u, &v)
        grad[i] = u
        grad[n + i] = v


cdef void beale_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                  real* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef real u, v
    for i in range(n):
        value[i] = beale(x[i], x[n + i], &u, &v)
        grad[i] = u
        grad[n + i] = v


cdef void booth_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                  real* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef real u, v
    for i in range(n):
        value[i] = booth(x[i], x[n + i], &u, &v)
        grad[i] = u
        grad[n + i] = v


cdef void matyas_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                   real* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef real u, v
    for i in range(n):
        value[i] = matyas(x[i], x[n + i], &u, &v)
        grad[i] = u
        grad[n + i] = v


cdef void three_hump_camel_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                             real* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef real u, v
    for i in range(n):
        value[i] = three_hump_camel(x[i], x[n + i], &u, &v)
        grad[i] = u
        grad[n + i] = v


cdef void saddle_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                   real* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef real u, v
    for i in range(n):
        value[i] = saddle(x[i], x[n + i], &u, &v)
        grad[i] = u
        grad[n + i] = v


cdef void swish_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                   real* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef real one = 1, p
    for i in range(n):
        p = sigmoid_(x[i])
        value[i] = x[i] * p
        grad[i] = p + x[i] * p * (one - p)


cdef void ackley_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                    real* grad) noexcept nogil:
    # where all coordinates are 0 there is no gradient; 0 is the middle of all slopes
    cdef Py_ssize_t i, k
    cdef real one = 1, p, q, u
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


# Sums over the coordinates.

cdef void rosenbrock_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                        real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef const real* here
    cdef const real* y
    cdef real* slope
    cdef real* dy
    cdef real one = 1, p, q
    memset(value, 0, n * sizeof(real))
    memset(grad, 0, dims * n * sizeof(real))
    for k in range(dims - 1):
        here = x + k * n
        slope = grad + k * n
        y = here + n
        dy = slope + n
        for i in range(n):
            p = y[i] - here[i] * here[i]
            q = one - here[i]
            value[i] += 100 * p * p + q * q
            slope[i] -= 400 * here[i] * p + 2 * q
            dy[i] += 200 * p


cdef void rastrigin_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                       real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef const real* here
    cdef real one = 1, ten = 10
    memset(value, 0, n * sizeof(real))
    for k in range(dims):
        here = x + k * n
        for i in range(n):
            value[i] += here[i] * here[i] + ten * (one - <real>c_cos(2 * PI * here[i]))
            grad[k * n + i] = 2 * here[i] + <real>(20 * PI) * <real>c_sin(2 * PI * here[i])


cdef void styblinski_tang_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                             real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef const real* here
    cdef real half = 0.5, p
    memset(value, 0, n * sizeof(real))
    for k in range(dims):
        here = x + k * n
        for i in range(n):
            p = here[i] * here[i]
            value[i] += half * (p * p - 16 * p + 5 * here[i])
            grad[k * n + i] = half * (4 * p * here[i] - 32 * here[i] + 5)


cdef void quadratic_at(const Surface* shape, Py_ssize_t dims, Py_ssize_t n, const real* x, real* value,
                       real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef const real* here
    cdef real half = 0.5, p
    memset(value, 0, n * sizeof(real))
    for k in range(dims):
        here = x + k * n
        p = <real>c_pow(shape.number[0], k / <double>(dims - 1) if dims > 1 else 0)
        for i in range(n):
            value[i] += half * p * here[i] * here[i]
            grad[k * n + i] = p * here[i]


# ---- the table ----------------------------------------------------------------------------------------------------------

SURFACES = {}
cdef SurfaceKind surface_kinds[16]


cdef int add_surface(str name, tuple parameters, Py_ssize_t dims, surface_f32 single, surface_f64 double_,
                     bint has_short_way=False) except -1:
    cdef SurfaceKind* kind = &surface_kinds[new_index(SURFACES, 16)]
    kind.dims, kind.has_short_way, kind.single, kind.double_ = dims, has_short_way, single, double_
    SURFACES[name] = Kind(name, len(SURFACES), parameters)
    return 0


add_surface("peaks", (), 2, peaks_at[float], peaks_at[double], has_short_way=True)
add_surface("rosenbrock", (), 0, rosenbrock_at[float], rosenbrock_at[double])
add_surface("himmelblau", (), 2, himmelblau_at[float], himmelblau_at[double])
add_surface("beale", (), 2, beale_at[float], beale_at[double])
add_surface("booth", (), 2, booth_at[float], booth_at[double])
add_surface("matyas", (), 2, matyas_at[float], matyas_at[double])
add_surface("three_hump_camel", (), 2, three_hump_camel_at[float], three_hump_camel_at[double])
add_surface("rastrigin", (), 0, rastrigin_at[float], rastrigin_at[double])
add_surface("ackley", (), 0, ackley_at[float], ackley_at[double])
add_surface("styblinski_tang", (), 0, styblinski_tang_at[float], styblinski_tang_at[double])
add_surface("saddle", (), 2, saddle_at[float], saddle_at[double])
add_surface("quadratic", ("condition",), 0, quadratic_at[float], quadratic_at[double])
add_surface("swish", (), 1, swish_at[float], swish_at[double])


cdef Surface surface_of(spec, Py_ssize_t dims) except *:
    """The struct of a `SurfaceSpec` for points of so many coordinates."""
    cdef Surface shape
    cdef Py_ssize_t i
    shape.number[0] = 0
    kind = row_of(SURFACES, "surface", spec)
    shape.kind = &surface_kinds[<Py_ssize_t>kind.row]
    for i, value in enumerate(parameters_of(kind, spec)):
        shape.number[i] = value
    if dims < 1 or (shape.kind.dims and dims != shape.kind.dims):
        raise ValueError(f"{kind.name} is a function of {shape.kind.dims or 'at least one'} numbers, got {dims}")
    return shape


def apply_surface(spec, x, value, grad):
    """Values and gradients of a surface at the columns of x, of shape (dims, n) as grad."""
    if x.dtype == np.float64:
        _apply_surface[double](spec, x, value, grad)
    else:
        _apply_surface[float](spec, x, value, grad)


cdef _apply_surface(spec, const real[:, ::1] x, real[::1] value, real[:, ::1] grad):
    cdef Surface shape = surface_of(spec, x.shape[0])
    if grad.shape[0] != x.shape[0] or grad.shape[1] != x.shape[1] or value.shape[0] != x.shape[1]:
        raise ValueError(f"x {x.shape[0], x.shape[1]}, value {value.shape[0]} and grad {grad.shape[0], grad.shape[1]} "
                         "do not fit")
    if value.shape[0]:
        with nogil:
            surface(&shape, x.shape[0], x.shape[1], &x[0, 0], &value[0], &grad[0, 0])
