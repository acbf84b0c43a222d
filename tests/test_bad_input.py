"""Bad input: an error that names the argument, what came and what was expected, before anything changes."""

from pathlib import Path

import numpy as np
import pytest

import gdcore
from gdcore import Input, Sequential
from gdcore.layers import Dense
from gdcore.models.training import watches
from gdcore.optimizers import SGD

X, Y = np.arange(12.0).reshape(6, 2) / 12, np.arange(6.0) / 6


def compiled(units=1, loss="mse", **options):
    model = Sequential([Dense(3, "tanh", input_dim=2), Dense(units, "softmax" if units > 1 else None)])
    model.compile(SGD(0.1, momentum=0.9), loss, **options)
    return model


def with_value(array, value):
    changed = array.copy()
    changed[3] = value
    return changed


FIT = [
    # arguments, error, what the message says
    (dict(x=X[:, :1]), ValueError, r"x has shape \(6, 1\), expected \(rows, 2\)"),
    (dict(x=X[0]), ValueError, r"x has shape \(2,\), expected \(rows, 2\)"),
    (dict(x=X.reshape(3, 2, 2)), ValueError, r"x has shape \(3, 2, 2\), expected \(rows, 2\)"),
    (dict(x=X[:0], y=Y[:0]), ValueError, r"x has shape \(0, 2\): there are no rows"),
    (dict(x=X.astype(object)), TypeError, "x has dtype object, expected real numbers"),
    (dict(x=X.astype(complex)), TypeError, "x has dtype complex128, expected real numbers"),
    (dict(x=X.astype(str)), TypeError, "x has dtype <U32, expected real numbers"),
    (dict(x=with_value(X, np.nan)), ValueError, "x has nan or inf in row 3; allow_nan=True"),
    (dict(x=with_value(X, -np.inf)), ValueError, "x has nan or inf in row 3; allow_nan=True"),
    (dict(x=with_value(X, 1e39)), ValueError, "x has nan or inf beyond float32's range in row 3"),
    (dict(y=with_value(Y, np.nan)), ValueError, "y has nan or inf in row 3; allow_nan=True"),
    (dict(y=Y[:5]), ValueError, r"y has shape \(5,\), expected \(6, 1\) for these x"),
    (dict(y=np.ones((6, 2))), ValueError, r"y has shape \(6, 2\), expected \(6, 1\)"),
    (dict(y=Y.astype(object)), TypeError, "y has dtype object, expected real numbers"),
    (dict(y=1j * Y), TypeError, "y has dtype complex128, expected real numbers"),
    (dict(batch_size=0), ValueError, "batch_size=0 is not an integer of at least 1"),
    (dict(batch_size=-3), ValueError, "batch_size=-3 is not an integer of at least 1"),
    (dict(batch_size=2.5), TypeError, "batch_size=2.5 is not an integer"),
    (dict(epochs=-1), ValueError, "epochs=-1 is not an integer of at least 0"),
    (dict(epochs="3"), TypeError, "epochs='3' is not an integer"),
    (dict(verbose=3), ValueError, "verbose=3 is not 'auto', 0, 1 or 2"),
    (dict(shuffle="yes"), ValueError, "shuffle='yes' is not True, False or 'fresh'"),
    (dict(sample_weight=Y[:5]), ValueError, r"sample_weight has shape \(5,\), expected \(6,\)"),
    (dict(sample_weight=with_value(Y, np.inf)), ValueError, "sample_weight has nan or inf in row 3"),
    (dict(class_weight={0: 1.0}, sample_weight=Y), ValueError, "class_weight and sample_weight are both given"),
    (dict(class_weight={0: -1.0}), ValueError, r"class_weight\[0\]=-1.0 is not a finite number of at least 0"),
    (
        dict(validation_split=1.0),
        ValueError,
        "validation_split=1.0 of 6 rows leaves the training or the validation set",
    ),
    (dict(validation_split=-0.1), ValueError, "validation_split=-0.1 of 6 rows"),
    (dict(validation_data=X), ValueError, r"validation_data is not a tuple \(x, y\)"),
    (dict(validation_data=(X, Y[:2])), ValueError, r"validation_data: y has shape \(2,\), expected \(6, 1\)"),
    (dict(callbacks=[print]), TypeError, "callbacks holds <built-in function print>, expected gdcore.callbacks"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), FIT)
