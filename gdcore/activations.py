"""Activation functions, callable on arrays and usable by name in layers (as ``keras.activations``).

What is not a number stays that in every activation, also where Keras makes a number of it (its thresholds and
shrinkages).
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _checks
from ._core import kernels
from ._core.specs import ActivationSpec
from ._fields import Field, Flag, Integer, Real
from ._names import look_up, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

_NEEDED: Any = ...  # the default of a parameter that has none


class Parameter:
    """A parameter of an activation: what it may be, and what it is where nothing is given."""

    def __init__(self, field: Field[Any], default: Any = _NEEDED) -> None:
        self.field, self.default = field, default


class Activation:
    """An activation function of the core.

    Calling it maps an array of any shape (float32 and float64 keep their type, everything else becomes
    float32) to an array of the same shape; parameters follow as in Keras: ``elu(x, 0.5)`` or ``elu(x, alpha=0.5)``.

    Parameters
    ----------
    name : str
        The core's and Keras's.
    doc : str
    keras : tuple of str
        Module and name of Keras's class with these parameters, which is what its configurations hold: a layer, or an
        operation.
    **parameters : Parameter

    Attributes
    ----------
    parameters : mapping
        By name, in Keras's order. `with_parameters` makes an activation with others.
    """

    _couples_units = False  # whether one output depends on the other inputs of its row

    def __init__(self, name: str, doc: str, keras: tuple[str, str] = ("", ""), **parameters: Parameter) -> None:
        self.__name__ = name
        self.__doc__ = doc
        self._keras = keras
        self._declared = parameters
        for key, parameter in parameters.items():
            parameter.field.name = f"{name}: {key}"
        self.parameters: Mapping[str, Any] = MappingProxyType({key: p.default for key, p in parameters.items()})

    def with_parameters(self, *values: Any, **named: Any) -> Activation:
        """The same activation with other parameters, for a layer: ``relu.with_parameters(max_value=2.0)``.

        Raises
        ------
        TypeError
            For a parameter that is not known, given twice, or of another kind than its default.
        ValueError
            For a number that is not finite.
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
        checked = {}
        for name, value in given.items():
            field = self._declared[name].field
            checked[name] = None if value is None and field.optional else field.check(value)
        bound: Activation = object.__new__(type(self))
        vars(bound).update(vars(self), parameters=MappingProxyType({**self.parameters, **checked}))
        return bound

    def _spec(self) -> ActivationSpec:
        """What the core needs to know."""
        for name, value in self.parameters.items():
            if value is _NEEDED:
                raise TypeError(
                    f"{self.__name__} has no default for {name}: give it in the call, or to with_parameters for a layer"
                )
        return ActivationSpec(self.__name__, tuple(self.parameters.values()))

    def __call__(self, x: ArrayLike, *values: Any, **parameters: Any) -> NDArray[Any]:
        if values or parameters:
            return self.with_parameters(*values, **parameters)(x)
        return self._apply(_checks.float_array("x", x))[()]

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
        array = _checks.float_array("x", x)
        shape = self._output_shape(array.shape)
        if upstream is None:
            up = self._ones(array)
        else:
            up = _checks.float_array("upstream", upstream).astype(array.dtype, copy=False)
            if up.shape != shape:
                raise ValueError(f"upstream has shape {up.shape}, expected {shape} as {self._expected_upstream}")
        return self._apply(array, up)[()]

    _expected_upstream = "x"

    def _output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def _ones(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.ones_like(array)

    def _apply(self, x: NDArray[Any], up: NDArray[Any] | None = None) -> NDArray[Any]:
        return kernels.apply_activation(self._spec(), x, up)

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
        return {name: value for name, value in self.parameters.items() if value != self._declared[name].default}

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, dict[str, Any]]]:
        return _restore, (self.__name__, self._changed())


class _Relu(Activation):
    def _spec(self) -> ActivationSpec:
        slope, highest, threshold = self.parameters.values()
        if highest is None and threshold == 0:
            return ActivationSpec("leaky_relu", (slope,)) if slope else ActivationSpec("relu")
        # TensorFlow's relu6, which Keras takes where it can, has no slope at 6; other maxima have
        is_relu6 = highest == 6 and threshold == 0
        if is_relu6 and slope == 0:
            return ActivationSpec("relu6")
        highest = np.inf if highest is None else highest
        return ActivationSpec("bounded_relu", (slope, highest, threshold, 0.0 if is_relu6 else 1.0))


