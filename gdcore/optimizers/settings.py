"""Settings of sorts that only optimizers and schedules have."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .._fields import Field, Real, Text

if TYPE_CHECKING:
    from collections.abc import Callable


class Name(Text):
    """A name; None and "" stand for the class's own.

    Parameters
    ----------
    own : callable
        Says the class's own name, given the class.
    """

    def __init__(self, own: Callable[[Any], str]) -> None:
        super().__init__(optional=True)
        self.own = own

    def __set__(self, thing: Any, value: Any) -> None:
        unnamed = value is None or (isinstance(value, str) and not value)
        super().__set__(thing, self.own(type(thing)) if unnamed else value)


class Count(Real):
    """A finite number that stays a whole one where one is given: steps, of which Keras's configs keep the type."""

    def check(self, value: Any) -> float:
        return _plain(value, super().check(value))


class Numbers(Field[list[float]]):
    """A list of finite numbers of at least `low`; what is kept is a copy.

    Parameters
    ----------
    low : float
    ascending : bool
        Whether none may be less than the one before.
    """

    def __init__(self, low: float = -math.inf, *, ascending: bool = False) -> None:
        super().__init__()
        self.low, self.ascending = low, ascending

    def check(self, value: Any) -> list[float]:
        entries = _entries(self.name, value, "numbers")
        numbers = [
            _plain(entry, _checks.number(f"{self.name}[{i}]", entry, self.low)) for i, entry in enumerate(entries)
        ]
        if self.ascending and any(a > b for a, b in pairwise(numbers)):
            raise ValueError(f"{self.name}={numbers} are not in ascending order")
        return numbers

    def config(self, value: list[float]) -> list[float]:
        return list(value)


class Patterns(Field[list[str]]):
    """A list of regular expressions; None stands for an empty one, and what is kept is a copy."""

    def __init__(self) -> None:
        super().__init__(optional=True)

    def __set__(self, thing: Any, value: Any) -> None:
        super().__set__(thing, () if value is None else value)

    def check(self, value: Any) -> list[str]:
        return patterns(self.name, value)

    def config(self, value: list[str]) -> list[str]:
        return list(value)


def patterns(name: str, value: Any) -> list[str]:
    """The regular expressions, as a list.

    Raises
    ------
    WrongType
        If the value is not a list of strings: a single string would be taken for those of its letters.
    ValueError
        If one of them is not a regular expression.
    """
    entries = _entries(name, value, "strings")
    for i, entry in enumerate(entries):
        if not isinstance(entry, str | re.Pattern):
            raise _checks.WrongType(f"{name}[{i}]={_checks.shown(entry)} is not a string")
        try:
            re.compile(entry)
        except re.error as error:
            raise ValueError(f"{name}[{i}]={entry!r} is not a regular expression: {error}") from None
    return entries


def _entries(name: str, value: Any, of: str) -> list[Any]:
    if not isinstance(value, str | bytes | dict):
        try:
            return list(value)
        except TypeError:
            pass
    raise _checks.WrongType(f"{name}={_checks.shown(value)} is not a list of {of}")


def _plain(value: Any, number: float) -> float:
    """The checked number, as an int where the value is a whole number by its type."""
    return int(value) if isinstance(value, int | np.integer) else number
