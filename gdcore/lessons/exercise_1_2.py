"""Exercises 1 and 2: what sign and size of a derivative say, and the minimum of x / (1 + exp(-x)).

The course asks whether a loss rises or falls with each of its parameters, and which way to move them; here they are
those of the net of the lesson by-hand.  Then the same is asked of a function on paper.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import activations, random
from .._text import aligned
from ..models import Sequential
from . import by_hand

POINTS = (-2.0, -1.0, 1.0)


class Outcome(NamedTuple):
    """What `run` returns."""

    model: Sequential
    x: Any
    y: Any
    slopes: dict[str, float]
    """Parameter -> derivative of the loss."""
    values: Any
    """x / (1 + exp(-x)) at `POINTS`."""
    derivatives: Any
    minimum: float
    """Where that function is least."""


def swish(x: Any) -> Any:
    """x / (1 + exp(-x)) in float64: Keras's silu."""
    return activations.get("silu")(np.asarray(x, np.float64))


def swish_slope(x: Any) -> Any:
    """The derivative of `swish`."""
    return activations.get("silu").derivative(np.asarray(x, np.float64))


def minimum(low: float = -2.0, high: float = 0.0) -> float:
    """Where the derivative changes its sign, by halving to the last digit."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if swish_slope(middle) < 0 else (low, middle)
    return high


def run() -> Outcome:
    """Derivatives of the net's loss and of the function."""
    x, y = by_hand.data()
    stream = random.get_stream()
    try:
        random.set_seed(by_hand.SEED)
        model = by_hand.build("float64")
    finally:
        random.set_stream(stream)
    model.compile("sgd", "mae")
    _, gradient = model.gradient(x, y)
    slopes = {name: float(gradient[2 * layer + (len(index) == 1)][index]) for name, layer, index in by_hand.PARAMETERS}
    return Outcome(model, x, y, slopes, swish(POINTS), swish_slope(POINTS), minimum())


def report(outcome: Outcome) -> str:
    """The text that the command prints."""
    lines = [["parameter", "derivative", "the loss", "so the parameter should"]]
    for name, slope in sorted(outcome.slopes.items(), key=lambda item: -abs(item[1])):
        lines.append([name, f"{slope:+.6f}", "rises" if slope > 0 else "falls", "shrink" if slope > 0 else "grow"])
    table = [["x", "f(x)", "f'(x)", "the function"]]
    for x, value, slope in zip(POINTS, outcome.values, outcome.derivatives, strict=True):
        kind = f"{'rises' if slope > 0 else 'falls'}, {'steeply' if abs(slope) > 0.5 else 'gently'}"
        table.append([f"{x:g}", f"{value:.6f}", f"{slope:+.6f}", kind])
    low = outcome.minimum
    return (
        "Exercise 1: the loss of the net of the lesson by-hand, by each parameter, the steepest first.\n"
        "Its sign says which way to go, its size how much the loss gains.\n\n"
        f"{aligned(lines)}\n\n"
        f"Exercise 2: f(x) = x / (1 + exp(-x))\n\n{aligned(table)}\n\n"
        f"least at x = {low:.8f}, where f = {float(swish(low)):.8f} and f' = {float(swish_slope(low)):.0e}"
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print its report and draw its picture into a folder."""
    outcome = run()
    print(report(outcome))
    print()
    for path in draw(outcome, Path(plots)):
        print(f"wrote {path}")
    return 0


def draw(outcome: Outcome, folder: Path) -> list[Path]:
    """Slices of the loss, and the function, with tangents; returns the files written."""
    from ..plots import plot_slices
    from ..plots._figures import BLUE, GREEN, ORANGE, RED, new_figure
    from ._figures import save

    parameters = [(layer, index, name) for name, layer, index in by_hand.PARAMETERS]
    slices = plot_slices(outcome.model, parameters, np.linspace(-5, 5, 200), outcome.x, outcome.y)
    now = by_hand.parameters(outcome.model)
    loss = outcome.model.evaluate(outcome.x, outcome.y, batch_size=len(outcome.x))
    for ax, (name, slope), value in zip(slices.axes, outcome.slopes.items(), now, strict=False):
        reach = np.array([-2.5, 2.5])
        ax.plot(value + reach, loss + slope * reach, color=ORANGE, linestyle="--", linewidth=1.5)
        ax.set_title(f"{slope:+.4f}: {name} should {'shrink' if slope > 0 else 'grow'}", fontsize=9)
        ax.set_ylim(0.42, 0.64)
    slices.suptitle("Exercise 1: loss by one parameter (line), where it is now (dot) and its slope there (dashed)")

    figure = new_figure(7, 4.5)
    ax = figure.add_subplot()
    x = np.linspace(-5, 2, 300)
    ax.plot(x, swish(x), color=BLUE, label="f(x) = x / (1 + exp(-x))")
    for point, value, slope, place in zip(
        POINTS, outcome.values, outcome.derivatives, [(-10, 22), (42, -18), (-62, 4)], strict=True
    ):
        reach = np.array([-0.6, 0.6])
        ax.plot(point + reach, value + slope * reach, color=ORANGE, linewidth=2.5)
        ax.plot([point], [value], "o", color=RED)
        ax.annotate(f"f'({point:g}) = {slope:+.3f}", (point, value), place, textcoords="offset points", ha="center")
    low = outcome.minimum
    ax.plot([low], [float(swish(low))], "v", color=GREEN, markersize=9, label=f"least at {low:.4f}")
    ax.set_xlabel("x")
    ax.set_ylabel("f(x)")
    ax.set_title("Exercise 2: three slopes and the minimum")
    ax.set_ylim(-0.45, 1.85)
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left")
    return [save(slices, folder, "exercise-1.png"), save(figure, folder, "exercise-2.png")]
