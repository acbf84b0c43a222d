"""The layers of a model in order, and the network that the core makes of them.

A layer that is put on draws its weights at once, into arrays of its own, so that initializers draw in the order of
the layers.  The network, with its one vector for all weights, is made when something first needs it; the layers get
views of it then.  So building is linear in the number of layers, however they are put together.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _checks
from .._core import Network
from .._fields import changes
from .._names import look_up
from ..layers import InputLayer, Layer
from .inputs import DataForm, shape_of_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .._core.specs import LayerSpec


class ModelVariable(NamedTuple):
    """An array that a layer may learn, in its place in a network."""

    key: Any
    """By which an optimizer knows it again."""
    path: str
    """``layer/array``"""
    offset: int
    """Where it begins in the flat vector."""
    view: NDArray[Any]
    learns: bool
    """By the network's plan."""


class Built:
    """A network, and what goes with it: all of it changes together, so that a call takes one reference.

    Attributes
    ----------
    network : gdcore._core.Network
    form : DataForm
    layers : list of Layer
    as_of : int
        The count of `changes` when the network took the layers' settings.
    """

    __slots__ = ("_known", "_variables", "as_of", "form", "layers", "network")

    def __init__(self, network: Any, form: DataForm, layers: list[Layer], as_of: int) -> None:
        self.network, self.form, self.layers, self.as_of = network, form, layers, as_of
        self._known: Any = None
        self._variables: list[ModelVariable] = []

    @property
    def variables(self) -> list[ModelVariable]:
        """All arrays that may learn, in the order of the flat vector; which of them do follows from the plan in use."""
        if self._known is not self.network.layers:
            found, offset = [], 0
            for layer, spec in zip(self.layers, self.network.layers, strict=True):
                views = layer._views[: len(layer._learned)]
                for key, array, view in zip(layer._keys, layer._learned, views, strict=True):
                    found.append(ModelVariable(key, f"{layer.name}/{array.name}", offset, view, not spec.frozen))
                    offset += view.size
            self._variables, self._known = found, self.network.layers
        return self._variables

    @property
    def learned(self) -> list[ModelVariable]:
        """Those that learn."""
        return [variable for variable in self.variables if variable.learns]

    def split(self, flat: NDArray[Any]) -> list[NDArray[Any]]:
        """Copies of the parts of a vector that belong to the arrays that learn."""
        return [flat[v.offset : v.offset + v.view.size].reshape(v.view.shape).copy() for v in self.learned]

    def places(self) -> NDArray[np.int64] | slice:
        """Where in the flat vector the numbers are that learn."""
        learned = self.learned
        if len(learned) == len(self.variables):
            return slice(None)
        parts = [np.arange(v.offset, v.offset + v.view.size) for v in learned]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)


class Unplaced(Sequence[Any]):
    """The arrays of a layer of a model whose network is still to be made.

    Whoever looks at one of them gets it from its place in the network, which is made then: an array that was
    handed out stays the layer's until layers are added or taken off.
    """

    def __init__(self, stack: Stack, layer: Layer, arrays: list[NDArray[Any]]) -> None:
        self._stack, self._layer, self.arrays = stack, layer, arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: Any) -> Any:
        self._stack.build()
        return self._layer._views[index]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return list, (list(self),)  # copies of a layer have nothing to do with this model


