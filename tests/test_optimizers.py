"""Optimizers: Keras's figures, the formulas of the reference, settings, and work on arrays alone."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdcore
from gdcore import optimizers, reference
from gdcore._fields import Flag, Text
from gdcore.optimizers.settings import Numbers, Patterns

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "optimizers.json").read_text())
ARRAYS = np.load(FOLDER / "optimizers.npz")
STEPS = FIGURES["steps"]
# those that contain a sum over an array, or a power that libraries round differently
NOT_ELEMENTWISE = ("nadam", "ftrl", "clipnorm", "lamb", "adafactor", "muon", "sgd loss scale", "dynamic")
# all that need no other optimizer
NAMES = [name for name in optimizers.lookup.CLASSES if name != "LossScaleOptimizer"]


def check(case, ours, theirs):
    if any(word in case for word in NOT_ELEMENTWISE):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-7 * np.abs(theirs).max())
    else:
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("case", FIGURES["cases"])
def test_keras_figures(case):
    name, config = FIGURES["cases"][case]
    count = sum(f"{case}/{i}" in ARRAYS for i in range(len(FIGURES["names"])))
    variables = [ARRAYS[f"start/{i}"].copy() for i in range(count)]
    grads = [ARRAYS[f"grads/{i}"] for i in range(count)]
    optimizer = getattr(optimizers, name).from_config(config)
    optimizer._build(variables, FIGURES["names"][:count])
    for t in range(max(STEPS)):
        step = [g[t] for g in grads]
        if name == "LossScaleOptimizer":
            step = [np.float32(optimizer.scale_loss(g)) for g in step]
            if t % 7 == 5:
                step[0] = np.full_like(step[0], np.inf)
        optimizer.apply(step, variables)
        if t + 1 not in STEPS:
            continue
        for i in range(count):
            check(case, variables[i], ARRAYS[f"{case}/{i}"][STEPS.index(t + 1)])
    if name == "LossScaleOptimizer":
        assert optimizer.dynamic_scale == ARRAYS[f"{case}/scale"]
        assert optimizer.iterations == 200 - 28
    else:
        assert optimizer.iterations == 200 // (optimizer.gradient_accumulation_steps or 1)
    if optimizer.use_ema:
        optimizer.finalize_variable_values(variables)
        for i in range(count):
            check(case, variables[i], ARRAYS[f"{case}/final/{i}"])


ADAN = np.load(Path(__file__).parent / "peer_figures" / "adan.npz")
ADAN_CASES = json.loads(str(ADAN["about"]))


@pytest.mark.parametrize("case", ADAN_CASES["cases"])
def test_adan_is_that_of_another_library(case):
    optimizer, steps = optimizers.Adan(**ADAN_CASES["cases"][case]), ADAN_CASES["steps"]
    variables = [ADAN[f"start/{i}"].copy() for i in range(2)]
    for t in range(max(steps)):
        optimizer.apply([ADAN[f"grads/{i}"][t] for i in range(2)], variables)
        for i in range(2) if t + 1 in steps else ():
            np.testing.assert_allclose(variables[i], ADAN[f"{case}/{i}"][steps.index(t + 1)], rtol=0, atol=1e-12)


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
        "Adan": {"beta_1": unit, "beta_2": unit, "beta_3": unit},
        "Lion": {"beta_1": unit, "beta_2": unit},
        "Lamb": {"beta_1": unit, "beta_2": unit},
        "Adafactor": {
            "beta_2_decay": st.floats(-1.0, -0.1),
            "epsilon_1": st.sampled_from([1e-30, 1e-3]),
            "epsilon_2": st.floats(0.0, 0.1),
            "clip_threshold": st.floats(0.1, 2.0),
        },
        "Muon": {
            "adam_beta_1": unit,
            "adam_beta_2": unit,
            "adam_weight_decay": st.sampled_from([None, 0.02]),
            "muon_a": st.floats(1.0, 4.0),
            "adam_lr_ratio": st.floats(0.1, 2.0),
            "momentum": unit,
            "ns_steps": st.integers(0, 5),
            "nesterov": st.booleans(),
            "rms_rate": st.sampled_from([None, 0.2]),
        },
        "ScheduleFreeAdamW": {"beta_1": unit, "beta_2": unit, "warmup_steps": st.integers(0, 6)},
    }
    name = draw(st.sampled_from(sorted(own)))
    config = {key: draw(values) for key, values in own[name].items()}
    if "epsilon" in optimizers.lookup.CLASSES[name]().get_config():
        config["epsilon"] = draw(st.sampled_from([1e-7, 1e-2]))
    config["learning_rate"] = draw(st.floats(1e-3, 0.1))
    config["weight_decay"] = draw(st.sampled_from([0.01] if name == "AdamW" else [None, 0.01]))
    config.update(draw(st.sampled_from([{}, {"clipnorm": 0.5}, {"clipvalue": 0.5}, {"global_clipnorm": 0.5}])))
    if draw(st.booleans()):
        config.update(use_ema=True, ema_momentum=draw(unit), ema_overwrite_frequency=draw(st.sampled_from([None, 2])))
    config["gradient_accumulation_steps"] = draw(st.sampled_from([None, 2, 3]))
    config["loss_scale_factor"] = draw(st.sampled_from([None, 0.3, 1024.0]))
    return name, config


@given(settings_of(), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_against_the_reference(chosen, scheduled, seed):
    name, config = chosen
    rng = np.random.default_rng(seed)
    start = [rng.normal(size=shape) for shape in ((4, 3), (3,), (2, 19), (2, 3, 2), ())]
    ours, theirs = [v.copy() for v in start], [v.copy() for v in start]
    if scheduled:
        config["learning_rate"] = optimizers.schedules.ExponentialDecay(config["learning_rate"], 2, 0.7)
    fast = getattr(optimizers, name)(**config)
    described = {"name": name, **fast.get_config()}
    if scheduled:
        decay = config["learning_rate"].get_config()
        described["learning_rate"] = lambda step: reference.schedules.exponential_decay(np.float64(step), **decay)
    slow = getattr(reference.optimizers, name)(**described)
    for _ in range(8):
        grads = [rng.normal(size=v.shape) for v in start]
        fast.apply(grads, ours)
        slow.apply(theirs, [np.asarray(g) for g in grads])
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
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


MADE = {
    **{name: getattr(optimizers, name) for name in NAMES},
    "LossScaleOptimizer": lambda **own: optimizers.LossScaleOptimizer(
        own.pop("inner_optimizer", optimizers.SGD()), **own
    ),
    "ExponentialDecay": lambda **own: optimizers.schedules.ExponentialDecay(**{**DECAY, "decay_rate": 0.5, **own}),
    "InverseTimeDecay": lambda **own: optimizers.schedules.InverseTimeDecay(**{**DECAY, "decay_rate": 0.5, **own}),
    "PolynomialDecay": lambda **own: optimizers.schedules.PolynomialDecay(**{**DECAY, **own}),
    "CosineDecay": lambda **own: optimizers.schedules.CosineDecay(**{**DECAY, **own}),
    "CosineDecayRestarts": lambda **own: optimizers.schedules.CosineDecayRestarts(
        **{"initial_learning_rate": 0.1, "first_decay_steps": 5, **own}
    ),
    "PiecewiseConstantDecay": lambda **own: optimizers.schedules.PiecewiseConstantDecay(
        **{"boundaries": [3], "values": [0.2, 0.1], **own}
    ),
    "EpochDecay": lambda **own: optimizers.schedules.EpochDecay(
        **{"initial_learning_rate": 0.1, "decay": 0.1, "steps_per_epoch": 3, **own}
    ),
}
"""All optimizers and schedules by name, made of some settings."""
DECAY = {"initial_learning_rate": 0.1, "decay_steps": 5}


def bad_values(field):
    """What no setting of that sort can be."""
    values = [b"x", np.nan, np.inf, -np.inf, 10**400, 10**5000, 1j, object(), {}, np.array([0.5, 0.5])]
    if not isinstance(field, Text):
        values += ["x", "0.5", "", np.str_("1")]
    if not isinstance(field, Flag):
        values += [True, False, np.True_]
    if not field.optional:
        values.append(None)
    if isinstance(field, Numbers | Patterns):
        values = [v for v in values if not isinstance(v, np.ndarray)]  # whose lengths the others must fit
        entries = [v for v in values if not (isinstance(field, Patterns) and isinstance(v, str))]
        values += [[entry] for entry in entries] + ["ab"]
    return values


SETTINGS = [
    (name, cls, setting)
    for name in MADE
    for cls in [optimizers.lookup.CLASSES.get(name) or getattr(optimizers.schedules, name)]
    for setting in cls._fields
]


def test_the_walk_below_visits_every_class():
    assert set(MADE) == {*optimizers.lookup.CLASSES, *optimizers.schedules._CLASSES}


@pytest.mark.parametrize(("name", "cls", "setting"), SETTINGS)
def test_a_setting_refuses_what_it_cannot_be(name, cls, setting):
    field, made = cls._fields[setting], MADE[name]()
    before = json.dumps(made.get_config())
    for value in bad_values(field):
        with pytest.raises((TypeError, ValueError), match=f"^{setting}(\\[0\\])?="):
            MADE[name](**{setting: value})
        with pytest.raises((TypeError, ValueError), match=f"^{setting}(\\[0\\])?="):
            setattr(made, setting, value)
        assert json.dumps(made.get_config()) == before
    if field.optional:
        setattr(made, setting, None)
        MADE[name](**{setting: None})


@pytest.mark.parametrize(("name", "cls", "setting"), SETTINGS)
def test_a_setting_s_default_stands_in_the_signature_of_its_class(name, cls, setting):
    field, parameters = cls._fields[setting], inspect.signature(cls).parameters
    assert field.owner in cls.__mro__
    # those of the base class come by **options
    default = parameters[setting].default if setting in parameters else field.default
    assert setting not in parameters or field.default == default
    if default is inspect.Parameter.empty:
        return
    value = getattr(MADE[name](), setting)
    if setting == "name":
        assert isinstance(value, str)
        assert value == (default or value)
    else:
        assert value == (default if default is not None or not isinstance(field, Patterns) else [])


@pytest.mark.parametrize("name", MADE)
def test_the_fields_are_all_settings(name):
    made = MADE[name]()
    cls = type(made)
    settings = {key for c in cls.__mro__[:-1] if c is not object for key in inspect.signature(c).parameters}
    if name == "LossScaleOptimizer":
        settings = set(inspect.signature(cls).parameters)
    assert settings - {"options", "args", "kwargs", "learning_rate"} == set(cls._fields)
    assert set(made.get_config()) - {"learning_rate"} == set(cls._fields)


@pytest.mark.parametrize("value", ["0.1", True, np.False_, None, np.nan, np.inf, -0.1, 10**400, 1j, [0.1]])
def test_a_rate_refuses_what_it_cannot_be(value):
    for name in NAMES:
        with pytest.raises((TypeError, ValueError), match=r"^learning_rate="):
            getattr(optimizers, name)(value)
    for optimizer in (optimizers.SGD(0.5), optimizers.LossScaleOptimizer(optimizers.SGD(0.5))):
        with pytest.raises((TypeError, ValueError), match=r"^learning_rate="):
            optimizer.learning_rate = value
        assert optimizer.learning_rate == 0.5


@pytest.mark.parametrize("rate", [1, np.float32(0.5), np.int64(1), np.array(0.5), np.where(True, 0.5, 0.25)])
def test_numpy_s_numbers_are_numbers(rate):
    optimizer = optimizers.SGD(rate, momentum=rate, nesterov=np.True_)
    assert optimizer.learning_rate == optimizer.momentum == float(rate)
    assert optimizers.SGD(lambda: rate).learning_rate == float(rate)
    assert json.loads(json.dumps(optimizer.get_config()))["momentum"] == float(rate)


def test_one_limit_for_gradients_at_most():
    optimizer = optimizers.SGD(clipnorm=1.0)
    with pytest.raises(ValueError, match=r"only one of .* can be set, got {'clipnorm': 1.0, 'clipvalue': 2.0}"):
        optimizer.clipvalue = 2.0
    assert (optimizer.clipnorm, optimizer.clipvalue) == (1.0, None)
    optimizer.clipnorm = None
    optimizer.clipvalue = 2
    assert optimizer.get_config() == optimizers.SGD(clipvalue=2.0).get_config()


@pytest.mark.parametrize(
    ("make", "change", "vector"),
    [
        (lambda: optimizers.SGD(), {"momentum": 0.9}, "momentum"),
        (lambda: optimizers.SGD(), {"use_ema": True}, "moving_average"),
        (lambda: optimizers.SGD(), {"gradient_accumulation_steps": 2}, "accumulated_gradient"),
        (lambda: optimizers.Adam(), {"amsgrad": True}, "velocity_hat"),
        (lambda: optimizers.RMSprop(), {"centered": True}, "average_gradient"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.Adam()), {"amsgrad": True}, "velocity_hat"),
    ],
)
def test_settings_that_add_vectors_come_before_these(make, change, vector):
    optimizer, values = make(), np.ones(50)
    optimizer.apply([values.copy()], [values])
    optimizer.apply([values.copy()], [values])
    before, state = values.copy(), optimizer.get_state()
    for name, value in change.items():
        setattr(optimizer, name, value)
        with pytest.raises(ValueError, match=rf"was built without the vector '{vector}'.*make a new one"):
            optimizer.apply([values.copy()], [values])
    assert np.array_equal(values, before)
    assert optimizer.get_state()["applied"] == state["applied"]
    assert np.array_equal(optimizer.get_state()["slots"], state["slots"])


def test_a_momentum_can_be_switched_off():
    optimizer, values = optimizers.SGD(0.5, momentum=0.9), np.zeros(2)
    optimizer.apply([np.ones(2)], [values])
    optimizer.momentum = 0
    optimizer.apply([np.ones(2)], [values])
    assert values.tolist() == [-1, -1]


def test_a_vector_does_not_stand_in_for_another():
    optimizer, values = optimizers.RMSprop(0.5, momentum=0.9), np.zeros(2)
    optimizer.apply([np.ones(2)], [values])
    optimizer.momentum = 0
    optimizer.apply([np.ones(2)], [values])
    before = values.copy()
    optimizer.centered = True
    with pytest.raises(ValueError, match="without the vector 'average_gradient'"):
        optimizer.apply([np.ones(2)], [values])
    assert np.array_equal(values, before)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("bias", r"='bias' is not a list of strings"),
        (3, r"=3 is not a list of strings"),
        ([3], r"\[0\]=3 is not a string"),
        (["a", "("], r"\[1\]='\(' is not a regular expression"),
    ],
)
def test_patterns(value, message):
    with pytest.raises(ValueError, match="exclude_layers" + message):
        optimizers.Muon(exclude_layers=value)
    with pytest.raises(ValueError, match="var_names" + message):
        optimizers.SGD().exclude_from_weight_decay(var_names=value)
    given = ["a"]
    optimizer = optimizers.Muon(exclude_layers=given)
    given.append("b")
    optimizer.get_config()["exclude_layers"].append("c")
    assert optimizer.exclude_layers == ["a"]


def test_a_state_is_taken_whole_or_not_at_all():
    optimizer, values = optimizers.Adam(0.1), np.ones(3)
    optimizer.apply([values.copy()], [values])
    before = optimizer.get_state()
    for bad in ({"scalars": np.ones(7)}, {"slots": np.ones((1, 3))}, {"applied": "x"}):
        with pytest.raises((ValueError, TypeError)):
            optimizer.set_state({**optimizer.get_state(), "slots": np.zeros((2, 3)), **bad})
        after = optimizer.get_state()
        assert all(np.array_equal(before[key], after[key]) for key in before)


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
    with pytest.raises(ValueError, match="must be called before build"):
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


def test_muon_goes_by_the_paths_of_a_model():
    def trained(**config):
        gdcore.utils.set_random_seed(3)
        layers = [gdcore.layers.Dense(5, "tanh", input_dim=4), gdcore.layers.Dense(2, name="out")]
        model = gdcore.Sequential(layers)
        x, y = np.random.default_rng(1).normal(size=(2, 30, 4))
        model.compile(optimizers.Muon(0.01, **config), "mse")
        model.fit(x, y[:, :2], epochs=3, batch_size=30, verbose=0)
        return model

    plain, excluding = trained(), trained(exclude_layers=["^sequential/out/"])
    assert plain.optimizer._adam.tolist() == [0, 1, 0, 1]
    assert excluding.optimizer._adam.tolist() == [0, 1, 1, 1]
    assert not np.array_equal(plain.layers[1].kernel, excluding.layers[1].kernel)
    with pytest.raises(ValueError, match="rms_rate=-1"):
        optimizers.Muon(rms_rate=-1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (17, 33), (64, 16), (50, 50)])
def test_muon_makes_singular_values_alike(dtype, shape):
    values = np.zeros(shape, dtype)
    grad = np.random.default_rng(5).normal(size=shape).astype(dtype)
    optimizer = optimizers.Muon(1.0, nesterov=False, momentum=0.0, rms_rate=None, ns_steps=12, weight_decay=None)
    # with these coefficients the iteration converges to 1
    optimizer.muon_a, optimizer.muon_b, optimizer.muon_c = 15 / 8, -10 / 8, 3 / 8
    optimizer.apply([grad], [values])
    u, _, v = np.linalg.svd(grad.astype(np.float64), full_matrices=False)
    if shape != (50, 50):  # which has a singular value that is too small for so few steps
        np.testing.assert_allclose(-values, u @ v, atol=1e-4)
    expected = reference.optimizers.Muon(
        **{**optimizer.get_config(), "learning_rate": 1.0},
    ).orthogonalised(grad.astype(np.float64))
    np.testing.assert_allclose(-values, expected, atol=2e-4 if dtype == "float32" else 1e-10)


def test_loss_scaling_changes_nothing_but_rounding():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(60, 4)), rng.normal(size=(60, 2))
    results = []
    for wrap in (
        lambda: optimizers.Adam(0.01),
        lambda: optimizers.Adam(0.01, loss_scale_factor=2.0**20),
        lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01, loss_scale_factor=3.0), dynamic_growth_steps=4),
        lambda: optimizers.Adam(0.01, loss_scale_factor=1000),
    ):
        gdcore.utils.set_random_seed(1)
        model = gdcore.Sequential([gdcore.layers.Dense(5, "tanh", input_dim=4), gdcore.layers.Dense(2)])
        model.compile(wrap(), "mse")
        history = model.fit(x, y, epochs=4, batch_size=20, verbose=0)
        results.append((model, history.history["loss"], np.concatenate([w.ravel() for w in model.get_weights()])))
    plain, power, dynamic, other = results
    # powers of two are exact
    assert plain[1] == power[1] == dynamic[1]
    assert np.array_equal(plain[2], power[2])
    assert np.array_equal(plain[2], dynamic[2])
    np.testing.assert_allclose(other[2], plain[2], rtol=1e-4, atol=1e-5)
    assert dynamic[0].optimizer.dynamic_scale == 2.0 ** (15 + 12 // 4)
    assert dynamic[0].optimizer.iterations == 12
    # the gradient of the model itself is not scaled
    for a, b in zip(plain[0].gradient(x, y)[1], power[0].gradient(x, y)[1], strict=True):
        assert np.array_equal(a, b)


def test_a_dynamic_loss_scale_leaves_out_what_is_not_finite():
    values = np.ones(3)
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5, loss_scale_factor=7.0), 8.0, 2, name="scaled")
    assert optimizer.scale_loss(1.0) == 8
    assert optimizers.SGD(loss_scale_factor=7.0).scale_loss(2.0) == 14
    assert optimizers.SGD().scale_loss(2.0) == 2
    optimizer.apply([[np.inf, 0, 0]], [values])
    assert values.tolist() == [1, 1, 1]
    assert (optimizer.dynamic_scale, optimizer.iterations) == (4, 0)
    optimizer.apply([[4, 8, -4]], [values])
    assert values.tolist() == [0.5, 0, 1.5]
    assert (optimizer.dynamic_scale, optimizer.iterations, optimizer.inner_optimizer.iterations) == (4, 1, 1)
    for twin in (optimizer, copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        twin.apply([[0, 0, 0]], [values])
        assert (twin.dynamic_scale, twin.iterations) == (8, 2)
    optimizer.learning_rate = 0.25
    assert optimizer.inner_optimizer.learning_rate == optimizer.learning_rate == 0.25
    assert str(optimizer) == "LossScaleOptimizer lr=0.25"
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert again.get_config() == optimizer.get_config()
    assert again.name == "scaled"
    state = optimizer.get_state()
    again.build([values])
    again.set_state(state)
    assert (again.dynamic_scale, again.iterations) == (8, 2)
    with pytest.raises(TypeError, match="inner_optimizer='sgd' is not an optimizer"):
        optimizers.LossScaleOptimizer("sgd")
    with pytest.raises(TypeError, match="inner_optimizer"):
        optimizers.get("lossscaleoptimizer")


def test_around_an_optimizer_its_settings_and_state_are_its_own():
    inner = optimizers.Adam(0.1, loss_scale_factor=3.0, use_ema=True)
    optimizer = optimizers.LossScaleOptimizer(inner)
    assert inner.loss_scale_factor is None
    for name, value in {"learning_rate": 0.5, "weight_decay": 0.25, "clipvalue": 2.0, "beta_1": 0.75}.items():
        setattr(optimizer, name, value)
        assert getattr(inner, name) == getattr(optimizer, name) == value
        with pytest.raises(ValueError, match=f"{name}=-1"):
            setattr(optimizer, name, -1)
    for name in optimizers.Adam._fields:
        assert name == "name" or getattr(optimizer, name) == getattr(inner, name)
    values = [np.ones((2, 3)), np.ones(4)]
    optimizer.apply(values, [v.copy() for v in values])
    # all that the base class gives an instance is forwarded, so that nothing is kept twice
    assert set(vars(inner)) - set(optimizers.Adam._fields) - {"_prepared", "_prepared_as_of"} <= set(
        optimizer._FORWARDED
    )
    assert set(vars(optimizer)) - {"_prepared", "_prepared_as_of"} == set(optimizers.LossScaleOptimizer._fields)
    assert optimizer._slot_names == ("momentum", "velocity", "moving_average")
    assert optimizer.variables[2] is not None
    spec = optimizer._spec()
    assert (spec.parameters, spec.clipping, spec.clip_at) == ((0.75, 0.999, 1e-7, 0.0), "clipvalue", 2.0)
    with pytest.raises(AttributeError, match="no attribute 'beta_3'"):
        _ = optimizer.beta_3
    with pytest.raises(ValueError, match=r"inner_optimizer=.* is not an optimizer whose loss could be scaled"):
        optimizers.LossScaleOptimizer(optimizer)
    untouched = optimizers.SGD(loss_scale_factor=2.0)
    with pytest.raises(ValueError, match="initial_scale=0"):
        optimizers.LossScaleOptimizer(untouched, 0)
    assert untouched.loss_scale_factor == 2


def test_a_loss_scale_is_kept_as_keras_keeps_it():
    optimizer, values = optimizers.LossScaleOptimizer(optimizers.Nadam(0.5), 8.0, 5), [np.ones((2, 3)), np.ones(4)]
    assert [v.tolist() for v in optimizer._keras_variables()] == [0, 0, 0, 0.5]
    for _ in range(7):
        optimizer.apply([np.ones((2, 3)), np.ones(4)], values)
    kept = optimizer._keras_variables()
    # iterations and rate, which Keras's class inherits and does not use; steps and scale; those of the inner optimizer
    assert [v.tolist() for v in kept[:6]] == [0, 0, 2, 16, 7, 0.5]
    assert [v.shape for v in kept[6:]] == [(2, 3), (2, 3), (4,), (4,), ()]
    twin = optimizers.LossScaleOptimizer(optimizers.Nadam(0.25))
    twin.build(values)
    before = [v.copy() for v in twin._keras_variables()]
    for place, bad in ((2, -1), (3, 0.0), (3, np.nan), (4, -1), (5, np.inf)):
        wrong = [np.array(bad) if i == place else v for i, v in enumerate(kept)]
        with pytest.raises(ValueError, match=r"is no (loss scale|number of iterations|learning rate)"):
            twin._set_keras_variables(wrong)
        assert all(np.array_equal(a, b) for a, b in zip(before, twin._keras_variables(), strict=True))
    twin._set_keras_variables(kept)
    assert all(np.array_equal(a, b) for a, b in zip(kept, twin._keras_variables(), strict=True))
    assert (twin.dynamic_scale, twin.iterations, twin.learning_rate) == (16, 7, 0.5)


def test_models_with_a_loss_scale_are_saved(tmp_path):
    pytest.importorskip("h5py", reason="h5py is not installed")
    model = gdcore.Sequential([gdcore.layers.Dense(2, input_dim=3)])
    model.compile(optimizers.LossScaleOptimizer(optimizers.Adam(0.125), 2.0, 3), "mse")
    x, y = np.random.default_rng(1).normal(size=(2, 20, 3))
    model.fit(x, y[:, :2], batch_size=5, epochs=2, verbose=0)
    model.save(tmp_path / "scaled.keras")
    model.save_weights(tmp_path / "scaled.weights.h5")
    again = gdcore.models.load_model(tmp_path / "scaled.keras")
    twin = gdcore.models.clone_model(model)
    twin.compile(optimizers.LossScaleOptimizer(optimizers.Adam(0.25)), "mse")
    twin._build_optimizer(twin.optimizer)
    twin.load_weights(tmp_path / "scaled.weights.h5")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for other in (again, twin):
        assert other.optimizer.dynamic_scale == model.optimizer.dynamic_scale == 8
        for a, b in zip(model.optimizer._keras_variables(), other.optimizer._keras_variables(), strict=True):
            assert np.array_equal(a, b)


def test_called_as_scipy_calls_it_an_optimizer_minimises():
    code = """
