# Optimizer updates on the flat parameter vector, in Keras's own order of operations (keras/src/optimizers),
# each operation rounded by itself.  What Keras computes in Python (1 - rho, say) is computed in double and
# then rounded to the type; what it computes on tensors is computed in the type.

from libc.math cimport pow as c_pow, sqrt as c_sqrt

cdef enum:
    SGD
    ADAGRAD
    RMSPROP
    ADADELTA
    ADAM
    ADAMAX
    NADAM
    FTRL
    LION

OPTIMIZERS = {
    "sgd": SGD,
    "adagrad": ADAGRAD,
    "rmsprop": RMSPROP,
    "adadelta": ADADELTA,
    "adam": ADAM,
    "adamax": ADAMAX,
    "nadam": NADAM,
    "ftrl": FTRL,
    "lion": LION,
}

cdef enum:
    NO_CLIPPING
    CLIP_NORM                    # of each variable
    CLIP_GLOBAL_NORM
    CLIP_VALUE

CLIPPINGS = {None: NO_CLIPPING, "clipnorm": CLIP_NORM, "global_clipnorm": CLIP_GLOBAL_NORM, "clipvalue": CLIP_VALUE}

cdef struct Optimizer:
    int kind
    double learning_rate
    double number[6]             # what the kind says: momentum; rho, epsilon; beta_1, beta_2, epsilon; ...
    bint flag                    # nesterov, centered, amsgrad
    double weight_decay
    bint decays
    int clipping
    double clip_at
    double ema_momentum
    bint ema
    Py_ssize_t ema_overwrite     # every so many iterations, 0: never
    Py_ssize_t accumulation      # batches to an update, 0: each
    Py_ssize_t applied           # calls so far
    Py_ssize_t n_slots           # vectors of the kind itself; then that of ema, then that of accumulation
    Py_ssize_t n_variables
    const int64_t* bounds        # where variables begin, and the end: n_variables + 1
    const unsigned char* decayed # by variable: whether weight decay applies
    double* scalars              # Nadam's product of momenta


cdef inline real power(real x, double exponent) noexcept nogil:
    return <real>c_pow(<double>x, exponent)


cdef inline real sign(real x) noexcept nogil:
    return 1 if x > 0 else (-1 if x < 0 else x)