class _Gelu(Activation):
    def _spec(self) -> ActivationSpec:
        return ActivationSpec("gelu_tanh" if self.parameters["approximate"] else "gelu")


class _AlongAxis(Activation):
    """Each output depends on all inputs along an axis; axis=None takes all values together."""

    _couples_units = True

    def _spec(self) -> ActivationSpec:
        axis = self.parameters["axis"]
        if axis not in (-1, 1):
            raise ValueError(f"{self.__name__}: axis={axis!r} does not fit a layer, whose rows are along axis -1")
        return ActivationSpec(self.__name__)

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
        out = kernels.apply_activation(ActivationSpec(self.__name__), np.moveaxis(x, axis, -1), moved)
        return np.moveaxis(out, -1, axis).reshape(shape)


class _Glu(_AlongAxis):
    _expected_upstream = "the output"

    def _spec(self) -> ActivationSpec:
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
            opened = kernels.apply_activation(ActivationSpec("sigmoid"), gates.astype(np.float64, copy=False))
            return (values * opened).astype(x.dtype, copy=False)
        opened = kernels.apply_activation(ActivationSpec("sigmoid"), gates)
        return np.concatenate(
            [up * opened, kernels.apply_activation(ActivationSpec("sigmoid"), gates, up * values)], axis=axis
        )


class _Ceiling(Real):
    """A finite number; inf is none."""

    def check(self, value: Any) -> Any:
        return None if isinstance(value, float | np.floating) and value == math.inf else super().check(value)


_ACTIVATIONS: dict[str, Activation] = {}  # by their own names
_ALL: dict[str, Activation] = {}  # and by second names

_LAYERS, _OPERATIONS = "keras.layers", "keras.src.ops.nn"


def _known(activation: Activation, *second_names: str) -> Activation:
    """The activation, entered in the tables."""
    _ACTIVATIONS[activation.__name__] = activation
    for name in (activation.__name__, *second_names):
        _ALL[name] = activation
    return activation


def _activation(name: str, doc: str, *second_names: str) -> Activation:
    """An activation without parameters, entered in the tables."""
    return _known(Activation(name, doc), *second_names)


