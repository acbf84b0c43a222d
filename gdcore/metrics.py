"""Metrics: averages over all rows of an epoch, with Keras's names and values (``keras/src/metrics``)."""

from typing import Any

import numpy as np

from . import losses
from ._core import kernels
from ._names import unknown


class Metric:
    """A mean over samples.

    `update_state` adds a batch, `result` is the mean so far, `reset_state` forgets; inside a model the core
    does the same without calling back into Python.
    """

    _kind: str
    _default_name: str

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self._default_name
        self.reset_state()

    def _spec(self, reduction: str = "mean") -> tuple[str, str, bool, float]:
        """What the core needs to know: (kind, reduction, from_logits, threshold)."""
        return (self._kind, reduction, False, getattr(self, "threshold", 0.0))

    def _loss(self) -> losses.Loss:
        """The loss that checks and shapes the arguments as this metric needs them."""
        return losses.MeanSquaredError()

    def reset_state(self) -> None:
        """Forget all batches."""
        self._total = 0.0
        self._count = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the samples of a batch, of shape (samples, units)."""
        y, p, w = self._loss()._columns(y_true, y_pred, sample_weight)
        values = kernels.loss_value(self._spec(), y, p)
        self._total += float(np.sum(values * w, dtype=np.float64))
        self._count += float(np.sum(w, dtype=np.float64))

    def result(self) -> float:
        """The weighted mean over all samples so far (0 before the first)."""
        return self._total / self._count if self._count else 0.0

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {"name": self.name}

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class BinaryAccuracy(Metric):
    """The share of outputs on the right side of the threshold: mean_k [y_k == (p_k > threshold)]."""

    _kind = _default_name = "binary_accuracy"

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"threshold={threshold!r} is not between 0 and 1")
        self.threshold = float(threshold)
        super().__init__(name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


class CategoricalAccuracy(Metric):
    """The share of samples whose largest output stands where the largest target does."""

    _kind = _default_name = "categorical_accuracy"


class SparseCategoricalAccuracy(Metric):
    """Categorical accuracy for targets given as class numbers."""

    _kind = "categorical_accuracy"
    _default_name = "sparse_categorical_accuracy"

    def _loss(self) -> losses.Loss:
        return losses.SparseCategoricalCrossentropy()


class MeanAbsoluteError(Metric):
    """The mean of |y_pred - y_true|."""

    _kind = _default_name = "mean_absolute_error"


class MeanSquaredError(Metric):
    """The mean of (y_pred - y_true)^2."""

    _kind = _default_name = "mean_squared_error"


class BinaryCrossentropy(Metric):
    """The mean binary cross-entropy."""

    _kind = _default_name = "binary_crossentropy"


class CategoricalCrossentropy(Metric):
    """The mean categorical cross-entropy."""

    _kind = _default_name = "categorical_crossentropy"


class SparseCategoricalCrossentropy(Metric):
    """The mean categorical cross-entropy for class numbers."""

    _kind = _default_name = "sparse_categorical_crossentropy"

    def _loss(self) -> losses.Loss:
        return losses.SparseCategoricalCrossentropy()


_CLASSES: dict[str, type[Metric]] = {
    cls.__name__: cls
    for cls in (
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        MeanAbsoluteError,
        MeanSquaredError,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        SparseCategoricalCrossentropy,
    )
}
_ALL: dict[str, type[Metric]] = {
    **_CLASSES,
    **{cls._default_name: cls for cls in _CLASSES.values()},
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
}


def get(identifier: str | Metric) -> Metric:
    """The metric of that name, which it keeps as its own name (``"mae"`` reports as ``mae``).

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str) and identifier in _ALL:
        return _ALL[identifier](name=identifier)
    raise unknown("metric", identifier, {**_ALL, "accuracy": BinaryAccuracy})


def for_model(identifier: str | Metric, units: int, sparse: bool) -> Metric:
    """As `get`; ``"accuracy"`` becomes the accuracy that fits the outputs and targets, as in Keras."""
    if isinstance(identifier, str) and identifier in ("accuracy", "acc"):
        if units == 1:
            return BinaryAccuracy(name=identifier)
        return (SparseCategoricalAccuracy if sparse else CategoricalAccuracy)(name=identifier)
    return get(identifier)
