"""Records what Keras's callbacks see and do, against which tests/test_callbacks.py compares gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_callbacks.py

It writes ``callbacks.json`` beside itself: the data, the starting weights, and for each case its settings and what
came of them: every call of a hook with its logs (``CALLS``), or the history and the final weights (``RUNS``).
"""

import datetime
import json
import os
import pathlib
import platform
import warnings

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent

HOOKS = [
    *(f"on_{what}_{when}" for what in ("train", "test", "predict") for when in ("begin", "end")),
    *(f"on_{what}_batch_{when}" for what in ("train", "test", "predict") for when in ("begin", "end")),
    "on_epoch_begin",
    "on_epoch_end",
]

METRICS = {"metrics": ["mse", "mae"]}
WEIGHTED = {"metrics": ["mse"], "weighted_metrics": ["mae"]}

# name: (method, arguments of compile, arguments of the method, (hook, index at which to stop) or None); in the
# arguments "weights" stands for the sample weights, and "validation_rows" for so many first rows
CALLS = {
    "plain": ("fit", {}, {"epochs": 2, "batch_size": 4}, None),
    "one batch": ("fit", METRICS, {"epochs": 2, "batch_size": 100}, None),
    "metrics": ("fit", METRICS, {"epochs": 2, "batch_size": 5}, None),
    "weights": ("fit", WEIGHTED, {"epochs": 2, "batch_size": 5, "sample_weight": "weights"}, None),
    "validation": ("fit", METRICS, {"epochs": 2, "batch_size": 6, "validation_rows": 5}, None),
    "validation batches": (
        "fit",
        WEIGHTED,
        {"epochs": 1, "batch_size": 6, "validation_rows": 7, "validation_batch_size": 2, "sample_weight": "weights"},
        None,
    ),
    "validation split": ("fit", METRICS, {"epochs": 2, "batch_size": 4, "validation_split": 0.3}, None),
    "validation freq": ("fit", {}, {"epochs": 5, "batch_size": 8, "validation_rows": 3, "validation_freq": 2}, None),
    "validation list": (
        "fit",
        {},
        {"epochs": 4, "batch_size": 8, "validation_rows": 3, "validation_freq": [1, 4]},
        None,
    ),
    "validation steps": (
        "fit",
        {},
        {"epochs": 2, "batch_size": 4, "validation_rows": 10, "validation_steps": 2},
        None,
    ),
    "initial epoch": ("fit", {}, {"epochs": 5, "initial_epoch": 3, "batch_size": 8}, None),
    "no epochs": ("fit", {}, {"epochs": 2, "initial_epoch": 2, "batch_size": 8}, None),
    "steps": ("fit", METRICS, {"epochs": 5, "batch_size": 3, "steps_per_epoch": 2}, None),
    "steps alone": ("fit", {}, {"epochs": 2, "steps_per_epoch": 3}, None),
    "too many steps": ("fit", {}, {"epochs": 2, "batch_size": 5, "steps_per_epoch": 4}, None),
    "stop at train begin": ("fit", {}, {"epochs": 3, "batch_size": 4, "validation_rows": 3}, ("on_train_begin", None)),
    "stop at epoch begin": ("fit", {}, {"epochs": 3, "batch_size": 4}, ("on_epoch_begin", 1)),
    "stop at batch begin": ("fit", METRICS, {"epochs": 3, "batch_size": 4}, ("on_train_batch_begin", 1)),
    "stop at batch end": (
        "fit",
        WEIGHTED,
        {"epochs": 3, "batch_size": 4, "validation_rows": 3, "sample_weight": "weights"},
        ("on_train_batch_end", 1),
    ),
    "stop at epoch end": ("fit", {}, {"epochs": 3, "batch_size": 8}, ("on_epoch_end", 1)),
    "stop at test end": ("fit", {}, {"epochs": 3, "batch_size": 8, "validation_rows": 3}, ("on_test_end", None)),
    "evaluate": ("evaluate", METRICS, {"batch_size": 4}, None),
    "evaluate weights": ("evaluate", WEIGHTED, {"batch_size": 4, "sample_weight": "weights"}, None),
    "evaluate steps": ("evaluate", METRICS, {"batch_size": 4, "steps": 2}, None),
    "evaluate dict": ("evaluate", METRICS, {"return_dict": True}, None),
    "predict": ("predict", {}, {"batch_size": 4}, None),
    "predict steps": ("predict", {}, {"batch_size": 4, "steps": 2}, None),
    "train on batch": ("train_on_batch", WEIGHTED, {"sample_weight": "weights"}, None),
    "train on batch dict": ("train_on_batch", METRICS, {"return_dict": True}, None),
    "train on batch loss": ("train_on_batch", {}, {}, None),
    "test on batch": ("test_on_batch", WEIGHTED, {"sample_weight": "weights"}, None),
    "test on batch dict": ("test_on_batch", METRICS, {"return_dict": True}, None),
    "predict on batch": ("predict_on_batch", {}, {}, None),
}

