"""Layers: descriptions of what the core computes, holding views into the model's flat vectors.

A layer says by `_spec` what the core must do with its inputs, and by `_arrays` and `_moving` which arrays it needs;
the model makes them.  All of Keras's names, defaults and order of arrays.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import activations, constraints, initializers, random, regularizers
from .._names import arguments, look_up, serialized

_Y = TypeVar("_Y", bound="Layer")
_Shape = tuple[int, ...]


class _Array(NamedTuple):
    """An array that a layer learns."""

    name: str
    shape: _Shape
    initializer: Any
    regularizer: Any = None
    constraint: Any = None


class Layer:
    """What all layers share.

    Parameters
    ----------
    name : str, optional
    dtype : {"float32", "float64"}, optional
        The type of the whole model.
    trainable : bool
        False leaves the layer's arrays as they are (and batch normalization in inference mode).  May be assigned
        later; `compile` takes note of it.
    activity_regularizer : str or Regularizer, optional
        A penalty on the layer's output, divided by the rows of the batch (L1, L2 or L1L2).
    input_dim, input_shape : int, tuple of int, optional
        Width or shape of a row, where this is the model's first layer.
    """

    _kind = "activation"
    _default_name: str
    _any_shape = False  # whether rows may be more than one-dimensional

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
        self.name = name or self._default_name
        self._named = name is not None
        self._dtype = _dtype(dtype)
        self.trainable = bool(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if self.activity_regularizer is not None and not isinstance(
            self.activity_regularizer, regularizers.ElementwisePenalty
        ):
            raise ValueError(f"activity_regularizer={self.activity_regularizer!r} is not L1, L2 or L1L2")
        if input_dim is not None and input_shape is not None and (input_dim,) != tuple(input_shape):
            raise ValueError(f"input_dim={input_dim!r} and input_shape={input_shape!r} disagree")
        self._input_shape: _Shape | None = None
        if input_dim is not None:
            self._input_shape = (_count("input_dim", input_dim),)
        elif input_shape is not None:
            self._input_shape = _row_shape("input_shape", input_shape)
        self._learned: list[_Array] = []
        self._views: list[Any] = []
        self._frozen = False
        self._built = False

    # ---- what the model asks -----------------------------------------------------------------------------

    def _arrays(self, n: int) -> tuple[_Array | None, _Array | None]:
        """The arrays it learns from n inputs: what the core calls kernel and bias."""
        return (None, None)

    def _moving(self) -> list[tuple[str, Any]]:
        """Names and initializers of arrays of n values that follow the data instead."""
        return []

    def _activation(self) -> tuple[str, tuple[float, ...]]:
        return ("linear", ())

    def _numbers(self) -> tuple[float, ...]:
        return ()

    def _constants(self, shape: _Shape, dtype: Any = np.float64) -> Any:
        """Fixed numbers that the core needs: an array of shape (2, inputs), or None."""
        return None

    def _output_shape(self, shape: _Shape) -> _Shape:
        if len(shape) > 1 and not self._any_shape:
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) takes rows of numbers, but gets rows of shape {shape}: "
                "put Flatten() before it"
            )
        return shape

    def _spec(self, shape: _Shape) -> dict[str, Any]:
        """What the core needs to know of the layer, for rows of that shape."""
        n_out = math.prod(self._output_shape(shape))
        kernel, bias = arrays = self._arrays(math.prod(shape))
        constants = self._constants(shape)
        activity = self.activity_regularizer
        rules: dict[str, list[Any]] = {"regularizers": [], "constraints": []}
        for which, array in enumerate(arrays):
            if array is None or not self.trainable:
                continue
            matrix = array.shape if len(array.shape) == 2 else (array.shape[0], 1)
            if array.regularizer is not None:
                if array.regularizer._spec()[0].startswith("orthogonal") and len(array.shape) != 2:
                    raise ValueError(f"{array.regularizer!r} needs a matrix, but {array.name} has shape {array.shape}")
                rules["regularizers"].append((which, *array.regularizer._spec(), *matrix))
            if array.constraint is not None:
                rules["constraints"].append((which, *array.constraint._spec(array.shape), *matrix))
        return {
            "kind": self._kind,
            "n_in": math.prod(shape),
            "n_out": n_out,
            "activation": self._activation(),
            "numbers": self._numbers(),
            "frozen": not self.trainable,
            "kernel": None if kernel is None else math.prod(kernel.shape),
            "bias": None if bias is None else math.prod(bias.shape),
            "state": len(self._moving()) * n_out if constants is None else constants.size,
            "activity": (0.0, 0.0) if activity is None else activity._spec()[1],
            **rules,
        }

    def _attach(self, learned: Any, state: Any, shape: _Shape, dtype: Any, kept: list[Any] | None) -> None:
        """Take views into the model's vectors (frozen arrays lie in state) and fill them: with kept, or anew."""
        self._learned = [array for array in self._arrays(math.prod(shape)) if array is not None]
        initial: list[Any] = (
            [array.initializer(array.shape, dtype) for array in self._learned] if kept is None else kept
        )
        views, at = [], 0
        for array in self._learned:
            size = math.prod(array.shape)
            views.append(learned[at : at + size].reshape(array.shape))
            at += size
        n = math.prod(shape)
        for i, (_, initializer) in enumerate(self._moving()):
            views.append(state[i * n : (i + 1) * n])
            if kept is None:
                initial.append(initializer((n,), dtype))
        for view, value in zip(views, initial, strict=True):
            view[...] = value
        constants = self._constants(shape, dtype)
        if constants is not None:
            state[:] = constants.reshape(-1)
        self._views = views
        self._frozen = not self.trainable
        self._built = True

    def _attach_random(self, state: Any) -> None:
        """Share (seed, draws so far) with the core."""

    def _values(self) -> list[Any]:
        """What `_attach` is to fill the arrays with when the model is made again."""
        return [view.copy() for view in self._views]

    def _detach(self) -> None:
        self._views = []
        self._built = False

    def _refresh(self) -> None:
        """Called after the arrays were overwritten."""

    # ---- weights -----------------------------------------------------------------------------------------

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
        return self._built

    def get_weights(self) -> list[Any]:
        """Copies of the layer's arrays, in Keras's order (kernel, then bias)."""
        return [view.copy() for view in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Overwrite the layer's arrays; nothing changes if any of them does not fit.

        Raises
        ------
        ValueError
            If the number of arrays or a shape is wrong, or the layer has no weights yet.
        """
        if not self._built:
            raise ValueError(f"weights for layer {self.name!r}: it has none, for it has no input width yet")
        _assign(f"layer {self.name!r}", self.weights, [f"{self.name}/{n}" for n in self._weight_names()], weights)
        self._refresh()

    def _learned_names(self) -> list[str]:
        return [array.name for array in self._learned]

    def _weight_names(self) -> list[str]:
        return self._learned_names() + [name for name, _ in self._moving()]

    def count_params(self) -> int:
        """The number of scalars in the layer's arrays."""
        return sum(view.size for view in self.weights)

    # ---- settings ----------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, in Keras's form; the shape of a row is the model's."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": self._dtype}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls: type[_Y], config: dict[str, Any]) -> _Y:
        """The layer that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class InputLayer(Layer):
    """The shape of a row; see `Input`."""

    _default_name = "input_layer"

    def __init__(self, shape: Any, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        super().__init__(name=name, dtype=dtype, **options)
        self.shape = _row_shape("shape", shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "batch_shape": (None, *self.shape)}

    @classmethod
    def from_config(cls: type[_Y], config: dict[str, Any]) -> _Y:
        given = dict(config)
        if "batch_shape" in given:  # how many rows come at once makes no difference here
            given["shape"] = tuple(given.pop("batch_shape"))[1:]
        return super().from_config(given)


def Input(shape: Any, name: str | None = None, dtype: Any = None) -> InputLayer:
    """The first entry of a model: rows of the given width.

    Parameters
    ----------
    shape : tuple of int
        ``(4,)`` for rows of four numbers; rows of more dimensions, such as ``(28, 28)``, need a `Flatten`.
    name : str, optional
    dtype : {"float32", "float64"}, optional
        The type of the whole model.
    """
    return InputLayer(shape, name, dtype)


class Dense(Layer):
    """outputs = activation(inputs @ kernel + bias)

    Parameters
    ----------
    units : int
        Outputs of the layer.
    activation : str or Activation, optional
        None is linear.
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : str or Constraint, optional
    options : as in `Layer`

    Attributes
    ----------
    kernel : ndarray of shape (inputs, units)
    bias : ndarray of shape (units,), or None
        Both are views into the model's parameters, None before the model knows its input width.
    """

    _kind = "dense"
    _default_name = "dense"

    def __init__(
        self,
        units: int,
        activation: str | activations.Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **options)
        self.units = _count("units", units)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def _arrays(self, n: int) -> tuple[_Array | None, _Array | None]:
        kernel = _Array(
            "kernel", (n, self.units), self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
        )
        bias = _Array("bias", (self.units,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return (kernel, bias if self.use_bias else None)

    def _activation(self) -> tuple[str, tuple[float, ...]]:
        return self.activation._spec()

    def _output_shape(self, shape: _Shape) -> _Shape:
        super()._output_shape(shape)
        return (self.units,)

    @property
    def kernel(self) -> Any:
        """The weights, of shape (inputs, units)."""
        return self._views[0] if self._views else None

    @property
    def bias(self) -> Any:
        """The biases, of shape (units,)."""
        return self._views[1] if self.use_bias and self._views else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }

    def __repr__(self) -> str:
        return f"<Dense {self.name}: {self.units} units, {self.activation.__name__}>"


class Activation(Layer):
    """An activation function as a layer of its own.

    Parameters
    ----------
    activation : str or Activation
    options : as in `Layer`
    """

    _default_name = "activation"
    _any_shape = True

    def __init__(self, activation: str | activations.Activation, **options: Any) -> None:
        super().__init__(**options)
        self.activation = activations.get(activation)

    def _activation(self) -> tuple[str, tuple[float, ...]]:
        return self.activation._spec()

    def _output_shape(self, shape: _Shape) -> _Shape:
        if len(shape) > 1 and self.activation._couples_units:
            raise ValueError(
                f"layer {self.name!r} ({self.activation.__name__}) gets rows of shape {shape}: put Flatten() before it"
            )
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class _Shaped(Activation):
    """Layers around an activation with settings of their own."""

    def get_config(self) -> dict[str, Any]:
        return Layer.get_config(self)


class ReLU(_Shaped):
    """0 below the threshold plus `negative_slope` times the distance to it, at most `max_value`.

    Parameters
    ----------
    max_value : float, optional
    negative_slope, threshold : float
        At least 0.
    options : as in `Layer`
    """

    _default_name = "re_lu"

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **options: Any
    ) -> None:
        self.max_value = None if max_value is None else _at_least_0("max_value", max_value)
        self.negative_slope = _at_least_0("negative_slope", negative_slope)
        self.threshold = _at_least_0("threshold", threshold)
        relu = activations.relu.with_parameters(
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )
        super().__init__(relu, **options)

    def get_config(self) -> dict[str, Any]:
        own = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return {**super().get_config(), **own}


class LeakyReLU(_Shaped):
    """x if x > 0, else `negative_slope` x.

    Parameters
    ----------
    negative_slope : float
        At least 0.
    options : as in `Layer`
    """

    _default_name = "leaky_re_lu"

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        self.negative_slope = _at_least_0("negative_slope", negative_slope)
        super().__init__(activations.leaky_relu.with_parameters(negative_slope=self.negative_slope), **options)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(_Shaped):
    """x if x > 0, else alpha (exp(x) - 1).

    Parameters
    ----------
    alpha : float
    options : as in `Layer`
    """

    _default_name = "elu"

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        self.alpha = float(alpha)
        super().__init__(activations.elu.with_parameters(alpha=self.alpha), **options)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(_Shaped):
    """exp(x_j) / sum_k exp(x_k)

    Parameters
    ----------
    axis : int
        The last one (-1 or 1).
    options : as in `Layer`
    """

    _default_name = "softmax"

    def __init__(self, axis: int = -1, **options: Any) -> None:
        self.axis = _last_axis(axis)
        super().__init__(activations.softmax, **options)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class PReLU(Layer):
    """x if x > 0, else alpha x, with an alpha for each feature that learns (He et al., ICCV 2015).

    Parameters
    ----------
    alpha_initializer : str or Initializer
    alpha_regularizer : str or Regularizer, optional
    alpha_constraint : str or Constraint, optional
    options : as in `Layer`
    """

    _kind = "prelu"
    _default_name = "p_re_lu"

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if shared_axes is not None:
            raise ValueError(
                f"shared_axes={shared_axes!r} is not None: rows have one axis, with an alpha for each value"
            )
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)

    def _arrays(self, n: int) -> tuple[_Array | None, _Array | None]:
        alpha = _Array("alpha", (n,), self.alpha_initializer, self.alpha_regularizer, self.alpha_constraint)
        return (alpha, None)

    @property
    def alpha(self) -> Any:
        """The slopes below 0, of shape (inputs,)."""
        return self._views[0] if self._views else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": None,
        }


class Flatten(Layer):
    """Rows of any shape become rows of numbers."""

    _default_name = "flatten"
    _any_shape = True

    def __init__(self, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        if data_format not in (None, "channels_last"):
            raise ValueError(f"data_format={data_format!r} is not None or 'channels_last'")

    def _output_shape(self, shape: _Shape) -> _Shape:
        return (math.prod(shape),)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": "channels_last"}


class Rescaling(Layer):
    """inputs * scale + offset

    Parameters
    ----------
    scale, offset : float, or array_like with a value for each feature
    options : as in `Layer`
    """

    _kind = "rescaling"
    _default_name = "rescaling"
    _any_shape = True

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.offset = _reals("scale", scale), _reals("offset", offset)

    def _constants(self, shape: _Shape, dtype: Any = np.float64) -> Any:
        try:
            return np.array([np.broadcast_to(v, shape).reshape(-1) for v in (self.scale, self.offset)], np.float64)
        except ValueError:
            raise ValueError(
                f"layer {self.name!r}: scale of shape {np.shape(self.scale)} and offset of shape "
                f"{np.shape(self.offset)} do not fit rows of shape {shape}"
            ) from None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


class Normalization(Layer):
    """(inputs - mean) / max(sqrt(variance), 1e-7)

    Parameters
    ----------
    axis : int or None
        -1 (or 1): a mean and variance for each feature; None: one of each for all.
    mean, variance : float or array_like, optional
        Both or neither; without them `adapt` takes them from data.
    invert : bool
        inputs * max(sqrt(variance), 1e-7) + mean instead.
    options : as in `Layer`
    """

    _kind = "normalization"
    _default_name = "normalization"

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        axes = () if axis is None else (tuple(axis) if isinstance(axis, list | tuple) else (axis,))
        if len(axes) > 1 or any(a not in (-1, 1) for a in axes):
            raise ValueError(f"axis={axis!r} is not -1, 1 or None")
        self.axis = axes
        if (mean is None) != (variance is None):
            raise ValueError(f"mean={mean!r} and variance={variance!r}: give both or neither")
        self.input_mean, self.input_variance = mean, variance
        if mean is not None:
            self.input_mean, self.input_variance = _reals("mean", mean), _reals("variance", variance)
            if np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(axes):
                raise ValueError(
                    f"mean has shape {np.shape(mean)} and variance {np.shape(variance)}: expected the same, of at most "
                    f"{len(axes)} dimensions"
                )
        self.invert = bool(invert)
        self._kind = "rescaling" if self.invert else "normalization"
        self._any_shape = not axes
        self._adapted: list[Any] = []  # mean, variance, count
        self._fixed: Any = None

    @property
    def mean(self) -> Any:
        """What is subtracted."""
        return self.input_mean if self.input_mean is not None else (self._adapted[0] if self._adapted else None)

    @property
    def variance(self) -> Any:
        """What is divided by, squared."""
        return self.input_variance if self.input_mean is not None else (self._adapted[1] if self._adapted else None)

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data of shape (rows, inputs), or an iterable of such batches.

        Raises
        ------
        ValueError
            If mean and variance were given, or the shape does not fit.
        """
        if self.input_mean is not None:
            raise ValueError(f"layer {self.name!r} was given its mean and variance, and cannot adapt to data")
        if isinstance(data, np.ndarray):
            data = [data]
        axis = 0 if self.axis else None
        count, mean, variance = 0, None, None
        for batch in data:
            rows = np.asarray(batch)
            if rows.dtype.kind not in "fiub" or rows.ndim < 2 or not rows.size:
                raise ValueError(f"data has a batch of {rows.dtype} of shape {rows.shape}, expected (rows, inputs)")
            if mean is not None and self.axis and rows.shape[1:] != mean.shape:
                raise ValueError(f"data has batches of shapes {(len(rows), *mean.shape)} and {rows.shape}")
            new_mean, new_variance, n = np.mean(rows, axis=axis), np.var(rows, axis=axis), len(rows)
            if mean is None:
                mean, variance = new_mean, new_variance
            else:
                share = n / (count + n)
                both = mean * (1 - share) + new_mean * share
                variance = (variance + (mean - both) ** 2) * (1 - share) + (
                    new_variance + (new_mean - both) ** 2
                ) * share
                mean = both
            count += n
        if mean is None:
            raise ValueError("data holds no batch")
        self._make_arrays(np.shape(mean))
        if np.shape(mean) != self._adapted[0].shape:
            raise ValueError(f"data has rows of shape {np.shape(mean)}, but the layer takes {self._adapted[0].shape}")
        self._adapted[0][...], self._adapted[1][...] = mean, variance
        self._refresh()

    def _make_arrays(self, shape: _Shape) -> None:
        if not self._adapted and self.input_mean is None:
            self._adapted = [np.zeros(shape, np.float32), np.ones(shape, np.float32), np.zeros((), np.int64)]

    def _constants(self, shape: _Shape, dtype: Any = np.float64) -> Any:
        self._make_arrays(shape if self.axis else ())
        if self._adapted and self._adapted[0].shape not in ((), shape):
            raise ValueError(
                f"layer {self.name!r} was adapted to rows of shape {self._adapted[0].shape}, but gets {shape}"
            )
        real = np.dtype(dtype).type
        mean = np.broadcast_to(np.asarray(self.mean, real), shape).reshape(-1)
        scale = np.broadcast_to(np.asarray(self.variance, real), shape).reshape(-1)
        scale = np.maximum(np.sqrt(scale), real(1e-7))
        return np.array([scale, mean] if self.invert else [mean, scale])

    def _attach(self, learned: Any, state: Any, shape: _Shape, dtype: Any, kept: list[Any] | None) -> None:
        super()._attach(learned, state, shape, dtype, [])
        self._fixed, self._shape = state, shape

    def _detach(self) -> None:
        super()._detach()
        self._fixed = None

    def _refresh(self) -> None:
        if self._fixed is not None:
            self._fixed[:] = self._constants(self._shape, self._fixed.dtype).reshape(-1)

    def finalize_state(self) -> None:
        """Use mean and variance as they are now, after they were written into."""
        self._refresh()

    @property
    def weights(self) -> list[Any]:
        """Mean, variance and count, unless they were given."""
        return list(self._adapted)

    @property
    def non_trainable_weights(self) -> list[Any]:
        return self.weights

    def _weight_names(self) -> list[str]:
        return ["mean", "variance", "count"] if self.input_mean is None else []

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "mean": self.input_mean, "variance": self.input_variance, "invert": self.invert}
        return {**super().get_config(), **own}


