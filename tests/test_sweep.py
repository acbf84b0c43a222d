"""`gdcore.sweep`: the same numbers however it is run, every run a row, nothing trained twice; `find_batch_size`."""

import json
import math
import random
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import gdcore
from gdcore import Dataset, Sequential, callbacks, layers, optimizers, tuning
from gdcore.layers import Dense
from gdcore.tuning import batch_size

X, Y = gdcore.datasets.iris.load_data()
GRID = {"optimizer": ["SGD", "Adam"], "learning_rate": [0.1, 0.01, 0.001]}


def build(optimizer="Adam", learning_rate=0.01, units=5):
    model = Sequential([Dense(units, "selu"), layers.Dropout(0.1), Dense(3, "softmax")])
    model.compile(
        getattr(optimizers, optimizer)(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def assert_same(one, other):
    assert [run._replace(seconds=0) for run in one.runs] == [run._replace(seconds=0) for run in other.runs]


@pytest.fixture(scope="module")
def result():
    return gdcore.sweep(build, X, Y, GRID, epochs=6, seed=3, n_jobs=1, repeats=2)


def test_each_run_is_a_training_that_anyone_can_repeat(result):
    assert len(result) == 12
    assert [(run.params["optimizer"], run.params["learning_rate"], run.repeat) for run in result.runs] == [
        (name, rate, repeat) for name in GRID["optimizer"] for rate in GRID["learning_rate"] for repeat in (0, 1)
    ]
    for run in (result.runs[0], result.runs[7], result.best):
        gdcore.utils.set_random_seed(run.seed)
        model = build(**run.params)
        assert model.fit(X, Y, epochs=run.epochs, verbose=0).history == run.history
    assert {run.seed for run in result.runs} == {3, 4}


@pytest.mark.parametrize("n_jobs", [2, 5, -1])
def test_the_same_numbers_on_any_number_of_threads(result, n_jobs):
    assert_same(gdcore.sweep(build, X, Y, GRID, epochs=6, seed=3, n_jobs=n_jobs, repeats=2), result)


def test_joblib_runs_it_too(result):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    for parallel in (joblib.Parallel(2, backend="threading"), joblib.Parallel(2)):
        assert_same(gdcore.sweep(build, X, Y, GRID, epochs=6, seed=3, repeats=2, parallel=parallel), result)


def test_anything_that_calls_tasks_can_run_it(result, monkeypatch):
    """joblib's protocol: `delayed` tasks, results in order."""
    import sys
    import types

    def delayed(function):
        return lambda *args: (function, args)

    monkeypatch.setitem(sys.modules, "joblib", types.SimpleNamespace(delayed=delayed))

    def parallel(tasks):
        return [function(*args) for function, args in tasks]

    assert_same(gdcore.sweep(build, X, Y, GRID, epochs=6, seed=3, repeats=2, parallel=parallel), result)


def test_a_run_needs_nothing_but_its_arguments():
    import pickle

    task = ({"optimizer": "SGD", "learning_rate": 0.1}, 0, 3, 2)
    arguments = pickle.loads(pickle.dumps((build, Dataset(X, Y), None, {"verbose": 0, "batch_size": 32}, task)))
    run = tuning.train(*arguments)
    assert len(run.history["loss"]) == 2
    assert pickle.loads(pickle.dumps(run)) == run


def test_generators_are_left_as_they_were():
    gdcore.utils.set_random_seed(11)
    expected = random.random(), np.random.random(), gdcore.random.uniform((2,)).tolist()  # noqa: NPY002
    gdcore.utils.set_random_seed(11)
    gdcore.sweep(build, X, Y, {"units": [2, 3]}, seed=1)
    assert (random.random(), np.random.random(), gdcore.random.uniform((2,)).tolist()) == expected  # noqa: NPY002
    gdcore.random.set_seed(5)
    gdcore.sweep(build, X, Y, {"units": [2, 3]}, seed=1)
    assert gdcore.random.get_stream() == "keras2"
    gdcore.random.set_stream("keras3")


def test_without_a_seed_one_is_drawn():
    runs = [gdcore.sweep(build, X, Y, {"units": [2]}).best.history for _ in range(2)]
    assert runs[0] != runs[1]


def test_the_best_and_the_table(result):
    scores = {}
    for run in result.runs:
        scores.setdefault((run.params["optimizer"], run.params["learning_rate"]), []).append(run.history["loss"][-1])
    means = {key: sum(values) / 2 for key, values in scores.items()}
    best = min(means, key=means.get)
    assert (result.best.params["optimizer"], result.best.params["learning_rate"]) == best
    assert result.score(result.ranked()[0]) == pytest.approx(means[best])
    by = result.best_by("optimizer")
    for name in GRID["optimizer"]:
        assert by[name].params["learning_rate"] == min(GRID["learning_rate"], key=lambda rate: means[name, rate])
    lines = result.table().splitlines()
    assert lines[0].split() == ["optimizer", "learning_rate", "accuracy", "loss", "epochs", "seconds"]
    assert len(lines) == 7
    assert lines[1].split()[:2] == [best[0], str(best[1])]
    by_accuracy = gdcore.sweep(build, X, Y, GRID, epochs=6, seed=3, repeats=2, monitor="accuracy")
    assert by_accuracy.mode == "max"
    accuracies = [by_accuracy.score(cell) for cell in by_accuracy.ranked()]
    assert accuracies == sorted(accuracies, reverse=True)
    with pytest.raises(ValueError, match="Did you mean 'optimizer'"):
        result.best_by("optimiser")


def test_pandas(result):
    pytest.importorskip("pandas", reason="pandas is not installed")
    frame = result.to_pandas()
    assert len(frame) == 12
    assert frame["loss"].tolist() == [run.history["loss"][-1] for run in result.runs]


def test_a_run_that_diverges_is_a_row():
    grid = {"optimizer": ["SGD"], "learning_rate": [1e20, 0.01]}
    result = gdcore.sweep(build, X * 1e3, Y, grid, epochs=4, seed=0)
    assert [run.diverged for run in result.runs] == [True, False]
    assert result.best.params["learning_rate"] == 0.01
    assert result.table().splitlines()[2].endswith("diverged")
    assert list(result.best_by("learning_rate")) == [0.01]
    alone = gdcore.sweep(build, X * 1e3, Y, {"learning_rate": [1e20], "optimizer": ["SGD"]}, epochs=4, seed=0)
    with pytest.raises(ValueError, match="all of them diverged"):
        _ = alone.best
    for case in (result, alone):
        assert "diverged" in [text.get_text() for ax in case.plot().axes for text in ax.texts]


def test_no_memory_is_a_row(monkeypatch):
    fit = Sequential.fit

    def short(self, *args, **options):
        if self.layers[0].units == 3:
            raise MemoryError("no memory for a workspace")
        return fit(self, *args, **options)

    monkeypatch.setattr(Sequential, "fit", short)
    result = gdcore.sweep(build, X, Y, {"units": [2, 3]}, epochs=2, seed=0)
    assert [run.error for run in result.runs] == ["", "not enough memory: no memory for a workspace"]
    assert "not enough memory" in result.table()
    assert math.isnan(result.runs[1].final("loss"))
    assert result.plot() is not None


def test_validation_callbacks_and_options():
    options = dict(epochs=30, seed=2, batch_size=10, validation_split=0.2, shuffle="fresh")
    stop = callbacks.EarlyStopping("loss", min_delta=0.5, patience=1)
    one = gdcore.sweep(build, X[::-1], Y[::-1], {"units": [2, 4]}, callbacks=stop, n_jobs=1, **options)
    two = gdcore.sweep(build, X[::-1], Y[::-1], {"units": [2, 4]}, callbacks=[stop], n_jobs=2, **options)
    assert_same(one, two)
    assert one.monitor == "val_loss"
    assert all(len(run.history["loss"]) < 30 for run in one.runs)
    assert stop.best is None or not hasattr(stop, "model") or stop.model is None  # copies were used
    made = []

    def make(units):
        made.append(units)
        return [callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)]

    three = gdcore.sweep(build, X, Y, {"units": [2, 4]}, callbacks=make, **options)
    assert sorted(made) == [2, 4]
    assert "learning_rate" in three.runs[0].history
    held = gdcore.sweep(build, X, Y, {"units": [2]}, validation_data=(X, Y), seed=1)
    assert set(held.best.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_a_dataset():
    data = Dataset(X, Y, 16).standardize()
    result = gdcore.sweep(build, data, grid={"units": [2, 4]}, epochs=3, seed=5)
    gdcore.utils.set_random_seed(5)
    model = build(units=4)
    history = model.fit(data.x.astype(np.float32), Y, batch_size=16, epochs=3, verbose=0).history
    np.testing.assert_allclose(result.runs[1].history["loss"], history["loss"], rtol=1e-6)


def test_datasets_that_convert_train_as_in_fit():
    """Standardized float64 and one-hot targets, to the bit, though they are converted once for all runs."""

    def one_hot_net(units):
        model = Sequential([Dense(units, "selu"), Dense(3, "softmax")])
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        return model

    data = Dataset(X.astype(np.float64) * 7 + 3, Y, 16).one_hot().standardize()
    train, test = data.split(0.3, seed=1, stratify=True)
    before = repr((train, test)), train.x.copy(), train.y.copy()
    result = gdcore.sweep(one_hot_net, train, grid={"units": [2, 4]}, epochs=3, seed=5, validation_data=test)
    for run in result.runs:
        gdcore.utils.set_random_seed(run.seed)
        model = one_hot_net(**run.params)
        assert model.fit(train, epochs=3, validation_data=test, verbose=0).history == run.history
    assert repr((train, test)) == before[0]
    np.testing.assert_array_equal(train.x, before[1])
    np.testing.assert_array_equal(train.y, before[2])


def test_checkpoints_and_early_stopping_of_each_run(tmp_path):
    def make(units):
        best = str(tmp_path / f"{units}.npz")
        return [
            callbacks.ModelCheckpoint(best, "val_loss", save_best_only=True, save_weights_only=True),
            callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        ]

    options = dict(epochs=60, seed=3, validation_split=0.3, callbacks=make)
    order = np.random.default_rng(0).permutation(len(X))
    x, y = X[order], Y[order]

    def quick(units):
        return build(learning_rate=0.3, units=units)

    one = gdcore.sweep(quick, x, y, {"units": [2, 6]}, n_jobs=1, **options)
    found = [gdcore.sweep(quick, x, y, {"units": [2, 6]}, n_jobs=2, **options), one]
    assert_same(*found)
    assert any(len(run.history["loss"]) < 60 for run in one.runs)
    for run in one.runs:
        model = quick(**run.params)
        model.build((None, 4))
        model.load_weights(tmp_path / f"{run.params['units']}.npz")
        first = int(0.7 * len(x))
        loss = model.evaluate(x[first:], y[first:], return_dict=True)["loss"]
        assert loss == pytest.approx(min(run.history["val_loss"]), rel=1e-6)


def test_an_error_in_one_run_is_raised_and_what_was_finished_stays(tmp_path):
    path = tmp_path / "runs.jsonl"
    broken = True

    def some(units):
        if units == 4 and broken:
            raise RuntimeError("units=4 is one too many")
        return build(units=units)

    grid = {"units": [2, 3, 4, 5]}
    with pytest.raises(RuntimeError, match="one too many"):
        gdcore.sweep(some, X, Y, grid, seed=1, n_jobs=1, file=path)
    assert len(path.read_text().splitlines()) == 3
    broken = False
    again = gdcore.sweep(some, X, Y, grid, seed=1, n_jobs=2, file=path)
    assert_same(again, gdcore.sweep(some, X, Y, grid, seed=1))
    with pytest.raises(ValueError, match=r"y\[100\] = 7 is not a valid class index, expected whole numbers"):
        gdcore.sweep(build, X, np.where(Y == 2, 7, Y), {"units": [2]}, seed=1)


def test_rows_without_figures_come_back_from_a_file(tmp_path, monkeypatch):
    """Those that diverged or had no memory are not trained again."""
    path = tmp_path / "runs.jsonl"
    fit = Sequential.fit

    def short(self, *args, **options):
        if self.layers[0].units == 3:
            raise MemoryError("no memory")
        return fit(self, *args, **options)

    monkeypatch.setattr(Sequential, "fit", short)
    grid = {"units": [2, 3], "learning_rate": [1e20, 0.01], "optimizer": ["SGD"]}
    options = dict(epochs=3, seed=0, file=path)
    first = gdcore.sweep(build, X * 1e3, Y, grid, n_jobs=2, **options)
    monkeypatch.setattr(Sequential, "fit", None)  # nothing may be trained now
    again = gdcore.sweep(build, X * 1e3, Y, grid, n_jobs=1, **options)
    assert repr(again.runs) == repr(first.runs)
    assert [run.diverged for run in again.runs] == [True, False, True, True]
    assert [bool(run.error) for run in again.runs] == [False, False, True, True]
    assert again.best.params["units"] == 2


def test_halving_is_taken_up_too(tmp_path):
    path = tmp_path / "runs.jsonl"
    options = dict(epochs=4, seed=1, search="halving", factor=2)
    grid = {"units": [2, 4, 6, 8]}
    whole = gdcore.sweep(build, X, Y, grid, **options, file=path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:6]))
    assert_same(gdcore.sweep(build, X, Y, grid, **options, file=path), whole)
    assert len(path.read_text().splitlines()) == len(lines)


