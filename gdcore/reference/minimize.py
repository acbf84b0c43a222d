"""Gradient descent on a function of one vector, with an optimizer of `optimizers`."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .optimizers import Optimizer

Array = NDArray[Any]


def forward_differences(fun: Callable[[Array], Any], x: Array, h: float) -> Array:
    """(f(x + h) - f(x)) / h, one coordinate at a time."""
    return np.array([(fun(x + h * e) - fun(x)) / h for e in np.eye(len(x), dtype=x.dtype)], x.dtype)


def central_differences(fun: Callable[[Array], Any], x: Array, h: float) -> Array:
    """(f(x + h) - f(x - h)) / 2h, one coordinate at a time."""
    return np.array([(fun(x + h * e) - fun(x - h * e)) / (2 * h) for e in np.eye(len(x), dtype=x.dtype)], x.dtype)


def descend(
    fun: Callable[[Array], Any],
    gradient: Callable[[Array], Array],
    x0: Array,
    optimizer: Optimizer,
    steps: int,
    low: Any = -np.inf,
    high: Any = np.inf,
) -> tuple[Array, Array]:
    """All points from x0 on, of shape (steps + 1, n), and the values there; each step ends between low and high."""
    x = np.clip(x0, low, high).astype(x0.dtype)
    path, values = [x.copy()], [fun(x)]
    for _ in range(steps):
        optimizer.apply([x], [gradient(x)])
        x[...] = np.clip(x, low, high)
        path.append(x.copy())
        values.append(fun(x))
    return np.array(path), np.array(values, x0.dtype)
