# An optimizer made ready for a flat vector: the core's own copy of its settings, its variables and its schedule.

@cython.final
cdef class UpdatePlan:
    """UpdatePlan(spec, variables, slots, scalars, n_params, names)

    Everything that an update needs, checked once and then owned: later changes of what it was made from have no
    influence, but for the learning rate where that is a number, and for the vectors' values.

    Parameters
    ----------
    spec : OptimizerSpec
    variables : sequence of VariableSpec
        What the optimizer was built for, in the order of its vectors.
    slots : ndarray of shape (len(names), sum of sizes), C-contiguous, float32 or float64
        The optimizer's vectors.
    scalars : ndarray of float64, of shape (3,)
        Nadam's product of momenta, the loss scale, finite steps since that changed.
    n_params : int
        How long the flat vectors of weights and gradients are.
    names : tuple of str
        What the rows of slots are: names of the kind's own, "moving_average", "accumulated_gradient".

    Raises
    ------
    ValueError
        If sizes do not fit, or the settings need a vector that is not there.
    """
    cdef Optimizer opt
    cdef readonly object spec
    cdef readonly object slots
    cdef readonly object scalars
    cdef readonly Py_ssize_t n_params
    cdef readonly object dtype
    cdef bint double_
    cdef bint busy                   # updates arrays in another thread
    cdef void* workspace
    cdef float[:, ::1] single        # these hold the memory that the struct points to
    cdef double[:, ::1] wide
    cdef double[::1] numbers
    cdef double[::1] rate
    cdef list shapes

    def __cinit__(self, spec, variables, slots, scalars, Py_ssize_t n_params, tuple names):
        memset(&self.opt, 0, sizeof(Optimizer))
        self.spec, self.slots, self.scalars = spec, slots, scalars
        self.n_params = size_of("n_params", n_params)
        self.dtype = slots.dtype
        self.double_ = slots.dtype == np.float64
        self.copy_settings(spec)
        self.copy_variables(variables)
        self.place_slots(slots, scalars, names)
        self.reserve_workspace()
        self.opt.plain = (self.opt.schedule.kind.flags & IS_CONSTANT and self.opt.clipping == NO_CLIPPING
                          and not (self.opt.decays or self.opt.averages or self.opt.accumulation or self.opt.scaled)
                          and self.opt.kind.flags & IS_ELEMENTWISE and self.opt.n_stretches == 1
                          and self.opt.stretches[0].size < GD_THREADED_UPDATE)

    cdef int copy_settings(self, spec) except -1:
        cdef Optimizer* opt = &self.opt
        cdef Py_ssize_t i
        kind = row_of(OPTIMIZERS, "optimizer", spec)
        opt.kind = &optimizer_kinds[<Py_ssize_t>kind.row]
        for i, value in enumerate(parameters_of(kind, spec)):
            opt.number[i] = value
        opt.step.number = opt.number
        opt.step.power_1.step = opt.step.power_2.step = -1
        fill_schedule(&opt.schedule, spec.schedule)
        if opt.schedule.kind.flags & IS_CONSTANT:
            self.rate = spec.schedule.rate
        if spec.clipping not in CLIPPINGS:
            raise ValueError(f"clipping={spec.clipping!r} is not one of {', '.join(map(repr, CLIPPINGS))}")
        opt.clipping = CLIPPINGS[spec.clipping]
        opt.clip_at = spec.clip_at
        opt.averages = spec.ema_momentum is not None
        opt.ema_momentum = spec.ema_momentum or 0.0
        opt.ema_overwrite = size_of("ema_overwrite", spec.ema_overwrite)
        opt.accumulation = size_of("accumulation", spec.accumulation)
        opt.growth_steps = size_of("growth_steps", spec.growth_steps)
        opt.scaled = spec.loss_scale is not None
        return 0

    cdef int copy_variables(self, variables) except -1:
        cdef Optimizer* opt = &self.opt
        cdef Variable* v
        cdef Py_ssize_t k
        opt.n_variables = len(variables)
        opt.variables = <Variable*>gd_alloc(opt.n_variables * sizeof(Variable))
        opt.stretches = <Stretch*>gd_alloc(opt.n_variables * sizeof(Stretch))
        if opt.variables == NULL or opt.stretches == NULL:
            raise MemoryError("no memory for an optimizer's variables")
        for k, given in enumerate(variables):
            v = &opt.variables[k]
            v.is_there = given.offset is not None
            v.offset, v.size = size_of("offset", given.offset or 0), size_of("size", given.size)
            v.matrices, v.rows = size_of("matrices", given.matrices), size_of("rows", given.rows)
            v.columns = size_of("columns", given.columns)
            v.decay, v.by_adam, v.learns = given.decay, given.by_adam, given.learns and v.is_there
            if v.is_there and v.offset + v.size > self.n_params:
                raise ValueError(f"variable {k} ends at {v.offset + v.size}, behind the {self.n_params} parameters")
            if v.rows and v.matrices * v.rows * v.columns != v.size:
                raise ValueError(f"variable {k} has {v.size} numbers, but {v.matrices} matrices of {v.rows} x {v.columns}")
            if v.size and not v.rows and not v.by_adam and opt.kind.flags & BY_VARIABLE and spec_needs_matrices(self.spec):
                raise ValueError(f"variable {k} is no matrix, and not left to Adam")
            v.slot_offset = opt.size
            opt.size += v.size
            opt.decays |= v.decay != 0 and v.learns
            if v.learns and v.size:
                self.extend_stretches(v)
        return 0

    cdef void extend_stretches(self, const Variable* v) noexcept:
        cdef Optimizer* opt = &self.opt
        cdef Stretch* last = &opt.stretches[max(opt.n_stretches - 1, 0)]
        if (opt.n_stretches and last.offset + last.size == v.offset
                and last.slot_offset + last.size == v.slot_offset):
            last.size += v.size
            return
        last = &opt.stretches[opt.n_stretches]
        last.offset, last.slot_offset, last.size = v.offset, v.slot_offset, v.size
        opt.n_stretches += 1

    cdef int place_slots(self, slots, scalars, tuple names) except -1:
        cdef Optimizer* opt = &self.opt
        cdef Py_ssize_t k, rows, columns
        if self.double_:
            self.wide = slots
            rows, columns = self.wide.shape[0], self.wide.shape[1]
            opt.slots = &self.wide[0, 0] if rows and columns else NULL
        else:
            self.single = slots
            rows, columns = self.single.shape[0], self.single.shape[1]
            opt.slots = &self.single[0, 0] if rows and columns else NULL
        if rows != len(names) or columns != opt.size:
            raise ValueError(f"slots has shape {(rows, columns)}, expected {(len(names), opt.size)}")
        self.numbers = scalars
        if self.numbers.shape[0] != N_SCALARS:
            raise ValueError(f"scalars has {self.numbers.shape[0]} numbers, expected {N_SCALARS}")
        opt.scalars = &self.numbers[0]
        if not opt.growth_steps:
            opt.scalars[LOSS_SCALE] = self.spec.loss_scale or 1.0
        for k in range(MOST_SLOTS):
            opt.slot_row[k] = -1
        for k, name in enumerate(needed_slots(self.spec)):
            if name is not None:
                opt.slot_row[k] = row_named(self.spec.kind, names, name)
        opt.average_row = row_named(self.spec.kind, names, "moving_average") if opt.averages else -1
        opt.accumulator_row = row_named(self.spec.kind, names, "accumulated_gradient") if opt.accumulation else -1
        return 0

    cdef int reserve_workspace(self) except -1:
        cdef Py_ssize_t k, most = 0
        for k in range(self.opt.n_variables):
            most = max(most, workspace_bytes(self.opt.kind, &self.opt.variables[k], 8 if self.double_ else 4))
        self.workspace = gd_alloc(most)
        if self.workspace == NULL:
            raise MemoryError(f"no memory for an optimizer's {most} bytes to work in")
        self.opt.step.workspace = self.workspace
        return 0

    def __dealloc__(self):
        gd_free(self.opt.variables)
        gd_free(self.opt.stretches)
        gd_free(self.workspace)
        free_schedule(&self.opt.schedule)

    @property
    def applied(self):
        """Calls so far."""
        return self.opt.applied

    @applied.setter
    def applied(self, Py_ssize_t n):
        self.opt.applied = n

    @property
    def works_in_place(self):
        """Whether `apply` can update arrays where they lie."""
        cdef Optimizer* opt = &self.opt
        return bool(opt.kind.flags & IS_ELEMENTWISE and opt.schedule.kind.flags & IS_CONSTANT and opt.size > 0
                    and opt.clipping == NO_CLIPPING and not (opt.averages or opt.accumulation or opt.scaled))

    def update(self, theta, grad):
        """One update of a flat vector outside of a network, which changes grad too.

        Parameters
        ----------
        theta, grad : ndarray of shape (n_params,), C-contiguous, of the vectors' type

        Returns
        -------
        int
            How many calls this counts for: 0 where a dynamic loss scale turned out too large, else 1.
        """
        if self.double_:
            return self._update[double](theta, grad)
        return self._update[float](theta, grad)

    cdef int _update(self, real[::1] theta, real[::1] grad) except -1:
        if theta.shape[0] != self.n_params or grad.shape[0] != self.n_params:
            raise ValueError(f"theta has {theta.shape[0]} numbers and grad {grad.shape[0]}, expected {self.n_params}")
        if theta.shape[0] == 0:
            self.opt.applied += 1
            return 1
        with nogil:
            return update(&self.opt, &theta[0], &grad[0])

    cdef bint has_shape(self, Py_buffer* view, Py_ssize_t k) except -1:
        cdef tuple shape = self.shapes[k]
        cdef Py_ssize_t i
        cdef char kind = b"d" if self.double_ else b"f"
        if (view.format[0] != kind or view.format[1] != 0 or view.ndim != len(shape)
                or <size_t>view.buf % view.itemsize or view.len // view.itemsize != self.opt.variables[k].size):
            return False
        for i in range(view.ndim):
            if view.shape[i] != shape[i]:
                return False
        return True

    def prepare(self, list shapes):
        """Tell `apply` the arrays' shapes, in the order of the variables."""
        if len(shapes) != self.opt.n_variables:
            raise ValueError(f"shapes has {len(shapes)} entries, expected {self.opt.n_variables}")
        self.shapes = [tuple(shape) for shape in shapes]

    def apply(self, grads, arrays, Py_ssize_t applied):
        """One update of arrays where they lie, the applied-th, and True; or False, and nothing has changed, where they
        are not just as they should be: lists of contiguous arrays of the shapes and the type, none over what is updated.

        Only where `works_in_place`, and after `prepare`; nothing is done here that Python would do around an update.
        """
        cdef Py_ssize_t k = 0, j, n = self.opt.n_variables, taken = 0
        cdef Py_buffer views[16]
        cdef bint good = n <= 8
        if (type(grads) is not list or type(arrays) is not list or len(grads) != n or len(arrays) != n or not good
                or self.busy or self.shapes is None or not self.works_in_place):
            return False
        self.busy = True
        try:
            while good and k < n:
                if type(grads[k]) is not np_ndarray or type(arrays[k]) is not np_ndarray:
                    return False
                PyObject_GetBuffer(grads[k], &views[taken], PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
                taken += 1
                PyObject_GetBuffer(arrays[k], &views[taken], PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
                taken += 1
                good = self.has_shape(&views[taken - 2], k) and self.has_shape(&views[taken - 1], k)
                k += 1
            for k in range(taken if good else 0):        # no array over its or another's gradient, or over another array
                for j in range(1, taken if good else 0, 2):
                    good &= j == k or not (<size_t>views[k].buf < <size_t>views[j].buf + views[j].len
                                           and <size_t>views[j].buf < <size_t>views[k].buf + views[k].len)
            if good:
                self.opt.applied = applied
                if self.double_:
                    self.update_views[double](views, NULL)
                else:
                    self.update_views[float](views, NULL)
        except (BufferError, ValueError):
            return False
        finally:
            self.busy = False
            for k in range(taken):
                PyBuffer_Release(&views[k])
        return bool(good)

    cdef void update_views(self, Py_buffer* views, real* only_for_its_type) noexcept:
        cdef Optimizer* opt = &self.opt
        cdef Stepping s
        cdef Stretch stretch
        cdef Py_ssize_t k, i
        cdef unsigned before
        cdef real* theta
        cdef real lr, wd
        with nogil:
            opt.step.rate = opt.schedule.rate[0]
            lr = <real>opt.step.rate
            prepare_step(opt, opt.applied, only_for_its_type)
            for k in range(opt.n_variables):
                theta = <real*>views[2 * k + 1].buf
                stretch.offset, stretch.slot_offset = 0, opt.variables[k].slot_offset
                stretch.size = opt.variables[k].size
                wd = <real>opt.variables[k].decay
                if wd != 0:
                    for i in range(stretch.size):
                        theta[i] = theta[i] - theta[i] * wd * lr
                s.opt, s.stretch, s.theta, s.grad = opt, &stretch, theta, views[2 * k].buf
                if stretch.size >= GD_THREADED_UPDATE:
                    gd_run(step_part_single if real is float else step_part_double, &s, gd_parts(True))
                    continue
                before = mode_of_update(opt)
                step_stretch(opt, &opt.step, NULL, 0, stretch.slot_offset, stretch.size, theta,
                             <real*>views[2 * k].buf)
                gd_set_mode(before)


cdef bint spec_needs_matrices(spec):
    return spec.kind == "muon"


def needed_slots(spec):
    """The names of the vectors that a description's settings need, None for those of the kind that they do not."""
    kind = row_of(OPTIMIZERS, "optimizer", spec)
    numbers = dict(zip(kind.parameters, parameters_of(kind, spec)))
    return [slot.name if slot.needed_by is None or numbers[slot.needed_by] else None for slot in kind.slots]


cdef Py_ssize_t row_named(str kind, tuple names, str name) except -1:
    if name not in names:
        raise ValueError(f"this {kind!r} optimizer was built without the vector {name!r}, which its settings ask for now: "
                         "make a new one, or set it before it is used")
    return names.index(name)
