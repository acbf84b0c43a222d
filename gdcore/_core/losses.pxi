# Losses and metrics of a feature-major batch: y[j*m + i], p[j*m + i] for unit j of row i.
# The value and the gradient of a loss stand side by side; formulas, clipping and what happens at a kink are
# those of Keras on TensorFlow (keras/src/backend/tensorflow/nn.py, keras/src/losses/losses.py).

cdef extern from "kernels.h" nogil:
    float gd_tanhf(float)
    double gd_tanh(double)
    float gd_softplusf(float)
    double gd_softplus(double)
    float gd_powf(float, double, double)
    double gd_pow(double, double, double)

cdef extern from "<math.h>" nogil:
    double floor(double)
    double NAN

cdef enum:
    MEAN_ABSOLUTE_ERROR
    MEAN_SQUARED_ERROR
    MEAN_ABSOLUTE_PERCENTAGE_ERROR
    MEAN_SQUARED_LOGARITHMIC_ERROR
    HUBER
    LOG_COSH
    POISSON
    HINGE
    SQUARED_HINGE
    BINARY_CROSSENTROPY
    BINARY_FOCAL_CROSSENTROPY
    # metrics only
    BINARY_ACCURACY
    # from here on the units are not averaged
    CATEGORICAL_ACCURACY
    CATEGORICAL_CROSSENTROPY
    CATEGORICAL_FOCAL_CROSSENTROPY
    SPARSE_CATEGORICAL_CROSSENTROPY
    CATEGORICAL_HINGE
    COSINE_SIMILARITY
    KL_DIVERGENCE

LOSSES = {
    "mean_absolute_error": MEAN_ABSOLUTE_ERROR,
    "mean_squared_error": MEAN_SQUARED_ERROR,
    "mean_absolute_percentage_error": MEAN_ABSOLUTE_PERCENTAGE_ERROR,
    "mean_squared_logarithmic_error": MEAN_SQUARED_LOGARITHMIC_ERROR,
    "huber": HUBER,
    "log_cosh": LOG_COSH,
    "poisson": POISSON,
    "hinge": HINGE,
    "squared_hinge": SQUARED_HINGE,
    "categorical_hinge": CATEGORICAL_HINGE,
    "cosine_similarity": COSINE_SIMILARITY,
    "kl_divergence": KL_DIVERGENCE,
    "binary_crossentropy": BINARY_CROSSENTROPY,
    "binary_focal_crossentropy": BINARY_FOCAL_CROSSENTROPY,
    "categorical_crossentropy": CATEGORICAL_CROSSENTROPY,
    "categorical_focal_crossentropy": CATEGORICAL_FOCAL_CROSSENTROPY,
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

# What stands in Loss.params; at least LEAST_PARAMS are there, 0 where the spec gave none.
cdef enum:
    DELTA = 0                # huber
    CUT = 0                  # binary accuracy: its threshold
    SMOOTHING = 0            # all cross-entropies
    GAMMA = 1                # focal ones
    ALPHA = 2                # focal ones; the last parameter of the categorical one, which may have one for each unit
    BALANCED = 3             # binary focal: whether alpha and 1 - alpha weigh the two classes
    IGNORES = 1              # sparse: whether there is a class that does not count
    IGNORED = 2              # and which
    LEAST_PARAMS = 4

cdef struct Loss:
    int kind
    int reduction
    bint from_logits
    bint behind              # taken from the logits behind the last activation
    bint binary_labels       # of the batch at hand (hinge losses): labels are 0 and 1 and stand for -1 and 1
    Py_ssize_t n_params
    const double* params


cdef Loss loss_struct(spec, Py_ssize_t units, list owners):
    """The struct of a spec (kind, reduction, from_logits, parameters); owners keeps its parameters alive."""
    cdef Loss loss
    cdef const double[::1] view
    name, reduction, from_logits, params = spec
    loss.kind = METRICS[name]
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} leaves a loss for each sample, but a model needs one number: "
                         f"expected one of {', '.join(map(repr, REDUCTIONS))}")
    loss.reduction = REDUCTIONS[reduction]
    loss.from_logits = from_logits
    loss.behind = False
    loss.binary_labels = False
    loss.n_params = len(params)
    if loss.kind == CATEGORICAL_FOCAL_CROSSENTROPY and loss.n_params - ALPHA not in (1, units):
        raise ValueError(f"alpha has {loss.n_params - ALPHA} values, expected one, or one for each of {units} outputs")
    numbers = np.zeros(max(len(params), LEAST_PARAMS))
    numbers[:len(params)] = params
    owners.append(numbers)
    view = numbers
    loss.params = &view[0]
    return loss


