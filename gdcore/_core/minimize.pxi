# Descents of functions from many starts at once.  Lanes are starts: x[k*lanes + i] is coordinate k of lane i, so
# that all lanes are one flat vector for `update`, and a surface is computed with whole vectors.

from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_GetName, PyCapsule_GetPointer

cdef extern from "kernels.h" nogil:
    void gd_steepest_f32(Py_ssize_t, const float*, float*, float*)
    void gd_steepest_f64(Py_ssize_t, const double*, double*, double*)
    void gd_keep_better_f32(Py_ssize_t, const float*, const float*, const float*, const float*, float*)
    void gd_keep_better_f64(Py_ssize_t, const double*, const double*, const double*, const double*, double*)
    bint gd_news_f32(Py_ssize_t, const float*, const float*, const float*)
    bint gd_news_f64(Py_ssize_t, const double*, const double*, const double*)

cdef enum:
    SURFACE                      # one of those here
    VALUE_FUNCTION               # C functions, of a LowLevelCallable; with or without user data
    GRADIENT_FUNCTION            # what gives the value and writes the gradient
    CALLED_FUNCTION              # a Python function

cdef enum:
    RUNNING = -1
    CONVERGED_GRADIENT
    OUT_OF_STEPS
    NOT_FINITE
    CONVERGED_VALUE
    STOPPED_BY_CALLBACK = 99

DESCENT_STATES = {
    "gradient": CONVERGED_GRADIENT,
    "maxiter": OUT_OF_STEPS,
    "not finite": NOT_FINITE,
    "value": CONVERGED_VALUE,
    "callback": STOPPED_BY_CALLBACK,
}

ctypedef double (*value_function)(int, double*) noexcept nogil
ctypedef double (*value_function_with_data)(int, double*, void*) noexcept nogil
ctypedef double (*gradient_function)(int, double*, double*) noexcept nogil
ctypedef double (*gradient_function_with_data)(int, double*, double*, void*) noexcept nogil
ctypedef void (*slope_function)(int, double*, double*) noexcept nogil
ctypedef void (*slope_function_with_data)(int, double*, double*, void*) noexcept nogil

SIGNATURES = {
    "double (int, double *)": (VALUE_FUNCTION, False),
    "double (int, double *, void *)": (VALUE_FUNCTION, True),
    "double (int, double *, double *)": (GRADIENT_FUNCTION, False),
    "double (int, double *, double *, void *)": (GRADIENT_FUNCTION, True),
}
SLOPE_SIGNATURES = {
    "void (int, double *, double *)": (GRADIENT_FUNCTION, False),
    "void (int, double *, double *, void *)": (GRADIENT_FUNCTION, True),
}

cdef struct CFunction:
    int kind
    bint has_data
    void* pointer
    void* data

cdef struct Objective:
    int kind
    Surface surface
    CFunction value
    CFunction slope              # the gradient where it is a function of its own, pointer NULL: none
    PyObject* called             # takes x, gives the value and the gradient
    int method                   # ANALYTIC, or by differences
    double h
    Py_ssize_t dims
    Py_ssize_t lanes
    bint bounded
    const void* low              # (dims,) each
    const void* high
    void* moved                  # (dims, lanes)
    void* unwanted               # (dims, lanes): gradients at moved points
    void* above                  # (lanes,)
    void* below
    double* point                # (2, dims): x and gradient of a C function


cdef CFunction c_function(capsule, dict known):
    cdef CFunction function
    cdef const char* name = PyCapsule_GetName(capsule)
    function.kind, function.has_data = known[" ".join(name.decode().split())]
    function.pointer = PyCapsule_GetPointer(capsule, name)
    function.data = PyCapsule_GetContext(capsule)
    return function


def capsule_name(capsule):
    """The name of a capsule, which for a LowLevelCallable is its signature."""
    return PyCapsule_GetName(capsule).decode()


cdef void call_compiled(Objective* obj, const real* x, real* value, real* grad) noexcept nogil:
    cdef Py_ssize_t i, k, n = obj.dims, lanes = obj.lanes
    cdef double* at = obj.point
    cdef double* slope = obj.point + n
    cdef void* f = obj.value.pointer
    cdef double found
    for i in range(lanes):
        for k in range(n):
            at[k] = x[k * lanes + i]
            slope[k] = 0
        if obj.kind == VALUE_FUNCTION:
            if obj.value.has_data:
                found = (<value_function_with_data>f)(<int>n, at, obj.value.data)
            else:
                found = (<value_function>f)(<int>n, at)
        elif obj.value.has_data:
            found = (<gradient_function_with_data>f)(<int>n, at, slope, obj.value.data)
        else:
            found = (<gradient_function>f)(<int>n, at, slope)
        if obj.slope.pointer != NULL:
            for k in range(n):
                at[k] = x[k * lanes + i]
            if obj.slope.has_data:
                (<slope_function_with_data>obj.slope.pointer)(<int>n, at, slope, obj.slope.data)
            else:
                (<slope_function>obj.slope.pointer)(<int>n, at, slope)
        value[i] = <real>found
        for k in range(n):
            grad[k * lanes + i] = <real>slope[k]


