"""Losses: objects with Keras's names, defaults and reductions (``keras/src/losses``).

``loss(y_true, y_pred)`` is the value that training minimises, ``loss.gradient(y_true, y_pred)`` its
derivative with respect to ``y_pred``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ._core import kernels
from ._names import unknown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_L = TypeVar("_L", bound="Loss")


class Loss:
    """What all losses share.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"}
        How the losses of the samples, multiplied by their weights, become one number: their sum divided by
        the number of samples (the first two), their sum, or their sum divided by the sum of the weights.
    name : str, optional
    """

    _kind: str

    def __init__(self, *, reduction: str = "sum_over_batch_size", name: str | None = None) -> None:
        if reduction not in kernels.REDUCTIONS:
            raise ValueError(f"reduction={reduction!r} is not one of {', '.join(map(repr, kernels.REDUCTIONS))}")
        self.reduction = reduction
        self.name = name or self._kind

    def _spec(self) -> tuple[str, str, bool, float]:
        """What the core needs to know: (kind, reduction, from_logits, label_smoothing)."""
        return (self._kind, self.reduction, getattr(self, "from_logits", False), getattr(self, "label_smoothing", 0.0))

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.floating[Any]:
        """The loss of a batch.

        Parameters
        ----------
        y_true, y_pred : array_like of shape (samples, units)
            Targets of shape (samples,) are taken as one column.  Computed in the type of y_pred (float32
            unless that is float64).
        sample_weight : array_like of shape (samples,), optional

        Returns
        -------
        numpy scalar
        """
        y, p, w = self._columns(y_true, y_pred, sample_weight)
        values = kernels.loss_value(self._spec(), y, p)
        return p.dtype.type(np.sum(values * w, dtype=np.float64) * self._factor(w))

    def gradient(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> NDArray[Any]:
        """d(loss)/d(y_pred), an array of y_pred's shape."""
        y, p, w = self._columns(y_true, y_pred, sample_weight)
        scale = (w * self._factor(w)).astype(p.dtype)
        return kernels.loss_gradient_of(self._spec(), y, p, scale).reshape(np.shape(y_pred))

    def _factor(self, w: Any) -> float:
        if self.reduction == "sum":
            return 1.0
        if self.reduction == "mean_with_sample_weight":
            total = float(np.sum(w, dtype=np.float64))
            return 1.0 / total if total else 0.0
        return 1.0 / len(w)

    def _columns(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        p = np.asarray(y_pred)
        y = np.asarray(y_true)
        for name, array in (("y_true", y), ("y_pred", p)):
            if array.dtype.kind not in "fiub":
                raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
        dtype = np.float64 if p.dtype == np.float64 else np.float32
        if p.ndim == 1:
            p = p[np.newaxis]  # one sample, as in Keras, which averages over the last axis
            y = y[np.newaxis]
        if p.ndim != 2 or p.size == 0:
            raise ValueError(f"y_pred has shape {np.shape(y_pred)}, expected (samples, units) and not empty")
        y = self._targets(y, p.shape[0], p.shape[1])
        w = np.ones(len(p), dtype) if sample_weight is None else np.asarray(sample_weight).astype(dtype)
        if w.shape == (len(p), 1):
            w = w[:, 0]
        if w.shape != (len(p),):
            raise ValueError(f"sample_weight has shape {w.shape}, expected ({len(p)},)")
        return y.astype(dtype, copy=False), np.ascontiguousarray(p, dtype), w

    def _targets(self, y: Any, samples: int, units: int) -> Any:
        if y.ndim == 1 and units == 1:
            y = y[:, np.newaxis]
        if y.shape != (samples, units):
            raise ValueError(f"y_true has shape {y.shape}, expected {(samples, units)} as y_pred")
        return y

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls: type[_L], config: dict[str, Any]) -> _L:
        """The object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class MeanAbsoluteError(Loss):
    """mean_k |y_pred_k - y_true_k|; its derivative at 0 is 0, as in TensorFlow."""

    _kind = "mean_absolute_error"


class MeanSquaredError(Loss):
    """mean_k (y_pred_k - y_true_k)^2"""

    _kind = "mean_squared_error"


class _Crossentropy(Loss):
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if not 0.0 <= label_smoothing <= 1.0:
            raise ValueError(f"label_smoothing={label_smoothing!r} is not between 0 and 1")
        self.from_logits = bool(from_logits)
        self.label_smoothing = float(label_smoothing)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
        }


class BinaryCrossentropy(_Crossentropy):
    """-mean_k [y log p + (1 - y) log(1 - p)], p = y_pred clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        y_pred holds logits z, p = sigmoid(z); then max(z, 0) - z y + log(1 + exp(-|z|)) is averaged.
        A model whose last activation is sigmoid or softmax uses its logits in any case, as Keras on TensorFlow.
    label_smoothing : float
        s in y <- y (1 - s) + s / 2.
    """

    _kind = "binary_crossentropy"


class CategoricalCrossentropy(_Crossentropy):
    """-sum_k y_k log p_k, p = y_pred / sum(y_pred) clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        y_pred holds logits z; p = softmax(z).  A model whose last activation is softmax or sigmoid uses its
        logits in any case, as Keras on TensorFlow.
    label_smoothing : float
        s in y <- y (1 - s) + s / classes.
    """

    _kind = "categorical_crossentropy"


class SparseCategoricalCrossentropy(Loss):
    """Categorical cross-entropy for targets given as class numbers, of shape (samples,) or (samples, 1).

    From probabilities, Keras takes log(clip(y_pred)) for logits: the clipped values are normalised.
    """

    _kind = "sparse_categorical_crossentropy"

    def __init__(
        self, from_logits: bool = False, *, reduction: str = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.from_logits = bool(from_logits)

    def _targets(self, y: Any, samples: int, units: int) -> Any:
        if y.shape == (samples, 1):
            y = y[:, 0]
        if y.shape != (samples,):
            raise ValueError(f"y_true has shape {y.shape}, expected ({samples},): one class number a sample")
        check_classes("y_true", y, units)
        return (y[:, np.newaxis] == np.arange(units)).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits}


def check_classes(name: str, y: Any, classes: int) -> None:
    """Raise ValueError unless all values are whole numbers in [0, classes)."""
    bad = ~((y >= 0) & (y < classes) & (y == np.floor(y)))
    if bad.any():
        where = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name}[{where}] = {y.ravel()[where].item()!r} is no class number, "
            f"expected whole numbers from 0 to {classes - 1}"
        )


_CLASSES: dict[str, type[Loss]] = {
    "MeanAbsoluteError": MeanAbsoluteError,
    "MeanSquaredError": MeanSquaredError,
    "BinaryCrossentropy": BinaryCrossentropy,
    "CategoricalCrossentropy": CategoricalCrossentropy,
    "SparseCategoricalCrossentropy": SparseCategoricalCrossentropy,
}
_ALL: dict[str, type[Loss]] = {
    **_CLASSES,
    **{cls._kind: cls for cls in _CLASSES.values()},
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
}


def get(identifier: str | Loss | dict[str, Any]) -> Loss:
    """The loss of that name (or serialized form).

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if isinstance(identifier, str) and identifier in _ALL:
        return _ALL[identifier]()
    raise unknown("loss", identifier, _ALL)


def serialize(loss: Loss) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the loss."""
    return {"class_name": type(loss).__name__, "config": loss.get_config()}


def deserialize(config: dict[str, Any]) -> Loss:
    """The loss that `serialize` described."""
    if config.get("class_name") not in _CLASSES:
        raise unknown("loss", config.get("class_name"), _CLASSES)
    return _CLASSES[config["class_name"]].from_config(config.get("config", {}))
