"""Is the gradient right?  Backpropagation against central differences, array by array."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _checks
from .objective import float64_twin, in_float64

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .sequential import Sequential


class ArrayCheck(NamedTuple):
    """How one weight array fared."""

    name: str
    shape: tuple[int, ...]
    max_abs: float
    """Largest difference."""
    max_rel: float
    """Largest difference, relative to the largest value of the numerical gradient of this array."""
    where: tuple[int, ...]
    """Index of the largest difference."""
    analytic: float
    """The two values there."""
    numeric: float
    good: bool


class GradientReport:
    """The outcome of `check_gradients`: prints as a table, and is true where every array is good.

    Attributes
    ----------
    arrays : list of ArrayCheck
    loss : float
    rtol, atol, h : float
    """

    def __init__(self, arrays: list[ArrayCheck], loss: float, rtol: float, atol: float, h: float) -> None:
        self.arrays = arrays
        self.loss = loss
        self.rtol = rtol
        self.atol = atol
        self.h = h

    def __bool__(self) -> bool:
        return all(row.good for row in self.arrays)

    def __str__(self) -> str:
        width = max([len("array"), *(len(row.name) for row in self.arrays)])
        lines = [
            f"backpropagation against central differences, h = {self.h:.3g}, loss = {self.loss:.8g}",
            f"{'array':<{width}}  {'shape':<12} {'max abs':>10} {'max rel':>10}  {'at':<12} "
            f"{'analytic':>14} {'numeric':>14}  verdict",
        ]
        for r in self.arrays:
            at = "[" + ", ".join(map(str, r.where)) + "]"
            lines.append(
                f"{r.name:<{width}}  {r.shape!s:<12} {r.max_abs:>10.2e} {r.max_rel:>10.2e}  {at:<12} "
                f"{r.analytic:>14.7g} {r.numeric:>14.7g}  {'good' if r.good else 'WRONG'}"
            )
        verdict = "all good" if self else f"{sum(not r.good for r in self.arrays)} of {len(self.arrays)} arrays differ"
        return "\n".join([*lines, f"{verdict} (tolerance: {self.rtol:g} relative + {self.atol:g})"])

    __repr__ = __str__


def check_gradients(
    model: Sequential,
    x: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    h: float | None = None,
    training: bool = False,
) -> GradientReport:
    """Compare a model's analytic gradient with central differences of its loss.

    The differences are taken in float64 at the same weights and data, also for a float32 model, so that they
    measure the gradient and not the rounding of the loss.

    Parameters
    ----------
    model : Sequential
        Compiled with a loss.
    x, y, sample_weight : as in ``fit``
    rtol, atol : float, optional
        An array is good if its largest difference is at most ``atol + rtol * max|numeric|``; by default 1e-6 and
        1e-9 for float64, 1e-4 and 1e-6 for float32.
    h : float, optional
        The step of the differences, by default 6e-6 (the cube root of float64's epsilon).
    training : bool
        Whether layers behave as in training.  Noise is then the same for both gradients; as its numbers depend on
        the type, both are taken in float64 where the model has any.

    Returns
    -------
    GradientReport
        True where all arrays are good.

    Notes
    -----
    At a kink (relu at 0, an absolute error at 0) the loss has no gradient, and a difference is no error.
    """
    single = model.dtype == "float32"
    rtol = _checks.positive("rtol", rtol) if rtol is not None else (1e-4 if single else 1e-6)
    atol = _checks.positive("atol", atol) if atol is not None else (1e-6 if single else 1e-9)
    h = _checks.positive("h", h) if h is not None else float(np.finfo(np.float64).eps) ** (1 / 3)
    loss, analytic = model.gradient(x, y, sample_weight=sample_weight, training=training)
    data = in_float64(model._data(x, y, sample_weight, allow_nan=False))
    with model._stack.planned_as_now() as built:
        twin, _ = float64_twin(model, "check_gradients")
        if training and twin.random.any():
            loss = twin.gradient(*data, "analytic", h, training)
            analytic = built.split(twin.grad)
        twin.gradient(*data, "central", h, training)
        names, differences = [v.path for v in built.learned], built.split(twin.grad)
    rows = []
    for name, ours, numeric in zip(names, analytic, differences, strict=True):
        difference = np.abs(ours.astype(np.float64) - numeric)
        where = np.unravel_index(int(np.argmax(difference)), difference.shape)
        largest = float(np.max(np.abs(numeric)))
        worst = float(difference[where])
        rows.append(
            ArrayCheck(
                name,
                ours.shape,
                worst,
                worst / largest if largest else (0.0 if worst == 0 else float("inf")),
                tuple(int(i) for i in where),
                float(ours[where]),
                float(numeric[where]),
                bool(worst <= atol + rtol * largest),
            )
        )
    return GradientReport(rows, loss, rtol, atol, h)
