"""What exercises 5 and 6 share: six optimizers at four rates each, a picture of all, and the questions answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import datasets, layers, optimizers
from .._text import aligned
from ..data import Dataset
from ..models import Sequential
from ..plots._texts import translator
from ..tuning import Run, Sweep, sweep
from ._report import write

OPTIMIZERS = ("SGD", "Adagrad", "RMSprop", "Adam", "Adamax", "Nadam")
RESTLESS = 0.1
"""Unstable is a run whose `restlessness` is above this."""
SEED = 5


def iris() -> tuple[Dataset, None]:
    """All 150 flowers, one-hot species; nothing to test on."""
    return Dataset(*datasets.iris.load_data()).one_hot(), None


def digits() -> tuple[Dataset, Dataset]:
    """The course's split of the 1797 digits: 1437 to train, 360 to test on, each digit with its share of both."""
    x, y = datasets.digits.load_data()
    one_hot = (y[:, np.newaxis] == np.arange(10)).astype(np.float32)
    return Dataset(x, one_hot).split(0.2, seed=42, stratify=True)


def build(units: Sequence[int], optimizer: str, learning_rate: float) -> Sequential:
    """units[0] inputs, selu in the hidden layers, softmax on top."""
    hidden = [layers.Dense(n, "selu") for n in units[1:-1]]
    model = Sequential([layers.Input((units[0],)), *hidden, layers.Dense(units[-1], "softmax")])
    model.compile(getattr(optimizers, optimizer)(learning_rate), "categorical_crossentropy", metrics=["accuracy"])
    return model


def train(
    data: tuple[Dataset, Dataset | None],
    units: Sequence[int],
    rates: Sequence[float],
    epochs: int,
    repeats: int = 1,
    seed: int = SEED,
    n_jobs: int = -1,
    pairs: Sequence[tuple[str, float]] | None = None,
) -> Sweep:
    """Every optimizer at every rate, or those pairs of them."""
    grid: dict[str, list[Any]] = {"optimizer": list(OPTIMIZERS), "learning_rate": list(rates)}
    some: list[dict[str, list[Any]]] = [{"optimizer": [name], "learning_rate": [rate]} for name, rate in pairs or []]
    result = sweep(
        partial(build, tuple(units)),
        data[0],
        grid=grid if pairs is None else some,
        epochs=epochs,
        seed=seed,
        repeats=repeats,
        n_jobs=n_jobs,
        validation_data=data[1],
        monitor="loss",
    )
    result.grid = grid  # pairs that were not tried have their place too
    return result


def restlessness(run: Run) -> float:
    """All rises of the loss from one epoch to the next, as a share of the way from its highest to its lowest value.

    The first epoch does not count: at a high rate it begins far off.  inf if the run diverged.
    """
    if run.diverged:
        return math.inf
    losses = np.array(run.history["loss"][1:])
    way = losses.max() - losses.min()
    return float(np.clip(np.diff(losses), 0, None).sum() / way) if way else 0.0


def unstable(result: Sweep) -> list[list[Run]]:
    """The cells of which some run is restless."""
    return [cell for cell in result.cells() if max(map(restlessness, cell)) > RESTLESS]


def name(cell: Sequence[Run]) -> str:
    """Optimizer and rate of a cell."""
    params = cell[0].params
    return f"{params['optimizer']} {params['learning_rate']:g}"


def names(pairs: Iterable[str], say: Callable[[str], str]) -> str:
    """Names of cells, in a line."""
    return ", ".join(sorted(pairs)) or say("none")


