"""Initial values of weights: Keras's names, and the very numbers its random streams give.

An initializer with a seed, and in Keras 3 also one without, gives the same numbers with each call; a
`gdcore.random.SeedGenerator` as the seed gives others each time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import _checks, random
from ._fields import Choice, Configured, Field, Real
from ._names import arguments, look_up, serialized, unknown
from ._registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from .random import Seed, Shape

_I = TypeVar("_I", bound="Initializer")

_TRUNCATED_STDDEV = 0.87962566103423978  # of the standard normal distribution, cut at -2 and 2


class Initializer(Configured):
    """Makes an array of a given shape; subclasses say with what in it."""

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        """An array of that shape and dtype (float32 unless it says float64)."""
        raise NotImplementedError

    @classmethod
    def from_config(cls: type[_I], config: dict[str, Any]) -> _I:
        """The object that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config))

    def clone(self: _I) -> _I:
        """Another object with the same arguments."""
        return self.from_config(self.get_config())


_TABLE = Registry(Initializer, "initializer", "keras.initializers")


@_TABLE.add("zero")
class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.zeros(random.check_shape(shape), random.check_float(dtype))


@_TABLE.add("one")
class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.ones(random.check_shape(shape), random.check_float(dtype))


@_TABLE.add()
class Constant(Initializer):
    """One value everywhere; it is rounded to float32 also for float64, as in Keras on TensorFlow."""

    value = Real()

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.full(random.check_shape(shape), np.float32(self.value), random.check_float(dtype))


@_TABLE.add("IdentityInitializer")
class Identity(Initializer):
    """gain on the diagonal of a matrix, zeros beside it."""

    gain = Real()

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        sizes = random.check_shape(shape)
        if len(sizes) != 2:
            raise ValueError(f"shape={shape!r} has {len(sizes)} dimensions, Identity makes matrices, of 2")
        dtype = random.check_float(dtype)
        return dtype.type(self.gain) * np.eye(*sizes, dtype=dtype)


class SeedOrGenerator(Field[Any]):
    """An integer, a `SeedGenerator` or its configuration, or None.

    What was given is kept as `_given` for the configuration; None stands for a seed of its own in Keras 3's stream.
    """

    def check(self, value: Any) -> random.SeedGenerator | int | None:
        if isinstance(value, dict):
            if value.get("class_name") != "SeedGenerator":
                raise ValueError(f"{self.name}={value!r} is not a serialized SeedGenerator")
            return random.SeedGenerator.from_config(value.get("config") or {})
        return value if isinstance(value, random.SeedGenerator) else random.check_seed(value)

    def __set__(self, thing: Any, value: Any) -> None:
        given = thing._given = self.check(value)
        own = given is None and random.get_stream() == "keras3"
        vars(thing)[self.name] = random.make_default_seed() if own else given


class RandomInitializer(Initializer):
    """An initializer with a seed; without one, `gdcore.random` says where the numbers come from."""

    _given: random.SeedGenerator | int | None
    seed = SeedOrGenerator()

    def _draw(self, distribution: str, shape: Shape, first: float, second: float, dtype: Any) -> NDArray[Any]:
        """Numbers between two bounds for "uniform", else of that mean and standard deviation."""
        if random.get_stream() == "keras2" and not isinstance(self._given, random.SeedGenerator):
            return random.draw(distribution, shape, first, second, dtype, random.stateful_stream, self._given)
        if self.seed is None:
            vars(self)["seed"] = random.make_default_seed()  # made for the other stream, which needs none
        function: Callable[..., NDArray[Any]] = getattr(random, distribution)
        return function(shape, first, second, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        generator = isinstance(self._given, random.SeedGenerator)
        return {**super().get_config(), "seed": serialized("keras.random", self._given) if generator else self._given}


@_TABLE.add("uniform")
class RandomUniform(RandomInitializer):
    """Uniform in [minval, maxval)."""

    minval = Real()
    maxval = Real()

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed | dict[str, Any] = None) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return self._draw("uniform", shape, self.minval, self.maxval, dtype)


@_TABLE.add("normal")
class RandomNormal(RandomInitializer):
    """Normal, of that mean and standard deviation."""

    _distribution = "normal"
    mean = Real()
    stddev = Real(0)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed | dict[str, Any] = None) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return self._draw(self._distribution, shape, self.mean, self.stddev, dtype)


@_TABLE.add()
class TruncatedNormal(RandomNormal):
    """Normal, but numbers that are 2 stddev or more from the mean are drawn again."""

    _distribution = "truncated_normal"


