"""Learning-rate schedules: Keras's figures, the reference, and what optimizers make of rates that change."""

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
from gdcore.optimizers import schedules
from gdcore.optimizers.schedules import CosineDecay, EpochDecay, ExponentialDecay, LearningRateSchedule

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "schedules.json").read_text())
ARRAYS = np.load(FOLDER / "schedules.npz")


@pytest.mark.parametrize("case", FIGURES["cases"])
def test_keras_figures(case):
    name, config = FIGURES["cases"][case]
    schedule = getattr(schedules, name).from_config(config)
    steps, theirs = ARRAYS["steps"], ARRAYS[case]
    ours = schedule(steps)
    assert ours.dtype == np.float32
    # bit for bit with glibc; other libraries may round a power or a cosine differently
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=0)
    assert [schedule(int(step)) for step in steps[:5]] == ours[:5].tolist()
    assert schedule.get_config() == config


@st.composite
def schedules_(draw):
    rate, over = st.floats(1e-4, 1.0), st.integers(1, 60)
    kind = draw(st.sampled_from(sorted(schedules._CLASSES)))
    if kind in ("ExponentialDecay", "InverseTimeDecay"):
        arguments = [draw(rate), draw(over), draw(st.floats(0.01, 2.0)), draw(st.booleans())]
    elif kind == "PolynomialDecay":
        arguments = [draw(rate), draw(over), draw(rate), draw(st.floats(0.0, 4.0)), draw(st.booleans())]
    elif kind == "PiecewiseConstantDecay":
        boundaries = sorted(draw(st.lists(st.floats(0, 100), max_size=5)))
        arguments = [boundaries, [draw(rate) for _ in range(len(boundaries) + 1)]]
    elif kind == "CosineDecay":
        warm = st.one_of(st.none(), rate)
        arguments = [draw(rate), draw(over), draw(st.floats(0.0, 1.0)), "c", draw(warm), draw(st.integers(0, 30))]
    elif kind == "CosineDecayRestarts":
        arguments = [draw(rate), draw(over), draw(st.sampled_from([1.0, 2.0, 1.5])), draw(rate), draw(rate)]
    else:
        arguments = [draw(rate), draw(st.floats(0.0, 1.0)), draw(over)]
    return getattr(schedules, kind)(*arguments)


@given(schedules_(), st.integers(0, 300), st.sampled_from([np.float32, np.float64]))
def test_against_the_reference(schedule, step, dtype):
    name = "".join("_" + c.lower() if c.isupper() else c for c in type(schedule).__name__)[1:]
    with np.errstate(under="ignore"):
        expected = getattr(reference.schedules, name)(dtype(step), **schedule.get_config())
    ours = schedule._at(step, dtype)
    assert type(ours) is dtype
    # a restart may fall on either side of a step, if the logarithm is rounded otherwise
    high = schedule.get_config().get("initial_learning_rate", 1.0)
    if name != "cosine_decay_restarts" or abs(ours - expected) < 0.5 * high:
        np.testing.assert_allclose(ours, expected, rtol=2e-5 if dtype is np.float32 else 1e-9, atol=1e-6 * high)
    assert schedule(np.array([[step], [step]])).shape == (2, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loop_takes_the_rate_of_each_step(dtype):
    """One weight, gradient 1 - which is what the loss -y p with y = -1 has: w falls by the sum of all rates."""
    schedule = ExponentialDecay(0.5, 7, 0.4)
    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1, use_bias=False)], dtype=dtype)
    model.set_weights([np.zeros((1, 1))])
    model.compile(optimizers.SGD(schedule), "mae")
    model.fit(np.ones((10, 1)), np.full((10, 1), -100.0), batch_size=1, epochs=3, verbose=0)
    rates = schedule._at(np.arange(30), dtype)
    total = np.zeros((), dtype)
    for rate in rates:
        total = total - rate
    assert model.get_weights()[0] == total
    assert model.optimizer.learning_rate == schedule._at(30, dtype)
    assert model.optimizer.iterations == 30


class Halving(LearningRateSchedule):
    """A user's own, which knows no arrays and remembers what it was asked."""

    def __init__(self, start):
        self.start, self.asked = start, []

    def __call__(self, step):
        assert type(step) is int
        self.asked.append(step)
        return self.start * 0.5**step

    def get_config(self):
        return {"start": self.start}


class Late(ExponentialDecay):
    """A known one with an idea of its own."""

    def __call__(self, step):
        return super().__call__(max(step - 2, 0))


