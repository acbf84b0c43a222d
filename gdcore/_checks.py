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


_BEYOND = (1 << 1024) - (1 << 970)
"""The smallest whole number that float() rounds to more than the largest float, and so refuses."""


def shown(value: Any) -> str:
    """The value as errors show it: of a number of hundreds of digits, which Python may refuse to print, the size."""
    if isinstance(value, int) and abs(value) >= _BEYOND:
        return f"a whole number of {value.bit_length()} bits"
    return repr(value)


def number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """A finite real number from low to high, greater than `above` and less than `below`, as a float.

    An array without dimensions, which `numpy.where` and `numpy.load` give for a number, counts as its number.

    Raises
    ------
    WrongType
        If it is not a number.
    ValueError
        If it is nan, infinite or out of range.
    """
    usual = type(value) is float and low <= value <= high and math.isfinite(value)  # which need not wait
    if usual and (above is None or value > above) and (below is None or value < below):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.bool_)
    # a whole number of more than 308 digits is beyond the range of float
    beyond = real and isinstance(value, int) and abs(value) >= _BEYOND
    inside = real and not beyond and math.isfinite(value) and low <= value <= high
    if inside and (above is None or value > above) and (below is None or value < below):
        return float(value)
    limits = _limits(low, high, above, below)
    raise (ValueError if real else WrongType)(f"{name}={shown(value)} is not a finite number{limits}")


def _limits(low: float, high: float, above: float | None, below: float | None) -> str:
    """The words for a range, with a space before them."""
    if above is None and below is None and math.isfinite(low) and math.isfinite(high):
        return f" between {low:g} and {high:g}"
    least = f"greater than {above:g}" if above is not None else f"of at least {low:g}" if math.isfinite(low) else ""
    most = f"less than {below:g}" if below is not None else f"at most {high:g}" if math.isfinite(high) else ""
    if most and not least and below is None:
        most = f"of {most}"
    words = " and ".join(filter(None, (least, most)))
    return f" {words}" if words else ""


def positive(name: str, value: Any) -> float:
    """A finite number greater than 0, as a float; errors as of `number`."""
    return number(name, value, above=0.0)


def integer(name: str, value: Any, low: int | None = None, high: int = 2**63 - 1) -> int:
    """A whole number from low (the least of 64 bits without it) to high, as an int.

    Raises
    ------
    WrongType
        If it is not an integer: 3.0 is none, nor are True and "3".
    ValueError
        If it is out of range.
    """
    if type(value) is int and (-(2**63) if low is None else low) <= value <= high:  # the usual case, without delay
        return value
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    least = -(2**63) if low is None else low
    if whole and least <= value <= high:
        return int(value)
    limits = "" if low is None and not whole else f" of at least {least}"
    if whole and value > high:
        limits = f" of at most {high}"
    raise (ValueError if whole else WrongType)(f"{name}={shown(value)} is not an integer{limits}")


def flag(name: str, value: Any) -> bool:
    """True or False (NumPy's too, and 0 and 1), as a bool; anything else raises `WrongType`."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, int | np.integer) and value in (0, 1)):
        return bool(value)
    raise WrongType(f"{name}={shown(value)} is not True or False")


def text(name: str, value: Any) -> str:
    """A string; anything else raises `WrongType`."""
    if isinstance(value, str):
        return value
    raise WrongType(f"{name}={shown(value)} is not a string")


def choice(name: str, value: Any, known: Iterable[Any]) -> Any:
    """One of the known values; a ValueError that lists them otherwise."""
    options = tuple(known)
    for option in options:
        if type(value) is type(option) and value == option:
            return option
    raise ValueError(f"{name}={shown(value)} is not one of {', '.join(map(repr, options))}")


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


def float_array(name: str, value: Any) -> Any:
    """The array of floats that the value is: float64 stays, everything else becomes float32; errors as `real_array`."""
    array = real_array(name, value)
    return array if array.dtype == np.float64 else array.astype(np.float32, copy=False)


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
    if not isinstance(value, int | np.integer) and (isinstance(value, str) or not np.iterable(value)):
        raise WrongType(f"{name}={value!r} is not an integer or a tuple of integers: the shape of a row")
    shape = (value,) if isinstance(value, int | np.integer) else tuple(value)
    if not shape:
        raise ValueError(f"{name}={shape!r} is empty, expected a tuple of positive integers: the shape of a row")
    return tuple(integer(name, n, 1) for n in shape)
