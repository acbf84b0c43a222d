"""Records what Keras's optimizers make of one sequence of gradients, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_optimizers.py

It writes, beside itself, ``optimizers.npz``: the gradients (``grads/0``, ``grads/1``, ...; the first axis is the
step), the variables at the start (``start/0``, ...), and for each case its variables after the steps in ``STEPS``
(``case/0``, ...; the first axis is the step) and at the end the loss scale, where it is dynamic (``case/scale``); and
``optimizers.json``: the cases as (class name, config), the variables' names, and versions.  All in float32, one call
of ``apply`` for each step.  A case takes the first two variables, or all of them if it is one of ``MATRIX``.
"""

import copy
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
NAMES = ("dense_kernel", "dense_bias", "wide_kernel", "cube", "embedding_table", "number")
SHAPES = ((7, 3), (5,), (4, 9), (2, 3, 4), (6, 2), ())
MATRIX = ("Lamb", "Adafactor", "Muon", "ScheduleFreeAdamW")


def decay(name, **config):
    return {"module": "keras.optimizers.schedules", "class_name": name, "config": config, "registered_name": None}


EXPONENTIAL = decay("ExponentialDecay", initial_learning_rate=0.05, decay_steps=30, decay_rate=0.7)
COSINE = decay("CosineDecay", initial_learning_rate=0.001, decay_steps=150, warmup_target=0.05, warmup_steps=20)
RESTARTS = decay("CosineDecayRestarts", initial_learning_rate=0.05, first_decay_steps=25, m_mul=0.8, alpha=0.1)
PIECES = decay("PiecewiseConstantDecay", boundaries=[2, 15, 100], values=[0.1, 0.05, 0.02, 0.001])
POLYNOMIAL = decay("PolynomialDecay", initial_learning_rate=0.05, decay_steps=70, power=2.0, cycle=True)
INVERSE = decay("InverseTimeDecay", initial_learning_rate=0.05, decay_steps=10, decay_rate=0.5, staircase=True)

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
    "lamb": ("Lamb", {}),
    "lamb betas": ("Lamb", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}),
    "lamb decay": ("Lamb", {"learning_rate": COSINE, "weight_decay": 0.02, "clipnorm": 0.5}),
    "lamb accumulation": ("Lamb", {"learning_rate": 0.01, "gradient_accumulation_steps": 3, "use_ema": True}),
    "adafactor": ("Adafactor", {}),
    "adafactor rates": (
        "Adafactor",
        {"learning_rate": 0.3, "beta_2_decay": -0.6, "epsilon_1": 1e-8, "epsilon_2": 0.05, "clip_threshold": 0.7},
    ),
    "adafactor absolute": ("Adafactor", {"learning_rate": 0.02, "relative_step": False, "weight_decay": 0.01}),
    "adafactor schedule": ("Adafactor", {"learning_rate": EXPONENTIAL, "global_clipnorm": 2.0}),
    "adafactor accumulation": ("Adafactor", {"learning_rate": 0.02, "gradient_accumulation_steps": 2}),
    "muon": ("Muon", {}),
    "muon plain": ("Muon", {"learning_rate": 0.01, "nesterov": False, "rms_rate": None, "momentum": 0.8}),
    "muon excluding": (
        "Muon",
        {
            "learning_rate": 0.01,
            "exclude_layers": ["^wide"],
            "exclude_embeddings": False,
            "adam_lr_ratio": 0.3,
            "adam_beta_1": 0.8,
            "adam_beta_2": 0.95,
            "weight_decay": 0.1,
            "adam_weight_decay": None,
        },
    ),
    "muon coefficients": (
        "Muon",
        {
            "learning_rate": INVERSE,
            "muon_a": 2.0,
            "muon_b": -1.5,
            "muon_c": 0.5,
            "ns_steps": 7,
            "rms_rate": 0.4,
            "epsilon": 1e-4,
            "weight_decay": None,
            "adam_weight_decay": 0.05,
            "clipvalue": 0.5,
        },
    ),
    "muon no steps": ("Muon", {"learning_rate": 0.003, "ns_steps": 0, "gradient_accumulation_steps": 2}),
    "schedule free": ("ScheduleFreeAdamW", {}),
    "schedule free warm": (
        "ScheduleFreeAdamW",
        {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4, "warmup_steps": 10},
    ),
    "schedule free decay": ("ScheduleFreeAdamW", {"weight_decay": 0.05, "gradient_accumulation_steps": 2}),
    "sgd exponential": ("SGD", {"learning_rate": EXPONENTIAL, "momentum": 0.9}),
    "adam cosine": ("Adam", {"learning_rate": COSINE, "weight_decay": 0.01}),
    "rmsprop restarts": ("RMSprop", {"learning_rate": RESTARTS}),
    "adagrad pieces": ("Adagrad", {"learning_rate": PIECES}),
    "lion polynomial": ("Lion", {"learning_rate": POLYNOMIAL}),
    "ftrl inverse": ("Ftrl", {"learning_rate": INVERSE}),
    "sgd polynomial accumulation": ("SGD", {"learning_rate": POLYNOMIAL, "gradient_accumulation_steps": 3}),
    "adam loss scale": ("Adam", {"learning_rate": 0.01, "loss_scale_factor": 1000.0}),
    "sgd loss scale": ("SGD", {"learning_rate": 0.5, "loss_scale_factor": 3.0, "clipnorm": 0.4, "weight_decay": 0.01}),
    "dynamic loss scale": (
        "LossScaleOptimizer",
        {
            "inner_optimizer": {
                "module": "keras.optimizers",
                "class_name": "Adam",
                "config": {"learning_rate": EXPONENTIAL, "clipnorm": 0.4},
                "registered_name": None,
            },
            "initial_scale": 1024.0,
            "dynamic_growth_steps": 3,
        },
    ),
}


def gradients():
    """Gradients of many sizes, with zeros among them, around a slope that changes slowly."""
    rng = np.random.default_rng(20)
    out = []
    for shape in SHAPES:
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
    for i in range(len(SHAPES)):
        arrays[f"grads/{i}"], arrays[f"start/{i}"] = grads[i], start[i]
    for case, (name, config) in CASES.items():
        count = len(SHAPES) if name in MATRIX else 2
        variables = [keras.Variable(start[i], name=NAMES[i]) for i in range(count)]
        optimizer = getattr(keras.optimizers, name).from_config(copy.deepcopy(config))
        optimizer.build(variables)
        seen = []
        for t in range(STEPS[-1]):
            step = [tf.constant(g[t]) for g in grads[:count]]
            if name == "LossScaleOptimizer":
                # gradients of the scaled loss, and now and then one that is not finite
                step = [optimizer.scale_loss(g) for g in step]
                if t % 7 == 5:
                    step[0] = step[0] / 0.0
            optimizer.apply(step, variables)
            if t + 1 in STEPS:
                seen.append([v.numpy() for v in variables])
        for i, values in enumerate(zip(*seen, strict=True)):
            arrays[f"{case}/{i}"] = np.stack(values)
        if name == "LossScaleOptimizer":
            arrays[f"{case}/scale"] = optimizer.dynamic_scale.numpy()
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
    described = {"versions": versions, "steps": STEPS, "names": NAMES, "cases": CASES}
    (HERE / "optimizers.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    main()
