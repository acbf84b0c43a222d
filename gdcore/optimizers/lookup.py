"""Optimizers by name, and as the dictionaries that Keras's files hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .._names import serialized, unknown
from .base import Optimizer

if TYPE_CHECKING:
    from collections.abc import Mapping

_O = TypeVar("_O", bound=Optimizer)

CLASSES: dict[str, type[Optimizer]] = {}
"""All optimizers by the name of their class; each puts itself here by `register`."""

BY_LOWER_NAME: dict[str, type[Optimizer]] = {}
"""The same by the name in small letters."""


def register(cls: type[_O]) -> type[_O]:
    """Let an optimizer's class be found by its name."""
    CLASSES[cls.__name__] = cls
    BY_LOWER_NAME[cls.__name__.lower()] = cls
    return cls


def find(name: Any) -> type[Optimizer]:
    """The class of that name, in any case.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if not isinstance(name, str) or name.lower() not in BY_LOWER_NAME:
        raise unknown("optimizer", name, CLASSES)
    return BY_LOWER_NAME[name.lower()]


def get(identifier: str | Optimizer | dict[str, Any]) -> Optimizer:
    """The optimizer of that name (in any case) or serialized form; an optimizer is returned as it is.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    return deserialize(identifier) if isinstance(identifier, dict) else find(identifier).from_config({})


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """A dictionary, in Keras's form, that `deserialize` turns back into the optimizer."""
    return serialized("keras.optimizers", optimizer)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that `serialize` (or Keras's) described; custom_objects holds your own schedules by name.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    return find(config.get("class_name")).from_config(dict(config.get("config", {})), custom_objects)