def test_fit(arguments, error, message):
    model = compiled()
    model.fit(X, Y, epochs=2, verbose=0)
    weights, slots, history = model.get_weights(), model.optimizer.variables[0].copy(), model.history
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **arguments})
    assert model.optimizer.iterations == 2
    assert model.history is history
    assert np.array_equal(model.optimizer.variables[0], slots)
    for a, b in zip(model.get_weights(), weights, strict=True):
        assert np.array_equal(a, b)


def large(kind, optimizer):
    """A model with so much data that training itself looks for nan and inf in them."""
    from gdcore import layers, optimizers, utils

    utils.set_random_seed(1)
    more = {
        "few": [Dense(3, "relu")],
        "many": [Dense(16, "relu"), layers.Dropout(0.5), Dense(3)],
        "normalized": [Dense(3), layers.BatchNormalization()],
    }
    model = Sequential([Input((200,)), *more[kind]])
    made = optimizers.Adam(0.01)
    model.compile(optimizers.LossScaleOptimizer(made) if optimizer == "scaled" else made, "mse")
    return model


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("row", [0, 1500, 2999])
@pytest.mark.parametrize("optimizer", ["plain", "scaled", "used"])
@pytest.mark.parametrize("kind", ["few", "many", "normalized"])
def test_bad_rows_are_found_on_the_way_and_nothing_has_changed(kind, optimizer, row, value):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(3000, 200)), rng.normal(size=(3000, 3)).astype(np.float32)
    bad = x.copy()
    bad[row, 7] = value
    if value != 1e39:
        x, bad = x.astype(np.float32), bad.astype(np.float32)
    model, twin = large(kind, optimizer), large(kind, optimizer)
    for either in (model, twin):
        if optimizer == "used":
            either.fit(x, y, epochs=1, verbose=0)
    assert watches(model, bad)
    history, built, weights = model.history, model.optimizer.built, model.get_weights()
    beyond = " beyond float32's range" if value == 1e39 else ""
    with pytest.raises(ValueError, match=f"^x has nan or inf{beyond} in row {row}; allow_nan=True"):
        model.fit(bad, y, epochs=3, verbose=0)
    assert model.history is history
    assert model.optimizer.built == built
    for a, b in zip(model.get_weights(), weights, strict=True):
        assert np.array_equal(a, b)
    one, other = (either.fit(x, y, epochs=2, verbose=0).history for either in (model, twin))
    assert one == other
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(model.optimizer.variables, twin.optimizer.variables, strict=True):
        assert np.array_equal(a, b)


