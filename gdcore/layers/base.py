"""What a layer is: a description of what the core computes, and views into the model's flat vectors.

A layer says by `_spec` what the core must do with its inputs, and by `_arrays` and `_moving` which arrays it needs;
the model makes them.  What these are is settled when the layer is built: settings that say it (units, use_bias, ...)
may be assigned later, and then stand in the configuration only, as in Keras.  All of Keras's names, defaults and order
of arrays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from .. import _checks
from .._core import kernels
from .._core.specs import ActivationSpec, ConstraintSpec, LayerSpec, RegularizerSpec
from .._fields import Configured, Flag, Text
from .._names import arguments
from .._registry import snake_case
from .settings import ActivityRegularizer, given_row_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

_Y = TypeVar("_Y", bound="Layer")
Shape = tuple[int, ...]


class WeightSpec(NamedTuple):
    """An array that a layer learns."""

    name: str
    shape: Shape
    initializer: Any
    regularizer: Any = None
    constraint: Any = None


class Key:
    """Stands for an array that a layer learns: by it an optimizer knows the array again, in a copy of the model too."""

    __slots__ = ("__weakref__",)


class Built(NamedTuple):
    """What is settled when a layer is built."""

    kind: str
    """The core's name of what it computes."""
    input_shape: Shape
    output_shape: Shape
    arrays: tuple[WeightSpec | None, WeightSpec | None]
    """What it learns: what the core calls kernel and bias."""
    state: int
    """Numbers that no gradient changes: moving statistics, or constants."""

    @property
    def n_params(self) -> int:
        """The size of all arrays that it may learn."""
        return sum(math.prod(array.shape) for array in self.arrays if array is not None)


