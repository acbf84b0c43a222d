"""Activation functions, callable on arrays and usable by name in layers (as ``keras.activations``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import kernels
from ._names import look_up, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray


class Activation:
    """An activation function of the core.

    Calling it maps an array of any shape (float32 and float64 keep their type, everything else becomes
    float32) to an array of the same shape; parameters go by name: ``elu(x, alpha=0.5)``.
    """

    def __init__(self, name: str, doc: str, **parameters: float) -> None:
        self.__name__ = name
        self.__doc__ = doc
        self.parameters = parameters

    def _spec(self) -> tuple[str, tuple[float, ...]]:
        """What the core needs to know: (kind, parameters)."""
        return (self.__name__, tuple(self.parameters.values()))

    def _values(self, given: dict[str, float]) -> tuple[float, ...]:
        unknown_names = [name for name in given if name not in self.parameters]
        if unknown_names:
            known = ", ".join(self.parameters) or "none"
            raise TypeError(f"{self.__name__} has no parameter {unknown_names[0]!r}, known: {known}")
        return tuple({**self.parameters, **{name: float(value) for name, value in given.items()}}.values())

    def __call__(self, x: ArrayLike, **parameters: float) -> NDArray[Any]:
        return kernels.apply_activation(self.__name__, self._values(parameters), self._array("x", x))[()]

    def derivative(self, x: ArrayLike, upstream: ArrayLike | None = None, **parameters: float) -> NDArray[Any]:
        """The derivative at x; softmax: the vector-Jacobian product with `upstream`.

        Parameters
        ----------
        x : array_like
        upstream : array_like of x's shape, optional
            Gradient with respect to the output, by which the derivative is multiplied; needed where the outputs
            depend on each other (softmax).

        Returns
        -------
        ndarray of x's shape; at a kink the derivative is TensorFlow's (0 for relu at 0)
        """
        array = self._array("x", x)
        if upstream is None:
            if self.__name__ == "softmax":
                raise ValueError("upstream is needed: softmax has a Jacobian, not one derivative for each value")
            up = np.ones_like(array)
        else:
            up = self._array("upstream", upstream).astype(array.dtype, copy=False)
            if up.shape != array.shape:
                raise ValueError(f"upstream has shape {up.shape}, expected {array.shape} as x")
        return kernels.apply_activation(self.__name__, self._values(parameters), array, up)[()]

    def _array(self, name: str, x: ArrayLike) -> NDArray[Any]:
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
        if array.ndim == 0 and self.__name__ == "softmax":
            raise ValueError(f"{name} is a scalar, but softmax needs an axis to work along")
        return array.astype(np.float64 if array.dtype == np.float64 else np.float32, copy=False)

    def __repr__(self) -> str:
        return f"<activation {self.__name__}>"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return get, (self.__name__,)


linear = Activation("linear", "linear(x) = x")
relu = Activation("relu", "relu(x) = max(x, 0)")
sigmoid = Activation("sigmoid", "sigmoid(x) = 1 / (1 + exp(-x))")
softmax = Activation("softmax", "softmax(x)_j = exp(x_j) / sum_k exp(x_k), along the last axis")
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
squareplus = Activation("squareplus", "squareplus(x) = (x + sqrt(x^2 + b)) / 2", b=4.0)
sparse_plus = Activation("sparse_plus", "sparse_plus(x) = 0 if x <= -1, x if x >= 1, else (x + 1)^2 / 4")

_ALL: dict[str, Activation] = {
    **{
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
            squareplus,
            sparse_plus,
        )
    },
    "swish": silu,
    "hard_swish": hard_silu,
}


def get(identifier: str | Activation | None) -> Activation:
    """The activation of that name; None is linear.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, str):
        return look_up("activation", identifier, _ALL)
    raise unknown("activation", identifier, _ALL)


def serialize(activation: Activation) -> str:
    """The name that `deserialize` turns back into the activation."""
    return activation.__name__


deserialize = get