cdef inline bint looks_behind(Loss* loss, int activation) noexcept nogil:
    """Whether Keras on TensorFlow takes a loss from the logits behind a last activation (its `_keras_logits`)."""
    if activation != SIGMOID and activation != SOFTMAX:
        return False
    return (loss.kind == BINARY_CROSSENTROPY or loss.kind == CATEGORICAL_CROSSENTROPY
            or loss.kind == SPARSE_CATEGORICAL_CROSSENTROPY
            # its cross-entropy, but not its focal factor
            or (loss.kind == BINARY_FOCAL_CROSSENTROPY and not loss.from_logits))


cdef inline bint is_hinge(int kind) noexcept nogil:
    """Whether labels that are all 0 or 1, in the whole batch, stand for -1 and 1."""
    return kind == HINGE or kind == SQUARED_HINGE


cdef inline bint ignores_class(Loss* loss) noexcept nogil:
    return loss.kind == SPARSE_CATEGORICAL_CROSSENTROPY and loss.params[IGNORES] != 0


cdef inline real tanh_(real x) noexcept nogil:
    if real is float:
        return gd_tanhf(x)
    else:
        return gd_tanh(x)


cdef inline real softplus_(real x) noexcept nogil:
    if real is float:
        return gd_softplusf(x)
    else:
        return gd_softplus(x)


cdef inline real to_power(real x, double y, double sign) noexcept nogil:
    if real is float:
        return gd_powf(x, y, sign)
    else:
        return gd_pow(x, y, sign)


cdef inline double power_of_minus_one(double y) noexcept nogil:
    return NAN if floor(y) != y else (1 if floor(y / 2) * 2 == y else -1)


cdef inline real clipped(real p) noexcept nogil:
    cdef real low = <real>1e-7, high = <real>1 - <real>1e-7
    return low if p < low else (high if p > high else p)


cdef inline bint inside(real p) noexcept nogil:
    return clipped(p) == p


cdef inline real at_least(real p, real low) noexcept nogil:
    return low if p < low else p                  # nan passes through


cdef inline real single_precision(real x) noexcept nogil:
    return <real><float>x                         # Keras makes some constants float32 whatever the type


# Label smoothing: y * kept_label + added_label, the same y where there is none.
cdef inline real kept_label(Loss* loss, real only_for_its_type) noexcept nogil:
    return <real>(1 - loss.params[SMOOTHING])


cdef inline real added_label(Loss* loss, Py_ssize_t units, real only_for_its_type) noexcept nogil:
    cdef real s = <real>loss.params[SMOOTHING]
    return s / <real>units if loss.kind > BINARY_FOCAL_CROSSENTROPY else s * <real>0.5


cdef inline real binary_from_logit(real z, real t) noexcept nogil:
    return at_least(z, <real>0) - z * t + log1p_(exp_(-abs_(z)))


cdef inline real binary_from_chance(real p, real t) noexcept nogil:
    cdef real q = clipped(p)
    return -(t * log_(q) + (<real>1 - t) * log_(<real>1 - q))


cdef inline real missed(real p, real t) noexcept nogil:
    return <real>1 - (t * p + (<real>1 - t) * (<real>1 - p))        # in Keras's order: 1 - (1 - p) has lost digits


