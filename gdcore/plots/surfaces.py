"""A function of two parameters, and the paths that optimizers take on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import integer, number, positive
from ._figures import (
    BLUE,
    FILM_DPI,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    axes_or_new,
    check_kind,
    draw_heights,
    grid_shape,
    new_figure,
    pixels,
    two_views,
)
from ._texts import translator

if TYPE_CHECKING:
    from collections.abc import Callable

    Window = tuple[tuple[float, float], tuple[float, float]]
    Function = Callable[[Any], Any]


def plot_surface(
    f: Function,
    ax: Any = None,
    kind: str = "contour",
    levels: int | Sequence[float] = 15,
    *,
    window: Window | None = None,
    points: int = 121,
    bar: bool = True,
    lang: str = "en",
) -> Any:
    """A function of two parameters, by colours or as a landscape.

    Parameters
    ----------
    f : callable
        Takes an array of shape (..., 2) and returns one of shape (...), as `gdcore.surfaces.peaks` does.
    ax : matplotlib.axes.Axes, optional
        Where to draw; ``kind="3d"`` needs axes with ``projection="3d"``.
    kind : {"contour", "3d"}
    levels : int or sequence of float
        How many colours about, or the values between them.
    window : ((low, high), (low, high)), optional
        The ranges of the two parameters, by default ``f.window``.
    points : int
        To evaluate f at along each axis.
    bar : bool
        Whether a colour bar stands beside the contours.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For an unknown kind, axes of the wrong kind, less than two points, or an f that returns another shape.
    """
    say = translator(lang)
    check_kind(kind, ax)
    points = integer("points", points, 2)
    across, up = (np.linspace(low, high, points) for low, high in _window(f, window))
    places = np.stack(np.meshgrid(across, up), axis=-1)
    heights = np.asarray(f(places), np.float64)
    if heights.shape != places.shape[:-1]:
        raise ValueError(f"f returned shape {heights.shape} for {places.shape}, expected {places.shape[:-1]}")
    ax = axes_or_new(ax, *(7.8, 6, "3d") if kind == "3d" else (6.4, 5))
    draw_heights(ax, across, up, heights, kind, levels, say("loss") if bar or kind == "3d" else None)
    ax.set_xlabel("$w_0$")
    ax.set_ylabel("$w_1$")
    ax.set_xlim(across[0], across[-1])
    ax.set_ylim(up[0], up[-1])
    if kind == "contour" and 1 / 3 <= (up[-1] - up[0]) / (across[-1] - across[0]) <= 3:
        ax.set_aspect("equal", adjustable="box")  # steps and contours meet at their true angle
    return ax


def plot_trajectory(ax: Any, points: Any, f: Function | None = None, *, lang: str = "en") -> Any:
    """The path of a descent: a red star where it starts, yellow steps, a blue star where it ends.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Usually that of `plot_surface`.  Its limits stay; what lies outside is not drawn.
    points : array_like of shape (steps + 1, 2)
    f : callable, optional
        The surface, which 3d axes need to know how high the path lies.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If points has another shape, or ax is 3d and f is missing.
    """
    say = translator(lang)
    path = _path(points)
    space = ax.name == "3d"
    if space and f is None:
        raise ValueError("f is None: a path on 3d axes needs the surface, to know its height")
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    inside = ((path >= low) & (path <= high)).all(axis=1)
    # mplot3d clips nothing by itself
    drawn = np.where(inside[:, np.newaxis], path, np.nan) if space else path
    heights = (np.asarray(f(drawn), np.float64),) if space and f is not None else ()
    limits = ax.get_xlim(), ax.get_ylim()
    columns = (*drawn.T, *heights)
    dots = {"marker": "o", "markersize": 5, "markeredgecolor": "black", "markeredgewidth": 0.7}
    ax.plot(*columns, color="black", linewidth=2.6, zorder=4)
    ax.plot(*columns, color="yellow", linewidth=1.4, zorder=5, label=say("steps"), **dots)
    # the end is smaller, so that a start just below it still shows
    for at, colour, size, label in ((0, "red", 18, say("start")), (-1, "blue", 14, say("end"))):
        if inside[at]:
            star = tuple(column[at : at + 1] if at == 0 else column[at:] for column in columns)
            white = {"markeredgecolor": "white", "markeredgewidth": 1}
            ax.plot(*star, linestyle="none", marker="*", markersize=size, color=colour, zorder=6, label=label, **white)
    ax.set_xlim(limits[0])
    ax.set_ylim(limits[1])
    return ax


def name_minima(ax: Any, f: Any, *, lang: str = "en") -> Any:
    """Write "global minimum" and "local minimum" beside the minima of a surface, on contours.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    f : one of `gdcore.surfaces`, or what has ``minima``, an array of shape (k, 2) with the global one first
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes
    """
    say = translator(lang)
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    drawn = np.concatenate([line.get_xydata() for line in ax.lines if len(line.get_xydata()) > 1] or [np.empty((0, 2))])
    # in shares of the panel, as are the sizes of a text: where it may stand, by its middle
    paths = (drawn - low) / (high - low)
    reach = np.array([0.17, 0.05])
    moves = {"left": (0.2, 0.0), "right": (-0.2, 0.0), "center": (0.0, -0.1)}
    for i, place in enumerate(np.asarray(f.minima, np.float64)):
        ax.plot(*place[:, np.newaxis], "x", color="white", markersize=8, markeredgewidth=2, zorder=3)
        middle = (place - low) / (high - low)
        if not ((middle >= 0) & (middle <= 1)).all():
            continue

        def crowd(move: tuple[float, float], middle: Any = middle) -> float:
            at = middle + move
            outside = (np.abs(at - 0.5) + reach > 0.5).any()
            return float((np.abs(paths - at) < reach + 0.02).all(axis=1).sum() + 1000 * outside)

        side = min(moves, key=lambda key: crowd(moves[key]))
        ax.annotate(
            say("local minimum") if i else say("global minimum"),
            place,
            xytext={"left": (16, 0), "right": (-16, 0), "center": (0, -22)}[side],
            textcoords="offset points",
            ha=side,
            va="top" if side == "center" else "center",
            fontsize=10,
            zorder=8,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            arrowprops={"arrowstyle": "-", "color": "white"},
        )
    return ax


def plot_descent(
    f: Function,
    points: Any,
    title: str | None = None,
    *,
    window: Window | None = None,
    levels: int | Sequence[float] = 15,
    minima: bool = False,
    lang: str = "en",
) -> Any:
    """One or more paths on a surface, seen as a landscape on the left and from above on the right.

    Parameters
    ----------
    f, levels : as in `plot_surface`
    points : array_like of shape (steps + 1, 2), or a list of such; none for the surface alone
    title : str, optional
    window : ((low, high), (low, high)), optional
        By default ``f.window``, and as much more as the paths need (up to three times its width).
    minima : bool
        Whether `name_minima` names the minima.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    paths = _paths(points)
    window = _window(f, window) if window is not None else _around(_window(f, None), paths)
    figure, landscape, above = two_views(title)
    for ax, kind in ((landscape, "3d"), (above, "contour")):
        plot_surface(f, ax, kind, levels, window=window, lang=lang)
        for path in paths:
            plot_trajectory(ax, path, f, lang=lang)
    if minima:
        name_minima(above, f, lang=lang)
    if paths:
        _legend(figure, above, loc="outside lower center", ncols=3)
    return figure


