"""What `fit`, `evaluate` and `predict` call on their way: Keras's callbacks (``keras/src/callbacks``).

Hooks around batches are called only where some callback overrides one; otherwise a whole epoch is one call of
the core.  The logs of those hooks hold the means over the batches so far.  Names in logs stand in alphabetical
order, and what a callback adds to the logs of `on_epoch_end` is seen by those after it in the list.
"""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .._names import look_up
from ..optimizers import _number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Logs = dict[str, Any] | None


class Callback:
    """Subclass it and override what you need.

    Setting ``self.model.stop_training`` ends `fit` after the batch at hand and the end of its epoch;
    ``stop_evaluating`` and ``stop_predicting`` do so for the others.

    Attributes
    ----------
    model : Sequential
    params : dict
        ``{"verbose": ..., "epochs": ..., "steps": ...}``
    """

    model: Any = None
    params: dict[str, Any] | None = None

    def set_model(self, model: Any) -> None:
        """Called first, with the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called second, with the parameters of this training."""
        self.params = params

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After the last epoch; logs are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch (from 0)."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch; logs hold the loss, the metrics, and both on the validation data as ``val_...``."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch (from 0 in each epoch); calls `on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch, with the means over the batches so far; calls `on_batch_end`."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The old name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The old name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before `evaluate`, and before `fit` looks at the validation data."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After that, with the loss and the metrics."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of it."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of it, with the means over the batches so far."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """After `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of `predict`; ``logs["outputs"]`` are its outputs."""

    def _uses(self, hook: str) -> bool:
        """Whether that hook does anything, so that it must be called."""
        return hook in vars(self) or getattr(type(self), hook) is not getattr(Callback, hook)


_HOOKS = {name: hook for name, hook in vars(Callback).items() if name.startswith("on_")}


_AROUND_BATCHES = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList(Callback):
    """Calls all of its callbacks, in order; what `fit` makes of ``callbacks=``.

    Parameters
    ----------
    callbacks : Callback or (nested) list of Callback, optional
    add_history, add_progbar : bool
        Append a `History` or a `ProgbarLogger` if there is none.
    model : Sequential, optional
    params
        What the callbacks find in ``params``.

    Raises
    ------
    TypeError
        If it is given anything else than callbacks.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks = [] if callbacks is None else list(_flattened(callbacks))
        self._history: History | None = None
        self._progbar: ProgbarLogger | None = None
        for callback in self.callbacks:
            if isinstance(callback, History):
                self._history = callback
            elif isinstance(callback, ProgbarLogger):
                self._progbar = callback
        if add_history and self._history is None:
            self._history = History()
            self.append(self._history)
        if add_progbar and self._progbar is None:
            self._progbar = ProgbarLogger()
            self.append(self._progbar)
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Put a callback at the end."""
        self.callbacks.append(callback)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def _uses(self, hook: str) -> bool:
        return any(callback._uses(hook) for callback in self.callbacks)

    def _uses_batches(self, kind: str) -> bool:
        """Whether hooks around the batches of "train", "test" or "predict" must be called."""
        return bool(self.callbacks) and any(map(self._uses, _AROUND_BATCHES[kind]))

    def _call(self, hook: str, logs: Logs, *index: int) -> None:
        if not self.callbacks:
            return
        shared = dict(sorted(logs.items())) if logs else {}
        for callback in self.callbacks:
            getattr(callback, hook)(*index, shared)


def _calling_all(hook: str) -> Callable[..., None]:
    def call(self: CallbackList, logs: Logs = None) -> None:
        self._call(hook, logs)

    def call_with_index(self: CallbackList, index: int, logs: Logs = None) -> None:
        self._call(hook, logs, index)

    return call_with_index if "epoch" in hook or "batch" in hook else call


for _hook in _HOOKS:
    setattr(CallbackList, _hook, _calling_all(_hook))


def _flattened(callbacks: Any) -> Iterator[Callback]:
    if isinstance(callbacks, list | tuple):
        for entry in callbacks:
            yield from _flattened(entry)
    elif isinstance(callbacks, Callback):
        yield callbacks
    else:
        raise TypeError(f"callbacks holds {callbacks!r}, expected gdcore.callbacks.Callback objects")


class History(Callback):
    """The losses and metrics by epoch.

    Attributes
    ----------
    history : dict of str to list of float
    epoch : list of int
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self, keys: list[str] | None = None, ax: Any = None, *, lang: str = "en") -> Any:
        """Draw the learning curves: `gdcore.plots.plot_history` of this."""
        from ..plots import plot_history

        return plot_history(self, keys, ax, lang=lang)

    def _extend(self, first: int, names: list[str], figures: Any) -> None:
        """Append many epochs at once; figures has a row for each and a column for each name."""
        self.epoch.extend(range(first, first + len(figures)))
        for name, column in sorted(zip(names, figures.T.tolist(), strict=True)):
            self.history.setdefault(name, []).extend(column)

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}>"


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable taking (epoch, logs), optional
    on_train_begin, on_train_end : callable taking (logs), optional
    on_train_batch_begin, on_train_batch_end : callable taking (batch, logs), optional
    hooks
        Functions for any other hook of `Callback`, by its name.

    Raises
    ------
    ValueError, TypeError
        For a name that is no hook, and for what cannot be called.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **hooks: Callable[..., Any] | None,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **hooks,
        }
        for name, function in given.items():
            look_up("hook", name, _HOOKS)
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"{name}={function!r} cannot be called")
            setattr(self, name, function)


