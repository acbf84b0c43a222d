# What a layer does before its activation: one row a kind in the table at the end, forward and backward side by side
# (keras/src/layers).
#
# Batches are feature-major: x[j*m + i] is unit j of row i.  Dense layers are products with their kernel; all others work in
# place of each value, each feature or each row.  Forward makes units first..first+count-1 of z from x.  Backward has
# d = dL/dz, which is 0 in padding: it adds to the gradient of the arrays (a dense layer overwrites its part unless told to
# accumulate) and, if asked, turns d into dL/dx (a dense layer leaves that in `other`).

cdef enum:
    IS_DENSE = 1
    PASSES_INPUT = 2             # z is x
    IS_NOISE = 4                 # draws numbers in training
    HAS_STATISTICS = 8           # of the whole batch, which must not be cut in pieces, and moving ones
    SAVES_ROWS = 16              # two numbers a row, for backward
    SAVES_STATISTICS = 32        # three a unit
    SAVES_VALUES = 64            # as many as it has outputs

cdef struct Layer:
    const LayerKind* kind
    Py_ssize_t n_in
    Py_ssize_t n_out
    Activation activation
    double number[2]             # as the kind names them
    bint frozen                  # its arrays stay as they are
    Py_ssize_t kernel            # offset in the flat vector: the kernel (n_in, n_out), row-major; gamma; alpha; -1: none
    Py_ssize_t bias              # beta; -1: none
    Py_ssize_t state             # in Net.state: moving mean and variance; scale and offset; mean and divisor
    double activity[2]           # l1 and l2 on its output
    int64_t* random              # seed and number of draws

cdef struct LayerCall:           # what all layers of a pass are called with
    Py_ssize_t m                 # rows, padding included
    Py_ssize_t n                 # without
    bint training
    const void* theta
    const void* state
    const void* live             # (m,) 1, and 0 in padding
    void* row                    # (m,) scratch
    void* row_two

ctypedef void (*forward_f32)(const Layer*, const LayerCall*, Py_ssize_t, Py_ssize_t, const float*, float*,
                             float*) noexcept nogil
ctypedef void (*forward_f64)(const Layer*, const LayerCall*, Py_ssize_t, Py_ssize_t, const double*, double*,
                             double*) noexcept nogil
ctypedef void (*backward_f32)(const Layer*, const LayerCall*, const float*, float*, float*, const float*, float*, bint,
                              bint) noexcept nogil
ctypedef void (*backward_f64)(const Layer*, const LayerCall*, const double*, double*, double*, const double*, double*,
                              bint, bint) noexcept nogil

ctypedef void (*draw_f32)(const Layer*, uint64_t, uint64_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*,
                          float*) noexcept nogil
ctypedef void (*draw_f64)(const Layer*, uint64_t, uint64_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*,
                          double*) noexcept nogil

cdef struct LayerKind:
    int flags
    draw_f32 draw_single         # of noise
    draw_f64 draw_double
    forward_f32 forward_single
    forward_f64 forward_double
    backward_f32 backward_single
    backward_f64 backward_double


cdef inline void layer_forward(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count,
                               const real* x, real* z, real* saved) noexcept nogil:
    if real is float:
        layer.kind.forward_single(layer, call, first, count, x, z, saved)
    else:
        layer.kind.forward_double(layer, call, first, count, x, z, saved)


cdef inline void layer_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                                const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    if real is float:
        layer.kind.backward_single(layer, call, x, d, other, saved, grad, accumulate, below)
    else:
        layer.kind.backward_double(layer, call, x, d, other, saved, grad, accumulate, below)


cdef Py_ssize_t saved_size(const Layer* layer, Py_ssize_t m) noexcept nogil:
    """How many values the layer saves in a forward pass over m rows, for backward."""
    if layer.kind.flags & SAVES_STATISTICS:
        return padded(3 * layer.n_out)
    if layer.kind.flags & SAVES_ROWS:
        return 2 * m
    if layer.kind.flags & SAVES_VALUES:
        return layer.n_out * m
    return 0


cdef inline const real* kernel_of(const Layer* layer, const real* theta) noexcept nogil:
    return theta + layer.kernel if layer.kernel >= 0 else NULL


