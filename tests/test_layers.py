"""Layers other than dense ones, regularizers and constraints: Keras's figures, the reference, their settings."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import Input, Sequential, constraints, layers, reference, regularizers
from gdcore.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, Normalization

FOLDER = Path(__file__).parent / "keras_figures"
RUNS = json.loads((FOLDER / "layers.json").read_text())["runs"]
ARRAYS = np.load(FOLDER / "layers.npz")
X, Y, W = ARRAYS["x"], ARRAYS["y"], ARRAYS["w"]
DTYPES = ["float32", "float64"]


def build(key, specs, settings):
    gdcore.utils.set_random_seed(settings.get("seed", 100 + key))
    dtype = settings.get("dtype", "float32")
    made = [layers.deserialize({"class_name": name, "config": {**config, "dtype": dtype}}) for name, config in specs]
    model = Sequential([Input((X.shape[1],)), *made])
    optimizer = getattr(gdcore.optimizers, settings.get("optimizer", "SGD"))(0.05, **settings.get("options", {}))
    model.compile(optimizer, "categorical_crossentropy")
    return model


@pytest.mark.parametrize("name", RUNS)
def test_keras_figures(name):
    """Whole trainings, from Keras's seed: weights, losses, moving statistics, noise."""
    key = list(RUNS).index(name)
    specs, settings = RUNS[name]
    model = build(key, specs, settings)
    if settings.get("adapt"):
        model.layers[0].adapt(X)
    for ours, theirs in zip(model.get_weights(), arrays(key, "initial"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg="the initial weights")
        assert ours.dtype == theirs.dtype
    model.set_weights(arrays(key, "initial"))
    history = model.fit(
        X,
        Y,
        batch_size=settings.get("batch_size", 16),
        epochs=settings.get("epochs", 8),
        shuffle=False,
        verbose=0,
        sample_weight=W if settings.get("weighted") else None,
    )
    np.testing.assert_allclose(history.history["loss"], ARRAYS[f"{key}/history"], rtol=4e-6)
    for ours, theirs in zip(model.get_weights(), arrays(key, "final"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5)
    np.testing.assert_allclose(model.predict(X), ARRAYS[f"{key}/predictions"], rtol=0, atol=2e-5)
    np.testing.assert_allclose(model.evaluate(X, Y), ARRAYS[f"{key}/evaluate"], rtol=2e-5)


def arrays(key, when):
    return [ARRAYS[f"{key}/{when}/{n}"] for n in range(sum(k.startswith(f"{key}/{when}/") for k in ARRAYS.files))]


def kinds(draw):
    """A layer of any kind, without noise, with settings drawn."""
    flag = st.booleans()
    centered = {"epsilon": draw(st.floats(1e-4, 0.1)), "center": draw(flag), "scale": draw(flag)}
    return draw(
        st.sampled_from(
            [
                lambda: layers.BatchNormalization(momentum=0.7, **centered),
                lambda: layers.LayerNormalization(**centered),
                lambda: layers.PReLU(alpha_initializer=gdcore.initializers.Constant(0.3)),
                lambda: layers.Rescaling(-0.7, 0.2),
                lambda: layers.Normalization(mean=0.3, variance=1.7),
                lambda: layers.Normalization(mean=0.3, variance=1.7, invert=True),
                lambda: layers.Activation("tanh"),
                lambda: layers.Softmax(),
                lambda: layers.LeakyReLU(0.15),
                lambda: layers.Dropout(0.0),
                lambda: layers.Flatten(),
            ]
        )
    )()


@given(st.data(), st.integers(0, 2**32 - 1), st.sampled_from(DTYPES), st.integers(1, 40), st.booleans())
def test_forward_is_the_reference(data, seed, dtype, rows, trainable):
    rng = np.random.default_rng(seed)
    n = data.draw(st.integers(1, 20))
    layer = kinds(data.draw)
    layer.trainable = trainable
    model = Sequential([Input((n,), dtype=dtype), layer])
    model.build()
    for view in model.weights:
        view[...] = rng.uniform(0.5, 2.0, size=view.shape)
    x = rng.normal(size=(rows, n)).astype(dtype)
    expected = reference.layers.forward(layer, x.astype(np.float64), training=False)
    np.testing.assert_allclose(
        model.predict(x), expected, rtol=0, atol=200 * np.finfo(dtype).eps * np.abs(expected).max()
    )


@given(st.data(), st.integers(0, 2**32 - 1), st.integers(2, 40), st.booleans())
def test_gradients_are_those_of_the_loss(data, seed, rows, training):
    """Analytic gradients through each kind against central differences."""
    rng = np.random.default_rng(seed)
    made = [kinds(data.draw) for _ in range(2)]
    if not any(layer.weights or layer._arrays(1) != (None, None) for layer in made):
        made.append(Dense(3))
    model = Sequential([Input((4,), dtype="float64"), Dense(5, "tanh"), *made, Dense(2)])
    model.compile("sgd", "mse")
    model.build()
    for view in model.trainable_weights:
        view[...] = rng.uniform(-1.0, 1.0, size=view.shape)
    x, y = rng.normal(size=(rows, 4)), rng.normal(size=(rows, 2))
    # few rows with equal values make statistics whose curvature differences cannot follow
    report = gdcore.check_gradients(model, x, y, training=training, rtol=1e-4, atol=1e-6)
    assert report, report


RULES = [
    regularizers.L1(0.02),
    regularizers.L2(0.03),
    regularizers.L1L2(0.01, 0.02),
    regularizers.OrthogonalRegularizer(0.5),
    regularizers.OrthogonalRegularizer(0.5, "columns"),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_regularizers(rule, dtype):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9, 5)), rng.normal(size=(9, 4))
    plain = Sequential([Input((5,), dtype=dtype), Dense(4)])
    model = Sequential([Input((5,), dtype=dtype), Dense(4, kernel_regularizer=rule)])
    for m in (plain, model):
        m.compile("sgd", "mse")
        m.build()
    plain.set_weights(model.get_weights())
    difference = model.evaluate(x, y) - plain.evaluate(x, y)
    tolerance = 100 * float(np.finfo(dtype).eps)
    assert difference == pytest.approx(float(rule(model.layers[0].kernel)), rel=tolerance, abs=tolerance)
    assert gdcore.check_gradients(model, x, y)
    for method in ("forward", "central"):
        value, gradient = model.gradient(x, y, method=method)
        exact_value, exact = model.gradient(x, y)
        assert value == exact_value
        for a, b in zip(gradient, exact, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=2e-2 if dtype == "float32" else 1e-5)
    points = model.loss_slice(0, (1, 2), [float(model.layers[0].kernel[1, 2])], x, y)
    assert points[0] == pytest.approx(model.evaluate(x, y), rel=tolerance)


def test_orthogonal_penalty_of_orthogonal_rows_is_zero():
    rule = regularizers.OrthogonalRegularizer()
    assert rule(np.eye(4)) == 0
    assert rule(np.ones((3, 4))) == pytest.approx(0.01)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "rule",
    [
        constraints.MaxNorm(0.5),
        constraints.MaxNorm(0.5, axis=1),
        constraints.MaxNorm(1.5, axis=(0, 1)),
        constraints.MinMaxNorm(0.4, 0.6, 0.3),
        constraints.MinMaxNorm(0.4, 0.6, axis=-1),
        constraints.NonNeg(),
        constraints.UnitNorm(),
        constraints.UnitNorm(axis=-2),
    ],
    ids=repr,
)
def test_constraints(rule, dtype):
    """With a learning rate of 0 an update is the constraint alone."""
    rng = np.random.default_rng(6)
    model = Sequential([Input((5,), dtype=dtype), Dense(4, kernel_constraint=rule, bias_constraint="non_neg")])
    model.compile(gdcore.optimizers.SGD(0.0), "mse")
    model.build()
    start = rng.normal(size=(5, 4)).astype(dtype)
    model.set_weights([start, np.array([-1.0, 1.0, -2.0, 2.0])])
    model.fit(rng.normal(size=(3, 5)), rng.normal(size=(3, 4)), verbose=0)
    expected = rule(start)
    assert expected.dtype == start.dtype
    np.testing.assert_allclose(model.layers[0].kernel, expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(model.layers[0].bias, [0, 1, 0, 2])


def test_batch_statistics_of_one_long_batch():
    """More rows than the workspace takes at a time elsewhere: the statistics are still those of all."""
    rng = np.random.default_rng(8)
    x = rng.normal(3.0, 2.0, size=(20000, 3))
    model = Sequential([Input((3,), dtype="float64"), BatchNormalization(momentum=0.0)])
    model.compile(gdcore.optimizers.SGD(0.0), "mse")
    model.fit(x, x, batch_size=len(x), verbose=0)
    np.testing.assert_allclose(model.layers[0].moving_mean, x.mean(axis=0))
    np.testing.assert_allclose(model.layers[0].moving_variance, x.var(axis=0))
    out = model.predict(x)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-10)


