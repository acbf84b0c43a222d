"""`CallbackList`: calls all callbacks of a training, and knows whether anything must be called around batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import BATCH_HOOKS, HOOKS, Callback
from .history import History
from .progress import ProgbarLogger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .base import Logs


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
        return bool(self.callbacks) and any(map(self._uses, BATCH_HOOKS[kind]))

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


for _hook in HOOKS:
    setattr(CallbackList, _hook, _calling_all(_hook))


def _flattened(callbacks: Any) -> Iterator[Callback]:
    if isinstance(callbacks, list | tuple):
        for entry in callbacks:
            yield from _flattened(entry)
    elif isinstance(callbacks, Callback):
        yield callbacks
    else:
        raise TypeError(f"callbacks holds {callbacks!r}, expected gdcore.callbacks.Callback objects")
