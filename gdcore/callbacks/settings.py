"""Fields that several callbacks have.  They check, and keep what was given: Keras takes ``patience=2.5`` as well."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _checks
from .._fields import Field, Real


class Number(Real):
    """A finite number in the type in which it came."""

    def check(self, value: Any) -> Any:
        super().check(value)
        return value


class Factor(Number):
    """A number that makes others smaller: of at least 0 and less than 1."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def check(self, value: Any) -> Any:
        if super().check(value) == 1:
            raise ValueError(f"{self.name}={value!r} is not less than 1")
        return value


class Verbosity(Field[int]):
    """What is not 0 or False prints what happens."""

    def check(self, value: Any) -> Any:
        return value if isinstance(value, bool | np.bool_) else _checks.integer(self.name, value, 0)


class SaveFrequency(Field[Any]):
    """ "epoch", or a number of batches."""

    def check(self, value: Any) -> Any:
        if isinstance(value, str) and value == "epoch":
            return value
        try:
            return _checks.integer(self.name, value, 1)
        except ValueError as error:
            raise type(error)(f"{self.name}={value!r} is not 'epoch' or a positive integer") from None
