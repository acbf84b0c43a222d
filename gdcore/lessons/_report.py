"""What the lessons share: descents on the course's surface, tables, and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import optimizers
from ..plots._texts import translator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START = (-0.35, -0.67)
"""Where most of the course's descents begin."""


def descend(optimizer: optimizers.Optimizer | float, epochs: int, start: Sequence[float] = START) -> Any:
    """A descent on the course's surface by an optimizer, or by plain gradient descent of that rate."""
    from .. import minimize, surfaces

    if not isinstance(optimizer, optimizers.Optimizer):
        optimizer = optimizers.SGD(optimizer)
    return minimize(surfaces.peaks, start, optimizer=optimizer, maxiter=epochs, trajectory=True)


def table(results: Mapping[str, Any], first: str, lang: str) -> str:
    """A line for each descent: the epochs made, the point reached, and the value there."""
    say = translator(lang)
    width = max(len(text) for text in (first, *results)) + 2
    epochs, point = say("epochs"), say("point reached")
    lines = [f"{first:<{width}}{epochs:>7}  {point:>18}  {say('loss'):>9}"]
    for name, result in results.items():
        place = f"({result.x[0]:8.5f}, {result.x[1]:8.5f})"
        lines.append(f"{name:<{width}}{result.nit:>7}  {place:>18}  {float(result.fun):>9.5f}")
    return "\n".join(lines)


def write(pictures: Mapping[str, Any], folder: str | Path, lang: str) -> None:
    """Save pictures under their names, and say so."""
    from ..plots import save

    say = translator(lang)
    Path(folder).mkdir(parents=True, exist_ok=True)
    print()
    for name, picture in pictures.items():
        save(picture, Path(folder) / name)
        print(say("wrote {}").format(Path(folder) / name))
