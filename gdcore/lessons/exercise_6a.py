"""Exercise 6.A: a net for digits, 64-128-64-32-16-10 with selu, 5 epochs: whom would one go on training?"""

from __future__ import annotations

import math
from pathlib import Path

from .._sweep import Run, Sweep
from .._text import aligned
from . import _grids

UNITS = (64, 128, 64, 32, 16, 10)
RATES = (0.1, 0.01, 0.001, 0.0005)
EPOCHS = 5
PICTURES = {"loss": "loss", "val_accuracy": "accuracy on the test rows"}


def run(epochs: int = EPOCHS, n_jobs: int = -1) -> Sweep:
    """All 24 trainings on the course's split, in batches of 32."""
    return _grids.train(_grids.digits(), UNITS, RATES, epochs, n_jobs=n_jobs)


def chosen(run: Run) -> tuple[bool, str]:
    """Whether one would go on training, and why, from five epochs alone."""
    losses = run.history["loss"]
    if run.diverged:
        return False, "diverged"
    if losses[-1] > 0.95 * math.log(UNITS[-1]):
        return False, "no better than guessing: its units are saturated or dead"
    if losses[-1] > losses[-2]:
        return False, "its loss rises"
    if losses[-1] > 0.5:
        return True, "slow, but it falls steadily: more epochs will help"
    return True, "falls fast and steadily"


def selection(result: Sweep) -> list[list[Run]]:
    """The cells that one would go on training."""
    return [cell for cell in result.cells() if chosen(cell[0])[0]]


def answers(result: Sweep) -> str:
    """Whom to go on training, and why; then the questions of exercise 5."""
    lines = [["optimizer", "rate", "loss by epoch", "test accuracy", "go on?", "why"]]
    for cell in result.cells():
        first = cell[0]
        go, why = chosen(first)
        lines.append(
            [
                first.params["optimizer"],
                f"{first.params['learning_rate']:g}",
                " ".join(f"{loss:.3g}" for loss in first.history["loss"]),
                f"{first.final('val_accuracy'):.3f}",
                "yes" if go else "no",
                why,
            ]
        )
    return f"{aligned(lines, 6)}\n\n{_grids.answers(result, 'val_accuracy')}"


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print tables and answers and draw its pictures into a folder."""
    title = f"Exercise 6.A: digits 64-128-64-32-16-10, selu and softmax, {EPOCHS} epochs of 1437 rows in batches of 32"
    return _grids.show("exercise-6a", title, run(), plots, answers, PICTURES)
