"""Optimizers: Keras's figures, the formulas of the reference, settings, and work on arrays alone."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import optimizers, reference

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "optimizers.json").read_text())
ARRAYS = np.load(FOLDER / "optimizers.npz")
GRADS = [ARRAYS["grads/0"], ARRAYS["grads/1"]]
# those that contain a sum over an array, or a power that libraries round differently
NOT_ELEMENTWISE = ("nadam", "ftrl", "clipnorm")


def run(name, config, steps):
    """The variables after each of the steps asked for."""
    variables = [ARRAYS[f"start/{i}"].copy() for i in range(2)]
    optimizer = getattr(optimizers, name)(**config)
    seen = {}
    for t in range(max(steps)):
        optimizer.apply([g[t] for g in GRADS], variables)
        if t + 1 in steps:
            seen[t + 1] = [v.copy() for v in variables]
    return optimizer, variables, seen


@pytest.mark.parametrize("case", FIGURES["cases"])
def test_keras_figures(case):
    name, config = FIGURES["cases"][case]
    optimizer, variables, seen = run(name, config, FIGURES["steps"])
    for t, values in seen.items():
        for i in range(2):
            theirs = ARRAYS[f"{case}/{t}/{i}"]
            if any(word in case for word in NOT_ELEMENTWISE):
                np.testing.assert_allclose(values[i], theirs, rtol=1e-6, atol=1e-6, err_msg=f"step {t}")
            else:
                assert np.array_equal(values[i], theirs), f"step {t}"
    assert optimizer.iterations == 200 // (optimizer.gradient_accumulation_steps or 1)
    if optimizer.use_ema:
        optimizer.finalize_variable_values(variables)
        for i in range(2):
            assert np.array_equal(variables[i], ARRAYS[f"{case}/final/{i}"])


@st.composite
def settings_of(draw):
    """(class name, config): any optimizer with settings of its own and of the base class."""
    unit = st.floats(0.1, 0.99)
    own = {
        "SGD": {"momentum": st.sampled_from([0.0, 0.9]), "nesterov": st.booleans()},
        "Adagrad": {"initial_accumulator_value": st.floats(0.0, 1.0)},
        "RMSprop": {"rho": unit, "momentum": st.sampled_from([0.0, 0.5]), "centered": st.booleans()},
        "Adadelta": {"rho": unit},
        "Adam": {"beta_1": unit, "beta_2": unit, "amsgrad": st.booleans()},
        "AdamW": {"beta_1": unit, "beta_2": unit},
        "Adamax": {"beta_1": unit, "beta_2": unit},
        "Nadam": {"beta_1": unit, "beta_2": unit},
        "Ftrl": {
            "learning_rate_power": st.floats(-1.0, 0.0),
            "l1_regularization_strength": st.floats(0.0, 0.2),
            "l2_regularization_strength": st.floats(0.0, 0.2),
            "l2_shrinkage_regularization_strength": st.floats(0.0, 0.2),
            "beta": st.floats(0.0, 0.5),
        },
        "Lion": {"beta_1": unit, "beta_2": unit},
    }
    name = draw(st.sampled_from(sorted(own)))
    config = {key: draw(values) for key, values in own[name].items()}
    if "epsilon" in optimizers._CLASSES[name]().get_config():
        config["epsilon"] = draw(st.sampled_from([1e-7, 1e-2]))
    config["learning_rate"] = draw(st.floats(1e-3, 0.1))
    config["weight_decay"] = draw(st.sampled_from([0.01] if name == "AdamW" else [None, 0.01]))
    config.update(draw(st.sampled_from([{}, {"clipnorm": 0.5}, {"clipvalue": 0.5}, {"global_clipnorm": 0.5}])))
    if draw(st.booleans()):
        config.update(use_ema=True, ema_momentum=draw(unit), ema_overwrite_frequency=draw(st.sampled_from([None, 2])))
    config["gradient_accumulation_steps"] = draw(st.sampled_from([None, 2, 3]))
    return name, config


@given(settings_of(), st.integers(0, 2**32 - 1))
def test_against_the_reference(settings, seed):
    name, config = settings
    rng = np.random.default_rng(seed)
    start = [rng.normal(size=shape) for shape in ((4, 3), (3,), (1,))]
    ours, theirs = [v.copy() for v in start], [v.copy() for v in start]
    fast = getattr(optimizers, name)(**config)
    slow = getattr(reference.optimizers, name)(**{"name": name, **fast.get_config()})
    for _ in range(8):
        grads = [rng.normal(size=v.shape) for v in start]
        fast.apply(grads, ours)
        slow.apply(theirs, grads)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", optimizers._CLASSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_a_model_is_applying_to_its_arrays(name, dtype):
    """The same updates inside the compiled loop as alone, bit for bit."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    options = {"clipnorm": 0.5, "use_ema": True, "ema_momentum": 0.7, "gradient_accumulation_steps": 2}
    models = []
    for _ in range(2):
        gdcore.utils.set_random_seed(1)
        model = gdcore.Sequential([gdcore.layers.Dense(5, "tanh", input_dim=4), gdcore.layers.Dense(2)], dtype=dtype)
        model.compile(optimizers.get({"class_name": name, "config": {"learning_rate": 0.03, **options}}), "mse")
        models.append(model)
    models[0].fit(x, y, batch_size=30, epochs=7, shuffle=False, verbose=0)
    alone = optimizers.get({"class_name": name, "config": {"learning_rate": 0.03, **options}})
    arrays = models[1].weights
    for _ in range(7):
        alone.apply(models[1].gradient(x, y)[1], arrays)
    alone.finalize_variable_values(arrays)
    for a, b in zip(models[0].weights, arrays, strict=True):
        assert np.array_equal(a, b)
    assert alone.iterations == models[0].optimizer.iterations == 3