cdef inline real missed_slope(real p, real t, double gamma, double sign) noexcept nogil:
    """d(missed^gamma)/dp; the two terms apart make the nan that Keras has where the power is infinite."""
    cdef real slope = <real>gamma * to_power(missed(p, t), gamma - 1, sign)
    return (<real>1 - t) * slope - t * slope


cdef inline real class_weight(bint balanced, real alpha, real t) noexcept nogil:
    cdef real weight = t * alpha + (<real>1 - t) * (<real>1 - alpha)
    return weight if balanced else <real>1


cdef inline double unit_weight(Loss* loss, Py_ssize_t j) noexcept nogil:
    return loss.params[ALPHA + (j if loss.n_params > ALPHA + 1 else 0)]


cdef inline real focal_slope(real q, real t, real alpha, double gamma) noexcept nogil:
    """d(-alpha t (1 - q)^gamma log q)/dq, 0 outside of the clipping."""
    cdef real c = clipped(q)
    cdef real slope = alpha * t * to_power(<real>1 - c, gamma - 1, NAN) * (<real>gamma * log_(c) - (<real>1 - c) / c)
    return slope if inside(q) else 0


cdef inline real inverse_norm(real squares) noexcept nogil:
    cdef real s = <real>1 / root(squares)
    return <real>1e7 if s > <real>1e7 else s


cdef void column_sums(Py_ssize_t units, Py_ssize_t m, const real* p, real* total) noexcept nogil:
    """total[i] = sum_j p[j*m + i]"""
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += p[j * m + i]


cdef void squares_of(Py_ssize_t units, Py_ssize_t m, const real* p, real* total) noexcept nogil:
    """total[i] = sum_j p[j*m + i]^2"""
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += p[j * m + i] * p[j * m + i]


cdef void soften(Py_ssize_t units, Py_ssize_t m, const real* p, real* top, real* total) noexcept nogil:
    """What makes logits a softmax: top their maximum, total = sum_j exp(p[j*m + i] - top)."""
    cdef Py_ssize_t i, j
    for i in range(m):
        top[i] = p[i]
        total[i] = 0
    for j in range(1, units):
        for i in range(m):
            top[i] = p[j * m + i] if p[j * m + i] > top[i] else top[i]
    for j in range(units):
        for i in range(m):
            total[i] += exp_(p[j * m + i] - top[i])


cdef void clipped_sums(Py_ssize_t units, Py_ssize_t m, const real* p, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(m):
        total[i] = 0
    for j in range(units):
        for i in range(m):
            total[i] += clipped(p[j * m + i])


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


cdef void rows_that_count(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, real* counts) noexcept nogil:
    """counts[i] = 0 where the class of row i, one-hot in y, is the ignored one or none at all, else 1."""
    cdef Py_ssize_t i, ignored = <Py_ssize_t>loss.params[IGNORED]
    column_sums(units, m, y, counts)
    if 0 <= ignored < units:
        for i in range(m):
            counts[i] -= y[ignored * m + i]


# The values by row, each function some kinds of loss: in one function there would be more than compilers inline.

cdef void errors_by_row(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                        real* out) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, low, delta
    if loss.kind == MEAN_ABSOLUTE_ERROR:
        for j in range(units):
            for i in range(m):
                out[i] += abs_(p[j * m + i] - y[j * m + i])
    elif loss.kind == MEAN_SQUARED_ERROR:
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] - y[j * m + i]
                out[i] += q * q
    elif loss.kind == MEAN_ABSOLUTE_PERCENTAGE_ERROR:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i]
                out[i] += abs_((t - p[j * m + i]) / at_least(abs_(t), <real>1e-7))
    elif loss.kind == MEAN_SQUARED_LOGARITHMIC_ERROR:
        low = single_precision(<real>1e-7)
        for j in range(units):
            for i in range(m):
                q = log_(at_least(p[j * m + i], low) + <real>1) - log_(at_least(y[j * m + i], low) + <real>1)
                out[i] += q * q
    elif loss.kind == HUBER:
        delta = <real>loss.params[DELTA]
        for j in range(units):
            for i in range(m):
                q = abs_(p[j * m + i] - y[j * m + i])
                out[i] += <real>0.5 * (q * q) if q <= delta else delta * q - <real>0.5 * (delta * delta)
    elif loss.kind == LOG_COSH:
        t = single_precision(<real>0.6931471805599453)
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] - y[j * m + i]
                out[i] += q + softplus_(-<real>2 * q) - t
    elif loss.kind == POISSON:
        for j in range(units):
            for i in range(m):
                q = p[j * m + i]
                out[i] += q - y[j * m + i] * log_(q + <real>1e-7)


