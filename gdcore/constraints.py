"""Constraints: what is done to a layer's arrays after each update (``keras/src/constraints``)."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from . import _checks
from ._core import kernels
from ._core.specs import ConstraintSpec
from ._fields import Configured, Field, Real
from ._names import arguments
from ._registry import Registry

_C = TypeVar("_C", bound="Constraint")
_EPSILON = 1e-7


class Constraint(Configured):
    """What all constraints share; calling one gives the constrained array."""

    _kind: str
    axis: Any = 0

    def _spec(self, array: int, shape: tuple[int, ...], matrix: tuple[int, int]) -> ConstraintSpec:
        """What the core needs to know, for one of a layer's arrays of that shape, seen as a matrix."""
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if any(not -len(shape) <= axis < len(shape) for axis in axes):
            raise ValueError(f"axis={self.axis!r} of {self!r} is not an axis of an array of shape {shape}")
        along = {axis % len(shape) for axis in axes}
        numbers = kernels.CONSTRAINTS[self._kind].numbers_of(self)
        return ConstraintSpec(array, self._kind, numbers, 0 in along, 1 in along, *matrix)

    def __call__(self, w: Any) -> Any:
        """The constrained array, in the array's type."""
        raise NotImplementedError

    def _norms(self, w: Any) -> Any:
        return np.sqrt(np.sum(np.square(w), axis=self.axis, keepdims=True))

    @classmethod
    def from_config(cls: type[_C], config: dict[str, Any]) -> _C:
        """The object that `get_config` described."""
        return cls(**arguments(cls, config))


_TABLE = Registry(Constraint, "constraint", "keras.constraints")


class Axes(Field[Any]):
    """An integer or a tuple of integers: the axes along which a norm is taken."""

    def check(self, value: Any) -> int | tuple[int, ...]:
        several = isinstance(value, list | tuple)
        try:
            axes = tuple(_checks.integer(self.name, axis) for axis in (value if several else (value,)))
        except ValueError:
            axes = ()
        if not axes:
            raise _checks.WrongType(f"{self.name}={value!r} is not an integer or a tuple of integers")
        return axes if several else axes[0]


class Bound(Real):
    """A norm of at least 0, on its side of another bound.

    Parameters
    ----------
    least, greatest : str
        The names of the two bounds; this field is one of them.
    """

    def __init__(self, least: str, greatest: str) -> None:
        super().__init__(0)
        self.least, self.greatest = least, greatest

    def __set__(self, thing: Any, value: Any) -> None:
        bounds = {**vars(thing), self.name: self.check(value)}
        if bounds.get(self.least, 0.0) > bounds.get(self.greatest, np.inf):
            raise ValueError(
                f"{self.least}={bounds[self.least]!r} is greater than {self.greatest}={bounds[self.greatest]!r}"
            )
        super().__set__(thing, value)


@_TABLE.add()
class MaxNorm(Constraint):
    """w scaled down to a norm of at most `max_value` along an axis.

    Parameters
    ----------
    max_value : float
        At least 0.
    axis : int or tuple of int
        0 takes one norm for each unit of a dense layer's kernel, over its inputs.
    """

    _kind = "max_norm"
    max_value = Real(0)
    axis = Axes()

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        w = _checks.float_array("w", w)
        norms = self._norms(w)
        return w * (np.clip(norms, 0, w.dtype.type(self.max_value)) / (w.dtype.type(_EPSILON) + norms))


@_TABLE.add()
class MinMaxNorm(Constraint):
    """w scaled towards a norm between `min_value` and `max_value` along an axis.

    Parameters
    ----------
    min_value, max_value : float
        At least 0, `min_value` not greater than `max_value`.
    rate : float
        At least 0: 1 reaches that norm at once, less only that share of the way.
    axis : int or tuple of int
    """

    _kind = "min_max_norm"
    min_value = Bound("min_value", "max_value")
    max_value = Bound("min_value", "max_value")
    rate = Real(0)
    axis = Axes()

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        w = _checks.float_array("w", w)
        norms = self._norms(w)
        real = w.dtype.type
        wanted = real(self.rate) * np.clip(norms, real(self.min_value), real(self.max_value))
        wanted = wanted + real(1 - self.rate) * norms
        return w * (wanted / (real(_EPSILON) + norms))


@_TABLE.add()
class NonNeg(Constraint):
    """max(w, 0)"""

    _kind = "non_neg"

    def __call__(self, w: Any) -> Any:
        return np.maximum(_checks.float_array("w", w), 0)


@_TABLE.add()
class UnitNorm(Constraint):
    """w scaled to a norm of 1 along an axis.

    Parameters
    ----------
    axis : int or tuple of int
    """

    _kind = "unit_norm"
    axis = Axes()

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        w = _checks.float_array("w", w)
        return w / (w.dtype.type(_EPSILON) + self._norms(w))


def __getattr__(name: str) -> type[Constraint]:
    if name in _TABLE.names:  # the classes have second names, as in Keras: max_norm, min_max_norm, non_neg, unit_norm
        return _TABLE.names[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(identifier: Any) -> Constraint | None:
    """The constraint of that name, class or serialized form; None for None.

    Raises
    ------
    ValueError
        For a name that is not known (it suggests the nearest ones), or for a function: the compiled loop cannot
        call it.
    """
    return None if identifier is None else _TABLE.get(identifier)


def serialize(constraint: Constraint | None) -> dict[str, Any] | None:
    """A dictionary that `deserialize` turns back into the constraint; None for None."""
    return None if constraint is None else _TABLE.serialize(constraint)


def deserialize(config: dict[str, Any]) -> Constraint:
    """The constraint that `serialize` described."""
    return _TABLE.deserialize(config)
