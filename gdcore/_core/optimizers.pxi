# Optimizer updates on the flat parameter vector, in Keras's own order of operations (keras/src/optimizers),
# each operation rounded by itself.  What Keras computes in Python (1 - rho, say) is computed in double and
# then rounded to the type; what it computes on tensors is computed in the type.

from libc.math cimport ceil as c_ceil, cos as c_cos, floor as c_floor, log as c_log, pow as c_pow, sqrt as c_sqrt

cdef extern from "kernels.h" nogil:
    double gd_lost_in_product(double, double, double)
    unsigned gd_mode()
    unsigned gd_drop_tiny()
    void gd_set_mode(unsigned)

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
    LAMB
    ADAFACTOR
    MUON
    SCHEDULE_FREE_ADAMW

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
    "lamb": LAMB,
    "adafactor": ADAFACTOR,
    "muon": MUON,
    "schedule_free_adamw": SCHEDULE_FREE_ADAMW,
}

cdef enum:
    CONSTANT_RATE                # a number in memory that Python may change at any time
    CALLED_RATE                  # what a Python function makes of the step
    EXPONENTIAL_DECAY
    INVERSE_TIME_DECAY
    POLYNOMIAL_DECAY
    PIECEWISE_CONSTANT_DECAY
    COSINE_DECAY
    COSINE_DECAY_RESTARTS
    EPOCH_DECAY

SCHEDULES = {
    "constant": CONSTANT_RATE,
    "called": CALLED_RATE,
    "exponential_decay": EXPONENTIAL_DECAY,
    "inverse_time_decay": INVERSE_TIME_DECAY,
    "polynomial_decay": POLYNOMIAL_DECAY,
    "piecewise_constant_decay": PIECEWISE_CONSTANT_DECAY,
    "cosine_decay": COSINE_DECAY,
    "cosine_decay_restarts": COSINE_DECAY_RESTARTS,
    "epoch_decay": EPOCH_DECAY,
}

cdef enum:
    NO_CLIPPING
    CLIP_NORM                    # of each variable
    CLIP_GLOBAL_NORM
    CLIP_VALUE

CLIPPINGS = {None: NO_CLIPPING, "clipnorm": CLIP_NORM, "global_clipnorm": CLIP_GLOBAL_NORM, "clipvalue": CLIP_VALUE}

cdef struct Schedule:
    int kind
    double number[5]             # as the kind lists them in learning_rate_at
    bint flag                    # staircase, cycle, warm-up
    const double* table          # the constant; or all boundaries, then all values
    Py_ssize_t boundaries
    PyObject* called

cdef struct Power:
    double step                  # base^step is high + low; -1: not known yet
    double high
    double low

cdef struct Optimizer:
    int kind
    Schedule schedule
    double learning_rate         # of this step
    double number[10]            # what the kind says: momentum; rho, epsilon; beta_1, beta_2, epsilon; ...
    bint flag                    # nesterov, centered, amsgrad
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
    const int64_t* shapes        # by variable: number of matrices, their rows and columns; no rows: not a matrix
    const unsigned char* adam    # by variable: whether Muon leaves it to Adam
    const double* decay          # by variable: its weight decay, 0 for none; NULL: none at all
    double* product              # Nadam's of its momenta
    Power power_1                # of beta_1, and of beta_2
    Power power_2
    bint plain                   # whether there is nothing but the step, at a constant rate
    bint keeps_tiny              # numbers too small for full precision do not count as 0
    bint scaled                  # whether gradients are those of the loss times loss_scale
    double* loss_scale
    double* finite_steps         # since a dynamic scale changed
    Py_ssize_t growth_steps      # after so many of them it doubles, 0: it is not dynamic
    void* workspace


cdef double PI = 3.141592653589793


cdef inline real power(real x, double exponent) noexcept nogil:
    return <real>c_pow(<double>x, exponent)


cdef inline unsigned mode_of_update(Optimizer* opt) noexcept nogil:
    """Compute as an update does; gives what gd_set_mode needs to go back."""
    return gd_mode() if opt.keeps_tiny else gd_drop_tiny()


cdef inline void times(Power* p, double high, double low) noexcept nogil:
    """p times high + low, to about twice the digits of a double."""
    cdef double product = p.high * high
    cdef double lost = gd_lost_in_product(p.high, high, product) + (p.high * low + p.low * high)
    p.high = product + lost
    p.low = lost - (p.high - product)
    if p.high < 1e-20:                               # nothing to 1, which it is taken from
        p.high = 0
        p.low = 0