cdef array_of(Py_ssize_t n, const real* x):
    """A new array of n numbers."""
    cdef real[::1] copied
    copy = np.empty(n, np.float64 if real is double else np.float32)
    copied = copy
    memcpy(&copied[0], x, n * sizeof(real))
    return copy


cdef int call_python(Objective* obj, const real* x, real* value, real* grad) except -1 with gil:
    cdef const real[::1] slope
    found, gradient = (<object>obj.called)(array_of(obj.dims, x))
    value[0] = found
    if gradient is not None:
        slope = gradient
        memcpy(grad, &slope[0], obj.dims * sizeof(real))
    return 0


cdef int value_and_gradient(Objective* obj, const real* x, real* value, real* grad) except -1 nogil:
    """grad is left as it is, or meaningless, where the function has none."""
    if obj.kind == SURFACE:
        surface(&obj.surface, obj.dims, obj.lanes, x, value, grad)
    elif obj.kind == CALLED_FUNCTION:
        call_python(obj, x, value, grad)
    else:
        call_compiled(obj, x, value, grad)
    return 0


cdef inline real forward_step(real x, real h, real low, real high) noexcept nogil:
    """h, or the other way, or what there is between the bounds."""
    if x + h <= high:
        return h
    if x - h >= low:
        return -h
    return high - x if high - x > x - low else low - x


cdef int evaluate(Objective* obj, const real* x, real* value, real* grad) except -1 nogil:
    """Values and gradients of all lanes; differences look to the inside of the bounds."""
    cdef Py_ssize_t i, k, n = obj.dims, lanes = obj.lanes
    cdef real* moved = <real*>obj.moved
    cdef real* above = <real*>obj.above
    cdef real* below = <real*>obj.below
    cdef real* unwanted = <real*>obj.unwanted
    cdef const real* here
    cdef real h = <real>obj.h, low, high, step
    if obj.method == ANALYTIC:
        return value_and_gradient(obj, x, value, grad)
    value_and_gradient(obj, x, value, unwanted)
    memcpy(moved, x, n * lanes * sizeof(real))
    for k in range(n):
        here = x + k * lanes
        low = (<const real*>obj.low)[k]
        high = (<const real*>obj.high)[k]
        if obj.method == FORWARD:
            for i in range(lanes):
                moved[k * lanes + i] = here[i] + forward_step(here[i], h, low, high)
            value_and_gradient(obj, <const real*>moved, above, unwanted)
            for i in range(lanes):
                step = forward_step(here[i], h, low, high)
                grad[k * lanes + i] = (above[i] - value[i]) / step if step != 0 else 0
        else:
            for i in range(lanes):
                moved[k * lanes + i] = bounded(here[i] + h, low, high)
            value_and_gradient(obj, <const real*>moved, above, unwanted)
            for i in range(lanes):
                moved[k * lanes + i] = bounded(here[i] - h, low, high)
            value_and_gradient(obj, <const real*>moved, below, unwanted)
            for i in range(lanes):
                step = bounded(high - here[i], <real>0, h) + bounded(here[i] - low, <real>0, h)
                grad[k * lanes + i] = (above[i] - below[i]) / step if step != 0 else 0
        memcpy(moved + k * lanes, here, lanes * sizeof(real))
    return 0


cdef void project(Objective* obj, real* x) noexcept nogil:
    cdef Py_ssize_t i, k
    for k in range(obj.dims):
        for i in range(k * obj.lanes, (k + 1) * obj.lanes):
            x[i] = bounded(x[i], (<const real*>obj.low)[k], (<const real*>obj.high)[k])


