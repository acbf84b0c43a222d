"""Exercise 2: the slopes of x / (1 + exp(-x)) at three points, and where it is lowest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .._text import aligned
from ..activations import silu
from ..plots._texts import translator
from ._report import write

POINTS = (-2.0, -1.0, 1.0)
STEEP = 0.5
"""A slope greater than this is called steep."""


def lowest() -> float:
    """Where the function has its minimum: between two points at which it falls and rises, halved again and again."""
    left, right = -2.0, -1.0
    while True:
        middle = (left + right) / 2
        if middle in (left, right):
            return middle
        left, right = (middle, right) if slope(middle) < 0 else (left, middle)


def value(x: float) -> float:
    """The function: Keras's silu."""
    return float(silu(np.float64(x)))


def slope(x: float) -> float:
    """The derivative."""
    return float(silu.derivative(np.float64(x)))


def report(minimum: float, lang: str = "en") -> str:
    """Values and slopes, and what they say."""
    say = translator(lang)
    lines = [["x", "f(x)", "f'(x)", ""]]
    for x in POINTS:
        way = say("falls: increase x") if slope(x) < 0 else say("rises: decrease x")
        much = say("steeply") if abs(slope(x)) > STEEP else say("gently")
        lines.append([f"{x:.8f}", f"{value(x):.8f}", f"{slope(x):+.8f}", f"{way} ({much})"])
    lines.append([f"{minimum:.8f}", f"{value(minimum):.8f}", f"{abs(slope(minimum)):.8f}", say("minimum")])
    width = max(len(line[-1]) for line in lines)
    return "f(x) = x / (1 + exp(-x))\n\n" + aligned([[*line[:-1], line[-1].ljust(width)] for line in lines], 0)


def main(plots: str | Path, lang: str = "en") -> int:
    """Print values and slopes, and draw the curve with its tangents."""
    minimum = lowest()
    print(report(minimum, lang))
    write({"exercise-2.png": draw(minimum, lang)}, plots, lang)
    return 0


def draw(minimum: float, lang: str) -> Any:
    """The curve, its tangent at each of the points, and its minimum."""
    from ..plots._figures import BLUE, GREEN, ORANGE, PURPLE, RED, axes_or_new

    say = translator(lang)
    ax = axes_or_new(None)
    x = np.linspace(-5, 2.2, 400)
    ax.plot(x, silu(x), color=BLUE, linewidth=2.5, label="$f(x) = x / (1 + e^{-x})$")
    for at, colour, style in zip(POINTS, (RED, ORANGE, PURPLE), ("--", "-.", ":"), strict=True):
        near = np.array([at - 1, at + 1])
        ax.plot(near, value(at) + slope(at) * (near - at), color=colour, linestyle=style, linewidth=2)
        ax.plot(
            [at], [value(at)], "o", color=colour, markersize=8, label=f"{say('slope')} {slope(at):.3f}, $x = {at:g}$"
        )
    label = f"{say('minimum')} {value(minimum):.3f}, $x = {minimum:.3f}$"
    ax.plot([minimum], [value(minimum)], "*", color=GREEN, markersize=14, markeredgecolor="white", label=label)
    ax.set_xlabel("$x$")
    ax.set_ylabel("$f(x)$")
    ax.grid(alpha=0.3)
    ax.legend()
    return ax
