"""What a sweep found: `Run`, one training, and `Sweep`, all of them, ranked, as a table and as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._names import look_up
from .._text import aligned
from .grid import key_of, label_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    Task = tuple[dict[str, Any], int, int, int]
    """A training to do: parameters, repeat, seed, epochs."""


class Run(NamedTuple):
    """One training: a row of the table.

    ``utils.set_random_seed(run.seed); model = build(**run.params); model.fit(x, y, epochs=run.epochs, ...)`` is the
    same training once more.
    """

    params: dict[str, Any]
    repeat: int
    seed: int
    epochs: int
    history: dict[str, list[float]]
    """As ``History.history``."""
    before: float
    """The loss before training."""
    seconds: float
    error: str = ""
    """Why it has no history: there was not enough memory, say."""

    @property
    def diverged(self) -> bool:
        """Whether the loss became nan or inf, or ended at more than twice what it was before training."""
        losses = self.history.get("loss", [])
        return not losses or not all(map(math.isfinite, losses)) or losses[-1] > 2 * self.before

    def final(self, name: str) -> float:
        """The last figure of that name, nan if there is none."""
        return self.history.get(name, [math.nan])[-1]


class Sweep:
    """What `gdcore.sweep` returns.

    Attributes
    ----------
    runs : list of Run
        In the order of the settings, the repeats of each together; of successive halving all rounds.
    grid : dict of str to list
        The values that were tried.
    monitor : str
        What the best is chosen by.
    mode : {"min", "max"}
    seconds : float
        For all of them, as the clock has it.
    """

    def __init__(self, runs: list[Run], grid: dict[str, list[Any]], monitor: str, mode: str, seconds: float) -> None:
        self.runs, self.grid, self.monitor, self.mode, self.seconds = runs, grid, monitor, mode, seconds

    def __len__(self) -> int:
        return len(self.runs)

    def cells(self) -> list[list[Run]]:
        """The repeats of each setting, in order; of successive halving those of its last round."""
        found: dict[str, list[Run]] = {}
        for run in self.runs:
            cell = found.setdefault(key_of(run.params), [])
            if cell and run.epochs > cell[0].epochs:
                cell.clear()
            cell.append(run)
        return list(found.values())

    def score(self, cell: Sequence[Run], name: str | None = None) -> float:
        """The mean over repeats of the last figure of that name (by default `monitor`); nan if one diverged."""
        if any(run.diverged for run in cell):
            return math.nan
        return float(np.mean([run.final(name or self.monitor) for run in cell]))

    def ranked(self) -> list[list[Run]]:
        """The cells, the best one first; those that diverged last."""
        most = max((run.epochs for run in self.runs), default=0)

        def rank(cell: list[Run]) -> tuple[bool, int, float]:
            score = self.score(cell)
            return (math.isnan(score), most - cell[0].epochs, score if self.mode == "min" else -score)

        return sorted(self.cells(), key=rank)

    @property
    def best(self) -> Run:
        """The first repeat of the setting with the best mean of `monitor`.

        Raises
        ------
        ValueError
            If all of them diverged.
        """
        cell = self.ranked()[0]
        if math.isnan(self.score(cell)):
            raise ValueError("there is no best run: all of them diverged")
        return cell[0]

    def best_by(self, name: str) -> dict[Any, Run]:
        """For each value of a parameter the best run with it; values with which all diverged are left out."""
        look_up("name", name, self.grid)
        found: dict[Any, Run] = {}
        for cell in self.ranked():
            if not math.isnan(self.score(cell)):
                found.setdefault(label_of(cell[0].params[name]), cell[0])
        return {label: found[label] for label in map(label_of, self.grid[name]) if label in found}

    def table(self) -> str:
        """A line for each setting, the best one first: parameters, figures (means over repeats), seconds."""
        names = sorted({name for run in self.runs for name in run.history})
        head = [*self.grid, *names, "epochs", "seconds", ""]
        lines = [head]
        for cell in self.ranked():
            bad = sum(run.diverged for run in cell)
            note = cell[0].error or ("diverged" if bad else "")
            if 0 < bad < len(cell):
                note = f"{bad} of {len(cell)} diverged"
            figures = [float(np.mean([run.final(name) for run in cell])) for name in names]
            seconds = sum(run.seconds for run in cell)
            lines.append(
                [*(str(label_of(cell[0].params[name])) for name in self.grid), *(f"{value:.4g}" for value in figures),
                 str(cell[0].epochs), f"{seconds:.3g}", note]
            )  # fmt: skip
        return aligned(lines, len(head))

    def to_pandas(self) -> Any:
        """A row for each run as a ``pandas.DataFrame``: parameters, repeat, seed, last figures, whether it diverged.

        Raises
        ------
        ImportError
            Without pandas.
        """
        import pandas

        rows = [
            {name: label_of(value) for name, value in run.params.items()}
            | {"repeat": run.repeat, "seed": run.seed, "epochs": run.epochs}
            | {name: values[-1] for name, values in run.history.items()}
            | {"seconds": run.seconds, "diverged": run.diverged, "error": run.error}
            for run in self.runs
        ]
        return pandas.DataFrame(rows)

    def plot(self, key: str | None = None, rows: str | None = None, *, lang: str = "en") -> Any:
        """A grid of curves by epoch: values of one parameter as rows, those of all others as columns.

        Parameters
        ----------
        key : str, optional
            Which figure to draw; by default `monitor`.
        rows : str, optional
            The parameter for the rows; by default the first one.
        lang : {"en", "es"}

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ..plots.sweeps import draw

        key, rows = key or self.monitor, rows or next(iter(self.grid))
        look_up("rows", rows, self.grid)
        look_up("key", key, {name: 0 for run in self.runs for name in run.history})
        labels = {name: [label_of(value) for value in values] for name, values in self.grid.items()}
        down = labels.pop(rows)
        panels, best = {}, None
        for cell in self.ranked():
            own = {name: label_of(value) for name, value in cell[0].params.items()}
            place = own[rows], tuple(own[name] for name in labels)
            panels[place] = [np.array(run.history.get(key, [])) for run in cell], self.score(cell, key)
            if best is None and not math.isnan(self.score(cell)):
                best = place
        return draw(
            panels,
            (rows, down),
            labels,
            key,
            best=best,
            falling=self.mode == "min" if key == self.monitor else "loss" in key,
            scale=[np.array(run.history[key]) for run in self.runs if key in run.history and not run.diverged],
            lang=lang,
        )

    def __repr__(self) -> str:
        bad = sum(run.diverged for run in self.runs)
        return f"<Sweep of {len(self.runs)} runs over {', '.join(self.grid)}; {bad} diverged; {self.seconds:.3g} s>"
