"""Losses: Keras's figures alone and in training, the formulas of the reference, names, settings and bad input."""

import inspect
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import losses, reference
from gdcore._core import kernels
from gdcore._fields import Flag, Text
from gdcore.layers import Dense

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "losses.json").read_text())
ARRAYS = np.load(FOLDER / "losses.npz")
DTYPES = ("float32", "float64")
seeds = st.integers(0, 2**32 - 1)
REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight")
# Gradients that are a difference of near numbers at some points, and so are held to the row's largest number there
SUBTRACT = ("Crossentropy", "CosineSimilarity", "LogCosh", "KLDivergence", "Poisson")


def data_of(name, dtype):
    return tuple(ARRAYS[f"data/{name}/{key}"].astype(dtype) for key in "ypw")


def test_all_losses_are_recorded():
    assert {name for name, _, _ in FIGURES["cases"].values()} == set(losses.lookup.CLASSES)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", FIGURES["cases"])
def test_values_as_keras(case, dtype):
    name, config, data = FIGURES["cases"][case]
    y, p, w = data_of(data, dtype)
    eps = float(np.finfo(dtype).eps)
    make = getattr(losses, name)
    each = make(**config, reduction=None)(y, p)
    theirs = ARRAYS[f"{case}/{dtype}/each"]
    assert each.dtype == theirs.dtype
    np.testing.assert_allclose(each, theirs, rtol=8 * eps, atol=4 * eps)
    np.testing.assert_allclose(make(**config, reduction="none")(y, p, w), w * theirs, rtol=8 * eps, atol=8 * eps)
    for reduction in REDUCTIONS:
        value = make(**config, reduction=reduction)(y, p, w)
        assert value.dtype == dtype
        assert value == pytest.approx(ARRAYS[f"{case}/{dtype}/{reduction}"], rel=8 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", FIGURES["cases"])
def test_gradients_as_keras(case, dtype):
    name, config, data = FIGURES["cases"][case]
    y, p, w = data_of(data, dtype)
    make = getattr(losses, name)
    for got, key in (
        (make(**config, reduction="sum").gradient(y, p, w), "gradient"),
        (make(**config, reduction=None).gradient(y, p, w), "gradient"),
        (make(**config).gradient(y, p), "mean"),
    ):
        theirs = ARRAYS[f"{case}/{dtype}/{key}"]
        assert got.dtype == theirs.dtype
        # a place, too, where Keras has nan or inf
        finite = np.isfinite(theirs)
        assert np.array_equal(got[~finite], theirs[~finite], equal_nan=True)
        scale = np.abs(theirs)
        if any(word in name for word in SUBTRACT):
            scale = np.maximum(scale, np.max(np.where(finite, scale, 0), axis=1, keepdims=True))
            if "from_logits" in config or name in ("LogCosh", "Poisson"):
                scale = np.maximum(scale, 1 if key == "gradient" else 1 / len(p))  # TensorFlow's own error
            if name == "CosineSimilarity":
                scale = np.maximum(scale, w[:, np.newaxis] / np.linalg.norm(p, axis=1, keepdims=True).clip(1e-7))
        error = np.abs(got[finite] - theirs[finite])
        assert (error <= 16 * np.finfo(dtype).eps * scale[finite]).all()


@pytest.mark.parametrize("run", FIGURES["runs"])
def test_training_as_keras(run):
    said = FIGURES["runs"][run]
    loss = getattr(losses, said["loss"])(**said["config"])
    model = gdcore.Sequential(
        [Dense(5, "tanh", input_dim=4), Dense(said["units"], said["activation"])], dtype=said["dtype"]
    )
    model.build()
    model.set_weights([ARRAYS[f"{run}/initial/{i}"] for i in range(4)])
    model.compile(gdcore.optimizers.SGD(said["learning_rate"]), loss)
    weight = ARRAYS[f"{run}/w"] if said["weighted"] else None
    x, y = ARRAYS[f"{run}/x"], ARRAYS[f"{run}/y"]
    history = model.fit(x, y, said["batch_size"], said["epochs"], 0, shuffle=False, sample_weight=weight)
    np.testing.assert_allclose(history.history["loss"], ARRAYS[f"{run}/history"], rtol=2e-6)
    for i, ours in enumerate(model.get_weights()):
        np.testing.assert_allclose(ours, ARRAYS[f"{run}/final/{i}"], rtol=2e-6, atol=2e-6)


@st.composite
def settings_of(draw):
    """(kind, options of the loss beside the reduction, seed)."""
    name = draw(st.sampled_from(reference.losses.NAMES))
    options = {}
    if name == "huber":
        options["delta"] = draw(st.floats(0.0, 3.0))
    if "crossentropy" in name:
        options["from_logits"] = draw(st.booleans())
        if name.startswith("sparse"):
            options["ignore_class"] = draw(st.sampled_from([None, 0, 1, -1, 255]))
        else:
            options["label_smoothing"] = draw(st.sampled_from([0.0, 0.25]))
    if "focal" in name:
        options["gamma"] = draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.7]))
        options["alpha"] = draw(st.sampled_from([0.0, 0.25, 1.0]))
    if name.startswith("binary_focal"):
        options["apply_class_balancing"] = draw(st.booleans())
    return name, options


