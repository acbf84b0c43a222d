"""gdcore: gradient descent at C speed, with Keras's API and Keras's numbers."""

from typing import TYPE_CHECKING, Any

from . import (
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    random,
    regularizers,
    utils,
)
from ._config import show_config
from .gradients import check_gradients
from .layers import Input
from .models import Sequential

if TYPE_CHECKING:
    from . import datasets, lessons, plots, reference

__version__ = "0.1.0"

__all__ = [
    "Input",
    "Sequential",
    "activations",
    "callbacks",
    "check_gradients",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "lessons",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "random",
    "reference",
    "regularizers",
    "show_config",
    "utils",
]

_LAZY = {"datasets", "lessons", "plots", "reference"}


def __getattr__(name: str) -> Any:
    # these load what importing the package must not wait for
    if name in _LAZY:
        from importlib import import_module

        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