cdef void hinges_by_row(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                        real* out, real* top, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q
    cdef real factor = 2 if loss.binary_labels else 1, shift = 1 if loss.binary_labels else 0
    if loss.kind == HINGE:
        for j in range(units):
            for i in range(m):
                out[i] += at_least(<real>1 - (y[j * m + i] * factor - shift) * p[j * m + i], <real>0)
    elif loss.kind == SQUARED_HINGE:
        for j in range(units):
            for i in range(m):
                q = at_least(<real>1 - (y[j * m + i] * factor - shift) * p[j * m + i], <real>0)
                out[i] += q * q
    elif loss.kind == CATEGORICAL_HINGE:
        hinge_sides(units, m, y, p, top, total)
        for i in range(m):
            out[i] = at_least(top[i] - total[i] + <real>1, <real>0)
    elif loss.kind == COSINE_SIMILARITY:
        squares_of(units, m, p, top)
        squares_of(units, m, y, total)
        for i in range(m):
            top[i] = inverse_norm(top[i])
            total[i] = inverse_norm(total[i])
        for j in range(units):
            for i in range(m):
                out[i] -= (y[j * m + i] * total[i]) * (p[j * m + i] * top[i])
    elif loss.kind == KL_DIVERGENCE:
        for j in range(units):
            for i in range(m):
                t = bounded(y[j * m + i], <real>1e-7, <real>1)
                out[i] += t * log_(t / bounded(p[j * m + i], <real>1e-7, <real>1))


cdef void entropies_by_row(Loss* loss, bint from_logits, Py_ssize_t units, Py_ssize_t m, const real* y,
                           const real* p, real* out, real* top, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real keep = kept_label(loss, <real>0), add = added_label(loss, units, <real>0)
    if loss.kind == BINARY_CROSSENTROPY and from_logits:
        for j in range(units):
            for i in range(m):
                out[i] += binary_from_logit(p[j * m + i], (y[j * m + i] * keep + add))
    elif loss.kind == BINARY_CROSSENTROPY:
        for j in range(units):
            for i in range(m):
                out[i] += binary_from_chance(p[j * m + i], (y[j * m + i] * keep + add))
    elif from_logits:
        soften(units, m, p, top, total)
        for i in range(m):
            total[i] = log_(total[i])
        for j in range(units):
            for i in range(m):
                out[i] += (y[j * m + i] * keep + add) * (total[i] - (p[j * m + i] - top[i]))
    elif loss.kind == CATEGORICAL_CROSSENTROPY:
        column_sums(units, m, p, total)
        for j in range(units):
            for i in range(m):
                out[i] -= (y[j * m + i] * keep + add) * log_(clipped(p[j * m + i] / total[i]))
    else:
        # Keras takes the logarithm of the clipped probabilities for logits: they are normalised by their sum
        clipped_sums(units, m, p, total)
        for j in range(units):
            for i in range(m):
                out[i] -= y[j * m + i] * (log_(clipped(p[j * m + i])) - log_(total[i]))


cdef void focal_by_row(Loss* loss, bint from_logits, Py_ssize_t units, Py_ssize_t m, const real* y,
                       const real* p, real* out, const real* a, real* top, real* total) noexcept nogil:
    """p are the logits where from_logits, a the outputs."""
    cdef Py_ssize_t i, j
    cdef real t, q, keep = kept_label(loss, <real>0), add = added_label(loss, units, <real>0)
    cdef real alpha = <real>loss.params[ALPHA]
    cdef double gamma = loss.params[GAMMA], sign = power_of_minus_one(gamma)
    cdef bint behind = loss.behind, balanced = loss.params[BALANCED] != 0
    if loss.kind == BINARY_FOCAL_CROSSENTROPY and from_logits:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = sigmoid_(p[j * m + i])
                q = a[j * m + i] if behind else q
                q = to_power(missed(q, t), gamma, sign) * binary_from_logit(p[j * m + i], t)
                out[i] += class_weight(balanced, alpha, t) * q
    elif loss.kind == BINARY_FOCAL_CROSSENTROPY:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = p[j * m + i]
                q = to_power(missed(q, t), gamma, sign) * binary_from_chance(q, t)
                out[i] += class_weight(balanced, alpha, t) * q
    else:
        if from_logits:
            soften(units, m, p, top, total)
        else:
            column_sums(units, m, p, total)
        for j in range(units):
            alpha = <real>unit_weight(loss, j)
            if from_logits:
                for i in range(m):
                    t = y[j * m + i] * keep + add
                    q = clipped(exp_(p[j * m + i] - top[i]) / total[i])
                    out[i] -= to_power(<real>1 - q, gamma, NAN) * alpha * (t * log_(q))
            else:
                for i in range(m):
                    t = y[j * m + i] * keep + add
                    q = clipped(p[j * m + i] / total[i])
                    out[i] -= to_power(<real>1 - q, gamma, NAN) * alpha * (t * log_(q))


cdef void per_sample(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* a, const real* z,
                     real* out, real* top, real* total) noexcept nogil:
    """out[i] = the loss (or metric) of row i with outputs a; z, for loss.behind, is what entered the activation."""
    cdef Py_ssize_t i, j, best, target
    cdef real t
    cdef bint from_logits = loss.from_logits or loss.behind
    cdef const real* p = z if loss.behind else a
    for i in range(m):
        out[i] = 0
    if loss.kind < HINGE:
        errors_by_row(loss, units, m, y, p, out)
    elif loss.kind == BINARY_FOCAL_CROSSENTROPY or loss.kind == CATEGORICAL_FOCAL_CROSSENTROPY:
        focal_by_row(loss, from_logits, units, m, y, p, out, a, top, total)
    elif loss.kind == BINARY_ACCURACY:
        t = <real>loss.params[CUT]
        for j in range(units):
            for i in range(m):
                out[i] += <real>1 if y[j * m + i] == (1 if p[j * m + i] > t else 0) else 0
    elif loss.kind == CATEGORICAL_ACCURACY:
        for i in range(m):
            best = target = 0
            for j in range(1, units):
                if p[j * m + i] > p[best * m + i]:
                    best = j
                if y[j * m + i] > y[target * m + i]:
                    target = j
            out[i] = 1 if best == target else 0
    elif is_hinge(loss.kind) or loss.kind > SPARSE_CATEGORICAL_CROSSENTROPY:
        hinges_by_row(loss, units, m, y, p, out, top, total)
    else:
        entropies_by_row(loss, from_logits, units, m, y, p, out, top, total)
    if units > 1 and loss.kind < CATEGORICAL_ACCURACY:
        for i in range(m):
            out[i] = out[i] / units
    if loss.kind == MEAN_ABSOLUTE_PERCENTAGE_ERROR:
        for i in range(m):
            out[i] = <real>100 * out[i]
    if ignores_class(loss):
        rows_that_count(loss, units, m, y, total)
        for i in range(m):
            out[i] = out[i] if total[i] > 0 else 0


# The gradients, in the same groups: d = dL/dp, where L = sum_i g[i] * loss of row i.

cdef void errors_gradient(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                          const real* g, real* d) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, low, delta, share = <real>1 / <real>units
    if loss.kind == MEAN_ABSOLUTE_ERROR:
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] - y[j * m + i]
                t = g[i] * share
                d[j * m + i] = t if q > 0 else (-t if q < 0 else q * t)
    elif loss.kind == MEAN_SQUARED_ERROR:
        for j in range(units):
            for i in range(m):
                d[j * m + i] = <real>2 * (p[j * m + i] - y[j * m + i]) * (g[i] * share)
    elif loss.kind == MEAN_ABSOLUTE_PERCENTAGE_ERROR:
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] - y[j * m + i]
                t = <real>100 * g[i] * share / at_least(abs_(y[j * m + i]), <real>1e-7)
                d[j * m + i] = t if q > 0 else (-t if q < 0 else q * t)
    elif loss.kind == MEAN_SQUARED_LOGARITHMIC_ERROR:
        low = single_precision(<real>1e-7)
        for j in range(units):
            for i in range(m):
                q = p[j * m + i]
                t = log_(at_least(q, low) + <real>1) - log_(at_least(y[j * m + i], low) + <real>1)
                d[j * m + i] = 0 if q < low else <real>2 * t * (g[i] * share) / (q + <real>1)
    elif loss.kind == HUBER:
        delta = <real>loss.params[DELTA]
        for j in range(units):
            for i in range(m):
                d[j * m + i] = bounded(p[j * m + i] - y[j * m + i], -delta, delta) * (g[i] * share)
    elif loss.kind == LOG_COSH:
        for j in range(units):
            for i in range(m):
                d[j * m + i] = tanh_(p[j * m + i] - y[j * m + i]) * (g[i] * share)
    elif loss.kind == POISSON:
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (<real>1 - y[j * m + i] / (p[j * m + i] + <real>1e-7)) * (g[i] * share)


