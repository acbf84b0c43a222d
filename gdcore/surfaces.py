"""Test functions of optimization: values, exact gradients, known minima and a window to draw them in.

A surface is a function of points: ``peaks(points)`` has one value for each row of ``points``, and
``peaks.gradient(points)`` one gradient.  `gdcore.minimize` descends surfaces in compiled code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _checks
from ._core import kernels
from ._core.specs import SurfaceSpec
from ._names import unknown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Surface:
    """A function of points with a compiled gradient.

    Attributes
    ----------
    name : str
    ndim : int
        The number of coordinates of `minima` and `window`.
    any_ndim : bool
        Whether points may have another number of coordinates.
    minima : ndarray of shape (k, ndim)
        Known minima, a global one first; of many, only some.
    window : tuple of (low, high)
        For each coordinate, a good range to draw.
    formula : str
    """

    def __init__(
        self,
        name: str,
        formula: str,
        minima: ArrayLike,
        window: tuple[tuple[float, float], ...],
        any_ndim: bool = False,
        condition: float = 1.0,
    ) -> None:
        self.name = name
        self.formula = formula
        self.ndim = len(window)
        self.minima = np.array(minima, np.float64).reshape(-1, self.ndim)
        self.minima.flags.writeable = False
        self.window = window
        self.any_ndim = any_ndim
        self.condition = condition

    def _spec(self) -> SurfaceSpec:
        return SurfaceSpec(self.name, kernels.SURFACES[self.name].numbers_of(self))

    def _fits(self, ndim: int) -> bool:
        return ndim == self.ndim or (self.any_ndim and ndim >= (2 if self.name == "rosenbrock" else 1))

    def _evaluate(self, points: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        at = np.asarray(points)
        if at.dtype.kind not in "fiu" or at.dtype.itemsize > 8:
            raise TypeError(f"points has dtype {at.dtype}, expected real numbers of at most 64 bits")
        if at.ndim == 0 or not self._fits(at.shape[-1]):
            wanted = f"(..., {'n' if self.any_ndim else self.ndim})"
            raise ValueError(f"points has shape {at.shape}, expected {wanted} for {self.name}")
        dtype = np.float32 if at.dtype == np.float32 else np.float64
        columns = np.array(at.reshape(-1, at.shape[-1]).T, dtype, order="C")
        value, gradient = np.empty(columns.shape[1], dtype), np.empty_like(columns)
        kernels.apply_surface(self._spec(), columns, value, gradient)
        return value.reshape(at.shape[:-1]), np.ascontiguousarray(gradient.T).reshape(at.shape)

    def __call__(self, points: ArrayLike) -> NDArray[Any]:
        """The values at points of shape (..., ndim), of shape (...); float32 for float32, float64 otherwise.

        Raises
        ------
        TypeError, ValueError
            If the points are not real numbers, or have another number of coordinates.
        """
        return self._evaluate(points)[0]

    def gradient(self, points: ArrayLike) -> NDArray[Any]:
        """The gradients at points of shape (..., ndim), of the same shape."""
        return self._evaluate(points)[1]

    def __repr__(self) -> str:
        return f"<surface {self.name}: {self.formula}>"


_SURFACES: dict[str, Surface] = {}


def _surface(name: str, formula: str, minima: ArrayLike, window: Any, any_ndim: bool = False) -> Surface:
    """A surface, entered in the table under its name."""
    return _SURFACES.setdefault(name, Surface(name, formula, minima, window, any_ndim))


_SQUARE = ((-5.12, 5.12), (-5.12, 5.12))
_LOW, _HIGH = -2.903534027771177095, 2.746802770990836992

peaks = _surface(
    "peaks",
    "3(1-a)^2 e^(-a^2-(b+1)^2) - 10(a/5-a^3-b^5) e^(-a^2-b^2) - e^(-(a+1)^2-b^2)/3",
    [
        (0.2282789205563690988, -1.625534957499996519),
        (-1.347396244368210784, 0.2045188660970051803),
        (0.2964455538468320781, 0.3201962476668343421),
    ],
    ((-3.0, 3.0), (-3.0, 3.0)),
)
rosenbrock = _surface(
    "rosenbrock", "sum of 100(x[k+1]-x[k]^2)^2 + (1-x[k])^2", [(1, 1)], ((-2.0, 2.0), (-1.0, 3.0)), any_ndim=True
)
himmelblau = _surface(
    "himmelblau",
    "(x^2+y-11)^2 + (x+y^2-7)^2",
    [
        (3, 2),
        (-2.805118086952744853, 3.131312518250572966),
        (-3.779310253377746892, -3.283185991286169412),
        (3.584428340330491745, -1.848126526964403554),
    ],
    ((-6.0, 6.0), (-6.0, 6.0)),
)
beale = _surface("beale", "(1.5-x+xy)^2 + (2.25-x+xy^2)^2 + (2.625-x+xy^3)^2", [(3, 0.5)], ((-4.5, 4.5), (-4.5, 4.5)))
booth = _surface("booth", "(x+2y-7)^2 + (2x+y-5)^2", [(1, 3)], ((-10.0, 10.0), (-10.0, 10.0)))
matyas = _surface("matyas", "0.26(x^2+y^2) - 0.48xy", [(0, 0)], ((-10.0, 10.0), (-10.0, 10.0)))
three_hump_camel = _surface(
    "three_hump_camel",
    "2x^2 - 1.05x^4 + x^6/6 + xy + y^2",
    [
        (0, 0),
        (-1.747552345830288899, 0.8737761729151444493),
        (1.747552345830288899, -0.8737761729151444493),
    ],
    ((-2.5, 2.5), (-2.5, 2.5)),
)
rastrigin = _surface("rastrigin", "sum of x^2 + 10(1 - cos(2 pi x))", [(0, 0)], _SQUARE, any_ndim=True)
ackley = _surface(
    "ackley",
    "20(1 - e^(-sqrt(mean x^2)/5)) + e - e^(mean cos(2 pi x))",
    [(0, 0)],
    ((-5.0, 5.0), (-5.0, 5.0)),
    any_ndim=True,
)
styblinski_tang = _surface(
    "styblinski_tang",
    "sum of (x^4 - 16x^2 + 5x)/2",
    [(_LOW, _LOW), (_LOW, _HIGH), (_HIGH, _LOW), (_HIGH, _HIGH)],
    ((-5.0, 5.0), (-5.0, 5.0)),
    any_ndim=True,
)
saddle = _surface("saddle", "x^2 - y^2", [], ((-2.0, 2.0), (-2.0, 2.0)))
swish = _surface("swish", "x / (1 + e^-x)", [(-1.278464542761073795,)], ((-6.0, 4.0),))


def quadratic(condition: float = 10.0) -> Surface:
    """The bowl ``sum of condition^(k/(n-1)) x[k]^2 / 2``: in two dimensions ``(x^2 + condition y^2)/2``.

    Parameters
    ----------
    condition : float
        At least 1: the ratio of the largest curvature to the least.
    """
    number = _checks.number("condition", condition, 1)
    formula = f"sum of {number:g}^(k/(n-1)) x[k]^2 / 2"
    return Surface("quadratic", formula, [(0, 0)], ((-3.0, 3.0), (-3.0, 3.0)), any_ndim=True, condition=number)


_SURFACES["quadratic"] = quadratic()


def get(identifier: str | Surface) -> Surface:
    """The surface of that name.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Surface):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in _SURFACES:
        return _SURFACES[identifier.lower()]
    raise unknown("surface", identifier, _SURFACES)
