"""Exercise 5.B: the same as 5.A in 20 epochs; which optimizers and rates one sees to be unstable already."""

from __future__ import annotations

from pathlib import Path

from ..plots._texts import translator
from ..tuning import Sweep
from . import _grids, exercise_5a

EPOCHS = 20


def seen(short: Sweep, whole: Sweep, lang: str = "en") -> str:
    """The unstable pairs of the short trainings, and whether the long ones bear that out."""
    say = translator(lang)
    early, late = ({_grids.name(cell) for cell in _grids.unstable(result)} for result in (short, whole))
    lines = [
        say("seen to be unstable after {} epochs: {}").format(short.runs[0].epochs, _grids.names(early, say)),
        say("unstable in the {} epochs of 5.A: {}").format(whole.runs[0].epochs, _grids.names(late, say)),
        say("seen in time: {}").format(_grids.names(early & late, say)),
        say("seen only later: {}").format(_grids.names(late - early, say)),
        say("calmed down: {}").format(_grids.names(early - late, say)),
    ]
    return "\n".join(lines)


def main(plots: str | Path, lang: str = "en") -> int:
    """Print tables and answers and draw the curves."""
    short, whole = exercise_5a.run(EPOCHS), exercise_5a.run(exercise_5a.EPOCHS)
    title = f"5.B: {translator(lang)(exercise_5a.TITLE).format(EPOCHS, 150)}"
    text = f"{_grids.answers(short, lang=lang)}\n\n{seen(short, whole, lang)}"
    return _grids.show("exercise-5b", title, short, plots, lang, text)
