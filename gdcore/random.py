"""Random streams: the numbers that TensorFlow and Keras would draw from the same seed.

All of them come from Philox4x32-10 (Salmon et al., SC 2011).  Uniform numbers are TensorFlow's bit for bit, in
float32 and float64.  Normal ones (Box and Muller, 1958) take their logarithm, sine and cosine from the C library,
as TensorFlow does: with the same C library they too are the same bits, with another they differ by a few ulp.

The functions here are those of ``keras.random``, and draw what these draw.  Which stream initializers draw from is
one switch, `set_stream`:

``"keras3"`` (the default)
    Keras 3: an initializer without a seed takes one from Python's ``random`` when it is made, and draws
    TensorFlow's *stateless* stream of that seed.  `gdcore.utils.set_random_seed` makes this repeatable.
``"keras2"``
    Keras 2 and TensorFlow 2: an initializer without a seed takes the next op seed of TensorFlow's *stateful*
    stream when it draws.  `set_seed` starts that stream and throws the switch.
"""

from __future__ import annotations

import math
import random as _python
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _checks
from ._core import kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Shape: TypeAlias = int | Sequence[int]
    Seed: TypeAlias = "int | SeedGenerator | None"

_DEFAULT_GRAPH_SEED = 87654321  # TensorFlow's global seed when only an op seed is given
_MAX_INT32 = 2**31 - 1


class _State:
    stream = "keras3"
    global_seed: int | None = None
    op_seeds: _python.Random = _python.Random()
    generator: SeedGenerator | None = None


class SeedGenerator:
    """A seed and a count of calls, of which each call of a random function takes the next.

    Parameters
    ----------
    seed : int, optional
        From -2**63 to 2**63 - 1; drawn from Python's ``random`` if not given.
    name : str, optional

    Attributes
    ----------
    state : ndarray of int64, of shape (2,)
        The seed, and how often it was used.
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self._given = check_seed(seed)
        self.name = name
        self.state = np.array([make_default_seed() if seed is None else seed, 0], np.int64)

    def next(self, ordered: bool = True) -> NDArray[np.int64]:
        """The state as it is; afterwards its count is one more, or, if not ordered, both its numbers are others."""
        used = self.state.copy()
        self.state[:] = used + np.array([0, 1]) if ordered else (used + 1) * 5387 % 933199
        return used

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {"seed": self._given, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """The object that `get_config` described, its count at 0."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"SeedGenerator(seed={self._given!r})"


def set_seed(seed: int) -> None:
    """Start TensorFlow 2's stateful stream, as ``tf.random.set_seed`` did for Keras 2, and draw from it.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1.
    """
    set_global_seed(seed)
    set_stream("keras2")


def set_stream(stream: str) -> None:
    """Choose what initializers draw from: ``"keras3"`` or ``"keras2"`` (see the module's text)."""
    _State.stream = _checks.choice("stream", stream, ("keras2", "keras3"))


def get_stream() -> str:
    """The stream that initializers draw from: ``"keras3"`` or ``"keras2"``."""
    return _State.stream


def set_global_seed(seed: int) -> None:
    """Start the streams that follow one seed, from 0 to 2**64 - 1, without choosing between them."""
    seed = _checks.integer("seed", seed, 0, 2**64 - 1)
    _State.global_seed = seed
    _State.op_seeds = _python.Random(seed)
    _State.generator = None


def make_default_seed() -> int:
    """A seed from Python's own generator, as Keras 3 draws one for each initializer made without a seed."""
    return _python.randint(1, 10**9)


def check_seed(seed: Any) -> int | None:
    """The seed as Python's integer, or None; an error that says what is wrong with it otherwise."""
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise _checks.WrongType(f"seed={seed!r} is not an integer, a SeedGenerator or None")
    return _checks.integer("seed", seed, -(2**63))


def check_shape(shape: Any) -> tuple[int, ...]:
    """The shape as a tuple of integers; an error that says what is wrong with it otherwise."""
    if type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape):
        return shape  # the usual case, without delay
    sizes = tuple(shape) if np.iterable(shape) and not isinstance(shape, str) else (shape,)
    for n in sizes:
        if isinstance(n, bool) or not isinstance(n, int | np.integer):
            raise _checks.WrongType(f"shape={shape!r} is not made of integers")
        if n < 0:
            raise ValueError(f"shape={shape!r} has a negative size")
    return tuple(int(n) for n in sizes)


