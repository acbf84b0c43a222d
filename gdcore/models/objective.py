"""A model's loss as a function of its weights: gradients, slices, and one flat vector for solvers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .._core import Network, kernels
from .._names import look_up
from .compiled import difference_step
from .inputs import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from ..data.stream import Stream
    from .inputs import Arrays
    from .trainer import Trainer


def gradient(
    model: Trainer, x: Any, y: Any, method: str, h: float | None, sample_weight: Any, training: bool, allow_nan: bool
) -> tuple[float, list[NDArray[Any]]]:
    """What `Sequential.gradient` gives."""
    model._ready("gradient")
    look_up("method", method, kernels.GRADIENTS)
    if h is not None:
        h = _checks.positive("h", h)
    X, Y, W = data = in_memory(model._data(x, y, sample_weight, allow_nan))
    model._configure().check_current(data)
    model._last_data = (x, y, sample_weight)
    with model._stack.planned_as_now() as built:
        network = built.network
        step = 0.0 if method == "analytic" else difference_step(method, h, network.dtype)
        value = network.gradient(X, Y, W, method, step, training)
        return value, built.split(network.grad)


def loss_slice(
    model: Trainer, layer: Any, index: Any, values: ArrayLike, x: Any, y: Any, sample_weight: Any
) -> NDArray[np.float64]:
    """What `Sequential.loss_slice` gives."""
    model._ready("loss_slice")
    if x is None and y is None:
        if model._last_data is None:
            raise ValueError("x and y are needed: this model has not seen any data yet")
        x, y, sample_weight = model._last_data
    X, Y, W = data = in_memory(model._data(x, y, sample_weight, allow_nan=True))
    stack = model._stack
    where = stack.index_of(layer)
    at = stack.offset(where, index)
    points = np.ascontiguousarray(values, np.float64)
    if points.ndim != 1:
        raise ValueError(f"values has shape {points.shape}, expected one dimension")
    metrics = model._configure()
    metrics.check_current(data)
    built = metrics.built
    return built.network.loss_slice(X, Y, W, where, at, points)


def float64_twin(model: Trainer, what: str) -> tuple[Any, Any]:
    """A network of the same layers, weights and state in float64, with the loss but without metrics.

    what is the name of the call that needs it, for errors.  Where in its flat vector the numbers are that learn comes
    with it.
    """
    loss, compiled = model._ready(what), model._compiled
    assert compiled is not None
    with model._stack.planned_as_now() as built:
        twin, places = Network(built.network.layers, "float64"), built.places()
        for name in ("theta", "state", "random"):
            getattr(twin, name)[:] = getattr(built.network, name)
    twin.configure(loss._spec(), [], compiled.loss_weight)
    return twin, places


def in_float64(data: Arrays | Stream) -> tuple[Any, ...]:
    """The data for that network."""
    return tuple(None if array is None else array.astype(np.float64) for array in in_memory(data))


class ModelObjective:
    """The loss of a model as a function of one flat vector, in float64; what `Sequential.objective` gives.

    The vector holds the trainable arrays one after the other, in the order of ``model.trainable_weights``.  The
    model changes with `assign` only.  Called with a vector, the object gives ``(value, gradient)``, as ``jac=True``
    expects; unpacked, ``fun, jac = model.objective(x, y)``.
    """

    def __init__(self, model: Trainer, data: Arrays | Stream, training: bool) -> None:
        self._model = model
        self._training = training
        self._data = in_float64(data)
        self._network, self._places = float64_twin(model, "objective")
        self._last: tuple[bytes, float, NDArray[Any]] = (b"", 0.0, np.empty(0))

    @property
    def x0(self) -> NDArray[np.float64]:
        """The weights that the model has now."""
        return self._model._stack.build().network.theta[self._places].astype(np.float64)

    def __call__(self, w: ArrayLike) -> tuple[float, NDArray[np.float64]]:
        """The loss with all penalties, and its gradient."""
        at = self._checked(w)
        key = at.tobytes()
        if key != self._last[0]:
            self._network.theta[self._places] = at
            value = self._network.gradient(*self._data, "analytic", 0.0, self._training)
            self._last = (key, value, self._network.grad[self._places].copy())
        return self._last[1], self._last[2].copy()

    def fun(self, w: ArrayLike) -> float:
        """The loss."""
        return self(w)[0]

    def jac(self, w: ArrayLike) -> NDArray[np.float64]:
        """Its gradient, of the shape of w."""
        return self(w)[1]

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return iter((self.fun, self.jac))

    def assign(self, w: ArrayLike) -> None:
        """Give the model these weights."""
        stack = self._model._stack
        with stack.lock:
            stack.build().network.theta[self._places] = self._checked(w)
            for layer in stack.layers:
                layer._refresh()

    def _checked(self, w: ArrayLike) -> NDArray[np.float64]:
        at, expected = np.asarray(w, np.float64), self._network.theta[self._places].shape
        if at.shape != expected:
            raise ValueError(f"w has shape {at.shape}, expected {expected}")
        return at
