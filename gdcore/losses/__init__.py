"""Losses: objects with Keras's names, defaults and reductions (``keras/src/losses``).

``loss(y_true, y_pred)`` is the value that training minimises, ``loss.gradient(y_true, y_pred)`` its
derivative with respect to ``y_pred``.  Keras's functions of (y_true, y_pred) are here too, as ``losses.huber``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Loss, check_classes
from .crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
from .hinges import CategoricalHinge, Hinge, SquaredHinge
from .lookup import FUNCTIONS, deserialize, get, serialize
from .regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FUNCTIONS",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "check_classes",
    "deserialize",
    "get",
    "serialize",
]


def __getattr__(name: str) -> Callable[..., Any]:
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *FUNCTIONS})
