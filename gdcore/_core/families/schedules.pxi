# Learning rates: what each step is multiplied by.  One row a kind in the table at the end
# (keras/src/optimizers/schedules; the last is not Keras's, and computed in double).

cdef enum:
    IS_CONSTANT = 1              # a number that Python may change at any time
    IS_CALLED = 2                # what a Python function makes of the step
    IS_PIECEWISE = 4

cdef double PI = 3.141592653589793

ctypedef void (*rate_f32)(const Schedule*, double, float*) noexcept nogil
ctypedef void (*rate_f64)(const Schedule*, double, double*) noexcept nogil

cdef struct ScheduleKind:
    int flags
    rate_f32 single
    rate_f64 double_

cdef struct Schedule:
    const ScheduleKind* kind
    double number[6]             # as the kind names them
    const double* rate           # the constant
    Py_ssize_t n_boundaries
    double* table                # all boundaries, then all values
    PyObject* called


cdef inline real rate_at(const Schedule* schedule, double step, real* only_for_its_type) noexcept nogil:
    """The rate of a step of a schedule that the core computes."""
    cdef real rate
    if real is float:
        schedule.kind.single(schedule, step, &rate)
    else:
        schedule.kind.double_(schedule, step, &rate)
    return rate


cdef void exponential_decay(const Schedule* schedule, double step, real* rate) noexcept nogil:
    # initial_learning_rate, decay_steps, decay_rate, staircase
    cdef const double* number = schedule.number
    cdef real p = <real>step / <real>number[1]
    if number[3] != 0:
        p = <real>floor(p)
    rate[0] = <real>number[0] * power(<real>number[2], p)


cdef void inverse_time_decay(const Schedule* schedule, double step, real* rate) noexcept nogil:
    # initial_learning_rate, decay_steps, decay_rate, staircase
    cdef const double* number = schedule.number
    cdef real one = 1, p = <real>step / <real>number[1]
    if number[3] != 0:
        p = <real>floor(p)
    rate[0] = <real>number[0] / (one + <real>number[2] * p)


cdef void polynomial_decay(const Schedule* schedule, double step, real* rate) noexcept nogil:
    # initial_learning_rate, decay_steps, end_learning_rate, power, cycle
    cdef const double* number = schedule.number
    cdef real one = 1, t = <real>step, q = <real>number[1]
    if number[4] == 0:
        t = t if t < q else q
    elif t != 0:
        q = q * <real>c_ceil(t / q)
    rate[0] = (<real>number[0] - <real>number[2]) * power(one - t / q, <real>number[3]) + <real>number[2]


cdef void piecewise_constant_decay(const Schedule* schedule, double step, real* rate) noexcept nogil:
    cdef Py_ssize_t i = 0
    while i < schedule.n_boundaries and step > schedule.table[i]:
        i += 1
    rate[0] = <real>schedule.table[schedule.n_boundaries + i]


cdef void cosine_decay(const Schedule* schedule, double step, real* rate) noexcept nogil:
    # initial_learning_rate, decay_steps, alpha, warmup_target (nan: no warm-up), warmup_steps
    cdef const double* number = schedule.number
    cdef real one = 1, half = 0.5, t = <real>step, initial = <real>number[0], p, q = <real>number[1], r
    if number[3] == number[3]:
        r = <real>number[4]
        t = t if t < q + r else q + r
        if t < r:
            rate[0] = (<real>number[3] - initial) * (t / r) + initial
            return
        t = t - r
        initial = <real>number[3]
    else:
        t = t if t < q else q
    p = half * (one + <real>c_cos(<real>PI * (t / q)))
    rate[0] = initial * (<real>(1 - number[2]) * p + <real>number[2])


cdef void cosine_decay_restarts(const Schedule* schedule, double step, real* rate) noexcept nogil:
    # initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha
    cdef const double* number = schedule.number
    cdef real one = 1, half = 0.5, p = <real>step / <real>number[1], q = <real>number[2], r, s
    if q == 1:
        r = <real>floor(p)
        p = p - r
    else:
        r = <real>floor(<real>c_log(one - p * (one - q)) / <real>c_log(q))
        s = power(q, r)
        p = (p - (one - s) / (one - q)) / s
    p = half * power(<real>number[3], r) * (one + <real>c_cos(<real>PI * p))
    r = <real>number[4]
    rate[0] = <real>number[0] * ((one - r) * p + r)