def test_noise_only_in_training_and_repeatable():
    x = np.ones((8, 4), np.float32)
    model = Sequential([Input((4,)), Dropout(0.5, seed=3), Dense(2)])
    model.compile("sgd", "mse")
    y = np.zeros((8, 2))
    before = model.evaluate(x, y)
    assert before == model.evaluate(x, y)
    loss, _ = model.gradient(x, y, training=True)
    assert loss == model.gradient(x, y, training=True)[0] != before
    assert model.layers[0].seed_generator.state.tolist() == [3, 0]
    model.fit(x, y, epochs=5, batch_size=3, verbose=0)
    assert model.layers[0].seed_generator.state.tolist() == [3, 15]
    assert model.gradient(x, y, training=True)[0] != loss


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_does_not_depend_on_how_a_batch_is_cut(dtype):
    """A wide net takes a batch in pieces; one column of noise must come out the same as in a narrow one."""
    x = np.ones((600, 1500), dtype)
    model = Sequential([Input((1500,), dtype=dtype), Dropout(0.5, seed=3), Dense(1, kernel_initializer="ones")])
    model.compile(gdcore.optimizers.SGD(0.0), "mse")
    kept = gdcore.random.dropout(x, 0.5, seed=gdcore.random.SeedGenerator(3)).sum(axis=1, dtype=np.float64)
    loss, _ = model.gradient(x, np.zeros(600), training=True)
    assert loss == pytest.approx(np.mean(kept**2), rel=1e-5)