class Layer(Configured):
    """What all layers share.

    Parameters
    ----------
    name : str, optional
        By default the class's in lower case; the model numbers the names that come more than once.
    dtype : {"float32", "float64"}, optional
        The type of the whole model.
    trainable : bool
        False leaves the layer's arrays as they are (and batch normalization in inference mode).  May be assigned
        later; `compile` takes note of it.
    activity_regularizer : str or Regularizer, optional
        A penalty on the layer's output, divided by the rows of the batch (L1, L2 or L1L2).
    input_dim, input_shape : int, tuple of int, optional
        Width or shape of a row, where this is the model's first layer.

    Raises
    ------
    TypeError, ValueError
        If a setting is not what it must be; also where it is assigned later.
    """

    _kind = "activation"
    _any_shape = False  # whether rows may be more than one-dimensional

    name = Text()
    trainable = Flag()
    activity_regularizer = ActivityRegularizer()

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        activity_regularizer: Any = None,
        input_dim: int | None = None,
        input_shape: Any = None,
    ) -> None:
        self._named = name is not None
        self.name = snake_case(type(self).__name__) if name is None or name == "" else name
        self._dtype = _checks.dtype("dtype", dtype)
        self.trainable = trainable
        self.activity_regularizer = activity_regularizer
        self._input_shape: Shape | None = given_row_shape(input_dim, input_shape)
        self._learned: list[WeightSpec] = []
        self._keys: list[Key] = []
        self._views: list[Any] = []
        self._fixed: Any = None
        self._built: Built | None = None

    # ---- what a layer tells the model and the core ----------------------------------------------------------

    def _arrays(self, n: int) -> tuple[WeightSpec | None, WeightSpec | None]:
        """The arrays it learns from n inputs: what the core calls kernel and bias."""
        return (None, None)

    def _moving(self) -> list[tuple[str, Any]]:
        """Names and initializers of arrays of n values that follow the data instead."""
        return []

    def _core_kind(self) -> str:
        """The core's name of what it computes."""
        return self._kind

    def _activation(self) -> ActivationSpec:
        """The activation that ends it."""
        return ActivationSpec("linear")

    def _constants(self, shape: Shape, dtype: Any = np.float64) -> Any:
        """Fixed numbers that the core needs: an array of shape (2, inputs), or None."""
        return None

    def _output_shape(self, shape: Shape) -> Shape:
        """The shape of a row of outputs; an error where it cannot work on such rows."""
        if len(shape) > 1 and not self._any_shape:
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) takes rows of numbers, but gets rows of shape {shape}: "
                "put Flatten() before it"
            )
        return shape

    def _row_shape_after(self, shape: Shape) -> Shape:
        """The shape of a row of outputs: that with which the layer was built, if it was."""
        return self._output_shape(shape) if self._built is None else self._built.output_shape

    def _spec(self, shape: Shape) -> LayerSpec:
        """What the core needs to know of the layer, for rows of that shape."""
        if self._built is not None:
            self._output_shape(shape)  # raises where the layer, as it is set now, cannot work on such rows
        built = self._built or self._structure(shape)
        activity = self.activity_regularizer
        kind = kernels.LAYERS[built.kind]
        regularizers, constraints = self._rules(built.arrays)
        kernel, bias = (None if array is None else math.prod(array.shape) for array in built.arrays)
        return LayerSpec(
            built.kind,
            math.prod(shape),
            math.prod(built.output_shape),
            kind.numbers_of(self),
            self._activation(),
            kernel,
            bias,
            built.state,
            not self.trainable,
            (0.0, 0.0) if activity is None else (float(activity.l1), float(activity.l2)),
            regularizers,
            constraints,
        )

    def _structure(self, shape: Shape) -> Built:
        """What is settled when the layer is built for rows of that shape; an error where it cannot be."""
        output_shape = self._output_shape(shape)
        constants = self._constants(shape)
        state = len(self._moving()) * math.prod(output_shape) if constants is None else constants.size
        built = Built(self._core_kind(), shape, output_shape, self._arrays(math.prod(shape)), state)
        self._activation()
        self._rules(built.arrays)
        return built

    def _rules(
        self, arrays: tuple[WeightSpec | None, WeightSpec | None]
    ) -> tuple[tuple[RegularizerSpec, ...], tuple[ConstraintSpec, ...]]:
        """The regularizers and constraints of arrays that learn, as the core needs them."""
        regularizers, constraints = [], []
        for which, array in enumerate(arrays):
            if array is None or not self.trainable:
                continue
            matrix = (array.shape[0], array.shape[1] if len(array.shape) == 2 else 1)
            if array.regularizer is not None:
                if array.regularizer.needs_matrix and len(array.shape) != 2:
                    raise ValueError(f"{array.regularizer!r} needs a matrix, but {array.name} has shape {array.shape}")
                regularizers.append(array.regularizer._spec(which, matrix))
            if array.constraint is not None:
                constraints.append(array.constraint._spec(which, array.shape, matrix))
        return tuple(regularizers), tuple(constraints)

    # ---- what the model tells a layer -----------------------------------------------------------------------

    def _attach(self, built: Built, learned: Any, state: Any, dtype: Any, kept: list[Any] | None) -> None:
        """Take views into the model's vectors and fill them: with kept, or anew."""
        n = math.prod(built.input_shape)
        self._learned = [array for array in built.arrays if array is not None]
        initial: list[Any] = (
            [array.initializer(array.shape, dtype) for array in self._learned] if kept is None else kept
        )
        views, at = [], 0
        for array in self._learned:
            size = math.prod(array.shape)
            views.append(learned[at : at + size].reshape(array.shape))
            at += size
        for i, (_, initializer) in enumerate(self._moving()):
            views.append(state[i * n : (i + 1) * n])
            if kept is None:
                initial.append(initializer((n,), dtype))
        for view, value in zip(views, initial, strict=True):
            view[...] = value
        self._views, self._fixed = views, state
        self._built = built
        if len(self._keys) != len(self._learned):
            self._keys = [Key() for _ in self._learned]
        self._fill_constants()

    def _fill_constants(self) -> None:
        """Put the fixed numbers, as they are now, where the core reads them."""
        if self._built is not None and self._fixed is not None:
            constants = self._constants(self._built.input_shape, self._fixed.dtype)
            if constants is not None:
                self._fixed[:] = constants.reshape(-1)

    def _attach_random(self, state: Any) -> None:
        """Share (seed, draws so far) with the core."""

    def _values(self) -> list[Any]:
        """What `_attach` is to fill the arrays with when the model is made again."""
        return [view.copy() for view in self._views]

    def _detach(self) -> None:
        """Give up the views."""
        self._views, self._fixed = [], None
        self._built = None

    def _refresh(self) -> None:
        """Called after the arrays were overwritten."""

    # ---- weights --------------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[Any]:
        """The layer's arrays, as views: writing into them changes the model."""
        return list(self._views)

    @property
    def trainable_weights(self) -> list[Any]:
        """Those that learn; none where the layer is not trainable."""
        return self._views[: len(self._learned)] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """Those that do not learn."""
        return self._views[len(self._learned) :] if self.trainable else self.weights

    @property
    def built(self) -> bool:
        """Whether the layer has its weights."""
        return self._built is not None

    def get_weights(self) -> list[Any]:
        """Copies of the layer's arrays, in Keras's order (kernel, then bias)."""
        return [view.copy() for view in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Overwrite the layer's arrays; nothing changes if any of them does not fit.

        Raises
        ------
        TypeError, ValueError
            If the number of arrays, a dtype or a shape is wrong, or the layer has no weights yet.
        """
        if not self.built:
            raise ValueError(f"weights for layer {self.name!r}: it has none, for it has no input width yet")
        names = [f"{self.name}/{name}" for name in self._weight_names()]
        assign_weights(f"layer {self.name!r}", self.weights, names, weights)
        self._refresh()

    def count_params(self) -> int:
        """The number of scalars in the layer's arrays."""
        return sum(view.size for view in self.weights)

    def _learned_names(self) -> list[str]:
        return [array.name for array in self._learned]

    def _weight_names(self) -> list[str]:
        return self._learned_names() + [name for name, _ in self._moving()]

    def _named_view(self, name: str) -> Any:
        """The array of that name, or None where there is none, or none yet."""
        return dict(zip(self._weight_names(), self._views, strict=False)).get(name)

    # ---- settings -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, in Keras's form; the shape of a row is the model's."""
        config = {**super().get_config(), "dtype": self._dtype}
        if self.activity_regularizer is None:
            del config["activity_regularizer"]
        return config

    @classmethod
    def from_config(cls: type[_Y], config: dict[str, Any]) -> _Y:
        """The layer that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not isinstance(
            state.get("_built"), Built
        ):  # of 0.1.0, whose layers did not know it; their arrays are in _views
            self._built, self._keys, self._fixed = None, [], None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def assign_weights(owner: str, views: Sequence[Any], names: Sequence[str], weights: Any) -> None:
    """Overwrite arrays by others of the same shapes; nothing changes if any of them does not fit.

    Parameters
    ----------
    owner : str
        Whose they are, for errors: "layer 'dense'".
    views : sequence of ndarray
        What is written into.
    names : sequence of str
        Of the arrays, for errors.
    weights : iterable of array_like

    Raises
    ------
    TypeError, ValueError
        If the number of arrays, a dtype or a shape is wrong.
    """
    arrays = [np.asarray(w) for w in weights]
    if len(arrays) != len(views):
        expected = f"{len(views)}: {', '.join(names)}" if views else "none, for it has no input width yet"
        raise ValueError(f"weights for {owner}: got {len(arrays)} arrays, expected {expected}")
    for name, view, array in zip(names, views, arrays, strict=True):
        if array.dtype.kind not in "fiub":
            raise TypeError(f"weights for {name}: dtype {array.dtype}, expected real numbers")
        if array.shape != view.shape:
            raise ValueError(f"weights for {name}: shape {array.shape}, expected {view.shape}")
    for view, array in zip(views, arrays, strict=True):
        view[...] = array
