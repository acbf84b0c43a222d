"""What every callback is: the hooks of `Callback`, and `LambdaCallback`, which is made of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._names import look_up

if TYPE_CHECKING:
    from collections.abc import Callable

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


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
"""The names of all hooks."""

BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
"""Those around the batches of training, evaluating and predicting."""


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
            look_up("hook", name, dict.fromkeys(HOOKS))
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"{name}={function!r} cannot be called")
            setattr(self, name, function)
