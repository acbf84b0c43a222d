"""Means of margins (``keras/src/metrics/hinge_metrics.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .means import RowMean


class Hinge(RowMean):
    """The mean of max(1 - y_true y_pred, 0); targets that are all 0 or 1 (in a batch) become -1 and 1."""

    _default_name = "hinge"
    _direction = "down"
    _additive = False

    def _values(self, y: Any, p: Any) -> Any:
        return np.mean(_margins_missed(y, p), axis=-1)


class SquaredHinge(RowMean):
    """The mean of max(1 - y_true y_pred, 0)^2; targets that are all 0 or 1 (in a batch) become -1 and 1."""

    _default_name = "squared_hinge"
    _direction = "down"
    _additive = False

    def _values(self, y: Any, p: Any) -> Any:
        return np.mean(np.square(_margins_missed(y, p)), axis=-1)


class CategoricalHinge(RowMean):
    """The mean of max(max_k (1 - y_k) p_k - sum_k y_k p_k + 1, 0)."""

    _default_name = "categorical_hinge"
    _direction = "down"

    def _values(self, y: Any, p: Any) -> Any:
        return np.maximum(np.max((1 - y) * p, axis=-1) - np.sum(y * p, axis=-1) + 1, 0)


def _margins_missed(y: Any, p: Any) -> Any:
    """max(1 - y p, 0), for targets of 0 and 1 as for -1 and 1."""
    if np.all((y == 0) | (y == 1)):
        y = 2 * y - 1
    return np.maximum(1 - y * p, 0)