linear = _activation("linear", "linear(x) = x")
relu = _known(
    _Relu(
        "relu",
        "relu(x) = max(x, 0); in general x above threshold and up to max_value, else negative_slope (x - threshold)",
        (_LAYERS, "ReLU"),
        negative_slope=Parameter(Real(), 0.0),
        max_value=Parameter(_Ceiling(optional=True), None),
        threshold=Parameter(Real(), 0.0),
    )
)
sigmoid = _activation("sigmoid", "sigmoid(x) = 1 / (1 + exp(-x))")
softmax = _known(
    _AlongAxis(
        "softmax",
        "softmax(x)_j = exp(x_j) / sum_k exp(x_k), along an axis",
        (_LAYERS, "Softmax"),
        axis=Parameter(Integer(optional=True), -1),
    )
)
tanh = _activation("tanh", "tanh(x) = (exp(2 x) - 1) / (exp(2 x) + 1)")
elu = _known(
    Activation("elu", "elu(x) = x if x > 0, else alpha (exp(x) - 1)", (_LAYERS, "ELU"), alpha=Parameter(Real(), 1.0))
)
selu = _activation("selu", "selu(x) = scale elu(x, 1.67326...), scale = 1.05070... (Klambauer et al., NeurIPS 2017)")
celu = _known(
    Activation(
        "celu",
        "celu(x) = max(x, 0) + min(0, alpha (exp(x / alpha) - 1))",
        (_OPERATIONS, "Celu"),
        alpha=Parameter(Real(), 1.0),
    )
)
exponential = _activation("exponential", "exponential(x) = exp(x)")
leaky_relu = _known(
    Activation(
        "leaky_relu",
        "leaky_relu(x) = x if x > 0, else negative_slope x",
        (_LAYERS, "LeakyReLU"),
        negative_slope=Parameter(Real(), 0.2),
    )
)
relu6 = _activation("relu6", "relu6(x) = min(max(x, 0), 6)")
silu = swish = _activation("silu", "silu(x) = x sigmoid(x)", "swish")
softplus = _activation("softplus", "softplus(x) = log(1 + exp(x))")
softsign = _activation("softsign", "softsign(x) = x / (1 + |x|)")
log_sigmoid = _activation("log_sigmoid", "log_sigmoid(x) = -log(1 + exp(-x))")
hard_sigmoid = _activation("hard_sigmoid", "hard_sigmoid(x) = relu6(x + 3) / 6")
hard_silu = hard_swish = _activation("hard_silu", "hard_silu(x) = x hard_sigmoid(x)", "hard_swish")
hard_tanh = _activation("hard_tanh", "hard_tanh(x) = min(max(x, -1), 1)")
hard_shrink = _known(
    Activation(
        "hard_shrink",
        "hard_shrink(x) = x if |x| > threshold, else 0",
        (_OPERATIONS, "HardShrink"),
        threshold=Parameter(Real(), 0.5),
    )
)
soft_shrink = _known(
    Activation(
        "soft_shrink",
        "soft_shrink(x) = x moved towards 0 by threshold, 0 within it",
        (_OPERATIONS, "SoftShrink"),
        threshold=Parameter(Real(), 0.5),
    )
)
tanh_shrink = _activation("tanh_shrink", "tanh_shrink(x) = x - tanh(x)")
squareplus = _known(
    Activation(
        "squareplus",
        "squareplus(x) = (x + sqrt(x^2 + b)) / 2",
        (_OPERATIONS, "Squareplus"),
        b=Parameter(Real(), 4.0),
    )
)
sparse_plus = _activation("sparse_plus", "sparse_plus(x) = 0 if x <= -1, x if x >= 1, else (x + 1)^2 / 4")
sparse_sigmoid = _activation("sparse_sigmoid", "sparse_sigmoid(x) = 0 if x <= -1, 1 if x >= 1, else (x + 1) / 2")
threshold = _known(
    Activation(
        "threshold",
        "threshold(x) = x if x > threshold, else default_value",
        (_OPERATIONS, "Threshold"),
        threshold=Parameter(Real()),
        default_value=Parameter(Real()),
    )
)
gelu = _known(
    _Gelu(
        "gelu",
        "gelu(x) = x Phi(x), Phi the normal distribution (Hendrycks and Gimpel, arXiv 1606.08415); if approximate,\n"
        "x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2",
        (_OPERATIONS, "Gelu"),
        approximate=Parameter(Flag(), False),
    )
)
mish = _activation("mish", "mish(x) = x tanh(softplus(x)) (Misra, arXiv 1908.08681)")
log_softmax = _known(
    _AlongAxis(
        "log_softmax",
        "log_softmax(x)_j = x_j - log sum_k exp(x_k), along an axis",
        (_OPERATIONS, "LogSoftmax"),
        axis=Parameter(Integer(optional=True), -1),
    )
)
sparsemax = _known(
    _AlongAxis(
        "sparsemax",
        "sparsemax(x)_j = max(x_j - tau, 0), along an axis, with Keras's tau: the sum of the k largest x's partial\n"
        "sums, less 1, over k.  Martins and Astudillo (ICML 2016) have their sum, with which the outputs add up to 1;\n"
        "the two agree where k is 1.",
        (_OPERATIONS, "Sparsemax"),
        axis=Parameter(Integer(optional=True), -1),
    )
)
glu = _known(
    _Glu(
        "glu",
        "glu(x) = a sigmoid(b), a and b the halves of x along an axis; on arrays only",
        (_OPERATIONS, "Glu"),
        axis=Parameter(Integer(), -1),
    )
)


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
    module, name = activation._keras
    return {"module": module, "class_name": name, "config": dict(activation.parameters), "registered_name": None}


def _from_config(config: Mapping[str, Any]) -> Activation:
    name, values = config.get("class_name"), config.get("config")
    if name == "function" and isinstance(values, str):  # how Keras writes a plain function in places
        return get(values)
    activation = look_up("activation", str(name), {a._keras[1]: a for a in _ACTIVATIONS.values() if a.parameters})
    if not isinstance(values, dict):
        raise ValueError(f"activation={config!r} has no config of parameters")
    given = {key: value for key, value in values.items() if key not in ("name", "trainable", "dtype")}
    if activation is leaky_relu:
        given.setdefault("negative_slope", 0.3)  # the layer's default, which is not the function's
    return activation.with_parameters(**given)


def _restore(name: str, changed: Mapping[str, Any]) -> Activation:
    return _ACTIVATIONS[name].with_parameters(**changed) if changed else _ACTIVATIONS[name]


deserialize = get
