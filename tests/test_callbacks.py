"""Callbacks: what they are told and what they do, against Keras's own; epochs in parts against whole ones."""

import copy
import json
import pathlib
import pickle
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdcore
from gdcore.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TerminateOnNaN,
    TqdmCallback,
)
from gdcore.callbacks.monitors import Monitor
from gdcore.layers import Dense
from gdcore.optimizers import SGD, Adam

RECORDED = json.loads((pathlib.Path(__file__).parent / "keras_figures" / "callbacks.json").read_text())
X, Y, WEIGHTS = (np.array(RECORDED[name]) for name in ("x", "y", "sample_weight"))
HOOKS = [name for name in vars(Callback) if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end")]
SCHEDULES = {
    "decay": lambda epoch, lr: lr if epoch < 5 else lr * 0.9,
    "steps": lambda epoch: 0.15 / (1 + epoch // 4),
}
CLOSE = {"rtol": 2e-5, "atol": 2e-5}


def model_of(optimizer=None, dtype=None, **options):
    model = gdcore.Sequential([Dense(4, "tanh", input_dim=2), Dense(1)], dtype=dtype)
    model.set_weights([np.array(w) for w in RECORDED["start"]])
    model.compile(SGD(0.1, momentum=0.5) if optimizer is None else optimizer, "mse", **options)
    return model


def arguments(method, given):
    """As in make_callbacks.py."""
    options, y = dict(given), Y
    if "nan_row" in options:
        y = Y.copy()
        y[options.pop("nan_row")] = np.nan
        options["allow_nan"] = True
    if "sample_weight" in options:
        options["sample_weight"] = WEIGHTS
    rows = options.pop("validation_rows", 0)
    if rows:
        options["validation_data"] = (X[:rows], Y[:rows])
    if method == "fit":
        options["shuffle"] = False
    if not method.endswith("on_batch"):
        options["verbose"] = 0
    return ([X] if method.startswith("predict") else [X, y]), options


def recorder(calls, stop=None):
    def hook_of(name):
        def hook(self, *args):
            *index, logs = args
            calls.append([name, *index, list(logs.items())])
            if stop and name == stop[0] and (not index or index[0] == stop[1]):
                self.model.stop_training = True

        return hook

    return type("Recorder", (Callback,), {name: hook_of(name) for name in HOOKS})()


def assert_same_calls(ours, keras):
    assert [call[:-1] for call in ours] == [call[:-1] for call in keras]
    for mine, theirs in zip(ours, keras, strict=True):
        assert [name for name, _ in mine[-1]] == [name for name, _ in theirs[-1]]
        for (_, a), (_, b) in zip(mine[-1], theirs[-1], strict=True):
            np.testing.assert_allclose(a, b, **CLOSE)


def assert_same_weights(model, weights, **tolerance):
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(a, b, **tolerance or CLOSE)


# ---- against Keras ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", RECORDED["calls"])
def test_hooks_are_called_as_keras_calls_them(case):
    recorded = RECORDED["calls"][case]
    method = recorded["method"]
    model = model_of(**recorded["compile"])
    calls = []
    args, options = arguments(method, recorded["given"])
    callback = recorder(calls, recorded["stop"])
    if not method.endswith("on_batch"):
        options["callbacks"] = [callback]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = getattr(model, method)(*args, **options)
    assert bool(caught) == recorded["warned"]
    assert_same_calls(calls, recorded["calls"])
    assert callback.params == recorded["params"]
    assert_same_weights(model, recorded["weights"])
    named = result.history if method == "fit" else result if isinstance(result, dict) else None
    if named is None:
        np.testing.assert_allclose(result, recorded["result"], **CLOSE)
        assert isinstance(result, list | np.ndarray) == isinstance(recorded["result"], list)
    else:
        assert list(named) == [name for name, _ in recorded["result"]]
        for name, values in recorded["result"]:
            np.testing.assert_allclose(named[name], values, **CLOSE)


def whole_epochs(recorded):
    return recorded["method"] == "fit" and not (recorded["stop"] and "batch" in recorded["stop"][0])


@pytest.mark.parametrize("case", [name for name, recorded in RECORDED["calls"].items() if whole_epochs(recorded)])
def test_the_same_without_hooks_around_batches(case):
    """Whole epochs in one call end as Keras's batches do."""
    recorded = RECORDED["calls"][case]
    kinds = [name for name in HOOKS if "batch" not in name]
    calls = []
    recording = recorder(calls, recorded["stop"])
    callback = type("Quiet", (Callback,), {name: getattr(type(recording), name) for name in kinds})()
    model = model_of(**recorded["compile"])
    args, options = arguments("fit", recorded["given"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(*args, callbacks=callback, **options)
    assert_same_calls(calls, [call for call in recorded["calls"] if "batch" not in call[0]])
    assert list(history.history) == [name for name, _ in recorded["result"]]
    assert_same_weights(model, recorded["weights"])


@pytest.mark.parametrize("batchwise", [False, True])
@pytest.mark.parametrize("case", RECORDED["runs"])
def test_runs_end_as_keras_runs_do(case, batchwise, tmp_path):
    recorded = RECORDED["runs"][case]
    ema = {"use_ema": True, "ema_momentum": 0.7} if case.startswith("ema") else {}
    model = model_of(SGD(recorded["learning_rate"], momentum=0.5, **ema), metrics=["mae"])
    made = []
    for name, config in recorded["callbacks"]:
        config = dict(config)
        if "schedule" in config:
            config["schedule"] = SCHEDULES[config["schedule"]]
        if "filename" in config:
            config["filename"] = tmp_path / config["filename"]
        made.append(getattr(gdcore.callbacks, name)(**config))
    if batchwise:
        made.append(LambdaCallback(on_train_batch_end=lambda batch, logs: None))
    saved = []
    model.save = model.save_weights = saved.append
    args, options = arguments("fit", recorded["given"])
    history = model.fit(*args, callbacks=made, **options).history
    assert saved == recorded["saved"]
    assert list(history) == [name for name, _ in recorded["history"]]
    for name, values in recorded["history"]:
        if name == "learning_rate":
            assert history[name] == values
        else:
            np.testing.assert_allclose(history[name], values, rtol=2e-5, atol=2e-5)
    assert np.float32(model.optimizer.learning_rate) == recorded["learning_rate_after"]
    assert_same_weights(model, recorded["weights"])
    if "csv" in recorded:
        ours = (tmp_path / "log.csv").read_bytes().decode().split("\r\n")
        theirs = recorded["csv"].split("\r\n")
        separator = theirs[0][5]
        assert ours[0] == theirs[0]
        assert ours[-1] == theirs[-1] == ""
        for mine, line in zip(ours[1:-1], theirs[1:-1], strict=True):
            for a, b in zip(mine.split(separator), line.split(separator), strict=True):
                assert (a == b == "NA") or float(a) == pytest.approx(float(b), rel=2e-5)


# ---- batch by batch and in one call -----------------------------------------------------------------------

EVERY_BATCH = {"on_train_batch_end": lambda batch, logs: None, "on_test_batch_begin": lambda batch, logs: None}


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 40),
    batch_size=st.integers(1, 45),
    dtype=st.sampled_from(["float32", "float64"]),
    shuffle=st.sampled_from([False, True, "fresh"]),
    weighted=st.booleans(),
    validated=st.booleans(),
    seed=st.integers(0, 99),
)
def test_batch_by_batch_has_the_bits_of_one_call(rows, batch_size, dtype, shuffle, weighted, validated, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, 2)), rng.normal(size=rows)
    ends = []
    for callbacks in ([], [Callback()], [LambdaCallback(**EVERY_BATCH)]):
        gdcore.utils.set_random_seed(seed)
        model = model_of(Adam(0.01), dtype, metrics=["mae"], weighted_metrics=["mse"])
        history = model.fit(
            x,
            y,
            batch_size,
            epochs=3,
            verbose=0,
            callbacks=callbacks,
            shuffle=shuffle,
            sample_weight=np.abs(y) if weighted else None,
            validation_data=(x, y, np.abs(x[:, 0])) if validated else None,
        )
        ends.append((history.history, history.epoch, model.optimizer.iterations, model.get_weights()))
    for end in ends[1:]:
        assert end[:3] == ends[0][:3]
        assert all(np.array_equal(a, b) for a, b in zip(end[3], ends[0][3], strict=True))


def test_logs_of_batches_are_means_over_the_rows_so_far():
    model = model_of(SGD(0.0), "float64", metrics=["mae"], weighted_metrics=["mse"])
    error = (model.predict(X) - Y)[:, 0]
    seen = []
    hooks = {"on_train_batch_end": lambda batch, logs: seen.append(logs)}
    model.fit(X, Y, 4, shuffle=False, sample_weight=WEIGHTS, callbacks=LambdaCallback(**hooks), verbose=0, epochs=1)
    for batch, logs in enumerate(seen):
        rows = slice(0, 4 * batch + 4)
        assert logs["loss"] == pytest.approx(np.mean(error[rows] ** 2 * WEIGHTS[rows]), rel=1e-12)
        assert logs["mae"] == pytest.approx(np.mean(np.abs(error[rows])), rel=1e-12)
        assert logs["mse"] == pytest.approx(np.average(error[rows] ** 2, weights=WEIGHTS[rows]), rel=1e-12)
    assert len(seen) == 4


def test_train_on_batch_is_one_step_of_fit():
    whole, single = model_of(Adam(0.01)), model_of(Adam(0.01))
    losses = []
    whole.fit(X, Y, 5, shuffle=False, epochs=2, verbose=0, sample_weight=WEIGHTS)
    for _ in range(2):
        for first in range(0, len(X), 5):
            rows = slice(first, first + 5)
            losses.append(single.train_on_batch(X[rows], Y[rows], WEIGHTS[rows]))
    assert single.optimizer.iterations == 6
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), single.get_weights(), strict=True))
    mean = np.average(losses[3:], weights=[5, 5, 4])
    assert whole.history.history["loss"][1] == pytest.approx(mean, rel=1e-12)
    assert single.test_on_batch(X, Y) == single.evaluate(X, Y, batch_size=len(X))
    assert np.array_equal(single.predict_on_batch(X), single.predict(X))


