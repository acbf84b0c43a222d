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

from .._text import aligned
from ..data import Dataset
from ..models import Sequential
from ..optimizers.schedules import EpochDecay
from ..plots._texts import translator
from ..tuning import Sweep, sweep
from . import learning_rate as softmax
from ._report import write

DECAY = 1e-3
RATES = (0.1, 0.01)
EPOCHS = softmax.EPOCHS
SEED = softmax.SEED
SEEDS = 10
READINGS = ("applied", "printed")
AGREED = 0.03
"""From the second epoch on mean costs should be within this share of the course's."""

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


def report(result: Sweep, lang: str = "en") -> str:
    """For each rate the course's costs beside both readings."""
    say = translator(lang)
    seeds = len(_cell(result, RATES[0], "applied"))
    blocks = [
        "\n".join(
            [
                say(
                    "MNIST -> Dense(10, softmax) from zeros, cross-entropy, SGD, decay {}, batches of {}; "
                    "{} seeds from {} on."
                ).format(DECAY, softmax.BATCH_SIZE, seeds, SEED),
                say('"applied": the constant rate lr (1 - d) that the code of the course uses;'),
                say('"printed": the rate lr (1 - d)^(k + 1) in epoch k that it prints.'),
                say("Means over the seeds, the standard deviation behind +-."),
            ]
        )
    ]
    head = [
        say("epoch"), say("lr printed"), say("course"), say("applied"), say("off by"), say("printed"), say("off by")
    ]  # fmt: skip
    for rate in RATES:
        lines = [head]
        both = [costs(result, rate, reading) for reading in READINGS]
        for k, (lr, course) in enumerate(zip(rates(rate, both[0].shape[1]), COSTS[rate], strict=False)):
            line = [str(k), str(lr), f"{course:.4f}"]
            for values in both:
                line += [_spread(values[:, k]), f"{100 * (values[:, k].mean() / course - 1):+.1f}%"]
            lines.append(line)
        line = [say("accuracy"), "", f"{ACCURACIES[rate]:.4f}"]
        for reading in READINGS:
            shares = accuracies(result, rate, reading)
            line += [_spread(shares), f"{100 * (shares.mean() - ACCURACIES[rate]):+.2f} pt"]
        lines.append(line)
        exact = sum(str(a) == b for a, b in zip(rates(rate), LR_COLUMN[rate], strict=True))
        worst = [f"{off:.1%}" for off in farthest(result, rate)]
        blocks.append(
            "\n".join(
                [
                    f"lr = {rate}",
                    aligned(lines),
                    say("rates printed digit for digit: {} of {}").format(exact, len(LR_COLUMN[rate])),
                    say("costs from epoch 1 on, farthest from those of the course: applied {}, printed {}").format(
                        *worst
                    ),
                ]
            )
        )
    return "\n\n".join(blocks)


def farthest(result: Sweep, rate: float) -> list[float]:
    """Of each reading, the largest relative difference of a mean cost from the course's, the first epoch left out."""
    found = []
    for reading in READINGS:
        means = costs(result, rate, reading).mean(axis=0)
        found.append(max(abs(mean / course - 1) for mean, course in list(zip(means, COSTS[rate], strict=False))[1:]))
    return found


def _spread(values: Any) -> str:
    return f"{values.mean():.4f} +- {values.std():.4f}"


def main(plots: str | Path, lang: str = "en") -> int:
    """Train at both rates in both readings, print the comparison and draw it."""
    result = run(*softmax.data())
    print(report(result, lang))
    write({"batch-size.png": draw(result, lang)}, plots, lang)
    return 0


def draw(result: Sweep, lang: str = "en") -> Any:
    """The course's costs as dots, the mean of ours as a line; below how far all seeds are off."""
    from ..plots._figures import BLUE, ORANGE, new_figure

    say = translator(lang)
    figure = new_figure(11, 6.4)
    grid = figure.subplots(2, 2, sharex=True, height_ratios=(2, 1))
    for (ax, below), rate in zip(grid.T, RATES, strict=True):
        values = costs(result, rate, "applied")
        epochs = np.arange(values.shape[1])
        label = say("least to greatest")
        off = 100 * (values / COSTS[rate][: len(epochs)] - 1)
        below.fill_between(epochs, off.min(axis=0), off.max(axis=0), color=BLUE, alpha=0.25, label=label)
        below.plot(epochs, off.mean(axis=0), color=BLUE)
        below.axhspan(-100 * AGREED, 100 * AGREED, color=ORANGE, alpha=0.15, label=say("agreement asked for"))
        below.set_ylim(-120 * AGREED, 250 * AGREED)
        ax.plot(epochs, values.mean(axis=0), color=BLUE, label=say("gdcore, mean of {} seeds").format(len(values)))
        ax.plot(epochs, COSTS[rate][: len(epochs)], "o", color=ORANGE, markeredgecolor="black", label=say("the course"))
        ax.set_title(say("learning rate {}, decay {}, batches of {}").format(rate, DECAY, softmax.BATCH_SIZE))
        ax.set_ylabel(say("cost"))
        ax.set_xticks(epochs)
        below.set_xlabel(say("epoch, counted from 0"))
        below.set_ylabel(say("off by, in percent"))
        for panel in (ax, below):
            panel.grid(alpha=0.3)
            panel.legend()
    return figure