cdef inline const real* bias_of(const Layer* layer, const real* theta) noexcept nogil:
    return theta + layer.bias if layer.bias >= 0 else NULL


cdef inline real* kernel_gradient_of(const Layer* layer, real* grad) noexcept nogil:
    """Where the gradient of the kernel goes; NULL where it does not learn."""
    return grad + layer.kernel if layer.kernel >= 0 and not layer.frozen else NULL


cdef inline real* bias_gradient_of(const Layer* layer, real* grad) noexcept nogil:
    return grad + layer.bias if layer.bias >= 0 and not layer.frozen else NULL


# ---- dense --------------------------------------------------------------------------------------------------------------

cdef void dense(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x, real* z,
                real* saved) noexcept nogil:
    cdef const real* bias = bias_of(layer, <const real*>call.theta)
    affine(call.m, layer.n_in, count, <const real*>call.theta + layer.kernel + first, layer.n_out, 1,
           bias + first if bias != NULL else NULL, x, z + first * call.m)


cdef void bias_gradient(Py_ssize_t units, const real* d, bint accumulate, real* grad, Py_ssize_t m) noexcept nogil:
    if not accumulate:
        memset(grad, 0, units * sizeof(real))
    row_sums(m, units, d, grad)


cdef void dense_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                         const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    cdef real* kernel_gradient = kernel_gradient_of(layer, grad)
    cdef real* bias_grad = bias_gradient_of(layer, grad)
    if kernel_gradient != NULL:
        weight_gradient(call.m, layer.n_in, layer.n_out, x, <const real*>d, accumulate, kernel_gradient, other)
    if bias_grad != NULL:
        bias_gradient(layer.n_out, <const real*>d, accumulate, bias_grad, call.m)
    if below:
        affine(call.m, layer.n_out, layer.n_in, <const real*>call.theta + layer.kernel, 1, layer.n_out,
               <const real*>NULL, <const real*>d, other)


# ---- layers without arrays ------------------------------------------------------------------------------------------------

cdef void pass_input(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x,
                     real* z, real* saved) noexcept nogil:
    pass


cdef void pass_input_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                              const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    pass


cdef void rescaling(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x,
                    real* z, real* saved) noexcept nogil:
    cdef Py_ssize_t i, j, at, m = call.m
    cdef const real* scale = <const real*>call.state + layer.state
    cdef const real* offset = scale + layer.n_out
    cdef real s, t
    for j in range(first, first + count):
        at = j * m
        s = scale[j]
        t = offset[j]
        for i in range(m):
            z[at + i] = x[at + i] * s + t


cdef void rescaling_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                             const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    cdef Py_ssize_t i, j, m = call.m
    cdef real s
    for j in range(layer.n_out):
        s = (<const real*>call.state)[layer.state + j]
        for i in range(j * m, (j + 1) * m):
            d[i] = d[i] * s


cdef void normalization(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x,
                        real* z, real* saved) noexcept nogil:
    cdef Py_ssize_t i, j, at, m = call.m
    cdef const real* mean = <const real*>call.state + layer.state
    cdef const real* divisor = mean + layer.n_out
    cdef real s, t
    for j in range(first, first + count):
        at = j * m
        s = mean[j]
        t = divisor[j]
        for i in range(m):
            z[at + i] = (x[at + i] - s) / t


cdef void normalization_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                                 const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    cdef Py_ssize_t i, j, m = call.m
    cdef real s
    for j in range(layer.n_out):
        s = (<const real*>call.state)[layer.state + layer.n_out + j]
        for i in range(j * m, (j + 1) * m):
            d[i] = d[i] / s


# ---- prelu: an alpha a unit -------------------------------------------------------------------------------------------------

cdef void prelu(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x, real* z,
                real* saved) noexcept nogil:
    cdef Py_ssize_t i, j, at, m = call.m
    cdef const real* alpha = <const real*>call.theta + layer.kernel
    cdef real s
    for j in range(first, first + count):
        at = j * m
        s = alpha[j]
        for i in range(m):
            z[at + i] = x[at + i] if x[at + i] > 0 else s * x[at + i]


