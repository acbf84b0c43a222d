"""Records what the real Keras makes of nets with all kinds of layers, regularizers and constraints.

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_layers.py

Writes ``layers.json`` (versions, and for each run the layers as (class, config) with the rest of its settings) and
``layers.npz``: for a run with the key "k": ``k/initial/N`` and ``k/final/N`` (all arrays), ``k/history`` (loss by
epoch), ``k/predictions`` after training, ``k/evaluate`` (the loss after training), all from the rows in ``x``, ``y``.
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

HERE = pathlib.Path(__file__).resolve().parent
ROWS, INPUTS, OUTPUTS = 45, 6, 3


def dense(units, activation=None, **config):
    return ["Dense", {"units": units, "activation": activation, **config}]


def rule(name, **config):
    return {"class_name": name, "config": config}


END = dense(OUTPUTS, "softmax")
HIDDEN = dense(7, "tanh")

# name: layers, and what differs from fit(batch_size=16, epochs=8) of SGD(0.05) without shuffling, float32
RUNS = {
    "batch normalization": ([dense(7), ["BatchNormalization", {}], ["Activation", {"activation": "relu"}], END], {}),
    "batch normalization first, adam": (
        [["BatchNormalization", {"momentum": 0.8, "epsilon": 0.01}], HIDDEN, END],
        {"optimizer": "Adam", "epochs": 12},
    ),
    "batch normalization without scale": (
        [HIDDEN, ["BatchNormalization", {"scale": False, "momentum": 0.5}], dense(5, "selu"), END],
        {"batch_size": 45},
    ),
    "batch normalization without center": ([HIDDEN, ["BatchNormalization", {"center": False}], END], {}),
    "batch normalization bare, two": (
        [
            ["BatchNormalization", {"center": False, "scale": False}],
            dense(9, "relu"),
            ["BatchNormalization", {}],
            END,
        ],
        {"optimizer": "RMSprop"},
    ),
    "batch normalization, weighted rows": ([HIDDEN, ["BatchNormalization", {}], END], {"weighted": True}),
    "batch normalization frozen": ([HIDDEN, ["BatchNormalization", {"trainable": False}], END], {}),
    "batch normalization regularized": (
        [
            HIDDEN,
            [
                "BatchNormalization",
                {
                    "gamma_regularizer": rule("L2", l2=0.03),
                    "beta_regularizer": rule("L1", l1=0.02),
                    "gamma_constraint": rule("MaxNorm", max_value=1.5),
                    "beta_constraint": rule("NonNeg"),
                },
            ],
            END,
        ],
        {},
    ),
    "batch normalization float64": ([HIDDEN, ["BatchNormalization", {}], END], {"dtype": "float64"}),
    "layer normalization": ([HIDDEN, ["LayerNormalization", {}], END], {}),
    "layer normalization without scale": (
        [["LayerNormalization", {"scale": False, "epsilon": 1e-5}], HIDDEN, END],
        {"optimizer": "Adam"},
    ),
    "layer normalization without center": (
        [dense(12, "relu"), ["LayerNormalization", {"center": False}], END],
        {"dtype": "float64"},
    ),
    "dropout": ([dense(20, "relu"), ["Dropout", {"rate": 0.4, "seed": 11}], END], {}),
    "dropout of inputs, two": (
        [["Dropout", {"rate": 0.2, "seed": 3}], dense(9, "relu"), ["Dropout", {"rate": 0.5, "seed": 4}], END],
        {"optimizer": "Adam", "batch_size": 7},
    ),
    "dropout without seeds": ([["Dropout", {"rate": 0.3}], HIDDEN, ["Dropout", {"rate": 0.3}], END], {"seed": 17}),
    "dropout float64": ([HIDDEN, ["Dropout", {"rate": 0.25, "seed": 5}], END], {"dtype": "float64"}),
    "gaussian noise": ([["GaussianNoise", {"stddev": 0.3, "seed": 8}], HIDDEN, END], {}),
    "gaussian dropout": ([HIDDEN, ["GaussianDropout", {"rate": 0.3, "seed": 9}], END], {}),
    "alpha dropout": ([dense(9, "selu"), ["AlphaDropout", {"rate": 0.2, "seed": 10}], END], {}),
    "alpha dropout float64": (
        [dense(9, "selu"), ["AlphaDropout", {"rate": 0.2, "seed": 10}], END],
        {"dtype": "float64"},
    ),
    "gaussian noise and dropout float64": (
        [["GaussianNoise", {"stddev": 0.1, "seed": 1}], HIDDEN, ["GaussianDropout", {"rate": 0.1, "seed": 2}], END],
        {"dtype": "float64"},
    ),
    "activation layers": (
        [
            dense(8),
            ["LeakyReLU", {"negative_slope": 0.1}],
            dense(8),
            ["ELU", {"alpha": 0.7}],
            dense(8),
            ["ReLU", {"max_value": 2.0, "negative_slope": 0.05, "threshold": 0.1}],
            dense(OUTPUTS),
            ["Softmax", {}],
        ],
        {},
    ),
    "activation of inputs": ([["Activation", {"activation": "tanh"}], END], {}),
    "softmax layer behind": ([HIDDEN, dense(OUTPUTS), ["Activation", {"activation": "softmax"}]], {}),
    "prelu": (
        [dense(8), ["PReLU", {"alpha_initializer": rule("Constant", value=0.25)}], dense(5), ["PReLU", {}], END],
        {"optimizer": "Adam"},
    ),
    "prelu regularized": (
        [
            dense(8),
            [
                "PReLU",
                {
                    "alpha_initializer": rule("Constant", value=0.25),
                    "alpha_regularizer": rule("L1L2", l1=0.01, l2=0.02),
                    "alpha_constraint": rule("MinMaxNorm", min_value=0.1, max_value=0.5),
                },
            ],
            END,
        ],
        {},
    ),
    "rescaling": ([["Rescaling", {"scale": 0.3, "offset": -0.1}], HIDDEN, END], {}),
    "rescaling by feature": (
        [["Rescaling", {"scale": [0.3, 1.0, 2.0, 0.5, 0.25, 1.5], "offset": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}], END],
        {},
    ),
    "normalization given": (
        [["Normalization", {"mean": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "variance": [1.0, 2.0, 3.0, 4.0, 5.0, 0.01]}], END],
        {},
    ),
    "normalization adapted": ([["Normalization", {}], HIDDEN, END], {"adapt": True}),
    "normalization of all": ([["Normalization", {"axis": None}], HIDDEN, END], {"adapt": True}),
    "normalization inverted": (
        [["Normalization", {"mean": 0.5, "variance": 2.0, "invert": True}], HIDDEN, END],
        {},
    ),
    "frozen dense": ([dense(8, "tanh", trainable=False), HIDDEN, END], {"optimizer": "Adam"}),
    "frozen top": ([HIDDEN, dense(OUTPUTS, "softmax", trainable=False)], {}),
    "l1": ([dense(8, "tanh", kernel_regularizer=rule("L1", l1=0.01), bias_regularizer="l2"), END], {}),
    "l2": ([dense(8, "tanh", kernel_regularizer="l2"), dense(OUTPUTS, "softmax", kernel_regularizer="l2")], {}),
    "l1l2": (
        [dense(8, "tanh", kernel_regularizer=rule("L1L2", l1=0.01, l2=0.03)), END],
        {"optimizer": "Adam", "weighted": True},
    ),
    "orthogonal rows": ([dense(8, "tanh", kernel_regularizer=rule("OrthogonalRegularizer", factor=0.5)), END], {}),
    "orthogonal columns": (
        [dense(5, kernel_regularizer=rule("OrthogonalRegularizer", factor=0.7, mode="columns")), END],
        {"batch_size": 20},
    ),
    "activity l1": ([dense(8, "relu", activity_regularizer=rule("L1", l1=0.01)), END], {}),
    "activity l2 on top": (
        [HIDDEN, dense(OUTPUTS, "softmax", activity_regularizer=rule("L2", l2=0.1))],
        {"batch_size": 11},
    ),
    "activity of a layer without arrays": (
        [HIDDEN, ["Activation", {"activation": "selu", "activity_regularizer": rule("L1L2", l1=0.01, l2=0.02)}], END],
        {},
    ),
    "max norm": (
        [
            dense(8, "tanh", kernel_constraint=rule("MaxNorm", max_value=0.8), bias_constraint="non_neg"),
            dense(OUTPUTS, "softmax", kernel_constraint=rule("MaxNorm", max_value=0.5, axis=1)),
        ],
        {},
    ),
    "max norm of the matrix": (
        [dense(8, "tanh", kernel_constraint=rule("MaxNorm", max_value=2, axis=[0, 1])), END],
        {},
    ),
    "unit norm": (
        [dense(8, "tanh", kernel_constraint="unit_norm", bias_constraint=rule("MaxNorm", max_value=0.1)), END],
        {"optimizer": "Adam"},
    ),
    "min max norm": (
        [dense(8, "tanh", kernel_constraint=rule("MinMaxNorm", min_value=0.5, max_value=0.9, rate=0.3)), END],
        {},
    ),
    "non neg": ([dense(8, "relu", kernel_constraint="non_neg"), END], {"dtype": "float64"}),
    "constraints with accumulation and averages": (
        [dense(8, "tanh", kernel_constraint=rule("MaxNorm", max_value=0.8), kernel_regularizer="l2"), END],
        {"optimizer": "Adam", "options": {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.9}},
    ),
}


def build(layers, settings, key):
    dtype = settings.get("dtype", "float32")
    keras.utils.set_random_seed(settings.get("seed", 100 + key))
    made = []
    for name, config in layers:
        config = {**config, "dtype": dtype}
        for field, value in config.items():
            if isinstance(value, dict) and "class_name" in value:
                modules = (keras.regularizers, keras.constraints, keras.initializers)
                cls = next(getattr(m, value["class_name"]) for m in modules if hasattr(m, value["class_name"]))
                config[field] = cls(**value["config"])
        made.append(getattr(keras.layers, name)(**config))
    model = keras.Sequential([keras.Input((INPUTS,)), *made])
    optimizer = getattr(keras.optimizers, settings.get("optimizer", "SGD"))(0.05, **settings.get("options", {}))
    model.compile(optimizer, "categorical_crossentropy")
    return model


def main():
    rng = np.random.default_rng(12)
    x = rng.normal(0.3, 1.2, size=(ROWS, INPUTS)).astype("float32")
    y = np.eye(OUTPUTS, dtype="float32")[rng.integers(0, OUTPUTS, ROWS)]
    w = rng.uniform(0.2, 2.0, ROWS).astype("float32")
    arrays = {"x": x, "y": y, "w": w}
    for key, (layers, settings) in enumerate(RUNS.values()):
        model = build(layers, settings, key)
        for layer in model.layers if settings.get("adapt") else []:
            if isinstance(layer, keras.layers.Normalization):
                layer.adapt(x)
        dtype = settings.get("dtype", "float32")
        data = (x.astype(dtype), y.astype(dtype))
        for n, array in enumerate(model.get_weights()):
            arrays[f"{key}/initial/{n}"] = array
        history = model.fit(
            *data,
            batch_size=settings.get("batch_size", 16),
            epochs=settings.get("epochs", 8),
            shuffle=False,
            verbose=0,
            sample_weight=w if settings.get("weighted") else None,
        )
        for n, array in enumerate(model.get_weights()):
            arrays[f"{key}/final/{n}"] = array
        arrays[f"{key}/history"] = np.array(history.history["loss"])
        arrays[f"{key}/predictions"] = model.predict(data[0], verbose=0)
        arrays[f"{key}/evaluate"] = np.array(model.evaluate(*data, batch_size=16, verbose=0))
    versions = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "date": datetime.date.today().isoformat(),
    }
    with (HERE / "layers.json").open("w") as f:
        json.dump({"versions": versions, "runs": RUNS}, f, indent=1)
        f.write("\n")
    np.savez_compressed(HERE / "layers.npz", **arrays)


if __name__ == "__main__":
    main()
