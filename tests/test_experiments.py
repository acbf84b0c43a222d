"""The course's experiments: its printed figures, and what the lessons' tables say of the data."""

import itertools
import math
import os
import sys

import numpy as np
import pytest

import gdcore
from gdcore import Dataset
from gdcore.__main__ import main
from gdcore.lessons import (
    _grids,
    batch_size,
    by_hand,
    exercise_1,
    exercise_3,
    exercise_4,
    exercise_5a,
    exercise_5b,
    exercise_6a,
    exercise_6c,
    initialisation,
    learning_rate,
    max_batch_size,
)
from gdcore.tuning import Run, Sweep

# what the course printed beside its costs
RATES = {
    0.1: "0.0999 0.0998001 0.0997002999 0.0996005996001 0.0995009990004999 0.0994014980014994 0.0993020965034979 "
    "0.09920279440699441 0.09910359161258742 0.09900448802097483",
    0.01: "0.00999 0.009980010000000001 0.00997002999 0.00996005996001 0.00995009990004999 0.00994014980014994 "
    "0.00993020965034979 0.009920279440699441 0.009910359161258741 0.009900448802097483",
}
COSTS = {
    0.1: (0.4216, 0.3181, 0.2994, 0.2902, 0.2839, 0.2791, 0.2777, 0.2763, 0.2691, 0.2702),
    0.01: (0.7905, 0.4631, 0.4126, 0.3850, 0.3649, 0.3531, 0.3450, 0.3365, 0.3319, 0.3231),
}
ACCURACIES = {0.1: 0.9217, 0.01: 0.9166}


def small(rows=640, seed=0):
    """Rows like MNIST's, each with a bright bar where its digit says."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, rows)
    x = rng.uniform(0, 0.4, (rows, 28, 28))
    x[np.arange(rows), 2 * y + 4] = 1
    return Dataset(x.reshape(rows, 784).astype(np.float32), y)


# ---- rates that decay ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
def test_the_printed_rates_digit_for_digit(rate):
    assert [str(value) for value in batch_size.rates(rate)] == RATES[rate].split()


@pytest.mark.parametrize("rate", RATES)
def test_both_readings_of_the_decay(rate):
    """The rates that a training is at in each epoch: constant as in the course's code, or as it prints them."""
    train = small()
    for reading in batch_size.READINGS:
        seen = []
        model = batch_size.build(rate, reading, steps_per_epoch=20)
        note = gdcore.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_, model=model, seen=seen: seen.append(float(model.optimizer.learning_rate))
        )
        model.fit(train, batch_size=32, epochs=10, verbose=0, callbacks=[note])
        expected = {"applied": [rate * (1 - 0.001)] * 10, "printed": [float(text) for text in RATES[rate].split()]}
        np.testing.assert_allclose(seen, expected[reading], rtol=2e-7)


@pytest.mark.skipif("GDCORE_DATA_DIR" not in os.environ, reason="GDCORE_DATA_DIR does not name a folder with MNIST")
def test_costs_and_accuracies_are_the_courses():
    """The course shuffled without a seed: means over a few must be near what it printed from the second epoch on."""
    result = batch_size.run(*learning_rate.data(), seeds=3)
    assert not any(run.diverged for run in result.runs)
    for rate in RATES:
        for reading in batch_size.READINGS:
            costs = batch_size.costs(result, rate, reading).mean(axis=0)
            np.testing.assert_allclose(costs[1:], COSTS[rate][1:], rtol=0.03)
            assert batch_size.accuracies(result, rate, reading).mean() == pytest.approx(ACCURACIES[rate], abs=0.005)


def test_the_report_counts_from_its_runs():
    result = batch_size.run(small(), small(100, 1), epochs=3, seeds=2)
    assert batch_size.costs(result, 0.1, "printed").shape == (2, 3)
    off = batch_size.farthest(result, 0.1)
    mean = batch_size.costs(result, 0.1, "applied").mean(axis=0)
    assert off[0] == pytest.approx(max(abs(mean[k] / batch_size.COSTS[0.1][k] - 1) for k in (1, 2)))
    text = batch_size.report(result)
    assert text.count("rates printed digit for digit: 10 of 10") == 2
    assert f"{mean[2]:.4f} +- " in text


def test_rates_of_ten_and_a_hundred_times_less():
    result = learning_rate.run(small(), small(100, 1), epochs=4)
    losses = [run.final("loss") for run in result.runs]
    assert losses == sorted(losses)
    assert result.runs[0].before == pytest.approx(math.log(10), rel=1e-6)  # weights of zero guess


def test_mnist_that_is_not_there_is_an_error_not_a_traceback(tmp_path, monkeypatch, capsys):
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("GDCORE_DATA_DIR", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)  # as if it were not installed
    for name in ("learning-rate", "batch-size", "initialisation"):
        assert main(["lesson", name, "--plots", str(tmp_path / "plots")]) == 1
        message = capsys.readouterr().err
        assert message.startswith("gdcore: MNIST is not on this machine")
        assert "GDCORE_DATA_DIR" in message
    assert not (tmp_path / "plots").exists()


