"""Adam and its family: a mean of the gradients, divided by the root of a mean of their squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._fields import Flag, Integer, Real
from .base import Optimizer
from .lookup import register

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .base import LearningRate


class _Betas(Optimizer):
    """Optimizers of Adam's family: beta_1, beta_2 and epsilon."""

    beta_1 = Real(0, 1)
    beta_2 = Real(0, 1)
    epsilon = Real(0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon


@register
class Adam(_Betas):
    """Adam (Kingma & Ba, ICLR 2015; keras/src/optimizers/adam.py).

    ``m <- m + (g - m)(1 - beta_1)``, ``v <- v + (g^2 - v)(1 - beta_2)``, ``w <- w - m a / (sqrt(v) + epsilon)``
    with ``a = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)``.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
    amsgrad : bool
        Divide by the root of the largest v so far (Reddi et al., ICLR 2018).
    name, options : as in `Optimizer`
    """

    amsgrad = Flag()

    _kind, _name = "adam", "adam"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = amsgrad


@register
class AdamW(Adam):
    """`Adam` with weight decay apart from the gradient (Loshchilov & Hutter, ICLR 2019; adamw.py).

    Parameters
    ----------
    learning_rate, weight_decay, beta_1, beta_2, epsilon : float
    amsgrad, name, options : as in `Adam`
    """

    weight_decay = Real(0)

    _name = "adamw"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)


@register
class Adamax(_Betas):
    """Adam with the largest of the decayed gradients for v (Kingma & Ba, ICLR 2015; adamax.py).

    ``u <- max(beta_2 u, |g|)``, ``w <- w - lr m / ((1 - beta_1^t)(u + epsilon))``.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
    name, options : as in `Optimizer`
    """

    _kind, _name = "adamax", "adamax"


@register
class Nadam(_Betas):
    """Adam with Nesterov's momentum (Dozat 2015; keras/src/optimizers/nadam.py).

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
    name, options : as in `Optimizer`
    """

    _kind, _name = "nadam", "nadam"

    def _keras_vectors(self) -> list[NDArray[Any]]:
        return [*super()._keras_vectors(), self._scalars[:1].reshape(())]  # the product of its momenta


@register
class ScheduleFreeAdamW(_Betas):
    """Adam on iterates z, with gradients taken between z and the mean x of all z (Defazio et al., NeurIPS 2024).

    ``z <- z - lr g / (sqrt(v / (1 - beta_2^t)) + epsilon)``, ``x <- (1 - 1/t) x + z/t``, and the arrays hold
    ``y = (1 - beta_1) z + beta_1 x``, x being recovered from them by the new z, as Keras on TensorFlow does
    (schedule_free_adamw.py).  As in Keras a model keeps y: `evaluate` and `predict` do not turn to x.  z starts at the
    arrays; Keras's own ``fit`` starts it at 0, and so loses the first weights, unless `build` was called before.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
        beta_1 is greater than 0.
    warmup_steps : int
        The rate rises to learning_rate in so many steps.
    name, options : as in `Optimizer`
    """

    beta_1 = Real(high=1, above=0)
    epsilon = Real(0)
    warmup_steps = Integer(0)

    _kind, _name = "schedule_free_adamw", "schedule_free_adamw"

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.warmup_steps = warmup_steps

    def _build(
        self, arrays: Sequence[Any], paths: Sequence[str] | None = None, keys: Sequence[Any] | None = None
    ) -> None:
        fresh = not self.built
        super()._build(arrays, paths, keys)
        if fresh:
            self._slots[0] = np.concatenate([a.reshape(-1) for a in arrays])
