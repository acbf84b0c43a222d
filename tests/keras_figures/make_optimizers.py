"""Records what Keras's optimizers make of one sequence of gradients, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_optimizers.py

It writes, beside itself, ``optimizers.npz``: the gradients (``grads/0`` and ``grads/1``, the first axis is the
step), the variables at the start (``start/0``, ``start/1``), and for each case its variables after the steps in
``STEPS`` (``case/STEP/0``, ``case/STEP/1``); and ``optimizers.json``: the cases as (class name, config), and versions.
All in float32, one call of ``apply`` for each step.
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
STEPS = (1, 2, 3, 20, 200)

CASES = {
    "sgd": ("SGD", {"learning_rate": 0.013}),
    "sgd momentum": ("SGD", {"learning_rate": 0.013, "momentum": 0.87}),
    "sgd nesterov": ("SGD", {"learning_rate": 0.013, "momentum": 0.87, "nesterov": True}),
    "adagrad": ("Adagrad", {"learning_rate": 0.03}),
    "adagrad epsilon": ("Adagrad", {"learning_rate": 0.03, "initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop momentum": ("RMSprop", {"learning_rate": 0.003, "rho": 0.83, "momentum": 0.7}),
    "rmsprop centered": ("RMSprop", {"learning_rate": 0.003, "centered": True, "epsilon": 1e-4}),
    "rmsprop both": ("RMSprop", {"momentum": 0.7, "centered": True, "epsilon": 1e-4}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adadelta default": ("Adadelta", {}),
    "adam": ("Adam", {}),
    "adam rates": ("Adam", {"learning_rate": 0.02, "beta_1": 0.77, "beta_2": 0.97, "epsilon": 1e-4}),
    "amsgrad": ("Adam", {"amsgrad": True, "learning_rate": 0.01}),
    "adamw": ("AdamW", {"learning_rate": 0.01}),
    "adamax": ("Adamax", {"learning_rate": 0.01}),
    "nadam": ("Nadam", {"learning_rate": 0.01}),
    "nadam betas": ("Nadam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95}),
    "ftrl": ("Ftrl", {"learning_rate": 0.05}),
    "ftrl all": (
        "Ftrl",
        {
            "learning_rate": 0.05,
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.3,
            "l1_regularization_strength": 0.02,
            "l2_regularization_strength": 0.03,
            "l2_shrinkage_regularization_strength": 0.01,
            "beta": 0.1,
        },
    ),
    "lion": ("Lion", {"learning_rate": 0.003}),
    "sgd weight decay": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.02}),
    "adam weight decay": ("Adam", {"weight_decay": 0.1}),
    "sgd clipvalue": ("SGD", {"learning_rate": 0.05, "clipvalue": 0.3}),
    "adam clipnorm": ("Adam", {"learning_rate": 0.01, "clipnorm": 0.4}),
    "sgd global clipnorm": ("SGD", {"learning_rate": 0.05, "global_clipnorm": 0.9}),
    "adam ema": ("Adam", {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.9}),
    "adam ema overwrite": (
        "Adam",
        {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    ),
    "sgd accumulation": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "gradient_accumulation_steps": 4}),
    "adam accumulation": ("Adam", {"learning_rate": 0.01, "gradient_accumulation_steps": 3, "weight_decay": 0.01}),
    "adam accumulation ema": (
        "Adam",
        {
            "learning_rate": 0.01,
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_momentum": 0.8,
            "ema_overwrite_frequency": 5,
        },
    ),
}


def gradients():
    """Gradients of many sizes, with zeros among them, around a slope that changes slowly."""
    rng = np.random.default_rng(20)
    out = []
    for shape in ((7, 3), (5,)):
        sizes = 10.0 ** rng.uniform(-3, 1, size=shape)
        drift = np.sin(np.arange(STEPS[-1])[:, None] / 30 + rng.uniform(0, 6, size=int(np.prod(shape))))
        g = sizes * (drift.reshape(-1, *shape) + rng.normal(size=(STEPS[-1], *shape)))
        g[rng.uniform(size=g.shape) < 0.05] = 0
        out.append(g.astype(np.float32))
    return out


def main():
    rng = np.random.default_rng(21)
    grads = gradients()
    start = [rng.normal(size=g.shape[1:]).astype(np.float32) for g in grads]
    arrays = {}
    for i in range(2):
        arrays[f"grads/{i}"], arrays[f"start/{i}"] = grads[i], start[i]
    for case, (name, config) in CASES.items():
        variables = [keras.Variable(s) for s in start]
        optimizer = getattr(keras.optimizers, name)(**config)
        optimizer.build(variables)
        for t in range(STEPS[-1]):
            optimizer.apply([tf.constant(g[t]) for g in grads], variables)
            if t + 1 in STEPS:
                for i, v in enumerate(variables):
                    arrays[f"{case}/{t + 1}/{i}"] = v.numpy()
        if config.get("use_ema"):
            optimizer.finalize_variable_values(variables)
            for i, v in enumerate(variables):
                arrays[f"{case}/final/{i}"] = v.numpy()
    np.savez_compressed(HERE / "optimizers.npz", **arrays)
    versions = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.date.today().isoformat(),
    }
    described = {"versions": versions, "steps": STEPS, "cases": CASES}
    (HERE / "optimizers.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    main()
