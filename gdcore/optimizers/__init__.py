"""Optimizers, with Keras's names, defaults and order of operations (``keras/src/optimizers``).

They train a model, or work alone on arrays, in place::

    opt = gdcore.optimizers.Adam(0.01)
    opt.build([a, b])
    opt.apply([gradient_of_a, gradient_of_b], [a, b])

`base` has what all of them share, `sgd`, `adaptive`, `adam` and `matrix` the kinds, `scaling` the loss scale around
any of them, `schedules` learning rates that change by themselves, `lookup` the names, and `keras_state` the order of
Keras's files.
"""

from . import lookup as lookup
from . import schedules
from .adam import Adam, Adamax, AdamW, Nadam, ScheduleFreeAdamW
from .adaptive import Adadelta, Adagrad, Adan, Ftrl, Lion, RMSprop
from .base import Optimizer
from .lookup import deserialize, get, serialize
from .matrix import Adafactor, Lamb, Muon
from .scaling import LossScaleOptimizer
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
