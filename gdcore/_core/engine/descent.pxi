# Descents of functions from many starts at once.  Lanes are starts: x[k*lanes + i] is coordinate k of lane i, so that all
# lanes are one flat vector for `update`, and a surface is computed with whole vectors.

from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_GetName, PyCapsule_GetPointer

cdef extern from "kernels/kernels.h" nogil:
    void gradient_norm "gd_gradient_norm_f32"(Py_ssize_t, const float*, float*, float*)
    void gradient_norm "gd_gradient_norm_f64"(Py_ssize_t, const double*, double*, double*)
    void keep_better "gd_keep_better_f32"(Py_ssize_t, const float*, const float*, const float*, const float*, float*)
    void keep_better "gd_keep_better_f64"(Py_ssize_t, const double*, const double*, const double*, const double*, double*)
    bint has_event "gd_has_event_f32"(Py_ssize_t, const float*, const float*, const float*)
    bint has_event "gd_has_event_f64"(Py_ssize_t, const double*, const double*, const double*)

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
    """Into the bounds."""
    cdef Py_ssize_t i, k
    for k in range(obj.dims):
        for i in range(k * obj.lanes, (k + 1) * obj.lanes):
            x[i] = bounded(x[i], (<const real*>obj.low)[k], (<const real*>obj.high)[k])


cdef class HeldObjective:
    """An objective's struct, and all that it points to."""
    cdef Objective obj
    cdef object spec
    cdef object memory               # of size 2 (dims + 1) lanes
    cdef object low
    cdef object high
    cdef double[::1] point

    def __cinit__(self, spec, Py_ssize_t dims, Py_ssize_t lanes, dtype):
        cdef Objective* obj = &self.obj
        cdef Py_ssize_t item = np.dtype(dtype).itemsize
        cdef char* at
        memset(obj, 0, sizeof(Objective))
        size_of("coordinates", dims, 1)
        size_of("lanes", lanes, 1)
        self.spec = spec
        self.memory = aligned_zeros(2 * (dims + 1) * lanes, dtype)
        self.point = np.zeros(2 * dims)
        self.low = np.array(np.broadcast_to(-np.inf if spec.low is None else spec.low, (dims,)), dtype)
        self.high = np.array(np.broadcast_to(np.inf if spec.high is None else spec.high, (dims,)), dtype)
        at = <char*><size_t>self.memory.ctypes.data
        obj.dims, obj.lanes, obj.h = dims, lanes, spec.h
        obj.method = GRADIENTS[spec.method]
        obj.low, obj.high = <void*><size_t>self.low.ctypes.data, <void*><size_t>self.high.ctypes.data
        obj.bounded = bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())
        obj.moved, obj.unwanted = at, at + dims * lanes * item
        obj.above, obj.below = at + 2 * dims * lanes * item, at + (2 * dims + 1) * lanes * item
        obj.point = &self.point[0]
        if spec.surface is not None:
            obj.kind, obj.surface = SURFACE, surface_of(spec.surface, dims)
        elif spec.compiled is not None:
            obj.value = c_function(spec.compiled, SIGNATURES)
            obj.kind = obj.value.kind
            if spec.slope is not None:
                obj.slope = c_function(spec.slope, SLOPE_SIGNATURES)
        elif lanes != 1:
            raise ValueError(f"lanes={lanes}, expected 1: a Python function is called for one start at a time")
        else:
            obj.kind, obj.called = CALLED_FUNCTION, <PyObject*>spec.called


def evaluate_objective(spec, x):
    """The value and the gradient at x of shape (n,); the gradient is meaningless where there is none."""
    if x.dtype == np.float64:
        return _evaluate_objective[double](spec, x)
    return _evaluate_objective[float](spec, x)


cdef _evaluate_objective(spec, const real[::1] x):
    cdef HeldObjective held = HeldObjective(spec, x.shape[0], 1, np.asarray(x).dtype)
    gradient = np.zeros(x.shape[0], np.asarray(x).dtype)
    cdef real[::1] grad = gradient
    cdef real value = 0
    with nogil:
        evaluate(&held.obj, &x[0], &value, &grad[0])
    return value, gradient


# ---- some lanes on their way -------------------------------------------------------------------------------------------

