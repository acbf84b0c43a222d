"""Records figures of the real Keras, against which the tests compare gdcore.

Run it in a scratch environment; gdcore itself needs neither package:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make.py

It writes, beside itself, ``figures.json`` (descriptions and versions) and
``figures.npz`` (every array, in full precision).  Made again with the same
versions on the same machine, the arrays come out the same to the last bit.

figures.json:

    versions            keras, tensorflow, numpy, python, platform; date
    runs                a list of descriptions (see DEFAULTS for the fields),
                        each with its "key" (the prefix of its arrays) and
                        "history_keys" and "evaluate_keys" in Keras's order
    initializers        {class_name, config} of each, keyed by its name below
    set_random_seed     n_in, layers, seeds
    shuffled            the same for the runs with fit's default shuffle=True,
                        a list like "runs"

figures.npz, for a run with the key "run03" (N counts get_weights()):

    run03/x, y          what fit got; its dtype is the run's, labels of
                        sparse_categorical_crossentropy are int64
    run03/sample_weight                     if "sample_weight" is true
    run03/val_x, val_y                      if "validation" is "data" or "weighted"
    run03/val_sample_weight                 if "validation" is "weighted"
    run03/initial/N, run03/final/N          weights before and after fit
    run03/gradients/N                       of the compiled loss over all the
                                            rows (and weights), before training
    run03/predictions                       predict(x[:16]) before training
    run03/evaluate                          evaluate() before training, with
                                            the run's batch_size and weights,
                                            one number for each evaluate_keys
    run03/history                           (len(history_keys), epochs)

    initializers/NAME/SEED/5x4              one array of that shape
    set_random_seed/SEED/N                  weights of a fresh model
    shuffled/x, y                           what all the shuffled runs fit
    shuffled0/initial/N, final/N, history
    shuffled0/between/N                     after the first of two calls of fit

A shuffled run calls, after ``set_random_seed(seed)`` and building the model,
``fit`` once for each number in "fits" (the epochs of that call); its history
is that of the calls, end to end.
"""

import datetime
import json
import os
import pathlib
import platform

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")

HERE = pathlib.Path(__file__).resolve().parent

DEFAULTS = {
    "n": 25,  # rows
    "n_in": 4,
    "flat": False,  # labels of shape (n,) instead of (n, units)
    "positive": False,  # the absolute value of each initial weight
    "scale": 0.5,  # of the initial weights
    "loss_options": {},  # with any, the loss's class is used, else its name
    "learning_rate": 0.05,
    "momentum": 0.0,
    "nesterov": False,
    "batch_size": 7,
    "epochs": 5,
    "dtype": "float32",  # of the layers, the loss and the metrics
    "metrics": [],  # names, or {class_name, config}
    "weighted_metrics": [],
    "sample_weight": False,
    "validation": None,  # "data", "weighted", or a number: validation_split
}

LOSSES = {
    "mean_absolute_error": keras.losses.MeanAbsoluteError,
    "mean_squared_error": keras.losses.MeanSquaredError,
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
}
MAE, MSE, BCE, CCE, SPARSE = LOSSES


def metric(class_name, **config):
    return {"class_name": class_name, "config": config}


