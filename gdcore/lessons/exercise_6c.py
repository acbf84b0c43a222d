"""Exercise 6.C: 300 epochs for all optimizers and rates; was the choice of exercise 6.A right?"""

from __future__ import annotations

from pathlib import Path

from .._sweep import Sweep
from .._text import aligned
from . import _grids, exercise_6a, exercise_6b

EPOCHS = exercise_6b.EPOCHS
GOOD = 0.95
"""The accuracy on the test rows from which on a training was worth it."""


def judged(short: Sweep, whole: Sweep) -> str:
    """Chosen after five epochs, against good in the end."""
    kept = {_grids.name(cell) for cell in exercise_6a.selection(short)}
    ends = {_grids.name(cell): whole.score(cell, "val_accuracy") for cell in whole.cells()}
    good = {pair for pair, accuracy in ends.items() if accuracy >= GOOD}
    lines = [["", f"good in the end (accuracy >= {GOOD})", "not"]]
    for label, pairs in (("chosen after 5 epochs", kept), ("not chosen", set(ends) - kept)):
        lines.append([label, str(len(pairs & good)), str(len(pairs - good))])
    missed, wrong = sorted(good - kept), sorted(kept - good)
    best = whole.best
    return (
        f"{aligned(lines)}\n\n"
        f"left out though good: {', '.join(missed) or 'none'}\n"
        f"chosen though not good: {', '.join(wrong) or 'none'}\n"
        f"the best in the end, {_grids.name([best])}, was {'' if _grids.name([best]) in kept else 'not '}chosen"
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print tables and answers and draw its pictures into a folder."""
    short = exercise_6a.run()
    title = f"Exercise 6.C: digits, all pairs, {EPOCHS} epochs of 1437 rows in batches of 32"
    return _grids.show(
        "exercise-6c",
        title,
        exercise_6a.run(EPOCHS),
        plots,
        lambda result: f"{judged(short, result)}\n\n{_grids.answers(result, 'val_accuracy')}",
        exercise_6a.PICTURES,
    )
