"""A model's loss around its weights, and what happens to both while it learns."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import integer, number, positive
from .._names import look_up
from ._figures import BLUE, GREEN, STYLES, axes_or_new, check_kind, draw_heights, grid_shape, new_figure
from ._texts import translator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..callbacks import History
    from ..models import Sequential
    from ..optimizers.schedules import LearningRateSchedule

    Parameter = tuple[int, tuple[int, ...], str]
    """(layer, index, label), the former two as `Sequential.loss_slice` takes them."""


def plot_histories(histories: Mapping[str, History], key: str = "loss", ax: Any = None, *, lang: str = "en") -> Any:
    """One line by epoch for each history.

    Parameters
    ----------
    histories : mapping of label to History
    key : str
        Which entry of ``History.history``.
    ax : matplotlib.axes.Axes, optional
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes
    """
    say = translator(lang)
    ax = axes_or_new(ax)
    for history in histories.values():
        look_up("key", key, history.history)
    _by_epoch(ax, {label: _curve(history, key) for label, history in histories.items()}, say)
    ax.set_ylabel(_title(key, say))
    return ax


def plot_history(history: History, keys: Sequence[str] | None = None, ax: Any = None, *, lang: str = "en") -> Any:
    """The learning curves of one training: a panel for the loss and one for each metric, with their validation.

    Parameters
    ----------
    history : History
    keys : list of str, optional
        Entries of ``History.history``; all by default.
    ax : matplotlib.axes.Axes, optional
        Draw all of them there.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.figure.Figure, or matplotlib.axes.Axes if `ax` is given

    Raises
    ------
    ValueError
        If there is no such entry, or none at all.
    """
    say = translator(lang)
    chosen = list(history.history if keys is None else keys)
    for key in chosen:
        look_up("key", key, history.history)
    if not chosen:
        raise ValueError("history has no entries: nothing was trained")
    # the loss first, as the reader looks for it
    names = sorted(dict.fromkeys(key.removeprefix("val_") for key in chosen), key=lambda name: name != "loss")
    panels: list[Any]
    if ax is None:
        rows, columns = grid_shape(len(names), 2)
        figure = new_figure(1.5 + 5 * columns, 0.4 + 3.6 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        panels = list(grid.flat)
        for spare in panels[len(names) :]:
            spare.set_axis_off()
    else:
        figure, panels = ax, [ax] * len(names)
    for panel, group in zip(panels, [names] if ax is not None else [[name] for name in names], strict=False):
        curves = {}
        for name in group:
            title = _title(name, say)
            for key, label in ((name, title), (f"val_{name}", f"{title}, {say('validation')}")):
                if key in chosen:
                    curves[label] = _curve(history, key)
        _by_epoch(panel, curves, say)
        panel.set_ylabel(_title(group[0], say) if len(group) == 1 else say("value"))
    return figure


def plot_parameters(
    values: Any, labels: Sequence[str], ax: Any = None, *, title: str | None = None, lang: str = "en"
) -> Any:
    """The values of some parameters by epoch.

    Parameters
    ----------
    values : array_like of shape (epochs + 1, parameters)
        The first row is before training.
    labels : list of str
        The parameters' names.
    ax : matplotlib.axes.Axes, optional
    title : str, optional
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes
    """
    say = translator(lang)
    rows = np.asarray(values, np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(labels):
        raise ValueError(f"values has shape {rows.shape}, expected (epochs + 1, {len(labels)}) for these labels")
    ax = axes_or_new(ax)
    _by_epoch(ax, {label: (range(-1, len(rows) - 1), rows[:, i]) for i, label in enumerate(labels)}, say)
    ax.set_ylabel(say("value of the parameters"))
    if title:
        ax.set_title(title)
    return ax


def plot_schedule(schedule: LearningRateSchedule, steps: Any, ax: Any = None, *, lang: str = "en") -> Any:
    """The learning rate by step.

    Parameters
    ----------
    schedule : LearningRateSchedule
    steps : int or array_like of int
        How many steps, from 0; or which.
    ax : matplotlib.axes.Axes, optional
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes
    """
    say = translator(lang)
    at = np.arange(steps) if np.ndim(steps) == 0 else np.asarray(steps)
    ax = axes_or_new(ax)
    # one call for each: a schedule of the user's own may know no arrays
    ax.plot(at, [float(schedule(step)) for step in at.tolist()], color=BLUE)
    ax.set_xlabel(say("step"))
    ax.set_ylabel(say("learning rate"))
    ax.grid(alpha=0.3)
    return ax


def plot_slices(
    model: Sequential,
    parameters: Sequence[Parameter],
    values: Any,
    x: Any = None,
    y: Any = None,
    *,
    lang: str = "en",
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
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    say = translator(lang)
    rows, columns = grid_shape(len(parameters), 5)
    figure = new_figure(*(5.5, 4) if len(parameters) == 1 else (2.8 * columns, 2.6 * rows + 0.4))
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax, (layer, index, label) in zip(grid.flat, parameters, strict=False):
        now = _value(model, layer, index)
        ax.plot(values, model.loss_slice(layer, index, values, x, y), color=BLUE)
        ax.plot([now], model.loss_slice(layer, index, [now], x, y), "o", color="red", markersize=7)
        ax.set_xlabel(label)
        ax.grid(alpha=0.3)
    for ax in grid.flat[len(parameters) :]:
        ax.set_axis_off()
    for ax in grid[:, 0]:
        ax.set_ylabel(say("loss"))
    return figure


def plot_steps(
    model: Sequential,
    parameters: Sequence[Parameter],
    steps: Any,
    values: Any,
    x: Any = None,
    y: Any = None,
    *,
    title: str | None = None,
    lang: str = "en",
) -> Any:
    """For each step of a training the loss over each parameter; below, loss and parameters by epoch.

    In each panel the red dot is the parameter's value at that step and the loss there; the green diamond is the
    value that would make the loss smallest while the other parameters stay.

    Parameters
    ----------
    model : Sequential
        Its weights change on the way and are put back.
    parameters : sequence of (layer, index, label)
        As in `plot_slices`; a column for each.
    steps : array_like of shape (steps, parameters)
        The values of these parameters at each step.
    values, x, y, lang : as in `plot_slices`
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    say = translator(lang)
    points = np.asarray(steps, np.float64)
    if points.ndim != 2 or points.shape[1] != len(parameters) or not len(points):
        raise ValueError(f"steps has shape {points.shape}, expected (steps, {len(parameters)})")
    places = np.asarray(values, np.float64)
    slices, losses = _slices_of_steps(model, parameters, points, places, x, y)
    figure = new_figure(4.4 * max(2, len(parameters)), 2.9 * (len(points) + 1) + (0.5 if title else 0))
    parts = figure.subfigures(len(points) + 1, 1)
    top = 1.3 * np.nanmax([slices.max(where=np.isfinite(slices), initial=0), losses.max()])
    for i, point in enumerate(points):
        parts[i].suptitle(f"{say('epoch')} {i}: {say('loss')} = {losses[i, 0]:.2f}", color="red", fontsize=12)
        row = parts[i].subplots(1, len(parameters), squeeze=False)[0]
        for j, (ax, now, (_, _, label)) in enumerate(zip(row, point, parameters, strict=True)):
            _slice_with_best(ax, places, slices[i, j], now, losses[i, j], label, top)
            if j == 0:
                ax.set_ylabel(say("loss"))
    left, right = parts[-1].subplots(1, 2)
    epochs = range(-1, len(points) - 1)
    _by_epoch(left, {f"{say('loss')}: {losses[-1, 0]:.2f}": (epochs, losses[:, 0])}, say)
    left.set_ylabel(say("loss"))
    left.set_ylim(0, top)
    plot_parameters(points, [label for _, _, label in parameters], right, lang=lang)
    if title:
        figure.suptitle(title, fontsize=13)
    return figure