cdef void epoch_decay(const Schedule* schedule, double step, real* rate) noexcept nogil:
    # initial_learning_rate, decay, steps_per_epoch
    cdef const double* number = schedule.number
    rate[0] = <real>(number[0] * c_pow(1 - number[1], floor(step / number[2]) + 1))


# ---- the table ----------------------------------------------------------------------------------------------------------

SCHEDULES = {}
cdef ScheduleKind schedule_kinds[16]


cdef int add_schedule(str name, tuple parameters, rate_f32 single, rate_f64 double_, int flags=0) except -1:
    cdef ScheduleKind* kind = &schedule_kinds[new_index(SCHEDULES, 16)]
    kind.flags, kind.single, kind.double_ = flags, single, double_
    SCHEDULES[name] = Kind(name, len(SCHEDULES), parameters)
    return 0


add_schedule("constant", (), <rate_f32>NULL, <rate_f64>NULL, IS_CONSTANT)
add_schedule("called", (), <rate_f32>NULL, <rate_f64>NULL, IS_CALLED)
add_schedule("exponential_decay", ("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
             exponential_decay[float], exponential_decay[double])
add_schedule("inverse_time_decay", ("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
             inverse_time_decay[float], inverse_time_decay[double])
add_schedule("polynomial_decay", ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle"),
             polynomial_decay[float], polynomial_decay[double])
add_schedule("piecewise_constant_decay", (), piecewise_constant_decay[float], piecewise_constant_decay[double],
             IS_PIECEWISE)
add_schedule("cosine_decay", ("initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps"),
             cosine_decay[float], cosine_decay[double])
add_schedule("cosine_decay_restarts", ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha"),
             cosine_decay_restarts[float], cosine_decay_restarts[double])
add_schedule("epoch_decay", ("initial_learning_rate", "decay", "steps_per_epoch"), epoch_decay[float],
             epoch_decay[double])


cdef int fill_schedule(Schedule* schedule, spec) except -1:
    """Make the struct of a `ScheduleSpec`, which `free_schedule` ends; the constant and the function belong to the spec."""
    cdef double[::1] rate
    cdef Py_ssize_t i
    memset(schedule, 0, sizeof(Schedule))
    kind = row_of(SCHEDULES, "schedule", spec)
    schedule.kind = &schedule_kinds[<Py_ssize_t>kind.row]
    for i, value in enumerate(parameters_of(kind, spec)):
        schedule.number[i] = value
    if schedule.kind.flags & IS_CONSTANT:
        rate = spec.rate
        if rate.shape[0] != 1:
            raise ValueError(f"rate has {rate.shape[0]} numbers, expected one")
        schedule.rate = &rate[0]
    elif schedule.kind.flags & IS_CALLED:
        if not callable(spec.called):
            raise ValueError(f"called={spec.called!r} is no function of the step")
        schedule.called = <PyObject*>spec.called
    elif schedule.kind.flags & IS_PIECEWISE:
        schedule.n_boundaries = len(spec.boundaries)
        if len(spec.values) != schedule.n_boundaries + 1:
            raise ValueError(f"values has {len(spec.values)} entries and boundaries {schedule.n_boundaries}, expected one "
                             "value more than there are boundaries")
        schedule.table = <double*>gd_alloc((2 * schedule.n_boundaries + 1) * sizeof(double))
        if schedule.table == NULL:
            raise MemoryError("no memory for a schedule's table")
        for i, value in enumerate((*spec.boundaries, *spec.values)):
            schedule.table[i] = value
    return 0


cdef void free_schedule(Schedule* schedule) noexcept:
    gd_free(schedule.table)
    schedule.table = NULL


def schedule_values(spec, steps, dtype):
    """A schedule's learning rates at each of an array of steps (float64)."""
    out = np.empty(steps.shape[0], dtype)
    if out.dtype == np.float64:
        _schedule_values[double](spec, steps, out)
    else:
        _schedule_values[float](spec, steps, out)
    return out


cdef _schedule_values(spec, const double[::1] steps, real[::1] out):
    cdef Schedule schedule
    cdef Py_ssize_t i
    fill_schedule(&schedule, spec)
    if schedule.kind.flags & (IS_CONSTANT | IS_CALLED):
        raise ValueError(f"the core does not compute {spec.kind!r} rates")
    with nogil:
        for i in range(steps.shape[0]):
            out[i] = rate_at(&schedule, steps[i], &out[0])
    free_schedule(&schedule)
