"""Threads and products of any size: the same bits on one thread and on many, forks, settings."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdcore
from gdcore import Input, Sequential
from gdcore._core import kernels
from gdcore.layers import BatchNormalization, Dense, Dropout

DTYPES = ["float32", "float64"]


@pytest.fixture(autouse=True)
def _threads_as_they_were():
    before = gdcore.get_num_threads()
    yield
    gdcore.set_num_threads(before)


@settings(max_examples=40)
@given(
    st.sampled_from(DTYPES),
    st.lists(st.one_of(st.integers(1, 150), st.sampled_from([256, 1030])), min_size=2, max_size=4),
    st.integers(1, 300),
    st.sampled_from([1, 3]),
    st.integers(0, 2**32 - 1),
)
def test_products_of_any_size(dtype, widths, rows, threads, seed):
    """Outputs and gradients of nets of many widths, against products in double."""
    gdcore.set_num_threads(threads)
    rng = np.random.default_rng(seed)
    model = Sequential([Input((widths[0],), dtype=dtype), *(Dense(n) for n in widths[1:])])
    model.compile("sgd", gdcore.losses.MeanSquaredError(reduction="sum"))
    model.build()
    x = rng.normal(size=(rows, widths[0])).astype(dtype)
    y = rng.normal(size=(rows, widths[-1])).astype(dtype)
    layers = [(layer.kernel.astype(np.float64), layer.bias.astype(np.float64)) for layer in model.layers]
    a = [x.astype(np.float64)]
    for kernel, bias in layers:
        a.append(a[-1] @ kernel + bias)
    eps = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(model.predict(x), a[-1], rtol=0, atol=eps * np.abs(a[-1]).max() * max(widths) ** 0.5)
    d = 2 * (a[-1] - y) / widths[-1]
    expected = []
    for (kernel, _), below in zip(reversed(layers), reversed(a[:-1]), strict=True):
        expected[:0] = [below.T @ d, d.sum(axis=0)]
        d = d @ kernel.T
    for ours, theirs in zip(model.gradient(x, y)[1], expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=eps * np.abs(theirs).max() * max(rows, *widths) ** 0.5)


@settings(max_examples=60)
@given(
    st.sampled_from(DTYPES),
    st.one_of(st.integers(96, 140), st.sampled_from([784, 1023])),
    st.integers(1, 12),
    st.integers(1, 300),
    st.integers(1, 300),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.integers(0, 2**32 - 1),
)
def test_wide_rows_into_few_units(dtype, width, units, rows, batch, tall, threads, seed):
    """Such rows are read where they lie: an epoch in order, each update of it against products in double."""
    gdcore.set_num_threads(threads)
    rng, batch = np.random.default_rng(seed), max(batch, rows // 10)  # rounding grows from step to step
    layers = [Dense(units, "tanh", bias_initializer="normal"), *([Dense(2)] if tall else [])]
    model = Sequential([Input((width,), dtype=dtype), *layers])
    model.compile(gdcore.optimizers.SGD(0.1), "mse")
    x = rng.normal(size=(rows, width)).astype(dtype)
    y = rng.normal(size=(rows, 2 if tall else units)).astype(dtype)
    weight = rng.random(rows).astype(dtype)
    arrays = [w.astype(np.float64) for w in model.get_weights()]
    model.fit(x, y, batch_size=batch, sample_weight=weight, shuffle=False, verbose=0)
    for first in range(0, rows, batch):
        a, t = x[first : first + batch].astype(np.float64), y[first : first + batch]
        hidden = np.tanh(a @ arrays[0] + arrays[1])
        out = hidden @ arrays[2] + arrays[3] if tall else hidden
        d = 2 * (out - t) / t.size * weight[first : first + batch, None]
        above = [hidden.T @ d, d.sum(axis=0)] if tall else []
        d = (d @ arrays[2].T if tall else d) * (1 - hidden**2)
        arrays = [w - 0.1 * g for w, g in zip(arrays, [a.T @ d, d.sum(axis=0), *above], strict=True)]
    for ours, theirs in zip(model.get_weights(), arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=500 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_of_many_terms_have_the_same_bits_on_any_number_of_threads(dtype):
    """They are packed part by part; pairs of panels are cut where threads meet."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 2100)).astype(dtype)
    results = []
    for threads in (1, 2, 5):
        gdcore.set_num_threads(threads)
        gdcore.utils.set_random_seed(6)
        model = Sequential([Input((2100,), dtype=dtype), Dense(277, "relu"), Dense(11)])
        model.compile("adam", "mse")
        model.fit(x, x[:, :11], batch_size=150, epochs=2, verbose=0)
        results.append(b"".join(w.tobytes() for w in [*model.get_weights(), model.predict(x)]))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("batch", [32, 128, 400])