def check_float(dtype: Any) -> np.dtype[Any]:
    """The dtype, float32 if it is None; an error if it is neither float32 nor float64."""
    dtype = np.dtype(dtype or np.float32)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype={dtype} is not float32 or float64")
    return dtype


def stateless_stream(seed: Seed) -> tuple[int, int]:
    """(key, stream) that a function of ``keras.random`` draws from, given that seed.

    An integer gives the same numbers with each call, a `SeedGenerator` others each time; None stands for a
    generator that all calls share and that starts anew with `gdcore.utils.set_random_seed`.
    """
    if isinstance(seed, SeedGenerator):
        used, calls = seed.next().tolist()
    elif seed is None:
        if _State.generator is None:
            _State.generator = SeedGenerator()
        used, calls = _State.generator.next(ordered=False).tolist()
    else:
        used, calls = check_seed(seed), 0
    return kernels.seeded_stream(used, calls)


def stateful_stream(seed: int | None = None, start: int | None = None) -> tuple[int, int]:
    """(key, stream) that an op of TensorFlow 2 with that seed draws from after ``tf.random.set_seed(start)``.

    Without a seed it is the next op seed of the stream that `set_seed` started, in eager mode; without a start, the
    op follows the last call of `set_seed`.
    """
    if seed is None:
        if _State.global_seed is None:
            return _python.getrandbits(64), _python.getrandbits(63)
        seed = _State.op_seeds.randint(0, _MAX_INT32)
    if start is None:
        start = _DEFAULT_GRAPH_SEED if _State.global_seed is None else _State.global_seed
    pair = start % _MAX_INT32, seed % _MAX_INT32
    return (0, _MAX_INT32) if pair == (0, 0) else pair  # zeros stand for "no seed" in TensorFlow, which avoids them


def shuffling(shuffle: bool | str, seed: int | None, fresh: int) -> tuple[int, int, int]:
    """(key, stream, step) by which `fit` shuffles: epoch e has the order of stream + e * step.

    Parameters
    ----------
    shuffle : {True, "fresh"}
        True is Keras's own order after ``set_random_seed``, the same in every epoch.
    seed : int or None
        By default that of the last ``set_random_seed``; where there was none the order is a random one.
    fresh : int
        How many fits with "fresh" the model has seen.
    """
    start = _State.global_seed if seed is None else seed % 2**64
    if start is None:
        return _python.getrandbits(64), 0, 1
    if shuffle is True:
        return (*stateful_stream(0, start), 0)
    return start, fresh << 32, 1


def draw(
    distribution: str,
    shape: Shape,
    first: float,
    second: float,
    dtype: DTypeLike | None,
    stream: Callable[[Any], tuple[int, int]],
    seed: Any,
) -> NDArray[Any]:
    """Numbers of a stream; the standard ones are multiplied and shifted, each operation rounded in that dtype.

    Parameters
    ----------
    distribution : {"uniform", "normal", "truncated_normal"}
    shape : int or sequence of int
    first, second : float
        The bounds of the uniform distribution; of the others mean and standard deviation.
    dtype : {float32, float64}, optional
        float32 if not given.
    stream : callable
        `stateless_stream` or `stateful_stream`; asked only when all else is known to be right.
    seed : int or SeedGenerator, optional
        What the stream is asked with.
    """
    out = np.empty(check_shape(shape), check_float(dtype))
    scale = out.dtype.type(second) - out.dtype.type(first) if distribution == "uniform" else second
    kernels.draw_random(distribution, *stream(seed), out.reshape(-1), 0, scale, first)
    return out


def uniform(
    shape: Shape, minval: float = 0.0, maxval: float = 1.0, dtype: DTypeLike | None = None, seed: Seed = None
) -> NDArray[Any]:
    """Uniform numbers in [minval, maxval).

    Parameters
    ----------
    shape : int or sequence of int
    minval, maxval : float
        Rounded to float32 also where the numbers are of float64, as in Keras on TensorFlow.
    dtype : {float32, float64}, optional
        float32 if not given.
    seed : int or SeedGenerator, optional
        See `stateless_stream`.
    """
    low, high = (np.float32(_checks.number(n, v)) for n, v in (("minval", minval), ("maxval", maxval)))
    return draw("uniform", shape, low, high, dtype, stateless_stream, seed)


def normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike | None = None, seed: Seed = None
) -> NDArray[Any]:
    """Normal numbers of that mean and standard deviation; the parameters are as in `uniform`."""
    mean, stddev = _checks.number("mean", mean), _checks.number("stddev", stddev)
    return draw("normal", shape, mean, stddev, dtype, stateless_stream, seed)


def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike | None = None, seed: Seed = None
) -> NDArray[Any]:
    """Normal numbers, those drawn again that are 2 stddev or more from the mean; the parameters are as in `uniform`."""
    mean, stddev = _checks.number("mean", mean), _checks.number("stddev", stddev)
    return draw("truncated_normal", shape, mean, stddev, dtype, stateless_stream, seed)


def randint(shape: Shape, minval: int, maxval: int, dtype: DTypeLike = "int32", seed: Seed = None) -> NDArray[Any]:
    """Integers from minval to maxval - 1.

    Parameters
    ----------
    shape : int or sequence of int
    minval, maxval : int
        They fit into the dtype, and maxval is the greater.
    dtype : integer dtype
        int32 takes 32 random bits for a number, any other type 64.
    seed : int or SeedGenerator, optional
        See `stateless_stream`.
    """
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        raise ValueError(f"dtype={kind} is not an integer type")
    drawn = kind if kind == np.int32 else np.dtype(np.int64)
    for name, value in (("minval", minval), ("maxval", maxval)):
        _checks.integer(name, value, high=2**64)
        if not np.iinfo(drawn).min <= value <= np.iinfo(drawn).max:
            raise ValueError(f"{name}={value!r} does not fit into {drawn}")
    if not minval < maxval:
        raise ValueError(f"minval={minval} is not less than maxval={maxval}")
    sizes = check_shape(shape)
    words = kernels.philox_words(*stateless_stream(seed), math.prod(sizes) * drawn.itemsize // 4).astype(np.uint64)
    bits = words if drawn == np.int32 else words[0::2] | words[1::2] << np.uint64(32)
    offsets = bits % np.uint64(int(maxval) - int(minval))
    return (offsets + np.uint64(int(minval) % 2**64)).view(np.int64).astype(kind).reshape(sizes)


def shuffle(x: ArrayLike, axis: int = 0, seed: Seed = None) -> NDArray[Any]:
    """x with its parts along an axis in another order; the seed is as in `uniform`."""
    array = np.asarray(x)
    keys = uniform((array.shape[axis],), seed=seed)
    return np.take(array, np.argsort(keys, kind="stable"), axis=axis)


def dropout(
    inputs: ArrayLike, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None
) -> NDArray[Any]:
    """inputs, a share of them 0 and the others divided by 1 - rate.

    Parameters
    ----------
    inputs : array_like
        float64 stays; everything else becomes float32.
    rate : float
        The share, from 0 to 1.
    noise_shape : sequence of int, optional
        What is dropped is drawn in this shape and broadcast; None in it stands for the size that inputs has.
    seed : int or SeedGenerator, optional
        See `stateless_stream`; not used with a rate of 0 or 1.
    """
    array, rate = _checks.float_array("inputs", inputs), _checks.number("rate", rate, 0, 1)
    if rate == 0:
        return array
    if rate == 1:
        return np.zeros_like(array)
    shape: Any = array.shape if noise_shape is None else tuple(noise_shape)
    if len(shape) != array.ndim or any(n not in (None, 1, own) for n, own in zip(shape, array.shape, strict=True)):
        raise ValueError(f"noise_shape={noise_shape!r} does not fit inputs of shape {array.shape}")
    shape = tuple(own if n is None else n for n, own in zip(shape, array.shape, strict=True))
    kept = uniform(shape, dtype=array.dtype, seed=seed) >= array.dtype.type(rate)
    return np.where(kept, array * array.dtype.type(1 / (1 - rate)), array.dtype.type(0))
