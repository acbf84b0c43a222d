"""Callbacks that write files: `CSVLogger`, `ModelCheckpoint`, `BackupAndRestore`."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .._fields import Choice, Flag, Text
from .base import Callback
from .monitors import MODES, Monitor
from .settings import Number, SaveFrequency, Verbosity

if TYPE_CHECKING:
    from .base import Logs


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

    append = Flag()

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


class SaveSchedule:
    """When to save within epochs: once in so many batches, counted from the beginning of the training on."""

    def __init__(self, batches: int = 0) -> None:
        self.batches = batches
        """Batches since it was last due."""

    def is_due(self, save_freq: Any) -> bool:
        """Count a batch; whether it is one to save after."""
        if save_freq == "epoch":
            return False
        self.batches += 1
        if self.batches < save_freq:
            return False
        self.batches = 0
        return True

    @staticmethod
    def restored(state: dict[str, Any]) -> dict[str, Any]:
        """The state of a copied or pickled callback with a schedule of its own; 0.1.0 kept the number alone."""
        state = dict(state)
        batches = state.pop("_batches_seen_since_last_saving", 0)
        if "_schedule" in state:
            batches = state["_schedule"].batches
        return {**state, "_schedule": SaveSchedule(batches)}


class ModelCheckpoint(Callback):
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

    monitor = Text()
    mode = Choice(MODES)
    min_delta = Number()
    verbose = Verbosity()
    save_best_only = Flag()
    save_weights_only = Flag()
    save_freq = SaveFrequency()

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
        self.monitor = monitor
        self.mode = mode
        self.min_delta = 0.0
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        if initial_value_threshold not in (None, math.inf, -math.inf):
            _checks.number("initial_value_threshold", initial_value_threshold)
        self.best = initial_value_threshold
        self.filepath = os.fspath(filepath)
        endings = (".weights.h5", ".npz") if self.save_weights_only else (".keras",)
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"filepath={self.filepath!r} does not end in {' or '.join(endings)}, "
                f"as it must with save_weights_only={save_weights_only!r}"
            )
        self._schedule = SaveSchedule()
        self._epoch = 0

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(SaveSchedule.restored(state))

    def _uses(self, hook: str) -> bool:
        # saving once an epoch needs no look at batches
        own = type(self).on_train_batch_end is ModelCheckpoint.on_train_batch_end
        return super()._uses(hook) and not (hook == "on_train_batch_end" and own and self.save_freq == "epoch")

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs or {}, None)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self._schedule.is_due(self.save_freq):
            self._save(logs or {}, batch)

    def _save(self, logs: dict[str, Any], batch: int | None) -> None:
        path = self._path(logs, batch)
        message = f"\nEpoch {self._epoch + 1}:"
        if self.save_best_only:
            watched = Monitor.of(self)
            current = watched.read(logs)
            if current is not None:
                if not watched.is_better(current, self.best):
                    if self.verbose:
                        print(f"{message} {self.monitor} is not better than {self.best:.5f}")
                    return
                than = "" if self.best is None else f", better than {self.best:.5f}"
                message += f" {self.monitor} is {current:.5f}{than}:"
                self.best = current
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"{message} saved to {path}")

    def _path(self, logs: dict[str, Any], batch: int | None) -> str:
        """`filepath` with its names filled in."""
        where = {"epoch": self._epoch + 1} if batch is None else {"epoch": self._epoch + 1, "batch": batch + 1}
        try:
            return self.filepath.format(**{**where, **logs})
        except KeyError as error:
            known = ", ".join([*where, *logs])
            raise KeyError(f"filepath={self.filepath!r} names {error}, which is not there; known: {known}") from None


class BackupAndRestore(Callback):
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

    save_freq = SaveFrequency()
    double_checkpoint = Flag()
    delete_checkpoint = Flag()

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        self.save_freq = save_freq
        if not backup_dir:
            raise ValueError(f"backup_dir={backup_dir!r} is empty")
        self.backup_dir = os.fspath(backup_dir)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = os.path.join(self.backup_dir, "latest.npz")
        self._previous = os.path.join(self.backup_dir, "previous.npz")
        self._schedule = SaveSchedule()
        self._epoch = 0

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(SaveSchedule.restored(state))

    def _uses(self, hook: str) -> bool:
        # saving once an epoch needs no look at batches
        own = type(self).on_train_batch_end is BackupAndRestore.on_train_batch_end
        return super()._uses(hook) and not (hook == "on_train_batch_end" and own and self.save_freq == "epoch")

    def on_train_begin(self, logs: Logs = None) -> None:
        state = self._load()
        if state is None:
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
            self._save()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self._schedule.is_due(self.save_freq):
            self._save()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint:
            for path in (self._latest, self._previous):
                if os.path.exists(path):
                    os.remove(path)
            if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)

    def _load(self) -> dict[str, Any] | None:
        """What the last copy that can be read holds, None if there is no copy."""
        for path in (self._latest, self._previous):
            if not os.path.exists(path):
                continue
            try:
                with open(path, "rb") as raw, np.load(raw) as file:
                    return dict(file)
            except Exception as error:  # NumPy raises many kinds for a file that was cut off
                if path == self._previous or not os.path.exists(self._previous):
                    raise OSError(f"{path} cannot be read: {error}") from error
        return None

    def _save(self) -> None:
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