cdef inline real nth_power(Power* p, real base, double n) noexcept nogil:
    """base^n, as C's pow rounds it but for rare last digits: one product for each step where n counts up."""
    cdef Power square
    cdef Py_ssize_t left
    if p.step == n - 1:
        if p.high != 0:
            times(p, base, 0)
    elif p.step != n:
        left = <Py_ssize_t>n
        p.high = 1
        p.low = 0
        square.high = base
        square.low = 0
        while left:
            if left & 1:
                times(p, square.high, square.low)
            times(&square, square.high, square.low)
            left >>= 1
    p.step = n
    return <real>p.high


cdef inline real sign(real x) noexcept nogil:
    return 1 if x > 0 else (-1 if x < 0 else x)


cdef real learning_rate_at(Schedule* schedule, double step, real* only_for_its_type) noexcept nogil:
    """Keras's schedules (keras/src/optimizers/schedules), but for the last one, which is computed in double."""
    cdef double* number = schedule.number
    cdef real one = 1, half = 0.5, t = <real>step, initial = <real>number[0], p, q, r, s
    cdef Py_ssize_t i = 0
    if schedule.kind == EXPONENTIAL_DECAY or schedule.kind == INVERSE_TIME_DECAY:
        # initial rate, decay steps, decay rate
        p = t / <real>number[1]
        if schedule.flag:
            p = <real>c_floor(p)
        if schedule.kind == EXPONENTIAL_DECAY:
            return initial * power(<real>number[2], p)
        return initial / (one + <real>number[2] * p)
    if schedule.kind == POLYNOMIAL_DECAY:
        # initial rate, decay steps, end rate, power
        q = <real>number[1]
        if not schedule.flag:
            t = t if t < q else q
        elif t != 0:
            q = q * <real>c_ceil(t / q)
        return (initial - <real>number[2]) * power(one - t / q, <real>number[3]) + <real>number[2]
    if schedule.kind == PIECEWISE_CONSTANT_DECAY:
        while i < schedule.boundaries and step > schedule.table[i]:
            i += 1
        return <real>schedule.table[schedule.boundaries + i]
    if schedule.kind == COSINE_DECAY:
        # initial rate, decay steps, alpha, warm-up's target and steps
        q = <real>number[1]
        if schedule.flag:
            r = <real>number[4]
            t = t if t < q + r else q + r
            if t < r:
                return (<real>number[3] - initial) * (t / r) + initial
            t = t - r
            initial = <real>number[3]
        else:
            t = t if t < q else q
        p = half * (one + <real>c_cos(<real>PI * (t / q)))
        return initial * (<real>(1 - number[2]) * p + <real>number[2])
    if schedule.kind == COSINE_DECAY_RESTARTS:
        # initial rate, first decay steps, t_mul, m_mul, alpha
        p = t / <real>number[1]
        q = <real>number[2]
        if q == 1:
            r = <real>c_floor(p)
            p = p - r
        else:
            r = <real>c_floor(<real>c_log(one - p * (one - q)) / <real>c_log(q))
            s = power(q, r)
            p = (p - (one - s) / (one - q)) / s
        p = half * power(<real>number[3], r) * (one + <real>c_cos(<real>PI * p))
        r = <real>number[4]
        return initial * ((one - r) * p + r)
    # EPOCH_DECAY: initial rate, decay, steps to an epoch
    return <real>(number[0] * c_pow(1 - number[1], c_floor(step / number[2]) + 1))


cdef int ask_for_the_rate(Optimizer* opt) except -1 nogil:
    with gil:
        opt.learning_rate = (<object>opt.schedule.called)(opt.applied)
    return 0


cdef bint finite(Py_ssize_t n, const real* x) noexcept nogil:
    # x - x is 0 for finite x and nan otherwise; in blocks, so that the loop has no exit and vectorises
    cdef Py_ssize_t i, first
    cdef int bad = 0
    for first in range(0, n, 4096):
        for i in range(first, min(first + 4096, n)):
            bad |= x[i] - x[i] != 0
        if bad:
            break
    return not bad


cdef double sum_of_squares(Py_ssize_t n, const real* x) noexcept nogil:
    """In double, and in eight sums side by side, which vectorise."""
    cdef double part[8]
    cdef double total = 0
    cdef Py_ssize_t i, k, whole = n - n % 8
    for k in range(8):
        part[k] = 0
    for i in range(0, whole, 8):
        for k in range(8):
            part[k] += <double>x[i + k] * x[i + k]
    for i in range(whole, n):
        total += <double>x[i] * x[i]
    for k in range(8):
        total += part[k]
    return total


