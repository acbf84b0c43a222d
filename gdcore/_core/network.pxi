"""A stack of layers on one flat parameter vector: forward, backward, finite differences and whole epochs.

This text is compiled once for each instruction set (see `_baseline.pyx` and its siblings); `gdcore._core`
picks one of the results when it is imported.

How data travels: rows of the caller's row-major arrays are gathered (and transposed) into a feature-major
workspace of at most `Net.rows` rows; a larger batch goes through it piece by piece, its gradient summed.
Padding lanes repeat the first row with weight zero, so that no kernel needs a remainder loop.  Only a first layer of
few units on wide rows reads the caller's rows where they lie (`Net.few`).
"""

cimport cython
from cpython.buffer cimport (PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release,
                             PyObject_GetBuffer)
from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject
from cpython.pythread cimport PyThread_get_thread_ident
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

import threading

import numpy as np

cdef object np_ndarray = np.ndarray

cdef extern from "kernels.h" nogil:
    Py_ssize_t GD_LANES
    Py_ssize_t GD_ALIGNMENT
    void* gd_alloc(size_t)
    void gd_free(void*)
    void gd_affine_f32(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, const float*,
                       const float*, float*)
    void gd_affine_f64(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, const double*,
                       const double*, double*)
    void gd_outer_f32(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const float*, int, float*, float*)
    void gd_outer_f64(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const double*, int, double*, double*)
    void gd_gather_f32(const float*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void gd_gather_f64(const double*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                       double*)
    void gd_ungather_f32(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void gd_ungather_f64(const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void gd_few_forward_f32(const float*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                            Py_ssize_t, const float*, const float*, float*, Py_ssize_t, float*, float*)
    void gd_few_forward_f64(const double*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                            Py_ssize_t, const double*, const double*, double*, Py_ssize_t, double*, double*)
    void gd_few_back_f32(const float*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                         Py_ssize_t, const float*, int, float*)
    void gd_few_back_f64(const double*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                         Py_ssize_t, const double*, int, double*)
    Py_ssize_t GD_FEW_UNITS
    Py_ssize_t GD_WIDE_INPUTS
    Py_ssize_t GD_FEW_MOST
    int gd_get_threads()
    void gd_set_threads(int)
    int gd_parts(bint)
    void gd_run(void (*)(void*, int, int) noexcept nogil, void*, int)
    double GD_THREADED_WORK
    int GD_VECTOR_BYTES
    void gd_row_sums_f32(Py_ssize_t, Py_ssize_t, const float*, float*)
    void gd_row_sums_f64(Py_ssize_t, Py_ssize_t, const double*, double*)
    double gd_weighted_sum_f32(Py_ssize_t, const float*, const float*)
    double gd_weighted_sum_f64(Py_ssize_t, const double*, const double*)
    double gd_seconds()

include "elementwise.pxi"
include "losses.pxi"
include "random.pxi"
include "optimizers.pxi"


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    """Rows from one feature to the next: whole vectors, and not 256 of them, where all features would lie in the same
    few sets of a first-level cache."""
    cdef Py_ssize_t m = (n + GD_LANES - 1) // GD_LANES * GD_LANES
    return m + GD_LANES if m % 256 == 0 and m > 0 else m


cdef void affine(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const real* w, Py_ssize_t sk, Py_ssize_t sj,
                 const real* bias, const real* a, real* c) noexcept nogil:
    if real is float:
        gd_affine_f32(m, K, J, w, sk, sj, bias, a, c)
    else:
        gd_affine_f64(m, K, J, w, sk, sj, bias, a, c)


cdef void outer(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const real* a, const real* d, bint add, real* c,
                real* scratch) noexcept nogil:
    if real is float:
        gd_outer_f32(m, K, J, a, d, add, c, scratch)
    else:
        gd_outer_f64(m, K, J, a, d, add, c, scratch)


cdef void row_sums(Py_ssize_t m, Py_ssize_t J, const real* d, real* c) noexcept nogil:
    if real is float:
        gd_row_sums_f32(m, J, d, c)
    else:
        gd_row_sums_f64(m, J, d, c)


cdef double weighted_sum(Py_ssize_t m, const real* u, const real* v) noexcept nogil:
    if real is float:
        return gd_weighted_sum_f32(m, u, v)
    else:
        return gd_weighted_sum_f64(m, u, v)


include "layers.pxi"
include "penalties.pxi"

cdef enum:
    ANALYTIC
    FORWARD
    CENTRAL

GRADIENTS = {"analytic": ANALYTIC, "forward": FORWARD, "central": CENTRAL}

class NotFinite(ValueError):
    """A row with nan or inf was met while the network was at work; what changed until then stays changed."""


# Work (roughly, multiply-adds) between two looks at the signals: some milliseconds.
cdef double PATIENCE = 2e7

cdef struct Net:
    Py_ssize_t n_layers
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t n_params
    Py_ssize_t n_metrics
    Py_ssize_t n_regularizers
    Py_ssize_t n_constraints
    Layer* layers
    Regularizer* regularizers
    Constraint* constraints
    double* scratch              # for regularizers
    Py_ssize_t lowest            # the first layer with something to learn
    bint whole                   # a batch must not be cut in pieces: its statistics are needed
    bint noisy                   # some layer draws numbers
    bint active                  # some layer has a penalty on its output
    bint training                # whether layers behave as in training
    void* state                  # what does not learn: moving statistics, constants, arrays of frozen layers
    bint adds                    # whether dense layers add to the gradient, as other layers do
    Py_ssize_t n_rows            # rows that this call goes through
    Py_ssize_t n_batch           # rows of the batch at work
    Py_ssize_t n_live            # rows in the workspace, without padding
    bint few                     # the first layer reads rows where they lie (see matmul.h); then x has its kernel
    const void* rows_at          # the caller's rows, their order, and which of them are at work
    const int64_t* order
    Py_ssize_t first
    bint watched                 # rows may hold nan or inf, which must be noticed
    bint spoilt                  # and one of this batch does
    bint gathered                # the rows of the batch to come are in the workspace already
    double* laps                 # seconds spent in each of PHASES, or NULL where nobody asks
    double lapped                # when the last of them ended
    Loss loss
    double loss_weight           # what the loss is multiplied by, but not penalties
    Loss* metrics
    bint keeps_logits            # what enters the last activation is looked at by the loss or a metric
    bint one_hot                 # targets are class numbers, gathered as one-hot columns
    Py_ssize_t rows              # the workspace holds this many
    void* memory
    void* x                      # (n_in, m)
    void* y                      # (n_out, m)
    void* weight                 # (m,) sample weights, 0 in padding
    void* live                   # (m,) 1, and 0 in padding
    void* scale                  # (m,) weight times the reduction's factor
    void* value                  # (m,) the loss by row
    void* top                    # (m,) scratch
    void* total                  # (m,) scratch
    void* more                   # (m,) scratch
    void* delta                  # two of (widest, m)
    void* delta_other
    void** z                     # by layer, (n_out, m): before the activation
    void** a                     # by layer: after it (the same memory where nothing needs z again)
    void** z_moved               # the same with one parameter moved, for finite differences
    void** a_moved
    void** notes                 # by layer: what its forward pass notes for the way back
    double work
    PyObject* progress           # called with (rows done, sum of the loss over them) now and then, or NULL
    void* outputs                # (rows, n_out) for the outputs of a pass as they are visited, or NULL
    const double* loss_scale     # what gradients are multiplied by, or NULL
    double loss_factor           # that, or 1
    Py_ssize_t steps             # updates made by this call of train
    Py_ssize_t rows_done
    double loss_so_far


cdef int look_at_signals(Net* net, double work) except -1 nogil:
    net.work += work
    if net.work > PATIENCE:
        net.work = 0
        with gil:
            PyErr_CheckSignals()
            if net.progress != NULL:
                (<object>net.progress)(net.rows_done, net.loss_so_far)
    return 0


cdef void gather_rows(const real* x, Py_ssize_t width, const int64_t* order, Py_ssize_t first, Py_ssize_t n,
                      Py_ssize_t m, Py_ssize_t last, real* out) noexcept nogil:
    if real is float:
        gd_gather_f32(x, width, order, first, n, m, last, out)
    else:
        gd_gather_f64(x, width, order, first, n, m, last, out)


cdef void gather(Net* net, const real* x, const real* y, const real* w, const int64_t* order, Py_ssize_t first,
                 Py_ssize_t n, Py_ssize_t y_width) noexcept nogil:
    """Bring rows order[first:first+n] into the workspace (order NULL: those rows themselves)."""
    cdef Py_ssize_t m = padded(n), r, k, row
    cdef real* Y = <real*>net.y
    cdef real* W = <real*>net.weight
    cdef bint wide = net.n_out >= 8 and not net.one_hot
    net.rows_at, net.order, net.first, net.n_live = x, order, first, n
    if not net.few:
        gather_rows(x, net.n_in, order, first, n, m, net.n_rows, <real*>net.x)
    if net.whole or net.active:
        for r in range(m):
            (<real*>net.live)[r] = 1 if r < n else 0
    if y == NULL:
        return
    if net.one_hot:
        memset(Y, 0, net.n_out * m * sizeof(real))
    elif wide:
        gather_rows(y, y_width, order, first, n, m, net.n_rows, Y)
    for r in range(m):
        row = first + (r if r < n else 0)
        if order != NULL:
            row = order[row]
        W[r] = 0 if r >= n else (1 if w == NULL else w[row])
        if wide:
            continue
        if not net.one_hot:
            for k in range(net.n_out):
                Y[k * m + r] = y[row * y_width + k]
        elif 0 <= y[row * y_width] < net.n_out:
            Y[<Py_ssize_t>y[row * y_width] * m + r] = 1


cdef void ungather(Net* net, const real* a, Py_ssize_t n, Py_ssize_t m, real* out) noexcept nogil:
    """Outputs a of n rows, as rows."""
    if real is float:
        gd_ungather_f32(a, m, net.n_out, n, out)
    else:
        gd_ungather_f64(a, m, net.n_out, n, out)


cdef void few_forward(Net* net, const real* theta, Py_ssize_t m) noexcept nogil:
    """The first layer before the activation, from rows that were not gathered."""
    cdef Layer* layer = &net.layers[0]
    cdef const real* arrays = <const real*>net.state if layer.frozen else theta
    cdef const real* bias = arrays + layer.bias if layer.bias >= 0 else NULL
    if real is float:
        gd_few_forward_f32(<const real*>net.rows_at, layer.n_in, net.order, net.first, net.n_live, m, net.n_rows,
                           layer.n_out, arrays + layer.kernel, bias, <real*>net.x, padded(layer.n_in), <real*>net.z[0],
                           <real*>net.delta)
    else:
        gd_few_forward_f64(<const real*>net.rows_at, layer.n_in, net.order, net.first, net.n_live, m, net.n_rows,
                           layer.n_out, arrays + layer.kernel, bias, <real*>net.x, padded(layer.n_in), <real*>net.z[0],
                           <real*>net.delta)


cdef void few_back(Net* net, const real* d, real* grad, Py_ssize_t m) noexcept nogil:
    """The gradient of its kernel and bias, from d = dL/dz."""
    cdef Layer* layer = &net.layers[0]
    if real is float:
        gd_few_back_f32(<const real*>net.rows_at, layer.n_in, net.order, net.first, net.n_live, m, net.n_rows,
                        layer.n_out, d, net.adds, grad + layer.kernel)
    else:
        gd_few_back_f64(<const real*>net.rows_at, layer.n_in, net.order, net.first, net.n_live, m, net.n_rows,
                        layer.n_out, d, net.adds, grad + layer.kernel)
    if layer.bias >= 0:
        bias_gradient(layer.n_out, d, net.adds, grad + layer.bias, m)


cdef void watch(Net* net, const real* z) noexcept nogil:
    """Look for nan and inf in the rows at work, where the first dense layer's first unit has z.

    No sum with nan or inf among its terms is finite, so that finite z are enough to know that all rows are.
    """
    cdef Py_ssize_t i
    if finite(net.n_live, z):
        return
    for i in range(net.n_live):
        if z[i] - z[i] != 0 and not finite(net.n_in, <const real*>net.rows_at + net.n_in * (
                net.order[net.first + i] if net.order != NULL else net.first + i)):
            net.spoilt = True


cdef void apply_layer(Net* net, const real* theta, Py_ssize_t l, Py_ssize_t first, Py_ssize_t count, const real* x,
                      real* z, Py_ssize_t m) noexcept nogil:
    """Units first..first+count-1 of layer l before the activation, from its inputs x."""
    cdef Layer* layer = &net.layers[l]
    if layer.kind == ACTIVATION:                     # z is x
        return
    transform(layer, <const real*>net.state if layer.frozen else theta, <const real*>net.state, net.training,
              first, count, x, z, m, net.n_live, <const real*>net.live, <real*>net.notes[l], <real*>net.top)


cdef void forward(Net* net, const real* theta, Py_ssize_t first, void** z, void** a, Py_ssize_t m) noexcept nogil:
    """Layers first, first+1, ... from what layer first-1 has in a (the inputs, for the first)."""
    cdef Py_ssize_t l
    cdef Layer* layer
    for l in range(first, net.n_layers):
        layer = &net.layers[l]
        if l == 0 and net.few:
            few_forward(net, theta, m)
        else:
            apply_layer(net, theta, l, 0, layer.n_out, <const real*>(a[l - 1] if l else net.x), <real*>z[l], m)
        if l == 0 and net.watched:
            watch(net, <const real*>z[l])
        activate(layer.activation, layer.params, layer.n_out, m, <const real*>z[l], <real*>a[l],
                 <real*>net.top, <real*>net.total)


cdef void draw(Net* net, Py_ssize_t done, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    """The noise of this piece, which begins at row `done` of its batch."""
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        if is_noise(net.layers[l].kind):
            draw_noise(&net.layers[l], done, net.n_live, m, <real*>net.delta, <real*>net.notes[l])


cdef void next_draw(Net* net) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        if is_noise(net.layers[l].kind):
            net.layers[l].random[1] += 1


cdef double activity(Net* net, Py_ssize_t moved, void** a_moved, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    """The penalties on outputs, per row of the batch; layers from `moved` on have theirs in a_moved."""
    cdef Py_ssize_t l, j, i
    cdef Layer* layer
    cdef const real* a
    cdef real* row = <real*>net.top
    cdef real p, q
    cdef double total = 0
    for l in range(net.n_layers):
        layer = &net.layers[l]
        p = <real>layer.activity[0]
        q = <real>layer.activity[1]
        if p == 0 and q == 0:
            continue
        a = <const real*>(net.a[l] if l < moved else a_moved[l])
        for j in range(layer.n_out):
            for i in range(m):
                row[i] = p * abs_(a[j * m + i]) + q * (a[j * m + i] * a[j * m + i])
            total += weighted_sum(m, <const real*>row, <const real*>net.live)
    return total / net.n_batch


cdef void add_activity_gradient(Net* net, Py_ssize_t l, real* d, Py_ssize_t m) noexcept nogil:
    """d += the derivative of layer l's penalty on its output a."""
    cdef Layer* layer = &net.layers[l]
    cdef Py_ssize_t i, j
    cdef double share = net.loss_factor / net.n_batch
    cdef real p = <real>(layer.activity[0] * share), q = <real>(2 * layer.activity[1] * share)
    cdef const real* a = <const real*>net.a[l]
    cdef const real* live = <const real*>net.live
    if p == 0 and q == 0:
        return
    for j in range(layer.n_out):
        for i in range(m):
            d[j * m + i] += (p * sign(a[j * m + i]) + q * a[j * m + i]) * live[i]


cdef double penalties(Net* net, const real* theta, real* grad) noexcept nogil:
    """The sum of all penalties on arrays; their gradient is added to grad, unless NULL."""
    cdef Py_ssize_t k
    cdef double total = 0
    for k in range(net.n_regularizers):
        total += penalty(&net.regularizers[k], theta, grad, net.loss_factor, net.scratch)
    return total


cdef double batch_loss(Net* net, const real* scale, void** z, void** a, Py_ssize_t m) noexcept nogil:
    """sum_i scale[i] * loss of row i, after a forward pass into z and a."""
    cdef Py_ssize_t last = net.n_layers - 1
    per_sample(&net.loss, net.n_out, m, <const real*>net.y, <const real*>a[last], <const real*>z[last],
               <real*>net.value, <real*>net.top, <real*>net.total)
    return weighted_sum(m, <const real*>net.value, scale)


cdef void backward(Net* net, const real* theta, real* grad, Py_ssize_t m) noexcept nogil:
    """grad += d(sum_i scale[i] * loss_i)/d theta, after a forward pass."""
    cdef Py_ssize_t l = net.n_layers - 1, i
    cdef Layer* layer = &net.layers[l]
    cdef real* d = <real*>net.delta
    cdef real* other = <real*>net.delta_other
    cdef real* spare
    cdef const real* below
    cdef bint through
    # what a cross-entropy makes of the logits is the layer's own output, unless their kinds are crossed
    below = NULL
    if net.loss.behind and (net.loss.kind == BINARY_CROSSENTROPY) == (layer.activation == SIGMOID):
        below = <const real*>net.a[l]
    loss_gradient(&net.loss, net.n_out, m, <const real*>net.y, <const real*>net.a[l], <const real*>net.z[l], below,
                  <const real*>net.scale, d, <real*>net.top, <real*>net.total, <real*>net.more)
    through = not net.loss.behind or net.loss.kind == BINARY_FOCAL_CROSSENTROPY
    if net.active and through:
        add_activity_gradient(net, l, d, m)
    if through:
        activation_vjp(layer.activation, layer.params, layer.n_out, m, <const real*>net.z[l], <const real*>net.a[l], d,
                       <real*>net.total)
    if net.loss.behind and net.loss.kind == BINARY_FOCAL_CROSSENTROPY:
        add_focal_logits_gradient(&net.loss, net.n_out, m, <const real*>net.y, <const real*>net.a[l],
                                  <const real*>net.z[l], <const real*>net.scale, d)
    if net.active and not through:
        memset(other, 0, net.n_out * m * sizeof(real))
        add_activity_gradient(net, l, other, m)
        activation_vjp(layer.activation, layer.params, layer.n_out, m, <const real*>net.z[l], <const real*>net.a[l],
                       other, <real*>net.total)
        for i in range(net.n_out * m):
            d[i] += other[i]
    while True:
        below = <const real*>(net.a[l - 1] if l else net.x)
        if l == 0 and net.few:
            few_back(net, <const real*>d, grad, m)
        elif layer.kind != ACTIVATION:
            pull_back(layer, <const real*>net.state if layer.frozen else theta, <const real*>net.state, net.training,
                      below, d, other, net.adds, grad, m, net.n_live, <const real*>net.live, <const real*>net.notes[l],
                      l > net.lowest, <real*>net.top, <real*>net.total)
        if l <= net.lowest:
            return
        if layer.kind == DENSE:
            spare = d
            d = other
            other = spare
        l -= 1
        layer = &net.layers[l]
        if net.active:
            add_activity_gradient(net, l, d, m)
        activation_vjp(layer.activation, layer.params, layer.n_out, m, <const real*>net.z[l], <const real*>net.a[l], d,
                       <real*>net.total)


cdef double moved_loss(Net* net, const real* theta, const real* scale, Py_ssize_t l, Py_ssize_t j,
                       Py_ssize_t m) noexcept nogil:
    """The loss after a parameter of unit j of layer l has changed in theta; z and a hold the unchanged pass.

    Only what depends on that unit is computed again, by the same operations as in `forward`: the result has
    the bits of a whole pass.  Needs z_moved[l] and a_moved[l] equal to z[l] and a[l], and leaves them so.
    """
    cdef Layer* layer = &net.layers[l]
    cdef real* z = <real*>net.z_moved[l] + j * m
    cdef real* a = <real*>net.a_moved[l] + j * m
    cdef double value
    apply_layer(net, theta, l, j, 1, <const real*>(net.a[l - 1] if l else net.x), <real*>net.z_moved[l], m)
    if couples_units(layer.activation):
        activate(layer.activation, layer.params, layer.n_out, m, <const real*>net.z_moved[l], <real*>net.a_moved[l],
                 <real*>net.top, <real*>net.total)
    else:
        activate(layer.activation, layer.params, 1, m, z, a, <real*>net.top, <real*>net.total)
    forward(net, theta, l + 1, net.z_moved, net.a_moved, m)
    value = batch_loss(net, scale, net.z_moved, net.a_moved, m)
    if net.active:
        value += net.loss_factor * activity(net, l, net.a_moved, m, z)
    memcpy(z, <real*>net.z[l] + j * m, m * sizeof(real))
    if couples_units(layer.activation):
        memcpy(net.a_moved[l], net.a[l], layer.n_out * m * sizeof(real))
    else:
        memcpy(a, <real*>net.a[l] + j * m, m * sizeof(real))
    return value


cdef void prepare_moves(Net* net, Py_ssize_t l, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    cdef size_t bytes = net.layers[l].n_out * m * sizeof(real)
    memcpy(net.z_moved[l], net.z[l], bytes)
    if net.a_moved[l] != net.z_moved[l]:
        memcpy(net.a_moved[l], net.a[l], bytes)


cdef int differences(Net* net, real* theta, real* grad, double base, int method, double h,
                     Py_ssize_t m) except -1 nogil:
    """grad += finite differences of sum_i scale[i] * loss_i; base is that loss, after a forward pass.

    Forward: (L(p + h) - L(p)) / h.  Central: (L(p + h) - L(p - h)) / (2 h).
    """
    cdef Py_ssize_t l, j, k, p, rows
    cdef Layer* layer
    cdef real kept
    cdef double plus, minus
    cdef const real* scale = <const real*>net.scale
    for l in range(net.n_layers):
        layer = &net.layers[l]
        if layer.frozen or (layer.kernel < 0 and layer.bias < 0):
            continue
        prepare_moves(net, l, m, theta)
        rows = 0 if layer.kernel < 0 else (layer.n_in if layer.kind == DENSE else 1)
        for k in range(rows + (1 if layer.bias >= 0 else 0)):
            for j in range(layer.n_out):
                p = layer.kernel + k * layer.n_out + j if k < rows else layer.bias + j
                kept = theta[p]
                theta[p] = kept + <real>h
                plus = moved_loss(net, theta, scale, l, j, m)
                if method == CENTRAL:
                    theta[p] = kept - <real>h
                    minus = moved_loss(net, theta, scale, l, j, m)
                    theta[p] = kept
                    grad[p] += <real>((plus - minus) / (2 * h))
                else:
                    theta[p] = kept
                    grad[p] += <real>((plus - base) / h)
                look_at_signals(net, 2 * m * (net.n_params + 20))
    return 0


cdef void penalty_differences(Net* net, real* theta, real* grad, int method, double h) noexcept nogil:
    """grad += finite differences of the penalties on arrays."""
    cdef Py_ssize_t k, p
    cdef Regularizer* rule
    cdef real kept
    cdef double base, plus
    for k in range(net.n_regularizers):
        rule = &net.regularizers[k]
        base = penalty(rule, theta, <real*>NULL, 1, net.scratch)
        for p in range(rule.offset, rule.offset + rule.rows * rule.columns):
            kept = theta[p]
            theta[p] = kept + <real>h
            plus = penalty(rule, theta, <real*>NULL, 1, net.scratch)
            if method == CENTRAL:
                theta[p] = kept - <real>h
                grad[p] += <real>((plus - penalty(rule, theta, <real*>NULL, 1, net.scratch)) / (2 * h) * net.loss_factor)
            else:
                grad[p] += <real>((plus - base) / h * net.loss_factor)
            theta[p] = kept


@cython.final
cdef class Network:
    """Network(layers, dtype)

    The structs and the workspace of a stack of layers.

    Parameters
    ----------
    layers : list of dict
        As `gdcore.layers.Layer._spec` gives them.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    theta, grad : ndarray of shape (n_params,)
        All parameters that learn (layer by layer: kernel, then bias) and the last gradient.
    state : ndarray
        What does not learn, layer by layer: arrays of frozen layers, moving statistics, constants.
    random : ndarray of int64, of shape (layers, 2)
        Seed and number of draws so far of layers with noise.
    epochs_done : int
        Epochs that the last `train` finished, also when it was interrupted.
    """
    cdef Net net
    cdef size_t workspace_size
    cdef readonly object theta
    cdef readonly object grad
    cdef readonly object state
    cdef readonly object random
    cdef readonly object dtype
    cdef readonly Py_ssize_t epochs_done
    cdef bint double_
    cdef bint has_moves
    cdef object lock
    cdef unsigned long owner     # the thread at work, or 0
    cdef list loss_params            # keeps alive what the structs of the loss and the metrics point to

    def __cinit__(self, layers, dtype):
        cdef Py_ssize_t l, i, offset = 0, state = 0, scratch = 0
        cdef int64_t[:, ::1] random
        cdef Layer* layer
        memset(&self.net, 0, sizeof(Net))
        self.lock = threading.Lock()
        self.dtype = np.dtype(dtype)
        self.double_ = self.dtype == np.float64
        self.net.n_layers = len(layers)
        self.net.n_regularizers = sum(len(spec["regularizers"]) for spec in layers)
        self.net.n_constraints = sum(len(spec["constraints"]) for spec in layers)
        self.net.layers = <Layer*>gd_alloc(len(layers) * sizeof(Layer))
        self.net.regularizers = <Regularizer*>gd_alloc(self.net.n_regularizers * sizeof(Regularizer))
        self.net.constraints = <Constraint*>gd_alloc(self.net.n_constraints * sizeof(Constraint))
        if self.net.layers == NULL or self.net.regularizers == NULL or self.net.constraints == NULL:
            raise MemoryError("no memory for a network's layers")
        self.random = np.zeros((len(layers), 2), np.int64)
        random = self.random
        self.net.n_regularizers = self.net.n_constraints = 0
        self.net.lowest = len(layers)
        for l, spec in enumerate(layers):
            layer = &self.net.layers[l]
            memset(layer, 0, sizeof(Layer))
            layer.kind = LAYERS[spec["kind"]]
            layer.n_in, layer.n_out, layer.frozen = spec["n_in"], spec["n_out"], spec["frozen"]
            name, params = spec["activation"]
            layer.activation = ACTIVATIONS[name]
            for i, value in enumerate(params):
                layer.params[i] = value
            for i, value in enumerate(spec["numbers"]):
                layer.number[i] = value
            layer.activity[0], layer.activity[1] = spec["activity"]
            layer.random = &random[l, 0]
            kernel, bias = spec["kernel"], spec["bias"]
            layer.kernel = -1 if kernel is None else (state if layer.frozen else offset)
            layer.bias = -1 if bias is None else (state if layer.frozen else offset) + (kernel or 0)
            if layer.frozen:
                state += (kernel or 0) + (bias or 0)
            else:
                offset += (kernel or 0) + (bias or 0)
                if (kernel or bias) and self.net.lowest > l:
                    self.net.lowest = l
            layer.state = state
            state += spec["state"]
            self.net.whole |= layer.kind == BATCH_NORMALIZATION and not layer.frozen
            self.net.noisy |= is_noise(layer.kind)
            self.net.active |= layer.activity[0] != 0 or layer.activity[1] != 0
            for rule in spec["regularizers"]:
                scratch = max(scratch, self.add_regularizer(layer, rule))
            for rule in spec["constraints"]:
                self.add_constraint(layer, rule)
        self.net.scratch = <double*>gd_alloc(scratch * sizeof(double))
        if self.net.scratch == NULL:
            raise MemoryError("no memory for a network's regularizers")
        self.net.n_params = offset
        self.net.n_in = self.net.layers[0].n_in
        self.net.n_out = self.net.layers[self.net.n_layers - 1].n_out
        self.theta = aligned_zeros(offset, self.dtype)
        self.grad = aligned_zeros(offset, self.dtype)
        self.state = aligned_zeros(state, self.dtype)
        self.net.state = <void*><size_t>self.state.ctypes.data

    cdef Py_ssize_t add_regularizer(self, Layer* layer, spec) except -1:
        """One rule for the layer's kernel (0) or bias (1); returns the scratch it needs."""
        cdef Regularizer* rule = &self.net.regularizers[self.net.n_regularizers]
        which, kind, numbers, rows, columns = spec
        self.net.n_regularizers += 1
        rule.kind = REGULARIZERS[kind]
        rule.number[0], rule.number[1] = numbers
        rule.offset = layer.bias if which else layer.kernel
        rule.rows = rows
        rule.columns = columns
        return 2 * rows * columns + rows + columns

    cdef int add_constraint(self, Layer* layer, spec) except -1:
        cdef Constraint* rule = &self.net.constraints[self.net.n_constraints]
        which, kind, numbers, over_rows, over_columns, rows, columns = spec
        self.net.n_constraints += 1
        rule.kind = CONSTRAINTS[kind]
        rule.number[0], rule.number[1], rule.number[2] = numbers
        rule.over_rows = over_rows
        rule.over_columns = over_columns
        rule.offset = layer.bias if which else layer.kernel
        rule.rows = rows
        rule.columns = columns
        return 0

    def __dealloc__(self):
        gd_free(self.net.layers)
        gd_free(self.net.regularizers)
        gd_free(self.net.constraints)
        gd_free(self.net.scratch)
        gd_free(self.net.metrics)
        gd_free(self.net.memory)

    @property
    def n_params(self):
        return self.net.n_params

    @property
    def steps_done(self):
        """Updates that the last `train` made, also when it was interrupted."""
        return self.net.steps

    @property
    def watches(self):
        """Whether `train` can watch for nan and inf in its rows."""
        return self.net.layers[0].kind == DENSE

    @property
    def noisy(self):
        """Whether a layer draws numbers, so that it matters where in a batch a row stands."""
        return bool(self.net.noisy)

    def configure(self, loss, metrics, double weight=1):
        """Choose the loss and metrics: each (kind, reduction, from_logits, parameters); weight multiplies the loss."""
        cdef int last = self.net.layers[self.net.n_layers - 1].activation
        cdef list owners = []
        cdef Loss chosen_loss = loss_struct(loss, self.net.n_out, owners)
        cdef Loss* chosen
        cdef Py_ssize_t i
        chosen = <Loss*>gd_alloc(len(metrics) * sizeof(Loss))
        if chosen == NULL:
            raise MemoryError("no memory for a network's metrics")
        try:
            for i, metric in enumerate(metrics):
                chosen[i] = loss_struct(metric, self.net.n_out, owners)
                chosen[i].behind = looks_behind(&chosen[i], last)
        except BaseException:
            gd_free(chosen)
            raise
        self.claim()
        try:
            self.net.loss = chosen_loss
            self.net.loss_weight = weight
            self.net.loss.behind = looks_behind(&self.net.loss, last)
            self.net.one_hot = self.net.loss.kind == SPARSE_CATEGORICAL_CROSSENTROPY
            self.net.keeps_logits = self.net.loss.behind
            for i in range(len(metrics)):
                self.net.keeps_logits |= chosen[i].behind
            self.loss_params = owners
            gd_free(self.net.metrics)
            self.net.metrics = chosen
            self.net.n_metrics = len(metrics)
            self.forget_workspace()          # which activations keep z depends on the loss
        finally:
            self.release()

    cdef int claim(self) except -1:
        """One caller at a time: the workspace and the gradient belong to the network."""
        cdef unsigned long me = PyThread_get_thread_ident()
        if self.owner == me:
            raise RuntimeError("this model is already at work in this thread (was it called from its own callback "
                               "or signal handler?)")
        self.lock.acquire()
        self.owner = me
        return 0

    cdef int release(self) except -1:
        self.owner = 0
        self.lock.release()
        return 0

    cdef void forget_workspace(self) noexcept:
        gd_free(self.net.memory)
        self.net.memory = NULL
        self.workspace_size = 0
        self.net.rows = 0
        self.has_moves = False

    cdef void choose_first(self, bint moves) noexcept:
        """Whether the first layer works on the caller's rows; moves: for finite differences, which need them gathered."""
        cdef Net* net = &self.net
        cdef Layer* layer = &net.layers[0]
        net.few = (layer.kind == DENSE and not layer.frozen and not moves and not net.whole
                   and layer.n_out <= GD_FEW_UNITS and layer.n_in >= GD_WIDE_INPUTS and net.rows <= GD_FEW_MOST)

    cdef Py_ssize_t rows_at_a_time(self, Py_ssize_t wanted) noexcept:
        """How many rows the workspace holds for batches of `wanted`, padding counted."""
        cdef Net* net = &self.net
        cdef Py_ssize_t l, per_row = net.n_in, rows
        for l in range(net.n_layers):
            per_row += net.layers[l].n_out
        # pieces that stay in a second-level cache, yet are long enough to amortise reading the weights
        rows = min(max(131072 // per_row, 128), 4096)
        # and short enough that signals, looked at between pieces, are answered within a second
        rows = min(rows, max(1000000000 // max(net.n_params, 1), GD_LANES))
        return padded(max(wanted, 1) if net.whole else min(rows, max(wanted, 1)))

    cdef Py_ssize_t layer_values(self, Py_ssize_t l, Py_ssize_t rows, Py_ssize_t copies) noexcept:
        """How many values the workspace holds of layer l for each of so many rows."""
        return copies * self.net.layers[l].n_out + (notes_size(&self.net.layers[l], rows) + rows - 1) // rows

    cdef Py_ssize_t common_values(self) noexcept:
        """How many values it holds for each row besides: inputs, targets, weights, scratch, what flows back."""
        return self.net.n_in + self.net.n_out + 7 + 2 * self.widest()

    cdef Py_ssize_t widest(self) noexcept:
        """The most values of a row that flow back, with room for a transpose in whole vectors (see outer)."""
        cdef Py_ssize_t l, n = self.net.n_in
        for l in range(self.net.n_layers):
            n = max(n, self.net.layers[l].n_out)
        return padded(n)

    def footprint(self, Py_ssize_t batch_size):
        """What training with batches of that size takes: rows at a time, values for each row (in common, and of
        each layer), and bytes of the workspace."""
        rows = self.rows_at_a_time(batch_size)
        layers = [self.layer_values(l, rows, 2) for l in range(self.net.n_layers)]
        common = self.common_values()
        tables = 5 * self.net.n_layers * sizeof(void*) + GD_ALIGNMENT
        return rows, common, layers, (common + sum(layers)) * rows * (8 if self.double_ else 4) + tables

    @property
    def workspace_bytes(self):
        """The size of the workspace as it is."""
        return self.workspace_size

    cdef int reserve(self, Py_ssize_t wanted, bint moves) except -1:
        """Make room for batches of `wanted` rows, or for as many as one pass should take at a time."""
        cdef Net* net = &self.net
        cdef Py_ssize_t l, m, rows = self.rows_at_a_time(wanted), widest = self.widest(), size = 8 if self.double_ else 4
        cdef Py_ssize_t copies
        cdef char* at
        if net.rows >= rows and (self.has_moves or not moves):
            return 0
        rows = max(rows, net.rows)
        moves = moves or self.has_moves
        copies = 4 if moves else 2
        self.forget_workspace()
        m = self.common_values()
        for l in range(net.n_layers):
            m += self.layer_values(l, rows, copies)
        self.workspace_size = m * rows * size + 5 * net.n_layers * sizeof(void*) + GD_ALIGNMENT
        at = <char*>gd_alloc(self.workspace_size)
        if at == NULL:
            self.workspace_size = 0
            raise MemoryError(f"no memory for a workspace of {rows} rows ({m * rows * size} bytes)")
        memset(at, 0, m * rows * size)
        net.memory = at
        net.x = at
        at += net.n_in * rows * size
        net.y = at
        at += net.n_out * rows * size
        net.weight = at
        net.scale = at + rows * size
        net.value = at + 2 * rows * size
        net.top = at + 3 * rows * size
        net.total = at + 4 * rows * size
        net.live = at + 5 * rows * size
        net.more = at + 6 * rows * size
        at += 7 * rows * size
        net.delta = at
        net.delta_other = at + widest * rows * size
        at += 2 * widest * rows * size
        net.z = <void**>(<char*>net.memory + m * rows * size)
        net.a = net.z + net.n_layers
        net.z_moved = net.a + net.n_layers
        net.a_moved = net.z_moved + net.n_layers
        net.notes = net.a_moved + net.n_layers
        for l in range(net.n_layers):
            net.notes[l] = at
            at += (notes_size(&net.layers[l], rows) + rows - 1) // rows * rows * size
            for tables in range(2 if moves else 1):
                (net.z_moved if tables else net.z)[l] = at
                if net.layers[l].kind == ACTIVATION:
                    (net.z_moved if tables else net.z)[l] = (net.a_moved if tables else net.a)[l - 1] if l else net.x
                elif keeps_input(net.layers[l].activation) or (l == net.n_layers - 1 and net.keeps_logits):
                    at += net.layers[l].n_out * rows * size
                (net.a_moved if tables else net.a)[l] = at
                at += net.layers[l].n_out * rows * size
        net.rows = rows
        self.has_moves = moves
        return 0

    def fresh_sums(self):
        """What `train` carries from one part of an epoch to the next, for the first of them."""
        return np.zeros(3 + self.net.n_metrics)

    def train(self, x, y, w, Py_ssize_t batch_size, optimizer, gradient, double h, shuffling, history,
              progress=None, part=None, outputs=None, laps=None, bint watched=False):
        """Whole epochs in one call, one row of history each: mean loss, then the metrics.

        Parameters
        ----------
        x, y, w : C-contiguous arrays of the network's dtype; w (sample weights) may be None
        optimizer : what `Optimizer._core` gives, or None to evaluate only
        gradient : key of `GRADIENTS`
        shuffling : None, or (key, stream, step): epoch e has the order of stream + e * step
        history : float64 array of shape (epochs, 1 + metrics)
        progress : callable taking (rows done, sum of the loss over them), called some times a second, or None
        part : (order, first, last, sums) or None
            Of one epoch only the rows order[first:last] (order None: those rows themselves), first being where a
            batch begins; sums, from `fresh_sums`, goes on to the next part, and history has the means so far.
        outputs : array of shape (rows, n_out), or None
            Gets the outputs by which the loss is taken, those of row order[i] at i.
        laps : float64 array with an entry for each of `PHASES`, or None
            To these the seconds are added that each takes.
        watched : bool
            x has not been looked through: `NotFinite` is raised when the first epoch meets nan or inf there.  Only where
            the first layer is dense.
        """
        cdef double[::1] seconds
        self.epochs_done = 0
        self.claim()
        self.net.steps = 0
        self.net.progress = <PyObject*>progress if progress is not None else NULL
        self.net.watched = watched
        try:
            expected = (self.net.n_in, 1 if self.net.one_hot else self.net.n_out, 1 + self.net.n_metrics)
            if (x.shape[1], y.shape[1], history.shape[1]) != expected:
                raise RuntimeError("the layers, the loss or the metrics of this model were changed while it was at "
                                   "work")
            self.net.outputs = NULL if outputs is None else <void*><size_t>outputs.ctypes.data
            if laps is not None:
                seconds = laps
                self.net.laps = &seconds[0]
                self.net.lapped = gd_seconds()
            if self.double_:
                self._train[double](self.theta, self.grad, x, y, w, batch_size, optimizer, gradient, h,
                                    shuffling, history, part)
            else:
                self._train[float](self.theta, self.grad, x, y, w, batch_size, optimizer, gradient, h,
                                   shuffling, history, part)
        finally:
            self.net.progress = NULL
            self.net.gathered = self.net.watched = self.net.spoilt = False
            self.net.laps = NULL
            self.net.outputs = NULL
            self.net.loss_scale = NULL
            self.release()

    cdef int _train(self, real[::1] theta, real[::1] grad, const real[:, ::1] x, const real[:, ::1] y, w,
                    Py_ssize_t batch_size, optimizer, gradient, double h, shuffling,
                    double[:, ::1] history, part) except -1:
        cdef const real[::1] weights = w
        cdef Net* net = &self.net
        cdef Optimizer opt
        cdef real[:, ::1] slots
        cdef real* slots_at = NULL
        cdef int method = GRADIENTS[gradient]
        cdef bint learn = optimizer is not None, shuffled = shuffling is not None
        cdef uint64_t key = 0, stream = 0, step = 0
        cdef Py_ssize_t first = 0, last = x.shape[0], epochs = history.shape[0], e
        cdef double[::1] sums
        cdef int64_t[::1] order
        cdef int64_t* order_at = NULL
        if learn:
            slots = optimizer[1]
            opt = optimizer_struct(optimizer)
            net.loss_scale = opt.loss_scale
            if slots.shape[0]:
                slots_at = &slots[0, 0]
        if shuffled:
            key, stream, step = shuffling
            order = np.empty(last, np.int64)
            order_at = &order[0]
        if part is None:
            sums = self.fresh_sums()
        else:
            order, first, last, sums = part
            order_at = &order[0] if order is not None else NULL
        self.reserve(min(batch_size, last - first), method != ANALYTIC)
        self.choose_first(method != ANALYTIC)
        net.n_rows = last
        net.training = learn
        with nogil:
            for e in range(epochs):
                if shuffled:
                    shuffle(order_at, last, key, stream + <uint64_t>e * step)
                if part is None:
                    sums[:] = 0
                run_epoch(net, &theta[0], &grad[0], slots_at, &x[0, 0], &y[0, 0],
                          &weights[0] if weights is not None else NULL, order_at, first, last, y.shape[1], batch_size,
                          &opt if learn else NULL, method, h, &sums[0], &history[e, 0])
                self.epochs_done = e + 1
                net.watched = False
                net.gathered = order_at == NULL and not net.noisy and last - first <= min(batch_size, net.rows)
        return 0

    def gradient(self, x, y, w, method, double h, bint training=False):
        """The loss over all rows as one batch; its gradient is left in `grad`.

        With training, layers behave as in training, but nothing of their state changes.
        """
        self.claim()
        self.net.training = training
        try:
            if self.double_:
                return self._gradient[double](self.theta, self.grad, x, y, w, method, h)
            return self._gradient[float](self.theta, self.grad, x, y, w, method, h)
        finally:
            self.release()

    cdef double _gradient(self, real[::1] theta, real[::1] grad, const real[:, ::1] x, const real[:, ::1] y, w,
                          method, double h) except? -1:
        cdef const real[::1] weights = w
        cdef int how = GRADIENTS[method]
        cdef double loss
        self.reserve(x.shape[0], how != ANALYTIC)
        self.choose_first(how != ANALYTIC)
        self.net.n_rows = x.shape[0]
        with nogil:
            loss = run_batch(&self.net, &theta[0], &grad[0], &x[0, 0], &y[0, 0],
                             &weights[0] if weights is not None else NULL, NULL, 0, x.shape[0], y.shape[1],
                             True, False, how, h, NULL)
        return loss

    def predict(self, x):
        """Outputs of shape (rows, n_out) for C-contiguous x of shape (rows, n_in)."""
        out = np.empty((x.shape[0], self.net.n_out), self.dtype)
        self.claim()
        try:
            if self.double_:
                self._predict[double](self.theta, x, out)
            else:
                self._predict[float](self.theta, x, out)
        finally:
            self.release()
        return out

    def predict_few(self, x):
        """`predict`, where x is an array as that wants it, of few and finite values; None for all others.

        For a single row all else that Python does would take longer than the net.
        """
        cdef Py_buffer rows, theta, made
        cdef char kind = b"d" if self.double_ else b"f"
        cdef bint good
        try:
            PyObject_GetBuffer(x, &rows, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
        except (BufferError, ValueError):
            return None
        try:
            good = (rows.ndim == 2 and rows.shape[1] == self.net.n_in and 0 < rows.len <= 65536
                    and rows.format[0] == kind and rows.format[1] == 0)
            if good and self.double_:
                good = finite(rows.len // 8, <const double*>rows.buf)
            elif good:
                good = finite(rows.len // 4, <const float*>rows.buf)
            if not good:
                return None
            out = np.empty((rows.shape[0], self.net.n_out), self.dtype)
            self.claim()
            try:
                PyObject_GetBuffer(self.theta, &theta, PyBUF_SIMPLE)
                PyBuffer_Release(&theta)         # the array lives as long as this object
                PyObject_GetBuffer(out, &made, PyBUF_SIMPLE)
                PyBuffer_Release(&made)
                if self.double_:
                    self.predict_at(<double*>theta.buf, <const double*>rows.buf, rows.shape[0], <double*>made.buf)
                else:
                    self.predict_at(<float*>theta.buf, <const float*>rows.buf, rows.shape[0], <float*>made.buf)
            finally:
                self.release()
        finally:
            PyBuffer_Release(&rows)
        return out

    cdef int _predict(self, real[::1] theta, const real[:, ::1] x, real[:, ::1] out) except -1:
        if x.shape[0] == 0:
            return 0
        return self.predict_at(&theta[0], &x[0, 0], x.shape[0], &out[0, 0])

    cdef int predict_at(self, real* theta, const real* x, Py_ssize_t rows, real* out) except -1:
        cdef Net* net = &self.net
        cdef Py_ssize_t first = 0, n, m
        self.reserve(rows, False)
        self.choose_first(False)
        net.n_rows = rows
        net.training = False
        with nogil:
            while first < rows:
                n = min(net.rows, rows - first)
                m = padded(n)
                gather(net, x, <const real*>NULL, <const real*>NULL, NULL, first, n, 0)
                forward(net, theta, 0, net.z, net.a, m)
                ungather(net, <const real*>net.a[net.n_layers - 1], n, m, out + first * net.n_out)
                first += n
                look_at_signals(net, n * (net.n_params + 20))
        return 0

    def loss_slice(self, x, y, w, Py_ssize_t layer, Py_ssize_t parameter, values):
        """Losses over all rows with theta[parameter], a parameter of that layer, at each of the values."""
        out = np.zeros(len(values))
        self.claim()
        try:
            if self.double_:
                self._loss_slice[double](self.theta, x, y, w, layer, parameter, values, out)
            else:
                self._loss_slice[float](self.theta, x, y, w, layer, parameter, values, out)
        finally:
            self.release()
        return out

    cdef int _loss_slice(self, real[::1] theta, const real[:, ::1] x, const real[:, ::1] y, w, Py_ssize_t l,
                         Py_ssize_t parameter, const double[::1] values, double[::1] out) except -1:
        cdef const real[::1] weights = w
        cdef const real* weights_at = &weights[0] if weights is not None else NULL
        cdef Net* net = &self.net
        cdef Layer* layer = &net.layers[l]
        cdef Py_ssize_t first = 0, n, m, v, j
        cdef real* grad = NULL
        cdef real kept = theta[parameter]
        cdef double factor
        j = (parameter - layer.bias if layer.bias >= 0 and parameter >= layer.bias
             else (parameter - layer.kernel) % layer.n_out)
        self.reserve(x.shape[0], True)
        self.choose_first(True)
        net.n_rows = x.shape[0]
        factor = net.loss_weight * reduction_factor(net, &y[0, 0], weights_at, NULL, 0, x.shape[0])
        look_at_labels(net, &y[0, 0], NULL, 0, x.shape[0], y.shape[1])
        net.training = False
        net.n_batch = x.shape[0]
        net.loss_factor = 1
        try:
            with nogil:
                while first < x.shape[0]:
                    n = min(net.rows, x.shape[0] - first)
                    m = padded(n)
                    gather(net, &x[0, 0], &y[0, 0], weights_at, NULL, first, n, y.shape[1])
                    set_scale(net, factor, m, &theta[0])
                    theta[parameter] = kept
                    forward(net, &theta[0], 0, net.z, net.a, m)
                    prepare_moves(net, l, m, &theta[0])
                    for v in range(values.shape[0]):
                        theta[parameter] = <real>values[v]
                        out[v] += moved_loss(net, &theta[0], <const real*>net.scale, l, j, m)
                        if first == 0:
                            out[v] += penalties(net, &theta[0], grad)
                        look_at_signals(net, m * (net.n_params + 20))
                    first += n
        finally:
            theta[parameter] = kept
        return 0


cdef double reduction_factor(Net* net, const real* y, const real* w, const int64_t* order, Py_ssize_t first,
                             Py_ssize_t n) noexcept nogil:
    """What multiplies sum_i w_i * loss_i to make the loss of a batch; rows of an ignored class do not count."""
    cdef double total = 0
    cdef Py_ssize_t r, row
    cdef bint weighted = net.loss.reduction == MEAN_WITH_SAMPLE_WEIGHT and w != NULL
    cdef bint ignores = ignores_class(&net.loss)
    if net.loss.reduction == SUM:
        return 1
    if not weighted and not ignores:
        return 1 / <double>n
    for r in range(first, first + n):
        row = order[r] if order != NULL else r
        if not (ignores and y[row] == net.loss.params[IGNORED]):
            total += w[row] if weighted else 1
    return 1 / total if total != 0 else 0


cdef void look_at_labels(Net* net, const real* y, const int64_t* order, Py_ssize_t first, Py_ssize_t n,
                         Py_ssize_t y_width) noexcept nogil:
    """Tell hinge losses whether all labels of the batch are 0 or 1."""
    cdef Py_ssize_t r, j, k
    cdef const real* row
    cdef bint binary = True, wanted = is_hinge(net.loss.kind)
    for k in range(net.n_metrics):
        wanted |= is_hinge(net.metrics[k].kind)
    if not wanted:
        return
    for r in range(first, first + n):
        row = y + (order[r] if order != NULL else r) * y_width
        for j in range(y_width):
            binary &= row[j] == 0 or row[j] == 1
    net.loss.binary_labels = binary
    for k in range(net.n_metrics):
        net.metrics[k].binary_labels = binary


cdef void set_scale(Net* net, double factor, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    cdef Py_ssize_t i
    cdef real* scale = <real*>net.scale
    cdef const real* weight = <const real*>net.weight
    for i in range(m):
        scale[i] = weight[i] * <real>factor


cdef void clear_small(Net* net, Py_ssize_t l, real* grad) noexcept nogil:
    """grad = 0 for the arrays of a layer that is not dense."""
    cdef Layer* layer = &net.layers[l]
    if layer.kind == DENSE or layer.frozen:
        return
    if layer.kernel >= 0:
        memset(grad + layer.kernel, 0, layer.n_out * sizeof(real))
    if layer.bias >= 0:
        memset(grad + layer.bias, 0, layer.n_out * sizeof(real))


PHASES = ("gather", "forward", "loss", "backward", "update")


cdef inline void lap(Net* net, int phase) noexcept nogil:
    """The time since the last lap belongs to this phase."""
    cdef double now
    if net.laps != NULL:
        now = gd_seconds()
        net.laps[phase] += now - net.lapped
        net.lapped = now


cdef double run_batch(Net* net, real* theta, real* grad, const real* x, const real* y, const real* w,
                      const int64_t* order, Py_ssize_t first, Py_ssize_t n, Py_ssize_t y_width,
                      bint learn, bint move, int method, double h, double* metrics) except? -1 nogil:
    """The loss of rows first..first+n-1 and, if learn, its gradient in grad; adds to the sums of the metrics, unless NULL.

    If move, the statistics that layers keep move on.
    """
    cdef Py_ssize_t done = 0, rows, m, k, i, l, last = net.n_layers - 1
    cdef double factor = net.loss_weight * reduction_factor(net, y, w, order, first, n), loss = 0, value, part
    cdef real* each = <real*>net.value
    net.n_batch = n
    look_at_labels(net, y, order, first, n, y_width)
    if learn:
        # what the first piece of a batch overwrites need not be cleared
        net.adds = method != ANALYTIC
        for l in range(net.n_layers if method == ANALYTIC else 0):
            clear_small(net, l, grad)
        if net.adds:
            memset(grad, 0, net.n_params * sizeof(real))
    while done < n:
        rows = min(net.rows, n - done)
        m = padded(rows)
        if not net.gathered:
            gather(net, x, y, w, order, first + done, rows, y_width)
        lap(net, 0)
        net.loss_factor = net.loss_scale[0] if net.loss_scale != NULL else 1
        set_scale(net, factor * net.loss_factor, m, theta)
        if net.noisy and net.training:
            draw(net, done, m, theta)
        forward(net, theta, 0, net.z, net.a, m)
        if net.spoilt:
            with gil:
                raise NotFinite
        for l in range(net.n_layers if net.whole and move else 0):
            if net.layers[l].kind == BATCH_NORMALIZATION and not net.layers[l].frozen:
                move_statistics(&net.layers[l], <real*>net.state, <const real*>net.notes[l])
        lap(net, 1)
        if net.outputs != NULL:
            ungather(net, <const real*>net.a[last], rows, m, <real*>net.outputs + (first + done) * net.n_out)
        # The loss is summed before it is scaled, as Keras does, and scaled in double.
        part = batch_loss(net, <const real*>net.weight, net.z, net.a, m) * factor
        if net.active:
            part += activity(net, 0, net.a, m, theta)
        loss += part
        for k in range(net.n_metrics if metrics != NULL else 0):
            per_sample(&net.metrics[k], net.n_out, m, <const real*>net.y, <const real*>net.a[last],
                       <const real*>net.z[last], each, <real*>net.top, <real*>net.total)
            if net.metrics[k].reduction == MEAN_WITH_SAMPLE_WEIGHT:
                metrics[k] += weighted_sum(m, <const real*>each, <const real*>net.weight)
                continue
            value = 0
            for i in range(rows):
                value += each[i]
            metrics[k] += value
        lap(net, 2)
        if learn and method == ANALYTIC:
            backward(net, theta, grad, m)
            net.adds = True
        elif learn:
            part = batch_loss(net, <const real*>net.scale, net.z, net.a, m)
            if net.active:
                part += net.loss_factor * activity(net, 0, net.a, m, theta)
            differences(net, theta, grad, part, method, h, m)
        look_at_signals(net, 3 * m * (net.n_params + 20))
        done += rows
        lap(net, 3)
    if net.n_regularizers:
        loss += penalties(net, theta, grad if learn and method == ANALYTIC else NULL)
        if learn and method != ANALYTIC:
            penalty_differences(net, theta, grad, method, h)
    return loss


cdef int run_epoch(Net* net, real* theta, real* grad, real* slots, const real* x, const real* y, const real* w,
                   const int64_t* order, Py_ssize_t first, Py_ssize_t last, Py_ssize_t y_width,
                   Py_ssize_t batch_size, Optimizer* opt, int method, double h, double* sums,
                   double* record) except -1 nogil:
    """Rows first..last-1 in batches, an update after each; record gets the means over the rows so far.

    sums has the sums of the loss and of the metrics, the rows and their weights, and goes on from what it holds.
    """
    cdef Py_ssize_t rows, k, r
    cdef double loss, total
    cdef double* seen = sums + 1 + net.n_metrics
    while first < last:
        rows = min(batch_size, last - first)
        net.rows_done = <Py_ssize_t>seen[0]
        net.loss_so_far = sums[0]
        loss = run_batch(net, theta, grad, x, y, w, order, first, rows, y_width, opt != NULL, opt != NULL, method, h,
                         sums + 1)
        sums[0] += loss * rows
        seen[0] += rows
        if w == NULL:
            seen[1] += rows
        else:
            for r in range(first, first + rows):
                seen[1] += w[order[r] if order != NULL else r]
        if opt != NULL:
            if update(opt, net.n_params, theta, grad, slots):
                net.steps += 1
                for k in range(net.n_constraints):
                    constrain(&net.constraints[k], theta)
            if net.noisy:
                next_draw(net)
        lap(net, 4)
        first += rows
    record[0] = sums[0] / seen[0]
    for k in range(net.n_metrics):
        total = seen[1] if net.metrics[k].reduction == MEAN_WITH_SAMPLE_WEIGHT else seen[0]
        record[1 + k] = sums[1 + k] / total if total != 0 else 0
    return 0


def set_threads(int n):
    """How many threads the loops of one step may use."""
    gd_set_threads(n)


def get_threads():
    return gd_get_threads()


include "probe.pxi"


def all_finite(x):
    """Whether a C-contiguous array of float32 or float64 holds neither nan nor inf."""
    if x.dtype == np.float64:
        return _all_finite[double](x.reshape(x.size))
    return _all_finite[float](x.reshape(x.size))


cdef struct Checking:
    const void* x
    Py_ssize_t n
    int bad


cdef void check_part_float(void* context, int part, int parts) noexcept nogil:
    cdef Checking* c = <Checking*>context
    cdef Py_ssize_t first = c.n * part // parts
    if not finite(c.n * (part + 1) // parts - first, <const float*>c.x + first):
        c.bad = 1


cdef void check_part_double(void* context, int part, int parts) noexcept nogil:
    cdef Checking* c = <Checking*>context
    cdef Py_ssize_t first = c.n * part // parts
    if not finite(c.n * (part + 1) // parts - first, <const double*>c.x + first):
        c.bad = 1


cdef bint _all_finite(const real[::1] x) noexcept:
    cdef Checking c
    with nogil:
        c.x, c.n, c.bad = &x[0], x.shape[0], 0
        gd_run(check_part_float if real is float else check_part_double, &c,
               gd_parts(c.n > 200000))
    return not c.bad


def aligned_zeros(Py_ssize_t n, dtype):
    """Zeros of shape (n,), aligned for whole vectors."""
    cdef Py_ssize_t size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + GD_ALIGNMENT, np.uint8)
    cdef Py_ssize_t shift = -raw.ctypes.data % GD_ALIGNMENT
    return raw[shift:shift + n * size].view(dtype)


def apply_activation(name, params, x, d=None):
    """An activation of an array of float32 or float64, along the last axis where units are coupled.

    With d, of x's shape: d times the derivative (the vector-Jacobian product) instead.
    """
    if x.dtype == np.float64:
        return _apply_activation[double](name, params, x, d)
    return _apply_activation[float](name, params, x, d)


cdef _apply_activation(str name, params, x, d, real only_for_its_type=0):
    cdef int kind = ACTIVATIONS[name]
    cdef double numbers[4]
    cdef Py_ssize_t units = x.shape[x.ndim - 1] if couples_units(kind) else 1
    for i in range(4):
        numbers[i] = params[i] if i < len(params) else 0
    columns = np.array(x.reshape(-1, units).T, order="C")
    out = np.empty_like(columns)
    cdef const real[:, ::1] z = columns
    cdef real[:, ::1] a = out
    cdef real[:, ::1] slope
    cdef real[::1] top = np.empty(columns.shape[1], x.dtype)
    cdef real[::1] total = np.empty(columns.shape[1], x.dtype)
    if columns.size:
        with nogil:
            activate(kind, numbers, units, z.shape[1], &z[0, 0], &a[0, 0], &top[0], &total[0])
    if d is not None:
        product = np.array(d.reshape(-1, units).T, order="C")
        slope = product
        if columns.size:
            with nogil:
                activation_vjp(kind, numbers, units, z.shape[1], &z[0, 0], &a[0, 0], &slope[0, 0], &total[0])
        out = product
    return np.ascontiguousarray(out.T).reshape(x.shape)


def loss_value(spec, y, p):
    """The loss by row of outputs p against targets y, both (rows, units) of one dtype."""
    if p.dtype == np.float64:
        return _loss_value[double](spec, y, p)
    return _loss_value[float](spec, y, p)


cdef _loss_value(spec, y, p, real only_for_its_type=0):
    cdef list owners = []
    cdef Loss loss = loss_struct(spec, p.shape[1], owners)
    cdef const real[:, ::1] Y = np.ascontiguousarray(y.T)
    cdef const real[:, ::1] P = np.ascontiguousarray(p.T)
    cdef real[:, ::1] scratch = np.empty((3, p.shape[0]), p.dtype)
    loss.binary_labels = is_hinge(loss.kind) and bool(((y == 0) | (y == 1)).all())
    with nogil:
        per_sample(&loss, P.shape[0], P.shape[1], &Y[0, 0], &P[0, 0], <const real*>NULL, &scratch[0, 0],
                   &scratch[1, 0], &scratch[2, 0])
    return np.array(scratch[0])


def loss_gradient_of(spec, y, p, scale):
    """d(sum_i scale[i] * loss of row i)/dp, of shape (rows, units)."""
    if p.dtype == np.float64:
        return _loss_gradient[double](spec, y, p, scale)
    return _loss_gradient[float](spec, y, p, scale)


cdef _loss_gradient(spec, y, p, const real[::1] scale):
    cdef list owners = []
    cdef Loss loss = loss_struct(spec, p.shape[1], owners)
    cdef const real[:, ::1] Y = np.ascontiguousarray(y.T)
    cdef const real[:, ::1] P = np.ascontiguousarray(p.T)
    cdef real[:, ::1] scratch = np.empty((3, p.shape[0]), p.dtype)
    out = np.empty((p.shape[1], p.shape[0]), p.dtype)
    cdef real[:, ::1] d = out
    loss.binary_labels = is_hinge(loss.kind) and bool(((y == 0) | (y == 1)).all())
    with nogil:
        loss_gradient(&loss, P.shape[0], P.shape[1], &Y[0, 0], &P[0, 0], <const real*>NULL, <const real*>NULL,
                      &scale[0], &d[0, 0], &scratch[0, 0], &scratch[1, 0], &scratch[2, 0])
    return np.ascontiguousarray(out.T)


def apply_math(name, x):
    """One of the vector functions (exp, log, tanh, ...) of a 1-D array, for tests and benchmarks."""
    if x.dtype == np.float64:
        return _apply_math[double](name.encode(), x)
    return _apply_math[float](name.encode(), x)


cdef _apply_math(bytes name, const real[::1] x):
    cdef real[::1] y = np.empty(x.shape[0], np.float64 if real is double else np.float32)
    cdef gd_map_f32 map_f32 = gd_find_map_f32(name)
    cdef gd_map_f64 map_f64 = gd_find_map_f64(name)
    if map_f32 == NULL:
        raise KeyError(name.decode())
    if x.shape[0]:
        with nogil:
            if real is float:
                map_f32(x.shape[0], &x[0], &y[0])
            else:
                map_f64(x.shape[0], &x[0], &y[0])
    return np.asarray(y)


include "surfaces.pxi"
include "minimize.pxi"
