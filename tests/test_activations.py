"""Activations and their derivatives against figures recorded from Keras (tests/keras_figures/make_activations.py)."""

from pathlib import Path

import numpy as np
import pytest

import gdcore
from gdcore import activations

ARRAYS = np.load(Path(__file__).parent / "keras_figures" / "activations.npz")
NAMES = sorted({key.split("/")[0] for key in ARRAYS.files if key.endswith("/value") and key.count("/") == 1})


def test_all_names_are_recorded():
    assert set(NAMES) == {a.__name__ for a in activations._ALL.values()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_keras_figures(name, dtype):
    x, upstream = ARRAYS["x"].astype(dtype), ARRAYS["upstream"].astype(dtype)
    prefix = "" if dtype == "float32" else "float64/"
    value, gradient = ARRAYS[f"{prefix}{name}/value"], ARRAYS[f"{prefix}{name}/gradient"]
    assert value.dtype == dtype
    # Keras on TensorFlow keeps leaky_relu's slope of 0.2 in float32, also for float64
    rounded = name == "leaky_relu" and dtype == "float64"
    tolerance = np.finfo(np.float32).eps / 2 if rounded else 16 * np.finfo(dtype).eps
    activation = activations.get(name)
    scale = np.maximum(np.abs(value), 1) if name != "exponential" else np.abs(value)
    assert (np.abs(activation(x) - value) <= tolerance * scale).all()
    got = activation.derivative(x, upstream)
    if name == "celu":
        # at 0 TensorFlow counts both of celu's halves, which makes 2 of a derivative of 1
        at_zero = x == 0
        np.testing.assert_allclose(2 * got[at_zero], gradient[at_zero])
        got, gradient, upstream = got[~at_zero], gradient[~at_zero], upstream[~at_zero]
    scale = np.maximum(np.abs(gradient), np.max(np.abs(upstream)))
    assert (np.abs(got - gradient) <= tolerance * scale).all()


@pytest.mark.parametrize("name", NAMES)
def test_names_and_forms(name):
    activation = activations.get(name)
    assert activations.get(activation) is activation
    assert activations.deserialize(activations.serialize(activation)) is activation
    assert getattr(activations, name) is activation
    assert activation([[1, 2], [3, 4]]).dtype == np.float32
    layer = gdcore.layers.Dense(2, activation=name)
    assert layer.get_config()["activation"] == name


def test_aliases_and_arguments():
    assert activations.get("swish") is activations.silu
    assert activations.get("hard_swish") is activations.hard_silu
    assert activations.get(None) is activations.linear
    with pytest.raises(ValueError, match="upstream is needed"):
        activations.softmax.derivative([1.0, 2.0])
    with pytest.raises(ValueError, match=r"upstream has shape \(3,\), expected \(2,\)"):
        activations.tanh.derivative([1.0, 2.0], [1.0, 2.0, 3.0])
