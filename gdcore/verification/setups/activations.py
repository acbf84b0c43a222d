"""Activations: values and slopes around kinks and far from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .draw import Arrays, Draw, SetUp
from .libraries import as_tensor, is_keras, taped_gradient

# Keras rounds many settings to float32 also for float64: activations and layers get such that float32 holds too.
ACTIVATIONS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    **dict.fromkeys(
        "linear sigmoid tanh selu exponential relu6 silu softplus softsign log_sigmoid hard_sigmoid hard_silu "
        "hard_tanh sparse_plus sparse_sigmoid tanh_shrink mish".split(),
        lambda d: {},
    ),
    "relu": lambda d: {
        "negative_slope": d.one_of(0.0, d.fraction(0, 0.5)),
        "max_value": d.one_of(None, 6.0, d.fraction(1, 4)),
        "threshold": d.one_of(0.0, d.fraction(-1, 1)),
    },
    "leaky_relu": lambda d: {"negative_slope": d.fraction(0.02, 0.5)},
    "elu": lambda d: {"alpha": d.fraction(0.1, 2)},
    "celu": lambda d: {"alpha": d.fraction(0.1, 2)},
    "hard_shrink": lambda d: {"threshold": d.fraction(0, 2)},
    "soft_shrink": lambda d: {"threshold": d.fraction(0, 2)},
    "threshold": lambda d: {"threshold": d.fraction(-1, 1), "default_value": d.fraction(-2, 2)},
    "squareplus": lambda d: {"b": d.fraction(0.1, 5)},
    "gelu": lambda d: {"approximate": d.flag()},
    "softmax": lambda d: {"axis": d.one_of(0, 1, -1)},
    "log_softmax": lambda d: {"axis": d.one_of(0, 1, -1)},
    "sparsemax": lambda d: {"axis": d.one_of(0, 1, -1)},
    "glu": lambda d: {"axis": d.one_of(0, 1, -1)},
}


def draw(d: Draw) -> Iterator[SetUp]:
    for name, own in ACTIVATIONS.items():
        plain: dict[str, Any] = own(d) if name in ("threshold", "leaky_relu") else {}
        yield SetUp("activations", name, {"config": plain, "dtype": "float32", "data": d.seed()})
        if name != "gelu":  # whose constants TensorFlow has in float32 only
            yield SetUp("activations", name, {"config": plain, "dtype": "float64", "data": d.seed()})
        for _ in range(2 if own(d) else 0):
            yield SetUp("activations", name, {"config": own(d), "dtype": "float32", "data": d.seed()})


def points(name: str, what: dict[str, Any]) -> tuple[Any, Any]:
    """(x, upstream) of a set-up of an activation; not 0 for celu, where TensorFlow counts both its halves."""
    d = Draw(what["data"])
    kinks = [1.0 if name == "celu" else 0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 1e-3, -1e-3, 20.0, -20.0]
    near, far = d.array(40, -3, 3), d.array(20, -12, 12)
    x = np.concatenate([kinks, near, far]).astype(np.float32).reshape(12, 6)
    if "axis" in what["config"] or name in ("softmax", "log_softmax"):
        x /= 4  # one value far above the others leaves slopes that are nothing but rounding
    return x.astype(what["dtype"]), d.array(x.shape).astype(np.float32).astype(what["dtype"])


def run(library: Any, name: str, what: dict[str, Any]) -> Arrays:
    x, upstream = points(name, what)
    activation = getattr(library.activations, name)
    value = np.array(activation(as_tensor(library, x), **what["config"]))
    if value.shape != x.shape:
        upstream = np.ascontiguousarray(upstream[: value.shape[0], : value.shape[1]])
    if is_keras(library):
        slope = taped_gradient(lambda points: activation(points, **what["config"]), x, upstream)
    else:
        slope = activation.derivative(x, upstream, **what["config"])
    return {"value": [value], "slope": [slope]}
