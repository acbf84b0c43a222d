"""A race of optimizers on one surface, as a film: some are quick, some slow, some go astray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..optimizers import SGD, Adadelta, Adafactor, Adagrad, Adam, Adamax, AdamW, Ftrl, Lion, Nadam, Optimizer, RMSprop
from ..plots._texts import translator
from ._report import START, descend, table, write

EPOCHS = 60
LEARNING_RATE = 0.05
WINDOW = ((-1.6, 1.9), (-3.0, 0.5))
"""The part of the surface that the film shows."""


def optimizers() -> dict[str, Optimizer]:
    """The runners.  Plain descent gets a rate that the slopes of this surface allow, Adadelta the 1 it needs."""
    return {
        "SGD": SGD(0.01),
        "SGD + momentum": SGD(0.01, momentum=0.9),
        "SGD + Nesterov": SGD(0.01, momentum=0.9, nesterov=True),
        "Adagrad": Adagrad(LEARNING_RATE),
        "RMSprop": RMSprop(LEARNING_RATE),
        "Adadelta": Adadelta(1.0),
        "Adam": Adam(LEARNING_RATE),
        "AMSGrad": Adam(LEARNING_RATE, amsgrad=True),
        "AdamW": AdamW(LEARNING_RATE),
        "Adamax": Adamax(LEARNING_RATE),
        "Nadam": Nadam(LEARNING_RATE),
        "Ftrl": Ftrl(LEARNING_RATE),
        "Lion": Lion(LEARNING_RATE),
        "Adafactor": Adafactor(LEARNING_RATE),
    }


def run() -> dict[str, Any]:
    """The descents by name."""
    return {name: descend(optimizer, EPOCHS) for name, optimizer in optimizers().items()}


def main(plots: str | Path, lang: str = "en") -> int:
    """Print where each optimizer gets to and make the film."""
    from .. import surfaces
    from ..plots import animate

    say = translator(lang)
    results = run()
    title = say("Race of the optimizers")
    print(f"{title}: {say('{} epochs from {}').format(EPOCHS, START)}")
    print(table(results, say("optimizer"), lang))
    paths = {name: result.trajectory for name, result in results.items()}
    film = animate(surfaces.peaks, paths, title, window=WINDOW, lang=lang)

    from matplotlib.animation import FFMpegWriter

    endings = [".gif", ".mp4"] if FFMpegWriter.isAvailable() else [".gif"]
    write({f"race{ending}": film for ending in endings}, plots, lang)
    return 0