@pytest.mark.parametrize("dtype", DTYPES)
def test_wide_rows_have_the_same_bits_on_any_number_of_threads(dtype, batch):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(500, 784)).astype(dtype), rng.integers(0, 10, 500)
    results = []
    for threads in (1, 2, 4):
        gdcore.set_num_threads(threads)
        gdcore.utils.set_random_seed(5)
        model = Sequential([Input((784,), dtype=dtype), Dense(10, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=batch, epochs=2, verbose=0)
        results.append(b"".join(w.tobytes() for w in [*model.get_weights(), model.predict(x)]))
    assert results[0] == results[1] == results[2]


def train(dtype, threads, optimizer):
    gdcore.set_num_threads(threads)
    gdcore.utils.set_random_seed(3)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(700, 300)).astype(dtype)
    y = rng.integers(0, 7, size=700)
    layers = [Dense(257, "relu"), BatchNormalization(), Dropout(0.2), Dense(129, "tanh"), Dense(7, "softmax")]
    model = Sequential([Input((300,), dtype=dtype), *layers])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=256, epochs=2, verbose=0)
    return [*model.get_weights(), model.predict(x), np.array(list(history.history.values()))]


@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "ftrl", "lion"]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_bits_on_any_number_of_threads(dtype, optimizer):
    alone = train(dtype, 1, optimizer)
    for threads in (2, 5):
        for a, b in zip(alone, train(dtype, threads, optimizer), strict=True):
            np.testing.assert_array_equal(a, b)