def problem(rng, name, options, n, units):
    """Targets and outputs that suit a loss, in float64 but of float32's digits."""
    p = rng.uniform(0.02, 0.98, size=(n, units))
    if name in ("mean_absolute_error", "huber", "log_cosh", "hinge", "squared_hinge", "categorical_hinge"):
        p = 3 * rng.normal(size=(n, units))
    if options.get("from_logits"):
        p = 4 * rng.normal(size=(n, units))
    if name.startswith("sparse"):
        y = rng.integers(0, units, size=(n, 1)).astype(float)
        if options["ignore_class"] is not None:
            y[rng.random(n) < 0.3] = options["ignore_class"]
    elif "categorical" in name:
        y = np.eye(units)[rng.integers(0, units, size=n)]
    elif name.startswith("binary"):
        y = rng.integers(0, 2, size=(n, units)).astype(float)
    elif name.endswith("hinge"):
        y = rng.integers(0, 2, size=(n, units)) * rng.choice([1.0, 2.0])
    else:
        y = rng.uniform(0.1, 2.0, size=(n, units))
    return tuple(a.astype(np.float32).astype(np.float64) for a in (y, p, rng.uniform(0.2, 2.0, size=n)))


@given(
    settings_of(), st.sampled_from(DTYPES), st.sampled_from(REDUCTIONS), st.integers(1, 40), st.integers(1, 6), seeds
)
def test_against_the_reference(settings, dtype, reduction, n, units, seed):
    name, options = settings
    y, p, w = problem(np.random.default_rng(seed), name, options, n, units)
    loss = losses.lookup.NAMES[name](reduction=reduction, **options)
    eps = float(np.finfo(dtype).eps)
    value = loss(y.astype(dtype), p.astype(dtype), w.astype(dtype))
    expected = reference.losses.mean(name, y, p, w, reduction=reduction, **options)
    largest = np.abs(reference.losses.per_sample(name, y, p, **options)).max() * (n if reduction == "sum" else 2)
    assert abs(value - expected) <= 30 * eps * max(largest, 1)
    got = loss.gradient(y.astype(dtype), p.astype(dtype), w.astype(dtype))
    expected = reference.losses.gradient(name, y, p, w, reduction=reduction, **options)
    assert got.dtype == dtype
    largest = np.abs(expected).max(axis=1, keepdims=True) + w[:, np.newaxis]
    if name == "cosine_similarity":  # what is left of a difference of two vectors of this length
        largest += w[:, np.newaxis] / np.linalg.norm(p, axis=1, keepdims=True)
    assert (np.abs(got - expected) <= 60 * eps * largest).all()


@given(settings_of(), st.integers(1, 5), seeds)
def test_gradients_are_those_of_the_values(settings, units, seed):
    """Central differences of the compiled values, in float64."""
    name, options = settings
    y, p, w = problem(np.random.default_rng(seed), name, options, 6, units)
    loss = losses.lookup.NAMES[name](reduction="sum", **options)
    h = 1e-6
    away = np.array(
        [
            reference.losses.distance_to_kink(name, y[i : i + 1], p[i : i + 1], options.get("from_logits", False))
            > 1e-3
            for i in range(len(p))
        ]
    )
    got = loss.gradient(y, p, w)
    each = losses.lookup.NAMES[name](reduction=None, **options)
    for j in range(units):
        e = h * (np.arange(units) == j)
        numeric = (each(y, p + e, w) - each(y, p - e, w)) / (2 * h)
        scale = 1 + np.abs(got).max(axis=1)
        assert (np.abs(got[:, j] - numeric) <= 2e-7 * scale)[away].all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gamma", [2.0, 0.5, 1.7, 3.3, 8.0, 1 / 3])
