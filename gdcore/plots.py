"""Pictures with matplotlib: every function returns a figure and none shows it.

Figures are made without pyplot, so that drawing needs no display and leaves no global state behind.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .callbacks import History
from .models import Sequential
from .schedules import LearningRateSchedule

# Okabe and Ito's colours, told apart by colour-blind readers
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: str | Path) -> None:
    """Write a figure as a PNG of 120 dots an inch."""
    figure.savefig(path, dpi=120)


def plot_histories(histories: Mapping[str, History], key: str = "loss") -> Any:
    """One line by epoch for each history.

    Parameters
    ----------
    histories : mapping of label to History
    key : str
        Which entry of ``History.history``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.ticker import MaxNLocator

    figure = _figure(7, 4.5)
    ax = figure.add_subplot()
    # later lines are dashed and thinner: one that hides another would leave the reader guessing
    styles = [(BLUE, "-", 4.0), (ORANGE, "--", 2.0), (GREEN, ":", 2.0), (PURPLE, "-.", 1.5), (RED, "-", 1.0)]
    for (label, history), (colour, style, width) in zip(histories.items(), styles * 9, strict=False):
        values = history.history[key]
        ax.plot(np.arange(1, len(values) + 1), values, color=colour, linestyle=style, linewidth=width, label=label)
    ax.set_xlabel("epoch")
    ax.set_ylabel(key)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    ax.legend()
    return figure


def plot_schedule(schedule: LearningRateSchedule, steps: Any, ax: Any = None) -> Any:
    """The learning rate by step.

    Parameters
    ----------
    schedule : LearningRateSchedule
    steps : int or array_like of int
        How many steps, from 0; or which.
    ax : matplotlib.axes.Axes, optional
        Where to draw, by default on a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    at = np.arange(steps) if np.ndim(steps) == 0 else np.asarray(steps)
    if ax is None:
        ax = _figure(7, 4.5).add_subplot()
    # one call for each: a schedule of the user's own may know no arrays
    ax.plot(at, [float(schedule(step)) for step in at.tolist()], color=BLUE)
    ax.set_xlabel("step")
    ax.set_ylabel("learning rate")
    ax.grid(alpha=0.3)
    return ax.figure


def plot_slices(
    model: Sequential,
    parameters: Sequence[tuple[int, tuple[int, ...], str]],
    values: Any,
    x: Any = None,
    y: Any = None,
) -> Any:
    """The loss against one parameter at a time, with a red dot at its value now.

    Parameters
    ----------
    model : Sequential
    parameters : sequence of (layer, index, label)
        As `Sequential.loss_slice` takes them.
    values : array_like of shape (k,)
        Where to evaluate the loss.
    x, y : array_like, optional
        The data, by default what the model last saw.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = min(5, len(parameters))
    rows = -(-len(parameters) // columns)
    figure = _figure(2.8 * columns, 2.6 * rows + 0.4)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax, (layer, index, label) in zip(grid.flat, parameters, strict=False):
        arrays = model.layers[layer].get_weights()
        now = float(arrays[0 if len(index) == 2 else 1][index])
        ax.plot(values, model.loss_slice(layer, index, values, x, y), color=BLUE)
        ax.plot([now], model.loss_slice(layer, index, [now], x, y), "o", color="red", markersize=7)
        ax.set_xlabel(label)
        ax.grid(alpha=0.3)
    for ax in grid.flat[len(parameters) :]:
        ax.set_axis_off()
    for ax in grid[:, 0]:
        ax.set_ylabel("loss")
    return figure
