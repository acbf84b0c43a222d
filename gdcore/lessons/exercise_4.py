"""Exercise 4: the same neuron trained by gradient descent, as in the course and to a loss near 0."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import callbacks, optimizers
from .._text import aligned
from ..plots._texts import translator
from . import exercise_3
from ._neuron import PARAMETERS, RANGE, build, table
from ._report import write
from .by_hand import H, data

COURSE = (0.3, 5)
"""Learning rate and epochs that the course gives."""
BETTER = (3.0, 500)
"""Those that solve the exercise."""
RATES = (0.3, 3.0, 10.0, 30.0, 100.0)
EPOCHS = (5, 50, 500, 5000)
WINDOW = ((-0.6, 5.4), (-13.0, 0.6))
"""The values of w and of b in the picture of the ways."""


def run(learning_rate: float, epochs: int) -> tuple[Any, callbacks.History]:
    """Train by finite differences, as the course does; returns w and b before training and after each epoch."""
    x, y = data()
    model = build(optimizers.SGD(learning_rate), gradient="forward", h=H)

    def now() -> list[float]:
        (w,), b = model.get_weights()[0][0], model.get_weights()[1][0]
        return [float(w), float(b)]

    steps = [now()]
    record = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: steps.append(now()))
    history = model.fit(x, y, len(x), epochs, verbose=0, shuffle=False, callbacks=[record])
    return np.array(steps), history


def loss(points: Any) -> Any:
    """The loss at points (w, b), of shape (..., 2)."""
    x, y = data()
    points = np.asarray(points)[..., np.newaxis]
    return np.mean(np.abs(1 / (1 + np.exp(-(points[..., 0, :] * x + points[..., 1, :]))) - y), axis=-1)


def compared(ways: Mapping[float, Any], lang: str = "en") -> str:
    """The loss after each number of epochs at each rate, and the last w and b."""
    say = translator(lang)
    lines = [[say("learning rate"), *(say("{} epochs").format(epochs) for epochs in EPOCHS), "w", "b"]]
    for rate, steps in ways.items():
        losses = [f"{loss(steps[epochs]):.4f}" for epochs in EPOCHS]
        lines.append([f"{rate:g}", *losses, *(f"{value:.3f}" for value in steps[-1])])
    return aligned(lines)


def main(plots: str | Path, lang: str = "en") -> int:
    """Print the trainings and draw them."""
    from ..plots import plot_histories, plot_parameters, plot_steps
    from ..plots._figures import new_figure

    say = translator(lang)
    pictures: dict[str, Any] = {}
    x, y = data()

    steps, history = run(*COURSE)
    title = say("Learning rate {}, {} epochs").format(*COURSE)
    print(title)
    print(table(steps[:-1], history.history["loss"], lang))
    pictures["exercise-4.png"] = plot_steps(build(), PARAMETERS, steps[:-1], RANGE, x, y, title=title, lang=lang)

    steps, history = run(*BETTER)
    title = say("Learning rate {}, {} epochs").format(*BETTER)
    print(f"\n{title}: {say('loss')} {history.history['loss'][-1]:.4f}, w = {steps[-1, 0]:.4f}, b = {steps[-1, 1]:.4f}")
    figure = new_figure(10, 4)
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    plot_histories({say("loss"): history}, ax=left, lang=lang)
    plot_parameters(steps, ["w", "b"], right, lang=lang)
    pictures["exercise-4-better.png"] = figure

    ways = {rate: run(rate, EPOCHS[-1])[0] for rate in RATES}
    print(f"\n{say('Loss by learning rate and epochs; w and b at the end')}\n{compared(ways, lang)}")
    print(say("The loss comes as near to 0 as one likes: larger w and -b make a steeper step between the species."))
    pictures["exercise-4-ways.png"] = draw(ways, lang)
    write(pictures, plots, lang)
    return 0


def draw(ways: Mapping[float, Any], lang: str = "en") -> Any:
    """On the left the loss over w and b, with the ways of exercise 3 and of some rates; on the right loss by epoch."""
    from ..plots import plot_surface
    from ..plots._figures import STYLES, new_figure

    say = translator(lang)
    figure = new_figure(12, 5)
    left, right = figure.subplots(1, 2)
    plot_surface(loss, left, window=WINDOW, lang=lang)
    left.set_aspect("auto")
    left.set_xlabel("w")
    left.set_ylabel("b")
    styles = {rate: {**style, "linewidth": 2} for rate, style in zip(ways, STYLES, strict=True)}
    shown = [(say("by hand"), exercise_3.run()[0], {"color": "white", "linewidth": 2})]
    shown += [(f"{rate:g}", steps, styles[rate]) for rate, steps in ways.items() if rate in (0.3, 3.0, 30.0)]
    for label, steps, style in shown:
        w, b = np.transpose(steps[: BETTER[1] + 1])
        left.plot(w, b, label=label, **style)
        left.plot(w[-1:], b[-1:], "o", color=style["color"], markeredgecolor="black")
    left.legend(title=say("learning rate"), loc="lower left", facecolor="lightgrey", fontsize=9)
    left.set_title(say("{} epochs").format(BETTER[1]))
    for rate, steps in ways.items():
        right.plot(np.arange(1, len(steps) + 1), loss(steps), label=f"{rate:g}", **styles[rate])
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel(say("epoch"))
    right.set_ylabel(say("loss"))
    right.grid(alpha=0.3)
    right.legend(title=say("learning rate"))
    return figure