def test_powers(gamma, dtype):
    """The focal factor alone: a power for many bases and exponents, to a few units in the last place."""
    rng = np.random.default_rng(8)
    x = np.concatenate([rng.uniform(size=4000), np.exp(rng.uniform(-80, 0, 4000)), 3 * rng.uniform(size=200)])
    x = np.concatenate([x, [1.0, 0.0]]).astype(dtype)
    got = kernels.apply_power(x, gamma)
    expected = x.astype(np.longdouble) ** np.longdouble(gamma)
    normal = expected > np.finfo(dtype).tiny
    error = np.abs(got - expected)[normal] / np.spacing(expected[normal].astype(dtype))
    assert float(error.max()) <= (4.0 if dtype == "float64" else 1.0)
    assert kernels.apply_power(np.array([0.0, 2.0], dtype), 0.0).tolist() == [1, 1]
    assert kernels.apply_power(np.array([0.0], dtype), -1.0).tolist() == [np.inf]
    assert kernels.apply_power(np.array([-2.0, -3.0], dtype), 2.0).tolist() == [4, 9]
    assert kernels.apply_power(np.array([-2.0, -3.0], dtype), 3.0) == pytest.approx([-8, -27])
    assert np.isnan(kernels.apply_power(np.array([-2.0, np.nan], dtype), 0.5)).all()


