# The class that Python sees: a network's plan, its flat vectors, and the calls that run it.

cdef Py_ssize_t sum_of_sizes(spec) except -1:
    return size_of("kernel", spec.kernel or 0) + size_of("bias", spec.bias or 0)


cdef int fill_layer(Layer* layer, spec, Py_ssize_t offset, Py_ssize_t state) except -1:
    """Make the struct of a `LayerSpec` whose arrays begin at these offsets."""
    cdef Py_ssize_t i
    memset(layer, 0, sizeof(Layer))
    kind = row_of(LAYERS, "layer", spec)
    layer.kind = &layer_kinds[<Py_ssize_t>kind.row]
    layer.n_in, layer.n_out = size_of("n_in", spec.n_in, 1), size_of("n_out", spec.n_out, 1)
    layer.frozen = spec.frozen
    layer.activation = activation_of(spec.activation)
    for i, value in enumerate(parameters_of(kind, spec)):
        layer.number[i] = value
    layer.activity[0], layer.activity[1] = spec.activity
    layer.kernel = offset if spec.kernel is not None else -1
    layer.bias = offset + (spec.kernel or 0) if spec.bias is not None else -1
    layer.state = state
    check_sizes(layer, spec, kind.name)
    return 0


cdef int check_sizes(const Layer* layer, spec, str name) except -1:
    """A layer's arrays are as long as its kernels take them to be."""
    cdef Py_ssize_t n = layer.n_out, kernel = n, bias = n, state = 0
    if layer.kind.flags & IS_DENSE:
        kernel = layer.n_in * n
    elif layer.n_in != n:
        raise ValueError(f"{name} has {layer.n_in} inputs and {n} outputs, expected as many")
    if name in ("rescaling", "normalization", "batch_normalization"):
        state = 2 * n
    if spec.kernel not in (None, kernel) or spec.bias not in (None, bias) or spec.state != state:
        raise ValueError(f"{name} has arrays of {spec.kernel}, {spec.bias} and {spec.state} numbers, expected {kernel}, {bias} "
                         f"and {state}")
    if spec.kernel is None and name in ("dense", "prelu"):
        raise ValueError(f"{name} has no kernel")
    return 0