def test_random_search():
    calls = {"units": range(2, 30), "learning_rate": [0.1, 0.01]}
    result = gdcore.sweep(build, X, Y, calls, search="random", samples=7, seed=4)
    assert len({(run.params["units"], run.params["learning_rate"]) for run in result.runs}) == 7
    assert_same(result, gdcore.sweep(build, X, Y, calls, search="random", samples=7, seed=4))
    assert len(gdcore.sweep(build, X, Y, {"units": [2, 3]}, search="random", samples=50, seed=4)) == 2

    def rate(rng):
        return float(10 ** rng.uniform(-4, -1))

    drawn = gdcore.sweep(build, X, Y, {"learning_rate": rate, "units": [2, 3]}, search="random", samples=5, seed=4)
    rates = [run.params["learning_rate"] for run in drawn.runs]
    assert len(set(rates)) == 5
    assert all(1e-4 <= value <= 0.1 for value in rates)
    assert drawn.grid["learning_rate"] == sorted(rates)


def test_successive_halving():
    grid = {"units": [2, 4, 8], "learning_rate": [0.1, 0.01, 0.001]}
    result = gdcore.sweep(build, X, Y, grid, epochs=9, seed=1, search="halving", factor=3, repeats=2)
    rounds = {}
    for run in result.runs:
        rounds.setdefault(run.epochs, []).append(run.params)
    assert {epochs: len(runs) for epochs, runs in rounds.items()} == {1: 18, 3: 6, 9: 2}
    first = gdcore.sweep(build, X, Y, grid, epochs=1, seed=1, repeats=2)
    kept = [cell[0].params for cell in first.ranked()[:3]]
    assert all(params in kept for params in rounds[3])
    assert result.best.epochs == 9
    assert result.best.params == rounds[9][0]
    assert len(result.cells()) == 9