@pytest.mark.parametrize("name", losses.lookup.CLASSES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_edge_values(name, dtype):
    """One row, rows out of order in memory, nan in one row: only that row's loss is nan."""
    rng = np.random.default_rng(5)
    loss = getattr(losses, name)(reduction=None)
    p = rng.uniform(0.1, 0.9, size=(5, 3)).astype(dtype)
    y = np.array([0, 2, 1, 1, 0]) if "Sparse" in name else np.eye(3, dtype=dtype)[[0, 2, 1, 1, 0]]
    each, slopes = loss(y, p), loss.gradient(y, p)
    assert np.array_equal(loss(y[::-1], np.asfortranarray(p)[::-1]), each[::-1])
    assert np.array_equal(loss.gradient(y[::-1], np.asfortranarray(p)[::-1]), slopes[::-1])
    np.testing.assert_array_equal(loss(y[2:3], p[2:3]), each[2:3])
    p[3, 1] = np.nan
    broken = loss(y, p)
    assert np.isnan(broken[3])
    assert np.array_equal(np.delete(broken, 3), np.delete(each, 3))
    for extreme in (0.0, -0.0, np.finfo(dtype).smallest_subnormal, 1.0):
        values = loss(y, np.full((5, 3), extreme, dtype))
        if extreme == 0 and "Categorical" in name and "Crossentropy" in name and "Sparse" not in name:
            assert np.isnan(values).all()  # Keras divides by the sum of the probabilities
        else:
            assert np.isfinite(values).all()


def test_ignored_classes_do_not_count():
    rng = np.random.default_rng(6)
    p = rng.uniform(0.1, 0.9, size=(6, 3))
    y = np.array([0, -1, 2, 1, -1, 1])
    w = rng.uniform(1, 2, size=6)
    keep = y >= 0
    for reduction in (*REDUCTIONS, "mean"):
        ignoring = losses.SparseCategoricalCrossentropy(ignore_class=-1, reduction=reduction)
        plain = losses.SparseCategoricalCrossentropy(reduction=reduction)
        assert ignoring(y, p, w) == pytest.approx(plain(y[keep], p[keep], w[keep]), rel=1e-14)
        gradient = ignoring.gradient(y, p, w)
        assert not gradient[~keep].any()
        np.testing.assert_allclose(gradient[keep], plain.gradient(y[keep], p[keep], w[keep]), rtol=1e-14)
    assert ignoring(np.full(6, -1), p) == 0
    p[1] = np.nan
    assert np.isfinite(ignoring(y, p))


@pytest.mark.parametrize("rows", [40, 9000])
def test_hinge_labels_are_told_from_the_whole_batch(rows):
    """Also when a batch goes through the workspace in pieces, whose labels alone would look binary."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(rows, 3))
    y = rng.integers(0, 2, size=(rows, 2)).astype(float)
    for labels in (y, np.where(np.arange(rows)[:, np.newaxis] == rows - 1, -1.0, y)):
        model = gdcore.Sequential([Dense(2, input_dim=3)], dtype="float64")
        model.compile("sgd", "hinge", metrics=[])
        loss, _ = model.gradient(x, labels)
        assert loss == pytest.approx(losses.Hinge()(labels, model.predict(x)), rel=1e-12)
        assert model.evaluate(x, labels, batch_size=rows) == pytest.approx(loss, rel=1e-12)
        slices = model.loss_slice(0, (0, 0), [model.get_weights()[0][0, 0]], x, labels)
        assert slices[0] == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("name", losses.lookup.CLASSES)
def test_gradient_checks(name):
    """Backpropagation through each loss, behind activations that suit it."""
    rng = np.random.default_rng(9)
    gdcore.utils.set_random_seed(9)  # where an output lies on a kink of the loss, differences see both sides of it
    x = rng.normal(size=(20, 4))
    for last in ("sigmoid", "softmax") if "Crossentropy" in name else ("softplus", "sigmoid", "softmax"):
        model = gdcore.Sequential([Dense(5, "tanh", input_dim=4), Dense(3, last)], dtype="float64")
        model.compile("sgd", name)
        classes = rng.integers(0, 3, size=20)
        y = classes if "Sparse" in name else np.eye(3)[classes]
        if "Percentage" in name or name == "Poisson":
            y = y + 0.5
        assert gdcore.check_gradients(model, x, y)


ALIASES = {
    "mae MAE mean_absolute_error": "MeanAbsoluteError",
    "mse MSE mean_squared_error": "MeanSquaredError",
    "mape MAPE mean_absolute_percentage_error": "MeanAbsolutePercentageError",
    "msle MSLE mean_squared_logarithmic_error": "MeanSquaredLogarithmicError",
    "huber": "Huber",
    "log_cosh logcosh": "LogCosh",
    "poisson": "Poisson",
    "kld KLD kl_divergence": "KLDivergence",
    "hinge": "Hinge",
    "squared_hinge": "SquaredHinge",
    "categorical_hinge": "CategoricalHinge",
    "cosine_similarity": "CosineSimilarity",
    "bce BCE binary_crossentropy": "BinaryCrossentropy",
    "binary_focal_crossentropy": "BinaryFocalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}


@pytest.mark.parametrize("aliases", ALIASES)
def test_names(aliases):
    cls = getattr(losses, ALIASES[aliases])
    for name in (*aliases.split(), cls.__name__):
        assert type(losses.get(name)) is cls
    assert type(losses.get(cls)) is cls
    loss = cls()
    assert losses.get(loss) is loss
    assert loss.name == ("huber_loss" if cls is losses.Huber else cls._kind)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("MeanSquaredError", {"reduction": "sum", "name": "squares"}),
        ("Huber", {"delta": 2.5}),
        ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1, "axis": -1}),
        ("BinaryFocalCrossentropy", {"alpha": 0.4, "gamma": 1.5, "apply_class_balancing": True, "axis": -1}),
        ("CategoricalFocalCrossentropy", {"alpha": [0.4, 0.6], "gamma": 1.5, "from_logits": True}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 3, "from_logits": True, "reduction": None}),
        ("CosineSimilarity", {"reduction": "none"}),
    ],
)
def test_configs(name, config):
    loss = losses.get({"module": "keras.losses", "class_name": name, "config": config, "registered_name": None})
    for key, value in config.items():
        assert loss.get_config()[key] == value
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(loss))))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again._spec() == loss._spec()
    assert repr(loss).startswith(f"{name}(name=")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: losses.Huber(delta=-1), ValueError, "delta=-1 is not a finite number of at least 0"),
        (lambda: losses.Huber(delta="1"), ValueError, "delta='1' is not"),
        (lambda: losses.BinaryFocalCrossentropy(gamma=np.inf), ValueError, "gamma=inf is not a finite number"),
        (lambda: losses.CategoricalFocalCrossentropy(alpha=[1, None]), ValueError, r"alpha\[1\]=None"),
        (lambda: losses.BinaryCrossentropy(axis=0), ValueError, "axis=0 is not -1: rows have one axis"),
        (lambda: losses.CosineSimilarity(axis=1), ValueError, "axis=1 is not -1: rows have one axis"),
        (
            lambda: losses.SparseCategoricalCrossentropy(ignore_class=0.5),
            TypeError,
            "ignore_class=0.5 is not an integer",
        ),
        (lambda: losses.get("huberr"), ValueError, "loss='huberr' is not known. Did you mean 'huber'"),
        (lambda: losses.get(int), ValueError, "is not known"),
        (
            lambda: losses.CategoricalFocalCrossentropy(alpha=[1, 2])(np.eye(3), np.eye(3)),
            ValueError,
            "alpha has 2 values, expected one, or one for each of 3 outputs",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy(ignore_class=-1)([0, -2], np.eye(2)),
            ValueError,
            r"y_true\[1\] = -2 is not a valid class index",
        ),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()


SETTINGS = [(name, field) for name, cls in losses.lookup.CLASSES.items() for field in cls._fields]


def bad_values(field):
    """What no setting takes, but for what this one does."""
    values = ["0.1", True, math.nan, -math.inf, 10**400, 1j, [None], object(), None]
    if isinstance(field, Flag):
        values.remove(True)
    if isinstance(field, Text):
        values.remove("0.1")
    if field.optional or None in getattr(field, "known", ()):
        values.remove(None)
    return values


@pytest.mark.parametrize(("name", "setting"), SETTINGS)
def test_bad_settings_are_refused(name, setting):
    cls = losses.lookup.CLASSES[name]
    loss, parameter = cls(), inspect.signature(cls).parameters[setting]
    before = dict(vars(loss))
    for value in bad_values(cls._fields[setting]):
        with pytest.raises(ValueError, match=rf"^{setting}(\[0\])?="):
            setattr(loss, setting, value)
        assert vars(loss) == before
        if value is not None or parameter.default is not None:
            with pytest.raises(ValueError, match=rf"^{setting}(\[0\])?="):
                cls(**{setting: value})


@pytest.mark.parametrize("name", losses.lookup.CLASSES)
def test_defaults_are_those_of_the_signatures(name):
    cls = losses.lookup.CLASSES[name]
    loss, parameters = cls(), inspect.signature(cls).parameters
    # Keras leaves the axis of this one out of its configurations, and nothing here depends on it
    assert set(parameters) - set(cls._fields) == ({"axis"} if name.startswith("Sparse") else set())
    for setting, field in cls._fields.items():
        assert field.default == parameters[setting].default
        assert setting == "name" or getattr(loss, setting) == field.default


def test_settings_that_are_assigned_later_count():
    y, p = np.array([[0.0, 3.0]]), np.array([[1.0, 0.5]])
    loss = losses.Huber()
    loss.delta = 2
    assert type(loss.delta) is float
    assert loss(y, p) == losses.Huber(2.0)(y, p)
    assert losses.Huber(np.float32(2)).get_config() == {
        "name": "huber_loss",
        "reduction": "sum_over_batch_size",
        "delta": 2.0,
    }
    assert losses.CategoricalFocalCrossentropy(np.array([0.5, 1])).alpha == [0.5, 1.0]
    with pytest.raises(ValueError, match=r"axis='-1' is not an integer"):
        losses.SparseCategoricalCrossentropy(axis="-1")
    for rows in (y.astype(str), [["a", "b"]]):
        with pytest.raises(TypeError, match=r"sample_weight has dtype <U\d+, expected real numbers"):
            loss(y, p, rows)


@pytest.mark.parametrize("name", losses.lookup.CLASSES)
def test_pickles(name):
    loss = getattr(losses, name)(reduction="sum")
    twin = pickle.loads(pickle.dumps(loss))
    assert type(twin) is type(loss)
    assert twin.get_config() == loss.get_config()
    function = losses.FUNCTIONS[loss._kind]
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (losses.CategoricalFocalCrossentropy(alpha=[1, 2]), "alpha has 2 values"),
        (losses.MeanSquaredError(reduction=None), "reduction=None leaves a loss for each sample"),
    ],
)
def test_a_loss_that_does_not_fit_leaves_the_model_alone(loss, message):
    model = gdcore.Sequential([Dense(3, "softmax", input_dim=2)])
    model.build()
    before = model.get_weights()
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=message):
        model.fit(np.eye(2), np.eye(3)[:2], verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(a, b)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(np.eye(2), np.eye(3)[:2], verbose=0).history["loss"]).all()


@pytest.mark.parametrize("name", losses.FUNCTIONS)
def test_functions_of_keras_names_give_each_row(name):
    function = getattr(losses, name)
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 5).astype(np.float32)
    y = rng.integers(0, 3, 5) if name.startswith("sparse") else np.eye(3)[rng.integers(0, 3, 5)]
    loss = losses.get(name)
    assert np.array_equal(function(y, p), type(loss)(reduction="none")(y, p))
    assert function.__name__ == name
    assert type(losses.get(function)) is type(loss)
    if name != "cosine_similarity":
        assert getattr(gdcore.metrics, name) is function
    if not name.startswith("sparse"):
        assert function(y[0], p[0]) == function(y, p)[0]


def test_functions_take_further_arguments_in_keras_order():
    y, p = np.array([[0.0, 3.0]]), np.array([[1.0, 0.5]])
    assert losses.huber(y, p, 0.5) == losses.Huber(0.5)(y, p)
    assert losses.binary_crossentropy(y > 1, p, True, 0.1) == losses.BinaryCrossentropy(True, 0.1)(y > 1, p)
    with pytest.raises(AttributeError, match="mean_sqared_error"):
        losses.mean_sqared_error  # noqa: B018
    with pytest.raises(ValueError, match="is not known"):
        losses.get(lambda y, p: 0.0)
