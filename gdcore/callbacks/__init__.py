"""What `fit`, `evaluate` and `predict` call on their way: Keras's callbacks (``keras/src/callbacks``).

Hooks around batches are called only where some callback overrides one; otherwise a whole epoch is one call of
the core.  The logs of those hooks hold the means over the batches so far.  Names in logs stand in alphabetical
order, and what a callback adds to the logs of `on_epoch_end` is seen by those after it in the list.
"""

from typing import TYPE_CHECKING, Any

from .base import Callback, LambdaCallback
from .container import CallbackList
from .history import History
from .progress import ProgbarLogger, TqdmCallback

if TYPE_CHECKING:
    from .averaging import SwapEMAWeights
    from .files import BackupAndRestore, CSVLogger, ModelCheckpoint
    from .monitors import EarlyStopping, ReduceLROnPlateau, TerminateOnNaN
    from .rates import LearningRateScheduler

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
    "TqdmCallback",
]

# name -> the module that has it: these load when somebody asks for them, and `import gdcore` does not wait for them
_LAZY = {
    "BackupAndRestore": "files",
    "CSVLogger": "files",
    "EarlyStopping": "monitors",
    "LearningRateScheduler": "rates",
    "ModelCheckpoint": "files",
    "ReduceLROnPlateau": "monitors",
    "SwapEMAWeights": "averaging",
    "TerminateOnNaN": "monitors",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = globals()[name] = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    return thing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