cdef struct Descent:
    Objective* obj
    Optimizer opt
    Py_ssize_t dims
    Py_ssize_t lanes
    Py_ssize_t size              # dims * lanes
    Py_ssize_t start             # number of the first lane's start
    Py_ssize_t live              # lanes that stand for starts
    Py_ssize_t maxiter
    double tol
    double gtol
    void* theta                  # (size,) each: the coordinates, their gradient, and the best of both so far
    void* grad
    void* best_x
    void* best_grad
    void* value                  # (lanes,) each: now, before, the best
    void* previous
    void* best
    void* norm                   # the gradient's largest component
    void* threshold              # stop below this norm; -1 where it has stopped
    void* nonfinite              # 0 where value and gradient are finite, else nan
    bint simple                  # one lane without bounds
    bint runs_ahead              # and a surface, and nobody who looks at each step
    const void* x0               # (starts, dims); and what is filled
    void* x_out
    void* jac_out
    void* fun_out
    int64_t* nit_out
    int64_t* status_out
    void* history                # (starts, maxiter + 1), or NULL
    void* trajectory             # (starts, maxiter + 1, dims), or NULL


cdef inline bint observe_one(Py_ssize_t n, real* theta, real* value, real* best, real threshold, real* norm,
                             real* nonfinite) noexcept nogil:
    """What `observe` does, for one lane without bounds; whether there is an event.

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
    norm[0] = size
    nonfinite[0] = bad
    return size < threshold or bad != 0


cdef Py_ssize_t run_ahead(Descent* d, Py_ssize_t t, Py_ssize_t last, real* only_for_its_type) noexcept nogil:
    """Steps of one start of a surface that need nobody's attention, to be fast; gives the step that does, or last."""
    cdef Optimizer* opt = &d.opt
    cdef Py_ssize_t n = d.dims
    cdef real* theta = <real*>d.theta
    cdef real* value = <real*>d.value
    cdef real* history = NULL
    cdef real norm, nonfinite, threshold = (<real*>d.threshold)[0]
    cdef real* slot[MOST_SLOTS]
    find_slots(opt, 0, slot)
    if d.history != NULL:
        history = <real*>d.history + d.start * (d.maxiter + 1) + t
    while t < last:
        surface(&d.obj.surface, n, 1, <const real*>theta, value, theta + n)
        if observe_one(n, theta, value, <real*>d.best, threshold, &norm, &nonfinite):
            break
        if history != NULL:
            history[0] = value[0]
            history += 1
        opt.step.rate = opt.schedule.rate[0]
        prepare_step(opt, opt.applied, theta)
        if real is float:
            opt.kind.single(&opt.step, NULL, n, theta, theta + n, slot)
        else:
            opt.kind.double_(&opt.step, NULL, n, theta, theta + n, slot)
        opt.applied += 1
        t += 1
    return t


cdef void measure(Descent* d, real* only_for_its_type) noexcept nogil:
    """The norm of each gradient, and whether value and gradient are finite.  With bounds a component is how far a step of
    it would get."""
    cdef Objective* obj = d.obj
    cdef Py_ssize_t i, k, lanes = d.lanes
    cdef const real* value = <const real*>d.value
    cdef const real* slope
    cdef const real* here
    cdef real* norm = <real*>d.norm
    cdef real* nonfinite = <real*>d.nonfinite
    cdef real low, high, s
    for i in range(lanes):
        norm[i] = 0
        nonfinite[i] = value[i] - value[i]
    for k in range(d.dims):
        slope = <const real*>d.grad + k * lanes
        if not obj.bounded:
            gradient_norm(lanes, slope, norm, nonfinite)
            continue
        here = <const real*>d.theta + k * lanes
        low = (<const real*>obj.low)[k]
        high = (<const real*>obj.high)[k]
        for i in range(lanes):
            s = abs_(bounded(here[i] - slope[i], low, high) - here[i])
            norm[i] = s if s > norm[i] else norm[i]
            nonfinite[i] += slope[i] - slope[i]


cdef void keep_best(Descent* d, real* only_for_its_type) noexcept nogil:
    cdef Py_ssize_t k, first, lanes = d.lanes
    cdef const real* value = <const real*>d.value
    cdef const real* nonfinite = <const real*>d.nonfinite
    cdef real* best = <real*>d.best
    for k in range(d.dims):
        first = k * lanes
        keep_better(lanes, value, nonfinite, <const real*>best, <const real*>d.theta + first, <real*>d.best_x + first)
        keep_better(lanes, value, nonfinite, <const real*>best, <const real*>d.grad + first, <real*>d.best_grad + first)
    keep_better(lanes, value, nonfinite, <const real*>best, value, best)


