# Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011), in the
# layout of TensorFlow's random ops: counter words 0-1 count blocks of four words, words 2-3 name the stream.

# libm rather than vmath.h: TensorFlow calls it too, so that normal numbers agree to the last bit where the libm does
cdef extern from "<math.h>" nogil:
    float logf(float)
    float sinf(float)
    float cosf(float)
    double log(double)
    double sin(double)
    double cos(double)

cdef extern from "kernels/kernels.h" nogil:
    int GD_PHILOX_BLOCKS
    void gd_philox_blocks(uint64_t, uint64_t, uint64_t, uint32_t*)

cdef enum:
    UNIFORM
    NORMAL
    TRUNCATED_NORMAL

DISTRIBUTIONS = {"uniform": UNIFORM, "normal": NORMAL, "truncated_normal": TRUNCATED_NORMAL}

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


cdef inline void scrambled_stream(int64_t seed, int64_t call, uint64_t* key, uint64_t* stream) noexcept nogil:
    """The stream of a call with a seed, as Keras on TensorFlow makes it: both modulo 2^31 - 2, drawn once themselves."""
    cdef int64_t m = 0x7FFFFFFE
    cdef uint32_t words[4]
    philox_block(0x02461E293EC8F720u, <uint64_t>(((call % m) + m) % m), <uint64_t>(((seed % m) + m) % m), words)
    key[0] = words[0] | <uint64_t>words[1] << 32
    stream[0] = words[2] | <uint64_t>words[3] << 32


cdef inline void uniform_group(uint64_t key, uint64_t stream, uint64_t block, real* u) noexcept nogil:
    """The uniform numbers in [0, 1) of one block: four of 23 bits, or two of 52."""
    cdef uint32_t words[4]
    cdef uint32_t bits
    cdef uint64_t long_bits
    cdef int i
    philox_block(key, stream, block, words)
    if real is float:
        for i in range(4):
            bits = (words[i] & 0x7FFFFFu) | 0x3F800000u
            memcpy(&u[i], &bits, 4)
            u[i] -= 1
    else:
        for i in range(2):
            long_bits = <uint64_t>((words[2 * i] & 0xFFFFFu) | 0x3FF00000u) << 32 | words[2 * i + 1]
            memcpy(&u[i], &long_bits, 8)
            u[i] -= 1


cdef inline void box_muller(real* u) noexcept nogil:
    """Turns two uniform numbers into two of the standard normal distribution."""
    cdef double turn = 6.283185307179586
    cdef real radius, angle
    if real is float:
        radius = root(-2 * logf(max(u[0], <float>1e-7)))
        angle = <float>(turn * u[1])
        u[0] = sinf(angle) * radius
        u[1] = cosf(angle) * radius
    else:
        radius = root(-2 * log(max(u[0], 1e-7)))
        angle = turn * u[1]
        u[0] = sin(angle) * radius
        u[1] = cos(angle) * radius


cdef inline void random_group(int distribution, uint64_t key, uint64_t stream, uint64_t i, real* z) noexcept nogil:
    """The i-th group of standard numbers, four of float or two of double; each comes from blocks of its own."""
    cdef Py_ssize_t per = 16 // sizeof(real), made = 0, at
    cdef uint64_t block
    cdef real u[4]
    if distribution != TRUNCATED_NORMAL:
        uniform_group(key, stream, i, z)
        if distribution == NORMAL:
            for at in range(0, per, 2):
                box_muller(z + at)
        return
    block = i * per * 64  # blocks enough for a group, however many of its numbers are drawn again
    while True:
        uniform_group(key, stream, block, u)
        block += 1
        for at in range(0, per, 2):
            box_muller(u + at)
        for at in range(per):
            if abs_(u[at]) < 2:
                z[made] = u[at]
                made += 1
                if made == per:
                    return


cdef void fill_random(int distribution, uint64_t key, uint64_t stream, Py_ssize_t first, Py_ssize_t n, real scale,
                      real shift, real* out) noexcept nogil:
    """out = numbers first, first + 1, ..., first + n - 1 of a stream, times scale, plus shift."""
    cdef Py_ssize_t per = 16 // sizeof(real), i = 0, at = first % per, block = first // per, k
    cdef real z[4]
    while i < n:
        random_group(distribution, key, stream, block, z)
        for k in range(at, min(per, at + n - i)):
            out[i] = z[k] * scale + shift
            i += 1
        at = 0
        block += 1


cdef void shuffle(int64_t* order, Py_ssize_t n, uint64_t key, uint64_t stream) noexcept nogil:
    """order = the permutation of range(n) that tf.random.shuffle makes of that stream."""
    cdef uint32_t words[64]      # 4 * GD_PHILOX_BLOCKS
    cdef uint32_t steps[64]
    cdef Py_ssize_t first = 0, i, j, count
    cdef int64_t kept
    cdef double left
    for i in range(n):
        order[i] = i
    while first < n - 1:
        gd_philox_blocks(key, stream, first // 4, words)
        count = min(4 * GD_PHILOX_BLOCKS, n - 1 - first)
        if n < (<int64_t>1) << 32:
            # word % (n - i): below 2^32 a quotient of doubles never rounds up to a whole number, and divides in vectors
            for i in range(count):
                left = <double>(n - first - i)
                steps[i] = words[i] - <uint32_t>(<int64_t>(<double>words[i] / left) * (n - first - i))
        else:
            for i in range(count):
                steps[i] = words[i]                  # less than what is left
        for i in range(count):
            j = first + i + <Py_ssize_t>steps[i]
            kept = order[first + i]
            order[first + i] = order[j]
            order[j] = kept
        first += count


def philox_words(uint64_t key, uint64_t stream, Py_ssize_t n, uint64_t block=0):
    """The next n 32-bit words of a stream from a block of four on, as a uint32 array."""
    cdef uint32_t[::1] out = np.empty(n, np.uint32)
    cdef uint32_t words[4]
    cdef Py_ssize_t i
    with nogil:
        for i in range(n):
            if i % 4 == 0:
                philox_block(key, stream, block + i // 4, words)
            out[i] = words[i % 4]
    return np.asarray(out)


def seeded_stream(int64_t seed, int64_t call):
    """(key, stream) of a call with a seed, in Keras 3 on TensorFlow."""
    cdef uint64_t key, stream
    scrambled_stream(seed, call, &key, &stream)
    return key, stream


def draw_random(distribution, uint64_t key, uint64_t stream, real[::1] out, Py_ssize_t first=0, double scale=1,
                double shift=0):
    """out = numbers of a stream from the first on, times scale, plus shift."""
    cdef int kind = DISTRIBUTIONS[distribution]
    if out.shape[0]:
        with nogil:
            fill_random(kind, key, stream, first, out.shape[0], <real>scale, <real>shift, &out[0])


def shuffle_order(Py_ssize_t n, uint64_t key, uint64_t stream):
    """The permutation of range(n) drawn from a stream, as an int64 array."""
    cdef int64_t[::1] out = np.empty(n, np.int64)
    if n:
        with nogil:
            shuffle(&out[0], n, key, stream)
    return np.asarray(out)
