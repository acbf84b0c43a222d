"""`LearningRateScheduler`: learning rates by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .base import Callback
from .settings import Verbosity

if TYPE_CHECKING:
    from collections.abc import Callable

    from .base import Logs


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch; it stands in the logs as ``learning_rate``.

    Parameters
    ----------
    schedule : callable
        Takes (epoch, learning rate so far), or the epoch alone, and returns the learning rate as a float.
    verbose : {0, 1}
        1 prints each rate.
    """

    verbose = Verbosity()

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule={schedule!r} cannot be called")
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        try:
            rate = self.schedule(epoch, learning_rate_of(self.model))
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, float | np.floating):
            raise ValueError(f"schedule returned {rate!r} for epoch {epoch}, expected a float")
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: learning rate {rate}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate_of(self.model)


def learning_rate_of(model: Any) -> float:
    """The rate as the model's arithmetic has it: rounded to its type, as Keras's is to float32."""
    return float(np.dtype(model.dtype).type(model.optimizer.learning_rate))
