"""The picture of a sweep: a grid of curves, of one look and one scale."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .._names import look_up
from ..tuning.sweeps import _label
from ._figures import BLUE, ORANGE, RED, new_figure
from ._texts import translator

if TYPE_CHECKING:
    from ..tuning import Sweep


def draw(result: Sweep, key: str, rows: str, lang: str = "en") -> Any:
    """Values of parameter `rows` from top to bottom, of all others from left to right; the best cell is framed."""
    from matplotlib.ticker import MaxNLocator

    say = translator(lang)

    def name(text: str) -> str:
        """A figure or a parameter: those that every user of the library meets have a name in other languages too."""
        try:
            return say(text)
        except KeyError:
            return text

    look_up("rows", rows, result.grid)
    look_up("key", key, {name: 0 for run in result.runs for name in run.history})
    others = [other for other in result.grid if other != rows]
    down = [_label(value) for value in result.grid[rows]]
    across = list(itertools.product(*([_label(value) for value in result.grid[other]] for other in others)))
    ranked = result.ranked()
    cells = {
        (_label(cell[0].params[rows]), tuple(_label(cell[0].params[other]) for other in others)): cell
        for cell in ranked
    }
    best = None if math.isnan(result.score(ranked[0])) else ranked[0]

    figure = new_figure(1.2 + 2.3 * len(across), 0.9 + 1.55 * len(down))
    grid = figure.subplots(len(down), len(across), sharex=True, sharey=True, squeeze=False)
    for (i, row), (j, column) in itertools.product(enumerate(down), enumerate(across)):
        ax = grid[i, j]
        cell = cells.get((row, column))
        ax.grid(alpha=0.3)
        if i == 0 and others:
            lines = [f"{name(other)} = {value}" for other, value in zip(others, column, strict=True)]
            ax.set_title("\n".join(lines), fontsize=10)
        if j == 0:
            ax.set_ylabel(row)
        if i == len(down) - 1:
            ax.set_xlabel(say("epoch"))
            ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if cell is None:
            ax.text(0.5, 0.5, say("not tried"), transform=ax.transAxes, ha="center", va="center", color="grey")
            continue
        for run in cell:
            values = run.history.get(key, [])
            ax.plot(
                np.arange(1, len(values) + 1), values, color=BLUE, linewidth=1.2, alpha=1 if len(cell) == 1 else 0.5
            )
        score = result.score(cell, key)
        text, colour = (f"{score:.3g}", "black") if not math.isnan(score) else (say("diverged"), RED)
        if cell is best:
            text, colour = say("best: {}").format(text), "black"
            for spine in ax.spines.values():
                spine.set(color=ORANGE, linewidth=3)
        box = dict(facecolor="white", edgecolor="none", alpha=0.8, pad=1.5)
        # where the curve ends is not where the figure stands
        high = result.mode == "min" if key == result.monitor else "loss" in key
        place = (0.96, 0.93, text) if high else (0.96, 0.07, text)
        ax.text(*place, transform=ax.transAxes, ha="right", va="top" if high else "bottom", color=colour, fontsize=9,
                bbox=box)  # fmt: skip
    figure.supylabel(name(key))
    _limit(grid[0, 0], result, key)
    return figure


def _limit(ax: Any, result: Sweep, key: str) -> None:
    """One scale for all cells, which curves that run away may leave."""
    curves = [run.history[key] for run in result.runs if key in run.history and not run.diverged]
    if not curves:
        return
    low = min(map(min, curves))
    # a first epoch at a rate that is too high may be far off
    high = 1.15 * float(np.quantile([max(curve) for curve in curves], 0.75))
    if key in ("loss", "val_loss") or low >= 0:
        low = 0.0
    ax.set_ylim(low, high if high > low else low + 1)