class Distribution(Choice):
    """One of the distributions, in any case of letters; "normal" is another name of the first."""

    def check(self, value: Any) -> Any:
        lower = value.lower() if isinstance(value, str) else value
        return super().check(self.known[0] if lower == "normal" else lower)


class AxesOfShape(Field[Any]):
    """A sequence of axes, or None."""

    def __init__(self) -> None:
        super().__init__(optional=True)

    def check(self, value: Any) -> Any:
        if isinstance(value, str) or not np.iterable(value):
            raise _checks.WrongType(f"{self.name}={value!r} is not a sequence of axes")
        axes = [_checks.integer(self.name, axis) for axis in value]
        return axes if isinstance(value, list) else tuple(axes)


@_TABLE.add()
class VarianceScaling(RandomInitializer):
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

    scale = Real(above=0)
    mode = Choice(("fan_in", "fan_out", "fan_avg"))
    distribution = Distribution(("truncated_normal", "untruncated_normal", "uniform"))
    input_axes = AxesOfShape()
    output_axes = AxesOfShape()

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed | dict[str, Any] = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        if (input_axes is None) != (output_axes is None):
            raise ValueError(f"input_axes={input_axes!r} and output_axes={output_axes!r}: both or none are needed")
        self.seed = seed

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


class NamedScaling(VarianceScaling):
    """`VarianceScaling` with scale, mode and distribution that a name stands for."""

    _arguments: tuple[float, str, str]

    def __init__(self, seed: Seed | dict[str, Any] = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self._arguments, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {name: config[name] for name in ("seed", "input_axes", "output_axes")}


@_TABLE.add()
class GlorotUniform(NamedScaling):
    """Uniform in [-l, l), l = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio, AISTATS 2010)."""

    _arguments = (1.0, "fan_avg", "uniform")


@_TABLE.add()
class GlorotNormal(NamedScaling):
    """Truncated normal, of variance 2 / (fan_in + fan_out) (Glorot & Bengio, AISTATS 2010)."""

    _arguments = (1.0, "fan_avg", "truncated_normal")


@_TABLE.add()
class HeUniform(NamedScaling):
    """Uniform in [-l, l), l = sqrt(6 / fan_in) (He et al., ICCV 2015)."""

    _arguments = (2.0, "fan_in", "uniform")


@_TABLE.add()
class HeNormal(NamedScaling):
    """Truncated normal, of variance 2 / fan_in (He et al., ICCV 2015)."""

    _arguments = (2.0, "fan_in", "truncated_normal")


@_TABLE.add()
class LecunUniform(NamedScaling):
    """Uniform in [-l, l), l = sqrt(3 / fan_in) (LeCun et al., Efficient BackProp, 1998)."""

    _arguments = (1.0, "fan_in", "uniform")


@_TABLE.add()
class LecunNormal(NamedScaling):
    """Truncated normal, of variance 1 / fan_in (LeCun et al., Efficient BackProp, 1998)."""

    _arguments = (1.0, "fan_in", "truncated_normal")


@_TABLE.add("OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """gain times a random orthogonal matrix (Saxe et al., ICLR 2014); rows or columns alone where it is not square.

    The matrix is the Q of a QR decomposition of normal numbers, R's diagonal made positive (Mezzadri, Notices of the
    AMS 54, 2007).  A shape of more dimensions is taken as (product of the others, last).  Keras's figures are
    met up to the rounding of the decomposition: some 1e-6 in float32, 1e-14 in float64.
    """

    gain = Real()

    def __init__(self, gain: float = 1.0, seed: Seed | dict[str, Any] = None) -> None:
        self.gain = gain
        self.seed = seed

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        sizes, dtype = random.check_shape(shape), random.check_float(dtype)
        if len(sizes) < 2:
            raise ValueError(f"shape={shape!r} has {len(sizes)} dimensions, Orthogonal needs at least 2")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(self._draw("normal", tall, 0.0, 1.0, dtype))
        q = q * np.sign(np.diagonal(r))
        return dtype.type(self.gain) * (q.T if rows < columns else q).reshape(sizes)


def __getattr__(name: str) -> type[Initializer]:
    # the classes have second names, as in Keras: zeros, glorot_uniform, IdentityInitializer, ...
    if name in _TABLE.names:
        return _TABLE.names[name]
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
        return _TABLE.get(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, np.ndarray):
        return _fixed(identifier)
    made = identifier() if isinstance(identifier, type) else identifier
    if not callable(made):
        raise unknown("initializer", identifier, _TABLE.names)
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
        return _TABLE.serialize(initializer)
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
    own = custom_objects or {}
    if config.get("class_name") == "function":
        return look_up("initializer", str(config.get("config")), {**_TABLE.names, **own})
    return _TABLE.deserialize(config, own)
