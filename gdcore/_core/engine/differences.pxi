# The gradient by finite differences, one parameter at a time; only what depends on it is computed again.

cdef double moved_loss(Engine* e, const real* theta, const real* scale, Py_ssize_t l, Py_ssize_t j,
                       Py_ssize_t m) noexcept nogil:
    """The loss after a parameter of unit j of layer l has changed in theta; z and a hold the unchanged pass.

    Only what depends on that unit is computed again, by the same operations as in `forward`: the result has
    the bits of a whole pass.  Needs z_moved[l] and a_moved[l] equal to z[l] and a[l], and leaves them so.
    """
    cdef const Layer* layer = &e.net.layers[l]
    cdef Workspace* space = &e.space
    cdef LayerCall call
    cdef real* z = <real*>space.z_moved[l] + j * m
    cdef real* a = <real*>space.a_moved[l] + j * m
    cdef bint couples = layer.activation.kind.flags & COUPLES_UNITS
    cdef double value
    begin_layers(e, &call, theta, m)
    layer_forward(layer, &call, j, 1, <const real*>(space.a[l - 1] if l else space.x), <real*>space.z_moved[l],
                  <real*>space.saved[l])
    if couples:
        activate(&layer.activation, layer.n_out, m, <const real*>space.z_moved[l], <real*>space.a_moved[l],
                 <real*>space.row, <real*>space.total)
    else:
        activate(&layer.activation, 1, m, <const real*>z, a, <real*>space.row, <real*>space.total)
    forward(e, theta, l + 1, space.z_moved, space.a_moved, m)
    value = batch_loss(e, scale, space.z_moved, space.a_moved, m)
    if e.net.has_activity:
        value += e.run.loss_factor * activity(e, l, space.a_moved, m, z)
    memcpy(z, <real*>space.z[l] + j * m, m * sizeof(real))
    if couples:
        memcpy(space.a_moved[l], space.a[l], layer.n_out * m * sizeof(real))
    else:
        memcpy(a, <real*>space.a[l] + j * m, m * sizeof(real))
    return value


cdef void prepare_moves(Engine* e, Py_ssize_t l, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    cdef size_t bytes = e.net.layers[l].n_out * m * sizeof(real)
    memcpy(e.space.z_moved[l], e.space.z[l], bytes)
    if e.space.a_moved[l] != e.space.z_moved[l]:
        memcpy(e.space.a_moved[l], e.space.a[l], bytes)


cdef int differences(Engine* e, real* theta, real* grad, double base, Py_ssize_t m) except -1 nogil:
    """grad += finite differences of sum_i scale[i] * loss_i; base is that loss, after a forward pass.

    Forward: (L(p + h) - L(p)) / h.  Central: (L(p + h) - L(p - h)) / (2 h).
    """
    cdef Py_ssize_t l, j, k, p, rows
    cdef const Layer* layer
    cdef real kept
    cdef double plus, minus, h = e.run.h
    cdef const real* scale = <const real*>e.space.scale
    for l in range(e.net.n_layers):
        layer = &e.net.layers[l]
        if layer.frozen or (layer.kernel < 0 and layer.bias < 0):
            continue
        prepare_moves(e, l, m, theta)
        rows = 0 if layer.kernel < 0 else (layer.n_in if layer.kind.flags & IS_DENSE else 1)
        for k in range(rows + (1 if layer.bias >= 0 else 0)):
            for j in range(layer.n_out):
                p = layer.kernel + k * layer.n_out + j if k < rows else layer.bias + j
                kept = theta[p]
                theta[p] = kept + <real>h
                plus = moved_loss(e, theta, scale, l, j, m)
                if e.run.method == CENTRAL:
                    theta[p] = kept - <real>h
                    minus = moved_loss(e, theta, scale, l, j, m)
                    theta[p] = kept
                    grad[p] += <real>((plus - minus) / (2 * h))
                else:
                    theta[p] = kept
                    grad[p] += <real>((plus - base) / h)
                look_at_signals(&e.run, 2 * m * (e.net.n_params + GD_ROW_WORK))
    return 0


cdef void penalty_differences(Engine* e, real* theta, real* grad) noexcept nogil:
    """grad += finite differences of the penalties on arrays."""
    cdef Py_ssize_t k, p
    cdef const Regularizer* rule
    cdef real kept
    cdef double base, plus, h = e.run.h, factor = e.run.loss_factor
    for k in range(e.net.n_regularizers):
        rule = &e.net.regularizers[k]
        base = penalty(rule, theta, <real*>NULL, 1, e.net.scratch)
        for p in range(rule.offset, rule.offset + rule.rows * rule.columns):
            kept = theta[p]
            theta[p] = kept + <real>h
            plus = penalty(rule, theta, <real*>NULL, 1, e.net.scratch)
            if e.run.method == CENTRAL:
                theta[p] = kept - <real>h
                grad[p] += <real>((plus - penalty(rule, theta, <real*>NULL, 1, e.net.scratch)) / (2 * h) * factor)
            else:
                grad[p] += <real>((plus - base) / h * factor)
            theta[p] = kept