import sys
from gdcore.optimizers import SGD
assert "gdcore.optimize" not in sys.modules and "scipy" not in sys.modules
result = SGD(0.25)(lambda x: float((x * x).sum()), [1.0, -2.0], jac=lambda x: 2 * x, maxiter=50)
print(result.nit, abs(result.x).max() < 1e-6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "True"


def test_the_scale_grows_no_further_than_float32():
    values = np.ones(1, np.float32)
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(1.0), 2.0**100, 1)
    for _ in range(100):
        optimizer.apply([np.float32([optimizer.dynamic_scale / 100])], [values])
    assert optimizer.dynamic_scale == 2.0**127
    assert values == pytest.approx(0, abs=1e-5)


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
        (lambda: optimizers.Adam(clipnorm=-1), ValueError, "clipnorm=-1 is not a finite number of at least 0"),
        (lambda: optimizers.Adam(beta_1=2), ValueError, "beta_1=2 is not a finite number between 0 and 1"),
        (lambda: optimizers.AdamW(weight_decay=None), ValueError, "weight_decay=None"),
        (lambda: optimizers.Lion(beta_1=0), ValueError, "beta_1=0"),
        (lambda: optimizers.Ftrl(learning_rate_power=1), ValueError, "learning_rate_power=1"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), ValueError, "gradient_accumulation_steps=1"),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=1.5), ValueError, "ema_momentum=1.5"),
        (lambda: optimizers.SGD(ema_overwrite_frequency=0.5), ValueError, "ema_overwrite_frequency=0.5"),
        (
            lambda: optimizers.SGD(loss_scale_factor=0),
            ValueError,
            "loss_scale_factor=0 is not a finite number gr",
        ),
        (
            lambda: optimizers.Adafactor(clip_threshold=0),
            ValueError,
            "clip_threshold=0 is not a finite number greater",
        ),
        (lambda: optimizers.Adafactor(beta_2_decay=0.1), ValueError, "beta_2_decay=0.1"),
        (lambda: optimizers.Muon(ns_steps=2.5), ValueError, "ns_steps=2.5 is not an integer of at least 0"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=0), ValueError, "beta_1=0"),
        (lambda: optimizers.ScheduleFreeAdamW(warmup_steps=-1), ValueError, "warmup_steps=-1"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), 0), ValueError, "initial_scale=0"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), 2.0, 0), ValueError, "dynamic_growth_steps=0"),
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


