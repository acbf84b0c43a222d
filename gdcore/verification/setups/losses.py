"""Losses: values of each row, reduced, and slopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .draw import Arrays, Draw, SetUp
from .libraries import default_floats, is_keras, taped_gradient
from .targets import data

# data that suit a loss or a metric, and what its settings may be
LOSSES: dict[str, tuple[str, Callable[[Draw], dict[str, Any]]]] = {
    "MeanAbsoluteError": ("real", lambda d: {}),
    "MeanSquaredError": ("real", lambda d: {}),
    "MeanAbsolutePercentageError": ("real", lambda d: {}),
    "MeanSquaredLogarithmicError": ("counts", lambda d: {}),
    "Huber": ("real", lambda d: {"delta": d.real(0.2, 2)}),
    "LogCosh": ("real", lambda d: {}),
    "Poisson": ("counts", lambda d: {}),
    "KLDivergence": ("shares", lambda d: {}),
    "Hinge": ("labels signs", lambda d: {}),
    "SquaredHinge": ("labels signs", lambda d: {}),
    "CategoricalHinge": ("scores", lambda d: {}),
    "CosineSimilarity": ("counts", lambda d: {}),
    "BinaryCrossentropy": ("chances labels", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
    "BinaryFocalCrossentropy": (
        "chances labels",
        lambda d: {"gamma": d.real(0.5, 3), "alpha": d.real(0.1, 0.9), "apply_class_balancing": d.flag()},
    ),
    "CategoricalCrossentropy": ("onehot scores", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
    "CategoricalFocalCrossentropy": ("onehot scores", lambda d: {"gamma": d.real(0.5, 3), "alpha": d.real(0.1, 0.9)}),
    "SparseCategoricalCrossentropy": ("classes ranks", lambda d: {"ignore_class": d.one_of(None, 1)}),
}
_LOGITS = ("labels", "scores", "ranks")


def draw(d: Draw) -> Iterator[SetUp]:
    for name, (kinds, own) in LOSSES.items():
        for dtype in ("float32", "float32", "float64"):
            for kind in kinds.split():
                config = own(d)
                if kind in _LOGITS and "crossentropy" in name.lower():
                    config["from_logits"] = True
                config["reduction"] = d.one_of("sum_over_batch_size", "sum", "mean_with_sample_weight")
                what = {"config": config, "kind": kind, "weighted": d.flag(), "dtype": dtype, "data": d.seed()}
                yield SetUp("losses", name, what)


def run(library: Any, name: str, what: dict[str, Any]) -> Arrays:
    d, dtype = Draw(what["data"]), what["dtype"]
    y, p = (a.astype(np.float32).astype(dtype) for a in data(what["kind"], d, 12, 4))
    w = d.array(len(y), 0.2, 2).astype(np.float32).astype(dtype) if what["weighted"] else None
    with default_floats(library, dtype):
        loss = getattr(library.losses, name)(**what["config"])
        each = getattr(library.losses, name)(**{**what["config"], "reduction": "none"})
        outputs = [np.array(each(y, p)), np.array(loss(y, p, w))]
        if is_keras(library):
            gradient = taped_gradient(lambda points: loss(y, points, w), p, np.ones((), dtype))
        else:
            gradient = loss.gradient(y, p, w)
    return {"value": outputs, "slope": [gradient]}