def test_train_on_batch_weighs_classes():
    y = np.arange(14) % 2
    ends = []
    for given_weights in ({"class_weight": {1: 3.0}}, {"sample_weight": 1.0 + 2 * y}):
        model = model_of()
        assert set(model.train_on_batch(X, y, return_dict=True, **given_weights)) == {"loss"}
        ends.append(model.get_weights()[0])
    assert np.array_equal(*ends)


def test_a_learning_rate_set_in_a_hook_holds_for_the_next_batch():
    rates = iter([0.1, 0.0, 0.2, 0.05] * 2)

    def change(batch, logs):
        model.optimizer.learning_rate = next(rates)

    model, by_hand = model_of(SGD(0.7)), model_of(SGD(0.7))
    model.fit(X, Y, 4, epochs=2, shuffle=False, verbose=0, callbacks=LambdaCallback(on_train_batch_begin=change))
    for rate, first in zip([0.1, 0.0, 0.2, 0.05] * 2, [0, 4, 8, 12] * 2, strict=True):
        by_hand.optimizer.learning_rate = rate
        by_hand.train_on_batch(X[first : first + 4], Y[first : first + 4])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), by_hand.get_weights(), strict=True))


def test_weights_set_in_a_hook_hold_for_the_next_batch():
    start = [np.array(w) for w in RECORDED["start"]]

    def back(batch, logs):
        model.set_weights(start)

    model = model_of(SGD(0.1))
    model.fit(X, Y, 4, shuffle=False, verbose=0, callbacks=LambdaCallback(on_batch_begin=back))
    by_hand = model_of(SGD(0.1))
    by_hand.train_on_batch(X[12:], Y[12:])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), by_hand.get_weights(), strict=True))


