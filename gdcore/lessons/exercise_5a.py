"""Exercise 5.A: a net for iris, 4-8-3 with selu, 400 epochs, six optimizers at four rates."""

from __future__ import annotations

from pathlib import Path

from ..plots._texts import translator
from ..tuning import Sweep
from . import _grids

UNITS = (4, 8, 3)
RATES = (0.1, 0.01, 0.001, 0.0001)
EPOCHS = 400
TITLE = "Iris, net 4-8-3 with selu and softmax, {} epochs of {} rows in batches of 32"


def run(epochs: int, n_jobs: int = -1) -> Sweep:
    """All 24 trainings, on all 150 rows, in batches of 32."""
    return _grids.train(_grids.iris(), UNITS, RATES, epochs, n_jobs=n_jobs)


def main(plots: str | Path, lang: str = "en") -> int:
    """Print tables and answers and draw the curves."""
    result = run(EPOCHS)
    title = f"5.A: {translator(lang)(TITLE).format(EPOCHS, 150)}"
    return _grids.show("exercise-5a", title, result, plots, lang, _grids.answers(result, lang=lang))
