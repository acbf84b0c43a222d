"""Regularizers: penalties on a layer's arrays or output, added to the loss (``keras/src/regularizers``)."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from ._names import arguments, look_up, serialized, unknown

_R = TypeVar("_R", bound="Regularizer")


class Regularizer:
    """What all regularizers share; calling one gives its penalty on an array."""

    def _spec(self) -> tuple[str, tuple[float, float]]:
        """What the core needs to know: (kind, numbers)."""
        raise NotImplementedError

    def __call__(self, x: Any) -> Any:
        """The penalty on an array, in the array's type."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {}

    @classmethod
    def from_config(cls: type[_R], config: dict[str, Any]) -> _R:
        """The object that `get_config` described."""
        return cls(**arguments(cls, config))

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class L1L2(Regularizer):
    """l1 sum |w| + l2 sum w^2

    Parameters
    ----------
    l1, l2 : float
        At least 0.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("l2", 0.0 if l2 is None else l2)

    def _spec(self) -> tuple[str, tuple[float, float]]:
        return ("l1l2", (self.l1, self.l2))

    def __call__(self, x: Any) -> Any:
        x = _array(x)
        return x.dtype.type(self.l1 * np.sum(np.abs(x)) + self.l2 * np.sum(np.square(x)))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """l1 sum |w|"""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """l2 sum w^2"""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor times the mean |u_i . u_j| over all pairs of rows (or columns), u_i of length 1.

    Parameters
    ----------
    factor : float
        At least 0.
    mode : {"rows", "columns"}
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode={mode!r} is not 'rows' or 'columns'")
        self.mode = mode

    def _spec(self) -> tuple[str, tuple[float, float]]:
        return (f"orthogonal_{self.mode}", (self.factor, 0.0))

    def __call__(self, x: Any) -> Any:
        x = _array(x)
        if x.ndim != 2:
            raise ValueError(f"x has shape {x.shape}, expected a matrix")
        vectors = x if self.mode == "rows" else x.T
        norms = np.sqrt(np.sum(np.square(vectors), axis=1, keepdims=True))
        unit = vectors / np.maximum(norms, 1e-7)
        pairs = len(unit) * (len(unit) - 1) / 2
        product = np.abs(unit @ unit.T)
        return x.dtype.type(self.factor * 0.5 * (product.sum() - np.trace(product)) / pairs)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _factor(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < math.inf:
        raise ValueError(f"{name}={value!r} is not a finite number of at least 0")
    return float(value)


def _array(x: Any) -> Any:
    x = np.asarray(x)
    return x if x.dtype == np.float64 else x.astype(np.float32, copy=False)


_CLASSES: dict[str, type[Regularizer]] = {cls.__name__: cls for cls in (L1, L2, L1L2, OrthogonalRegularizer)}
_ALL: dict[str, type[Regularizer]] = {
    **_CLASSES,
    "l1": L1,
    "l2": L2,
    "l1_l2": L1L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}


def __getattr__(name: str) -> type[Regularizer]:
    if name in _ALL:  # the classes have second names, as in Keras: l1, l2, l1_l2, orthogonal_regularizer
        return _ALL[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(identifier: Any) -> Regularizer | None:
    """The regularizer of that name, class or serialized form; None for None.

    Raises
    ------
    ValueError
        For a name that is not known (it suggests the nearest ones), or for a function: the compiled loop cannot
        call it.
    """
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Regularizer):
        return identifier()
    if isinstance(identifier, str) and identifier in _ALL:
        return _ALL[identifier]()
    raise unknown("regularizer", identifier, _ALL)


def serialize(regularizer: Regularizer | None) -> dict[str, Any] | None:
    """A dictionary that `deserialize` turns back into the regularizer; None for None."""
    return None if regularizer is None else serialized("keras.regularizers", regularizer)


def deserialize(config: dict[str, Any]) -> Regularizer:
    """The regularizer that `serialize` described."""
    return look_up("regularizer", str(config.get("class_name")), _CLASSES).from_config(config.get("config", {}))