class Stack:
    """Layers in order, with distinct names, each fed by the one before.

    Parameters
    ----------
    dtype : {"float32", "float64"}, optional

    Attributes
    ----------
    layers : list of Layer
        To be changed by `add` and `pop` only.
    input : InputLayer or None
    built : Built or None
        None where the network is still to be made.
    lock : threading.RLock
        Held by all that changes the layers or trains them, so that these exclude each other.
    """

    def __init__(self, dtype: Any = None) -> None:
        self.layers: list[Layer] = []
        self.input: InputLayer | None = None
        self.built: Built | None = None
        self.lock = threading.RLock()
        self.given_dtype = _checks.dtype("dtype", dtype)
        self._known_dtype = self.given_dtype  # what the model or one of its layers asks for
        self._row_shapes: list[tuple[int, ...]] = []  # before the first layer, after it, ...; empty if not known
        self._names: set[str] = set()
        self._members: set[int] = set()
        self._next_numbers: dict[str, int] = {}  # the least that may be free, by the name that it is appended to
        _STACKS.add(self)

    @classmethod
    def restored(cls, dtype: Any, entry: InputLayer | None, layers: list[Layer]) -> Stack:
        """A stack of layers as they are, names and arrays included."""
        stack = cls(dtype)
        stack.layers, stack.input = list(layers), entry
        stack._names = {layer.name for layer in layers}
        stack._members = {id(layer) for layer in layers}
        stack._known_dtype = stack._asked_dtype()
        shape = stack.input_shape
        if shape is not None:
            stack._row_shapes = stack._shapes_from(shape)
        if any(layer.built for layer in layers):
            stack.build()
        return stack

    # ---- changing it -------------------------------------------------------------------------------------

    def add(self, layer: Layer) -> None:
        """Put a layer on top, with its weights where the width of its rows is known; see `Sequential.add`."""
        with self.lock:
            if isinstance(layer, InputLayer):
                if self.layers or self.input:
                    raise ValueError("Input must be the first entry of a model, and there can be only one")
                self._check_dtype(layer)
                self.input, self._row_shapes = layer, [layer.shape]
                self._known_dtype = self._known_dtype or layer._dtype
                return
            shape = self._shape_below(layer)
            structure = None if shape is None else layer._structure(shape)  # raises where it cannot work on such rows
            self._check_dtype(layer)
            name = self._free_name(layer)
            if structure is not None:
                dtype = np.dtype(self._known_dtype or layer._dtype or "float32")
                learned, state = np.zeros(structure.n_params, dtype), np.zeros(structure.state, dtype)
                layer._attach(structure, learned, state, dtype, None)
            self._take_apart()
            layer.name = name
            self.layers.append(layer)
            self._names.add(name)
            self._members.add(id(layer))
            self._known_dtype = self._known_dtype or layer._dtype
            if shape is not None:
                self._row_shapes = self._row_shapes or [shape]
                self._row_shapes.append(layer._row_shape_after(shape))
                self._unplace(layer)

    def pop(self) -> Layer:
        """Take the top layer off, without its weights; see `Sequential.pop`."""
        with self.lock:
            if not self.layers:
                raise ValueError("cannot pop from an empty model: add a layer first")
            self._take_apart()
            layer = self.layers.pop()
            layer._detach()
            self._names.discard(layer.name)
            self._members.discard(id(layer))
            self._next_numbers.clear()
            del self._row_shapes[len(self.layers) + 1 :]
            if not self.layers and self.input is None:
                self._row_shapes = []
            if layer._dtype is not None:
                before, self._known_dtype = self.dtype, self._asked_dtype()
                if self.dtype != before and self.has_weights:
                    self.build()  # rounds the weights to the other type
            return layer

    def build(self, row_shape: tuple[int, ...] | None = None) -> Built:
        """Make the network where there is none yet, for rows of that shape where the model does not know theirs."""
        built = self.built
        if built is not None:
            return built
        with self.lock:
            if self.built is None:
                self.built = self._make_built() if self._row_shapes else self._make_built_for(row_shape)
            return self.built

    def built_for(self, x: Any) -> Built:
        """`build`, for rows like those of x."""
        built = self.built
        if built is not None:
            return built
        return self.build(None if self._row_shapes else shape_of_rows(x))

    def settle(self) -> None:
        """Take the settings of the layers as they are now into the network's plan."""
        with self.lock:
            if self.built is None:
                return
            if self.built.as_of != changes.count:
                as_of, specs = changes.count, tuple(self.specs())
                if specs != self.built.network.layers:
                    self.built.network.plan(specs)
                self.built.as_of = as_of
            for layer in self.layers:
                layer._fill_constants()

    @contextmanager
    def planned_as_now(self) -> Iterator[Built]:
        """The network with the settings of the layers as they are now, for the time being."""
        with self.lock:
            built = self.build()
            kept, specs = built.network.layers, tuple(self.specs())
            if specs == kept:
                yield built
                return
            built.network.plan(specs)
            try:
                yield built
            finally:
                built.network.plan(kept)

    # ---- what is in it -----------------------------------------------------------------------------------

    @property
    def dtype(self) -> str:
        """ "float32" or "float64"."""
        return self._known_dtype or "float32"

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of a row of inputs, or None where it is not known yet."""
        if self.input is not None:
            return self.input.shape
        return self.layers[0]._input_shape if self.layers else None

    @property
    def has_weights(self) -> bool:
        """Whether the layers have their weights: there are some, and the width of a row is known."""
        return bool(self.layers and self._row_shapes)

    def shape_after(self, count: int) -> tuple[int, ...] | None:
        """The shape of a row after so many layers; None where it is not known yet."""
        return self._row_shapes[count] if self._row_shapes else None

    def specs(self) -> list[LayerSpec]:
        """What the core needs to know of each layer."""
        return [layer._spec(shape) for layer, shape in zip(self.layers, self._row_shapes, strict=False)]

    def index_of(self, layer: int | str | Layer) -> int:
        """The place of a layer that is given by its index, its name, or itself."""
        if isinstance(layer, Layer):
            found = [i for i, other in enumerate(self.layers) if other is layer]
        elif isinstance(layer, str):
            look_up("layer", layer, {other.name: other for other in self.layers})
            found = [i for i, other in enumerate(self.layers) if other.name == layer]
        else:
            n = len(self.layers)
            found = [int(layer) % n] if -n <= int(layer) < n else []
        if not found:
            raise ValueError(f"layer={layer!r} is not among the {len(self.layers)} layers of this model")
        return found[0]

    def offset(self, layer: int, index: Any) -> int:
        """Where in the flat vector index (i, j) of a layer's kernel or j of its bias stands.

        ("name", i, ...) is the place in the array of that name.
        """
        chosen = self.layers[layer]
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
        below = (array.shape for other in self.layers[:layer] for array in other._learned)
        before = sum(map(math.prod, below)) + sum(math.prod(array.shape) for array in learned[:which])
        wrapped = tuple(i % n for i, n in zip(place, shape, strict=True))
        return int(before) + int(np.ravel_multi_index(wrapped, shape))

    # ---- how it is done ----------------------------------------------------------------------------------

    def _shape_below(self, layer: Layer) -> tuple[int, ...] | None:
        """The shape of the rows that a new layer gets, after a look at whether it can be put on."""
        if not isinstance(layer, Layer):
            raise TypeError(f"layer={layer!r} is not a gdcore layer")
        if id(layer) in self._members or layer.built:
            raise ValueError(f"layer {layer.name!r} already belongs to a model")
        below = self._row_shapes[-1] if self._row_shapes else None
        own = layer._input_shape
        if own is not None and below is not None and own != below:
            raise ValueError(f"layer {layer.name!r} has input_shape={own}, but gets {below}")
        return below if self.layers or below is not None else own

    def _check_dtype(self, layer: Layer) -> None:
        known = self._known_dtype
        if layer._dtype and known and layer._dtype != known:
            raise ValueError(f"layer {layer.name!r} has dtype={layer._dtype!r}, but the model is {known!r}")

    def _asked_dtype(self) -> str | None:
        """What the model, its input or one of its layers asks for."""
        asked = [self.given_dtype, self.input._dtype if self.input else None, *(x._dtype for x in self.layers)]
        return next((dtype for dtype in asked if dtype), None)

    def _free_name(self, layer: Layer) -> str:
        name = layer.name
        if name not in self._names:
            return name
        if layer._named:
            raise ValueError(f"there is a layer named {name!r} already")
        number = self._next_numbers.get(name, 1)
        while f"{name}_{number}" in self._names:
            number += 1
        self._next_numbers[name] = number
        return f"{name}_{number}"

    def _shapes_from(self, row_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        shapes = [row_shape]
        for layer in self.layers:
            layer._spec(shapes[-1])
            shapes.append(layer._row_shape_after(shapes[-1]))
        return shapes

    def _take_apart(self) -> None:
        """Forget the network; the layers keep their weights until the next one is made."""
        if self.built is not None:
            for layer in self.layers:
                self._unplace(layer)
            self.built = None

    def _unplace(self, layer: Layer) -> None:
        if layer._views:
            layer._views = Unplaced(self, layer, layer._views)  # type: ignore[assignment]

    def _make_built_for(self, row_shape: tuple[int, ...] | None) -> Built:
        """The same, where nothing said before what rows come in; nothing changes if they do not fit the layers."""
        if row_shape is None:
            raise ValueError("input_shape is not known: start with Input((n,)), give input_dim=, or build((n,))")
        self._row_shapes = self._shapes_from(row_shape)
        try:
            built = self._make_built()
        except BaseException:
            self._row_shapes = []
            raise
        self.input = InputLayer(row_shape)
        return built

    def _make_built(self) -> Built:
        """A network; layers that have their weights keep them, initializers make the others."""
        if not self.layers:
            raise ValueError("the model has no layers")
        as_of, specs = changes.count, self.specs()
        network = Network(specs, self.dtype)
        learned_at = state_at = 0
        for i, (layer, spec) in enumerate(zip(self.layers, specs, strict=True)):
            learned = network.theta[learned_at : learned_at + spec.n_params]
            state = network.state[state_at : state_at + spec.state]
            learned_at += spec.n_params
            state_at += spec.state
            structure = layer._built or layer._structure(self._row_shapes[i])
            layer._attach(structure, learned, state, network.dtype, _kept(layer))
            layer._attach_random(network.random[i])
        form = DataForm(self._row_shapes[0], math.prod(self._row_shapes[-1]), network.dtype)
        return Built(network, form, list(self.layers), as_of)


def _kept(layer: Layer) -> list[Any] | None:
    """What is in a layer's arrays, if it has any yet."""
    views: Any = layer._views
    if isinstance(views, Unplaced):
        return views.arrays
    return layer._values() if layer.built or len(views) else None


