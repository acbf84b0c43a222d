"""The lesson's net (1-3-1, 99 rows, MAE, SGD), timed by epoch and by call.

    python -m pytest bench --benchmark-only

Each candidate first trains the course's 50 epochs and must end on the digits that the course printed: a wrong
kernel cannot be fast.  JAX takes part where it is installed.
"""

import numpy as np
import pytest

from gdcore import Sequential
from gdcore.layers import Dense
from gdcore.lessons import by_hand
from gdcore.optimizers import SGD

H, RATE = by_hand.H, by_hand.LEARNING_RATE
EPOCHS = 1000  # in one timed call, so that a time by epoch is what is left of it
X, Y = by_hand.data()
START = by_hand.run().before.astype(np.float64)
KERAS = np.array([float(v) for v in by_hand.PRINTED["as Keras"]])
BY_HAND = np.array([float(v) for v in by_hand.PRINTED["by hand"]])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(x, y, w2, w3, w4, w52, w53, w54, b2, b3, b4, b5):
    hidden = w52 * sigmoid(w2 * x + b2) + w53 * sigmoid(w3 * x + b3) + w54 * sigmoid(w4 * x + b4)
    return np.sum(np.abs(y - sigmoid(hidden + b5))) / len(y)


def numpy_by_hand(epochs, p=START):
    """As a course for beginners writes it: a loss for every parameter moved, and one for every one not moved."""
    p = list(p)
    for _ in range(epochs):
        slopes = []
        for i in range(10):
            moved = [*p[:i], p[i] + H, *p[i + 1 :]]
            slopes.append((loss(X, Y, *moved) - loss(X, Y, *p)) / H)
        p = [value - RATE * slope for value, slope in zip(p, slopes, strict=True)]
    return np.array(p)


def model(dtype, **options):
    net = Sequential([Dense(3, "sigmoid", input_dim=1), Dense(1, "sigmoid")], dtype=dtype)
    net.set_weights([START[None, 0:3], START[6:9], START[3:6, None], START[9:]])
    net.compile(SGD(RATE), "mae", **options)
    return net


def fit(net, epochs):
    return net.fit(X, Y, batch_size=99, epochs=epochs, shuffle=False, verbose=0)


def record(benchmark, epochs):
    benchmark.extra_info["us_per_epoch_min"] = benchmark.stats.stats.min / epochs * 1e6
    benchmark.extra_info["us_per_epoch_median"] = benchmark.stats.stats.median / epochs * 1e6


@pytest.mark.benchmark(group="one epoch by finite differences, 10 calls of it")
def test_epoch_by_hand_numpy(benchmark):
    np.testing.assert_allclose(numpy_by_hand(50), BY_HAND, rtol=0, atol=5.1e-9)
    benchmark(numpy_by_hand, 10)
    record(benchmark, 10)


@pytest.mark.benchmark(group="epochs of the lesson, 1000 in a call")
def test_epoch_by_hand_gdcore(benchmark):
    net = model("float64", gradient="forward", h=H)
    fit(net, 50)
    np.testing.assert_allclose(by_hand.parameters(net), BY_HAND, rtol=0, atol=5.1e-9)
    benchmark(fit, net, EPOCHS)
    record(benchmark, EPOCHS)


@pytest.mark.benchmark(group="epochs of the lesson, 1000 in a call")
def test_epoch_analytic_gdcore(benchmark):
    net = model("float32")
    fit(net, 50)
    np.testing.assert_allclose(by_hand.parameters(net), KERAS, rtol=0, atol=6e-8)
    benchmark(fit, net, EPOCHS)
    record(benchmark, EPOCHS)


@pytest.mark.benchmark(group="epochs of the lesson, 1000 in a call")
def test_epoch_analytic_jax_scan(benchmark):
    """The whole training in one jitted scan, compiled and warm: the fastest peer on nets of this size."""
    jax = pytest.importorskip("jax", reason="JAX is not installed (bench/requirements.txt)")
    jnp = jax.numpy
    x, y = jnp.asarray(X[:, None], jnp.float32), jnp.asarray(Y[:, None], jnp.float32)

    def objective(p):
        hidden = jax.nn.sigmoid(x @ p["k1"] + p["b1"])
        return jnp.mean(jnp.abs(jax.nn.sigmoid(hidden @ p["k2"] + p["b2"]) - y))

    def step(p, _):
        value, slope = jax.value_and_grad(objective)(p)
        return jax.tree.map(lambda w, g: w - RATE * g, p, slope), value

    train = jax.jit(lambda p, epochs: jax.lax.scan(step, p, None, length=epochs), static_argnums=1)
    arrays = {"k1": START[None, 0:3], "b1": START[6:9], "k2": START[3:6, None], "b2": START[9:]}
    start = {name: jnp.asarray(value, jnp.float32) for name, value in arrays.items()}
    end, _ = train(start, 50)
    got = np.concatenate([np.ravel(end[name]) for name in ("k1", "k2", "b1", "b2")])
    np.testing.assert_allclose(got, KERAS, rtol=0, atol=6e-8)
    benchmark(lambda: jax.block_until_ready(train(start, EPOCHS)))
    record(benchmark, EPOCHS)


@pytest.mark.benchmark(group="one call, Python's own cost included")
@pytest.mark.parametrize("call", ["fit one epoch", "evaluate", "predict one row", "predict 99 rows", "gradient"])
def test_call(benchmark, call):
    net = model("float32")
    row, rows = X[:1, None].astype(np.float32), X[:, None].astype(np.float32)
    expected = sigmoid(sum(START[3 + k] * sigmoid(START[k] * X + START[6 + k]) for k in range(3)) + START[9])
    np.testing.assert_allclose(net.predict(rows)[:, 0], expected, rtol=1e-6)
    calls = {
        "fit one epoch": lambda: fit(net, 1),
        "evaluate": lambda: net.evaluate(rows, Y, batch_size=99),
        "predict one row": lambda: net.predict(row),
        "predict 99 rows": lambda: net.predict(rows),
        "gradient": lambda: net.gradient(rows, Y),
    }
    assert benchmark(calls[call]) is not None
