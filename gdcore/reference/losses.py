"""Losses and their derivatives (keras/src/losses/losses.py, keras/src/backend/tensorflow/nn.py)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .activations import sigmoid, softmax

Array = NDArray[Any]

NAMES = (
    "mean_absolute_error",
    "mean_squared_error",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
EPSILON = 1e-7  # keras.config.epsilon()


def clip(p: Array) -> tuple[Array, Array]:
    """p within [epsilon, 1 - epsilon], and where it was inside: there alone the gradient passes."""
    low = p.dtype.type(EPSILON)
    high = p.dtype.type(1) - low
    return np.clip(p, low, high), (p >= low) & (p <= high)


def targets(name: str, y: Array, p: Array, label_smoothing: float) -> Array:
    """y in p's shape and type: class numbers as one-hot rows, labels smoothed."""
    units = p.shape[1]
    if name == "sparse_categorical_crossentropy":
        return (y.reshape(-1, 1) == np.arange(units)).astype(p.dtype)
    y = y.reshape(p.shape).astype(p.dtype)
    if name == "binary_crossentropy":
        return y * p.dtype.type(1 - label_smoothing) + p.dtype.type(0.5 * label_smoothing)
    if name == "categorical_crossentropy":
        return y * p.dtype.type(1 - label_smoothing) + p.dtype.type(label_smoothing / units)
    return y


def log_softmax(z: Array) -> Array:
    """log(softmax(z)), without the detour through numbers that underflow."""
    z = z - np.max(z, axis=-1, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))


def per_sample(name: str, y: Array, p: Array, *, from_logits: bool = False, label_smoothing: float = 0.0) -> Array:
    """The loss of each sample, of shape (n,), for p of shape (n, k)."""
    t = targets(name, y, p, label_smoothing)
    if name == "mean_absolute_error":
        return np.mean(np.abs(p - t), axis=1)
    if name == "mean_squared_error":
        return np.mean((p - t) ** 2, axis=1)
    if name == "binary_crossentropy":
        if from_logits:
            return np.mean(np.maximum(p, 0) - p * t + np.log1p(np.exp(-np.abs(p))), axis=1)
        q, _ = clip(p)
        return -np.mean(t * np.log(q) + (1 - t) * np.log(1 - q), axis=1)
    if from_logits:
        return -np.sum(t * log_softmax(p), axis=1)
    if name == "categorical_crossentropy":
        q, _ = clip(p / np.sum(p, axis=1, keepdims=True))
        return -np.sum(t * np.log(q), axis=1)
    # Keras hands log(clipped probabilities) to a cross-entropy from logits
    q, _ = clip(p)
    return -np.sum(t * log_softmax(np.log(q)), axis=1)


def _factor(n: int, w: Array, reduction: str) -> Any:
    if reduction == "sum":
        return 1.0
    return 1.0 / np.sum(w) if reduction == "mean_with_sample_weight" else 1.0 / n


def mean(
    name: str,
    y: Array,
    p: Array,
    sample_weight: Array | None = None,
    *,
    reduction: str = "sum_over_batch_size",
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> float:
    """The loss of a batch: the weighted losses of its samples, reduced to one number."""
    w = np.ones(len(p), p.dtype) if sample_weight is None else sample_weight
    values = per_sample(name, y, p, from_logits=from_logits, label_smoothing=label_smoothing)
    return float(np.sum(values * w) * _factor(len(p), w, reduction))


def gradient(
    name: str,
    y: Array,
    p: Array,
    sample_weight: Array | None = None,
    *,
    reduction: str = "sum_over_batch_size",
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Array:
    """d(mean)/dp, of shape (n, k)."""
    w = np.ones(len(p), p.dtype) if sample_weight is None else sample_weight
    g = (w * _factor(len(p), w, reduction)).astype(p.dtype)[:, np.newaxis]
    t = targets(name, y, p, label_smoothing)
    k = p.shape[1]
    if name == "mean_absolute_error":
        return g * np.sign(p - t) / k
    if name == "mean_squared_error":
        return g * 2 * (p - t) / k
    if name == "binary_crossentropy":
        if from_logits:
            return g * (sigmoid(p) - t) / k
        q, inside = clip(p)
        return np.where(inside, g * ((1 - t) / (1 - q) - t / q) / k, 0).astype(p.dtype)
    if from_logits:
        return g * (softmax(p) - t)
    if name == "categorical_crossentropy":
        total = np.sum(p, axis=1, keepdims=True)
        share = p / total
        q, inside = clip(share)
        dq = np.where(inside, -g * t / q, 0).astype(p.dtype)
        return (dq - np.sum(dq * share, axis=1, keepdims=True)) / total
    q, inside = clip(p)
    return np.where(inside, g * (softmax(np.log(q)) - t) / q, 0).astype(p.dtype)
