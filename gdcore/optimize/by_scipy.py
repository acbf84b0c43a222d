"""Descents by SciPy's solvers, with our values and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .engine import evaluate
from .results import MESSAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.optimize import OptimizeResult  # type: ignore[import-untyped]

    from .listeners import Listener
    from .objectives import Objective
    from .starts import Stops

SOLVERS = (
    *("Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP"),
    "trust-constr",
)
"""Those that need no second derivatives."""
WITHOUT_BOUNDS = ("CG", "BFGS", "Newton-CG")
WITHOUT_GRADIENT = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
WITH_GTOL = ("CG", "BFGS", "L-BFGS-B", "TNC", "trust-constr")

_NAMES = {name.lower(): name for name in SOLVERS}


def solver_named(optimizer: Any) -> str | None:
    """SciPy's name of the solver, in whatever case it came, or None if it is none."""
    return _NAMES.get(optimizer.lower()) if isinstance(optimizer, str) else None


def solve(
    solver: str,
    objective: Objective,
    start: NDArray[Any],
    stops: Stops,
    bounds: Any,
    listener: Listener | None,
    trajectory: bool,
) -> OptimizeResult:
    """One start by a solver of SciPy's.

    Parameters
    ----------
    solver : str
    objective : Objective
    start : ndarray of shape (n,)
    stops : Stops
    bounds
        As the user gave them.
    listener : callable, optional
    trajectory : bool
        Whether the result has each x.

    Raises
    ------
    ValueError
        If there are bounds, and the solver takes none.
    """
    from scipy.optimize import OptimizeResult, minimize

    if bounds is not None and solver in WITHOUT_BOUNDS:
        raise ValueError(f"optimizer={solver!r} takes no bounds")
    options: dict[str, Any] = {"maxfun" if solver == "TNC" else "maxiter": stops.maxiter}
    if stops.gtol is not None and solver in WITH_GTOL:
        options["gtol"] = stops.gtol
    has_gradient = solver not in WITHOUT_GRADIENT
    if not has_gradient:
        objective = objective.without_differences()
    path = _Path(objective, start, listener)
    try:
        result = minimize(
            path.value_and_gradient if has_gradient else path.value,
            start,
            method=solver,
            jac=True if has_gradient else None,
            bounds=bounds,
            tol=stops.tol,
            callback=path.after_iteration,
            options=options,
        )
    except StopIteration:  # from those solvers of SciPy that know nothing of it
        result = OptimizeResult(x=path.points[-1], fun=path.values[-1], success=False, status=99)
        result.message = MESSAGES["callback"]
        result.nfev = len(path.values)
    result.x = np.asarray(result.x, start.dtype)
    result.nfev = int(result.nfev) * objective.calls_per_gradient
    result.nit = len(path.values) - 1
    result.fun_history = np.array(path.values, start.dtype)
    if trajectory:
        result.trajectory = np.array(path.points)
    return result


class _Path:
    """The points that a solver came to, with the values there; gives it values and gradients.

    Attributes
    ----------
    points : list of ndarray
        In the type of the start.
    values : list of float
    """

    def __init__(self, objective: Objective, start: NDArray[Any], listener: Listener | None) -> None:
        self._objective, self._dtype, self._listener = objective, start.dtype, listener
        self._seen: dict[bytes, float] = {}  # values since the last iteration, one of which was where it ended
        self.points: list[Any] = []
        self.values: list[float] = []
        self._add(start)

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """For solvers that want both."""
        value, gradient = evaluate(self._objective, np.array(x, self._dtype))
        self._seen[np.asarray(x, np.float64).tobytes()] = value
        return value, gradient

    def value(self, x: Any) -> float:
        """For solvers that want no gradient."""
        return self.value_and_gradient(x)[0]

    def after_iteration(self, x: Any, *_: Any) -> None:  # trust-constr tells more
        """What a solver calls after each iteration."""
        self._add(x)
        if self._listener is not None and self._listener(len(self.values) - 1, self.points[-1].copy(), self.values[-1]):
            raise StopIteration

    def _add(self, x: Any) -> None:
        point = np.array(x, self._dtype)
        key = np.asarray(x, np.float64).tobytes()
        self.points.append(point)
        self.values.append(self._seen[key] if key in self._seen else evaluate(self._objective, point)[0])
        self._seen.clear()