cdef void hinges_gradient(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                          const real* g, real* d, real* top, real* total, real* more) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units
    cdef real factor = 2 if loss.binary_labels else 1, shift = 1 if loss.binary_labels else 0
    if loss.kind == HINGE:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * factor - shift
                d[j * m + i] = -t * (g[i] * share) if <real>1 - t * p[j * m + i] >= 0 else 0
    elif loss.kind == SQUARED_HINGE:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * factor - shift
                d[j * m + i] = -<real>2 * t * at_least(<real>1 - t * p[j * m + i], <real>0) * (g[i] * share)
    elif loss.kind == CATEGORICAL_HINGE:
        # the maximum's share goes in equal parts to all that reach it
        hinge_sides(units, m, y, p, top, total)
        for i in range(m):
            total[i] = g[i] if top[i] - total[i] + <real>1 >= 0 else 0
            more[i] = 0
        for j in range(units):
            for i in range(m):
                more[i] += <real>1 if (<real>1 - y[j * m + i]) * p[j * m + i] == top[i] else 0
        for j in range(units):
            for i in range(m):
                t = <real>1 - y[j * m + i]
                q = t / more[i] if t * p[j * m + i] == top[i] else 0
                d[j * m + i] = (q - y[j * m + i]) * total[i]
    elif loss.kind == COSINE_SIMILARITY:
        # with s = 1/|p|, which is not let beyond 1e7:  dL/dp = -s (y/|y|) + s^3 (p . y/|y|) p
        squares_of(units, m, p, top)
        squares_of(units, m, y, total)
        for i in range(m):
            top[i] = inverse_norm(top[i])
            total[i] = inverse_norm(total[i])
            more[i] = 0
        for j in range(units):
            for i in range(m):
                more[i] += (y[j * m + i] * total[i]) * (p[j * m + i] * top[i])
        for i in range(m):
            more[i] = more[i] * top[i] if top[i] < <real>1e7 else 0
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (more[i] * (p[j * m + i] * top[i]) - y[j * m + i] * total[i] * top[i]) * g[i]
    elif loss.kind == KL_DIVERGENCE:
        for j in range(units):
            for i in range(m):
                q = p[j * m + i]
                t = bounded(y[j * m + i], <real>1e-7, <real>1)
                d[j * m + i] = -(t / q) * g[i] if q >= <real>1e-7 and q <= 1 else 0