cdef inline bint look_at_one(Py_ssize_t n, real* theta, real* value, real* best, real gate, real* steep,
                             real* trouble) noexcept nogil:
    """What `look` and `keep_best` do, for one lane without bounds; whether there is news.

    Coordinates, gradient, the best coordinates and the best gradient follow each other from theta on.
    """
    cdef Py_ssize_t k
    cdef real s, size = 0, bad = value[0] - value[0]
    cdef bint better
    for k in range(n, 2 * n):
        s = abs_(theta[k])
        size = s if s > size else size
        bad += theta[k] - theta[k]
    better = value[0] + bad < best[0]
    for k in range(2 * n):           # without a branch, which processors would guess wrong near a minimum
        theta[k + 2 * n] = theta[k] if better else theta[k + 2 * n]
    best[0] = value[0] if better else best[0]
    steep[0] = size
    trouble[0] = bad
    return size < gate or bad != 0


cdef Py_ssize_t run_ahead(Objective* obj, Optimizer* opt, real* theta, real* value, real* best, real gate,
                          real* history, real* slots, Py_ssize_t t, Py_ssize_t last) noexcept nogil:
    """Steps of one start of a surface that need nobody's attention, to be fast; gives the step that does, or last.

    The arguments are as in `_descend` and `look_at_one`; history is NULL or where the value of step t goes.
    """
    cdef Py_ssize_t n = obj.dims
    cdef real steep, trouble
    while t < last:
        surface(&obj.surface, n, 1, <const real*>theta, value, theta + n)
        if look_at_one(n, theta, value, best, gate, &steep, &trouble):
            break
        if history != NULL:
            history[0] = value[0]
            history += 1
        opt.learning_rate = opt.schedule.table[0]
        step(opt, opt.applied, n, n, theta, theta + n, slots)
        opt.applied += 1
        t += 1
    return t


cdef void look(Objective* obj, const real* x, const real* value, const real* grad, real* size,
               real* trouble) noexcept nogil:
    """size: the largest component of each gradient; trouble: 0 where the value and the gradient are finite, else nan.

    With bounds a component is how far a step of it would get.
    """
    cdef Py_ssize_t i, k, lanes = obj.lanes
    cdef const real* slope
    cdef const real* here
    cdef real low, high, s
    for i in range(lanes):
        size[i] = 0
        trouble[i] = value[i] - value[i]
    for k in range(obj.dims):
        slope = grad + k * lanes
        here = x + k * lanes
        if obj.bounded:
            low = (<const real*>obj.low)[k]
            high = (<const real*>obj.high)[k]
            for i in range(lanes):
                s = abs_(bounded(here[i] - slope[i], low, high) - here[i])
                size[i] = s if s > size[i] else size[i]
                trouble[i] += slope[i] - slope[i]
        elif real is float:
            gd_steepest_f32(lanes, slope, size, trouble)
        else:
            gd_steepest_f64(lanes, slope, size, trouble)


cdef inline void keep_better(Py_ssize_t lanes, const real* value, const real* trouble, const real* best,
                             const real* new, real* kept) noexcept nogil:
    if real is float:
        gd_keep_better_f32(lanes, value, trouble, best, new, kept)
    else:
        gd_keep_better_f64(lanes, value, trouble, best, new, kept)


cdef inline bint has_news(Py_ssize_t lanes, const real* size, const real* trouble, const real* gate) noexcept nogil:
    if real is float:
        return gd_news_f32(lanes, size, trouble, gate)
    else:
        return gd_news_f64(lanes, size, trouble, gate)


cdef void keep_best(Py_ssize_t n, Py_ssize_t lanes, const real* value, const real* trouble, const real* x,
                    const real* grad, real* best, real* best_x, real* best_grad) noexcept nogil:
    cdef Py_ssize_t k, first
    for k in range(n):
        first = k * lanes
        keep_better(lanes, value, trouble, <const real*>best, x + first, best_x + first)
        keep_better(lanes, value, trouble, <const real*>best, grad + first, best_grad + first)
    keep_better(lanes, value, trouble, <const real*>best, value, best)


cdef int look_out(callback, Py_ssize_t iteration, Py_ssize_t n, const real* x, double value) except -1 with gil:
    """Whether the callback wants to stop."""
    return bool(callback(iteration, array_of(n, x), value))


