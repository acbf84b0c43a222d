# Optimizer updates: one pass over the flat parameter vector, in Keras's own order of operations
# (keras/src/optimizers), each operation rounded by itself.

cdef enum:
    SGD

OPTIMIZERS = {"sgd": SGD}

cdef struct Optimizer:
    int kind
    double learning_rate
    double momentum
    bint nesterov


cdef void update(Optimizer* opt, Py_ssize_t n, real* theta, const real* grad, real* slots) noexcept nogil:
    """theta <- theta after one step; slots holds the optimizer's vectors, one after the other, n values each."""
    cdef Py_ssize_t i
    cdef real lr = <real>opt.learning_rate, momentum = <real>opt.momentum
    if momentum == 0:
        for i in range(n):
            theta[i] = theta[i] - grad[i] * lr
    elif opt.nesterov:
        for i in range(n):
            slots[i] = slots[i] * momentum - grad[i] * lr
            theta[i] = theta[i] + (slots[i] * momentum - grad[i] * lr)
    else:
        for i in range(n):
            slots[i] = slots[i] * momentum - grad[i] * lr
            theta[i] = theta[i] + slots[i]
