"""Regularizers: penalties on a layer's arrays or output, added to the loss (``keras/src/regularizers``)."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from . import _checks
from ._core.specs import RegularizerSpec
from ._fields import Choice, Configured, Real
from ._names import arguments
from ._registry import Registry

_R = TypeVar("_R", bound="Regularizer")


class Regularizer(Configured):
    """What all regularizers share; calling one gives its penalty on an array."""

    needs_matrix = False

    def _core(self) -> tuple[str, tuple[float, ...]]:
        """Kind and parameters of the row in the core's table."""
        raise NotImplementedError

    def _spec(self, array: int, shape: tuple[int, int]) -> RegularizerSpec:
        """What the core needs to know, for one of a layer's arrays as a matrix."""
        return RegularizerSpec(array, *self._core(), *shape)

    def __call__(self, x: Any) -> Any:
        """The penalty on an array, in the array's type."""
        raise NotImplementedError

    @classmethod
    def from_config(cls: type[_R], config: dict[str, Any]) -> _R:
        """The object that `get_config` described."""
        return cls(**arguments(cls, config))


_TABLE = Registry(Regularizer, "regularizer", "keras.regularizers")


class ElementwisePenalty(Regularizer):
    """l1 sum |w| + l2 sum w^2; each class below has one of the factors, or both."""

    l1: Any = 0.0
    l2: Any = 0.0

    def _core(self) -> tuple[str, tuple[float, ...]]:
        return ("l1l2", (self.l1, self.l2))

    def __call__(self, x: Any) -> Any:
        x = _checks.float_array("x", x)
        return x.dtype.type(self.l1 * np.sum(np.abs(x)) + self.l2 * np.sum(np.square(x)))


@_TABLE.add("l1_l2")
class L1L2(ElementwisePenalty):
    """l1 sum |w| + l2 sum w^2

    Parameters
    ----------
    l1, l2 : float
        At least 0.
    """

    l1 = Real(0)
    l2 = Real(0)

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = 0.0 if l1 is None else l1
        self.l2 = 0.0 if l2 is None else l2


@_TABLE.add()
class L1(ElementwisePenalty):
    """l1 sum |w|

    Parameters
    ----------
    l1 : float
        At least 0.
    """

    l1 = Real(0)

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = 0.01 if l1 is None else l1


@_TABLE.add()
class L2(ElementwisePenalty):
    """l2 sum w^2

    Parameters
    ----------
    l2 : float
        At least 0.
    """

    l2 = Real(0)

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = 0.01 if l2 is None else l2


@_TABLE.add()
class OrthogonalRegularizer(Regularizer):
    """factor times the mean |u_i . u_j| over all pairs of rows (or columns), u_i of length 1.

    Parameters
    ----------
    factor : float
        At least 0.
    mode : {"rows", "columns"}
    """

    needs_matrix = True
    factor = Real(0)
    mode = Choice(("rows", "columns"))

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = factor
        self.mode = mode

    def _core(self) -> tuple[str, tuple[float, ...]]:
        return (f"orthogonal_{self.mode}", (self.factor,))

    def __call__(self, x: Any) -> Any:
        x = _checks.float_array("x", x)
        if x.ndim != 2:
            raise ValueError(f"x has shape {x.shape}, expected a matrix")
        vectors = x if self.mode == "rows" else x.T
        norms = np.sqrt(np.sum(np.square(vectors), axis=1, keepdims=True))
        unit = vectors / np.maximum(norms, 1e-7)
        pairs = len(unit) * (len(unit) - 1) / 2
        product = np.abs(unit @ unit.T)
        return x.dtype.type(self.factor * 0.5 * (product.sum() - np.trace(product)) / pairs)


def __getattr__(name: str) -> type[Regularizer]:
    if name in _TABLE.names:  # the classes have second names, as in Keras: l1, l2, l1_l2, orthogonal_regularizer
        return _TABLE.names[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(identifier: Any) -> Regularizer | None:
    """The regularizer of that name, class or serialized form; None for None.

    Raises
    ------
    ValueError
        For a name that is not known (it suggests the nearest ones), or for a function: the compiled loop cannot
        call it.
    """
    return None if identifier is None else _TABLE.get(identifier)


def serialize(regularizer: Regularizer | None) -> dict[str, Any] | None:
    """A dictionary that `deserialize` turns back into the regularizer; None for None."""
    return None if regularizer is None else _TABLE.serialize(regularizer)


def deserialize(config: dict[str, Any]) -> Regularizer:
    """The regularizer that `serialize` described."""
    return _TABLE.deserialize(config)
