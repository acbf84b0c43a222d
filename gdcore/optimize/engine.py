"""The two calls of the core that all descents go through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import kernels
from .._core.specs import DescentArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .listeners import Listener
    from .objectives import Objective
    from .results import Records
    from .starts import Stops

GTOL = 1e-6
"""The largest component of the gradient below which a descent stops, if it is not told another."""


def evaluate(objective: Objective, x: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """The value and the gradient at x of shape (n,); the gradient is meaningless where there is none."""
    return kernels.evaluate_objective(objective.spec, x)


def descend(
    objective: Objective,
    updates: kernels.UpdatePlan,
    lanes: int,
    first: int,
    last: int,
    stops: Stops,
    records: Records,
    stop: NDArray[Any],
    listener: Listener | None,
) -> None:
    """Descend from starts first..last-1, `lanes` at a time, and fill their rows of the records.

    Parameters
    ----------
    objective : Objective
    updates : UpdatePlan
        Of an optimizer for `lanes` times as many numbers as a start has.
    lanes, first, last : int
    stops : Stops
    records : Records
    stop : ndarray of int64, of shape (1,)
        The work is left off where it is not 0.
    listener : callable, optional
    """
    tol, gtol = stops.tol or 0.0, GTOL if stops.gtol is None else stops.gtol
    arrays = DescentArrays(*records)
    kernels.descend(objective.spec, updates, lanes, first, last, stops.maxiter, tol, gtol, arrays, stop, listener)
