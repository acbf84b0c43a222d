"""Lets Keras write model files, and records how Keras goes on with each, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_files.py

It writes, beside itself, ``files.npz``: for each case the bytes of its file (``case/.keras``; ``case/.weights.h5``
for some), its predictions, ``case/predicted``, and after ``EPOCHS`` more epochs the losses and metrics of each epoch
(``case/history``) and the weights (``case/weights/0, 1, ...``); the data, ``x``, ``one`` (targets in one column),
``two`` (in two columns); and ``files.json``: the cases as (layers, optimizer, config, dtype), and versions.
"""

import datetime
import json
import os
import pathlib
import platform
import tempfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
from keras import layers, losses, metrics

HERE = pathlib.Path(__file__).resolve().parent
EPOCHS = 3
FIT = {"batch_size": 5, "shuffle": False, "verbose": 0}

OPTIMIZERS = {
    "sgd": ("SGD", {"learning_rate": 0.02}),
    "momentum": ("SGD", {"learning_rate": 0.013, "momentum": 0.87, "nesterov": True}),
    "adagrad": ("Adagrad", {"learning_rate": 0.03}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.003}),
    "rmsprop momentum": ("RMSprop", {"momentum": 0.7}),
    "rmsprop centered": ("RMSprop", {"momentum": 0.7, "centered": True, "epsilon": 1e-4}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "amsgrad": ("Adam", {"amsgrad": True, "learning_rate": 0.01}),
    "adamw": ("AdamW", {"learning_rate": 0.01}),
    "adamax": ("Adamax", {"learning_rate": 0.01}),
    "nadam": ("Nadam", {"learning_rate": 0.01}),
    "ftrl": ("Ftrl", {"learning_rate": 0.05, "l1_regularization_strength": 0.01}),
    "lion": ("Lion", {"learning_rate": 0.003}),
    "lamb": ("Lamb", {"learning_rate": 0.01}),
    "adafactor": ("Adafactor", {"learning_rate": 0.01}),
    "muon": ("Muon", {"learning_rate": 0.01}),
    "schedule free": ("ScheduleFreeAdamW", {"learning_rate": 0.01}),
    "average": ("Adam", {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 5}),
    "accumulation": ("SGD", {"momentum": 0.5, "gradient_accumulation_steps": 3, "use_ema": True, "clipnorm": 0.3}),
}
SCHEDULES = {
    "decay": ("ExponentialDecay", {"initial_learning_rate": 0.05, "decay_steps": 3, "decay_rate": 0.8}),
}
LAYERS = {
    "plain": lambda: [layers.Dense(3, "tanh"), layers.Dense(2)],
    "one": lambda: [
        layers.Dense(3, "elu", kernel_initializer="he_uniform", name="below"),
        layers.Dense(3, use_bias=False),
        layers.Dense(1, "sigmoid", bias_initializer=keras.initializers.Constant(0.1), name="above"),
    ],
    "normalized": lambda: [
        layers.Dense(3),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("tanh"),
        layers.LayerNormalization(),
        layers.Dense(2),
    ],
    "slopes": lambda: [layers.Dense(3), layers.LeakyReLU(0.1), layers.Dense(3), layers.PReLU(), layers.Dense(2)],
}
# name: (layers, optimizer, config, dtype)
CASES = {
    **{name: ("plain", *said, "float32") for name, said in OPTIMIZERS.items()},
    "float64": ("plain", *OPTIMIZERS["momentum"], "float64"),
    "one output": ("one", *OPTIMIZERS["adam"], "float32"),
    **{name: ("plain", "Adam", {"learning_rate": said}, "float32") for name, said in SCHEDULES.items()},
    **{name: (name, *OPTIMIZERS["adam"], "float32") for name in ("normalized", "slopes")},
}
WITH_WEIGHTS_FILE = ("adam", "one output", "float64")


def made(case):
    kind, optimizer, config, dtype = CASES[case]
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    keras.utils.set_random_seed(7)
    if isinstance(config.get("learning_rate"), tuple):
        name, schedule = config["learning_rate"]
        config = {**config, "learning_rate": getattr(keras.optimizers.schedules, name)(**schedule)}
    model = keras.Sequential([keras.Input((4,)), *LAYERS[kind]()], name=case.replace(" ", "_"))
    optimizer = getattr(keras.optimizers, optimizer)(**config)
    if kind == "one":
        model.compile(optimizer, losses.BinaryCrossentropy(label_smoothing=0.1), metrics=["accuracy", "mae"])
    else:
        model.compile(optimizer, "mse", metrics=["mae"], weighted_metrics=[metrics.MeanSquaredError(name="squares")])
    return model


def main():
    rng = np.random.default_rng(3)
    data = {
        "x": rng.normal(size=(17, 4)),
        "one": rng.integers(0, 2, (17, 1)).astype(float),
        "two": rng.normal(size=(17, 2)),
    }
    arrays = dict(data)
    for case, (kind, *_, dtype) in CASES.items():
        model = made(case)
        x, y = data["x"].astype(dtype), data["one" if kind == "one" else "two"].astype(dtype)
        model.fit(x, y, epochs=2, **FIT)
        with tempfile.TemporaryDirectory() as folder:
            for ending in (".keras", ".weights.h5") if case in WITH_WEIGHTS_FILE else (".keras",):
                path = pathlib.Path(folder) / f"model{ending}"
                (model.save if ending == ".keras" else model.save_weights)(path)
                arrays[f"{case}/{ending}"] = np.frombuffer(path.read_bytes(), np.uint8)
        arrays[f"{case}/predicted"] = model.predict(x, verbose=0)
        history = model.fit(x, y, epochs=EPOCHS, **FIT).history
        arrays[f"{case}/history"] = np.array([history[name] for name in sorted(history)])
        arrays.update({f"{case}/weights/{i}": array for i, array in enumerate(model.get_weights())})
    np.savez_compressed(HERE / "files.npz", **arrays)
    figures = {
        "made": datetime.date.today().isoformat(),
        "versions": {
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "epochs": EPOCHS,
        "cases": CASES,
    }
    (HERE / "files.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