VALIDATED = {"batch_size": 4, "validation_rows": 6, "epochs": 30}

# name: ([(callback, its arguments)], learning rate, arguments of fit); the schedules are in SCHEDULES, and
# saving only notes the path
RUNS = {
    "stop": ([("EarlyStopping", {"patience": 2})], 0.25, VALIDATED),
    "stop at once": ([("EarlyStopping", {"monitor": "loss"})], 0.25, VALIDATED),
    "stop restore": ([("EarlyStopping", {"patience": 3, "restore_best_weights": True})], 0.25, VALIDATED),
    "stop delta": ([("EarlyStopping", {"monitor": "loss", "min_delta": 0.05, "patience": 1})], 0.1, VALIDATED),
    "stop delta restore": (
        [("EarlyStopping", {"monitor": "loss", "min_delta": -0.1, "patience": 2, "restore_best_weights": True})],
        0.1,
        VALIDATED,
    ),
    "stop baseline": ([("EarlyStopping", {"monitor": "mae", "baseline": 0.1, "patience": 4})], 0.05, VALIDATED),
    "stop baseline restore": (
        [("EarlyStopping", {"monitor": "val_mae", "baseline": 0.1, "patience": 4, "restore_best_weights": True})],
        0.25,
        VALIDATED,
    ),
    "stop baseline reached": (
        [("EarlyStopping", {"monitor": "loss", "baseline": 0.9, "patience": 3, "restore_best_weights": True})],
        0.1,
        VALIDATED,
    ),
    "stop max": ([("EarlyStopping", {"monitor": "val_loss", "mode": "max", "patience": 3})], 0.1, VALIDATED),
    "stop later": (
        [("EarlyStopping", {"start_from_epoch": 7, "patience": 2, "restore_best_weights": True})],
        0.2,
        VALIDATED,
    ),
    "stop restore at the end": (
        [("EarlyStopping", {"patience": 50, "restore_best_weights": True, "monitor": "val_mae", "mode": "min"})],
        0.2,
        VALIDATED,
    ),
    "plateau": ([("ReduceLROnPlateau", {"patience": 2})], 0.15, VALIDATED),
    "plateau cooldown": (
        [("ReduceLROnPlateau", {"monitor": "loss", "factor": 0.6, "patience": 1, "cooldown": 3, "min_delta": 0.02})],
        0.15,
        VALIDATED,
    ),
    "plateau floor": (
        [("ReduceLROnPlateau", {"monitor": "mae", "factor": 0.3, "patience": 1, "min_delta": 0.05, "min_lr": 0.02})],
        0.2,
        VALIDATED,
    ),
    "plateau max": ([("ReduceLROnPlateau", {"mode": "max", "factor": 0.7, "patience": 2})], 0.1, VALIDATED),
    "schedule": ([("LearningRateScheduler", {"schedule": "decay"})], 0.2, VALIDATED),
    "schedule of epochs": ([("LearningRateScheduler", {"schedule": "steps"})], 0.2, VALIDATED),
    "schedule resumed": ([("LearningRateScheduler", {"schedule": "decay"})], 0.2, {**VALIDATED, "initial_epoch": 17}),
    "all": (
        [
            ("LearningRateScheduler", {"schedule": "steps"}),
            ("ReduceLROnPlateau", {"monitor": "loss", "patience": 1, "factor": 0.5, "min_delta": 0.01}),
            ("EarlyStopping", {"monitor": "val_mae", "patience": 3, "restore_best_weights": True}),
        ],
        0.2,
        VALIDATED,
    ),
    "ema": ([("SwapEMAWeights", {})], 0.1, {**VALIDATED, "epochs": 4}),
    "ema by epochs": ([("SwapEMAWeights", {"swap_on_epoch": True})], 0.1, {**VALIDATED, "epochs": 4}),
    "nan": ([("TerminateOnNaN", {})], 0.1, {"batch_size": 4, "epochs": 3, "nan_row": 9}),
    "saves": ([("ModelCheckpoint", {"filepath": "{epoch:02d}-{val_loss:.2f}.keras"})], 0.1, {**VALIDATED, "epochs": 3}),
    "saves best": (
        [("ModelCheckpoint", {"filepath": "{epoch}.weights.h5", "save_weights_only": True, "save_best_only": True})],
        0.15,
        {**VALIDATED, "epochs": 12},
    ),
    "saves best from": (
        [
            (
                "ModelCheckpoint",
                {
                    "filepath": "{epoch}.keras",
                    "monitor": "mae",
                    "save_best_only": True,
                    "initial_value_threshold": 0.5,
                },
            )
        ],
        0.1,
        {**VALIDATED, "epochs": 12},
    ),
    "saves largest": (
        [("ModelCheckpoint", {"filepath": "{epoch}.keras", "mode": "max", "save_best_only": True})],
        0.1,
        {**VALIDATED, "epochs": 12},
    ),
    "saves by batches": (
        [("ModelCheckpoint", {"filepath": "{epoch}-{batch}-{loss:.1f}.keras", "save_freq": 3})],
        0.1,
        {**VALIDATED, "epochs": 5},
    ),
    "csv": ([("CSVLogger", {"filename": "log.csv"})], 0.1, {"batch_size": 4, "epochs": 2}),
    "csv of all": (
        [
            ("ReduceLROnPlateau", {"monitor": "loss", "patience": 1}),
            ("CSVLogger", {"filename": "log.csv", "separator": ";"}),
        ],
        0.1,
        {"batch_size": 4, "epochs": 3, "validation_rows": 4, "validation_freq": 2},
    ),
}

