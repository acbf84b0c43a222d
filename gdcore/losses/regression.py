"""Losses of numbers: errors, counts and directions (``keras/src/losses/losses.py``)."""

from __future__ import annotations

from typing import Any

from .._fields import Real
from .base import LastAxis, Loss


class MeanAbsoluteError(Loss):
    """mean_k |y_pred_k - y_true_k|; its derivative at 0 is 0, as in TensorFlow."""

    _kind = "mean_absolute_error"


class MeanSquaredError(Loss):
    """mean_k (y_pred_k - y_true_k)^2"""

    _kind = "mean_squared_error"


class MeanAbsolutePercentageError(Loss):
    """100 mean_k |y_true_k - y_pred_k| / max(|y_true_k|, 1e-7); its derivative at 0 is 0."""

    _kind = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(Loss):
    """mean_k (log(1 + y_true_k) - log(1 + y_pred_k))^2, for numbers raised to at least 1e-7."""

    _kind = "mean_squared_logarithmic_error"


class Huber(Loss):
    """mean_k h(y_pred_k - y_true_k), h(e) = e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2.

    Parameters
    ----------
    delta : float
        Where the parabola goes over into straight lines.
    """

    _kind = "huber"
    _default_name = "huber_loss"

    delta = Real(0)

    def __init__(
        self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(reduction, name)
        self.delta = delta


class LogCosh(Loss):
    """mean_k log(cosh(y_pred_k - y_true_k))"""

    _kind = "log_cosh"


class Poisson(Loss):
    """mean_k [y_pred_k - y_true_k log(y_pred_k + 1e-7)]"""

    _kind = "poisson"


class CosineSimilarity(Loss):
    """-sum_k y_true_k y_pred_k / (|y_true| |y_pred|): -1 for the same direction, 1 for the opposite one.

    Parameters
    ----------
    axis : -1
        Here for Keras's configurations; rows of numbers have no other.
    """

    _kind = "cosine_similarity"

    axis = LastAxis()

    def __init__(self, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        super().__init__(reduction, name)
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, in Keras's form, which leaves the axis out."""
        return {key: value for key, value in super().get_config().items() if key != "axis"}