cdef inline void adam(Py_ssize_t n, real* theta, const real* grad, real* m, real* v, real rate, real p, real q,
                      real eps) noexcept nogil:
    """p and q are 1 - beta_1 and 1 - beta_2."""
    cdef Py_ssize_t i
    for i in range(n):
        m[i] = m[i] + (grad[i] - m[i]) * p
        v[i] = v[i] + (grad[i] * grad[i] - v[i]) * q
        theta[i] = theta[i] - m[i] * rate / (root(v[i]) + eps)


cdef void lamb(Optimizer* opt, Py_ssize_t local, real* theta, real* grad, real* m, real* v) noexcept nogil:
    """Adam's step, for each variable made as long as learning_rate times the variable itself.  grad is changed."""
    cdef Py_ssize_t i, k, n
    cdef real one = 1, p = <real>(1 - opt.number[0]), q = <real>(1 - opt.number[1]), eps = <real>opt.number[2]
    cdef real r = one - nth_power(&opt.power_1, <real>opt.number[0], local)
    cdef real s = one - nth_power(&opt.power_2, <real>opt.number[1], local)
    cdef real length, ratio
    for k in range(opt.n_variables):
        n = opt.bounds[k + 1] - opt.bounds[k]
        for i in range(opt.bounds[k], opt.bounds[k + 1]):
            m[i] = m[i] + (grad[i] - m[i]) * p
            v[i] = v[i] + (grad[i] * grad[i] - v[i]) * q
            grad[i] = m[i] / r / (root(v[i] / s) + eps)
        length = root(<real>sum_of_squares(n, theta + opt.bounds[k]))
        ratio = root(<real>sum_of_squares(n, grad + opt.bounds[k]))
        ratio = (length / ratio if length > 0 and ratio > 0 else one) * <real>opt.learning_rate
        for i in range(opt.bounds[k], opt.bounds[k + 1]):
            theta[i] = theta[i] - ratio * grad[i]


cdef void adafactor(Optimizer* opt, Py_ssize_t local, real* theta, real* grad, real* first,
                    real* second) noexcept nogil:
    """first holds the mean squares of a matrix's rows, or of a vector's values; second those of its columns.

    Each begins where its variable begins.  grad is changed.
    """
    # number: beta_2_decay, epsilon_1, epsilon_2, clip_threshold
    cdef Py_ssize_t i, j, k, n, row, rows, cols, matrix
    cdef real one = 1, keep = one - power(<real>local, <real>opt.number[0]), new = one - keep
    cdef real rho = one / root(<real>local), eps = <real>opt.number[1], mean, share, alpha, shrink
    cdef real* t
    cdef real* g
    cdef real* r
    cdef real* c
    cdef double* sums = <double*>opt.workspace
    cdef double total
    rho = <real>opt.learning_rate if opt.learning_rate < rho else rho
    for k in range(opt.n_variables):
        n = opt.bounds[k + 1] - opt.bounds[k]
        if n == 0:
            continue
        t = theta + opt.bounds[k]
        g = grad + opt.bounds[k]
        r = first + opt.bounds[k]
        c = second + opt.bounds[k]
        rows = opt.shapes[3 * k + 1]
        cols = opt.shapes[3 * k + 2]
        alpha = root(<real>(sum_of_squares(n, t) / n))
        alpha = (<real>opt.number[2] if alpha < <real>opt.number[2] else alpha) * rho
        if rows == 0:
            for i in range(n):
                r[i] = keep * r[i] + new * (g[i] * g[i] + eps)
                g[i] = g[i] / root(r[i])
        for matrix in range(opt.shapes[3 * k] if rows else 0):
            total = 0
            for j in range(cols):
                sums[j] = 0
            for row in range(rows):
                i = (matrix * rows + row) * cols
                r[matrix * rows + row] = (keep * r[matrix * rows + row]
                                          + new * <real>(sum_of_squares(cols, g + i) / cols + opt.number[1]))
                total += r[matrix * rows + row]
                for j in range(cols):
                    sums[j] += <double>g[i + j] * g[i + j]
            mean = <real>(total / rows)
            for j in range(cols):
                c[matrix * cols + j] = (keep * c[matrix * cols + j]
                                        + new * <real>(sums[j] / rows + opt.number[1]))
            for row in range(rows):
                i = (matrix * rows + row) * cols
                share = r[matrix * rows + row] / mean
                for j in range(cols):
                    g[i + j] = g[i + j] / root(share * c[matrix * cols + j])
        shrink = root(<real>(sum_of_squares(n, g) / n)) / <real>opt.number[3]
        shrink = one if shrink < one else shrink
        for i in range(n):
            t[i] = t[i] - alpha * (g[i] / shrink)


