"""What `fit`, `evaluate` and `predict` call on their way: Keras's callbacks (``keras/src/callbacks``).

Hooks around batches are called only where some callback overrides one; otherwise a whole epoch is one call of
the core.  The logs of those hooks hold the means over the batches so far.  Names in logs stand in alphabetical
order, and what a callback adds to the logs of `on_epoch_end` is seen by those after it in the list.
"""

from .averaging import SwapEMAWeights
from .base import Callback, LambdaCallback
from .container import CallbackList
from .files import BackupAndRestore, CSVLogger, ModelCheckpoint
from .history import History
from .monitors import EarlyStopping, ReduceLROnPlateau, TerminateOnNaN
from .progress import ProgbarLogger, TqdmCallback
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
