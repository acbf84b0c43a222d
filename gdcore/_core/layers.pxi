# What a layer does before its activation, and back, on feature-major batches: x[j*m + i] is unit j of row i.
# Dense layers are products with their kernel; all others work in place of each value, each feature or each
# row (keras/src/layers).

cdef enum:
    DENSE
    ACTIVATION
    PRELU
    RESCALING
    NORMALIZATION
    BATCH_NORMALIZATION
    LAYER_NORMALIZATION
    DROPOUT
    GAUSSIAN_DROPOUT
    GAUSSIAN_NOISE
    ALPHA_DROPOUT

LAYERS = {
    "dense": DENSE,
    "activation": ACTIVATION,
    "prelu": PRELU,
    "rescaling": RESCALING,
    "normalization": NORMALIZATION,
    "batch_normalization": BATCH_NORMALIZATION,
    "layer_normalization": LAYER_NORMALIZATION,
    "dropout": DROPOUT,
    "gaussian_dropout": GAUSSIAN_DROPOUT,
    "gaussian_noise": GAUSSIAN_NOISE,
    "alpha_dropout": ALPHA_DROPOUT,
}

cdef struct Layer:
    int kind
    Py_ssize_t n_in
    Py_ssize_t n_out
    int activation
    double params[4]             # what the activation has: alpha, slope, threshold
    double number[2]             # what the kind has: momentum and epsilon; the rate
    bint frozen                  # its arrays lie in Net.state, not in the flat vector
    Py_ssize_t kernel            # offsets: the kernel (n_in, n_out), row-major; gamma; alpha; -1: none
    Py_ssize_t bias              # beta; -1: none
    Py_ssize_t state             # in Net.state: moving mean and variance; scale and offset; mean and divisor
    double activity[2]           # l1 and l2 on its output
    int64_t* random              # seed and number of draws


cdef inline bint is_noise(int kind) noexcept nogil:
    return kind >= DROPOUT


cdef Py_ssize_t notes_size(Layer* layer, Py_ssize_t m) noexcept nogil:
    """How many values the layer notes in a forward pass over m rows, for the way back."""
    if layer.kind == BATCH_NORMALIZATION:
        return padded(3 * layer.n_out)               # mean, 1/sqrt(variance + epsilon), variance
    if layer.kind == LAYER_NORMALIZATION:
        return 2 * m                                 # mean, 1/sqrt(variance + epsilon)
    if is_noise(layer.kind):
        return layer.n_out * m
    return 0


cdef void draw_noise(Layer* layer, Py_ssize_t first, Py_ssize_t n, Py_ssize_t m, real* scratch,
                     real* noise) noexcept nogil:
    """The noise of rows first..first+n-1 of a batch, as Keras on TensorFlow draws it: row by row, from the
    stateless stream of (seed, draws so far).  scratch holds n_out * m values."""
    cdef uint64_t key, stream
    cdef Py_ssize_t r, j, i, units = layer.n_out
    cdef double rate = layer.number[0]
    cdef real low = <real>rate, kept = 1
    cdef float* single = <float*>scratch
    scrambled_stream(layer.random[0], layer.random[1], &key, &stream)
    if layer.kind == GAUSSIAN_NOISE:
        fill_random(NORMAL, key, stream, first * units, n * units, low, <real>0, scratch)
    elif layer.kind == GAUSSIAN_DROPOUT:
        fill_random(NORMAL, key, stream, first * units, n * units, <real>c_sqrt(rate / (1 - rate)), <real>1, scratch)
    elif layer.kind == ALPHA_DROPOUT:                # in float32 whatever the layer's type
        fill_random(UNIFORM, key, stream, first * units, n * units, <float>1, <float>0, single)
    else:
        fill_random(UNIFORM, key, stream, first * units, n * units, <real>1, <real>0, scratch)
        kept = <real>(1 / (1 - rate)) if rate < 1 else 0
    for j in range(units):
        if layer.kind == GAUSSIAN_NOISE or layer.kind == GAUSSIAN_DROPOUT:
            for r in range(n):
                noise[j * m + r] = scratch[r * units + j]
        elif layer.kind == ALPHA_DROPOUT:
            for r in range(n):
                noise[j * m + r] = 1 if single[r * units + j] >= <float>rate else 0
        else:
            for r in range(n):
                noise[j * m + r] = kept if scratch[r * units + j] >= low else 0
        for i in range(n, m):
            noise[j * m + i] = noise[j * m]


cdef double alpha_scale(Layer* layer) noexcept nogil:
    """What alpha dropout multiplies by to keep the variance (Klambauer et al., NeurIPS 2017)."""
    cdef double rate = layer.number[0], floor = SELU_SCALE_ALPHA
    return c_pow((1 - rate) * (1 + rate * floor * floor), -0.5)


