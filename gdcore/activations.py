"""Activation functions, callable on arrays and usable by name in layers (as ``keras.activations``).

What is not a number stays that in every activation, also where Keras makes a number of it (its thresholds and
shrinkages).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import kernels
from ._names import look_up, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

_NEEDED: Any = ...  # the default of a parameter that has none


class Activation:
    """An activation function of the core.

    Calling it maps an array of any shape (float32 and float64 keep their type, everything else becomes
    float32) to an array of the same shape; parameters follow as in Keras: ``elu(x, 0.5)`` or ``elu(x, alpha=0.5)``.

    Attributes
    ----------
    parameters : dict
        By name, in Keras's order. `with_parameters` makes an activation with others.
    """

    _couples_units = False  # whether one output depends on the other inputs of its row

    def __init__(self, name: str, doc: str, **parameters: Any) -> None:
        self.__name__ = name
        self.__doc__ = doc
        self.parameters: Mapping[str, Any] = parameters

    def with_parameters(self, *values: Any, **named: Any) -> Activation:
        """The same activation with other parameters, for a layer: ``relu.with_parameters(max_value=2.0)``.

        Raises
        ------
        TypeError
            For a parameter that is not known, given twice, or of another kind than its default.
        """
        if len(values) > len(self.parameters):
            raise TypeError(f"{self.__name__} takes {len(self.parameters)} parameters, got {len(values)}")
        given = dict(zip(self.parameters, values, strict=False))
        for name in named:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise TypeError(f"{self.__name__} has no parameter {name!r}, known: {known}")
            if name in given:
                raise TypeError(f"{self.__name__} got {name!r} twice")
        given |= named
        checked = {name: self._checked(name, value) for name, value in given.items()}
        bound: Activation = type(self).__new__(type(self))
        bound.__name__, bound.__doc__, bound.parameters = self.__name__, self.__doc__, {**self.parameters, **checked}
        return bound

    def _checked(self, name: str, value: Any) -> Any:
        """The parameter as its kind of number, or an error."""
        if value is None and _DEFAULTS[self.__name__][name] is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating) or value != value:
            raise TypeError(f"{self.__name__}: {name}={value!r} is not a number")
        return float(value)

    def _spec(self) -> tuple[str, tuple[float, ...]]:
        """What the core needs to know: (kind, parameters)."""
        for name, value in self.parameters.items():
            if value is _NEEDED:
                raise TypeError(
                    f"{self.__name__} has no default for {name}: give it in the call, or to with_parameters for a layer"
                )
        return (self.__name__, tuple(self.parameters.values()))

    def __call__(self, x: ArrayLike, *values: Any, **parameters: Any) -> NDArray[Any]:
        if values or parameters:
            return self.with_parameters(*values, **parameters)(x)
        return self._apply(self._array("x", x))[()]

    def derivative(self, x: ArrayLike, upstream: ArrayLike | None = None, **parameters: Any) -> NDArray[Any]:
        """The derivative at x; where outputs depend on several inputs, the vector-Jacobian product with `upstream`.

        Parameters
        ----------
        x : array_like
        upstream : array_like of the output's shape, optional
            Gradient with respect to the output, by which the derivative is multiplied; needed by softmax, log_softmax,
            sparsemax and glu.

        Returns
        -------
        ndarray of x's shape; at a kink the derivative is TensorFlow's (0 for relu at 0)
        """
        if parameters:
            return self.with_parameters(**parameters).derivative(x, upstream)
        array = self._array("x", x)
        shape = self._output_shape(array.shape)
        if upstream is None:
            up = self._ones(array)
        else:
            up = self._array("upstream", upstream).astype(array.dtype, copy=False)
            if up.shape != shape:
                raise ValueError(f"upstream has shape {up.shape}, expected {shape} as {self._expected_upstream}")
        return self._apply(array, up)[()]

    _expected_upstream = "x"

    def _output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def _ones(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.ones_like(array)

    def _apply(self, x: NDArray[Any], up: NDArray[Any] | None = None) -> NDArray[Any]:
        return kernels.apply_activation(*self._spec(), x, up)

    def _array(self, name: str, x: ArrayLike) -> NDArray[Any]:
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
        return array.astype(np.float64 if array.dtype == np.float64 else np.float32, copy=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Activation):
            return NotImplemented
        return (self.__name__, self.parameters) == (other.__name__, other.parameters)

    def __hash__(self) -> int:
        return hash((self.__name__, *self.parameters.values()))

    def __repr__(self) -> str:
        changed = ", ".join(f"{name}={value!r}" for name, value in self._changed().items())
        return f"<activation {self.__name__}{changed and f'({changed})'}>"

    def _changed(self) -> dict[str, Any]:
        """The parameters that are not the defaults."""
        defaults = _DEFAULTS[self.__name__]
        return {name: value for name, value in self.parameters.items() if value != defaults[name]}

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, dict[str, Any]]]:
        return _restore, (self.__name__, self._changed())


class _Relu(Activation):
    def _spec(self) -> tuple[str, tuple[float, ...]]:
        slope, highest, threshold = self.parameters.values()
        if highest is None and threshold == 0:
            return ("leaky_relu", (slope,)) if slope else ("relu", ())
        # TensorFlow's relu6, which Keras takes where it can, has no slope at 6; other maxima have
        is_relu6 = highest == 6 and threshold == 0
        if is_relu6 and slope == 0:
            return ("relu6", ())
        return ("bounded_relu", (slope, np.inf if highest is None else highest, threshold, 0.0 if is_relu6 else 1.0))


class _Gelu(Activation):
    def _checked(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool | np.bool_):
            raise TypeError(f"{self.__name__}: {name}={value!r} is not True or False")
        return bool(value)

    def _spec(self) -> tuple[str, tuple[float, ...]]:
        return ("gelu_tanh" if self.parameters["approximate"] else "gelu", ())


class _AlongAxis(Activation):
    """Each output depends on all inputs along an axis; axis=None takes all values together."""

    _couples_units = True

    def _checked(self, name: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{self.__name__}: {name}={value!r} is not an integer")
        return int(value)

    def _spec(self) -> tuple[str, tuple[float, ...]]:
        axis = self.parameters["axis"]
        if axis not in (-1, 1):
            raise ValueError(f"{self.__name__}: axis={axis!r} does not fit a layer, whose rows are along axis -1")
        return (self.__name__, ())

    def _output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        axis = self.parameters["axis"]
        if not shape:
            raise ValueError(f"x is a scalar, but {self.__name__} needs an axis to work along")
        if axis is not None and not -len(shape) <= axis < len(shape):
            raise ValueError(f"{self.__name__}: axis={axis} does not fit x of shape {shape}")
        return shape

    def _ones(self, array: NDArray[Any]) -> NDArray[Any]:
        raise ValueError(f"upstream is needed: {self.__name__} has a Jacobian, not one derivative for each value")

    def _apply(self, x: NDArray[Any], up: NDArray[Any] | None = None) -> NDArray[Any]:
        axis, shape = self.parameters["axis"], self._output_shape(x.shape)
        if axis is None:
            x, up, axis = x.reshape(-1), None if up is None else up.reshape(-1), -1
        moved = None if up is None else np.moveaxis(up, axis, -1)
        out = kernels.apply_activation(self.__name__, (), np.moveaxis(x, axis, -1), moved)
        return np.moveaxis(out, -1, axis).reshape(shape)


class _Glu(_AlongAxis):
    _expected_upstream = "the output"

    def _checked(self, name: str, value: Any) -> int:
        if value is None:
            raise TypeError(f"{self.__name__}: {name}=None is not an integer")
        return int(super()._checked(name, value) or 0)

    def _spec(self) -> tuple[str, tuple[float, ...]]:
        raise ValueError("glu halves the width of a row, which a layer's activation cannot do; call it on arrays")

    def _output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        axis = self.parameters["axis"]
        super()._output_shape(shape)
        if shape[axis] % 2:
            raise ValueError(f"glu: x of shape {shape} has no even length along axis {axis}")
        half = list(shape)
        half[axis] //= 2
        return tuple(half)

    def _apply(self, x: NDArray[Any], up: NDArray[Any] | None = None) -> NDArray[Any]:
        axis = self.parameters["axis"]
        self._output_shape(x.shape)
        values, gates = np.split(x, 2, axis=axis)
        if up is None:
            opened = kernels.apply_activation("sigmoid", (), gates.astype(np.float64, copy=False))
            return (values * opened).astype(x.dtype, copy=False)
        opened = kernels.apply_activation("sigmoid", (), gates)
        return np.concatenate([up * opened, kernels.apply_activation("sigmoid", (), gates, up * values)], axis=axis)


linear = Activation("linear", "linear(x) = x")
relu = _Relu(
    "relu",
    "relu(x) = max(x, 0); in general x above threshold and up to max_value, else negative_slope (x - threshold)",
    negative_slope=0.0,
    max_value=None,
    threshold=0.0,
)
sigmoid = Activation("sigmoid", "sigmoid(x) = 1 / (1 + exp(-x))")
softmax = _AlongAxis("softmax", "softmax(x)_j = exp(x_j) / sum_k exp(x_k), along an axis", axis=-1)
tanh = Activation("tanh", "tanh(x) = (exp(2 x) - 1) / (exp(2 x) + 1)")
elu = Activation("elu", "elu(x) = x if x > 0, else alpha (exp(x) - 1)", alpha=1.0)
selu = Activation("selu", "selu(x) = scale elu(x, 1.67326...), scale = 1.05070... (Klambauer et al., NeurIPS 2017)")
celu = Activation("celu", "celu(x) = max(x, 0) + min(0, alpha (exp(x / alpha) - 1))", alpha=1.0)
exponential = Activation("exponential", "exponential(x) = exp(x)")
leaky_relu = Activation("leaky_relu", "leaky_relu(x) = x if x > 0, else negative_slope x", negative_slope=0.2)
relu6 = Activation("relu6", "relu6(x) = min(max(x, 0), 6)")
silu = swish = Activation("silu", "silu(x) = x sigmoid(x)")
softplus = Activation("softplus", "softplus(x) = log(1 + exp(x))")
softsign = Activation("softsign", "softsign(x) = x / (1 + |x|)")
log_sigmoid = Activation("log_sigmoid", "log_sigmoid(x) = -log(1 + exp(-x))")
hard_sigmoid = Activation("hard_sigmoid", "hard_sigmoid(x) = relu6(x + 3) / 6")
hard_silu = hard_swish = Activation("hard_silu", "hard_silu(x) = x hard_sigmoid(x)")
hard_tanh = Activation("hard_tanh", "hard_tanh(x) = min(max(x, -1), 1)")
hard_shrink = Activation("hard_shrink", "hard_shrink(x) = x if |x| > threshold, else 0", threshold=0.5)
soft_shrink = Activation("soft_shrink", "soft_shrink(x) = x moved towards 0 by threshold, 0 within it", threshold=0.5)
tanh_shrink = Activation("tanh_shrink", "tanh_shrink(x) = x - tanh(x)")
squareplus = Activation("squareplus", "squareplus(x) = (x + sqrt(x^2 + b)) / 2", b=4.0)
sparse_plus = Activation("sparse_plus", "sparse_plus(x) = 0 if x <= -1, x if x >= 1, else (x + 1)^2 / 4")
sparse_sigmoid = Activation("sparse_sigmoid", "sparse_sigmoid(x) = 0 if x <= -1, 1 if x >= 1, else (x + 1) / 2")
threshold = Activation(
    "threshold",
    "threshold(x) = x if x > threshold, else default_value",
    threshold=_NEEDED,
    default_value=_NEEDED,
)
gelu = _Gelu(
    "gelu",
    "gelu(x) = x Phi(x), Phi the normal distribution (Hendrycks and Gimpel, arXiv 1606.08415); if approximate,\n"
    "x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2",
    approximate=False,
)
mish = Activation("mish", "mish(x) = x tanh(softplus(x)) (Misra, arXiv 1908.08681)")
log_softmax = _AlongAxis("log_softmax", "log_softmax(x)_j = x_j - log sum_k exp(x_k), along an axis", axis=-1)
sparsemax = _AlongAxis(
    "sparsemax",
    "sparsemax(x)_j = max(x_j - tau, 0), along an axis, with Keras's tau: the sum of the k largest x's partial sums,\n"
    "less 1, over k.  Martins and Astudillo (ICML 2016) have their sum, with which the outputs add up to 1; the two\n"
    "agree where k is 1.",
    axis=-1,
)
glu = _Glu("glu", "glu(x) = a sigmoid(b), a and b the halves of x along an axis; on arrays only", axis=-1)

_ACTIVATIONS: dict[str, Activation] = {
    a.__name__: a
    for a in (
        linear,
        relu,
        sigmoid,
        softmax,
        tanh,
        elu,
        selu,
        celu,
        exponential,
        leaky_relu,
        relu6,
        silu,
        softplus,
        softsign,
        log_sigmoid,
        hard_sigmoid,
        hard_silu,
        hard_tanh,
        hard_shrink,
        soft_shrink,
        tanh_shrink,
        squareplus,
        sparse_plus,
        sparse_sigmoid,
        threshold,
        gelu,
        mish,
        log_softmax,
        sparsemax,
        glu,
    )
}
_ALL: dict[str, Activation] = {**_ACTIVATIONS, "swish": silu, "hard_swish": hard_silu}
_DEFAULTS = {name: activation.parameters for name, activation in _ACTIVATIONS.items()}

# Where Keras keeps a class with these parameters, which is what its configurations name: layers, or operations.
_CLASSES: dict[str, tuple[str, str]] = {
    "relu": ("keras.layers", "ReLU"),
    "leaky_relu": ("keras.layers", "LeakyReLU"),
    "elu": ("keras.layers", "ELU"),
    "softmax": ("keras.layers", "Softmax"),
    "celu": ("keras.src.ops.nn", "Celu"),
    "hard_shrink": ("keras.src.ops.nn", "HardShrink"),
    "soft_shrink": ("keras.src.ops.nn", "SoftShrink"),
    "squareplus": ("keras.src.ops.nn", "Squareplus"),
    "threshold": ("keras.src.ops.nn", "Threshold"),
    "gelu": ("keras.src.ops.nn", "Gelu"),
    "log_softmax": ("keras.src.ops.nn", "LogSoftmax"),
    "sparsemax": ("keras.src.ops.nn", "Sparsemax"),
    "glu": ("keras.src.ops.nn", "Glu"),
}


def get(identifier: Any) -> Activation:
    """The activation that an identifier stands for.

    Parameters
    ----------
    identifier : str, dict, Activation, Layer or None
        A name; what `serialize` gives; a layer that is nothing but an activation without weights (``LeakyReLU(0.1)``);
        None is linear.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    TypeError
        For a Python function: the compiled loop cannot call it.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, str):
        return look_up("activation", identifier, _ALL)
    if isinstance(identifier, dict):
        return _from_config(identifier)
    if isinstance(getattr(identifier, "activation", None), Activation) and not hasattr(identifier, "units"):
        return identifier.activation
    if callable(identifier):
        raise TypeError(
            f"activation={identifier!r} is a Python object, which the compiled loop cannot call; possible are "
            f"{', '.join(_ALL)}, and these with other parameters (with_parameters)"
        )
    raise unknown("activation", identifier, _ALL)