def test_a_file_is_taken_up_where_it_ended(tmp_path, result):
    path = tmp_path / "runs.jsonl"
    options = dict(epochs=6, seed=3, repeats=2, file=path)
    whole = gdcore.sweep(build, X, Y, GRID, **options)
    assert_same(whole, result)
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) == 13
    assert all(json.loads(line) for line in lines)
    path.write_text("".join(lines[:5]) + lines[5][:40])  # it was cut off within a line
    trained = []

    def counting(**params):
        trained.append(params)
        return build(**params)

    again = gdcore.sweep(counting, X, Y, GRID, **options)
    assert_same(again, result)
    assert len(trained) == 1 + 12 - 4  # one to look at
    assert len(path.read_text().splitlines()) == 13
    # nan and inf come back too
    path = tmp_path / "wild.jsonl"
    wild = [
        gdcore.sweep(build, X * 1e3, Y, {"learning_rate": [1e30], "optimizer": ["SGD"]}, epochs=3, seed=0, file=path)
        for _ in range(2)
    ]
    assert repr(wild[0].runs) == repr(wild[1].runs)


def test_files_of_something_else(tmp_path):
    path = tmp_path / "runs.jsonl"
    gdcore.sweep(build, X, Y, {"units": [2]}, seed=1, file=path)
    before = path.read_bytes()
    for change, what in (
        (dict(seed=2), "seed"),
        (dict(batch_size=7), "data"),
        (dict(grid={"learning_rate": [0.1]}), "parameters"),
        (dict(x=X + 1), "data"),
    ):
        arguments = dict(build=build, x=X, y=Y, grid={"units": [2]}, seed=1, file=path) | change
        with pytest.raises(ValueError, match=f"belongs to another sweep: {what} differ"):
            gdcore.sweep(**arguments)
    assert path.read_bytes() == before
    path.write_text("my notes\n")
    with pytest.raises(ValueError, match="is not a file of sweep, or damaged"):
        gdcore.sweep(build, X, Y, {"units": [2]}, seed=1, file=path)
    assert path.read_text() == "my notes\n"


