"""`minimize`: descending functions with the optimizers of `gdcore.optimizers`, or with SciPy's solvers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import optimizers
from .._names import unknown
from ..models.objective import ModelObjective as ModelObjective
from .by_optimizers import descend_all
from .by_scipy import SOLVERS, solve, solver_named
from .listeners import listener_of
from .objectives import objective_of
from .results import result_of
from .starts import Stops, bounds_of, start_points

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike
    from scipy.optimize import OptimizeResult  # type: ignore[import-untyped]


def minimize(
    fun: Any,
    x0: ArrayLike,
    optimizer: str | optimizers.Optimizer | dict[str, Any] = "sgd",
    jac: Any = None,
    *,
    args: Any = (),
    maxiter: int = 1000,
    tol: float | None = None,
    gtol: float | None = None,
    bounds: Any = None,
    callback: Callable[..., Any] | None = None,
    trajectory: bool = False,
    h: float | None = None,
) -> OptimizeResult:
    """Find a minimum of a function by gradient descent.

    Parameters
    ----------
    fun : callable, Surface, or scipy.LowLevelCallable
        ``fun(x, *args)`` gives a number for an x of shape (n,).  One of `gdcore.surfaces`, or a compiled function,
        is descended without Python, and without its lock.  A LowLevelCallable (of a C function by ctypes or
        cffi, of numba's ``cfunc(...).ctypes``, or of Cython's by `scipy.LowLevelCallable.from_cython`) has one of
        the signatures

        - ``double f(int n, double *x)``, ``double f(int n, double *x, void *user_data)``: the value,
        - ``double f(int n, double *x, double *gradient)``, ``double f(int n, double *x, double *gradient, void
          *user_data)``: the value, and the gradient written to its place.
    x0 : array_like of shape (n,) or (starts, n)
        Where to start; several starts are worked on side by side, on all processors.  float32 stays float32, and
        all arithmetic is float32 then; everything else becomes float64.
    optimizer : str or Optimizer
        A copy of its settings is used; or one of SciPy's solvers, by name: "L-BFGS-B", "BFGS", "CG", "Newton-CG",
        "TNC", "SLSQP", "trust-constr", "Nelder-Mead", "Powell", "COBYLA", "COBYQA".
    jac : callable, True, "forward", "central", or scipy.LowLevelCallable, optional
        ``jac(x, *args)`` gives the gradient, of shape (n,); True: `fun` gives value and gradient.  Otherwise
        differences, ``(f(x + h) - f(x)) / h`` or ``(f(x + h) - f(x - h)) / 2h``, one coordinate at a time.  A
        LowLevelCallable has the signature ``void g(int n, double *x, double *gradient)``, or with ``void
        *user_data`` besides.  By default the exact gradient where `fun` is a surface or gives it, and central
        differences elsewhere.
    args : tuple
        Further arguments of `fun` and `jac`.
    maxiter : int
        Updates to make at most.
    tol : float, optional
        Stop where the value changes by no more than ``tol max(1, |value|)`` in one update.  By default 0: never.
    gtol : float, optional
        Stop where the largest component of the gradient is below it.  By default 1e-6; 0: never.
    bounds : sequence of (low, high), or scipy.optimize.Bounds, optional
        After each update x is put back between them; None is no bound.  Components of the gradient count for
        `gtol` by what is left of their step then.
    callback : callable, optional
        Called after each update, as by SciPy, with ``intermediate_result`` (an OptimizeResult with x, fun and nit)
        if that is the name of its argument, and with x otherwise; StopIteration ends the descent.  One start only.
    trajectory : bool
        Whether to keep each x.
    h : float, optional
        The step of the differences; by default the square root (forward) or cube root (central) of the
        dtype's epsilon.

    Returns
    -------
    scipy.optimize.OptimizeResult
        x, fun, jac : the last point, its value and gradient (the best point, where something is not finite)
        nit, nfev, njev : updates, calls of `fun`, gradients
        success, status, message : status 0 and 3 are success (`gtol` and `tol` reached); 1 is `maxiter`, 2 a value
        that is not finite, 99 the callback
        fun_history : of shape (nit + 1,), the values from x0 on
        trajectory : of shape (nit + 1, n), if asked for

        With several starts all of them are arrays, one entry for each start, and `message` a list.  fun_history
        and trajectory (only if that is asked for) have shapes (starts, nit + 1) and (starts, nit + 1, n) with the
        largest nit; what is left of those that stopped earlier repeats their last point.
        minima : of shape (k, n), a surface's known minima, and then where else starts ended with success
        basin : of shape (starts,), which of them each start ended near, -1 for none (it was still on its way)

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and values and gradients of other shapes than described.
    """
    start = start_points(x0)
    rows, many = start.reshape(-1, start.shape[-1]), start.ndim == 2
    limits = bounds_of(bounds, rows.shape[1], start.dtype)
    stops = Stops.checked(maxiter, tol, gtol)
    objective = objective_of(fun, jac, args, rows.shape[1], start.dtype, h, limits)
    listener = listener_of(callback)
    solver = solver_named(optimizer)
    if solver is not None:
        if many:
            raise ValueError(f"optimizer={optimizer!r} works with one start, x0 has shape {start.shape}")
        return solve(solver, objective, start, stops, bounds, listener, trajectory)
    chosen = _optimizer(optimizer)
    if callback is not None and many:
        raise ValueError(f"callback works with one start, x0 has shape {start.shape}")
    records = descend_all(objective, chosen, rows, stops, listener, trajectory or not many, trajectory)
    return result_of(fun, many, records, objective.calls_per_gradient)


def _optimizer(identifier: Any) -> optimizers.Optimizer:
    """The optimizer of that name, class or configuration; an error that knows SciPy's names too."""
    try:
        return optimizers.get(identifier)
    except ValueError:
        if not isinstance(identifier, str):
            raise
    base = optimizers.Optimizer
    known = [
        name
        for name, thing in vars(optimizers).items()
        if isinstance(thing, type) and issubclass(thing, base) and thing is not base
    ]
    raise unknown("optimizer", identifier, dict.fromkeys([*known, *SOLVERS]))
