"""Activation functions and how gradients pass back through them (keras/src/activations/activations.py)."""

import math
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
    "sparse_sigmoid": (-1.0, 1.0),
}


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), written with e^-|z| so that nothing overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def gated(z: Array, gate: Array) -> Array:
    """z times a gate that closes faster than z falls: 0, and not nan, at -inf."""
    return np.where(z == -np.inf, z.dtype.type(0), z) * gate


def softmax(z: Array) -> Array:
    """e^z_j / sum_k e^z_k along the last axis; subtracting the maximum changes nothing but the overflow."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def log_softmax(z: Array) -> Array:
    """z_j - log sum_k e^z_k along the last axis; the largest term of the sum is 1, and log1p has it."""
    top = np.max(z, axis=-1, keepdims=True)
    e = np.exp(z - top)
    largest = np.argmax(z, axis=-1)[..., None]
    np.put_along_axis(e, largest, np.take_along_axis(e, largest, axis=-1) - 1, axis=-1)
    return z - top - np.log1p(np.sum(e, axis=-1, keepdims=True))


def sparsemax_support(z: Array) -> tuple[Array, Array, Array]:
    """(rank of each value in its row from 1 on, how many take part, tau) with Keras's tau."""
    order = np.argsort(-z, axis=-1, kind="stable")
    rank = np.empty_like(z)
    np.put_along_axis(rank, order, np.arange(1, z.shape[-1] + 1, dtype=z.dtype), axis=-1)
    ordered = np.take_along_axis(z, order, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    support = ordered - (sums - 1) / np.arange(1, z.shape[-1] + 1, dtype=z.dtype) > 0
    k = np.sum(support, axis=-1, keepdims=True)
    return rank, k, (np.sum(np.where(support, sums, 0), axis=-1, keepdims=True) - 1) / k


def sparsemax(z: Array) -> Array:
    """max(z_j - tau, 0) along the last axis."""
    return np.maximum(z - sparsemax_support(z)[2], 0).astype(z.dtype)


def sparsemax_vjp(z: Array, da: Array) -> Array:
    """tau passes (k - rank + 1) / k of what comes back to it on to each of the k largest values."""
    rank, k, tau = sparsemax_support(z)
    d = np.where(z - tau >= 0, da, 0)
    share = np.maximum(k - rank + 1, 0) / k
    return (d - np.sum(d, axis=-1, keepdims=True) * share).astype(da.dtype)


def softplus(z: Array) -> Array:
    """log(1 + e^z), without overflow."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def relu6(z: Array) -> Array:
    """min(max(z, 0), 6)"""
    return np.clip(z, 0, 6)


def relu(z: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """Keras's steps: what is above the threshold, cut to [0, max_value], less the slope below the threshold."""
    a = np.where(z <= threshold, 0, z).astype(z.dtype)
    if max_value is not None:
        a = np.clip(a, 0, z.dtype.type(max_value))
    if negative_slope:
        a = a - z.dtype.type(negative_slope) * np.maximum(z.dtype.type(threshold) - z, 0)
    return a


def relu_slope(z: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """0 at the threshold; at max_value 1, but 0 where Keras takes relu6; it takes leaky_relu for a slope alone."""
    if negative_slope and max_value is None and threshold == 0:
        return np.where(z > 0, 1, negative_slope)
    above = z > threshold
    if max_value is not None:
        above &= (z >= 0) & (z < 6 if max_value == 6 and threshold == 0 else z <= max_value)
    return above + np.where(z < threshold, negative_slope, 0)


def normal_tail(y: Array) -> Array:
    """Phi(-y), the normal distribution, for y >= 0: in the tail erfc is e^(-y^2/2) times a slow function."""
    from scipy.special import erfcx  # type: ignore[import-untyped]

    high = y.astype(np.float32 if y.dtype == np.float64 else np.float16).astype(y.dtype)
    with np.errstate(invalid="ignore"):
        power = np.exp(-high * high / 2) * np.exp(-(y - high) * (y + high) / 2)  # y^2 / 2, and nothing rounded away
    return np.where(y > 40, 0, power * erfcx(y / np.sqrt(y.dtype.type(2))) / 2).astype(y.dtype)


def gelu(z: Array, approximate: bool = False) -> Array:
    """z Phi(z), or with sigmoid(2 u) = (1 + tanh u) / 2 for Phi."""
    if approximate:
        return gated(z, sigmoid(2 * tanh_argument(z)))
    tail = normal_tail(np.abs(z))
    return gated(z, np.where(z < 0, tail, 1 - tail))


def gelu_slope(z: Array, approximate: bool = False) -> Array:
    """Phi(z) + z phi(z)"""
    if approximate:
        gate = sigmoid(2 * tanh_argument(z))
        return gate + 2 * z * gate * (1 - gate) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z * z)
    tail = normal_tail(np.abs(z))
    return np.where(z < 0, tail, 1 - tail) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


def tanh_argument(z: Array) -> Array:
    """sqrt(2 / pi) (z + 0.044715 z^3)"""
    return z.dtype.type(math.sqrt(2 / math.pi)) * (z + z.dtype.type(0.044715) * z * z * z)


def mish(z: Array) -> Array:
    """z tanh(log(1 + e^z)), the tanh as e^z (e^z + 2) / (e^z (e^z + 2) + 2)"""
    e = np.exp(np.minimum(z, 40))
    return gated(z, e * (e + 2) / (e * (e + 2) + 2))


def mish_slope(z: Array) -> Array:
    """tanh(s) + z (1 - tanh(s)^2) sigmoid(z), s = softplus(z)"""
    t = np.tanh(softplus(z))
    return t + z * (1 - t * t) * sigmoid(z)


def tanh_shrink(z: Array) -> Array:
    """z - tanh z; near 0, where that cancels, (z cosh z - sinh z) / cosh z, whose series has no minus"""
    near = np.clip(z, -1, 1)
    series = sum(2 * n * near ** (2 * n + 1) / math.factorial(2 * n + 1) for n in range(1, 11))
    return np.where(np.abs(z) < 1, series / np.cosh(near), z - np.tanh(z)).astype(z.dtype)


def squareplus(z: Array, b: float = 4.0) -> Array:
    """(z + sqrt(z^2 + b)) / 2, in one of two forms of that number: neither cancels"""
    t = np.sqrt(z * z + b)
    return np.where(z >= 0, (z + t) / 2, b / (2 * (t - z))).astype(z.dtype)


def selu(z: Array) -> Array:
    """scale elu(z, alpha)"""
    return np.where(z > 0, z.dtype.type(SELU_SCALE) * z, z.dtype.type(SELU_SCALE * SELU_ALPHA) * np.expm1(z))


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "linear": lambda z: z,
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
    "elu": lambda z, alpha=1.0: np.where(z > 0, z, alpha * np.expm1(z)).astype(z.dtype),
    "selu": selu,
    "celu": lambda z, alpha=1.0: np.where(z > 0, z, alpha * np.expm1(z / alpha)).astype(z.dtype),
    "exponential": np.exp,
    "leaky_relu": lambda z, negative_slope=0.2: np.where(z > 0, z, z.dtype.type(negative_slope) * z),
    "relu6": relu6,
    "silu": lambda z: gated(z, sigmoid(z)),
    "softplus": softplus,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "log_sigmoid": lambda z: -softplus(-z),
    "hard_sigmoid": lambda z: relu6(z + 3) / 6,
    "hard_silu": lambda z: z * (relu6(z + 3) / 6),
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "hard_shrink": lambda z, threshold=0.5: np.where(np.abs(z) <= threshold, 0, z).astype(z.dtype),
    "soft_shrink": lambda z, threshold=0.5: z - np.clip(z, -threshold, threshold),
    "tanh_shrink": tanh_shrink,
    "squareplus": squareplus,
    "sparse_plus": lambda z: np.where(z <= -1, 0, np.where(z >= 1, z, (z + 1) ** 2 / 4)).astype(z.dtype),
    "sparse_sigmoid": lambda z: np.clip((z + 1) / 2, 0, 1),
    "gelu": gelu,
    "mish": mish,
    "log_softmax": log_softmax,
    "sparsemax": sparsemax,
    "threshold": lambda z, threshold, default_value: np.where(z <= threshold, z.dtype.type(default_value), z),
}
"""Of an array and the parameters, with Keras's defaults."""

