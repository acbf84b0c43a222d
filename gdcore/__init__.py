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
from ._threads import get_num_threads, set_num_threads
from .gradients import check_gradients
from .layers import Input
from .models import Sequential

if TYPE_CHECKING:
    from . import datasets, lessons, plots, reference, surfaces
    from ._batch_size import find_batch_size
    from ._dataset import Dataset
    from ._minimize import minimize
    from ._sweep import sweep
    from ._verify import verify

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "Input",
    "Sequential",
    "activations",
    "callbacks",
    "check_gradients",
    "constraints",
    "datasets",
    "find_batch_size",
    "get_num_threads",
    "initializers",
    "layers",
    "lessons",
    "losses",
    "metrics",
    "minimize",
    "models",
    "optimizers",
    "plots",
    "random",
    "reference",
    "regularizers",
    "set_num_threads",
    "show_config",
    "surfaces",
    "sweep",
    "utils",
    "verify",
]

# name -> the module that is it, or has it
_LAZY = {
    "Dataset": "_dataset",
    "datasets": "datasets",
    "find_batch_size": "_batch_size",
    "lessons": "lessons",
    "minimize": "_minimize",
    "plots": "plots",
    "reference": "reference",
    "surfaces": "surfaces",
    "sweep": "_sweep",
    "verify": "_verify",
}


def __getattr__(name: str) -> Any:
    # these load what importing the package must not wait for
    if name in _LAZY:
        from importlib import import_module

        module = import_module(f".{_LAZY[name]}", __name__)
        return getattr(module, name) if _LAZY[name].startswith("_") else module
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
