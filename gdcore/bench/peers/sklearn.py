"""scikit-learn: MLPClassifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workloads import Prediction, Training
from .base import EPSILON, DoesNotFit, Peer, Runner, analytic_only, blas_thread_choices

HIDDEN = ("relu", "tanh")


def check_fits(workload: Training | Prediction) -> None:
    """Raises `DoesNotFit` where MLPClassifier has no such net."""
    hidden, last = set(workload.net.activations[:-1]), workload.net.activations[-1]
    binary = isinstance(workload, Training) and workload.loss == "binary_crossentropy"
    if (last != "softmax" and not binary) or len(hidden) > 1 or not hidden <= set(HIDDEN):
        raise DoesNotFit("MLPClassifier has no selu and no MAE, and one output only if that is a class")


def build_model(workload: Training | Prediction) -> Any:
    """The workload's net with its first weights."""
    check_fits(workload)
    from sklearn.neural_network import MLPClassifier

    training = workload if isinstance(workload, Training) else None
    model = MLPClassifier(
        workload.net.widths[1:-1],
        activation=workload.net.activations[0] if len(workload.net.activations) > 1 else "relu",
        solver=training.optimizer if training else "sgd",
        alpha=0,
        batch_size=training.batch if training else "auto",
        learning_rate_init=training.rate if training else 0.001,
        momentum=0,
        nesterovs_momentum=False,
        epsilon=EPSILON,
        random_state=1,
    )
    x, y = rows_and_classes(workload)
    model.partial_fit(x[:1000], y[:1000], classes=np.arange(max(workload.net.widths[-1], 2)))
    reset(model, workload)
    return model


def rows_and_classes(workload: Training | Prediction) -> tuple[Any, Any]:
    """Targets as class numbers, those of a net with one output too."""
    x, y = workload.arrays()
    return x, y if y.ndim == 1 else y[:, 0].astype(np.int64)


def reset(model: Any, workload: Training | Prediction) -> None:
    """Back to the first weights and a fresh optimizer."""
    start = workload.net.start()
    for here, value in zip([*model.coefs_, *model.intercepts_], [*start[::2], *start[1::2]], strict=True):
        here[...] = value  # in place: the optimizer holds these arrays
    model._optimizer.t = 0
    for vector in [*getattr(model._optimizer, "ms", []), *getattr(model._optimizer, "vs", [])]:
        vector[...] = 0


def training(workload: Training) -> Runner:
    analytic_only(workload)
    model = build_model(workload)
    x, y = rows_and_classes(workload)

    def run(shuffle: bool) -> None:
        model.shuffle = shuffle
        for _ in range(workload.epochs):
            model.partial_fit(x, y)

    def result() -> list[Any]:
        return [a for pair in zip(model.coefs_, model.intercepts_, strict=True) for a in pair]

    return Runner(run, result, lambda: reset(model, workload), blas_thread_choices())


def prediction(workload: Prediction) -> Runner:
    model = build_model(workload)
    x, _ = workload.arrays()
    return Runner(lambda: model.predict_proba(x), lambda: [model.predict_proba(x)], settings=blas_thread_choices())


PEER = Peer(
    ("scikit-learn",),
    "MLPClassifier.partial_fit, once for each epoch, and predict_proba; float32, alpha=0",
    training,
    None,
    prediction,
)
