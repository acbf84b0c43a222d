"""Losses of probabilities: cross-entropies and what is near to them.

The formulas are those of ``keras/src/losses/losses.py`` and, for the clipping and what is taken from logits,
``keras/src/backend/tensorflow/nn.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .._fields import Field, Flag, Integer, Real
from .base import LastAxis, Loss, check_classes

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClassWeights(Field[float | list[float]]):
    """A weight for all classes, or a list of one for each."""

    def check(self, value: Any) -> float | list[float]:
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, list | tuple):
            return [_checks.number(f"{self.name}[{i}]", weight) for i, weight in enumerate(value)]
        return _checks.number(self.name, value)


class KLDivergence(Loss):
    """sum_k y_true_k log(y_true_k / y_pred_k), both clipped to [1e-7, 1]."""

    _kind = "kl_divergence"


class Crossentropy(Loss):
    """What all cross-entropies but the sparse one share (see `BinaryCrossentropy` for the parameters)."""

    from_logits = Flag()
    label_smoothing = Real(0, 1)
    axis = LastAxis()

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class BinaryCrossentropy(Crossentropy):
    """-mean_k [y log p + (1 - y) log(1 - p)], p = y_pred clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        y_pred holds logits z, p = sigmoid(z); then max(z, 0) - z y + log(1 + exp(-|z|)) is averaged.
        A model whose last activation is sigmoid or softmax uses its logits in any case, as Keras on TensorFlow.
    label_smoothing : float
        s in y <- y (1 - s) + s / 2.
    axis : -1
    """

    _kind = "binary_crossentropy"


class BinaryFocalCrossentropy(Crossentropy):
    """mean_k (1 - t)^gamma times the binary cross-entropy, t = y p + (1 - y)(1 - p) (Lin et al., ICCV 2017).

    Parameters
    ----------
    apply_class_balancing : bool
        Multiply by y alpha + (1 - y)(1 - alpha).
    alpha : float
        The weight of class 1, from 0 to 1.
    gamma : float
        How much less those count that are right already; 0 leaves the cross-entropy.
    from_logits, label_smoothing, axis
        As of `BinaryCrossentropy`.  From logits, p = sigmoid(y_pred); behind a sigmoid or softmax the cross-entropy
        is taken from the model's logits, and the factor from its outputs.
    """

    _kind = "binary_focal_crossentropy"

    apply_class_balancing = Flag()
    alpha = Real()
    gamma = Real()

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma


class CategoricalCrossentropy(Crossentropy):
    """-sum_k y_k log p_k, p = y_pred / sum(y_pred) clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        y_pred holds logits z; p = softmax(z).  A model whose last activation is softmax or sigmoid uses its
        logits in any case, as Keras on TensorFlow.
    label_smoothing : float
        s in y <- y (1 - s) + s / classes.
    axis : -1
    """

    _kind = "categorical_crossentropy"


class CategoricalFocalCrossentropy(Crossentropy):
    """-sum_k alpha_k (1 - p_k)^gamma y_k log p_k, p = y_pred / sum(y_pred) clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    alpha : float or list of float
        A weight for all classes, or one for each.
    gamma : float
        How much less those count that are right already; 0 leaves the cross-entropy, times alpha.
    from_logits, label_smoothing, axis
        As of `CategoricalCrossentropy`, but a model's outputs are taken as they are: logits behind a last
        activation are not looked for, as in Keras.
    """

    _kind = "categorical_focal_crossentropy"

    alpha = ClassWeights()
    gamma = Real()

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.alpha = alpha
        self.gamma = gamma

    def _unit_weights(self) -> tuple[float, ...]:
        # Keras makes float32 of a list, whatever the type of the rest
        return tuple(float(np.float32(a)) for a in self.alpha) if isinstance(self.alpha, list) else (self.alpha,)


class SparseCategoricalCrossentropy(Loss):
    """Categorical cross-entropy for targets given as class numbers, of shape (samples,) or (samples, 1).

    From probabilities, Keras takes log(clip(y_pred)) for logits: the clipped values are normalised.

    Parameters
    ----------
    from_logits : bool
        As of `CategoricalCrossentropy`.
    ignore_class : int, optional
        Samples of that class, which need not be one of the outputs, have no loss and do not count.
    axis : -1
    """

    _kind = "sparse_categorical_crossentropy"

    from_logits = Flag()
    ignore_class = Integer(optional=True)

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        _checks.last_axis("axis", _checks.integer("axis", axis))  # which Keras leaves out of the configuration

    def _targets(self, y: Any, samples: int, units: int) -> Any:
        if y.shape == (samples, 1):
            y = y[:, 0]
        if y.shape != (samples,):
            raise ValueError(f"y_true has shape {y.shape}, expected ({samples},): one class number a sample")
        check_classes("y_true", y, units, self.ignore_class)
        counts = True if self.ignore_class is None else (y != self.ignore_class)[:, np.newaxis]
        return ((y[:, np.newaxis] == np.arange(units)) & counts).astype(np.float32)

    def _factor(self, y: Any, w: Any) -> float:
        # rows without any class are those that are ignored
        return super()._factor(y, w if self.ignore_class is None else w[y.any(axis=1)])
