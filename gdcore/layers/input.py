"""The shape of a model's rows."""

from __future__ import annotations

from typing import Any, TypeVar

from .. import _checks
from .._fields import Field
from .base import Layer
from .lookup import TABLE

_I = TypeVar("_I", bound="InputLayer")


class RowShape(Field[tuple[int, ...]]):
    """A positive integer or a tuple of them, kept as a tuple."""

    def check(self, value: Any) -> tuple[int, ...]:
        return _checks.row_shape(self.name, value)


@TABLE.add()
class InputLayer(Layer):
    """The shape of a row; see `Input`."""

    shape = RowShape()

    def __init__(self, shape: Any, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        super().__init__(name=name, dtype=dtype, **options)
        self.shape = shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["batch_shape"] = (None, *config.pop("shape"))
        return config

    @classmethod
    def from_config(cls: type[_I], config: dict[str, Any]) -> _I:
        given = dict(config)
        if "batch_shape" in given:  # how many rows come at once makes no difference here
            given["shape"] = tuple(given.pop("batch_shape"))[1:]
        return super().from_config(given)


def Input(shape: Any, name: str | None = None, dtype: Any = None) -> InputLayer:
    """The first entry of a model: rows of the given width.

    Parameters
    ----------
    shape : tuple of int
        ``(4,)`` for rows of four numbers; rows of more dimensions, such as ``(28, 28)``, need a `Flatten`.
    name : str, optional
    dtype : {"float32", "float64"}, optional
        The type of the whole model.
    """
    return InputLayer(shape, name, dtype)
