"""Figures, colours and files: what all pictures share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._names import look_up

if TYPE_CHECKING:
    from collections.abc import Mapping

# Okabe and Ito's colours, told apart by colour-blind readers
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
# later lines are dashed and thinner: one that hides another would leave the reader guessing
STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "linestyle": "-", "linewidth": 3.5},
    {"color": ORANGE, "linestyle": "--", "linewidth": 2.0},
    {"color": GREEN, "linestyle": ":", "linewidth": 2.0},
    {"color": PURPLE, "linestyle": "-.", "linewidth": 1.5},
    {"color": RED, "linestyle": "-", "linewidth": 1.0},
)
SURFACE = "viridis"
DPI = 120
FILM_DPI = 100


def new_figure(width: float, height: float) -> Any:
    """A figure of so many inches that pyplot does not know."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        message = 'pictures need matplotlib: pip install "gdcore[plot]"'
        raise ImportError(message, name="matplotlib") from error
    return Figure(figsize=(width, height), layout="constrained")


def axes_or_new(ax: Any, width: float = 7, height: float = 4.5, projection: str | None = None) -> Any:
    """The axes given, or those of a new figure."""
    return new_figure(width, height).add_subplot(projection=projection) if ax is None else ax


def two_views(title: str | None) -> tuple[Any, Any, Any]:
    """A figure with a panel in space on the left and a flat one on the right."""
    figure = new_figure(12, 5.4)
    # what stands around axes in space is not seen by the layout
    figure.get_layout_engine().set(wspace=0.1)
    if title:
        figure.suptitle(title, fontsize=13)
    return figure, figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2)


def save(picture: Any, path: str | Path) -> None:
    """Write a picture to a file.

    Parameters
    ----------
    picture : Figure, Axes, or Animation
        For axes, the whole figure they are on.
    path : str or path
        The ending says the format: .png (of 120 dots an inch), .pdf, .svg ...; for an animation .gif, or .mp4
        where ffmpeg is installed.

    Raises
    ------
    ValueError
        For an animation, if the name ends in neither, or there is no ffmpeg for .mp4.
    """
    if not hasattr(picture, "new_frame_seq"):
        picture.get_figure().canvas.figure.savefig(path, dpi=DPI)  # also of axes on a part of a figure
        return
    from matplotlib.animation import FFMpegWriter

    writers: Mapping[str, Any] = {".gif": _gif_writer, ".mp4": FFMpegWriter}
    writer = look_up("path's ending", Path(path).suffix.lower(), writers)
    if writer is FFMpegWriter and not writer.isAvailable():
        raise ValueError(f"path={str(path)!r} needs ffmpeg, which is not installed here; .gif needs nothing")
    picture.save(path, dpi="figure", writer=writer(fps=1000 / picture.event_source.interval))


def _gif_writer(fps: float) -> Any:
    """As matplotlib's own, in a third of the time: each frame is drawn once, and all share the first one's colours."""
    from matplotlib.animation import PillowWriter
    from PIL import Image

    class Writer(PillowWriter):
        def setup(self, fig: Any, outfile: Any, dpi: Any = None) -> None:
            super().setup(fig, outfile, dpi)
            self.images: list[Any] = []

        def grab_frame(self, **options: Any) -> None:
            image = Image.fromarray(pixels(self.fig)).convert("RGB")
            palette = self.images[0] if self.images else image.quantize(dither=Image.Dither.NONE)
            self.images.append(image.quantize(palette=palette, dither=Image.Dither.NONE))

        def finish(self) -> None:
            first, *others = self.images
            first.save(self.outfile, save_all=True, append_images=others, duration=round(1000 / self.fps), loop=0)

    return Writer(fps=fps)  # type: ignore[arg-type]  # it may be a fraction


def pixels(figure: Any) -> Any:
    """The figure drawn, as an array of shape (height, width, 4)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    own = figure.canvas
    canvas: Any = FigureCanvasAgg(figure)
    try:
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())
    finally:
        figure.set_canvas(own)


def draw_heights(ax: Any, across: Any, up: Any, heights: Any, kind: str, levels: Any, label: str | None) -> None:
    """Draw heights of shape (len(up), len(across)) as filled contours or as a surface.

    label is that of the colour bar, or of the vertical axis; None for neither.
    """
    finite = np.isfinite(heights)
    if not finite.any():
        raise ValueError("f is nan or inf everywhere on the window")
    heights = np.ma.masked_array(heights, ~finite)
    if kind == "3d":
        from matplotlib.ticker import MaxNLocator

        # by the order of drawing: mplot3d's own guess at what lies in front hides a path on the surface
        ax.computed_zorder = False
        ax.plot_surface(*np.meshgrid(across, up), heights.filled(np.nan), cmap=SURFACE, rcount=70, ccount=70, zorder=1)
        ax.view_init(elev=42, azim=-62)
        ax.set_box_aspect((1, 1, 0.7), zoom=1.0)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(6))
            axis.labelpad = 7
        if label:
            ax.set_zlabel(label, labelpad=9)
        return
    filled = ax.contourf(across, up, heights, levels=levels, cmap=SURFACE)
    ax.contour(across, up, heights, levels=filled.levels, colors="white", linewidths=0.4, linestyles="solid", alpha=0.6)
    if label:
        ax.get_figure().colorbar(filled, ax=ax, label=label)


def check_kind(kind: str, ax: Any) -> None:
    """Whether there is such a kind of surface, and the axes are made for it."""
    look_up("kind", kind, {"contour": None, "3d": None})
    if ax is not None and (ax.name == "3d") != (kind == "3d"):
        raise ValueError(f"kind={kind!r} does not fit ax: a 3d surface, and only that, needs projection='3d'")


def grid_shape(count: int, columns: int) -> tuple[int, int]:
    """Rows and columns for so many panels."""
    columns = min(columns, count)
    return math.ceil(count / columns), columns
