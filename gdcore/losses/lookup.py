"""The table of losses, and what follows from it: their names, functions, and `get`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._names import serialized, unknown
from . import crossentropy, hinges, regression
from .base import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# each class with Keras's short names for it
_TABLE: tuple[tuple[type[Loss], tuple[str, ...]], ...] = (
    (regression.MeanAbsoluteError, ("mae", "MAE")),
    (regression.MeanSquaredError, ("mse", "MSE")),
    (regression.MeanAbsolutePercentageError, ("mape", "MAPE")),
    (regression.MeanSquaredLogarithmicError, ("msle", "MSLE")),
    (regression.Huber, ()),
    (regression.LogCosh, ("logcosh",)),
    (regression.Poisson, ()),
    (crossentropy.KLDivergence, ("kld", "KLD")),
    (hinges.Hinge, ()),
    (hinges.SquaredHinge, ()),
    (hinges.CategoricalHinge, ()),
    (regression.CosineSimilarity, ()),
    (crossentropy.BinaryCrossentropy, ("bce", "BCE")),
    (crossentropy.BinaryFocalCrossentropy, ()),
    (crossentropy.CategoricalCrossentropy, ()),
    (crossentropy.CategoricalFocalCrossentropy, ()),
    (crossentropy.SparseCategoricalCrossentropy, ()),
)

CLASSES: dict[str, type[Loss]] = {cls.__name__: cls for cls, _ in _TABLE}
"""Name of the class -> class."""

NAMES: dict[str, type[Loss]] = {
    **CLASSES,
    **{cls._kind: cls for cls in CLASSES.values()},
    **{short: cls for cls, names in _TABLE for short in names},
}
"""All names that `get` knows -> class."""


def _function_of(cls: type[Loss]) -> Callable[..., Any]:
    def function(y_true: ArrayLike, y_pred: ArrayLike, *arguments: Any, **options: Any) -> Any:
        values: Any = cls(*arguments, **options, reduction="none")(y_true, y_pred)  # type: ignore[misc]
        return values[0] if np.ndim(y_pred) == 1 else values

    function.__name__ = function.__qualname__ = cls._kind
    function.__module__ = __package__  # where it is found, also by pickle
    function.__doc__ = (
        f"`{cls.__name__}` of each row; further arguments are those of the class, but reduction and name."
    )
    return function


FUNCTIONS = {cls._kind: _function_of(cls) for cls in CLASSES.values()}
"""Name -> function of (y_true, y_pred), as in Keras; each is an attribute of the package and, but for the cosine
similarity, whose sign differs there, of `metrics`."""


def get(identifier: str | Loss | type[Loss] | dict[str, Any] | Callable[..., Any]) -> Loss:
    """The loss of that name, class or serialized form, or of one of the functions here.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if isinstance(identifier, str) and identifier in NAMES:
        return NAMES[identifier]()
    name = getattr(identifier, "__name__", "")
    if name in FUNCTIONS and identifier is FUNCTIONS[name]:
        return NAMES[name]()
    raise unknown("loss", identifier, NAMES)


def serialize(loss: Loss) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the loss."""
    return serialized("keras.losses", loss)


def deserialize(config: dict[str, Any]) -> Loss:
    """The loss that `serialize` described."""
    if config.get("class_name") not in CLASSES:
        raise unknown("loss", config.get("class_name"), CLASSES)
    return CLASSES[config["class_name"]].from_config(config.get("config", {}))