cdef Objective objective_struct(objective, Py_ssize_t dims, Py_ssize_t lanes, real[::1] memory, double[::1] point):
    """The struct of (kind, what makes it, method, h, low, high), which must outlive it, as the arrays.

    memory is of size 2 (dims + 1) lanes, point of size 2 dims.
    """
    cdef Objective obj
    cdef const real[::1] low, high
    kind, made_of, method, obj.h, low, high = objective
    obj.dims = dims
    obj.lanes = lanes
    obj.method = GRADIENTS[method]
    obj.low = &low[0]
    obj.high = &high[0]
    obj.bounded = bool(np.isfinite(low).any() or np.isfinite(high).any())
    obj.moved = &memory[0]
    obj.unwanted = &memory[dims * lanes]
    obj.above = &memory[2 * dims * lanes]
    obj.below = &memory[(2 * dims + 1) * lanes]
    obj.point = &point[0]
    obj.slope.pointer = NULL
    if kind == "surface":
        obj.kind = SURFACE
        obj.surface = surface_struct(made_of)
    elif kind == "compiled":
        obj.value = c_function(made_of[0], SIGNATURES)
        obj.kind = obj.value.kind
        if made_of[1] is not None:
            obj.slope = c_function(made_of[1], SLOPE_SIGNATURES)
    else:
        obj.kind = CALLED_FUNCTION
        obj.called = <PyObject*>made_of
    return obj


def evaluate_objective(objective, x):
    """The value and the gradient at x of shape (n,); the gradient is meaningless where there is none."""
    if x.dtype == np.float64:
        return _evaluate_objective[double](objective, x)
    return _evaluate_objective[float](objective, x)


cdef _evaluate_objective(objective, const real[::1] x):
    cdef Py_ssize_t n = x.shape[0]
    cdef real[::1] memory = np.empty(2 * (n + 1), np.asarray(x).dtype)
    cdef double[::1] point = np.empty(2 * n)
    cdef Objective obj = objective_struct(objective, n, 1, memory, point)
    gradient = np.zeros(n, np.asarray(x).dtype)
    cdef real[::1] grad = gradient
    cdef real value = 0
    with nogil:
        evaluate(&obj, &x[0], &value, &grad[0])
    return value, gradient


def descend(objective, optimizer, Py_ssize_t lanes, Py_ssize_t first, Py_ssize_t last, Py_ssize_t maxiter,
            double tol, double gtol, results, stop, callback=None):
    """Descend from starts first..last-1, `lanes` at a time, with an optimizer for `lanes` times as many numbers.

    objective is (kind, what makes it, method, h, low, high); results holds x0 (starts, n) and the arrays to fill:
    x, jac (starts, n), fun, nit, status (starts,), and history (starts, maxiter + 1) and trajectory
    (starts, maxiter + 1, n), or None.  Where stop[0] is not 0 the work is left off.
    """
    if results[0].dtype == np.float64:
        _descend[double](objective, optimizer, lanes, first, last, maxiter, tol, gtol, *results, stop, callback)
    else:
        _descend[float](objective, optimizer, lanes, first, last, maxiter, tol, gtol, *results, stop, callback)


