"""What exercises 5 and 6 share: six optimizers at four rates each, a picture of all, and the questions answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import datasets, layers, optimizers
from .._dataset import Dataset
from .._sweep import Run, Sweep, sweep
from .._text import aligned
from ..models import Sequential

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


def answers(result: Sweep, key: str = "loss") -> str:
    """The questions of the exercise: the best, the best rate of each, and what high rates do."""
    best = result.best
    rows = [
        ["optimizer", "best rate", "loss", *([key.replace("val_", "test ")] if key != "loss" else []), "unstable at"]
    ]
    restless = unstable(result)
    for optimizer, run in result.best_by("optimizer").items():
        at = [f"{cell[0].params['learning_rate']:g}" for cell in restless if cell[0].params["optimizer"] == optimizer]
        rows.append(
            [
                optimizer,
                f"{run.params['learning_rate']:g}",
                f"{run.final('loss'):.3g}",
                *([f"{run.final(key):.4f}"] if key != "loss" else []),
                ", ".join(at) or "-",
            ]
        )
    rates = [["rate", "median loss", "median restlessness", "diverged"]]
    for rate in result.grid["learning_rate"]:
        runs = [run for run in result.runs if run.params["learning_rate"] == rate]
        rates.append(
            [
                f"{rate:g}",
                f"{np.median([math.inf if run.diverged else run.final('loss') for run in runs]):.3g}",
                f"{np.median([restlessness(run) for run in runs]):.1%}",
                f"{sum(run.diverged for run in runs)} of {len(runs)}",
            ]
        )
    return (
        f"Best: {best.params['optimizer']} at a rate of {best.params['learning_rate']:g}, "
        f"loss {best.final('loss'):.3g}.\n\n{aligned(rows)}\n\n"
        f"{aligned(rates)}\n\n"
        "restlessness: all rises of the loss from one epoch to the next (the first one left out), as a share of the\n"
        f"way from its highest to its lowest value; above {RESTLESS:.0%} is unstable.  {_of_rates(result)}"
    )


def _of_rates(result: Sweep) -> str:
    """What the highest and the lowest rate did here."""
    high, low = max(result.grid["learning_rate"]), min(result.grid["learning_rate"])
    restless = unstable(result)
    names = {rate: [cell for cell in result.cells() if cell[0].params["learning_rate"] == rate] for rate in (high, low)}
    shaky = sum(cell in names[high] for cell in restless)
    calm = len(names[low]) - sum(cell in names[low] for cell in restless)
    falling = sum(cell[0].history["loss"][-1] < cell[0].history["loss"][-2] for cell in names[low])
    return (
        f"At {high:g}, {shaky} of {len(names[high])} optimizers are unstable: a high rate\n"
        "steps over the minimum, so that the loss jumps up and down, gets stuck where units are saturated, or runs\n"
        f"away.  At {low:g}, {calm} of {len(names[low])} are calm, and with {falling} the loss still fell in the last "
        "epoch: a low rate needs more."
    )


def table(result: Sweep, key: str = "loss") -> str:
    """The last figure of that name: optimizers as rows, rates as columns; ! marks unstable pairs."""
    restless = {name(cell) for cell in unstable(result)}
    form = "{:.3g}".format if key.endswith("loss") else "{:.4f}".format
    lines = [[f"{key} at the end", *(f"{rate:g}" for rate in result.grid["learning_rate"])]]
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
            line.append(f"{'diverged' if math.isnan(score) else form(score)} {mark}")
        lines.append(line)
    return aligned(lines)


def show(
    lesson: str,
    title: str,
    result: Sweep,
    plots: str | Path,
    more: Callable[[Sweep], str] = answers,
    pictures: Mapping[str, str] | None = None,
) -> int:
    """Print the tables and the answers, draw the pictures; `pictures` are title by figure."""
    from ._figures import save

    print(title)
    keys = pictures or {"loss": "loss"}
    for key in keys:
        print(f"\n{table(result, key)}")
    print(f"\n! unstable\n\n{more(result)}\n\n{result!r}\n")
    for key, words in keys.items():
        figure: Any = result.plot(key)
        figure.suptitle(f"{title.splitlines()[0]}\n{words} by epoch; the frame is around the least loss")
        ending = "" if key == "loss" else f"-{key.replace('_', '-')}"
        print(f"wrote {save(figure, Path(plots), f'{lesson}{ending}.png')}")
    return 0
