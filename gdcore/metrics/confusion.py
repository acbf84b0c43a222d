"""Counts of right and wrong decisions at thresholds, and rates (``keras/src/metrics/confusion_metrics.py``)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _checks
from .._fields import Field, Integer
from .base import Figure, SumMetric
from .inputs import EPSILON, listed, pair, ratio, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

NEGATIVE = -1e10
"""What Keras puts for outputs that are not among the top k, and the threshold that only those are not greater than."""

TP, FP, FN, TN = range(4)
"""The rows of the counts: true and false positives, false and true negatives."""


class Cuts:
    """The numbers that outputs are compared with.

    Parameters
    ----------
    thresholds : sequence of float
    even : bool
        Whether they lie at even distances from 0 to 1, but for the ends, which may lie a little outside.
    """

    def __init__(self, thresholds: Sequence[float], even: bool) -> None:
        self.thresholds = list(thresholds)
        self.even = even
        at = np.asarray(self.thresholds, np.float64)
        order = np.argsort(at, kind="stable")
        self._ascending = at[order]
        self._places = np.argsort(order)  # of the thresholds among the ascending ones

    def __len__(self) -> int:
        return len(self.thresholds)

    def counts(self, y: Any, p: Any, w: Any, by_label: bool = False) -> Any:
        """How often outputs decide rightly and wrongly at each threshold.

        Parameters
        ----------
        y, p : ndarray of one shape
            A target that is not 0 stands for yes, an output greater than a threshold too.
        w : ndarray of that shape, or None
            The weights of the decisions.
        by_label : bool
            Whether each of the last axis's entries has counts of its own.

        Returns
        -------
        ndarray of shape (4, thresholds) or (4, thresholds, labels)

        Notes
        -----
        Each output goes into the bucket of the number of thresholds that it is greater than; what lies above
        threshold k are the buckets after k, and the others lie below.
        """
        n = len(self)
        bucket = self._buckets(p)
        labels = p.shape[-1] if by_label else 1
        if by_label:
            bucket = bucket * labels + np.arange(labels)
        index = 2 * bucket + (y != 0)
        flat = None if w is None else w.ravel()
        sums = np.bincount(index.ravel(), flat, 2 * labels * (n + 1)).reshape(n + 1, labels, 2).astype(np.float64)
        above = sums[:0:-1].cumsum(axis=0)[::-1]
        below = sums[:-1].cumsum(axis=0)
        if not self.even:
            above, below = above[self._places], below[self._places]
        counts = np.stack([above[..., 1], above[..., 0], below[..., 1], below[..., 0]])
        return counts if by_label else counts[..., 0]

    def _buckets(self, p: Any) -> Any:
        """The number of thresholds that each output is greater than."""
        if self.even:
            # Keras does not compare with thresholds at even distances, but rounds: the same but for rounding
            bucket = np.ceil(np.clip(p, 0, 1) * p.dtype.type(len(self) - 1))
            if self.thresholds[0] < 0:
                bucket = np.maximum(bucket, 1)
        else:
            bucket = np.searchsorted(self._ascending.astype(p.dtype), p, side="left")
        return np.where(np.isnan(p), 0, bucket).astype(np.intp)


@lru_cache(16)
def cuts_at(*thresholds: float) -> Cuts:
    """The cuts at given thresholds."""
    return Cuts(thresholds, are_even(thresholds))


@lru_cache(16)
def even_cuts(n: int) -> Cuts:
    """n cuts from 0 to 1, or one at 0.5."""
    return Cuts([0.5] if n == 1 else [i / (n - 1) for i in range(n)], n > 1)


def are_even(thresholds: Sequence[float]) -> bool:
    """Whether they lie at even distances from 0 to 1 (to Keras's tolerance)."""
    n = len(thresholds)
    return n > 2 and np.allclose(thresholds, np.arange(n, dtype=np.float32) / (n - 1), atol=EPSILON)


def fractions(name: str, value: Any) -> list[float]:
    """A list of numbers from 0 to 1."""
    return [_checks.number(f"{name}[{i}]", number, 0, 1) for i, number in enumerate(listed(name, value))]


class Thresholds(Field[list[float]]):
    """A number from 0 to 1, or several; None where the metric knows one.  What is read is always a list."""

    def __init__(self) -> None:
        super().__init__(optional=True)

    def __get__(self, thing: Any, owner: type) -> Any:
        given = super().__get__(thing, owner)
        if thing is None:
            return given
        return [thing._default_threshold] if given is None else given if isinstance(given, list) else [given]

    def check(self, value: Any) -> Any:
        if not isinstance(value, list | tuple | np.ndarray):
            return _checks.number(self.name, value, 0, 1)
        numbers = fractions(self.name, value)
        if not numbers:
            raise ValueError(f"{self.name}={value!r} is empty, expected numbers between 0 and 1")
        return numbers


class ConfusionMetric(SumMetric):
    """True and false positives and negatives at each threshold, from which a figure is made."""

    @property
    def _cuts(self) -> Cuts:
        raise NotImplementedError

    def _zeros(self) -> tuple[int, ...]:
        return (4, len(self._cuts))

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true, y_pred : array_like of one shape, (samples,) or (samples, units)
            A target that is not 0 stands for yes, an output greater than a threshold too.
        sample_weight : array_like, optional
            Of shape (samples,), or of the shape of y_pred.
        """
        y, p = pair(y_true, y_pred, self.dtype)
        w = None if sample_weight is None else weights(sample_weight, p.shape, self.dtype)
        self._add(self._counts(y, p, w))

    def _counts(self, y: Any, p: Any, w: Any) -> Any:
        """The counts of a batch; w is None or of the shape of p."""
        return self._cuts.counts(y, p, w)


class ThresholdMetric(ConfusionMetric):
    """A figure, or an array of one for each of the thresholds that were given."""

    thresholds = Thresholds()

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(dtype, name)
        self.thresholds = thresholds

    @property
    def _default_threshold(self) -> float:
        """The one where none were given."""
        return 0.5

    @property
    def _cuts(self) -> Cuts:
        return cuts_at(*self.thresholds)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, the thresholds as they were given."""
        return {**super().get_config(), "thresholds": vars(self)["thresholds"]}


class CountMetric(ThresholdMetric):
    """How many decisions are of one kind."""

    _which: ClassVar[int]

    def result(self) -> Figure:
        """The (weighted) number; an array if several thresholds were given."""
        return _one_or_all(self._rounded_totals[self._which])


class TruePositives(CountMetric):
    """How many outputs are greater than the threshold and rightly so.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], 0.5 if not given; `result` has one figure for each.
    name, dtype : str, optional
    """

    _which = TP


class FalsePositives(CountMetric):
    """How many outputs are greater than the threshold and should not be (parameters as in `TruePositives`)."""

    _which = FP


class FalseNegatives(CountMetric):
    """How many outputs are not greater than the threshold and should be (parameters as in `TruePositives`)."""

    _which = FN


class TrueNegatives(CountMetric):
    """How many outputs are not greater than the threshold and rightly so (parameters as in `TruePositives`)."""

    _which = TN


class Precision(ThresholdMetric):
    """The share of right ones among the outputs that say yes: TP / (TP + FP), 0 if none does.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1]; an output greater than it says yes.  0.5 if neither this nor `top_k` is given.
    top_k : int, optional
        Only the k largest outputs of a sample can say yes.
    class_id : int, optional
        Look at this column only.
    name, dtype : str, optional
    """

    _direction = "up"
    _missed = FP

    top_k = Integer(1, optional=True)
    class_id = Integer(0, optional=True)

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(thresholds, name, dtype)
        self.top_k = top_k
        self.class_id = class_id

    @property
    def _default_threshold(self) -> float:
        return 0.5 if self.top_k is None else NEGATIVE

    def _counts(self, y: Any, p: Any, w: Any) -> Any:
        if self.top_k is not None:
            p = largest_only(p, self.top_k)
        return super()._counts(*one_column(self.class_id, y, p, w))

    def result(self) -> Figure:
        """The share; an array if several thresholds were given."""
        counts = self._rounded_totals
        return _one_or_all(ratio(counts[TP], counts[TP] + counts[self._missed]))


class Recall(Precision):
    """The share found of the targets that say yes: TP / (TP + FN), 0 if none does (parameters as in `Precision`)."""

    _missed = FN


def largest_only(p: Any, top_k: int) -> Any:
    """The outputs, with the number of a no for all but the k largest of each sample."""
    if top_k > p.shape[-1]:
        raise ValueError(f"top_k={top_k}, but y_pred has shape {p.shape}")
    # of equal outputs the first come first
    top = np.argsort(-p, axis=-1, kind="stable")[..., :top_k]
    kept = np.full_like(p, NEGATIVE)
    np.put_along_axis(kept, top, np.take_along_axis(p, top, axis=-1), axis=-1)
    return kept


def one_column(class_id: int | None, y: Any, p: Any, w: Any) -> tuple[Any, Any, Any]:
    """Targets, outputs and weights of a class, or all of them where it is None."""
    if class_id is None:
        return y, p, w
    if p.ndim == 1 or class_id >= p.shape[-1]:
        raise ValueError(f"class_id={class_id}, but y_pred has shape {p.shape}")
    return y[..., class_id], p[..., class_id], None if w is None else w[..., class_id]


def _one_or_all(figures: Any) -> Figure:
    return float(figures[0]) if len(figures) == 1 else figures
