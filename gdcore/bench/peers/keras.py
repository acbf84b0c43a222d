"""Keras on each of its backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..workloads import Prediction, Training
from .base import KERAS_LOSSES, Peer, Runner, analytic_only


def build_model(workload: Training | Prediction) -> Any:
    """The workload's net with its first weights."""
    import keras
    from keras.layers import Dense, Input

    widths, activations = workload.net.widths, workload.net.activations
    layers = [Dense(units, activation) for units, activation in zip(widths[1:], activations, strict=True)]
    model = keras.Sequential([Input(widths[:1]), *layers])
    model.set_weights(workload.net.start())
    return model


def training(workload: Training) -> Runner:
    analytic_only(workload)
    import keras

    x, y = workload.arrays()
    model = build_model(workload)
    optimizer = (keras.optimizers.Adam if workload.optimizer == "adam" else keras.optimizers.SGD)(workload.rate)
    optimizer.build(model.trainable_variables)

    def compiled(steps: int) -> Callable[[], None]:
        return lambda: model.compile(optimizer, KERAS_LOSSES[workload.loss], steps_per_execution=steps)

    compiled(1)()
    choice = {
        f"steps_per_execution={steps}": compiled(steps)
        for steps in ((1,) if keras.backend.backend() == "torch" else (1, 16))
    }
    start = workload.net.start()

    def run(shuffle: bool) -> None:
        model.fit(x, y, batch_size=workload.batch, epochs=workload.epochs, shuffle=shuffle, verbose=0)

    def reset() -> None:
        model.set_weights(start)
        for variable in optimizer.variables:
            if variable is not optimizer._learning_rate:
                variable.assign(np.zeros(variable.shape, variable.dtype))

    return Runner(run, model.get_weights, reset, choice)


def prediction(workload: Prediction) -> Runner:
    x, _ = workload.arrays()
    model = build_model(workload)
    return Runner(lambda: model.predict_on_batch(x), lambda: [np.asarray(model.predict_on_batch(x))])


def peer(backend: str, *packages: str) -> Peer:
    """Keras on that backend, which is chosen by an environment variable before it is imported."""
    return Peer(
        ("keras", *packages),
        f"`fit` and `predict_on_batch` on {backend}, compiled as Keras chooses (jit_compile='auto'), verbose=0",
        training,
        None,
        prediction,
        environment=(
            ("KERAS_BACKEND", backend),
            ("TF_CPP_MIN_LOG_LEVEL", "3"),
            ("CUDA_VISIBLE_DEVICES", "-1"),
        ),
    )
