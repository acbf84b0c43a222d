# Memory for the rows at work, made when a call needs more than there is.

cdef Py_ssize_t widest_layer(const Net* net) noexcept nogil:
    """The most values of a row that flow back, with room for a transpose in whole vectors (see weight_gradient)."""
    cdef Py_ssize_t l, n = net.n_in
    for l in range(net.n_layers):
        n = max(n, net.layers[l].n_out)
    return padded(n)


cdef Py_ssize_t rows_at_a_time(const Net* net, Py_ssize_t wanted) noexcept nogil:
    """How many rows the workspace holds for batches of `wanted`, padding counted."""
    cdef Py_ssize_t l, per_row = net.n_in, rows
    for l in range(net.n_layers):
        per_row += net.layers[l].n_out
    rows = min(max(GD_PIECE_VALUES // per_row, GD_PIECE_ROWS), GD_PIECE_MOST)
    rows = min(rows, max(GD_PIECE_WORK // max(net.n_params, 1), GD_LANES))
    return padded(max(wanted, 1) if net.needs_full_batch else min(rows, max(wanted, 1)))


cdef Py_ssize_t layer_values(const Net* net, Py_ssize_t l, Py_ssize_t rows, Py_ssize_t copies) noexcept nogil:
    """How many values the workspace holds of layer l for each of so many rows."""
    return copies * net.layers[l].n_out + (saved_size(&net.layers[l], rows) + rows - 1) // rows


cdef Py_ssize_t common_values(const Net* net) noexcept nogil:
    """How many values it holds for each row besides: inputs, targets, weights, scratch, what flows back."""
    return net.n_in + net.n_out + 7 + 2 * widest_layer(net)


cdef Py_ssize_t table_bytes(const Net* net) noexcept nogil:
    return 5 * net.n_layers * sizeof(void*) + GD_ALIGNMENT


cdef void free_workspace(Workspace* space) noexcept nogil:
    gd_free(space.memory)
    memset(space, 0, sizeof(Workspace))


cdef int reserve(const Net* net, Workspace* space, Py_ssize_t wanted, bint moves, Py_ssize_t item) except -1:
    """Make room for batches of `wanted` rows, or for as many as one pass should take at a time; item is a value's size."""
    cdef Py_ssize_t l, values, bytes, rows = rows_at_a_time(net, wanted)
    if space.rows >= rows and (space.has_moves or not moves):
        return 0
    rows = max(rows, space.rows)
    moves = moves or space.has_moves
    free_workspace(space)
    values = common_values(net)
    for l in range(net.n_layers):
        values += layer_values(net, l, rows, 4 if moves else 2)
    if values > ((<Py_ssize_t>1) << 60) // rows:
        raise MemoryError(f"no memory for a workspace of {rows} rows of {values} values")
    bytes = values * rows * item
    space.memory = gd_alloc(bytes + table_bytes(net))
    if space.memory == NULL:
        raise MemoryError(f"no memory for a workspace of {rows} rows ({bytes} bytes)")
    space.bytes = bytes + table_bytes(net)
    memset(space.memory, 0, bytes)
    lay_out(net, space, rows, moves, item, bytes)
    space.rows = rows
    space.has_moves = moves
    return 0


cdef void lay_out(const Net* net, Workspace* space, Py_ssize_t rows, bint moves, Py_ssize_t item,
                  Py_ssize_t bytes) noexcept nogil:
    """Say what lies where."""
    cdef char* at = <char*>space.memory
    cdef Py_ssize_t widest = widest_layer(net), row = rows * item
    space.x = at
    space.y = at + net.n_in * row
    at += (net.n_in + net.n_out) * row
    space.weight, space.scale, space.value, space.row = at, at + row, at + 2 * row, at + 3 * row
    space.total, space.live, space.more = at + 4 * row, at + 5 * row, at + 6 * row
    at += 7 * row
    space.delta, space.delta_other = at, at + widest * row
    at += 2 * widest * row
    space.z = <void**>(<char*>space.memory + bytes)
    space.a = space.z + net.n_layers
    space.z_moved = space.a + net.n_layers
    space.a_moved = space.z_moved + net.n_layers
    space.saved = space.a_moved + net.n_layers
    lay_out_layers(net, space, rows, moves, item, at)


cdef void lay_out_layers(const Net* net, Workspace* space, Py_ssize_t rows, bint moves, Py_ssize_t item,
                         char* at) noexcept nogil:
    cdef Py_ssize_t l, copy
    cdef const Layer* layer
    cdef void** z
    cdef void** a
    for l in range(net.n_layers):
        layer = &net.layers[l]
        space.saved[l] = at
        at += (saved_size(layer, rows) + rows - 1) // rows * rows * item
        for copy in range(2 if moves else 1):
            z = space.z_moved if copy else space.z
            a = space.a_moved if copy else space.a
            z[l] = at
            if layer.kind.flags & PASSES_INPUT:
                z[l] = a[l - 1] if l else space.x
            elif layer.activation.kind.flags & KEEPS_INPUT or (l == net.n_layers - 1 and net.keeps_logits):
                at += layer.n_out * rows * item
            a[l] = at
            at += layer.n_out * rows * item