cdef void prelu_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                         const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    cdef Py_ssize_t i, j, at, m = call.m
    cdef const real* alpha = <const real*>call.theta + layer.kernel
    cdef real* alpha_gradient = kernel_gradient_of(layer, grad)
    cdef real* row = <real*>call.row
    cdef real s
    for j in range(layer.n_out):
        at = j * m
        if alpha_gradient != NULL:
            for i in range(m):
                row[i] = x[at + i] if x[at + i] < 0 else 0
            alpha_gradient[j] += <real>weighted_sum(m, <const real*>d + at, <const real*>row)
        s = alpha[j]
        for i in range(m):
            # TensorFlow's two relus both have slope 0 at 0
            d[at + i] = d[at + i] if x[at + i] > 0 else (d[at + i] * s if x[at + i] < 0 else 0)


# ---- batch normalization: saved are mean, 1/sqrt(variance + epsilon) and variance by unit ---------------------------------------

cdef void statistics(const Layer* layer, const LayerCall* call, const real* x, const real* moving, Py_ssize_t first,
                     Py_ssize_t count, real* saved) noexcept nogil:
    """Of the batch, or moving if not NULL."""
    cdef Py_ssize_t i, j, units = layer.n_out, m = call.m
    cdef const real* live = <const real*>call.live
    cdef real* row = <real*>call.row
    cdef real mean, variance, t, epsilon = <real>layer.number[1]
    for j in range(first, first + count):
        if moving != NULL:
            mean = moving[j]
            variance = moving[units + j]
        else:
            mean = <real>(weighted_sum(m, x + j * m, live) / call.n)
            for i in range(m):
                t = x[j * m + i] - mean
                row[i] = t * t
            variance = <real>(weighted_sum(m, <const real*>row, live) / call.n)
        saved[j] = mean
        saved[units + j] = 1 / root(variance + epsilon)
        saved[2 * units + j] = variance


cdef void batch_normalization(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count,
                              const real* x, real* z, real* saved) noexcept nogil:
    cdef Py_ssize_t i, j, at, m = call.m
    cdef const real* gamma = kernel_of(layer, <const real*>call.theta)
    cdef const real* beta = bias_of(layer, <const real*>call.theta)
    cdef bint of_batch = call.training and not layer.frozen
    cdef real s, t
    statistics(layer, call, x, <const real*>NULL if of_batch else <const real*>call.state + layer.state, first, count,
               saved)
    for j in range(first, first + count):
        at = j * m
        s = saved[layer.n_out + j]
        if gamma != NULL:
            s = s * gamma[j]
        t = -saved[j] * s
        if beta != NULL:
            t = beta[j] - saved[j] * s
        for i in range(m):
            z[at + i] = x[at + i] * s + t


cdef void batch_normalization_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                                       const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    cdef Py_ssize_t i, j, at, units = layer.n_out, m = call.m
    cdef const real* gamma = kernel_of(layer, <const real*>call.theta)
    cdef const real* live = <const real*>call.live
    cdef real* gamma_gradient = kernel_gradient_of(layer, grad)
    cdef real* beta_gradient = bias_gradient_of(layer, grad)
    cdef real* row = <real*>call.row
    cdef bint of_batch = call.training and not layer.frozen
    cdef real s, t, mean_d, mean_dx
    for j in range(units):
        at = j * m
        s = saved[j]
        t = saved[units + j]
        for i in range(m):
            row[i] = (x[at + i] - s) * t
        mean_dx = <real>weighted_sum(m, <const real*>d + at, <const real*>row)
        if gamma_gradient != NULL:
            gamma_gradient[j] += mean_dx
        mean_d = <real>weighted_sum(m, <const real*>d + at, live)
        if beta_gradient != NULL:
            beta_gradient[j] += mean_d
        s = gamma[j] * t if gamma != NULL else t
        mean_d = mean_d / call.n
        mean_dx = mean_dx / call.n
        if of_batch:
            for i in range(m):
                d[at + i] = s * (d[at + i] - mean_d - row[i] * mean_dx) * live[i]
        else:
            for i in range(m):
                d[at + i] = s * d[at + i]


