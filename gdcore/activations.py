"""Activation functions, callable on arrays and usable by name in layers (as ``keras.activations``)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._core import kernels
from ._names import look_up, unknown


class Activation:
    """An activation function of the core.

    Calling it maps an array of any shape (float32 and float64 keep their type, everything else becomes
    float32) to an array of the same shape.
    """

    def __init__(self, name: str, doc: str) -> None:
        self.__name__ = name
        self.__doc__ = doc

    def __call__(self, x: Any) -> Any:
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise TypeError(f"x has dtype {x.dtype}, expected real numbers")
        dtype = np.float64 if x.dtype == np.float64 else np.float32
        if x.ndim == 0 and self.__name__ == "softmax":
            raise ValueError("x is a scalar, but softmax needs an axis to work along")
        return kernels.apply_activation(self.__name__, x.astype(dtype, copy=False))[()]

    def __repr__(self) -> str:
        return f"<activation {self.__name__}>"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return get, (self.__name__,)


linear = Activation("linear", "linear(x) = x")
relu = Activation("relu", "relu(x) = max(x, 0)")
sigmoid = Activation("sigmoid", "sigmoid(x) = 1 / (1 + exp(-x))")
softmax = Activation("softmax", "softmax(x)_j = exp(x_j) / sum_k exp(x_k), along the last axis")
tanh = Activation("tanh", "tanh(x) = (exp(2 x) - 1) / (exp(2 x) + 1)")

_ALL: dict[str, Activation] = {a.__name__: a for a in (linear, relu, sigmoid, softmax, tanh)}


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
