"""The neuron of exercises 3 and 4: sigmoid(w x + b) on the petal lengths of 99 flowers, by mean absolute error."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import layers
from ..models import Sequential
from ..plots._texts import translator
from .by_hand import data

START = (-0.3, 0.1)
PARAMETERS: tuple[tuple[int, tuple[int, ...], str], ...] = ((0, (0, 0), "w"), (0, (0,), "b"))
RANGE = np.linspace(-4, 4, 400)
"""Where the pictures evaluate the loss, over w and over b.

The best values that the course's text gives, w = 0.55 and b = -4, are those of this range; its code goes from -5 to 5.
"""


def build(optimizer: Any = "sgd", **options: Any) -> Sequential:
    """The neuron at `START`."""
    model = Sequential([layers.Dense(1, activation="sigmoid", input_dim=1)], dtype="float64")
    model.set_weights([[[START[0]]], [START[1]]])
    model.compile(optimizer, loss="mae", **options)
    return model


def put(model: Sequential, w: float, b: float) -> float:
    """Set both parameters; returns the loss."""
    x, y = data()
    model.set_weights([[[w]], [b]])
    return float(model.evaluate(x, y, batch_size=len(x)))


def table(steps: Any, losses: Any, lang: str) -> str:
    """A line for each step."""
    say = translator(lang)
    lines = [f"{say('epoch'):>6}{'w':>10}{'b':>10}{say('loss'):>10}"]
    lines += [
        f"{i:>6}{w:>10.4f}{b:>10.4f}{loss:>10.4f}" for i, ((w, b), loss) in enumerate(zip(steps, losses, strict=True))
    ]
    return "\n".join(lines)