cdef void step(Optimizer* opt, Py_ssize_t iterations, Py_ssize_t n, real* theta, const real* grad,
               real* slots) noexcept nogil:
    """theta after one update; slots holds the kind's vectors one after the other, n values each."""
    cdef Py_ssize_t i
    cdef real lr = <real>opt.learning_rate
    cdef real* a = slots
    cdef real* b = slots + n
    cdef real* c = slots + 2 * n
    cdef double* number = opt.number
    cdef real p, q, r, s, t, u, eps, one = 1, beta_1, beta_2
    cdef double local = <double>(iterations + 1)
    if opt.kind == SGD:
        p = <real>number[0]
        if p == 0:
            for i in range(n):
                theta[i] = theta[i] - grad[i] * lr
        elif opt.flag:
            for i in range(n):
                a[i] = a[i] * p - grad[i] * lr
                theta[i] = theta[i] + (a[i] * p - grad[i] * lr)
        else:
            for i in range(n):
                a[i] = a[i] * p - grad[i] * lr
                theta[i] = theta[i] + a[i]
    elif opt.kind == ADAGRAD:
        eps = <real>number[1]
        for i in range(n):
            a[i] = a[i] + grad[i] * grad[i]
            theta[i] = theta[i] - lr * grad[i] / root(a[i] + eps)
    elif opt.kind == RMSPROP:
        # number: rho, momentum, epsilon; slots: velocity, then momentum, then average gradient, where used
        p = <real>number[0]
        q = <real>(1 - number[0])
        r = <real>number[1]
        eps = <real>number[2]
        c = b + n if r > 0 else b
        if not opt.flag and r == 0:
            for i in range(n):
                a[i] = p * a[i] + q * (grad[i] * grad[i])
                theta[i] = theta[i] - lr * grad[i] / root(a[i] + eps)
            return
        for i in range(n):
            a[i] = p * a[i] + q * (grad[i] * grad[i])
            if opt.flag:
                c[i] = p * c[i] + q * grad[i]
                s = a[i] - c[i] * c[i] + eps
            else:
                s = a[i] + eps
            t = lr * grad[i] / root(s)
            if r > 0:
                b[i] = r * b[i] + t
                theta[i] = theta[i] - b[i]
            else:
                theta[i] = theta[i] - t
    elif opt.kind == ADADELTA:
        p = <real>number[0]
        q = <real>(1 - number[0])
        eps = <real>number[1]
        for i in range(n):
            a[i] = p * a[i] + q * (grad[i] * grad[i])
            t = -(root(b[i] + eps) * grad[i] / root(a[i] + eps))
            b[i] = p * b[i] + q * (t * t)
            theta[i] = theta[i] + lr * t
    elif opt.kind == ADAM:
        p = <real>(1 - number[0])
        q = <real>(1 - number[1])
        eps = <real>number[2]
        r = lr * root(one - power(<real>number[1], local)) / (one - power(<real>number[0], local))
        if opt.flag:
            for i in range(n):
                a[i] = a[i] + (grad[i] - a[i]) * p
                b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
                c[i] = c[i] if c[i] > b[i] else b[i]
                theta[i] = theta[i] - a[i] * r / (root(c[i]) + eps)
        else:
            for i in range(n):
                a[i] = a[i] + (grad[i] - a[i]) * p
                b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
                theta[i] = theta[i] - a[i] * r / (root(b[i]) + eps)
    elif opt.kind == ADAMAX:
        p = <real>(1 - number[0])
        q = <real>number[1]
        eps = <real>number[2]
        r = one - power(<real>number[0], local)
        for i in range(n):
            a[i] = a[i] + (grad[i] - a[i]) * p
            s = q * b[i]
            t = abs_(grad[i])
            b[i] = s if s > t else t
            theta[i] = theta[i] - lr * a[i] / (r * (b[i] + eps))
    elif opt.kind == NADAM:
        beta_1 = <real>number[0]
        beta_2 = <real>number[1]
        eps = <real>number[2]
        p = one - beta_1
        q = one - beta_2
        t = beta_1 * (one - <real>0.5 * power(<real>0.96, local))
        u = beta_1 * (one - <real>0.5 * power(<real>0.96, local + 1))
        r = <real>opt.scalars[0] * beta_1 * (one - <real>0.5 * power(<real>0.96, local))
        opt.scalars[0] = r
        s = one - power(beta_2, local)
        beta_1 = one - r * u                 # the divisors of the two halves of the momentum
        beta_2 = one - r
        t = one - t
        for i in range(n):
            a[i] = a[i] + (grad[i] - a[i]) * p
            b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
            theta[i] = theta[i] - (u * a[i] / beta_1 + t * grad[i] / beta_2) * lr / (root(b[i] / s) + eps)
    elif opt.kind == FTRL:
        # number: learning_rate_power, initial accumulator, l1, l2, l2 shrinkage, beta; slots: accumulator, linear
        p = <real>number[2]
        q = 2 * (<real>number[3] + <real>number[5] / (2 * lr))
        r = <real>(2 * number[4])
        for i in range(n):
            t = a[i] + grad[i] * grad[i]
            s = power(t, -number[0])
            b[i] = b[i] + (grad[i] + r * theta[i] - (s - power(a[i], -number[0])) / lr * theta[i])
            u = -p if b[i] < -p else (p if b[i] > p else b[i])
            theta[i] = (u - b[i]) / (s / lr + q)
            a[i] = t
    elif opt.kind == LION:
        beta_1 = <real>number[0]
        beta_2 = <real>number[1]
        p = one - beta_1
        q = one - beta_2
        for i in range(n):
            theta[i] = theta[i] - lr * sign(a[i] * beta_1 + grad[i] * p)
            a[i] = a[i] * beta_2 + grad[i] * q


