"""Test functions of optimization at one point x of shape (n,), and their gradients (see `gdcore.surfaces`)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def peaks(x: Array) -> Any:
    """Three hills and three hollows on a plane, as MATLAB's function of that name."""
    a, b = x
    one, two, three = np.exp(-(a**2) - (b + 1) ** 2), np.exp(-(a**2) - b**2), np.exp(-((a + 1) ** 2) - b**2)
    return 3 * (1 - a) ** 2 * one - 10 * (a / 5 - a**3 - b**5) * two - three / 3


def peaks_gradient(x: Array) -> Array:
    """By the product rule, exponential by exponential."""
    a, b = x
    one, two, three = np.exp(-(a**2) - (b + 1) ** 2), np.exp(-(a**2) - b**2), np.exp(-((a + 1) ** 2) - b**2)
    p = a / 5 - a**3 - b**5
    da = (
        (-6 * (1 - a) - 6 * a * (1 - a) ** 2) * one
        - 10 * (1 / 5 - 3 * a**2 - 2 * a * p) * two
        + 2 * (a + 1) * three / 3
    )
    db = -6 * (b + 1) * (1 - a) ** 2 * one + 10 * (5 * b**4 + 2 * b * p) * two + 2 * b * three / 3
    return np.array([da, db], x.dtype)


def rosenbrock(x: Array) -> Any:
    """A bent valley."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x: Array) -> Array:
    """Each coordinate is in two terms of the sum."""
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def himmelblau(x: Array) -> Any:
    """Four minima of the same depth."""
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def himmelblau_gradient(x: Array) -> Array:
    """2 p p' + 2 q q' of the two squares."""
    p, q = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * x[0] * p + 2 * q, 2 * p + 4 * x[1] * q], x.dtype)


def beale(x: Array) -> Any:
    """Flat, with steep walls at the corners."""
    return sum((c - x[0] + x[0] * x[1] ** k) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625)))


def beale_gradient(x: Array) -> Array:
    """Term by term."""
    terms = [(k, c - x[0] + x[0] * x[1] ** k) for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))]
    return np.array(
        [sum(2 * t * (x[1] ** k - 1) for k, t in terms), sum(2 * t * x[0] * k * x[1] ** (k - 1) for k, t in terms)],
        x.dtype,
    )


def booth(x: Array) -> Any:
    """A quadratic."""
    return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


def booth_gradient(x: Array) -> Array:
    """2 p p' + 2 q q' of the two squares."""
    p, q = x[0] + 2 * x[1] - 7, 2 * x[0] + x[1] - 5
    return np.array([2 * p + 4 * q, 4 * p + 2 * q], x.dtype)


def matyas(x: Array) -> Any:
    """A quadratic of condition 25."""
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


def matyas_gradient(x: Array) -> Array:
    """Linear."""
    return np.array([0.52 * x[0] - 0.48 * x[1], 0.52 * x[1] - 0.48 * x[0]], x.dtype)


def three_hump_camel(x: Array) -> Any:
    """Three minima in a row."""
    return 2 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6 + x[0] * x[1] + x[1] ** 2


def three_hump_camel_gradient(x: Array) -> Array:
    """Of a polynomial."""
    return np.array([4 * x[0] - 4.2 * x[0] ** 3 + x[0] ** 5 + x[1], x[0] + 2 * x[1]], x.dtype)


def rastrigin(x: Array) -> Any:
    """A bowl with a minimum near each point of whole numbers."""
    return np.sum(x**2 + 10 * (1 - np.cos(2 * np.pi * x)))


def rastrigin_gradient(x: Array) -> Array:
    """Coordinate by coordinate."""
    return (2 * x + 20 * np.pi * np.sin(2 * np.pi * x)).astype(x.dtype)


def ackley(x: Array) -> Any:
    """A funnel in a rippled plane; there is no gradient at its bottom, where 0 stands for it."""
    return 20 * (1 - np.exp(-np.sqrt(np.mean(x**2)) / 5)) + np.e - np.exp(np.mean(np.cos(2 * np.pi * x)))


def ackley_gradient(x: Array) -> Array:
    """By the chain rule through the two means."""
    r = np.sqrt(np.mean(x**2))
    funnel = 4 * np.exp(-r / 5) * x / (len(x) * r) if r > 0 else np.zeros_like(x)
    ripples = np.exp(np.mean(np.cos(2 * np.pi * x))) * 2 * np.pi * np.sin(2 * np.pi * x) / len(x)
    return (funnel + ripples).astype(x.dtype)


def styblinski_tang(x: Array) -> Any:
    """Two minima along each coordinate."""
    return np.sum(x**4 - 16 * x**2 + 5 * x) / 2


def styblinski_tang_gradient(x: Array) -> Array:
    """Coordinate by coordinate."""
    return (4 * x**3 - 32 * x + 5) / 2


def saddle(x: Array) -> Any:
    """No minimum at all."""
    return x[0] ** 2 - x[1] ** 2


def saddle_gradient(x: Array) -> Array:
    """Linear."""
    return np.array([2 * x[0], -2 * x[1]], x.dtype)


def curvatures(n: int, condition: float) -> Array:
    """From 1 to condition, each the same multiple of the one before."""
    return np.asarray(condition ** (np.arange(n) / max(n - 1, 1)))


def quadratic(x: Array, condition: float = 10.0) -> Any:
    """A bowl along the axes."""
    return np.sum(curvatures(len(x), condition) * x**2) / 2


def quadratic_gradient(x: Array, condition: float = 10.0) -> Array:
    """Linear."""
    return (curvatures(len(x), condition) * x).astype(x.dtype)


def swish(x: Array) -> Any:
    """The activation of that name, also called SiLU."""
    return x[0] / (1 + np.exp(-x[0]))


def swish_gradient(x: Array) -> Array:
    """s + x s (1 - s), s being the sigmoid."""
    s = 1 / (1 + np.exp(-x))
    return np.asarray(s + x * s * (1 - s))


SURFACES: dict[str, tuple[Callable[..., Any], Callable[..., Array]]] = {
    "peaks": (peaks, peaks_gradient),
    "rosenbrock": (rosenbrock, rosenbrock_gradient),
    "himmelblau": (himmelblau, himmelblau_gradient),
    "beale": (beale, beale_gradient),
    "booth": (booth, booth_gradient),
    "matyas": (matyas, matyas_gradient),
    "three_hump_camel": (three_hump_camel, three_hump_camel_gradient),
    "rastrigin": (rastrigin, rastrigin_gradient),
    "ackley": (ackley, ackley_gradient),
    "styblinski_tang": (styblinski_tang, styblinski_tang_gradient),
    "saddle": (saddle, saddle_gradient),
    "quadratic": (quadratic, quadratic_gradient),
    "swish": (swish, swish_gradient),
}