def test_more_epochs_use_nothing_of_fewer(tmp_path):
    path = tmp_path / "runs.jsonl"
    for epochs in (1, 2, 1):
        result = gdcore.sweep(build, X, Y, {"units": [2]}, epochs=epochs, seed=1, file=path)
        assert len(result.best.history["loss"]) == epochs
    assert len(path.read_text().splitlines()) == 3


def test_the_plot(result):
    figure = result.plot()
    assert len(figure.axes) == 6
    assert [ax.get_title() for ax in figure.axes[:3]] == [f"learning_rate = {rate}" for rate in GRID["learning_rate"]]
    assert [ax.get_ylabel() for ax in figure.axes[::3]] == ["SGD", "Adam"]
    assert figure.get_supylabel() == "loss"
    assert all(len(ax.lines) == 2 for ax in figure.axes)
    limits = {(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes}
    assert len(limits) == 1
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert sum(text.startswith("best: ") for text in texts) == 1
    turned = result.plot("accuracy", rows="learning_rate")
    assert [ax.get_ylabel() for ax in turned.axes[::2]] == [str(rate) for rate in GRID["learning_rate"]]
    spanish = result.plot("accuracy", lang="es")
    assert spanish.get_supylabel() == "exactitud"
    assert spanish.axes[0].get_title() == f"tasa de aprendizaje = {GRID['learning_rate'][0]}"
    assert spanish.axes[3].get_xlabel() == "época"
    with pytest.raises(ValueError, match="Did you mean 'accuracy'"):
        result.plot("acuracy")
    alone = gdcore.sweep(build, X, Y, {"units": [2, 3]}, seed=1).plot()
    assert len(alone.axes) == 2


def test_the_plot_is_drawn_of_plain_curves():
    """It knows nothing of a `Sweep`."""
    from gdcore.plots.sweeps import draw

    curves = [np.array([3.0, 2.0, 1.5]), np.array([3.0, 2.5, 2.0])]
    figure = draw(
        {(8, ("a",)): (curves, 1.75), (16, ("b",)): ([np.array([9.0, np.nan])], math.nan)},
        ("units", [8, 16]),
        {"kind": ["a", "b"]},
        "loss",
        best=(8, ("a",)),
        falling=True,
        scale=curves,
    )
    assert [[line.get_ydata().tolist() for line in ax.lines] for ax in figure.axes[:2]] == [
        [curve.tolist() for curve in curves],
        [],
    ]
    assert [ax.texts[0].get_text() for ax in figure.axes] == ["best: 1.75", "not tried", "not tried", "diverged"]
    code = "import sys, gdcore.plots.sweeps; assert not any(name.startswith('gdcore.tuning') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_runs_of_0_1_0_are_found():
    """Where pickles and joblib's workers look for them."""
    from gdcore import _sweep

    assert (_sweep.Run, _sweep.Sweep, _sweep.train) == (tuning.Run, tuning.Sweep, tuning.train)


def test_numpy_settings_are_plain_in_files(tmp_path):
    path = tmp_path / "runs.jsonl"
    result = gdcore.sweep(
        build, X, Y, {"units": [2]}, epochs=np.int64(2), seed=np.int64(1), repeats=np.int8(2), file=path
    )
    assert_same(gdcore.sweep(build, X, Y, {"units": [2]}, epochs=2, seed=1, repeats=2, file=path), result)
    assert json.loads(path.read_text().splitlines()[0])["seed"] == 1


@pytest.mark.parametrize("verbose", [1, True])
def test_the_bar(capsys, verbose):
    gdcore.sweep(build, X, Y, {"units": [2, 3]}, seed=1, verbose=verbose)
    out = capsys.readouterr().out
    assert "2/2 [==============================] - ETA: 0s" in out
    gdcore.sweep(build, X, Y, {"units": [2, 3]}, seed=1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(grid=None), ValueError, "grid is missing"),
        (dict(grid={}), ValueError, "grid is missing"),
        (dict(grid={"units": []}), ValueError, r"grid\['units'\] has no values"),
        (dict(grid={"units": 3}), TypeError, r"grid\['units'\]=3 is not a list"),
        (dict(grid={"units": "abc"}), TypeError, r"grid\['units'\]='abc' is not a list"),
        (dict(grid={"units": lambda rng: 2}), TypeError, "only search='random'"),
        (dict(search="gird"), ValueError, "Did you mean 'grid'"),
        (dict(n_jobs=0), ValueError, "n_jobs=0"),
        (dict(seed=-1), ValueError, "seed=-1"),
        (dict(seed=2**32), ValueError, "seed=4294967296"),
        (dict(epochs=0), ValueError, "epochs=0"),
        (dict(repeats=0), ValueError, "repeats=0"),
        (dict(factor=1), ValueError, "factor=1"),
        (dict(n_jobs=True), TypeError, "n_jobs=True is not an integer"),
        (dict(n_jobs="2"), TypeError, "n_jobs='2' is not an integer"),
        (dict(epochs="3"), TypeError, "epochs='3' is not an integer of at least 1"),
        (dict(seed=True), TypeError, "seed=True is not an integer"),
        (dict(seed=2**32 - 1, repeats=2), ValueError, "seed=4294967295 is not an integer of at most 4294967294"),
        (dict(verbose="loud"), ValueError, "verbose='loud' is not one of 'auto', 0, 1"),
        (dict(grid=[{"units": [2]}, {"size": [3]}]), ValueError, "dictionaries of different parameters"),
        (dict(grid=[{"units": [2]}], search="random"), ValueError, "grid is a list of 1 dictionaries"),
        (dict(x=Dataset(X, Y)), ValueError, "y is given, but x is a Dataset"),
        (dict(mode="most"), ValueError, "mode='most'"),
        (dict(verbose=3), ValueError, "verbose=3"),
        (dict(monitor="los"), ValueError, "Did you mean 'loss'"),
        (dict(y=None), ValueError, "y is missing"),
        (dict(y=Y[:4]), ValueError, "y has shape"),
        (dict(x=iter([])), ValueError, "y is given, but the batches"),
        (dict(x=Dataset(iter([(X, Y)])), y=None), ValueError, "x is streamed"),
        (dict(build=lambda units: 3), TypeError, "build returned 3"),
        (dict(build=lambda units: Sequential([Dense(1)])), RuntimeError, "compile"),
        (dict(build=lambda size: build()), TypeError, "units"),
    ],
)
def test_bad_input(change, error, message):
    arguments = dict(build=build, x=X, y=Y, grid={"units": [2, 3]}, seed=1, n_jobs=2) | change
    before = threading.active_count()
    with pytest.raises(error, match=message):
        gdcore.sweep(**arguments)
    assert threading.active_count() == before