_SMALL_IS_GOOD = ("Error", "Hinge", "Crossentropy", "Divergence", "Poisson")
_LARGE_IS_GOOD = tuple("Accuracy AUC Precision Recall Sensitivity Specificity Score IoU Correlation Similarity".split())


class _MonitorCallback(Callback):
    """What watches one of the figures in the logs for getting better."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0, best: float | None = None) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor={monitor!r} is not a string")
        look_up("mode", mode, {"auto": None, "min": None, "max": None})
        _number("min_delta", min_delta, -math.inf, math.inf)
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = best

    def _smaller_is_better(self) -> bool:
        if self.mode != "auto":
            return self.mode == "min"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return True
        # what the metric's class is called in Keras tells; a class of one's own has none of these names
        classes = type(self.model._metric_named(name)).__mro__
        kind = next((c.__name__ for c in classes if c.__module__.startswith("gdcore.metrics")), "")
        if not kind.endswith(_SMALL_IS_GOOD + _LARGE_IS_GOOD):
            raise ValueError(
                f"{type(self).__name__} cannot tell whether monitor={self.monitor!r} should be small or large: "
                "say mode='min' or mode='max'"
            )
        return kind.endswith(_SMALL_IS_GOOD)

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether value is better than reference by more than min_delta, compared as numbers of the model's type."""
        if reference is None:
            return True
        kind = np.dtype(self.model.dtype).type
        if self._smaller_is_better():
            return bool(kind(value + self.min_delta) < kind(reference))
        return bool(kind(value - self.min_delta) > kind(reference))

    def _monitored(self, logs: Logs) -> float | None:
        """The figure, or None and a warning."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__} watches monitor={self.monitor!r}, which is not there; known: {', '.join(logs)}",
                stacklevel=3,
            )
        return logs.get(self.monitor)


class EarlyStopping(_MonitorCallback):
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
        super().__init__(monitor, mode, min_delta)
        _number("patience", patience, 0.0, math.inf)
        _number("start_from_epoch", start_from_epoch, 0.0, math.inf)
        if baseline is not None:
            _number("baseline", baseline, -math.inf, math.inf)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        current = self._monitored(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        better = self._is_improvement(current, self.best)
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if better:
            self.best, self.best_epoch = current, epoch
            if self.baseline is None or self._is_improvement(current, self.baseline):
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


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch; it stands in the logs as ``learning_rate``.

    Parameters
    ----------
    schedule : callable
        Takes (epoch, learning rate so far), or the epoch alone, and returns the learning rate as a float.
    verbose : {0, 1}
        1 prints each rate.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule={schedule!r} cannot be called")
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        try:
            rate = self.schedule(epoch, _learning_rate(self.model))
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, float | np.floating):
            raise ValueError(f"schedule returned {rate!r} for epoch {epoch}, expected a float")
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: learning rate {rate}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = _learning_rate(self.model)


class ReduceLROnPlateau(_MonitorCallback):
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
        super().__init__(monitor, mode, min_delta)
        if not 0 <= factor < 1:
            raise ValueError(f"factor={factor!r} is not at least 0 and less than 1")
        _number("patience", patience, 0.0, math.inf)
        _number("cooldown", cooldown, 0.0, math.inf)
        _number("min_lr", min_lr, 0.0, math.inf)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        rate = _learning_rate(self.model)
        if logs is not None:
            logs["learning_rate"] = rate
        current = self._monitored(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and rate > np.dtype(self.model.dtype).type(self.min_lr):
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


class CSVLogger(Callback):
    """Write the logs of each epoch to a file, one line each.

    Parameters
    ----------
    filename : path-like
    separator : str
        One character.
    append : bool
        Go on with the file if there is one.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator={separator!r} is not one character")
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self.keys = None
        # opened for each line only, so that an interrupted fit leaves no file open
        with open(self.filename, "a" if self.append else "w") as file:
            self._header = file.tell() == 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        import csv

        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        with open(self.filename, "a", newline="") as file:
            writer = csv.writer(file, delimiter=self.sep)
            if self._header:
                writer.writerow(["epoch", *self.keys])
                self._header = False
            writer.writerow([epoch, *(logs.get(key, "NA") for key in self.keys)])


