# Optimizers: one step of each on a stretch of the flat vector, in Keras's own order of operations (keras/src/optimizers),
# each operation rounded by itself.  What Keras computes in Python (1 - rho, say) is computed in double and then rounded to
# the type; what it computes on tensors is computed in the type.  One row a kind in the table at the end.
#
# A kernel updates theta[0..n-1] by grad; `slot[k]` is the kind's k-th vector there, NULL where its settings need none.
# `step.number` has its settings in the order of the row, `step.local` the number of this update, from 1.

cdef extern from "kernels/kernels.h" nogil:
    double gd_lost_in_product(double, double, double)
    Py_ssize_t GD_THREADED_UPDATE

cdef enum:
    IS_ELEMENTWISE = 1           # each number is updated as if it were alone: stretches may be cut, among threads too
    BY_VARIABLE = 2              # each array is updated by itself; grad is changed
    STARTS_AT_WEIGHTS = 4        # the first vector starts as a copy of the weights

cdef struct Power:
    double step                  # base^step is high + low; -1: not known yet
    double high
    double low

cdef struct Variable:
    Py_ssize_t offset            # in the flat vector
    Py_ssize_t slot_offset       # in the optimizer's own vectors
    Py_ssize_t size
    Py_ssize_t matrices          # their number, rows and columns; no rows: not a matrix
    Py_ssize_t rows
    Py_ssize_t columns
    double decay                 # weight decay, 0 for none
    bint by_adam                 # whether Muon leaves it to Adam
    bint is_there                # whether the flat vector still has it
    bint learns                  # and whether it is updated

cdef struct Step:
    const double* number
    double rate
    double local
    double product               # Nadam's of its momenta
    Power power_1                # of beta_1, and of beta_2
    Power power_2
    void* workspace

ctypedef void (*step_f32)(Step*, const Variable*, Py_ssize_t, float*, float*, float**) noexcept nogil
ctypedef void (*step_f64)(Step*, const Variable*, Py_ssize_t, double*, double*, double**) noexcept nogil

cdef enum:
    MOST_SLOTS = 4
    MOST_SETTINGS = 12

cdef struct OptimizerKind:
    int flags
    step_f32 single
    step_f64 double_
    void (*prepare_single)(Step*) noexcept nogil         # once a step, before any stretch; NULL: nothing to do
    void (*prepare_double)(Step*) noexcept nogil


cdef inline void multiply_power(Power* p, double high, double low) noexcept nogil:
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
            multiply_power(p, base, 0)
    elif p.step != n:
        left = <Py_ssize_t>n
        p.high = 1
        p.low = 0
        square.high = base
        square.low = 0
        while left:
            if left & 1:
                multiply_power(p, square.high, square.low)
            multiply_power(&square, square.high, square.low)
            left >>= 1
    p.step = n
    return <real>p.high


# ---- elementwise --------------------------------------------------------------------------------------------------------

