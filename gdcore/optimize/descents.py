"""Descending functions with the optimizers of `gdcore.optimizers`, or with SciPy's solvers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers
from .._checks import integer as _whole
from .._core import kernels
from .._names import unknown
from ..config import get_num_threads
from ..models.objective import ModelObjective as ModelObjective
from ..surfaces import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray
    from scipy.optimize import OptimizeResult  # type: ignore[import-untyped]

# SciPy's solvers that need no second derivatives
_SCIPY = {
    name.lower(): name
    for name in (
        *("Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP"),
        "trust-constr",
    )
}
_WITHOUT_BOUNDS = ("CG", "BFGS", "Newton-CG")
_WITHOUT_GRADIENT = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")

_MESSAGES = {
    "gradient": "The gradient is smaller than gtol.",
    "value": "The value changed by no more than tol.",
    "maxiter": "Maximum number of iterations has been exceeded.",
    "not finite": "The function or its gradient is not finite; x is the best point before.",
    "callback": "`callback` raised `StopIteration`.",
}
_STATES = {status: name for name, status in kernels.DESCENT_STATES.items()}


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
    start = _start(x0)
    rows = start.reshape(-1, start.shape[-1])
    many = start.ndim == 2
    limits = _limits(bounds, rows.shape[1], start.dtype)
    steps = _whole("maxiter", maxiter, 0)
    tol, gtol = _tolerance("tol", tol), _tolerance("gtol", gtol)
    objective, per_value = _objective(fun, jac, args, rows, h, limits)
    listener = _listener(callback)
    solver = _SCIPY.get(optimizer.lower()) if isinstance(optimizer, str) else None
    if solver:
        if many:
            raise ValueError(f"optimizer={optimizer!r} works with one start, x0 has shape {start.shape}")
        if solver in _WITHOUT_GRADIENT and objective[2] != "analytic":
            objective, per_value = (*objective[:2], "analytic", *objective[3:]), 1
        tolerances = {"tol": tol, "gtol": gtol}
        return _by_scipy(solver, objective, start, per_value, steps, tolerances, bounds, listener, trajectory)
    if isinstance(optimizer, str) and optimizer.lower() not in optimizers._ALL:
        raise unknown("optimizer", optimizer, {**optimizers._CLASSES, **dict.fromkeys(_SCIPY.values())})
    settings = optimizers.get(optimizer)._fresh()
    if callback is not None and many:
        raise ValueError(f"callback works with one start, x0 has shape {start.shape}")
    count, n = rows.shape
    results = (
        rows,
        np.empty_like(rows),
        np.empty_like(rows),
        np.empty(count, rows.dtype),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.empty((count, steps + 1), rows.dtype) if trajectory or not many else None,
        np.empty((count, steps + 1, n), rows.dtype) if trajectory else None,
    )
    _run(objective, settings, steps, tol or 0.0, 1e-6 if gtol is None else gtol, results, listener)
    return _result(fun, many, results, per_value)


def _run(
    objective: tuple[Any, ...],
    settings: optimizers.Optimizer,
    steps: int,
    tol: float,
    gtol: float,
    results: tuple[Any, ...],
    listener: Any,
) -> None:
    """Fill the results, with the starts shared out among threads."""
    count, n = results[0].shape
    called = objective[0] == "called"
    lanes = min(count, max(1, 512 // n)) if settings._elementwise and not called else 1
    # what calls Python is called in order, whatever the number of processors
    threads = (
        1 if called or settings._rate_spec()[0] == "called" else min(get_num_threads(), -(-count // max(lanes, 64)))
    )
    share = -(-count // (lanes * 4 * threads)) * lanes  # some for each thread, as one may be kept waiting
    stop = np.zeros(1, np.int64)
    firsts = iter(range(0, count, share))  # taking the next one is safe among threads

    def work() -> None:
        try:
            for first in firsts:
                own = settings._fresh()
                own._build([np.zeros(n * lanes, results[0].dtype)])
                last = min(first + share, count)
                kernels.descend(objective, own._core(), lanes, first, last, steps, tol, gtol, results, stop, listener)
        except BaseException:
            stop[0] = 1  # the others leave off too
            raise

    if threads == 1:
        work()
        return
    from concurrent.futures import ThreadPoolExecutor

    try:
        with ThreadPoolExecutor(threads - 1) as pool:
            others = [pool.submit(work) for _ in range(threads - 1)]
            work()
    except BaseException:  # also what comes while others are waited for
        stop[0] = 1
        raise
    for other in others:
        other.result()


# ---- what came -------------------------------------------------------------------------------------------


def _start(x0: ArrayLike) -> NDArray[Any]:
    try:
        start = np.atleast_1d(np.asarray(x0))
    except ValueError as error:
        raise ValueError(f"x0 is not an array: {error}") from None
    if start.dtype.kind not in "fiu":
        raise TypeError(f"x0 has dtype {start.dtype}, expected real numbers")
    if start.ndim > 2 or start.size == 0:
        raise ValueError(f"x0 has shape {start.shape}, expected (n,) or (starts, n), and not empty")
    return np.array(start, np.float32 if start.dtype == np.float32 else np.float64, order="C")


def _tolerance(name: str, value: Any) -> float | None:
    return None if value is None else optimizers._number(name, value, 0.0, math.inf)


def _limits(bounds: Any, n: int, dtype: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lower and upper bounds of each coordinate."""
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