cdef int begin(Descent* d, const real* x0) except -1 nogil:
    """Put the lanes at their starts; lanes that stand for none repeat the last."""
    cdef Py_ssize_t i, k
    cdef real* theta = <real*>d.theta
    cdef real* threshold = <real*>d.threshold
    for i in range(d.lanes):
        threshold[i] = <real>d.gtol if i < d.live else -1
        for k in range(d.dims):
            theta[k * d.lanes + i] = x0[(d.start + min(i, d.live - 1)) * d.dims + k]
    if d.obj.bounded:
        project(d.obj, theta)
    if d.opt.kind.flags & STARTS_AT_WEIGHTS:
        memcpy(d.opt.slots, theta, d.size * sizeof(real))
    return 0


cdef int observe(Descent* d, Py_ssize_t t, bint* event, real* only_for_its_type) except -1 nogil:
    """Values and gradients at step t, the best so far, and whether some lane may have to stop."""
    evaluate(d.obj, <const real*>d.theta, <real*>d.value, <real*>d.grad)
    if t == 0:
        memcpy(d.best, d.value, d.lanes * sizeof(real))
        memcpy(d.best_x, d.theta, 2 * d.size * sizeof(real))
    if d.simple:
        event[0] = observe_one(d.dims, <real*>d.theta, <real*>d.value, <real*>d.best, (<real*>d.threshold)[0],
                               <real*>d.norm, <real*>d.nonfinite)
        return 0
    measure(d, only_for_its_type)
    keep_best(d, only_for_its_type)
    event[0] = has_event(d.lanes, <const real*>d.norm, <const real*>d.nonfinite, <const real*>d.threshold)
    return 0


cdef void record(Descent* d, Py_ssize_t t, real* only_for_its_type) noexcept nogil:
    """Step t of the lanes that are on their way, for those who asked for it."""
    cdef Py_ssize_t i, k, at
    for i in range(d.live):
        if (<real*>d.threshold)[i] < 0:
            continue
        at = (d.start + i) * (d.maxiter + 1) + t
        if d.history != NULL:
            (<real*>d.history)[at] = (<real*>d.value)[i]
        for k in range(d.dims if d.trajectory != NULL else 0):
            (<real*>d.trajectory)[at * d.dims + k] = (<real*>d.theta)[k * d.lanes + i]


cdef inline bint is_settled(Descent* d, Py_ssize_t i, real* only_for_its_type) noexcept nogil:
    """Whether lane i's value has changed by no more than the tolerance."""
    cdef real value = (<real*>d.value)[i], change = abs_(value - (<real*>d.previous)[i]), tol = <real>d.tol
    return change <= tol or change <= tol * abs_(value)


cdef int state_of(Descent* d, Py_ssize_t i, Py_ssize_t t, bint settling, bint stopped,
                  real* only_for_its_type) noexcept nogil:
    """Why lane i stops at step t, or RUNNING."""
    if (<real*>d.nonfinite)[i] != 0:
        return NOT_FINITE
    if (<real*>d.norm)[i] < (<real*>d.threshold)[i]:
        return CONVERGED_GRADIENT
    if settling and is_settled(d, i, only_for_its_type):
        return CONVERGED_VALUE
    if t == d.maxiter:
        return OUT_OF_STEPS
    return STOPPED_BY_CALLBACK if stopped else RUNNING


cdef void finish(Descent* d, Py_ssize_t i, Py_ssize_t t, int state, real* only_for_its_type) noexcept nogil:
    """Lane i's result: where it is, or its best where that is not finite."""
    cdef Py_ssize_t k, start = d.start + i
    cdef bint best = state == NOT_FINITE
    cdef const real* x = <const real*>(d.best_x if best else d.theta)
    cdef const real* g = <const real*>(d.best_grad if best else d.grad)
    (<real*>d.threshold)[i] = -1
    d.nit_out[start] = t
    d.status_out[start] = state
    (<real*>d.fun_out)[start] = (<real*>(d.best if best else d.value))[i]
    for k in range(d.dims):
        (<real*>d.x_out)[start * d.dims + k] = x[k * d.lanes + i]
        (<real*>d.jac_out)[start * d.dims + k] = g[k * d.lanes + i]