@pytest.mark.parametrize("name", NAMES)
def test_empty_and_non_finite(name):
    optimizer = getattr(optimizers, name)()
    empty, more, other = np.ones((0, 3)), np.ones((3, 0)), np.ones((2, 2))
    optimizer.apply([empty, more, other], [empty, more, other])
    assert optimizer.iterations == 1
    assert np.isfinite(other).all()
    values = np.ones(3, np.float32)
    optimizer = getattr(optimizers, name)()
    optimizer.apply([[np.nan, 1.0, 2.0]], [values])
    assert np.isnan(values[0])
    # Adafactor looks at the mean of all
    assert name == "Adafactor" or np.isfinite(values[1:]).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clipnorm": 0.1},
        {"global_clipnorm": 0.1},
        {"clipvalue": 0.1},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 4.0},
        {"weight_decay": 0.1},
        {"use_ema": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", [*optimizers.lookup.CLASSES, "LossScaleOptimizer"])
def test_gradients_stay_as_they_are_whether_or_not_they_are_copied(name, options):
    rng = np.random.default_rng(0)
    start, grad = rng.normal(size=(2, 5, 4)).astype(np.float32)
    results = []
    for passed in (grad, np.asfortranarray(grad), grad.astype(np.float64), np.require(grad, requirements=[])[:]):
        passed.flags.writeable = passed is not grad
        if name == "LossScaleOptimizer":
            optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.1, **{**options, "loss_scale_factor": None}))
        else:
            optimizer = optimizers.lookup.CLASSES[name](learning_rate=0.1, **options)
        variable, before = start.copy(), passed.copy()
        for _ in range(3):
            optimizer.apply([passed], [variable])
        assert np.array_equal(passed, before)
        results.append(variable)
        grad.flags.writeable = True
    assert not np.array_equal(results[0], start)
    for other in results[1:]:
        assert np.array_equal(other, results[0])


