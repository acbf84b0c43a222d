"""Records what Keras's metrics give after each of several batches, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_metrics.py

It writes, beside itself, ``metrics.json``: the names that Keras knows metrics by, a config of each class, and for each
case the class, its config, and for each data set (with or without its weights) the shape of a result; and
``metrics.npz``: the data sets (``NAME/y``, ``NAME/p`` and ``NAME/w``, the weights) and ``figures``, in the order of the
cases the results after each batch.
"""

import json
import os
import pathlib
import warnings

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
BATCHES = [(0, 13), (13, 26), (26, 33), (33, 34)]  # rows


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def data_sets():
    rng = np.random.default_rng(12)
    n = BATCHES[-1][1]
    labels = rng.integers(0, 4, n)
    sets = {}
    yes = rng.random((n, 1)) < 0.4
    sets["binary"] = yes, np.clip(0.25 * yes + 0.8 * rng.random((n, 1)), 0, 1)
    sets["flat"] = yes[:, 0], sets["binary"][1][:, 0]
    sets["column"] = yes[:, 0], sets["binary"][1]
    sets["logits"] = yes, 2 * rng.normal(size=(n, 1)) + yes
    several = rng.random((n, 3)) < [0.2, 0.5, 0.7]
    sets["labels"] = several, np.clip(0.3 * several + 0.7 * rng.random((n, 3)), 0, 1)
    onehot = np.eye(4)[labels]
    outputs = softmax(rng.normal(size=(n, 4)) + 1.5 * onehot)
    sets["onehot"] = onehot, outputs
    sets["sparse"] = labels, outputs
    sets["sparse column"] = labels[:, None], outputs
    sets["sparse some"] = np.where(rng.random(n) < 0.3, -1, labels), outputs
    sets["ids"] = labels, np.argsort(-outputs, axis=1)
    sets["classes"] = labels, outputs.argmax(axis=1)
    sets["classes outside"] = rng.integers(-1, 6, n), rng.integers(-1, 6, n)
    # many outputs equal each other, and the thresholds
    sets["ties"] = yes, np.round(sets["binary"][1] * 4) / 4
    sets["tenths"] = yes, np.round(sets["binary"][1], 1)
    sets["tied rows"] = onehot, np.round(outputs * 3) / 3
    sets["all yes"] = np.ones((n, 1)), sets["binary"][1]
    sets["all no"] = np.zeros((n, 1)), sets["binary"][1]
    sets["zero"] = onehot, np.zeros((n, 4))
    sets["perfect"] = yes, yes
    # nan is no comparison's better side
    torn = sets["binary"][1].copy()
    torn[3::5] = np.nan
    sets["nan"] = yes, torn
    torn = outputs.copy()
    torn[1::4, 2] = np.nan
    sets["nan rows"] = onehot, torn
    real = rng.normal(loc=(0, 1, 2), size=(n, 3))
    sets["real"] = real, real + 0.5 * rng.normal(size=(n, 3))
    sets["real one"] = real[:, :1], sets["real"][1][:, :1]
    sets["real column"] = real[:, 0], sets["real"][1][:, :1]
    sets["counts"] = rng.poisson(3, (n, 3)), rng.gamma(3, 1, (n, 3))
    sets["signs"] = 2.0 * several - 1, rng.normal(size=(n, 3))
    sets["shares"] = softmax(rng.normal(size=(n, 4))), outputs
    sets["constant"] = np.ones((n, 2)), 1 + np.stack([np.zeros(n), rng.normal(size=n)], axis=1)
    weights = {name: rng.random(n) + 0.1 for name in sets}
    for name in ("binary", "labels", "onehot", "ties"):
        weights[name][::3] = 0
    for name in ("classes", "classes outside"):
        weights[name] = rng.integers(0, 4, n)
    arrays = {}
    for name, (y, p) in sets.items():
        arrays[f"{name}/y"], arrays[f"{name}/p"] = (
            np.asarray(x).astype(np.int64 if x.dtype.kind == "i" else np.float32) for x in (y, p)
        )
        w = weights[name]
        arrays[f"{name}/w"] = w if w.dtype.kind == "i" else w.astype(np.float32)
    arrays["labels each/y"], arrays["labels each/p"] = arrays["labels/y"], arrays["labels/p"]
    arrays["labels each/w"] = rng.random((n, 3)).astype(np.float32)
    return arrays


