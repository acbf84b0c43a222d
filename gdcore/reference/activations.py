"""Activation functions and how gradients pass back through them (keras/src/activations/activations.py)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

# where a derivative jumps
KINKS: dict[str, tuple[float, ...]] = {
    "relu": (0.0,),
    "elu": (0.0,),
    "selu": (0.0,),
    "celu": (0.0,),
    "leaky_relu": (0.0,),
    "relu6": (0.0, 6.0),
    "hard_sigmoid": (-3.0, 3.0),
    "hard_silu": (-3.0, 3.0),
    "hard_tanh": (-1.0, 1.0),
    "hard_shrink": (-0.5, 0.5),
    "soft_shrink": (-0.5, 0.5),
    "sparse_plus": (-1.0, 1.0),
}

NAMES = (
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "elu",
    "selu",
    "celu",
    "exponential",
    "leaky_relu",
    "relu6",
    "silu",
    "softplus",
    "softsign",
    "log_sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "hard_shrink",
    "soft_shrink",
    "squareplus",
    "sparse_plus",
)


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), written with e^-|z| so that nothing overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def softmax(z: Array) -> Array:
    """e^z_j / sum_k e^z_k along the last axis; subtracting the maximum changes nothing but the overflow."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softplus(z: Array) -> Array:
    """log(1 + e^z), without overflow."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def relu6(z: Array) -> Array:
    """min(max(z, 0), 6)"""
    return np.clip(z, 0, 6)


def activate(name: str, z: Array) -> Array:
    """The activation of z, of z's shape, with Keras's default parameters."""
    with np.errstate(over="ignore"):
        if name == "elu" or name == "celu":
            return np.where(z > 0, z, np.expm1(z))
        if name == "selu":
            return np.where(z > 0, z.dtype.type(SELU_SCALE) * z, z.dtype.type(SELU_SCALE * SELU_ALPHA) * np.expm1(z))
        if name == "exponential":
            return np.exp(z)
    if name == "leaky_relu":
        return np.where(z > 0, z, z.dtype.type(0.2) * z)
    if name == "relu6":
        return relu6(z)
    if name == "silu":
        return np.where(z == -np.inf, z.dtype.type(0), z) * sigmoid(z)
    if name == "softplus":
        return softplus(z)
    if name == "softsign":
        return z / (1 + np.abs(z))
    if name == "log_sigmoid":
        return -softplus(-z)
    if name == "hard_sigmoid":
        return relu6(z + 3) / 6
    if name == "hard_silu":
        return z * (relu6(z + 3) / 6)
    if name == "hard_tanh":
        return np.clip(z, -1, 1)
    if name == "hard_shrink":
        return np.where(np.abs(z) <= 0.5, 0, z).astype(z.dtype)
    if name == "soft_shrink":
        return z - np.clip(z, -0.5, 0.5)
    if name == "squareplus":
        t = np.sqrt(z * z + 4)
        return np.where(z >= 0, (z + t) / 2, 2 / (t - z))  # two forms of one number: neither cancels
    if name == "sparse_plus":
        return np.where(z <= -1, 0, np.where(z >= 1, z, (z + 1) ** 2 / 4)).astype(z.dtype)
    if name == "linear":
        return z
    if name == "relu":
        return np.maximum(z, 0)
    if name == "sigmoid":
        return sigmoid(z)
    if name == "tanh":
        return np.tanh(z)
    if name == "softmax":
        return softmax(z)
    raise KeyError(name)


def vjp(name: str, z: Array, a: Array, da: Array) -> Array:
    """dL/dz, given a = activate(name, z) and da = dL/da; relu's derivative at 0 is 0."""
    if name == "linear":
        return da
    if name in SLOPES:
        return (da * SLOPES[name](z, a)).astype(da.dtype)
    if name == "relu":
        return np.where(z > 0, da, 0).astype(da.dtype)
    if name == "sigmoid":
        return da * a * (1 - a)
    if name == "tanh":
        return da * (1 - a * a)
    if name == "softmax":
        return (da - np.sum(da * a, axis=-1, keepdims=True)) * a
    raise KeyError(name)


SLOPES: dict[str, Callable[[Array, Array], Array]] = {
    "elu": lambda z, a: np.where(z > 0, 1, a + 1),
    "celu": lambda z, a: np.where(z > 0, 1, a + 1),
    "selu": lambda z, a: np.where(z < 0, a + SELU_SCALE * SELU_ALPHA, SELU_SCALE),
    "exponential": lambda z, a: a,
    "leaky_relu": lambda z, a: np.where(z > 0, 1, 0.2),
    "relu6": lambda z, a: (z > 0) & (z < 6),
    "silu": lambda z, a: sigmoid(z) + a * (1 - sigmoid(z)),
    "softplus": lambda z, a: sigmoid(z),
    "softsign": lambda z, a: 1 / (1 + np.abs(z)) ** 2,
    "log_sigmoid": lambda z, a: sigmoid(-z),
    "hard_sigmoid": lambda z, a: ((z > -3) & (z < 3)) / 6,
    "hard_silu": lambda z, a: np.where(z <= -3, 0, np.where(z >= 3, 1, (2 * z + 3) / 6)),
    "hard_tanh": lambda z, a: (z >= -1) & (z <= 1),
    "hard_shrink": lambda z, a: np.abs(z) > 0.5,
    "soft_shrink": lambda z, a: np.abs(z) > 0.5,
    "squareplus": lambda z, a: (1 + z / np.sqrt(z * z + 4)) / 2,
    "sparse_plus": lambda z, a: np.where(z <= -1, 0, np.where(z >= 1, 1, (z + 1) / 2)),
}
"""The derivative of those that are functions of one number, from input and output; at a kink it is TensorFlow's."""
