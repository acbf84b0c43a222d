"""Rows of any shape as rows of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from . import settings
from .base import Layer, Shape
from .lookup import TABLE

if TYPE_CHECKING:
    from typing_extensions import Unpack


@TABLE.add()
class Flatten(Layer):
    """Rows of any shape become rows of numbers.

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    options : as in `Layer`
    """

    _any_shape = True

    data_format = settings.Only("channels_last", "values are taken in the order in which they lie")

    def __init__(self, data_format: str | None = None, **options: Unpack[settings.OptionsWithActivity]) -> None:
        super().__init__(**options)
        self.data_format = "channels_last" if data_format is None else data_format

    def _output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)