def cases():
    """(class, config, names of the data sets)"""
    decisions = "binary|flat|column|labels|labels each|ties|tenths|all yes|all no|nan|perfect"
    means = "real|real one|real column|counts"
    yield "Mean", {}, "real|real one|flat|labels each"
    yield "Sum", {}, "real|real one|flat|labels each"
    for fn in ("of_entries", "of_samples"):
        yield "MeanMetricWrapper", {"fn": fn}, "real|real one"
    yield "MeanMetricWrapper", {"fn": "of_samples", "power": 3.0}, "real"
    yield "MeanMetricWrapper", {"fn": "of_the_batch"}, "real unweighted"
    yield "Accuracy", {}, "perfect|ties|flat|column|labels each"
    for threshold in (0.5, 0.25, 0.0):
        yield "BinaryAccuracy", {"threshold": threshold}, "binary|flat|column|labels|labels each|ties|logits|nan"
    yield "CategoricalAccuracy", {}, "onehot|tied rows"
    yield "SparseCategoricalAccuracy", {}, "sparse|sparse column"
    for k in (1, 2, 3, 5):
        yield "TopKCategoricalAccuracy", {"k": k}, "onehot|tied rows|nan rows"
        yield "SparseTopKCategoricalAccuracy", {"k": k}, "sparse|sparse column|sparse some"
    yield "SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "ids"
    thresholds = [None, 0.3, 0.25, [0.0, 0.5, 1.0], [0.9, 0.2, 0.2, 0.5], [0.0, 0.25, 0.5, 0.75, 1.0], [0.25, 0.75]]
    for name in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"):
        for chosen in thresholds:
            yield name, {"thresholds": chosen}, decisions
    for name in ("Precision", "Recall"):
        for chosen in thresholds:
            yield name, {"thresholds": chosen}, decisions
        yield name, {"thresholds": 0}, "logits"
        for top_k in (1, 2, 3):
            yield name, {"top_k": top_k}, "labels|labels each|onehot|tied rows|zero"
        yield name, {"top_k": 2, "thresholds": [0.1, 0.3]}, "labels|onehot|tied rows"
        yield name, {"top_k": 2, "class_id": 1}, "labels|onehot|tied rows"
        yield name, {"class_id": 2}, "labels|onehot|tied rows|nan rows"
        yield name, {"class_id": 0, "thresholds": [0.0, 0.5, 1.0]}, "labels|onehot"
    for name, value in (
        ("SensitivityAtSpecificity", "specificity"),
        ("SpecificityAtSensitivity", "sensitivity"),
        ("PrecisionAtRecall", "recall"),
        ("RecallAtPrecision", "precision"),
    ):
        for share in (0.0, 0.5, 0.8):
            yield name, {value: share}, decisions
        # with weights it is the rounding of float32 sums that decides whether a rate is 1
        yield name, {value: 1.0}, "|".join(f"{place} unweighted" for place in decisions.split("|"))
        yield name, {value: 0.6, "num_thresholds": 1}, decisions
        yield name, {value: 0.6, "num_thresholds": 2}, decisions
        yield name, {value: 0.6, "num_thresholds": 5}, decisions
        yield name, {value: 0.6, "class_id": 1}, "labels|onehot"
    for curve in ("ROC", "PR", "PRGAIN"):
        for method in ("interpolation", "minoring", "majoring"):
            yield "AUC", {"curve": curve, "summation_method": method}, decisions
            yield "AUC", {"curve": curve, "summation_method": method, "num_thresholds": 5}, "binary|ties|nan"
            many = {"multi_label": True, "curve": curve, "summation_method": method}
            yield "AUC", many, "labels|labels each|onehot"
            yield "AUC", {**many, "thresholds": [0.2, 0.7]}, "labels|labels each"
            yield "AUC", {**many, "num_labels": 3, "label_weights": [0.2, 0.5, 1.3]}, "labels"
        yield "AUC", {"curve": curve, "thresholds": [0.9, 0.1, 0.25]}, decisions
        yield "AUC", {"curve": curve, "thresholds": [0.25, 0.5, 0.75]}, decisions
        yield "AUC", {"curve": curve, "num_thresholds": 2}, "binary"
        yield "AUC", {"curve": curve, "num_thresholds": 11}, "tenths"
        yield "AUC", {"curve": curve, "label_weights": [0.2, 0.5, 1.3]}, "labels"
        yield "AUC", {"curve": curve, "label_weights": [0.2, 0.5, 1.3], "thresholds": [0.3]}, "labels"
        yield "AUC", {"curve": curve, "from_logits": True}, "logits"
    for average in (None, "micro", "macro", "weighted"):
        for threshold in (None, 0.5, 0.25):
            config = {"average": average, "threshold": threshold}
            yield "F1Score", config, "binary|labels|onehot|tied rows|zero|nan rows|all no"
            yield "FBetaScore", {**config, "beta": 2.0}, "labels|onehot|tied rows"
            yield "FBetaScore", {**config, "beta": 0.5}, "labels|onehot"
    yield "RootMeanSquaredError", {}, "real|real one|real column|flat|labels each"
    for aggregation in ("uniform_average", "variance_weighted_average", None):
        for regressors in (0, 2):
            config = {"class_aggregation": aggregation, "num_regressors": regressors}
            yield "R2Score", config, "real|real one|labels each|constant"
    for name in (
        "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError LogCoshError"
    ).split():
        yield name, {}, means
    for axis in (-1, 0):
        # weights are of the samples, not of the units
        where = ("real|shares", "real|real one") if axis == -1 else ("real unweighted", "real unweighted")
        yield "CosineSimilarity", {"axis": axis}, where[0] + ("|zero" if axis == -1 else "")
        yield "PearsonCorrelation", {"axis": axis}, where[0]
        yield "ConcordanceCorrelation", {"axis": axis}, where[0]
    yield "KLDivergence", {}, "shares|onehot|zero"
    yield "Poisson", {}, "counts|shares"
    for name in ("Hinge", "SquaredHinge", "CategoricalHinge"):
        yield name, {}, "signs|labels|onehot"
    for smoothing in (0.0, 0.2):
        config = {"label_smoothing": smoothing}
        yield "BinaryCrossentropy", config, "binary|labels|perfect"
        yield "BinaryCrossentropy", {**config, "from_logits": True}, "logits"
        yield "CategoricalCrossentropy", config, "onehot|shares"
        yield "CategoricalCrossentropy", {**config, "from_logits": True}, "onehot"
    for from_logits in (False, True):
        yield "SparseCategoricalCrossentropy", {"from_logits": from_logits}, "sparse|sparse column"
        yield "SparseCategoricalCrossentropy", {"from_logits": from_logits, "ignore_class": -1}, "sparse some"
        yield "SparseCategoricalCrossentropy", {"from_logits": from_logits, "ignore_class": 2}, "sparse|sparse column"
    for dtype in (None, "float32"):
        for ignored in (None, 1):
            config = {"num_classes": 4, "ignore_class": ignored, "dtype": dtype}
            yield "MeanIoU", config, "classes|classes outside"
            yield "IoU", {**config, "target_class_ids": [0, 3]}, "classes|classes outside"
            yield "MeanIoU", {**config, "sparse_y_pred": False}, "sparse"
            yield "OneHotMeanIoU", config, "onehot"
            yield "OneHotIoU", {**config, "target_class_ids": [2]}, "onehot"
        yield "BinaryIoU", {"dtype": dtype}, "binary|ties|all no"
        yield "BinaryIoU", {"target_class_ids": [1], "threshold": 0.25, "dtype": dtype}, "binary|ties|flat"