def rates_seen(optimizer, steps, dtype=np.float64):
    values, rates = np.zeros(1, dtype), []
    for _ in range(steps):
        before = values.copy()
        optimizer.apply([np.ones(1)], [values])
        rates.append(float(before[0] - values[0]))
    return rates


def test_schedules_of_the_users_own():
    own = Halving(1.0)
    assert rates_seen(optimizers.SGD(own), 4) == [1, 0.5, 0.25, 0.125]
    assert own.asked == [0, 1, 2, 3]
    assert rates_seen(optimizers.SGD(Late(1.0, 1, 0.5)), 5) == [1, 1, 1, 0.5, 0.25]
    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1)])
    own = Halving(0.1)
    model.compile(optimizers.Adam(own), "mse")
    model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, epochs=2, verbose=0)
    assert own.asked == list(range(6))
    config = model.optimizer.get_config()
    assert config["learning_rate"]["registered_name"] == "Halving"
    again = optimizers.Adam.from_config(json.loads(json.dumps(config)), custom_objects={"Halving": Halving})
    assert again.learning_rate == 0.1
    with pytest.raises(ValueError, match="learning-rate schedule='Halving' is not known"):
        optimizers.Adam.from_config(config)
    with pytest.raises(NotImplementedError, match="has no __call__"):
        rates_seen(optimizers.SGD(LearningRateSchedule()), 1)
    with pytest.raises(NotImplementedError, match="has no get_config"):
        optimizers.SGD(LearningRateSchedule()).get_config()


def test_with_accumulation_the_schedule_counts_calls():
    own = Halving(1.0)
    optimizer = optimizers.SGD(own, gradient_accumulation_steps=3)
    assert rates_seen(optimizer, 6) == [0, 0, 0.25, 0, 0, 0.5**5]
    assert own.asked == [2, 5]
    assert rates_seen(optimizers.SGD(ExponentialDecay(1.0, 1, 0.5), gradient_accumulation_steps=3), 3) == [0, 0, 0.25]


def test_a_function_is_called_before_each_update():
    calls = []

    def rate():
        calls.append(None)
        return 1.0 / len(calls)

    optimizer = optimizers.SGD(rate, weight_decay=0.0)
    assert rates_seen(optimizer, 2) == [1, 0.5]
    assert len(calls) == 2
    assert optimizer.learning_rate == pytest.approx(1 / 3)
    serialized = {"module": "builtins", "class_name": "function", "config": "rate", "registered_name": "function"}
    assert optimizer.get_config()["learning_rate"] == serialized
    again = optimizers.SGD.from_config(optimizer.get_config(), custom_objects={"rate": rate})
    assert again.learning_rate == 1 / 4
    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1)])
    model.compile(optimizers.SGD(rate), "mse")
    model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, verbose=0)
    assert len(calls) == 7
    optimizer.learning_rate = 0.25
    assert rates_seen(optimizer, 1) == [0.25]


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, "x", None])
def test_a_bad_rate_stops_before_the_update(bad):
    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1)])
    seen = []

    def rate():
        seen.append(model.get_weights())
        return 0.1 if len(seen) < 3 else bad

    model.compile(optimizers.Adam(rate), "mse")
    with pytest.raises((ValueError, TypeError), match=f"learning_rate={bad!r} is not a"):
        model.fit(np.ones((6, 1)), np.zeros((6, 1)), batch_size=1, verbose=0)
    assert model.optimizer.iterations == 2
    assert len(seen) == 3
    assert all(np.array_equal(a, b) for a, b in zip(seen[-1], model.get_weights(), strict=True))
    model.optimizer.learning_rate = 0.1
    model.compile(model.optimizer, "mse")
    model.fit(np.ones((6, 1)), np.zeros((6, 1)), verbose=0)
    assert model.optimizer.iterations == 3


def test_assigning_rates():
    optimizer = optimizers.SGD(0.5)
    values = np.zeros(1)
    optimizer.apply([[1.0]], [values])
    optimizer.learning_rate = np.float32(0.25)
    optimizer.apply([[1.0]], [values])
    optimizer.learning_rate = ExponentialDecay(1.0, 2, 0.5)
    optimizer.apply([[1.0]], [values])  # the third step: half of 1
    assert values == -1.25
    with pytest.raises(TypeError, match=r"learning_rate=0\.1 cannot be assigned: the rate of this SGD comes from Exp"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([2], [0.0, 8.0])
    assert optimizer.learning_rate == 8
    for bad in (-1, "fast", None, np.nan):
        with pytest.raises((ValueError, TypeError), match="learning_rate="):
            optimizers.SGD(bad)


def test_a_callback_may_assign_the_rate():
    class Slower(gdcore.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.5 ** (epoch + 1)

    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1, use_bias=False)])
    model.set_weights([np.zeros((1, 1))])
    model.compile("sgd", "mae")
    model.fit(np.ones((1, 1)), np.full((1, 1), -100.0), epochs=3, callbacks=[Slower()], verbose=0)
    assert model.get_weights()[0] == -(0.5 + 0.25 + 0.125)
    assert str(model.optimizer) == "SGD lr=0.125"


