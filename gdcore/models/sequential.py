"""`Sequential`: a stack of layers, trained by the core in one call for each epoch or for many."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks, losses, metrics, optimizers
from .. import random as _random
from .._core import Network
from .._core import kernels as _kernels
from .._names import look_up
from ..callbacks import Callback, CallbackList, History
from ..layers import InputLayer, Layer, _assign, _dtype, _row_shape
from ..metrics import Metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..optimize.descents import ModelObjective


_ENDLESS = 1 << 62
"""So many batches stand for an unknown number of them."""


class Sequential:
    """A stack of layers, each fed by the one before (as ``keras.Sequential``).

    Parameters
    ----------
    layers : list of layers, optional
        The first may be `Input`, or carry ``input_dim=``; otherwise the width of a row is taken from the
        first data seen.
    name : str, optional
    dtype : {"float32", "float64"}, optional
        The type of the weights and of all arithmetic; by default what the layers say, or float32.

    Notes
    -----
    All weights live in one flat vector, layer by layer, kernel before bias; the layers' arrays are views of it.
    A model may be used from several threads, one at a time: the others wait.

    Attributes
    ----------
    stop_training, stop_evaluating, stop_predicting : bool
        Callbacks set these to end `fit`, `evaluate` or `predict` after the batch at hand.
    """

    stop_training = stop_evaluating = stop_predicting = False
    _initial_epoch: int | None = None  # set by a callback that knows where an interrupted fit was

    def __init__(self, layers: Iterable[Layer] | None = None, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or "sequential"
        self._given_dtype = _dtype(dtype)
        self._input: InputLayer | None = None
        self._layers: list[Layer] = []
        self._network: Any = None
        self._units = 0
        self._row_shape: tuple[int, ...] = ()
        self._shapes: list[tuple[int, ...]] = []
        self._compiled: dict[str, Any] | None = None
        self._configured = False
        self._last_data: tuple[Any, ...] | None = None
        self._fresh_orders = 0
        self.optimizer: optimizers.Optimizer | None = None
        self.history: History | None = None
        for layer in layers or []:
            self.add(layer)

    # ---- building ----------------------------------------------------------------------------------------

    def add(self, layer: Layer) -> None:
        """Put a layer on top.

        Raises
        ------
        TypeError, ValueError
            If it is not a layer, is an `Input` that does not come first, or expects another width or dtype.
        """
        if isinstance(layer, InputLayer):
            if self._layers or self._input:
                raise ValueError("Input must be the first entry of a model, and there can be only one")
            self._check_dtype(layer)
            self._input = layer
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"layer={layer!r} is not a gdcore layer")
        if any(layer is other for other in self._layers) or layer.built:
            raise ValueError(f"layer {layer.name!r} already belongs to a model")
        below = self._shape_after(len(self._layers))
        if layer._input_shape is not None and below is not None and layer._input_shape != below:
            raise ValueError(f"layer {layer.name!r} has input_shape={layer._input_shape}, but gets {below}")
        if below is not None:
            layer._spec(below)  # raises where the layer cannot work on such rows
        self._check_dtype(layer)
        taken = {other.name for other in self._layers}
        if layer.name in taken:
            if layer._named:
                raise ValueError(f"there is a layer named {layer.name!r} already")
            layer.name = next(n for i in range(1, len(taken) + 2) if (n := f"{layer.name}_{i}") not in taken)
        self._layers.append(layer)
        self._forget_network()
        if self.input_shape is not None:
            self._build()

    def pop(self) -> Layer:
        """Take the top layer off and return it (without its weights)."""
        if not self._layers:
            raise ValueError("there is no layer to take off")
        layer = self._layers.pop()
        layer._detach()
        self._forget_network()
        if self._layers and self.input_shape is not None:
            self._build()
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Give the model its weights, for rows of the given width: ``(4,)`` or ``(None, 4)``."""
        if input_shape is not None:
            shape = tuple(input_shape) if np.ndim(input_shape) else (input_shape,)
            rows = _row_shape("input_shape", shape[1:] if len(shape) > 1 and shape[0] is None else shape)
            if self.input_shape is not None and self.input_shape[1:] != rows:
                raise ValueError(
                    f"input_shape={input_shape!r}, but the model takes rows of shape {self.input_shape[1:]}"
                )
            if self._input is None:
                self._input = InputLayer(rows)
        if self.input_shape is None:
            raise ValueError("input_shape is not known: start with Input((n,)), give input_dim=, or build((n,))")
        if self._network is None:
            self._build()

    def _check_dtype(self, layer: Layer) -> None:
        others = [self._given_dtype, *(x._dtype for x in self._layers), self._input._dtype if self._input else None]
        for other in others:
            if layer._dtype and other and layer._dtype != other:
                raise ValueError(f"layer {layer.name!r} has dtype={layer._dtype!r}, but the model is {other!r}")

    @property
    def dtype(self) -> str:
        """ "float32" or "float64"."""
        said = [self._given_dtype, *(x._dtype for x in self._layers), self._input._dtype if self._input else None]
        return next((d for d in said if d), "float32")

    def _forget_network(self) -> None:
        self._network = None
        self._configured = False

    def _shape_after(self, count: int) -> tuple[int, ...] | None:
        """The shape of a row after so many layers; None where it is not known yet."""
        if self.input_shape is None:
            return None
        shape: tuple[int, ...] = self.input_shape[1:]
        for layer in self._layers[:count]:
            shape = layer._output_shape(shape)
        return shape

    def _structure(self) -> list[dict[str, Any]]:
        """What the core needs to know of each layer."""
        assert self.input_shape is not None
        shape: tuple[int, ...] = self.input_shape[1:]
        specs = []
        for layer in self._layers:
            specs.append(layer._spec(shape))
            shape = layer._output_shape(shape)
        return specs

    def _build(self) -> None:
        """Make the network; layers that have their arrays keep what is in them, initializers make the others."""
        if not self._layers:
            raise ValueError("the model has no layers")
        assert self.input_shape is not None
        shape: tuple[int, ...] = self.input_shape[1:]
        self._row_shape = shape
        specs = self._structure()
        network = Network(specs, self.dtype)
        kept = [layer._values() if layer.built else None for layer in self._layers]
        learned_at = state_at = 0
        for i, (layer, spec, values) in enumerate(zip(self._layers, specs, kept, strict=True)):
            size = (spec["kernel"] or 0) + (spec["bias"] or 0)
            if spec["frozen"]:
                learned = network.state[state_at : state_at + size]
                state_at += size
            else:
                learned = network.theta[learned_at : learned_at + size]
                learned_at += size
            state = network.state[state_at : state_at + spec["state"]]
            state_at += spec["state"]
            layer._attach(learned, state, shape, network.dtype, values)
            layer._attach_random(network.random[i])
            shape = layer._output_shape(shape)
        self._units = math.prod(shape)
        self._network = network
        self._configured = False
        self._shapes = [view.shape for view in self.trainable_weights]

    @property
    def layers(self) -> list[Layer]:
        """The layers, without `Input`."""
        return list(self._layers)

    @property
    def built(self) -> bool:
        """Whether the model has its weights."""
        return self._network is not None

    @property
    def input_shape(self) -> tuple[Any, ...] | None:
        """(None, width of a row), or None where it is not known yet."""
        if self._input is not None:
            return (None, *self._input.shape)
        if self._layers and self._layers[0]._input_shape is not None:
            return (None, *self._layers[0]._input_shape)
        return None

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """(None, units of the last layer)."""
        if not self._layers:
            raise ValueError("the model has no layers")
        shape = self._shape_after(len(self._layers))
        if shape is None:
            raise ValueError("the model has no output_shape before it knows its input's: build((n,)) it")
        return (None, *shape)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name or index."""
        if index is not None:
            return self._layers[index]
        return look_up("name", str(name), {layer.name: layer for layer in self._layers})

    # ---- weights -----------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[NDArray[Any]]:
        """All arrays of all layers, as views."""
        return [view for layer in self._layers for view in layer.weights]

    @property
    def trainable_weights(self) -> list[NDArray[Any]]:
        """The arrays that learn, as views."""
        return [view for layer in self._layers for view in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[NDArray[Any]]:
        """The arrays that do not learn: moving statistics, and all arrays of layers that are not trainable."""
        return [view for layer in self._layers for view in layer.non_trainable_weights]

    def get_weights(self) -> list[NDArray[Any]]:
        """Copies of all arrays: kernel and bias of the first layer, then of the next."""
        return [view.copy() for view in self.weights]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Overwrite all arrays; nothing changes if any of them does not fit.

        Raises
        ------
        ValueError
            If the number of arrays or a shape is wrong, or the model is not built.
        """
        names = [f"{layer.name}/{name}" for layer in self._layers if layer.built for name in layer._weight_names()]
        _assign(f"model {self.name!r}", self.weights, names, weights)
        for layer in self._layers:
            layer._refresh()

    def count_params(self) -> int:
        """The number of scalars in all weights."""
        self.build()
        return sum(layer.count_params() for layer in self._layers)

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print a table of the layers, their output shapes and their numbers of parameters."""
        lines = [
            f'Model: "{self.name}"',
            "_" * 65,
            f"{'Layer (type)':<29}{'Output Shape':<26}{'Param #':<10}",
            "=" * 65,
        ]
        for i, layer in enumerate(self._layers):
            count = str(layer.count_params()) if layer.built else "unbuilt"
            title = f"{layer.name} ({type(layer).__name__})"
            shape = self._shape_after(i + 1)
            lines.append(f"{title:<28} {str((None, *shape)) if shape else '?':<25} {count:<10}")
        total = sum(layer.count_params() for layer in self._layers)
        learned = sum(view.size for view in self.trainable_weights)
        bytes_ = total * np.dtype(self.dtype).itemsize
        lines += ["=" * 65, f"Total params: {total} ({bytes_} bytes of {self.dtype})"]
        if learned < total:
            lines += [f"Trainable params: {learned}", f"Non-trainable params: {total - learned}"]
        lines += ["_" * 65]
        for line in lines:
            print_fn(line)

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
        plain, weighted = _listed(metrics), _listed(weighted_metrics)
        for name in plain + weighted:
            if name not in ("accuracy", "acc"):
                _metric(name)
        _loss_weight(loss_weights)
        look_up("gradient", gradient, _kernels.GRADIENTS)
        if h is not None:
            h = _positive("h", h)
        if self._network is not None and any(layer._frozen == layer.trainable for layer in self._layers):
            self._build()
        self._compiled = {
            "loss_weights": loss_weights,
            "metrics": plain,
            "weighted": weighted,
            "gradient": gradient,
            "h": h,
        }
        self.loss = chosen_loss
        self.optimizer = chosen_optimizer
        self._configured = False

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
        loss = self._ready("fit")
        _check_counts(
            batch_size=batch_size,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
        )
        for freq in validation_freq if isinstance(validation_freq, list | tuple) else [validation_freq]:
            _whole("validation_freq", freq, 1)
        first, last = _whole("initial_epoch", initial_epoch, 0), _whole("epochs", epochs, 0)
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose={verbose!r} is not 'auto', 0, 1 or 2")
        if not (shuffle is True or shuffle is False or shuffle == "fresh"):
            raise ValueError(f"shuffle={shuffle!r} is not True, False or 'fresh'")
        listeners = CallbackList(callbacks, add_history=True, add_progbar=verbose != 0)
        source = _source(x, y, sample_weight)
        seed = None
        if source is not None:
            x, y, seed = source, None, source.seed
            batch_size = source.batch_size if batch_size is None else batch_size
            shuffle = shuffle if source.shuffle is None else source.shuffle
        # with nothing in Python to call, training itself can look at the rows on its way: it is taken back if need be
        quick = source is None and validation_data is None and first < last
        quick = quick and not (callbacks or verbose or validation_split or steps_per_epoch)
        watched = quick and not allow_nan and self._watches(x)
        data = self._training_data(x, y, sample_weight, class_weight, allow_nan, watched)
        streamed = not isinstance(data, tuple)
        held_out: Any = None
        if validation_data is not None:
            if isinstance(validation_data, list | tuple):
                if len(validation_data) not in (2, 3):
                    raise ValueError("validation_data is not a tuple (x, y) or (x, y, sample_weight)")
                held_x, held_y, held_weight = (*validation_data, None)[:3]
            elif _source(validation_data, None, None, targets=False) is None:
                raise ValueError("validation_data is not a tuple (x, y) or (x, y, sample_weight), nor a Dataset")
            else:
                held_x, held_y, held_weight = validation_data, None, None
            held_out = self._data(held_x, held_y, held_weight, allow_nan, "validation_data: ")
        elif validation_split:
            share, rows = float(validation_split), _length(data)
            cut = int(rows * (1.0 - share)) if 0.0 < share < 1.0 else 0
            if not 0 < cut < rows:
                raise ValueError(
                    f"validation_split={validation_split!r} of {rows} rows leaves none on one side, "
                    "expected a share between 0 and 1"
                )
            held_out = _cut(data, slice(cut, rows))
            data = _cut(data, slice(0, cut))
        batch, steps = _plan(data, batch_size, steps_per_epoch)
        assert self.optimizer is not None
        before = self._snapshot() if watched else None
        self._build_optimizer(self.optimizer)
        self._configure(loss)
        self._last_data = (x, y, sample_weight)

        orders = self._orders(shuffle, seed)
        if batch >= _length(data) and not self._network.noisy:
            orders = None  # the sum over a batch of all rows is the same in any order
        self.stop_training = False
        self._initial_epoch = None
        listeners.set_model(self)
        listeners.set_params({"verbose": verbose, "epochs": last, "steps": _known(steps)})
        listeners.on_train_begin()
        start = first if self._initial_epoch is None else self._initial_epoch
        logs: dict[str, float] = {}
        quiet = [callback for callback in listeners.callbacks if type(callback) is History]
        whole = not streamed and held_out is None and steps_per_epoch is None and not self._fed
        if whole and len(quiet) == len(listeners.callbacks):
            # nothing in Python to call between the epochs: all of them at once
            figures = np.empty((max(last - first, 0), len(self._names)))
            if len(figures):
                try:
                    self._train(data, batch, orders, figures, watched=before is not None)
                except _kernels.NotFinite:
                    assert before is not None
                    self._restore(before)
                    self._rows("x", x, False)  # which says where
                    raise
                finally:
                    for history in quiet:
                        history._extend(first, self._names, figures[: self._network.epochs_done])
        else:
            bar = listeners._progbar

            def advance(rows: int, total: float) -> None:
                assert bar is not None
                if rows:
                    bar.advance(rows // batch, total / rows)

            order: Any = None
            drawn = None
            parts = _parts(_length(data), batch, steps)
            for epoch, (number, begin, end) in zip(range(min(first, start), last), parts, strict=False):
                if epoch < start:
                    continue
                if orders is not None and drawn != (stream := orders[1] + number * orders[2]):
                    order = (orders[0], stream) if streamed else _kernels.shuffle_order(len(data[0]), orders[0], stream)
                    drawn = stream
                listeners.on_epoch_begin(epoch)
                part = (order, begin, end)
                logs = self._pass("train", listeners, data, batch, part, advance if bar and bar._live else None)
                if not logs:
                    warnings.warn(f"the data came to their end before epoch {epoch + 1}", stacklevel=2)
                    break
                if held_out is not None and _is_due(epoch, validation_freq):
                    size = batch_size if validation_batch_size is None else validation_batch_size
                    values = self._evaluate(held_out, size, validation_steps, listeners)
                    logs.update((f"val_{name}", value) for name, value in values.items())
                listeners.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
                if _ended_early(data, end - begin, steps * batch, batch):
                    _warn_of_the_end()
        if last > 0:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        listeners.on_train_end(logs)
        assert listeners._history is not None
        return listeners._history

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
        loss = self._ready("train_on_batch")
        data = self._training_data(x, y, sample_weight, class_weight, allow_nan)
        self._configure(loss)
        return self._returned(self._pass("train", CallbackList(), data, len(data[0])), return_dict)

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
        _check_counts(batch_size=batch_size, steps=steps)
        listeners = CallbackList(callbacks)
        source = _source(x, y, sample_weight)
        if source is not None:
            x, batch_size = source, source.batch_size if batch_size is None else batch_size
        data = self._data(x, y, sample_weight, allow_nan)
        self._last_data = (x, y, sample_weight)
        listeners.set_model(self)
        listeners.set_params({"verbose": verbose, "epochs": 1, "steps": _known(_plan(data, batch_size, steps)[1])})
        logs = self._evaluate(data, batch_size, steps, listeners)
        if verbose not in (0, "auto"):
            print(" - ".join(f"{name}: {logs[name]:.4f}" for name in self._names))
        return self._returned(logs, return_dict)

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
        if callbacks is None and steps is None and batch_size is None and type(x) is np.ndarray:
            network = self._network_for(x)
            few = network.predict_few(x)
            return network.predict(self._rows("x", x, allow_nan)) if few is None else few
        _check_counts(batch_size=batch_size, steps=steps)
        listeners = CallbackList(callbacks)

        def checked(x: Any, y: Any = None, w: Any = None) -> tuple[Any, None, None]:
            self._network_for(x)
            return self._rows("x", x, allow_nan), None, None

        source = None if isinstance(x, np.ndarray) else _source(x, None, None, targets=False)
        if source is not None and batch_size is None:
            batch_size = source.batch_size
        data = checked(x) if source is None else source._for(checked)
        network = self._network
        if callbacks is None and steps is None and isinstance(data, tuple):
            return network.predict(data[0])
        batch, steps = _plan(data, batch_size, steps)
        end = min(steps * batch, _length(data))
        self.stop_predicting = False
        listeners.set_model(self)
        listeners.set_params({"verbose": verbose, "epochs": 1, "steps": _known(steps)})
        listeners.on_predict_begin()
        outputs: list[Any] = []
        by_batch = listeners._uses_batches("predict") or self.stop_predicting
        for (X, _, _), rows, (_, begin, last) in _pieces(data, batch, (None, 0, end)):
            size = rows if by_batch else last - begin
            for first in range(begin, last, size):
                if self.stop_predicting and outputs:
                    break
                listeners.on_predict_batch_begin(len(outputs))
                outputs.append(network.predict(X[first : min(first + size, last)]))
                listeners.on_predict_batch_end(len(outputs) - 1, {"outputs": outputs[-1]})
        if _ended_early(data, end, steps * batch, batch) and not self.stop_predicting:
            _warn_of_the_end()
        listeners.on_predict_end()
        return np.concatenate(outputs)

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
        loss = self._ready("gradient")
        look_up("method", method, _kernels.GRADIENTS)
        step = self._step(method, None if h is None else _positive("h", h))
        X, Y, W = self._data(x, y, sample_weight, allow_nan)
        self._configure(loss)
        self._last_data = (x, y, sample_weight)
        value = self._network.gradient(X, Y, W, method, step, training)
        return value, self._split(self._network.grad)

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
        loss = self._ready("loss_slice")
        if x is None and y is None:
            if self._last_data is None:
                raise ValueError("x and y are needed: this model has not seen any data yet")
            x, y, sample_weight = self._last_data
        X, Y, W = self._data(x, y, sample_weight, allow_nan=True)
        where = self._index_of(layer)
        at = self._offset(where, index)
        points = np.ascontiguousarray(values, np.float64)
        if points.ndim != 1:
            raise ValueError(f"values has shape {points.shape}, expected one dimension")
        self._configure(loss)
        return self._network.loss_slice(X, Y, W, where, at, points)

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
        from ..optimize.descents import ModelObjective

        self._ready("objective")
        return ModelObjective(self, self._data(x, y, sample_weight, allow_nan), training)

    # ---- files -------------------------------------------------------------------------------------------

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the model to a ``.keras`` file, which Keras 3 reads too; needs h5py.

        The file holds layers, weights, what `compile` was told, and the state of the optimizer, so that a
        further `fit` goes on as if there had been no break.  It is written beside its place and then moved
        there: whatever happens, the place holds a whole file, the old or the new.

        Parameters
        ----------
        filepath : str, path, or file open for writing bytes
        overwrite : bool
            Whether a file that exists may be replaced.

        Raises
        ------
        ValueError
            If the name does not end in ``.keras``.
        FileExistsError
            If the file exists and `overwrite` is False.
        ImportError
            Without h5py (``pip install "gdcore[h5]"``).
        """
        from . import saving as _saving

        _saving.save_model(self, filepath, overwrite)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a ``.weights.h5`` file (Keras's; needs h5py) or an ``.npz`` file.

        As in Keras, the former also holds the state of the optimizer of a compiled model.  An ``.npz`` holds
        the arrays of the layers, named ``layers/dense/vars/0`` and so on.

        Parameters
        ----------
        filepath : str, path, or file open for writing bytes
            A file gets the HDF5 form.
        overwrite : bool
            Whether a file that exists may be replaced.

        Raises
        ------
        ValueError
            If the name has another ending, or the model has no weights yet.
        FileExistsError, ImportError
            As in `save`.
        """
        from . import saving as _saving

        _saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Take the weights from a file of `save_weights` or `save`, ours or Keras's; all of them or none.

        The state of the optimizer is taken too where the file has it, and this model's optimizer has the same
        number of arrays (otherwise a warning says that it stays as it is).  An optimizer gets its arrays with
        the first `fit`.

        Parameters
        ----------
        filepath : str, path, or file open for reading bytes
        skip_mismatch : bool
            Leave layers whose arrays do not fit as they are, with a warning.

        Raises
        ------
        ValueError
            If the file is damaged or of another kind, does not fit the model, or the model is not built.
        """
        from . import saving as _saving

        _saving.load_weights(self, filepath, skip_mismatch)

    def get_config(self) -> dict[str, Any]:
        """Name and layers, in Keras's form."""
        from .. import layers

        config: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        stack: list[Layer] = list(self._layers)
        if self.input_shape is not None:
            stack.insert(0, self._input or InputLayer(self.input_shape[1:]))
            config["build_input_shape"] = self.input_shape
        config["layers"] = [layers.serialize(layer) for layer in stack]
        for layer in config["layers"]:
            layer["config"]["dtype"] = self.dtype
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """The model that `get_config` (or Keras's) described, with new weights."""
        from .. import layers
        from .saving import plain

        given = plain(config)
        if not isinstance(given.get("layers"), list):
            raise ValueError(f"config has no list 'layers', only {', '.join(map(repr, given)) or 'nothing'}")
        stack = [layers.deserialize(layer) for layer in given["layers"]]
        if stack and isinstance(stack[0], InputLayer) and any(layer._dtype == "float32" for layer in stack[1:]):
            stack[0]._dtype = None  # a wider input has no influence: rows become what the layers are
        # nor has the dtype that Keras gives to a model
        model = cls(stack, given.get("name"), None if stack else given.get("dtype"))
        if stack and not model.built and given.get("build_input_shape"):
            model.build(given["build_input_shape"])
        return model

    def to_json(self, **options: Any) -> str:
        """The model without its weights as JSON, for `model_from_json`, ours and Keras's.

        Parameters
        ----------
        **options
            For ``json.dumps``, as ``indent=2``.
        """
        from . import saving as _saving

        return _saving.to_json(self, **options)

    # ---- inner workings ----------------------------------------------------------------------------------

    def _ready(self, what: str) -> losses.Loss:
        if self._compiled is None:
            raise RuntimeError(f"{what} needs to know the loss and the optimizer: call compile(optimizer, loss) first")
        if self.loss is None:
            raise RuntimeError(f"{what} needs a loss: call compile(optimizer, loss) with one first")
        return self.loss

    def _network_for(self, x: Any) -> Any:
        if self._network is None:
            if self.input_shape is None:
                shape = np.shape(x)
                if not shape or 0 in shape:
                    raise ValueError(f"x has shape {shape}, expected (rows, inputs) and not empty")
                self._input = InputLayer(shape[1:] or (1,))
            self._build()
        return self._network

    def _rows(self, name: str, x: Any, allow_nan: bool) -> Any:
        """x as a C-contiguous array of the model's type and width, checked."""
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
        shape = self._row_shape
        if array.ndim == 1 and shape == (1,):
            array = array[:, np.newaxis]
        if array.shape[1:] != shape:
            raise ValueError(f"{name} has shape {np.shape(x)}, expected (rows, {', '.join(map(str, shape))})")
        if len(array) == 0:
            raise ValueError(f"{name} has shape {np.shape(x)}: there are no rows")
        return self._finite(name, array if array.ndim == 2 else array.reshape(len(array), -1), allow_nan)

    def _finite(self, name: str, array: Any, allow_nan: bool) -> Any:
        if array.dtype == self._network.dtype and array.flags.c_contiguous:
            converted = array
        else:
            with np.errstate(over="ignore"):
                converted = np.ascontiguousarray(array, self._network.dtype)
        if not (allow_nan or _kernels.all_finite(converted)):
            row = int(np.flatnonzero(~np.isfinite(converted.reshape(len(converted), -1)).all(axis=1))[0])
            beyond = " beyond float32's range" if np.isfinite(array[row]).all() else ""
            raise ValueError(f"{name} has nan or inf{beyond} in row {row}; allow_nan=True lets such values pass")
        return converted

    def _data(self, x: Any, y: Any, w: Any, allow_nan: bool, where: str = "", watched: bool = False) -> Any:
        """Data checked and in the form the core takes, or a stream of such data; x is not looked through if watched."""
        assert self.loss is not None
        source = _source(x, y, w)
        if source is not None:
            return source._for(lambda x, y, w: self._data(x, y, w, allow_nan, where))
        self._network_for(x)
        X = self._rows(where + "x", x, allow_nan or watched)
        targets = np.asarray(y)
        units = self._units
        if targets.dtype.kind not in "fiub":
            raise TypeError(f"{where}y has dtype {targets.dtype}, expected real numbers")
        sparse = isinstance(self.loss, losses.SparseCategoricalCrossentropy)
        columns = 1 if sparse else units
        if targets.ndim == 1 and columns == 1:
            targets = targets[:, np.newaxis]
        if targets.shape != (len(X), columns):
            hint = ""
            if not sparse and units > 1 and targets.shape in ((len(X),), (len(X), 1)):
                hint = "; class numbers go with loss='sparse_categorical_crossentropy', or through to_categorical"
            raise ValueError(f"{where}y has shape {np.shape(y)}, expected {(len(X), columns)} for these x{hint}")
        if isinstance(self.loss, losses.SparseCategoricalCrossentropy):
            losses.check_classes(where + "y", targets, units, self.loss.ignore_class)
        Y = self._finite(where + "y", targets, allow_nan)
        if w is None:
            return X, Y, None
        weights = np.asarray(w)
        if weights.dtype.kind not in "fiub":
            raise TypeError(f"{where}sample_weight has dtype {weights.dtype}, expected real numbers")
        if weights.shape == (len(X), 1):
            weights = weights[:, 0]
        if weights.shape != (len(X),):
            raise ValueError(f"{where}sample_weight has shape {np.shape(w)}, expected ({len(X)},)")
        return X, Y, self._finite(where + "sample_weight", weights, allow_nan)

    def _training_data(
        self,
        x: Any,
        y: Any,
        w: Any,
        class_weight: Mapping[int, float] | None,
        allow_nan: bool,
        watched: bool = False,
    ) -> Any:
        source = _source(x, y, w)
        if source is not None:
            return source._for(lambda x, y, w: self._training_data(x, y, w, class_weight, allow_nan))
        X, Y, W = self._data(x, y, w, allow_nan, watched=watched)
        if class_weight is not None:
            if W is not None:
                raise ValueError("class_weight and sample_weight are both given, expected at most one of them")
            W = self._weights_of_classes(Y, class_weight)
        return X, Y, W

    def _weights_of_classes(self, Y: Any, class_weight: Mapping[int, float]) -> Any:
        classes = Y.argmax(axis=1) if Y.shape[1] > 1 else Y[:, 0].astype(np.int64)
        weights = np.ones(len(Y), Y.dtype)
        for number, weight in class_weight.items():
            weights[classes == _whole("class_weight's key", number, 0)] = optimizers._number(
                f"class_weight[{number}]", weight, 0.0, math.inf
            )
        return weights

    def _configure(self, loss: losses.Loss) -> None:
        """Tell the network the loss and the metrics, once after each compile."""
        if self._configured:
            return
        assert self._compiled is not None
        units = self._units
        sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
        plain, weighted = self._compiled["metrics"], self._compiled["weighted"]
        chosen = [metrics.for_model(name, units, sparse) for name in plain + weighted]
        for metric in chosen:
            wanted = metric._loss()
            if wanted is None:
                continue  # it takes targets as they come
            if sparse and units > 1 and not isinstance(wanted, losses.SparseCategoricalCrossentropy):
                raise ValueError(f"metric {metric.name!r} compares outputs with targets, but y holds class numbers")
            if not sparse and isinstance(wanted, losses.SparseCategoricalCrossentropy):
                raise ValueError(f"metric {metric.name!r} needs class numbers for y, but the loss takes one-hot rows")
        specs = [
            metric._spec("mean" if i < len(plain) else "mean_with_sample_weight") for i, metric in enumerate(chosen)
        ]
        self._network.configure(loss._spec(), [spec for spec in specs if spec is not None], self._loss_weight())
        self._metrics = chosen
        names = ["loss"]
        for i, metric in enumerate(chosen):
            name = metric.name if i < len(plain) or metric.name not in names else f"weighted_{metric.name}"
            same = sum(other == name or other.startswith(name + "_") for other in names[1:])
            names.append(f"{name}_{same}" if name in names else name)
        self._names = names
        self._core_names = ["loss", *(name for name, spec in zip(names[1:], specs, strict=True) if spec is not None)]
        # (name, metric, whether it is weighted) of those that the core leaves to Python
        self._fed = [
            (names[1 + i], metric, i >= len(plain))
            for i, (metric, spec) in enumerate(zip(chosen, specs, strict=True))
            if spec is None
        ]
        self._configured = True

    def _loss_weight(self) -> float:
        assert self._compiled is not None
        return _loss_weight(self._compiled["loss_weights"])

    def _metric_named(self, name: str) -> Metric | None:
        return dict(zip(self._names[1:], self._metrics, strict=True)).get(name)

    def _watches(self, x: Any) -> bool:
        """Whether rows x had better be looked at during training than before: where they are much more than what
        training changes, which is kept meanwhile."""
        if not isinstance(x, np.ndarray) or x.nbytes < 1 << 20:
            return False
        network = self._network_for(x)
        assert self._compiled is not None
        assert self.optimizer is not None
        if not network.watches or self._compiled["gradient"] != "analytic":
            return False
        names = self._compiled["metrics"] + self._compiled["weighted"]
        if any(name not in ("accuracy", "acc") for name in names) or self.optimizer._rate_spec()[0] == "called":
            return False  # Python may be called after all
        return x.nbytes > 128 * (network.theta.nbytes + network.state.nbytes)

    def _snapshot(self) -> tuple[Any, ...]:
        """All that a fit without callbacks changes, but for what the data and the loss are."""
        network, optimizer = self._network, self.optimizer
        assert optimizer is not None
        own = {name: getattr(self, name) for name in ("_last_data", "_fresh_orders", "history", "stop_training")}
        arrays = [(array, array.copy()) for array in (network.theta, network.state, network.random)]
        return own, arrays, optimizer._snapshot()

    def _restore(self, snapshot: tuple[Any, ...]) -> None:
        own, arrays, of_optimizer = snapshot
        assert self.optimizer is not None
        self.__dict__.update(own)
        for array, copy in arrays:
            array[...] = copy
        self.optimizer._restore(of_optimizer)

    def _train(
        self, data: tuple[Any, Any, Any], batch: int, orders: Any, figures: Any, *more: Any, watched: bool = False
    ) -> None:
        """Let the core train, and count its updates."""
        optimizer = self.optimizer
        assert optimizer is not None
        assert self._compiled is not None
        self._build_optimizer(optimizer)
        gradient, h = self._compiled["gradient"], self._compiled["h"]
        try:
            self._network.train(
                *data,
                batch,
                optimizer._core(),
                gradient,
                self._step(gradient, h),
                orders,
                figures,
                *more,
                watched=watched,
            )
        finally:
            optimizer._applied += self._network.steps_done

    def _pass(
        self,
        kind: str,
        listeners: CallbackList,
        data: Any,
        batch: int,
        part: tuple[Any, int, int] | None = None,
        progress: Callable[[int, float], None] | None = None,
    ) -> dict[str, float]:
        """An epoch of "train" or a "test", on the rows of part (order, first, last): the means over them by name.

        One call of the core for each piece of the data, of which there is one where they are in memory; or one for
        each batch where a callback is to be called around batches.
        """
        train = kind == "train"
        stop = "stop_training" if train else "stop_evaluating"
        by_batch = listeners._uses_batches(kind) or getattr(self, stop)
        counted = not isinstance(data, tuple) and data.by_batches  # these count as rows do
        sums, figures = self._network.fresh_sums(), np.empty((1, len(self._core_names)))
        for _, metric, _ in self._fed:
            metric.reset_state()
        logs: dict[str, float] = {}
        index = 0
        for piece, batch, (order, begin, end) in _pieces(data, batch, part):  # noqa: B020
            size = batch if by_batch else end - begin
            outputs = np.empty((len(piece[0]), self._units), self._network.dtype) if self._fed else None
            for first in range(begin, end, size):
                getattr(listeners, f"on_{kind}_batch_begin")(index)
                rows = (order, first, min(first + size, end), sums)
                if train:
                    self._train(piece, batch, None, figures, None if counted else progress, rows, outputs)
                else:
                    self._network.train(*piece, batch, None, "analytic", 0.0, None, figures, None, rows, outputs)
                if counted and progress:
                    progress(index + 1, (index + 1) * figures[0, 0])
                logs = dict(zip(self._core_names, figures[0].tolist(), strict=True))
                logs.update(self._feed(piece, batch, rows, outputs))
                logs = dict(sorted(logs.items()))
                getattr(listeners, f"on_{kind}_batch_end")(index, logs)
                index += 1
                if getattr(self, stop):
                    return logs
        return logs

    def _feed(self, data: tuple[Any, Any, Any], batch: int, rows: tuple[Any, ...], outputs: Any) -> dict[str, Any]:
        """Give the metrics that the core leaves to Python what a pass over these rows brought; their figures so far."""
        _, Y, W = data
        order, first, last, _ = rows
        for _, metric, weighted in self._fed:
            size = batch if metric._by_batch else last - first
            for start in range(first, last, size):
                part = slice(start, min(start + size, last))
                chosen = part if order is None else order[part]
                weights = W[chosen] if weighted and W is not None else None
                metric.update_state(Y[chosen], outputs[part], weights)
        return {name: metric.result() for name, metric, _ in self._fed}

    def _evaluate(
        self, data: Any, batch_size: int | None, steps: int | None, listeners: CallbackList
    ) -> dict[str, float]:
        batch, steps = _plan(data, batch_size, steps)
        end = min(steps * batch, _length(data))
        self._configure(self._ready("evaluate"))
        self.stop_evaluating = False
        listeners.on_test_begin()
        logs = self._pass("test", listeners, data, batch, (None, 0, end))
        if _ended_early(data, end, steps * batch, batch) and not self.stop_evaluating:
            _warn_of_the_end()
        listeners.on_test_end(logs)
        return logs

    def _returned(self, logs: dict[str, float], return_dict: bool) -> Any:
        """The figures as `evaluate` returns them."""
        if return_dict:
            return logs
        return [logs[name] for name in self._names] if len(logs) > 1 else logs["loss"]

    def _build_optimizer(self, optimizer: optimizers.Optimizer) -> None:
        if optimizer._shapes is not self._shapes:
            optimizer._build(self.trainable_weights, self._paths())
            optimizer._shapes = self._shapes

    def _paths(self) -> list[str]:
        """The names of the arrays that learn, as optimizers look for them."""
        return [
            f"{self.name}/{layer.name}/{name}"
            for layer in self._layers
            if layer.trainable
            for name in layer._learned_names()
        ]

    def _step(self, method: str, h: float | None) -> float:
        if h is not None or method == "analytic":
            return h or 0.0
        eps = float(np.finfo(self.dtype).eps)
        return math.pow(eps, 1 / 3 if method == "central" else 1 / 2)

    def _orders(self, shuffle: bool | str, seed: int | None = None) -> tuple[int, int, int] | None:
        """What `gdcore.random.shuffling` says, or None."""
        if shuffle is False:
            return None
        self._fresh_orders += shuffle == "fresh"
        return _random.shuffling(shuffle, seed, self._fresh_orders)

    def _split(self, flat: Any) -> list[Any]:
        parts, at = [], 0
        for view in self.trainable_weights:
            parts.append(flat[at : at + view.size].reshape(view.shape).copy())
            at += view.size
        return parts

    def _index_of(self, layer: int | str | Layer) -> int:
        if isinstance(layer, Layer):
            found = [i for i, other in enumerate(self._layers) if other is layer]
        elif isinstance(layer, str):
            look_up("layer", layer, {other.name: other for other in self._layers})
            found = [i for i, other in enumerate(self._layers) if other.name == layer]
        else:
            n = len(self._layers)
            found = [int(layer) % n] if -n <= int(layer) < n else []
        if not found:
            raise ValueError(f"layer={layer!r} is not among the {len(self._layers)} layers of this model")
        return found[0]

    def _offset(self, layer: int, index: Any) -> int:
        """Where in the flat vector index (i, j) of a layer's kernel or j of its bias stands.

        ("name", i, ...) is the place in the array of that name.
        """
        chosen = self._layers[layer]
        learned = chosen._learned if chosen.trainable else []
        where = tuple(index) if isinstance(index, tuple | list) else (index,)
        if where and isinstance(where[0], str):
            named = {array.name: i for i, array in enumerate(learned)}
            which, where = look_up("index", where[0], named), where[1:]
        else:
            fitting = [i for i, array in enumerate(learned) if len(array.shape) == len(where)]
            which = fitting[0] if fitting else len(learned)
        if which >= len(learned) or len(where) != len(learned[which].shape):
            arrays = ", ".join(f"{array.name} of shape {array.shape}" for array in learned) or "no arrays that learn"
            raise ValueError(f"index={index!r} does not fit layer {chosen.name!r}, which has {arrays}")
        place = tuple(int(i) for i in where)
        shape = learned[which].shape
        if any(not -n <= i < n for i, n in zip(place, shape, strict=True)):
            raise ValueError(f"index={index!r} is outside the {learned[which].name} of shape {shape}")
        before = sum(view.size for other in self._layers[:layer] for view in other.trainable_weights)
        before += sum(view.size for view in chosen.trainable_weights[:which])
        wrapped = tuple(i % n for i, n in zip(place, shape, strict=True))
        return int(before) + int(np.ravel_multi_index(wrapped, shape))

    def __copy__(self) -> Sequential:
        # layers hold views of one model's vector, so that two models cannot share them
        from copy import deepcopy

        return deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.update(_network=None, _configured=False, _last_data=None, history=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if any(layer.built for layer in self._layers):
            self._build()

    def __repr__(self) -> str:
        return f"<Sequential {self.name}: {' -> '.join(map(repr, self._layers))}, {self.dtype}>"


def save_model(model: Sequential, filepath: Any, overwrite: bool = True) -> None:
    """The same as ``model.save(filepath, overwrite)``."""
    model.save(filepath, overwrite)


def load_model(filepath: Any, custom_objects: None = None, compile: bool = True, safe_mode: bool = True) -> Sequential:
    """The model in a ``.keras`` file that `Sequential.save` or Keras 3 wrote; needs h5py.

    Nothing in a file is ever run: Lambda layers and classes that are not Keras's own are refused.

    Parameters
    ----------
    filepath : str, path, or file open for reading bytes
    custom_objects : None
        Classes of one's own cannot be given.
    compile : bool
        Whether to `compile` as the file says, and take over the state of the optimizer.
    safe_mode : bool
        True: there is no other mode.

    Raises
    ------
    ValueError
        If the file is damaged or of another kind, or has a model that gdcore cannot build; the message names
        the file and says what is wrong.
    FileNotFoundError
        If there is no such file.
    ImportError
        Without h5py (``pip install "gdcore[h5]"``).
    """
    from . import saving as _saving

    if not safe_mode:
        raise ValueError("safe_mode=False is not possible: gdcore never runs what a file says")
    _no_custom(custom_objects)
    return _saving.load_model(Sequential, filepath, compile)


def clone_model(model: Sequential) -> Sequential:
    """A model of the same layers with weights of its own, drawn anew; not compiled."""
    return Sequential.from_config(model.get_config())


def model_from_json(json_string: str, custom_objects: None = None) -> Sequential:
    """The model that `Sequential.to_json`, ours or Keras's, described; with new weights, compiled as it says.

    Raises
    ------
    ValueError
        If it is not JSON, or describes something that gdcore cannot build.
    """
    from . import saving as _saving

    _no_custom(custom_objects)
    return _saving.from_json(Sequential, json_string)


def _no_custom(custom_objects: Any) -> None:
    if custom_objects:
        raise ValueError(
            f"custom_objects={custom_objects!r} is not None: layers and losses of one's own cannot be given"
        )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if value is not None:
            _whole(name, value, 1)


def _source(x: Any, y: Any, sample_weight: Any, targets: bool = True) -> Any:
    """The `gdcore.Dataset` that x is or makes, or None if these are arrays, with targets unless that is False."""
    if y is not None and not hasattr(x, "_converted"):
        return None
    from ..data.dataset import source_of

    return source_of(x, y, sample_weight, targets)


def _length(data: Any) -> int:
    return len(data[0]) if isinstance(data, tuple) else data.length


def _cut(data: Any, rows: slice) -> Any:
    """Some rows of data in the form of the core, or streamed."""
    return tuple(None if a is None else a[rows] for a in data) if isinstance(data, tuple) else data.cut(rows)


def _plan(data: Any, batch_size: int | None, steps: int | None) -> tuple[int, int]:
    """`_batches` of data in the form of the core, or streamed."""
    return _batches(len(data[0]), batch_size, steps) if isinstance(data, tuple) else data.plan(batch_size, steps)


def _known(steps: int) -> int | None:
    """The number of batches in a pass, None where nobody knows."""
    return steps if steps < _ENDLESS else None


def _pieces(data: Any, batch: int, part: Any) -> Iterable[Any]:
    """What the core is given in a pass, one thing after the other: data, rows to a batch, (order, first, last)."""
    if isinstance(data, tuple):
        return [(data, batch, (None, 0, len(data[0])) if part is None else part)]
    return data.pieces(batch, part)


def _batches(rows: int, batch_size: int | None, steps: int | None) -> tuple[int, int]:
    """Rows to a batch and batches to a pass, of which either may be given."""
    batch = batch_size or (-(-rows // steps) if steps else 32)
    return batch, steps or -(-rows // batch)


def _parts(rows: int, batch: int, steps: int) -> Iterator[tuple[int, int, int]]:
    """For each epoch the number of the pass over the rows, and from where to where it goes in it."""
    number = begin = 0
    while True:
        end = min(begin + steps * batch, rows)
        yield number, begin, end
        number, begin = (number + 1, 0) if end == rows else (number, end)


def _is_due(epoch: int, freq: int | Sequence[int]) -> bool:
    return epoch + 1 in freq if isinstance(freq, list | tuple) else (epoch + 1) % freq == 0  # type: ignore[operator]


def _ended_early(data: Any, rows: int, wanted: int, batch: int) -> bool:
    """Whether there were fewer batches than wanted rows make."""
    return rows <= wanted - batch or (not isinstance(data, tuple) and data.ended_early)


def _warn_of_the_end() -> None:
    warnings.warn("there are fewer batches than steps: the rows have come to their end", stacklevel=3)


def _loss_weight(given: Any) -> float:
    """What `loss_weights` of a model with one output says."""
    if given is None:
        return 1.0
    weights = list(given) if isinstance(given, list | tuple) else [given]
    if len(weights) != 1:
        raise ValueError(f"loss_weights={given!r} has {len(weights)} entries, expected one: the model has one output")
    return _checks.number("loss_weights", weights[0])


def _metric(identifier: Any) -> metrics.Metric:
    return metrics.get(identifier)


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}={value!r} is not an integer")
    if value < least:
        raise ValueError(f"{name}={value} is less than {least}")
    return int(value)


def _positive(name: str, value: Any) -> float:
    number = optimizers._number(name, value, 0.0, float("inf"))
    if number == 0:
        raise ValueError(f"{name}={value!r} is not greater than 0")
    return number
