"""Epochs of batches, with the loss that Keras reports."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import network
from .optimizers import SGD

Array = NDArray[Any]


def fit(
    layers: list[network.Dense],
    params: list[Array],
    x: Array,
    y: Array,
    loss_name: str,
    optimizer: SGD,
    *,
    batch_size: int = 32,
    epochs: int = 1,
    orders: Callable[[int], Array] | None = None,
    sample_weight: Array | None = None,
    gradient: str = "analytic",
    h: float | None = None,
    **options: Any,
) -> list[float]:
    """Train params in place; returns the loss of each epoch.

    That is the mean over all rows of the loss of the row's batch, before the batch's update.  orders gives
    the order of the rows for each epoch (None: as they are); the last batch may be smaller.
    """
    history = []
    for epoch in range(epochs):
        order = np.arange(len(x)) if orders is None else orders(epoch)
        total = 0.0
        for first in range(0, len(x), batch_size):
            rows = order[first : first + batch_size]
            weight = None if sample_weight is None else sample_weight[rows]
            batch = (layers, params, x[rows], y[rows], loss_name, weight)
            if gradient == "analytic":
                value, grads = network.gradient(*batch, **options)
            else:
                assert h is not None
                value, grads = network.finite_difference(*batch, method=gradient, h=h, **options)
            total += value * len(rows)
            optimizer.update(params, grads)
        history.append(total / len(x))
    return history