cdef void entropies_gradient(Loss* loss, bint from_logits, Py_ssize_t units, Py_ssize_t m, const real* y, const real* p,
                             const real* prob, const real* g, real* d, real* top, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units
    cdef real keep = kept_label(loss, <real>0), add = added_label(loss, units, <real>0)
    if loss.kind == BINARY_CROSSENTROPY and from_logits:
        if prob == NULL:
            activate(SIGMOID, NULL, units, m, p, d, top, total)
            prob = d
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (prob[j * m + i] - (y[j * m + i] * keep + add)) * (g[i] * share)
    elif loss.kind == BINARY_CROSSENTROPY:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = clipped(p[j * m + i])
                d[j * m + i] = ((<real>1 - t) / (<real>1 - q) - t / q) * (g[i] * share) if inside(p[j * m + i]) else 0
    elif loss.kind == CATEGORICAL_CROSSENTROPY and not from_logits:
        # q = p/S with S = sum p:  dL/dp_j = (dL/dq_j - sum_k dL/dq_k q_k) / S
        column_sums(units, m, p, total)
        for i in range(m):
            top[i] = 0
        for j in range(units):
            for i in range(m):
                q = p[j * m + i] / total[i]
                t = -(y[j * m + i] * keep + add) / q * g[i]
                t = t if inside(q) else 0
                d[j * m + i] = t
                top[i] += t * q
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (d[j * m + i] - top[i]) / total[i]
    elif from_logits:
        if prob == NULL:
            softmax(units, m, p, d, top, total)
            prob = d
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (prob[j * m + i] - (y[j * m + i] * keep + add)) * g[i]
    else:
        # softmax of the logarithm of the clipped probabilities: their share of the sum
        clipped_sums(units, m, p, total)
        for j in range(units):
            for i in range(m):
                q = p[j * m + i]
                d[j * m + i] = (q / total[i] - y[j * m + i]) / q * g[i] if inside(q) else 0


cdef void binary_focal_gradient(Loss* loss, bint from_logits, Py_ssize_t units, Py_ssize_t m, const real* y,
                                const real* p, const real* a, const real* g, real* d) noexcept nogil:
    """The derivative of (1 - p_t)^gamma times the cross-entropy plus, unless loss.behind, the other way round."""
    cdef Py_ssize_t i, j
    cdef real t, q, s, share = <real>1 / <real>units
    cdef real keep = kept_label(loss, <real>0), add = added_label(loss, units, <real>0)
    cdef real alpha = <real>loss.params[ALPHA]
    cdef double gamma = loss.params[GAMMA]
    cdef double sign = power_of_minus_one(gamma), slope_sign = power_of_minus_one(gamma - 1)
    cdef bint balanced = loss.params[BALANCED] != 0
    if loss.behind:
        for j in range(units):
            for i in range(m):
                t = y[j * m + i] * keep + add
                q = binary_from_logit(p[j * m + i], t) * missed_slope(a[j * m + i], t, gamma, slope_sign)
                d[j * m + i] = q * class_weight(balanced, alpha, t) * (g[i] * share)
    elif from_logits:
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


cdef void categorical_focal_gradient(Loss* loss, bint from_logits, Py_ssize_t units, Py_ssize_t m, const real* y,
                                     const real* p, const real* g, real* d, real* top, real* total) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real t, q, alpha, keep = kept_label(loss, <real>0), add = added_label(loss, units, <real>0)
    cdef double gamma = loss.params[GAMMA]
    if from_logits:
        # q = softmax(p):  dL/dp_j = q_j (dL/dq_j - sum_k dL/dq_k q_k)
        softmax(units, m, p, d, top, total)
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
    else:
        # q = p/S with S = sum p:  dL/dp_j = (dL/dq_j - sum_k dL/dq_k q_k) / S
        column_sums(units, m, p, total)
        for i in range(m):
            top[i] = 0
        for j in range(units):
            alpha = <real>unit_weight(loss, j)
            for i in range(m):
                q = p[j * m + i] / total[i]
                t = focal_slope(q, y[j * m + i] * keep + add, alpha, gamma) * g[i]
                d[j * m + i] = t
                top[i] += t * q
        for j in range(units):
            for i in range(m):
                d[j * m + i] = (d[j * m + i] - top[i]) / total[i]


cdef void loss_gradient(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* a, const real* z,
                        const real* prob, const real* g, real* d, real* top, real* total, real* more) noexcept nogil:
    """d = dL/da, where L = sum_i g[i] * loss of row i; dL/dz instead where loss.behind, but for the focal one.

    prob, unless NULL, is the sigmoid or softmax of the logits that a cross-entropy is taken from.
    """
    cdef Py_ssize_t i, j
    cdef bint from_logits = loss.from_logits or loss.behind
    cdef const real* p = z if loss.behind else a
    if loss.kind < HINGE:
        errors_gradient(loss, units, m, y, p, g, d)
    elif loss.kind == BINARY_FOCAL_CROSSENTROPY:
        binary_focal_gradient(loss, from_logits, units, m, y, p, a, g, d)
    elif loss.kind == CATEGORICAL_FOCAL_CROSSENTROPY:
        categorical_focal_gradient(loss, from_logits, units, m, y, p, g, d, top, total)
    elif is_hinge(loss.kind) or loss.kind > SPARSE_CATEGORICAL_CROSSENTROPY:
        hinges_gradient(loss, units, m, y, p, g, d, top, total, more)
    else:
        entropies_gradient(loss, from_logits, units, m, y, p, prob, g, d, top, total)
    if ignores_class(loss):
        rows_that_count(loss, units, m, y, total)
        for j in range(units):
            for i in range(m):
                d[j * m + i] = d[j * m + i] if total[i] > 0 else 0


cdef void add_focal_logits_gradient(Loss* loss, Py_ssize_t units, Py_ssize_t m, const real* y, const real* a,
                                    const real* z, const real* g, real* d) noexcept nogil:
    """d += what the focal loss owes to the logits z that its cross-entropy is taken from, not by way of a."""
    cdef Py_ssize_t i, j
    cdef real t, q, share = <real>1 / <real>units, alpha = <real>loss.params[ALPHA]
    cdef real keep = kept_label(loss, <real>0), add = added_label(loss, units, <real>0)
    cdef double gamma = loss.params[GAMMA], sign = power_of_minus_one(gamma)
    cdef bint balanced = loss.params[BALANCED] != 0
    for j in range(units):
        for i in range(m):
            t = y[j * m + i] * keep + add
            q = to_power(missed(a[j * m + i], t), gamma, sign) * (sigmoid_(z[j * m + i]) - t)
            d[j * m + i] += q * class_weight(balanced, alpha, t) * (g[i] * share)


def apply_power(x, double y):
    """x^y of a 1-D array, as focal losses take it, for tests."""
    if x.dtype == np.float64:
        return _apply_power[double](x, y)
    return _apply_power[float](x, y)


cdef _apply_power(const real[::1] x, double y):
    cdef Py_ssize_t i
    cdef double sign = power_of_minus_one(y)
    cdef real[::1] out = np.empty(x.shape[0], np.float64 if real is double else np.float32)
    for i in range(x.shape[0]):
        out[i] = to_power(x[i], y, sign)
    return np.asarray(out)