# ---- find_batch_size -------------------------------------------------------------------------------------


def wide(dtype="float32", *extra):
    model = Sequential([Dense(300, "relu", input_dim=1000), *extra, Dense(10, "softmax")], dtype=dtype)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "extra", [(), (layers.BatchNormalization,), (layers.LayerNormalization, lambda: layers.Dropout(0.5))]
)
def test_bytes_are_foretold_exactly(dtype, extra):
    for batch in (1, 16, 512, 4096):
        model = wide(dtype, *(make() for make in extra))
        found = gdcore.find_batch_size(model, "8GB", batch)
        assert found == batch
        item = np.dtype(dtype).itemsize
        weights = sum(view.nbytes for view in model.trainable_weights)
        moving = sum(view.nbytes for view in model.non_trainable_weights)
        rows = found * 1001 * item
        assert found.foretold[batch] == 4 * weights + moving + rows + model._network.workspace_bytes
        assert sum(layer.parameter_bytes for layer in found.layers) == 4 * weights + moving
        x, y = np.zeros((batch, 1000)), np.zeros(batch)
        model.train_on_batch(x, y)  # needs no more than was tried
        assert found.foretold[batch] == 4 * weights + moving + rows + model._network.workspace_bytes


def test_what_training_allocates_is_what_was_foretold():
    """With a batch that the core must take whole."""
    model = wide("float32", layers.BatchNormalization())
    x, y = np.zeros((2048, 1000), np.float32), np.zeros((2048, 1), np.float32)
    found = gdcore.find_batch_size(wide("float32", layers.BatchNormalization()), "8GB", 2048)
    assert len(model.weights) == 8  # they are there before the first step
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=2048, verbose=0)
        python = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # what Python can see are the optimizer's two vectors; the workspace is the core's own
    kept = 2 * sum(view.nbytes for view in model.trainable_weights)
    assert kept <= python < kept + 200_000
    row = found.common_bytes_per_row + sum(layer.bytes_per_row for layer in found.layers)
    held = 2048 + 16  # a whole vector more, since rows never lie a multiple of 256 apart
    assert model._network.workspace_bytes == pytest.approx(held * row, rel=1e-3)


