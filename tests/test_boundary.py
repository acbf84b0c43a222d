"""What is changed after a model, an optimizer or a schedule was put to use: never a crash, never wrong numbers.

A plan is made when a compiled model is first used, and holds until `compile` is called again or the structure
changes, as in Keras, whose functions are traced once (tried with Keras 3.15.1 on TensorFlow 2.21.0).  These tests run
under AddressSanitizer too.
"""

import copy
import itertools
import pickle
import threading
import warnings

import numpy as np
import pytest

import gdcore
from gdcore import Input, Sequential, layers, losses, optimizers
from gdcore._core import Network, kernels
from gdcore._core.specs import (
    ActivationSpec,
    DescentArrays,
    LayerSpec,
    LossSpec,
    ObjectiveSpec,
    OptimizerSpec,
    RegularizerSpec,
    ScheduleSpec,
    SurfaceSpec,
    VariableSpec,
)
from gdcore.optimizers import schedules

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype(np.float32)
Y = RNG.normal(size=(24, 1)).astype(np.float32)

OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "Adagrad": lambda: optimizers.Adagrad(0.05),
    "RMSprop": lambda: optimizers.RMSprop(0.01),
    "centered": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "Adadelta": lambda: optimizers.Adadelta(0.5),
    "Adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01),
    "Adamax": lambda: optimizers.Adamax(0.01),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "Ftrl": lambda: optimizers.Ftrl(0.05),
    "Adan": lambda: optimizers.Adan(0.01),
    "Lion": lambda: optimizers.Lion(0.01),
    "Lamb": lambda: optimizers.Lamb(0.01),
    "Adafactor": lambda: optimizers.Adafactor(0.01),
    "Muon": lambda: optimizers.Muon(0.01),
    "ScheduleFreeAdamW": lambda: optimizers.ScheduleFreeAdamW(0.01),
    "average": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.8),
    "accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "clipnorm": lambda: optimizers.SGD(0.05, momentum=0.9, clipnorm=0.1),
    "loss scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=8.0),
    "schedule": lambda: optimizers.SGD(schedules.ExponentialDecay(0.05, 3, 0.9), momentum=0.9),
}


def model_of(frozen=(), between=None):
    made = Sequential(
        [
            Input((3,)),
            layers.Dense(4, "tanh", name="a"),
            *([between] if between is not None else []),
            layers.Dense(5, "tanh", name="b"),
            layers.Dense(1, name="c"),
        ]
    )
    rng = np.random.default_rng(1)
    made.set_weights([rng.normal(0, 0.5, w.shape) if w.ndim > 1 else w for w in made.get_weights()])
    for name in frozen:
        made.get_layer(name).trainable = False
    return made


def fit(model, epochs=2, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, **options)


def assert_same(model, other):
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def error_of(call):
    """The message of the error that a call raises, or None."""
    try:
        call()
    except (TypeError, ValueError) as error:
        return str(error)
    return None


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


# ---- layer.trainable ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("at_first", [(), ("a",)], ids=["learned", "frozen"])
def test_trainable_before_the_first_fit_counts(optimizer, at_first):
    model, twin = model_of(at_first), model_of() if at_first else model_of(("a",))
    for each in (model, twin):
        each.compile(OPTIMIZERS[optimizer](), "mse")
    layer = model.get_layer("a")
    layer.trainable = not layer.trainable
    before = layer.get_weights()
    fit(model), fit(twin)
    assert_same(model, twin)
    assert any(moved(before, layer.get_weights())) == layer.trainable


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("at_first", [(), ("a",), ("c",)], ids=["learned", "first", "last"])
@pytest.mark.parametrize("name", ["a", "c"])
def test_trainable_between_fits_waits_for_compile(optimizer, at_first, name):
    model, twin = model_of(at_first), model_of(at_first)
    for each in (model, twin):
        each.compile(OPTIMIZERS[optimizer](), "mse")
        fit(each)
    layer = model.get_layer(name)
    layer.trainable = not layer.trainable
    assert len(layer.trainable_weights) == (2 if layer.trainable else 0)
    fit(model), fit(twin)
    assert_same(model, twin)
    for each in (model, twin):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            each.train_on_batch(X, Y)
    assert_same(model, twin)