def test_a_number_may_be_assigned_within_an_epoch():
    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1, use_bias=False)])
    model.set_weights([np.zeros((1, 1))])
    model.compile(optimizers.SGD(2.0**-10), "mae")
    x, y = np.ones((100_000, 1), np.float32), np.full((100_000, 1), -1e9, np.float32)
    model.fit(x[:1], y[:1], verbose=0)
    seen = []

    def progress(rows, loss):
        seen.append(rows)
        model.optimizer.learning_rate = 0.0

    updates = model._settled.updates
    model._network.train(x, y, None, 1, updates, np.empty((1, 1)), progress=progress)
    assert 0 < seen[0] < len(x)
    assert model.get_weights()[0] == pytest.approx(-(2.0**-10) * (seen[0] + 1), abs=0.01)


@pytest.mark.parametrize("schedule", [ExponentialDecay(0.1, 3, 0.5), CosineDecay(0.1, 3), EpochDecay(0.2, 0.5, 10)])
def test_what_is_printed(schedule):
    optimizer = optimizers.Adamax(schedule)
    assert str(optimizer) == "Adamax lr=0.1"
    assert repr(schedule) in repr(optimizer) or type(schedule).__name__ in repr(optimizer)
    assert isinstance(optimizer.learning_rate, float)
    for dtype in (np.float32, np.float64):
        fresh = optimizers.SGD(schedule)
        fresh.build([np.zeros(1, dtype)])
        assert str(fresh) == "SGD lr=0.1"
        assert fresh.learning_rate == dtype(0.1)


def test_epoch_decay_is_the_course_s():
    schedule = EpochDecay(0.1, 0.02, steps_per_epoch=4)
    expected = [0.1 * (1 - 0.02) ** (k + 1) for k in range(3) for _ in range(4)]
    assert schedule._at(np.arange(12), np.float64).tolist() == expected
    assert schedule(np.arange(12)).tolist() == np.float32(expected).tolist()
    per_epoch = []

    class Watch(gdcore.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            per_epoch.append(self.model.optimizer.learning_rate)

    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1)], dtype="float64")
    model.compile(optimizers.SGD(schedule), "mse")
    model.fit(np.ones((16, 1)), np.ones((16, 1)), batch_size=5, epochs=3, callbacks=[Watch()], verbose=0)
    assert per_epoch == expected[::4]