cdef void clip(Optimizer* opt, Py_ssize_t n, real* grad) noexcept nogil:
    cdef Py_ssize_t i, v
    cdef double total
    cdef real at = <real>opt.clip_at, norm, scale
    if opt.clipping == CLIP_VALUE:
        for i in range(n):
            grad[i] = -at if grad[i] < -at else (at if grad[i] > at else grad[i])
    elif opt.clipping == CLIP_GLOBAL_NORM:
        total = 0
        for i in range(n):
            total += <double>grad[i] * grad[i]
        norm = <real>c_sqrt(total)
        scale = 1 / norm
        scale = at * (scale if scale < 1 / at or scale != scale else 1 / at) + (norm - norm)
        for i in range(n):
            grad[i] = grad[i] * scale
    elif opt.clipping == CLIP_NORM:
        for v in range(opt.n_variables):
            total = 0
            for i in range(opt.bounds[v], opt.bounds[v + 1]):
                total += <double>grad[i] * grad[i]
            norm = <real>c_sqrt(total)
            scale = norm if norm > at or norm != norm else at
            for i in range(opt.bounds[v], opt.bounds[v + 1]):
                grad[i] = grad[i] * at / scale


cdef void update(Optimizer* opt, Py_ssize_t n, real* theta, real* grad, real* slots) noexcept nogil:
    """One call of Keras's `apply`: accumulation, clipping, weight decay, the step, the moving average.

    grad is changed where it is clipped or accumulated.
    """
    cdef Py_ssize_t i, v, iterations = opt.applied
    cdef bint now = True
    cdef real* average = slots + opt.n_slots * n
    cdef real* kept = average + (n if opt.ema else 0)
    cdef real lr = <real>opt.learning_rate, wd = <real>opt.weight_decay, steps, momentum, rest
    if opt.accumulation:
        iterations = opt.applied // opt.accumulation
        now = (opt.applied + 1) % opt.accumulation == 0
        if now:
            steps = <real>opt.accumulation
            for i in range(n):
                grad[i] = (grad[i] + kept[i]) / steps
                kept[i] = 0
        else:
            for i in range(n):
                kept[i] = grad[i] + kept[i]
    if now:
        if opt.clipping != NO_CLIPPING:
            clip(opt, n, grad)
        if opt.decays:
            for v in range(opt.n_variables):
                if opt.decayed[v]:
                    for i in range(opt.bounds[v], opt.bounds[v + 1]):
                        theta[i] = theta[i] - theta[i] * wd * lr
        step(opt, iterations, n, theta, grad, slots)
    if opt.ema:
        momentum = <real>opt.ema_momentum if iterations != 0 else 0
        rest = 1 - momentum
        for i in range(n):
            average[i] = momentum * average[i] + rest * theta[i]
        if opt.ema_overwrite and (iterations + 1) % opt.ema_overwrite == 0:
            memcpy(theta, average, n * sizeof(real))
    opt.applied += 1


cdef Optimizer optimizer_struct(spec, const int64_t[::1] bounds, const unsigned char[::1] decayed,
                                double[::1] scalars):
    """The struct of (kind, learning rate, numbers, flag, slots, options); the arrays must outlive it."""
    cdef Optimizer opt
    cdef Py_ssize_t i
    kind, opt.learning_rate, numbers, opt.flag, opt.n_slots, options = spec
    opt.kind = OPTIMIZERS[kind]
    for i in range(6):
        opt.number[i] = numbers[i] if i < len(numbers) else 0
    (weight_decay, clipping, opt.clip_at, opt.ema, opt.ema_momentum, opt.ema_overwrite, opt.accumulation,
     opt.applied) = options
    opt.decays = weight_decay is not None
    opt.weight_decay = weight_decay or 0
    opt.clipping = CLIPPINGS[clipping]
    opt.n_variables = bounds.shape[0] - 1
    opt.bounds = &bounds[0]
    opt.decayed = &decayed[0]
    opt.scalars = &scalars[0]
    return opt


def apply_update(theta, grad, optimizer):
    """One update of a flat vector outside of a network; grad is changed where it is clipped or accumulated."""
    if theta.dtype == np.float64:
        _apply_update[double](theta, grad, optimizer)
    else:
        _apply_update[float](theta, grad, optimizer)


cdef _apply_update(real[::1] theta, real[::1] grad, optimizer):
    spec, slots_array, bounds, decayed, scalars = optimizer
    cdef real[:, ::1] slots = slots_array
    cdef Optimizer opt = optimizer_struct(spec, bounds, decayed, scalars)
    if theta.shape[0]:
        with nogil:
            update(&opt, theta.shape[0], &theta[0], &grad[0], &slots[0, 0] if slots.shape[0] else NULL)
