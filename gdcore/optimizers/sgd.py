"""Gradient descent, with or without momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._fields import Flag, Real
from .base import Optimizer
from .lookup import register

if TYPE_CHECKING:
    from .base import LearningRate


@register
class SGD(Optimizer):
    """Gradient descent, with momentum.

    Without momentum ``w <- w - g lr``; with it ``v <- v momentum - g lr`` and then ``w <- w + v``, or, with
    Nesterov's variant, ``w <- w + (v momentum - g lr)`` (Sutskever et al., ICML 2013; keras/src/optimizers/sgd.py).

    Parameters
    ----------
    learning_rate : float
    momentum : float
        Between 0 and 1.
    nesterov : bool
    name, options : as in `Optimizer`
    """

    momentum = Real(0, 1)
    nesterov = Flag()

    _kind, _name = "sgd", "SGD"

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = momentum
        self.nesterov = nesterov
