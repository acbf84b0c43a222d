"""Exercise 6.B: 300 epochs for those optimizers and rates that exercise 6.A chose."""

from __future__ import annotations

from pathlib import Path

from ..tuning import Sweep
from . import _grids, exercise_6a

EPOCHS = 300


def run(epochs: int, n_jobs: int = -1) -> Sweep:
    """The chosen ones, each trained as it would be among all."""
    chosen = exercise_6a.selection(exercise_6a.run(exercise_6a.EPOCHS, n_jobs))
    pairs = [(cell[0].params["optimizer"], cell[0].params["learning_rate"]) for cell in chosen]
    return _grids.train(_grids.digits(), exercise_6a.UNITS, exercise_6a.RATES, epochs, n_jobs=n_jobs, pairs=pairs)


def main(plots: str | Path, lang: str = "en") -> int:
    """Print tables and answers and draw the curves."""
    result = run(EPOCHS)
    text = _grids.answers(result, "val_accuracy", lang)
    title = exercise_6a.title("6.B", EPOCHS, lang)
    return _grids.show("exercise-6b", title, result, plots, lang, text, exercise_6a.KEYS)
