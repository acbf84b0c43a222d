"""Exercise 1: what sign and size of each derivative of a loss say, for ten parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._text import aligned
from ..models import Sequential
from ..plots._texts import translator
from . import by_hand
from ._report import write


class Outcome(NamedTuple):
    """What `run` returns."""

    model: Sequential
    loss: float
    slopes: dict[str, float]
    """Parameter -> derivative of the loss."""


def run() -> Outcome:
    """The net before training, and the derivatives of its loss."""
    x, y = by_hand.data()
    model = by_hand.build("float64")
    model.set_weights(by_hand.before_training().get_weights())
    model.compile("sgd", "mae")
    loss, gradient = model.gradient(x, y)
    slopes = {name: float(gradient[2 * layer + (len(index) == 1)][index]) for name, layer, index in by_hand.PARAMETERS}
    return Outcome(model, float(loss), slopes)


def report(outcome: Outcome, lang: str = "en") -> str:
    """A line for each parameter, the steepest first."""
    say = translator(lang)
    lines = [[say("parameter"), say("derivative"), say("the loss"), say("so the parameter should")]]
    for name, slope in sorted(outcome.slopes.items(), key=lambda item: -abs(item[1])):
        rises = slope > 0
        lines.append([name, f"{slope:+.6f}", say("rises") if rises else say("falls"), _advice(slope, say)])
    return f"{say('The sign says which way to go, the size how much the loss gains.')}\n\n{aligned(lines)}"


def _advice(slope: float, say: Any) -> str:
    return str(say("decrease") if slope > 0 else say("increase"))


def main(plots: str | Path, lang: str = "en") -> int:
    """Print the derivatives and draw the loss over each parameter, with its slope."""
    outcome = run()
    print(report(outcome, lang))
    write({"exercise-1.png": draw(outcome, lang)}, plots, lang)
    return 0


def draw(outcome: Outcome, lang: str = "en") -> Any:
    """The loss by each parameter with its tangent."""
    from ..plots import plot_slices
    from ..plots._figures import ORANGE

    say = translator(lang)
    shown = [(layer, index, name) for name, layer, index in by_hand.PARAMETERS]
    figure = plot_slices(outcome.model, shown, np.linspace(-5, 5, 200), *by_hand.data(), lang=lang)
    reach = np.array([-2.5, 2.5])
    now = by_hand.parameters(outcome.model)
    for ax, (name, slope), value in zip(figure.axes, outcome.slopes.items(), now, strict=True):
        ax.plot(value + reach, outcome.loss + slope * reach, color=ORANGE, linestyle="--", linewidth=1.5)
        ax.set_title(f"{slope:+.4f}: {_advice(slope, say)} {name}", fontsize=9)
        ax.set_ylim(0.42, 0.64)
    figure.suptitle(say("Loss by each parameter (line), where it is now (dot) and its slope there (dashed)"))
    return figure