cdef void statistics(Layer* layer, const real* x, const real* moving, const real* live, Py_ssize_t n, Py_ssize_t m,
                     Py_ssize_t first, Py_ssize_t count, real* notes, real* row) noexcept nogil:
    """Batch normalization's mean and 1/sqrt(variance + epsilon): of the batch, or moving if not NULL."""
    cdef Py_ssize_t i, j, units = layer.n_out
    cdef real mean, variance, t, epsilon = <real>layer.number[1]
    for j in range(first, first + count):
        if moving != NULL:
            mean = moving[j]
            variance = moving[units + j]
        else:
            mean = <real>(weighted_sum(m, x + j * m, live) / n)
            for i in range(m):
                t = x[j * m + i] - mean
                row[i] = t * t
            variance = <real>(weighted_sum(m, row, live) / n)
        notes[j] = mean
        notes[units + j] = 1 / root(variance + epsilon)
        notes[2 * units + j] = variance


cdef void row_statistics(Layer* layer, const real* x, Py_ssize_t m, real* notes) noexcept nogil:
    """Layer normalization's mean and 1/sqrt(variance + epsilon) of each row."""
    cdef Py_ssize_t i, j
    cdef real* mean = notes
    cdef real* inverse = notes + m
    cdef real t, epsilon = <real>layer.number[1], units = <real>layer.n_out
    memset(notes, 0, 2 * m * sizeof(real))
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


cdef void transform(Layer* layer, const real* arrays, const real* state, bint training, Py_ssize_t first,
                    Py_ssize_t count, const real* x, real* z, Py_ssize_t m, Py_ssize_t n, const real* live,
                    real* notes, real* row) noexcept nogil:
    """Units first..first+count-1 of z, what the layer makes of x; arrays is where its kernel and bias lie."""
    cdef Py_ssize_t i, j, at
    cdef real s = 0, t = 0, u = 0, a, b
    cdef const real* kernel = arrays + layer.kernel if layer.kernel >= 0 else NULL
    cdef const real* bias = arrays + layer.bias if layer.bias >= 0 else NULL
    cdef const real* fixed = state + layer.state
    if layer.kind == DENSE:
        affine(m, layer.n_in, count, kernel + first, layer.n_out, 1, bias + first if bias != NULL else NULL, x,
               z + first * m)
        return
    if layer.kind == BATCH_NORMALIZATION:
        statistics(layer, x, <const real*>NULL if training and not layer.frozen else fixed, live, n, m, first, count,
                   notes, row)
    elif layer.kind == LAYER_NORMALIZATION:
        row_statistics(layer, x, m, notes)
    elif layer.kind == ALPHA_DROPOUT:
        u = <real>(-SELU_SCALE_ALPHA)
        s = <real>alpha_scale(layer)
        t = <real>(alpha_scale(layer) * SELU_SCALE_ALPHA * layer.number[0])
    for j in range(first, first + count):
        at = j * m
        if layer.kind == PRELU:
            s = kernel[j]
            for i in range(m):
                z[at + i] = x[at + i] if x[at + i] > 0 else s * x[at + i]
        elif layer.kind == RESCALING:
            s = fixed[j]
            t = fixed[layer.n_out + j]
            for i in range(m):
                z[at + i] = x[at + i] * s + t
        elif layer.kind == NORMALIZATION:
            s = fixed[j]
            t = fixed[layer.n_out + j]
            for i in range(m):
                z[at + i] = (x[at + i] - s) / t
        elif layer.kind == BATCH_NORMALIZATION:
            s = notes[layer.n_out + j]
            if kernel != NULL:
                s = s * kernel[j]
            t = -notes[j] * s
            if bias != NULL:
                t = bias[j] - notes[j] * s
            for i in range(m):
                z[at + i] = x[at + i] * s + t
        elif layer.kind == LAYER_NORMALIZATION:
            a = kernel[j] if kernel != NULL else 1
            b = bias[j] if bias != NULL else 0
            for i in range(m):
                s = notes[m + i] * a
                z[at + i] = x[at + i] * s + (-notes[i] * s + b)
        elif not training:
            memcpy(z + at, x + at, m * sizeof(real))
        elif layer.kind == GAUSSIAN_NOISE:
            for i in range(m):
                z[at + i] = x[at + i] + notes[at + i]
        elif layer.kind == ALPHA_DROPOUT:
            for i in range(m):
                z[at + i] = s * (x[at + i] * notes[at + i] + u * (1 - notes[at + i])) + t
        else:
            for i in range(m):
                z[at + i] = x[at + i] * notes[at + i]


cdef void bias_gradient(Py_ssize_t units, const real* d, bint add, real* grad, Py_ssize_t m) noexcept nogil:
    if not add:
        memset(grad, 0, units * sizeof(real))
    row_sums(m, units, d, grad)