@cython.final
cdef class Network:
    """Network(layers, dtype)

    A chain of layers on one flat parameter vector, with its workspace.

    Parameters
    ----------
    layers : sequence of LayerSpec
        Each takes as many numbers as the one before gives.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    layers : tuple of LayerSpec
        The plan in use.
    theta, grad : ndarray of shape (n_params,)
        All parameters that may learn, layer by layer, kernel before bias, and the last gradient (of frozen layers it says
        nothing).
    state : ndarray
        What no gradient changes, layer by layer: moving statistics, constants.
    random : ndarray of int64, of shape (layers, 2)
        Seed and number of draws so far of layers with noise.
    epochs_done, steps_done : int
        Epochs and updates that the last `train` finished, also when it was interrupted.
    """
    cdef Engine engine
    cdef readonly tuple layers
    cdef readonly object theta
    cdef readonly object grad
    cdef readonly object state
    cdef readonly object random
    cdef readonly object dtype
    cdef readonly Py_ssize_t epochs_done
    cdef bint double_
    cdef void* theta_at
    cdef void* grad_at
    cdef int64_t[:, ::1] random_view
    cdef object lock
    cdef unsigned long owner         # the thread at work, or 0

    def __cinit__(self, layers, dtype):
        cdef Py_ssize_t offset = 0, state = 0
        memset(&self.engine, 0, sizeof(Engine))
        self.lock = threading.Lock()
        self.dtype = np.dtype(dtype)
        self.double_ = self.dtype == np.float64
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype={dtype!r} is not 'float32' or 'float64'")
        for spec in layers:
            offset += sum_of_sizes(spec)
            state += size_of("state", spec.state)
        self.random = np.zeros((len(layers), 2), np.int64)
        self.random_view = self.random
        self.theta = aligned_zeros_at(offset, self.dtype, &self.theta_at)
        self.grad = aligned_zeros_at(offset, self.dtype, &self.grad_at)
        self.state = aligned_zeros_at(state, self.dtype, &self.engine.net.state)
        self.engine.net.n_params = offset
        self.plan(layers)

    def __dealloc__(self):
        self.free_plan(&self.engine.net)
        self.free_losses()
        free_workspace(&self.engine.space)

    cdef void free_plan(self, Net* net) noexcept:
        gd_free(net.layers)
        gd_free(net.regularizers)
        gd_free(net.constraints)
        gd_free(net.scratch)

    cdef void free_losses(self) noexcept:
        cdef Net* net = &self.engine.net
        cdef Py_ssize_t k
        if net.has_loss:
            free_loss(&net.loss)
        for k in range(net.n_metrics):
            free_loss(&net.metrics[k])
        gd_free(net.metrics)
        net.metrics = NULL
        net.n_metrics = 0
        net.has_loss = False

    # ---- the plan ----------------------------------------------------------------------------------------------------

    def plan(self, layers):
        """Take the layers' settings as they are now: numbers, activations, rules, what is frozen.

        Raises
        ------
        ValueError
            If a size is another than that with which the network was made; the old plan stays.
        """
        cdef Net made
        cdef Net* net = &self.engine.net
        layers = tuple(layers)
        if not layers:
            raise ValueError("a network has at least one layer")
        memset(&made, 0, sizeof(Net))
        try:
            self.fill_plan(&made, layers)
        except BaseException:
            self.free_plan(&made)
            raise
        self.claim()
        self.free_plan(net)
        net.n_layers, net.n_in, net.n_out = made.n_layers, made.n_in, made.n_out
        net.n_regularizers, net.n_constraints = made.n_regularizers, made.n_constraints
        net.layers, net.regularizers, net.constraints = made.layers, made.regularizers, made.constraints
        net.scratch, net.first_trainable = made.scratch, made.first_trainable
        net.needs_full_batch, net.is_stochastic = made.needs_full_batch, made.is_stochastic
        net.has_activity = made.has_activity
        self.layers = layers
        free_workspace(&self.engine.space)           # which activations keep their input may have changed
        self.choose_logits()
        self.release()

    cdef int fill_plan(self, Net* net, tuple layers) except -1:
        cdef Py_ssize_t l, offset = 0, state = 0, scratch = 0, width = 0
        cdef Layer* layer
        net.n_layers = len(layers)
        net.layers = <Layer*>gd_alloc(net.n_layers * sizeof(Layer))
        net.regularizers = <Regularizer*>gd_alloc(sum(len(s.regularizers) for s in layers) * sizeof(Regularizer))
        net.constraints = <Constraint*>gd_alloc(sum(len(s.constraints) for s in layers) * sizeof(Constraint))
        if net.layers == NULL or net.regularizers == NULL or net.constraints == NULL:
            raise MemoryError("no memory for a network's layers")
        net.first_trainable = net.n_layers
        for l, spec in enumerate(layers):
            layer = &net.layers[l]
            fill_layer(layer, spec, offset, state)
            if width and layer.n_in != width:
                raise ValueError(f"layer {l} takes {layer.n_in} numbers, but gets {width}")
            width = layer.n_out
            layer.random = &self.random_view[l, 0]
            scratch = max(scratch, self.fill_rules(net, layer, spec))
            offset += sum_of_sizes(spec)
            state += spec.state
            if not layer.frozen and (spec.kernel or spec.bias) and net.first_trainable > l:
                net.first_trainable = l
            net.needs_full_batch |= layer.kind.flags & HAS_STATISTICS and not layer.frozen
            net.is_stochastic |= layer.kind.flags & IS_NOISE
            net.has_activity |= layer.activity[0] != 0 or layer.activity[1] != 0
        if offset != self.engine.net.n_params or state != self.state.size or net.n_layers != self.random_view.shape[0]:
            raise ValueError(f"the layers have {offset} parameters and {state} other numbers, expected "
                             f"{self.engine.net.n_params} and {self.state.size}: make a new network")
        net.n_in, net.n_out = net.layers[0].n_in, width
        net.scratch = <double*>gd_alloc(scratch * sizeof(double))
        if net.scratch == NULL:
            raise MemoryError("no memory for a network's regularizers")
        return 0

    cdef Py_ssize_t fill_rules(self, Net* net, const Layer* layer, spec) except -1:
        """The layer's regularizers and constraints; returns the scratch that they need."""
        cdef Py_ssize_t kernel = spec.kernel or 0, bias = spec.bias or 0, scratch = 0
        cdef Regularizer* rule
        for given in spec.regularizers:
            rule = &net.regularizers[net.n_regularizers]
            fill_regularizer(rule, given, layer, kernel, bias)
            net.n_regularizers += 1
            scratch = max(scratch, 2 * rule.rows * rule.columns + rule.rows + rule.columns)
        for given in spec.constraints:
            fill_constraint(&net.constraints[net.n_constraints], given, layer, kernel, bias)
            net.n_constraints += 1
        return scratch

    cdef void choose_logits(self) noexcept:
        """Whether the loss and the metrics are taken from what enters the last activation."""
        cdef Net* net = &self.engine.net
        cdef const Activation* last = &net.layers[net.n_layers - 1].activation
        cdef Py_ssize_t k
        net.keeps_logits = False
        if net.has_loss:
            look_behind(&net.loss, last)
            net.keeps_logits = net.loss.from_cached_logits
        for k in range(net.n_metrics):
            look_behind(&net.metrics[k], last)
            net.keeps_logits |= net.metrics[k].from_cached_logits

    def configure(self, loss, metrics, double weight=1):
        """Choose the loss (`LossSpec`) and the metrics (each a `LossSpec`); weight multiplies the loss."""
        cdef Net* net = &self.engine.net
        cdef Loss chosen
        cdef Loss* others = NULL
        cdef Py_ssize_t k, filled = 0
        fill_loss(&chosen, loss, net.n_out)
        try:
            if chosen.kind.flags & METRIC_ONLY:
                raise ValueError(f"loss={loss.kind!r} is a metric, which has no gradient")
            others = <Loss*>gd_alloc(len(metrics) * sizeof(Loss))
            if others == NULL:
                raise MemoryError("no memory for a network's metrics")
            for k, metric in enumerate(metrics):
                fill_loss(&others[k], metric, net.n_out)
                filled += 1
            self.claim()
        except BaseException:
            free_loss(&chosen)
            for k in range(filled):
                free_loss(&others[k])
            gd_free(others)
            raise
        self.free_losses()
        net.loss, net.loss_weight, net.has_loss = chosen, weight, True
        net.one_hot = chosen.kind.flags & TAKES_CLASSES
        net.metrics, net.n_metrics = others, filled
        self.choose_logits()
        free_workspace(&self.engine.space)           # which activations keep z depends on the loss
        self.release()

    cdef int claim(self) except -1:
        """One caller at a time: the workspace and the gradient belong to the network."""
        cdef unsigned long me = PyThread_get_thread_ident()
        if self.owner == me:
            raise RuntimeError("this model is already running in this thread (was it called from its own callback "
                               "or signal handler?)")
        self.lock.acquire()
        self.owner = me
        return 0

    cdef int release(self) except -1:
        self.owner = 0
        self.lock.release()
        return 0

    # ---- what there is ------------------------------------------------------------------------------------------------

    @property
    def n_params(self):
        """How many numbers may learn."""
        return self.engine.net.n_params

    @property
    def steps_done(self):
        """Updates that the last `train` made, also when it was interrupted."""
        return self.engine.run.steps

    @property
    def can_watch(self):
        """Whether `train` can watch for nan and inf in its rows."""
        return bool(self.engine.net.layers[0].kind.flags & IS_DENSE)

    @property
    def is_stochastic(self):
        """Whether a layer draws numbers, so that it matters where in a batch a row stands."""
        return bool(self.engine.net.is_stochastic)

    def footprint(self, Py_ssize_t batch_size):
        """What training with batches of that size takes: rows at a time, values for each row (in common, and of
        each layer), and bytes of the workspace."""
        cdef const Net* net = &self.engine.net
        cdef Py_ssize_t l, rows = rows_at_a_time(net, batch_size), common = common_values(net)
        layers = [layer_values(net, l, rows, 2) for l in range(net.n_layers)]
        return rows, common, layers, (common + sum(layers)) * rows * self.dtype.itemsize + table_bytes(net)

    @property
    def workspace_bytes(self):
        """The size of the workspace as it is."""
        return self.engine.space.bytes

    def fresh_sums(self):
        """What `train` carries from one part of an epoch to the next, for the first of them."""
        return np.zeros(3 + self.engine.net.n_metrics)

    # ---- training and evaluation ---------------------------------------------------------------------------------------

    def train(self, x, y, w, Py_ssize_t batch_size, UpdatePlan updates, history, *, gradient="analytic", double h=0,
              shuffling=None, progress=None, part=None, outputs=None, timings=None, bint watched=False):
        """Whole epochs in one call, one row of history each: mean loss, then the metrics.

        Parameters
        ----------
        x, y, w : C-contiguous arrays of the network's dtype; w (sample weights) may be None
        updates : UpdatePlan, or None to evaluate only
        history : float64 array of shape (epochs, 1 + metrics)
        gradient, h : key of `GRADIENTS`, and the step of differences
        shuffling : None, or (key, stream, step): epoch e has the order of stream + e * step
        progress : callable taking (rows done, sum of the loss over them), called some times a second, or None
        part : (order, first, last, sums) or None
            Of one epoch only the rows order[first:last] (order None: those rows themselves), first being where a
            batch begins; sums, from `fresh_sums`, goes on to the next part, and history has the means so far.
        outputs : array of shape (rows, n_out), or None
            Gets the outputs by which the loss is taken, those of row order[i] at i.
        timings : float64 array with an entry for each of `PHASES`, or None
            To these the seconds are added that each takes.
        watched : bool
            x has not been looked through: `NotFinite` is raised when the first epoch meets nan or inf there.  Only where
            `can_watch`.

        Raises
        ------
        RuntimeError
            If arrays do not fit the network, which was changed after they were made.
        """
        self.epochs_done = 0
        self.claim()
        self.begin_pass(False)
        self.engine.run.progress = <PyObject*>progress if progress is not None else NULL
        self.engine.run.watched = watched and self.can_watch
        try:
            if self.double_:
                self._train[double](x, y, w, batch_size, updates, history, GRADIENTS[gradient], h, shuffling, part,
                                    outputs, timings, NULL)
            else:
                self._train[float](x, y, w, batch_size, updates, history, GRADIENTS[gradient], h, shuffling, part,
                                   outputs, timings, NULL)
        finally:
            self.end_pass()
            self.release()

    cdef void begin_pass(self, bint training) noexcept:
        memset(&self.engine.run, 0, sizeof(Pass))
        self.engine.run.training = training
        self.engine.run.loss_factor = 1

    cdef void end_pass(self) noexcept:
        """What was borrowed for the call is not held on to."""
        cdef Py_ssize_t steps = self.engine.run.steps
        memset(&self.engine.run, 0, sizeof(Pass))
        self.engine.run.steps = steps

    cdef int take_rows(self, const real[:, ::1] x, const real[:, ::1] y, const real[::1] w) except -1:
        """Point the pass at the caller's arrays, which must fit the network and each other."""
        cdef Pass* run = &self.engine.run
        cdef const Net* net = &self.engine.net
        cdef Py_ssize_t width = 1 if net.one_hot else net.n_out
        if not net.has_loss:
            raise RuntimeError("the network has no loss: configure() it first")
        if x.shape[1] != net.n_in or y.shape[1] != width:
            raise RuntimeError("the layers, the loss or the metrics of this model were changed while it was at work")
        if x.shape[0] < 1 or y.shape[0] != x.shape[0] or (w is not None and w.shape[0] != x.shape[0]):
            raise ValueError(f"x has {x.shape[0]} rows, y {y.shape[0]} and sample_weight "
                             f"{w.shape[0] if w is not None else None}: expected the same number, at least one")
        run.x, run.y, run.y_width, run.end = &x[0, 0], &y[0, 0], width, x.shape[0]
        run.w = &w[0] if w is not None else NULL
        return 0

    cdef int check_part(self, const int64_t[::1] order, Py_ssize_t first, Py_ssize_t last) except -1:
        """Rows first..last-1 of the pass exist, and so do those that the order names."""
        cdef Py_ssize_t i, rows = self.engine.run.end
        cdef bint good = True
        if not 0 <= first < last <= (rows if order is None else order.shape[0]):
            raise ValueError(f"rows {first} to {last} are not among the {rows if order is None else order.shape[0]} there")
        if order is None:
            return 0
        for i in range(first, last):
            good &= 0 <= order[i] < rows
        if not good:
            raise ValueError(f"order names rows that are not among the {rows} there are")
        return 0

    cdef int take_extras(self, history, sums, outputs, timings, Py_ssize_t last, real* only_for_its_type) except -1:
        """Point the pass at what the caller wants to have filled besides."""
        cdef double[:, ::1] figures = history
        cdef double[::1] carried = sums, seconds
        cdef real[:, ::1] out
        cdef Py_ssize_t n_metrics = self.engine.net.n_metrics
        if figures.shape[1] != 1 + n_metrics:
            raise RuntimeError("the layers, the loss or the metrics of this model were changed while it was at work")
        if carried.shape[0] != 3 + n_metrics:
            raise ValueError(f"sums has {carried.shape[0]} numbers, expected {3 + n_metrics}")
        if outputs is not None:
            out = outputs
            if out.shape[0] < last or out.shape[1] != self.engine.net.n_out:
                raise ValueError(f"outputs has shape {(out.shape[0], out.shape[1])}, expected ({last}, "
                                 f"{self.engine.net.n_out})")
            self.engine.run.outputs = &out[0, 0]
        if timings is not None:
            seconds = timings
            if seconds.shape[0] != N_PHASES:
                raise ValueError(f"timings has {seconds.shape[0]} numbers, expected {N_PHASES}")
            self.engine.run.timings = &seconds[0]
            self.engine.run.timed_at = gd_seconds()
        return 0

    cdef int check_updates(self, UpdatePlan updates) except -1:
        if updates.n_params != self.engine.net.n_params or updates.dtype != self.dtype:
            raise RuntimeError("the layers of this model were changed while it was at work")
        return 0

    cdef int _train(self, const real[:, ::1] x, const real[:, ::1] y, const real[::1] w, Py_ssize_t batch_size,
                    UpdatePlan updates, history, int method, double h, shuffling, part, outputs, timings,
                    real* only_for_its_type) except -1:
        cdef Engine* e = &self.engine
        cdef Optimizer* opt = NULL
        cdef uint64_t key = 0, stream = 0, step = 0
        cdef Py_ssize_t first = 0, last, e_, epochs
        cdef double[:, ::1] figures
        cdef double[::1] sums
        cdef int64_t[::1] order = None
        cdef int64_t* order_at = NULL
        cdef bint shuffled = shuffling is not None, one_part = part is not None
        self.take_rows(x, y, w)
        last = e.run.end
        carried = self.fresh_sums()
        if one_part:
            given, first, last, carried = part
            order = given
            self.check_part(order, first, last)
        elif shuffled:
            key, stream, step = shuffling
            order = np.empty(last, np.int64)
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size} is less than 1")
        self.take_extras(history, carried, outputs, timings, last, only_for_its_type)
        figures, sums = history, carried
        epochs = figures.shape[0]
        if updates is not None:
            self.check_updates(updates)
            opt = &updates.opt
            e.run.loss_scale = &opt.scalars[LOSS_SCALE]
        if order is not None:
            order_at = &order[0]
        e.run.order, e.run.method, e.run.h = order_at, method, h
        e.run.training = e.run.learns = e.run.moves_statistics = opt != NULL
        reserve(&e.net, &e.space, min(batch_size, last - first), method != ANALYTIC, sizeof(real))
        self.choose_first()
        with nogil:
            for e_ in range(epochs):
                if shuffled and not one_part:
                    shuffle(order_at, last, key, stream + <uint64_t>e_ * step)
                if not one_part:
                    sums[:] = 0
                run_epoch(e, <real*>self.theta_at, <real*>self.grad_at, opt, first, last, batch_size, &sums[0],
                          &figures[e_, 0])
                self.epochs_done = e_ + 1
                e.run.watched = False
                e.run.gathered = (order_at == NULL and not e.net.is_stochastic
                                  and last - first <= min(batch_size, e.space.rows))
        return 0

    cdef void choose_first(self) noexcept:
        """Whether the first layer works on the caller's rows; differences need them gathered."""
        cdef const Net* net = &self.engine.net
        cdef const Layer* layer = &net.layers[0]
        self.engine.run.direct = (
            layer.kind.flags & IS_DENSE and not layer.frozen and self.engine.run.method == ANALYTIC
            and not net.needs_full_batch and layer.n_out <= GD_DIRECT_UNITS and layer.n_in >= GD_DIRECT_INPUTS
            and self.engine.space.rows <= GD_DIRECT_ROWS)

    def gradient(self, x, y, w, method, double h, bint training=False):
        """The loss over all rows as one batch; its gradient is left in `grad`.

        With training, layers behave as in training, but nothing of their state changes.
        """
        self.claim()
        self.begin_pass(training)
        try:
            if self.double_:
                return self._gradient[double](x, y, w, GRADIENTS[method], h, NULL)
            return self._gradient[float](x, y, w, GRADIENTS[method], h, NULL)
        finally:
            self.end_pass()
            self.release()

    cdef double _gradient(self, const real[:, ::1] x, const real[:, ::1] y, const real[::1] w, int method, double h,
                          real* only_for_its_type) except? -1:
        cdef Engine* e = &self.engine
        cdef double loss
        self.take_rows(x, y, w)
        e.run.method, e.run.h, e.run.learns = method, h, True
        reserve(&e.net, &e.space, e.run.end, method != ANALYTIC, sizeof(real))
        self.choose_first()
        with nogil:
            loss = run_batch(e, <real*>self.theta_at, <real*>self.grad_at, 0, e.run.end, NULL)
        return loss

    # ---- predictions ---------------------------------------------------------------------------------------------------

    def predict(self, x):
        """Outputs of shape (rows, n_out) for C-contiguous x of shape (rows, n_in)."""
        out = np.empty((x.shape[0], self.engine.net.n_out), self.dtype)
        self.claim()
        try:
            if self.double_:
                self._predict[double](x, out)
            else:
                self._predict[float](x, out)
        finally:
            self.release()
        return out

    cdef int _predict(self, const real[:, ::1] x, real[:, ::1] out) except -1:
        if x.shape[1] != self.engine.net.n_in or out.shape[1] != self.engine.net.n_out:
            raise RuntimeError("the layers of this model were changed while it was at work")
        if x.shape[0] == 0:
            return 0
        return self.predict_at(&x[0, 0], x.shape[0], &out[0, 0])

    def predict_few(self, x):
        """`predict`, where x is an array as that wants it, of few and finite values; None for all others.

        For a single row all else that Python does would take longer than the net.
        """
        cdef Py_buffer rows, made
        cdef char kind = b"d" if self.double_ else b"f"
        cdef bint good
        try:
            PyObject_GetBuffer(x, &rows, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
        except (BufferError, ValueError):
            return None
        try:
            good = (rows.ndim == 2 and rows.shape[1] == self.engine.net.n_in and 0 < rows.len <= GD_SHORT_BYTES
                    and rows.format[0] == kind and rows.format[1] == 0)
            if good and self.double_:
                good = finite(rows.len // 8, <const double*>rows.buf)
            elif good:
                good = finite(rows.len // 4, <const float*>rows.buf)
            if not good:
                return None
            out = np.empty((rows.shape[0], self.engine.net.n_out), self.dtype)
            self.claim()
            try:
                PyObject_GetBuffer(out, &made, PyBUF_SIMPLE)
                PyBuffer_Release(&made)              # it lives as long as the array
                if self.double_:
                    self.predict_at(<const double*>rows.buf, rows.shape[0], <double*>made.buf)
                else:
                    self.predict_at(<const float*>rows.buf, rows.shape[0], <float*>made.buf)
            finally:
                self.release()
        finally:
            PyBuffer_Release(&rows)
        return out

    cdef int predict_at(self, const real* x, Py_ssize_t rows, real* out) except -1:
        cdef Engine* e = &self.engine
        cdef Py_ssize_t first = 0, n, m
        self.begin_pass(False)
        reserve(&e.net, &e.space, rows, False, sizeof(real))
        e.run.x, e.run.end = x, rows
        self.choose_first()
        with nogil:
            while first < rows:
                n = min(e.space.rows, rows - first)
                m = padded(n)
                gather(e, first, n, False, out)
                forward(e, <const real*>self.theta_at, 0, e.space.z, e.space.a, m)
                ungather_rows(<const real*>e.space.a[e.net.n_layers - 1], m, e.net.n_out, n, out + first * e.net.n_out)
                first += n
                look_at_signals(&e.run, n * (e.net.n_params + GD_ROW_WORK))
        return 0

    # ---- slices --------------------------------------------------------------------------------------------------------

    def loss_slice(self, x, y, w, Py_ssize_t layer, Py_ssize_t parameter, values):
        """Losses over all rows with theta[parameter], a parameter of that layer, at each of the values."""
        out = np.zeros(len(values))
        self.claim()
        self.begin_pass(False)
        try:
            if self.double_:
                self._loss_slice[double](x, y, w, layer, parameter, values, out, NULL)
            else:
                self._loss_slice[float](x, y, w, layer, parameter, values, out, NULL)
        finally:
            self.end_pass()
            self.release()
        return out

    cdef Py_ssize_t unit_of(self, Py_ssize_t l, Py_ssize_t parameter) except -1:
        """Which unit of layer l a parameter in the flat vector belongs to."""
        cdef const Net* net = &self.engine.net
        cdef const Layer* layer
        if not 0 <= l < net.n_layers:
            raise IndexError(f"layer={l} is not among the {net.n_layers} layers")
        layer = &net.layers[l]
        size = self.layers[l].kernel
        if size and layer.kernel <= parameter < layer.kernel + <Py_ssize_t>size:
            return (parameter - layer.kernel) % layer.n_out
        if layer.bias >= 0 and layer.bias <= parameter < layer.bias + layer.n_out:
            return parameter - layer.bias
        raise IndexError(f"parameter={parameter} is not one of layer {l}")

    cdef int _loss_slice(self, const real[:, ::1] x, const real[:, ::1] y, const real[::1] w, Py_ssize_t l,
                         Py_ssize_t parameter, const double[::1] values, double[::1] out,
                         real* only_for_its_type) except -1:
        cdef Engine* e = &self.engine
        cdef Py_ssize_t first = 0, n, m, v, rows, j = self.unit_of(l, parameter)
        cdef real* theta = <real*>self.theta_at
        cdef real kept = theta[parameter]
        cdef double factor
        self.take_rows(x, y, w)
        rows = e.run.end
        e.run.method, e.run.n_batch = CENTRAL, rows
        reserve(&e.net, &e.space, rows, True, sizeof(real))
        factor = e.net.loss_weight * reduction_factor(e, 0, rows, theta)
        look_at_labels(e, 0, rows, theta)
        try:
            with nogil:
                while first < rows:
                    n = min(e.space.rows, rows - first)
                    m = padded(n)
                    gather(e, first, n, True, theta)
                    set_scale(e, factor, m, theta)
                    theta[parameter] = kept
                    forward(e, <const real*>theta, 0, e.space.z, e.space.a, m)
                    prepare_moves(e, l, m, theta)
                    for v in range(values.shape[0]):
                        theta[parameter] = <real>values[v]
                        out[v] += moved_loss(e, <const real*>theta, <const real*>e.space.scale, l, j, m)
                        if first == 0:
                            out[v] += penalties(&e.net, <const real*>theta, <real*>NULL, 1)
                        look_at_signals(&e.run, m * (e.net.n_params + GD_ROW_WORK))
                    first += n
        finally:
            theta[parameter] = kept
        return 0
