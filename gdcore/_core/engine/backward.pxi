# From the loss back to the gradient of all that learns.

cdef void add_activity_gradient(Engine* e, Py_ssize_t l, real* d, Py_ssize_t m) noexcept nogil:
    """d += the derivative of layer l's penalty on its output a."""
    cdef const Layer* layer = &e.net.layers[l]
    cdef Py_ssize_t i, j
    cdef double share = e.run.loss_factor / e.run.n_batch
    cdef real p = <real>(layer.activity[0] * share), q = <real>(2 * layer.activity[1] * share)
    cdef const real* a = <const real*>e.space.a[l]
    cdef const real* live = <const real*>e.space.live
    if p == 0 and q == 0:
        return
    for j in range(layer.n_out):
        for i in range(m):
            d[j * m + i] += (p * sign(a[j * m + i]) + q * a[j * m + i]) * live[i]


cdef inline void through_activation(Engine* e, Py_ssize_t l, real* d, Py_ssize_t m) noexcept nogil:
    """dL/da of layer l becomes dL/dz."""
    cdef const Layer* layer = &e.net.layers[l]
    activation_backward(&layer.activation, layer.n_out, m, <const real*>e.space.z[l], <const real*>e.space.a[l], d,
                        <real*>e.space.total)


cdef void start_backward(Engine* e, real* d, real* other, Py_ssize_t m) noexcept nogil:
    """d = dL/dz of the last layer."""
    cdef Py_ssize_t l = e.net.n_layers - 1, i
    cdef const Loss* loss = &e.net.loss
    cdef const real* z = <const real*>e.space.z[l]
    cdef const real* a = <const real*>e.space.a[l]
    cdef const real* y = <const real*>e.space.y
    cdef const real* scale = <const real*>e.space.scale
    cdef bint through = not loss.from_cached_logits or loss.kind.flags & TAKES_OUTPUTS
    loss_gradient(loss, e.net.n_out, m, y, a, z, a if outputs_are_linked(loss, &e.net.layers[l].activation) else NULL, scale,
                  d, <real*>e.space.row, <real*>e.space.total, <real*>e.space.more)
    if through:
        if e.net.has_activity:
            add_activity_gradient(e, l, d, m)
        through_activation(e, l, d, m)
    if loss.from_cached_logits and loss.kind.flags & TAKES_OUTPUTS:
        add_focal_logits_gradient(loss, e.net.n_out, m, y, a, z, scale, d)
    if e.net.has_activity and not through:
        memset(other, 0, e.net.n_out * m * sizeof(real))
        add_activity_gradient(e, l, other, m)
        through_activation(e, l, other, m)
        for i in range(e.net.n_out * m):
            d[i] += other[i]


cdef void backward(Engine* e, const real* theta, real* grad, Py_ssize_t m) noexcept nogil:
    """grad += d(sum_i scale[i] * loss_i)/d theta, after a forward pass."""
    cdef Py_ssize_t l = e.net.n_layers - 1, first = e.net.first_trainable
    cdef const Layer* layer
    cdef LayerCall call
    cdef real* d = <real*>e.space.delta
    cdef real* other = <real*>e.space.delta_other
    cdef real* spare
    begin_layers(e, &call, theta, m)
    start_backward(e, d, other, m)
    while True:
        layer = &e.net.layers[l]
        if l == 0 and e.run.direct:
            direct_backward(e, <const real*>d, grad, m)
        elif not layer.kind.flags & PASSES_INPUT:
            layer_backward(layer, &call, <const real*>(e.space.a[l - 1] if l else e.space.x), d, other,
                           <const real*>e.space.saved[l], grad, e.run.accumulates, l > first)
        if l <= first:
            return
        if layer.kind.flags & IS_DENSE:
            spare = d
            d = other
            other = spare
        l -= 1
        if e.net.has_activity:
            add_activity_gradient(e, l, d, m)
        through_activation(e, l, d, m)


cdef void clear_gradient(Engine* e, real* grad) noexcept nogil:
    """grad = 0 where it is added to: not for dense layers, which overwrite theirs with a batch's first piece."""
    cdef Py_ssize_t l
    cdef const Layer* layer
    e.run.accumulates = e.run.method != ANALYTIC
    if e.run.accumulates:
        memset(grad, 0, e.net.n_params * sizeof(real))
        return
    for l in range(e.net.n_layers):
        layer = &e.net.layers[l]
        if layer.kind.flags & IS_DENSE or layer.frozen:
            continue
        if layer.kernel >= 0:
            memset(grad + layer.kernel, 0, layer.n_out * sizeof(real))
        if layer.bias >= 0:
            memset(grad + layer.bias, 0, layer.n_out * sizeof(real))
