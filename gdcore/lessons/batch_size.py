"""Softmax regression on MNIST with a rate that decays, against the costs that the course printed.

The course multiplies a rate by 1 - d after each epoch and prints it beside the cost.  What its code applies, though,
is lr (1 - d) in every step: the number that it updates never reaches the graph.  Both readings are trained here,
each from several seeds, since the course shuffled without one.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from .._dataset import Dataset
from .._sweep import Sweep, sweep
from .._text import aligned
from ..models import Sequential
from ..schedules import EpochDecay
from . import learning_rate as softmax

DECAY = 1e-3
RATES = (0.1, 0.01)
EPOCHS = softmax.EPOCHS
SEED = softmax.SEED
SEEDS = 10
READINGS = ("applied", "printed")

# What the course printed: costs by epoch, accuracy on the test rows, rates as text.
COSTS = {
    0.1: (
        0.42164708537779183,
        0.3180797323280985,
        0.2993746457320047,
        0.2902060885316276,
        0.2839294792314487,
        0.27907656427858796,
        0.2776565871063766,
        0.27628493391419734,
        0.26912494371314494,
        0.2701870565746105,
    ),
    0.01: (
        0.7905179016266056,
        0.4630600413929879,
        0.4125728102984193,
        0.38501321430273616,
        0.3648823295764379,
        0.3530901722714086,
        0.34497313654186845,
        0.33648234748469114,
        0.33186262632623675,
        0.3231285819144128,
    ),
}
ACCURACIES = {0.1: 0.9217, 0.01: 0.9166}
LR_COLUMN = {
    0.1: "0.0999 0.0998001 0.0997002999 0.0996005996001 0.0995009990004999 0.0994014980014994 0.0993020965034979 "
    "0.09920279440699441 0.09910359161258742 0.09900448802097483".split(),
    0.01: "0.00999 0.009980010000000001 0.00997002999 0.00996005996001 0.00995009990004999 0.00994014980014994 "
    "0.00993020965034979 0.009920279440699441 0.009910359161258741 0.009900448802097483".split(),
}


def rates(rate: float, epochs: int = EPOCHS) -> list[float]:
    """The rate that the course prints after each epoch."""
    column = []
    for _ in range(epochs):
        rate = rate * (1 - DECAY)
        column.append(rate)
    return column


def build(learning_rate: float, reading: str, steps_per_epoch: int) -> Sequential:
    """Softmax regression at the constant rate that the course applies, or at the falling one that it prints."""
    if reading == "applied":
        return softmax.build(learning_rate * (1 - DECAY))
    return softmax.build(EpochDecay(learning_rate, DECAY, steps_per_epoch))


def run(train: Dataset, test: Dataset, epochs: int = EPOCHS, seeds: int = SEEDS) -> Sweep:
    """Trainings at both rates in both readings, from that many seeds."""
    steps = math.ceil(train.rows / softmax.BATCH_SIZE)
    return sweep(
        build,
        train,
        grid={"learning_rate": RATES, "reading": READINGS, "steps_per_epoch": [steps]},
        epochs=epochs,
        batch_size=softmax.BATCH_SIZE,
        seed=SEED,
        repeats=seeds,
        validation_data=test,
        shuffle="fresh",
        monitor="val_accuracy",
    )


def costs(result: Sweep, rate: float, reading: str) -> Any:
    """Costs of shape (seeds, epochs)."""
    return np.array([run.history["loss"] for run in _cell(result, rate, reading)])


def accuracies(result: Sweep, rate: float, reading: str) -> Any:
    """Accuracies on the test rows at the end, of shape (seeds,)."""
    return np.array([run.final("val_accuracy") for run in _cell(result, rate, reading)])


def _cell(result: Sweep, rate: float, reading: str) -> list[Any]:
    return [run for run in result.runs if (run.params["learning_rate"], run.params["reading"]) == (rate, reading)]


def report(result: Sweep) -> str:
    """The text that the command prints."""
    seeds = len(_cell(result, RATES[0], "applied"))
    blocks = [
        f"MNIST -> Dense(10, softmax) from zeros, cross-entropy, SGD, decay {DECAY}, batches of {softmax.BATCH_SIZE}; "
        f"{seeds} seeds from {SEED} on.\n"
        '"applied": the constant rate lr (1 - d) that the course\'s code uses; "printed": the rate lr (1 - d)^(k + 1)\n'
        "in epoch k that it prints.  Means over the seeds, the standard deviation behind +-."
    ]
    for rate in RATES:
        applied, printed = (costs(result, rate, reading) for reading in READINGS)
        lines = [["epoch", "lr printed", "course", "applied", "off by", "printed"]]
        for k, (lr, course) in enumerate(zip(rates(rate, applied.shape[1]), COSTS[rate], strict=False)):
            mean = applied[:, k].mean()
            lines.append(
                [
                    str(k),
                    str(lr),
                    f"{course:.4f}",
                    f"{mean:.4f} +- {applied[:, k].std():.4f}",
                    f"{100 * (mean / course - 1):+.1f}%",
                    f"{printed[:, k].mean():.4f} +- {printed[:, k].std():.4f}",
                ]
            )
        shares = [accuracies(result, rate, reading) for reading in READINGS]
        points = 100 * (shares[0].mean() - ACCURACIES[rate])
        lines.append(
            [
                "accuracy",
                "",
                f"{ACCURACIES[rate]:.4f}",
                f"{shares[0].mean():.4f} +- {shares[0].std():.4f}",
                f"{points:+.2f} pt",
                f"{shares[1].mean():.4f} +- {shares[1].std():.4f}",
            ]
        )
        exact = sum(str(a) == b for a, b in zip(rates(rate), LR_COLUMN[rate], strict=True))
        worst = max(
            abs(mean / course - 1) for mean, course in list(zip(applied.mean(axis=0), COSTS[rate], strict=False))[1:]
        )
        blocks.append(
            f"lr = {rate}\n{aligned(lines)}\n"
            f"rates printed digit for digit: {exact} of {len(LR_COLUMN[rate])}; "
            f"costs from epoch 1 on within {100 * worst:.1f}% of the course's"
        )
    return "\n\n".join(blocks)


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print its report and draw its picture into a folder."""
    result = run(*softmax.data())
    print(report(result))
    print()
    print(f"wrote {draw(result, Path(plots))}")
    return 0


def draw(result: Sweep, folder: Path) -> Path:
    """The course's costs as dots, ours as a line with the range of all seeds; returns the file written."""
    from ..plots._figures import BLUE, ORANGE, new_figure
    from ._figures import save

    figure = new_figure(11, 4.4)
    for ax, rate in zip(figure.subplots(1, 2), RATES, strict=True):
        values = costs(result, rate, "applied")
        epochs = np.arange(values.shape[1])
        ax.fill_between(
            epochs, values.min(axis=0), values.max(axis=0), color=BLUE, alpha=0.25, label="least to greatest"
        )
        ax.plot(epochs, values.mean(axis=0), color=BLUE, label=f"gdcore, mean of {len(values)} seeds")
        ax.plot(epochs, COSTS[rate][: len(epochs)], "o", color=ORANGE, markeredgecolor="black", label="the course")
        ax.set_title(f"learning rate {rate}, decay {DECAY}, batches of {softmax.BATCH_SIZE}")
        ax.set_xlabel("epoch, counted from 0")
        ax.set_ylabel("cost")
        ax.set_xticks(epochs)
        ax.grid(alpha=0.3)
        ax.legend()
    return save(figure, folder, "batch-size.png")
