"""Exercise 2: the slopes of x / (1 + exp(-x)) at three points, and where it is lowest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..activations import silu
from ..plots._texts import translator
from ._report import write

POINTS = (-2.0, -1.0, 1.0)


def lowest() -> float:
    """Where the function has its minimum: between two points at which it falls and rises, halved again and again."""
    left, right = -2.0, -1.0
    while True:
        middle = (left + right) / 2
        if middle in (left, right):
            return middle
        left, right = (middle, right) if slope(middle) < 0 else (left, middle)


def slope(x: float) -> float:
    """The derivative."""
    return float(silu.derivative(np.float64(x)))


def main(plots: str | Path, lang: str = "en") -> int:
    """Print values and slopes, and draw the curve with its tangents."""
    say = translator(lang)
    x = lowest()
    print("        x      f(x)     f'(x)")
    for at in (*POINTS, x):
        kind = say("minimum") if at == x else say("falls: increase x") if slope(at) < 0 else say("rises: decrease x")
        print(f"{at:>9.5f}{float(silu(np.float64(at))):>10.5f}{slope(at):>10.5f}  {kind}")
    write({"exercise-2.png": draw(x, lang)}, plots, lang)
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
        height = float(silu(np.float64(at)))
        ax.plot(near, height + slope(at) * (near - at), color=colour, linestyle=style, linewidth=2)
        ax.plot([at], [height], "o", color=colour, markersize=8, label=f"{say('slope')} {slope(at):.3f}, $x = {at:g}$")
    label = f"{say('minimum')} {float(silu(np.float64(minimum))):.3f}, $x = {minimum:.3f}$"
    ax.plot([minimum], silu(np.array([minimum])), "*", color=GREEN, markersize=14, markeredgecolor="white", label=label)
    ax.set_xlabel("$x$")
    ax.set_ylabel("$f(x)$")
    ax.grid(alpha=0.3)
    ax.legend()
    return ax
