"""Layers, regularizers and constraints, each in a small net that is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .draw import Draw, Of, SetUp
from .trainings import dense, layer, training


def initializer(d: Draw) -> str:
    return str(d.one_of("glorot_uniform", "he_normal", "lecun_uniform", "truncated_normal", "orthogonal"))


LAYERS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "Dense": lambda d: {
        "units": d.whole(2, 9),
        "activation": d.one_of("tanh", "sigmoid", "elu", "selu", "silu", "softplus", "softsign"),
        "use_bias": d.flag(),
        "kernel_initializer": initializer(d),
    },
    "Activation": lambda d: {
        "activation": d.one_of("tanh", "sigmoid", "softmax", "mish", "log_softmax", "exponential")
    },
    "ReLU": lambda d: {
        "negative_slope": d.fraction(0, 0.3),
        "max_value": d.fraction(1, 3),
        "threshold": d.fraction(0, 0.5),
    },
    "LeakyReLU": lambda d: {"negative_slope": d.fraction(0.02, 0.5)},
    "ELU": lambda d: {"alpha": d.real(0.2, 2)},
    "Softmax": lambda d: {},
    "PReLU": lambda d: {"alpha_initializer": Of("initializers", "Constant", {"value": d.real(0, 0.5)})},
    "Flatten": lambda d: {},
    "Rescaling": lambda d: {"scale": d.fraction(0.2, 2), "offset": d.fraction(-1, 1)},
    "Normalization": lambda d: {"mean": d.fraction(-1, 1), "variance": d.fraction(0.5, 3), "invert": d.flag()},
    "BatchNormalization": lambda d: {
        "momentum": d.real(0.5, 0.99),
        "epsilon": d.size(1e-3, 1e-1),
        "center": d.flag(),
        "scale": d.flag(),
    },
    "LayerNormalization": lambda d: {"epsilon": d.size(1e-3, 1e-1), "center": d.flag(), "scale": d.flag()},
    "Dropout": lambda d: {"rate": d.real(0.1, 0.7), "seed": d.one_of(None, d.seed())},
    "AlphaDropout": lambda d: {"rate": d.real(0.1, 0.5), "seed": d.one_of(None, d.seed())},
    "GaussianDropout": lambda d: {"rate": d.real(0.1, 0.5), "seed": d.one_of(None, d.seed())},
    "GaussianNoise": lambda d: {"stddev": d.real(0.05, 0.5), "seed": d.one_of(None, d.seed())},
}


def regularizer(d: Draw) -> Of:
    l1, l2 = 2.0 ** -d.whole(4, 9), 2.0 ** -d.whole(4, 9)
    return d.one_of(
        Of("regularizers", "L1", {"l1": l1}),
        Of("regularizers", "L2", {"l2": l2}),
        Of("regularizers", "L1L2", {"l1": l1, "l2": l2}),
    )


def constraint(d: Draw) -> Of:
    return d.one_of(
        Of("constraints", "MaxNorm", {"max_value": d.real(0.3, 1.5), "axis": d.one_of(0, 1)}),
        Of("constraints", "MinMaxNorm", {"min_value": d.real(0.2, 0.5), "max_value": 1.0, "rate": d.real(0.2, 1)}),
        Of("constraints", "UnitNorm", {}),
        Of("constraints", "NonNeg", {}),
    )


def draw(d: Draw) -> Iterator[SetUp]:
    for name, own in LAYERS.items():
        # Keras draws AlphaDropout's uniform numbers in its default type, which is float32 for all that ask for none
        for dtype in ("float32", "float32", "float32" if name == "AlphaDropout" else "float64"):
            bias = name != "BatchNormalization"  # a bias below it has a gradient of 0, and what is not, is rounding
            stack = [dense(d.whole(4, 9), d.one_of("tanh", None), use_bias=bias), layer(name, **own(d))]
            yield SetUp("layers", name, training(d, stack, dtype))
    for _ in range(4):
        ruled = dense(6, "tanh", kernel_regularizer=regularizer(d), activity_regularizer=regularizer(d))
        yield SetUp("layers", "regularizers", training(d, [ruled], d.one_of("float32", "float64")))
        rule = Of(
            "regularizers", "OrthogonalRegularizer", {"factor": d.real(0.1, 1), "mode": d.one_of("rows", "columns")}
        )
        ruled = dense(6, "tanh", kernel_regularizer=rule, bias_regularizer=regularizer(d))
        yield SetUp("layers", "regularizers", training(d, [ruled]))
        ruled = dense(6, "tanh", kernel_constraint=constraint(d), bias_constraint=Of("constraints", "NonNeg", {}))
        yield SetUp("layers", "constraints", training(d, [ruled], d.one_of("float32", "float64")))
    frozen = [dense(6, "tanh", trainable=False), layer("BatchNormalization", trainable=False)]
    yield SetUp("layers", "frozen layers", training(d, frozen))