def test_halving_to_what_fits():
    model = wide()
    fixed = gdcore.find_batch_size(model, start=1).foretold[1]
    found = gdcore.find_batch_size(wide(), fixed + 1_000_000)
    assert found in (1, 2, 4, 8, 16, 32, 64)
    assert found.foretold[int(found)] <= fixed + 1_000_000 < found.foretold[2 * found]
    assert gdcore.find_batch_size(wide(), start=700) == 512
    with pytest.raises(MemoryError, match=f"one row needs {fixed:,} bytes, and memory=1000"):
        gdcore.find_batch_size(wide(), 1000)
    model.fit(np.ones((40, 1000)), np.zeros(40), batch_size=found, verbose=0)


def test_sizes_that_fail_when_tried_are_halved(monkeypatch):
    monkeypatch.setattr(batch_size, "_fits", lambda model, size: size <= 64)
    found = gdcore.find_batch_size(wide())
    assert found == 64
    assert found.failed == [512, 256, 128]
    assert found.table().count("failed when tried") == 3
    monkeypatch.setattr(batch_size, "_fits", lambda model, size: False)
    with pytest.raises(MemoryError):
        gdcore.find_batch_size(wide())


def test_no_memory_in_fact(monkeypatch):
    def full(*args, **options):
        raise MemoryError

    model = wide()
    gdcore.find_batch_size(model, start=1)
    weights = model.get_weights()
    monkeypatch.setattr(np, "zeros", full)
    assert not batch_size._fits(model, 8)
    monkeypatch.undo()
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process limit its own memory")
def test_memory_that_the_machine_does_not_have():
    """More is allowed than there is: sizes are tried in fact, fail in fact, and are halved."""
    code = (
        "import resource, gdcore\n"
        "from gdcore.layers import Dense\n"
        "gdcore.set_num_threads(1)\n"
        "model = gdcore.Sequential([Dense(10, 'softmax', input_dim=1000)])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy')\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)\n"
        "found = gdcore.find_batch_size(model, '1000TB', 1 << 20)\n"
        "print(int(found), found.failed)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    size, failed = done.stdout.split(" ", 1)
    assert 2**12 <= int(size) < 2**17  # 300 MB are 75,000 rows of 1000 float32
    assert failed == f"{[2**k for k in range(20, int(size).bit_length() - 1, -1)]}\n"


def test_finding_changes_nothing_of_the_model():
    results = []
    for look in (True, False):
        gdcore.utils.set_random_seed(6)
        model = wide("float32", layers.BatchNormalization(), layers.Dropout(0.3))
        if look:
            gdcore.find_batch_size(model)
        x = np.random.default_rng(0).normal(size=(64, 1000))
        results.append((model.fit(x, np.arange(64) % 10, epochs=2, verbose=0).history, model.get_weights()))
    assert results[0][0] == results[1][0]
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_table_of_bytes():
    table = gdcore.find_batch_size(wide(), "20MiB", 4096).table()
    assert "layer" in table
    assert "300,300" in table
    assert "20,971,520 bytes" in table


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(memory="much"), ValueError, "memory='much'"),
        (dict(memory="8XB"), ValueError, "memory='8XB'"),
        (dict(memory=-1), ValueError, "memory=-1"),
        (dict(memory=float("nan")), ValueError, "memory=nan"),
        (dict(memory=None), TypeError, "memory=None"),
        (dict(start=0), ValueError, "start=0"),
        (dict(start=2.5), TypeError, "start=2.5"),
    ],
)
def test_bad_memory(arguments, error, message):
    with pytest.raises(error, match=message):
        gdcore.find_batch_size(wide(), **arguments)


@pytest.mark.parametrize(("text", "expected"), [("8GB", 8 * 10**9), ("1.5 MiB", 3 * 2**19), ("300", 300), (7.9, 7)])
def test_bytes_as_text(text, expected):
    assert batch_size._bytes(text) == expected


def test_models_that_are_not_ready():
    with pytest.raises(RuntimeError, match="compile"):
        gdcore.find_batch_size(Sequential([Dense(1, input_dim=2)]))
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="input_shape is not known"):
        gdcore.find_batch_size(model)
