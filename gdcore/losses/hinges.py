"""Losses of margins (``keras/src/losses/losses.py``)."""

from __future__ import annotations

from .base import Loss


class Hinge(Loss):
    """mean_k max(1 - y_true_k y_pred_k, 0), for targets of -1 and 1.

    Where all targets of a batch are 0 or 1, these stand for -1 and 1.
    """

    _kind = "hinge"


class SquaredHinge(Loss):
    """mean_k max(1 - y_true_k y_pred_k, 0)^2, for targets as of `Hinge`."""

    _kind = "squared_hinge"


class CategoricalHinge(Loss):
    """max(1 + max_k (1 - y_true_k) y_pred_k - sum_k y_true_k y_pred_k, 0), for one-hot targets."""

    _kind = "categorical_hinge"
