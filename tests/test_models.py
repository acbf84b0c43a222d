"""The API of Sequential: what a user of Keras expects of it."""

import copy
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest

import gdcore
from gdcore import Input, Sequential
from gdcore.layers import Dense
from gdcore.optimizers import SGD


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def compiled(dtype="float64", loss="mse", optimizer=None, metrics=None, **options):
    model = Sequential([Input((3,)), Dense(4, "tanh"), Dense(2)], dtype=dtype)
    model.compile(optimizer or SGD(0.05), loss, metrics=metrics, **options)
    return model


def data(rng, n=37):
    return rng.normal(size=(n, 3)), rng.normal(size=(n, 2))


# ---- building ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([Input((3,)), Dense(4), Dense(2)]),
        lambda: Sequential([Input(shape=(3,)), Dense(4), Dense(2)]),
        lambda: Sequential([Dense(4, input_dim=3), Dense(2)]),
        lambda: Sequential([Dense(4, input_shape=(3,)), Dense(2, input_dim=4)]),
        lambda: [m := Sequential(), m.add(Dense(4, input_dim=3)), m.add(Dense(2))][0],
        lambda: [m := Sequential([Dense(4), Dense(2)]), m.build((None, 3))][0],
        lambda: [m := Sequential([Dense(4), Dense(2)]), m.predict(np.zeros((1, 3)))][0],
    ],
)
def test_all_ways_to_build(make):
    model = make()
    assert model.built
    assert model.input_shape == (None, 3)
    assert model.output_shape == (None, 2)
    assert [w.shape for w in model.get_weights()] == [(3, 4), (4,), (4, 2), (2,)]
    assert all(w.dtype == np.float32 for w in model.get_weights())
    assert model.count_params() == 26
    assert not model.layers[0].bias.any()


def test_weights_are_drawn_in_order_however_the_model_is_built():
    models = []
    for deferred in (False, True):
        gdcore.utils.set_random_seed(3)
        model = Sequential([Dense(4, input_dim=None if deferred else 3), Dense(2)])
        model.build((3,))
        models.append(model)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_adding_and_taking_off_keeps_the_other_weights():
    model = Sequential([Dense(4, input_dim=3)])
    first = model.get_weights()
    model.add(Dense(2))
    assert np.array_equal(model.get_weights()[0], first[0])
    taken = model.pop()
    assert taken.units == 2
    assert not taken.built
    assert np.array_equal(model.get_weights()[0], first[0])
    model.pop()
    assert model.get_weights() == []


def test_layers_hold_views_of_one_vector():
    model = compiled()
    kernel, bias = model.layers[0].kernel, model.layers[0].bias
    kernel[...] = 0
    bias[...] = 1
    np.testing.assert_allclose(model.predict(np.ones((1, 3))), np.tanh(np.ones((1, 4))) @ model.layers[1].kernel)
    assert np.shares_memory(kernel, model.weights[0])
    assert not np.shares_memory(kernel, model.get_weights()[0])
    model.layers[1].set_weights([np.zeros((4, 2)), [5, 6]])
    assert model.predict(np.ones((1, 3))).tolist() == [[5, 6]]


def test_names():
    model = Sequential([Dense(1, input_dim=1), Dense(1), Dense(1, name="last"), Dense(1)])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "last", "dense_2"]
    assert model.get_layer("last") is model.layers[2]
    with pytest.raises(ValueError, match="Did you mean 'dense_1'"):
        model.get_layer("dnse_1")


def test_initializers_and_no_bias():
    model = Sequential(
        [Dense(2, use_bias=False, kernel_initializer="ones", input_dim=3), Dense(1, bias_initializer="ones")]
    )
    assert [w.shape for w in model.get_weights()] == [(3, 2), (2, 1), (1,)]
    assert model.layers[0].bias is None
    assert model.predict([[1, 2, 3]])[0, 0] == pytest.approx(6 * model.layers[1].kernel.sum() + 1, rel=1e-6)


@pytest.mark.parametrize(("said", "expected"), [({}, "float32"), ({"dtype": "float64"}, "float64")])
def test_dtype_of_model_and_layers(said, expected):
    assert Sequential([Dense(1, input_dim=1)], **said).predict([1]).dtype == expected
    assert Sequential([Dense(1, input_dim=1, **said)]).predict([1]).dtype == expected
    assert Sequential([Input((1,), **said), Dense(1)]).predict([1]).dtype == expected


