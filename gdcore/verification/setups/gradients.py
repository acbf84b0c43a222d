"""Nets whose analytic gradients are compared with central differences, around each layer, activation and loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .activations import ACTIVATIONS
from .draw import Draw, SetUp
from .layers import LAYERS
from .losses import LOSSES
from .trainings import dense, layer, training, training_with_loss


def draw(ours: Any, seed: int) -> Iterator[SetUp]:
    """A small net in float64 around each layer, activation and loss."""
    d = Draw(seed)
    for name, own in LAYERS.items():
        yield SetUp("layers", name, training(d, [dense(5, "tanh"), layer(name, **own(d))], "float64"))
    for name, settings in ACTIVATIONS.items():
        if name != "glu":  # which no layer can have
            activation = getattr(ours.activations, name).with_parameters(**settings(d))
            if "axis" in activation.parameters:
                activation = getattr(ours.activations, name)
            yield SetUp("activations", name, training(d, [dense(5, activation)], "float64", "real"))
    for name, (kinds, settings) in LOSSES.items():
        yield SetUp("losses", name, training_with_loss(d, name, kinds.split()[0], settings(d), "float64"))
