"""Exercises 3 and 4: one neuron trained by looking at its loss, and by gradient descent.

sigmoid(w x + b) on the petal lengths of 99 iris flowers, mean absolute error, from w = -0.3 and b = 0.1.  By looking
means: of all values of one parameter, take that with the least loss, then do so with the other.  Descent takes
forward differences of h = 0.000003, as the course does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import layers, optimizers
from .._text import aligned
from ..callbacks import LambdaCallback
from ..models import Sequential
from . import by_hand

W, B = -0.3, 0.1
VALUES = np.linspace(-5, 5, 400)  # where the course looks
LOOKS = 12
RATES = (0.3, 3.0, 10.0, 30.0, 100.0)
EPOCHS = (5, 50, 500, 5000)


class Path2D(NamedTuple):
    """A way through the two parameters."""

    w: list[float]
    b: list[float]
    loss: list[float]


class Outcome(NamedTuple):
    """What `run` returns."""

    least: tuple[float, float]
    """The values of w and of b that would make the first loss least, each with the other unchanged."""
    looking: Path2D
    descent: dict[tuple[float, int], Path2D]
    """(rate, epochs) -> the way; longer ones begin as shorter ones do."""


def build(rate: float, w: float = W, b: float = B) -> Sequential:
    """The neuron, in float64 as by hand."""
    model = Sequential([layers.Dense(1, "sigmoid", input_dim=1)], dtype="float64")
    model.set_weights([np.array([[w]]), np.array([b])])
    model.compile(optimizers.SGD(rate), "mae", gradient="forward", h=by_hand.H)
    return model


def look(looks: int = LOOKS) -> Path2D:
    """Take the best w of those looked at, then the best b, and so on, as long as the loss gets less."""
    x, y = by_hand.data()
    model = build(RATES[0])
    ways = Path2D([W], [B], [model.evaluate(x, y, batch_size=len(x))])
    for turn in range(looks):
        index = (0, 0) if turn % 2 == 0 else (0,)
        losses = model.loss_slice(0, index, VALUES, x, y)
        arrays = model.get_weights()
        if losses.min() < ways.loss[-1]:
            arrays[turn % 2].flat[0] = VALUES[losses.argmin()]
            model.set_weights(arrays)
        ways.w.append(float(arrays[0][0, 0]))
        ways.b.append(float(arrays[1][0]))
        ways.loss.append(model.evaluate(x, y, batch_size=len(x)))
    return ways


def descend(rate: float, epochs: int) -> Path2D:
    """Gradient descent, all rows in a batch; the last entry is the result."""
    x, y = by_hand.data()
    model = build(rate)
    ways = Path2D([], [], [])

    def note(*_: Any) -> None:
        w, b = model.get_weights()
        ways.w.append(float(w[0, 0]))
        ways.b.append(float(b[0]))

    note()
    callback = LambdaCallback(on_epoch_end=note)
    history = model.fit(x, y, batch_size=len(x), epochs=epochs, shuffle=False, verbose=0, callbacks=[callback])
    ways.loss.extend([*history.history["loss"], model.evaluate(x, y, batch_size=len(x))])
    return ways


def run() -> Outcome:
    """Look, then descend at every rate for every number of epochs."""
    x, y = by_hand.data()
    model = build(RATES[0])
    least = tuple(float(VALUES[model.loss_slice(0, index, VALUES, x, y).argmin()]) for index in ((0, 0), (0,)))
    descent = {}
    for rate in RATES:
        whole = descend(rate, max(EPOCHS))
        for epochs in EPOCHS:
            descent[rate, epochs] = Path2D(*(part[: epochs + 1] for part in whole))
    return Outcome((least[0], least[1]), look(), descent)


def report(outcome: Outcome) -> str:
    """The text that the command prints."""
    ways = outcome.looking
    lines = [["look", "changes", "w", "b", "loss"]]
    for i, (w, b, loss) in enumerate(zip(*ways, strict=True)):
        lines.append([str(i), "" if i == 0 else "wb"[(i + 1) % 2], f"{w:.4f}", f"{b:.4f}", f"{loss:.4f}"])
    table = [["rate", *(f"{epochs} epochs" for epochs in EPOCHS), "w", "b"]]
    for rate in RATES:
        last = outcome.descent[rate, EPOCHS[-1]]
        losses = [f"{outcome.descent[rate, epochs].loss[-1]:.4f}" for epochs in EPOCHS]
        table.append([f"{rate:g}", *losses, f"{last.w[-1]:.3f}", f"{last.b[-1]:.3f}"])
    best = min(outcome.descent, key=lambda key: outcome.descent[key].loss[-1])
    return (
        f"sigmoid(w x + b) on 99 petal lengths, MAE, from w = {W}, b = {B}: loss {ways.loss[0]:.2f}\n"
        f"least by w alone at {outcome.least[0]:.2f}, by b alone at {outcome.least[1]:.2f}\n\n"
        f"Exercise 3: the best of 400 values between -5 and 5, of w and b in turn:\n\n{aligned(lines)}\n\n"
        f"Exercise 4: loss after gradient descent (h = {by_hand.H:.6f}); w and b after {EPOCHS[-1]} epochs:\n\n"
        f"{aligned(table)}\n\n"
        f"The least loss is {outcome.descent[best].loss[-1]:.4f}, at a rate of {best[0]:g} after {best[1]} epochs. "
        "It can come as near to 0 as one\nlikes: the two species do not overlap, and larger weights are a steeper step."
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print its report and draw its pictures into a folder."""
    outcome = run()
    print(report(outcome))
    print()
    for path in draw(outcome, Path(plots)):
        print(f"wrote {path}")
    return 0


