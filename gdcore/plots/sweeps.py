"""The picture of a sweep: a grid of curves, of one look and one scale."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ._figures import BLUE, ORANGE, RED, new_figure
from ._texts import translator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Place = tuple[Any, tuple[Any, ...]]
    """The value of the parameter that goes down, and those of all that go across."""
    Panel = tuple[Sequence[NDArray[Any]], float]
    """Curves by epoch, and the figure that they end at: nan if one diverged."""


def draw(
    panels: Mapping[Place, Panel],
    rows: tuple[str, Sequence[Any]],
    columns: Mapping[str, Sequence[Any]],
    key: str,
    *,
    best: Place | None,
    falling: bool,
    scale: Sequence[NDArray[Any]],
    lang: str = "en",
) -> Any:
    """A panel for each place; places without one say that they were not tried.

    Parameters
    ----------
    panels : dict of place to (curves, figure)
    rows : tuple of str and list
        The parameter whose values go from top to bottom, and these.
    columns : dict of str to list
        All other parameters and their values, whose combinations go from left to right.
    key : str
        What the curves are of.
    best : place, optional
        The panel to frame.
    falling : bool
        Whether curves go down, so that there is room above their ends.
    scale : list of ndarray
        The curves that the common scale is chosen by.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.ticker import MaxNLocator

    say = translator(lang)
    down, across = rows[1], list(itertools.product(*columns.values()))
    figure = new_figure(1.2 + 2.3 * len(across), 0.9 + 1.55 * len(down))
    grid = figure.subplots(len(down), len(across), sharex=True, sharey=True, squeeze=False)
    for (i, row), (j, column) in itertools.product(enumerate(down), enumerate(across)):
        ax, place = grid[i, j], (row, column)
        ax.grid(alpha=0.3)
        if i == 0 and columns:
            lines = [f"{_name(name, say)} = {value}" for name, value in zip(columns, column, strict=True)]
            ax.set_title("\n".join(lines), fontsize=10)
        if j == 0:
            ax.set_ylabel(row)
        if i == len(down) - 1:
            ax.set_xlabel(say("epoch"))
            ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if place not in panels:
            ax.text(0.5, 0.5, say("not tried"), transform=ax.transAxes, ha="center", va="center", color="grey")
            continue
        _draw_panel(ax, *panels[place], place == best, falling, say)
    figure.supylabel(_name(key, say))
    _limit(grid[0, 0], scale, key)
    return figure


def _name(text: str, say: Callable[[str], str]) -> str:
    """A figure or a parameter: those that every user of the library meets have a name in other languages too."""
    try:
        return say(text)
    except KeyError:
        return text


def _draw_panel(
    ax: Any, curves: Sequence[NDArray[Any]], figure: float, best: bool, falling: bool, say: Callable[[str], str]
) -> None:
    """Curves, and what they end at."""
    for values in curves:
        epochs = np.arange(1, len(values) + 1)
        ax.plot(epochs, values, color=BLUE, linewidth=1.2, alpha=1 if len(curves) == 1 else 0.5)
    text, colour = (f"{figure:.3g}", "black") if not math.isnan(figure) else (say("diverged"), RED)
    if best:
        text, colour = say("best: {}").format(text), "black"
        for spine in ax.spines.values():
            spine.set(color=ORANGE, linewidth=3)
    box = dict(facecolor="white", edgecolor="none", alpha=0.8, pad=1.5)
    # where the curve ends is not where the figure stands
    place = (0.96, 0.93, text) if falling else (0.96, 0.07, text)
    ax.text(*place, transform=ax.transAxes, ha="right", va="top" if falling else "bottom", color=colour, fontsize=9,
            bbox=box)  # fmt: skip


def _limit(ax: Any, curves: Sequence[NDArray[Any]], key: str) -> None:
    """One scale for all panels, which curves that run away may leave."""
    if not curves:
        return
    low = min(map(min, curves))
    # a first epoch at a rate that is too high may be far off
    high = 1.15 * float(np.quantile([max(curve) for curve in curves], 0.75))
    if key in ("loss", "val_loss") or low >= 0:
        low = 0.0
    ax.set_ylim(low, high if high > low else low + 1)