cdef void muon(Optimizer* opt, Py_ssize_t local, real* theta, real* grad, real* m, real* v) noexcept nogil:
    """Matrices move by their momentum with its singular values made about 1; all else by Adam.  grad is changed."""
    # number: adam_beta_1, adam_beta_2, epsilon, adam_lr_ratio, momentum, a, b, c, steps, rms_rate (nan: None)
    cdef double* number = opt.number
    cdef Py_ssize_t i, j, k, n, at, rows, cols, small, large, s, l, turn
    cdef real one = 1, lr = <real>opt.learning_rate, p = <real>number[4], back = <real>(number[4] - 1)
    cdef real a = <real>number[5], b = <real>number[6], c = <real>number[7], rms = <real>number[9], norm, rate, move
    cdef real* x = <real*>opt.workspace
    cdef real* product
    cdef real* square
    cdef real* scaled
    cdef real* fourth
    for k in range(opt.n_variables):
        at = opt.bounds[k]
        n = opt.bounds[k + 1] - at
        if opt.adam[k]:
            rate = lr * <real>number[3]
            rate = rate * root(one - nth_power(&opt.power_2, <real>number[1], local))
            rate = rate / (one - nth_power(&opt.power_1, <real>number[0], local))
            adam(n, theta + at, <const real*>(grad + at), m + at, v + at, rate, <real>(1 - number[0]),
                 <real>(1 - number[1]), <real>number[2])
            continue
        if n == 0:
            continue
        for i in range(at, at + n):
            m[i] = m[i] + (grad[i] + m[i] * back)
            grad[i] = grad[i] + p * m[i] if opt.flag else m[i]
        rows = opt.shapes[3 * k + 1]
        cols = opt.shapes[3 * k + 2]
        small = min(rows, cols)
        large = max(rows, cols)
        # x is (s, l) with zeros around the matrix, which lies down in it; the squares are (small, s)
        s = padded(small)
        l = padded(large)
        product = x + s * l
        square = product + s * l
        scaled = square + s * s
        fourth = scaled + s * s
        memset(x, 0, s * l * sizeof(real))
        norm = root(<real>sum_of_squares(n, grad + at)) + <real>1e-7
        for i in range(rows):
            for j in range(cols):
                x[i * l + j if rows <= cols else j * l + i] = grad[at + i * cols + j] / norm
        for turn in range(<Py_ssize_t>number[8]):
            # the products are those of `forward` in shape: squares are symmetric, and x lies in product on its side
            for j in range(large):
                for i in range(s):
                    product[j * s + i] = x[i * l + j]
            affine(s, large, small, <const real*>product, s, 1, <const real*>NULL, <const real*>product, square)
            for i in range(small * s):
                scaled[i] = c * square[i]
            affine(s, small, small, <const real*>scaled, s, 1, <const real*>NULL, <const real*>square, fourth)
            for i in range(small * s):
                fourth[i] = b * square[i] + fourth[i]
            affine(l, small, small, <const real*>fourth, s, 1, <const real*>NULL, <const real*>x, product)
            for i in range(small * l):
                x[i] = a * x[i] + product[i]
        norm = root(<real>large)
        for i in range(rows):
            for j in range(cols):
                move = lr * x[i * l + j if rows <= cols else j * l + i]
                if rms == rms:
                    move = move * norm * rms
                theta[at + i * cols + j] = theta[at + i * cols + j] - move


cdef struct Stepping:
    Optimizer* opt
    Py_ssize_t iterations
    Py_ssize_t n
    Py_ssize_t stride
    void* theta
    void* grad
    void* slots


cdef void step_rows(Stepping* s, Py_ssize_t first, Py_ssize_t n, real* only_for_its_type) noexcept nogil:
    cdef Optimizer opt = s.opt[0]        # steps keep powers in it
    cdef unsigned before = mode_of_update(&opt)
    step(&opt, s.iterations, n, s.stride, <real*>s.theta + first, <real*>s.grad + first, <real*>s.slots + first)
    gd_set_mode(before)


cdef void step_part(Stepping* s, int part, int parts, real* only_for_its_type) noexcept nogil:
    cdef Py_ssize_t first = s.n // 64 * part // parts * 64, last = s.n // 64 * (part + 1) // parts * 64
    if part + 1 == parts:
        last = s.n
    step_rows(s, first, last - first, only_for_its_type)