COUPLED = ("softmax", "log_softmax", "sparsemax")
"""Those whose outputs depend on a whole row, the last axis."""

NAMES = tuple(name for name in FUNCTIONS if name not in ("threshold", "sparsemax"))
"""What needs no parameters and is continuous: Keras's sparsemax jumps."""


def activate(name: str, z: Array, **parameters: Any) -> Array:
    """The activation of z, of z's shape and type."""
    with np.errstate(over="ignore"):
        return FUNCTIONS[name](z, **parameters)


def vjp(name: str, z: Array, a: Array, da: Array, **parameters: Any) -> Array:
    """dL/dz, given a = activate(name, z) and da = dL/da."""
    if name == "softmax":
        return (da - np.sum(da * a, axis=-1, keepdims=True)) * a
    if name == "log_softmax":
        return da - np.exp(a) * np.sum(da, axis=-1, keepdims=True)
    if name == "sparsemax":
        return sparsemax_vjp(z, da)
    if name in IN_PARAMETERS:
        return (da * IN_PARAMETERS[name](z, **parameters)).astype(da.dtype)
    return (da * SLOPES[name](z, a)).astype(da.dtype)


IN_PARAMETERS: dict[str, Callable[..., Array]] = {
    "relu": relu_slope,
    "leaky_relu": lambda z, negative_slope=0.2: np.where(z > 0, 1, negative_slope),
    "elu": lambda z, alpha=1.0: np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0))),
    "celu": lambda z, alpha=1.0: np.where(z > 0, 1, np.exp(np.minimum(z, 0) / alpha)),
    "hard_shrink": lambda z, threshold=0.5: np.abs(z) > threshold,
    "soft_shrink": lambda z, threshold=0.5: np.abs(z) > threshold,
    "squareplus": lambda z, b=4.0: (1 + z / np.sqrt(z * z + b)) / 2,
    "gelu": gelu_slope,
    "threshold": lambda z, threshold, default_value: z > threshold,
}
"""The derivatives of those with parameters, from the input; at a kink they are TensorFlow's."""

