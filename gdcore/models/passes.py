"""Passes over data: what `fit`, `evaluate` and `predict` have in common.

A pass is one call of the core for each piece of the data, of which there is one where they are in memory; or one for
each batch where a callback is to be called around batches.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .inputs import CHANGED, Arrays, dataset_of, pass_arithmetic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..callbacks import CallbackList
    from ..data.stream import Stream
    from .compiled import ModelMetrics
    from .trainer import Trainer

    Data = Arrays | Stream
    Part = tuple[Any, int, int]
    """(order, first, last) of the rows to visit."""


class Session:
    """What the passes of one call work with: the network and its metrics, as they are when the call begins.

    Parameters
    ----------
    model : Sequential
        Whose optimizer and whose ``stop_...`` attributes may change on the way.
    metrics : ModelMetrics
    """

    __slots__ = ("compiled", "metrics", "model", "network")

    def __init__(self, model: Trainer, metrics: ModelMetrics) -> None:
        self.model, self.metrics = model, metrics
        self.compiled, self.network = metrics.compiled, metrics.built.network

    def train(
        self, data: Arrays, batch: int, figures: Any, orders: Any = None, *, watched: bool = False, **more: Any
    ) -> None:
        """Let the core train, and count its updates."""
        model = self.model
        self._check_unchanged()
        optimizer, network = model.optimizer, self.network
        assert optimizer is not None
        updates = model._updates(self.metrics.built)
        updates.applied = optimizer._applied
        try:
            network.train(
                *data,
                batch,
                updates,
                figures,
                gradient=self.compiled.gradient,
                h=self.metrics.step,
                shuffling=orders,
                watched=watched,
                **more,
            )
        finally:
            optimizer._applied += network.steps_done

    def run_pass(
        self,
        training: bool,
        listeners: CallbackList,
        data: Data,
        batch: int,
        part: Part | None = None,
        progress: Callable[[int, float], None] | None = None,
    ) -> dict[str, float]:
        """The means over some rows by name, each batch's taken before its update; without updates if not training.

        One call of the core for each piece of the data, of which there is one where they are in memory; or one for
        each batch where a callback is to be called around batches.
        """
        stop = "stop_training" if training else "stop_evaluating"
        on_begin = listeners.on_train_batch_begin if training else listeners.on_test_batch_begin
        on_end = listeners.on_train_batch_end if training else listeners.on_test_batch_end
        metrics, model, network = self.metrics, self.model, self.network
        by_batch = listeners._uses_batches("train" if training else "test") or getattr(model, stop)
        core_progress = None if data.by_batches else progress  # batches of a generator count as rows do
        sums, figures = network.fresh_sums(), np.empty((1, len(metrics.core_names)))
        for _, metric, _ in metrics.in_python:
            metric.reset_state()
        logs: dict[str, float] = {}
        index = 0
        pieces: Iterable[Any] = data.pieces(batch, part)
        for piece, batch, (order, begin, end) in pieces:
            size = batch if by_batch else end - begin
            outputs = np.empty((piece.length, metrics.built.form.units), network.dtype) if metrics.in_python else None
            for first in range(begin, end, size):
                on_begin(index)
                rows = (order, first, min(first + size, end), sums)
                if training:
                    self.train(piece, batch, figures, progress=core_progress, part=rows, outputs=outputs)
                else:
                    self._test(piece, batch, figures, rows, outputs)
                if progress and data.by_batches:
                    progress(index + 1, (index + 1) * figures[0, 0])
                logs = dict(zip(metrics.core_names, figures[0].tolist(), strict=True))
                if metrics.in_python:
                    logs.update(self._update_metrics(piece, batch, rows, outputs))
                logs = dict(sorted(logs.items()))
                on_end(index, logs)
                index += 1
                if getattr(model, stop):
                    return logs
        return logs

    def evaluate(
        self, data: Data, batch_size: int | None, steps: int | None, listeners: CallbackList, stacklevel: int
    ) -> dict[str, float]:
        """A pass without training, with the hooks around it."""
        model = self.model
        batch, steps = data.plan(batch_size, steps)
        end = min(steps * batch, data.length)
        model.stop_evaluating = False
        listeners.on_test_begin()
        logs = self.run_pass(False, listeners, data, batch, (None, 0, end))
        if not model.stop_evaluating:
            warn_if_short(data, end, steps * batch, batch, stacklevel + 1)
        listeners.on_test_end(logs)
        return logs

    def _check_unchanged(self) -> None:
        if self.model._stack.built is not self.metrics.built or self.model._compiled is not self.compiled:
            raise RuntimeError(CHANGED)

    def _test(self, data: Arrays, batch: int, figures: Any, rows: Any, outputs: Any) -> None:
        self._check_unchanged()
        self.network.train(*data, batch, None, figures, part=rows, outputs=outputs)

    def _update_metrics(self, data: Arrays, batch: int, rows: tuple[Any, ...], outputs: Any) -> dict[str, Any]:
        """Give the metrics that the core leaves to Python what a pass over these rows brought; their figures so far."""
        order, first, last, _ = rows
        for _, metric, weighted in self.metrics.in_python:
            size = batch if metric._by_batch else last - first
            for start in range(first, last, size):
                part = slice(start, min(start + size, last))
                chosen = part if order is None else order[part]
                weights = data.sample_weight[chosen] if weighted and data.sample_weight is not None else None
                metric.update_state(data.y[chosen], outputs[part], weights)
        return {name: metric.result() for name, metric, _ in self.metrics.in_python}


class PredictionPlan:
    """How a call of `predict` goes that is more than one call of the core.

    Parameters
    ----------
    model : Sequential
    x, batch_size, steps, allow_nan
        As in `Sequential.predict`.
    """

    def __init__(self, model: Trainer, x: Any, batch_size: int | None, steps: int | None, allow_nan: bool) -> None:
        self._model, self._allow_nan, self._built = model, allow_nan, model._stack.built
        source = None if isinstance(x, np.ndarray) else dataset_of(x, None, None, targets=False)
        if source is not None and batch_size is None:
            batch_size = source.batch_size
        self.data: Any = self._checked(x) if source is None else source._prepared(self._checked)
        self._sizes = (batch_size, steps)

    def _checked(self, x: Any, y: Any = None, sample_weight: Any = None) -> Arrays:
        """Rows for the network that the first of them found: callbacks may change the model on the way."""
        if self._built is None:
            self._built = self._model._stack.built_for(x)
        if self._model._settled is None:
            self._model._settle()
        return Arrays((self._built.form.rows("x", x, self._allow_nan), None, None))

    def at_once(self) -> Any:
        """All outputs by one call of the core."""
        assert self._built is not None
        assert isinstance(self.data, Arrays)
        return self._built.network.predict(self.data.x)

    def run(self, listeners: CallbackList, verbose: Any) -> Any:
        """The outputs, piece by piece or batch by batch."""
        model, data, built = self._model, self.data, self._built
        assert built is not None
        batch, steps = data.plan(*self._sizes)
        end = min(steps * batch, data.length)
        model.stop_predicting = False
        listeners.set_model(model)
        listeners.set_params({"verbose": verbose, "epochs": 1, "steps": known_steps(steps)})
        listeners.on_predict_begin()
        outputs: list[Any] = []
        by_batch = listeners._uses_batches("predict") or model.stop_predicting
        pieces: Iterable[Any] = data.pieces(batch, (None, 0, end))
        for piece, rows, (_, begin, last) in pieces:
            size = rows if by_batch else last - begin
            for first in range(begin, last, size):
                if model.stop_predicting and outputs:
                    break
                listeners.on_predict_batch_begin(len(outputs))
                outputs.append(built.network.predict(piece.x[first : min(first + size, last)]))
                listeners.on_predict_batch_end(len(outputs) - 1, {"outputs": outputs[-1]})
        if not model.stop_predicting:
            warn_if_short(data, end, steps * batch, batch, 4)
        listeners.on_predict_end()
        return np.concatenate(outputs)


def known_steps(steps: int) -> int | None:
    """The number of batches in a pass, None where it is unknown."""
    return steps if steps < pass_arithmetic().UNKNOWN_BATCHES else None


def warn_if_short(data: Data, rows: int, wanted: int, batch: int, stacklevel: int) -> None:
    """Warn if a pass over so many rows had fewer batches than the wanted rows make."""
    if rows <= wanted - batch or data.ended_early:
        warnings.warn("ran out of data: fewer batches than steps", stacklevel=stacklevel)
