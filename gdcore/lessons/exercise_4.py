"""Exercise 4: the same neuron trained by gradient descent, as in the course and to a loss near 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import callbacks, optimizers
from ..plots._texts import translator
from ._neuron import PARAMETERS, RANGE, build, table
from ._report import write
from .by_hand import H, data

COURSE = (0.3, 5)
"""Learning rate and epochs that the course gives."""
BETTER = (3.0, 500)
"""Those that solve the exercise."""


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


def main(plots: str | Path, lang: str = "en") -> int:
    """Print both trainings and draw them."""
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
    write(pictures, plots, lang)
    return 0