class _CenteredAndScaled(Layer):
    """Layers that end with gamma * x + beta."""

    _any_shape = False

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.axis = _last_axis(axis)
        self.epsilon = _at_least_0("epsilon", epsilon)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def _arrays(self, n: int) -> tuple[_Array | None, _Array | None]:
        gamma = _Array("gamma", (n,), self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint)
        beta = _Array("beta", (n,), self.beta_initializer, self.beta_regularizer, self.beta_constraint)
        return (gamma if self.scale else None, beta if self.center else None)

    def _named_view(self, name: str) -> Any:
        names = self._weight_names()
        return self._views[names.index(name)] if self._views and name in names else None

    @property
    def gamma(self) -> Any:
        """The factors, of shape (inputs,); None without `scale`."""
        return self._named_view("gamma")

    @property
    def beta(self) -> Any:
        """The offsets, of shape (inputs,); None without `center`."""
        return self._named_view("beta")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class BatchNormalization(_CenteredAndScaled):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe & Szegedy, ICML 2015).

    In training, mean and variance are those of the batch, and the moving ones follow:
    ``moving <- moving momentum + batch (1 - momentum)``.  Elsewhere, and where the layer is not trainable, the
    moving ones are used.

    Parameters
    ----------
    axis : int
        -1 or 1.
    momentum, epsilon : float
    center, scale : bool
        Whether there are beta and gamma.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    options : as in `Layer`
    """

    _kind = "batch_normalization"
    _default_name = "batch_normalization"

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )
        if renorm or synchronized:
            raise ValueError(f"renorm={renorm!r}, synchronized={synchronized!r}: neither is offered")
        self.momentum, self.renorm_momentum = float(momentum), float(renorm_momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def _moving(self) -> list[tuple[str, Any]]:
        return [
            ("moving_mean", self.moving_mean_initializer),
            ("moving_variance", self.moving_variance_initializer),
        ]

    def _numbers(self) -> tuple[float, ...]:
        return (self.momentum, self.epsilon)

    @property
    def moving_mean(self) -> Any:
        """The moving mean, of shape (inputs,)."""
        return self._named_view("moving_mean")

    @property
    def moving_variance(self) -> Any:
        """The moving variance, of shape (inputs,)."""
        return self._named_view("moving_variance")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "renorm": False,
            "renorm_clipping": None,
            "renorm_momentum": self.renorm_momentum,
            "synchronized": False,
        }


class LayerNormalization(_CenteredAndScaled):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance over the row (Ba et al., 2016).

    Parameters
    ----------
    axis : int
        -1 or 1.
    epsilon : float
    center, scale : bool
        Whether there are beta and gamma.
    beta_initializer, gamma_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    options : as in `Layer`
    """

    _kind = "layer_normalization"
    _default_name = "layer_normalization"

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Any,
    ) -> None:
        if options.pop("rms_scaling", False):
            raise ValueError("rms_scaling=True is not offered")
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )

    def _numbers(self) -> tuple[float, ...]:
        return (0.0, self.epsilon)


