"""check_gradients: analytic against central differences, and a report that says so."""

import numpy as np
import pytest

import gdcore
from gdcore import Input, Sequential, reference
from gdcore._core import kernels
from gdcore.layers import Dense


def targets(loss, units, rng):
    labels = rng.integers(0, units, 30)
    if loss == "sparse_categorical_crossentropy":
        return labels
    if "crossentropy" in loss:
        return gdcore.utils.to_categorical(labels, units)
    return rng.normal(size=(30, units))


def build(dtype, hidden, last, loss):
    gdcore.utils.set_random_seed(11)
    model = Sequential([Input((3,)), Dense(5, hidden), Dense(4, last)], dtype=dtype)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
@pytest.mark.parametrize("hidden", reference.activations.NAMES)
@pytest.mark.parametrize("loss", list(kernels.LOSSES))
def test_every_activation_with_every_loss(dtype, hidden, last, loss):
    rng = np.random.default_rng(7)
    report = gdcore.check_gradients(
        build(dtype, hidden, last, loss), rng.normal(size=(30, 3)), targets(loss, 4, rng), rng.uniform(0.5, 2, 30)
    )
    assert report, str(report)
    assert [row.name for row in report.arrays] == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
    assert "all good" in str(report)
    assert all(row.max_rel < (1e-4 if dtype == "float32" else 1e-6) for row in report.arrays)


def test_a_wrong_gradient_is_found(monkeypatch):
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 4))
    model = build("float64", "tanh", "linear", "mean_squared_error")
    right = model.gradient

    def wrong(*args, **kwargs):
        value, gradient = right(*args, **kwargs)
        gradient[2][3, 1] *= 1.001
        return value, gradient

    monkeypatch.setattr(model, "gradient", wrong)
    report = gdcore.check_gradients(model, x, y)
    assert not report
    assert [row.good for row in report.arrays] == [True, True, False, True]
    assert report.arrays[2].where == (3, 1)
    assert report.arrays[2].analytic == pytest.approx(1.001 * report.arrays[2].numeric)
    assert "WRONG" in str(report)
    assert "1 of 4 arrays differ" in repr(report)


def test_the_model_is_as_it_was():
    rng = np.random.default_rng(7)
    model = build("float32", "relu", "softmax", "categorical_crossentropy")
    before = model.get_weights()
    gdcore.check_gradients(model, rng.normal(size=(30, 3)), targets("categorical_crossentropy", 4, rng))
    for a, b in zip(model.get_weights(), before, strict=True):
        assert np.array_equal(a, b)
    assert model.optimizer.iterations == 0
