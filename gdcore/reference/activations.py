"""Activation functions and how gradients pass back through them (keras/src/activations/activations.py)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NAMES = ("linear", "relu", "sigmoid", "tanh", "softmax")


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), written with e^-|z| so that nothing overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def softmax(z: Array) -> Array:
    """e^z_j / sum_k e^z_k along the last axis; subtracting the maximum changes nothing but the overflow."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def activate(name: str, z: Array) -> Array:
    """The activation of z, of z's shape."""
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
    if name == "relu":
        return np.where(z > 0, da, 0).astype(da.dtype)
    if name == "sigmoid":
        return da * a * (1 - a)
    if name == "tanh":
        return da * (1 - a * a)
    if name == "softmax":
        return (da - np.sum(da * a, axis=-1, keepdims=True)) * a
    raise KeyError(name)