def test_hooks_may_use_the_model():
    def look(batch, logs):
        assert np.isfinite(model.predict(X)).all()
        assert model.evaluate(X, Y) > 0
        seen.append(batch)

    seen = []
    model, alone = model_of(), model_of()
    model.fit(X, Y, 5, epochs=2, shuffle=False, verbose=0, callbacks=LambdaCallback(on_train_batch_end=look))
    alone.fit(X, Y, 5, epochs=2, shuffle=False, verbose=0)
    assert seen == [0, 1, 2] * 2
    assert model.history.history == alone.history.history


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize(
    ("hook", "epochs", "steps"), [("on_train_batch_end", 1, 6), ("on_epoch_begin", 1, 4), ("on_test_begin", 1, 8)]
)
def test_an_error_in_a_hook_leaves_a_usable_model(error, hook, epochs, steps):
    def fail(*args):
        counts.append(args)
        if model.optimizer.iterations == steps:
            raise error("stop here")

    counts = []
    model = model_of()
    with pytest.raises(error, match="stop here"):
        model.fit(X, Y, 4, epochs=5, verbose=0, validation_data=(X, Y), callbacks=LambdaCallback(**{hook: fail}))
    assert model.optimizer.iterations == steps
    assert model.history.epoch == list(range(epochs))
    assert [len(values) for values in model.history.history.values()] == [epochs] * 2
    assert len(model.fit(X, Y, epochs=2, verbose=0).epoch) == 2
    assert model.optimizer.iterations == steps + 2


def test_changing_the_model_in_a_hook_is_refused():
    def deeper(epoch, logs):
        model.add(Dense(3))

    model = model_of()
    with pytest.raises(RuntimeError, match="were changed while it was at work"):
        model.fit(X, Y, verbose=0, callbacks=LambdaCallback(on_epoch_begin=deeper))

    def other_metrics(batch, logs):
        model.compile("sgd", "mse", metrics=["mae", "mse"])
        model.evaluate(X, Y)

    model = model_of()
    with pytest.raises(RuntimeError, match="were changed while it was at work"):
        model.fit(X, Y, 4, verbose=0, callbacks=LambdaCallback(on_batch_end=other_metrics))


