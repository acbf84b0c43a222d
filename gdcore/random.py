"""Random streams: the numbers that TensorFlow and Keras would draw from the same seed.

All of them come from Philox4x32-10 (Salmon et al., SC 2011).  Which stream initializers draw from is one
switch, `set_stream`:

``"keras3"`` (the default)
    Keras 3: an initializer without a seed takes one from Python's ``random`` when it is made, and draws
    TensorFlow's *stateless* stream of that seed.  `gdcore.utils.set_random_seed` makes this repeatable.
``"keras2"``
    Keras 2 and TensorFlow 2: an initializer without a seed takes the next op seed of TensorFlow's *stateful*
    stream when it draws.  `set_seed` starts that stream and throws the switch.
"""

import random as _python
from typing import Any

import numpy as np

from ._core import kernels

_DEFAULT_GRAPH_SEED = 87654321  # TensorFlow's global seed when only an op seed is given
_SCRAMBLE_KEY = (0x02461E29 << 32) | 0x3EC8F720


class _State:
    stream = "keras3"
    global_seed: int | None = None
    op_seeds: _python.Random = _python.Random()


def set_seed(seed: int) -> None:
    """Start TensorFlow 2's stateful stream, as ``tf.random.set_seed`` did for Keras 2, and draw from it.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1.
    """
    _set_global_seed(seed)
    set_stream("keras2")


def set_stream(stream: str) -> None:
    """Choose what initializers draw from: ``"keras3"`` or ``"keras2"`` (see the module's text)."""
    if stream not in ("keras2", "keras3"):
        raise ValueError(f"stream={stream!r} is not 'keras2' or 'keras3'")
    _State.stream = stream


def get_stream() -> str:
    """The stream that initializers draw from: ``"keras3"`` or ``"keras2"``."""
    return _State.stream


def _set_global_seed(seed: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed={seed!r} is not an integer")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed={seed} is not between 0 and 2**64 - 1")
    _State.global_seed = int(seed)
    _State.op_seeds = _python.Random(int(seed))


def make_default_seed() -> int:
    """A seed from Python's own generator, as Keras 3 draws one for each initializer made without a seed."""
    return _python.randint(1, 10**9)


def philox_uniform(key: int, stream: int, shape: Any, low: float, high: float, dtype: Any) -> Any:
    """Uniform numbers in [low, high) as TensorFlow makes them of a Philox stream.

    A float32 takes the low 23 bits of one word for its mantissa, a float64 52 bits of two words; the result
    is ``u * (high - low) + low``, each operation rounded in that type.

    Parameters
    ----------
    key, stream : int
        64 bits each: the key, and the upper two words of the counter.
    shape : tuple of int
    low, high : float
    dtype : {float32, float64}
    """
    n = int(np.prod(shape, dtype=np.int64))
    if np.dtype(dtype) == np.float64:
        words = kernels.philox_words(key, stream, 2 * n).astype(np.uint64)
        bits = ((words[0::2] & np.uint64(0xFFFFF)) << np.uint64(32)) | words[1::2]
        u = (bits | np.uint64(0x3FF0000000000000)).view(np.float64) - 1.0
    else:
        words = kernels.philox_words(key, stream, n)
        u = ((words & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)
    low, high = u.dtype.type(low), u.dtype.type(high)
    return (u * (high - low) + low).reshape(shape)


def stateless_uniform(seed: int, shape: Any, low: float = 0.0, high: float = 1.0, dtype: Any = np.float32) -> Any:
    """The numbers of ``tf.random.stateless_uniform(shape, seed=[seed, 0], minval=low, maxval=high)``."""
    scrambled = kernels.philox_words_at(_SCRAMBLE_KEY, 0, int(seed) & (2**64 - 1))
    key = int(scrambled[0]) | int(scrambled[1]) << 32
    return philox_uniform(key, int(scrambled[2]) | int(scrambled[3]) << 32, shape, low, high, dtype)


def stateful_uniform(
    shape: Any, low: float = 0.0, high: float = 1.0, dtype: Any = np.float32, seed: int | None = None
) -> Any:
    """The numbers of ``tf.random.uniform(shape, low, high, seed=seed)`` after `set_seed`, in eager mode."""
    if seed is None:
        if _State.global_seed is None:
            key, stream = _python.getrandbits(64), _python.getrandbits(63)
        else:
            key, stream = _State.global_seed, _State.op_seeds.randint(0, 2**31 - 1)
    else:
        key, stream = _DEFAULT_GRAPH_SEED if _State.global_seed is None else _State.global_seed, int(seed)
    return philox_uniform(key, stream, shape, low, high, dtype)