def test_summary(capsys):
    compiled("float32").summary()
    out = capsys.readouterr().out
    assert 'Model: "sequential"' in out
    assert "dense_1 (Dense)" in out
    assert "Total params: 26 (104 bytes of float32)" in out
    lines = []
    Sequential([Dense(4)]).summary(print_fn=lines.append)
    assert any("unbuilt" in line for line in lines)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_train_alike_and_apart(rng, duplicate):
    x, y = data(rng)
    model = compiled(optimizer=SGD(0.05, momentum=0.9))
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    twin = duplicate(model)
    for a, b in zip(twin.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(a, b)
    before = model.get_weights()
    if duplicate is copy.copy:
        twin.layers[0].kernel[...] = 0
    else:
        twin.fit(x, y, epochs=1, shuffle=False, verbose=0)
        assert twin.optimizer.iterations == model.optimizer.iterations + 2
    for a, b in zip(model.get_weights(), before, strict=True):
        assert np.array_equal(a, b)
    np.testing.assert_allclose(model.predict(x), np.tanh(x @ before[0] + before[1]) @ before[2] + before[3])


# ---- training ---------------------------------------------------------------------------------------------


def test_a_step_written_out_in_numpy(rng):
    """Two epochs of batches of 10, the last of 7, with weights: loss and result."""
    x, y = data(rng)
    w = rng.uniform(0, 2, 37)
    model = compiled()
    k1, b1, k2, b2 = model.get_weights()
    history = model.fit(x, y, batch_size=10, epochs=2, shuffle=False, sample_weight=w, verbose=0)
    for epoch in range(2):
        total = 0.0
        for first in range(0, 37, 10):
            xb, yb, wb = x[first : first + 10], y[first : first + 10], w[first : first + 10]
            hidden = np.tanh(xb @ k1 + b1)
            error = hidden @ k2 + b2 - yb
            total += np.sum(wb * np.mean(error**2, axis=1))
            d = error * wb[:, None] / len(xb)  # two units, and a derivative of two times the error
            dz = (d @ k2.T) * (1 - hidden**2)
            k1, b1, k2, b2 = (
                p - 0.05 * g
                for p, g in zip((k1, b1, k2, b2), (xb.T @ dz, dz.sum(0), hidden.T @ d, d.sum(0)), strict=True)
            )
        assert history.history["loss"][epoch] == pytest.approx(total / 37, rel=1e-12)
    for a, b in zip(model.get_weights(), (k1, b1, k2, b2), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert model.optimizer.iterations == 8
    assert history.epoch == [0, 1]
    assert model.history is history


@pytest.mark.parametrize("gradient", ["forward", "central"])
def test_training_by_finite_differences(rng, gradient):
    x, y = data(rng)
    ends = []
    for how in ("analytic", gradient):
        gdcore.utils.set_random_seed(1)
        model = compiled(gradient=how)
        model.fit(x, y, epochs=3, shuffle=False, verbose=0)
        ends.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    np.testing.assert_allclose(ends[1], ends[0], rtol=0, atol=1e-6 if gradient == "forward" else 1e-9)


@pytest.mark.parametrize(("method", "tolerance"), [("analytic", 1e-12), ("forward", 1e-6), ("central", 1e-9)])
def test_gradient_methods_agree(rng, method, tolerance):
    x, y = data(rng)
    model = compiled()
    value, gradient = model.gradient(x, y, method=method)
    assert value == pytest.approx(model.evaluate(x, y, batch_size=37), rel=1e-13)
    for ours, exact, w in zip(gradient, model.gradient(x, y)[1], model.get_weights(), strict=True):
        assert ours.shape == w.shape
        np.testing.assert_allclose(ours, exact, rtol=0, atol=tolerance)


def test_all_epochs_in_one_call_equal_one_at_a_time(rng):
    x, y = data(rng)
    ends = []
    for callbacks in (None, [gdcore.callbacks.Callback()]):
        gdcore.utils.set_random_seed(2)
        model = compiled(metrics=["mae"])
        history = model.fit(x, y, batch_size=8, epochs=5, shuffle="fresh", verbose=0, callbacks=callbacks)
        ends.append((history.history, model.get_weights()))
    assert ends[0][0] == ends[1][0]
    for a, b in zip(ends[0][1], ends[1][1], strict=True):
        assert np.array_equal(a, b)


def test_histories_evaluate_and_validation(rng):
    x, y = data(rng, 40)
    model = compiled(metrics=["mae", gdcore.metrics.MeanSquaredError(name="squares")])
    history = model.fit(x, y, epochs=3, validation_split=0.25, verbose=0).history
    assert list(history) == ["loss", "mae", "squares", "val_loss", "val_mae", "val_squares"]
    assert all(len(values) == 3 for values in history.values())
    values = model.evaluate(x[30:], y[30:])
    assert values == pytest.approx([history["val_loss"][-1], history["val_mae"][-1], history["val_squares"][-1]])
    assert model.evaluate(x[30:], y[30:], return_dict=True) == dict(
        zip(["loss", "mae", "squares"], values, strict=True)
    )
    error = model.predict(x[30:]) - y[30:]
    assert values == pytest.approx([np.mean(error**2), np.mean(np.abs(error)), np.mean(error**2)])
    history = model.fit(x, y, epochs=1, validation_data=(x[:5], y[:5]), validation_split=0.5, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(x[:5], y[:5])[0])


def test_metrics_choose_the_accuracy_that_fits():
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    one = Sequential([Dense(1, "sigmoid", input_dim=1, kernel_initializer="ones")])
    one.layers[0].bias[...] = -1.5
    one.compile("sgd", "bce", metrics=["accuracy"])
    assert one.evaluate(x, [0, 1, 1, 1])[1] == 0.75
    three = Sequential([Dense(3, "softmax", input_dim=1, use_bias=False)])
    three.set_weights([[[-1, 0, 1]]])
    three.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    assert three.evaluate(x + 1, [2, 2, 0, 1], return_dict=True)["acc"] == 0.5
    three.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    assert three.evaluate(x + 1, gdcore.utils.to_categorical([2, 2, 0, 2]))[1] == 0.75


def test_shuffling(rng):
    x, y = data(rng, 50)

    def end(shuffle, seed, fits=1):
        if seed is not None:
            gdcore.utils.set_random_seed(seed)
        model = compiled()
        model.set_weights([np.full_like(w, 0.1) for w in model.get_weights()])
        for _ in range(fits):
            model.fit(x, y, batch_size=7, epochs=2, shuffle=shuffle, verbose=0)
        return model.get_weights()[0]

    assert np.array_equal(end(True, 5), end(True, 5))
    assert not np.array_equal(end(True, 5), end(True, 6))
    assert not np.array_equal(end(True, 5), end(False, 5))
    assert np.array_equal(end("fresh", 5, fits=2), end("fresh", 5, fits=2))
    assert not np.array_equal(end("fresh", 5), end(True, 5))
    assert np.array_equal(end(False, 5), end(False, 6))


def test_shuffled_training_sees_each_row_once(rng):
    """One row to a batch and a rate so small that the order does not matter: the sums agree."""
    x, y = data(rng)
    model = compiled(optimizer=SGD(1e-9))
    before = model.get_weights()
    _, gradient = model.gradient(x, y)
    model.fit(x, y, batch_size=1, shuffle="fresh", verbose=0)
    for w, b, g in zip(model.get_weights(), before, gradient, strict=True):
        np.testing.assert_allclose((b - w) / 1e-9, 37 * g, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a.tolist(),
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[::-1][::-1],
        lambda a: a.astype(">f8"),
        lambda a: a.astype(np.int32),
        lambda a: a.astype(np.float16),
        lambda a: [a.setflags(write=False), a][1],
    ],
    ids=["list", "fortran", "strided", "reversed", "big-endian", "int", "half", "read-only"],
)
def test_forms_of_data(form):
    rng = np.random.default_rng(1)
    x, y = rng.integers(-3, 4, (20, 3)).astype(float), rng.integers(-3, 4, (20, 2)).astype(float)
    ends = []
    for a, b in ((x, y), (form(x.copy()), form(y.copy()))):
        gdcore.utils.set_random_seed(4)
        model = compiled()
        model.fit(a, b, epochs=2, verbose=0)
        ends.append(model.get_weights()[0])
    assert np.array_equal(*ends)


def test_one_row_one_column_and_labels_without_a_second_axis():
    model = Sequential([Dense(1, input_dim=1)], dtype="float64")
    model.set_weights([[[2.0]], [1.0]])
    model.compile(SGD(0.1), "mse")
    assert model.predict([3.0]).tolist() == [[7.0]]
    assert model.evaluate([1.0, 2.0], [3.0, 6.0]) == 0.5  # never an (n, n) difference
    model.fit([1.0], [4.0], verbose=0)
    assert model.get_weights()[0] == pytest.approx(2.2)


def test_a_batch_of_all_rows_in_pieces_equals_numpy(rng):
    x, y = rng.normal(size=(30000, 3)), rng.normal(size=(30000, 2))
    model = compiled()
    k1, b1, k2, b2 = model.get_weights()
    error = np.tanh(x @ k1 + b1) @ k2 + b2 - y
    history = model.fit(x, y, batch_size=10**6, shuffle=False, verbose=0)
    assert history.history["loss"][0] == pytest.approx(np.mean(error**2), rel=1e-12)
    np.testing.assert_allclose(model.get_weights()[3], b2 - 0.05 * error.mean(axis=0), rtol=1e-11, atol=1e-13)


def test_loss_slice(rng):
    x, y = data(rng)
    model = compiled()
    model.fit(x, y, epochs=1, verbose=0)
    weights = model.get_weights()
    values = np.linspace(-2, 2, 9)
    for layer, index, which in ((0, (2, 1), 0), ("dense", 3, 1), (model.layers[1], (-1, 0), 2), (-1, (1,), 3)):
        expected = []
        for value in values:
            moved = [w.copy() for w in weights]
            moved[which][index] = value
            model.set_weights(moved)
            expected.append(model.evaluate(x, y, batch_size=37))
        model.set_weights(weights)
        np.testing.assert_allclose(model.loss_slice(layer, index, values, x, y), expected, rtol=1e-12)
        np.testing.assert_allclose(model.loss_slice(layer, index, values), expected, rtol=1e-12)
        assert np.array_equal(model.get_weights()[which], weights[which])


def test_nan_may_pass_when_asked(rng):
    x, y = data(rng)
    x[3, 1] = np.nan
    model = compiled()
    history = model.fit(x, y, batch_size=37, verbose=0, allow_nan=True)
    assert np.isnan(history.history["loss"][0])
    assert np.isnan(compiled().predict(x, allow_nan=True)[3]).all()


def test_initial_epoch_and_no_epochs(rng):
    x, y = data(rng)
    model = compiled()
    history = model.fit(x, y, initial_epoch=2, epochs=5, verbose=0)
    assert history.epoch == [2, 3, 4]
    assert model.fit(x, y, epochs=0, verbose=0).history == {}


def test_compile_again_starts_the_optimizer_anew(rng):
    x, y = data(rng)
    model = compiled(optimizer=SGD(0.05, 0.9))
    model.fit(x, y, epochs=2, verbose=0)
    kept = model.get_weights()
    assert model.optimizer.variables[0].any()
    model.compile(SGD(0.0, 0.9), "mae")
    model.fit(x, y, epochs=1, verbose=0)
    assert model.optimizer.iterations == 2
    for a, b in zip(model.get_weights(), kept, strict=True):
        assert np.array_equal(a, b)


def test_learning_rate_assigned_between_epochs(rng):
    x, y = data(rng)

    class Stop(gdcore.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0

    model = compiled()
    losses = model.fit(x, y, batch_size=37, epochs=4, shuffle=False, verbose=0, callbacks=[Stop()]).history["loss"]
    assert losses[0] > losses[1] == losses[2] == losses[3]


def test_class_weight_is_a_sample_weight_by_class(rng):
    x, labels = rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
    weights = np.array([1.0, 5.0, 0.5])
    ends = []
    for how in ("sparse", "one-hot", "by hand"):
        gdcore.utils.set_random_seed(1)
        model = Sequential([Dense(3, "softmax", input_dim=3)], dtype="float64")
        model.compile(SGD(0.1), "categorical_crossentropy" if how == "one-hot" else "sparse_categorical_crossentropy")
        y = gdcore.utils.to_categorical(labels, 3) if how == "one-hot" else labels
        given = {"sample_weight": weights[labels]} if how == "by hand" else {"class_weight": {1: 5.0, 2: 0.5}}
        model.fit(x, y, epochs=3, verbose=0, **given)
        ends.append(model.get_weights()[0])
    assert np.array_equal(ends[0], ends[2])
    np.testing.assert_allclose(ends[1], ends[2], rtol=1e-13)


# ---- callbacks, threads, signals --------------------------------------------------------------------------


def test_callbacks_are_called_in_order_and_may_use_the_model(rng):
    x, y = data(rng)
    calls = []

    class Spy(gdcore.callbacks.Callback):
        def on_train_begin(self, logs=None):
            calls.append(("begin", self.params["epochs"], self.params["steps"]))

        def on_epoch_begin(self, epoch, logs=None):
            calls.append(("epoch", epoch))

        def on_epoch_end(self, epoch, logs=None):
            assert self.model.evaluate(x, y) == pytest.approx(logs["val_loss"])
            calls.append(("end", epoch))

        def on_train_end(self, logs=None):
            calls.append(("done", sorted(logs)))

    model = compiled()
    model.fit(x, y, batch_size=10, epochs=2, validation_data=(x, y), callbacks=Spy(), verbose=0)
    assert calls == [
        ("begin", 2, 4),
        ("epoch", 0),
        ("end", 0),
        ("epoch", 1),
        ("end", 1),
        ("done", ["loss", "val_loss"]),
    ]


def test_threads_take_turns(rng):
    x, _ = data(rng, 500)
    model = compiled()
    expected = model.predict(x)
    wrong = []

    def work(part):
        for _ in range(200):
            if not np.array_equal(model.predict(x[part::4]), expected[part::4]):
                wrong.append(part)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("gradient", ["analytic", "forward"])
@pytest.mark.parametrize("callbacks", [None, [gdcore.callbacks.Callback()]])
def test_ctrl_c_stops_and_leaves_a_usable_model(rng, gradient, callbacks):
    x, y = data(rng, 2000)
    model = compiled(gradient=gradient)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=100, epochs=10**7, verbose=0, callbacks=callbacks)
    timer.join()
    done = len(model.history.history.get("loss", []))
    assert 20 * done <= model.optimizer.iterations <= 20 * (done + 1)
    assert done > 0
    assert np.isfinite(model.history.history["loss"]).all()
    assert np.isfinite(model.predict(x)).all()
    assert len(model.fit(x, y, epochs=1, verbose=0).epoch) == 1


def test_ctrl_c_within_one_huge_batch():
    """One epoch that would take minutes: the signal is seen inside it."""
    model = Sequential([Dense(300, "tanh", input_dim=300), Dense(300, "tanh"), Dense(1)])
    model.compile(SGD(0.01), "mse", gradient="central")
    x, y = np.ones((1000, 300), np.float32), np.zeros(1000)
    before = model.get_weights()
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=1000, verbose=0)
    assert time.monotonic() - start < 30  # not about speed: it did not run to its end
    for a, b in zip(model.get_weights(), before, strict=True):
        assert np.array_equal(a, b)


