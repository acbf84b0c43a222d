"""Overlaps of what is said with what is so: F scores and intersections over unions.

The formulas are those of ``keras/src/metrics/f_score_metrics.py`` and ``keras/src/metrics/iou_metrics.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks, losses
from .._fields import Choice, Field, Flag, Integer, Real
from .base import DataType, Figure, SumMetric
from .inputs import EPSILON, as_array, figure, listed, rows, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


class FBetaScore(SumMetric):
    """The weighted harmonic mean (1 + b^2) P R / (b^2 P + R) of precision P and recall R, for each class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None gives the scores of the classes as an array, "macro" their mean, "weighted" their mean by the number of
        targets; "micro" counts all classes together.
    beta : float
        Greater than 0: how many times more recall weighs than precision.
    threshold : float, optional
        In (0, 1]: outputs greater than it say yes.  If not given the largest of a sample does.
    name, dtype : str, optional
    """

    _default_name = "fbeta_score"
    _direction = "up"

    average = Choice((None, "micro", "macro", "weighted"))
    beta = Real(above=0)
    threshold = Real(above=0, high=1, optional=True)

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def _zeros(self) -> tuple[int, ...]:
        return (3,) if self.average == "micro" else (3, 1)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch of shape (samples, classes); sample_weight is of shape (samples,)."""
        y, p = rows(y_true, y_pred, self.dtype)
        if self.threshold is None:
            positive = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            positive = p > p.dtype.type(self.threshold)
        w = weights(1.0 if sample_weight is None else sample_weight, p.shape, self.dtype)
        axes = None if self.average == "micro" else 0
        self._add(np.stack([np.sum(x, axis=axes, dtype=np.float64) for x in (positive * y * w, positive * w, y * w)]))

    def result(self) -> Figure:
        hits, positive, targets = self._rounded_totals
        precision, recall = hits / (positive + EPSILON), hits / (targets + EPSILON)
        square = self.beta**2
        scores = precision * recall / (square * precision + recall + EPSILON) * (1 + square)
        if self.average == "weighted":
            scores = np.sum(scores * (targets / (np.sum(targets) + EPSILON)))
        elif self.average == "macro":
            scores = np.mean(scores)
        return figure(scores)


class F1Score(FBetaScore, without=("beta",)):
    """`FBetaScore` with beta = 1: 2 P R / (P + R)."""

    _default_name = "f1_score"

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)


class ClassCount(Integer):
    """The number of classes, which leaves none out that is looked at."""

    def __set__(self, thing: Any, value: Any) -> None:
        looked_at = vars(thing).get("target_class_ids", [0])
        vars(thing)[self.name] = _checks.integer(self.name, value, max(looked_at) + 1)


class ClassIds(Field[list[int]]):
    """Some of the classes, as a list of their numbers."""

    def __set__(self, thing: Any, value: Any) -> None:
        entries, last = listed(self.name, value, "class numbers"), thing.num_classes - 1
        if not entries:
            raise ValueError(f"{self.name}={value!r} is empty, expected class numbers from 0 to {last}")
        numbers = [_checks.integer(f"{self.name}[{i}]", number, 0, last) for i, number in enumerate(entries)]
        vars(thing)[self.name] = numbers


class IoU(SumMetric):
    """The mean over some classes of intersection over union, TP / (TP + FP + FN), of those that occur.

    Parameters
    ----------
    num_classes : int
    target_class_ids : list of int
        The classes to look at.
    name : str, optional
    dtype : str, optional
        int64 if not given; then weights are cut to whole numbers, as in Keras.
    ignore_class : int, optional
        Samples with this target do not count.
    sparse_y_true, sparse_y_pred : bool
        Whether these are class numbers; otherwise the largest along `axis` says the class.
    axis : int
    """

    _direction = "up"

    dtype = DataType("float32 float64 int int32 int64")
    num_classes = ClassCount(1)
    target_class_ids = ClassIds()
    ignore_class = Integer(optional=True)
    sparse_y_true = Flag()
    sparse_y_pred = Flag()
    axis = Integer()

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__("int64" if dtype is None else dtype, name)
        self.num_classes = num_classes
        self.target_class_ids = target_class_ids
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis

    def _loss(self) -> losses.Loss | None:
        return None

    def _zeros(self) -> tuple[int, ...]:
        return (self.num_classes, self.num_classes)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch; class numbers that are not those of a class do not count."""
        y, p = as_array("y_true", y_true), as_array("y_pred", y_pred)
        y = (y if self.sparse_y_true else y.argmax(axis=self.axis)).astype(self.dtype).ravel()
        p = (p if self.sparse_y_pred else p.argmax(axis=self.axis)).astype(self.dtype).ravel()
        if y.shape != p.shape:
            raise ValueError(f"y_true has {y.size} class numbers, expected {p.size} as y_pred")
        w = weights(1 if sample_weight is None else np.ravel(sample_weight), y.shape, self.dtype)
        counts = (y >= 0) & (y < self.num_classes) & (p >= 0) & (p < self.num_classes)
        if self.ignore_class is not None:
            counts &= y != self.ignore_class
        index = y[counts].astype(np.intp) * self.num_classes + p[counts].astype(np.intp)
        sums = np.bincount(index, w[counts], self.num_classes**2)
        self._add(sums.reshape(self.num_classes, self.num_classes))

    def result(self) -> float:
        sums = self._totals
        hits = np.diag(sums)
        union = (sums.sum(axis=0) + sums.sum(axis=1) - hits)[self.target_class_ids].astype(np.float32)
        occurs = union > 1e-9
        shares = np.where(occurs, hits[self.target_class_ids].astype(np.float32) / (union + EPSILON), 0)
        return float(np.sum(shares) / (np.sum(occurs, dtype=np.float32) + np.float32(EPSILON)))


class MeanIoU(IoU, without=("target_class_ids",)):
    """`IoU` over all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        every = range(_checks.integer("num_classes", num_classes, 1))
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class BinaryIoU(IoU, without=("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")):
    """`IoU` of the two classes 0 and 1, where outputs of at least the threshold say 1."""

    target_class_ids = ClassIds()  # here with a default
    threshold = Real()

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        p = as_array("y_pred", y_pred).astype(np.float32)
        super().update_state(y_true, p >= np.float32(self.threshold), sample_weight)


class OneHotIoU(IoU, without=("sparse_y_true",)):
    """`IoU` for targets in one-hot rows, and outputs of each class unless `sparse_y_pred`."""

    sparse_y_pred = Flag()  # here False by default

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU, without=("sparse_y_true",)):
    """`OneHotIoU` over all classes."""

    sparse_y_pred = Flag()  # here False by default

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