cdef void step_part_float(void* context, int part, int parts) noexcept nogil:
    step_part[float](<Stepping*>context, part, parts, NULL)


cdef void step_part_double(void* context, int part, int parts) noexcept nogil:
    step_part[double](<Stepping*>context, part, parts, NULL)


cdef inline bint by_itself(Optimizer* opt) noexcept nogil:
    """Whether each number of the vector is updated as if it were alone."""
    return opt.kind <= LION and opt.kind != NADAM


cdef void step_all(Optimizer* opt, Py_ssize_t iterations, Py_ssize_t n, Py_ssize_t stride, real* theta, real* grad,
                   real* slots) noexcept nogil:
    """`step`, for long vectors by several threads."""
    cdef Stepping s
    cdef unsigned before
    if n < 32768 or not by_itself(opt):
        before = mode_of_update(opt)
        step(opt, iterations, n, stride, theta, grad, slots)
        gd_set_mode(before)
        return
    s.opt, s.iterations, s.n, s.stride = opt, iterations, n, stride
    s.theta, s.grad, s.slots = theta, grad, slots
    if real is float:
        gd_run(step_part_float, &s, gd_parts(True))
    else:
        gd_run(step_part_double, &s, gd_parts(True))


cdef void step(Optimizer* opt, Py_ssize_t iterations, Py_ssize_t n, Py_ssize_t stride, real* theta, real* grad,
               real* slots) noexcept nogil:
    """theta after one update; slots holds the kind's vectors, of n values each and stride apart."""
    cdef Py_ssize_t i
    cdef real lr = <real>opt.learning_rate
    cdef real* a = slots
    cdef real* b = slots + stride
    cdef real* c = slots + 2 * stride
    cdef double* number = opt.number
    cdef real p, q, r, s, t, u, eps, one = 1, beta_1, beta_2
    cdef double local = <double>(iterations + 1)
    cdef void (*by_variable)(Optimizer*, Py_ssize_t, real*, real*, real*, real*) noexcept nogil
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
        c = b + stride if r > 0 else b
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
        r = lr * root(one - nth_power(&opt.power_2, <real>number[1], local))
        r = r / (one - nth_power(&opt.power_1, <real>number[0], local))
        if opt.flag:
            for i in range(n):
                a[i] = a[i] + (grad[i] - a[i]) * p
                b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
                c[i] = c[i] if c[i] > b[i] else b[i]
                theta[i] = theta[i] - a[i] * r / (root(c[i]) + eps)
        else:
            adam(n, theta, <const real*>grad, a, b, r, p, q, eps)
    elif opt.kind == ADAMAX:
        p = <real>(1 - number[0])
        q = <real>number[1]
        eps = <real>number[2]
        r = one - nth_power(&opt.power_1, <real>number[0], local)
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
        r = <real>opt.product[0] * beta_1 * (one - <real>0.5 * power(<real>0.96, local))
        opt.product[0] = r
        s = one - nth_power(&opt.power_2, beta_2, local)
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
            s = power(t, -<real>number[0])
            b[i] = b[i] + (grad[i] + r * theta[i] - (s - power(a[i], -<real>number[0])) / lr * theta[i])
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
    elif opt.kind == LAMB or opt.kind == ADAFACTOR or opt.kind == MUON:
        # by a pointer, so that compilers keep their variables out of the way of the simple kinds
        by_variable = muon[real] if opt.kind == MUON else (lamb[real] if opt.kind == LAMB else adafactor[real])
        by_variable(opt, iterations + 1, theta, grad, a, b)
    elif opt.kind == SCHEDULE_FREE_ADAMW:
        # number: beta_1, beta_2, epsilon, warm-up steps; slots: the iterates z, then the mean squares
        beta_1 = <real>number[0]
        beta_2 = <real>number[1]
        eps = <real>number[2]
        p = one - beta_1
        q = one - beta_2
        s = one - nth_power(&opt.power_2, beta_2, local)
        r = one / <real>local
        u = one - r
        if number[3] > 0:
            t = <real>local / <real>number[3]
            lr = lr * (t if t < one else one)
        for i in range(n):
            b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
            a[i] = a[i] - lr * grad[i] / (root(b[i] / s) + eps)
            # what Keras calls the old z here is, on TensorFlow, the new one: its variable has changed by then
            t = (theta[i] - p * a[i]) / beta_1
            theta[i] = p * a[i] + beta_1 * (u * t + r * a[i])


