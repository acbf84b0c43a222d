"""Means over probabilities: cross-entropies and the divergence (``keras/src/metrics/probabilistic_metrics.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _checks, losses
from .._fields import Flag, Integer, Real
from .inputs import EPSILON, as_array, weights
from .means import CoreMean, Mean, RowMean


class KLDivergence(RowMean):
    """The mean of sum_k y_k log(y_k / p_k), both clipped to [1e-7, 1]."""

    _default_name = "kl_divergence"
    _direction = "down"

    def _values(self, y: Any, p: Any) -> Any:
        y, p = (np.clip(x, x.dtype.type(EPSILON), 1) for x in (y, p))
        return np.sum(y * np.log(y / p), axis=-1)


class BinaryCrossentropy(CoreMean):
    """The mean binary cross-entropy; `from_logits` and `label_smoothing` as in the loss."""

    _loss_class = losses.BinaryCrossentropy
    _loss_settings = ("from_logits", "label_smoothing")
    _default_name = "binary_crossentropy"
    _direction = "down"

    from_logits = Flag()
    label_smoothing = Real(0, 1)

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing


class CategoricalCrossentropy(CoreMean):
    """The mean categorical cross-entropy; `from_logits` and `label_smoothing` as in the loss.

    Parameters
    ----------
    name, dtype : str, optional
    from_logits : bool
    label_smoothing : float
    axis : int
        The last one.
    """

    _loss_class = losses.CategoricalCrossentropy
    _loss_settings = ("from_logits", "label_smoothing")
    _default_name = "categorical_crossentropy"
    _direction = "down"

    from_logits = Flag()
    label_smoothing = Real(0, 1)

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        _check_axis(axis)


class SparseCategoricalCrossentropy(CoreMean):
    """The mean categorical cross-entropy for class numbers; `from_logits` as in the loss.

    Parameters
    ----------
    name, dtype : str, optional
    from_logits : bool
    ignore_class : int, optional
        Samples of this class (which need not be one of the outputs) have the loss 0, and where sample weights are given
        the weight 0 too; without weights they count as samples, as in Keras.
    axis : int
        The last one.
    """

    _loss_class = losses.SparseCategoricalCrossentropy
    _loss_settings = ("from_logits",)
    _default_name = "sparse_categorical_crossentropy"
    _direction = "down"

    from_logits = Flag()
    ignore_class = Integer(optional=True)

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        _check_axis(axis)

    def _spec(self, reduction: str = "mean") -> Any:
        return super()._spec(reduction) if self.ignore_class is None else None

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add a batch: y_true of shape (samples,) or (samples, 1), y_pred of shape (samples, units)."""
        if self.ignore_class is None:
            return super().update_state(y_true, y_pred, sample_weight)
        y = as_array("y_true", y_true)
        y = y.reshape(len(y)) if y.shape[1:] == (1,) else y
        kept = y != self.ignore_class
        values = kept * self._of_each_row(np.where(kept, y, 0), y_pred)
        Mean.update_state(
            self, values, None if sample_weight is None else weights(sample_weight, y.shape, "float32") * kept
        )


def _check_axis(axis: Any) -> None:
    """Raise ValueError but for the last axis of (samples, units), which Keras leaves out of the configurations."""
    _checks.last_axis("axis", _checks.integer("axis", axis), (-1, 1))
