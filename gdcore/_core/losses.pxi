# Losses and metrics of a feature-major batch: y[j*m + i], p[j*m + i] for unit j of row i.
# The value and the gradient of a loss stand side by side; formulas and clipping are those of Keras on
# TensorFlow (keras/src/backend/tensorflow/nn.py, keras/src/losses/losses.py).

cdef enum:
    MEAN_ABSOLUTE_ERROR
    MEAN_SQUARED_ERROR
    BINARY_CROSSENTROPY
    CATEGORICAL_CROSSENTROPY
    SPARSE_CATEGORICAL_CROSSENTROPY
    # metrics only
    BINARY_ACCURACY
    CATEGORICAL_ACCURACY

LOSSES = {
    "mean_absolute_error": MEAN_ABSOLUTE_ERROR,
    "mean_squared_error": MEAN_SQUARED_ERROR,
    "binary_crossentropy": BINARY_CROSSENTROPY,
    "categorical_crossentropy": CATEGORICAL_CROSSENTROPY,
    "sparse_categorical_crossentropy": SPARSE_CATEGORICAL_CROSSENTROPY,
}
METRICS = {**LOSSES, "binary_accuracy": BINARY_ACCURACY, "categorical_accuracy": CATEGORICAL_ACCURACY}

cdef enum:
    SUM_OVER_BATCH_SIZE
    SUM
    MEAN_WITH_SAMPLE_WEIGHT

REDUCTIONS = {
    "sum_over_batch_size": SUM_OVER_BATCH_SIZE,
    "mean": SUM_OVER_BATCH_SIZE,
    "sum": SUM,
    "mean_with_sample_weight": MEAN_WITH_SAMPLE_WEIGHT,
}

cdef struct Loss:
    int kind
    int reduction
    bint from_logits
    double parameter         # label smoothing; a metric's threshold


cdef inline bint is_crossentropy(int kind) noexcept nogil:
    return (kind == BINARY_CROSSENTROPY or kind == CATEGORICAL_CROSSENTROPY
            or kind == SPARSE_CATEGORICAL_CROSSENTROPY)


cdef inline real clipped(real p) noexcept nogil:
    cdef real low = <real>1e-7, high = 1 - <real>1e-7
    return low if p < low else (high if p > high else p)


cdef inline bint inside(real p) noexcept nogil:
    cdef real low = <real>1e-7, high = 1 - <real>1e-7
    return p >= low and p <= high


cdef inline real smooth(Loss* loss, Py_ssize_t units, real y) noexcept nogil:
    cdef real s = <real>loss.parameter
    cdef real share
    if s == 0:
        return y
    share = <real>0.5 if loss.kind == BINARY_CROSSENTROPY else 1 / <real>units
    return y * (1 - s) + s * share