@pytest.mark.parametrize("name", optimizers._CLASSES)
def test_configs_and_copies(name):
    optimizer = optimizers.get({"class_name": name, "config": {"learning_rate": 0.02, "clipvalue": 1.0}})
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert optimizers.get(name.lower()).get_config() == getattr(optimizers, name)().get_config()
    assert repr(optimizer).startswith(f"{name}(name=")
    assert str(optimizer) == f"{name} lr=0.02"
    values = np.arange(4.0)
    optimizer.apply([values - 1], [values])
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        a, b = values.copy(), values.copy()
        state = optimizer.get_state()
        optimizer.apply([a], [a])
        optimizer.set_state(state)
        twin.apply([b], [b])
        assert np.array_equal(a, b)
        assert twin.iterations == optimizer.iterations + 1


def test_prints_as_the_course_wants_it():
    assert str(optimizers.Adam(learning_rate=0.001)) == "Adam lr=0.001"
    assert str(optimizers.Adamax(learning_rate=0.00000001)) == "Adamax lr=0.00000001"


def test_apply_gradients_in_place_on_views():
    whole = np.ones((4, 6), np.float32)
    view = whole[:, ::2]
    optimizer = optimizers.SGD(0.5)
    assert optimizer.apply_gradients([(np.ones((4, 3)), view)]) == 1
    assert whole.tolist() == [[0.5, 1.0] * 3] * 4


def test_weight_decay_leaves_out_what_is_excluded():
    a, b = np.ones(3), np.ones(3)
    optimizer = optimizers.SGD(1.0, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_list=[b])
    optimizer.apply([np.zeros(3), np.zeros(3)], [a, b])
    assert a == pytest.approx(0.9)
    assert b.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="comes too late"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = gdcore.Sequential([gdcore.layers.Dense(2, input_dim=2, bias_initializer="ones")])
    kernel = model.get_weights()[0]
    optimizer = optimizers.SGD(1.0, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "mse")
    x = np.eye(2)
    model.fit(x, model.predict(x), batch_size=2, verbose=0)
    np.testing.assert_allclose(model.layers[0].kernel, 0.9 * kernel, rtol=1e-6)
    assert model.layers[0].bias.tolist() == [1, 1]


def test_fit_ends_on_the_moving_average():
    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1, kernel_initializer="zeros")], dtype="float64")
    model.compile(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    model.fit([1.0], [1.0], epochs=2, verbose=0)
    # 0 -> 0.2, 0.32 by hand; the average is 0.2, then 0.26
    assert model.get_weights()[0] == pytest.approx(0.26)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optimizers.Adam(clipnorm=1, clipvalue=1), ValueError, "only one of clipnorm, clipvalue"),
        (lambda: optimizers.Adam(clipnorm=-1), ValueError, "clipnorm=-1 is not a finite number between 0 and inf"),
        (lambda: optimizers.Adam(beta_1=2), ValueError, "beta_1=2 is not a finite number between 0 and 1"),
        (lambda: optimizers.AdamW(weight_decay=None), ValueError, "weight_decay=None"),
        (lambda: optimizers.Lion(beta_1=0), ValueError, "beta_1=0"),
        (lambda: optimizers.Ftrl(learning_rate_power=1), ValueError, "learning_rate_power=1"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), ValueError, "gradient_accumulation_steps=1"),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=1.5), ValueError, "ema_momentum=1.5"),
        (lambda: optimizers.SGD(ema_overwrite_frequency=0.5), ValueError, "ema_overwrite_frequency=0.5"),
        (lambda: optimizers.get("adma"), ValueError, "Did you mean"),
        (lambda: optimizers.SGD().apply([np.ones(2)], [np.ones(3)]), ValueError, r"grads\[0\] has shape \(2,\), exp"),
        (lambda: optimizers.SGD().apply([1j * np.ones(3)], [np.ones(3)]), TypeError, r"grads\[0\] has dtype complex"),
        (lambda: optimizers.SGD().apply([], [np.ones(3)]), ValueError, "grads has 0 arrays, expected 1"),
        (lambda: optimizers.SGD().apply([[1]], [[1.0]]), TypeError, "trainable_variables holds a list"),
        (lambda: optimizers.SGD().apply([[1]], [np.array([1])]), TypeError, "holds a int64 array, expected arrays of"),
        (lambda: optimizers.SGD().build([np.ones(1), np.ones(1, "f4")]), ValueError, "expected one type for all"),
        (lambda: optimizers.SGD().set_state({"applied": 0, "slots": np.ones((1, 2))}), ValueError, "build it first"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_read_only_arrays_are_refused_before_anything_changes():
    a, b = np.ones(2), np.ones(2)
    b.setflags(write=False)
    optimizer = optimizers.SGD(0.1)
    with pytest.raises(ValueError, match=r"trainable_variables\[1\] is read-only"):
        optimizer.apply([a, b], [a, b])
    assert a.tolist() == [1, 1]
    assert optimizer.iterations == 0


@pytest.mark.parametrize("name", optimizers._CLASSES)
def test_empty_and_non_finite(name):
    optimizer = getattr(optimizers, name)()
    empty = np.ones((0, 3))
    optimizer.apply([empty], [empty])
    assert optimizer.iterations == 1
    values = np.ones(3, np.float32)
    optimizer = getattr(optimizers, name)()
    optimizer.apply([[np.nan, 1.0, 2.0]], [values])
    assert np.isnan(values[0])
    assert np.isfinite(values[1:]).all()
