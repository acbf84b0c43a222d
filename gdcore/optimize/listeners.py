"""The user's callback, as SciPy calls one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Listener = Callable[[int, Any, float], bool]
    """Takes (nit, x, value) and says whether to stop."""


def listener_of(callback: Any) -> Listener | None:
    """A function of (nit, x, value) that calls the callback, and says whether that raised StopIteration.

    Raises
    ------
    TypeError
        If it cannot be called.
    """
    if callback is None:
        return None
    if not callable(callback):
        raise TypeError(f"callback={callback!r} is not a function")
    from inspect import signature

    from scipy.optimize import OptimizeResult  # type: ignore[import-untyped]

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
