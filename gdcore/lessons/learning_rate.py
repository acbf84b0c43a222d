"""Softmax regression on MNIST with learning rates of 0.1, 0.01 and 0.001: cost by epoch, accuracy.

One layer of 784 x 10 weights, all zero at first; cross-entropy, plain gradient descent in batches of 32, and the
course's 55,000 rows of MNIST to train on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import layers, optimizers
from .._text import aligned
from ..data import Dataset
from ..datasets import mnist
from ..models import Sequential
from ..plots._texts import translator
from ..tuning import Sweep, sweep
from ._report import write

if TYPE_CHECKING:
    from ..optimizers.schedules import LearningRateSchedule

RATES = (0.1, 0.01, 0.001)
BATCH_SIZE = 32
EPOCHS = 10
SEED = 5


def data() -> tuple[Dataset, Dataset]:
    """MNIST as the course has it, to train and to test on: rows of 784 grey values from 0 to 1, and the digits."""
    train, _, test = mnist.load_data(split="course")
    parts = [Dataset((x.reshape(len(x), -1) / np.float32(255)), y) for x, y in (train, test)]
    return parts[0], parts[1]


def build(learning_rate: float | LearningRateSchedule) -> Sequential:
    """Softmax regression, its weights zero."""
    model = Sequential([layers.Dense(10, "softmax", kernel_initializer="zeros", input_dim=784)])
    model.compile(optimizers.SGD(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def run(train: Dataset, test: Dataset, epochs: int = EPOCHS) -> Sweep:
    """One training for each rate."""
    return sweep(
        build,
        train,
        grid={"learning_rate": RATES},
        epochs=epochs,
        batch_size=BATCH_SIZE,
        seed=SEED,
        validation_data=test,
        shuffle="fresh",
        monitor="val_accuracy",
    )


def report(result: Sweep, lang: str = "en") -> str:
    """Cost by epoch and accuracy of each rate, and what they say."""
    say = translator(lang)
    runs = result.runs
    lines = [[say("epoch"), *(f"{say('rate')} {run.params['learning_rate']}" for run in runs)]]
    for epoch in range(runs[0].epochs):
        lines.append([str(epoch + 1), *(f"{run.history['loss'][epoch]:.4f}" for run in runs)])
    lines.append([say("accuracy"), *(f"{run.final('val_accuracy'):.4f}" for run in runs)])
    best = result.best
    rising = sum(b > a for a, b in zip(best.history["loss"], best.history["loss"][1:], strict=False))
    slower = say(
        "A rate ten times smaller needs about ten times as many epochs: {} comes to {:.4f} in epoch {}, "
        "{} to {:.4f} in epoch {}."
    ).format(RATES[1], runs[1].final("loss"), runs[1].epochs, RATES[0], runs[0].history["loss"][1], 2)
    return "\n".join(
        [
            say("MNIST -> Dense(10, softmax) from zeros, cross-entropy, SGD, batches of {}, seed {}").format(
                BATCH_SIZE, SEED
            ),
            say("Cost by epoch (mean over the batches, each before its update); accuracy on the test rows:"),
            "",
            aligned(lines),
            "",
            say("The best rate is {}; its cost rose from one epoch to the next {} times.").format(
                best.params["learning_rate"], rising
            ),
            slower,
        ]
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Train at each rate, print the costs and draw them."""
    result = run(*data())
    print(report(result, lang))
    write({"learning-rate.png": draw(result, lang)}, plots, lang)
    return 0


def draw(result: Sweep, lang: str = "en") -> Any:
    """Cost and accuracy by epoch, a line for each rate."""
    from matplotlib.ticker import MaxNLocator

    from ..plots._figures import STYLES, new_figure

    say = translator(lang)
    figure = new_figure(11, 4.4)
    titles = {"loss": say("cost on the training rows"), "val_accuracy": say("accuracy on the test rows")}
    for ax, (key, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        for run, style in zip(result.runs, STYLES, strict=False):
            values = run.history[key]
            label = f"{say('rate')} {run.params['learning_rate']}"
            ax.plot(np.arange(1, len(values) + 1), values, label=label, **{**style, "linewidth": 2})
        ax.set_xlabel(say("epoch"))
        ax.set_ylabel(title)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
        ax.legend()
    figure.suptitle(say("Softmax regression on MNIST: what the learning rate does"))
    return figure