def test_infinite_rows_are_found_by_weights_of_zero_and_infinite_sums_are_let_pass():
    x, y = np.ones((3000, 200), np.float32), np.ones((3000, 3), np.float32)
    model = Sequential([Input((200,)), Dense(3, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    bad = x.copy()
    bad[10, 0] = np.inf
    with pytest.raises(ValueError, match="x has nan or inf in row 10"):
        model.fit(bad, y, verbose=0)
    assert not model.get_weights()[0].any()
    model.fit(bad, y, verbose=0, allow_nan=True)
    assert np.isnan(model.get_weights()[0]).any()
    model.set_weights([np.full((200, 3), 3e38, np.float32), np.zeros(3, np.float32)])
    model.fit(x, y, verbose=0)  # sums beyond the range are no fault of the rows
    assert model.optimizer.iterations == 2 * 94


@pytest.mark.parametrize("call", ["evaluate", "gradient", "predict"])
def test_the_other_calls_check_their_data_too(call):
    model = compiled()
    second = () if call == "predict" else (Y,)
    with pytest.raises(ValueError, match=r"x has shape \(6, 1\), expected \(rows, 2\)"):
        getattr(model, call)(X[:, :1], *second)
    with pytest.raises(ValueError, match="x has nan or inf in row 3"):
        getattr(model, call)(with_value(X, np.nan), *second)
    with pytest.raises(ValueError, match="there are no rows"):
        getattr(model, call)(X[:0], *(a[:0] for a in second))


@pytest.mark.parametrize("call", ["fit", "evaluate", "gradient"])
def test_before_compile(call):
    model = Sequential([Dense(1, input_dim=2)])
    with pytest.raises(RuntimeError, match=rf"{call} needs to know the loss and the optimizer: call compile"):
        getattr(model, call)(X, Y)
    model.compile("sgd")
    with pytest.raises(RuntimeError, match=rf"{call} needs a loss: call compile"):
        getattr(model, call)(X, Y)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([0, 1, 2, 3, 0, 1], r"y\[3\] = 3 is not a valid class index, expected whole numbers from 0 to 2"),
        ([0, -1, 2, 1, 0, 1], r"y\[1\] = -1 is not a valid class index"),
        ([0, 0.5, 2, 1, 0, 1], r"y\[1\] = 0.5 is not a valid class index"),
        ([0, np.nan, 2, 1, 0, 1], r"y\[1\] = nan is not a valid class index"),
    ],
)
def test_class_numbers(targets, message):
    with pytest.raises(ValueError, match=message):
        compiled(3, "sparse_categorical_crossentropy").fit(X, targets, verbose=0)
    with pytest.raises(ValueError, match=r"whole numbers"):
        gdcore.utils.to_categorical(targets, 3)


def test_class_numbers_where_rows_are_expected():
    with pytest.raises(ValueError, match="class numbers go with loss='sparse_categorical_crossentropy'"):
        compiled(3, "categorical_crossentropy").fit(X, [0, 1, 2, 0, 1, 2], verbose=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(1, activation="sigmiod"), "activation='sigmiod' is not known. Did you mean 'sigmoid'"),
        (lambda: Dense(1, kernel_initializer="glorot"), "initializer='glorot' is not known. Did you mean"),
        (lambda: compiled(loss="msee"), "loss='msee' is not known. Did you mean"),
        (lambda: compiled(metrics=["acuracy"]), "metric='acuracy' is not known. Did you mean 'accuracy'"),
        (lambda: compiled(gradient="analytical"), "gradient='analytical' is not known. Did you mean 'analytic'"),
        (lambda: Sequential().compile("sdg", "mse"), "optimizer='sdg' is not known. Did you mean 'SGD'"),
        (
            lambda: compiled().gradient(X, Y, method="centrall"),
            "method='centrall' is not known. Did you mean 'central'",
        ),
        (lambda: gdcore.losses.get(3), "loss=3 is not known"),
    ],
)
def test_unknown_names_suggest_the_nearest(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(0), ValueError, "units=0 is not an integer of at least 1"),
        (lambda: Dense(2.0), ValueError, "units=2.0 is not an integer of at least 1"),
        (lambda: Dense(True), ValueError, "units=True is not an integer of at least 1"),
        (lambda: Dense(1, input_dim=0), ValueError, "input_dim=0 is not an integer of at least 1"),
        (lambda: Dense(1, input_shape=()), ValueError, r"input_shape=\(\) is empty"),
        (lambda: Sequential([Dense(1, input_shape=(8, 8))]), ValueError, r"gets rows of shape \(8, 8\): put Flatten"),
        (lambda: Dense(1, input_dim=2, input_shape=(3,)), ValueError, "disagree"),
        (lambda: Dense(1, dtype="float16"), ValueError, "dtype='float16' is not 'float32' or 'float64'"),
        (lambda: Sequential(dtype=int), ValueError, "is not 'float32' or 'float64'"),
        (lambda: SGD(-0.1), ValueError, "learning_rate=-0.1 is not a finite number of at least 0"),
        (lambda: SGD(float("nan")), ValueError, "learning_rate=nan"),
        (lambda: SGD("fast"), TypeError, "learning_rate='fast' is not a finite number"),
        (lambda: SGD(0.1, momentum=1.5), ValueError, "momentum=1.5 is not a finite number between 0 and 1"),
        (lambda: compiled(h=0.0), ValueError, "h=0.0 is not a finite number greater than 0"),
        (lambda: gdcore.losses.MeanSquaredError(reduction="avg"), ValueError, "reduction='avg' is not one of"),
        (lambda: gdcore.losses.BinaryCrossentropy(label_smoothing=2), ValueError, "label_smoothing=2"),
        (lambda: gdcore.metrics.BinaryAccuracy(threshold=1), ValueError, "threshold=1"),
        (lambda: gdcore.initializers.VarianceScaling(scale=0), ValueError, "scale=0"),
        (lambda: gdcore.initializers.VarianceScaling(mode="fan"), ValueError, "mode='fan'"),
        (lambda: gdcore.initializers.GlorotUniform(seed=1.5), TypeError, "seed=1.5 is not an integer"),
        (lambda: gdcore.random.set_seed(-1), ValueError, "seed=-1"),
        (lambda: gdcore.random.set_seed("5"), TypeError, "seed='5' is not an integer"),
        (lambda: gdcore.random.set_stream("keras"), ValueError, "stream='keras' is not one of 'keras2', 'keras3'"),
        (lambda: gdcore.utils.set_random_seed(2**32), ValueError, "seed=4294967296"),
        (lambda: Sequential([Dense(1), Input((2,))]), ValueError, "Input must be the first"),
        (
            lambda: Sequential([Dense(3, input_dim=2), Dense(1, input_dim=4)]),
            ValueError,
            r"has input_shape=\(4,\), but gets \(3,\)",
        ),
        (lambda: Sequential([Dense(1, dtype="float64")], dtype="float32"), ValueError, "has dtype='float64', but"),
        (lambda: Sequential([Dense(1, name="a"), Dense(1, name="a")]), ValueError, "a layer named 'a' already"),
        (lambda: Sequential(["dense"]), TypeError, "layer='dense' is not a gdcore layer"),
        (lambda: Sequential([Dense(1)]).build(), ValueError, "input_shape is not known"),
        (lambda: Sequential().pop(), ValueError, "cannot pop from an empty model"),
        (lambda: Sequential([Input((2,))]).predict(X), ValueError, "the model has no layers"),
        (lambda: gdcore.activations.relu(["a"]), TypeError, "x has dtype <U1"),
        (
            lambda: gdcore.check_gradients(compiled(), X, Y, rtol=0),
            ValueError,
            "rtol=0 is not a finite number greater",
        ),
    ],
)
def test_arguments_of_constructors_and_functions(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (lambda w: w[:3], ValueError, r"got 3 arrays, expected 4: dense/kernel, dense/bias, dense_1/kernel"),
        (lambda w: [w[0].T, *w[1:]], ValueError, r"dense/kernel: shape \(3, 2\), expected \(2, 3\)"),
        (lambda w: [*w[:3], w[3][:0]], ValueError, r"dense_1/bias: shape \(0,\), expected \(1,\)"),
        (lambda w: [*w[:3], np.array(["a"])], TypeError, "dense_1/bias: dtype <U1, expected real numbers"),
        (lambda w: [*w[:3], w[3] * 1j], TypeError, "dense_1/bias: dtype complex64"),
    ],
)
def test_set_weights(weights, error, message):
    model = compiled()
    before = model.get_weights()
    changed = weights([w + 1 for w in before])
    with pytest.raises(error, match=message):
        model.set_weights(changed)
    for a, b in zip(model.get_weights(), before, strict=True):
        assert np.array_equal(a, b)