def test_gradients_may_lie_in_the_memory_of_their_variables():
    memory = np.linspace(-1, 1, 101).astype(np.float32)
    apart = memory[:-1].copy()
    optimizers.SGD(0.5).apply([memory[1:].copy()], [apart])
    optimizers.SGD(0.5).apply([memory[1:]], [memory[:-1]])
    assert np.array_equal(memory[:-1], apart)


def _twice(optimizer, grads, arrays):
    """The arrays after two updates, the second of which has no settings to look at."""
    arrays = [a.copy() for a in arrays]
    optimizer.apply(grads, arrays)
    optimizer.apply(grads, arrays)
    return arrays


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*optimizers.lookup.CLASSES, "LossScaleOptimizer"])
def test_the_short_way_of_later_updates_has_the_bits_of_the_long_one(name, dtype, decay):
    rng = np.random.default_rng(1)
    shapes = [(40000,), (3, 5), (), (2, 0), (1, 2, 3)]
    start = [rng.normal(size=s).astype(dtype) for s in shapes]
    grads = [rng.normal(size=s).astype(dtype) for s in shapes]

    def make():
        inner = "Adam" if name == "LossScaleOptimizer" else name
        made = optimizers.lookup.CLASSES[inner](learning_rate=0.1, weight_decay=decay)
        return optimizers.LossScaleOptimizer(made, initial_scale=4.0) if name == "LossScaleOptimizer" else made

    short, long = make(), make()
    ours = _twice(short, grads, start)
    theirs = _twice(long, tuple(grads), start)  # a tuple is not what the short way takes
    for a, b in zip(ours, theirs, strict=True):
        assert a.tobytes() == b.tobytes()
    assert short.iterations == long.iterations == 2
    for a, b in zip(short.variables, long.variables, strict=True):
        assert a.tobytes() == b.tobytes()


