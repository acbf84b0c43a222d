"""Optimizers that look at an array as a whole: its norm, the rows and columns of a matrix, its singular values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .._fields import Flag, Integer, Real
from . import keras_state
from .adam import _Betas
from .base import Optimizer, matches
from .lookup import register
from .settings import Patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .base import LearningRate


@register
class Lamb(_Betas):
    """Adam's step, made as long for each array as ``learning_rate`` times the array itself (You et al., ICLR 2020).

    ``w <- w - lr (|w| / |u|) u`` with ``u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)``, the ratio
    being 1 where one of the norms is 0 (lamb.py).

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
    name, options : as in `Optimizer`
    """

    _kind, _name = "lamb", "lamb"


@register
class Adafactor(Optimizer):
    """Adam without momentum whose mean squares of a matrix are the product of those of its rows and its columns.

    Shazeer & Stern, ICML 2018 (keras/src/optimizers/adafactor.py).  The step is relative to the root mean square of
    the array (at least epsilon_2), and its own is limited to clip_threshold.

    Parameters
    ----------
    learning_rate : float
        At most ``1 / sqrt(t)`` of it is used.
    beta_2_decay : float
        The means keep ``1 - t^beta_2_decay`` of themselves.
    epsilon_1, epsilon_2, clip_threshold : float
    relative_step : bool
        For Keras's sake: its limit on the rate holds in any case.
    name, options : as in `Optimizer`
    """

    beta_2_decay = Real(high=0)
    epsilon_1 = Real(0)
    epsilon_2 = Real(0)
    clip_threshold = Real(above=0)
    relative_step = Flag()

    _kind, _name = "adafactor", "adafactor"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def _keras_vectors(self) -> list[NDArray[Any]]:
        found: list[NDArray[Any]] = []
        for array, shape in enumerate(self._shapes):
            if len(shape) < 2:
                found += [np.zeros((), np.int32), np.zeros((), np.int32), keras_state.part(self, 0, array)]
                continue
            # where a matrix begins in the vectors, the means of its rows and its columns do, and no more
            rows, cols = shape[:-1], shape[:-2] + shape[-1:]
            start = self._bounds[array]
            r = self._slots[0, start : start + math.prod(rows)].reshape(rows)
            c = self._slots[1, start : start + math.prod(cols)].reshape(cols)
            mean = r.mean(axis=-1, keepdims=True)
            share = np.divide(r, mean, out=np.zeros_like(r), where=mean > 0)
            found += [r, c, share[..., np.newaxis] * c[..., np.newaxis, :]]  # Keras keeps their product too
        return found


@register
class Muon(Optimizer):
    """Momentum, orthogonalised (Jordan et al., 2024; keras/src/optimizers/muon.py).

    A matrix moves by ``lr sqrt(max(rows, columns)) rms_rate X``, X being its momentum (with Nesterov's look ahead)
    after ns_steps of ``X <- a X + (b X X' + c (X X')^2) X``, which bring all singular values near 1.  Arrays of
    other than two dimensions are left to `AdamW`, as are those that exclude_layers and exclude_embeddings name.

    Parameters
    ----------
    learning_rate, adam_beta_1, adam_beta_2 : float
    adam_weight_decay : float, optional
        The weight decay of what is left to Adam; weight_decay is that of the others.
    epsilon : float
    weight_decay : float, optional
    exclude_layers : list of str, optional
        Regular expressions: arrays in whose path (``model/layer/kernel``) one is found are left to Adam.
    exclude_embeddings : bool
        Leave arrays with "embedding" in their path to Adam.
    muon_a, muon_b, muon_c : float
    adam_lr_ratio : float
        The rate for Adam, as a multiple of learning_rate.
    momentum : float
    ns_steps : int
    nesterov : bool
    rms_rate : float, optional
        None: matrices move by ``lr X``.
    name, options : as in `Optimizer`
    """

    adam_beta_1 = Real(0, 1)
    adam_beta_2 = Real(0, 1)
    epsilon = Real(0)
    weight_decay = Real(0, optional=True)
    exclude_layers = Patterns()
    muon_a = Real()
    muon_b = Real()
    muon_c = Real()
    adam_lr_ratio = Real(0)
    momentum = Real(0, 1)
    ns_steps = Integer(0)
    nesterov = Flag()
    exclude_embeddings = Flag()
    adam_weight_decay = Real(0, optional=True)
    rms_rate = Real(0, optional=True)

    _kind, _name = "muon", "muon"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _keras_vectors(self) -> list[NDArray[Any]]:
        return [
            keras_state.part(self, slot, array)
            for array, adam in enumerate(self._adam)
            for slot in range(1 + int(adam))  # a momentum for those that Adam does not take
        ]

    def _leaves_to_adam(self, array: Any, path: str) -> bool:
        embedding = self.exclude_embeddings and "embedding" in path.lower()
        return array.ndim != 2 or embedding or matches(self.exclude_layers, path)

    def _decays(self) -> Any:
        return self._decayed * np.where(self._adam, self.adam_weight_decay or 0.0, self.weight_decay or 0.0)
