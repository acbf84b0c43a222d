"""Losses and their derivatives (keras/src/losses/losses.py, keras/src/backend/tensorflow/nn.py).

Options go by Keras's names: ``from_logits``, ``label_smoothing``, ``delta`` (Huber), ``alpha``, ``gamma``,
``apply_class_balancing`` (the focal ones) and ``ignore_class`` (the sparse one).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .activations import sigmoid, softmax, softplus

Array = NDArray[Any]

NAMES = (
    "mean_absolute_error",
    "mean_squared_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "poisson",
    "kl_divergence",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
    "cosine_similarity",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
)
EPSILON = 1e-7  # keras.config.epsilon()


def clip(p: Array) -> tuple[Array, Array]:
    """p within [epsilon, 1 - epsilon], and where it was inside: there alone the gradient passes."""
    low = p.dtype.type(EPSILON)
    high = p.dtype.type(1) - low
    return np.clip(p, low, high), (p >= low) & (p <= high)


def targets(name: str, y: Array, p: Array, label_smoothing: float = 0.0) -> Array:
    """y in p's shape and type: class numbers as one-hot rows, labels smoothed, those of a hinge -1 and 1."""
    units = p.shape[1]
    if name == "sparse_categorical_crossentropy":
        return (y.reshape(-1, 1) == np.arange(units)).astype(p.dtype)
    y = y.reshape(p.shape).astype(p.dtype)
    if name in ("binary_crossentropy", "binary_focal_crossentropy"):
        return y * p.dtype.type(1 - label_smoothing) + p.dtype.type(0.5 * label_smoothing)
    if name in ("categorical_crossentropy", "categorical_focal_crossentropy"):
        return y * p.dtype.type(1 - label_smoothing) + p.dtype.type(label_smoothing / units)
    if name in ("hinge", "squared_hinge") and np.all((y == 0) | (y == 1)):
        return 2 * y - 1
    return y


def log_softmax(z: Array) -> Array:
    """log(softmax(z)), without the detour through numbers that underflow."""
    z = z - np.max(z, axis=-1, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))


def unit(x: Array) -> Array:
    """x with rows of length 1; a row shorter than epsilon is only multiplied by 1 / epsilon."""
    return x * inverse_length(x)


def inverse_length(x: Array) -> Array:
    """1 / |x| of each row, at most 1 / epsilon."""
    with np.errstate(divide="ignore"):
        return np.minimum(1 / np.sqrt(np.sum(x * x, axis=1, keepdims=True)), x.dtype.type(1 / EPSILON))


def binary(t: Array, p: Array, from_logits: bool) -> Array:
    """The cross-entropy of each output."""
    if from_logits:
        return np.maximum(p, 0) - p * t + np.log1p(np.exp(-np.abs(p)))
    q, _ = clip(p)
    return -(t * np.log(q) + (1 - t) * np.log(1 - q))


def chances(p: Array, from_logits: bool) -> Array:
    """The outputs as rows that sum to 1."""
    return softmax(p) if from_logits else p / np.sum(p, axis=1, keepdims=True)


def missed(t: Array, p: Array) -> Array:
    """1 - p_t of the focal loss: how far the output is from its label."""
    return 1 - (t * p + (1 - t) * (1 - p))


def class_weights(t: Array, alpha: float, apply_class_balancing: bool) -> Array:
    """alpha for labels of 1, 1 - alpha for labels of 0."""
    return (t * alpha + (1 - t) * (1 - alpha)).astype(t.dtype) if apply_class_balancing else np.ones_like(t)