def test_stopping_evaluate_and_predict():
    def stop(batch, logs=None):
        model.stop_evaluating = model.stop_predicting = batch == 1

    model = model_of()
    callback = LambdaCallback(on_test_batch_end=stop, on_predict_batch_end=stop)
    assert model.evaluate(X, Y, 4, callbacks=callback) == model.evaluate(X[:8], Y[:8])
    assert np.array_equal(model.predict(X, 4, callbacks=callback), model.predict(X)[:8])
    assert model.predict(X, 4).shape == (14, 1)


@pytest.mark.parametrize(
    ("argument", "value", "error", "message"),
    [
        ("steps_per_epoch", 0, ValueError, "steps_per_epoch=0 is not an integer of at least 1"),
        ("validation_steps", 1.5, TypeError, "validation_steps=1.5 is not an integer"),
        ("validation_batch_size", 0, ValueError, "validation_batch_size=0 is not an integer of at least 1"),
        ("validation_freq", 0, ValueError, "validation_freq=0 is not an integer of at least 1"),
        ("validation_freq", [1, "a"], TypeError, "validation_freq='a' is not an integer"),
        ("validation_freq", None, TypeError, "validation_freq=None is not an integer"),
        ("callbacks", [Callback(), None], TypeError, "callbacks holds None, expected gdcore.callbacks"),
        ("callbacks", Callback, TypeError, "callbacks holds <class"),
    ],
)
def test_bad_arguments_of_fit(argument, value, error, message):
    model = model_of()
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.fit(X, Y, verbose=0, **{argument: value})
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.history is None


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_bad_arguments_of_evaluate_and_predict(method):
    model = model_of()
    args = [X] if method == "predict" else [X, Y]
    with pytest.raises(ValueError, match="steps=0 is not an integer of at least 1"):
        getattr(model, method)(*args, steps=0)
    with pytest.raises(TypeError, match="callbacks holds 3"):
        getattr(model, method)(*args, callbacks=[3])
    with pytest.warns(UserWarning, match="fewer batches than steps"):
        getattr(model, method)(*args, batch_size=5, steps=4)


# ---- one by one -------------------------------------------------------------------------------------------


def test_what_nobody_asked_for_is_not_loaded():
    code = (
        "import sys, gdcore\n"
        "assert not {'gdcore.callbacks.files', 'gdcore.callbacks.monitors'} & set(sys.modules)\n"
        "assert set(gdcore.callbacks.__all__) <= set(dir(gdcore.callbacks))\n"
        "from gdcore.callbacks import *\n"
        "assert EarlyStopping is sys.modules['gdcore.callbacks.monitors'].EarlyStopping\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'EarlyStoping'"):
        _ = gdcore.callbacks.EarlyStoping


def test_callback_list():
    calls = []
    spy = recorder(calls)
    several = CallbackList([[spy], History()], add_history=True, model=model_of(), epochs=3)
    assert len(several.callbacks) == 2
    several.append(spy)
    several.on_epoch_end(4, {"b": 1, "a": 2})
    several.on_train_batch_begin(2)
    several.on_test_end({"loss": 1})
    assert calls[::2] == [
        ["on_epoch_end", 4, [("a", 2), ("b", 1)]],
        ["on_train_batch_begin", 2, []],
        ["on_test_end", [("loss", 1)]],
    ]
    assert spy.params == {"epochs": 3}
    assert several.callbacks[1].history == {"a": [2], "b": [1]}
    assert isinstance(CallbackList(add_progbar=True).callbacks[0], gdcore.callbacks.ProgbarLogger)


def test_only_what_looks_at_batches_costs_batches():
    class Old(Callback):
        def on_batch_end(self, batch, logs=None):
            pass

    class Looks(ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    for callback, uses in [
        (Callback(), False),
        (LambdaCallback(on_epoch_end=print), False),
        (LambdaCallback(on_batch_end=print), True),
        (LambdaCallback(on_train_batch_begin=print), True),
        (ModelCheckpoint("a.keras"), False),
        (ModelCheckpoint("a.keras", save_freq=2), True),
        (Looks("a.keras"), True),
        (BackupAndRestore("a"), False),
        (TerminateOnNaN(), True),
        (Old(), True),
    ]:
        assert CallbackList([callback])._uses_batches("train") == uses, callback
        assert not CallbackList([callback])._uses_batches("test")


def test_a_history_of_ones_own_is_the_one():
    history = History()
    model = model_of()
    assert model.fit(X, Y, epochs=2, verbose=0, callbacks=[history]) is history
    assert model.history is history
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 1}
    model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0, callbacks=[history, Callback()])
    assert history.epoch == [2]
    assert len(history.history["loss"]) == 3


