"""TensorFlow's random streams, from Philox4x32-10 up (Salmon, Moraes, Dror & Shaw, SC 2011)."""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Words = tuple[int, int, int, int]

LOW = 0xFFFFFFFF


def philox4x32(key: tuple[int, int], counter: Words) -> Words:
    """Four random words of a key and a counter: ten rounds of multiplying, swapping and mixing in the key."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & LOW, (p0 >> 32) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return c0, c1, c2, c3


def words(key64: int, stream: int, n: int) -> Array:
    """The first n words of a stream: the counter's low half counts blocks, its high half names the stream."""
    out: list[int] = []
    block = 0
    while len(out) < n:
        out += philox4x32((key64 & LOW, key64 >> 32), (block & LOW, block >> 32, stream & LOW, stream >> 32))
        block += 1
    return np.array(out[:n], np.uint32)


def uniform_from_words(bits: Array) -> Array:
    """float32 in [0, 1): the low 23 bits are the mantissa of a number in [1, 2), minus 1."""
    return ((bits & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)


def scale(u: Array, shape: tuple[int, ...], lo: float, hi: float) -> Array:
    """u (hi - lo) + lo in float32."""
    low, high = np.float32(lo), np.float32(hi)
    return (u * (high - low) + low).reshape(shape)


class LegacyStream:
    """The stateful stream of ``tf.random.set_seed``: each call takes the next op seed."""

    def __init__(self, global_seed: int) -> None:
        self.global_seed = global_seed
        self._op_seeds = random.Random(global_seed)

    def op_seed(self) -> int:
        """The next op seed."""
        return self._op_seeds.randint(0, 2**31 - 1)

    def uniform(self, shape: tuple[int, ...], lo: float, hi: float) -> Array:
        """float32 in [lo, hi)."""
        n = int(np.prod(shape))
        return scale(uniform_from_words(words(self.global_seed, self.op_seed(), n)), shape, lo, hi)


def stateless_words(seed: int, n: int) -> Array:
    """The words of ``stateless_uniform(seed=[seed, 0])``, whose key and stream are themselves drawn."""
    k0, k1, s0, s1 = philox4x32((0x3EC8F720, 0x02461E29), (seed & LOW, seed >> 32, 0, 0))
    return words(k0 | k1 << 32, s0 | s1 << 32, n)


def stateless_uniform(seed: int, shape: tuple[int, ...], lo: float, hi: float) -> Array:
    """float32 in [lo, hi), as Keras 3 draws it on TensorFlow."""
    return scale(uniform_from_words(stateless_words(seed, int(np.prod(shape)))), shape, lo, hi)


def shuffle_order(n: int, key64: int, stream: int = 0) -> Array:
    """The permutation of range(n) that ``tf.random.shuffle`` makes."""
    order = np.arange(n)
    for i, r in enumerate(words(key64, stream, max(n - 1, 0)).tolist()):
        j = i + r % (n - i)
        order[[i, j]] = order[[j, i]]
    return order