def per_sample(
    name: str,
    y: Array,
    p: Array,
    *,
    logits: Array | None = None,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    delta: float = 1.0,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    apply_class_balancing: bool = False,
    ignore_class: int | None = None,
) -> Array:
    """The loss of each sample, of shape (n,), for p of shape (n, k).

    logits, for the binary focal loss, is what its cross-entropy is taken from instead of p.
    """
    t = targets(name, y, p, label_smoothing)
    low = p.dtype.type(EPSILON)
    if name == "mean_absolute_error":
        return np.mean(np.abs(p - t), axis=1)
    if name == "mean_squared_error":
        return np.mean((p - t) ** 2, axis=1)
    if name == "mean_absolute_percentage_error":
        return 100 * np.mean(np.abs(t - p) / np.maximum(np.abs(t), low), axis=1)
    if name == "mean_squared_logarithmic_error":
        return np.mean((np.log(np.maximum(p, low) + 1) - np.log(np.maximum(t, low) + 1)) ** 2, axis=1)
    if name == "huber":
        e = np.abs(p - t)
        return np.mean(np.where(e <= delta, 0.5 * e * e, delta * e - 0.5 * delta**2), axis=1)
    if name == "log_cosh":
        # Keras's log 2 is a float32 for any type
        return np.mean(p - t + softplus(-2 * (p - t)) - np.float32(np.log(2)), axis=1)
    if name == "poisson":
        return np.mean(p - t * np.log(p + low), axis=1)
    if name == "kl_divergence":
        t = np.clip(t, low, 1)
        return np.sum(t * np.log(t / np.clip(p, low, 1)), axis=1)
    if name == "hinge":
        return np.mean(np.maximum(1 - t * p, 0), axis=1)
    if name == "squared_hinge":
        return np.mean(np.maximum(1 - t * p, 0) ** 2, axis=1)
    if name == "categorical_hinge":
        return np.maximum(np.max((1 - t) * p, axis=1) - np.sum(t * p, axis=1) + 1, 0)
    if name == "cosine_similarity":
        return -np.sum(unit(t) * unit(p), axis=1)
    if name == "binary_crossentropy":
        return np.mean(binary(t, p, from_logits), axis=1)
    if name == "binary_focal_crossentropy":
        if from_logits:
            logits, p = p, sigmoid(p)
        entropy = binary(t, p, False) if logits is None else binary(t, logits, True)
        return np.mean(class_weights(t, alpha, apply_class_balancing) * missed(t, p) ** gamma * entropy, axis=1)
    if name == "categorical_focal_crossentropy":
        q, _ = clip(chances(p, from_logits))
        return -np.sum(np.asarray(alpha, p.dtype) * (1 - q) ** gamma * t * np.log(q), axis=1)
    if name == "sparse_categorical_crossentropy":
        # Keras hands log(clipped probabilities) to a cross-entropy from logits
        each = -np.sum(t * log_softmax(p if from_logits else np.log(clip(p)[0])), axis=1)
        return np.where(counting(y, ignore_class), each, 0).astype(p.dtype)
    if from_logits:
        return -np.sum(t * log_softmax(p), axis=1)
    q, _ = clip(chances(p, False))
    return -np.sum(t * np.log(q), axis=1)


def counting(y: Array, ignore_class: int | None) -> Array:
    """Which samples are not of the class that is ignored, of shape (n,)."""
    return np.ones(len(y), bool) if ignore_class is None else y.reshape(len(y), -1)[:, 0] != ignore_class


def _factor(y: Array, w: Array, reduction: str, ignore_class: int | None) -> Any:
    if reduction == "sum":
        return 1.0
    w = w[counting(y, ignore_class)]
    total = np.sum(w) if reduction == "mean_with_sample_weight" else len(w)
    return 1.0 / total if total else 0.0


def mean(
    name: str,
    y: Array,
    p: Array,
    sample_weight: Array | None = None,
    *,
    reduction: str = "sum_over_batch_size",
    **options: Any,
) -> float:
    """The loss of a batch: the weighted losses of its samples, reduced to one number."""
    w = np.ones(len(p), p.dtype) if sample_weight is None else sample_weight
    values = per_sample(name, y, p, **options)
    return float(np.sum(values * w) * _factor(y, w, reduction, options.get("ignore_class")))


def gradient(
    name: str,
    y: Array,
    p: Array,
    sample_weight: Array | None = None,
    *,
    reduction: str = "sum_over_batch_size",
    **options: Any,
) -> Array:
    """d(mean)/dp, of shape (n, k); not what passes through logits, where those are given."""
    w = np.ones(len(p), p.dtype) if sample_weight is None else sample_weight
    w = np.where(counting(y, options.get("ignore_class")), w, 0)
    g = (w * _factor(y, w, reduction, options.get("ignore_class"))).astype(p.dtype)[:, np.newaxis]
    return (g * _slope(name, y, p, **options)).astype(p.dtype)