def test_later_updates_follow_every_change_of_a_setting():
    grad, changes = np.float32([1, -2, 3]), [("learning_rate", 0.5), ("clipvalue", 0.1), ("weight_decay", 0.3)]
    optimizer, values = optimizers.SGD(0.1), np.zeros(3, np.float32)
    for name, value in [("name", "same"), *changes]:
        optimizer.apply([grad], [values])
        state = optimizer.get_state()
        optimizer.apply([grad], [values])
        setattr(optimizer, name, value)
        optimizer.set_state(state)
        twin, other = optimizers.SGD.from_config(optimizer.get_config()), values.copy()
        optimizer.apply([grad], [values])
        twin.apply([grad], [other])
        assert np.array_equal(values, other), name
    assert optimizer.iterations == 8  # of each round, the one that was taken back does not count


def test_later_updates_refuse_what_the_first_would():
    values, grad = np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)
    optimizer = optimizers.Adam(0.1)
    optimizer.apply([grad], [values])
    optimizer.apply([grad], [values])
    before = values.copy()
    fixed = values.copy()
    fixed.flags.writeable = False
    for grads, arrays, error, message in [
        ([grad, grad], [values], ValueError, "grads has 2 arrays, expected 1"),
        ([grad.T], [values], ValueError, r"grads\[0\] has shape \(3, 2\), expected \(2, 3\)"),
        ([grad.reshape(6)], [values.reshape(6)], ValueError, "already belongs to arrays of shapes"),
        ([grad], [values.astype(float)], ValueError, "already belongs to arrays of shapes"),
        ([grad], [fixed], ValueError, "read-only"),
        ([grad], [values.tolist()], TypeError, "holds a list"),
        ([grad], [values.astype(">f4")], TypeError, "holds a >f4 array|holds a .*float32 array"),
        (None, None, TypeError, "not iterable"),
    ]:
        with pytest.raises(error, match=message):
            optimizer.apply(grads, arrays)
    assert np.array_equal(values, before)
    assert optimizer.iterations == 2


