"""Areas under curves of rates, and the best rate at a given other (``keras/src/metrics/confusion_metrics.py``)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _checks, activations
from .._fields import Choice, Field, Flag, Integer, Real
from .confusion import FN, FP, TN, TP, ConfusionMetric, Cuts, are_even, even_cuts, fractions, one_column
from .inputs import EPSILON, as_array, listed, ratio, weights

if TYPE_CHECKING:
    from collections.abc import Sequence


class BestRate(ConfusionMetric):
    """The best of one rate over all thresholds at which another is at least a given value."""

    _direction = "up"
    _bound: ClassVar[str]  # the name of that value
    _rate: ClassVar[tuple[int, int]]  # which counts the rate is made of: a / (a + b)
    _bounded_rate: ClassVar[tuple[int, int]]

    num_thresholds = Integer(1)
    class_id = Integer(0, optional=True)

    def __init__(
        self,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.num_thresholds = num_thresholds
        self.class_id = class_id

    @property
    def thresholds(self) -> list[float]:
        """The thresholds that are tried."""
        return list(self._cuts.thresholds)

    @property
    def _cuts(self) -> Cuts:
        return even_cuts(self.num_thresholds)

    def _counts(self, y: Any, p: Any, w: Any) -> Any:
        return super()._counts(*one_column(self.class_id, y, p, w))

    def result(self) -> float:
        counts = self._rounded_totals
        rate, bounded = (ratio(counts[a], counts[a] + counts[b]) for a, b in (self._rate, self._bounded_rate))
        feasible = bounded >= counts.dtype.type(getattr(self, self._bound))
        return float(np.max(np.where(feasible, rate, 0), initial=0))


class SensitivityAtSpecificity(BestRate):
    """The best TP / (TP + FN) over all thresholds at which TN / (TN + FP) is at least the specificity.

    Parameters
    ----------
    specificity : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds, evenly from 0 to 1, to try; 1 tries 0.5.
    class_id : int, optional
        Look at this column only.
    name, dtype : str, optional
    """

    _bound, _rate, _bounded_rate = "specificity", (TP, FN), (TN, FP)

    specificity = Real(0, 1)

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(BestRate):
    """The best TN / (TN + FP) where TP / (TP + FN) is at least the sensitivity (see `SensitivityAtSpecificity`)."""

    _bound, _rate, _bounded_rate = "sensitivity", (TN, FP), (TP, FN)

    sensitivity = Real(0, 1)

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(BestRate):
    """The best TP / (TP + FP) where TP / (TP + FN) is at least the recall (see `SensitivityAtSpecificity`)."""

    _bound, _rate, _bounded_rate = "recall", (TP, FP), (TP, FN)

    recall = Real(0, 1)

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(BestRate):
    """The best TP / (TP + FN) where TP / (TP + FP) is at least the precision (see `SensitivityAtSpecificity`)."""

    _bound, _rate, _bounded_rate = "precision", (TP, FN), (TP, FP)

    precision = Real(0, 1)

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(num_thresholds, class_id, name, dtype)
        self.precision = precision


class CurveSize(Integer):
    """How many thresholds, at even distances; which of this and `CurveThresholds` was assigned last counts."""

    def __set__(self, thing: Any, value: Any) -> None:
        super().__set__(thing, value)
        vars(thing)["thresholds"] = None


class CurveThresholds(Field[list[float]]):
    """Thresholds in [0, 1] in place of even ones.  What is read are all that are used, the ends among them."""

    def __init__(self) -> None:
        super().__init__(optional=True)

    def __get__(self, thing: Any, owner: type) -> Any:
        return self if thing is None else list(thing._cuts.thresholds)

    def __set__(self, thing: Any, value: Any) -> None:
        super().__set__(thing, value)
        if value is not None:
            vars(thing)["num_thresholds"] = len(vars(thing)[self.name]) + 2

    def check(self, value: Any) -> list[float]:
        return sorted(fractions(self.name, value))


class Word(Choice):
    """One of some words, in letters of any case."""

    def check(self, value: Any) -> Any:
        folded = {word.lower(): word for word in self.known}
        return super().check(folded.get(value.lower(), value) if isinstance(value, str) else value)


class LabelWeights(Field[list[float]]):
    """A weight for each column."""

    def __init__(self) -> None:
        super().__init__(optional=True)

    def check(self, value: Any) -> list[float]:
        entries = listed(self.name, value)
        numbers = [_checks.number(f"{self.name}[{i}]", number) for i, number in enumerate(entries)]
        return as_array(self.name, value if isinstance(value, np.ndarray) else numbers).tolist()


class AUC(ConfusionMetric):
    """The area under a curve of rates over all thresholds, as a Riemann sum.

    Parameters
    ----------
    num_thresholds : int
        How many thresholds, evenly from 0 to 1 (the ends a little outside).
    curve : {"ROC", "PR", "PRGAIN"}
        True over false positive rate, precision over recall, or their gains over always saying yes (Flach and Kull,
        "Precision-Recall-Gain Curves", 2015).
    summation_method : {"interpolation", "minoring", "majoring"}
        The height over a step: the mean of its ends (for PR the area of the true curve between them, Davis and
        Goadrich, "The relationship between precision-recall and ROC curves", 2006), the lesser or the greater.
    name, dtype : str, optional
    thresholds : list of float, optional
        In [0, 1], instead of `num_thresholds`; the ends are added.
    multi_label : bool
        Take the area for each column and average these, instead of one area over all outputs.
    num_labels : int, optional
        The number of columns, only with `multi_label`; taken from the data if not given.
    label_weights : list of float, optional
        Weights of the columns.
    from_logits : bool
        Take the sigmoid of the outputs first.
    """

    _direction = "up"

    num_thresholds = CurveSize(2)
    curve = Word(("ROC", "PR", "PRGAIN"))
    summation_method = Word(("interpolation", "minoring", "majoring"))
    thresholds = CurveThresholds()
    multi_label = Flag()
    num_labels = Integer(1, optional=True)
    label_weights = LabelWeights()
    from_logits = Flag()

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self.curve = curve
        self.summation_method = summation_method
        self.multi_label = multi_label
        self.num_labels = num_labels
        if num_labels is not None and not multi_label:
            raise ValueError(f"num_labels={num_labels} is for multi_label=True only")
        self.label_weights = label_weights
        self.from_logits = from_logits
        if thresholds is None:
            self.num_thresholds = num_thresholds
        else:
            self.thresholds = thresholds

    @property
    def _cuts(self) -> Cuts:
        inner = vars(self)["thresholds"]
        return _even_curve(self.num_thresholds) if inner is None else _given_curve(*inner)

    def _zeros(self) -> tuple[int, ...]:
        return (*super()._zeros(), self.num_labels or 1) if self.multi_label else super()._zeros()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch: arrays of one shape, (samples,) or (samples, labels); see `Precision`."""
        p = as_array("y_pred", y_pred)
        columns = p.shape[-1] if p.ndim else 0
        for what, labels in (("num_labels", self.num_labels), ("label_weights", self.label_weights)):
            expected = len(labels) if isinstance(labels, list) else labels
            if expected not in (None, columns):
                raise ValueError(f"y_pred has shape {p.shape}, but {what} is for {expected} columns")
        super().update_state(y_true, activations.sigmoid(p) if self.from_logits else p, sample_weight)

    def _counts(self, y: Any, p: Any, w: Any) -> Any:
        if self.multi_label:
            if p.ndim != 2:
                raise ValueError(f"y_pred has shape {p.shape}, expected (samples, labels)")
            return self._cuts.counts(y, p, w, by_label=True)
        if self.label_weights is not None:
            columns = weights([self.label_weights], p.shape, self.dtype)
            w = columns if w is None else w * columns
        return super()._counts(y, p, w)

    def result(self) -> float:
        counts = self._rounded_totals
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr_area(counts)
        else:
            areas = _riemann_sum(*_CURVES[self.curve](counts), self.summation_method)
        if not self.multi_label:
            return float(areas)
        if self.label_weights is None:
            return float(np.mean(areas))
        shares = np.array(self.label_weights, counts.dtype)
        return float(ratio(np.sum(areas * shares), np.sum(shares)))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again; thresholds only where some were given, without the ends."""
        config = super().get_config()
        config["thresholds"] = vars(self)["thresholds"]
        if config["thresholds"] is None:
            del config["thresholds"]
        return config


@lru_cache(16)
def _even_curve(n: int) -> Cuts:
    return Cuts([-EPSILON, *(i / (n - 1) for i in range(1, n - 1)), 1 + EPSILON], True)


@lru_cache(16)
def _given_curve(*inner: float) -> Cuts:
    return Cuts([-EPSILON, *inner, 1 + EPSILON], are_even([0.0, *inner, 1.0]))


def _roc(counts: Any) -> tuple[Any, Any]:
    """False and true positive rates."""
    tp, fp, fn, tn = counts
    return ratio(fp, fp + tn), ratio(tp, tp + fn)


def _precision_over_recall(counts: Any) -> tuple[Any, Any]:
    tp, fp, fn, _ = counts
    return ratio(tp, tp + fn), ratio(tp, tp + fp)


def _gains(counts: Any) -> tuple[Any, Any]:
    """The gains of recall and precision over always saying yes."""
    tp, fp, fn, tn = counts
    odds = ratio(tp + fn, tn + fp)
    x = np.maximum(np.where(tp == 0, 0, 1 - odds * ratio(fn, tp)), 0)
    return x, np.where(tp == 0, 1, 1 - odds * ratio(fp, tp))


_CURVES = {"ROC": _roc, "PR": _precision_over_recall, "PRGAIN": _gains}


def _riemann_sum(x: Any, y: Any, method: str) -> Any:
    """The area under a curve over falling x."""
    if method == "interpolation":
        heights = (y[:-1] + y[1:]) / 2
    else:
        heights = (np.minimum if method == "minoring" else np.maximum)(y[:-1], y[1:])
    return np.sum((x[:-1] - x[1:]) * heights, axis=0)


def _interpolated_pr_area(counts: Any) -> Any:
    """The area under the precision-recall curve that has TP and TP + FP move evenly between thresholds.

    With P = TP + FP and TP = a + s P in between, the area is the integral of (a + s P) / P dTP, which is
    s (dTP + a log(P_k / P_k+1)), over the number of targets.
    """
    tp, fp, fn, _ = counts
    p = tp + fp
    dtp = tp[:-1] - tp[1:]
    slope = ratio(dtp, np.maximum(p[:-1] - p[1:], 0))
    start = tp[1:] - slope * p[1:]
    growth = np.where((p[:-1] > 0) & (p[1:] > 0), ratio(p[:-1], np.maximum(p[1:], 0)), 1)
    return np.sum(ratio(slope * (dtp + start * np.log(growth)), np.maximum(tp[1:] + fn[1:], 0)), axis=0)
