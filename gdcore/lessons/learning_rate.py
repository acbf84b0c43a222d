"""Softmax regression on MNIST with learning rates of 0.1, 0.01 and 0.001: cost by epoch, accuracy.

One layer of 784 x 10 weights, all zero at first; cross-entropy, plain gradient descent in batches of 32, and the
course's 55,000 rows of MNIST to train on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import layers, optimizers
from .._dataset import Dataset
from .._sweep import Sweep, sweep
from .._text import aligned
from ..datasets import mnist
from ..models import Sequential

if TYPE_CHECKING:
    from ..schedules import LearningRateSchedule

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


def report(result: Sweep) -> str:
    """The text that the command prints."""
    runs = result.runs
    lines = [["epoch", *(f"rate {run.params['learning_rate']}" for run in runs)]]
    for epoch in range(runs[0].epochs):
        lines.append([str(epoch + 1), *(f"{run.history['loss'][epoch]:.4f}" for run in runs)])
    lines.append(["accuracy", *(f"{run.final('val_accuracy'):.4f}" for run in runs)])
    best = result.best
    rising = sum(b > a for a, b in zip(best.history["loss"], best.history["loss"][1:], strict=False))
    return (
        f"MNIST -> Dense(10, softmax) from zeros, cross-entropy, SGD, batches of {BATCH_SIZE}, seed {SEED}\n"
        "Cost by epoch (mean over the batches, before each update); accuracy on the 10,000 test rows:\n\n"
        f"{aligned(lines)}\n\n"
        f"The best rate is {best.params['learning_rate']}; its cost rose from one epoch to the next {rising} times. "
        f"A rate ten times smaller\nneeds about ten times as many epochs: {RATES[1]} comes to "
        f"{runs[1].final('loss'):.4f} in epoch {runs[1].epochs}, {RATES[0]} to {runs[0].history['loss'][1]:.4f} "
        "in epoch 2."
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print its report and draw its picture into a folder."""
    result = run(*data())
    print(report(result))
    print()
    print(f"wrote {draw(result, Path(plots))}")
    return 0


def draw(result: Sweep, folder: Path) -> Path:
    """Cost and accuracy by epoch, a line for each rate; returns the file written."""
    from ._figures import curves, save

    labels = [f"rate {run.params['learning_rate']}" for run in result.runs]
    figure: Any = curves(
        {
            "cost on the training rows": dict(zip(labels, (run.history["loss"] for run in result.runs), strict=True)),
            "accuracy on the test rows": dict(
                zip(labels, (run.history["val_accuracy"] for run in result.runs), strict=True)
            ),
        }
    )
    figure.suptitle("Softmax regression on MNIST: what the learning rate does")
    return save(figure, folder, "learning-rate.png")
