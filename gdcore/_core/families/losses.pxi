# Losses, and metrics that are means over rows: one row a kind in the table at the end, value and gradient side by side.
# Formulas, clipping and what happens at a kink are those of Keras on TensorFlow
# (keras/src/backend/tensorflow/nn.py, keras/src/losses/losses.py).
#
# Batches are feature-major: y[j*m + i], p[j*m + i] for unit j of row i.  A value kernel adds the loss of row i to out[i],
# which is 0 before.  A gradient kernel makes d = dL/dp, where L = sum_i g[i] * loss of row i.  p are the outputs, or the
# logits behind the last activation where `from_cached_logits`; a are the outputs.  `row`, `total` and `more` are scratch.

cdef enum:
    AVERAGES_UNITS = 1           # a row's loss is the mean over its units, not their sum
    IN_PERCENT = 2               # and times 100
    READS_LABELS = 4             # labels that are all 0 or 1, in the whole batch, stand for -1 and 1
    TAKES_LOGITS = 8             # behind a sigmoid or softmax it is taken from the logits (Keras's `_keras_logits`)
    TAKES_OUTPUTS = 16           # and partly from the outputs: its gradient goes both ways
    LINKS_SIGMOID = 32           # what it makes of logits: their sigmoid
    LINKS_SOFTMAX = 64           # or softmax
    IGNORES_CLASS = 128          # rows of one class may not count
    TAKES_CLASSES = 256          # targets are class numbers, which the core turns into one-hot rows
    WEIGHS_UNITS = 512           # each unit may have a weight
    METRIC_ONLY = 1024           # it has no gradient

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

ctypedef void (*value_f32)(const Loss*, Py_ssize_t, Py_ssize_t, const float*, const float*, const float*, float*, float*,
                           float*) noexcept nogil
ctypedef void (*value_f64)(const Loss*, Py_ssize_t, Py_ssize_t, const double*, const double*, const double*, double*,
                           double*, double*) noexcept nogil
ctypedef void (*gradient_f32)(const Loss*, Py_ssize_t, Py_ssize_t, const float*, const float*, const float*,
                              const float*, const float*, float*, float*, float*, float*) noexcept nogil
ctypedef void (*gradient_f64)(const Loss*, Py_ssize_t, Py_ssize_t, const double*, const double*, const double*,
                              const double*, const double*, double*, double*, double*, double*) noexcept nogil

cdef struct LossKind:
    int flags
    value_f32 value_single
    value_f64 value_double
    gradient_f32 gradient_single
    gradient_f64 gradient_double

cdef struct Loss:
    const LossKind* kind
    int reduction
    bint from_logits             # p are logits: the user says so, or they were looked for behind the outputs
    bint from_cached_logits      # the latter
    bint binary_labels           # of the batch at hand, where the kind reads labels
    double p[4]                  # its numbers, as the kind names them
    Py_ssize_t n_weights
    double* weights              # one for all units, or one for each


# ---- what several kinds share ------------------------------------------------------------------------------------------

cdef inline double power_of_minus_one(double y) noexcept nogil:
    return NAN if floor(y) != y else (1 if floor(y / 2) * 2 == y else -1)


cdef inline real clipped(real p) noexcept nogil:
    cdef real low = <real>1e-7, high = <real>1 - <real>1e-7
    return low if p < low else (high if p > high else p)


cdef inline bint inside(real p) noexcept nogil:
    return clipped(p) == p


cdef inline real at_least(real p, real low) noexcept nogil:
    return low if p < low else p                     # nan passes through


cdef inline real single_precision(real x) noexcept nogil:
    return <real><float>x                            # Keras makes some constants float32 whatever the type


cdef void column_sums(Py_ssize_t units, Py_ssize_t m, const real* p, real* total) noexcept nogil:
    """total[i] = sum_j p[j*m + i]"""
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += p[j * m + i]


cdef void column_squares(Py_ssize_t units, Py_ssize_t m, const real* p, real* total) noexcept nogil:
    """total[i] = sum_j p[j*m + i]^2"""
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += p[j * m + i] * p[j * m + i]


# ---- errors --------------------------------------------------------------------------------------------------------------