def test_lambda_callback_refuses_what_is_no_hook():
    with pytest.raises(ValueError, match=r"hook='on_epoch_ends' is not known\. Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_test_end=3 cannot be called"):
        LambdaCallback(on_test_end=3)


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau, ModelCheckpoint])
def test_what_to_monitor(kind, tmp_path):
    def size(y_true, y_pred):
        return np.abs(y_true - y_pred).mean(axis=-1)

    def callback(**options):
        path = [tmp_path / "a.keras"] if kind is ModelCheckpoint else []
        best = {"save_best_only": True} if kind is ModelCheckpoint else {}
        return kind(*path, **best, **options)

    with pytest.raises(ValueError, match="mode='smallest' is not one of 'auto', 'min', 'max'"):
        callback(mode="smallest")
    with pytest.raises(TypeError, match="monitor=1 is not a string"):
        callback(monitor=1)
    model = model_of(metrics=[size, "binary_accuracy"])
    model.save = lambda path: None
    with pytest.warns(UserWarning, match="monitor='val_loss', which is not there; known: binary_accuracy, "):
        model.fit(X, Y, verbose=0, callbacks=callback())
    with pytest.raises(ValueError, match="cannot tell whether monitor='size' should be small or large"):
        model.fit(X, Y, verbose=0, epochs=3, callbacks=callback(monitor="size"))
    model.fit(X, Y, verbose=0, epochs=2, callbacks=callback(monitor="size", mode="min"))
    up = callback(monitor="val_binary_accuracy")
    up.set_model(model)
    assert Monitor.of(up).is_better(0.6, 0.5)
    assert not Monitor.of(up).is_better(0.4, 0.5)


def test_improvement_is_seen_in_the_type_of_the_model():
    for dtype, better in (("float32", False), ("float64", True)):
        callback = EarlyStopping(monitor="loss")
        callback.set_model(model_of(dtype=dtype))
        assert Monitor.of(callback).is_better(1.0 - 1e-12, 1.0) == better
        assert not Monitor.of(callback).is_better(np.nan, 1.0)


@pytest.mark.parametrize(
    ("kind", "options", "error", "message"),
    [
        (EarlyStopping, {"patience": -1}, ValueError, "patience=-1"),
        (EarlyStopping, {"min_delta": "a"}, TypeError, "min_delta='a' is not a finite number"),
        (EarlyStopping, {"baseline": np.nan}, ValueError, "baseline=nan"),
        (EarlyStopping, {"start_from_epoch": -3}, ValueError, "start_from_epoch=-3"),
        (EarlyStopping, {"patience": "3"}, TypeError, "patience='3' is not a finite number of at least 0"),
        (EarlyStopping, {"patience": True}, TypeError, "patience=True is not a finite number"),
        (EarlyStopping, {"min_delta": "0"}, TypeError, "min_delta='0' is not a finite number"),
        (EarlyStopping, {"verbose": "x"}, TypeError, "verbose='x' is not an integer of at least 0"),
        (EarlyStopping, {"restore_best_weights": "no"}, TypeError, "restore_best_weights='no' is not True or False"),
        (LearningRateScheduler, {"schedule": abs, "verbose": "x"}, TypeError, "verbose='x' is not an integer"),
        (ModelCheckpoint, {"filepath": "a.keras", "verbose": None}, TypeError, "verbose=None is not an integer"),
        (
            ModelCheckpoint,
            {"filepath": "a.keras", "save_freq": 2.5},
            TypeError,
            "save_freq=2.5 is not 'epoch' or a",
        ),
        (ModelCheckpoint, {"filepath": "a.keras", "initial_value_threshold": "1"}, TypeError, "threshold='1' is not a"),
        (TerminateOnNaN, {"raise_error": "yes"}, TypeError, "raise_error='yes' is not True or False"),
        (SwapEMAWeights, {"swap_on_epoch": 2}, TypeError, "swap_on_epoch=2 is not True or False"),
        (ReduceLROnPlateau, {"factor": 1.0}, ValueError, "factor=1.0"),
        (ReduceLROnPlateau, {"factor": "0.1"}, TypeError, "factor='0.1' is not a finite number between 0 and 1"),
        (ReduceLROnPlateau, {"cooldown": -1}, ValueError, "cooldown=-1"),
        (ReduceLROnPlateau, {"min_lr": -1.0}, ValueError, "min_lr=-1.0"),
        (LearningRateScheduler, {"schedule": 0.1}, TypeError, "schedule=0.1 cannot be called"),
        (CSVLogger, {"filename": "a", "separator": ""}, ValueError, "separator=''"),
        (ModelCheckpoint, {"filepath": "a.keras", "save_freq": "batch"}, ValueError, "save_freq='batch'"),
        (ModelCheckpoint, {"filepath": "a.keras", "save_freq": 0}, ValueError, "save_freq=0"),
        (ModelCheckpoint, {"filepath": "a.txt"}, ValueError, "'a.txt' does not end in .keras"),
        (ModelCheckpoint, {"filepath": "a.keras", "save_weights_only": True}, ValueError, "end in .weights.h5 or .npz"),
        (BackupAndRestore, {"backup_dir": ""}, ValueError, "backup_dir='' is empty"),
        (BackupAndRestore, {"backup_dir": "a", "save_freq": True}, ValueError, "save_freq=True"),
    ],
)
def test_bad_settings(kind, options, error, message):
    with pytest.raises(error, match=message):
        kind(**options)