def draw(outcome: Outcome, folder: Path) -> list[Path]:
    """The slices at the start, and the ways; returns the files written."""
    from ..plots._figures import BLUE, GREEN, RED, new_figure
    from ._figures import STYLES, save

    x, y = by_hand.data()
    model = build(RATES[0])
    figure = new_figure(9, 4)
    for ax, name, index, now, least in zip(
        figure.subplots(1, 2, sharey=True), "wb", ((0, 0), (0,)), (W, B), outcome.least, strict=True
    ):
        losses = model.loss_slice(0, index, VALUES, x, y)
        ax.plot(VALUES, losses, color=BLUE)
        ax.plot([now], [outcome.looking.loss[0]], "o", color=RED, label=f"now: {name} = {now:g}")
        ax.plot([least], [losses.min()], "v", color=GREEN, markersize=9, label=f"least: {name} = {least:.2f}")
        ax.set_xlabel(name)
        ax.set_xlim(-5.4, 5.4)
        ax.set_ylim(0, 0.75)
        ax.grid(alpha=0.3)
        ax.legend(loc="upper center" if name == "w" else "lower right")
    figure.axes[0].set_ylabel("loss")
    figure.suptitle(f"Exercise 3: the loss at w = {W}, b = {B} when one of them changes")
    first = save(figure, folder, "exercise-3.png")

    figure = new_figure(11, 4.4)
    left, right = figure.subplots(1, 2)
    grid_w, grid_b = np.linspace(-0.6, 5.2, 100), np.linspace(-9, 0.6, 110)
    z = grid_w[None, :, None] * x + grid_b[:, None, None]
    surface = np.mean(np.abs(1 / (1 + np.exp(-z)) - y), axis=2)
    levels = left.contourf(grid_w, grid_b, surface, 14, cmap="cividis")
    figure.colorbar(levels, ax=left, label="loss")
    styles = dict(zip(RATES, [*STYLES[1:], STYLES[0]], strict=True))
    ways: list[tuple[str, Path2D, Any]] = [("by looking", outcome.looking, ("white", "-"))]
    for rate in (0.3, 3.0, 30.0):
        ways.append((f"rate {rate:g}, 500 epochs", outcome.descent[rate, 500], styles[rate]))
    for label, way, (colour, dashes) in ways:
        left.plot(way.w, way.b, color=colour, linestyle=dashes, linewidth=2, label=label)
        left.plot(way.w[-1:], way.b[-1:], "o", color=colour, markeredgecolor="black")
    left.set_xlim(-0.6, 5.2)
    left.set_ylim(-9, 0.6)
    left.set_xlabel("w")
    left.set_ylabel("b")
    left.legend(loc="upper right", facecolor="lightgrey", fontsize=8)
    for rate, style in styles.items():
        way = outcome.descent[rate, EPOCHS[-1]]
        right.plot(np.arange(len(way.loss)) + 1, way.loss, color=style[0], linestyle=style[1], label=f"rate {rate:g}")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("epoch")
    right.set_ylabel("loss")
    right.grid(alpha=0.3)
    right.legend()
    figure.suptitle("Exercise 4: the ways to less loss, and how soon they get there")
    return [first, save(figure, folder, "exercise-4.png")]
