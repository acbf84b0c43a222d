"""Optimizers whose steps go by the size or the sign of the gradients so far, without Adam's two means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._fields import Flag, Real
from . import keras_state
from .base import Optimizer
from .lookup import register

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .base import LearningRate


@register
class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients (Duchi et al., JMLR 2011; adagrad.py).

    ``a <- a + g^2``, ``w <- w - lr g / sqrt(a + epsilon)``.

    Parameters
    ----------
    learning_rate : float
    initial_accumulator_value : float
        What a starts with.
    epsilon : float
    name, options : as in `Optimizer`
    """

    initial_accumulator_value = Real(0)
    epsilon = Real(0)

    _kind, _name = "adagrad", "adagrad"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon


@register
class RMSprop(Optimizer):
    """``v <- rho v + (1 - rho) g^2``, ``w <- w - lr g / sqrt(v + epsilon)`` (Tieleman & Hinton 2012; rmsprop.py).

    Parameters
    ----------
    learning_rate, rho : float
    momentum : float
        If greater than 0, ``m <- momentum m + lr g / sqrt(...)``, ``w <- w - m``.
    epsilon : float
    centered : bool
        Divide by the root of the variance ``v - (mean of g)^2``.
    name, options : as in `Optimizer`
    """

    rho = Real(0, 1)
    momentum = Real(0, 1)
    epsilon = Real(0)
    centered = Flag()

    _kind, _name = "rmsprop", "rmsprop"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def _keras_vectors(self) -> list[NDArray[Any]]:
        return keras_state.by_array(self, together=1)  # Keras makes each list in a pass of its own


@register
class Adadelta(Optimizer):
    """Steps as long as the last ones were, in relation to the gradients (Zeiler 2012; adadelta.py).

    ``w <- w + lr d``, d = -g sqrt(mean d^2 + epsilon) / sqrt(mean g^2 + epsilon).  Both means decay by rho.  The
    paper's own rate is 1.

    Parameters
    ----------
    learning_rate, rho, epsilon : float
    name, options : as in `Optimizer`
    """

    rho = Real(0, 1)
    epsilon = Real(0)

    _kind, _name = "adadelta", "adadelta"

    def __init__(
        self, learning_rate: LearningRate = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.epsilon = epsilon


@register
class Ftrl(Optimizer):
    """Follow the regularised leader (McMahan et al., KDD 2013; keras/src/optimizers/ftrl.py).

    Parameters
    ----------
    learning_rate : float
    learning_rate_power : float
        At most 0.
    initial_accumulator_value, l1_regularization_strength, l2_regularization_strength : float
    l2_shrinkage_regularization_strength, beta : float
    name, options : as in `Optimizer`
    """

    learning_rate_power = Real(high=0)
    initial_accumulator_value = Real(0)
    l1_regularization_strength = Real(0)
    l2_regularization_strength = Real(0)
    l2_shrinkage_regularization_strength = Real(0)
    beta = Real()

    _kind, _name = "ftrl", "ftrl"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta


@register
class Adan(Optimizer):
    """Momentum that looks ahead by how the gradient changes (Xie et al., TPAMI 2024, arXiv:2208.06677, algorithm 1).

    With ``d`` the gradient less the one before (0 in the first step): ``m <- m + (g - m)(1 - beta_1)``,
    ``u <- u + (d - u)(1 - beta_2)``, ``v <- v + ((g + beta_2 d)^2 - v)(1 - beta_3)`` and
    ``w <- w - lr (m / (1 - beta_1^t) + beta_2 u / (1 - beta_2^t)) / (sqrt(v / (1 - beta_3^t)) + epsilon)``.

    Keras has no such optimizer.  The betas are what the means keep, as in Keras and in the authors' program; in the
    paper they are what is new.  `weight_decay` is Keras's, taken off before the step.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, beta_3, epsilon : float
    name, options : as in `Optimizer`

    Examples
    --------
    >>> import numpy as np
    >>> from gdcore.optimizers import Adan
    >>> optimizer, w = Adan(0.1), np.array([1.0, -2.0])
    >>> for _ in range(200):
    ...     optimizer.apply([2 * w], [w])
    >>> bool(np.abs(w).max() < 0.01)
    True
    """

    beta_1 = Real(0, below=1)
    beta_2 = Real(0, below=1)
    beta_3 = Real(0, below=1)
    epsilon = Real(0)

    _kind, _name = "adan", "adan"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.98,
        beta_2: float = 0.92,
        beta_3: float = 0.99,
        epsilon: float = 1e-8,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.beta_3 = beta_3
        self.epsilon = epsilon


@register
class Lion(Optimizer):
    """The sign of a mean of the gradients (Chen et al., 2023; keras/src/optimizers/lion.py).

    ``w <- w - lr sign(m beta_1 + g (1 - beta_1))``, ``m <- m beta_2 + g (1 - beta_2)``.

    Parameters
    ----------
    learning_rate, beta_1, beta_2 : float
        beta_1 is greater than 0.
    name, options : as in `Optimizer`
    """

    beta_1 = Real(high=1, above=0)
    beta_2 = Real(0, 1)

    _kind, _name = "lion", "lion"

    def __init__(
        self, learning_rate: LearningRate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