cdef void clip(Optimizer* opt, Py_ssize_t n, real* grad) noexcept nogil:
    cdef Py_ssize_t i, v
    cdef real at = <real>opt.clip_at, norm, scale
    if opt.clipping == CLIP_VALUE:
        for i in range(n):
            grad[i] = -at if grad[i] < -at else (at if grad[i] > at else grad[i])
    elif opt.clipping == CLIP_GLOBAL_NORM:
        norm = <real>c_sqrt(sum_of_squares(n, grad))
        scale = 1 / norm
        scale = at * (scale if scale < 1 / at or scale != scale else 1 / at) + (norm - norm)
        for i in range(n):
            grad[i] = grad[i] * scale
    elif opt.clipping == CLIP_NORM:
        for v in range(opt.n_variables):
            norm = <real>c_sqrt(sum_of_squares(opt.bounds[v + 1] - opt.bounds[v], grad + opt.bounds[v]))
            scale = norm if norm > at or norm != norm else at
            for i in range(opt.bounds[v], opt.bounds[v + 1]):
                grad[i] = grad[i] * at / scale


cdef inline int update(Optimizer* opt, Py_ssize_t n, real* theta, real* grad, real* slots) except -1 nogil:
    """`update_in_full`, by a short way for small vectors where there is one."""
    cdef unsigned before
    if not opt.plain or n >= 32768:
        return update_in_full(opt, n, theta, grad, slots)
    opt.learning_rate = opt.schedule.table[0]
    before = mode_of_update(opt)
    step(opt, opt.applied, n, n, theta, grad, slots)
    gd_set_mode(before)
    opt.applied += 1
    return 1


cdef int update_in_full(Optimizer* opt, Py_ssize_t n, real* theta, real* grad, real* slots) except -1 nogil:
    """One call of Keras's `apply`: loss scale, accumulation, clipping, weight decay, the step, the moving average.

    Returns the number of calls that this counts for: 0 where a dynamic loss scale turned out too large, 1 otherwise.
    grad is changed.
    """
    cdef Py_ssize_t i, v, iterations = opt.applied
    cdef bint now = True
    cdef real* average = slots + opt.n_slots * n
    cdef real* kept = average + (n if opt.ema else 0)
    cdef real lr, wd, steps, momentum, rest, scale
    if opt.growth_steps and not finite(n, <const real*>grad):
        opt.loss_scale[0] *= 0.5
        opt.finite_steps[0] = 0
        return 0
    if opt.accumulation:
        iterations = opt.applied // opt.accumulation
        now = (opt.applied + 1) % opt.accumulation == 0
    if now:
        # first of all that changes anything, as it may raise; the schedule counts calls, not updates
        if opt.schedule.kind == CONSTANT_RATE:
            opt.learning_rate = opt.schedule.table[0]
        elif opt.schedule.kind == CALLED_RATE:
            ask_for_the_rate(opt)
        else:
            opt.learning_rate = learning_rate_at(&opt.schedule, <double>opt.applied, theta)
    if opt.scaled:
        scale = <real>opt.loss_scale[0]
        for i in range(n):
            grad[i] = grad[i] / scale
        opt.finite_steps[0] += 1
        if opt.finite_steps[0] == opt.growth_steps:
            # Keras lets it grow to inf, from where it never comes back
            if opt.loss_scale[0] < 1e38:
                opt.loss_scale[0] *= 2
            opt.finite_steps[0] = 0
    if opt.accumulation:
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
        if opt.decay != NULL:
            lr = <real>opt.learning_rate
            for v in range(opt.n_variables):
                wd = <real>opt.decay[v]
                if wd != 0:
                    for i in range(opt.bounds[v], opt.bounds[v + 1]):
                        theta[i] = theta[i] - theta[i] * wd * lr
        step_all(opt, iterations, n, n, theta, grad, slots)
    if opt.ema:
        momentum = <real>opt.ema_momentum if iterations != 0 else 0
        rest = 1 - momentum
        for i in range(n):
            average[i] = momentum * average[i] + rest * theta[i]
        if opt.ema_overwrite and (iterations + 1) % opt.ema_overwrite == 0:
            memcpy(theta, average, n * sizeof(real))
    opt.applied += 1
    return 1