cdef void move_statistics(const Layer* layer, real* state, const real* saved) noexcept nogil:
    """Batch normalization's moving mean and variance after a training batch."""
    cdef Py_ssize_t j, units = layer.n_out
    cdef real* mean = state + layer.state
    cdef real* variance = mean + units
    cdef real momentum = <real>layer.number[0], rest = <real>(1 - layer.number[0])
    for j in range(units):
        mean[j] = mean[j] * momentum + saved[j] * rest
        variance[j] = variance[j] * momentum + saved[2 * units + j] * rest


# ---- layer normalization: saved are mean and 1/sqrt(variance + epsilon) by row ---------------------------------------------------

cdef void row_statistics(const Layer* layer, const real* x, Py_ssize_t m, real* saved) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real* mean = saved
    cdef real* inverse = saved + m
    cdef real t, epsilon = <real>layer.number[0], units = <real>layer.n_out
    memset(saved, 0, 2 * m * sizeof(real))
    for j in range(layer.n_out):
        for i in range(m):
            mean[i] += x[j * m + i]
    for i in range(m):
        mean[i] = mean[i] / units
    for j in range(layer.n_out):
        for i in range(m):
            t = x[j * m + i] - mean[i]
            inverse[i] += t * t
    for i in range(m):
        inverse[i] = 1 / root(inverse[i] / units + epsilon)


cdef void layer_normalization(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count,
                              const real* x, real* z, real* saved) noexcept nogil:
    cdef Py_ssize_t i, j, at, m = call.m
    cdef const real* gamma = kernel_of(layer, <const real*>call.theta)
    cdef const real* beta = bias_of(layer, <const real*>call.theta)
    cdef real s, a, b
    row_statistics(layer, x, m, saved)
    for j in range(first, first + count):
        at = j * m
        a = gamma[j] if gamma != NULL else 1
        b = beta[j] if beta != NULL else 0
        for i in range(m):
            s = saved[m + i] * a
            z[at + i] = x[at + i] * s + (-saved[i] * s + b)


cdef void layer_normalization_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                                       const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    # sums over the units: of d gamma, and of d gamma xhat
    cdef Py_ssize_t i, j, at, units = layer.n_out, m = call.m
    cdef const real* gamma = kernel_of(layer, <const real*>call.theta)
    cdef real* gamma_gradient = kernel_gradient_of(layer, grad)
    cdef real* beta_gradient = bias_gradient_of(layer, grad)
    cdef real* sum_d = <real*>call.row
    cdef real* sum_dx = <real*>call.row_two
    cdef real s, t, n = <real>units
    memset(sum_d, 0, m * sizeof(real))
    memset(sum_dx, 0, m * sizeof(real))
    for j in range(units):
        at = j * m
        s = gamma[j] if gamma != NULL else 1
        for i in range(m):
            sum_d[i] += d[at + i] * s
            sum_dx[i] += d[at + i] * s * ((x[at + i] - saved[i]) * saved[m + i])
    for j in range(units):
        at = j * m
        if gamma_gradient != NULL:
            for i in range(m):
                other[i] = (x[at + i] - saved[i]) * saved[m + i]
            gamma_gradient[j] += <real>weighted_sum(m, <const real*>d + at, <const real*>other)
        if beta_gradient != NULL:
            row_sums(m, 1, <const real*>d + at, beta_gradient + j)
        s = gamma[j] if gamma != NULL else 1
        for i in range(m):
            t = (x[at + i] - saved[i]) * saved[m + i]
            d[at + i] = saved[m + i] * (d[at + i] * s - (sum_d[i] + t * sum_dx[i]) / n)


# ---- noise: saved are the numbers drawn, which stay for backward -----------------------------------------------------------------

