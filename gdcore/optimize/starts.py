"""Where descents start, between what bounds they stay, and when they stop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Bounds = tuple[NDArray[Any], NDArray[Any]]
    """Lower and upper bounds of each coordinate, infinite where there is none."""


class Stops(NamedTuple):
    """When a descent stops, as `gdcore.minimize` was told; None is the default of whoever descends."""

    maxiter: int
    tol: float | None
    gtol: float | None

    @classmethod
    def checked(cls, maxiter: Any, tol: Any, gtol: Any) -> Stops:
        """These numbers, or an error that names the one that is none."""
        return cls(
            _checks.integer("maxiter", maxiter, 0),
            None if tol is None else _checks.number("tol", tol, 0),
            None if gtol is None else _checks.number("gtol", gtol, 0),
        )


def start_points(x0: ArrayLike) -> NDArray[Any]:
    """A copy of x0 of shape (n,) or (starts, n), as float32 if it is that, as float64 otherwise.

    Raises
    ------
    TypeError, ValueError
        If it is not an array of real numbers of such a shape.
    """
    try:
        start = np.atleast_1d(np.asarray(x0))
    except ValueError as error:
        raise ValueError(f"x0 is not an array: {error}") from None
    if start.dtype.kind not in "fiu":
        raise TypeError(f"x0 has dtype {start.dtype}, expected real numbers")
    if start.ndim > 2 or start.size == 0:
        raise ValueError(f"x0 has shape {start.shape}, expected (n,) or (starts, n), and not empty")
    return np.array(start, np.float32 if start.dtype == np.float32 else np.float64, order="C")


def bounds_of(bounds: Any, n: int, dtype: Any) -> Bounds:
    """Lower and upper bounds of each of n coordinates: of pairs, in which None is no bound, or of SciPy's Bounds.

    Raises
    ------
    ValueError
        If there is not a pair of numbers for each coordinate, the lower one first.
    """
    if bounds is None:
        return np.full(n, -math.inf, dtype), np.full(n, math.inf, dtype)
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        low, high = (np.broadcast_to(np.asarray(limit, np.float64), (n,)) for limit in (bounds.lb, bounds.ub))
    else:
        try:
            pairs = [(low, high) for low, high in bounds]
            low = np.array([-math.inf if pair[0] is None else pair[0] for pair in pairs], np.float64)
            high = np.array([math.inf if pair[1] is None else pair[1] for pair in pairs], np.float64)
        except (TypeError, ValueError):
            pairs = []
        if len(pairs) != n:
            raise ValueError(f"bounds={bounds!r} is not a pair (low, high) of numbers for each of {n} coordinates")
    if not np.all(low <= high):
        raise ValueError(f"bounds={bounds!r} has a low that is not at most its high")
    return low.astype(dtype), high.astype(dtype)
