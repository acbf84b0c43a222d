"""Five descents that differ in the learning rate and in the number of epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..plots._texts import translator
from ._report import START, descend, table, write

EXPERIMENTS = ((0.03, 5), (0.07, 5), (0.1, 11), (0.006, 11), (0.006, 30))
"""(learning rate, epochs) in the order of the course."""


def run() -> list[Any]:
    """The five descents."""
    return [descend(rate, epochs) for rate, epochs in EXPERIMENTS]


def main(plots: str | Path, lang: str = "en") -> int:
    """Print where each descent ends and draw a picture of each."""
    from .. import surfaces
    from ..plots import plot_descent

    say = translator(lang)
    results = run()
    print(say("Gradient descent from {}").format(START))
    names = [f"{rate}, {epochs}" for rate, epochs in EXPERIMENTS]
    print(table(dict(zip(names, results, strict=True)), say("learning rate"), lang))
    pictures = {}
    for (rate, epochs), result in zip(EXPERIMENTS, results, strict=True):
        title = say("Learning rate {}, {} epochs").format(rate, epochs)
        figure = plot_descent(surfaces.peaks, result.trajectory, title, lang=lang)
        pictures[f"learning-rate-{rate}-epochs-{epochs}.png"] = figure
    write(pictures, plots, lang)
    return 0
