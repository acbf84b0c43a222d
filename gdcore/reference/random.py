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


def words(key64: int, stream: int, n: int, block: int = 0) -> Array:
    """The n words of a stream from a block on: the counter's low half counts blocks, its high half is the stream."""
    out: list[int] = []
    while len(out) < n:
        out += philox4x32((key64 & LOW, key64 >> 32), (block & LOW, block >> 32, stream & LOW, stream >> 32))
        block += 1
    return np.array(out[:n], np.uint32)


def unit(bits: Array, dtype: Any) -> Array:
    """Numbers in [0, 1): random bits are the mantissa of a number in [1, 2), minus 1.

    float32 takes the low 23 bits of a word, float64 the low 20 of one and all of the next.
    """
    if dtype == "float32":
        return ((bits & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)
    high, low = bits[0::2].astype(np.uint64), bits[1::2].astype(np.uint64)
    mantissa = (high & np.uint64(0xFFFFF)) << np.uint64(32) | low
    return (mantissa | np.uint64(0x3FF0000000000000)).view(np.float64) - 1


def box_muller(u: Array) -> Array:
    """Normal numbers of uniform ones: of each pair, sqrt(-2 log(first)) times sin and cos of 2 pi second."""
    radius = np.sqrt(-2 * np.log(np.maximum(u[0::2], u.dtype.type(1e-7))))
    angle = (2 * np.pi * u[1::2].astype(np.float64)).astype(u.dtype)
    return np.stack([np.sin(angle) * radius, np.cos(angle) * radius], axis=-1).ravel()


def standard(distribution: str, key64: int, stream: int, n: int, dtype: Any) -> Array:
    """The first n numbers of a stream: uniform in [0, 1), standard normal, or that within (-2, 2).

    A block of the stream gives a group of four numbers in float32, of two in float64.  For the truncated
    normal each group has 64 blocks in reserve for each of its numbers, and goes through them until it is full.
    """
    per, per_number = (4, 1) if dtype == "float32" else (2, 2)
    if distribution != "truncated_normal":
        u = unit(words(key64, stream, -(-n // per) * 4), dtype)
        return (u if distribution == "uniform" else box_muller(u))[:n]
    groups = []
    for group in range(-(-n // per)):
        z = box_muller(unit(words(key64, stream, 64 * per_number, block=64 * per * group), dtype))
        groups.append(z[np.abs(z) < 2][:per])
    return np.concatenate([*groups, np.empty(0, dtype)])[:n].astype(dtype)


def draw(
    distribution: str, pair: tuple[int, int], shape: tuple[int, ...], scale: float, shift: float, dtype: Any
) -> Array:
    """Numbers of the stream (key, stream), times scale, plus shift, rounded after each operation."""
    z = standard(distribution, *pair, int(np.prod(shape)), dtype)
    return (z * z.dtype.type(scale) + z.dtype.type(shift)).reshape(shape)


def uniform(pair: tuple[int, int], shape: tuple[int, ...], lo: float, hi: float, dtype: Any = "float32") -> Array:
    """Numbers in [lo, hi)."""
    low, high = np.array([lo, hi], dtype)
    return draw("uniform", pair, shape, high - low, low, dtype)


class StatefulStream:
    """The streams of ``tf.random.set_seed``: each op takes the next op seed."""

    def __init__(self, global_seed: int) -> None:
        self.global_seed = global_seed
        self._op_seeds = random.Random(global_seed)

    def next(self) -> tuple[int, int]:
        """(key, stream) of the next op: both seeds modulo 2^31 - 1, but never two zeros."""
        m = 2**31 - 1
        pair = (self.global_seed % m, self._op_seeds.randint(0, m) % m)
        return pair if any(pair) else (0, m)


def stateless_stream(seed: int, call: int = 0) -> tuple[int, int]:
    """(key, stream) of a call of ``keras.random`` with a seed: themselves words of a stream, of a fixed key."""
    m = 2**31 - 2
    k0, k1, s0, s1 = philox4x32((0x3EC8F720, 0x02461E29), (seed % m, 0, call % m, 0))
    return k0 | k1 << 32, s0 | s1 << 32


def shuffle_order(n: int, key64: int, stream: int = 0) -> Array:
    """The permutation of range(n) that ``tf.random.shuffle`` makes."""
    order = np.arange(n)
    for i, r in enumerate(words(key64, stream, max(n - 1, 0)).tolist()):
        j = i + r % (n - i)
        order[[i, j]] = order[[j, i]]
    return order