@pytest.mark.parametrize("name", sorted(schedules._CLASSES))
def test_configs_and_copies(name):
    arguments = {
        "PiecewiseConstantDecay": ([1], [0.5, 0.25]),
        "EpochDecay": (0.1, 0.2, 3),
        "ExponentialDecay": (0.1, 5, 0.5),
        "InverseTimeDecay": (0.1, 5, 0.5, True),
    }.get(name, (0.1, 5))
    schedule = getattr(schedules, name)(*arguments)
    optimizer = optimizers.Adam(schedule)
    form = json.loads(json.dumps(schedules.serialize(schedule)))
    ours = name == "EpochDecay"
    assert form["module"] == (None if ours else "keras.optimizers.schedules")
    assert form["registered_name"] == (name if ours else None)
    assert optimizer.get_config()["learning_rate"] == schedules.serialize(schedule)
    values = np.ones(2)
    optimizer.apply([values], [values])
    for again in (
        schedules.deserialize(form),
        optimizers.deserialize(optimizers.serialize(optimizer))._rate,
        copy.deepcopy(optimizer)._rate,
        pickle.loads(pickle.dumps(optimizer))._rate,
    ):
        assert type(again) is type(schedule)
        assert again.get_config() == schedule.get_config()
        assert np.array_equal(again(np.arange(20)), schedule(np.arange(20)))
    assert pickle.loads(pickle.dumps(optimizer)).learning_rate == optimizer.learning_rate


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ExponentialDecay(0.1, 0, 0.5), ValueError, "decay_steps=0 is not a finite number greater than 0"),
        (lambda: ExponentialDecay(0.1, -5, 0.5), ValueError, "decay_steps=-5"),
        (lambda: ExponentialDecay(0.1, "x", 0.5), TypeError, "decay_steps='x' is not a finite number"),
        (lambda: ExponentialDecay(-0.1, 5, 0.5), ValueError, "initial_learning_rate=-0.1"),
        (lambda: ExponentialDecay(0.1, 5, -0.5), ValueError, "decay_rate=-0.5"),
        (lambda: schedules.InverseTimeDecay(0.1, 0, 0.5), ValueError, "decay_steps=0"),
        (lambda: schedules.PolynomialDecay(0.1, 0), ValueError, "decay_steps=0"),
        (lambda: schedules.PolynomialDecay(0.1, 5, power=-1), ValueError, "power=-1"),
        (lambda: CosineDecay(0.1, 0), ValueError, "decay_steps=0"),
        (lambda: CosineDecay(0.1, 5, alpha=np.nan), ValueError, "alpha=nan"),
        (lambda: CosineDecay(0.1, 5, warmup_target=0.1, warmup_steps=-1), ValueError, "warmup_steps=-1"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), ValueError, "first_decay_steps=0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0), ValueError, "t_mul=0"),
        (lambda: EpochDecay(0.1, 1.5, 5), ValueError, "decay=1.5"),
        (lambda: EpochDecay(0.1, 0.5, 0), ValueError, "steps_per_epoch=0"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1]), ValueError, "values has 1 entries and boundaries 2"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), ValueError, "not in ascending order"),
        (
            lambda: schedules.PiecewiseConstantDecay([1], [0.1, "x"]),
            TypeError,
            r"values\[1\]='x' is not a finite",
        ),
        (lambda: CosineDecay(0.1, 5)("now"), TypeError, "step has dtype"),
        (lambda: schedules.deserialize({"class_name": "CosinDecay"}), ValueError, "Did you mean 'CosineDecay'"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_lists_are_copies_and_checked_again_when_used():
    boundaries, values = [2, 4], np.float32([0.5, 0.25, 0.125])
    schedule = schedules.PiecewiseConstantDecay(boundaries, values)
    boundaries.append(9)
    schedule.get_config()["values"].append(9)
    assert (schedule.boundaries, schedule.values) == ([2, 4], [0.5, 0.25, 0.125])
    assert [type(b) for b in schedule.boundaries] == [int, int]
    assert json.loads(json.dumps(schedule.get_config())) == schedule.get_config()
    optimizer, arrays = optimizers.SGD(schedule), [np.zeros(1)]
    optimizer.apply([np.ones(1)], arrays)
    assert schedule._spec().boundaries == (2.0, 4.0)
    for attribute, entry, message in (
        ("values", 0.1, "values has 4 entries and boundaries 2"),
        ("boundaries", 1, r"boundaries=\[2, 4, 1\] are not in ascending order"),
        ("boundaries", "x", r"boundaries\[2\]='x' is not a finite number"),
        ("values", np.nan, r"values\[3\]=nan is not a finite number of at least 0"),
    ):
        getattr(schedule, attribute).append(entry)
        for use in (lambda: schedule(3), schedule._spec, lambda: optimizer.apply([np.ones(1)], arrays)):
            with pytest.raises((TypeError, ValueError), match=message):
                use()
        assert (optimizer.iterations, arrays[0]) == (1, -0.5)
        getattr(schedule, attribute).pop()
    schedule.boundaries, schedule.values = [1], [4, 2]
    assert schedule(np.arange(4)).tolist() == [4, 4, 2, 2]


def test_steps_stay_whole_numbers():
    for steps, kept in ((1000, "1000"), (np.int64(7), "7"), (2.5, "2.5"), (np.float32(3), "3.0")):
        config = CosineDecay(0.1, steps, warmup_steps=steps).get_config()
        assert json.dumps([config["decay_steps"], config["warmup_steps"]]) == f"[{kept}, {kept}]"


def test_edge_values():
    assert schedules.PiecewiseConstantDecay([], [0.1])(5) == np.float32(0.1)
    assert CosineDecay(0.1, 5)([]).shape == (0,)
    assert CosineDecay(0.1, 5)(np.array([0, 5, 10**12])[::2]).tolist() == [np.float32(0.1), 0]
    assert ExponentialDecay(0.1, 5, 0.5)(True) == ExponentialDecay(0.1, 5, 0.5)(1)


def test_plot_schedule():
    from gdcore import plots

    schedule = CosineDecay(0.1, 50)
    ax = plots.plot_schedule(schedule, 100)
    assert np.array_equal(ax.lines[0].get_ydata(), schedule(np.arange(100)).astype(float))
    assert plots.plot_schedule(Halving(1.0), [0, 2], ax=ax) is ax
    assert ax.lines[1].get_ydata().tolist() == [1, 0.25]
