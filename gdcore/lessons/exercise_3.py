"""Exercise 3: one neuron trained by eye, each parameter in turn moved to where its curve is lowest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..plots._texts import translator
from ._neuron import PARAMETERS, RANGE, START, build, put, table
from ._report import write
from .by_hand import data

MOVES = 12
DRAWN = 5
"""So many moves are drawn; the later ones are in the table."""


def run() -> tuple[list[tuple[float, float]], list[float]]:
    """The values of w and b that the course starts with and those after each move; the loss at each.

    It ends after `MOVES` moves, or where no value in `RANGE` makes the loss less.
    """
    x, y = data()
    model = build()
    steps, losses = [START], [put(model, *START)]
    for move in range(MOVES):
        layer, index, _ = PARAMETERS[move % 2]
        best = float(RANGE[model.loss_slice(layer, index, RANGE, x, y).argmin()])
        w, b = steps[-1]
        step = (best, b) if move % 2 == 0 else (w, best)
        loss = put(model, *step)
        if loss >= losses[-1]:
            break
        steps.append(step)
        losses.append(loss)
    return steps, losses


def main(plots: str | Path, lang: str = "en") -> int:
    """Print the moves and draw the loss over w and over b at the start, and at each of the first."""
    from ..plots import plot_steps

    say = translator(lang)
    steps, losses = run()
    print(table(steps, losses, lang))
    pictures: dict[str, Any] = {}
    for name, shown in (("exercise-3-start.png", steps[:1]), ("exercise-3.png", steps[: DRAWN + 1])):
        title = say("Training by hand") + ": $y = 1 / (1 + e^{-(w x + b)})$"
        pictures[name] = plot_steps(build(), PARAMETERS, shown, RANGE, *data(), title=title, lang=lang)
    write(pictures, plots, lang)
    return 0
