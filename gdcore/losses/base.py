"""What all losses share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from .. import _checks
from .._core import kernels
from .._core.specs import LossSpec
from .._fields import Choice, Configured, Field, Text
from .._names import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_L = TypeVar("_L", bound="Loss")


class LastAxis(Field[int]):
    """The axis of a row's values, which is here for Keras's configurations: rows have no other."""

    def check(self, value: Any) -> int:
        return int(_checks.last_axis(self.name, _checks.integer(self.name, value)))


class Loss(Configured):
    """What all losses share.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None}
        How the losses of the samples, multiplied by their weights, become one number: their sum divided by
        the number of samples (the first two), their sum, or their sum divided by the sum of the weights.  None
        leaves them as they are: for a loss on its own, not for training.
    name : str, optional
    """

    _kind: ClassVar[str]  # what the core calls it, and Keras's function
    _default_name: ClassVar[str | None] = None  # where it is not the kind

    name = Text()
    reduction = Choice((*kernels.REDUCTIONS, "none", None))

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        self.reduction = reduction
        self.name = (self._default_name or self._kind) if name is None or name == "" else name

    def _unit_weights(self) -> tuple[float, ...]:
        """The weights of the outputs, for kinds that have them: one for all, or one for each."""
        return ()

    def _spec(self) -> LossSpec:
        """What the core needs to know."""
        return self._spec_reduced(self.reduction)

    def _spec_reduced(self, reduction: str | None, kind: str | None = None) -> LossSpec:
        """The same with another reduction, for another kind with the same parameters if that is given."""
        row = kernels.METRICS[kind or self._kind]
        from_logits = getattr(self, "from_logits", False)
        return LossSpec(row.name, reduction, from_logits, row.numbers_of(self), self._unit_weights())

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.floating[Any] | NDArray[Any]:
        """The loss of a batch.

        Parameters
        ----------
        y_true, y_pred : array_like of shape (samples, units)
            Targets of shape (samples,) are taken as one column.  Computed in the type of y_pred (float32
            unless that is float64).
        sample_weight : array_like of shape (samples,), optional

        Returns
        -------
        numpy scalar, or ndarray of shape (samples,) where reduction is None

        Raises
        ------
        ValueError
            If the shapes do not fit; if an array does not hold real numbers it is a TypeError too.
        """
        y, p, w = self._batch(y_true, y_pred, sample_weight)
        values = kernels.loss_value(self._spec_reduced("sum"), y, p)
        if self.reduction in (None, "none"):
            return values * w
        return p.dtype.type(np.sum(values * w, dtype=np.float64) * self._factor(y, w))

    def gradient(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> NDArray[Any]:
        """d(loss)/d(y_pred), an array of y_pred's shape; where reduction is None, that of the sum."""
        y, p, w = self._batch(y_true, y_pred, sample_weight)
        scale = (w * self._factor(y, w)).astype(p.dtype)
        return kernels.loss_gradient_of(self._spec_reduced("sum"), y, p, scale).reshape(np.shape(y_pred))

    def _factor(self, y: Any, w: Any) -> float:
        """What multiplies the weighted sum."""
        if self.reduction in ("sum", "none", None):
            return 1.0
        total = float(np.sum(w, dtype=np.float64)) if self.reduction == "mean_with_sample_weight" else float(len(w))
        return 1.0 / total if total else 0.0

    def _batch(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Targets and outputs of shape (samples, units) and weights of shape (samples,), all of one type."""
        y, p = _checks.real_array("y_true", y_true), _checks.real_array("y_pred", y_pred)
        dtype = np.float64 if p.dtype == np.float64 else np.float32
        if p.ndim == 1:
            p = p[np.newaxis]  # one sample, as in Keras, which averages over the last axis
            y = y[np.newaxis]
        if p.ndim != 2 or p.size == 0:
            raise ValueError(f"y_pred has shape {np.shape(y_pred)}, expected (samples, units) and not empty")
        y = self._targets(y, p.shape[0], p.shape[1])
        w = np.ones(len(p)) if sample_weight is None else _checks.real_array("sample_weight", sample_weight)
        if w.shape == (len(p), 1):
            w = w[:, 0]
        if w.shape != (len(p),):
            raise ValueError(f"sample_weight has shape {w.shape}, expected ({len(p)},)")
        return y.astype(dtype, copy=False), np.ascontiguousarray(p, dtype), w.astype(dtype)

    def _targets(self, y: Any, samples: int, units: int) -> Any:
        """Targets of shape (samples, units)."""
        if y.ndim == 1 and units == 1:
            y = y[:, np.newaxis]
        if y.shape != (samples, units):
            raise ValueError(f"y_true has shape {y.shape}, expected {(samples, units)} as y_pred")
        return y

    @classmethod
    def from_config(cls: type[_L], config: dict[str, Any]) -> _L:
        """The object that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config, axis=-1))


def check_classes(name: str, y: Any, classes: int, ignored: int | None = None) -> None:
    """Raise ValueError unless all values are whole numbers in [0, classes), or the ignored one."""
    bad = ~((y >= 0) & (y < classes) & (y == np.floor(y)))
    if ignored is not None:
        bad &= y != ignored
    if bad.any():
        where = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name}[{where}] = {y.ravel()[where].item()!r} is not a valid class index, "
            f"expected whole numbers from 0 to {classes - 1}"
        )