cdef Schedule schedule_struct(spec):
    """The struct of (kind, numbers, flag, table or what to call); the last must outlive it."""
    cdef Schedule schedule
    cdef const double[::1] table
    cdef Py_ssize_t i
    kind, numbers, schedule.flag, last = spec
    schedule.kind = SCHEDULES[kind]
    for i in range(5):
        schedule.number[i] = numbers[i] if i < len(numbers) else 0
    schedule.called = <PyObject*>last
    if schedule.kind == CONSTANT_RATE or schedule.kind == PIECEWISE_CONSTANT_DECAY:
        table = last
        schedule.table = &table[0]
        schedule.boundaries = table.shape[0] // 2
    return schedule


cdef Optimizer optimizer_struct(optimizer):
    """The struct of what `Optimizer._core` gives, which must outlive it."""
    cdef Optimizer opt
    cdef Py_ssize_t i
    cdef const int64_t[::1] bounds
    cdef const int64_t[:, ::1] shapes
    cdef const unsigned char[::1] adam
    cdef const double[::1] decay
    cdef double[::1] scalars
    cdef unsigned char[::1] workspace
    spec, slots, bounds, shapes, adam, decay, scalars, workspace = optimizer
    kind, schedule, numbers, opt.flag, opt.n_slots, options = spec
    opt.kind = OPTIMIZERS[kind]
    opt.schedule = schedule_struct(schedule)
    for i in range(10):
        opt.number[i] = numbers[i] if i < len(numbers) else 0
    (clipping, opt.clip_at, opt.ema, opt.ema_momentum, opt.ema_overwrite, opt.accumulation, opt.scaled,
     opt.growth_steps, opt.applied) = options
    opt.clipping = CLIPPINGS[clipping]
    opt.n_variables = bounds.shape[0] - 1
    opt.bounds = &bounds[0]
    opt.shapes = &shapes[0, 0]
    opt.adam = &adam[0]
    opt.decay = &decay[0] if decay is not None else NULL
    opt.product = &scalars[0]
    opt.power_1.step = opt.power_2.step = -1
    opt.keeps_tiny = False
    opt.loss_scale = &scalars[1]
    opt.finite_steps = &scalars[2]
    opt.plain = (opt.schedule.kind == CONSTANT_RATE and opt.clipping == NO_CLIPPING and opt.decay == NULL
                 and not (opt.ema or opt.accumulation or opt.scaled or opt.growth_steps))
    opt.workspace = <void*>(<size_t>(&workspace[0] + GD_ALIGNMENT - 1) // GD_ALIGNMENT * GD_ALIGNMENT)
    return opt


def optimizer_workspace(kind, shapes, adam, dtype):
    """Memory for what a kind of optimizer computes besides its vectors, of the size that `update` needs."""
    cdef Py_ssize_t count, rows, cols, small, large, most = 0
    for (count, rows, cols), by_adam in zip(shapes, adam):
        if OPTIMIZERS[kind] == ADAFACTOR:
            most = max(most, cols * <Py_ssize_t>sizeof(double))
        elif OPTIMIZERS[kind] == MUON and not by_adam:
            small = padded(min(rows, cols))
            large = padded(max(rows, cols))
            most = max(most, (2 * large + 3 * small) * small * np.dtype(dtype).itemsize)
    return np.empty(most + GD_ALIGNMENT, np.uint8)


def schedule_values(spec, steps, dtype):
    """A schedule's learning rates at each of an array of steps (float64)."""
    out = np.empty(steps.shape[0], dtype)
    if out.dtype == np.float64:
        _schedule_values[double](spec, steps, out)
    else:
        _schedule_values[float](spec, steps, out)
    return out


cdef _schedule_values(spec, const double[::1] steps, real[::1] out):
    cdef Schedule schedule = schedule_struct(spec)
    cdef Py_ssize_t i
    with nogil:
        for i in range(steps.shape[0]):
            out[i] = learning_rate_at(&schedule, steps[i], &out[0])


def apply_update(theta, grad, optimizer):
    """One update of a flat vector outside of a network, which changes grad too; returns what `update` does."""
    if theta.dtype == np.float64:
        return _apply_update[double](theta, grad, optimizer)
    return _apply_update[float](theta, grad, optimizer)


cdef int _apply_update(real[::1] theta, real[::1] grad, optimizer) except -1:
    cdef real[:, ::1] slots = optimizer[1]
    cdef Optimizer opt = optimizer_struct(optimizer)
    if theta.shape[0] == 0:
        return 1
    with nogil:
        return update(&opt, theta.shape[0], &theta[0], &grad[0], &slots[0, 0] if slots.shape[0] else NULL)


@cython.final
cdef class Prepared:
    """Prepared(shapes, optimizer)

    Updates of arrays where they lie, without what Python would do around each: for optimizers that update every number
    by itself, at a constant rate and with no more than a weight decay.

    Parameters
    ----------
    shapes : list of tuple
        Of the arrays, in the order of the flat vector.
    optimizer : what `Optimizer._core` gives

    Attributes
    ----------
    able : bool
        Whether the optimizer is of that sort.
    """
    cdef Optimizer opt
    cdef object held                 # what the struct points to
    cdef list shapes
    cdef bint double_
    cdef void* slots
    cdef Py_ssize_t size
    cdef bint busy                   # in another thread: the struct has powers that change
    cdef readonly bint able

    def __cinit__(self, shapes, optimizer):
        cdef float[:, ::1] single
        cdef double[:, ::1] wide
        self.held, self.shapes = optimizer, shapes
        self.opt = optimizer_struct(optimizer)
        self.size = self.opt.bounds[self.opt.n_variables]
        self.double_ = optimizer[1].dtype == np.float64
        self.able = (by_itself(&self.opt) and self.opt.schedule.kind == CONSTANT_RATE and self.size > 0
                     and self.opt.clipping == NO_CLIPPING
                     and not (self.opt.ema or self.opt.accumulation or self.opt.scaled or self.opt.growth_steps))
        if not self.able or not optimizer[1].shape[0]:
            self.slots = NULL
        elif self.double_:
            wide = optimizer[1]
            self.slots = &wide[0, 0]
        else:
            single = optimizer[1]
            self.slots = &single[0, 0]

    cdef bint has_shape(self, Py_buffer* view, Py_ssize_t k) except -1:
        cdef tuple shape = self.shapes[k]
        cdef Py_ssize_t i
        cdef char kind = b"d" if self.double_ else b"f"
        if (view.format[0] != kind or view.format[1] != 0 or view.ndim != len(shape)
                or <size_t>view.buf % view.itemsize):
            return False
        for i in range(view.ndim):
            if view.shape[i] != shape[i]:
                return False
        return True

    def apply(self, grads, arrays, Py_ssize_t applied):
        """One update, the applied-th, and True; or False, and nothing has changed, where arrays are not just as they
        should be: lists of contiguous arrays of the shapes and the type, none over what is updated."""
        cdef Py_ssize_t k = 0, j, n = len(self.shapes), taken = 0
        cdef Py_buffer views[16]
        cdef bint good = n <= 8
        if (type(grads) is not list or type(arrays) is not list or len(grads) != n or len(arrays) != n or not good
                or self.busy):
            return False
        self.busy = True
        try:
            while good and k < n:
                if type(grads[k]) is not np_ndarray or type(arrays[k]) is not np_ndarray:
                    return False
                PyObject_GetBuffer(grads[k], &views[taken], PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
                taken += 1
                PyObject_GetBuffer(arrays[k], &views[taken], PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
                taken += 1
                good = self.has_shape(&views[taken - 2], k) and self.has_shape(&views[taken - 1], k)
                k += 1
            for k in range(taken if good else 0):        # no array over its or another's gradient, or over another array
                for j in range(1, taken if good else 0, 2):
                    good &= j == k or not (<size_t>views[k].buf < <size_t>views[j].buf + views[j].len
                                           and <size_t>views[j].buf < <size_t>views[k].buf + views[k].len)
            if good:
                self.opt.applied = applied
                self.opt.learning_rate = self.opt.schedule.table[0]
                for k in range(n):
                    if self.double_:
                        self.update_one[double](<double*>views[2 * k + 1].buf, <double*>views[2 * k].buf, k)
                    else:
                        self.update_one[float](<float*>views[2 * k + 1].buf, <float*>views[2 * k].buf, k)
        except (BufferError, ValueError):
            return False
        finally:
            self.busy = False
            for k in range(taken):
                PyBuffer_Release(&views[k])
        return bool(good)

    cdef void update_one(self, real* theta, real* grad, Py_ssize_t k) noexcept:
        cdef Optimizer* opt = &self.opt
        cdef Py_ssize_t first = opt.bounds[k], n = opt.bounds[k + 1] - first, i
        cdef real lr = <real>opt.learning_rate, wd
        with nogil:
            if opt.decay != NULL:
                wd = <real>opt.decay[k]
                for i in range(n if wd != 0 else 0):
                    theta[i] = theta[i] - theta[i] * wd * lr
            step_all(opt, opt.applied, n, self.size, theta, grad, <real*>self.slots + first)