cdef void draw_noise(const Layer* layer, Py_ssize_t first, Py_ssize_t n, Py_ssize_t m, real* scratch,
                     real* noise) noexcept nogil:
    """The noise of rows first..first+n-1 of a batch, as Keras on TensorFlow draws it: row by row, from the
    stateless stream of (seed, draws so far).  scratch holds n_out * m values."""
    cdef uint64_t key, stream
    cdef Py_ssize_t j, i
    scrambled_stream(layer.random[0], layer.random[1], &key, &stream)
    if real is float:
        layer.kind.draw_single(layer, key, stream, first, n, m, scratch, noise)
    else:
        layer.kind.draw_double(layer, key, stream, first, n, m, scratch, noise)
    for j in range(layer.n_out):
        for i in range(n, m):
            noise[j * m + i] = noise[j * m]


cdef void draw_normal(const Layer* layer, uint64_t key, uint64_t stream, Py_ssize_t first, Py_ssize_t n, Py_ssize_t m,
                      real stddev, real mean, real* scratch, real* noise) noexcept nogil:
    cdef Py_ssize_t r, j, units = layer.n_out
    fill_random(NORMAL, key, stream, first * units, n * units, stddev, mean, scratch)
    for j in range(units):
        for r in range(n):
            noise[j * m + r] = scratch[r * units + j]


cdef void draw_gaussian_noise(const Layer* layer, uint64_t key, uint64_t stream, Py_ssize_t first, Py_ssize_t n,
                              Py_ssize_t m, real* scratch, real* noise) noexcept nogil:
    draw_normal(layer, key, stream, first, n, m, <real>layer.number[0], <real>0, scratch, noise)


cdef void draw_gaussian_dropout(const Layer* layer, uint64_t key, uint64_t stream, Py_ssize_t first, Py_ssize_t n,
                                Py_ssize_t m, real* scratch, real* noise) noexcept nogil:
    cdef double rate = layer.number[0]
    draw_normal(layer, key, stream, first, n, m, <real>c_sqrt(rate / (1 - rate)), <real>1, scratch, noise)


cdef void draw_dropout(const Layer* layer, uint64_t key, uint64_t stream, Py_ssize_t first, Py_ssize_t n, Py_ssize_t m,
                       real* scratch, real* noise) noexcept nogil:
    cdef Py_ssize_t r, j, units = layer.n_out
    cdef double rate = layer.number[0]
    cdef real low = <real>rate, kept = <real>(1 / (1 - rate)) if rate < 1 else 0
    fill_random(UNIFORM, key, stream, first * units, n * units, <real>1, <real>0, scratch)
    for j in range(units):
        for r in range(n):
            noise[j * m + r] = kept if scratch[r * units + j] >= low else 0


cdef void draw_alpha_dropout(const Layer* layer, uint64_t key, uint64_t stream, Py_ssize_t first, Py_ssize_t n,
                             Py_ssize_t m, real* scratch, real* noise) noexcept nogil:
    # in float32 whatever the layer's type
    cdef Py_ssize_t r, j, units = layer.n_out
    cdef float* single = <float*>scratch
    cdef float rate = <float>layer.number[0]
    fill_random(UNIFORM, key, stream, first * units, n * units, <float>1, <float>0, single)
    for j in range(units):
        for r in range(n):
            noise[j * m + r] = 1 if single[r * units + j] >= rate else 0


cdef void dropout(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x, real* z,
                  real* saved) noexcept nogil:
    """Of both, Dropout and GaussianDropout."""
    cdef Py_ssize_t i, m = call.m
    if not call.training:
        memcpy(z + first * m, x + first * m, count * m * sizeof(real))
        return
    for i in range(first * m, (first + count) * m):
        z[i] = x[i] * saved[i]


cdef void dropout_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                           const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(layer.n_out * call.m if call.training else 0):
        d[i] = d[i] * saved[i]


cdef void gaussian_noise(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x,
                         real* z, real* saved) noexcept nogil:
    cdef Py_ssize_t i, m = call.m
    if not call.training:
        memcpy(z + first * m, x + first * m, count * m * sizeof(real))
        return
    for i in range(first * m, (first + count) * m):
        z[i] = x[i] + saved[i]


cdef double alpha_scale(const Layer* layer) noexcept nogil:
    """What alpha dropout multiplies by to keep the variance (Klambauer et al., NeurIPS 2017)."""
    cdef double rate = layer.number[0], floor = SELU_SCALE_ALPHA
    return c_pow((1 - rate) * (1 + rate * floor * floor), -0.5)