def serialize(activation: str | Mapping[str, Any] | Activation | None) -> str | dict[str, Any]:
    """What `deserialize` and Keras's turn back into the activation.

    A name or, where parameters are not the defaults, a dict with the Keras class that has them
    (``keras.layers.LeakyReLU`` and the like).
    """
    activation = get(activation)
    changed = activation._changed()
    if not changed:
        return activation.__name__
    module, name = _CLASSES[activation.__name__]
    return {"module": module, "class_name": name, "config": dict(activation.parameters), "registered_name": None}


def _from_config(config: Mapping[str, Any]) -> Activation:
    name, values = config.get("class_name"), config.get("config")
    if name == "function" and isinstance(values, str):  # how Keras writes a plain function in places
        return get(values)
    names = {class_name: own for own, (_, class_name) in _CLASSES.items()}
    own = look_up("activation", str(name), names)
    if not isinstance(values, dict):
        raise ValueError(f"activation={config!r} has no config of parameters")
    given = {key: value for key, value in values.items() if key not in ("name", "trainable", "dtype")}
    if own == "leaky_relu":
        given.setdefault("negative_slope", 0.3)  # the layer's default, which is not the function's
    return _ACTIVATIONS[own].with_parameters(**given)


def _restore(name: str, changed: Mapping[str, Any]) -> Activation:
    return _ACTIVATIONS[name].with_parameters(**changed) if changed else _ACTIVATIONS[name]


deserialize = get
