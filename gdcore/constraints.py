"""Constraints: what is done to a layer's arrays after each update (``keras/src/constraints``)."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from ._names import arguments, look_up, serialized, unknown

_C = TypeVar("_C", bound="Constraint")
_EPSILON = 1e-7


class Constraint:
    """What all constraints share; calling one gives the constrained array."""

    _kind: str
    axis: Any = 0

    def _spec(self, shape: tuple[int, ...]) -> tuple[str, tuple[float, float, float], bool, bool]:
        """What the core needs to know: (kind, numbers, whether norms are taken over rows and over columns)."""
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if any(not -len(shape) <= axis < len(shape) for axis in axes):
            raise ValueError(f"axis={self.axis!r} of {self!r} is not an axis of an array of shape {shape}")
        along = {axis % len(shape) for axis in axes}
        return (self._kind, self._numbers(), 0 in along, 1 in along)

    def _numbers(self) -> tuple[float, float, float]:
        return (0.0, 0.0, 0.0)

    def __call__(self, w: Any) -> Any:
        """The constrained array, in the array's type."""
        raise NotImplementedError

    def _norms(self, w: Any) -> Any:
        return np.sqrt(np.sum(np.square(w), axis=self.axis, keepdims=True))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {}

    @classmethod
    def from_config(cls: type[_C], config: dict[str, Any]) -> _C:
        """The object that `get_config` described."""
        return cls(**arguments(cls, config))

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class MaxNorm(Constraint):
    """w scaled down to a norm of at most `max_value` along an axis.

    Parameters
    ----------
    max_value : float
    axis : int or tuple of int
        0 takes one norm for each unit of a dense layer's kernel, over its inputs.
    """

    _kind = "max_norm"

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = _number("max_value", max_value)
        self.axis = _axis(axis)

    def _numbers(self) -> tuple[float, float, float]:
        return (self.max_value, 0.0, 0.0)

    def __call__(self, w: Any) -> Any:
        w = _array(w)
        norms = self._norms(w)
        return w * (np.clip(norms, 0, w.dtype.type(self.max_value)) / (w.dtype.type(_EPSILON) + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class MinMaxNorm(Constraint):
    """w scaled towards a norm between `min_value` and `max_value` along an axis.

    Parameters
    ----------
    min_value, max_value : float
    rate : float
        1 reaches that norm at once, less only that share of the way.
    axis : int or tuple of int
    """

    _kind = "min_max_norm"

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = _number("min_value", min_value)
        self.max_value = _number("max_value", max_value)
        if self.min_value > self.max_value:
            raise ValueError(f"min_value={min_value!r} is greater than max_value={max_value!r}")
        self.rate = _number("rate", rate)
        self.axis = _axis(axis)

    def _numbers(self) -> tuple[float, float, float]:
        return (self.min_value, self.max_value, self.rate)

    def __call__(self, w: Any) -> Any:
        w = _array(w)
        norms = self._norms(w)
        real = w.dtype.type
        wanted = real(self.rate) * np.clip(norms, real(self.min_value), real(self.max_value))
        wanted = wanted + real(1 - self.rate) * norms
        return w * (wanted / (real(_EPSILON) + norms))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


class NonNeg(Constraint):
    """max(w, 0)"""

    _kind = "non_neg"

    def __call__(self, w: Any) -> Any:
        return np.maximum(_array(w), 0)


class UnitNorm(Constraint):
    """w scaled to a norm of 1 along an axis.

    Parameters
    ----------
    axis : int or tuple of int
    """

    _kind = "unit_norm"

    def __init__(self, axis: Any = 0) -> None:
        self.axis = _axis(axis)

    def __call__(self, w: Any) -> Any:
        w = _array(w)
        return w / (w.dtype.type(_EPSILON) + self._norms(w))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
        raise ValueError(f"{name}={value!r} is not a finite number of at least 0")
    return float(value)


def _axis(axis: Any) -> Any:
    axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    if not axes or any(isinstance(a, bool) or not isinstance(a, int | np.integer) for a in axes):
        raise ValueError(f"axis={axis!r} is not an integer or a tuple of integers")
    return tuple(int(a) for a in axes) if isinstance(axis, list | tuple) else int(axis)


def _array(w: Any) -> Any:
    w = np.asarray(w)
    return w if w.dtype == np.float64 else w.astype(np.float32, copy=False)


_CLASSES: dict[str, type[Constraint]] = {cls.__name__: cls for cls in (MaxNorm, MinMaxNorm, NonNeg, UnitNorm)}
_ALL: dict[str, type[Constraint]] = {**_CLASSES, **{cls._kind: cls for cls in _CLASSES.values()}}


def __getattr__(name: str) -> type[Constraint]:
    if name in _ALL:  # the classes have second names, as in Keras: max_norm, min_max_norm, non_neg, unit_norm
        return _ALL[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(identifier: Any) -> Constraint | None:
    """The constraint of that name, class or serialized form; None for None.

    Raises
    ------
    ValueError
        For a name that is not known (it suggests the nearest ones), or for a function: the compiled loop cannot
        call it.
    """
    if identifier is None or isinstance(identifier, Constraint):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Constraint):
        return identifier()
    if isinstance(identifier, str) and identifier in _ALL:
        return _ALL[identifier]()
    raise unknown("constraint", identifier, _ALL)


def serialize(constraint: Constraint | None) -> dict[str, Any] | None:
    """A dictionary that `deserialize` turns back into the constraint; None for None."""
    return None if constraint is None else serialized("keras.constraints", constraint)


def deserialize(config: dict[str, Any]) -> Constraint:
    """The constraint that `serialize` described."""
    return look_up("constraint", str(config.get("class_name")), _CLASSES).from_config(config.get("config", {}))