# ---- initial weights -------------------------------------------------------------------------------------------


def test_what_saturates_and_what_dies(monkeypatch):
    monkeypatch.setattr(initialisation, "ROWS", 100)
    outcome = initialisation.run(small(), small(100, 1), epochs=2)
    assert len(outcome.result) == len(outcome.looks) == 48

    def of(*key):
        run = next(run for run in outcome.result.runs if tuple(run.params.values()) == key)
        before, after = outcome.looks[key]
        return run, before, after, initialisation.verdict(before, after, run.history["loss"])

    # the course's own: 784 ones times grey values, far out where tanh is flat
    run, before, after, verdict = of("tanh", "ones", "mse")
    assert run.params == initialisation.THE_COURSES
    assert verdict == "dead from the start"
    assert (before.stuck, after.stuck) == (1, 1)
    assert (before.outputs == 1).all()
    assert not before.slopes.any()
    assert run.history["loss"] == pytest.approx([0.9, 0.9])  # nine of ten targets are 0, each output is 1
    assert of("relu", "zeros", "mse")[3] == "dead from the start"
    assert of("tanh", "zeros", "categorical_crossentropy")[3] == "not a number"  # 0 / 0
    run, before, after, verdict = of("softmax", "zeros", "categorical_crossentropy")
    assert verdict == "learns"
    np.testing.assert_allclose(before.outputs, 0.1)
    assert np.square(after.slopes).sum() < np.square(before.slopes).sum()
    lines = initialisation.report(outcome).splitlines()
    assert sum("<- the course" in line for line in lines) == 1


def test_words_for_what_became_of_a_layer():
    def look(slopes, stuck=0.0, outputs=0.5):
        return initialisation.Look(np.full((2, 10), outputs), np.full(8, slopes), stuck)

    alive, dead = look(0.1), look(0.0, 1.0)
    for before, after, costs, expected in (
        (alive, alive, [2, 1], "learns"),
        (alive, look(0.1, outputs=np.nan), [2, np.nan], "not a number"),
        (alive, alive, [2, np.nan, 1], "cost not a number at times"),
        (alive, alive, [1, 2], "gets worse"),
        (dead, dead, [1, 1], "dead from the start"),
        (alive, dead, [2, 1], "died"),
        (look(0.1, 0.99), look(0.1, 0.9), [2, 1], "saturated"),
        (look(0.1, 0.99), alive, [2, 1], "saturated at first"),
        (look(0.0), alive, [2, 1], "mostly dead at first"),
    ):
        assert initialisation.verdict(before, after, costs) == expected


# ---- exercises -------------------------------------------------------------------------------------------------


def test_exercise_1_asks_about_the_courses_net():
    outcome = exercise_1.run()
    before = by_hand.run().before
    np.testing.assert_array_equal(by_hand.parameters(outcome.model), before)
    x, y = by_hand.data()

    def loss(p):
        hidden = [p[3 + k] / (1 + np.exp(-(p[k] * x + p[6 + k]))) for k in range(3)]
        return np.mean(np.abs(y - 1 / (1 + np.exp(-(sum(hidden) + p[9])))))

    p, h = before.astype(np.float64), 1e-6
    slopes = [(loss(p + h * step) - loss(p - h * step)) / (2 * h) for step in np.eye(10)]
    assert list(outcome.slopes) == [name for name, _, _ in by_hand.PARAMETERS]
    np.testing.assert_allclose(list(outcome.slopes.values()), slopes, atol=1e-8)
    assert outcome.loss == pytest.approx(loss(p))
    for line in exercise_1.report(outcome).splitlines()[3:]:
        name, slope, way, advice = line.split()
        assert (way, advice) == (("rises", "decrease") if outcome.slopes[name] > 0 else ("falls", "increase"))
        assert float(slope) == pytest.approx(outcome.slopes[name], abs=1e-6)


def test_exercise_3_goes_on_as_long_as_the_loss_gets_less():
    steps, losses = exercise_3.run()
    assert 5 < len(steps) <= 13
    assert all(after < before for before, after in itertools.pairwise(losses))
    for one, other in itertools.pairwise(steps):
        assert sum(a != b for a, b in zip(one, other, strict=True)) == 1  # one parameter at a time
    np.testing.assert_allclose(exercise_4.loss(steps), losses, rtol=1e-12)


def test_exercise_4_compares_rates():
    ways = {rate: exercise_4.run(rate, 60)[0] for rate in (0.3, 3.0)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exercise_4, "EPOCHS", (5, 60))
        text = exercise_4.compared(ways)
    head, *lines = text.splitlines()
    assert "5 epochs" in head
    for line, (rate, steps) in zip(lines, ways.items(), strict=True):
        expected = [rate, exercise_4.loss(steps[5]), exercise_4.loss(steps[60]), *steps[-1]]
        np.testing.assert_allclose([float(text) for text in line.split()], expected, atol=6e-4)