def test_flatten_and_rows_of_more_dimensions():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 255, size=(20, 4, 3)).astype(np.uint8)
    y = rng.integers(0, 2, size=20)
    model = Sequential([Input((4, 3)), layers.Rescaling(1 / 255), Flatten(), Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.input_shape == (None, 4, 3)
    assert model.output_shape == (None, 2)
    model.fit(x, y, verbose=0)
    flat = Sequential([Input((12,)), Dense(2, "softmax")])
    flat.build()
    flat.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(x), flat.predict(x.reshape(20, 12) / 255), rtol=1e-5)
    with pytest.raises(ValueError, match=r"x has shape \(20, 12\), expected \(rows, 4, 3\)"):
        model.predict(x.reshape(20, 12))
    with pytest.raises(ValueError, match=r"gets rows of shape \(4, 3\): put Flatten"):
        Sequential([Input((4, 3)), Dense(2)])
    with pytest.raises(ValueError, match="put Flatten"):
        Sequential([Input((4, 3)), Activation("softmax")])


def test_trainable_is_noted_by_compile():
    model = Sequential([Input((3,)), Dense(4, "tanh"), BatchNormalization(), Dense(2)])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    model.fit(x, y, verbose=0)
    before = model.get_weights()
    model.layers[0].trainable = model.layers[1].trainable = False
    model.compile("sgd", "mse")
    for old, kept in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, kept)
    model.fit(x, y, verbose=0)
    after = model.get_weights()
    for i in range(6):
        np.testing.assert_array_equal(before[i], after[i])
    assert (before[6] != after[6]).any()
    assert [len(model.weights), len(model.trainable_weights), len(model.non_trainable_weights)] == [8, 2, 6]
    assert gdcore.check_gradients(model, x, y)
    lines = []
    model.summary(print_fn=lines.append)
    assert "Trainable params: 10" in lines
    assert "Non-trainable params: 32" in lines


