"""Exercise 6.B: 300 epochs for those optimizers and rates that exercise 6.A chose."""

from __future__ import annotations

from pathlib import Path

from .._sweep import Sweep
from . import _grids, exercise_6a

EPOCHS = 300


def run(epochs: int = EPOCHS, n_jobs: int = -1) -> Sweep:
    """The chosen ones, each trained as it would be among all."""
    chosen = exercise_6a.selection(exercise_6a.run(n_jobs=n_jobs))
    pairs = [(cell[0].params["optimizer"], cell[0].params["learning_rate"]) for cell in chosen]
    return _grids.train(_grids.digits(), exercise_6a.UNITS, exercise_6a.RATES, epochs, n_jobs=n_jobs, pairs=pairs)


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print tables and answers and draw its pictures into a folder."""
    title = f"Exercise 6.B: digits, the pairs chosen in 6.A, {EPOCHS} epochs of 1437 rows in batches of 32"
    return _grids.show(
        "exercise-6b", title, run(), plots, lambda result: _grids.answers(result, "val_accuracy"), exercise_6a.PICTURES
    )
