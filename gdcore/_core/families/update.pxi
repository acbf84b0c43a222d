# One call of Keras's `apply`: the pieces around an optimizer's step, each by itself, in Keras's order.  Loss scale, then
# accumulation, clipping, weight decay, the step, the moving average.
#
# Theta and the gradient are the model's flat vectors.  The optimizer's own vectors hold what it was built for, variable
# after variable; those that learn and lie one behind the other in both are one stretch.

cdef extern from "kernels/kernels.h" nogil:
    unsigned gd_mode()
    unsigned gd_flush_denormals()
    void gd_set_mode(unsigned)
    int gd_parts(bint)
    void gd_run(void (*)(void*, int, int) noexcept nogil, void*, int)

cdef enum:
    NO_CLIPPING
    CLIP_NORM                    # of each variable
    CLIP_GLOBAL_NORM
    CLIP_VALUE

CLIPPINGS = {None: NO_CLIPPING, "clipnorm": CLIP_NORM, "global_clipnorm": CLIP_GLOBAL_NORM, "clipvalue": CLIP_VALUE}

cdef enum:                       # of the numbers that change with updates, beside the vectors
    PRODUCT                      # Nadam's of its momenta
    LOSS_SCALE
    FINITE_STEPS                 # since a dynamic loss scale changed
    N_SCALARS

cdef struct Stretch:
    Py_ssize_t offset            # in theta and the gradient
    Py_ssize_t slot_offset       # in the optimizer's vectors
    Py_ssize_t size

cdef struct Optimizer:
    const OptimizerKind* kind
    Schedule schedule
    Step step
    double number[12]            # MOST_SETTINGS
    int clipping
    double clip_at
    bint averages
    double ema_momentum
    Py_ssize_t ema_overwrite     # every so many iterations, 0: never
    Py_ssize_t accumulation      # batches to an update, 0: each
    bint scaled                  # whether gradients are those of the loss times a scale
    Py_ssize_t growth_steps      # after so many finite steps it doubles, 0: it is not dynamic
    double* scalars
    Py_ssize_t applied           # calls so far
    Py_ssize_t n_variables
    Variable* variables
    Py_ssize_t n_stretches
    Stretch* stretches
    Py_ssize_t size              # of each vector
    void* slots
    Py_ssize_t slot_row[MOST_SLOTS]   # which vector is the kind's k-th, -1: its settings need none
    Py_ssize_t average_row
    Py_ssize_t accumulator_row
    bint decays
    bint plain                   # whether there is nothing but the step of one short stretch, at a constant rate
    bint keeps_denormals         # numbers too small for full precision do not count as 0


cdef inline unsigned mode_of_update(const Optimizer* opt) noexcept nogil:
    """Compute as an update does; gives what gd_set_mode needs to go back."""
    return gd_mode() if opt.keeps_denormals else gd_flush_denormals()


cdef inline real* vector(const Optimizer* opt, Py_ssize_t row, Py_ssize_t at, real* only_for_its_type) noexcept nogil:
    """A place in one of the optimizer's vectors."""
    return <real*>opt.slots + row * opt.size + at if row >= 0 else NULL


cdef inline void find_slots(const Optimizer* opt, Py_ssize_t at, real** slot) noexcept nogil:
    """The kind's vectors, from a place on."""
    cdef Py_ssize_t k
    for k in range(MOST_SLOTS):
        slot[k] = vector(opt, opt.slot_row[k], at, <real*>NULL)


cdef inline void step_stretch(const Optimizer* opt, Step* step, const Variable* variable, Py_ssize_t offset,
                              Py_ssize_t slot_offset, Py_ssize_t n, real* theta, real* grad) noexcept nogil:
    """The kind's step on n numbers from an offset on."""
    cdef real* slot[MOST_SLOTS]
    find_slots(opt, slot_offset, slot)
    if real is float:
        opt.kind.single(step, variable, n, theta + offset, grad + offset, slot)
    else:
        opt.kind.double_(step, variable, n, theta + offset, grad + offset, slot)


cdef struct Stepping:
    Optimizer* opt
    const Stretch* stretch
    void* theta
    void* grad


cdef void step_part(Stepping* s, int part, int parts, real* only_for_its_type) noexcept nogil:
    cdef Step step = s.opt.step                      # kernels keep powers in it
    cdef Py_ssize_t n = s.stretch.size, first = n // 64 * part // parts * 64, last = n // 64 * (part + 1) // parts * 64
    cdef unsigned before = mode_of_update(s.opt)
    if part + 1 == parts:
        last = n
    step_stretch(s.opt, &step, NULL, s.stretch.offset + first, s.stretch.slot_offset + first, last - first,
                 <real*>s.theta, <real*>s.grad)
    gd_set_mode(before)


