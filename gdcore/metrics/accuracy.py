"""Shares of right answers (``keras/src/metrics/accuracy_metrics.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses
from .._core.specs import LossSpec
from .._fields import Flag, Integer, Real
from .base import is_built_in
from .inputs import class_numbers
from .means import CoreMean, EntryMean, Mean, RowMean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Accuracy(EntryMean):
    """The share of outputs that equal their target."""

    _default_name = "accuracy"
    _direction = "up"

    def _values(self, y: Any, p: Any) -> Any:
        return y.astype(p.dtype) == p


class BinaryAccuracy(EntryMean):
    """The share of outputs on the right side of the threshold: mean_k [y_k == (p_k > threshold)].

    Parameters
    ----------
    name, dtype : str, optional
    threshold : float
        At least 0 and less than 1; 0 for outputs that are logits.
    """

    _default_name = "binary_accuracy"
    _direction = "up"

    threshold = Real(0, below=1)

    def __init__(self, name: str | None = None, dtype: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = threshold

    def _spec(self, reduction: str = "mean") -> Any:
        return LossSpec("binary_accuracy", reduction, False, (self.threshold,)) if is_built_in(type(self)) else None

    def _values(self, y: Any, p: Any) -> Any:
        return y == (p > p.dtype.type(self.threshold))


class CategoricalAccuracy(CoreMean):
    """The share of samples whose largest output stands where the largest target does."""

    _kind = _default_name = "categorical_accuracy"
    _direction = "up"


class SparseCategoricalAccuracy(CoreMean):
    """Categorical accuracy for targets given as class numbers."""

    _loss_class = losses.SparseCategoricalCrossentropy
    _kind = "categorical_accuracy"
    _default_name = "sparse_categorical_accuracy"
    _direction = "up"

    def _core_spec(self, reduction: str) -> LossSpec:
        return LossSpec("categorical_accuracy", reduction)


class TopKCategoricalAccuracy(RowMean):
    """The share of samples with the class of the largest target among those of the k largest outputs.

    Outputs equal to the k-th largest count as among them; a sample with an output that is not finite does not.

    Parameters
    ----------
    k : int
    name, dtype : str, optional
    """

    _default_name = "top_k_categorical_accuracy"
    _direction = "up"

    k = Integer(0)

    def __init__(self, k: int = 5, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(name, dtype)
        self.k = k

    def _values(self, y: Any, p: Any) -> Any:
        return _in_top_k(y.argmax(axis=-1), p, self.k)


class SparseTopKCategoricalAccuracy(Mean):
    """`TopKCategoricalAccuracy` for targets given as class numbers.

    Parameters
    ----------
    k : int
    name, dtype : str, optional
    from_sorted_ids : bool
        y_pred holds class numbers, likeliest first, instead of outputs.
    """

    _default_name = "sparse_top_k_categorical_accuracy"
    _direction = "up"

    k = Integer(0)
    from_sorted_ids = Flag()

    def __init__(
        self, k: int = 5, name: str | None = None, dtype: str | None = None, from_sorted_ids: bool = False
    ) -> None:
        super().__init__(name, dtype)
        self.k = k
        self.from_sorted_ids = from_sorted_ids

    def _loss(self) -> losses.Loss:
        return losses.SparseCategoricalCrossentropy()

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch: y_true of shape (samples,) or (samples, 1), y_pred of shape (samples, units)."""
        y, p = class_numbers(y_true, y_pred)
        values = (p[:, : self.k] == y[:, np.newaxis]).any(axis=1) if self.from_sorted_ids else _in_top_k(y, p, self.k)
        super().update_state(values, sample_weight)


def _in_top_k(classes: Any, p: Any, k: int) -> Any:
    """Whether fewer than k outputs are greater than that of the class (no, if an output is not finite)."""
    n, units = p.shape
    valid = (classes >= 0) & (classes < units) & np.isfinite(p).all(axis=1)
    own = p[np.arange(n), np.where(valid, classes, 0).astype(np.intp)]
    return valid & (np.sum(p > own[:, np.newaxis], axis=1) < k)