def test_adapt():
    rng = np.random.default_rng(2)
    x = rng.normal(5.0, 3.0, size=(100, 4)).astype(np.float32)
    whole, pieces = Normalization(), Normalization()
    whole.adapt(x)
    pieces.adapt(iter([x[:30], x[30:90], x[90:]]))
    np.testing.assert_allclose(pieces.mean, whole.mean, rtol=1e-5)
    np.testing.assert_allclose(pieces.variance, whole.variance, rtol=1e-5)
    model = Sequential([Input((4,)), whole])
    out = model.predict(x)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=0), 1, rtol=1e-5)
    whole.adapt(2 * x)  # takes effect in the model
    np.testing.assert_allclose(model.predict(2 * x), out, atol=1e-5)
    model.set_weights([np.zeros(4), np.ones(4), 0])
    np.testing.assert_array_equal(model.predict(x), x)
    with pytest.raises(ValueError, match=r"data has rows of shape \(3,\), but the layer takes \(4,\)"):
        whole.adapt(x[:, :3])
    with pytest.raises(ValueError, match="was given its mean"):
        Normalization(mean=1.0, variance=2.0).adapt(x)


@pytest.mark.parametrize("name", sorted(layers.lookup.TABLE.classes))
def test_settings_survive(name):
    given_ = {"InputLayer": {"shape": (3,)}, "Dense": {"units": 3}, "Activation": {"activation": "elu"}}
    settings = given_.get(name, {})
    settings.update({"Rescaling": {"scale": 2.0}, "GaussianNoise": {"stddev": 0.1}}.get(name, {}))
    settings.update({"rate": 0.2} if "Dropout" in name else {})
    layer = layers.lookup.TABLE.classes[name](name="mine", **settings)
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    assert type(again) is type(layer)
    assert again.get_config() == json.loads(json.dumps(layer.get_config())) or again.get_config() == layer.get_config()
    assert "mine" in repr(layer)