class _SavingCallback(Callback):
    """What saves after each epoch, or once in so many batches."""

    def __init__(self, save_freq: str | int) -> None:
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool)
        if save_freq != "epoch" and not (whole and int(save_freq) > 0):
            raise ValueError(f"save_freq={save_freq!r} is not 'epoch' or a positive integer")
        self.save_freq = save_freq
        self._batches_seen_since_last_saving = 0

    def _uses(self, hook: str) -> bool:
        # saving once an epoch needs no look at batches
        own = type(self).on_train_batch_end is _SavingCallback.on_train_batch_end
        return super()._uses(hook) and not (hook == "on_train_batch_end" and own and self.save_freq == "epoch")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self.save_freq == "epoch":
            return
        self._batches_seen_since_last_saving += 1
        if self._batches_seen_since_last_saving >= int(self.save_freq):
            self._batches_seen_since_last_saving = 0
            self._save(logs, batch)

    def _save(self, logs: Logs, batch: int | None) -> None:
        raise NotImplementedError


class ModelCheckpoint(_SavingCallback, _MonitorCallback):
    """Save the model, or its weights, from time to time.

    Parameters
    ----------
    filepath : path-like
        May hold names in braces: ``{epoch:02d}`` (from 1), ``{batch:02d}`` (from 1) with a `save_freq` of batches,
        and what is in the logs: ``{val_loss:.2f}``.  Folders are made.
    monitor, mode : as in `EarlyStopping`
    verbose : {0, 1}
        1 prints what happens.
    save_best_only : bool
        Save only when `monitor` is better than ever.
    save_weights_only : bool
        Call ``model.save_weights`` instead of ``model.save``.
    save_freq : "epoch" or int
        After each epoch, or once in so many batches.
    initial_value_threshold : float, optional
        What the figure must be better than the first time.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        _SavingCallback.__init__(self, save_freq)
        _MonitorCallback.__init__(self, monitor, mode, best=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        endings = (".weights.h5", ".npz") if save_weights_only else (".keras",)
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"filepath={self.filepath!r} does not end in {' or '.join(endings)}, "
                f"as it must with save_weights_only={save_weights_only!r}"
            )
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs, None)

    def _save(self, logs: Logs, batch: int | None) -> None:
        where = {"epoch": self._epoch + 1} if batch is None else {"epoch": self._epoch + 1, "batch": batch + 1}
        try:
            path = self.filepath.format(**{**where, **(logs or {})})
        except KeyError as error:
            known = ", ".join([*where, *(logs or {})])
            raise KeyError(f"filepath={self.filepath!r} names {error}, which is not there; known: {known}") from None
        said = f"\nEpoch {self._epoch + 1}:"
        if self.save_best_only:
            current = self._monitored(logs)
            if current is not None:
                if not self._is_improvement(current, self.best):
                    if self.verbose:
                        print(f"{said} {self.monitor} is not better than {self.best:.5f}")
                    return
                than = "" if self.best is None else f", better than {self.best:.5f}"
                said += f" {self.monitor} is {current:.5f}{than}:"
                self.best = current
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"{said} saved to {path}")


class BackupAndRestore(_SavingCallback):
    """Keep a copy of the state of the training in a file, so that an interrupted `fit` goes on where it was.

    A `fit` with the same arguments that finds the copy takes weights, the optimizer's vectors, its learning rate
    and the epoch from there: it ends with the same bits as one that was not interrupted.  (Saved within an epoch,
    that epoch starts again with the weights of then.)  State of other callbacks is not in it.

    Parameters
    ----------
    backup_dir : path-like
        A folder for nothing else.
    save_freq : "epoch" or int
        After each epoch, or once in so many batches.
    double_checkpoint : bool
        Keep the copy before the last too, for when the last cannot be read.
    delete_checkpoint : bool
        Delete the copies when `fit` has come to its end.
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__(save_freq)
        if not backup_dir:
            raise ValueError(f"backup_dir={backup_dir!r} is empty")
        self.backup_dir = os.fspath(backup_dir)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = os.path.join(self.backup_dir, "latest.npz")
        self._previous = os.path.join(self.backup_dir, "previous.npz")
        self._epoch = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        for path in (self._latest, self._previous):
            if not os.path.exists(path):
                continue
            try:
                with open(path, "rb") as raw, np.load(raw) as file:
                    state = dict(file)
                break
            except Exception as error:  # NumPy raises many kinds for a file that was cut off
                if path == self._previous or not os.path.exists(self._previous):
                    raise OSError(f"{path} cannot be read: {error}") from error
        else:
            return
        model = self.model
        model.optimizer.set_state({k[len("optimizer/") :]: v for k, v in state.items() if k.startswith("optimizer/")})
        if model.optimizer.learning_rate != state["learning_rate"]:
            model.optimizer.learning_rate = float(state["learning_rate"])
        model.set_weights([state[key] for key in sorted(state) if key.startswith("weights/")])
        model._initial_epoch = int(state["epoch"])

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch + 1
        if self.save_freq == "epoch":
            self._save(logs, None)

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint:
            for path in (self._latest, self._previous):
                if os.path.exists(path):
                    os.remove(path)
            if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)

    def _save(self, logs: Logs, batch: int | None) -> None:
        optimizer = self.model.optimizer
        state = {f"weights/{i:06d}": w for i, w in enumerate(self.model.weights)}
        state.update((f"optimizer/{key}", value) for key, value in optimizer.get_state().items())
        state.update(epoch=self._epoch, learning_rate=optimizer.learning_rate)
        os.makedirs(self.backup_dir, exist_ok=True)
        # a file appears under its name only when it is whole
        fresh = self._latest + ".tmp"
        with open(fresh, "wb") as file:
            np.savez(file, **state)
            file.flush()
            os.fsync(file.fileno())
        if self.double_checkpoint and os.path.exists(self._latest):
            os.replace(self._latest, self._previous)
        os.replace(fresh, self._latest)