# (name, loss, layers as (units, activation[, use_bias]), what differs from DEFAULTS)
RUNS = [
    ("mse linear", MSE, [(1, "linear")], {"epochs": 40, "flat": True}),
    ("mse linear, whole batch", MSE, [(1, "linear")], {"batch_size": 25, "metrics": ["mae", "mse"]}),
    (
        "mse linear, single rows",
        MSE,
        [(1, "linear")],
        {"n": 20, "batch_size": 1, "epochs": 3, "learning_rate": 0.01, "metrics": ["mae"]},
    ),
    (
        "mse without biases, several outputs",
        MSE,
        [(5, "tanh", False), (3, "linear", False)],
        {"metrics": ["mae", "mse", "accuracy"], "momentum": 0.9, "learning_rate": 0.01},
    ),
    (
        "mse relu, momentum",
        MSE,
        [(6, "relu"), (1, "linear")],
        {
            "batch_size": 32,
            "n": 60,
            "momentum": 0.9,
            "epochs": 20,
            "learning_rate": 0.01,
            "flat": True,
            "validation": "data",
            "metrics": ["mae"],
        },
    ),
    (
        "mse four layers, nesterov",
        MSE,
        [(6, "relu"), (5, "tanh"), (4, "sigmoid"), (2, "linear")],
        {"momentum": 0.9, "nesterov": True, "epochs": 20, "learning_rate": 0.02},
    ),
    (
        "mse sample weights",
        MSE,
        [(4, "tanh"), (1, "linear")],
        {
            "sample_weight": True,
            "flat": True,
            "metrics": ["mae"],
            "weighted_metrics": ["mse"],
            "validation": "weighted",
        },
    ),
    (
        "mse reduction sum",
        MSE,
        [(3, "tanh"), (2, "linear")],
        {"loss_options": {"reduction": "sum"}, "learning_rate": 0.005, "sample_weight": True},
    ),
    (
        "mse reduction mean_with_sample_weight",
        MSE,
        [(3, "tanh"), (2, "linear")],
        {"loss_options": {"reduction": "mean_with_sample_weight"}, "sample_weight": True},
    ),
    (
        "mse softmax output, accuracy",
        MSE,
        [(5, "sigmoid"), (3, "softmax")],
        {"metrics": ["accuracy"], "learning_rate": 0.5},
    ),
    (
        "mse float64",
        MSE,
        [(5, "tanh"), (4, "relu"), (1, "linear")],
        {"dtype": "float64", "epochs": 40, "flat": True, "metrics": ["mae", "mse"]},
    ),
    (
        "mse float64, nesterov, sample weights",
        MSE,
        [(5, "sigmoid"), (2, "linear")],
        {
            "dtype": "float64",
            "momentum": 0.9,
            "nesterov": True,
            "sample_weight": True,
            "validation": 0.25,
            "weighted_metrics": ["mae"],
            "batch_size": 32,
            "n": 60,
        },
    ),
    ("mae linear", MAE, [(1, "linear")], {"epochs": 20, "flat": True, "metrics": ["mae", "mse"]}),
    (
        "mae three layers, momentum",
        MAE,
        [(6, "tanh"), (4, "relu"), (2, "linear")],
        {"momentum": 0.9, "learning_rate": 0.01, "epochs": 10, "n_in": 6},
    ),
    (
        "mae float64, sample weights",
        MAE,
        [(4, "sigmoid", False), (1, "tanh")],
        {"dtype": "float64", "sample_weight": True, "flat": True, "n_in": 1},
    ),
    (
        "bce sigmoid, perceptron",
        BCE,
        [(1, "sigmoid")],
        {"flat": True, "epochs": 40, "metrics": ["accuracy"], "n_in": 2, "learning_rate": 0.5},
    ),
    (
        "bce sigmoid, validation",
        BCE,
        [(5, "tanh"), (1, "sigmoid")],
        {
            "batch_size": 32,
            "n": 60,
            "epochs": 10,
            "validation": "data",
            "metrics": ["accuracy", metric("BinaryAccuracy", threshold=0.7, name="above_07")],
        },
    ),
    (
        "bce sigmoid, single rows, sample weights",
        BCE,
        [(4, "relu"), (1, "sigmoid")],
        {
            "n": 20,
            "batch_size": 1,
            "sample_weight": True,
            "flat": True,
            "metrics": ["accuracy"],
            "weighted_metrics": [metric("BinaryAccuracy")],
        },
    ),
    (
        "bce sigmoid, several outputs",
        BCE,
        [(5, "tanh"), (3, "sigmoid")],
        {"metrics": ["accuracy", metric("BinaryAccuracy")], "momentum": 0.9},
    ),
    (
        "bce sigmoid, saturated",
        BCE,
        [(4, "linear"), (1, "sigmoid")],
        {"scale": 8.0, "learning_rate": 0.01, "flat": True},
    ),
    (
        "bce from_logits",
        BCE,
        [(4, "tanh"), (1, "linear")],
        {"loss_options": {"from_logits": True}, "flat": True, "metrics": ["accuracy"]},
    ),
    (
        "bce linear output clipped",
        BCE,
        [(4, "tanh"), (1, "linear")],
        {"learning_rate": 0.001, "metrics": ["accuracy"], "flat": True},
    ),
    ("bce relu output clipped", BCE, [(4, "sigmoid"), (2, "relu")], {"learning_rate": 0.001}),
    ("bce softmax output", BCE, [(4, "tanh"), (3, "softmax")], {"learning_rate": 0.2}),
    (
        "bce label_smoothing",
        BCE,
        [(4, "tanh"), (1, "sigmoid")],
        {"loss_options": {"label_smoothing": 0.1}, "flat": True, "epochs": 10},
    ),
    (
        "bce float64",
        BCE,
        [(5, "tanh"), (4, "tanh"), (1, "sigmoid")],
        {
            "dtype": "float64",
            "flat": True,
            "epochs": 40,
            "metrics": ["accuracy"],
            "learning_rate": 0.2,
            "validation": "data",
        },
    ),
    ("cce softmax", CCE, [(3, "softmax")], {"epochs": 20, "metrics": ["accuracy", metric("CategoricalAccuracy")]}),
    (
        "cce softmax, three layers, nesterov",
        CCE,
        [(6, "relu"), (5, "sigmoid"), (4, "softmax")],
        {
            "momentum": 0.9,
            "nesterov": True,
            "n": 60,
            "batch_size": 32,
            "epochs": 10,
            "n_in": 6,
            "metrics": ["accuracy"],
            "validation": "data",
        },
    ),
    ("cce softmax, saturated", CCE, [(4, "linear"), (3, "softmax")], {"scale": 8.0, "learning_rate": 0.01}),
    (
        "cce from_logits, sample weights",
        CCE,
        [(5, "tanh"), (3, "linear")],
        {
            "loss_options": {"from_logits": True},
            "sample_weight": True,
            "metrics": ["accuracy"],
            "weighted_metrics": [metric("CategoricalAccuracy")],
        },
    ),
    ("cce sigmoid output", CCE, [(5, "tanh"), (3, "sigmoid")], {"metrics": ["accuracy"], "learning_rate": 0.2}),
    (
        "cce sigmoid, then linear output normalised",
        CCE,
        [(5, "sigmoid"), (3, "linear")],
        {"positive": True, "metrics": ["accuracy"]},
    ),
    (
        "cce softmax, then relu output normalised",
        CCE,
        [(4, "softmax"), (3, "relu")],
        {"positive": True, "dtype": "float64"},
    ),
    (
        "cce label_smoothing",
        CCE,
        [(5, "tanh"), (3, "softmax")],
        {"loss_options": {"label_smoothing": 0.2}, "epochs": 10, "learning_rate": 0.2},
    ),
    (
        "cce float64",
        CCE,
        [(6, "relu"), (5, "sigmoid"), (4, "tanh"), (3, "softmax")],
        {"dtype": "float64", "epochs": 40, "learning_rate": 0.05, "momentum": 0.9, "metrics": ["accuracy", "mse"]},
    ),
    (
        "sparse softmax",
        SPARSE,
        [(5, "tanh"), (3, "softmax")],
        {"flat": True, "epochs": 10, "metrics": ["accuracy"], "validation": 0.2},
    ),
    (
        "sparse softmax, sample weights",
        SPARSE,
        [(4, "relu"), (3, "softmax")],
        {"sample_weight": True, "momentum": 0.9, "metrics": ["accuracy"]},
    ),
    (
        "sparse from_logits, float64",
        SPARSE,
        [(5, "sigmoid"), (4, "linear")],
        {"loss_options": {"from_logits": True}, "flat": True, "dtype": "float64"},
    ),
    (
        "sparse linear output as probabilities",
        SPARSE,
        [(5, "sigmoid"), (3, "linear")],
        {"positive": True, "flat": True},
    ),
]

