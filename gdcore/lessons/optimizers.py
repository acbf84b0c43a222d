"""Eight optimizers side by side, from the same point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, Optimizer, RMSprop
from ..plots._texts import translator
from ._report import START, descend, table, write

LEARNING_RATE = 0.1
EPOCHS = 10
WINDOW = ((-1.4, 1.6), (-2.6, 0.4))
"""The part of the surface that the pictures show."""


def optimizers() -> dict[str, Optimizer]:
    """The eight, by the names that the course gives them."""
    return {
        "SGD": SGD(LEARNING_RATE),
        "Adagrad": Adagrad(LEARNING_RATE),
        "RMSprop": RMSprop(LEARNING_RATE),
        "Adadelta": Adadelta(1.0),
        "Adam": Adam(LEARNING_RATE),
        "AMSGrad": Adam(LEARNING_RATE, amsgrad=True),
        "Adamax": Adamax(LEARNING_RATE),
        "Nadam": Nadam(LEARNING_RATE),
    }


def run() -> dict[str, Any]:
    """The eight descents by name."""
    return {name: descend(optimizer, EPOCHS) for name, optimizer in optimizers().items()}


def main(plots: str | Path, lang: str = "en") -> int:
    """Print where each optimizer gets to and draw a panel for each."""
    from .. import surfaces
    from ..plots import plot_descents

    say = translator(lang)
    results = run()
    title = say("{} epochs from {}, learning rate {} (Adadelta: 1)").format(EPOCHS, START, LEARNING_RATE)
    print(title)
    print(table(results, say("optimizer"), lang))
    paths = {name: result.trajectory for name, result in results.items()}
    figure = plot_descents(surfaces.peaks, paths, title, window=WINDOW, lang=lang)
    write({"optimizers.png": figure}, plots, lang)
    return 0