cdef void mean_absolute_error(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                              const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    for j in range(units):
        for i in range(m):
            out[i] += abs_(p[j * m + i] - y[j * m + i])


cdef void mean_absolute_error_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                       const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                                       real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units
    for j in range(units):
        for i in range(m):
            q = p[j * m + i] - y[j * m + i]
            t = g[i] * share
            d[j * m + i] = t if q > 0 else (-t if q < 0 else q * t)


cdef void mean_squared_error(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                             const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q
    for j in range(units):
        for i in range(m):
            q = p[j * m + i] - y[j * m + i]
            out[i] += q * q


cdef void mean_squared_error_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                      const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                                      real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real share = <real>1 / <real>units
    for j in range(units):
        for i in range(m):
            d[j * m + i] = <real>2 * (p[j * m + i] - y[j * m + i]) * (g[i] * share)


cdef void mean_absolute_percentage_error(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                         const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t
    for j in range(units):
        for i in range(m):
            t = y[j * m + i]
            out[i] += abs_((t - p[j * m + i]) / at_least(abs_(t), <real>1e-7))


cdef void mean_absolute_percentage_error_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y,
                                                  const real* p, const real* a, const real* prob, const real* g, real* d,
                                                  real* row, real* total, real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units
    for j in range(units):
        for i in range(m):
            q = p[j * m + i] - y[j * m + i]
            t = <real>100 * g[i] * share / at_least(abs_(y[j * m + i]), <real>1e-7)
            d[j * m + i] = t if q > 0 else (-t if q < 0 else q * t)


cdef void mean_squared_logarithmic_error(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                         const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q, low = single_precision(<real>1e-7)
    for j in range(units):
        for i in range(m):
            q = log_(at_least(p[j * m + i], low) + <real>1) - log_(at_least(y[j * m + i], low) + <real>1)
            out[i] += q * q


cdef void mean_squared_logarithmic_error_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y,
                                                  const real* p, const real* a, const real* prob, const real* g, real* d,
                                                  real* row, real* total, real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units, low = single_precision(<real>1e-7)
    for j in range(units):
        for i in range(m):
            q = p[j * m + i]
            t = log_(at_least(q, low) + <real>1) - log_(at_least(y[j * m + i], low) + <real>1)
            d[j * m + i] = 0 if q < low else <real>2 * t * (g[i] * share) / (q + <real>1)


cdef void huber(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a, real* out,
                real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q, delta = <real>loss.p[0]
    for j in range(units):
        for i in range(m):
            q = abs_(p[j * m + i] - y[j * m + i])
            out[i] += <real>0.5 * (q * q) if q <= delta else delta * q - <real>0.5 * (delta * delta)


cdef void huber_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a,
                         const real* prob, const real* g, real* d, real* row, real* total, real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real share = <real>1 / <real>units, delta = <real>loss.p[0]
    for j in range(units):
        for i in range(m):
            d[j * m + i] = bounded(p[j * m + i] - y[j * m + i], -delta, delta) * (g[i] * share)


cdef void log_cosh(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a,
                   real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q, t = single_precision(<real>0.6931471805599453)
    for j in range(units):
        for i in range(m):
            q = p[j * m + i] - y[j * m + i]
            out[i] += q + softplus_(-<real>2 * q) - t


cdef void log_cosh_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                            const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                            real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real share = <real>1 / <real>units
    for j in range(units):
        for i in range(m):
            d[j * m + i] = tanh_(p[j * m + i] - y[j * m + i]) * (g[i] * share)


cdef void poisson(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a,
                  real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q
    for j in range(units):
        for i in range(m):
            q = p[j * m + i]
            out[i] += q - y[j * m + i] * log_(q + <real>1e-7)


cdef void poisson_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                           const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                           real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real share = <real>1 / <real>units
    for j in range(units):
        for i in range(m):
            d[j * m + i] = (<real>1 - y[j * m + i] / (p[j * m + i] + <real>1e-7)) * (g[i] * share)


# ---- hinges, and what compares directions or distributions --------------------------------------------------------------

cdef void hinge(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a, real* out,
                real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real factor = 2 if loss.binary_labels else 1, shift = 1 if loss.binary_labels else 0
    for j in range(units):
        for i in range(m):
            out[i] += at_least(<real>1 - (y[j * m + i] * factor - shift) * p[j * m + i], <real>0)


cdef void hinge_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a,
                         const real* prob, const real* g, real* d, real* row, real* total, real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, share = <real>1 / <real>units
    cdef real factor = 2 if loss.binary_labels else 1, shift = 1 if loss.binary_labels else 0
    for j in range(units):
        for i in range(m):
            t = y[j * m + i] * factor - shift
            d[j * m + i] = -t * (g[i] * share) if <real>1 - t * p[j * m + i] >= 0 else 0


cdef void squared_hinge(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a,
                        real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real q, factor = 2 if loss.binary_labels else 1, shift = 1 if loss.binary_labels else 0
    for j in range(units):
        for i in range(m):
            q = at_least(<real>1 - (y[j * m + i] * factor - shift) * p[j * m + i], <real>0)
            out[i] += q * q


cdef void squared_hinge_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                 const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                                 real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, share = <real>1 / <real>units
    cdef real factor = 2 if loss.binary_labels else 1, shift = 1 if loss.binary_labels else 0
    for j in range(units):
        for i in range(m):
            t = y[j * m + i] * factor - shift
            d[j * m + i] = -<real>2 * t * at_least(<real>1 - t * p[j * m + i], <real>0) * (g[i] * share)


cdef void hinge_sides(Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, real* negative,
                      real* positive) noexcept nogil:
    """Of the categorical hinge: the maximum of (1 - y) p, and the sum of y p."""
    cdef Py_ssize_t i, j
    cdef real q
    for i in range(m):
        negative[i] = (<real>1 - y[i]) * p[i]
        positive[i] = y[i] * p[i]
    for j in range(1, units):
        for i in range(m):
            q = (<real>1 - y[j * m + i]) * p[j * m + i]
            negative[i] = q if q > negative[i] else negative[i]
            positive[i] += y[j * m + i] * p[j * m + i]


cdef void categorical_hinge(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                            const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i
    hinge_sides(units, m, y, p, row, total)
    for i in range(m):
        out[i] = at_least(row[i] - total[i] + <real>1, <real>0)


cdef void categorical_hinge_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                     const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                                     real* more) noexcept nogil:
    # the maximum's share goes in equal parts to all that reach it
    cdef Py_ssize_t i, j
    cdef real t, q
    hinge_sides(units, m, y, p, row, total)
    for i in range(m):
        total[i] = g[i] if row[i] - total[i] + <real>1 >= 0 else 0
        more[i] = 0
    for j in range(units):
        for i in range(m):
            more[i] += <real>1 if (<real>1 - y[j * m + i]) * p[j * m + i] == row[i] else 0
    for j in range(units):
        for i in range(m):
            t = <real>1 - y[j * m + i]
            q = t / more[i] if t * p[j * m + i] == row[i] else 0
            d[j * m + i] = (q - y[j * m + i]) * total[i]


cdef inline real inverse_norm(real squares) noexcept nogil:
    cdef real s = <real>1 / root(squares)
    return <real>1e7 if s > <real>1e7 else s


cdef void inverse_norms(Py_ssize_t units, Py_ssize_t m, const real* p, real* out) noexcept nogil:
    """out[i] = 1 / |p_i|, not beyond 1e7"""
    cdef Py_ssize_t i
    column_squares(units, m, p, out)
    for i in range(m):
        out[i] = inverse_norm(out[i])


cdef void cosine_similarity(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                            const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    inverse_norms(units, m, p, row)
    inverse_norms(units, m, y, total)
    for j in range(units):
        for i in range(m):
            out[i] -= (y[j * m + i] * total[i]) * (p[j * m + i] * row[i])


cdef void cosine_similarity_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                     const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                                     real* more) noexcept nogil:
    # with s = 1/|p|, which is not let beyond 1e7:  dL/dp = -s (y/|y|) + s^3 (p . y/|y|) p
    cdef Py_ssize_t i, j
    inverse_norms(units, m, p, row)
    inverse_norms(units, m, y, total)
    for i in range(m):
        more[i] = 0
    for j in range(units):
        for i in range(m):
            more[i] += (y[j * m + i] * total[i]) * (p[j * m + i] * row[i])
    for i in range(m):
        more[i] = more[i] * row[i] if row[i] < <real>1e7 else 0
    for j in range(units):
        for i in range(m):
            d[j * m + i] = (more[i] * (p[j * m + i] * row[i]) - y[j * m + i] * total[i] * row[i]) * g[i]


cdef void kl_divergence(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a,
                        real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t
    for j in range(units):
        for i in range(m):
            t = bounded(y[j * m + i], <real>1e-7, <real>1)
            out[i] += t * log_(t / bounded(p[j * m + i], <real>1e-7, <real>1))


cdef void kl_divergence_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                 const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                                 real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q
    for j in range(units):
        for i in range(m):
            q = p[j * m + i]
            t = bounded(y[j * m + i], <real>1e-7, <real>1)
            d[j * m + i] = -(t / q) * g[i] if q >= <real>1e-7 and q <= 1 else 0


# ---- cross-entropies: label smoothing is y * kept + added, the same y where there is none -----------------------------------

cdef inline real kept_label(const Loss* loss, real only_for_its_type) noexcept nogil:
    return <real>(1 - loss.p[0])


cdef inline real added_to_two(const Loss* loss, real only_for_its_type) noexcept nogil:
    return <real>loss.p[0] * <real>0.5


cdef inline real added_to_units(const Loss* loss, Py_ssize_t units, real only_for_its_type) noexcept nogil:
    return <real>loss.p[0] / <real>units


cdef inline real binary_from_logit(real z, real t) noexcept nogil:
    return at_least(z, <real>0) - z * t + log1p_(exp_(-abs_(z)))


cdef inline real binary_from_chance(real p, real t) noexcept nogil:
    cdef real q = clipped(p)
    return -(t * log_(q) + (<real>1 - t) * log_(<real>1 - q))


cdef void soften(Py_ssize_t units, Py_ssize_t m, const real* p, real* row, real* total) noexcept nogil:
    """What makes logits a softmax: row their maximum, total = sum_j exp(p[j*m + i] - row)."""
    cdef Py_ssize_t i, j
    for i in range(m):
        row[i] = p[i]
        total[i] = 0
    for j in range(1, units):
        for i in range(m):
            row[i] = p[j * m + i] if p[j * m + i] > row[i] else row[i]
    for j in range(units):
        for i in range(m):
            total[i] += exp_(p[j * m + i] - row[i])


cdef void clipped_sums(Py_ssize_t units, Py_ssize_t m, const real* p, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += clipped(p[j * m + i])


cdef void binary_crossentropy(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                              const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real keep = kept_label(loss, <real>0), add = added_to_two(loss, <real>0)
    if loss.from_logits:
        for j in range(units):
            for i in range(m):
                out[i] += binary_from_logit(p[j * m + i], (y[j * m + i] * keep + add))
    else:
        for j in range(units):
            for i in range(m):
                out[i] += binary_from_chance(p[j * m + i], (y[j * m + i] * keep + add))


cdef void binary_crossentropy_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                       const real* a, const real* prob, const real* g, real* d, real* row, real* total,
                                       real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units
    cdef real keep = kept_label(loss, <real>0), add = added_to_two(loss, <real>0)
    if loss.from_logits:
        if prob == NULL:
            map_sigmoid(units * m, p, d)
            prob = d
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (prob[j * m + i] - (y[j * m + i] * keep + add)) * (g[i] * share)
    else:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = clipped(p[j * m + i])
                d[j * m + i] = ((<real>1 - t) / (<real>1 - q) - t / q) * (g[i] * share) if inside(p[j * m + i]) else 0


cdef void entropy_from_logits(Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, real keep,
                              real add, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    soften(units, m, p, row, total)
    for i in range(m):
        total[i] = log_(total[i])
    for j in range(units):
        for i in range(m):
            out[i] += (y[j * m + i] * keep + add) * (total[i] - (p[j * m + i] - row[i]))


cdef void entropy_from_logits_gradient(Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* prob,
                                       real keep, real add, const real* g, real* d, real* row,
                                       real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    if prob == NULL:
        softmax(NULL, units, m, p, d, row, total)
        prob = d
    for j in range(units):
        for i in range(m):
            d[j * m + i] = (prob[j * m + i] - (y[j * m + i] * keep + add)) * g[i]


cdef void categorical_crossentropy(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                   const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real keep = kept_label(loss, <real>0), add = added_to_units(loss, units, <real>0)
    if loss.from_logits:
        entropy_from_logits(units, m, y, p, keep, add, out, row, total)
        return
    column_sums(units, m, p, total)
    for j in range(units):
        for i in range(m):
            out[i] -= (y[j * m + i] * keep + add) * log_(clipped(p[j * m + i] / total[i]))


cdef void categorical_crossentropy_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y,
                                            const real* p, const real* a, const real* prob, const real* g, real* d,
                                            real* row, real* total, real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, keep = kept_label(loss, <real>0), add = added_to_units(loss, units, <real>0)
    if loss.from_logits:
        entropy_from_logits_gradient(units, m, y, p, prob, keep, add, g, d, row, total)
        return
    # q = p/S with S = sum p:  dL/dp_j = (dL/dq_j - sum_k dL/dq_k q_k) / S
    column_sums(units, m, p, total)
    for i in range(m):
        row[i] = 0
    for j in range(units):
        for i in range(m):
            q = p[j * m + i] / total[i]
            t = -(y[j * m + i] * keep + add) / q * g[i]
            t = t if inside(q) else 0
            d[j * m + i] = t
            row[i] += t * q
    for j in range(units):
        for i in range(m):
            d[j * m + i] = (d[j * m + i] - row[i]) / total[i]


cdef void sparse_categorical_crossentropy(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                          const real* a, real* out, real* row, real* total) noexcept nogil:
    # Keras takes the logarithm of the clipped probabilities for logits: they are normalised by their sum
    cdef Py_ssize_t i, j
    if loss.from_logits:
        entropy_from_logits(units, m, y, p, <real>1, <real>0, out, row, total)
        return
    clipped_sums(units, m, p, total)
    for j in range(units):
        for i in range(m):
            out[i] -= y[j * m + i] * (log_(clipped(p[j * m + i])) - log_(total[i]))


cdef void sparse_categorical_crossentropy_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y,
                                                   const real* p, const real* a, const real* prob, const real* g,
                                                   real* d, real* row, real* total, real* more) noexcept nogil:
    # softmax of the logarithm of the clipped probabilities: their share of the sum
    cdef Py_ssize_t i, j
    cdef real q
    if loss.from_logits:
        entropy_from_logits_gradient(units, m, y, p, prob, <real>1, <real>0, g, d, row, total)
        return
    clipped_sums(units, m, p, total)
    for j in range(units):
        for i in range(m):
            q = p[j * m + i]
            d[j * m + i] = (q / total[i] - y[j * m + i]) / q * g[i] if inside(q) else 0


# ---- focal cross-entropies (Lin et al., ICCV 2017) --------------------------------------------------------------------------

cdef inline real missed(real p, real t) noexcept nogil:
    return <real>1 - (t * p + (<real>1 - t) * (<real>1 - p))        # in Keras's order: 1 - (1 - p) has lost digits


cdef inline real missed_slope(real p, real t, double gamma, double sign) noexcept nogil:
    """d(missed^gamma)/dp; the two terms apart make the nan that Keras has where the power is infinite."""
    cdef real slope = <real>gamma * to_power(missed(p, t), gamma - 1, sign)
    return (<real>1 - t) * slope - t * slope


cdef inline real class_weight(bint balanced, real alpha, real t) noexcept nogil:
    cdef real weight = t * alpha + (<real>1 - t) * (<real>1 - alpha)
    return weight if balanced else <real>1


cdef void binary_focal_crossentropy(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                    const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, keep = kept_label(loss, <real>0), add = added_to_two(loss, <real>0), alpha = <real>loss.p[2]
    cdef double gamma = loss.p[1], sign = power_of_minus_one(gamma)
    cdef bint behind = loss.from_cached_logits, balanced = loss.p[3] != 0
    if loss.from_logits:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = sigmoid_(p[j * m + i])
                q = a[j * m + i] if behind else q
                q = to_power(missed(q, t), gamma, sign) * binary_from_logit(p[j * m + i], t)
                out[i] += class_weight(balanced, alpha, t) * q
    else:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = p[j * m + i]
                q = to_power(missed(q, t), gamma, sign) * binary_from_chance(q, t)
                out[i] += class_weight(balanced, alpha, t) * q


cdef void binary_focal_crossentropy_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y,
                                             const real* p, const real* a, const real* prob, const real* g, real* d,
                                             real* row, real* total, real* more) noexcept nogil:
    """The derivative of (1 - p_t)^gamma times the cross-entropy plus the other way round; behind a last activation only
    the former, for that goes through the outputs (see `focal_logits_gradient`)."""
    cdef Py_ssize_t i, j
    cdef real t, q, s, share = <real>1 / <real>units
    cdef real keep = kept_label(loss, <real>0), add = added_to_two(loss, <real>0), alpha = <real>loss.p[2]
    cdef double gamma = loss.p[1], sign = power_of_minus_one(gamma), slope_sign = power_of_minus_one(gamma - 1)
    cdef bint balanced = loss.p[3] != 0
    if loss.from_cached_logits:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = binary_from_logit(p[j * m + i], t) * missed_slope(a[j * m + i], t, gamma, slope_sign)
                d[j * m + i] = q * class_weight(balanced, alpha, t) * (g[i] * share)
    elif loss.from_logits:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                s = sigmoid_(p[j * m + i])
                q = binary_from_logit(p[j * m + i], t) * missed_slope(s, t, gamma, slope_sign) * (s * (<real>1 - s))
                q += to_power(missed(s, t), gamma, sign) * (s - t)
                d[j * m + i] = q * class_weight(balanced, alpha, t) * (g[i] * share)
    else:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = p[j * m + i]
                s = clipped(q)
                s = (<real>1 - t) / (<real>1 - s) - t / s
                s = s if inside(q) else 0
                s = s * to_power(missed(q, t), gamma, sign)
                s += binary_from_chance(q, t) * missed_slope(q, t, gamma, slope_sign)
                d[j * m + i] = s * class_weight(balanced, alpha, t) * (g[i] * share)


cdef void add_focal_logits_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* a,
                                    const real* z, const real* g, real* d) noexcept nogil:
    """d += what the binary focal loss owes to the logits z that its cross-entropy is taken from, not by way of a."""
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units, alpha = <real>loss.p[2]
    cdef real keep = kept_label(loss, <real>0), add = added_to_two(loss, <real>0)
    cdef double gamma = loss.p[1], sign = power_of_minus_one(gamma)
    cdef bint balanced = loss.p[3] != 0
    for j in range(units):
        for i in range(m):
            t = y[j * m + i] * keep + add
            q = to_power(missed(a[j * m + i], t), gamma, sign) * (sigmoid_(z[j * m + i]) - t)
            d[j * m + i] += q * class_weight(balanced, alpha, t) * (g[i] * share)


cdef inline double unit_weight(const Loss* loss, Py_ssize_t j) noexcept nogil:
    return loss.weights[j if loss.n_weights > 1 else 0]


cdef inline real focal_slope(real q, real t, real alpha, double gamma) noexcept nogil:
    """d(-alpha t (1 - q)^gamma log q)/dq, 0 outside of the clipping."""
    cdef real c = clipped(q)
    cdef real slope = alpha * t * to_power(<real>1 - c, gamma - 1, NAN) * (<real>gamma * log_(c) - (<real>1 - c) / c)
    return slope if inside(q) else 0


cdef void categorical_focal_crossentropy(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                                         const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, alpha, keep = kept_label(loss, <real>0), add = added_to_units(loss, units, <real>0)
    cdef double gamma = loss.p[1]
    if loss.from_logits:
        soften(units, m, p, row, total)
    else:
        column_sums(units, m, p, total)
    for j in range(units):
        alpha = <real>unit_weight(loss, j)
        if loss.from_logits:
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = clipped(exp_(p[j * m + i] - row[i]) / total[i])
                out[i] -= to_power(<real>1 - q, gamma, NAN) * alpha * (t * log_(q))
        else:
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = clipped(p[j * m + i] / total[i])
                out[i] -= to_power(<real>1 - q, gamma, NAN) * alpha * (t * log_(q))


cdef void categorical_focal_crossentropy_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y,
                                                  const real* p, const real* a, const real* prob, const real* g, real* d,
                                                  real* row, real* total, real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, alpha, keep = kept_label(loss, <real>0), add = added_to_units(loss, units, <real>0)
    cdef double gamma = loss.p[1]
    if loss.from_logits:
        # q = softmax(p):  dL/dp_j = q_j (dL/dq_j - sum_k dL/dq_k q_k)
        softmax(NULL, units, m, p, d, row, total)
        for i in range(m):
            total[i] = 0
        for j in range(units):
            alpha = <real>unit_weight(loss, j)
            for i in range(m):
                q = d[j * m + i]
                total[i] += focal_slope(q, y[j * m + i] * keep + add, alpha, gamma) * q
        for j in range(units):
            alpha = <real>unit_weight(loss, j)
            for i in range(m):
                q = d[j * m + i]
                d[j * m + i] = q * (focal_slope(q, y[j * m + i] * keep + add, alpha, gamma) - total[i]) * g[i]
        return
    # q = p/S with S = sum p:  dL/dp_j = (dL/dq_j - sum_k dL/dq_k q_k) / S
    column_sums(units, m, p, total)
    for i in range(m):
        row[i] = 0
    for j in range(units):
        alpha = <real>unit_weight(loss, j)
        for i in range(m):
            q = p[j * m + i] / total[i]
            t = focal_slope(q, y[j * m + i] * keep + add, alpha, gamma) * g[i]
            d[j * m + i] = t
            row[i] += t * q
    for j in range(units):
        for i in range(m):
            d[j * m + i] = (d[j * m + i] - row[i]) / total[i]


# ---- metrics only --------------------------------------------------------------------------------------------------------

cdef void binary_accuracy(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p, const real* a,
                          real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real cut = <real>loss.p[0]
    for j in range(units):
        for i in range(m):
            out[i] += <real>1 if y[j * m + i] == (1 if p[j * m + i] > cut else 0) else 0


cdef void categorical_accuracy(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                               const real* a, real* out, real* row, real* total) noexcept nogil:
    cdef Py_ssize_t i, j, best, target
    for i in range(m):
        best = target = 0
        for j in range(1, units):
            if p[j * m + i] > p[best * m + i]:
                best = j
            if y[j * m + i] > y[target * m + i]:
                target = j
        out[i] = 1 if best == target else 0


# ---- a loss of a batch ------------------------------------------------------------------------------------------------------

cdef inline bint ignores_class(const Loss* loss) noexcept nogil:
    return loss.kind.flags & IGNORES_CLASS and loss.p[0] == loss.p[0]


cdef void rows_that_count(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, real* counts) noexcept nogil:
    """counts[i] = 0 where the class of row i, one-hot in y, is the ignored one or none at all, else 1."""
    cdef Py_ssize_t i, ignored = <Py_ssize_t>loss.p[0]
    column_sums(units, m, y, counts)
    if 0 <= ignored < units:
        for i in range(m):
            counts[i] -= y[ignored * m + i]


cdef void loss_by_row(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* a, const real* z,
                      real* out, real* row, real* total) noexcept nogil:
    """out[i] = the loss (or metric) of row i with outputs a; z, for cached logits, is what entered the activation."""
    cdef Py_ssize_t i
    cdef const real* p = z if loss.from_cached_logits else a
    for i in range(m):
        out[i] = 0
    if real is float:
        loss.kind.value_single(loss, units, m, y, p, a, out, row, total)
    else:
        loss.kind.value_double(loss, units, m, y, p, a, out, row, total)
    if units > 1 and loss.kind.flags & AVERAGES_UNITS:
        for i in range(m):
            out[i] = out[i] / units
    if loss.kind.flags & IN_PERCENT:
        for i in range(m):
            out[i] = <real>100 * out[i]
    if ignores_class(loss):
        rows_that_count(loss, units, m, y, total)
        for i in range(m):
            out[i] = out[i] if total[i] > 0 else 0


cdef void loss_gradient(const Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* a, const real* z,
                        const real* prob, const real* g, real* d, real* row, real* total, real* more) noexcept nogil:
    """d = dL/da, where L = sum_i g[i] * loss of row i; dL/dz instead where it is taken from cached logits alone.

    prob, unless NULL, is the sigmoid or softmax of the logits that a cross-entropy is taken from.
    """
    cdef Py_ssize_t i, j
    cdef const real* p = z if loss.from_cached_logits else a
    if real is float:
        loss.kind.gradient_single(loss, units, m, y, p, a, prob, g, d, row, total, more)
    else:
        loss.kind.gradient_double(loss, units, m, y, p, a, prob, g, d, row, total, more)
    if ignores_class(loss):
        rows_that_count(loss, units, m, y, total)
        for j in range(units):
            for i in range(m):
                d[j * m + i] = d[j * m + i] if total[i] > 0 else 0


# ---- the table ----------------------------------------------------------------------------------------------------------

METRICS = {}
LOSSES = {}
cdef LossKind loss_kinds[32]


cdef int add_loss(str name, tuple parameters, int flags, value_f32 single, value_f64 double_, gradient_f32 single_gradient,
                  gradient_f64 double_gradient) except -1:
    cdef LossKind* kind = &loss_kinds[new_index(METRICS, 32)]
    kind.flags = flags
    kind.value_single, kind.value_double = single, double_
    kind.gradient_single, kind.gradient_double = single_gradient, double_gradient
    METRICS[name] = Kind(name, len(METRICS), parameters)
    if not flags & METRIC_ONLY:
        LOSSES[name] = METRICS[name]
    return 0


add_loss("mean_absolute_error", (), AVERAGES_UNITS, mean_absolute_error[float], mean_absolute_error[double],
         mean_absolute_error_gradient[float], mean_absolute_error_gradient[double])
add_loss("mean_squared_error", (), AVERAGES_UNITS, mean_squared_error[float], mean_squared_error[double],
         mean_squared_error_gradient[float], mean_squared_error_gradient[double])
add_loss("mean_absolute_percentage_error", (), AVERAGES_UNITS | IN_PERCENT, mean_absolute_percentage_error[float],
         mean_absolute_percentage_error[double], mean_absolute_percentage_error_gradient[float],
         mean_absolute_percentage_error_gradient[double])
add_loss("mean_squared_logarithmic_error", (), AVERAGES_UNITS, mean_squared_logarithmic_error[float],
         mean_squared_logarithmic_error[double], mean_squared_logarithmic_error_gradient[float],
         mean_squared_logarithmic_error_gradient[double])
add_loss("huber", ("delta",), AVERAGES_UNITS, huber[float], huber[double], huber_gradient[float],
         huber_gradient[double])
add_loss("log_cosh", (), AVERAGES_UNITS, log_cosh[float], log_cosh[double], log_cosh_gradient[float],
         log_cosh_gradient[double])
add_loss("poisson", (), AVERAGES_UNITS, poisson[float], poisson[double], poisson_gradient[float],
         poisson_gradient[double])
add_loss("hinge", (), AVERAGES_UNITS | READS_LABELS, hinge[float], hinge[double], hinge_gradient[float],
         hinge_gradient[double])
add_loss("squared_hinge", (), AVERAGES_UNITS | READS_LABELS, squared_hinge[float], squared_hinge[double],
         squared_hinge_gradient[float], squared_hinge_gradient[double])
add_loss("categorical_hinge", (), 0, categorical_hinge[float], categorical_hinge[double],
         categorical_hinge_gradient[float], categorical_hinge_gradient[double])
add_loss("cosine_similarity", (), 0, cosine_similarity[float], cosine_similarity[double],
         cosine_similarity_gradient[float], cosine_similarity_gradient[double])
add_loss("kl_divergence", (), 0, kl_divergence[float], kl_divergence[double], kl_divergence_gradient[float],
         kl_divergence_gradient[double])
add_loss("binary_crossentropy", ("label_smoothing",), AVERAGES_UNITS | TAKES_LOGITS | LINKS_SIGMOID,
         binary_crossentropy[float], binary_crossentropy[double], binary_crossentropy_gradient[float],
         binary_crossentropy_gradient[double])
add_loss("binary_focal_crossentropy", ("label_smoothing", "gamma", "alpha", "apply_class_balancing"),
         AVERAGES_UNITS | TAKES_LOGITS | TAKES_OUTPUTS, binary_focal_crossentropy[float],
         binary_focal_crossentropy[double], binary_focal_crossentropy_gradient[float],
         binary_focal_crossentropy_gradient[double])
add_loss("categorical_crossentropy", ("label_smoothing",), TAKES_LOGITS | LINKS_SOFTMAX, categorical_crossentropy[float],
         categorical_crossentropy[double], categorical_crossentropy_gradient[float],
         categorical_crossentropy_gradient[double])
add_loss("categorical_focal_crossentropy", ("label_smoothing", "gamma"), WEIGHS_UNITS,
         categorical_focal_crossentropy[float], categorical_focal_crossentropy[double],
         categorical_focal_crossentropy_gradient[float], categorical_focal_crossentropy_gradient[double])
# nan: no class is ignored
add_loss("sparse_categorical_crossentropy", ("ignore_class",),
         TAKES_LOGITS | LINKS_SOFTMAX | IGNORES_CLASS | TAKES_CLASSES, sparse_categorical_crossentropy[float],
         sparse_categorical_crossentropy[double], sparse_categorical_crossentropy_gradient[float],
         sparse_categorical_crossentropy_gradient[double])
add_loss("binary_accuracy", ("threshold",), AVERAGES_UNITS | METRIC_ONLY, binary_accuracy[float],
         binary_accuracy[double], <gradient_f32>NULL, <gradient_f64>NULL)
add_loss("categorical_accuracy", (), METRIC_ONLY, categorical_accuracy[float], categorical_accuracy[double],
         <gradient_f32>NULL, <gradient_f64>NULL)


cdef int fill_loss(Loss* loss, spec, Py_ssize_t units) except -1:
    """Make the struct of a `LossSpec` for so many outputs; `free_loss` gives back its memory."""
    cdef Py_ssize_t i
    memset(loss, 0, sizeof(Loss))
    kind = row_of(METRICS, "loss", spec)
    loss.kind = &loss_kinds[<Py_ssize_t>kind.row]
    for i, value in enumerate(parameters_of(kind, spec)):
        loss.p[i] = value
    if spec.reduction not in REDUCTIONS:
        raise ValueError(f"reduction={spec.reduction!r} leaves a loss for each sample, but a model needs one number: "
                         f"expected one of {', '.join(map(repr, REDUCTIONS))}")
    loss.reduction = REDUCTIONS[spec.reduction]
    loss.from_logits = spec.from_logits
    if loss.kind.flags & WEIGHS_UNITS:
        loss.n_weights = len(spec.weights)
        if loss.n_weights != 1 and loss.n_weights != units:
            raise ValueError(f"alpha has {loss.n_weights} values, expected one, or one for each of {units} outputs")
        loss.weights = <double*>gd_alloc(loss.n_weights * sizeof(double))
        if loss.weights == NULL:
            raise MemoryError("no memory for a loss's weights")
        for i in range(loss.n_weights):
            loss.weights[i] = spec.weights[i]
    return 0


cdef void free_loss(Loss* loss) noexcept:
    gd_free(loss.weights)
    loss.weights = NULL


cdef void look_behind(Loss* loss, const Activation* last) noexcept nogil:
    """Take the loss from the logits behind a last activation where Keras on TensorFlow does (its `_keras_logits`)."""
    if (last.kind.flags & (IS_SIGMOID | IS_SOFTMAX) and loss.kind.flags & TAKES_LOGITS
            and not (loss.kind.flags & TAKES_OUTPUTS and loss.from_logits)):
        loss.from_cached_logits = loss.from_logits = True


cdef inline bint outputs_are_linked(const Loss* loss, const Activation* last) noexcept nogil:
    """Whether what a cross-entropy makes of cached logits is the layer's own output: not where their kinds are crossed."""
    return loss.from_cached_logits and (
        (loss.kind.flags & LINKS_SIGMOID and last.kind.flags & IS_SIGMOID)
        or (loss.kind.flags & LINKS_SOFTMAX and last.kind.flags & IS_SOFTMAX))
