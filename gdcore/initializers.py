"""Initial values of weights: Keras's names, and the very numbers its random streams give.

An initializer with a seed, and in Keras 3 also one without, gives the same numbers with each call; a
`gdcore.random.SeedGenerator` as the seed gives others each time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import random
from ._names import arguments, look_up, serialized, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from .random import Seed, Shape

_I = TypeVar("_I", bound="Initializer")


class Initializer:
    """Makes an array of a given shape; subclasses say with what in it."""

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        """An array of that shape and dtype (float32 unless it says float64)."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {}

    @classmethod
    def from_config(cls: type[_I], config: dict[str, Any]) -> _I:
        """The object that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config))

    def clone(self: _I) -> _I:
        """Another object with the same arguments."""
        return self.from_config(self.get_config())

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.zeros(random.check_shape(shape), random.check_float(dtype))


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.ones(random.check_shape(shape), random.check_float(dtype))


class Constant(Initializer):
    """One value everywhere; it is rounded to float32 also for float64, as in Keras on TensorFlow."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = _number("value", value)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.full(random.check_shape(shape), np.float32(self.value), random.check_float(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Identity(Initializer):
    """gain on the diagonal of a matrix, zeros beside it."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = _number("gain", gain)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        sizes = random.check_shape(shape)
        if len(sizes) != 2:
            raise ValueError(f"shape={shape!r} has {len(sizes)} dimensions, Identity makes matrices, of 2")
        dtype = random.check_float(dtype)
        return dtype.type(self.gain) * np.eye(*sizes, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class _Random(Initializer):
    """An initializer with a seed; without one, `gdcore.random` says where the numbers come from."""

    def __init__(self, seed: Seed | dict[str, Any] = None) -> None:
        if isinstance(seed, dict):
            seed = _generator(seed)
        if not isinstance(seed, random.SeedGenerator):
            seed = random.check_seed(seed)
        self._given = self.seed = seed
        if seed is None and random.get_stream() == "keras3":
            self.seed = random.make_default_seed()

    def _draw(self, distribution: str, shape: Shape, first: float, second: float, dtype: Any) -> NDArray[Any]:
        """Numbers between two bounds for "uniform", else of that mean and standard deviation."""
        if random.get_stream() == "keras2" and not isinstance(self._given, random.SeedGenerator):
            return random.draw(distribution, shape, first, second, dtype, random.stateful_stream, self._given)
        if self.seed is None:
            self.seed = random.make_default_seed()
        function: Callable[..., NDArray[Any]] = getattr(random, distribution)
        return function(shape, first, second, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        if isinstance(self._given, random.SeedGenerator):
            serialized = {
                "module": "keras.random",
                "class_name": "SeedGenerator",
                "config": self._given.get_config(),
                "registered_name": None,
            }
            return {"seed": serialized}
        return {"seed": self._given}


class RandomUniform(_Random):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed | dict[str, Any] = None) -> None:
        self.minval, self.maxval = _number("minval", minval), _number("maxval", maxval)
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return self._draw("uniform", shape, self.minval, self.maxval, dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class RandomNormal(_Random):
    """Normal, of that mean and standard deviation."""

    _distribution = "normal"

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed | dict[str, Any] = None) -> None:
        self.mean, self.stddev = _number("mean", mean), _number("stddev", stddev)
        if self.stddev < 0:
            raise ValueError(f"stddev={stddev!r} is negative")
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return self._draw(self._distribution, shape, self.mean, self.stddev, dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal, but numbers that are 2 stddev or more from the mean are drawn again."""

    _distribution = "truncated_normal"