def test_settings_are_kept_as_given_and_checked_when_they_are_set():
    stop = EarlyStopping("loss", min_delta=-0.5, patience=np.int64(3), verbose=True)
    assert (stop.monitor, stop.mode, stop.min_delta, stop.patience, stop.verbose) == ("loss", "auto", 0.5, 3, True)
    assert EarlyStopping(patience=2.5).patience == 2.5
    stop.patience, stop.mode, stop.best = 1, "max", 2.0
    assert (stop.patience, stop.mode, stop.best, stop.wait) == (1, "max", 2.0, 0)
    for name, value in (("patience", "3"), ("mode", "largest"), ("monitor", None), ("min_delta", np.nan)):
        with pytest.raises(ValueError, match=f"{name}={value!r} is not"):
            setattr(stop, name, value)
    assert (stop.monitor, stop.mode, stop.min_delta, stop.patience) == ("loss", "max", 0.5, 1)
    assert ModelCheckpoint("a.keras", initial_value_threshold=np.inf).best == np.inf


def test_settings_may_change_while_a_model_trains():
    stop = EarlyStopping("loss", mode="max", patience=100)
    eager = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(stop, "patience", 0) if epoch == 3 else None)
    assert model_of().fit(X, Y, epochs=9, verbose=0, callbacks=[stop, eager]).epoch == list(range(5))


