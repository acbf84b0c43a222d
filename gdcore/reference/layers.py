"""What each layer makes of rows of numbers, written to be read.

Ioffe & Szegedy, ICML 2015 (batch normalization); Ba, Kiros & Hinton, 2016 (layer normalization); He et al., ICCV 2015
(PReLU); keras/src/layers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import activations


def forward(layer: Any, x: NDArray[np.float64], training: bool = False) -> NDArray[np.float64]:
    """Outputs of a `gdcore.layers` object for float64 rows x; noise is left out.

    training: batch normalization takes the statistics of these rows.
    """
    kind = type(layer).__name__
    arrays = dict(zip(layer._weight_names(), [np.asarray(w, np.float64) for w in layer.weights], strict=True))
    if kind == "Dense":
        z = x @ arrays["kernel"] + arrays.get("bias", 0.0)
        settings = {k: v for k, v in layer.activation.parameters.items() if k != "axis"}
        return activations.activate(layer.activation.__name__, z, **settings)
    if kind in ("BatchNormalization", "LayerNormalization"):
        if kind == "LayerNormalization":
            mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        elif training and layer.trainable:
            mean, variance = x.mean(axis=0), x.var(axis=0)
        else:
            mean, variance = arrays["moving_mean"], arrays["moving_variance"]
        normal = (x - mean) / np.sqrt(variance + layer.epsilon)
        return normal * arrays.get("gamma", 1.0) + arrays.get("beta", 0.0)
    if kind == "PReLU":
        return np.where(x > 0, x, arrays["alpha"] * x)
    if kind == "Rescaling":
        return x * np.asarray(layer.scale) + np.asarray(layer.offset)
    if kind == "Normalization":
        divisor = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), 1e-7)
        return x * divisor + layer.mean if layer.invert else (x - np.asarray(layer.mean)) / divisor
    if hasattr(layer, "activation"):
        settings = {k: v for k, v in layer.activation.parameters.items() if k != "axis"}
        return activations.activate(layer.activation.__name__, x, **settings)
    return x  # dropout, noise and Flatten, outside of training