def test_models_trained_side_by_side():
    """Several callers at once: one has the pool, the others work alone, and none disturbs another."""
    gdcore.set_num_threads(4)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(500, 400)).astype("f4"), rng.normal(size=(500, 300)).astype("f4")
    made = []
    for _ in range(4):
        gdcore.utils.set_random_seed(1)
        model = Sequential([Input((400,)), Dense(300, "relu"), Dense(300)])
        model.compile("adam", "mse")
        model.build()
        made.append(model)
    workers = [
        threading.Thread(target=model.fit, args=(x, y), kwargs={"epochs": 3, "batch_size": 250, "verbose": 0})
        for model in made
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for model in made[1:]:
        for a, b in zip(made[0].get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_trains_too():
    """The pool's threads do not exist in a child; it makes its own."""
    script = (
        "import os, numpy as np, gdcore\n"
        "from gdcore.layers import Dense\n"
        "gdcore.set_num_threads(3)\n"
        "m = gdcore.Sequential([Dense(300, 'relu', input_dim=400), Dense(300)])\n"
        "m.compile('sgd', 'mse')\n"
        "x, y = np.ones((500, 400), 'f4'), np.ones((500, 300), 'f4')\n"
        "m.fit(x, y, verbose=0)\n"
        "child = os.fork()\n"
        "m.fit(x, y, epochs=5, verbose=0)\n"
        "if child == 0:\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout == "7\n", done.stderr


def small():
    gdcore.utils.set_random_seed(1)
    model = Sequential([Input((3,)), Dense(2)])
    model.compile("sgd", "mse")
    return model


SMALL = np.ones((8, 3), "f4"), np.ones((8, 2), "f4")


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.compile("adam", "mae"),
        lambda model: model.add(Dense(2)),
        lambda model: model.pop(),
        lambda model: model.set_weights([np.zeros((3, 2)), np.zeros(2)]),
        lambda model: model.fit(*SMALL, verbose=0),
        lambda model: model.train_on_batch(*SMALL),
    ],
    ids=["compile", "add", "pop", "set_weights", "fit", "train_on_batch"],
)
def test_changes_wait_for_a_training_in_another_thread(change):
    """They come when it has ended; to predict needs no waiting."""
    model, alone = small(), small()
    order = []
    begun, may_end = threading.Event(), threading.Event()

    def wait(epoch, logs):
        begun.set()
        assert may_end.wait(60)
        order.append(f"epoch {epoch}")

    def alter():
        change(model)
        order.append("changed")

    listener = gdcore.callbacks.LambdaCallback(on_epoch_end=wait)
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    trainer = threading.Thread(target=lambda: order.append(model.fit(*SMALL, callbacks=listener, **options).history))
    trainer.start()
    assert begun.wait(60)
    changer = threading.Thread(target=alter)
    changer.start()
    assert model.predict(SMALL[0]).shape == (8, 2)
    assert np.isfinite(model.evaluate(*SMALL))
    changer.join(0.05)
    assert changer.is_alive()
    may_end.set()
    trainer.join(60)
    changer.join(60)
    history = alone.fit(*SMALL, **options).history
    assert order[:2] == ["epoch 0", "epoch 1"]
    assert history in order
    assert "changed" in order


def test_a_callback_may_ask_for_what_the_training_holds():
    """In the same thread nothing waits for itself; copies have locks of their own."""
    model = small()
    seen = []

    def inside(epoch, logs):
        model.set_weights([w * 0 for w in model.get_weights()])
        model.train_on_batch(*SMALL)
        for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            other = threading.Thread(target=lambda twin=twin: seen.append(twin.fit(*SMALL, verbose=0).epoch))
            other.start()
            other.join(60)

    model.fit(*SMALL, epochs=2, verbose=0, callbacks=gdcore.callbacks.LambdaCallback(on_epoch_end=inside))
    assert seen == [[0]] * 4


@pytest.mark.parametrize("change", [lambda m: m.compile("adam", "mae"), lambda m: m.add(Dense(2)), lambda m: m.pop()])
@pytest.mark.parametrize("hook", ["on_epoch_end", "on_train_batch_end"])
def test_a_training_does_not_go_on_with_another_model(change, hook):
    model = small()
    listener = gdcore.callbacks.LambdaCallback(**{hook: lambda index, logs: change(model)})
    with pytest.raises(RuntimeError, match="were changed while it was at work"):
        model.fit(*SMALL, epochs=3, batch_size=4, verbose=0, callbacks=listener)
    last = gdcore.callbacks.LambdaCallback(on_train_end=lambda logs: model.compile("sgd", "mae"))
    model = small()
    model.fit(*SMALL, epochs=3, verbose=0, callbacks=last)  # nothing comes after it
    assert model.evaluate(*SMALL) == pytest.approx(np.abs(model.predict(SMALL[0]) - 1).mean())


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_training_lets_go_of_the_model(error):
    def stop(*_):
        raise error("stop here")

    model = small()
    for hook in ("on_train_begin", "on_epoch_end", "on_train_batch_end"):
        with pytest.raises(error, match="stop here"):
            model.fit(*SMALL, verbose=0, callbacks=gdcore.callbacks.LambdaCallback(**{hook: stop}))
    with pytest.raises(ValueError, match="x has shape"):
        model.fit(SMALL[0][:, :2], SMALL[1], verbose=0)
    other = threading.Thread(target=model.fit, args=SMALL, kwargs={"verbose": 0})
    other.start()
    other.join(60)
    assert not other.is_alive()


def test_many_threads_make_one_network(monkeypatch):
    from gdcore.models import stack

    made = []
    network = stack.Network
    monkeypatch.setattr(stack, "Network", lambda *args: (made.append(1), network(*args))[1])
    layers = [Dense(3) for _ in range(40)]
    model = Sequential([Input((3,)), *layers])
    ready, found = threading.Barrier(4), []

    def look(part):
        ready.wait(60)
        found.append(layers[part].kernel if part < 2 else model.predict(SMALL[0]))

    threads = [threading.Thread(target=look, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert made == [1]
    assert len(found) == 4
    for layer in layers[:2]:
        assert any(np.shares_memory(array, layer.kernel) for array in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_is_forked_during_a_training_is_free():
    script = (
        "import os, threading, numpy as np, gdcore\n"
        "from gdcore.layers import Dense\n"
        "m = gdcore.Sequential([Dense(2, input_dim=3)])\n"
        "m.compile('sgd', 'mse')\n"
        "x, y = np.ones((8, 3), 'f4'), np.ones((8, 2), 'f4')\n"
        "inside, leave = threading.Event(), threading.Event()\n"
        "hook = gdcore.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: (inside.set(), leave.wait(50)))\n"
        "other = threading.Thread(target=m.fit, args=(x, y), kwargs={'verbose': 0, 'callbacks': hook})\n"
        "other.start()\n"
        "inside.wait(50)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    m.compile('adam', 'mae')\n"
        "    m.fit(x, y, verbose=0)\n"
        "    m.add(Dense(4))\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "leave.set()\n"
        "other.join()\n"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout == "7\n", done.stderr


def test_settings():
    gdcore.set_num_threads(3)
    assert gdcore.get_num_threads() == kernels.get_threads() == 3
    gdcore.set_num_threads(None)
    assert gdcore.get_num_threads() >= 1
    for bad in (0, -1, 1.5, "2", True):
        with pytest.raises(ValueError, match="is not an integer of at least 1, or None"):
            gdcore.set_num_threads(bad)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "2,1"}, 2),
        ({"OMP_NUM_THREADS": "3", "GDCORE_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "many"}, None),
    ],
)
def test_the_environment_says_how_many(monkeypatch, environment, expected):
    for name in ("OMP_NUM_THREADS", "GDCORE_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    usual = gdcore.config._allowed()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert gdcore.config._allowed() == (usual if expected is None else expected)


def test_the_quota_of_a_cgroup(monkeypatch):
    files = {"/sys/fs/cgroup/cpu.max": ["150000", "100000"]}
    monkeypatch.setattr(gdcore.config, "_words", files.__getitem__)
    assert gdcore.config._quota(64) == 2
    files["/sys/fs/cgroup/cpu.max"] = ["max", "100000"]
    assert gdcore.config._quota(64) == 64
    files["/sys/fs/cgroup/cpu.max"] = ["20000", "100000"]
    assert gdcore.config._quota(64) == 1


MODES = """
import numpy as np, gdcore
gdcore.set_num_threads(3)
w, g = np.eye(256, dtype="f4"), np.ones((256, 256), "f4")
gdcore.optimizers.Muon().apply([g], [w])  # its products start the threads
model = gdcore.Sequential([gdcore.Input((128,)), gdcore.layers.Dense(128, use_bias=False)])
model.set_weights([np.eye(128, dtype="f4")])
x = np.full((2000, 128), 1e-40, "f4")
assert np.array_equal(model.predict(x), x), "a thread takes small numbers for 0"
"""


def test_threads_compute_as_their_caller_does():
    subprocess.run([sys.executable, "-c", MODES], check=True)