cdef bint settle(Descent* d, Py_ssize_t t, bint settling, bint stopped, real* only_for_its_type) noexcept nogil:
    """Stop the lanes that have come to their end; whether any goes on."""
    cdef Py_ssize_t i
    cdef int state
    cdef bint going = False
    for i in range(d.live):
        if (<real*>d.threshold)[i] < 0:
            continue
        state = state_of(d, i, t, settling, stopped, only_for_its_type)
        if state == RUNNING:
            going = True
        else:
            finish(d, i, t, state, only_for_its_type)
    return going


cdef int advance(Descent* d, real* only_for_its_type) except -1 nogil:
    """One update of all lanes."""
    cdef Py_ssize_t i
    cdef real* grad = <real*>d.grad
    if d.tol > 0:
        memcpy(d.previous, d.value, d.lanes * sizeof(real))
    if d.opt.scaled:
        for i in range(d.size):
            grad[i] = grad[i] * <real>d.opt.scalars[LOSS_SCALE]
    update(&d.opt, <real*>d.theta, grad)
    if d.obj.bounded:
        project(d.obj, <real*>d.theta)
    return 0


cdef int wants_to_stop(callback, Py_ssize_t iteration, Py_ssize_t n, const real* x, double value) except -1 with gil:
    """Whether the callback wants to stop."""
    return bool(callback(iteration, array_of(n, x), value))


cdef int descend_lanes(Descent* d, callback, int64_t* stop, double* work, real* only_for_its_type) except -1 nogil:
    """From step 0 until all lanes have stopped, or someone says stop."""
    cdef Py_ssize_t t = 0, i
    cdef bint event = False, settling, stopped, watched = callback is not None
    while True:
        if d.runs_ahead and t > 0:
            t = run_ahead(d, t, min(d.maxiter, t + 100000), only_for_its_type)
        observe(d, t, &event, only_for_its_type)
        if d.history != NULL or d.trajectory != NULL:
            record(d, t, only_for_its_type)
        event |= t == d.maxiter
        # gradients that are only collected change no value
        settling = d.tol > 0 and t > 0 and (d.opt.accumulation == 0 or t % d.opt.accumulation == 0)
        for i in range(d.lanes if settling else 0):
            event |= is_settled(d, i, only_for_its_type)
        stopped = False
        if watched and t > 0:
            stopped = wants_to_stop(callback, t, d.dims, <const real*>d.theta, (<real*>d.value)[0])
        if (event or stopped) and not settle(d, t, settling, stopped, only_for_its_type):
            return 0
        advance(d, only_for_its_type)
        t += 1
        work[0] += 1e6 * d.size if d.runs_ahead else 10 * d.size
        if work[0] > GD_SIGNAL_WORK:
            work[0] = 0
            with gil:
                PyErr_CheckSignals()
            if stop[0]:
                return 0


def descend(spec, UpdatePlan updates, Py_ssize_t lanes, Py_ssize_t first, Py_ssize_t last, Py_ssize_t maxiter, double tol,
            double gtol, results, stop, callback=None):
    """Descend from starts first..last-1, `lanes` at a time, with an optimizer for `lanes` times as many numbers.

    Parameters
    ----------
    spec : ObjectiveSpec
    updates : UpdatePlan of lanes * n parameters
    results : DescentArrays
    stop : int64 array of one
        Where it is not 0 the work is left off.
    callback : callable taking (iteration, x, value), or None
        Gives whether to stop; only with one lane.
    """
    if results.x0.dtype == np.float64:
        _descend[double](spec, updates, lanes, first, last, maxiter, tol, gtol, results, stop, callback, NULL)
    else:
        _descend[float](spec, updates, lanes, first, last, maxiter, tol, gtol, results, stop, callback, NULL)


