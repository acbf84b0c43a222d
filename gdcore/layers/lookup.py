"""Layers by name: the table that each layer enters where it is defined, and what reads it."""

from __future__ import annotations

from typing import Any

from .._registry import Registry
from .base import Layer

TABLE = Registry(Layer, "layer", "keras.layers")


def serialize(layer: Layer) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the layer, without its weights."""
    return TABLE.serialize(layer)


def deserialize(config: dict[str, Any]) -> Layer:
    """The layer that `serialize` described.

    Raises
    ------
    ValueError
        If there is no layer of that name (it suggests the nearest ones), or a setting is wrong.
    """
    return TABLE.deserialize(config)