def _objective(
    fun: Any, jac: Any, args: Any, rows: NDArray[Any], h: float | None, limits: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[tuple[Any, ...], int]:
    """What the core needs to know of the function, and how often it is called for a value and a gradient."""
    from scipy import LowLevelCallable  # type: ignore[import-untyped]

    n, dtype = rows.shape[1], rows.dtype
    args = args if isinstance(args, tuple) else (args,)
    if isinstance(jac, str) and jac not in ("forward", "central"):
        raise unknown("jac", jac, {"forward": 0, "central": 0})
    if not (jac is None or isinstance(jac, str | bool | LowLevelCallable) or callable(jac)):
        raise TypeError(f"jac={jac!r} is not a function, True, 'forward' or 'central'")
    jac = None if jac is False else jac
    method = "analytic"
    made_of: Any = None
    if isinstance(fun, Surface):
        kind, made_of = "surface", fun._spec()
        if not fun._fits(n):
            raise ValueError(f"x0 has {n} coordinates, {fun.name} is a function of {fun.ndim}")
        own = True
    elif isinstance(fun, LowLevelCallable):
        kind, found = "compiled", tuple.__getitem__(fun, 0)
        value_kind = _known_signature("fun", found, kernels.SIGNATURES)[0]
        slope = None
        if isinstance(jac, LowLevelCallable):
            slope = tuple.__getitem__(jac, 0)
            _known_signature("jac", slope, kernels.SLOPE_SIGNATURES)
        made_of = (found, slope)
        own = slope is not None or value_kind == kernels.SIGNATURES["double (int, double *, double *)"][0]
    elif callable(fun):
        kind, own = "called", jac is True or callable(jac)
    else:
        raise TypeError(f"fun={fun!r} is not a function, a surface or a LowLevelCallable")
    if kind != "called":
        if args:
            raise ValueError(f"args={args!r} cannot be passed to {fun!r}")
        if callable(jac) or (jac is True and not own):
            raise TypeError(f"jac={jac!r} does not go with {fun!r}")
    elif isinstance(jac, LowLevelCallable):
        raise TypeError("jac is a LowLevelCallable, fun is not")
    if isinstance(jac, str):
        method = jac
    elif not own:
        method = "central"
    if kind == "called":
        made_of = _called(fun, jac if method == "analytic" else None, args, n, dtype)
    if h is None:
        h = float(np.finfo(dtype).eps) ** (1 / 3 if method == "central" else 1 / 2)
    elif (h := optimizers._number("h", h, 0.0, math.inf)) == 0:
        raise ValueError(f"h={h!r} is not greater than 0")
    per_value = {"analytic": 1, "forward": 1 + n, "central": 1 + 2 * n}[method]
    return (kind, made_of, method, h, *limits), per_value


def _known_signature(name: str, capsule: Any, known: dict[str, Any]) -> Any:
    signature = " ".join(kernels.capsule_name(capsule).split())
    if signature not in known:
        raise TypeError(f"{name} has the signature {signature!r}, expected one of {', '.join(map(repr, known))}")
    return known[signature]


def _called(fun: Any, jac: Any, args: tuple[Any, ...], n: int, dtype: Any) -> Callable[[Any], tuple[float, Any]]:
    """A function that gives a checked value and gradient."""

    def value_of(found: Any) -> float:
        array = np.asarray(found)
        if array.size != 1 or array.dtype.kind not in "fiub":
            what = f"an array of shape {array.shape}" if array.size != 1 else f"{found!r}"
            raise TypeError(f"fun gave {what}, expected a number")
        return float(array.item())

    def gradient_of(found: Any) -> NDArray[Any]:
        array = np.atleast_1d(np.asarray(found))
        if array.dtype.kind not in "fiub":
            raise TypeError(f"jac gave an array of dtype {array.dtype}, expected real numbers")
        if array.shape != (n,):
            raise ValueError(f"jac gave a gradient of shape {array.shape}, expected ({n},)")
        return np.ascontiguousarray(array, dtype)

    def value_only(x: Any) -> tuple[float, Any]:
        return value_of(fun(x, *args)), None

    def both(x: Any) -> tuple[float, Any]:
        found = fun(x, *args)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise TypeError(f"fun gave {found!r}, expected (value, gradient) with jac=True")
        return value_of(found[0]), gradient_of(found[1])

    def one_by_one(x: Any) -> tuple[float, Any]:
        value = value_of(fun(x.copy(), *args))
        return value, gradient_of(jac(x, *args))

    return value_only if jac is None else both if jac is True else one_by_one


def _listener(callback: Any) -> Callable[[int, Any, float], bool] | None:
    """A function of (nit, x, value) that says whether to stop."""
    if callback is None:
        return None
    if not callable(callback):
        raise TypeError(f"callback={callback!r} is not a function")
    from inspect import signature

    from scipy.optimize import OptimizeResult

    try:
        by_name = set(signature(callback).parameters) == {"intermediate_result"}
    except ValueError:  # some built-in functions do not say
        by_name = False

    def listen(nit: int, x: Any, value: float) -> bool:
        try:
            if by_name:
                callback(intermediate_result=OptimizeResult(x=x, fun=value, nit=nit))
            else:
                callback(x)
        except StopIteration:
            return True
        return False

    return listen


# ---- what goes -------------------------------------------------------------------------------------------


def _result(fun: Any, many: bool, results: tuple[Any, ...], per_value: int) -> OptimizeResult:
    from scipy.optimize import OptimizeResult

    _, x, jac, value, nit, status, history, path = results
    names = [_STATES[s] for s in status.tolist()]
    result = OptimizeResult(
        x=x,
        fun=value,
        jac=jac,
        nit=nit,
        nfev=(nit + 1) * per_value,
        njev=nit + 1,
        success=np.array([name in ("gradient", "value") for name in names]),
        status=status,
        message=[_MESSAGES[name] for name in names],
    )
    if history is not None:
        result.fun_history = _made(history, nit)
    if path is not None:
        result.trajectory = _made(path, nit)
    if many:
        result.minima, result.basin = _basins(fun, result)
    else:
        for key, found in result.items():
            result[key] = found[0] if isinstance(found[0], np.ndarray | str) else found[0].item()
    return result


def _made(kept: NDArray[Any], nit: NDArray[np.int64]) -> NDArray[Any]:
    """The steps that were made, and the last of each start again for what others made more of."""
    made = kept[:, : nit.max() + 1].copy()
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
    return np.abs(x - place).max(axis=1) <= 0.02 * max(1.0, float(np.abs(place).max()))


def _by_scipy(
    solver: str,
    objective: tuple[Any, ...],
    start: NDArray[Any],
    per_value: int,
    steps: int,
    tolerances: dict[str, float | None],
    bounds: Any,
    listener: Any,
    trajectory: bool,
) -> OptimizeResult:
    """One start by a solver of SciPy's, with our gradient."""
    from scipy.optimize import OptimizeResult
    from scipy.optimize import minimize as solve

    seen: dict[bytes, float] = {}  # values since the last iteration, one of which was where it ended
    history: list[float] = []
    path: list[Any] = []

    def value_and_gradient(x: Any) -> Any:
        found, gradient = kernels.evaluate_objective(objective, np.array(x, start.dtype))
        seen[np.asarray(x, np.float64).tobytes()] = found
        return found if without_gradient else (found, gradient)

    def note(x: Any) -> None:
        path.append(np.array(x, start.dtype))
        key = np.asarray(x, np.float64).tobytes()
        history.append(seen[key] if key in seen else kernels.evaluate_objective(objective, path[-1])[0])
        seen.clear()

    def after_iteration(x: Any, *_: Any) -> None:  # trust-constr tells more
        note(x)
        if listener is not None and listener(len(history) - 1, path[-1].copy(), history[-1]):
            raise StopIteration

    without_gradient = solver in _WITHOUT_GRADIENT
    if bounds is not None and solver in _WITHOUT_BOUNDS:
        raise ValueError(f"optimizer={solver!r} takes no bounds")
    options: dict[str, Any] = {"maxfun" if solver == "TNC" else "maxiter": steps}
    if tolerances["gtol"] is not None and solver in ("CG", "BFGS", "L-BFGS-B", "TNC", "trust-constr"):
        options["gtol"] = tolerances["gtol"]
    note(start)
    try:
        result = solve(
            value_and_gradient,
            start,
            method=solver,
            jac=None if without_gradient else True,
            bounds=bounds,
            tol=tolerances["tol"],
            callback=after_iteration,
            options=options,
        )
    except StopIteration:  # from those solvers of SciPy that know nothing of it
        result = OptimizeResult(x=path[-1], fun=history[-1], success=False, status=99, message=_MESSAGES["callback"])
        result.nit, result.nfev = len(history) - 1, len(history)
    result.x = np.asarray(result.x, start.dtype)
    result.nfev = int(result.nfev) * per_value
    result.nit = len(history) - 1
    result.fun_history = np.array(history, start.dtype)
    if trajectory:
        result.trajectory = np.array(path)
    return result
