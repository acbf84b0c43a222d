"""A dense network on one flat parameter vector: forward, backward, finite differences and whole epochs.

This text is compiled once for each instruction set (see `_baseline.pyx` and its siblings); `gdcore._core`
picks one of the results when it is imported.

How data travels: rows of the caller's row-major arrays are gathered (and transposed) into a feature-major
workspace of at most `Net.rows` rows; a larger batch goes through it piece by piece, its gradient summed.
Padding lanes repeat the first row with weight zero, so that no kernel needs a remainder loop.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject
from libc.string cimport memcpy, memset

import threading

import numpy as np

cdef extern from "kernels.h" nogil:
    Py_ssize_t GD_LANES
    Py_ssize_t GD_ALIGNMENT
    void* gd_alloc(size_t)
    void gd_free(void*)
    void gd_affine_f32(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, const float*,
                       const float*, float*)
    void gd_affine_f64(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, const double*,
                       const double*, double*)
    void gd_outer_f32(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const float*, float*)
    void gd_outer_f64(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const double*, double*)
    void gd_row_sums_f32(Py_ssize_t, Py_ssize_t, const float*, float*)
    void gd_row_sums_f64(Py_ssize_t, Py_ssize_t, const double*, double*)
    double gd_weighted_sum_f32(Py_ssize_t, const float*, const float*)
    double gd_weighted_sum_f64(Py_ssize_t, const double*, const double*)

include "elementwise.pxi"
include "losses.pxi"
include "random.pxi"
include "optimizers.pxi"

cdef enum:
    ANALYTIC
    FORWARD
    CENTRAL

GRADIENTS = {"analytic": ANALYTIC, "forward": FORWARD, "central": CENTRAL}

# Work (roughly, multiply-adds) between two looks at the signals: some milliseconds.
cdef double PATIENCE = 2e7

cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    int activation
    double params[2]             # what the activation has: alpha, slope, threshold
    Py_ssize_t kernel            # offsets in the flat vector; the kernel is (n_in, n_out), row-major
    Py_ssize_t bias              # -1: none

cdef struct Net:
    Py_ssize_t n_layers
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t n_params
    Py_ssize_t n_metrics
    Layer* layers
    Loss loss
    Loss* metrics
    bint has_logits              # the last activation is one that cross-entropies look behind
    bint one_hot                 # targets are class numbers, gathered as one-hot columns
    Py_ssize_t rows              # the workspace holds this many
    void* memory
    void* x                      # (n_in, m)
    void* y                      # (n_out, m)
    void* weight                 # (m,) sample weights, 0 in padding
    void* scale                  # (m,) weight times the reduction's factor
    void* value                  # (m,) the loss by row
    void* top                    # (m,) scratch
    void* total                  # (m,) scratch
    void* delta                  # two of (widest, m)
    void* delta_other
    void** z                     # by layer, (n_out, m): before the activation
    void** a                     # by layer: after it (the same memory where nothing needs z again)
    void** z_moved               # the same with one parameter moved, for finite differences
    void** a_moved
    double work
    PyObject* progress           # called with (rows done, sum of the loss over them) now and then, or NULL
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


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    return (n + GD_LANES - 1) // GD_LANES * GD_LANES


cdef void affine(Py_ssize_t m, Py_ssize_t K, Py_ssize_t J, const real* w, Py_ssize_t sk, Py_ssize_t sj,
                 const real* bias, const real* a, real* c) noexcept nogil:
    if real is float:
        gd_affine_f32(m, K, J, w, sk, sj, bias, a, c)
    else:
        gd_affine_f64(m, K, J, w, sk, sj, bias, a, c)


cdef double weighted_sum(Py_ssize_t m, const real* u, const real* v) noexcept nogil:
    if real is float:
        return gd_weighted_sum_f32(m, u, v)
    else:
        return gd_weighted_sum_f64(m, u, v)


cdef void gather(Net* net, const real* x, const real* y, const real* w, const int64_t* order,
                 Py_ssize_t first, Py_ssize_t n, Py_ssize_t y_width) noexcept nogil:
    """Bring rows order[first:first+n] into the workspace (order NULL: those rows themselves)."""
    cdef Py_ssize_t m = padded(n), r, k, row
    cdef const real* source
    cdef real* X = <real*>net.x
    cdef real* Y = <real*>net.y
    cdef real* W = <real*>net.weight
    for r in range(m):
        row = first + (r if r < n else 0)
        if order != NULL:
            row = order[row]
        source = x + row * net.n_in
        for k in range(net.n_in):
            X[k * m + r] = source[k]
        if y == NULL:
            continue
        source = y + row * y_width
        if net.one_hot:
            for k in range(net.n_out):
                Y[k * m + r] = 1 if <Py_ssize_t>source[0] == k else 0
        else:
            for k in range(net.n_out):
                Y[k * m + r] = source[k]
        W[r] = 0 if r >= n else (1 if w == NULL else w[row])


cdef void forward(Net* net, const real* theta, Py_ssize_t first, void** z, void** a, Py_ssize_t m) noexcept nogil:
    """Layers first, first+1, ... from what layer first-1 has in a (the inputs, for the first)."""
    cdef Py_ssize_t l
    cdef Layer* layer
    for l in range(first, net.n_layers):
        layer = &net.layers[l]
        affine(m, layer.n_in, layer.n_out, theta + layer.kernel, layer.n_out, 1,
               theta + layer.bias if layer.bias >= 0 else NULL,
               <const real*>(a[l - 1] if l else net.x), <real*>z[l])
        activate(layer.activation, layer.params, layer.n_out, m, <const real*>z[l], <real*>a[l],
                 <real*>net.top, <real*>net.total)


cdef double batch_loss(Net* net, const real* scale, void** z, void** a, Py_ssize_t m) noexcept nogil:
    """sum_i scale[i] * loss of row i, after a forward pass into z and a."""
    cdef Py_ssize_t last = net.n_layers - 1
    per_sample(&net.loss, net.n_out, m, <const real*>net.y,
               <const real*>(z[last] if net.loss.from_logits and net.has_logits else a[last]),
               <real*>net.value, <real*>net.top, <real*>net.total)
    return weighted_sum(m, <const real*>net.value, scale)


cdef void backward(Net* net, const real* theta, real* grad, Py_ssize_t m) noexcept nogil:
    """grad += d(sum_i scale[i] * loss_i)/d theta, after a forward pass."""
    cdef Py_ssize_t l = net.n_layers - 1
    cdef Layer* layer = &net.layers[l]
    cdef real* d = <real*>net.delta
    cdef real* other = <real*>net.delta_other
    cdef real* spare
    cdef const real* below
    if net.loss.from_logits and net.has_logits:
        # what this loss makes of the logits is the layer's own output, unless their kinds are crossed
        if (net.loss.kind == BINARY_CROSSENTROPY) == (layer.activation == SIGMOID):
            below = <const real*>net.a[l]
        else:
            below = NULL
        loss_gradient(&net.loss, net.n_out, m, <const real*>net.y, <const real*>net.z[l], below,
                      <const real*>net.scale, d, <real*>net.top, <real*>net.total)
    else:
        loss_gradient(&net.loss, net.n_out, m, <const real*>net.y, <const real*>net.a[l], <const real*>NULL,
                      <const real*>net.scale, d, <real*>net.top, <real*>net.total)
        activation_vjp(layer.activation, layer.params, layer.n_out, m, <const real*>net.z[l], <const real*>net.a[l], d,
                       <real*>net.total)
    while True:
        below = <const real*>(net.a[l - 1] if l else net.x)
        if real is float:
            gd_outer_f32(m, layer.n_in, layer.n_out, below, d, grad + layer.kernel)
            if layer.bias >= 0:
                gd_row_sums_f32(m, layer.n_out, d, grad + layer.bias)
        else:
            gd_outer_f64(m, layer.n_in, layer.n_out, below, d, grad + layer.kernel)
            if layer.bias >= 0:
                gd_row_sums_f64(m, layer.n_out, d, grad + layer.bias)
        if l == 0:
            return
        affine(m, layer.n_out, layer.n_in, theta + layer.kernel, 1, layer.n_out, <const real*>NULL, d, other)
        spare = d
        d = other
        other = spare
        l -= 1
        layer = &net.layers[l]
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
    affine(m, layer.n_in, 1, theta + layer.kernel + j, layer.n_out, 1,
           theta + layer.bias + j if layer.bias >= 0 else NULL,
           <const real*>(net.a[l - 1] if l else net.x), z)
    if couples_units(layer.activation):
        activate(layer.activation, layer.params, layer.n_out, m, <const real*>net.z_moved[l], <real*>net.a_moved[l],
                 <real*>net.top, <real*>net.total)
    else:
        activate(layer.activation, layer.params, 1, m, z, a, <real*>net.top, <real*>net.total)
    forward(net, theta, l + 1, net.z_moved, net.a_moved, m)
    value = batch_loss(net, scale, net.z_moved, net.a_moved, m)
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
    cdef Py_ssize_t l, j, k, p
    cdef Layer* layer
    cdef real kept
    cdef double plus, minus
    cdef const real* scale = <const real*>net.scale
    for l in range(net.n_layers):
        layer = &net.layers[l]
        prepare_moves(net, l, m, theta)
        for k in range(layer.n_in + (1 if layer.bias >= 0 else 0)):
            for j in range(layer.n_out):
                p = layer.kernel + k * layer.n_out + j if k < layer.n_in else layer.bias + j
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


@cython.final
cdef class Network:
    """Network(layers, dtype)

    The structs and the workspace of a stack of dense layers.

    Parameters
    ----------
    layers : list of (n_in, n_out, activation, use_bias)
        Activation is (key of `ACTIVATIONS`, its parameters).
    dtype : {"float32", "float64"}

    Attributes
    ----------
    theta, grad : ndarray of shape (n_params,)
        All parameters (layer by layer: kernel, then bias) and the last gradient.
    epochs_done : int
        Epochs that the last `train` finished, also when it was interrupted.
    """
    cdef Net net
    cdef readonly object theta
    cdef readonly object grad
    cdef readonly object dtype
    cdef readonly Py_ssize_t epochs_done
    cdef bint double_
    cdef bint has_moves
    cdef object lock
    cdef object owner

    def __cinit__(self, layers, dtype):
        cdef Py_ssize_t l, i, offset = 0
        memset(&self.net, 0, sizeof(Net))
        self.lock = threading.Lock()
        self.dtype = np.dtype(dtype)
        self.double_ = self.dtype == np.float64
        self.net.n_layers = len(layers)
        self.net.layers = <Layer*>gd_alloc(len(layers) * sizeof(Layer))
        if self.net.layers == NULL:
            raise MemoryError("no memory for a network's layers")
        for l, (n_in, n_out, activation, use_bias) in enumerate(layers):
            self.net.layers[l].n_in = n_in
            self.net.layers[l].n_out = n_out
            name, params = activation
            self.net.layers[l].activation = ACTIVATIONS[name]
            for i in range(2):
                self.net.layers[l].params[i] = params[i] if i < len(params) else 0
            self.net.layers[l].kernel = offset
            offset += self.net.layers[l].n_in * self.net.layers[l].n_out
            self.net.layers[l].bias = offset if use_bias else -1
            offset += self.net.layers[l].n_out if use_bias else 0
        self.net.n_params = offset
        self.net.n_in = self.net.layers[0].n_in
        self.net.n_out = self.net.layers[self.net.n_layers - 1].n_out
        self.theta = aligned_zeros(offset, self.dtype)
        self.grad = aligned_zeros(offset, self.dtype)

    def __dealloc__(self):
        gd_free(self.net.layers)
        gd_free(self.net.metrics)
        gd_free(self.net.memory)

    @property
    def n_params(self):
        return self.net.n_params

    @property
    def steps_done(self):
        """Updates that the last `train` made, also when it was interrupted."""
        return self.net.steps

    def configure(self, loss, metrics):
        """Choose the loss and metrics: each (name, reduction, from_logits, parameter)."""
        cdef int last = self.net.layers[self.net.n_layers - 1].activation
        cdef Loss* chosen = <Loss*>gd_alloc(len(metrics) * sizeof(Loss))
        cdef Py_ssize_t i
        if chosen == NULL:
            raise MemoryError("no memory for a network's metrics")
        for i, metric in enumerate(metrics):
            chosen[i] = loss_struct(metric)
        self.claim()
        try:
            self.net.loss = loss_struct(loss)
            # Keras on TensorFlow computes any cross-entropy behind a sigmoid or softmax from the logits.
            self.net.has_logits = last == SIGMOID or last == SOFTMAX
            self.net.loss.from_logits |= self.net.has_logits and is_crossentropy(self.net.loss.kind)
            self.net.one_hot = self.net.loss.kind == SPARSE_CATEGORICAL_CROSSENTROPY
            for i in range(len(metrics)):
                chosen[i].from_logits |= self.net.has_logits and is_crossentropy(chosen[i].kind)
            gd_free(self.net.metrics)
            self.net.metrics = chosen
            self.net.n_metrics = len(metrics)
            self.forget_workspace()          # which activations keep z depends on the loss
        finally:
            self.release()

    cdef int claim(self) except -1:
        """One caller at a time: the workspace and the gradient belong to the network."""
        me = threading.get_ident()
        if self.owner == me:
            raise RuntimeError("this model is already at work in this thread (was it called from its own callback "
                               "or signal handler?)")
        self.lock.acquire()
        self.owner = me
        return 0

    cdef int release(self) except -1:
        self.owner = None
        self.lock.release()
        return 0

    cdef void forget_workspace(self) noexcept:
        gd_free(self.net.memory)
        self.net.memory = NULL
        self.net.rows = 0
        self.has_moves = False

    cdef int reserve(self, Py_ssize_t wanted, bint moves) except -1:
        """Make room for batches of `wanted` rows, or for as many as one pass should take at a time."""
        cdef Net* net = &self.net
        cdef Py_ssize_t l, m, per_row, rows, widest = net.n_in, size = 8 if self.double_ else 4
        cdef Py_ssize_t copies
        cdef char* at
        per_row = net.n_in
        for l in range(net.n_layers):
            per_row += net.layers[l].n_out
            widest = max(widest, net.layers[l].n_out)
        # pieces that stay in a second-level cache, yet are long enough to amortise reading the weights
        rows = min(max(131072 // per_row, 128), 4096)
        # and short enough that signals, looked at between pieces, are answered within a second
        rows = min(rows, max(1000000000 // max(net.n_params, 1), GD_LANES))
        rows = padded(min(rows, max(wanted, 1)))
        if net.rows >= rows and (self.has_moves or not moves):
            return 0
        rows = max(rows, net.rows)
        moves = moves or self.has_moves
        copies = 4 if moves else 2
        self.forget_workspace()
        m = net.n_in + net.n_out + 5 + 2 * widest
        for l in range(net.n_layers):
            m += copies * net.layers[l].n_out
        at = <char*>gd_alloc(m * rows * size + 4 * net.n_layers * sizeof(void*) + GD_ALIGNMENT)
        if at == NULL:
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
        at += 5 * rows * size
        net.delta = at
        net.delta_other = at + widest * rows * size
        at += 2 * widest * rows * size
        net.z = <void**>(<char*>net.memory + m * rows * size)
        net.a = net.z + net.n_layers
        net.z_moved = net.a + net.n_layers
        net.a_moved = net.z_moved + net.n_layers
        for l in range(net.n_layers):
            for tables in range(2 if moves else 1):
                (net.z_moved if tables else net.z)[l] = at
                if keeps_input(net.layers[l].activation) or (l == net.n_layers - 1 and net.has_logits):
                    at += net.layers[l].n_out * rows * size
                (net.a_moved if tables else net.a)[l] = at
                at += net.layers[l].n_out * rows * size
        net.rows = rows
        self.has_moves = moves
        return 0

    def train(self, x, y, w, Py_ssize_t batch_size, optimizer, gradient, double h, shuffling, history,
              progress=None):
        """Whole epochs in one call, one row of history each: mean loss, then the metrics.

        Parameters
        ----------
        x, y, w : C-contiguous arrays of the network's dtype; w (sample weights) may be None
        optimizer : (spec, slots, bounds, decayed, scalars) as `Optimizer._core` gives it, or None to evaluate only
        gradient : key of `GRADIENTS`
        shuffling : None, or (key, stream, step): epoch e has the order of stream + e * step
        history : float64 array of shape (epochs, 1 + metrics)
        progress : callable taking (rows done, sum of the loss over them), called some times a second, or None
        """
        self.epochs_done = 0
        self.claim()
        self.net.steps = 0
        self.net.progress = <PyObject*>progress if progress is not None else NULL
        try:
            if self.double_:
                self._train[double](self.theta, self.grad, x, y, w, batch_size, optimizer, gradient, h,
                                    shuffling, history)
            else:
                self._train[float](self.theta, self.grad, x, y, w, batch_size, optimizer, gradient, h,
                                   shuffling, history)
        finally:
            self.net.progress = NULL
            self.release()

    cdef int _train(self, real[::1] theta, real[::1] grad, const real[:, ::1] x, const real[:, ::1] y, w,
                    Py_ssize_t batch_size, optimizer, gradient, double h, shuffling,
                    double[:, ::1] history) except -1:
        cdef const real[::1] weights = w
        cdef Net* net = &self.net
        cdef Optimizer opt
        cdef real[:, ::1] slots
        cdef real* slots_at = NULL
        cdef int method = GRADIENTS[gradient]
        cdef bint learn = optimizer is not None, shuffled = shuffling is not None
        cdef uint64_t key = 0, stream = 0, step = 0
        cdef Py_ssize_t n = x.shape[0], epochs = history.shape[0], e
        cdef int64_t[::1] order
        cdef int64_t* order_at = NULL
        if learn:
            spec, slots, bounds, decayed, scalars = optimizer
            opt = optimizer_struct(spec, bounds, decayed, scalars)
            if slots.shape[0]:
                slots_at = &slots[0, 0]
        if shuffled:
            key, stream, step = shuffling
            order = np.empty(n, np.int64)
            order_at = &order[0]
        self.reserve(min(batch_size, n), method != ANALYTIC)
        with nogil:
            for e in range(epochs):
                if shuffled:
                    shuffle(order_at, n, key, stream + <uint64_t>e * step)
                run_epoch(net, &theta[0], &grad[0], slots_at, &x[0, 0], &y[0, 0],
                          &weights[0] if weights is not None else NULL, order_at, n, y.shape[1], batch_size,
                          &opt if learn else NULL, method, h, &history[e, 0])
                self.epochs_done = e + 1
        return 0

    def gradient(self, x, y, w, method, double h):
        """The loss over all rows as one batch; its gradient is left in `grad`."""
        self.claim()
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
        with nogil:
            loss = run_batch(&self.net, &theta[0], &grad[0], &x[0, 0], &y[0, 0],
                             &weights[0] if weights is not None else NULL, NULL, 0, x.shape[0], y.shape[1],
                             True, how, h, NULL)
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

    cdef int _predict(self, real[::1] theta, const real[:, ::1] x, real[:, ::1] out) except -1:
        cdef Net* net = &self.net
        cdef Py_ssize_t first = 0, n, m, r, j
        cdef real* a
        if x.shape[0] == 0:
            return 0
        self.reserve(x.shape[0], False)
        with nogil:
            while first < x.shape[0]:
                n = min(net.rows, x.shape[0] - first)
                m = padded(n)
                gather(net, &x[0, 0], <const real*>NULL, <const real*>NULL, NULL, first, n, 0)
                forward(net, &theta[0], 0, net.z, net.a, m)
                a = <real*>net.a[net.n_layers - 1]
                for r in range(n):
                    for j in range(net.n_out):
                        out[first + r, j] = a[j * m + r]
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
        cdef real kept = theta[parameter]
        cdef double factor
        j = (parameter - layer.bias if layer.bias >= 0 and parameter >= layer.bias
             else (parameter - layer.kernel) % layer.n_out)
        self.reserve(x.shape[0], True)
        factor = reduction_factor(net, weights_at, NULL, 0, x.shape[0])
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
                        look_at_signals(net, m * (net.n_params + 20))
                    first += n
        finally:
            theta[parameter] = kept
        return 0


cdef double reduction_factor(Net* net, const real* w, const int64_t* order, Py_ssize_t first,
                             Py_ssize_t n) noexcept nogil:
    """What multiplies sum_i w_i * loss_i to make the loss of a batch."""
    cdef double total = 0
    cdef Py_ssize_t r
    if net.loss.reduction == SUM:
        return 1
    if net.loss.reduction == SUM_OVER_BATCH_SIZE or w == NULL:
        return 1 / <double>n
    for r in range(first, first + n):
        total += w[order[r] if order != NULL else r]
    return 1 / total if total != 0 else 0


cdef void set_scale(Net* net, double factor, Py_ssize_t m, real* only_for_its_type) noexcept nogil:
    cdef Py_ssize_t i
    cdef real* scale = <real*>net.scale
    cdef const real* weight = <const real*>net.weight
    for i in range(m):
        scale[i] = weight[i] * <real>factor


cdef double run_batch(Net* net, real* theta, real* grad, const real* x, const real* y, const real* w,
                      const int64_t* order, Py_ssize_t first, Py_ssize_t n, Py_ssize_t y_width,
                      bint learn, int method, double h, double* metrics) except? -1 nogil:
    """The loss of rows first..first+n-1 and, if learn, its gradient in grad; adds to the sums of the metrics, unless NULL."""
    cdef Py_ssize_t done = 0, rows, m, k, i, last = net.n_layers - 1
    cdef double factor = reduction_factor(net, w, order, first, n), loss = 0, value, part
    cdef real* each = <real*>net.value
    if learn:
        memset(grad, 0, net.n_params * sizeof(real))
    while done < n:
        rows = min(net.rows, n - done)
        m = padded(rows)
        gather(net, x, y, w, order, first + done, rows, y_width)
        set_scale(net, factor, m, theta)
        forward(net, theta, 0, net.z, net.a, m)
        # The loss is summed before it is scaled, as Keras does, and scaled in double.
        part = batch_loss(net, <const real*>net.weight, net.z, net.a, m) * factor
        loss += part
        for k in range(net.n_metrics if metrics != NULL else 0):
            per_sample(&net.metrics[k], net.n_out, m, <const real*>net.y,
                       <const real*>(net.z[last] if net.metrics[k].from_logits and net.has_logits else net.a[last]),
                       each, <real*>net.top, <real*>net.total)
            if net.metrics[k].reduction == MEAN_WITH_SAMPLE_WEIGHT:
                metrics[k] += weighted_sum(m, <const real*>each, <const real*>net.weight)
                continue
            value = 0
            for i in range(rows):
                value += each[i]
            metrics[k] += value
        if learn and method == ANALYTIC:
            backward(net, theta, grad, m)
        elif learn:
            part = batch_loss(net, <const real*>net.scale, net.z, net.a, m)
            differences(net, theta, grad, part, method, h, m)
        look_at_signals(net, 3 * m * (net.n_params + 20))
        done += rows
    return loss


cdef int run_epoch(Net* net, real* theta, real* grad, real* slots, const real* x, const real* y, const real* w,
                   const int64_t* order, Py_ssize_t n, Py_ssize_t y_width, Py_ssize_t batch_size,
                   Optimizer* opt, int method, double h, double* record) except -1 nogil:
    """One pass over the rows in batches, an update after each; record gets the means over all rows."""
    cdef Py_ssize_t first = 0, rows, k, r
    cdef double loss, weights
    for k in range(1 + net.n_metrics):
        record[k] = 0
    while first < n:
        rows = min(batch_size, n - first)
        loss = run_batch(net, theta, grad, x, y, w, order, first, rows, y_width, opt != NULL, method, h,
                         record + 1)
        record[0] += loss * rows
        net.rows_done = first + rows
        net.loss_so_far = record[0]
        if opt != NULL:
            update(opt, net.n_params, theta, grad, slots)
            net.steps += 1
        first += rows
    record[0] /= n
    for k in range(net.n_metrics):
        if net.metrics[k].reduction == MEAN_WITH_SAMPLE_WEIGHT and w != NULL:
            weights = 0
            for r in range(n):
                weights += w[r]
            record[1 + k] = record[1 + k] / weights if weights != 0 else 0
        else:
            record[1 + k] /= n
    return 0


cdef Loss loss_struct(spec):
    cdef Loss loss
    name, reduction, from_logits, parameter = spec
    loss.kind = METRICS[name]
    loss.reduction = REDUCTIONS[reduction]
    loss.from_logits = from_logits
    loss.parameter = parameter
    return loss


def all_finite(x):
    """Whether a C-contiguous array of float32 or float64 holds neither nan nor inf."""
    if x.dtype == np.float64:
        return _all_finite[double](x.reshape(x.size))
    return _all_finite[float](x.reshape(x.size))


cdef bint _all_finite(const real[::1] x) noexcept:
    # x - x is 0 for finite x and nan otherwise; in blocks, so that the loop has no exit and vectorises
    cdef Py_ssize_t i, first, n = x.shape[0]
    cdef int bad = 0
    with nogil:
        for first in range(0, n, 4096):
            for i in range(first, min(first + 4096, n)):
                bad |= x[i] - x[i] != 0
            if bad:
                break
    return not bad


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
    cdef double numbers[2]
    cdef Py_ssize_t units = x.shape[x.ndim - 1] if couples_units(kind) else 1
    for i in range(2):
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
    cdef Loss loss = loss_struct(spec)
    cdef const real[:, ::1] Y = np.ascontiguousarray(y.T)
    cdef const real[:, ::1] P = np.ascontiguousarray(p.T)
    cdef real[:, ::1] scratch = np.empty((3, p.shape[0]), p.dtype)
    with nogil:
        per_sample(&loss, P.shape[0], P.shape[1], &Y[0, 0], &P[0, 0], &scratch[0, 0], &scratch[1, 0], &scratch[2, 0])
    return np.array(scratch[0])


def loss_gradient_of(spec, y, p, scale):
    """d(sum_i scale[i] * loss of row i)/dp, of shape (rows, units)."""
    if p.dtype == np.float64:
        return _loss_gradient[double](spec, y, p, scale)
    return _loss_gradient[float](spec, y, p, scale)


cdef _loss_gradient(spec, y, p, const real[::1] scale):
    cdef Loss loss = loss_struct(spec)
    cdef const real[:, ::1] Y = np.ascontiguousarray(y.T)
    cdef const real[:, ::1] P = np.ascontiguousarray(p.T)
    cdef real[:, ::1] scratch = np.empty((2, p.shape[0]), p.dtype)
    out = np.empty((p.shape[1], p.shape[0]), p.dtype)
    cdef real[:, ::1] d = out
    with nogil:
        loss_gradient(&loss, P.shape[0], P.shape[1], &Y[0, 0], &P[0, 0], <const real*>NULL, &scale[0], &d[0, 0],
                      &scratch[0, 0], &scratch[1, 0])
    return np.ascontiguousarray(out.T)


def apply_math(name, x):
    """One of the vector functions (exp, log, tanh, ...) of a 1-D array, for tests and benchmarks."""
    if x.dtype == np.float64:
        return _apply_math[double](name, x)
    return _apply_math[float](name, x)


cdef _apply_math(str name, const real[::1] x):
    cdef Py_ssize_t n = x.shape[0]
    cdef real[::1] y = np.empty(n, np.float64 if real is double else np.float32)
    cdef int which = ("exp", "log", "log1p", "sigmoid", "tanh", "expm1", "silu", "softplus").index(name)
    if n == 0:
        return np.asarray(y)
    with nogil:
        if real is float:
            if which == 0: gd_map_exp_f32(n, &x[0], &y[0])
            elif which == 1: gd_map_log_f32(n, &x[0], &y[0])
            elif which == 2: gd_map_log1p_f32(n, &x[0], &y[0])
            elif which == 3: gd_map_sigmoid_f32(n, &x[0], &y[0])
            elif which == 4: gd_map_tanh_f32(n, &x[0], &y[0])
            elif which == 5: gd_map_expm1_f32(n, &x[0], &y[0])
            elif which == 6: gd_map_silu_f32(n, &x[0], &y[0])
            elif which == 7: gd_map_softplus_f32(n, &x[0], &y[0])
        else:
            if which == 0: gd_map_exp_f64(n, &x[0], &y[0])
            elif which == 1: gd_map_log_f64(n, &x[0], &y[0])
            elif which == 2: gd_map_log1p_f64(n, &x[0], &y[0])
            elif which == 3: gd_map_sigmoid_f64(n, &x[0], &y[0])
            elif which == 4: gd_map_tanh_f64(n, &x[0], &y[0])
            elif which == 5: gd_map_expm1_f64(n, &x[0], &y[0])
            elif which == 6: gd_map_silu_f64(n, &x[0], &y[0])
            elif which == 7: gd_map_softplus_f64(n, &x[0], &y[0])
    return np.asarray(y)