cdef void alpha_dropout(const Layer* layer, const LayerCall* call, Py_ssize_t first, Py_ssize_t count, const real* x,
                        real* z, real* saved) noexcept nogil:
    cdef Py_ssize_t i, m = call.m
    cdef real floor = <real>(-SELU_SCALE_ALPHA), s = <real>alpha_scale(layer)
    cdef real t = <real>(alpha_scale(layer) * SELU_SCALE_ALPHA * layer.number[0])
    if not call.training:
        memcpy(z + first * m, x + first * m, count * m * sizeof(real))
        return
    for i in range(first * m, (first + count) * m):
        z[i] = s * (x[i] * saved[i] + floor * (1 - saved[i])) + t


cdef void alpha_dropout_backward(const Layer* layer, const LayerCall* call, const real* x, real* d, real* other,
                                 const real* saved, real* grad, bint accumulate, bint below) noexcept nogil:
    cdef Py_ssize_t i
    cdef real alpha = <real>alpha_scale(layer)
    for i in range(layer.n_out * call.m if call.training else 0):
        d[i] = alpha * (d[i] * saved[i])


# ---- the table ----------------------------------------------------------------------------------------------------------

LAYERS = {}
cdef LayerKind layer_kinds[16]


cdef LayerKind* add_layer(str name, tuple parameters, int flags, forward_f32 forward_single, forward_f64 forward_double,
                          backward_f32 backward_single, backward_f64 backward_double) except NULL:
    cdef LayerKind* kind = &layer_kinds[new_index(LAYERS, 16)]
    kind.flags = flags
    kind.forward_single, kind.forward_double = forward_single, forward_double
    kind.backward_single, kind.backward_double = backward_single, backward_double
    LAYERS[name] = Kind(name, len(LAYERS), parameters)
    return kind


cdef int add_noise(str name, str parameter, draw_f32 draw_single, draw_f64 draw_double, forward_f32 forward_single,
                   forward_f64 forward_double, backward_f32 backward_single, backward_f64 backward_double) except -1:
    cdef LayerKind* kind = add_layer(name, (parameter,), IS_NOISE | SAVES_VALUES, forward_single, forward_double,
                                     backward_single, backward_double)
    kind.draw_single, kind.draw_double = draw_single, draw_double
    return 0


add_layer("dense", (), IS_DENSE, dense[float], dense[double], dense_backward[float], dense_backward[double])
add_layer("activation", (), PASSES_INPUT, pass_input[float], pass_input[double], pass_input_backward[float],
          pass_input_backward[double])
add_layer("prelu", (), 0, prelu[float], prelu[double], prelu_backward[float], prelu_backward[double])
add_layer("rescaling", (), 0, rescaling[float], rescaling[double], rescaling_backward[float], rescaling_backward[double])
add_layer("normalization", (), 0, normalization[float], normalization[double], normalization_backward[float],
          normalization_backward[double])
add_layer("batch_normalization", ("momentum", "epsilon"), HAS_STATISTICS | SAVES_STATISTICS, batch_normalization[float],
          batch_normalization[double], batch_normalization_backward[float], batch_normalization_backward[double])
add_layer("layer_normalization", ("epsilon",), SAVES_ROWS, layer_normalization[float], layer_normalization[double],
          layer_normalization_backward[float], layer_normalization_backward[double])
add_noise("dropout", "rate", draw_dropout[float], draw_dropout[double], dropout[float], dropout[double],
          dropout_backward[float], dropout_backward[double])
add_noise("gaussian_dropout", "rate", draw_gaussian_dropout[float], draw_gaussian_dropout[double], dropout[float],
          dropout[double], dropout_backward[float], dropout_backward[double])
add_noise("gaussian_noise", "stddev", draw_gaussian_noise[float], draw_gaussian_noise[double], gaussian_noise[float],
          gaussian_noise[double], pass_input_backward[float], pass_input_backward[double])
add_noise("alpha_dropout", "rate", draw_alpha_dropout[float], draw_alpha_dropout[double], alpha_dropout[float],
          alpha_dropout[double], alpha_dropout_backward[float], alpha_dropout_backward[double])
