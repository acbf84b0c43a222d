"""Sums and means, and those that other metrics are made of (``keras/src/metrics/reduction_metrics.py``)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from .. import losses
from .._checks import WrongType
from .._core import kernels
from .._fields import Field
from .base import Metric, SumMetric, is_built_in
from .inputs import as_array, by_sample, pair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

_M = TypeVar("_M", bound=Metric)


class Sum(SumMetric):
    """The sum of values, each multiplied by the weight of its sample (as ``keras.metrics.Sum``)."""

    _default_name = "sum"

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def _zeros(self) -> tuple[int, ...]:
        return ()

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add an array of values; sample_weight has their shape, or that of their first axes."""
        each, _ = by_sample(values, sample_weight, np.sum)
        self._add(np.sum(each, dtype=np.float64))

    def result(self) -> float:
        return float(self._totals)


class Mean(SumMetric):
    """The weighted mean of values (as ``keras.metrics.Mean``); 0 before the first.

    Values of more than one dimension are first averaged over all axes but the first: each row counts once.  A scalar
    counts as one sample.
    """

    _default_name = "mean"

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add an array of values; sample_weight has their shape, or that of their first axes."""
        each, weights = by_sample(values, sample_weight, np.mean)
        count = np.size(each) if weights is None else np.sum(weights, dtype=np.float64)
        self._add(np.array([np.sum(each, dtype=np.float64), count]))

    def result(self) -> float:
        total, count = self._totals.tolist()
        return total / count if count else 0.0


class Function(Field[Callable[..., Any]]):
    """Something that can be called."""

    def check(self, value: Any) -> Callable[..., Any]:
        if callable(value):
            return value
        raise WrongType(f"{self.name}={value!r} is not callable")


class MeanMetricWrapper(Mean):
    """The mean of what a function gives (as ``keras.metrics.MeanMetricWrapper``).

    Parameters
    ----------
    fn : callable
        ``fn(y_true, y_pred, **kwargs)`` gets NumPy arrays and gives a value for each sample, or one for the batch,
        which then counts as one sample.
    name : str, optional
    dtype : str, optional
    **kwargs
        Passed on to fn.
    """

    _default_name = "mean_metric_wrapper"
    _additive = False  # fn may give one value for all of its rows

    fn = Function()

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: str | None = None, **kwargs: Any):
        super().__init__(name, dtype)
        self.fn = fn
        self._kwargs = kwargs

    def _loss(self) -> losses.Loss | None:
        return None

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch."""
        values = self.fn(as_array("y_true", y_true), as_array("y_pred", y_pred), **self._kwargs)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again; fn is the function itself (`serialize` puts its name)."""
        return {**super().get_config(), **self._kwargs}

    @classmethod
    def from_config(cls: type[_M], config: Mapping[str, Any]) -> _M:
        """The object that `get_config` described."""
        return cls(**config)  # whatever fn takes


class EntryMean(Mean):
    """The mean of a figure that each single output has."""

    def _values(self, y: Any, p: Any) -> Any:
        """The figures of arrays of one shape, which is theirs."""
        raise NotImplementedError

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch: arrays of one shape; sample_weight of that shape or of shape (samples,)."""
        super().update_state(self._values(*pair(y_true, y_pred)), sample_weight)


class RowMean(Mean):
    """The mean of a figure that each sample has."""

    def _values(self, y: Any, p: Any) -> Any:
        """The figures, of shape (samples,), of arrays of shape (samples, units) and of one type."""
        raise NotImplementedError

    def _loss(self) -> losses.Loss:
        return _loss_of(losses.MeanSquaredError)

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch of shape (samples, units); sample_weight is of shape (samples,)."""
        super().update_state(self._of_each_row(y_true, y_pred), sample_weight)

    def _of_each_row(self, y_true: ArrayLike, y_pred: ArrayLike) -> Any:
        y, p, _ = self._loss()._batch(as_array("y_true", y_true), as_array("y_pred", y_pred), None)
        with np.errstate(all="ignore"):
            return self._values(y, p)


class CoreMean(RowMean):
    """The mean of a figure of each sample that the core knows: of a loss, or of another kind."""

    _loss_class: ClassVar[type[losses.Loss]] = losses.MeanSquaredError
    _loss_settings: ClassVar[tuple[str, ...]] = ()  # which of the settings are those of the loss
    _kind: ClassVar[str | None] = None  # what the core calls it, where that is not the loss

    def _loss(self) -> losses.Loss:
        settings = ((name, getattr(self, name)) for name in self._loss_settings)
        return _loss_of(self._loss_class, *settings)  # type: ignore[arg-type]

    def _spec(self, reduction: str = "mean") -> Any:
        return self._core_spec(reduction) if is_built_in(type(self)) else None

    def _core_spec(self, reduction: str) -> Any:
        return self._loss()._spec_reduced(reduction, self._kind)

    def _values(self, y: Any, p: Any) -> Any:
        return kernels.loss_value(self._core_spec("mean"), y, p)


@lru_cache(32)
def _loss_of(cls: type[losses.Loss], *settings: tuple[str, Any]) -> losses.Loss:
    """The loss of that class and settings; each batch asks for it."""
    return cls(**dict(settings))
