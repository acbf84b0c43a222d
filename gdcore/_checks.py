"""One grammar of checks: each returns the value in its plain type, or raises an error that names the argument.

The words are the same everywhere: ``momentum='0.1' is not a finite number between 0 and 1``.  Strings and booleans are
not numbers, NumPy's scalars are.  What is wrong by its type raises `WrongType`, what is wrong by its value a
`ValueError`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class WrongType(TypeError, ValueError):
    """A value of the wrong type; also a ValueError, for those who catch what 0.1.0 raised."""


def number(
    name: str, value: Any, low: float = -math.inf, high: float = math.inf, *, above: float | None = None
) -> float:
    """A finite real number from low to high, or greater than `above`, as a float.

    Raises
    ------
    WrongType
        If it is not a number.
    ValueError
        If it is nan, infinite or out of range.
    """
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.bool_)
    # a whole number of more than 308 digits is beyond the range of float
    beyond = real and isinstance(value, int) and abs(value) >= 1 << 1024
    if real and not beyond and math.isfinite(value) and low <= value <= high and (above is None or value > above):
        return float(value)
    if above is not None:
        limits = f" greater than {above:g}"
    elif math.isinf(low) and math.isinf(high):
        limits = ""
    elif math.isinf(high):
        limits = f" of at least {low:g}"
    elif math.isinf(low):
        limits = f" of at most {high:g}"
    else:
        limits = f" between {low:g} and {high:g}"
    shown = f"a whole number of {value.bit_length()} bits" if beyond else repr(value)
    raise (ValueError if real else WrongType)(f"{name}={shown} is not a finite number{limits}")


def positive(name: str, value: Any) -> float:
    """A finite number greater than 0, as a float; errors as of `number`."""
    return number(name, value, above=0.0)


def integer(name: str, value: Any, low: int | None = None, high: int = 2**63 - 1) -> int:
    """A whole number from low to high, as an int.

    Raises
    ------
    WrongType
        If it is not an integer: 3.0 is none, nor are True and "3".
    ValueError
        If it is out of range.
    """
    if type(value) is int and (low is None or low <= value) and value <= high:  # the usual case, without delay
        return value
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if whole and (low is None or low <= value) and value <= high:
        return int(value)
    limits = "" if low is None else f" of at least {low}"
    if whole and value > high:
        limits, shown = (
            f" of at most {high}",
            repr(value) if value < 1 << 1024 else f"a number of {value.bit_length()} bits",
        )
    else:
        shown = repr(value)
    raise (ValueError if whole else WrongType)(f"{name}={shown} is not an integer{limits}")


def flag(name: str, value: Any) -> bool:
    """True or False (NumPy's too, and 0 and 1), as a bool; anything else raises `WrongType`."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, int | np.integer) and value in (0, 1)):
        return bool(value)
    raise WrongType(f"{name}={value!r} is not True or False")


def text(name: str, value: Any) -> str:
    """A string; anything else raises `WrongType`."""
    if isinstance(value, str):
        return value
    raise WrongType(f"{name}={value!r} is not a string")


def choice(name: str, value: Any, known: Iterable[Any]) -> Any:
    """One of the known values; a ValueError that lists them otherwise."""
    options = tuple(known)
    for option in options:
        if type(value) is type(option) and value == option:
            return option
    raise ValueError(f"{name}={value!r} is not one of {', '.join(map(repr, options))}")


def last_axis(name: str, value: Any, also: Sequence[int] = (-1,)) -> Any:
    """The axis of a row's values, which may come in a list of one; a ValueError otherwise."""
    axis = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    if isinstance(axis, bool) or axis not in also:
        raise ValueError(f"{name}={value!r} is not {' or '.join(map(str, also))}: rows have one axis")
    return value


def real_array(name: str, value: Any) -> Any:
    """The array of real numbers that the value is; complex numbers, strings and objects raise `WrongType`."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise WrongType(f"{name} has dtype {array.dtype}, expected real numbers")
    return array


def dtype(name: str, value: Any) -> str | None:
    """ "float32" or "float64", or None as it is; Keras's serialized policies are taken too."""
    if value is None:
        return None
    if isinstance(value, dict):  # Keras's serialized dtype policy
        value = value.get("config", {}).get("name")
    try:
        known = str(np.dtype(value))
    except TypeError:
        known = str(value)
    if known not in ("float32", "float64"):
        raise ValueError(f"{name}={value!r} is not 'float32' or 'float64'")
    return known


def row_shape(name: str, value: Any) -> tuple[int, ...]:
    """The shape of a row: a positive integer or a tuple of them."""
    shape = (value,) if isinstance(value, int | np.integer) else tuple(value)
    if not shape:
        raise ValueError(f"{name}={shape!r} is empty, expected a tuple of positive integers: the shape of a row")
    return tuple(integer(name, n, 1) for n in shape)
