"""gdcore: gradient descent at C speed, with Keras's API and Keras's numbers."""

from typing import TYPE_CHECKING, Any

from . import (
    _moved,
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
from ._version import __version__ as __version__
from .config import get_num_threads, set_num_threads, show_config
from .layers import Input
from .models import Sequential, check_gradients

if TYPE_CHECKING:
    from . import data, datasets, lessons, optimize, plots, reference, surfaces, tuning, verification
    from .data import Dataset
    from .optimize import minimize
    from .tuning import find_batch_size, sweep
    from .verification import verify

__all__ = [
    "Dataset",
    "Input",
    "Sequential",
    "activations",
    "callbacks",
    "check_gradients",
    "constraints",
    "data",
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
    "optimize",
    "optimizers",
    "plots",
    "random",
    "reference",
    "regularizers",
    "set_num_threads",
    "show_config",
    "surfaces",
    "sweep",
    "tuning",
    "utils",
    "verification",
    "verify",
]

# name -> the module that it is, or that has it: these load what importing the package must not wait for
_LAZY = {
    "Dataset": "data",
    "bench": "bench",
    "data": "data",
    "datasets": "datasets",
    "find_batch_size": "tuning",
    "lessons": "lessons",
    "minimize": "optimize",
    "optimize": "optimize",
    "plots": "plots",
    "reference": "reference",
    "surfaces": "surfaces",
    "sweep": "tuning",
    "tuning": "tuning",
    "verification": "verification",
    "verify": "verification",
}

_moved.install()


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _LAZY:
        module = import_module(f".{_LAZY[name]}", __name__)
        return module if _LAZY[name] == name else getattr(module, name)
    if f"{__name__}.{name}" in _moved.MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# SciPy calls an optimizer as its method; what runs then lies above the optimizers, and loads SciPy
optimizers.base.provide_minimize(lambda: __getattr__("minimize"))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
