# Rows into the workspace, and through the layers.

cdef void gather(Engine* e, Py_ssize_t first, Py_ssize_t n, bint with_targets, real* only_for_its_type) noexcept nogil:
    """Bring rows order[first:first+n] into the workspace (order NULL: those rows themselves)."""
    cdef Pass* run = &e.run
    cdef Py_ssize_t m = padded(n), r
    cdef real* live = <real*>e.space.live
    run.first, run.n_live = first, n
    if not run.direct:
        gather_rows(<const real*>run.x, e.net.n_in, run.order, first, n, m, run.end, <real*>e.space.x)
    if e.net.needs_full_batch or e.net.has_activity:
        for r in range(m):
            live[r] = 1 if r < n else 0
    if with_targets:
        gather_targets(e, first, n, m, live)


cdef void gather_targets(Engine* e, Py_ssize_t first, Py_ssize_t n, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    """Targets and sample weights of these rows."""
    cdef Pass* run = &e.run
    cdef Py_ssize_t r, k, row, width = run.y_width, n_out = e.net.n_out
    cdef const real* y = <const real*>run.y
    cdef const real* w = <const real*>run.w
    cdef real* Y = <real*>e.space.y
    cdef real* W = <real*>e.space.weight
    cdef bint wide = n_out >= 8 and not e.net.one_hot
    if e.net.one_hot:
        memset(Y, 0, n_out * m * sizeof(real))
    elif wide:
        gather_rows(y, width, run.order, first, n, m, run.end, Y)
    for r in range(m):
        row = first + (r if r < n else 0)
        if run.order != NULL:
            row = run.order[row]
        W[r] = 0 if r >= n else (1 if w == NULL else w[row])
        if wide:
            continue
        if not e.net.one_hot:
            for k in range(n_out):
                Y[k * m + r] = y[row * width + k]
        elif 0 <= y[row * width] < n_out:
            Y[<Py_ssize_t>y[row * width] * m + r] = 1


cdef inline void begin_layers(const Engine* e, LayerCall* call, const real* theta, Py_ssize_t m) noexcept nogil:
    """What all layers are called with."""
    call.m, call.n, call.training = m, e.run.n_live, e.run.training
    call.theta, call.state, call.live = theta, e.net.state, e.space.live
    call.row, call.row_two = e.space.row, e.space.total


cdef void direct_forward(Engine* e, const real* theta, Py_ssize_t m) noexcept nogil:
    """The first layer before the activation, from rows that were not gathered."""
    cdef const Layer* layer = &e.net.layers[0]
    direct_forward_rows(<const real*>e.run.x, layer.n_in, e.run.order, e.run.first, e.run.n_live, m, e.run.end, layer.n_out,
                        theta + layer.kernel, bias_of(layer, theta), <real*>e.space.x, padded(layer.n_in),
                        <real*>e.space.z[0], <real*>e.space.delta)


cdef void direct_backward(Engine* e, const real* d, real* grad, Py_ssize_t m) noexcept nogil:
    """The gradient of its kernel and bias, from d = dL/dz."""
    cdef const Layer* layer = &e.net.layers[0]
    direct_backward_rows(<const real*>e.run.x, layer.n_in, e.run.order, e.run.first, e.run.n_live, m, e.run.end,
                         layer.n_out, d, e.run.accumulates, grad + layer.kernel)
    if layer.bias >= 0:
        bias_gradient(layer.n_out, d, e.run.accumulates, grad + layer.bias, m)


cdef void watch(Engine* e, const real* z) noexcept nogil:
    """Look for nan and inf in the rows at work, where the first dense layer's first unit has z.

    No sum with nan or inf among its terms is finite, so that finite z are enough to know that all rows are.
    """
    cdef Py_ssize_t i, row
    if finite(e.run.n_live, z):
        return
    for i in range(e.run.n_live):
        row = e.run.first + i
        if e.run.order != NULL:
            row = e.run.order[row]
        if z[i] - z[i] != 0 and not finite(e.net.n_in, <const real*>e.run.x + e.net.n_in * row):
            e.run.found_nonfinite = True


cdef void forward(Engine* e, const real* theta, Py_ssize_t first, void** z, void** a, Py_ssize_t m) noexcept nogil:
    """Layers first, first+1, ... from what layer first-1 has in a (the inputs, for the first)."""
    cdef Py_ssize_t l
    cdef const Layer* layer
    cdef LayerCall call
    begin_layers(e, &call, theta, m)
    for l in range(first, e.net.n_layers):
        layer = &e.net.layers[l]
        if l == 0 and e.run.direct:
            direct_forward(e, theta, m)
        else:
            layer_forward(layer, &call, 0, layer.n_out, <const real*>(a[l - 1] if l else e.space.x), <real*>z[l],
                          <real*>e.space.saved[l])
        if l == 0 and e.run.watched:
            watch(e, <const real*>z[l])
        activate(&layer.activation, layer.n_out, m, <const real*>z[l], <real*>a[l], <real*>e.space.row,
                 <real*>e.space.total)


cdef void draw(Engine* e, Py_ssize_t done, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    """The noise of this piece, which begins at row `done` of its batch."""
    cdef Py_ssize_t l
    for l in range(e.net.n_layers):
        if e.net.layers[l].kind.flags & IS_NOISE:
            draw_noise(&e.net.layers[l], done, e.run.n_live, m, <real*>e.space.delta, <real*>e.space.saved[l])


cdef void next_draw(const Net* net) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        if net.layers[l].kind.flags & IS_NOISE:
            net.layers[l].random[1] += 1


# ---- the loss of a batch ------------------------------------------------------------------------------------------------

cdef double batch_loss(Engine* e, const real* scale, void** z, void** a, Py_ssize_t m) noexcept nogil:
    """sum_i scale[i] * loss of row i, after a forward pass into z and a."""
    cdef Py_ssize_t last = e.net.n_layers - 1
    loss_by_row(&e.net.loss, e.net.n_out, m, <const real*>e.space.y, <const real*>a[last], <const real*>z[last],
                <real*>e.space.value, <real*>e.space.row, <real*>e.space.total)
    return weighted_sum(m, <const real*>e.space.value, scale)


cdef double activity(Engine* e, Py_ssize_t moved, void** a_moved, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    """The penalties on outputs, per row of the batch; layers from `moved` on have theirs in a_moved."""
    cdef Py_ssize_t l, j, i
    cdef const Layer* layer
    cdef const real* a
    cdef real* row = <real*>e.space.row
    cdef real p, q
    cdef double total = 0
    for l in range(e.net.n_layers):
        layer = &e.net.layers[l]
        p = <real>layer.activity[0]
        q = <real>layer.activity[1]
        if p == 0 and q == 0:
            continue
        a = <const real*>(e.space.a[l] if l < moved else a_moved[l])
        for j in range(layer.n_out):
            for i in range(m):
                row[i] = p * abs_(a[j * m + i]) + q * (a[j * m + i] * a[j * m + i])
            total += weighted_sum(m, <const real*>row, <const real*>e.space.live)
    return total / e.run.n_batch


cdef double penalties(const Net* net, const real* theta, real* grad, double factor) noexcept nogil:
    """The sum of all penalties on arrays; their gradient times factor is added to grad, unless NULL."""
    cdef Py_ssize_t k
    cdef double total = 0
    for k in range(net.n_regularizers):
        total += penalty(&net.regularizers[k], theta, grad, factor, net.scratch)
    return total


cdef double reduction_factor(const Engine* e, Py_ssize_t first, Py_ssize_t n, real* only_for_its_type) noexcept nogil:
    """What multiplies sum_i w_i * loss_i to make the loss of a batch; rows of an ignored class do not count."""
    cdef const Loss* loss = &e.net.loss
    cdef const real* y = <const real*>e.run.y
    cdef const real* w = <const real*>e.run.w
    cdef double total = 0
    cdef Py_ssize_t r, row
    cdef bint weighted = loss.reduction == MEAN_WITH_SAMPLE_WEIGHT and w != NULL
    cdef bint ignores = ignores_class(loss)
    if loss.reduction == SUM:
        return 1
    if not weighted and not ignores:
        return 1 / <double>n
    for r in range(first, first + n):
        row = e.run.order[r] if e.run.order != NULL else r
        if not (ignores and y[row * e.run.y_width] == loss.p[0]):
            total += w[row] if weighted else 1
    return 1 / total if total != 0 else 0


cdef void look_at_labels(Engine* e, Py_ssize_t first, Py_ssize_t n, real* only_for_its_type) noexcept nogil:
    """Tell losses that read labels whether all of the batch are 0 or 1."""
    cdef Py_ssize_t r, j, k, width = e.run.y_width
    cdef const real* row
    cdef bint binary = True, wanted = e.net.loss.kind.flags & READS_LABELS
    for k in range(e.net.n_metrics):
        wanted |= e.net.metrics[k].kind.flags & READS_LABELS
    if not wanted:
        return
    for r in range(first, first + n):
        row = <const real*>e.run.y + (e.run.order[r] if e.run.order != NULL else r) * width
        for j in range(width):
            binary &= row[j] == 0 or row[j] == 1
    e.net.loss.binary_labels = binary
    for k in range(e.net.n_metrics):
        e.net.metrics[k].binary_labels = binary


cdef void set_scale(Engine* e, double factor, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    cdef Py_ssize_t i
    cdef real* scale = <real*>e.space.scale
    cdef const real* weight = <const real*>e.space.weight
    for i in range(m):
        scale[i] = weight[i] * <real>factor