cdef void sgd(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    cdef Py_ssize_t i
    cdef real lr = <real>step.rate, p = <real>step.number[0]
    cdef real* a = slot[0]
    if a == NULL or p == 0:
        for i in range(n):
            theta[i] = theta[i] - grad[i] * lr
    elif step.number[1] != 0:
        for i in range(n):
            a[i] = a[i] * p - grad[i] * lr
            theta[i] = theta[i] + (a[i] * p - grad[i] * lr)
    else:
        for i in range(n):
            a[i] = a[i] * p - grad[i] * lr
            theta[i] = theta[i] + a[i]


cdef void adagrad(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad,
                  real** slot) noexcept nogil:
    cdef Py_ssize_t i
    cdef real lr = <real>step.rate, eps = <real>step.number[1]
    cdef real* a = slot[0]
    for i in range(n):
        a[i] = a[i] + grad[i] * grad[i]
        theta[i] = theta[i] - lr * grad[i] / root(a[i] + eps)


cdef void rmsprop(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad,
                  real** slot) noexcept nogil:
    cdef Py_ssize_t i
    cdef real lr = <real>step.rate, p = <real>step.number[0], q = <real>(1 - step.number[0]), r = <real>step.number[1]
    cdef real eps = <real>step.number[2], s, t
    cdef real* a = slot[0]
    cdef real* b = slot[1]
    cdef real* c = slot[2]
    if c == NULL and b == NULL:
        for i in range(n):
            a[i] = p * a[i] + q * (grad[i] * grad[i])
            theta[i] = theta[i] - lr * grad[i] / root(a[i] + eps)
        return
    for i in range(n):
        a[i] = p * a[i] + q * (grad[i] * grad[i])
        if c != NULL:
            c[i] = p * c[i] + q * grad[i]
            s = a[i] - c[i] * c[i] + eps
        else:
            s = a[i] + eps
        t = lr * grad[i] / root(s)
        if b != NULL:
            b[i] = r * b[i] + t
            theta[i] = theta[i] - b[i]
        else:
            theta[i] = theta[i] - t


cdef void adadelta(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad,
                   real** slot) noexcept nogil:
    cdef Py_ssize_t i
    cdef real lr = <real>step.rate, p = <real>step.number[0], q = <real>(1 - step.number[0])
    cdef real eps = <real>step.number[1], t
    cdef real* a = slot[0]
    cdef real* b = slot[1]
    for i in range(n):
        a[i] = p * a[i] + q * (grad[i] * grad[i])
        t = -(root(b[i] + eps) * grad[i] / root(a[i] + eps))
        b[i] = p * b[i] + q * (t * t)
        theta[i] = theta[i] + lr * t


cdef inline void adam_step(Py_ssize_t n, real* theta, const real* grad, real* m, real* v, real rate, real p, real q,
                           real eps) noexcept nogil:
    """p and q are 1 - beta_1 and 1 - beta_2."""
    cdef Py_ssize_t i
    for i in range(n):
        m[i] = m[i] + (grad[i] - m[i]) * p
        v[i] = v[i] + (grad[i] * grad[i] - v[i]) * q
        theta[i] = theta[i] - m[i] * rate / (root(v[i]) + eps)


cdef void adam(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    # beta_1, beta_2, epsilon, amsgrad
    cdef const double* number = step.number
    cdef Py_ssize_t i
    cdef real one = 1, p = <real>(1 - number[0]), q = <real>(1 - number[1]), eps = <real>number[2], r
    cdef real* a = slot[0]
    cdef real* b = slot[1]
    cdef real* c = slot[2]
    r = <real>step.rate * root(one - nth_power(&step.power_2, <real>number[1], step.local))
    r = r / (one - nth_power(&step.power_1, <real>number[0], step.local))
    if c == NULL:
        adam_step(n, theta, <const real*>grad, a, b, r, p, q, eps)
        return
    for i in range(n):
        a[i] = a[i] + (grad[i] - a[i]) * p
        b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
        c[i] = c[i] if c[i] > b[i] else b[i]
        theta[i] = theta[i] - a[i] * r / (root(c[i]) + eps)


cdef void adamax(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad,
                 real** slot) noexcept nogil:
    # beta_1, beta_2, epsilon
    cdef const double* number = step.number
    cdef Py_ssize_t i
    cdef real one = 1, lr = <real>step.rate, p = <real>(1 - number[0]), q = <real>number[1], eps = <real>number[2]
    cdef real r = one - nth_power(&step.power_1, <real>number[0], step.local), s, t
    cdef real* a = slot[0]
    cdef real* b = slot[1]
    for i in range(n):
        a[i] = a[i] + (grad[i] - a[i]) * p
        s = q * b[i]
        t = abs_(grad[i])
        b[i] = s if s > t else t
        theta[i] = theta[i] - lr * a[i] / (r * (b[i] + eps))


cdef real nadam_momentum(Step* step, double local, real* only_for_its_type) noexcept nogil:
    cdef real one = 1
    return <real>step.number[0] * (one - <real>0.5 * power(<real>0.96, local))


cdef void prepare_nadam(Step* step, real* only_for_its_type) noexcept nogil:
    cdef real one = 1, beta_1 = <real>step.number[0]
    step.product = <real>step.product * beta_1 * (one - <real>0.5 * power(<real>0.96, step.local))


cdef void prepare_nadam_single(Step* step) noexcept nogil:
    prepare_nadam[float](step, NULL)


cdef void prepare_nadam_double(Step* step) noexcept nogil:
    prepare_nadam[double](step, NULL)


cdef void nadam(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    # beta_1, beta_2, epsilon
    cdef Py_ssize_t i
    cdef real one = 1, lr = <real>step.rate, beta_1 = <real>step.number[0], beta_2 = <real>step.number[1]
    cdef real eps = <real>step.number[2], p = one - beta_1, q = one - beta_2, r = <real>step.product
    cdef real t = nadam_momentum(step, step.local, theta), u = nadam_momentum(step, step.local + 1, theta)
    cdef real s = one - nth_power(&step.power_2, beta_2, step.local)
    cdef real ahead = one - r * u, now = one - r     # the divisors of the two halves of the momentum
    cdef real* a = slot[0]
    cdef real* b = slot[1]
    t = one - t
    for i in range(n):
        a[i] = a[i] + (grad[i] - a[i]) * p
        b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
        theta[i] = theta[i] - (u * a[i] / ahead + t * grad[i] / now) * lr / (root(b[i] / s) + eps)


cdef void ftrl(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    # learning_rate_power, initial_accumulator_value, l1, l2, l2 shrinkage, beta
    cdef const double* number = step.number
    cdef Py_ssize_t i
    cdef real lr = <real>step.rate, p = <real>number[2], q = 2 * (<real>number[3] + <real>number[5] / (2 * lr))
    cdef real r = <real>(2 * number[4]), s, t, u
    cdef real* a = slot[0]
    cdef real* b = slot[1]
    for i in range(n):
        t = a[i] + grad[i] * grad[i]
        s = power(t, -<real>number[0])
        b[i] = b[i] + (grad[i] + r * theta[i] - (s - power(a[i], -<real>number[0])) / lr * theta[i])
        u = -p if b[i] < -p else (p if b[i] > p else b[i])
        theta[i] = (u - b[i]) / (s / lr + q)
        a[i] = t


cdef void adan(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    # beta_1, beta_2, beta_3, epsilon; slots: the mean, that of the differences, that of the squares, the last gradient
    cdef const double* number = step.number
    cdef Py_ssize_t i
    cdef real one = 1, lr = <real>step.rate, beta_2 = <real>number[1], beta_3 = <real>number[2], eps = <real>number[3]
    cdef real p = <real>(1 - number[0]), q = <real>(1 - number[1]), r = <real>(1 - number[2])
    cdef real mean_rate = lr / (one - nth_power(&step.power_1, <real>number[0], step.local))
    cdef real difference_rate = lr * beta_2 / (one - nth_power(&step.power_2, beta_2, step.local))
    cdef real root_divisor = root(one - power(beta_3, <real>step.local)), difference, ahead
    cdef real* m = slot[0]
    cdef real* d = slot[1]
    cdef real* v = slot[2]
    cdef real* last = slot[3]
    for i in range(n):
        difference = grad[i] - last[i] if step.local > 1 else <real>0
        m[i] = m[i] + (grad[i] - m[i]) * p
        d[i] = d[i] + (difference - d[i]) * q
        ahead = grad[i] + beta_2 * difference
        v[i] = v[i] + (ahead * ahead - v[i]) * r
        last[i] = grad[i]
        theta[i] = theta[i] - (mean_rate * m[i] + difference_rate * d[i]) / (root(v[i]) / root_divisor + eps)


cdef void lion(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    # beta_1, beta_2
    cdef Py_ssize_t i
    cdef real one = 1, lr = <real>step.rate, beta_1 = <real>step.number[0], beta_2 = <real>step.number[1]
    cdef real p = one - beta_1, q = one - beta_2
    cdef real* a = slot[0]
    for i in range(n):
        theta[i] = theta[i] - lr * sign(a[i] * beta_1 + grad[i] * p)
        a[i] = a[i] * beta_2 + grad[i] * q


cdef void schedule_free_adamw(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad,
                              real** slot) noexcept nogil:
    # beta_1, beta_2, epsilon, warmup_steps; slots: the iterates z, then the mean squares
    cdef const double* number = step.number
    cdef Py_ssize_t i
    cdef real one = 1, lr = <real>step.rate, beta_1 = <real>number[0], beta_2 = <real>number[1], eps = <real>number[2]
    cdef real p = one - beta_1, q = one - beta_2, s = one - nth_power(&step.power_2, beta_2, step.local)
    cdef real r = one / <real>step.local, u = one - r, t
    cdef real* a = slot[0]
    cdef real* b = slot[1]
    if number[3] > 0:
        t = <real>step.local / <real>number[3]
        lr = lr * (t if t < one else one)
    for i in range(n):
        b[i] = b[i] + (grad[i] * grad[i] - b[i]) * q
        a[i] = a[i] - lr * grad[i] / (root(b[i] / s) + eps)
        # what Keras calls the old z here is, on TensorFlow, the new one: its variable has changed by then
        t = (theta[i] - p * a[i]) / beta_1
        theta[i] = p * a[i] + beta_1 * (u * t + r * a[i])


# ---- by variable: grad is changed ---------------------------------------------------------------------------------------

cdef void lamb(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    """Adam's step, made as long as the rate times the variable itself: beta_1, beta_2, epsilon."""
    cdef const double* number = step.number
    cdef Py_ssize_t i
    cdef real one = 1, p = <real>(1 - number[0]), q = <real>(1 - number[1]), eps = <real>number[2], length, ratio
    cdef real r = one - nth_power(&step.power_1, <real>number[0], step.local)
    cdef real s = one - nth_power(&step.power_2, <real>number[1], step.local)
    cdef real* m = slot[0]
    cdef real* v = slot[1]
    for i in range(n):
        m[i] = m[i] + (grad[i] - m[i]) * p
        v[i] = v[i] + (grad[i] * grad[i] - v[i]) * q
        grad[i] = m[i] / r / (root(v[i] / s) + eps)
    length = root(<real>sum_of_squares(n, <const real*>theta))
    ratio = root(<real>sum_of_squares(n, <const real*>grad))
    ratio = (length / ratio if length > 0 and ratio > 0 else one) * <real>step.rate
    for i in range(n):
        theta[i] = theta[i] - ratio * grad[i]


cdef void factored_mean(const Variable* variable, Py_ssize_t matrix, real keep, double epsilon, double* sums,
                        real* grad, real* r, real* c) noexcept nogil:
    """Adafactor's running means of a matrix's squares by row and by column, and the gradient divided by their root."""
    cdef Py_ssize_t row, j, i, rows = variable.rows, columns = variable.columns
    cdef real one = 1, new = one - keep, mean, share
    cdef double total = 0
    for j in range(columns):
        sums[j] = 0
    for row in range(rows):
        i = (matrix * rows + row) * columns
        r[matrix * rows + row] = (keep * r[matrix * rows + row]
                                  + new * <real>(sum_of_squares(columns, <const real*>grad + i) / columns + epsilon))
        total += r[matrix * rows + row]
        for j in range(columns):
            sums[j] += <double>grad[i + j] * grad[i + j]
    mean = <real>(total / rows)
    for j in range(columns):
        c[matrix * columns + j] = keep * c[matrix * columns + j] + new * <real>(sums[j] / rows + epsilon)
    for row in range(rows):
        i = (matrix * rows + row) * columns
        share = r[matrix * rows + row] / mean
        for j in range(columns):
            grad[i + j] = grad[i + j] / root(share * c[matrix * columns + j])


cdef void adafactor(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad,
                    real** slot) noexcept nogil:
    """slot[0] holds the mean squares of a matrix's rows, or of a vector's values; slot[1] those of its columns."""
    # beta_2_decay, epsilon_1, epsilon_2, clip_threshold
    cdef const double* number = step.number
    cdef Py_ssize_t i, matrix
    cdef real one = 1, keep = one - power(<real>step.local, <real>number[0]), new = one - keep
    cdef real rho = one / root(<real>step.local), eps = <real>number[1], alpha, shrink
    cdef real* r = slot[0]
    rho = <real>step.rate if step.rate < rho else rho
    alpha = root(<real>(sum_of_squares(n, <const real*>theta) / n))
    alpha = (<real>number[2] if alpha < <real>number[2] else alpha) * rho
    if variable.rows == 0:
        for i in range(n):
            r[i] = keep * r[i] + new * (grad[i] * grad[i] + eps)
            grad[i] = grad[i] / root(r[i])
    for matrix in range(variable.matrices if variable.rows else 0):
        factored_mean(variable, matrix, keep, number[1], <double*>step.workspace, grad, r, slot[1])
    shrink = root(<real>(sum_of_squares(n, <const real*>grad) / n)) / <real>number[3]
    shrink = one if shrink < one else shrink
    for i in range(n):
        theta[i] = theta[i] - alpha * (grad[i] / shrink)


cdef struct Lying:               # a matrix that lies down in (small, large), padded with zeros to (s, l)
    Py_ssize_t rows
    Py_ssize_t columns
    Py_ssize_t small
    Py_ssize_t large
    Py_ssize_t s
    Py_ssize_t l


cdef Lying lie_down(Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    cdef Lying size
    size.rows, size.columns = rows, columns
    size.small, size.large = min(rows, columns), max(rows, columns)
    size.s, size.l = padded(size.small), padded(size.large)
    return size


cdef void orthogonalize(const Lying* size, const double* number, real* x) noexcept nogil:
    """ns_steps of Newton-Schulz on x of shape (s, l), behind which there is room for x again and three of (s, s)."""
    cdef Py_ssize_t i, j, turn, small = size.small, large = size.large, s = size.s, l = size.l
    cdef real a = <real>number[5], b = <real>number[6], c = <real>number[7]
    cdef real* product = x + s * l
    cdef real* square = product + s * l
    cdef real* scaled = square + s * s
    cdef real* fourth = scaled + s * s
    for turn in range(<Py_ssize_t>number[8]):
        # the products are those of dense layers in shape: squares are symmetric, and x lies in product on its side
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


cdef void muon(Step* step, const Variable* variable, Py_ssize_t n, real* theta, real* grad, real** slot) noexcept nogil:
    """Matrices move by their momentum with its singular values made about 1; all else by Adam."""
    # adam_beta_1, adam_beta_2, epsilon, adam_lr_ratio, momentum, a, b, c, ns_steps, rms_rate (nan: None), nesterov
    cdef const double* number = step.number
    cdef Py_ssize_t i, j
    cdef real one = 1, lr = <real>step.rate, p = <real>number[4], back = <real>(number[4] - 1), rms = <real>number[9]
    cdef real norm, rate, move
    cdef real* m = slot[0]
    cdef real* x = <real*>step.workspace
    cdef Lying size
    if variable.by_adam:
        rate = lr * <real>number[3]
        rate = rate * root(one - nth_power(&step.power_2, <real>number[1], step.local))
        rate = rate / (one - nth_power(&step.power_1, <real>number[0], step.local))
        adam_step(n, theta, <const real*>grad, m, slot[1], rate, <real>(1 - number[0]), <real>(1 - number[1]),
                  <real>number[2])
        return
    for i in range(n):
        m[i] = m[i] + (grad[i] + m[i] * back)
        grad[i] = grad[i] + p * m[i] if number[10] != 0 else m[i]
    size = lie_down(variable.rows, variable.columns)
    memset(x, 0, size.s * size.l * sizeof(real))
    norm = root(<real>sum_of_squares(n, <const real*>grad)) + <real>1e-7
    for i in range(size.rows):
        for j in range(size.columns):
            x[i * size.l + j if size.rows <= size.columns else j * size.l + i] = grad[i * size.columns + j] / norm
    orthogonalize(&size, number, x)
    norm = root(<real>size.large)
    for i in range(size.rows):
        for j in range(size.columns):
            move = lr * x[i * size.l + j if size.rows <= size.columns else j * size.l + i]
            if rms == rms:
                move = move * norm * rms
            theta[i * size.columns + j] = theta[i * size.columns + j] - move


cdef Py_ssize_t workspace_bytes(const OptimizerKind* kind, const Variable* variable, Py_ssize_t item) noexcept:
    """What a kernel needs for one variable besides its vectors: Adafactor sums of columns, Muon matrices to work on."""
    cdef Lying size
    if not kind.flags & BY_VARIABLE or variable.rows == 0:
        return 0
    size = lie_down(variable.rows, variable.columns)
    return max(variable.columns * <Py_ssize_t>sizeof(double),
               0 if variable.by_adam else (2 * size.l + 3 * size.s) * size.s * item)


# ---- the table ----------------------------------------------------------------------------------------------------------

OPTIMIZERS = {}
cdef OptimizerKind optimizer_kinds[32]


cdef OptimizerKind* add_optimizer(str name, tuple parameters, tuple slots, int flags, step_f32 single,
                                  step_f64 double_) except NULL:
    cdef OptimizerKind* kind = &optimizer_kinds[new_index(OPTIMIZERS, 32)]
    if len(slots) > MOST_SLOTS or len(parameters) > MOST_SETTINGS:
        raise AssertionError(f"{name} has more vectors or settings than an optimizer may")
    kind.flags, kind.single, kind.double_ = flags, single, double_
    kind.prepare_single = kind.prepare_double = NULL
    OPTIMIZERS[name] = Kind(name, len(OPTIMIZERS), parameters, slots, bool(flags & IS_ELEMENTWISE))
    return kind


cdef tuple MOMENTS = (Slot("momentum"), Slot("velocity"))
cdef OptimizerKind* nadam_kind

add_optimizer("sgd", ("momentum", "nesterov"), (Slot("momentum", "momentum"),), IS_ELEMENTWISE, sgd[float], sgd[double])
add_optimizer("adagrad", ("initial_accumulator_value", "epsilon"),
              (Slot("accumulator", initial="initial_accumulator_value"),), IS_ELEMENTWISE, adagrad[float],
              adagrad[double])
add_optimizer("rmsprop", ("rho", "momentum", "epsilon", "centered"),
              (Slot("velocity"), Slot("momentum", "momentum"), Slot("average_gradient", "centered")), IS_ELEMENTWISE,
              rmsprop[float], rmsprop[double])
add_optimizer("adadelta", ("rho", "epsilon"), (Slot("accumulated_grad"), Slot("accumulated_delta_var")), IS_ELEMENTWISE,
              adadelta[float], adadelta[double])
add_optimizer("adam", ("beta_1", "beta_2", "epsilon", "amsgrad"), (*MOMENTS, Slot("velocity_hat", "amsgrad")),
              IS_ELEMENTWISE, adam[float], adam[double])
add_optimizer("adamax", ("beta_1", "beta_2", "epsilon"), (Slot("momentum"), Slot("norm")), IS_ELEMENTWISE, adamax[float],
              adamax[double])
nadam_kind = add_optimizer("nadam", ("beta_1", "beta_2", "epsilon"), MOMENTS, IS_ELEMENTWISE, nadam[float],
                           nadam[double])
nadam_kind.prepare_single, nadam_kind.prepare_double = prepare_nadam_single, prepare_nadam_double
add_optimizer("ftrl", ("learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
                       "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta"),
              (Slot("accumulator", initial="initial_accumulator_value"), Slot("linear")), IS_ELEMENTWISE, ftrl[float],
              ftrl[double])
add_optimizer("lion", ("beta_1", "beta_2"), (Slot("momentum"),), IS_ELEMENTWISE, lion[float], lion[double])
add_optimizer("adan", ("beta_1", "beta_2", "beta_3", "epsilon"),
              (Slot("momentum"), Slot("difference"), Slot("velocity"), Slot("last_gradient")), IS_ELEMENTWISE,
              adan[float], adan[double])
add_optimizer("lamb", ("beta_1", "beta_2", "epsilon"), MOMENTS, BY_VARIABLE, lamb[float], lamb[double])
add_optimizer("adafactor", ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold"), (Slot("r"), Slot("c")),
              BY_VARIABLE, adafactor[float], adafactor[double])
add_optimizer("muon", ("adam_beta_1", "adam_beta_2", "epsilon", "adam_lr_ratio", "momentum", "muon_a", "muon_b", "muon_c",
                       "ns_steps", "rms_rate", "nesterov"), MOMENTS, BY_VARIABLE, muon[float], muon[double])
add_optimizer("schedule_free_adamw", ("beta_1", "beta_2", "epsilon", "warmup_steps"), (Slot("momentum"), Slot("velocity")),
              IS_ELEMENTWISE | STARTS_AT_WEIGHTS, schedule_free_adamw[float], schedule_free_adamw[double])