def test_weights_before_they_exist():
    model = Sequential([Dense(1)])
    assert model.get_weights() == []
    with pytest.raises(ValueError, match="expected none, for it has no input width yet"):
        model.set_weights([np.ones((2, 1)), np.ones(1)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, (0, 0), [0]), "layer=5 is not among the 2 layers"),
        (("dens", (0, 0), [0]), "layer='dens' is not known. Did you mean 'dense'"),
        ((0, (2, 0), [0]), r"index=\(2, 0\) is outside the kernel of shape \(2, 3\)"),
        ((0, 3, [0]), r"index=3 is outside the bias of shape \(3,\)"),
        ((0, (0, 0, 0), [0]), r"does not fit layer 'dense', which has kernel of shape \(2, 3\)"),
        ((0, (0, 0), [[0]]), r"values has shape \(1, 1\), expected one dimension"),
    ],
)
def test_loss_slice(arguments, message):
    with pytest.raises(ValueError, match=message):
        compiled().loss_slice(*arguments, X, Y)


def test_loss_slice_without_data():
    with pytest.raises(ValueError, match="x and y are needed"):
        compiled().loss_slice(0, (0, 0), [0.0])


def test_an_optimizer_belongs_to_one_model():
    optimizer = SGD(0.1, momentum=0.9)
    first = Sequential([Dense(1, input_dim=2)])
    first.compile(optimizer, "mse")
    first.fit(X, Y, verbose=0)
    second = compiled()
    second.compile(optimizer, "mse")
    with pytest.raises(ValueError, match=r"already belongs to arrays of shapes \[\(2, 1\), \(1,\)\]"):
        second.fit(X, Y, verbose=0)
    assert optimizer.iterations == 1


