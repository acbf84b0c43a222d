"""Optimizer updates in Keras's order of operations (keras/src/optimizers)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class SGD:
    """w <- w - g lr; with momentum v <- v m - g lr and w <- w + v, or (Nesterov) w <- w + (v m - g lr)."""

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.velocities: list[Array] = []

    def update(self, params: list[Array], grads: list[Array]) -> None:
        """Change the arrays in params in place."""
        if not self.velocities:
            self.velocities = [np.zeros_like(p) for p in params]
        for p, g, v in zip(params, grads, self.velocities, strict=True):
            lr, m = p.dtype.type(self.learning_rate), p.dtype.type(self.momentum)
            if self.momentum == 0:
                p -= g * lr
                continue
            v[...] = v * m - g * lr
            p += v * m - g * lr if self.nesterov else v
