"""Exercise 6.C: 300 epochs for all optimizers and rates; was the choice of exercise 6.A right?"""

from __future__ import annotations

from pathlib import Path

from .._text import aligned
from ..plots._texts import translator
from ..tuning import Sweep
from . import _grids, exercise_6a
from .exercise_6b import EPOCHS

GOOD = 0.95
"""The accuracy on the test rows from which on a training was worth it."""


def judged(short: Sweep, whole: Sweep, lang: str = "en") -> str:
    """Chosen after five epochs, against good in the end."""
    say = translator(lang)
    kept = {_grids.name(cell) for cell in exercise_6a.selection(short)}
    ends = {_grids.name(cell): whole.score(cell, "val_accuracy") for cell in whole.cells()}
    good = {pair for pair, accuracy in ends.items() if accuracy >= GOOD}
    lines = [["", say("good in the end (accuracy >= {})").format(GOOD), say("not good")]]
    for label, pairs in ((say("chosen in 6.A"), kept), (say("not chosen"), set(ends) - kept)):
        lines.append([label, str(len(pairs & good)), str(len(pairs - good))])
    best = _grids.name([whole.best])
    right = (
        say("the best in the end, {}, was chosen") if best in kept else say("the best in the end, {}, was not chosen")
    )
    return "\n".join(
        [
            aligned(lines),
            "",
            say("not chosen though good: {}").format(_grids.names(good - kept, say)),
            say("chosen though not good: {}").format(_grids.names(kept - good, say)),
            right.format(best),
        ]
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Print tables and answers and draw the curves."""
    short, whole = exercise_6a.run(exercise_6a.EPOCHS), exercise_6a.run(EPOCHS)
    text = f"{judged(short, whole, lang)}\n\n{_grids.answers(whole, 'val_accuracy', lang)}"
    title = exercise_6a.title("6.C", EPOCHS, lang)
    return _grids.show("exercise-6c", title, whole, plots, lang, text, exercise_6a.KEYS)