def test_a_layer_belongs_to_one_model():
    layer = Dense(1, input_dim=2)
    Sequential([layer])
    with pytest.raises(ValueError, match="already belongs to a model"):
        Sequential([layer])


def test_metrics_that_do_not_fit_the_targets():
    with pytest.raises(ValueError, match="metric 'mse' compares outputs with targets, but y holds class numbers"):
        compiled(3, "sparse_categorical_crossentropy", metrics=["mse"]).fit(X, [0, 1, 2, 0, 1, 2], verbose=0)
    with pytest.raises(ValueError, match="needs class numbers for y"):
        compiled(3, "mse", metrics=["sparse_categorical_accuracy"]).fit(X, np.ones((6, 3)), verbose=0)


def test_a_loss_on_its_own():
    loss = gdcore.losses.MeanSquaredError()
    with pytest.raises(ValueError, match=r"y_true has shape \(3,\), expected \(3, 2\) as y_pred"):
        loss([1, 2, 3], np.ones((3, 2)))
    with pytest.raises(TypeError, match="y_pred has dtype complex128"):
        loss([[1]], [[1j]])
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\), expected \(2,\)"):
        loss([1, 2], [[1], [2]], [1, 2, 3])


def test_forcing_a_build_that_is_not_there(monkeypatch):
    from gdcore import _core

    monkeypatch.setenv("GDCORE_ISA", "v9")
    source = Path(_core.__file__).read_text()
    with pytest.raises(ImportError, match="GDCORE_ISA='v9' is not one of 'v4', 'v3', 'baseline'"):
        exec(compile(source, _core.__file__, "exec"), {"__name__": "gdcore._core", "__package__": "gdcore._core"})


class Worst(gdcore.metrics.Metric):
    """A metric that the core leaves to Python."""

    def reset_state(self):
        self.worst = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.worst = max(self.worst, float(np.abs(y_true - y_pred).max()))

    def result(self):
        return self.worst


@pytest.mark.parametrize(
    ("compiled_with", "fitted_with"),
    [
        (dict(metrics=[Worst()]), {}),
        (dict(metrics=["mae"]), {}),
        ({}, dict(epochs=0)),
        ({}, dict(initial_epoch=2, epochs=1)),
        ({}, dict(verbose=2)),
        ({}, dict(validation_split=0.2)),
        ({}, dict(steps_per_epoch=2)),
        ({}, dict(callbacks=[gdcore.callbacks.TerminateOnNaN()])),
    ],
    ids=str,
)
def test_bad_rows_are_found_before_training_where_python_is_called_on_the_way(compiled_with, fitted_with):
    x, y = np.ones((3000, 200), np.float32), np.ones((3000, 3), np.float32)
    x[2999, 3] = np.nan
    model = Sequential([Input((200,)), Dense(3)])
    model.compile("sgd", "mse", **compiled_with)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"^x has nan or inf in row 2999"):
        model.fit(x, y, **{"verbose": 0, **fitted_with})
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    assert model.history is None
    assert not model.optimizer.built


def test_a_function_for_the_rate_is_not_asked_about_bad_rows():
    x, y, asked = np.ones((3000, 200), np.float32), np.ones((3000, 3), np.float32), []
    x[2999, 3] = np.nan
    model = Sequential([Input((200,)), Dense(3)])
    model.compile(SGD(lambda: asked.append(1) or 0.1), "mse")
    with pytest.raises(ValueError, match=r"^x has nan or inf in row 2999"):
        model.fit(x, y, verbose=0)
    assert not asked
