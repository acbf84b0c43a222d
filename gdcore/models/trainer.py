"""`Trainer`: how a model is compiled, fitted, evaluated and asked, whatever its layers are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses, optimizers
from .. import random as _random
from .._fields import changes
from ..callbacks import CallbackList
from .compiled import Compiled, ModelMetrics
from .inputs import Arrays, check_count, check_verbose, dataset_of, weighted_by_class
from .objective import ModelObjective, gradient, loss_slice
from .passes import PredictionPlan, Session, known_steps
from .training import TrainingPlan
from .updates import Settled, averages, build_optimizer, plan_updates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from .._core import kernels
    from ..callbacks import Callback, History
    from ..data.stream import Stream
    from ..layers import Layer
    from ..metrics import Metric
    from .stack import Built, Stack


class Trainer:
    """What a model of any layers can be asked (as ``keras.src.trainers.trainer.Trainer``).

    Attributes
    ----------
    optimizer : Optimizer or None
        What `compile` was given, as loss.
    loss : Loss or None
    history : History or None
        Of the last `fit`.
    stop_training, stop_evaluating, stop_predicting : bool
        Callbacks set these to end `fit`, `evaluate` or `predict` after the batch at hand.
    """

    name: str
    stop_training = stop_evaluating = stop_predicting = False
    _initial_epoch: int | None = None  # set by a callback that knows where an interrupted fit was

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._compiled: Compiled | None = None
        self._metrics: ModelMetrics | None = None
        self._settled: Settled | None = None
        self._last_data: tuple[Any, ...] | None = None
        self._fresh_orders = 0
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.history: History | None = None

    # ---- training ----------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer | dict[str, Any] = "rmsprop",
        loss: str | losses.Loss | dict[str, Any] | None = None,
        loss_weights: float | Sequence[float] | None = None,
        metrics: Sequence[str | Metric] | None = None,
        weighted_metrics: Sequence[str | Metric] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        *,
        gradient: str = "analytic",
        h: float | None = None,
    ) -> None:
        """Choose how the model learns.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str or Loss
        loss_weights : float or list of one float, optional
            What the loss is multiplied by (but not penalties), here and in `evaluate`.
        metrics : list of str or Metric, optional
            Plain means over the rows.
        weighted_metrics : list of str or Metric, optional
            Means weighted by ``sample_weight``.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Without influence: in Keras they say how to compute, not what.
        gradient : {"analytic", "forward", "central"}
            How `fit` gets its gradient: by backpropagation, or by finite differences of the loss,
            ``(L(w + h) - L(w)) / h`` or ``(L(w + h) - L(w - h)) / 2h``, one parameter at a time.
        h : float, optional
            The step of the differences; by default the square root (forward) or cube root (central) of the
            dtype's epsilon.

        Raises
        ------
        ValueError
            For an unknown name (it suggests the nearest known one), an h that is not positive, or loss_weights that
            are not one finite number.
        """
        chosen_optimizer = optimizers.get(optimizer)
        chosen_loss = None if loss is None else losses.get(loss)
        compiled = Compiled.checked(loss_weights, metrics, weighted_metrics, gradient, h)
        with self._stack.lock:
            self._compiled, self._metrics, self._settled = compiled, None, None
            self.loss, self.optimizer = chosen_loss, chosen_optimizer

    def fit(
        self,
        x: Any,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        *,
        allow_nan: bool = False,
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        x : array_like of shape (rows, inputs), or (rows,) for one input; or `gdcore.Dataset`
            A generator or a sequence of batches is taken too, as by `gdcore.Dataset`.  Data that are streamed are
            checked piece by piece as they come.
        y : array_like of shape (rows, outputs), or (rows,) for one output or for class numbers
            Not with a Dataset or batches, which bring theirs.
        batch_size : int
            Rows to an update (32 if neither this nor a Dataset says more); the last batch of an epoch may be
            smaller.
        epochs : int
            The epoch to stop at, counted from 0 whatever `initial_epoch` is.
        verbose : {"auto", 0, 1, 2}
            0 is silent, 1 ("auto") prints a bar and 2 a line for each epoch.
        callbacks : list of Callback, optional
        validation_split : float
            Share of the rows, taken from the end, to evaluate on after each epoch instead of training on them.
        validation_data : tuple (x, y) or (x, y, sample_weight), or Dataset, optional
        shuffle : {True, False, "fresh"}
            Whether to visit the rows in random order.  After `gdcore.utils.set_random_seed` True gives Keras's
            order, which is the same in every epoch; "fresh" gives another order each epoch, as True does where
            no seed was set.  A batch of all rows is taken as it is: its sum does not depend on their order.
        class_weight : dict of int to float, optional
            Weights of the rows by their class (the class number, or where the largest target stands); classes
            that are not named weigh 1.  Not together with `sample_weight`.
        sample_weight : array_like of shape (rows,), optional
        initial_epoch : int
        steps_per_epoch : int, optional
            Batches to an epoch; the next epoch goes on with the rows that follow.  At the end of the rows an
            epoch ends early, with a warning.  Where `batch_size` is not given, rows are split into so many batches.
        validation_steps : int, optional
            Batches of the validation data to evaluate on.
        validation_batch_size : int, optional
            By default `batch_size`.
        validation_freq : int or list of int
            Evaluate once in so many epochs, or after those epochs (counted from 1).
        allow_nan : bool
            Let nan and inf in the data pass.

        Returns
        -------
        History
            ``history.history["loss"]`` holds the mean over all rows of the loss at each epoch, each batch's
            taken before its update.

        Raises
        ------
        RuntimeError
            Before `compile`.
        ValueError, TypeError
            For data or arguments that do not fit; nothing has changed then.
        KeyboardInterrupt
            On Ctrl-C: the model keeps the updates made so far, and ``model.history`` the finished epochs.
        """
        with self._stack.lock:
            plan = TrainingPlan.resolve(
                self,
                x,
                y,
                batch_size,
                epochs,
                verbose,
                callbacks,
                validation_split,
                validation_data,
                shuffle,
                class_weight,
                sample_weight,
                initial_epoch,
                steps_per_epoch,
                validation_steps,
                validation_batch_size,
                validation_freq,
                allow_nan,
            )
            return plan.run()

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
        *,
        allow_nan: bool = False,
    ) -> Any:
        """One update by all the rows as one batch.

        Parameters
        ----------
        x, y, sample_weight, class_weight, allow_nan : as in `fit`
        return_dict : bool

        Returns
        -------
        float, list of float, or dict
            As `evaluate`, before the update.
        """
        with self._stack.lock:
            self._ready("train_on_batch")
            self._tell_what_waits(True)
            data = self._data(x, y, sample_weight, allow_nan, "", None, class_weight)
            session = Session(self, self._configure())
            logs = session.run_pass(True, CallbackList(), data, data.length)
        return _returned(session, logs, return_dict)

    def test_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
        *,
        allow_nan: bool = False,
    ) -> Any:
        """`evaluate`, with all the rows as one batch."""
        return self.evaluate(x, y, sample_weight=sample_weight, steps=1, return_dict=return_dict, allow_nan=allow_nan)

    def predict_on_batch(self, x: ArrayLike, *, allow_nan: bool = False) -> NDArray[Any]:
        """`predict`, with all the rows as one batch."""
        return self.predict(x, allow_nan=allow_nan)

    def evaluate(
        self,
        x: Any,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        verbose: int | str = 0,
        sample_weight: ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        return_dict: bool = False,
        *,
        allow_nan: bool = False,
    ) -> Any:
        """The loss and the metrics on data, without training.

        Parameters
        ----------
        x, y, batch_size, sample_weight, callbacks, allow_nan : as in `fit`
        verbose : {0, "auto", 1, 2}
            1 and 2 print a line.
        steps : int, optional
            Batches to look at; by default all.
        return_dict : bool

        Returns
        -------
        float, list of float, or dict
            The loss; with metrics the list ``[loss, metric, ...]``; a dictionary by name if `return_dict`.
        """
        self._ready("evaluate")
        self._tell_what_waits(False)
        check_count("batch_size", batch_size)
        check_count("steps", steps)
        check_verbose(verbose)
        listeners = CallbackList(callbacks)
        source = dataset_of(x, y, sample_weight)
        if source is not None:
            x, batch_size = source, source.batch_size if batch_size is None else batch_size
        data = self._data(x, y, sample_weight, allow_nan, "", source)
        self._last_data = (x, y, sample_weight)
        listeners.set_model(self)
        steps_known = known_steps(data.plan(batch_size, steps)[1])
        listeners.set_params({"verbose": verbose, "epochs": 1, "steps": steps_known})
        session = Session(self, self._configure())
        logs = session.evaluate(data, batch_size, steps, listeners, 3)
        if verbose not in (0, "auto"):
            print(" - ".join(f"{name}: {logs[name]:.4f}" for name in session.metrics.names))
        return _returned(session, logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = 0,
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        *,
        allow_nan: bool = False,
    ) -> NDArray[Any]:
        """The outputs for rows of inputs, an array of shape (rows, outputs).

        x may be a `gdcore.Dataset`, a generator or a sequence of batches, of which targets are not looked at.
        `batch_size` is what `steps` counts and what `callbacks` see; it has no influence on the numbers: rows go
        through the net in blocks that fit the cache.
        """
        if verbose == 0 and callbacks is None and steps is None and type(x) is np.ndarray:
            if batch_size is not None:
                check_count("batch_size", batch_size)
            built = self._stack.built or self._stack.built_for(x)
            if self._settled is None:
                self._settle()
            few = built.network.predict_few(x)
            return built.network.predict(built.form.rows("x", x, allow_nan)) if few is None else few
        check_verbose(verbose)
        check_count("batch_size", batch_size)
        check_count("steps", steps)
        listeners = CallbackList(callbacks)
        plan = PredictionPlan(self, x, batch_size, steps, allow_nan)
        if callbacks is None and steps is None and isinstance(plan.data, Arrays):
            return plan.at_once()
        return plan.run(listeners, verbose)

    def __call__(self, x: ArrayLike) -> NDArray[Any]:
        """The same as `predict`."""
        return self.predict(x)

    def gradient(
        self,
        x: ArrayLike,
        y: ArrayLike,
        method: str = "analytic",
        h: float | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        training: bool = False,
        allow_nan: bool = False,
    ) -> tuple[float, list[NDArray[Any]]]:
        """The loss over all rows as one batch, and its gradient.

        Parameters
        ----------
        x, y, sample_weight : as in `fit`
        method : {"analytic", "forward", "central"}
            As in `compile`.
        h : float, optional
            As in `compile`.
        training : bool
            Whether layers behave as in training (dropout, noise, batch statistics).  Noise is that of the next
            training step, each time the same, and nothing of the model changes.

        Returns
        -------
        loss : float
            With all penalties.
        gradient : list of ndarray
            Shaped like `trainable_weights`.
        """
        return gradient(self, x, y, method, h, sample_weight, training, allow_nan)

    def loss_slice(
        self,
        layer: int | str | Layer,
        index: Any,
        values: ArrayLike,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """The loss with one parameter set to each of the values and all others as they are.

        Parameters
        ----------
        layer : int, str or Layer
            The layer's index, name, or itself.
        index : tuple or int
            ``(i, j)`` is ``kernel[i, j]``; ``j`` or ``(j,)`` is ``bias[j]``; ``("beta", j)`` names the array.
        values : array_like of shape (k,)
        x, y, sample_weight : optional
            As in `fit`; by default what `fit`, `evaluate` or `gradient` last saw.  (The model keeps a reference
            to that data, not a copy.)

        Returns
        -------
        ndarray of float64, of shape (k,)
        """
        return loss_slice(self, layer, index, values, x, y, sample_weight)

    def objective(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        training: bool = False,
        allow_nan: bool = False,
    ) -> ModelObjective:
        """The loss over all rows as a function of one flat vector of weights, for `gdcore.minimize` and SciPy.

        It is computed in float64, also for a float32 model: line searches need the digits.  Training by SciPy's
        L-BFGS-B::

            objective = model.objective(x, y)
            result = gdcore.minimize(objective, objective.x0, "L-BFGS-B", jac=True, maxiter=200)
            objective.assign(result.x)

        Parameters
        ----------
        x, y, sample_weight, allow_nan : as in `fit`
        training : bool
            As in `gradient`: noise is the same at each call then.

        Returns
        -------
        ModelObjective
            With methods ``fun(w)`` and ``jac(w)``, the weights ``x0`` of now, and ``assign(w)``, which gives the model
            its new weights; called, it gives value and gradient.
        """
        self._ready("objective")
        return ModelObjective(self, self._data(x, y, sample_weight, allow_nan), training)

    # ---- inner workings ----------------------------------------------------------------------------------

    def _ready(self, what: str) -> losses.Loss:
        if self._compiled is None:
            raise RuntimeError(f"{what} needs to know the loss and the optimizer: call compile(optimizer, loss) first")
        if self.loss is None:
            raise RuntimeError(f"{what} needs a loss: call compile(optimizer, loss) with one first")
        return self.loss

    @property
    def _network(self) -> Any:
        """The core's network, or None where the width of a row is not known yet."""
        return self._stack.build().network if self._stack.has_weights else None

    def _data(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        allow_nan: bool,
        where: str = "",
        source: Any = None,
        class_weight: Mapping[int, float] | None = None,
        watched: bool = False,
    ) -> Arrays | Stream:
        """Data checked and in the form that the core takes, or a stream of such data.

        source is the Dataset that x is known to be; x is not looked through if watched.
        """
        if source is None:
            source = dataset_of(x, y, sample_weight)
        if source is not None:
            return source._prepared(lambda x, y, w: self._arrays(x, y, w, allow_nan, where, class_weight))
        return self._arrays(x, y, sample_weight, allow_nan, where, class_weight, watched)

    def _arrays(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        allow_nan: bool,
        where: str,
        class_weight: Mapping[int, float] | None,
        watched: bool = False,
    ) -> Arrays:
        assert self.loss is not None
        form = (self._stack.built or self._stack.built_for(x)).form
        data = form.data(self.loss, x, y, sample_weight, allow_nan, where, watched)
        return data if class_weight is None else weighted_by_class(data, class_weight)

    def _configure(self) -> ModelMetrics:
        """Tell the core the loss and the metrics, once after each `compile` and each change of the layers."""
        metrics = self._metrics
        if metrics is None or metrics.built is not self._stack.built or self._settled is None:
            with self._stack.lock:
                metrics, built = self._metrics, self._stack.build()
                if self._settled is None:
                    self._settle()
                if metrics is None or metrics.built is not built:
                    assert self._compiled is not None
                    assert self.loss is not None
                    metrics = self._metrics = ModelMetrics(self._compiled, self.loss, built)
        return metrics

    def _settle(self) -> None:
        """Take all settings as they are now; they hold until `compile` or a change of the layers."""
        with self._stack.lock:
            self._stack.settle()
            self._settled = Settled(None if self.loss is None else self.loss._spec())

    def _updates(self, built: Built) -> kernels.UpdatePlan:
        """The optimizer's plan for the network, made where there is none."""
        settled, optimizer = self._settled, self.optimizer
        assert settled is not None
        assert optimizer is not None
        updates = settled.updates
        if updates is None or updates.slots is not optimizer._slots or updates.n_params != built.network.n_params:
            updates = settled.updates = plan_updates(optimizer, built, self.name)
        return updates

    def _tell_what_waits(self, training: bool) -> None:
        """Warn of changes that wait for `compile`."""
        settled, built = self._settled, self._stack.built
        if settled is None or built is None or settled.seen[training] == changes.count:
            return
        if waiting := settled.waiting(self.optimizer, self.loss, built, training):
            warnings.warn(
                f"{', '.join(waiting)} was changed after this model was put to use: it goes on as it was compiled, and "
                "compile() makes the change count",
                stacklevel=3,
            )

    def _metric_named(self, name: str) -> Metric | None:
        return None if self._metrics is None else self._metrics.named(name)

    def _build_optimizer(self, optimizer: optimizers.Optimizer) -> None:
        """Give the optimizer its vectors."""
        if self._settled is None:
            self._settle()
        build_optimizer(optimizer, self._stack.build(), self.name)

    def _averages(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Each array that the optimizer averages, and its moving average."""
        assert self.optimizer is not None
        return averages(self.optimizer, self._stack.build())

    def _orders(self, shuffle: bool | str, seed: int | None = None) -> tuple[int, int, int] | None:
        """What `gdcore.random.shuffling` says, or None."""
        if shuffle is False:
            return None
        self._fresh_orders += shuffle == "fresh"
        return _random.shuffling(shuffle, seed, self._fresh_orders)


def _returned(session: Session, logs: dict[str, float], return_dict: bool) -> Any:
    """The figures as `evaluate` returns them."""
    if return_dict:
        return logs
    return [logs[name] for name in session.metrics.names] if len(logs) > 1 else logs["loss"]