INITIALIZERS = {
    "GlorotUniform": {},
    "HeUniform": {},
    "LecunUniform": {},
    "RandomUniform": {"minval": -0.05, "maxval": 0.05},
    "VarianceScaling": {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"},
}
INITIALIZER_SEEDS = [7, 123456789]
INITIALIZER_SHAPES = [(5, 4), (1, 3), (3, 1), (100, 7)]

SHUFFLED_FITS = [(5, [5]), (42, [5]), (5, [3, 2])]  # (seed, epochs of each call of fit)

arrays = {}


def store(key, values):
    """Keeps one array, or a list of arrays as key/0, key/1, ..."""
    if isinstance(values, list):
        for i, value in enumerate(values):
            store(f"{key}/{i}", value)
    else:
        arrays[key] = np.asarray(values)


def set_dtype(dtype):
    keras.config.set_floatx(dtype)  # of losses and metrics, but not
    keras.config.set_dtype_policy(dtype)  # of layers, once a layer has been made


def described_layers(layers):
    fields = ("units", "activation", "use_bias")
    return [dict(zip(fields, (*layer, True)[:3], strict=False)) for layer in layers]


def build(n_in, layers):
    dense = [keras.layers.Dense(**layer) for layer in layers]
    return keras.Sequential([keras.Input((n_in,)), *dense])


def make_metrics(metrics):
    return [m if isinstance(m, str) else getattr(keras.metrics, m["class_name"])(**m["config"]) for m in metrics]


def targets(rng, x, loss, units, flat):
    """Labels that x says something about, with some noise."""
    score = x @ rng.normal(size=(x.shape[1], units)) + 0.3 * rng.normal(size=(len(x), units))
    if loss == BCE:
        y = (score > 0).astype(x.dtype)
    elif loss == CCE or (loss == MSE and units == 3):
        y = np.eye(units, dtype=x.dtype)[score.argmax(axis=1)]
    elif loss == SPARSE:
        y = score.argmax(axis=1)[:, None]
    else:
        y = score.astype(x.dtype)
    return y[:, 0] if flat else y


def make_run(key, seed, name, loss, layers, options):
    run = {
        "key": key,
        "name": name,
        "data_seed": seed,
        "loss": loss,
        "layers": described_layers(layers),
        **DEFAULTS,
        **options,
    }
    set_dtype(run["dtype"])
    rng = np.random.default_rng(seed)
    n, validation = run["n"], run["validation"]
    extra = 15 if validation in ("data", "weighted") else 0
    x = rng.normal(size=(n + extra, run["n_in"])).astype(run["dtype"])
    y = targets(rng, x, loss, layers[-1][0], run["flat"])
    weight = rng.uniform(0, 3, size=n + extra).astype(run["dtype"])
    sample_weight = weight[:n] if run["sample_weight"] else None
    data = {"x": x[:n], "y": y[:n], "sample_weight": sample_weight}
    val = {"val_x": x[n:], "val_y": y[n:]} if extra else {}
    if validation == "weighted":
        val["val_sample_weight"] = weight[n:]
    for part, values in {**data, **val}.items():
        if values is not None:
            store(f"{key}/{part}", values)

    model = build(run["n_in"], run["layers"])
    weights = [run["scale"] * rng.normal(size=w.shape) for w in model.get_weights()]
    model.set_weights([np.abs(w) if run["positive"] else w for w in weights])
    model.compile(
        optimizer=keras.optimizers.SGD(run["learning_rate"], run["momentum"], run["nesterov"]),
        loss=LOSSES[loss](**run["loss_options"]) if run["loss_options"] else loss,
        metrics=make_metrics(run["metrics"]),
        weighted_metrics=make_metrics(run["weighted_metrics"]),
    )
    store(f"{key}/initial", model.get_weights())
    store(f"{key}/predictions", model.predict(x[:16], verbose=0))
    with tf.GradientTape() as tape:
        value = model.compute_loss(data["x"], tf.constant(data["y"]), model(data["x"]), sample_weight)
    assert {value.dtype.name, *(w.dtype for w in model.weights)} == {run["dtype"]}
    store(f"{key}/gradients", [g.numpy() for g in tape.gradient(value, model.trainable_weights)])
    fitted = dict(data, batch_size=run["batch_size"], verbose=0)
    evaluated = model.evaluate(**fitted, return_dict=True)
    run["evaluate_keys"] = list(evaluated)
    store(f"{key}/evaluate", np.array(list(evaluated.values()), "float64"))

    if extra:
        fitted["validation_data"] = tuple(val.values())
    elif validation:
        fitted["validation_split"] = validation
    history = model.fit(**fitted, epochs=run["epochs"], shuffle=False).history
    run["history_keys"] = list(history)
    store(f"{key}/history", np.array(list(history.values()), "float64"))
    store(f"{key}/final", model.get_weights())
    assert all(np.isfinite(w).all() for w in model.get_weights()), name
    return run


def make_shuffled(key, x, y, seed, fits):
    layers = described_layers([(8, "tanh"), (3, "softmax")])
    run = {
        "key": key,
        "seed": seed,
        "fits": fits,
        "n_in": 4,
        "layers": layers,
        "loss": CCE,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "nesterov": False,
        "batch_size": 16,
        "validation": 0.2,
        "metrics": ["accuracy"],
    }
    keras.utils.set_random_seed(seed)
    model = build(4, layers)
    model.compile(keras.optimizers.SGD(0.1, 0.9), CCE, metrics=["accuracy"])
    store(f"{key}/initial", model.get_weights())
    histories = []
    for call, epochs in enumerate(fits):
        if call:
            store(f"{key}/between", model.get_weights())
        history = model.fit(x, y, batch_size=16, epochs=epochs, validation_split=0.2, verbose=0).history
        histories.append(list(history.values()))
    run["history_keys"] = list(history)
    store(f"{key}/history", np.concatenate(histories, axis=1))
    store(f"{key}/final", model.get_weights())
    return run


def to_text(description):
    """The description as JSON, with a line for each run."""
    parts = []
    for key, value in description.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]"
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    runs = [make_run(f"run{i:02}", i, *run) for i, run in enumerate(RUNS)]
    set_dtype("float32")

    for name, config in INITIALIZERS.items():
        for seed in INITIALIZER_SEEDS:
            for shape in INITIALIZER_SHAPES:
                initializer = getattr(keras.initializers, name)(**config, seed=seed)
                store(f"initializers/{name}/{seed}/{shape[0]}x{shape[1]}", initializer(shape).numpy())

    fresh = {"n_in": 4, "layers": described_layers([(8, "linear"), (3, "linear")]), "seeds": [0, 5, 42]}
    for seed in fresh["seeds"]:
        keras.utils.set_random_seed(seed)
        store(f"set_random_seed/{seed}", build(4, fresh["layers"]).get_weights())

    rng = np.random.default_rng(1000)
    x = rng.normal(size=(50, 4)).astype("float32")
    y = targets(rng, x, CCE, 3, flat=False)
    store("shuffled/x", x)
    store("shuffled/y", y)
    shuffled = [make_shuffled(f"shuffled{i}", x, y, *run) for i, run in enumerate(SHUFFLED_FITS)]

    versions = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.date.today().isoformat(),
    }
    description = {
        "versions": versions,
        "runs": runs,
        "initializers": {name: {"class_name": name, "config": config} for name, config in INITIALIZERS.items()},
        "set_random_seed": fresh,
        "shuffled": shuffled,
    }
    (HERE / "figures.json").write_text(to_text(description), encoding="utf-8")
    np.savez_compressed(HERE / "figures.npz", **arrays)
    print(f"{len(runs)} runs, {len(arrays)} arrays")


if __name__ == "__main__":
    main()