def _slope(
    name: str,
    y: Array,
    p: Array,
    *,
    logits: Array | None = None,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    delta: float = 1.0,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    apply_class_balancing: bool = False,
    ignore_class: int | None = None,
) -> Array:
    """d(per_sample)/dp; where the loss has a kink, what TensorFlow says."""
    t = targets(name, y, p, label_smoothing)
    k = p.shape[1]
    low = p.dtype.type(EPSILON)
    if name == "mean_absolute_error":
        return np.sign(p - t) / k
    if name == "mean_squared_error":
        return 2 * (p - t) / k
    if name == "mean_absolute_percentage_error":
        return 100 * np.sign(p - t) / np.maximum(np.abs(t), low) / k
    if name == "mean_squared_logarithmic_error":
        difference = np.log(np.maximum(p, low) + 1) - np.log(np.maximum(t, low) + 1)
        return np.where(p >= low, 2 * difference / (np.maximum(p, low) + 1) / k, 0)
    if name == "huber":
        return np.clip(p - t, -delta, delta) / k
    if name == "log_cosh":
        return np.tanh(p - t) / k
    if name == "poisson":
        return (1 - t / (p + low)) / k
    if name == "kl_divergence":
        inside = (p >= low) & (p <= 1)
        return np.where(inside, -np.clip(t, low, 1) / np.where(inside, p, 1), 0)
    if name == "hinge":
        return np.where(1 - t * p >= 0, -t, 0) / k
    if name == "squared_hinge":
        return -2 * t * np.maximum(1 - t * p, 0) / k
    if name == "categorical_hinge":
        others = (1 - t) * p
        largest = others == np.max(others, axis=1, keepdims=True)
        share = (1 - t) * largest / np.sum(largest, axis=1, keepdims=True)
        active = np.max(others, axis=1, keepdims=True) - np.sum(t * p, axis=1, keepdims=True) + 1 >= 0
        return np.where(active, share - t, 0)
    if name == "cosine_similarity":
        s = inverse_length(p)
        along = np.where(s < 1 / EPSILON, np.sum(unit(t) * unit(p), axis=1, keepdims=True), 0)
        return s * (along * unit(p) - unit(t))
    if name == "binary_crossentropy":
        return binary_slope(t, p, from_logits) / k
    if name == "binary_focal_crossentropy":
        weight = class_weights(t, alpha, apply_class_balancing) / k
        z, a = (p, sigmoid(p)) if from_logits else (logits, p)
        entropy = binary(t, a, False) if z is None else binary(t, z, True)
        slope = weight * entropy * gamma * missed(t, a) ** (gamma - 1) * (1 - 2 * t)
        if from_logits:
            return slope * a * (1 - a) + weight * missed(t, a) ** gamma * (a - t)
        return slope if logits is not None else slope + weight * missed(t, a) ** gamma * binary_slope(t, p, False)
    if name == "sparse_categorical_crossentropy" and not from_logits:
        q, inside = clip(p)
        return np.where(inside, (softmax(np.log(q)) - t) / q, 0)
    if name != "categorical_focal_crossentropy" and from_logits:
        return softmax(p) - t
    # of the shares q, and from them to p by the derivative of softmax or of the division by the sum
    share = chances(p, from_logits)
    q, inside = clip(share)
    dq = np.where(inside, -t / q, 0)
    if name == "categorical_focal_crossentropy":
        factor = np.asarray(alpha, p.dtype) * (1 - q) ** (gamma - 1)
        dq = np.where(inside, factor * t * (gamma * np.log(q) - (1 - q) / q), 0)
    dq = dq - np.sum(dq * share, axis=1, keepdims=True)
    return share * dq if from_logits else dq / np.sum(p, axis=1, keepdims=True)


def distance_to_kink(name: str, y: Array, p: Array, from_logits: bool = False) -> float:
    """How far p may move, roughly, until the gradient jumps (or, for a direction, loses its meaning)."""
    t = targets(name, y, p)
    if name in ("mean_absolute_error", "mean_absolute_percentage_error"):
        return float(np.min(np.abs(p - t)))
    if name == "mean_squared_logarithmic_error":
        return float(np.min(np.abs(p - EPSILON)))
    if name == "kl_divergence":
        return float(np.min(np.minimum(np.abs(p - EPSILON), np.abs(p - 1))))
    if name == "hinge":
        return float(np.min(np.abs(1 - t * p)))
    if name == "categorical_hinge":
        others = np.sort((1 - t) * p, axis=1)
        gap = others[:, -1] - others[:, -2] if p.shape[1] > 1 else np.inf
        return float(np.min(np.minimum(gap, np.abs(others[:, -1] - np.sum(t * p, axis=1) + 1))))
    if name == "cosine_similarity":
        return float(np.min(np.sum(p * p, axis=1))) / 100
    if name == "categorical_focal_crossentropy":
        q = chances(p, from_logits)
        return float(np.min(np.abs(q / EPSILON - 1))) / 100
    return float("inf")


def binary_slope(t: Array, p: Array, from_logits: bool) -> Array:
    """d(binary)/dp"""
    if from_logits:
        return sigmoid(p) - t
    q, inside = clip(p)
    return np.where(inside, (1 - t) / (1 - q) - t / q, 0)


def gradient_by_logits(
    y: Array,
    p: Array,
    logits: Array,
    sample_weight: Array | None = None,
    *,
    reduction: str = "sum_over_batch_size",
    label_smoothing: float = 0.0,
    alpha: float = 0.25,
    gamma: float = 2.0,
    apply_class_balancing: bool = False,
    from_logits: bool = False,
) -> Array:
    """The binary focal loss's gradient with respect to the logits of its cross-entropy, its factor held still."""
    w = np.ones(len(p), p.dtype) if sample_weight is None else sample_weight
    t = targets("binary_focal_crossentropy", y, p, label_smoothing)
    factor = class_weights(t, alpha, apply_class_balancing) * missed(t, p) ** gamma
    g = (w * _factor(y, w, reduction, None))[:, np.newaxis]
    return (g * factor * binary_slope(t, logits, True) / p.shape[1]).astype(p.dtype)
