"""The function of two parameters on which the course descends, and its minima."""

from __future__ import annotations

from pathlib import Path

from ..plots._texts import translator
from ._report import write


def main(plots: str | Path, lang: str = "en") -> int:
    """Print the minima and draw the surface."""
    from .. import surfaces
    from ..plots import plot_descent

    say = translator(lang)
    peaks = surfaces.peaks
    print(f"{'':<16}{'w_0':>9}{'w_1':>10}{say('loss'):>10}")
    for i, point in enumerate(peaks.minima):
        name = say("local minimum") if i else say("global minimum")
        print(f"{name:<16}{point[0]:>9.5f}{point[1]:>10.5f}{float(peaks(point)):>10.5f}")
    figure = plot_descent(peaks, [], say("A loss of two parameters"), minima=True, lang=lang)
    write({"surface.png": figure}, plots, lang)
    return 0