cdef void step_part_single(void* context, int part, int parts) noexcept nogil:
    step_part[float](<Stepping*>context, part, parts, NULL)


cdef void step_part_double(void* context, int part, int parts) noexcept nogil:
    step_part[double](<Stepping*>context, part, parts, NULL)


cdef inline void prepare_step(Optimizer* opt, Py_ssize_t iterations, real* only_for_its_type) noexcept nogil:
    """What comes once, before a step on any stretch."""
    opt.step.local = <double>(iterations + 1)
    if real is float:
        if opt.kind.prepare_single == NULL:
            return
        opt.step.product = opt.scalars[PRODUCT]
        opt.kind.prepare_single(&opt.step)
    else:
        if opt.kind.prepare_double == NULL:
            return
        opt.step.product = opt.scalars[PRODUCT]
        opt.kind.prepare_double(&opt.step)
    opt.scalars[PRODUCT] = opt.step.product


cdef void step_all(Optimizer* opt, real* theta, real* grad) noexcept nogil:
    """The step on all that learns; long stretches are shared by several threads."""
    cdef Stepping s
    cdef Py_ssize_t k
    cdef const Stretch* stretch
    cdef const Variable* variable
    cdef unsigned before = mode_of_update(opt)
    s.opt, s.theta, s.grad = opt, theta, grad
    if opt.kind.flags & BY_VARIABLE:
        for k in range(opt.n_variables):
            variable = &opt.variables[k]
            if variable.learns and variable.size:
                step_stretch(opt, &opt.step, variable, variable.offset, variable.slot_offset, variable.size, theta, grad)
    else:
        for k in range(opt.n_stretches):
            stretch = &opt.stretches[k]
            if stretch.size < GD_THREADED_UPDATE:
                step_stretch(opt, &opt.step, NULL, stretch.offset, stretch.slot_offset, stretch.size, theta, grad)
                continue
            s.stretch = stretch
            gd_run(step_part_single if real is float else step_part_double, &s, gd_parts(True))
    gd_set_mode(before)


# ---- the pieces -----------------------------------------------------------------------------------------------------------

cdef bint gradient_is_finite(const Optimizer* opt, const real* grad) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(opt.n_stretches):
        if not finite(opt.stretches[k].size, grad + opt.stretches[k].offset):
            return False
    return True


cdef void unscale(Optimizer* opt, real* grad) noexcept nogil:
    """Divide by the loss scale, which doubles after so many finite steps if it is dynamic."""
    cdef Py_ssize_t i, k
    cdef real scale = <real>opt.scalars[LOSS_SCALE]
    for k in range(opt.n_stretches):
        for i in range(opt.stretches[k].offset, opt.stretches[k].offset + opt.stretches[k].size):
            grad[i] = grad[i] / scale
    opt.scalars[FINITE_STEPS] += 1
    if opt.scalars[FINITE_STEPS] == opt.growth_steps:
        # Keras lets it grow to inf, from where it never comes back
        if opt.scalars[LOSS_SCALE] < 1e38:
            opt.scalars[LOSS_SCALE] *= 2
        opt.scalars[FINITE_STEPS] = 0


cdef void accumulate(const Optimizer* opt, bint now, real* grad) noexcept nogil:
    """Add to the gradients kept so far; when an update is due now, their mean becomes the gradient."""
    cdef Py_ssize_t i, k
    cdef real steps = <real>opt.accumulation
    cdef real* kept
    cdef real* g
    for k in range(opt.n_stretches):
        kept = vector(opt, opt.accumulator_row, opt.stretches[k].slot_offset, grad)
        g = grad + opt.stretches[k].offset
        if now:
            for i in range(opt.stretches[k].size):
                g[i] = (g[i] + kept[i]) / steps
                kept[i] = 0
        else:
            for i in range(opt.stretches[k].size):
                kept[i] = g[i] + kept[i]