cdef int take_results(Descent* d, results, real* only_for_its_type) except -1:
    """Point the descent at the arrays, which must be of the shapes that it fills."""
    cdef const real[:, ::1] x0 = results.x0
    cdef real[:, ::1] x = results.x, jac = results.jac, history
    cdef real[::1] fun = results.fun
    cdef int64_t[::1] nit = results.nit, status = results.status
    cdef real[:, :, ::1] trajectory
    cdef Py_ssize_t starts = x0.shape[0], n = x0.shape[1], steps = d.maxiter + 1
    if not (x.shape[0] == jac.shape[0] == fun.shape[0] == nit.shape[0] == status.shape[0] == starts
            and x.shape[1] == jac.shape[1] == n and starts > 0 and n > 0):
        raise ValueError(f"the arrays of results do not fit {starts} starts of {n} coordinates")
    d.x0, d.x_out, d.jac_out, d.fun_out = &x0[0, 0], &x[0, 0], &jac[0, 0], &fun[0]
    d.nit_out, d.status_out = &nit[0], &status[0]
    if results.history is not None:
        history = results.history
        if history.shape[0] != starts or history.shape[1] != steps:
            raise ValueError(f"history has shape {(history.shape[0], history.shape[1])}, expected {(starts, steps)}")
        d.history = &history[0, 0]
    if results.trajectory is not None:
        trajectory = results.trajectory
        if trajectory.shape[0] != starts or trajectory.shape[1] != steps or trajectory.shape[2] != n:
            raise ValueError(f"trajectory does not have the shape {(starts, steps, n)}")
        d.trajectory = &trajectory[0, 0, 0]
    return 0


cdef void place_lanes(Descent* d, real* at) noexcept nogil:
    """Lay out what the lanes need in memory of 4 size + 6 lanes values."""
    d.theta, d.grad, d.best_x, d.best_grad = at, at + d.size, at + 2 * d.size, at + 3 * d.size
    at += 4 * d.size
    d.value, d.previous, d.best = at, at + d.lanes, at + 2 * d.lanes
    d.norm, d.threshold, d.nonfinite = at + 3 * d.lanes, at + 4 * d.lanes, at + 5 * d.lanes


cdef int check_descent(UpdatePlan updates, Py_ssize_t size, dtype, Py_ssize_t first, Py_ssize_t last, Py_ssize_t starts,
                       Py_ssize_t maxiter) except -1:
    if updates.n_params != size or updates.dtype != dtype or updates.opt.size != size:
        raise ValueError(f"the optimizer is for {updates.n_params} numbers of {updates.dtype}, expected {size} of {dtype}")
    if not 0 <= first <= last <= starts or maxiter < 0:
        raise ValueError(f"starts {first} to {last} are not among the {starts} there are, or maxiter={maxiter} is negative")
    return 0


cdef _descend(spec, UpdatePlan updates, Py_ssize_t lanes, Py_ssize_t first, Py_ssize_t last, Py_ssize_t maxiter,
              double tol, double gtol, results, int64_t[::1] stop, callback, real* only_for_its_type):
    cdef Descent d
    cdef Py_ssize_t starts = results.x0.shape[0], dims = results.x0.shape[1], slot_bytes
    cdef HeldObjective held = HeldObjective(spec, dims, lanes, results.x0.dtype)
    cdef real[::1] memory = aligned_zeros((4 * dims + 6) * lanes, results.x0.dtype)
    slots_at_start = updates.slots.copy()
    cdef double[::1] scalars_at_start = updates.scalars.copy()
    cdef double work = 0
    cdef const char* kept = <const char*><size_t>slots_at_start.ctypes.data
    memset(&d, 0, sizeof(Descent))
    check_descent(updates, dims * lanes, results.x0.dtype, first, last, starts, maxiter)
    if stop.shape[0] != 1:
        raise ValueError(f"stop has {stop.shape[0]} numbers, expected one")
    if callback is not None and lanes != 1:
        raise ValueError(f"lanes={lanes}, expected 1 with a callback")
    d.obj, d.dims, d.lanes, d.size = &held.obj, dims, lanes, dims * lanes
    d.maxiter, d.tol, d.gtol = maxiter, tol, gtol
    take_results(&d, results, only_for_its_type)
    place_lanes(&d, &memory[0])
    d.simple = lanes == 1 and not held.obj.bounded
    d.runs_ahead = (d.simple and held.obj.kind == SURFACE and held.obj.method == ANALYTIC and updates.opt.plain
                    and tol == 0 and callback is None and d.trajectory == NULL)
    slot_bytes = slots_at_start.nbytes
    with nogil:
        d.start = first
        while d.start < last and not stop[0]:
            d.opt = updates.opt
            d.opt.applied = 0
            d.opt.keeps_denormals = True             # the value and its gradient do so too
            d.live = min(lanes, last - d.start)
            if slot_bytes:
                memcpy(d.opt.slots, kept, slot_bytes)
            memcpy(d.opt.scalars, &scalars_at_start[0], N_SCALARS * sizeof(double))
            begin(&d, <const real*>d.x0)
            descend_lanes(&d, callback, &stop[0], &work, only_for_its_type)
            d.start += lanes
