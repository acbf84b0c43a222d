"""What is minimised: a surface, a compiled function, or one of Python, with a gradient of its own or differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _checks
from .._core import kernels
from .._core.specs import ObjectiveSpec
from .._names import unknown
from ..surfaces import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .starts import Bounds

DIFFERENCES = ("forward", "central")


class Objective(NamedTuple):
    """A function with its gradient, as the core takes it."""

    kind: str
    """ "surface", "compiled" or "called"."""
    source: Any
    """The surface's specification; the capsules of value and gradient; or a function that gives both."""
    method: str
    """ "analytic", "forward" or "central": how the gradient is computed."""
    h: float
    """The step of differences."""
    low: NDArray[Any]
    high: NDArray[Any]

    @property
    def spec(self) -> ObjectiveSpec:
        """What the core needs to know."""
        if self.kind == "surface":
            what = ObjectiveSpec(surface=self.source)
        elif self.kind == "compiled":
            what = ObjectiveSpec(compiled=self.source[0], slope=self.source[1])
        else:
            what = ObjectiveSpec(called=self.source)
        return what._replace(method=self.method, h=self.h, low=self.low, high=self.high)

    @property
    def calls_per_gradient(self) -> int:
        """How often the function is called for a value and a gradient."""
        return {"analytic": 1, "forward": 1 + len(self.low), "central": 1 + 2 * len(self.low)}[self.method]

    def without_differences(self) -> Objective:
        """The same, for those who need no gradient."""
        return self._replace(method="analytic")


def objective_of(fun: Any, jac: Any, args: Any, n: int, dtype: Any, h: Any, bounds: Bounds) -> Objective:
    """The objective that the arguments of `gdcore.minimize` describe, for n coordinates of that type.

    Raises
    ------
    TypeError, ValueError
        If they do not go together.
    """
    from scipy import LowLevelCallable  # type: ignore[import-untyped]

    args = args if isinstance(args, tuple) else (args,)
    jac = _checked_jac(jac, LowLevelCallable)
    source: Any = None
    if isinstance(fun, Surface):
        kind, source, exact = "surface", fun._spec(), True
        if not fun._fits(n):
            raise ValueError(f"x0 has {n} coordinates, {fun.name} is a function of {fun.ndim}")
    elif isinstance(fun, LowLevelCallable):
        kind = "compiled"
        source, exact = _compiled(fun, jac if isinstance(jac, LowLevelCallable) else None)
    elif callable(fun):
        kind, exact = "called", jac is True or callable(jac)
    else:
        raise TypeError(f"fun={fun!r} is not a function, a surface or a LowLevelCallable")
    if kind != "called":
        if args:
            raise ValueError(f"args={args!r} cannot be passed to {fun!r}")
        if callable(jac) or (jac is True and not exact):
            raise TypeError(f"jac={jac!r} does not go with {fun!r}")
    elif isinstance(jac, LowLevelCallable):
        raise TypeError("jac is a LowLevelCallable, fun is not")
    method = jac if isinstance(jac, str) else "analytic" if exact else "central"
    if kind == "called":
        source = value_and_gradient(fun, jac if method == "analytic" else None, args, n, dtype)
    return Objective(kind, source, method, _step(h, method, dtype), *bounds)


def _checked_jac(jac: Any, compiled: type) -> Any:
    """What `jac` may be; None for False."""
    if isinstance(jac, str) and jac not in DIFFERENCES:
        raise unknown("jac", jac, dict.fromkeys(DIFFERENCES))
    if not (jac is None or isinstance(jac, str | bool | compiled) or callable(jac)):
        raise TypeError(f"jac={jac!r} is not a function, True, 'forward' or 'central'")
    return None if jac is False else jac


def _step(h: Any, method: str, dtype: Any) -> float:
    """The step of differences: the square root or the cube root of the type's epsilon, if none is given."""
    if h is not None:
        return _checks.positive("h", h)
    return float(np.finfo(dtype).eps) ** (1 / 3 if method == "central" else 1 / 2)


def _compiled(fun: Any, jac: Any) -> tuple[tuple[Any, Any], bool]:
    """The capsules of the value and of the gradient, None if there is none, and whether either gives the gradient."""
    value = tuple.__getitem__(fun, 0)
    kind = _signature("fun", value, kernels.SIGNATURES)[0]
    slope = None
    if jac is not None:
        slope = tuple.__getitem__(jac, 0)
        _signature("jac", slope, kernels.SLOPE_SIGNATURES)
    return (value, slope), slope is not None or kind == kernels.SIGNATURES["double (int, double *, double *)"][0]


def _signature(name: str, capsule: Any, known: dict[str, Any]) -> Any:
    """What the core knows of a capsule's signature, which is the capsule's name."""
    signature = " ".join(kernels.capsule_name(capsule).split())
    if signature not in known:
        raise TypeError(f"{name} has the signature {signature!r}, expected one of {', '.join(map(repr, known))}")
    return known[signature]


def value_and_gradient(
    fun: Any, jac: Any, args: tuple[Any, ...], n: int, dtype: Any
) -> Callable[[Any], tuple[float, Any]]:
    """A function that gives a checked value and gradient; None for the latter where jac is None."""

    def value_only(x: Any) -> tuple[float, Any]:
        return _value(fun(x, *args)), None

    def both(x: Any) -> tuple[float, Any]:
        found = fun(x, *args)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise TypeError(f"fun gave {found!r}, expected (value, gradient) with jac=True")
        return _value(found[0]), _gradient(found[1], n, dtype)

    def one_by_one(x: Any) -> tuple[float, Any]:
        value = _value(fun(x.copy(), *args))
        return value, _gradient(jac(x, *args), n, dtype)

    return value_only if jac is None else both if jac is True else one_by_one


def _value(found: Any) -> float:
    array = np.asarray(found)
    if array.size != 1 or array.dtype.kind not in "fiub":
        what = f"an array of shape {array.shape}" if array.size != 1 else f"{found!r}"
        raise TypeError(f"fun gave {what}, expected a number")
    return float(array.item())


def _gradient(found: Any, n: int, dtype: Any) -> NDArray[Any]:
    array = np.atleast_1d(np.asarray(found))
    if array.dtype.kind not in "fiub":
        raise TypeError(f"jac gave an array of dtype {array.dtype}, expected real numbers")
    if array.shape != (n,):
        raise ValueError(f"jac gave a gradient of shape {array.shape}, expected ({n},)")
    return np.ascontiguousarray(array, dtype)