cdef void clip_values(const Optimizer* opt, real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef real at = <real>opt.clip_at
    for k in range(opt.n_stretches):
        for i in range(opt.stretches[k].offset, opt.stretches[k].offset + opt.stretches[k].size):
            grad[i] = -at if grad[i] < -at else (at if grad[i] > at else grad[i])


cdef void clip_global_norm(const Optimizer* opt, real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef double squares = 0
    cdef real at = <real>opt.clip_at, norm, scale
    for k in range(opt.n_stretches):
        squares += sum_of_squares(opt.stretches[k].size, <const real*>grad + opt.stretches[k].offset)
    norm = <real>c_sqrt(squares)
    scale = 1 / norm
    scale = at * (scale if scale < 1 / at or scale != scale else 1 / at) + (norm - norm)
    for k in range(opt.n_stretches):
        for i in range(opt.stretches[k].offset, opt.stretches[k].offset + opt.stretches[k].size):
            grad[i] = grad[i] * scale


cdef void clip_norms(const Optimizer* opt, real* grad) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef const Variable* variable
    cdef real at = <real>opt.clip_at, norm, scale
    for k in range(opt.n_variables):
        variable = &opt.variables[k]
        if not variable.learns:
            continue
        norm = <real>c_sqrt(sum_of_squares(variable.size, <const real*>grad + variable.offset))
        scale = norm if norm > at or norm != norm else at
        for i in range(variable.offset, variable.offset + variable.size):
            grad[i] = grad[i] * at / scale


cdef void decay_weights(const Optimizer* opt, real* theta) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef const Variable* variable
    cdef real lr = <real>opt.step.rate, wd
    for k in range(opt.n_variables):
        variable = &opt.variables[k]
        wd = <real>variable.decay
        if wd != 0 and variable.learns:
            for i in range(variable.offset, variable.offset + variable.size):
                theta[i] = theta[i] - theta[i] * wd * lr


cdef void average_weights(const Optimizer* opt, Py_ssize_t iterations, real* theta) noexcept nogil:
    """The moving average of all that the optimizer was built for, frozen or not, as in Keras."""
    cdef Py_ssize_t i, k
    cdef const Variable* variable
    cdef real momentum = <real>opt.ema_momentum if iterations != 0 else 0, rest = 1 - momentum
    cdef bint overwrites = opt.ema_overwrite and (iterations + 1) % opt.ema_overwrite == 0
    cdef real* average
    cdef real* w
    for k in range(opt.n_variables):
        variable = &opt.variables[k]
        if not variable.is_there:
            continue
        average = vector(opt, opt.average_row, variable.slot_offset, theta)
        w = theta + variable.offset
        for i in range(variable.size):
            average[i] = momentum * average[i] + rest * w[i]
        if overwrites:
            memcpy(w, average, variable.size * sizeof(real))


# ---- together -------------------------------------------------------------------------------------------------------------

cdef int ask_for_the_rate(Optimizer* opt) except -1 nogil:
    with gil:
        opt.step.rate = (<object>opt.schedule.called)(opt.applied)
    return 0


cdef inline int update(Optimizer* opt, real* theta, real* grad) except -1 nogil:
    """`update_in_full`, by a short way where there is one."""
    cdef unsigned before
    if not opt.plain:
        return update_in_full(opt, theta, grad)
    opt.step.rate = opt.schedule.rate[0]
    before = mode_of_update(opt)
    prepare_step(opt, opt.applied, theta)
    step_stretch(opt, &opt.step, NULL, opt.stretches[0].offset, opt.stretches[0].slot_offset, opt.stretches[0].size, theta,
                 grad)
    gd_set_mode(before)
    opt.applied += 1
    return 1


cdef int update_in_full(Optimizer* opt, real* theta, real* grad) except -1 nogil:
    """One call of Keras's `apply`; grad is changed.

    Returns the number of calls that this counts for: 0 where a dynamic loss scale turned out too large, 1 otherwise.
    """
    cdef Py_ssize_t iterations = opt.applied
    cdef bint now = True
    if opt.growth_steps and not gradient_is_finite(opt, <const real*>grad):
        opt.scalars[LOSS_SCALE] *= 0.5
        opt.scalars[FINITE_STEPS] = 0
        return 0
    if opt.accumulation:
        iterations = opt.applied // opt.accumulation
        now = (opt.applied + 1) % opt.accumulation == 0
    if now:
        # first of all that changes anything, as it may raise; the schedule counts calls, not updates
        if opt.schedule.kind.flags & IS_CONSTANT:
            opt.step.rate = opt.schedule.rate[0]
        elif opt.schedule.kind.flags & IS_CALLED:
            ask_for_the_rate(opt)
        else:
            opt.step.rate = rate_at(&opt.schedule, <double>opt.applied, theta)
    if opt.scaled:
        unscale(opt, grad)
    if opt.accumulation:
        accumulate(opt, now, grad)
    if now:
        if opt.clipping == CLIP_VALUE:
            clip_values(opt, grad)
        elif opt.clipping == CLIP_GLOBAL_NORM:
            clip_global_norm(opt, grad)
        elif opt.clipping == CLIP_NORM:
            clip_norms(opt, grad)
        if opt.decays:
            decay_weights(opt, theta)
        prepare_step(opt, iterations, theta)
        step_all(opt, theta, grad)
    if opt.averages:
        average_weights(opt, iterations, theta)
    opt.applied += 1
    return 1