SCHEDULES = {
    "decay": lambda epoch, lr: lr if epoch < 5 else lr * 0.9,
    "steps": lambda epoch: 0.15 / (1 + epoch // 4),
}


def data():
    """Inputs, targets, sample weights and starting weights, all of few binary digits."""
    rng = np.random.default_rng(30)

    def grid(*shape):
        return np.round(rng.normal(size=shape) * 64) / 64

    x = grid(14, 2)
    y = np.round((np.sin(2 * x[:, :1]) + 0.5 * x[:, 1:] + 0.3 * grid(14, 1)) * 64) / 64
    weights = np.abs(grid(14)) + 1 / 64
    return x, y, weights, [grid(2, 4), grid(4), grid(4, 1), grid(1)]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def model_of(start, learning_rate, options, **ema):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(learning_rate, momentum=0.5, **ema), "mse", **options)
    return model


def arguments(method, given, x, y, weights):
    options = dict(given)
    if "sample_weight" in options:
        options["sample_weight"] = weights
    if "nan_row" in options:
        y = y.copy()
        y[options.pop("nan_row")] = np.nan
    rows = options.pop("validation_rows", 0)
    if rows:
        options["validation_data"] = (x[:rows], y[:rows])
    if method == "fit":
        options["shuffle"] = False
    if not method.endswith("on_batch"):
        options["verbose"] = 0
    return ([x] if method.startswith("predict") else [x, y]), options


def recorder(calls, stop):
    def hook_of(name):
        def hook(self, *args, logs=None):
            if len(args) == (2 if "batch" in name or "epoch" in name else 1):
                *args, logs = args
            calls.append([name, *args, [[key, plain(value)] for key, value in logs.items()]])
            if stop and name == stop[0] and (not args or args[0] == stop[1]):
                self.model.stop_training = True

        return hook

    return type("Recorder", (keras.callbacks.Callback,), {name: hook_of(name) for name in HOOKS})()


def main():
    x, y, weights, start = data()
    calls_of, runs = {}, {}
    for case, (method, options, given, stop) in CALLS.items():
        model = model_of(start, 0.1, options)
        calls = []
        args, kwargs = arguments(method, given, x, y, weights)
        callback = recorder(calls, stop)
        if not method.endswith("on_batch"):
            kwargs["callbacks"] = [callback]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = getattr(model, method)(*args, **kwargs)
        calls_of[case] = {
            "method": method,
            "compile": options,
            "given": given,
            "stop": stop,
            "calls": calls,
            "params": callback.params,
            "warned": any("ran out of data" in str(warning.message) for warning in caught),
            "result": [[k, plain(v)] for k, v in result.history.items()] if method == "fit" else plain(result),
            "weights": [w.tolist() for w in model.get_weights()],
        }
        if isinstance(result, dict):
            calls_of[case]["result"] = [[k, v] for k, v in result.items()]
    for case, (callbacks, learning_rate, given) in RUNS.items():
        ema = {"use_ema": True, "ema_momentum": 0.7} if case.startswith("ema") else {}
        model = model_of(start, learning_rate, {"metrics": ["mae"]}, **ema)
        made = []
        for name, config in callbacks:
            config = dict(config)
            if "schedule" in config:
                config["schedule"] = SCHEDULES[config["schedule"]]
            made.append(getattr(keras.callbacks, name)(**config))
        args, kwargs = arguments("fit", given, x, y, weights)
        saved = []
        model.save = model.save_weights = lambda path, overwrite, saved=saved: saved.append(path)
        history = model.fit(*args, callbacks=made, **kwargs)
        runs[case] = {
            "callbacks": callbacks,
            "learning_rate": learning_rate,
            "given": given,
            "history": [[key, values] for key, values in history.history.items()],
            "saved": saved,
            "learning_rate_after": float(model.optimizer.learning_rate),
            "weights": [w.tolist() for w in model.get_weights()],
        }
        log = pathlib.Path("log.csv")
        if log.exists():
            runs[case]["csv"] = log.read_bytes().decode()
            log.unlink()
    versions = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.date.today().isoformat(),
    }
    recorded = {
        "versions": versions,
        "x": x.tolist(),
        "y": y.tolist(),
        "sample_weight": weights.tolist(),
        "start": [w.tolist() for w in start],
        "calls": calls_of,
        "runs": runs,
    }
    (HERE / "callbacks.json").write_text(json.dumps(recorded, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
