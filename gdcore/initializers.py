"""Initial values of weights: Keras's names, and the very numbers its random streams give."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import random
from ._names import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

_I = TypeVar("_I", bound="Initializer")


class Initializer:
    """Makes an array of a given shape; subclasses say with what in it."""

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> NDArray[Any]:
        """An array of that shape and dtype (float32 unless it says float64)."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {}

    @classmethod
    def from_config(cls: type[_I], config: dict[str, Any]) -> _I:
        """The object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.zeros(_shape(shape), _float(dtype))


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.ones(_shape(shape), _float(dtype))


class Constant(Initializer):
    """One value everywhere."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = float(value)

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.full(_shape(shape), self.value, _float(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class _Random(Initializer):
    """An initializer with a seed; without one, `gdcore.random` says where the numbers come from."""

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
            raise TypeError(f"seed={seed!r} is not an integer or None")
        self._given = seed
        self.seed = seed
        if seed is None and random.get_stream() == "keras3":
            self.seed = random.make_default_seed()

    def _uniform(self, shape: Any, low: float, high: float, dtype: Any) -> Any:
        if random.get_stream() == "keras2":
            return random.stateful_uniform(shape, low, high, dtype, seed=self._given)
        if self.seed is None:
            self.seed = random.make_default_seed()
        return random.stateless_uniform(self.seed, shape, low, high, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given}


class RandomUniform(_Random):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = float(minval), float(maxval)

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> NDArray[Any]:
        return self._uniform(_shape(shape), self.minval, self.maxval, _float(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class VarianceScaling(_Random):
    """Uniform in [-l, l) with l = sqrt(3 scale / n), so that the variance is scale / n.

    Parameters
    ----------
    scale : float
        Greater than 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        What n is: the inputs of a unit, its outputs, or their mean.
    distribution : {"uniform"}
    seed : int, optional
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "uniform", seed: int | None = None
    ) -> None:
        if not scale > 0:
            raise ValueError(f"scale={scale!r} is not greater than 0")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode={mode!r} is not 'fan_in', 'fan_out' or 'fan_avg'")
        if distribution != "uniform":
            raise ValueError(f"distribution={distribution!r} is not 'uniform'")
        super().__init__(seed)
        self.scale, self.mode, self.distribution = float(scale), mode, distribution

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> NDArray[Any]:
        shape = _shape(shape)
        fan_in, fan_out = _fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        limit = math.sqrt(3.0 * (self.scale / max(1.0, n)))
        return self._uniform(shape, -limit, limit, _float(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "mode": self.mode, "distribution": self.distribution, **super().get_config()}


class _NamedScaling(VarianceScaling):
    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given}


class GlorotUniform(_NamedScaling):
    """Uniform in [-l, l), l = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio, AISTATS 2010)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class HeUniform(_NamedScaling):
    """Uniform in [-l, l), l = sqrt(6 / fan_in) (He et al., ICCV 2015)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class LecunUniform(_NamedScaling):
    """Uniform in [-l, l), l = sqrt(3 / fan_in) (LeCun et al., Efficient BackProp, 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


def _shape(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if np.ndim(shape) == 0 else tuple(int(n) for n in shape)


def _float(dtype: Any) -> Any:
    dtype = np.dtype(dtype or np.float32)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype={dtype} is not float32 or float64")
    return dtype


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    receptive = math.prod(shape[:-2])
    return shape[-2] * receptive, shape[-1] * receptive


_CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (Zeros, Ones, Constant, RandomUniform, VarianceScaling, GlorotUniform, HeUniform, LecunUniform)
}
_ALL: dict[str, type[Initializer]] = {
    **_CLASSES,
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_uniform": RandomUniform,
    "uniform": RandomUniform,
    "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform,
    "he_uniform": HeUniform,
    "lecun_uniform": LecunUniform,
}


def get(identifier: str | Initializer | dict[str, Any]) -> Initializer:
    """The initializer of that name (or serialized form).

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if isinstance(identifier, str) and identifier in _ALL:
        return _ALL[identifier]()
    raise unknown("initializer", identifier, _ALL)


def serialize(initializer: Initializer) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the initializer."""
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}


def deserialize(config: dict[str, Any]) -> Initializer:
    """The initializer that `serialize` described."""
    if config.get("class_name") not in _CLASSES:
        raise unknown("initializer", config.get("class_name"), _CLASSES)
    return _CLASSES[config["class_name"]].from_config(config.get("config", {}))