def test_pickle_and_copy_keep_everything():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)).astype("f4"), rng.normal(size=(30, 2)).astype("f4")
    norm = Normalization()
    norm.adapt(x)
    made = [norm, Dropout(0.3, seed=1), Dense(5, "tanh", kernel_regularizer="l2"), BatchNormalization(), Dense(2)]
    model = Sequential([Input((3,)), *made])
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    twins = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    ours = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history["loss"]
    for twin in twins:
        assert twin.fit(x, y, epochs=2, verbose=0, shuffle=False).history["loss"] == ours
        for a, b in zip(twin.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_pickles_of_the_first_version_load():
    recorded = np.load(Path(__file__).parent / "pickles" / "layers-0.1.0.npz")
    configs, specs = (json.loads(str(recorded[name])) for name in ("configs", "specs"))
    stack = pickle.loads(recorded["pickle"].tobytes())
    assert len(stack) == len(configs) == len(specs) + 2
    for i, (layer, config) in enumerate(zip(stack, configs, strict=True)):
        assert json.loads(json.dumps(layers.serialize(layer))) == config
        assert layers.deserialize(config).get_config().keys() == layer.get_config().keys()
        for j, array in enumerate(layer.get_weights()):
            np.testing.assert_array_equal(array, recorded[f"{i}/{j}"])
        assert layer.count_params() == sum(recorded[k].size for k in recorded.files if k.startswith(f"{i}/"))
    shape = (2, 2)
    for layer, spec in zip(stack[1:-1], specs, strict=True):
        made = json.loads(json.dumps(layer._spec(shape)._asdict()))
        for name in ("kind", "n_in", "n_out", "activation", "kernel", "bias", "state", "frozen", "activity"):
            assert made[name] == spec[name]
        for name in ("regularizers", "constraints"):
            assert [held[:2] for held in made[name]] == [held[:2] for held in spec[name]]
        shape = layer._output_shape(shape)
    assert [x.seed_generator.state.tolist() for x in stack if isinstance(x, layers.AlphaDropout)] == [[3, 2]]
    assert Sequential([stack[-1]]).input_shape == (None, 2)


def test_an_amount_raised_from_0_draws_from_the_next_build_on():
    layer = Dropout(0.0, seed=3)
    assert layer.seed_generator is None
    layer.rate = 0.5
    model = Sequential([Input((400,)), layer])
    model.compile("sgd", "mse")
    kept = gdcore.random.dropout(np.ones((1, 400), np.float32), 0.5, seed=gdcore.random.SeedGenerator(3))
    loss, _ = model.gradient(np.ones((1, 400)), np.zeros((1, 400)), training=True)
    assert loss == pytest.approx(np.mean(kept**2))


def test_settings_assigned_later_hold_for_the_function_too():
    layer = layers.ReLU()
    assert layer.activation == gdcore.activations.relu
    layer.max_value = 2
    assert layer.activation == gdcore.activations.relu.with_parameters(max_value=2.0)
    assert layer.get_config()["max_value"] == 2.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropout(1.5), "rate=1.5 is not a finite number between 0 and 1"),
        (lambda: Dropout("0.5"), "rate='0.5' is not a finite number"),
        (lambda: Dropout(0.5, noise_shape=(1, 3)), "noise_shape"),
        (lambda: layers.AlphaDropout(1.0), "rate=1.0 leaves nothing"),
        (lambda: layers.GaussianNoise(-0.1), "stddev=-0.1"),
        (lambda: BatchNormalization(axis=2), "axis=2 is not -1 or 1"),
        (lambda: BatchNormalization(renorm=True), "renorm=True"),
        (lambda: BatchNormalization(epsilon=-1), "epsilon=-1"),
        (lambda: layers.LeakyReLU(-0.1), "negative_slope=-0.1"),
        (lambda: layers.ReLU(max_value=-1.0), "max_value=-1.0"),
        (lambda: layers.PReLU(shared_axes=[1]), "shared_axes"),
        (lambda: layers.Softmax(axis=0), "axis=0"),
        (lambda: Normalization(mean=1.0), "give both or neither"),
        (lambda: Normalization(mean=[1.0, 2.0], variance=[1.0]), "mean has shape"),
        (lambda: Sequential([Input((3,)), layers.Rescaling([1.0, 2.0])]), "do not fit rows of shape"),
        (lambda: Dense(2, kernel_regularizer="l3"), "regularizer='l3' is not known. Known: L1"),
        (lambda: Dense(2, kernel_constraint="max"), "constraint='max' is not known"),
        (lambda: Dense(2, kernel_regularizer=lambda w: 0.0), "regularizer=<function"),
        (lambda: Dense(2, activity_regularizer=regularizers.OrthogonalRegularizer()), "is not L1, L2 or L1L2"),
        (lambda: Sequential([Input((3,)), Dense(2, bias_constraint=constraints.MaxNorm(axis=1))]), "axis=1 of MaxNorm"),
        (
            lambda: Sequential([Input((3,)), Dense(2, bias_regularizer=regularizers.OrthogonalRegularizer())]),
            "needs a matrix",
        ),
        (lambda: regularizers.L1(-1.0), "l1=-1.0"),
        (lambda: regularizers.L1L2(0.0, float("nan")), "l2=nan"),
        (lambda: regularizers.OrthogonalRegularizer(mode="both"), "mode='both' is not one of 'rows', 'columns'"),
        (lambda: constraints.MaxNorm(-1), "max_value=-1"),
        (lambda: constraints.MinMaxNorm(2.0, 1.0), "min_value=2.0 is greater"),
        (lambda: constraints.UnitNorm(axis=0.5), "axis=0.5"),
        (lambda: layers.deserialize({"class_name": "Conv2D"}), "layer='Conv2D' is not known"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
