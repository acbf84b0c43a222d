"""Exercise 5.B: the same as 5.A in 20 epochs; which optimizers and rates one sees to be unstable already."""

from __future__ import annotations

from pathlib import Path

from .._sweep import Sweep
from . import _grids, exercise_5a

EPOCHS = 20


def answers(short: Sweep, whole: Sweep) -> str:
    """The unstable pairs after 20 epochs, and whether 400 epochs bear that out."""
    early, late = ({_grids.name(cell) for cell in _grids.unstable(result)} for result in (short, whole))
    return (
        f"{_grids.answers(short)}\n\n"
        f"Seen to be unstable after {EPOCHS} epochs: {', '.join(sorted(early)) or 'none'}\n"
        f"unstable in the {exercise_5a.EPOCHS} epochs of 5.A: {', '.join(sorted(late)) or 'none'}\n"
        f"seen in time: {', '.join(sorted(early & late)) or 'none'}; "
        f"only later: {', '.join(sorted(late - early)) or 'none'}; "
        f"calmed down: {', '.join(sorted(early - late)) or 'none'}"
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print tables and answers and draw its picture into a folder."""
    whole = exercise_5a.run()
    title = f"Exercise 5.B: iris 4-8-3, selu and softmax, {EPOCHS} epochs of 150 rows in batches of 32"
    return _grids.show("exercise-5b", title, exercise_5a.run(EPOCHS), plots, lambda result: answers(result, whole))