FUNCTIONS = {
    "of_entries": lambda y, p: keras.ops.abs(y - p),
    "of_samples": lambda y, p, power=2.0: keras.ops.max(keras.ops.abs(y - p) ** power, axis=-1),
    "of_the_batch": lambda y, p: keras.ops.max(keras.ops.abs(y - p)),
}


def make(name, config):
    if "fn" in config:
        config = {**config, "fn": FUNCTIONS[config["fn"]]}
    return getattr(keras.metrics, name)(**config)


def run(name, config, y, p, w):
    """The results after each of the batches, of shape (batches,) or (batches, figures)."""
    metric = make(name, config)
    results = []
    for first, last in BATCHES:
        data = (p[first:last],) if name in ("Mean", "Sum") else (y[first:last], p[first:last])
        metric.update_state(*data, sample_weight=None if w is None else w[first:last])
        results.append(np.array(metric.result(), np.float32))
    return np.stack(results)


def main():
    warnings.simplefilter("ignore")
    arrays = data_sets()
    table, figures, configs = [], [], {}
    for name, config, places in cases():
        config = {key: value for key, value in config.items() if value is not None or key == "class_aggregation"}
        if name != "MeanMetricWrapper":
            configs.setdefault(name, make(name, {"name": "named", **config}).get_config())
        seen = {}
        for place in places.split("|"):
            data = place.removesuffix(" unweighted")
            for weighted in (False,) if data != place else (False, True):
                results = run(
                    name,
                    config,
                    *(arrays[f"{data}/{part}"] for part in "yp"),
                    arrays[f"{data}/w"] if weighted else None,
                )
                figures.append(results.ravel())
                seen[data + " weighted" * weighted] = results.shape[1:]
        table.append([name, config, seen])
    np.savez_compressed(HERE / "metrics.npz", **arrays, figures=np.concatenate(figures))
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}
    names = sorted(keras.src.metrics.ALL_OBJECTS_DICT)
    parts = {"versions": versions, "batches": BATCHES, "names": names, "configs": configs}
    head = "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in parts.items())
    cases_by_line = ",\n".join(json.dumps(case) for case in table)
    text = f'{{{head}"cases": [\n{cases_by_line}\n]}}\n'
    (HERE / "metrics.json").write_text(text)


if __name__ == "__main__":
    main()