def summary_lines(name: str, stack: Stack) -> list[str]:
    """A table of the layers, their output shapes and their numbers of parameters, for a model of that name."""
    lines = [f'Model: "{name}"', "_" * 65, f"{'Layer (type)':<29}{'Output Shape':<26}{'Param #':<10}", "=" * 65]
    total = learned = 0
    for i, layer in enumerate(stack.layers):
        count = str(layer.count_params()) if layer.built else "unbuilt"
        title = f"{layer.name} ({type(layer).__name__})"
        shape = stack.shape_after(i + 1)
        lines.append(f"{title:<28} {str((None, *shape)) if shape else '?':<25} {count:<10}")
        total += layer.count_params()
        learned += sum(view.size for view in layer.trainable_weights)
    size = total * np.dtype(stack.dtype).itemsize
    lines += ["=" * 65, f"Total params: {total} ({size} bytes of {stack.dtype})"]
    if learned < total:
        lines += [f"Trainable params: {learned}", f"Non-trainable params: {total - learned}"]
    return [*lines, "_" * 65]


_STACKS: weakref.WeakSet[Stack] = weakref.WeakSet()


def _renew_locks() -> None:
    """In a forked child no thread holds a lock, whatever was going on in the parent."""
    for stack in list(_STACKS):
        stack.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