def answers(result: Sweep, key: str = "loss", lang: str = "en") -> str:
    """The questions of the exercise: the best, the best rate of each, and what high rates do."""
    say = translator(lang)
    best = result.best
    more = [] if key == "loss" else [key]
    rows = [[say("optimizer"), say("best rate"), say("loss"), *map(say, more), say("unstable at")]]
    restless = unstable(result)
    for optimizer, run in result.best_by("optimizer").items():
        at = [f"{cell[0].params['learning_rate']:g}" for cell in restless if cell[0].params["optimizer"] == optimizer]
        figures = [f"{run.params['learning_rate']:g}", f"{run.final('loss'):.3g}"]
        rows.append([optimizer, *figures, *(f"{run.final(name):.4f}" for name in more), ", ".join(at) or "-"])
    rates = [[say("rate"), say("median loss"), say("median restlessness"), say("diverged")]]
    for rate in result.grid["learning_rate"]:
        runs = [run for run in result.runs if run.params["learning_rate"] == rate]
        if not runs:
            continue
        rates.append(
            [
                f"{rate:g}",
                f"{np.median([math.inf if run.diverged else run.final('loss') for run in runs]):.3g}",
                f"{np.median([restlessness(run) for run in runs]):.1%}",
                f"{sum(run.diverged for run in runs)} / {len(runs)}",
            ]
        )
    return "\n\n".join(
        [
            say("Best: {} at a rate of {:g}, loss {:.3g}.").format(
                best.params["optimizer"], best.params["learning_rate"], best.final("loss")
            ),
            aligned(rows),
            aligned(rates),
            say(
                "restlessness: all rises of the loss from one epoch to the next (the first one left out), as a share\n"
                "of the way from its highest to its lowest value; above {:.0%} is unstable."
            ).format(RESTLESS),
            _of_rates(result, say),
        ]
    )


def _of_rates(result: Sweep, say: Callable[[str], str]) -> str:
    """What the highest and the lowest rate did here."""
    tried = {run.params["learning_rate"] for run in result.runs}
    high, low = max(tried), min(tried)
    restless = unstable(result)
    at = {rate: [cell for cell in result.cells() if cell[0].params["learning_rate"] == rate] for rate in (high, low)}
    shaky = sum(cell in at[high] for cell in restless)
    calm = len(at[low]) - sum(cell in at[low] for cell in restless)
    falling = sum(cell[0].history["loss"][-1] < cell[0].history["loss"][-2] for cell in at[low] if cell not in restless)
    return "\n".join(
        [
            say("Unstable at {:g}: {} of {} optimizers.").format(high, shaky, len(at[high])),
            say(
                "(A high rate steps over the minimum, so that the loss jumps up and down, gets stuck where units are\n"
                "saturated, or runs away.)"
            ),
            say(
                "Calm at {:g}: {} of {}; with {} of them the loss still fell in the last epoch: a low rate needs more."
            ).format(low, calm, len(at[low]), falling),
        ]
    )


def table(result: Sweep, key: str = "loss", lang: str = "en") -> str:
    """The last figure of that name: optimizers as rows, rates as columns; ! marks unstable pairs."""
    say = translator(lang)
    restless = {name(cell) for cell in unstable(result)}
    form = "{:.3g}".format if key.endswith("loss") else "{:.4f}".format
    rates = [f"{rate:g}  " for rate in result.grid["learning_rate"]]
    lines = [[f"{say(key)}, {say('last epoch')}", *rates]]
    cells = {name(cell): cell for cell in result.cells()}
    for optimizer in result.grid["optimizer"]:
        line = [optimizer]
        for rate in result.grid["learning_rate"]:
            cell = cells.get(f"{optimizer} {rate:g}")
            if cell is None:
                line.append("-  ")
                continue
            score = result.score(cell, key)
            mark = "!" if name(cell) in restless else " "
            line.append(f"{say('diverged') if math.isnan(score) else form(score)} {mark}")
        lines.append(line)
    return f"{aligned(lines)}\n! {say('unstable')}"


def show(
    lesson: str,
    title: str,
    result: Sweep,
    plots: str | Path,
    lang: str,
    text: str,
    keys: Sequence[str] = ("loss",),
) -> int:
    """Print the title, a table of each figure in `keys` and the text, and draw a picture of each."""
    say = translator(lang)
    print(title)
    for key in keys:
        print(f"\n{table(result, key, lang)}")
    seconds = say("{} trainings in {:.3g} s").format(len(result), result.seconds)
    print(f"\n{text}\n\n{seconds}")
    pictures = {}
    for key in keys:
        figure = result.plot(key, lang=lang)
        figure.suptitle(f"{title}\n{say('{} by epoch; framed: the least loss').format(say(key))}")
        pictures[f"{lesson}{'' if key == 'loss' else '-' + key.replace('_', '-')}.png"] = figure
    write(pictures, plots, lang)
    return 0
