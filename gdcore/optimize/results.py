"""What descents found, in SciPy's form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._core import kernels
from ..surfaces import Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.optimize import OptimizeResult  # type: ignore[import-untyped]

STATES = {status: name for name, status in kernels.DESCENT_STATES.items()}
"""Status of a descent -> how it ended."""

MESSAGES = {
    "gradient": "The gradient is smaller than gtol.",
    "value": "The value changed by no more than tol.",
    "maxiter": "Maximum number of iterations has been exceeded.",
    "not finite": "The function or its gradient is not finite; x is the best point before.",
    "callback": "`callback` raised `StopIteration`.",
}
"""How a descent ended -> what the user reads."""


class Records(NamedTuple):
    """The starts, and arrays with a row for each of them, which the core fills."""

    x0: NDArray[Any]
    """Of shape (starts, n), as x and jac."""
    x: NDArray[Any]
    jac: NDArray[Any]
    fun: NDArray[Any]
    """Of shape (starts,), as nit and status."""
    nit: NDArray[np.int64]
    status: NDArray[np.int64]
    history: NDArray[Any] | None
    """Of shape (starts, maxiter + 1)."""
    trajectory: NDArray[Any] | None
    """Of shape (starts, maxiter + 1, n)."""

    @classmethod
    def empty(cls, starts: NDArray[Any], maxiter: int, history: bool, trajectory: bool) -> Records:
        """Arrays to be filled."""
        count, n = starts.shape
        return cls(
            starts,
            np.empty_like(starts),
            np.empty_like(starts),
            np.empty(count, starts.dtype),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.empty((count, maxiter + 1), starts.dtype) if history else None,
            np.empty((count, maxiter + 1, n), starts.dtype) if trajectory else None,
        )


def result_of(fun: Any, many: bool, records: Records, calls_per_gradient: int) -> OptimizeResult:
    """The result of descents from many starts, or of the only one.

    Parameters
    ----------
    fun : callable or Surface
        What was descended: a surface knows its minima.
    many : bool
        Whether several starts were asked for, so that all entries are arrays.
    records : Records
    calls_per_gradient : int
        How often the function was called for each value and gradient.
    """
    from scipy.optimize import OptimizeResult

    nit = records.nit
    names = [STATES[status] for status in records.status.tolist()]
    result = OptimizeResult(
        x=records.x,
        fun=records.fun,
        jac=records.jac,
        nit=nit,
        nfev=(nit + 1) * calls_per_gradient,
        njev=nit + 1,
        success=np.array([name in ("gradient", "value") for name in names]),
        status=records.status,
        message=[MESSAGES[name] for name in names],
    )
    if records.history is not None:
        result.fun_history = _filled(records.history, nit)
    if records.trajectory is not None:
        result.trajectory = _filled(records.trajectory, nit)
    if many:
        result.minima, result.basin = _basins(fun, result)
    else:
        for key, found in result.items():
            result[key] = found[0] if isinstance(found[0], np.ndarray | str) else found[0].item()
    return result


def _filled(steps: NDArray[Any], nit: NDArray[np.int64]) -> NDArray[Any]:
    """The steps up to the largest nit, where those that stopped earlier repeat their last one."""
    made = steps[:, : nit.max() + 1].copy()
    for row, end in zip(made, nit, strict=True):
        row[end + 1 :] = row[end]
    return made


def _basins(fun: Any, result: OptimizeResult) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The different places where starts ended, known minima first, and which of them each start found."""
    x, n = result.x, result.x.shape[1]
    known = fun.minima if isinstance(fun, Surface) else np.empty((0, n))
    if known.shape[1] != n:  # of another number of coordinates, what is the same along all of them
        known = np.repeat(known[np.ptp(known, axis=1) == 0, :1], n, axis=1)
    places = list(known.astype(x.dtype))
    basin = np.full(len(x), -1, np.int64)
    ended = np.isfinite(x).all(axis=1) & np.isfinite(result.fun)
    for number, place in enumerate(places):
        basin[ended & _near(x, place)] = number
    left = result.success & (basin < 0)
    while left.any():
        place = x[np.argmin(np.where(left, result.fun, math.inf))]
        found = left & _near(x, place)
        basin[found] = len(places)
        places.append(place)
        left &= ~found
    return np.array(places, x.dtype).reshape(-1, n), basin


def _near(x: NDArray[Any], place: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the points are so near a place that they count as having reached it."""
    return np.abs(x - place).max(axis=1) <= 0.02 * max(1.0, float(np.abs(place).max()))