def test_a_signal_handler_cannot_reenter_the_model(rng):
    x, y = data(rng, 2000)
    model = compiled()
    seen = []

    def handler(*_):
        try:
            model.predict(x)
        except RuntimeError as error:
            seen.append(str(error))
        raise KeyboardInterrupt

    kept = signal.signal(signal.SIGINT, handler)
    try:
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, epochs=10**7, verbose=0)
    finally:
        signal.signal(signal.SIGINT, kept)
    assert len(seen) == 1
    assert "already running in this thread" in seen[0]


def test_warnings_name_the_line_that_called(rng):
    x, y = data(rng)
    model = compiled()
    for call in (
        lambda: model.fit(x, y, steps_per_epoch=9, batch_size=8, verbose=0),
        lambda: model.fit(x, y, validation_data=(x, y), validation_steps=9, validation_batch_size=8, verbose=0),
        lambda: model.evaluate(x, y, steps=9, batch_size=8),
        lambda: model.predict(x, steps=9, batch_size=8),
        lambda: model.fit(iter([(x, y)]), epochs=2, verbose=0),
    ):
        with pytest.warns(UserWarning, match="ran out of data") as found:
            call()
        assert [warning.filename for warning in found] == [__file__]


def test_layers_of_an_activation_can_be_activations():
    named = Sequential([Dense(3, gdcore.layers.LeakyReLU(0.25), input_dim=2)])
    apart = Sequential([Dense(3, input_dim=2), gdcore.layers.LeakyReLU(0.25)])
    apart.set_weights(named.get_weights())
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert np.array_equal(named.predict(x), apart.predict(x))
    again = Sequential.from_config(named.get_config())
    assert again.layers[0].activation.parameters == {"negative_slope": 0.25}
    for layer in (Dense(3, "relu"), gdcore.layers.PReLU(), gdcore.layers.Dropout(0.5)):
        with pytest.raises((TypeError, ValueError), match="activation="):
            Dense(2, layer)


