# Functions of whole arrays, for everything in Python that is not a network.

cdef extern from "kernels/kernels.h" nogil:
    int gd_get_threads()
    void gd_set_threads(int)
    ctypedef void (*gd_map_f32)(Py_ssize_t, const float*, float*) noexcept nogil
    ctypedef void (*gd_map_f64)(Py_ssize_t, const double*, double*) noexcept nogil
    gd_map_f32 gd_find_map_f32(const char*)
    gd_map_f64 gd_find_map_f64(const char*)


def set_threads(int n):
    """How many threads the loops of one step may use."""
    gd_set_threads(n)


def get_threads():
    return gd_get_threads()


def all_finite(x):
    """Whether a C-contiguous array of float32 or float64 holds neither nan nor inf."""
    if x.dtype == np.float64:
        return _all_finite[double](x.reshape(x.size))
    return _all_finite[float](x.reshape(x.size))


cdef struct Checking:
    const void* x
    Py_ssize_t n
    int bad


cdef void check_part_float(void* context, int part, int parts) noexcept nogil:
    cdef Checking* c = <Checking*>context
    cdef Py_ssize_t first = c.n * part // parts
    if not finite(c.n * (part + 1) // parts - first, <const float*>c.x + first):
        c.bad = 1


cdef void check_part_double(void* context, int part, int parts) noexcept nogil:
    cdef Checking* c = <Checking*>context
    cdef Py_ssize_t first = c.n * part // parts
    if not finite(c.n * (part + 1) // parts - first, <const double*>c.x + first):
        c.bad = 1


cdef bint _all_finite(const real[::1] x) noexcept:
    cdef Checking c
    if x.shape[0] == 0:
        return True
    with nogil:
        c.x, c.n, c.bad = &x[0], x.shape[0], 0
        gd_run(check_part_float if real is float else check_part_double, &c,
               gd_parts(c.n > GD_THREADED_CHECK))
    return not c.bad


cdef aligned_zeros_at(Py_ssize_t n, dtype, void** at):
    """Zeros of shape (n,), aligned for whole vectors, and where they are."""
    cdef Py_ssize_t size = dtype.itemsize, shift
    raw = np.zeros(n * size + GD_ALIGNMENT, np.uint8)
    cdef unsigned char[::1] held = raw
    shift = <Py_ssize_t>((GD_ALIGNMENT - <size_t>&held[0] % GD_ALIGNMENT) % GD_ALIGNMENT)
    at[0] = &held[shift]
    return raw[shift:shift + n * size].view(dtype)


def aligned_zeros(Py_ssize_t n, dtype):
    """Zeros of shape (n,), aligned for whole vectors."""
    cdef void* at
    return aligned_zeros_at(n, np.dtype(dtype), &at)


def apply_activation(spec, x, d=None):
    """An activation (`ActivationSpec`) of an array of float32 or float64, along the last axis where units are coupled.

    With d, of x's shape: d times the derivative (the vector-Jacobian product) instead.
    """
    if x.dtype == np.float64:
        return _apply_activation[double](spec, x, d)
    return _apply_activation[float](spec, x, d)


cdef _apply_activation(spec, x, d, real only_for_its_type=0):
    cdef Activation f = activation_of(spec)
    cdef Py_ssize_t units = x.shape[x.ndim - 1] if f.kind.flags & COUPLES_UNITS else 1
    columns = np.array(x.reshape(-1, units).T, order="C")
    out = np.empty_like(columns)
    cdef const real[:, ::1] z = columns
    cdef real[:, ::1] a = out
    cdef real[:, ::1] slope
    cdef real[::1] row = np.empty(columns.shape[1], x.dtype)
    cdef real[::1] total = np.empty(columns.shape[1], x.dtype)
    if columns.size:
        with nogil:
            activate(&f, units, z.shape[1], &z[0, 0], &a[0, 0], &row[0], &total[0])
    if d is not None:
        if d.shape != x.shape or d.dtype != x.dtype:
            raise ValueError(f"d has shape {d.shape} and type {d.dtype}, expected {x.shape} and {x.dtype}")
        product = np.array(d.reshape(-1, units).T, order="C")
        slope = product
        if columns.size:
            with nogil:
                activation_backward(&f, units, z.shape[1], &z[0, 0], <const real*>&a[0, 0], &slope[0, 0], &total[0])
        out = product
    return np.ascontiguousarray(out.T).reshape(x.shape)


def loss_value(spec, y, p):
    """The loss by row of outputs p against targets y, both (rows, units) of one dtype."""
    if p.dtype == np.float64:
        return _loss_value[double](spec, y, p)
    return _loss_value[float](spec, y, p)


cdef int check_pair(y, p) except -1:
    if p.ndim != 2 or y.shape != p.shape or y.dtype != p.dtype or not p.size:
        raise ValueError(f"y has shape {y.shape} and type {y.dtype}, p {p.shape} and {p.dtype}: expected the same, not empty")
    return 0


cdef bint are_binary(const Loss* loss, y):
    """Whether all labels are 0 or 1, where the loss reads them."""
    return bool(loss.kind.flags & READS_LABELS) and bool(((y == 0) | (y == 1)).all())


cdef _loss_value(spec, y, p, real only_for_its_type=0):
    cdef Loss loss
    check_pair(y, p)
    cdef const real[:, ::1] Y = np.ascontiguousarray(y.T)
    cdef const real[:, ::1] P = np.ascontiguousarray(p.T)
    cdef real[:, ::1] scratch = np.empty((3, p.shape[0]), p.dtype)
    fill_loss(&loss, spec, p.shape[1])
    loss.binary_labels = are_binary(&loss, y)
    with nogil:
        loss_by_row(&loss, P.shape[0], P.shape[1], &Y[0, 0], &P[0, 0], <const real*>NULL, &scratch[0, 0], &scratch[1, 0],
                    &scratch[2, 0])
    free_loss(&loss)
    return np.array(scratch[0])


def loss_gradient_of(spec, y, p, scale):
    """d(sum_i scale[i] * loss of row i)/dp, of shape (rows, units)."""
    if p.dtype == np.float64:
        return _loss_gradient[double](spec, y, p, scale)
    return _loss_gradient[float](spec, y, p, scale)


cdef _loss_gradient(spec, y, p, const real[::1] scale):
    cdef Loss loss
    check_pair(y, p)
    cdef const real[:, ::1] Y = np.ascontiguousarray(y.T)
    cdef const real[:, ::1] P = np.ascontiguousarray(p.T)
    cdef real[:, ::1] scratch = np.empty((3, p.shape[0]), p.dtype)
    out = np.empty((p.shape[1], p.shape[0]), p.dtype)
    cdef real[:, ::1] d = out
    if scale.shape[0] != p.shape[0]:
        raise ValueError(f"scale has {scale.shape[0]} numbers, expected {p.shape[0]}")
    fill_loss(&loss, spec, p.shape[1])
    if loss.kind.flags & METRIC_ONLY:
        raise ValueError(f"{spec.kind!r} is a metric, which has no gradient")
    loss.binary_labels = are_binary(&loss, y)
    with nogil:
        loss_gradient(&loss, P.shape[0], P.shape[1], &Y[0, 0], &P[0, 0], <const real*>NULL, <const real*>NULL, &scale[0],
                      &d[0, 0], &scratch[0, 0], &scratch[1, 0], &scratch[2, 0])
    free_loss(&loss)
    return np.ascontiguousarray(out.T)


def apply_math(name, x):
    """One of the vector functions (exp, log, tanh, ...) of a 1-D array, for tests and benchmarks."""
    if x.dtype == np.float64:
        return _apply_math[double](name.encode(), x)
    return _apply_math[float](name.encode(), x)


cdef _apply_math(bytes name, const real[::1] x):
    cdef real[::1] y = np.empty(x.shape[0], np.float64 if real is double else np.float32)
    cdef gd_map_f32 map_f32 = gd_find_map_f32(name)
    cdef gd_map_f64 map_f64 = gd_find_map_f64(name)
    if map_f32 == NULL:
        raise KeyError(name.decode())
    if x.shape[0]:
        with nogil:
            if real is float:
                map_f32(x.shape[0], &x[0], &y[0])
            else:
                map_f64(x.shape[0], &x[0], &y[0])
    return np.asarray(y)


def apply_power(x, double y):
    """x^y of a 1-D array, as focal losses take it, for tests."""
    if x.dtype == np.float64:
        return _apply_power[double](x, y)
    return _apply_power[float](x, y)


cdef _apply_power(const real[::1] x, double y):
    cdef Py_ssize_t i
    cdef double sign = power_of_minus_one(y)
    cdef real[::1] out = np.empty(x.shape[0], np.float64 if real is double else np.float32)
    for i in range(x.shape[0]):
        out[i] = to_power(x[i], y, sign)
    return np.asarray(out)
