"""gdcore: the public `fit`, `predict`, `Optimizer.apply`, `sweep` and `minimize`; products as its layers call them.

Like all that a worker runs (see `builds`), it names gdcore's rooms absolutely and uses only what is public in 0.1.0,
so that two builds of gdcore run the very same code.  Products, which no other build is timed on, are the exception.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..workloads import Descent, Prediction, Product, Sweep, Training, Update
from .base import KERAS_LOSSES, Peer, Runner, importing


def build_model(workload: Training | Prediction, dtype: str = "float32") -> Any:
    """The workload's net with its first weights."""
    from gdcore.layers import Dense, Input
    from gdcore.models import Sequential

    widths, activations = workload.net.widths, workload.net.activations
    layers = [Dense(units, activation) for units, activation in zip(widths[1:], activations, strict=True)]
    model = Sequential([Input(widths[:1]), *layers], dtype=dtype)
    model.set_weights(workload.net.start())
    return model


def compiled_model(workload: Training, rate: float | None = None) -> Any:
    """The same, ready to be trained, at the workload's rate or another."""
    from gdcore import optimizers

    model = build_model(workload, "float32" if workload.gradient == "analytic" else "float64")
    optimizer: Any = optimizers.Adam if workload.optimizer == "adam" else optimizers.SGD
    model.compile(optimizer(rate or workload.rate), KERAS_LOSSES[workload.loss], gradient=workload.gradient)
    return model


def training(workload: Training) -> Runner:
    """`Sequential.fit` of the workload's rows."""
    return fitting(workload, *workload.arrays())


def fitting(workload: Training, x: Any, y: Any) -> Runner:
    """`Sequential.fit` of these arrays."""
    model = compiled_model(workload)
    optimizer = model.optimizer
    optimizer.build(model.get_weights())
    start, fresh = workload.net.start(), optimizer.get_state()

    def run(shuffle: bool) -> None:
        model.fit(x, y, batch_size=workload.batch, epochs=workload.epochs, shuffle=shuffle, verbose=0)

    def reset() -> None:
        model.set_weights(start)
        optimizer.set_state(fresh)

    return Runner(run, model.get_weights, reset)


def update(workload: Update) -> Runner:
    """`Optimizer.apply` of one array."""
    from gdcore import optimizers

    theta, grad = workload.arrays()
    optimizer = optimizers.Adam(workload.rate)
    grads, variables = [grad], [theta]
    return Runner(lambda: optimizer.apply(grads, variables), lambda: variables)


def prediction(workload: Prediction) -> Runner:
    """`Sequential.predict` of all rows."""
    run = partial(build_model(workload).predict, workload.arrays()[0])
    return Runner(run, lambda: [run()])


def product(workload: Product) -> Runner:
    """The kernel of a layer's product."""
    from gdcore._core import kernels

    w, a = workload.arrays()
    rows = kernels.padded_rows(workload.rows)  # that are worked out, as for every batch of so many
    a = np.pad(a, [(0, 0), (0, rows - workload.rows)])
    out = np.empty((workload.units, rows), np.float32)
    return Runner(lambda: kernels.multiply(w, a, out), lambda: [out[:, : workload.rows]])


def sweep(workload: Sweep) -> Runner:
    """`gdcore.sweep` over learning rates."""
    import gdcore

    trained = workload.training
    x, y = workload.arrays()
    rates = np.geomspace(1e-4, 1e-2, workload.nets).tolist()
    results: list[Any] = []

    def run() -> None:
        found = gdcore.sweep(
            lambda learning_rate: compiled_model(trained, learning_rate),
            *(x, y, {"learning_rate": rates}),
            epochs=trained.epochs,
            batch_size=trained.batch,
            seed=1,
            verbose=0,
        )
        results[:] = [np.array([run.final("loss") for run in found.runs])]

    return Runner(run, lambda: results)


def descent(workload: Descent) -> Runner:
    """`gdcore.minimize` of a surface, or of a function by its default differences."""
    import gdcore
    from gdcore import optimizers, surfaces

    function = surfaces.peaks if workload.function == "peaks" else rosenbrock
    x0, optimizer = workload.x0(), optimizers.Adam(workload.rate)
    ends: list[Any] = []

    def run() -> None:
        ends[:] = [gdcore.minimize(function, x0, optimizer, maxiter=workload.steps, gtol=0).x]

    return Runner(run, lambda: ends)


def rosenbrock(x: Any) -> Any:
    """As a user writes it in NumPy."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


_BETWEEN_BUILDS: dict[type, Any] = {Sweep: sweep, Descent: descent}


def runner(workload: Any) -> Runner:
    """For workloads that peers share and for those that only builds of gdcore have."""
    make = _BETWEEN_BUILDS.get(type(workload), PEER.runner)
    return make(workload)


PEER = Peer(
    ("numpy",),
    "the public `fit`, `Optimizer.apply` and `predict`; products as its layers call them",
    training,
    update,
    prediction,
    importing("gdcore"),
    product,
)