def test_a_clone_has_the_layers_and_weights_of_its_own():
    model = Sequential([Dense(3, "tanh", input_dim=2), Dense(1)])
    clone = gdcore.models.clone_model(model)
    assert clone.get_config() == model.get_config()
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    with pytest.raises(RuntimeError, match="compile"):
        clone.evaluate([[1.0, 2.0]], [[1.0]])


def test_second_names_of_regularizers_and_constraints():
    assert gdcore.regularizers.l2(0.1).get_config() == gdcore.regularizers.L2(0.1).get_config()
    assert gdcore.regularizers.l1_l2 is gdcore.regularizers.L1L2
    assert gdcore.constraints.max_norm is gdcore.constraints.MaxNorm
    for module in (gdcore.regularizers, gdcore.constraints):
        with pytest.raises(AttributeError, match="l3"):
            module.l3  # noqa: B018


@pytest.mark.parametrize("callbacks", [None, [gdcore.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)]])
def test_a_batch_of_all_rows_needs_no_order_but_for_noise(rng, callbacks):
    x, y = data(rng, 37)
    for rate, same in ((0.0, True), (0.5, False)):
        results = []
        for shuffle in (True, False):
            gdcore.utils.set_random_seed(2)
            model = Sequential([Dense(4, "tanh", input_dim=x.shape[1]), gdcore.layers.Dropout(rate), Dense(2)])
            model.compile(SGD(0.05), "mse")
            history = model.fit(x, y, 40, 6, verbose=0, shuffle=shuffle, callbacks=callbacks)
            results.append([history.history["loss"], *model.get_weights()])
        assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True)) == same


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_short_way_of_predict_gives_what_the_long_one_does(rng, dtype):
    model = Sequential([Dense(4, "tanh", input_dim=3), Dense(2, "softmax")], dtype=dtype)
    x = rng.normal(size=(7, 3)).astype(dtype)
    right = model.predict(x)
    assert model._network.predict_few(x) is not None
    for other in (
        x.astype("f8"),
        np.asfortranarray(x),
        np.repeat(x, 2, axis=0)[::2],
        x.astype(x.dtype.newbyteorder()),
        x.tolist(),
    ):
        assert np.array_equal(model.predict(other), right)
    for other in (np.asfortranarray(x), x.astype(x.dtype.newbyteorder()), x[:, :2], x[0], x[:0], x.astype("i4")):
        assert model._network.predict_few(np.ascontiguousarray(other) if other.shape[-1] < 3 else other) is None
    x.flags.writeable = False
    assert np.array_equal(model.predict(x), right)
    for value in (np.nan, np.inf):
        bad = right[:, :1] * 0 + x
        bad[3, 1] = value
        with pytest.raises(ValueError, match="nan or inf in row 3"):
            model.predict(bad)
    assert np.array_equal(model.predict(bad, allow_nan=True)[:3], right[:3])
    with pytest.raises(ValueError, match="there are no rows"):
        model.predict(x[:0])
