"""Records Keras's losses, their gradients, and models trained with them, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_losses.py

It writes, beside itself, ``losses.json``: versions, ``cases`` as (class name, config, data), ``runs`` as descriptions
(see RUNS); and ``losses.npz``:

    data/NAME/y, p, w               targets, outputs and sample weights
    case/DTYPE/each                 the loss of each sample
    case/DTYPE/REDUCTION            the loss with that reduction and the weights
    case/DTYPE/gradient             of the loss summed with the weights, with respect to p
    case/DTYPE/mean                 its gradient with sum_over_batch_size and no weights
    run/x, y, w                     what fit got (w only for weighted runs)
    run/initial/N, run/final/N      weights before and after
    run/history                     the loss of each epoch
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

# (class name, config, data)
CASES = [
    ("MeanAbsoluteError", {}, "real"),
    ("MeanSquaredError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "real"),
    ("MeanSquaredLogarithmicError", {}, "real"),
    ("MeanSquaredLogarithmicError", {}, "counts"),
    ("Huber", {}, "real"),
    ("Huber", {"delta": 0.25}, "real"),
    ("Huber", {"delta": 2.7}, "real"),
    ("LogCosh", {}, "real"),
    ("Poisson", {}, "counts"),
    ("KLDivergence", {}, "soft"),
    ("KLDivergence", {}, "real"),
    ("Hinge", {}, "labels"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "real"),
    ("SquaredHinge", {}, "labels"),
    ("SquaredHinge", {}, "signs"),
    ("SquaredHinge", {}, "real"),
    ("CategoricalHinge", {}, "scores"),
    ("CategoricalHinge", {}, "signs"),
    ("CosineSimilarity", {}, "real"),
    ("CosineSimilarity", {}, "tiny"),
    ("BinaryCrossentropy", {}, "chances"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "chances"),
    ("BinaryCrossentropy", {"from_logits": True}, "labels"),
    ("CategoricalCrossentropy", {}, "soft"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "scores"),
    ("BinaryFocalCrossentropy", {}, "chances"),
    ("BinaryFocalCrossentropy", {"gamma": 0.5, "alpha": 0.6, "apply_class_balancing": True}, "chances"),
    ("BinaryFocalCrossentropy", {"gamma": 3.3, "label_smoothing": 0.3}, "chances"),
    ("BinaryFocalCrossentropy", {"gamma": 0.0}, "chances"),
    ("BinaryFocalCrossentropy", {"gamma": 1.0}, "chances"),
    ("BinaryFocalCrossentropy", {"from_logits": True}, "labels"),
    (
        "BinaryFocalCrossentropy",
        {"from_logits": True, "gamma": 1.7, "label_smoothing": 0.1, "apply_class_balancing": True},
        "labels",
    ),
    ("CategoricalFocalCrossentropy", {}, "soft"),
    ("CategoricalFocalCrossentropy", {"gamma": 0.5, "alpha": 0.8, "label_smoothing": 0.2}, "onehot"),
    ("CategoricalFocalCrossentropy", {"gamma": 0.0}, "onehot"),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.7, 1.3]}, "onehot"),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, "scores"),
    (
        "CategoricalFocalCrossentropy",
        {"from_logits": True, "gamma": 3.0, "alpha": [0.5, 1.0, 0.25, 2.0], "label_smoothing": 0.1},
        "scores",
    ),
    ("SparseCategoricalCrossentropy", {}, "classes"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "classes scores"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, "classes"),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1}, "classes and void"),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, "from_logits": True}, "classes and void"),
]

# (loss, config, last activation, targets, what differs from DEFAULTS)
DEFAULTS = {"dtype": "float32", "weighted": False, "learning_rate": 0.05, "units": 3, "n": 25, "batch_size": 7}
RUNS = [
    ("MeanAbsolutePercentageError", {}, "linear", "real", {"learning_rate": 1e-5}),
    ("MeanSquaredLogarithmicError", {}, "softplus", "counts", {"weighted": True}),
    ("MeanSquaredLogarithmicError", {}, "linear", "counts", {}),
    ("Huber", {}, "linear", "real", {}),
    ("Huber", {"delta": 0.4, "reduction": "sum"}, "tanh", "real", {"weighted": True, "learning_rate": 0.01}),
    ("LogCosh", {}, "linear", "real", {"units": 1}),
    ("LogCosh", {"reduction": "mean_with_sample_weight"}, "linear", "real", {"weighted": True}),
    ("Poisson", {}, "exponential", "counts", {}),
    ("Poisson", {}, "softplus", "counts", {"weighted": True}),
    ("KLDivergence", {}, "softmax", "soft", {}),
    ("KLDivergence", {}, "sigmoid", "soft", {"dtype": "float64"}),
    ("Hinge", {}, "linear", "labels", {}),
    ("Hinge", {}, "tanh", "signs", {"units": 1, "weighted": True}),
    ("Hinge", {}, "linear", "some labels", {}),
    ("SquaredHinge", {}, "linear", "labels", {"units": 1}),
    ("SquaredHinge", {}, "tanh", "some labels", {"weighted": True}),
    ("CategoricalHinge", {}, "linear", "onehot", {}),
    ("CategoricalHinge", {}, "softmax", "onehot", {"weighted": True}),
    ("CosineSimilarity", {}, "linear", "real", {}),
    ("CosineSimilarity", {"reduction": "sum"}, "tanh", "real", {"weighted": True}),
    ("BinaryFocalCrossentropy", {}, "sigmoid", "labels", {}),
    (
        "BinaryFocalCrossentropy",
        {"gamma": 1.3, "alpha": 0.7, "apply_class_balancing": True, "label_smoothing": 0.1},
        "sigmoid",
        "labels",
        {"weighted": True, "units": 1},
    ),
    ("BinaryFocalCrossentropy", {}, "softmax", "onehot", {}),
    ("BinaryFocalCrossentropy", {"from_logits": True}, "linear", "labels", {}),
    ("BinaryFocalCrossentropy", {"from_logits": True}, "sigmoid", "labels", {}),
    ("BinaryFocalCrossentropy", {}, "sigmoid", "labels", {"dtype": "float64"}),
    ("CategoricalFocalCrossentropy", {}, "softmax", "onehot", {"learning_rate": 0.5}),
    ("CategoricalFocalCrossentropy", {"gamma": 0.7, "alpha": [0.2, 0.5, 1.1]}, "softmax", "soft", {"weighted": True}),
    ("CategoricalFocalCrossentropy", {}, "sigmoid", "onehot", {}),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "linear", "onehot", {}),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, "softmax", "onehot", {"learning_rate": 0.5}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "softmax", "classes", {}),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1}, "softmax", "classes and void", {"weighted": True}),
    (
        "SparseCategoricalCrossentropy",
        {"ignore_class": -1, "reduction": "mean_with_sample_weight", "from_logits": True},
        "linear",
        "classes and void",
        {"weighted": True},
    ),
]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def targets(kind, rng, n, units):
    if kind == "counts":
        return rng.poisson(1.5, size=(n, units)).astype(float)
    if kind == "labels":
        return rng.integers(0, 2, size=(n, units)).astype(float)
    if kind == "some labels":  # zeros and ones in some batches, other numbers in the last ones
        y = rng.integers(0, 2, size=(n, units)).astype(float)
        y[2 * n // 3 :] += rng.integers(-1, 1, size=y[2 * n // 3 :].shape)
        return y
    if kind == "signs":
        return rng.choice([-1.0, 1.0], size=(n, units))
    if kind == "soft":
        return softmax(2 * rng.normal(size=(n, units)))
    if kind == "onehot":
        return np.eye(units)[rng.integers(0, units, size=n)]
    if kind == "classes":
        return rng.integers(0, units, size=(n, 1)).astype(float)
    if kind == "classes and void":
        return rng.integers(-1, units, size=(n, 1)).astype(float)
    return rng.normal(size=(n, units))


def data():
    """{name: (y, p, w)} in float32 numbers, with the points where a loss or its derivative jumps."""
    rng = np.random.default_rng(31)
    n, k = 30, 4
    w = rng.uniform(0.2, 2.0, size=n)
    made = {}
    y, p = rng.normal(size=(n, k)), rng.normal(size=(n, k))
    y[0] = [1.0, -2.0, 0.0, 0.5]
    p[0] = y[0]  # no error at all
    p[1] = y[1] = 0.0
    y[2], p[2] = [1.0, 1.0, 1.0, 1.0], [2.0, 0.0, 1.25, 0.75]  # on Huber's edges
    y[3], p[3] = [0.0, 1e-8, 1e-7, -1e-7], [0.3, 1e-7, -1e-7, 1e-8]
    y[4], p[4] = [40.0, -40.0, 200.0, -200.0], [0.0, 0.0, -200.0, 200.0]
    y[5], p[5] = [0.5, -0.5, 0.1, 1.0], [2.0, -2.0, 10.0, 1.0]  # y p = 1
    y[6], p[6] = [1.0, 1e-3, 1e-4, 1e-5], [1.001, 2e-3, 2e-4, 1e-6]
    made["real"] = y, p, w
    y, p = targets("counts", rng, n, k), np.exp(rng.normal(size=(n, k)))
    p[0] = [1e-7, 1e-8, 1e-3, 1.0]
    made["counts"] = y, p, w
    for name in ("labels", "signs"):
        y, p = targets(name, rng, n, k), 2 * rng.normal(size=(n, k))
        p[0] = [1.0, -1.0, 0.0, 30.0]
        p[1] = [-1.0, 1.0, 9.0, -30.0]
        p[2] = [120.0, -120.0, 17.0, -17.0]
        made[name] = y, p, w
    y, p = targets("onehot", rng, n, k), 2 * rng.normal(size=(n, k))
    p[0] = 0.0
    y[1], p[1] = [0, 1, 0, 0], [1.0, 2.0, 1.0, -1.0]  # two largest others, and 1 - 2 + 1 = 0
    y[2], p[2] = [0, 1, 0, 0], [-1.0, -2.0, -1.0, -3.0]
    y[3], p[3] = [1, 0, 0, 0], [1.0, 0.0, 0.0, -1.0]
    y[4], p[4] = [1, 0, 0, 0], [0.5, 3.0, 3.0, 3.0]
    p[5] = [100.0, 0.0, -100.0, 20.0]
    made["scores"] = y, p, w
    y, p = targets("labels", rng, n, k), rng.uniform(size=(n, k))
    y[0], y[1] = 0.0, 1.0
    p[0] = p[1] = [0.0, 1.0, 1e-7, 0.5]
    y[2], y[3] = 0.0, 1.0
    p[2] = p[3] = [1e-8, 0.9999999, 1e-4, 0.999]
    made["chances"] = y, p, w
    for name in ("soft", "onehot"):
        y, p = targets(name, rng, n, k), softmax(2 * rng.normal(size=(n, k)))
        p[0] = [0.0, 0.0, 1.0, 0.0]
        p[1] = [1e-8, 1e-7, 1e-6, 1.0]
        p[2] = 3 * p[2]  # not normalised
        y[3] = [0.0, 1.0, 0.0, 0.0]
        made[name] = y, p, w
    y, p = rng.normal(size=(n, k)), rng.normal(size=(n, k))
    p[0] *= 1e-9
    y[1] *= 1e-9
    p[2] *= 1e5
    p[3] *= 1e-4
    p[4] = -y[4]
    p[5] = 3 * y[5]
    y[6] = 0.0
    made["tiny"] = y, p, w
    made["classes"] = targets("classes", rng, n, k), made["soft"][1], w
    made["classes scores"] = made["classes"][0], made["scores"][1], w
    made["classes and void"] = targets("classes and void", rng, n, k), made["onehot"][1], w
    return {name: tuple(a.astype(np.float32) for a in three) for name, three in made.items()}


def record_case(class_name, config, y, p, w, dtype):
    make = getattr(keras.losses, class_name)
    y, p, w = (tf.constant(a.astype(dtype)) for a in (y, p, w))
    out = {"each": make(**config, reduction="none", dtype=dtype)(y, p).numpy()}
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
        out[reduction] = make(**config, reduction=reduction, dtype=dtype)(y, p, w).numpy()
    for name, options, weights in (("gradient", {"reduction": "sum"}, w), ("mean", {}, None)):
        with tf.GradientTape() as tape:
            tape.watch(p)
            value = make(**config, **options, dtype=dtype)(y, p, weights)
        out[name] = tape.gradient(value, p).numpy()
    return out


def record_run(number, class_name, config, activation, kind, changes):
    s = {**DEFAULTS, **changes}
    rng = np.random.default_rng(1000 + number)
    n, units, dtype = s["n"], s["units"], s["dtype"]
    x = rng.normal(size=(n, 4)).astype(dtype)
    y = targets(kind, rng, n, units).astype(dtype)
    w = rng.uniform(0.2, 2.0, size=n).astype(dtype) if s["weighted"] else None
    initial = [
        (scale * rng.normal(size=shape)).astype(dtype)
        for scale, shape in ((0.6, (4, 5)), (0.2, (5,)), (0.6, (5, units)), (0.2, (units,)))
    ]
    model = keras.Sequential(
        [
            keras.Input((4,), dtype=dtype),
            keras.layers.Dense(5, "tanh", dtype=dtype),
            keras.layers.Dense(units, activation, dtype=dtype),
        ]
    )
    model.set_weights(initial)
    loss = getattr(keras.losses, class_name)(**config, dtype=dtype)
    model.compile(keras.optimizers.SGD(s["learning_rate"]), loss)
    history = model.fit(x, y, s["batch_size"], epochs=6, shuffle=False, sample_weight=w, verbose=0)
    arrays = {"x": x, "y": y, "history": np.array(history.history["loss"])}
    if w is not None:
        arrays["w"] = w
    for i, (before, after) in enumerate(zip(initial, model.get_weights(), strict=True)):
        arrays[f"initial/{i}"], arrays[f"final/{i}"] = before, after
    described = {"loss": class_name, "config": config, "activation": activation, "targets": kind, "epochs": 6, **s}
    return described, arrays


def main():
    arrays, cases, runs = {}, {}, {}
    sets = data()
    for name, three in sets.items():
        arrays.update({f"data/{name}/{key}": a for key, a in zip("ypw", three, strict=True)})
    for i, (class_name, config, name) in enumerate(CASES):
        cases[f"case{i:02}"] = (class_name, config, name)
        for dtype in ("float32", "float64"):
            recorded = record_case(class_name, config, *sets[name], dtype)
            arrays.update({f"case{i:02}/{dtype}/{key}": a for key, a in recorded.items()})
    for i, run in enumerate(RUNS):
        runs[f"run{i:02}"], recorded = record_run(i, *run)
        arrays.update({f"run{i:02}/{key}": a for key, a in recorded.items()})
    np.savez_compressed(HERE / "losses.npz", **arrays)
    versions = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.date.today().isoformat(),
    }
    text = json.dumps({"versions": versions, "cases": cases, "runs": runs}, indent=1)
    (HERE / "losses.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
