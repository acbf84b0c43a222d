"""Records where Keras's optimizers go on the peaks surface, against which the tests compare gdcore.minimize.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_minimize.py

It writes, beside itself, ``minimize.npz``: for each case and each of the types the points after the steps in ``STEPS``
(``case/float64``, of shape (steps, starts, 2)), from the points in ``starts``; and ``minimize.json``: the cases as
(class name, config), the steps and versions.  Gradients are TensorFlow's own, by its tape.  Keras takes
settings through float32, so those here are sums of few powers of two, the same in both types.
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
STEPS = (1, 2, 3, 20, 60)
STARTS = ((0.5, -0.5), (-0.25, 1.5), (1.75, 0.125))
BETAS = {"beta_1": 7 / 8, "beta_2": 127 / 128, "epsilon": 2**-20}
CASES = {
    "sgd": ("SGD", {"learning_rate": 2**-6}),
    "sgd momentum": ("SGD", {"learning_rate": 2**-8, "momentum": 7 / 8}),
    "sgd nesterov": ("SGD", {"learning_rate": 2**-8, "momentum": 7 / 8, "nesterov": True}),
    "sgd clipvalue": ("SGD", {"learning_rate": 2**-6, "clipvalue": 0.75}),
    "sgd clipnorm": ("SGD", {"learning_rate": 2**-6, "clipnorm": 0.75}),
    "sgd global clipnorm": ("SGD", {"learning_rate": 2**-6, "global_clipnorm": 0.75}),
    "sgd weight decay": ("SGD", {"learning_rate": 2**-6, "weight_decay": 2**-5}),
    "sgd accumulation": ("SGD", {"learning_rate": 2**-6, "gradient_accumulation_steps": 3}),
    "adagrad": ("Adagrad", {"learning_rate": 2**-4, "initial_accumulator_value": 1 / 8, "epsilon": 2**-20}),
    "rmsprop": ("RMSprop", {"learning_rate": 2**-8, "rho": 7 / 8, "epsilon": 2**-20}),
    "rmsprop both": (
        "RMSprop",
        {"learning_rate": 2**-9, "rho": 7 / 8, "momentum": 0.75, "centered": True, "epsilon": 2**-10},
    ),
    "adadelta": ("Adadelta", {"learning_rate": 1.0, "rho": 15 / 16, "epsilon": 2**-20}),
    "adam": ("Adam", {"learning_rate": 2**-6, **BETAS}),
    "amsgrad": ("Adam", {"learning_rate": 2**-6, "amsgrad": True, **BETAS}),
    "adamw": ("AdamW", {"learning_rate": 2**-6, "weight_decay": 2**-5, **BETAS}),
    "adamax": ("Adamax", {"learning_rate": 2**-6, **BETAS}),
    "nadam": ("Nadam", {"learning_rate": 2**-6, **BETAS}),
    "ftrl": ("Ftrl", {"learning_rate": 2**-4, "initial_accumulator_value": 1 / 8, "beta": 1 / 8}),
    "lion": ("Lion", {"learning_rate": 2**-8, "beta_1": 7 / 8, "beta_2": 31 / 32}),
    "lamb": ("Lamb", {"learning_rate": 2**-7, **BETAS}),
    "adafactor": ("Adafactor", {"learning_rate": 2**-6, "epsilon_2": 2**-10}),
    "muon": (
        "Muon",
        {
            "learning_rate": 1 / 4,
            "adam_lr_ratio": 1 / 16,
            "adam_beta_1": 7 / 8,
            "adam_beta_2": 31 / 32,
            "adam_weight_decay": 2**-8,
            "epsilon": 2**-20,
        },
    ),
    "schedule free": ("ScheduleFreeAdamW", {"learning_rate": 2**-6, "warmup_steps": 4, **BETAS}),
}


def peaks(p):
    a, b = p[0], p[1]
    return (
        3 * (1 - a) ** 2 * tf.exp(-(a**2) - (b + 1) ** 2)
        - 10 * (a / 5 - a**3 - b**5) * tf.exp(-(a**2) - b**2)
        - tf.exp(-((a + 1) ** 2) - b**2) / 3
    )


def descend(name, config, start, dtype):
    optimizer = getattr(keras.optimizers, name).from_config(dict(config))
    p = keras.Variable(np.array(start, dtype), dtype=dtype, name="point")
    path = []
    for step in range(1, max(STEPS) + 1):
        with tf.GradientTape() as tape:
            value = peaks(p.value)
        optimizer.apply([tape.gradient(value, p.value)], [p])
        if step in STEPS:
            path.append(p.numpy().copy())
    return np.array(path)


arrays = {"starts": np.array(STARTS)}
for case, (name, config) in CASES.items():
    for dtype in ("float64", "float32"):
        points = [descend(name, config, start, dtype) for start in STARTS]
        arrays[f"{case}/{dtype}"] = np.stack(points, axis=1)
        assert arrays[f"{case}/{dtype}"].dtype == dtype

np.savez_compressed(HERE / "minimize.npz", **arrays)
about = {
    "cases": CASES,
    "steps": STEPS,
    "versions": {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    },
    "date": datetime.date.today().isoformat(),
}
(HERE / "minimize.json").write_text(json.dumps(about, indent=1) + "\n")