def _slices_of_steps(
    model: Sequential, parameters: Sequence[Parameter], points: Any, places: Any, x: Any, y: Any
) -> tuple[Any, Any]:
    """(the loss over each parameter at each step, of shape (steps, parameters, places); the loss there)"""
    slices = np.empty((*points.shape, len(places)))
    losses = np.empty(points.shape)
    with _kept(model) as theta:
        for i, point in enumerate(points):
            for value, (layer, index, _) in zip(point, parameters, strict=True):
                theta[_place(model, layer, index)] = value
            for j, (value, (layer, index, _)) in enumerate(zip(point, parameters, strict=True)):
                *slices[i, j], losses[i, j] = model.loss_slice(layer, index, [*places, value], x, y)
    return slices, losses


def _slice_with_best(ax: Any, places: Any, losses: Any, now: float, loss: float, label: str, top: float) -> None:
    """One panel of `plot_steps`: red from above for what is, green from below for what would be best."""
    ax.plot(places, losses, color=BLUE)
    ax.set_xlabel(label)
    ax.set_ylim(0, top)
    ax.set_xlim(places.min(), places.max())
    ax.grid(alpha=0.3)
    ax.vlines(now, loss, top, color="red", linestyle="--")
    ax.plot([now], [loss], "o", color="red", markersize=8, zorder=4, clip_on=False)
    best = int(np.nanargmin(losses))
    ax.vlines(places[best], 0, losses[best], color=GREEN, linestyle=":", linewidth=2)
    ax.plot([places[best]], [losses[best]], "D", color=GREEN, markersize=7, zorder=4, clip_on=False)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    for at, height, text, colour, anchor in (
        (now, top, f"{label} = {now:.2f}", "red", "top"),
        (places[best], 0, f"{places[best]:.2f}", GREEN, "bottom"),
    ):
        # beside its line, on the side with more room
        side = 1 if at <= (places.min() + places.max()) / 2 else -1
        ax.annotate(
            text,
            (at, height),
            xytext=(5 * side, -4 if anchor == "top" else 4),
            textcoords="offset points",
            ha="left" if side == 1 else "right",
            va=anchor,
            color=colour,
            fontsize=11,
            weight="bold",
            bbox=box,
        )


