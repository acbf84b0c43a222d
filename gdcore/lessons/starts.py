"""Four descents that differ in where they start: to the global minimum, and to local ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..plots._texts import translator
from ._report import START, descend, table, write

STARTS = ((0.3, 1.3), START, (-0.4, -0.5), (-0.3, -0.5))
LEARNING_RATE = 0.03
EPOCHS = 10


def run() -> list[Any]:
    """The four descents."""
    return [descend(LEARNING_RATE, EPOCHS, start) for start in STARTS]


def main(plots: str | Path, lang: str = "en") -> int:
    """Print where each descent ends and draw all of them on one surface."""
    from .. import surfaces
    from ..plots import plot_descent

    say = translator(lang)
    results = run()
    title = say("Learning rate {}, {} epochs").format(LEARNING_RATE, EPOCHS)
    print(title)
    print(table({str(start): result for start, result in zip(STARTS, results, strict=True)}, say("start"), lang))
    figure = plot_descent(
        surfaces.peaks,
        [result.trajectory for result in results],
        f"{say('Four starts')}. {title}",
        minima=True,
        lang=lang,
    )
    write({"starts.png": figure}, plots, lang)
    return 0
