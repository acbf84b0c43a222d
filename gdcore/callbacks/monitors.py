"""Callbacks that watch a figure of the logs: `EarlyStopping`, `ReduceLROnPlateau`, `TerminateOnNaN`."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from .._fields import Choice, Flag, Text
from ..metrics import is_smaller_better
from .base import Callback
from .rates import learning_rate_of
from .settings import Factor, Number, Verbosity

if TYPE_CHECKING:
    from .base import Logs

MODES = ("auto", "min", "max")


class Monitoring(Protocol):
    """A callback with the settings of a `Monitor`."""

    monitor: Any
    mode: Any
    min_delta: Any
    model: Any


class Monitor(NamedTuple):
    """Which figure of the logs is watched, and what counts as better.

    A callback makes one of its settings whenever it looks, as these may be set at any time.
    """

    monitor: str
    """The figure's name in the logs."""
    mode: str
    """Whether it should be small ("min") or large ("max"); "auto" goes by the metric."""
    min_delta: float
    """A change of no more than that is not better."""
    model: Any
    who: str
    """What messages call the callback."""

    @classmethod
    def of(cls, callback: Monitoring) -> Monitor:
        """What the callback's settings say now."""
        return cls(callback.monitor, callback.mode, callback.min_delta, callback.model, type(callback).__name__)

    def smaller_is_better(self) -> bool:
        """Whether the figure should become small.

        Raises
        ------
        ValueError
            If the metric is one of the user's own, whose name says nothing.
        """
        if self.mode != "auto":
            return self.mode == "min"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return True
        metric = self.model._metric_named(name)
        smaller = None if metric is None else is_smaller_better(metric)
        if smaller is None:
            raise ValueError(
                f"{self.who} cannot tell whether monitor={self.monitor!r} should be small or large: "
                "say mode='min' or mode='max'"
            )
        return smaller

    def is_better(self, value: float, reference: float | None) -> bool:
        """Whether value is better than reference by more than min_delta, compared as numbers of the model's type."""
        if reference is None:
            return True
        kind = np.dtype(self.model.dtype).type
        if self.smaller_is_better():
            return bool(kind(value + self.min_delta) < kind(reference))
        return bool(kind(value - self.min_delta) > kind(reference))

    def read(self, logs: Logs) -> float | None:
        """The figure, or None and a warning."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{self.who} watches monitor={self.monitor!r}, which is not there; known: {', '.join(logs)}",
                stacklevel=3,
            )
        return logs.get(self.monitor)


class EarlyStopping(Callback):
    """End `fit` when a figure has stopped getting better.

    Parameters
    ----------
    monitor : str
        ``"loss"``, a metric, or one of them on the validation data with ``val_`` before it.
    min_delta : float
        A change of no more than that is not getting better.
    patience : int
        Epochs without getting better after which to stop.
    verbose : {0, 1}
        1 prints what happens.
    mode : {"auto", "min", "max"}
        Whether small or large is good; "auto" goes by the metric.
    baseline : float, optional
        Also count epochs in which the figure is not better than this.
    restore_best_weights : bool
        End with the weights of the best epoch.
    start_from_epoch : int
        Epochs at the start that are not looked at.

    Attributes
    ----------
    stopped_epoch, best_epoch : int
    best : float
    """

    monitor = Text()
    mode = Choice(MODES)
    min_delta = Number()
    patience = Number(0)
    verbose = Verbosity()
    baseline = Number(optional=True)
    restore_best_weights = Flag()
    start_from_epoch = Number(0)

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self.monitor = monitor
        self.mode = mode
        self.min_delta = min_delta
        self.min_delta = abs(self.min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        watched = Monitor.of(self)
        current = watched.read(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        better = watched.is_better(current, self.best)
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if better:
            self.best, self.best_epoch = current, epoch
            if self.baseline is None or watched.is_better(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Back to the weights of epoch {self.best_epoch + 1}, the best one")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(Callback):
    """Make the learning rate smaller when a figure has stopped getting better; it stands in the logs as
    ``learning_rate``.

    Parameters
    ----------
    monitor, verbose, mode : as in `EarlyStopping`
    factor : float
        Less than 1; multiplies the learning rate.
    patience : int
        Epochs without getting better after which to do it.
    min_delta : float
        A change of no more than that is not getting better.
    cooldown : int
        Epochs after it that are not counted.
    min_lr : float
        The learning rate goes no lower.
    """

    monitor = Text()
    mode = Choice(MODES)
    min_delta = Number()
    factor = Factor()
    patience = Number(0)
    verbose = Verbosity()
    cooldown = Number(0)
    min_lr = Number(0)

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self.monitor = monitor
        self.mode = mode
        self.min_delta = min_delta
        self.min_delta = abs(self.min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooldown_counter: float = 0

    def in_cooldown(self) -> bool:
        """Whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate_of(self.model)
        watched = Monitor.of(self)
        current = watched.read(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if watched.is_better(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        """Make the learning rate smaller, if it is above `min_lr`, and begin to cool down."""
        rate = learning_rate_of(self.model)
        if not rate > np.dtype(self.model.dtype).type(self.min_lr):
            return
        rate = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = rate
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: learning rate reduced to {rate}")


class TerminateOnNaN(Callback):
    """End `fit` at the first batch that makes the loss nan or inf.

    Parameters
    ----------
    raise_error : bool
        Raise a RuntimeError instead, so that `on_train_end` is not reached.
    """

    raise_error = Flag()

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"batch {batch} makes the loss {loss}")
        print(f"Batch {batch}: the loss is {loss}, training ends")
        self.model.stop_training = True