def landscape(
    model: Sequential,
    x: Any = None,
    y: Any = None,
    parameters: Sequence[Parameter] | None = None,
    *,
    span: float = 1.0,
    points: int = 41,
    seed: int = 0,
) -> tuple[Any, Any, Any]:
    """The loss around a model's weights, over two of its parameters or along two random directions.

    A random direction is a normal vector in which the incoming weights of each unit (a filter) are scaled to the
    length of the model's own, and biases stay: "filter normalisation" (Li et al., Visualizing the Loss Landscape
    of Neural Nets, 2018), which makes the pictures of different nets comparable.

    Parameters
    ----------
    model : Sequential
        Compiled.  Its weights change on the way and are put back.
    x, y : array_like, optional
        The data, by default what the model last saw.
    parameters : two (layer, index, label), optional
        As in `plot_slices`; two random directions by default.
    span : float
        How far to go to each side: in units of the parameters, or of the directions.
    points : int
        Along each direction; an odd number has the model itself in the middle.
    seed : int
        For the random directions.

    Returns
    -------
    across, up : ndarray of float64, of shape (points,)
        Values of the two parameters, or steps along the directions.
    losses : ndarray of float64, of shape (points, points)
        ``losses[j, i]`` is the loss at ``across[i], up[j]``.

    Raises
    ------
    ValueError
        If there are not two parameters, or no data.
    """
    points, span = integer("points", points, 2), positive("span", span)
    if parameters is not None and len(parameters) != 2:
        raise ValueError(f"parameters has {len(parameters)} entries, expected two (layer, index, label)")
    if x is None and y is None:
        if model._last_data is None:
            raise ValueError("x and y are needed: this model has not seen any data yet")
        x, y, weights = model._last_data
    else:
        weights = None
    offsets = np.linspace(-span, span, points)
    model.evaluate(x, y, len(x), sample_weight=weights)  # makes the network where there is none yet, checks the data
    if parameters is not None:
        return _over_parameters(model, parameters, offsets, x, y, weights)
    return offsets, offsets, _along_directions(model, offsets, np.random.default_rng(seed), x, y, weights)


def _over_parameters(
    model: Sequential, parameters: Sequence[Parameter], offsets: Any, x: Any, y: Any, weights: Any
) -> tuple[Any, Any, Any]:
    """(values of the first parameter, values of the second one, losses)"""
    (layer, index, _), (other, other_index, _) = parameters
    losses = np.empty((len(offsets), len(offsets)))
    with _kept(model) as theta:
        across = offsets + _value(model, layer, index)
        up = offsets + _value(model, other, other_index)
        at = _place(model, other, other_index)
        for j, value in enumerate(up):
            theta[at] = value
            losses[j] = model.loss_slice(layer, index, across, x, y, weights)
    return across, up, losses