cdef void per_sample(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, real* out,
                     real* top, real* total) noexcept nogil:
    """out[i] = the loss (or metric) of row i; p holds logits where loss.from_logits."""
    cdef Py_ssize_t i, j, best, target
    cdef real t, q, threshold
    for i in range(m):
        out[i] = 0
    if loss.kind == MEAN_ABSOLUTE_ERROR:
        for j in range(units):
            for i in range(m):
                out[i] += abs_(p[j * m + i] - y[j * m + i])
    elif loss.kind == MEAN_SQUARED_ERROR:
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] - y[j * m + i]
                out[i] += q * q
    elif loss.kind == BINARY_CROSSENTROPY and loss.from_logits:
        for j in range(units):
            for i in range(m):
                t = smooth(loss, units, y[j * m + i])
                q = p[j * m + i]
                out[i] += (q if q > 0 else (0 if q <= 0 else q)) - q * t + log1p_(exp_(-abs_(q)))
    elif loss.kind == BINARY_CROSSENTROPY:
        for j in range(units):
            for i in range(m):
                t = smooth(loss, units, y[j * m + i])
                q = clipped(p[j * m + i])
                out[i] -= t * log_(q) + (1 - t) * log_(1 - q)
    elif loss.from_logits and (loss.kind == CATEGORICAL_CROSSENTROPY
                               or loss.kind == SPARSE_CATEGORICAL_CROSSENTROPY):
        for i in range(m):
            top[i] = p[i]
            total[i] = 0
        for j in range(1, units):
            for i in range(m):
                top[i] = p[j * m + i] if p[j * m + i] > top[i] else top[i]
        for j in range(units):
            for i in range(m):
                total[i] += exp_(p[j * m + i] - top[i])
        for i in range(m):
            total[i] = log_(total[i])
        for j in range(units):
            for i in range(m):
                out[i] += smooth(loss, units, y[j * m + i]) * (total[i] - (p[j * m + i] - top[i]))
    elif loss.kind == CATEGORICAL_CROSSENTROPY:
        for i in range(m):
            total[i] = 0
        for j in range(units):
            for i in range(m):
                total[i] += p[j * m + i]
        for j in range(units):
            for i in range(m):
                out[i] -= smooth(loss, units, y[j * m + i]) * log_(clipped(p[j * m + i] / total[i]))
    elif loss.kind == SPARSE_CATEGORICAL_CROSSENTROPY:
        # Keras takes the logarithm of the clipped probabilities for logits: they are normalised by their sum
        for i in range(m):
            total[i] = 0
        for j in range(units):
            for i in range(m):
                total[i] += clipped(p[j * m + i])
        for j in range(units):
            for i in range(m):
                out[i] -= y[j * m + i] * (log_(clipped(p[j * m + i])) - log_(total[i]))
    elif loss.kind == BINARY_ACCURACY:
        threshold = <real>loss.parameter
        for j in range(units):
            for i in range(m):
                out[i] += 1 if y[j * m + i] == (1 if p[j * m + i] > threshold else 0) else 0
    elif loss.kind == CATEGORICAL_ACCURACY:
        for i in range(m):
            best = target = 0
            for j in range(1, units):
                if p[j * m + i] > p[best * m + i]:
                    best = j
                if y[j * m + i] > y[target * m + i]:
                    target = j
            out[i] = 1 if best == target else 0
    if units > 1 and (loss.kind == MEAN_ABSOLUTE_ERROR or loss.kind == MEAN_SQUARED_ERROR
                      or loss.kind == BINARY_CROSSENTROPY or loss.kind == BINARY_ACCURACY):
        for i in range(m):
            out[i] = out[i] / units


cdef void loss_gradient(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                        const real* prob, const real* g, real* d, real* top, real* total) noexcept nogil:
    """d = dL/dp, where L = sum_i g[i] * loss of row i.

    Where loss.from_logits, p and d belong to the logits; prob, unless NULL, is their sigmoid or softmax.
    """
    cdef Py_ssize_t i, j
    cdef real t, q
    cdef real share = 1 / <real>units
    if loss.kind == MEAN_ABSOLUTE_ERROR:
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] - y[j * m + i]
                t = g[i] * share
                d[j * m + i] = t if q > 0 else (-t if q < 0 else q * t)
    elif loss.kind == MEAN_SQUARED_ERROR:
        for j in range(units):
            for i in range(m):
                d[j * m + i] = 2 * (p[j * m + i] - y[j * m + i]) * (g[i] * share)
    elif loss.kind == BINARY_CROSSENTROPY and loss.from_logits:
        if prob == NULL:
            activate(SIGMOID, NULL, units, m, p, d, top, total)
            prob = d
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (prob[j * m + i] - smooth(loss, units, y[j * m + i])) * (g[i] * share)
    elif loss.kind == BINARY_CROSSENTROPY:
        for j in range(units):
            for i in range(m):
                t = smooth(loss, units, y[j * m + i])
                q = clipped(p[j * m + i])
                d[j * m + i] = ((1 - t) / (1 - q) - t / q) * (g[i] * share) if inside(p[j * m + i]) else 0
    elif loss.from_logits:
        if prob == NULL:
            softmax(units, m, p, d, top, total)
            prob = d
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (prob[j * m + i] - smooth(loss, units, y[j * m + i])) * g[i]
    elif loss.kind == CATEGORICAL_CROSSENTROPY:
        # q = p/S with S = sum p:  dL/dp_j = (dL/dq_j - sum_k dL/dq_k q_k) / S
        for i in range(m):
            total[i] = 0
            top[i] = 0
        for j in range(units):
            for i in range(m):
                total[i] += p[j * m + i]
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] / total[i]
                d[j * m + i] = -smooth(loss, units, y[j * m + i]) / q * g[i] if inside(q) else 0
                top[i] += d[j * m + i] * q
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (d[j * m + i] - top[i]) / total[i]
    else:
        # softmax of the logarithm of the clipped probabilities: their share of the sum
        for i in range(m):
            total[i] = 0
        for j in range(units):
            for i in range(m):
                total[i] += clipped(p[j * m + i])
        for j in range(units):
            for i in range(m):
                q = p[j * m + i]
                d[j * m + i] = (q / total[i] - y[j * m + i]) / q * g[i] if inside(q) else 0
