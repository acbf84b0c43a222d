"""What the pictures of several lessons share."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plots import save as _save
from ..plots._figures import BLUE, GREEN, ORANGE, PURPLE, RED, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STYLES = [(BLUE, "-"), (ORANGE, "--"), (GREEN, ":"), (PURPLE, "-."), (RED, (0, (5, 1, 1, 1, 1, 1)))]
"""Colours with dashes of their own, so that lines are told apart without colours too."""


def save(figure: Any, folder: Path, name: str) -> Path:
    """Write the figure into the folder, which is made if need be; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(figure, folder / name)
    return folder / name


def curves(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> Any:
    """A panel for each entry, in it a line by epoch for each label."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(5.5 * len(panels), 4.2)
    for ax, (title, lines) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True):
        for (label, values), (colour, dashes) in zip(lines.items(), itertools.cycle(STYLES), strict=False):
            ax.plot(np.arange(1, len(values) + 1), values, color=colour, linestyle=dashes, linewidth=2, label=label)
        ax.set_xlabel("epoch")
        ax.set_ylabel(title)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
        ax.legend()
    return figure