def test_a_change_that_waits_is_told_once():
    model = model_of()
    model.compile("adam", "mse")
    fit(model)
    model.get_layer("a").trainable = False
    with pytest.warns(UserWarning, match=r"layer 'a' .*compile"):
        model.fit(X, Y, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_freezing_with_the_same_optimizer_keeps_its_state(optimizer):
    """compile(the same instance): what still learns goes on from where it was."""
    model = model_of()
    opt = OPTIMIZERS[optimizer]()
    model.compile(opt, "mse")
    fit(model)
    steps = opt.iterations
    model.get_layer("a").trainable = False
    model.compile(opt, "mse")
    before = model.get_weights()
    fit(model, 4)
    found = moved(before, model.get_weights())
    assert found[2:] == [True] * 4
    assert opt.iterations > steps
    if optimizer != "average":  # whose average goes on, and ends in the weights
        assert found[:2] == [False, False]
    model.get_layer("a").trainable = True
    model.compile(opt, "mse")
    before = model.get_weights()
    fit(model, 4)
    assert all(moved(before, model.get_weights()))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_unfreezing_with_the_same_optimizer_is_refused(optimizer):
    model = model_of(("a",))
    opt = OPTIMIZERS[optimizer]()
    model.compile(opt, "mse")
    fit(model)
    model.get_layer("a").trainable = True
    model.compile(opt, "mse")
    before, steps = model.get_weights(), opt.iterations
    for call in (lambda: fit(model), lambda: model.train_on_batch(X, Y)):
        with pytest.raises(ValueError, match=r"a/kernel.*make a new one"):
            call()
    assert not any(moved(before, model.get_weights()))
    assert opt.iterations == steps
    model.compile(OPTIMIZERS[optimizer](), "mse")
    fit(model, 4)
    assert all(moved(before, model.get_weights()))


@pytest.mark.parametrize("optimizer", ["SGD", "centered", "Adam", "average", "loss scale"])
@pytest.mark.parametrize("frozen", [False, True])
def test_batch_normalization_toggled(optimizer, frozen):
    def made():
        model = model_of(between=layers.BatchNormalization(name="n"))
        model.get_layer("n").trainable = not frozen
        model.compile(OPTIMIZERS[optimizer](), "mse")
        fit(model)
        return model

    model, twin = made(), made()
    model.get_layer("n").trainable = frozen
    fit(model), fit(twin)
    assert_same(model, twin)
    before = model.get_layer("n").get_weights()
    model.compile(OPTIMIZERS[optimizer](), "mse")
    fit(model, 4)
    assert moved(before, model.get_layer("n").get_weights()) == [frozen] * 4


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("at_first", [(), ("a",)], ids=["learned", "frozen"])
def test_gradients_slices_and_files_after_a_toggle(optimizer, at_first, tmp_path):
    pytest.importorskip("h5py", reason="h5py is not installed")
    model = model_of(at_first)
    model.compile(OPTIMIZERS[optimizer](), "mse")
    fit(model)
    layer = model.get_layer("a")
    layer.trainable = not layer.trainable
    loss, gradient = model.gradient(X, Y)
    assert [g.shape for g in gradient] == [w.shape for w in model.trainable_weights]
    h = 1e-3
    for weight, slope in zip(model.trainable_weights, gradient, strict=True):
        kept = weight.flat[0]
        weight.flat[0] = kept + h
        above = model.evaluate(X, Y)
        weight.flat[0] = kept - h
        assert slope.flat[0] == pytest.approx((above - model.evaluate(X, Y)) / (2 * h), abs=2e-3)
        weight.flat[0] = kept
    assert model.loss_slice("b", (1, 2), [model.get_layer("b").kernel[1, 2]])[0] == pytest.approx(loss, rel=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.save(tmp_path / "m.keras")
        twin = gdcore.models.load_model(tmp_path / "m.keras")
    assert twin.get_layer("a").trainable == layer.trainable
    assert_same(model, twin)
    fit(twin)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_same(again, model)
        if at_first:  # what is new is unknown to the optimizer
            with pytest.raises(ValueError, match="unknown to it: make a new one"):
                fit(again)
            assert_same(again, model)
            again.compile(OPTIMIZERS[optimizer](), "mse")
        fit(again)


# ---- settings of optimizers --------------------------------------------------------------------------------

CHANGES = {
    "momentum off": ("momentum", {"momentum": 0.0}),
    "momentum less": ("momentum", {"momentum": 0.5}),
    "nesterov": ("momentum", {"nesterov": False}),
    "centered off": ("centered", {"centered": False}),
    "rho": ("centered", {"rho": 0.5}),
    "amsgrad off": ("amsgrad", {"amsgrad": False}),
    "beta_1": ("Adam", {"beta_1": 0.5}),
    "epsilon": ("Adam", {"epsilon": 0.1}),
    "weight_decay": ("AdamW", {"weight_decay": 0.5}),
    "decay on": ("Adam", {"weight_decay": 0.5}),
    "clipnorm": ("clipnorm", {"clipnorm": 0.01}),
    "clip off": ("clipnorm", {"clipnorm": None}),
    "ema_momentum": ("average", {"ema_momentum": 0.1}),
    "overwrite": ("average", {"ema_overwrite_frequency": 1}),
    "accumulation": ("accumulation", {"gradient_accumulation_steps": 3}),
    "accumulation off": ("accumulation", {"gradient_accumulation_steps": None}),
    "loss_scale_factor": ("Adam", {"loss_scale_factor": 3.3}),
    "ns_steps": ("Muon", {"ns_steps": 1}),
    "warmup": ("ScheduleFreeAdamW", {"warmup_steps": 9}),
}
NEEDS_VECTORS = {
    "momentum": ("SGD", {"momentum": 0.9}),
    "rms momentum": ("RMSprop", {"momentum": 0.9}),
    "centered": ("RMSprop", {"centered": True}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "use_ema": ("Adam", {"use_ema": True}),
    "accumulation": ("Adam", {"gradient_accumulation_steps": 2}),
}


def change(optimizer, settings):
    for name, value in settings.items():
        setattr(optimizer, name, value)


@pytest.mark.parametrize("case", CHANGES | {f"{name}, new": value for name, value in NEEDS_VECTORS.items()})
def test_settings_between_fits_wait_for_compile(case):
    name, settings = (CHANGES | {f"{name}, new": value for name, value in NEEDS_VECTORS.items()})[case]
    model, twin = model_of(), model_of()
    for each in (model, twin):
        each.compile(OPTIMIZERS[name](), "mse")
        fit(each)
    if "use_ema" not in settings:
        change(model.optimizer, settings)
        fit(model), fit(twin)
        assert_same(model, twin)


@pytest.mark.parametrize("case", CHANGES)
def test_settings_before_the_first_fit_or_with_compile_count(case):
    name, settings = CHANGES[case]
    first, second = model_of(), model_of()
    first.compile(OPTIMIZERS[name](), "mse")
    change(first.optimizer, settings)
    fit(first)
    opt = OPTIMIZERS[name]()
    change(opt, settings)
    second.compile(opt, "mse")
    fit(second)
    assert_same(first, second)
    plain, changed = model_of(), model_of()
    for each in (plain, changed):
        each.compile(OPTIMIZERS[name](), "mse")
        fit(each)
    change(changed.optimizer, settings)
    changed.compile(changed.optimizer, "mse")
    plain.compile(plain.optimizer, "mse")
    fit(plain, 4), fit(changed, 4)
    assert plain.optimizer.iterations >= 1
    assert any(moved(plain.get_weights(), changed.get_weights()))


@pytest.mark.parametrize("case", NEEDS_VECTORS)
def test_settings_that_need_vectors_are_refused_after_use(case):
    name, settings = NEEDS_VECTORS[case]
    model = model_of()
    model.compile(OPTIMIZERS[name](), "mse")
    fit(model)
    change(model.optimizer, settings)
    model.compile(model.optimizer, "mse")
    before = model.get_weights()
    for call in (lambda: fit(model), lambda: model.train_on_batch(X, Y)):
        with pytest.raises(ValueError, match="built without the vector"):
            call()
    assert not any(moved(before, model.get_weights()))


def test_the_settings_of_an_inner_optimizer():
    model = model_of()
    model.compile(OPTIMIZERS["loss scale"](), "mse")
    fit(model)
    model.optimizer.inner_optimizer.amsgrad = True
    fit(model)
    model.compile(model.optimizer, "mse")
    with pytest.raises(ValueError, match="built without the vector"):
        fit(model)


@pytest.mark.parametrize("case", NEEDS_VECTORS)
def test_alone_on_arrays(case):
    name, settings = NEEDS_VECTORS[case]
    opt = OPTIMIZERS[name]()
    a, g = np.ones((3, 2), np.float32), np.full((3, 2), 0.5, np.float32)
    opt.apply([g], [a])
    change(opt, settings)
    before = a.copy()
    with pytest.raises(ValueError, match="built without the vector"):
        opt.apply([g], [a])
    np.testing.assert_array_equal(a, before)
    assert opt.iterations == (0 if "gradient_accumulation_steps" in settings else 1)


def test_momentum_taken_away_and_given_back_on_arrays():
    """The vector stays while momentum is 0, and goes on from where it was (as in Keras)."""
    opt = optimizers.SGD(0.1, momentum=0.9)
    a, g = [np.zeros(1)], [np.full(1, 0.5)]
    values = []
    for momentum in (0.9, 0.0, 0.0, 0.9):
        opt.momentum = momentum
        before = a[0][0]
        opt.apply(g, a)
        values.append(a[0][0] - before)
    np.testing.assert_allclose(values, [-0.05, -0.05, -0.05, -0.095])


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n not in ("loss scale",)])
def test_every_setting_of_a_used_optimizer_may_be_set(name):
    """Whatever is set to whatever the setting takes: the next call works or says why not."""
    for setting, field in type(OPTIMIZERS[name]())._fields.items():
        for value in (0, 1, 2, 0.5, 1.0, True, False, None, "x", []):
            model = model_of()
            model.compile(OPTIMIZERS[name](), "mse")
            fit(model, 1)
            before = getattr(model.optimizer, setting)
            refused = error_of(lambda: setattr(model.optimizer, setting, value))  # noqa: B023
            if refused:
                assert setting in refused
                assert getattr(model.optimizer, setting) == before
                continue
            assert field.name == setting
            fit(model, 1)
            model.compile(model.optimizer, "mse")
            assert "built without the vector" in (error_of(lambda: fit(model, 1)) or "built without the vector")  # noqa: B023


# ---- rates -------------------------------------------------------------------------------------------------


def test_a_rate_counts_at_once():
    model, twin = model_of(), model_of()
    model.compile(optimizers.SGD(0.05), "mse")
    fit(model, 1)
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    fit(model, 1)
    assert not any(moved(before, model.get_weights()))
    assert twin.built


@pytest.mark.parametrize(
    ("boundaries", "values"),
    [([4] * 5000, []), ([], [0.9]), ([], [0.1] * 3), ([2.5], [0.2]), ([0], [0.2])],
)
def test_lists_of_a_schedule_after_use(boundaries, values):
    schedule = schedules.PiecewiseConstantDecay([1, 3], [0.1, 0.05, 0.2])
    model, twin = model_of(), model_of()
    model.compile(optimizers.SGD(schedule), "mse")
    twin.compile(optimizers.SGD(schedules.PiecewiseConstantDecay([1, 3], [0.1, 0.05, 0.2])), "mse")
    fit(model), fit(twin)
    schedule.boundaries.extend(boundaries)
    schedule.values.extend(values)
    fit(model), fit(twin)
    assert_same(model, twin)  # until compile, as in Keras
    model.compile(model.optimizer, "mse")
    good = len(schedule.values) == len(schedule.boundaries) + 1 and schedule.boundaries == sorted(schedule.boundaries)
    for call in (lambda: fit(model), lambda: schedule(3)):
        if good:
            call()
        else:
            with pytest.raises(ValueError, match="boundaries"):
                call()


# ---- layers and losses -------------------------------------------------------------------------------------


LAYERS = {
    "activation": (lambda: layers.Dense(4, "tanh"), {"activation": "relu"}),
    "units": (lambda: layers.Dense(4), {"units": 50}),
    "use_bias": (lambda: layers.Dense(4), {"use_bias": False}),
    "bias": (lambda: layers.Dense(4, use_bias=False), {"use_bias": True}),
    "rate": (lambda: layers.Dropout(0.5, seed=1), {"rate": 0.1}),
    "stddev": (lambda: layers.GaussianNoise(0.5, seed=1), {"stddev": 0.1}),
    "epsilon": (lambda: layers.BatchNormalization(), {"epsilon": 0.5}),
    "momentum": (lambda: layers.BatchNormalization(), {"momentum": 0.5}),
    "center": (lambda: layers.BatchNormalization(), {"center": False, "scale": False}),
    "layer epsilon": (lambda: layers.LayerNormalization(), {"epsilon": 0.5}),
    "layer center": (lambda: layers.LayerNormalization(center=False), {"center": True}),
    "scale": (lambda: layers.Rescaling(2.0), {"scale": 0.5}),
    "slope": (lambda: layers.LeakyReLU(0.3), {"negative_slope": 0.1}),
}


@pytest.mark.parametrize("case", LAYERS)
def test_attributes_of_layers_after_use(case):
    make, settings = LAYERS[case]
    structural = set(settings) & {"units", "use_bias", "center"}

    def made(settings=()):
        layer = make()
        model = model_of(between=layer)
        model.compile(optimizers.SGD(0.05), "mse")
        for name, value in dict(settings).items():
            setattr(layer, name, value)
        return model, layer

    model, layer = made()
    twin, _ = made()
    fit(model), fit(twin)
    change(layer, settings)
    fit(model), fit(twin)
    assert_same(model, twin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        np.testing.assert_array_equal(model.predict(X), twin.predict(X))
    model.compile(optimizers.SGD(0.05), "mse")
    twin.compile(optimizers.SGD(0.05), "mse")
    fit(model), fit(twin)
    assert any(moved(model.get_weights(), twin.get_weights())) != bool(structural)
    early, _ = made(settings)
    plain, _ = made()
    fit(early), fit(plain)
    assert any(moved(early.get_weights(), plain.get_weights())) != bool(structural)


def test_a_loss_changed_after_use():
    loss = losses.Huber(1.0)
    model, twin = model_of(), model_of()
    model.compile("sgd", loss)
    twin.compile("sgd", losses.Huber(1.0))
    fit(model), fit(twin)
    loss.delta = 0.01
    fit(model), fit(twin)
    assert_same(model, twin)
    model.compile("sgd", loss)
    twin.compile("sgd", losses.Huber(0.01))
    fit(model), fit(twin)
    assert_same(model, twin)


def test_a_layer_added_or_popped_after_compile_takes_part():
    model = model_of()
    model.compile(optimizers.Adam(0.01), "mse")
    fit(model)
    model.add(layers.Dense(1, name="d"))
    with pytest.raises(ValueError, match=r"d/kernel.*make a new one"):
        fit(model)
    model.pop()
    before = model.get_weights()
    fit(model)
    assert all(moved(before, model.get_weights()))
    model.add(layers.Rescaling(2.0))
    fit(model)
    model.compile("adam", "mse")
    fit(model)


def test_one_optimizer_in_two_models():
    opt = optimizers.Adam(0.01)
    first, second = model_of(), model_of()
    first.compile(opt, "mse")
    fit(first)
    second.compile(opt, "mse")
    with pytest.raises(ValueError, match="make a new one"):
        fit(second)
    assert np.isfinite(second.evaluate(X, Y))
    before = first.get_weights()
    fit(first)
    assert all(moved(before, first.get_weights()))


# ---- threads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("work", ["add", "trainable", "compile", "weights", "predict"])
def test_one_thread_fits_while_another_changes_the_model(work):
    model = model_of()
    model.compile(optimizers.Adam(0.001), "mse")
    stop, failures = threading.Event(), []

    def add():
        model.add(layers.Dense(1))  # as wide as the targets, for the other thread goes on with these
        model.add(layers.Dense(1))
        model.compile("adam", "mse")
        model.pop()
        model.pop()
        model.compile("adam", "mse")

    def toggle():
        model.get_layer("b").trainable = not model.get_layer("b").trainable
        model.compile("adam", "mse")

    changes = {
        "add": add,
        "trainable": toggle,
        "compile": lambda: model.compile("rmsprop", "mse"),
        "weights": lambda: model.set_weights(model.get_weights()),
        "predict": lambda: model.predict(X),
    }

    def other():
        while not stop.is_set():
            try:
                changes[work]()
            except Exception as error:
                failures.append(error)
                return

    thread = threading.Thread(target=other)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        thread.start()
        try:
            for epochs in (1, 50) * 10:
                model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0)
        finally:
            stop.set()
            thread.join()
    assert not failures, failures
    assert np.isfinite(model.predict(X)).all()


# ---- the core itself ---------------------------------------------------------------------------------------


def core(units=(3, 4, 1), dtype="float32"):
    made = Network(
        [
            LayerSpec("dense", n, m, activation=ActivationSpec("tanh"), kernel=n * m, bias=m)
            for n, m in itertools.pairwise(units)
        ],
        dtype,
    )
    made.configure(LossSpec("mean_squared_error"), [])
    return made


def updates(network, size=None, rows=2, **options):
    n = network.n_params if size is None else size
    spec = OptimizerSpec("adam", ScheduleSpec("constant", rate=np.full(1, 0.1)), (0.9, 0.999, 1e-7, 0.0))
    return kernels.UpdatePlan(
        spec,
        options.get("variables", [VariableSpec(0, n)]),
        options.get("slots", np.zeros((rows, n), network.dtype)),
        options.get("scalars", np.zeros(3)),
        n,
        options.get("names", ("momentum", "velocity")),
    )


def bad_training():
    good = {"x": X, "y": Y, "w": None, "batch_size": 8, "history": np.empty((1, 1))}
    many = np.arange(24)
    return {
        "rows of y": {**good, "y": Y[:20]},
        "rows of w": {**good, "w": np.ones(3, np.float32)},
        "width of x": {**good, "x": np.zeros((24, 2), np.float32)},
        "no rows": {**good, "x": X[:0], "y": Y[:0]},
        "batch_size": {**good, "batch_size": 0},
        "history": {**good, "history": np.empty((1, 2))},
        "timings": {**good, "timings": np.zeros(2)},
        "outputs": {**good, "outputs": np.empty((3, 1), np.float32)},
        "wide outputs": {**good, "outputs": np.empty((24, 2), np.float32)},
        "sums": {**good, "part": (None, 0, 24, np.zeros(1))},
        "last": {**good, "part": (None, 0, 25, np.zeros(3))},
        "first": {**good, "part": (None, -8, 24, np.zeros(3))},
        "order": {**good, "part": (many[:5], 0, 24, np.zeros(3))},
        "large order": {**good, "part": (many + 1, 0, 24, np.zeros(3))},
        "negative order": {**good, "part": (many - 1, 0, 24, np.zeros(3))},
    }


@pytest.mark.parametrize("case", bad_training())
def test_the_core_checks_what_it_trains_on(case):
    network = core()
    before = network.theta.copy()
    with pytest.raises((ValueError, RuntimeError)):
        network.train(**bad_training()[case], updates=updates(network))
    np.testing.assert_array_equal(network.theta, before)
    network.train(X, Y, None, 8, updates(network), np.empty((1, 1)))
    assert network.steps_done == 3


@pytest.mark.parametrize(
    "options",
    [
        {"rows": 1},
        {"names": ("momentum", "other")},
        {"slots": np.zeros((2, 4), np.float32)},
        {"scalars": np.zeros(2)},
        {"variables": [VariableSpec(5, 21)]},
        {"variables": [VariableSpec(-1, 21)]},
        {"variables": [VariableSpec(0, 2**62)]},
        {"variables": [VariableSpec(0, 21, 1, 5, 5)]},
    ],
)
def test_the_core_checks_an_optimizer_s_sizes(options):
    with pytest.raises(ValueError, match=r"vector|shape|numbers|behind|between|matrices"):
        updates(core(), **options)


def test_the_core_checks_whom_an_optimizer_is_for():
    network = core()
    for other in (core((3, 5, 1)), core(dtype="float64")):
        with pytest.raises(RuntimeError, match="were changed"):
            network.train(X, Y, None, 8, updates(other), np.empty((1, 1)))


@pytest.mark.parametrize(
    "spec",
    [
        LayerSpec("dense", 3, 4, kernel=11, bias=4),
        LayerSpec("dense", 3, 4, kernel=12, bias=40),
        LayerSpec("dense", 3, 4, bias=4),
        LayerSpec("dense", -3, 4, kernel=12, bias=4),
        LayerSpec("dense", 2**40, 2**40, kernel=2**80),
        LayerSpec("dense", 3, 4, kernel=12, activation=ActivationSpec("elu")),
        LayerSpec("dense", 3, 4, kernel=12, activation=ActivationSpec("none")),
        LayerSpec("dense", 3, 4, kernel=12, regularizers=(RegularizerSpec(0, "l1l2", (0.1, 0.0), 3, 5),)),
        LayerSpec("dense", 3, 4, kernel=12, regularizers=(RegularizerSpec(1, "l1l2", (0.1, 0.0), 4, 1),)),
        LayerSpec("batch_normalization", 3, 3, (0.9, 0.1), kernel=3, bias=3),
        LayerSpec("batch_normalization", 3, 4, (0.9, 0.1), kernel=4, bias=4, state=8),
        LayerSpec("rescaling", 3, 3, state=3),
        LayerSpec("conv", 3, 3),
    ],
)
def test_the_core_checks_layers(spec):
    with pytest.raises((ValueError, OverflowError, MemoryError)):
        Network([spec], "float32")


def test_a_plan_of_other_sizes_is_refused():
    network = core()
    plan = network.layers
    with pytest.raises(ValueError, match="make a new network"):
        network.plan(core((3, 5, 1)).layers)
    assert network.layers == plan
    assert np.isfinite(network.gradient(X, Y, None, "analytic", 0.0))


def test_slices_are_of_the_layer_s_own_parameters():
    network = core()
    for layer, parameter in ((0, 16), (1, 3), (2, 0), (-1, 0), (0, -1), (1, 21)):
        with pytest.raises(IndexError):
            network.loss_slice(X, Y, None, layer, parameter, np.zeros(1))


def test_descents_fill_only_what_is_there():
    network_like = OptimizerSpec("sgd", ScheduleSpec("constant", rate=np.full(1, 0.1)), (0.0, 0.0))
    x0 = np.zeros((5, 2))

    def run(lanes=1, last=5, steps=3, **other):
        arrays = {
            "x0": x0,
            "x": np.empty_like(x0),
            "jac": np.empty_like(x0),
            "fun": np.empty(5),
            "nit": np.zeros(5, np.int64),
            "status": np.zeros(5, np.int64),
            **other,
        }
        plan = kernels.UpdatePlan(network_like, [VariableSpec(0, 2)], np.zeros((0, 2)), np.zeros(3), 2, ())
        spec = ObjectiveSpec(surface=SurfaceSpec("peaks"))
        stop = np.zeros(1, np.int64)
        kernels.descend(spec, plan, lanes, 0, last, steps, 0.0, 0.0, DescentArrays(**arrays), stop)
        return arrays

    assert np.isfinite(run()["fun"]).all()
    for bad in (
        {"lanes": 2},
        {"last": 6},
        {"steps": -1},
        {"fun": np.empty(4)},
        {"x": np.empty((5, 1))},
        {"nit": np.zeros(4, np.int64)},
        {"history": np.zeros((5, 3))},
        {"trajectory": np.zeros((5, 4, 1))},
    ):
        with pytest.raises(ValueError, match=r"fit|expected|are not among|negative|for 2 numbers|have the shape"):
            run(**bad)