cdef _descend(objective, optimizer, Py_ssize_t lanes, Py_ssize_t first, Py_ssize_t last, Py_ssize_t maxiter,
              double tol, double gtol, const real[:, ::1] x0, real[:, ::1] x_out, real[:, ::1] jac_out,
              real[::1] fun_out, int64_t[::1] nit_out, int64_t[::1] status_out, real[:, ::1] history,
              real[:, :, ::1] trajectory, int64_t[::1] stop, callback):
    cdef Optimizer fresh = optimizer_struct(optimizer), opt
    cdef Py_ssize_t n = x0.shape[1], i, k, t, live, start, size = x0.shape[1] * lanes
    cdef real[:, ::1] slots = optimizer[1]
    cdef real[:, ::1] slots_at_start = optimizer[1].copy()
    cdef double[::1] scalars = optimizer[6]
    cdef double[::1] scalars_at_start = optimizer[6].copy()
    cdef real[::1] memory = aligned_zeros(4 * size + 6 * lanes, np.asarray(x0).dtype)
    cdef real[::1] aside = aligned_zeros(2 * (size + lanes), np.asarray(x0).dtype)
    cdef double[::1] point = np.empty(2 * n)
    cdef Objective obj = objective_struct(objective, n, lanes, aside, point)
    cdef real* theta = &memory[0]
    cdef real* grad = theta + size
    cdef real* best_x = grad + size
    cdef real* best_grad = best_x + size
    cdef real* value = best_grad + size
    cdef real* previous = value + lanes
    cdef real* best = previous + lanes
    cdef real* steep = best + lanes
    cdef real* gate = steep + lanes          # stop below this gradient; -1 where it has stopped
    cdef real* trouble = gate + lanes
    cdef bint any_news, settling, watched = callback is not None, has_history = history is not None
    cdef bint has_trajectory = trajectory is not None, simple = lanes == 1 and not obj.bounded
    cdef bint ahead = (simple and obj.kind == SURFACE and obj.method == ANALYTIC and fresh.plain and size < 32768
                       and tol == 0 and not watched and not has_trajectory)
    cdef real change, threshold = <real>tol
    cdef double work = 0
    cdef int state
    fresh.keeps_tiny = True              # the value and its gradient do so too
    with nogil:
        start = first
        while start < last and not stop[0]:
            opt = fresh
            live = min(lanes, last - start)
            for i in range(lanes):
                gate[i] = <real>gtol if i < live else -1
                for k in range(n):
                    theta[k * lanes + i] = x0[start + min(i, live - 1), k]
            if slots.shape[0]:
                memcpy(&slots[0, 0], &slots_at_start[0, 0], slots.shape[0] * size * sizeof(real))
            memcpy(&scalars[0], &scalars_at_start[0], scalars.shape[0] * sizeof(double))
            if obj.bounded:
                project(&obj, theta)
            if opt.kind == SCHEDULE_FREE_ADAMW:
                memcpy(&slots[0, 0], theta, size * sizeof(real))
            t = 0
            while True:
                if ahead and t > 0:
                    t = run_ahead(&obj, &opt, theta, value, best, gate[0],
                                  &history[start, t] if has_history else NULL,
                                  &slots[0, 0] if slots.shape[0] else NULL, t, min(maxiter, t + 100000))
                evaluate(&obj, <const real*>theta, value, grad)
                if t == 0:
                    memcpy(best, value, lanes * sizeof(real))
                    memcpy(best_x, theta, 2 * size * sizeof(real))
                if simple:
                    any_news = look_at_one(n, theta, value, best, gate[0], steep, trouble)
                else:
                    look(&obj, <const real*>theta, <const real*>value, <const real*>grad, steep, trouble)
                    keep_best(n, lanes, <const real*>value, <const real*>trouble, <const real*>theta,
                              <const real*>grad, best, best_x, best_grad)
                    any_news = has_news(lanes, <const real*>steep, <const real*>trouble, <const real*>gate)
                for i in range(live if has_history else 0):
                    if gate[i] >= 0:
                        history[start + i, t] = value[i]
                for i in range(live if has_trajectory else 0):
                    if gate[i] >= 0:
                        for k in range(n):
                            trajectory[start + i, t, k] = theta[k * lanes + i]
                any_news |= t == maxiter
                # gradients that are only collected change no value
                settling = tol > 0 and t > 0 and (opt.accumulation == 0 or t % opt.accumulation == 0)
                if settling:
                    for i in range(lanes):
                        change = abs_(value[i] - previous[i])
                        any_news |= (change <= threshold) | (change <= threshold * abs_(value[i]))
                if watched and t > 0:
                    any_news |= look_out(callback, t, n, <const real*>theta, value[0])
                if any_news:
                    for i in range(live):
                        if gate[i] < 0:
                            continue
                        change = abs_(value[i] - previous[i])
                        if trouble[i] != 0:
                            state = NOT_FINITE
                        elif steep[i] < gate[i]:
                            state = CONVERGED_GRADIENT
                        elif settling and (change <= threshold or change <= threshold * abs_(value[i])):
                            state = CONVERGED_VALUE
                        elif t == maxiter:
                            state = OUT_OF_STEPS
                        elif watched:
                            state = STOPPED_BY_CALLBACK
                        else:
                            continue
                        gate[i] = -1
                        nit_out[start + i] = t
                        status_out[start + i] = state
                        fun_out[start + i] = best[i] if state == NOT_FINITE else value[i]
                        for k in range(n):
                            x_out[start + i, k] = (best_x if state == NOT_FINITE else theta)[k * lanes + i]
                            jac_out[start + i, k] = (best_grad if state == NOT_FINITE else grad)[k * lanes + i]
                    k = 0
                    for i in range(live):
                        k += gate[i] >= 0
                    if k == 0:
                        break
                if tol > 0:
                    memcpy(previous, value, lanes * sizeof(real))
                if opt.scaled:
                    for i in range(size):
                        grad[i] = grad[i] * <real>opt.loss_scale[0]
                update(&opt, size, theta, grad, &slots[0, 0] if slots.shape[0] else NULL)
                if obj.bounded:
                    project(&obj, theta)
                t += 1
                work += 1e6 * size if ahead else 10 * size
                if work > PATIENCE:
                    work = 0
                    with gil:
                        PyErr_CheckSignals()
                    if stop[0]:
                        break
            start += lanes