def test_later_updates_take_gradients_of_any_layout_and_place():
    start, grad = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4), np.ones((3, 4), np.float32)
    grad[1] = -2
    fitting = _twice(optimizers.Adam(0.1), [grad], [start])[0]
    big = np.zeros((6, 8), np.float32)
    big[::2, ::2] = grad
    odd = np.zeros(49, np.uint8)[1:].view(np.float32).reshape(3, 4)
    odd[...] = grad
    for other in (big[::2, ::2], np.asfortranarray(grad), grad.astype(">f4"), grad.astype(float), odd, grad.tolist()):
        assert np.array_equal(_twice(optimizers.Adam(0.1), [other], [start])[0], fitting)
    optimizer, values = optimizers.SGD(0.5), start.copy()
    optimizer.apply([grad], [values])
    expected = values - 0.5 * values
    optimizer.apply([values], [values])
    assert np.array_equal(values, expected)


def test_an_optimizer_that_has_updated_is_copied_and_pickled():
    optimizer, values = optimizers.Adam(0.1), np.ones(3)
    optimizer.apply([values.copy()], [values])
    for twin in (copy.copy(optimizer), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert twin.iterations == 1
        twin._slots = twin._slots.copy()
        ours, theirs = values.copy(), values.copy()
        twin.apply([np.ones(3)], [ours])
        state = optimizer.get_state()
        optimizer.apply([np.ones(3)], [theirs])
        optimizer.set_state(state)
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("size", [10, 50000])
@pytest.mark.parametrize(("dtype", "tiny"), [("float32", 2e-38), ("float64", 4e-308)])
def test_updates_take_denormal_numbers_for_zero_as_tensorflow_does_and_nobody_else_does(dtype, tiny, size):
    """A moment that decays stays where its next change is denormal, as Keras 3.15 prints 2e-38 on TensorFlow 2.21."""
    optimizer, values = optimizers.Adam(), np.ones(size, dtype)
    optimizer.build([values])
    optimizer._slots[...] = tiny
    for _ in range(8):
        optimizer.apply([np.zeros(size, dtype)], [values])
    assert (optimizer.variables[0] == np.array(tiny, dtype)).all()
    assert (optimizer.variables[1] == np.array(tiny, dtype)).all()
    assert np.array(tiny, dtype) * np.array(0.1, dtype) != 0
    model = gdcore.Sequential([gdcore.Input((2,), dtype=dtype), gdcore.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((3, 2)), np.ones(3), verbose=0)
    assert np.array(tiny, dtype) * np.array(0.1, dtype) != 0
