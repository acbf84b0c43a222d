"""Errors, correlations and the coefficient of determination (``keras/src/metrics/regression_metrics.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses
from .._fields import Choice, Integer
from .base import Figure, SumMetric
from .inputs import EPSILON, figure, rows, weights
from .means import CoreMean, EntryMean, RowMean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class MeanAbsoluteError(CoreMean):
    """The mean of |y_pred - y_true|."""

    _loss_class = losses.MeanAbsoluteError
    _default_name = "mean_absolute_error"
    _direction = "down"


class MeanSquaredError(CoreMean):
    """The mean of (y_pred - y_true)^2."""

    _default_name = "mean_squared_error"
    _direction = "down"


class RootMeanSquaredError(EntryMean):
    """The square root of the mean of (y_pred - y_true)^2."""

    _default_name = "root_mean_squared_error"
    _direction = "down"

    def _values(self, y: Any, p: Any) -> Any:
        return np.square(p.astype(self.dtype) - y.astype(self.dtype))

    def result(self) -> float:
        return float(np.sqrt(super().result()))


class MeanAbsolutePercentageError(RowMean):
    """The mean of 100 |y_true - y_pred| / max(|y_true|, 1e-7)."""

    _default_name = "mean_absolute_percentage_error"
    _direction = "down"

    def _values(self, y: Any, p: Any) -> Any:
        return 100 * np.mean(np.abs((y - p) / np.maximum(np.abs(y), p.dtype.type(EPSILON))), axis=-1)


class MeanSquaredLogarithmicError(RowMean):
    """The mean of (log(y_pred + 1) - log(y_true + 1))^2, both at least 1e-7."""

    _default_name = "mean_squared_logarithmic_error"
    _direction = "down"

    def _values(self, y: Any, p: Any) -> Any:
        low = p.dtype.type(EPSILON)
        return np.mean(np.square(np.log(np.maximum(p, low) + 1) - np.log(np.maximum(y, low) + 1)), axis=-1)


class LogCoshError(RowMean):
    """The mean of log(cosh(y_pred - y_true)), as x + softplus(-2 x) - log 2."""

    _default_name = "logcosh"
    _direction = "down"

    def _values(self, y: Any, p: Any) -> Any:
        x = p - y
        return np.mean(x + np.logaddexp(0, -2 * x) - p.dtype.type(np.log(2)), axis=-1)


class Poisson(RowMean):
    """The mean of y_pred - y_true log(y_pred + 1e-7)."""

    _default_name = "poisson"
    _direction = "down"

    def _values(self, y: Any, p: Any) -> Any:
        return np.mean(p - y * np.log(p + p.dtype.type(EPSILON)), axis=-1)


class AxisMean(RowMean):
    """A figure of the outputs along an axis: of each sample (the last axis), or of each unit of a batch."""

    _direction = "up"

    axis = Integer(-2, 1)

    def __init__(self, name: str | None = None, dtype: str | None = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self.axis = axis

    @property
    def _by_batch(self) -> bool:
        return super()._by_batch or self.axis in (-2, 0)


class CosineSimilarity(AxisMean):
    """The mean of sum_k y_k p_k / (|y| |p|), the cosine of the angle between targets and outputs."""

    _default_name = "cosine_similarity"

    def _values(self, y: Any, p: Any) -> Any:
        y, p = (
            x * np.minimum(1 / np.sqrt(np.sum(np.square(x), axis=self.axis, keepdims=True)), x.dtype.type(1 / EPSILON))
            for x in (y, p)
        )
        return np.sum(y * p, axis=self.axis)


class PearsonCorrelation(AxisMean):
    """The mean of Pearson's correlation of targets and outputs along an axis; nan where one is constant.

    Parameters
    ----------
    name, dtype : str, optional
    axis : int
        -1 takes each sample's outputs for the points, 0 each unit's values in a batch.
    """

    _default_name = "pearson_correlation"

    def _values(self, y: Any, p: Any) -> Any:
        y, p = (x - np.mean(x, axis=self.axis, keepdims=True) for x in (y, p))
        y, p = (x / np.std(x, axis=self.axis, keepdims=True) for x in (y, p))
        return np.mean(y * p, axis=self.axis)


class ConcordanceCorrelation(AxisMean):
    """The mean of Lin's concordance correlation of targets and outputs along an axis (see `PearsonCorrelation`)."""

    _default_name = "concordance_correlation"

    def _values(self, y: Any, p: Any) -> Any:
        options: Any = {"axis": self.axis, "keepdims": True}
        y_mean, p_mean = np.mean(y, **options), np.mean(p, **options)
        spread = np.var(y - y_mean, **options) + np.var(p - p_mean, **options) + np.square(y_mean - p_mean)
        # both factors are centred by the mean of p, as in Keras: it makes no difference to the mean of the product
        product = (y - p_mean) * (p - p_mean)
        return np.mean(2 * product / (spread + p.dtype.type(EPSILON)), axis=self.axis)


class R2Score(SumMetric):
    """The coefficient of determination, 1 - sum (y_true - y_pred)^2 / sum (y_true - mean(y_true))^2 for each output.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        How the scores of the outputs become one; None leaves them an array.
    num_regressors : int
        The number of inputs for which the score is adjusted, 0 for none.
    name, dtype : str, optional

    Notes
    -----
    Where the targets do not vary the score is 0, or nan if the outputs are without error too.
    """

    _default_name = "r2_score"
    _direction = "up"

    class_aggregation = Choice((None, "uniform_average", "variance_weighted_average"))
    num_regressors = Integer(0)

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors

    def _zeros(self) -> tuple[int, ...]:
        return (5, 1)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch of shape (samples, units); sample_weight of that shape or of shape (samples,)."""
        y, p = rows(y_true, y_pred, self.dtype)
        w = weights(1.0 if sample_weight is None else sample_weight, y.shape, self.dtype)
        entries = np.full(y.shape[1], float(y.size))
        error, y = y - p, y.astype(np.float64)  # the error rounds as Keras's, the sums must not
        each = [x.sum(axis=0, dtype=np.float64) for x in (w, y * w, y * (y * w), np.square(error) * w)]
        self._add(np.stack([*each, entries]))

    def result(self) -> Figure:
        count, total, squares, residual, entries = self._totals
        with np.errstate(all="ignore"):
            spread = squares - total * (total / count)
            spread = np.where(np.abs(spread) < 1e-14 * squares, 0, spread)  # rounding, where the targets do not vary
            scores = 1 - residual / spread
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = scores.mean()
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.sum(spread * scores) / np.sum(spread)
        return figure(self._adjusted(scores, float(entries[0])))

    def _adjusted(self, scores: Any, points: float) -> Any:
        """The scores adjusted for the number of inputs; as in Keras, each output of a sample counts as a data point."""
        free = points - self.num_regressors - 1
        if self.num_regressors and free > 0:
            return 1 - (1 - scores) * (points - 1) / free
        if self.num_regressors:
            import warnings

            warnings.warn(
                f"num_regressors={self.num_regressors} leaves no degree of freedom of {points:g} data points: "
                "the score is not adjusted",
                stacklevel=3,
            )
        return scores
