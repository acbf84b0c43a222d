"""What this machine can do at best, measured, and what this build was made with."""

from time import perf_counter

cdef extern from "kernels/probe.h" nogil:
    const char* GD_COMPILER
    const char* GD_FLAGS
    double gd_burn(Py_ssize_t)
    void gd_triad(Py_ssize_t, float*, const float*, const float*, float)

COMPILER = GD_COMPILER.decode()
FLAGS = GD_FLAGS.decode()


def probe_fma(double seconds):
    """The most float32 operations per second that one thread reached, a multiply-add being two.

    Call it from several threads at once for what they reach together.
    """
    cdef double done, best = 0
    stop = perf_counter() + seconds
    while True:
        start = perf_counter()
        with nogil:
            done = gd_burn(200000)
        end = perf_counter()
        best = max(best, done / (end - start))
        if end > stop:
            return best


def probe_stream(Py_ssize_t nbytes, double seconds=0.05):
    """The most bytes per second that one thread moved by a = b + s c over three arrays of nbytes together.

    Bytes read and written count, not what a cache fetches before it writes.
    """
    cdef Py_ssize_t n = padded(max(nbytes // 12, 1)), k, passes = max((1 << 20) // n, 1)
    cdef float[::1] a = aligned_zeros(n, np.float32)
    cdef float[::1] b = aligned_zeros(n, np.float32)
    cdef float[::1] c = aligned_zeros(n, np.float32)
    cdef double best = 0
    cdef int timed = 0
    a[:] = 0  # so that the system gives the memory now
    b[:] = 1
    c[:] = 2
    stop = perf_counter() + seconds
    while True:
        start = perf_counter()
        with nogil:
            for k in range(passes):
                gd_triad(n, &a[0], &b[0], &c[0], 3)
        end = perf_counter()
        best = max(best, 12.0 * n * passes / (end - start))
        timed += 1
        if end > stop and timed > 2:
            return best


def padded_rows(Py_ssize_t rows):
    """How many rows the workspace has for a batch of so many."""
    return padded(rows)


def multiply(const float[:, ::1] w, const float[:, ::1] a, float[:, ::1] out):
    """out = w' a, the product of a layer's kernel (inputs, units) with a batch (inputs, rows), for benchmarks.

    Rows are a multiple of 16, and no shape has a 0.
    """
    cdef Py_ssize_t K = w.shape[0], J = w.shape[1], m = a.shape[1]
    if a.shape[0] != K or out.shape[0] != J or out.shape[1] != m or m % GD_LANES or not K * J * m:
        raise ValueError(f"w {w.shape[0], J}, a {a.shape[0], m} and out {out.shape[0], out.shape[1]} do not fit")
    with nogil:
        affine(m, K, J, &w[0, 0], J, 1, <const float*>NULL, &a[0, 0], &out[0, 0])