def test_copies_count_their_own_batches():
    saved = []
    first = ModelCheckpoint("{batch}.keras", save_freq=3)
    model = model_of()
    model.save = saved.append
    first.set_model(model)
    first.on_train_batch_end(0)
    for again in (copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        again.set_model(model)
        again.on_train_batch_end(1)
        assert not saved
        again.on_train_batch_end(2)
        assert saved.pop() == "3.keras"
    first.on_train_batch_end(1)
    assert not saved


def test_pickles_of_0_1_0_go_on_counting():
    """They hold the number of batches by itself."""
    for callback in (ModelCheckpoint("a.keras", save_freq=3), BackupAndRestore("a", save_freq=3)):
        state = {name: value for name, value in vars(callback).items() if name != "_schedule"}
        old = type(callback).__new__(type(callback))
        old.__setstate__({**state, "_batches_seen_since_last_saving": 2})
        assert vars(old).keys() == vars(callback).keys()
        assert old._schedule.is_due(old.save_freq)


def test_what_callbacks_print(capsys):
    model = model_of(metrics=["mae"])
    model.save = lambda path: None
    model.fit(
        X,
        Y,
        epochs=4,
        verbose=0,
        callbacks=[
            EarlyStopping("loss", patience=1, verbose=1, restore_best_weights=True),
            LearningRateScheduler(lambda epoch: 1e-30, verbose=1),  # too small to change a weight
            ReduceLROnPlateau("loss", patience=1, verbose=1, factor=0.0, min_lr=1e-32),
            ModelCheckpoint("{epoch}.keras", "mae", verbose=1, save_best_only=True),
            ModelCheckpoint("b.keras", "mae", verbose=1, save_best_only=True, initial_value_threshold=9.0),
        ],
    )
    assert capsys.readouterr().out.split("\n") == [
        "",
        "Epoch 1: learning rate 1e-30",
        "",
        "Epoch 1: mae is 2.26855: saved to 1.keras",
        "",
        "Epoch 1: mae is 2.26855, better than 9.00000: saved to b.keras",
        "",
        "Epoch 2: learning rate 1e-30",
        "",
        "Epoch 2: learning rate reduced to 1e-32",
        "",
        "Epoch 2: mae is not better than 2.26855",
        "",
        "Epoch 2: mae is not better than 2.26855",
        "Epoch 2: early stopping",
        "Back to the weights of epoch 1, the best one",
        "",
    ]


def test_a_schedule_must_return_a_float():
    model = model_of()
    with pytest.raises(ValueError, match="schedule returned 1 for epoch 0, expected a float"):
        model.fit(X, Y, verbose=0, callbacks=LearningRateScheduler(lambda epoch, rate: 1))
    assert model.optimizer.learning_rate == 0.1
    rates = []
    schedule = LearningRateScheduler(lambda epoch, rate: rates.append(rate) or np.float32(rate / 3))
    history = model_of(dtype="float64").fit(X, Y, epochs=2, verbose=0, callbacks=schedule).history
    assert rates[0] == 0.1
    assert rates[1] == history["learning_rate"][0] == float(np.float32(0.1 / 3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_terminate_on_nan(bad, capsys):
    y = Y.copy()
    y[6] = bad
    model = model_of()
    history = model.fit(X, y, 4, epochs=3, shuffle=False, verbose=0, callbacks=TerminateOnNaN(), allow_nan=True)
    assert history.epoch == [0]
    assert model.optimizer.iterations == 2
    assert "Batch 1" in capsys.readouterr().out
    ended = []
    model = model_of()
    with pytest.raises(RuntimeError, match="batch 1 makes the loss"):
        model.fit(
            X,
            y,
            4,
            shuffle=False,
            verbose=0,
            callbacks=[TerminateOnNaN(raise_error=True), LambdaCallback(on_train_end=ended.append)],
            allow_nan=True,
        )
    assert not ended


def test_csv_logger_goes_on_with_a_file(tmp_path):
    path = tmp_path / "log.csv"
    for append, lines in ((True, 3), (True, 5), (False, 3), (True, 5)):
        model_of(metrics=["mae"]).fit(X, Y, epochs=2, verbose=0, callbacks=CSVLogger(path, append=append))
        written = path.read_text().splitlines()
        assert len(written) == lines
        assert written[0] == "epoch,loss,mae,val_loss,val_mae"
        assert [line.split(",")[0] for line in written[1:]] == ["0", "1"] * (lines // 2)
    numbers = [float(field) for field in written[1].split(",")[1:3]]
    history = model_of(metrics=["mae"]).fit(X, Y, epochs=1, verbose=0).history
    assert numbers == [history["loss"][0], history["mae"][0]]


def test_model_checkpoint_makes_folders_and_names_what_it_misses(tmp_path):
    model = model_of()
    model.save = lambda path: pathlib.Path(path).write_text("saved")
    model.fit(X, Y, verbose=0, epochs=2, callbacks=ModelCheckpoint(tmp_path / "a" / "{epoch}" / "m.keras"))
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.keras")) == [
        "a/1/m.keras",
        "a/2/m.keras",
    ]
    with pytest.raises(KeyError, match="names 'val_mae', which is not there; known: epoch, loss"):
        model.fit(X, Y, verbose=0, callbacks=ModelCheckpoint("{val_mae}.keras"))


def test_averages_of_weights_are_swapped_in_and_out():
    saved = []
    model = model_of(SGD(0.1, use_ema=True, ema_momentum=0.5))
    with pytest.raises(ValueError, match="needs an optimizer with use_ema=True that has trained"):
        model.evaluate(X, Y, callbacks=SwapEMAWeights())
    save = LambdaCallback(on_epoch_end=lambda epoch, logs: saved.append((model.evaluate(X, Y), model.get_weights())))
    stop = EarlyStopping("loss", mode="max", patience=2)
    model.fit(X, Y, epochs=9, verbose=0, callbacks=[stop, SwapEMAWeights(swap_on_epoch=True), save])
    assert len(saved) == 3
    assert all(np.array_equal(a, b) for a, b in zip(saved[-1][1], model.get_weights(), strict=True))
    model.optimizer.variables[0][:] = 0
    before = model.get_weights()
    assert not model.predict(X, callbacks=SwapEMAWeights()).any()
    assert model.evaluate(X, Y, callbacks=SwapEMAWeights()) == pytest.approx(np.mean(Y**2))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not model.optimizer.variables[0].any()
    with pytest.raises(ValueError, match="needs an optimizer with use_ema=True"):
        model_of().fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=SwapEMAWeights())


# ---- interrupted and resumed ------------------------------------------------------------------------------


class Interrupted(Exception):
    pass


def interrupt(epoch, batch=None):
    """A callback that fails at the beginning of an epoch, or of a batch of it."""
    at = []

    def on_epoch_begin(number, logs):
        at[:] = [number]
        if number == epoch and batch is None:
            raise Interrupted

    def on_train_batch_begin(number, logs):
        if at == [epoch] and number == batch:
            raise Interrupted

    hooks = {} if batch is None else {"on_train_batch_begin": on_train_batch_begin}
    return LambdaCallback(on_epoch_begin=on_epoch_begin, **hooks)


@pytest.mark.parametrize("given", [{"shuffle": True}, {"shuffle": "fresh"}, {"shuffle": "fresh", "steps_per_epoch": 2}])
@pytest.mark.parametrize("optimizer", [lambda: Adam(0.02), lambda: gdcore.optimizers.Nadam(0.01, use_ema=True)])
def test_an_interrupted_fit_ends_with_the_same_bits(given, optimizer, tmp_path):
    folder = tmp_path / "backup"
    rate = LearningRateScheduler(lambda epoch, rate: rate * 0.9)

    def run(*callbacks):
        gdcore.utils.set_random_seed(3)
        model = model_of(optimizer())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, Y, 3, epochs=9, verbose=0, callbacks=[rate, *callbacks], **given)
        return model

    straight = run()
    for epoch in (4, 4, 7):
        with pytest.raises(Interrupted):
            run(BackupAndRestore(folder), interrupt(epoch))
        assert [path.name for path in folder.iterdir()] == ["latest.npz"]
    resumed = run(BackupAndRestore(str(folder)))
    assert resumed.history.epoch == [7, 8]
    assert resumed.history.history["loss"] == straight.history.history["loss"][7:]
    assert resumed.optimizer.iterations == straight.optimizer.iterations
    assert all(np.array_equal(a, b) for a, b in zip(resumed.get_weights(), straight.get_weights(), strict=True))
    assert not folder.exists()
    assert run(BackupAndRestore(folder, delete_checkpoint=False)).history.epoch == list(range(9))
    assert run(BackupAndRestore(folder)).history.epoch == []


def test_backups_within_an_epoch(tmp_path):
    model = model_of()
    with pytest.raises(Interrupted):
        model.fit(
            X, Y, 4, epochs=5, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b", save_freq=3), interrupt(2, 2)]
        )
    with np.load(tmp_path / "b" / "latest.npz") as state:
        assert state["epoch"] == 2
        assert state["optimizer/applied"] == 9
    resumed = model_of()
    assert resumed.fit(X, Y, 4, epochs=5, verbose=0, callbacks=BackupAndRestore(tmp_path / "b")).epoch == [2, 3, 4]
    assert resumed.optimizer.iterations == 9 + 3 * 4


def test_a_backup_that_was_cut_off(tmp_path):
    def run(**options):
        model = model_of()
        stop = interrupt(3)
        with pytest.raises(Interrupted):
            model.fit(X, Y, epochs=5, verbose=0, callbacks=[BackupAndRestore(tmp_path, **options), stop])

    run(double_checkpoint=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.npz", "previous.npz"]
    whole = (tmp_path / "latest.npz").read_bytes()
    (tmp_path / "latest.npz").write_bytes(whole[: len(whole) // 2])
    resumed = model_of()
    resumed.fit(X, Y, epochs=5, verbose=0, callbacks=BackupAndRestore(tmp_path, delete_checkpoint=False))
    assert resumed.history.epoch == [2, 3, 4]
    (tmp_path / "previous.npz").unlink()
    (tmp_path / "latest.npz").write_bytes(b"")
    with pytest.raises(OSError, match="cannot be read"):
        model_of().fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path))
    for path in tmp_path.iterdir():
        path.unlink()
    run()
    other = gdcore.Sequential([Dense(3, input_dim=2), Dense(1)])
    other.compile(SGD(0.1, momentum=0.5), "mse")
    before = other.get_weights()
    with pytest.raises(ValueError, match="state holds vectors of shape"):
        other.fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path))
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True))


# ---- tqdm -------------------------------------------------------------------------------------------------


def test_tqdm_callback(monkeypatch):
    bars = []

    class Bar:
        def __init__(self, **options):
            self.options, self.n, self.closed, self.said = options, 0, False, []
            bars.append(self)

        def set_postfix(self, logs, refresh):
            self.said.append(dict(logs))

        def update(self, n):
            self.n += n

        def close(self):
            self.closed = True

    module = types.ModuleType("tqdm.auto")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    history = model_of().fit(X, Y, epochs=5, initial_epoch=2, verbose=0, callbacks=TqdmCallback(desc="here"))
    (bar,) = bars
    assert bar.options == {"total": 5, "unit": "epoch", "desc": "here"}
    assert [said["loss"] for said in bar.said] == history.history["loss"]
    assert bar.n == 5
    assert bar.closed


def test_tqdm_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="TqdmCallback needs tqdm: python -m pip install"):
        TqdmCallback()