SLOPES: dict[str, Callable[[Array, Array], Array]] = {
    "linear": lambda z, a: np.ones_like(z),
    "sigmoid": lambda z, a: a * (1 - a),
    "tanh": lambda z, a: 1 - a * a,
    "selu": lambda z, a: np.where(z < 0, a + SELU_SCALE * SELU_ALPHA, SELU_SCALE),
    "exponential": lambda z, a: a,
    "relu6": lambda z, a: (z > 0) & (z < 6),
    "silu": lambda z, a: sigmoid(z) + a * (1 - sigmoid(z)),
    "softplus": lambda z, a: sigmoid(z),
    "softsign": lambda z, a: 1 / (1 + np.abs(z)) ** 2,
    "log_sigmoid": lambda z, a: sigmoid(-z),
    "hard_sigmoid": lambda z, a: ((z > -3) & (z < 3)) / 6,
    "hard_silu": lambda z, a: np.where(z <= -3, 0, np.where(z >= 3, 1, (2 * z + 3) / 6)),
    "hard_tanh": lambda z, a: (z >= -1) & (z <= 1),
    "tanh_shrink": lambda z, a: np.tanh(z) ** 2,
    "sparse_plus": lambda z, a: np.where(z <= -1, 0, np.where(z >= 1, 1, (z + 1) / 2)),
    "sparse_sigmoid": lambda z, a: ((z > -1) & (z < 1)) / 2,
    "mish": lambda z, a: mish_slope(z),
}
"""The other derivatives of functions of one number, from input and output."""