def run_of(losses, optimizer="SGD", rate=0.1, accuracy=0.5):
    params = {"optimizer": optimizer, "learning_rate": rate}
    history = {"loss": list(losses), "val_accuracy": [accuracy] * len(losses)}
    return Run(params, 0, 5, len(losses), history, 2.0, 0.0)


def test_restlessness():
    assert _grids.restlessness(run_of([9, 4, 3, 2])) == 0
    assert _grids.restlessness(run_of([1, 4, 3, 2])) == 0  # the first epoch does not count
    assert _grids.restlessness(run_of([9, 4, 2, 3, 2])) == 0.5
    assert _grids.restlessness(run_of([9, 2, 2])) == 0
    assert _grids.restlessness(run_of([9, math.nan, 2])) == math.inf


def test_answers_come_from_the_runs():
    runs = [
        run_of([3, 2, 1, 0.5], "SGD", 0.1),
        run_of([3, 2, 1.5, 1.2], "SGD", 0.01),
        run_of([3, 1, 2, 0.1], "Adam", 0.1),
        run_of([3, 2, 1, 0.3], "Adam", 0.01),
    ]
    result = Sweep(runs, {"optimizer": ["SGD", "Adam"], "learning_rate": [0.1, 0.01]}, "loss", "min", 0.0)
    text = _grids.answers(result)
    assert "Best: Adam at a rate of 0.1, loss 0.1." in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert rows["SGD"] == ["0.1", "0.5", "-"]
    assert rows["Adam"] == ["0.1", "0.1", "0.1"]
    assert "Unstable at 0.1: 1 of 2 optimizers." in text
    assert "Calm at 0.01: 2 of 2; with 2 of them" in text
    assert [line.split() for line in _grids.table(result).splitlines()[1:3]] == [
        ["SGD", "0.5", "1.2"],
        ["Adam", "0.1", "!", "0.3"],
    ]
    longer = Sweep([*runs[:3], run_of([3, 1, 2, 0.3], "Adam", 0.01)], result.grid, "loss", "min", 0.0)
    seen = exercise_5b.seen(result, longer).splitlines()
    assert seen[0].endswith(": Adam 0.1")
    assert seen[3].endswith(": Adam 0.01")
    assert seen[4].endswith(": none")


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([math.nan] * 5, (False, "diverged")),
        ([9, 2.4, 2.3, 2.3, 2.3], (False, "no better than guessing: its units are saturated or dead")),
        ([2, 1, 0.5, 0.3, 0.4], (False, "its loss rises")),
        ([2, 1.8, 1.6, 1.4, 1.2], (True, "slow, but it falls steadily: more epochs will help")),
        ([2, 1, 0.5, 0.3, 0.2], (True, "it falls fast and steadily")),
    ],
)
def test_whom_to_go_on_training(losses, expected):
    assert exercise_6a.chosen(run_of(losses)) == expected


def test_whether_the_choice_was_right():
    short = [run_of([2, 1, 0.5, 0.3, 0.2], "SGD", 0.1), run_of([2, 1, 0.5, 0.3, 0.4], "Adam", 0.1)]
    whole = [run_of([2, 1], "SGD", 0.1, 0.9), run_of([2, 0.1], "Adam", 0.1, 0.97)]
    grid = {"optimizer": ["SGD", "Adam"], "learning_rate": [0.1]}
    text = exercise_6c.judged(*(Sweep(runs, grid, "loss", "min", 0.0) for runs in (short, whole)))
    assert "not chosen though good: Adam 0.1" in text
    assert "chosen though not good: SGD 0.1" in text
    assert text.endswith("the best in the end, Adam 0.1, was not chosen")


def test_the_grids_are_the_courses():
    result = exercise_5a.run(3)
    assert len(result) == 24
    pairs = [tuple(run.params.values()) for run in result.runs]
    assert pairs == [(name, rate) for name in _grids.OPTIMIZERS for rate in (0.1, 0.01, 0.001, 0.0001)]
    train, test = _grids.digits()
    assert (train.rows, test.rows) == (1437, 360)
    model = _grids.build(exercise_6a.UNITS, "Adam", 0.01)
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [128, 64, 32, 16, 10]
    some = _grids.train((train, test), exercise_6a.UNITS, exercise_6a.RATES, 2, pairs=[("SGD", 0.01), ("Adam", 0.1)])
    assert [tuple(run.params.values()) for run in some.runs] == [("SGD", 0.01), ("Adam", 0.1)]
    assert _grids.table(some).splitlines()[2].split() == ["Adagrad", "-", "-", "-", "-"]


def test_the_largest_batches():
    found = max_batch_size.run()
    sizes = [int(batch) for batch in found]
    assert sizes[:3] == [512, 512, 512]
    assert sizes[3:] == sorted(sizes[3:], reverse=True)
    assert all(batch.foretold[int(batch)] <= batch.memory for batch in found)
    assert all(batch.memory < batch.foretold[2 * batch] for batch in found[3:])
    assert max_batch_size.report(found).count("too much") == sum(
        len(found[max_batch_size.NETS.index(net)].foretold) - 1 for net in max_batch_size.SHOWN
    )