cdef void pull_back(Layer* layer, const real* arrays, const real* state, bint training, const real* x, real* d,
                    real* other, bint add, real* grad, Py_ssize_t m, Py_ssize_t n, const real* live, const real* notes,
                    bint below, real* row, real* row_two) noexcept nogil:
    """From d = dL/dz: the gradient of the arrays goes into grad (unless frozen) and, if below, d becomes dL/dx.

    A dense layer leaves dL/dx in other instead, and overwrites its part of grad unless add.  d is 0 in padding.
    """
    cdef Py_ssize_t i, j, at, units = layer.n_out
    cdef real s, t, u, alpha = 0, mean_d, mean_dx
    cdef bint batch = training and not layer.frozen
    cdef const real* kernel = arrays + layer.kernel if layer.kernel >= 0 else NULL
    cdef real* kernel_grad = grad + layer.kernel if layer.kernel >= 0 and not layer.frozen else NULL
    cdef real* bias_grad = grad + layer.bias if layer.bias >= 0 and not layer.frozen else NULL
    if layer.kind == DENSE:
        if kernel_grad != NULL:
            outer(m, layer.n_in, units, x, d, add, kernel_grad, other)
        if bias_grad != NULL:
            bias_gradient(units, d, add, bias_grad, m)
        if below:
            affine(m, units, layer.n_in, kernel, 1, units, <const real*>NULL, d, other)
        return
    if layer.kind == LAYER_NORMALIZATION:
        # row: sum_j d_j gamma_j; row_two: sum_j d_j gamma_j xhat_j
        memset(row, 0, m * sizeof(real))
        memset(row_two, 0, m * sizeof(real))
        for j in range(units):
            at = j * m
            s = kernel[j] if kernel != NULL else 1
            for i in range(m):
                row[i] += d[at + i] * s
                row_two[i] += d[at + i] * s * ((x[at + i] - notes[i]) * notes[m + i])
        u = <real>units
        for j in range(units):
            at = j * m
            if kernel_grad != NULL:
                for i in range(m):
                    other[i] = (x[at + i] - notes[i]) * notes[m + i]
                kernel_grad[j] += <real>weighted_sum(m, d + at, <const real*>other)
            if bias_grad != NULL:
                row_sums(m, 1, d + at, bias_grad + j)
            s = kernel[j] if kernel != NULL else 1
            for i in range(m):
                t = (x[at + i] - notes[i]) * notes[m + i]
                d[at + i] = notes[m + i] * (d[at + i] * s - (row[i] + t * row_two[i]) / u)
        return
    if layer.kind == ALPHA_DROPOUT:
        alpha = <real>alpha_scale(layer)
    for j in range(units):
        at = j * m
        if layer.kind == PRELU:
            if kernel_grad != NULL:
                for i in range(m):
                    row[i] = x[at + i] if x[at + i] < 0 else 0
                kernel_grad[j] += <real>weighted_sum(m, d + at, <const real*>row)
            s = kernel[j]
            for i in range(m):
                # TensorFlow's two relus both have slope 0 at 0
                d[at + i] = d[at + i] if x[at + i] > 0 else (d[at + i] * s if x[at + i] < 0 else 0)
        elif layer.kind == RESCALING:
            s = state[layer.state + j]
            for i in range(m):
                d[at + i] = d[at + i] * s
        elif layer.kind == NORMALIZATION:
            s = state[layer.state + units + j]
            for i in range(m):
                d[at + i] = d[at + i] / s
        elif layer.kind == BATCH_NORMALIZATION:
            s = notes[j]
            t = notes[units + j]
            for i in range(m):
                row[i] = (x[at + i] - s) * t
            mean_dx = <real>weighted_sum(m, d + at, <const real*>row)
            if kernel_grad != NULL:
                kernel_grad[j] += mean_dx
            mean_d = <real>weighted_sum(m, d + at, live)
            if bias_grad != NULL:
                bias_grad[j] += mean_d
            s = kernel[j] * t if kernel != NULL else t
            mean_d = mean_d / n
            mean_dx = mean_dx / n
            if batch:
                for i in range(m):
                    d[at + i] = s * (d[at + i] - mean_d - row[i] * mean_dx) * live[i]
            else:
                for i in range(m):
                    d[at + i] = s * d[at + i]
        elif training and layer.kind == ALPHA_DROPOUT:
            for i in range(m):
                d[at + i] = alpha * (d[at + i] * notes[at + i])
        elif training and (layer.kind == DROPOUT or layer.kind == GAUSSIAN_DROPOUT):
            for i in range(m):
                d[at + i] = d[at + i] * notes[at + i]


cdef void move_statistics(Layer* layer, real* state, const real* notes) noexcept nogil:
    """Batch normalization's moving mean and variance after a training batch."""
    cdef Py_ssize_t j, units = layer.n_out
    cdef real* mean = state + layer.state
    cdef real* variance = mean + units
    cdef real momentum = <real>layer.number[0], rest = <real>(1 - layer.number[0])
    for j in range(units):
        mean[j] = mean[j] * momentum + notes[j] * rest
        variance[j] = variance[j] * momentum + notes[2 * units + j] * rest
