"""A training, planned before it begins: on what rows, in what orders, who listens, and what one call of the core does.

Where nobody listens between the epochs, a whole training is one call of the core; otherwise each epoch is one, or
more.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _checks
from .._core import kernels
from ..callbacks import CallbackList, History
from .inputs import Arrays, check_count, check_verbose, dataset_of
from .passes import Session, known_steps, warn_if_short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..data import Dataset
    from .passes import Data
    from .trainer import Trainer

WATCHED_BYTES = 1 << 20
"""Rows of fewer bytes than these are looked through before training: that takes no time worth saving."""

WATCHED_RATIO = 128
"""Rows are looked through during training where they have so many times the bytes of what training changes, which is
kept meanwhile to be put back."""


class HeldOut:
    """Rows to evaluate on after epochs: in batches of that size, so many of them, after which epochs."""

    __slots__ = ("batch_size", "data", "freq", "steps")

    def __init__(self, data: Data, batch_size: int | None, steps: int | None, freq: Any) -> None:
        self.data, self.batch_size, self.steps, self.freq = data, batch_size, steps, freq

    def is_due(self, epoch: int) -> bool:
        """Whether to evaluate after that epoch, counted from 0."""
        freq = self.freq
        return epoch + 1 in freq if isinstance(freq, list | tuple) else (epoch + 1) % freq == 0


class TrainingPlan(NamedTuple):
    """How a call of `fit` goes, decided before the first callback is called.

    Attributes
    ----------
    session : Session
    listeners : CallbackList
    verbose
        As it was given.
    data : Arrays or Stream
    held_out : HeldOut or None
    first, last : int
        Epochs.
    batch, steps : int
        Rows to a batch, batches to an epoch.
    orders : (key, stream, step) or None
        How to shuffle, as `gdcore.random.shuffling` says.
    fused : bool
        Whether nobody is to be called between the epochs, so that all of them are one call of the core.
    undo : Snapshot or None
        Taken where x has not been looked through: training does that on its way.
    """

    session: Session
    listeners: CallbackList
    verbose: Any
    data: Data
    held_out: HeldOut | None
    first: int
    last: int
    batch: int
    steps: int
    orders: tuple[int, int, int] | None
    fused: bool
    undo: Snapshot | None

    @classmethod
    def resolve(
        cls,
        model: Trainer,
        x: Any,
        y: Any,
        batch_size: int | None,
        epochs: int,
        verbose: int | str,
        callbacks: Any,
        validation_split: float,
        validation_data: Any,
        shuffle: bool | str,
        class_weight: Mapping[int, float] | None,
        sample_weight: Any,
        initial_epoch: int,
        steps_per_epoch: int | None,
        validation_steps: int | None,
        validation_batch_size: int | None,
        validation_freq: int | Sequence[int],
        allow_nan: bool,
    ) -> TrainingPlan:
        """The plan for what `fit` was given.

        Everything is checked before anything changes.  After that the optimizer has its arrays, and the core knows
        the loss and the metrics.

        Parameters
        ----------
        model : Sequential
        the others
            As in `Sequential.fit`.
        """
        model._ready("fit")
        model._tell_what_waits(True)
        check_count("batch_size", batch_size)
        check_count("steps_per_epoch", steps_per_epoch)
        check_count("validation_steps", validation_steps)
        check_count("validation_batch_size", validation_batch_size)
        _check_choices(verbose, shuffle, validation_freq)
        first, last = _checks.integer("initial_epoch", initial_epoch, 0), _checks.integer("epochs", epochs, 0)
        listeners = CallbackList(callbacks, add_history=True, add_progbar=verbose != 0)
        source, seed = dataset_of(x, y, sample_weight), None
        if source is not None:
            x, y, seed = source, None, source.seed
            batch_size = source.batch_size if batch_size is None else batch_size
            shuffle = shuffle if source.shuffle is None else source.shuffle
        apart = validation_split or validation_data is not None
        # with nothing in Python to call, training itself can look at the rows on its way: it is taken back if need be
        quiet = source is None and not (apart or callbacks or verbose or steps_per_epoch)
        watched = quiet and first < last and not allow_nan and watches(model, x)
        data = model._data(x, y, sample_weight, allow_nan, "", source, class_weight, watched)
        held_out = None
        if apart:
            data, other = _separated(model, data, validation_split, validation_data, allow_nan)
            size = batch_size if validation_batch_size is None else validation_batch_size
            held_out = HeldOut(other, size, validation_steps, validation_freq)
        batch, steps = data.plan(batch_size, steps_per_epoch)
        assert model.optimizer is not None
        undo = Snapshot(model, x) if watched else None
        metrics = model._configure()
        model._updates(metrics.built)
        session = Session(model, metrics)
        model._last_data = (x, y, sample_weight)
        orders = model._orders(shuffle, seed)
        if batch >= data.length and not session.network.is_stochastic:
            orders = None  # the sum over a batch of all rows is the same in any order
        whole = held_out is None and steps_per_epoch is None and isinstance(data, Arrays)
        fused = whole and not session.metrics.in_python and (quiet or _only_histories(listeners))
        return cls(session, listeners, verbose, data, held_out, first, last, batch, steps, orders, fused, undo)

    def run(self) -> History:
        """Train; see `Sequential.fit`."""
        model, listeners = self.session.model, self.listeners
        model.stop_training = False
        model._initial_epoch = None
        listeners.set_model(model)
        listeners.set_params({"verbose": self.verbose, "epochs": self.last, "steps": known_steps(self.steps)})
        listeners.on_train_begin()
        logs: dict[str, float] = {}
        if self.fused:
            if self.first < self.last:
                self._run_all_epochs()
        else:
            logs = self._run_by_epoch(self.first if model._initial_epoch is None else model._initial_epoch)
        if self.last > 0:
            assert model.optimizer is not None
            for array, average in model._averages() if model.optimizer.use_ema else ():
                array[...] = average
        listeners.on_train_end(logs)
        assert listeners._history is not None
        return listeners._history

    def _run_all_epochs(self) -> None:
        """One call of the core."""
        session = self.session
        names, network = session.metrics.names, session.network
        figures = np.empty((self.last - self.first, len(names)))
        assert isinstance(self.data, Arrays)
        try:
            session.train(self.data, self.batch, figures, self.orders, watched=self.undo is not None)
        except kernels.NotFinite:
            assert self.undo is not None
            self.undo.restore()
            session.metrics.built.form.rows("x", self.undo.x, False)  # which says where
            raise
        finally:
            for history in self.listeners.callbacks:
                assert isinstance(history, History)
                history._extend(self.first, names, figures[: network.epochs_done])

    def _run_by_epoch(self, start: int) -> dict[str, float]:
        """A call of the core for each epoch, or more; the figures of the last."""
        session, listeners, data, batch = self.session, self.listeners, self.data, self.batch
        bar = listeners._progbar

        def advance(rows: int, total: float) -> None:
            assert bar is not None
            if rows:
                bar.advance(rows // batch, total / rows)

        progress = advance if bar and bar._live else None
        order_of = _Orders(self.orders, data)
        logs: dict[str, float] = {}
        epochs = range(min(self.first, start), self.last)
        for epoch, (number, begin, end) in zip(epochs, portions(data.length, batch, self.steps), strict=False):
            if epoch < start:
                continue
            order = order_of(number)
            listeners.on_epoch_begin(epoch)
            logs = session.run_pass(True, listeners, data, batch, (order, begin, end), progress)
            if not logs:
                warnings.warn(f"ran out of data before epoch {epoch + 1}", stacklevel=4)
                break
            held_out = self.held_out
            if held_out is not None and held_out.is_due(epoch):
                values = session.evaluate(held_out.data, held_out.batch_size, held_out.steps, listeners, 5)
                logs.update((f"val_{name}", value) for name, value in values.items())
            listeners.on_epoch_end(epoch, logs)
            if session.model.stop_training:
                break
            warn_if_short(data, end - begin, self.steps * batch, batch, 5)
        return logs


class Snapshot:
    """All that a `fit` without callbacks changes, but for what follows from the data x and the loss."""

    def __init__(self, model: Trainer, x: Any) -> None:
        self.x = x
        network, optimizer = model._stack.build().network, model.optimizer
        assert optimizer is not None
        names = ("_last_data", "_fresh_orders", "history", "stop_training")
        self._model, self._attributes = model, {name: getattr(model, name) for name in names}
        self._arrays = [(array, array.copy()) for array in (network.theta, network.state, network.random)]
        self._optimizer, self._of_optimizer = optimizer, optimizer._snapshot()

    def restore(self) -> None:
        """Put all of it back."""
        self._model.__dict__.update(self._attributes)
        for array, copy in self._arrays:
            array[...] = copy
        self._optimizer._restore(self._of_optimizer)


class _Orders:
    """The order of the rows in each pass, drawn anew only where it is another one."""

    def __init__(self, orders: tuple[int, int, int] | None, data: Data) -> None:
        self._orders, self._data = orders, data
        self._drawn: int | None = None
        self._order: Any = None

    def __call__(self, number: int) -> Any:
        """That of pass `number`: an array, what a stream shuffles its blocks by, or None."""
        if self._orders is None:
            return None
        key, first, step = self._orders
        stream = first + number * step
        if self._drawn != stream:
            in_memory = isinstance(self._data, Arrays)
            self._order = kernels.shuffle_order(self._data.length, key, stream) if in_memory else (key, stream)
            self._drawn = stream
        return self._order


def watches(model: Trainer, x: Any) -> bool:
    """Whether rows x had better be looked through during training than before it.

    That is so where they are much more than what training changes, which is kept meanwhile, and where no Python
    is called on the way.
    """
    if not isinstance(x, np.ndarray) or x.nbytes < WATCHED_BYTES:
        return False
    network, compiled, optimizer = model._stack.built_for(x).network, model._compiled, model.optimizer
    assert compiled is not None
    assert optimizer is not None
    if not network.can_watch or compiled.gradient != "analytic":
        return False
    if compiled.calls_python or optimizer._calls_python:
        return False
    return x.nbytes > WATCHED_RATIO * (network.theta.nbytes + network.state.nbytes)


def portions(rows: int, batch: int, steps: int) -> Iterator[tuple[int, int, int]]:
    """For each epoch the number of the pass over the rows, and from where to where it goes in it."""
    number = begin = 0
    while True:
        end = min(begin + steps * batch, rows)
        yield number, begin, end
        number, begin = (number + 1, 0) if end == rows else (number, end)


def _separated(model: Trainer, data: Data, share: float, apart: Any, allow_nan: bool) -> tuple[Data, Data]:
    """The rows to train on, and those to evaluate on: apart from the former, or a share of them."""
    if apart is not None:
        x, y, weights = _held_out_arguments(apart)
        return data, model._data(x, y, weights, allow_nan, "validation_data: ")
    rows, size = data.length, _checks.number("validation_split", share)
    cut = int(rows * (1.0 - size)) if 0.0 < size < 1.0 else 0
    if not 0 < cut < rows:
        raise ValueError(
            f"validation_split={share!r} of {rows} rows leaves the training or the validation set empty, "
            "expected a share between 0 and 1"
        )
    return data.cut(slice(0, cut)), data.cut(slice(cut, rows))


def _held_out_arguments(given: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of validation_data."""
    if isinstance(given, list | tuple):
        if len(given) not in (2, 3):
            raise ValueError("validation_data is not a tuple (x, y) or (x, y, sample_weight)")
        x, y, weights = (*given, None)[:3]
        return x, y, weights
    source: Dataset | None = dataset_of(given, None, None, targets=False)
    if source is None:
        raise ValueError("validation_data is not a tuple (x, y) or (x, y, sample_weight), nor a Dataset")
    return source, None, None


def _check_choices(verbose: Any, shuffle: Any, freq: Any) -> None:
    check_verbose(verbose)
    if not (shuffle is True or shuffle is False or shuffle == "fresh"):
        raise ValueError(f"shuffle={shuffle!r} is not True, False or 'fresh'")
    for entry in freq if isinstance(freq, (list, tuple)) else (freq,):
        _checks.integer("validation_freq", entry, 1)


def _only_histories(listeners: CallbackList) -> bool:
    return not [callback for callback in listeners.callbacks if type(callback) is not History]
