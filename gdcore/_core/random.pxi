# Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011), in the
# layout of TensorFlow's random ops: counter words 0-1 count blocks of four words, words 2-3 name the stream.

from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef inline void philox_block(uint64_t key, uint64_t stream, uint64_t block, uint32_t* out) noexcept nogil:
    cdef uint32_t k0 = <uint32_t>key, k1 = <uint32_t>(key >> 32)
    cdef uint32_t c0 = <uint32_t>block, c1 = <uint32_t>(block >> 32)
    cdef uint32_t c2 = <uint32_t>stream, c3 = <uint32_t>(stream >> 32)
    cdef uint64_t p0, p1
    cdef int r
    for r in range(10):
        p0 = <uint64_t>0xD2511F53u * c0
        p1 = <uint64_t>0xCD9E8D57u * c2
        c0 = <uint32_t>(p1 >> 32) ^ c1 ^ k0
        c1 = <uint32_t>p1
        c2 = <uint32_t>(p0 >> 32) ^ c3 ^ k1
        c3 = <uint32_t>p0
        k0 += 0x9E3779B9u
        k1 += 0xBB67AE85u
    out[0] = c0
    out[1] = c1
    out[2] = c2
    out[3] = c3


cdef void shuffle(int64_t* order, Py_ssize_t n, uint64_t key, uint64_t stream) noexcept nogil:
    """order = the permutation of range(n) that tf.random.shuffle makes of that stream."""
    cdef uint32_t words[4]
    cdef Py_ssize_t i, j
    cdef int64_t kept
    for i in range(n):
        order[i] = i
    for i in range(n - 1):
        if i % 4 == 0:
            philox_block(key, stream, i // 4, words)
        j = i + <Py_ssize_t>(words[i % 4] % <uint64_t>(n - i))
        kept = order[i]
        order[i] = order[j]
        order[j] = kept


def philox_words(uint64_t key, uint64_t stream, Py_ssize_t n):
    """The first n 32-bit words of a stream, as a uint32 array."""
    cdef uint32_t[::1] out = np.empty(n, np.uint32)
    cdef uint32_t words[4]
    cdef Py_ssize_t i
    with nogil:
        for i in range(n):
            if i % 4 == 0:
                philox_block(key, stream, i // 4, words)
            out[i] = words[i % 4]
    return np.asarray(out)


def philox_words_at(uint64_t key, uint64_t stream, uint64_t block):
    """The four words of one block of a stream, as a uint32 array."""
    cdef uint32_t[::1] out = np.empty(4, np.uint32)
    philox_block(key, stream, block, &out[0])
    return np.asarray(out)


def shuffle_order(Py_ssize_t n, uint64_t key, uint64_t stream):
    """The permutation of range(n) drawn from a stream, as an int64 array."""
    cdef int64_t[::1] out = np.empty(n, np.int64)
    if n:
        with nogil:
            shuffle(&out[0], n, key, stream)
    return np.asarray(out)
