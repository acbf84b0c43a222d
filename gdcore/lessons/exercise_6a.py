"""Exercise 6.A: a net for digits, 64-128-64-32-16-10 with selu, 5 epochs: whom would one go on training?"""

from __future__ import annotations

import math
from pathlib import Path

from .._text import aligned
from ..plots._texts import translator
from ..tuning import Run, Sweep
from . import _grids

UNITS = (64, 128, 64, 32, 16, 10)
RATES = (0.1, 0.01, 0.001, 0.0005)
EPOCHS = 5
TITLE = "Digits, net 64-128-64-32-16-10 with selu and softmax, {} epochs of {} rows in batches of 32"
KEYS = ("loss", "val_accuracy")


def run(epochs: int, n_jobs: int = -1) -> Sweep:
    """All 24 trainings on the course's split, in batches of 32."""
    return _grids.train(_grids.digits(), UNITS, RATES, epochs, n_jobs=n_jobs)


def title(name: str, epochs: int, lang: str) -> str:
    """The title of this exercise and of its sequels."""
    return f"{name}: {translator(lang)(TITLE).format(epochs, 1437)}"


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
    return True, "it falls fast and steadily"


def selection(result: Sweep) -> list[list[Run]]:
    """The cells that one would go on training."""
    return [cell for cell in result.cells() if chosen(cell[0])[0]]


def decisions(result: Sweep, lang: str = "en") -> str:
    """Whom to go on training, and why."""
    say = translator(lang)
    head = ["optimizer", "rate", "loss by epoch", "val_accuracy", "then", "because"]
    lines = [[say(text) for text in head]]
    for cell in result.cells():
        first = cell[0]
        go, why = chosen(first)
        lines.append(
            [
                first.params["optimizer"],
                f"{first.params['learning_rate']:g}",
                " ".join(f"{loss:.3g}" for loss in first.history["loss"]),
                f"{first.final('val_accuracy'):.3f}",
                say("go on") if go else say("stop"),
                say(why),
            ]
        )
    return aligned(lines, 6)


def main(plots: str | Path, lang: str = "en") -> int:
    """Print tables and answers and draw the curves."""
    result = run(EPOCHS)
    text = f"{decisions(result, lang)}\n\n{_grids.answers(result, 'val_accuracy', lang)}"
    return _grids.show("exercise-6a", title("6.A", EPOCHS, lang), result, plots, lang, text, KEYS)
