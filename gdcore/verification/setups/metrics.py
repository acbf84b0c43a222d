"""Metrics: figures after one part of the rows, and after all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .draw import Arrays, Draw, Of, SetUp
from .libraries import build
from .targets import data


def _thresholds(d: Draw) -> dict[str, Any]:
    return {"thresholds": d.one_of(None, d.fraction(0.1, 0.9), [d.fraction(0, 0.4), d.fraction(0.5, 1)])}


def _area(d: Draw) -> dict[str, Any]:
    return {
        "curve": d.one_of("ROC", "PR"),
        "summation_method": d.one_of("interpolation", "minoring", "majoring"),
        "num_thresholds": d.one_of(200, d.whole(3, 50)),
        "multi_label": d.flag(),
    }


def _share(name: str) -> Callable[[Draw], dict[str, Any]]:
    return lambda d: {name: d.real(0.2, 0.8), "num_thresholds": d.one_of(200, d.whole(3, 50))}


def _beta(d: Draw) -> dict[str, Any]:
    return {"average": d.one_of(None, "micro", "macro", "weighted"), "threshold": d.one_of(None, d.fraction(0.2, 0.8))}


def _none(d: Draw) -> dict[str, Any]:
    return {}


# row of the table: {class: (data, settings)}
METRICS: dict[str, dict[str, tuple[str, Callable[[Draw], dict[str, Any]]]]] = {
    "means and errors": {
        **dict.fromkeys(
            "MeanSquaredError MeanAbsoluteError RootMeanSquaredError MeanAbsolutePercentageError LogCoshError "
            "CosineSimilarity".split(),
            ("real", _none),
        ),
        "MeanSquaredLogarithmicError": ("counts", _none),
        "R2Score": ("real", lambda d: {"class_aggregation": d.one_of("uniform_average", "variance_weighted_average")}),
    },
    "correlations": {"PearsonCorrelation": ("real", _none), "ConcordanceCorrelation": ("real", _none)},
    "accuracies": {
        "Accuracy": ("equal", _none),
        "BinaryAccuracy": ("chances", lambda d: {"threshold": d.fraction(0.2, 0.8)}),
        "CategoricalAccuracy": ("onehot", _none),
        "SparseCategoricalAccuracy": ("classes", _none),
        "TopKCategoricalAccuracy": ("onehot", lambda d: {"k": d.whole(1, 3)}),
        "SparseTopKCategoricalAccuracy": ("classes", lambda d: {"k": d.whole(1, 3)}),
    },
    "cross-entropies and hinges": {
        "BinaryCrossentropy": ("chances", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
        "CategoricalCrossentropy": ("onehot", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
        "SparseCategoricalCrossentropy": ("classes", _none),
        "KLDivergence": ("shares", _none),
        "Poisson": ("counts", _none),
        **dict.fromkeys("Hinge SquaredHinge CategoricalHinge".split(), ("signs", _none)),
    },
    "counts and rates": {
        **dict.fromkeys("TruePositives TrueNegatives FalsePositives FalseNegatives".split(), ("chances", _thresholds)),
        **dict.fromkeys("Precision Recall".split(), ("chances", _thresholds)),
    },
    "curves": {
        "AUC": ("chances", _area),
        "SensitivityAtSpecificity": ("chances", _share("specificity")),
        "SpecificityAtSensitivity": ("chances", _share("sensitivity")),
        "PrecisionAtRecall": ("chances", _share("recall")),
        "RecallAtPrecision": ("chances", _share("precision")),
    },
    "F scores": {
        "F1Score": ("onehot", _beta),
        "FBetaScore": ("onehot", lambda d: {**_beta(d), "beta": d.real(0.3, 3)}),
    },
    "intersections over unions": {
        "MeanIoU": ("equal", lambda d: {"num_classes": 4}),
        "IoU": ("equal", lambda d: {"num_classes": 4, "target_class_ids": [0, 2]}),
        "BinaryIoU": ("chances", lambda d: {"threshold": d.fraction(0.2, 0.8)}),
        "OneHotIoU": ("onehot", lambda d: {"num_classes": 4, "target_class_ids": [1]}),
        "OneHotMeanIoU": ("onehot", lambda d: {"num_classes": 4}),
    },
}


def draw(d: Draw) -> Iterator[SetUp]:
    for row, classes in METRICS.items():
        for name, (kind, own) in classes.items():
            for _ in range(2):
                what = {"kind": kind, "weighted": d.flag(), "data": d.seed()}
                yield SetUp("metrics", row, {"of": Of("metrics", name, own(d)), **what})
    for name in ("Mean", "Sum"):
        what = {"kind": "counts", "weighted": d.flag(), "data": d.seed()}
        yield SetUp("metrics", "means and errors", {"of": Of("metrics", name, {}), **what})


def run(library: Any, what: dict[str, Any]) -> Arrays:
    d, metric = Draw(what["data"]), build(library, what["of"])
    units = 1 if what["of"].name == "BinaryIoU" else 4  # it wants a weight for each output
    y, p = d.classes((2, 40), 4) if what["kind"] == "equal" else data(what["kind"], d, 40, units)
    if what["kind"] == "real":
        p = y + p / 2  # figures of what has nothing to do with each other are nothing but rounding
    w = d.array(len(y), 0.2, 2).astype(np.float32)
    if "IoU" in what["of"].name:
        w = np.ceil(w)  # these count in whole numbers
    y, p = y.astype(np.float32), p.astype(np.float32)
    results = []
    for rows in (slice(0, 23), slice(23, 40)):
        given = (p[rows],) if what["of"].name in ("Mean", "Sum") else (y[rows], p[rows])
        metric.update_state(*given, sample_weight=w[rows] if what["weighted"] else None)
        results.append(np.array(metric.result(), np.float32))
    return {"figures": results}