def plot_descents(
    f: Function,
    paths: Mapping[str, Any],
    title: str | None = None,
    *,
    columns: int = 3,
    window: Window | None = None,
    levels: int | Sequence[float] = 15,
    lang: str = "en",
) -> Any:
    """A panel for each path, seen from above, with all panels on one window and one scale of colours.

    Parameters
    ----------
    f, levels : as in `plot_surface`
    paths : mapping of title to array_like of shape (steps + 1, 2)
    title : str, optional
    columns : int
    window : as in `plot_descent`
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    arrays = {name: _path(points) for name, points in paths.items()}
    if not arrays:
        raise ValueError("paths is empty")
    window = _window(f, window) if window is not None else _around(_window(f, None), list(arrays.values()))
    rows, columns = grid_shape(len(arrays), columns)
    figure = new_figure(3.5 * columns, 3.6 * rows + (0.4 if rows * columns > len(arrays) else 0.9))
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.flat)
    for ax, (name, path) in zip(panels, arrays.items(), strict=False):
        plot_surface(f, ax, levels=levels, window=window, bar=False, lang=lang)
        plot_trajectory(ax, path, lang=lang)
        ax.set_title(name)
    for ax in grid[:, 1:].flat:
        ax.set_ylabel("")
        ax.yaxis.set_tick_params(labelleft=False)
    spare = panels[len(arrays) :]
    for ax in spare:
        ax.set_axis_off()
    if spare:
        _legend(spare[0], panels[0], loc="center", fontsize=12)
    else:
        _legend(figure, panels[0], loc="outside lower center", ncols=3)
    if title:
        figure.suptitle(title, fontsize=14)
    return figure


# so many optimizers are told apart by colour and marker together
_RACERS = tuple(
    (colour, marker)
    for marker, row in (("o", 0), ("s", 3), ("^", 5))
    for colour in np.roll(np.array([BLUE, ORANGE, GREEN, RED, PURPLE, SKY, "#FFFFFF"]), row).tolist()
)


def animate(
    f: Function,
    paths: Mapping[str, Any],
    title: str | None = None,
    *,
    window: Window | None = None,
    levels: int | Sequence[float] = 15,
    fps: float = 10,
    hold: float = 2.0,
    lang: str = "en",
) -> Any:
    """A race of descents on one surface, seen from above, with the value that each has reached.

    Parameters
    ----------
    f, levels, window : as in `plot_surface`
    paths : mapping of name to array_like of shape (steps + 1, 2)
        A path that is shorter than others waits at its end.
    title : str, optional
    fps : float
        Steps a second.
    hold : float
        Seconds for which the last step stays.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.animation.FuncAnimation
        For `save`; in a notebook its ``to_jshtml()`` shows it.

    Raises
    ------
    ValueError
        If there is no path, or there are more than 21, or `fps` or `hold` is no number in range.
    """
    say = translator(lang)
    fps, hold = positive("fps", fps), number("hold", hold, 0)
    arrays = {name: _path(points) for name, points in paths.items()}
    if not 0 < len(arrays) <= len(_RACERS):
        raise ValueError(f"paths has {len(arrays)} entries, expected 1 to {len(_RACERS)}")
    with np.errstate(all="ignore"):
        heights = [np.asarray(f(path), np.float64) for path in arrays.values()]
    figure, ax, table = _stage(f, list(arrays), title, window, levels, lang)
    counter = ax.text(0.5, 1.02, "", transform=ax.transAxes, ha="center", fontsize=11)
    trails, heads, values = _racers(ax, table, len(arrays))
    last = max(len(path) for path in arrays.values()) - 1

    def show(step: int) -> list[Any]:
        counter.set_text(say("epoch {}").format(step))
        for path, reached, trail, head, value in zip(arrays.values(), heights, trails, heads, values, strict=True):
            now = min(step, len(path) - 1)
            trail.set_data(*path[: now + 1].T)
            head.set_data(*path[now : now + 1].T)
            value.set_text(f"{reached[now]:.2f}")
        return [counter, *trails, *heads, *values]

    from matplotlib.animation import FuncAnimation

    frames = [*range(last + 1), *[last] * round(hold * fps)]
    return FuncAnimation(figure, show, frames=frames, interval=1000 / fps, init_func=lambda: show(0), repeat=False)


def _stage(
    f: Function, names: list[str], title: str | None, window: Window | None, levels: int | Sequence[float], lang: str
) -> tuple[Any, Any, Any]:
    """(a figure with what stands still, drawn once; empty axes over its surface; empty axes over its table)"""
    say = translator(lang)
    still = new_figure(7.8, 5)
    still.set_dpi(FILM_DPI)
    still.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    ax, table = still.subplots(1, 2, width_ratios=(4.4, 2.8))
    plot_surface(f, ax, levels=levels, window=window, bar=False, lang=lang)
    ax.set_title(" ")
    table.set_axis_off()
    table.set(xlim=(0, 1), ylim=(-len(names) - 0.5, 1))
    table.text(0.14, 0, say("optimizer"), weight="bold")
    table.text(1, 0, say("loss"), weight="bold", ha="right")
    still.suptitle(title or "", fontsize=13)
    for row, (name, (colour, marker)) in enumerate(zip(names, _RACERS, strict=False), start=1):
        table.plot([0.06], [0.13 - row], markersize=8, color=colour, marker=marker, markeredgecolor="black")
        table.text(0.14, -row, name)
    figure = new_figure(7.8, 5)
    figure.set_dpi(FILM_DPI)
    figure.set_layout_engine("none")
    figure.add_artist(_backdrop(pixels(still)))
    return figure, _overlay(figure, ax), _overlay(figure, table)


def _racers(ax: Any, table: Any, count: int) -> tuple[list[Any], list[Any], list[Any]]:
    """(empty lines behind the racers, markers for the racers, texts for their values)"""
    trails, heads, values = [], [], []
    for row, (colour, marker) in enumerate(_RACERS[:count], start=1):
        trails += ax.plot([], [], color=colour, linewidth=1.6, zorder=4)
        heads += ax.plot([], [], markersize=8, color=colour, marker=marker, markeredgecolor="black", zorder=5)
        values.append(table.text(1, -row, "", ha="right", family="monospace"))
    return trails, heads, values


def _backdrop(image: Any) -> Any:
    """What draws an image of a figure's size behind all else, much faster than matplotlib's own, which resamples."""
    from matplotlib.artist import Artist

    class Backdrop(Artist):
        zorder = -1

        def draw(self, renderer: Any) -> None:
            renderer.draw_image(renderer.new_gc(), 0, 0, image[::-1])

    return Backdrop()


def _overlay(figure: Any, panel: Any) -> Any:
    """Axes without anything, in the place and with the limits of a panel of another figure."""
    ax = figure.add_axes(panel.get_position(), xlim=panel.get_xlim(), ylim=panel.get_ylim(), autoscale_on=False)
    ax.set_axis_off()
    return ax


def _legend(parent: Any, ax: Any, **options: Any) -> None:
    """One entry for each label on the axes."""
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))
    parent.legend(entries.values(), entries.keys(), **options)


def _path(points: Any) -> Any:
    path = np.asarray(points, np.float64)
    if path.ndim != 2 or path.shape[1] != 2 or not len(path):
        raise ValueError(f"points has shape {path.shape}, expected (steps + 1, 2)")
    return path


def _paths(points: Any) -> list[Any]:
    if len(points) and np.ndim(points[0]) == 1:
        return [_path(points)]
    return [_path(one) for one in points]


def _window(f: Any, window: Any) -> Window:
    if window is None:
        window = getattr(f, "window", None)
    if window is None:
        raise ValueError("window is None, and f has no window of its own: give ((low, high), (low, high))")
    ranges = np.asarray(window, np.float64)
    if ranges.shape != (2, 2) or not (ranges[:, 0] < ranges[:, 1]).all():
        raise ValueError(f"window={window!r} is not ((low, high), (low, high)) with low < high")
    return ((ranges[0, 0], ranges[0, 1]), (ranges[1, 0], ranges[1, 1]))


def _around(window: Window, paths: list[Any]) -> Window:
    """The window, widened so that it holds the paths, but not to more than three times its width."""
    low, high = np.transpose(window)
    middle, reach = (low + high) / 2, 1.5 * (high - low)
    for path in paths:
        finite = path[np.isfinite(path).all(axis=1)]
        low, high = np.minimum(low, finite.min(axis=0)), np.maximum(high, finite.max(axis=0))
    low, high = np.maximum(low, middle - reach), np.minimum(high, middle + reach)
    return ((low[0], high[0]), (low[1], high[1]))
