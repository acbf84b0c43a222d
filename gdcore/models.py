"""`Sequential`: a stack of layers, trained by the core in one call for each epoch or for many."""

from __future__ import annotations

import math
import random as _python
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import losses, metrics, optimizers
from . import random as _random
from ._core import Network
from ._core import kernels as _kernels
from ._names import look_up
from .callbacks import Callback, History, Progress
from .layers import Dense, InputLayer, Layer, _assign, _dtype
from .metrics import Metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
    """

    def __init__(self, layers: Iterable[Layer] | None = None, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or "sequential"
        self._given_dtype = _dtype(dtype)
        self._input: InputLayer | None = None
        self._layers: list[Dense] = []
        self._network: Any = None
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
        if not isinstance(layer, Dense):
            raise TypeError(f"layer={layer!r} is not a gdcore layer")
        if any(layer is other for other in self._layers) or layer.built:
            raise ValueError(f"layer {layer.name!r} already belongs to a model")
        below = self._layers[-1].units if self._layers else (self._input.units if self._input else None)
        if layer._n_in is not None and below is not None and layer._n_in != below:
            raise ValueError(f"layer {layer.name!r} has input_dim={layer._n_in}, but gets {below} values")
        self._check_dtype(layer)
        taken = {other.name for other in self._layers}
        if layer.name in taken:
            if layer._named:
                raise ValueError(f"there is a layer named {layer.name!r} already")
            layer.name = next(n for i in range(1, len(taken) + 2) if (n := f"{layer.name}_{i}") not in taken)
        kept = self.get_weights()
        self._layers.append(layer)
        self._forget_network()
        if self.input_shape is not None:
            self._build(kept)

    def pop(self) -> Layer:
        """Take the top layer off and return it (without its weights)."""
        if not self._layers:
            raise ValueError("there is no layer to take off")
        kept = self.get_weights()
        layer = self._layers.pop()
        kept = kept[: len(kept) - len(layer._views)]
        layer._views = []
        self._forget_network()
        if self._layers and self.input_shape is not None:
            self._build(kept)
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Give the model its weights, for rows of the given width: ``(4,)`` or ``(None, 4)``."""
        if input_shape is not None:
            shape = tuple(input_shape) if np.ndim(input_shape) else (input_shape,)
            width = InputLayer(shape[-1:]).units
            if self.input_shape is not None and self.input_shape[1] != width:
                raise ValueError(f"input_shape={input_shape!r}, but the model takes rows of {self.input_shape[1]}")
            if self._input is None:
                self._input = InputLayer((width,))
        if self.input_shape is None:
            raise ValueError("input_shape is not known: start with Input((n,)), give input_dim=, or build((n,))")
        if self._network is None:
            self._build([])

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

    def _structure(self) -> list[tuple[int, int, tuple[str, tuple[float, ...]], bool]]:
        assert self.input_shape is not None
        widths = [self.input_shape[1], *(layer.units for layer in self._layers)]
        return [
            (widths[i], layer.units, layer.activation._spec(), layer.use_bias) for i, layer in enumerate(self._layers)
        ]

    def _build(self, kept: list[Any]) -> None:
        """Make the network; weights in kept go to the first layers, initializers make the others."""
        if not self._layers:
            raise ValueError("the model has no layers")
        network = Network(self._structure(), self.dtype)
        at, n_in = 0, self.input_shape[1]  # type: ignore[index]
        made = []
        for layer in self._layers:
            views = []
            for shape in [(n_in, layer.units)] + ([(layer.units,)] if layer.use_bias else []):
                size = int(np.prod(shape))
                views.append(network.theta[at : at + size].reshape(shape))
                at += size
            made.append(views)
            n_in = layer.units
        left = list(kept)
        for layer, views in zip(self._layers, made, strict=True):
            initial = (
                [left.pop(0) for _ in views]
                if left
                else [
                    initializer(view.shape, self.dtype)
                    for initializer, view in zip(
                        (layer.kernel_initializer, layer.bias_initializer), views, strict=False
                    )
                ]
            )
            for view, value in zip(views, initial, strict=True):
                view[...] = value
        for layer, views in zip(self._layers, made, strict=True):
            layer._views = views
        self._network = network
        self._shapes = [view.shape for views in made for view in views]

    @property
    def layers(self) -> list[Layer]:
        """The layers, without `Input`."""
        return list(self._layers)

    @property
    def built(self) -> bool:
        """Whether the model has its weights."""
        return self._network is not None

    @property
    def input_shape(self) -> tuple[None, int] | None:
        """(None, width of a row), or None where it is not known yet."""
        if self._input is not None:
            return (None, self._input.units)
        if self._layers and self._layers[0]._n_in is not None:
            return (None, self._layers[0]._n_in)
        return None

    @property
    def output_shape(self) -> tuple[None, int]:
        """(None, units of the last layer)."""
        if not self._layers:
            raise ValueError("the model has no layers")
        return (None, self._layers[-1].units)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name or index."""
        if index is not None:
            return self._layers[index]
        return look_up("name", str(name), {layer.name: layer for layer in self._layers})

    # ---- weights -----------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[NDArray[Any]]:
        """All arrays of all layers, as views."""
        return [view for layer in self._layers for view in layer._views]

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

    def count_params(self) -> int:
        """The number of scalars in all weights."""
        self.build()
        return int(self._network.n_params)

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print a table of the layers, their output shapes and their numbers of parameters."""
        lines = [
            f'Model: "{self.name}"',
            "_" * 65,
            f"{'Layer (type)':<29}{'Output Shape':<26}{'Param #':<10}",
            "=" * 65,
        ]
        for layer in self._layers:
            count = str(layer.count_params()) if layer.built else "unbuilt"
            title = f"{layer.name} ({type(layer).__name__})"
            lines.append(f"{title:<28} {f'(None, {layer.units})':<25} {count:<10}")
        total = sum(layer.count_params() for layer in self._layers)
        bytes_ = total * np.dtype(self.dtype).itemsize
        lines += ["=" * 65, f"Total params: {total} ({bytes_} bytes of {self.dtype})", "_" * 65]
        for line in lines:
            print_fn(line)

    # ---- training ----------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer | dict[str, Any] = "rmsprop",
        loss: str | losses.Loss | dict[str, Any] | None = None,
        metrics: Sequence[str | Metric] | None = None,
        weighted_metrics: Sequence[str | Metric] | None = None,
        *,
        gradient: str = "analytic",
        h: float | None = None,
    ) -> None:
        """Choose how the model learns.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str or Loss
        metrics : list of str or Metric, optional
            Plain means over the rows.
        weighted_metrics : list of str or Metric, optional
            Means weighted by ``sample_weight``.
        gradient : {"analytic", "forward", "central"}
            How `fit` gets its gradient: by backpropagation, or by finite differences of the loss,
            ``(L(w + h) - L(w)) / h`` or ``(L(w + h) - L(w - h)) / 2h``, one parameter at a time.
        h : float, optional
            The step of the differences; by default the square root (forward) or cube root (central) of the
            dtype's epsilon.

        Raises
        ------
        ValueError
            For an unknown name (it suggests the nearest known one) or an h that is not positive.
        """
        chosen_optimizer = optimizers.get(optimizer)
        chosen_loss = None if loss is None else losses.get(loss)
        plain, weighted = _listed(metrics), _listed(weighted_metrics)
        for name in plain + weighted:
            if name not in ("accuracy", "acc"):
                _metric(name)
        look_up("gradient", gradient, _kernels.GRADIENTS)
        if h is not None:
            h = _positive("h", h)
        self._compiled = {"metrics": plain, "weighted": weighted, "gradient": gradient, "h": h}
        self.loss = chosen_loss
        self.optimizer = chosen_optimizer
        self._configured = False

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
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
        *,
        allow_nan: bool = False,
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        x : array_like of shape (rows, inputs), or (rows,) for one input
        y : array_like of shape (rows, outputs), or (rows,) for one output or for class numbers
        batch_size : int
            Rows to an update (32 if not given); the last batch of an epoch may be smaller.
        epochs : int
            The epoch to stop at, counted from 0 whatever `initial_epoch` is.
        verbose : {"auto", 0, 1, 2}
            0 is silent, 1 ("auto") prints a bar and 2 a line for each epoch.
        callbacks : list of Callback, optional
        validation_split : float
            Share of the rows, taken from the end, to evaluate on after each epoch instead of training on them.
        validation_data : tuple (x, y) or (x, y, sample_weight), optional
        shuffle : {True, False, "fresh"}
            Whether to visit the rows in random order.  After `gdcore.utils.set_random_seed` True gives Keras's
            order, which is the same in every epoch; "fresh" gives another order each epoch, as True does where
            no seed was set.
        class_weight : dict of int to float, optional
            Weights of the rows by their class (the class number, or where the largest target stands); classes
            that are not named weigh 1.  Not together with `sample_weight`.
        sample_weight : array_like of shape (rows,), optional
        initial_epoch : int
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
        batch = 32 if batch_size is None else _whole("batch_size", batch_size, 1)
        first, last = _whole("initial_epoch", initial_epoch, 0), _whole("epochs", epochs, 0)
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose={verbose!r} is not 'auto', 0, 1 or 2")
        if not (shuffle is True or shuffle is False or shuffle == "fresh"):
            raise ValueError(f"shuffle={shuffle!r} is not True, False or 'fresh'")
        listeners = _listed(callbacks)
        for callback in listeners:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks holds {callback!r}, expected gdcore.callbacks.Callback objects")
        X, Y, W = self._data(x, y, sample_weight, allow_nan)
        if class_weight is not None:
            if W is not None:
                raise ValueError("class_weight and sample_weight are both given, expected at most one of them")
            W = self._weights_of_classes(Y, class_weight)
        held_out: tuple[Any, Any, Any] | None = None
        if validation_data is not None:
            if not isinstance(validation_data, list | tuple) or len(validation_data) not in (2, 3):
                raise ValueError("validation_data is not a tuple (x, y) or (x, y, sample_weight)")
            weight = validation_data[2] if len(validation_data) == 3 else None
            held_out = self._data(validation_data[0], validation_data[1], weight, allow_nan, "validation_data: ")
        elif validation_split:
            share = float(validation_split)
            cut = int(len(X) * (1.0 - share)) if 0.0 < share < 1.0 else 0
            if not 0 < cut < len(X):
                raise ValueError(
                    f"validation_split={validation_split!r} of {len(X)} rows leaves none on one side, "
                    "expected a share between 0 and 1"
                )
            held_out = (X[cut:], Y[cut:], None if W is None else W[cut:])
            X, Y, W = X[:cut], Y[:cut], None if W is None else W[:cut]
        optimizer = self.optimizer
        assert optimizer is not None
        assert self._compiled is not None
        if optimizer._shapes is not self._shapes:
            optimizer._build(self._shapes, self._network.dtype, self._decayed(optimizer))
            optimizer._shapes = self._shapes
        self._configure(loss)
        self._last_data = (x, y, sample_weight)

        history = History()
        self.history = history
        names = self._names
        steps = -(-len(X) // batch)
        gradient, h = self._compiled["gradient"], self._step(self._compiled["gradient"], self._compiled["h"])
        orders = self._orders(shuffle)
        if verbose in ("auto", 1, 2):
            bar = Progress(2 if verbose == 2 else 1)
            listeners.insert(0, bar)
            advance = bar.advance if bar._live else None
        else:
            advance = None

        def train(figures: Any, epoch: int, progress: Any = None) -> None:
            order = None if orders is None else (orders[0], orders[1] + (epoch - first) * orders[2], orders[2])
            try:
                self._network.train(X, Y, W, batch, optimizer._core(), gradient, h, order, figures, progress)
            finally:
                optimizer._applied += self._network.steps_done

        if not listeners and held_out is None:
            # nothing in Python to call between the epochs: all of them at once
            figures = np.empty((max(last - first, 0), len(names)))
            try:
                if len(figures):
                    train(figures, first)
            finally:
                if len(figures):
                    history._extend(first, names, figures[: self._network.epochs_done])
            optimizer.finalize_variable_values(self.weights)
            return history
        listeners.append(history)
        for callback in listeners:
            callback.set_model(self)
            callback.set_params({"epochs": last, "steps": steps, "batch_size": batch, "verbose": verbose})
        for callback in listeners:
            callback.on_train_begin()
        logs: dict[str, float] = {}
        figures = np.empty((1, len(names)))
        for epoch in range(first, last):
            for callback in listeners:
                callback.on_epoch_begin(epoch)
            train(figures, epoch, advance)
            logs = dict(zip(names, figures[0].tolist(), strict=True))
            if held_out is not None:
                logs.update(zip(("val_" + n for n in names), self._evaluate(*held_out, batch), strict=True))
            for callback in listeners:
                callback.on_epoch_end(epoch, logs)
        optimizer.finalize_variable_values(self.weights)
        for callback in listeners:
            callback.on_train_end(logs)
        return history

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = 0,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
        *,
        allow_nan: bool = False,
    ) -> Any:
        """The loss and the metrics on data, without training.

        Returns
        -------
        float, list of float, or dict
            The loss; with metrics the list ``[loss, metric, ...]``; a dictionary by name if `return_dict`.
        """
        loss = self._ready("evaluate")
        batch = 32 if batch_size is None else _whole("batch_size", batch_size, 1)
        X, Y, W = self._data(x, y, sample_weight, allow_nan)
        self._configure(loss)
        self._last_data = (x, y, sample_weight)
        values = self._evaluate(X, Y, W, batch)
        names = self._names
        if verbose not in (0, "auto"):
            print(" - ".join(f"{name}: {value:.4f}" for name, value in zip(names, values, strict=True)))
        if return_dict:
            return dict(zip(names, values, strict=True))
        return values if len(values) > 1 else values[0]

    def predict(
        self, x: ArrayLike, batch_size: int | None = None, verbose: int | str = 0, *, allow_nan: bool = False
    ) -> NDArray[Any]:
        """The outputs for rows of inputs, an array of shape (rows, outputs).

        `batch_size` is checked, but has no influence: rows go through the net in blocks that fit the cache.
        """
        if batch_size is not None:
            _whole("batch_size", batch_size, 1)
        return self._network_for(x).predict(self._rows("x", x, allow_nan))

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

        Returns
        -------
        loss : float
        gradient : list of ndarray
            Shaped like `get_weights`.
        """
        loss = self._ready("gradient")
        look_up("method", method, _kernels.GRADIENTS)
        step = self._step(method, None if h is None else _positive("h", h))
        X, Y, W = self._data(x, y, sample_weight, allow_nan)
        self._configure(loss)
        self._last_data = (x, y, sample_weight)
        value = self._network.gradient(X, Y, W, method, step)
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
            ``(i, j)`` is ``kernel[i, j]``; ``j`` or ``(j,)`` is ``bias[j]``.
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
                if len(shape) not in (1, 2) or 0 in shape:
                    raise ValueError(f"x has shape {shape}, expected (rows, inputs) and not empty")
                self._input = InputLayer((shape[1] if len(shape) == 2 else 1,))
            self._build([])
        return self._network

    def _rows(self, name: str, x: Any, allow_nan: bool) -> Any:
        """x as a C-contiguous array of the model's type and width, checked."""
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
        assert self.input_shape is not None
        width = self.input_shape[1]
        if array.ndim == 1:
            array = array[:, np.newaxis]
        if array.ndim != 2 or array.shape[1] != width:
            raise ValueError(f"{name} has shape {np.shape(x)}, expected (rows, {width})")
        if len(array) == 0:
            raise ValueError(f"{name} has shape {np.shape(x)}: there are no rows")
        return self._finite(name, array, allow_nan)

    def _finite(self, name: str, array: Any, allow_nan: bool) -> Any:
        with np.errstate(over="ignore"):
            converted = np.ascontiguousarray(array, self._network.dtype)
        if not (allow_nan or _kernels.all_finite(converted)):
            row = int(np.flatnonzero(~np.isfinite(converted.reshape(len(converted), -1)).all(axis=1))[0])
            beyond = " beyond float32's range" if np.isfinite(array[row]).all() else ""
            raise ValueError(f"{name} has nan or inf{beyond} in row {row}; allow_nan=True lets such values pass")
        return converted

    def _data(self, x: Any, y: Any, w: Any, allow_nan: bool, where: str = "") -> tuple[Any, Any, Any]:
        """Data checked and in the form the core takes."""
        assert self.loss is not None
        self._network_for(x)
        X = self._rows(where + "x", x, allow_nan)
        targets = np.asarray(y)
        units = self._layers[-1].units
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
        if sparse:
            losses.check_classes(where + "y", targets, units)
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
        units = self._layers[-1].units
        sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
        plain, weighted = self._compiled["metrics"], self._compiled["weighted"]
        chosen = [metrics.for_model(name, units, sparse) for name in plain + weighted]
        for metric in chosen:
            if sparse and units > 1 and not isinstance(metric._loss(), losses.SparseCategoricalCrossentropy):
                raise ValueError(f"metric {metric.name!r} compares outputs with targets, but y holds class numbers")
            if not sparse and isinstance(metric._loss(), losses.SparseCategoricalCrossentropy):
                raise ValueError(f"metric {metric.name!r} needs class numbers for y, but the loss takes one-hot rows")
        specs = [
            metric._spec("mean" if i < len(plain) else "mean_with_sample_weight") for i, metric in enumerate(chosen)
        ]
        self._network.configure(loss._spec(), specs)
        self._names = ["loss"]
        for i, metric in enumerate(chosen):
            name = metric.name if i < len(plain) or metric.name not in self._names else f"weighted_{metric.name}"
            same = sum(other == name or other.startswith(name + "_") for other in self._names[1:])
            self._names.append(f"{name}_{same}" if name in self._names else name)
        self._configured = True

    def _evaluate(self, X: Any, Y: Any, W: Any, batch: int) -> list[float]:
        figures = np.empty((1, len(self._names)))
        self._network.train(X, Y, W, batch, None, "analytic", 0.0, None, figures)
        return list(figures[0].tolist())

    def _decayed(self, optimizer: optimizers.Optimizer) -> list[bool]:
        """Which arrays weight decay applies to."""
        names = [name for layer in self._layers for name in layer._weight_names()]
        return [
            not any(part in name for part in optimizer._excluded)
            and not any(view is array for array in optimizer._excluded_arrays)
            for name, view in zip(names, self.weights, strict=True)
        ]

    def _step(self, method: str, h: float | None) -> float:
        if h is not None:
            return h
        eps = float(np.finfo(self.dtype).eps)
        return math.pow(eps, 1 / 3 if method == "central" else 1 / 2)

    def _orders(self, shuffle: bool | str) -> tuple[int, int, int] | None:
        """(key, stream, step) of the shuffling, or None; Keras's own is stream 0 in every epoch."""
        if shuffle is False:
            return None
        seed = _random._State.global_seed
        if seed is None:
            return (_python.getrandbits(64), 0, 1)
        if shuffle is True:
            return (seed, 0, 0)
        self._fresh_orders += 1
        return (seed, self._fresh_orders << 32, 1)

    def _split(self, flat: Any) -> list[Any]:
        parts, at = [], 0
        for view in self.weights:
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
        """Where in the flat vector index (i, j) of a layer's kernel or j of its bias stands."""
        index = tuple(int(i) for i in index) if isinstance(index, tuple | list) else (int(index),)
        views = self._layers[layer]._views
        which = 0 if len(index) == 2 else 1
        if len(index) not in (1, 2) or which >= len(views):
            raise ValueError(f"index={index!r} is neither (i, j) of the kernel nor j of a bias of this layer")
        if any(not -n <= i < n for i, n in zip(index, views[which].shape, strict=True)):
            name = ("kernel", "bias")[which]
            raise ValueError(f"index={index!r} is outside the {name} of shape {views[which].shape}")
        before = int(sum(v.size for other in self._layers[:layer] for v in other._views))
        before += int(views[0].size) if which else 0
        wrapped = tuple(i % n for i, n in zip(index, views[which].shape, strict=True))
        return before + int(np.ravel_multi_index(wrapped, views[which].shape))

    def __copy__(self) -> Sequential:
        # layers hold views of one model's vector, so that two models cannot share them
        from copy import deepcopy

        return deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.update(_network=None, _configured=False, _last_data=None, history=None, _weights=self.get_weights())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = state.pop("_weights")
        self.__dict__.update(state)
        for layer in self._layers:
            layer._views = []
        if kept:
            self._build(kept)

    def __repr__(self) -> str:
        return f"<Sequential {self.name}: {' -> '.join(str(layer.units) for layer in self._layers)}, {self.dtype}>"


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


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
