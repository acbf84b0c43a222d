"""Layers: descriptions of what the core computes, holding views into the model's flat parameter vector."""

from typing import Any

import numpy as np

from . import activations, initializers


class Layer:
    """What all layers share: a name, an input width once known, and weights that live in the model's vector."""

    _default_name: str

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or self._default_name
        self._named = name is not None
        self._dtype = _dtype(dtype)
        self._views: list[Any] = []

    @property
    def weights(self) -> list[Any]:
        """The layer's arrays, as views: writing into them changes the model."""
        return list(self._views)

    @property
    def built(self) -> bool:
        """Whether the layer has its weights."""
        return bool(self._views)

    def get_weights(self) -> list[Any]:
        """Copies of the layer's arrays, in Keras's order (kernel, then bias)."""
        return [view.copy() for view in self._views]

    def set_weights(self, weights: Any) -> None:
        """Overwrite the layer's arrays; nothing changes if any of them does not fit.

        Raises
        ------
        ValueError
            If the number of arrays or a shape is wrong, or the layer has no weights yet.
        """
        _assign(f"layer {self.name!r}", self._views, [f"{self.name}/{n}" for n in self._weight_names()], weights)

    def _weight_names(self) -> list[str]:
        return []

    def count_params(self) -> int:
        """The number of scalars in the layer's arrays."""
        return sum(view.size for view in self._views)


class InputLayer(Layer):
    """The width of a row; see `Input`."""

    _default_name = "input"

    def __init__(self, shape: Any, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.units = _width("shape", shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {"name": self.name, "shape": (self.units,), "dtype": self._dtype}


def Input(shape: Any, name: str | None = None, dtype: Any = None) -> InputLayer:
    """The first entry of a model: rows of the given width.

    Parameters
    ----------
    shape : tuple of one int
        ``(4,)`` for rows of four numbers.
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
    input_dim : int, optional
        Width of a row, where this is the model's first layer; ``input_shape=(input_dim,)`` says the same.
    name : str, optional
    dtype : {"float32", "float64"}, optional

    Attributes
    ----------
    kernel : ndarray of shape (inputs, units)
    bias : ndarray of shape (units,), or None
        Both are views into the model's parameters, None before the model knows its input width.
    """

    _default_name = "dense"

    def __init__(
        self,
        units: int,
        activation: str | activations.Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer | dict[str, Any] = "glorot_uniform",
        bias_initializer: str | initializers.Initializer | dict[str, Any] = "zeros",
        *,
        input_dim: int | None = None,
        input_shape: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.units = _count("units", units)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        if input_dim is not None and input_shape is not None and (input_dim,) != tuple(input_shape):
            raise ValueError(f"input_dim={input_dim!r} and input_shape={input_shape!r} disagree")
        self._n_in: int | None = None
        if input_dim is not None:
            self._n_in = _count("input_dim", input_dim)
        elif input_shape is not None:
            self._n_in = _width("input_shape", input_shape)

    def _weight_names(self) -> list[str]:
        return ["kernel", "bias"] if self.use_bias else ["kernel"]

    @property
    def kernel(self) -> Any:
        """The weights, of shape (inputs, units)."""
        return self._views[0] if self._views else None

    @property
    def bias(self) -> Any:
        """The biases, of shape (units,)."""
        return self._views[1] if self.use_bias and self._views else None

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        config: dict[str, Any] = {
            "name": self.name,
            "dtype": self._dtype,
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
        return config if self._n_in is None else {**config, "input_dim": self._n_in}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Dense":
        """The layer that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<Dense {self.name}: {self.units} units, {self.activation.__name__}>"


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


def _width(name: str, shape: Any) -> int:
    if isinstance(shape, int | np.integer):
        shape = (shape,)
    shape = tuple(shape)
    if len(shape) != 1:
        raise ValueError(f"{name}={shape!r} is not a tuple of one integer: dense nets take rows of numbers")
    return _count(name, shape[0])


def _dtype(dtype: Any) -> str | None:
    if dtype is None:
        return None
    try:
        name = str(np.dtype(dtype))
    except TypeError:
        name = str(dtype)
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype={dtype!r} is not 'float32' or 'float64'")
    return name