def _along_directions(model: Sequential, offsets: Any, rng: np.random.Generator, x: Any, y: Any, weights: Any) -> Any:
    """The losses where the model has gone so far along two random directions."""
    losses = np.empty((len(offsets), len(offsets)))
    with _kept(model) as theta:
        start = theta.astype(np.float64)
        first, second = _direction(model, rng), _direction(model, rng)
        for j, b in enumerate(offsets):
            for i, a in enumerate(offsets):
                theta[:] = start + a * first + b * second
                losses[j, i] = model.evaluate(x, y, len(x), sample_weight=weights, return_dict=True)["loss"]
    return losses


def plot_landscape(
    model: Sequential,
    x: Any = None,
    y: Any = None,
    parameters: Sequence[Parameter] | None = None,
    ax: Any = None,
    kind: str = "contour",
    levels: int | Sequence[float] = 20,
    *,
    span: float = 1.0,
    points: int = 41,
    seed: int = 0,
    lang: str = "en",
) -> Any:
    """`landscape` as a picture, with a red star at the model's weights.

    Parameters
    ----------
    model, x, y, parameters, span, points, seed : as in `landscape`
    ax, kind, levels : as in `plot_surface`
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes
    """
    say = translator(lang)
    check_kind(kind, ax)
    across, up, losses = landscape(model, x, y, parameters, span=span, points=points, seed=seed)
    ax = axes_or_new(ax, *(7.8, 6, "3d") if kind == "3d" else (6.4, 5))
    draw_heights(ax, across, up, losses, kind, levels, say("loss"))
    labels = [say("random direction {}").format(i) for i in (1, 2)]
    if parameters is not None:
        labels = [label for _, _, label in parameters]
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    middle = [(across[0] + across[-1]) / 2], [(up[0] + up[-1]) / 2]
    height: tuple[Any, ...] = ()
    if kind == "3d":
        assert model._last_data is not None
        x, y, weights = model._last_data
        height = ([model.evaluate(x, y, len(x), sample_weight=weights, return_dict=True)["loss"]],)
    ax.plot(
        *middle,
        *height,
        "*",
        color="red",
        markersize=17,
        markeredgecolor="white",
        markeredgewidth=1.2,
        zorder=6,
        label=say("the model"),
        linestyle="none",
    )
    ax.legend(loc="upper right")
    return ax


