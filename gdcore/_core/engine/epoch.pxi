# A batch, piece by piece, and an epoch of batches with an update after each.

cdef void add_metrics(Engine* e, Py_ssize_t rows, Py_ssize_t m, double* sums, real* only_for_its_type) noexcept nogil:
    """Add to the sums of the metrics what the rows at work bring."""
    cdef Py_ssize_t k, i, last = e.net.n_layers - 1
    cdef real* each = <real*>e.space.value
    cdef double value
    for k in range(e.net.n_metrics):
        loss_by_row(&e.net.metrics[k], e.net.n_out, m, <const real*>e.space.y, <const real*>e.space.a[last],
                    <const real*>e.space.z[last], each, <real*>e.space.row, <real*>e.space.total)
        if e.net.metrics[k].reduction == MEAN_WITH_SAMPLE_WEIGHT:
            sums[k] += weighted_sum(m, <const real*>each, <const real*>e.space.weight)
            continue
        value = 0
        for i in range(rows):
            value += each[i]
        sums[k] += value


cdef void advance_statistics(Engine* e, real* only_for_its_type) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(e.net.n_layers):
        if e.net.layers[l].kind.flags & HAS_STATISTICS and not e.net.layers[l].frozen:
            move_statistics(&e.net.layers[l], <real*>e.net.state, <const real*>e.space.saved[l])


cdef int piece_gradient(Engine* e, real* theta, real* grad, Py_ssize_t m) except -1 nogil:
    """grad += what the rows at work contribute."""
    cdef double base
    if e.run.method == ANALYTIC:
        backward(e, <const real*>theta, grad, m)
        e.run.accumulates = True
        return 0
    base = batch_loss(e, <const real*>e.space.scale, e.space.z, e.space.a, m)
    if e.net.has_activity:
        base += e.run.loss_factor * activity(e, 0, e.space.a, m, theta)
    return differences(e, theta, grad, base, m)


cdef double run_piece(Engine* e, real* theta, real* grad, Py_ssize_t first, Py_ssize_t done, Py_ssize_t rows,
                      double factor, double* metrics) except? -1 nogil:
    """The share of a batch's loss (and gradient) of `rows` of its rows, of which `done` are done."""
    cdef Pass* run = &e.run
    cdef Py_ssize_t m = padded(rows)
    cdef double part
    if not run.gathered:
        gather(e, first + done, rows, True, theta)
    time_phase(run, GATHER_PHASE)
    run.loss_factor = run.loss_scale[0] if run.loss_scale != NULL else 1
    set_scale(e, factor * run.loss_factor, m, theta)
    if e.net.is_stochastic and run.training:
        draw(e, done, m, theta)
    forward(e, <const real*>theta, 0, e.space.z, e.space.a, m)
    if run.found_nonfinite:
        with gil:
            raise NotFinite
    if e.net.needs_full_batch and run.moves_statistics:
        advance_statistics(e, theta)
    time_phase(run, FORWARD_PHASE)
    if run.outputs != NULL:
        ungather_rows(<const real*>e.space.a[e.net.n_layers - 1], m, e.net.n_out, rows,
                      <real*>run.outputs + (first + done) * e.net.n_out)
    # The loss is summed before it is scaled, as Keras does, and scaled in double.
    part = batch_loss(e, <const real*>e.space.weight, e.space.z, e.space.a, m) * factor
    if e.net.has_activity:
        part += activity(e, 0, e.space.a, m, theta)
    if metrics != NULL:
        add_metrics(e, rows, m, metrics, theta)
    time_phase(run, LOSS_PHASE)
    if run.learns:
        piece_gradient(e, theta, grad, m)
    look_at_signals(run, 3 * m * (e.net.n_params + GD_ROW_WORK))
    time_phase(run, BACKWARD_PHASE)
    return part


cdef double run_batch(Engine* e, real* theta, real* grad, Py_ssize_t first, Py_ssize_t n,
                      double* metrics) except? -1 nogil:
    """The loss of rows first..first+n-1 and, if a gradient is wanted, that in grad; adds to the metrics' sums."""
    cdef Py_ssize_t done = 0, rows
    cdef double factor = e.net.loss_weight * reduction_factor(e, first, n, theta), loss = 0
    cdef bint analytic = e.run.method == ANALYTIC
    e.run.n_batch = n
    look_at_labels(e, first, n, theta)
    if e.run.learns:
        clear_gradient(e, grad)
    while done < n:
        rows = min(e.space.rows, n - done)
        loss += run_piece(e, theta, grad, first, done, rows, factor, metrics)
        done += rows
    if e.net.n_regularizers:
        loss += penalties(&e.net, <const real*>theta, grad if e.run.learns and analytic else NULL, e.run.loss_factor)
        if e.run.learns and not analytic:
            penalty_differences(e, theta, grad)
    return loss


cdef int update_network(Engine* e, Optimizer* opt, real* theta, real* grad) except -1 nogil:
    cdef Py_ssize_t k
    if update(opt, theta, grad):
        e.run.steps += 1
        for k in range(e.net.n_constraints):
            constrain(&e.net.constraints[k], theta)
    if e.net.is_stochastic:
        next_draw(&e.net)
    return 0


cdef int run_epoch(Engine* e, real* theta, real* grad, Optimizer* opt, Py_ssize_t first, Py_ssize_t last,
                   Py_ssize_t batch_size, double* sums, double* record) except -1 nogil:
    """Rows first..last-1 in batches, an update after each (opt NULL: none); record gets the means over the rows so far.

    sums has the sums of the loss and of the metrics, the rows and their weights, and goes on from what it holds.
    """
    cdef Py_ssize_t rows, k, r
    cdef double loss, total
    cdef double* seen = sums + 1 + e.net.n_metrics
    cdef const real* w = <const real*>e.run.w
    while first < last:
        rows = min(batch_size, last - first)
        e.run.rows_done = <Py_ssize_t>seen[0]
        e.run.loss_so_far = sums[0]
        loss = run_batch(e, theta, grad, first, rows, sums + 1)
        sums[0] += loss * rows
        seen[0] += rows
        if w == NULL:
            seen[1] += rows
        else:
            for r in range(first, first + rows):
                seen[1] += w[e.run.order[r] if e.run.order != NULL else r]
        if opt != NULL:
            update_network(e, opt, theta, grad)
        time_phase(&e.run, UPDATE_PHASE)
        first += rows
    record[0] = sums[0] / seen[0]
    for k in range(e.net.n_metrics):
        total = seen[1] if e.net.metrics[k].reduction == MEAN_WITH_SAMPLE_WEIGHT else seen[0]
        record[1 + k] = sums[1 + k] / total if total != 0 else 0
    return 0
