"""A stack of dense layers: forward, backward, and derivatives by moving one parameter at a time.

Parameters are a list of arrays in Keras's order: the kernel (inputs, units) of the first layer, its bias
(units,) if it has one, the kernel of the second layer, and so on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import activations, losses

Array = NDArray[Any]


@dataclass(frozen=True)
class Dense:
    """activation(x @ kernel + bias)"""

    units: int
    activation: str = "linear"
    use_bias: bool = True


def _kernels_and_biases(layers: list[Dense], params: list[Array]) -> list[tuple[Array, Array | None]]:
    left = list(params)
    return [(left.pop(0), left.pop(0) if layer.use_bias else None) for layer in layers]


def forward(layers: list[Dense], params: list[Array], x: Array) -> list[tuple[Array, Array]]:
    """For each layer what enters its activation and what leaves it, both of shape (n, units)."""
    passed = []
    for layer, (kernel, bias) in zip(layers, _kernels_and_biases(layers, params), strict=True):
        z = x @ kernel if bias is None else x @ kernel + bias
        x = activations.activate(layer.activation, z)
        passed.append((z, x))
    return passed


def predict(layers: list[Dense], params: list[Array], x: Array) -> Array:
    """The outputs of the last layer, of shape (n, units)."""
    return forward(layers, params, x)[-1][1]


def behind_activation(layers: list[Dense], loss_name: str) -> bool:
    """Whether Keras on TensorFlow takes the loss from the logits behind the last activation."""
    plain = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
    return loss_name in plain and layers[-1].activation in ("sigmoid", "softmax")


def half_behind_activation(layers: list[Dense], loss_name: str, options: dict[str, Any]) -> bool:
    """Whether the loss has a factor taken from the outputs and a cross-entropy taken from the logits behind them."""
    focal = loss_name == "binary_focal_crossentropy" and not options.get("from_logits", False)
    return focal and layers[-1].activation in ("sigmoid", "softmax")


def loss(
    layers: list[Dense],
    params: list[Array],
    x: Array,
    y: Array,
    loss_name: str,
    sample_weight: Array | None = None,
    **options: Any,
) -> float:
    """The loss of the rows of x as one batch."""
    z, a = forward(layers, params, x)[-1]
    if behind_activation(layers, loss_name):
        return losses.mean(loss_name, y, z, sample_weight, **{**options, "from_logits": True})
    if half_behind_activation(layers, loss_name, options):
        return losses.mean(loss_name, y, a, sample_weight, logits=z, **options)
    return losses.mean(loss_name, y, a, sample_weight, **options)


def gradient(
    layers: list[Dense],
    params: list[Array],
    x: Array,
    y: Array,
    loss_name: str,
    sample_weight: Array | None = None,
    **options: Any,
) -> tuple[float, list[Array]]:
    """The loss and its gradient, shaped like params, by backpropagation."""
    passed = forward(layers, params, x)
    z, a = passed[-1]
    if behind_activation(layers, loss_name):
        options = {**options, "from_logits": True}
        value = losses.mean(loss_name, y, z, sample_weight, **options)
        dz = losses.gradient(loss_name, y, z, sample_weight, **options)
    elif half_behind_activation(layers, loss_name, options):
        value = losses.mean(loss_name, y, a, sample_weight, logits=z, **options)
        da = losses.gradient(loss_name, y, a, sample_weight, logits=z, **options)
        dz = activations.vjp(layers[-1].activation, z, a, da)
        dz += losses.gradient_by_logits(y, a, z, sample_weight, **options)
    else:
        value = losses.mean(loss_name, y, a, sample_weight, **options)
        da = losses.gradient(loss_name, y, a, sample_weight, **options)
        dz = activations.vjp(layers[-1].activation, z, a, da)
    weights = _kernels_and_biases(layers, params)
    grads: list[Array] = []
    for i in reversed(range(len(layers))):
        below = passed[i - 1][1] if i else x
        if layers[i].use_bias:
            grads.insert(0, np.sum(dz, axis=0))
        grads.insert(0, below.T @ dz)
        if i:
            dz = activations.vjp(layers[i - 1].activation, *passed[i - 1], dz @ weights[i][0].T)
    return value, grads


def finite_difference(
    layers: list[Dense],
    params: list[Array],
    x: Array,
    y: Array,
    loss_name: str,
    sample_weight: Array | None = None,
    *,
    method: str,
    h: float,
    **options: Any,
) -> tuple[float, list[Array]]:
    """The loss and its gradient by (L(p + h) - L(p)) / h or (L(p + h) - L(p - h)) / (2 h)."""

    def value() -> float:
        return loss(layers, params, x, y, loss_name, sample_weight, **options)

    base = value()
    grads = [np.zeros_like(p) for p in params]
    for p, g in zip(params, grads, strict=True):
        for index in np.ndindex(p.shape):
            kept = p[index]
            p[index] = kept + p.dtype.type(h)
            g[index] = (value() - base) / h
            if method == "central":
                plus = value()
                p[index] = kept - p.dtype.type(h)
                g[index] = (plus - value()) / (2 * h)
            p[index] = kept
    return base, grads


def loss_slice(
    layers: list[Dense],
    params: list[Array],
    x: Array,
    y: Array,
    loss_name: str,
    which: int,
    index: tuple[int, ...],
    values: Array,
    **options: Any,
) -> Array:
    """The loss with params[which][index] at each of the values, of shape (k,)."""
    kept = params[which][index]
    out = []
    for v in values:
        params[which][index] = v
        out.append(loss(layers, params, x, y, loss_name, **options))
    params[which][index] = kept
    return np.array(out)