def range_test(
    model: Sequential,
    x: Any,
    y: Any,
    low: float = 1e-5,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    *,
    seed: int = 0,
) -> tuple[Any, Any]:
    """The loss while a copy of a model trains with a rate that grows at each batch (Smith 2017).

    The rate grows by the same factor each time, and the test ends where the loss is beyond repair: nan, or more
    than four times the smallest so far.  The model itself does not change.

    Parameters
    ----------
    model : Sequential
        Compiled; its optimizer's settings are used, but for the rate, and not its state.
    x, y : array_like
    low, high : float
        The rates of the first and the last step.
    steps, batch_size : int
    seed : int
        For the order of the rows.

    Returns
    -------
    rates, losses : ndarray of float64, of shape (steps made,)
        The loss of each batch before its update.

    Raises
    ------
    ValueError, RuntimeError
        If low and high are not 0 < low < high, there are less than two steps, or the model is not compiled.
    """
    low, high = number("low", low), number("high", high)
    if not 0 < low < high:
        raise ValueError(f"low={low!r} and high={high!r} are not 0 < low < high")
    steps, batch_size = integer("steps", steps, 2), integer("batch_size", batch_size, 1)
    model.evaluate(x, y)  # a model without weights gets them here: the copy starts from the same
    assert model.optimizer is not None
    trained = copy.deepcopy(model)
    trained.optimizer = type(model.optimizer).from_config({**model.optimizer.get_config(), "learning_rate": low})
    inputs, targets = np.asarray(x), np.asarray(y)
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(inputs)) for _ in range(-(-steps * batch_size // len(inputs)))])
    rates, losses = np.geomspace(low, high, steps), []
    for step, rate in enumerate(rates):
        rows = order[step * batch_size : (step + 1) * batch_size]
        trained.optimizer.learning_rate = rate
        losses.append(trained.train_on_batch(inputs[rows], targets[rows], return_dict=True)["loss"])
        if not losses[-1] <= 4 * min(losses):
            break
    return rates[: len(losses)], np.array(losses)


def plot_range_test(rates: Any, losses: Any, ax: Any = None, *, smoothing: float = 0.9, lang: str = "en") -> Any:
    """What `range_test` returned, smoothed, with the rate at which the loss falls fastest.

    Parameters
    ----------
    rates, losses : array_like of shape (steps,)
    ax : matplotlib.axes.Axes, optional
    smoothing : float
        Weight of the past in the moving mean of the losses, from 0 to less than 1.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.axes.Axes
    """
    say = translator(lang)
    if not 0 <= number("smoothing", smoothing) < 1:
        raise ValueError(f"smoothing={smoothing!r} is not at least 0 and less than 1")
    rates, losses = np.asarray(rates, np.float64), np.asarray(losses, np.float64)
    if rates.ndim != 1 or rates.shape != losses.shape or len(rates) < 2:
        raise ValueError(f"rates and losses have shapes {rates.shape} and {losses.shape}, expected (steps,) of both")
    if not np.isfinite(losses).any():
        raise ValueError("losses are nan or inf, all of them")
    mean, smooth = 0.0, np.empty(len(losses))
    for i, loss in enumerate(losses):
        mean = smoothing * mean + (1 - smoothing) * loss
        smooth[i] = mean / (1 - smoothing ** (i + 1))
    # how far it falls within a tenth of the steps, before it is lowest: what it does later is noise
    width = max(1, len(smooth) // 10)
    falls = smooth[width:] - smooth[:-width]
    lowest = max(1, int(np.nanargmin(smooth)) - width + 1)
    steepest = int(np.nanargmin(falls[:lowest])) + width // 2
    ax = axes_or_new(ax)
    ax.plot(rates, losses, color=BLUE, alpha=0.35, linewidth=1, label=say("loss of each batch"))
    ax.plot(rates, smooth, color=BLUE, linewidth=2.5, label=say("smoothed"))
    ax.axvline(rates[steepest], color=GREEN, linestyle="--", label=f"{say('steepest at')} {rates[steepest]:.2g}")
    ax.set_xscale("log")
    ax.set_xlabel(say("learning rate"))
    ax.set_ylabel(say("loss"))
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def _title(key: str, say: Any) -> str:
    """What an entry of a history is called in a picture."""
    return say(key.replace("_", " ")) if key in ("loss", "learning_rate") else key


def _curve(history: History, key: str) -> tuple[Sequence[int], list[float]]:
    """Epochs and values of one entry."""
    values = history.history[key]
    # where there are fewer values than epochs, as of validation once in a while, it is not recorded which are missing
    return (history.epoch if len(values) == len(history.epoch) else range(len(values))), values


def _by_epoch(ax: Any, curves: Mapping[str, tuple[Any, Any]], say: Any) -> None:
    """A line for each label -> (epochs counted from 0, values)."""
    from matplotlib.ticker import MaxNLocator

    for (label, (epochs, values)), style in zip(
        curves.items(), STYLES * (len(curves) // len(STYLES) + 1), strict=False
    ):
        width = style["linewidth"] if len(curves) > 1 else 2.0
        marker = "o" if len(values) == 1 else None
        ax.plot(np.asarray(epochs) + 1, values, label=label, marker=marker, **{**style, "linewidth": width})
    if all(len(values) == 1 for _, values in curves.values()):
        ax.set_xticks(ax.lines[-1].get_xdata())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(say("epoch"))
    ax.grid(alpha=0.3)
    ax.legend()


@contextmanager
def _kept(model: Sequential) -> Iterator[Any]:
    """The model's vector of weights, put back at the end as it was."""
    model.build()
    theta = model._network.theta
    before = theta.copy()
    try:
        yield theta
    finally:
        theta[:] = before


def _value(model: Sequential, layer: int, index: Any) -> float:
    return float(model._network.theta[_place(model, layer, index)])


def _place(model: Sequential, layer: Any, index: Any) -> int:
    return model._stack.offset(model._stack.index_of(layer), index)


def _direction(model: Sequential, rng: Any) -> Any:
    """A random direction, filter by filter as long as the model's weights; none for biases."""
    parts = []
    for view in model.trainable_weights:
        part = rng.standard_normal(view.shape) if view.ndim > 1 else np.zeros(view.shape)
        if view.ndim > 1:
            axes = tuple(range(view.ndim - 1))
            lengths = np.sqrt((view.astype(np.float64) ** 2).sum(axis=axes))
            part *= lengths / np.sqrt((part**2).sum(axis=axes))
        parts.append(part.reshape(-1))
    return np.concatenate(parts)
