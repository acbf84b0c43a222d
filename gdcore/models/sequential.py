"""`Sequential`: a stack of layers that is compiled, trained, evaluated and kept in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import row_shape
from .._names import look_up
from ..layers import Layer
from ..layers.base import assign_weights
from .compiled import Compiled
from .stack import Stack, summary_lines
from .trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray


class Sequential(Trainer):
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
    A model may be used from several threads, one at a time: the others wait.  What changes the layers or `compile`
    waits for a training in another thread to end; `predict`, `evaluate` and `gradient` only for a call of the core.
    """

    def __init__(self, layers: Iterable[Layer] | None = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(Stack(dtype))
        self.name = name or "sequential"
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
        with self._stack.lock:
            self._stack.add(layer)
            self._settled = None

    def pop(self) -> Layer:
        """Take the top layer off and return it (without its weights)."""
        with self._stack.lock:
            self._settled = None
            return self._stack.pop()

    def build(self, input_shape: Any = None) -> None:
        """Give the model its weights, for rows of the given width: ``(4,)`` or ``(None, 4)``."""
        rows: tuple[int, ...] | None = None
        if input_shape is not None:
            shape = tuple(input_shape) if np.ndim(input_shape) else (input_shape,)
            rows = row_shape("input_shape", shape[1:] if len(shape) > 1 and shape[0] is None else shape)
            known = self._stack.input_shape
            if known is not None and known != rows:
                raise ValueError(f"input_shape={input_shape!r}, but the model takes rows of shape {known}")
        self._stack.build(rows)

    @property
    def dtype(self) -> str:
        """ "float32" or "float64"."""
        return self._stack.dtype

    @property
    def layers(self) -> list[Layer]:
        """The layers, without `Input`."""
        return list(self._stack.layers)

    @property
    def built(self) -> bool:
        """Whether the model has its weights."""
        return self._stack.has_weights

    @property
    def input_shape(self) -> tuple[Any, ...] | None:
        """(None, width of a row), or None where it is not known yet."""
        shape = self._stack.input_shape
        return None if shape is None else (None, *shape)

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """(None, units of the last layer)."""
        if not self._stack.layers:
            raise ValueError("the model has no layers")
        shape = self._stack.shape_after(len(self._stack.layers))
        if shape is None:
            raise ValueError("the model has no output_shape before it knows its input's: build((n,)) it")
        return (None, *shape)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name or index."""
        if index is not None:
            return self._stack.layers[index]
        return look_up("name", str(name), {layer.name: layer for layer in self._stack.layers})

    # ---- weights -----------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[NDArray[Any]]:
        """All arrays of all layers, as views."""
        return [view for layer in self._stack.layers for view in layer.weights]

    @property
    def trainable_weights(self) -> list[NDArray[Any]]:
        """The arrays that learn, as views."""
        return [view for layer in self._stack.layers for view in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[NDArray[Any]]:
        """The arrays that do not learn: moving statistics, and all arrays of layers that are not trainable."""
        return [view for layer in self._stack.layers for view in layer.non_trainable_weights]

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
        with self._stack.lock:
            layers = self._stack.layers
            names = [f"{layer.name}/{name}" for layer in layers if layer.built for name in layer._weight_names()]
            assign_weights(f"model {self.name!r}", self.weights, names, weights)
            for layer in layers:
                layer._refresh()

    def count_params(self) -> int:
        """The number of scalars in all weights."""
        self.build()
        return sum(layer.count_params() for layer in self._stack.layers)

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print a table of the layers, their output shapes and their numbers of parameters."""
        for line in summary_lines(self.name, self._stack):
            print_fn(line)

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
        from . import saving

        saving.save_model(self, filepath, overwrite)

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
        from . import saving

        saving.save_weights(self, filepath, overwrite)

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
        from . import saving

        with self._stack.lock:
            saving.load_weights(self, filepath, skip_mismatch)

    def get_config(self) -> dict[str, Any]:
        """Name and layers, in Keras's form."""
        from . import saving

        return saving.model_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """The model that `get_config` (or Keras's) described, with new weights."""
        from . import saving

        return saving.model_of_config(cls, config)

    def to_json(self, **options: Any) -> str:
        """The model without its weights as JSON, for `model_from_json`, ours and Keras's.

        Parameters
        ----------
        **options
            For ``json.dumps``, as ``indent=2``.
        """
        from . import saving

        return saving.to_json(self, **options)

    # ---- copies and pickles --------------------------------------------------------------------------------

    def __copy__(self) -> Sequential:
        # layers hold views of one model's vector, so that two models cannot share them
        from copy import deepcopy

        return deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        # as in 0.1.0: what the layers hold, and no network, lock or data
        if self.built:
            self._stack.build()
        state = {name: value for name, value in self.__dict__.items() if name not in ("_stack", "_metrics", "_settled")}
        stack = self._stack
        state.update(_layers=stack.layers, _input=stack.input, _given_dtype=stack.given_dtype)
        state.update(_last_data=None, history=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = {name: value for name, value in state.items() if name not in _OF_THE_STACK}
        self.__dict__.update({"loss": None, **own})
        self._compiled = Compiled.of_state(state["_compiled"])
        self._metrics = self._settled = None
        self._stack = Stack.restored(state["_given_dtype"], state["_input"], state["_layers"])

    def __repr__(self) -> str:
        return f"<Sequential {self.name}: {' -> '.join(map(repr, self._stack.layers))}, {self.dtype}>"


# in a pickle: what is the stack's, and (in those of 0.1.0) what followed from the network and from `compile`
_OF_THE_STACK = (
    *("_layers", "_input", "_given_dtype", "_network", "_units", "_row_shape", "_shapes"),
    *("_compiled", "_configured", "_metrics", "_names", "_core_names", "_fed"),
)


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
    from . import saving

    if not safe_mode:
        raise ValueError("safe_mode=False is not possible: gdcore never runs what a file says")
    _no_custom(custom_objects)
    return saving.load_model(Sequential, filepath, compile)


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
    from . import saving

    _no_custom(custom_objects)
    return saving.from_json(Sequential, json_string)


def _no_custom(custom_objects: Any) -> None:
    if custom_objects:
        raise ValueError(
            f"custom_objects={custom_objects!r} is not None: layers and losses of one's own cannot be given"
        )