class VarianceScaling(_Random):
    """Random numbers of mean 0 and variance scale / n.

    Parameters
    ----------
    scale : float
        Greater than 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        What n is: the inputs of a unit, its outputs, or their mean; at least 1.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        ``"normal"`` is another name of the first.
    seed : int or SeedGenerator, optional
    input_axes, output_axes : sequence of int, optional
        The axes of a shape whose sizes are multiplied to make the inputs and the outputs.  Both or none; if
        none, a shape is (..., inputs, outputs), and what stands before is the size of a receptive field.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed | dict[str, Any] = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        self.scale = _number("scale", scale)
        if not self.scale > 0:
            raise ValueError(f"scale={scale!r} is not greater than 0")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode={mode!r} is not 'fan_in', 'fan_out' or 'fan_avg'")
        self.mode = mode
        known = ("truncated_normal", "untruncated_normal", "uniform")
        name = str(distribution).lower()
        self.distribution = "truncated_normal" if name == "normal" else name
        if self.distribution not in known:
            raise ValueError(f"distribution={distribution!r} is not {', '.join(map(repr, known[:2]))} or {known[2]!r}")
        if (input_axes is None) != (output_axes is None):
            raise ValueError(f"input_axes={input_axes!r} and output_axes={output_axes!r}: both or none are needed")
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        fan_in, fan_out = self._fans(random.check_shape(shape))
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self._draw("uniform", shape, -limit, limit, dtype)
        if self.distribution == "untruncated_normal":
            return self._draw("normal", shape, 0.0, math.sqrt(variance), dtype)
        return self._draw("truncated_normal", shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, dtype)

    def _fans(self, shape: tuple[int, ...]) -> tuple[int, int]:
        if self.input_axes is not None:
            try:
                return math.prod(shape[i] for i in self.input_axes), math.prod(shape[i] for i in self.output_axes)
            except (IndexError, TypeError):
                axes = f"input_axes={self.input_axes!r} and output_axes={self.output_axes!r}"
                raise ValueError(f"{axes} are not sequences of axes of shape={shape}") from None
        if len(shape) < 2:
            n = shape[0] if shape else 1
            return n, n
        receptive = math.prod(shape[:-2])
        return shape[-2] * receptive, shape[-1] * receptive

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _NamedScaling(VarianceScaling):
    _arguments: tuple[float, str, str]

    def __init__(self, seed: Seed | dict[str, Any] = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self._arguments, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        return {**_Random.get_config(self), "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_NamedScaling):
    """Uniform in [-l, l), l = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio, AISTATS 2010)."""

    _arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal, of variance 2 / (fan_in + fan_out) (Glorot & Bengio, AISTATS 2010)."""

    _arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform in [-l, l), l = sqrt(6 / fan_in) (He et al., ICCV 2015)."""

    _arguments = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal, of variance 2 / fan_in (He et al., ICCV 2015)."""

    _arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform in [-l, l), l = sqrt(3 / fan_in) (LeCun et al., Efficient BackProp, 1998)."""

    _arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal, of variance 1 / fan_in (LeCun et al., Efficient BackProp, 1998)."""

    _arguments = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """gain times a random orthogonal matrix (Saxe et al., ICLR 2014); rows or columns alone where it is not square.

    The matrix is the Q of a QR decomposition of normal numbers, R's diagonal made positive (Mezzadri, Notices of the
    AMS 54, 2007).  A shape of more dimensions is taken as (product of the others, last).  Keras's figures are
    met up to the rounding of the decomposition: some 1e-6 in float32, 1e-14 in float64.
    """

    def __init__(self, gain: float = 1.0, seed: Seed | dict[str, Any] = None) -> None:
        self.gain = _number("gain", gain)
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        sizes, dtype = random.check_shape(shape), random.check_float(dtype)
        if len(sizes) < 2:
            raise ValueError(f"shape={shape!r} has {len(sizes)} dimensions, Orthogonal needs at least 2")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(self._draw("normal", tall, 0.0, 1.0, dtype))
        q = q * np.sign(np.diagonal(r))
        return dtype.type(self.gain) * (q.T if rows < columns else q).reshape(sizes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


_TRUNCATED_STDDEV = 0.87962566103423978  # of the standard normal distribution, cut at -2 and 2


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name}={value!r} is not finite")
    return number


def _generator(config: dict[str, Any]) -> random.SeedGenerator:
    if config.get("class_name") != "SeedGenerator":
        raise ValueError(f"seed={config!r} is not a serialized SeedGenerator")
    return random.SeedGenerator.from_config(config["config"])


_CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Zeros,
        Ones,
        Constant,
        Identity,
        RandomUniform,
        RandomNormal,
        TruncatedNormal,
        VarianceScaling,
        GlorotUniform,
        GlorotNormal,
        HeUniform,
        HeNormal,
        LecunUniform,
        LecunNormal,
        Orthogonal,
    )
}
_ALL: dict[str, type[Initializer]] = {
    **_CLASSES,
    **{"".join(f"_{c.lower()}" if c.isupper() else c for c in name)[1:]: cls for name, cls in _CLASSES.items()},
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "zero": Zeros,
    "one": Ones,
    "uniform": RandomUniform,
    "normal": RandomNormal,
}


def __getattr__(name: str) -> type[Initializer]:
    if name in _ALL:  # the classes have second names, as in Keras: zeros, glorot_uniform, IdentityInitializer, ...
        return _ALL[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(identifier: Any) -> Callable[..., NDArray[Any]]:
    """The initializer that an identifier stands for.

    Parameters
    ----------
    identifier : str, dict, Initializer, class, callable or ndarray
        A name, a serialized form, an object or its class; a function of (shape, dtype) is returned as it is; an
        array is the value itself and fits its own shape only.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, str):
        return look_up("initializer", identifier, _ALL)()
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, np.ndarray):
        return _fixed(identifier)
    made = identifier() if isinstance(identifier, type) else identifier
    if not callable(made):
        raise unknown("initializer", identifier, _ALL)
    return made


def _fixed(values: NDArray[Any]) -> Callable[..., NDArray[Any]]:
    if values.dtype.kind not in "fiub":
        raise TypeError(f"initializer is an array of {values.dtype}, expected real numbers")
    values = values.copy()

    def initializer(shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        if random.check_shape(shape) != values.shape:
            raise ValueError(f"shape={shape!r} is not {values.shape}, which the array given as initializer has")
        return values.astype(random.check_float(dtype))

    return initializer


def serialize(initializer: Callable[..., NDArray[Any]]) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the initializer; of a function it holds the name only."""
    if isinstance(initializer, Initializer):
        return serialized("keras.initializers", initializer)
    return {"class_name": "function", "config": getattr(initializer, "__name__", type(initializer).__name__)}


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Callable[..., NDArray[Any]]:
    """The initializer that `serialize` described.

    Parameters
    ----------
    config : dict
        Keras's own serialized form is one, too.
    custom_objects : dict, optional
        Classes and functions of one's own, by name.
    """
    known: dict[str, Any] = {**_ALL, **(custom_objects or {})}
    name, arguments = config.get("class_name"), config.get("config")
    if name == "function":
        return look_up("initializer", str(arguments), known)
    return look_up("initializer", str(name), known).from_config(arguments or {})