class _Noise(Layer):
    """Layers that draw numbers in training, each from a stream of its own, as Keras on TensorFlow does."""

    _any_shape = True

    def __init__(self, setting: str, value: float, largest: float, seed: int | None, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
            raise ValueError(f"{setting}={value!r} is not a number between 0 and 1")
        if value > largest:
            raise ValueError(f"{setting}={value!r} leaves nothing to train with")
        self._rate = float(value)
        self.seed = seed
        # as in Keras, a layer that draws nothing takes no seed
        self.seed_generator = random.SeedGenerator(seed) if self._rate > 0 else None
        self._kind = type(self)._kind if self._rate > 0 else "activation"

    def _numbers(self) -> tuple[float, ...]:
        return (self._rate,)

    def _attach_random(self, state: Any) -> None:
        if self.seed_generator is not None:
            state[:] = self.seed_generator.state
            self.seed_generator.state = state

    def _detach(self) -> None:
        super()._detach()
        if self.seed_generator is not None:
            self.seed_generator.state = self.seed_generator.state.copy()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


class Dropout(_Noise):
    """In training each value is 0 with probability `rate`, and divided by 1 - rate otherwise.

    Parameters
    ----------
    rate : float
        Between 0 and 1.
    noise_shape : None
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "dropout"
    _default_name = "dropout"

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **options: Any) -> None:
        _no_noise_shape(noise_shape)
        super().__init__("rate", rate, 1.0, seed, **options)
        self.rate = self._rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": None}


class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance of selu's outputs (Klambauer et al., NeurIPS 2017).

    Parameters
    ----------
    rate : float
        From 0 to less than 1.
    noise_shape : None
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "alpha_dropout"
    _default_name = "alpha_dropout"

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **options: Any) -> None:
        _no_noise_shape(noise_shape)
        super().__init__("rate", rate, math.nextafter(1.0, 0.0), seed, **options)
        self.rate = self._rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": None}


class GaussianDropout(_Noise):
    """In training each value is multiplied by a normal number around 1 of variance rate / (1 - rate).

    Parameters
    ----------
    rate : float
        From 0 to less than 1.
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "gaussian_dropout"
    _default_name = "gaussian_dropout"

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__("rate", rate, math.nextafter(1.0, 0.0), seed, **options)
        self.rate = self._rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class GaussianNoise(_Noise):
    """In training a normal number around 0 is added to each value.

    Parameters
    ----------
    stddev : float
        Between 0 and 1.
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "gaussian_noise"
    _default_name = "gaussian_noise"

    def __init__(self, stddev: float, seed: int | None = None, **options: Any) -> None:
        super().__init__("stddev", stddev, 1.0, seed, **options)
        self.stddev = self._rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


_CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        InputLayer,
        Dense,
        Activation,
        ReLU,
        LeakyReLU,
        ELU,
        Softmax,
        PReLU,
        Flatten,
        Rescaling,
        Normalization,
        BatchNormalization,
        LayerNormalization,
        Dropout,
        AlphaDropout,
        GaussianDropout,
        GaussianNoise,
    )
}


def serialize(layer: Layer) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the layer, without its weights."""
    return serialized("keras.layers", layer)


def deserialize(config: dict[str, Any]) -> Layer:
    """The layer that `serialize` described."""
    return look_up("layer", str(config.get("class_name")), _CLASSES).from_config(config.get("config", {}))


def _assign(owner: str, views: list[Any], names: list[str], weights: Any) -> None:
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


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value <= 0:
        raise ValueError(f"{name}={value!r} is not a positive integer")
    return int(value)


def _row_shape(name: str, shape: Any) -> _Shape:
    if isinstance(shape, int | np.integer):
        shape = (shape,)
    shape = tuple(shape)
    if not shape:
        raise ValueError(f"{name}={shape!r} is empty, expected a tuple of positive integers: the shape of a row")
    return tuple(_count(name, n) for n in shape)


def _at_least_0(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < math.inf:
        raise ValueError(f"{name}={value!r} is not a finite number of at least 0")
    return float(value)


def _last_axis(axis: Any) -> Any:
    if (axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis) not in (-1, 1):
        raise ValueError(f"axis={axis!r} is not -1 or 1: rows have one axis")
    return axis


def _reals(name: str, value: Any) -> Any:
    """A number, or nested lists of numbers, as configs hold them."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}={value!r} is not a number or an array of numbers")
    return array.tolist()


def _no_noise_shape(noise_shape: Any) -> None:
    if noise_shape is not None:
        raise ValueError(f"noise_shape={noise_shape!r} is not None: each value is dropped by itself")


def _dtype(dtype: Any) -> str | None:
    if dtype is None:
        return None
    if isinstance(dtype, dict):  # Keras's serialized dtype policy
        dtype = dtype.get("config", {}).get("name")
    try:
        name = str(np.dtype(dtype))
    except TypeError:
        name = str(dtype)
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype={dtype!r} is not 'float32' or 'float64'")
    return name