class SwapEMAWeights(Callback):
    """Evaluate and predict with the moving average of the weights, which an optimizer with ``use_ema=True`` keeps.

    Parameters
    ----------
    swap_on_epoch : bool
        Also swap at the end of each epoch, until the next begins: for callbacks after this one that save the model.

    Raises
    ------
    ValueError
        When it comes to swapping and the optimizer keeps no average.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _average(self) -> Any:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if not (optimizer.use_ema and optimizer.built):
            raise ValueError(f"SwapEMAWeights needs an optimizer with use_ema=True that has trained, not {optimizer!r}")
        return optimizer._slots[len(optimizer._initial_slots())]

    def _swap(self, to: bool) -> None:
        if self._swapped != to:
            average, theta = self._average(), self.model._network.theta
            average[:], theta[:] = theta.copy(), average.copy()
            self._swapped = to

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.swap_on_epoch:
            return
        self._swap(True)
        assert self.params is not None
        if epoch == self.params["epochs"] - 1 or self.model.stop_training:
            # `fit` ends by putting the average into the weights, where it is already
            self._average()[:] = self.model._network.theta

    def on_test_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._swap(False)


class TqdmCallback(Callback):
    """A bar of the package tqdm over the epochs, with the logs beside it.

    Parameters
    ----------
    options
        Passed on to ``tqdm.auto.tqdm``.

    Raises
    ------
    ImportError
        If tqdm is not installed.
    """

    def __init__(self, **options: Any) -> None:
        from importlib import import_module

        try:
            self._tqdm = import_module("tqdm.auto").tqdm
        except ImportError:
            raise ImportError("TqdmCallback needs tqdm: python -m pip install 'gdcore[tqdm]'") from None
        self.options = options

    def on_train_begin(self, logs: Logs = None) -> None:
        assert self.params is not None
        self._bar = self._tqdm(**{"total": self.params["epochs"], "unit": "epoch", **self.options})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._bar.set_postfix(logs or {}, refresh=False)
        self._bar.update(epoch + 1 - self._bar.n)

    def on_train_end(self, logs: Logs = None) -> None:
        self._bar.close()


class ProgbarLogger(Callback):
    """Keras's lines: a bar that fills on a terminal, one finished line for each epoch elsewhere.

    `fit` adds one unless ``verbose=0``; 1 is with a bar, 2 without.
    """

    _WIDTH = 30
    _INTERVAL = 0.05

    def __init__(self) -> None:
        self.verbose = 1
        self.target = self.epochs = 1
        self._shown = 0

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.target, self.epochs = params["steps"] or 0, params["epochs"]  # 0: nobody knows yet
        self._live = self.verbose == 1 and sys.stdout.isatty()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.verbose:
            self._print(f"Epoch {epoch + 1}/{self.epochs}\n")
        self._start = self._last = time.perf_counter()

    def advance(self, steps: int, loss: float) -> None:
        """Redraw the bar within an epoch, of which so many steps are done, with the loss so far."""
        now = time.perf_counter()
        if now - self._last < self._INTERVAL:
            return
        self._last = now
        left = (now - self._start) * (self.target - steps) / max(steps, 1)
        ahead = f" - ETA: {_clock(left)}" if self.target else ""
        self._overwrite(f"{self._bar(steps)}{ahead} - loss: {_figure(loss)}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.verbose:
            return
        took, steps = time.perf_counter() - self._start, self.target
        figures = "".join(f" - {name}: {_figure(value)}" for name, value in (logs or {}).items())
        pace = f"{_short(took / steps)}/step" if steps else ""
        if self.verbose == 2:
            self._print(f"{steps or '?'}/{steps or '?'} - {took:.0f}s{figures} - {_short(took)}/epoch - {pace}\n")
            return
        line = f"{self._bar(steps)} - {_clock(took)} {pace}{figures}"
        if self._live:
            self._overwrite(line)
            self._print("\n")
            self._shown = 0
        else:
            self._print(line + "\n")

    def _bar(self, steps: int) -> str:
        total = self.target
        if not total:
            return f"{steps or '?'}/?"
        filled = self._WIDTH * steps // total
        bar = "=" * filled if filled == self._WIDTH else ("=" * filled + ">").ljust(self._WIDTH, ".")
        return f"{steps:>{len(str(total))}}/{total} [{bar}]"

    def _overwrite(self, line: str) -> None:
        self._print("\r" + line.ljust(self._shown))
        self._shown = len(line)

    @staticmethod
    def _print(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _learning_rate(model: Any) -> float:
    """The rate as the model's arithmetic has it: rounded to its type, as Keras's is to float32."""
    return float(np.dtype(model.dtype).type(model.optimizer.learning_rate))


def _figure(value: Any) -> str:
    if getattr(value, "ndim", 0):  # a metric with a figure for each class
        return "[" + " ".join(map(_figure, value.tolist())) + "]"
    return f"{value:.4f}" if abs(value) > 1e-3 or value != value else f"{value:.4e}"


def _short(seconds: float) -> str:
    """Whole seconds, milliseconds or microseconds, as Keras writes the time of a step."""
    if seconds >= 1:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
