"""Losses: objects with Keras's names, defaults and reductions (``keras/src/losses``).

``loss(y_true, y_pred)`` is the value that training minimises, ``loss.gradient(y_true, y_pred)`` its
derivative with respect to ``y_pred``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .._core import kernels
from .._names import arguments, serialized, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_L = TypeVar("_L", bound="Loss")


class Loss:
    """What all losses share.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None}
        How the losses of the samples, multiplied by their weights, become one number: their sum divided by
        the number of samples (the first two), their sum, or their sum divided by the sum of the weights.  None
        leaves them as they are: for a loss on its own, not for training.
    name : str, optional
    """

    _kind: str

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        if reduction not in (None, "none") and reduction not in kernels.REDUCTIONS:
            known = ", ".join(map(repr, (*kernels.REDUCTIONS, "none", None)))
            raise ValueError(f"reduction={reduction!r} is not one of {known}")
        self.reduction = reduction
        self.name = name or self._default_name()

    @classmethod
    def _default_name(cls) -> str:
        return cls._kind

    def _parameters(self) -> tuple[float, ...]:
        """The numbers that the core needs beside the kind, in its order."""
        return ()

    def _spec(self) -> tuple[str, str | None, bool, tuple[float, ...]]:
        """What the core needs to know: (kind, reduction, from_logits, parameters)."""
        return (self._kind, self.reduction, getattr(self, "from_logits", False), self._parameters())

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
        """
        y, p, w = self._columns(y_true, y_pred, sample_weight)
        values = self._values(y, p)
        if self.reduction in (None, "none"):
            return values * w
        return p.dtype.type(np.sum(values * w, dtype=np.float64) * self._factor(y, w))

    def gradient(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> NDArray[Any]:
        """d(loss)/d(y_pred), an array of y_pred's shape; where reduction is None, that of the sum."""
        y, p, w = self._columns(y_true, y_pred, sample_weight)
        scale = (w * self._factor(y, w)).astype(p.dtype)
        spec = (self._kind, "sum", *self._spec()[2:])
        return kernels.loss_gradient_of(spec, y, p, scale).reshape(np.shape(y_pred))

    def _values(self, y: Any, p: Any) -> Any:
        return kernels.loss_value((self._kind, "sum", *self._spec()[2:]), y, p)

    def _factor(self, y: Any, w: Any) -> float:
        """What multiplies the weighted sum."""
        if self.reduction in ("sum", "none", None):
            return 1.0
        total = float(np.sum(w, dtype=np.float64)) if self.reduction == "mean_with_sample_weight" else float(len(w))
        return 1.0 / total if total else 0.0

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
        """The object that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config, axis=-1))

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


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

    def __init__(
        self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(reduction, name)
        self.delta = _number("delta", delta, 0.0)

    @classmethod
    def _default_name(cls) -> str:
        return "huber_loss"

    def _parameters(self) -> tuple[float, ...]:
        return (self.delta,)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "delta": self.delta}


class LogCosh(Loss):
    """mean_k log(cosh(y_pred_k - y_true_k))"""

    _kind = "log_cosh"


class Poisson(Loss):
    """mean_k [y_pred_k - y_true_k log(y_pred_k + 1e-7)]"""

    _kind = "poisson"


class KLDivergence(Loss):
    """sum_k y_true_k log(y_true_k / y_pred_k), both clipped to [1e-7, 1]."""

    _kind = "kl_divergence"


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


class CosineSimilarity(Loss):
    """-sum_k y_true_k y_pred_k / (|y_true| |y_pred|): -1 for the same direction, 1 for the opposite one.

    Parameters
    ----------
    axis : -1
        Here for Keras's configurations; rows of numbers have no other.
    """

    _kind = "cosine_similarity"

    def __init__(self, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        super().__init__(reduction, name)
        self.axis = _last_axis(axis)


class _Crossentropy(Loss):
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = bool(from_logits)
        self.label_smoothing = _number("label_smoothing", label_smoothing, 0.0, 1.0)
        self.axis = _last_axis(axis)

    def _parameters(self) -> tuple[float, ...]:
        return (self.label_smoothing,)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
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
    axis : -1
    """

    _kind = "binary_crossentropy"


class BinaryFocalCrossentropy(_Crossentropy):
    """mean_k (1 - t)^gamma times the binary cross-entropy, t = y p + (1 - y)(1 - p) (Lin et al., ICCV 2017).

    Parameters
    ----------
    apply_class_balancing : bool
        Multiply by y alpha + (1 - y)(1 - alpha).
    alpha : float
        The weight of class 1, from 0 to 1.
    gamma : float
        How much less those count that are right already; 0 leaves the cross-entropy.
    from_logits, label_smoothing, axis
        As of `BinaryCrossentropy`.  From logits, p = sigmoid(y_pred); behind a sigmoid or softmax the cross-entropy
        is taken from the model's logits, and the factor from its outputs.
    """

    _kind = "binary_focal_crossentropy"

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha = _number("alpha", alpha)
        self.gamma = _number("gamma", gamma)

    def _parameters(self) -> tuple[float, ...]:
        return (self.label_smoothing, self.gamma, self.alpha, float(self.apply_class_balancing))

    def get_config(self) -> dict[str, Any]:
        own = {"apply_class_balancing": self.apply_class_balancing, "alpha": self.alpha, "gamma": self.gamma}
        return {**super().get_config(), **own}


class CategoricalCrossentropy(_Crossentropy):
    """-sum_k y_k log p_k, p = y_pred / sum(y_pred) clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        y_pred holds logits z; p = softmax(z).  A model whose last activation is softmax or sigmoid uses its
        logits in any case, as Keras on TensorFlow.
    label_smoothing : float
        s in y <- y (1 - s) + s / classes.
    axis : -1
    """

    _kind = "categorical_crossentropy"


class CategoricalFocalCrossentropy(_Crossentropy):
    """-sum_k alpha_k (1 - p_k)^gamma y_k log p_k, p = y_pred / sum(y_pred) clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    alpha : float or list of float
        A weight for all classes, or one for each.
    gamma : float
        How much less those count that are right already; 0 leaves the cross-entropy, times alpha.
    from_logits, label_smoothing, axis
        As of `CategoricalCrossentropy`, but a model's outputs are taken as they are: logits behind a last
        activation are not looked for, as in Keras.
    """

    _kind = "categorical_focal_crossentropy"

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.alpha: float | list[float]
        if isinstance(alpha, Iterable) and not isinstance(alpha, str):
            self.alpha = [_number(f"alpha[{i}]", value) for i, value in enumerate(alpha)]
        else:
            self.alpha = _number("alpha", alpha)
        self.gamma = _number("gamma", gamma)

    def _parameters(self) -> tuple[float, ...]:
        # Keras makes float32 of a list, whatever the type of the rest
        alpha = [float(np.float32(a)) for a in self.alpha] if isinstance(self.alpha, list) else [self.alpha]
        return (self.label_smoothing, self.gamma, *alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "gamma": self.gamma}


class SparseCategoricalCrossentropy(Loss):
    """Categorical cross-entropy for targets given as class numbers, of shape (samples,) or (samples, 1).

    From probabilities, Keras takes log(clip(y_pred)) for logits: the clipped values are normalised.

    Parameters
    ----------
    from_logits : bool
        As of `CategoricalCrossentropy`.
    ignore_class : int, optional
        Samples of that class, which need not be one of the outputs, have no loss and do not count.
    axis : -1
    """

    _kind = "sparse_categorical_crossentropy"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        if isinstance(ignore_class, bool) or not isinstance(ignore_class, int | np.integer | None):
            raise TypeError(f"ignore_class={ignore_class!r} is neither an integer nor None")
        self.from_logits = bool(from_logits)
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        _last_axis(axis)

    def _parameters(self) -> tuple[float, ...]:
        return (0.0,) if self.ignore_class is None else (0.0, 1.0, float(self.ignore_class))

    def _targets(self, y: Any, samples: int, units: int) -> Any:
        if y.shape == (samples, 1):
            y = y[:, 0]
        if y.shape != (samples,):
            raise ValueError(f"y_true has shape {y.shape}, expected ({samples},): one class number a sample")
        check_classes("y_true", y, units, self.ignore_class)
        counts = True if self.ignore_class is None else (y != self.ignore_class)[:, np.newaxis]
        return ((y[:, np.newaxis] == np.arange(units)) & counts).astype(np.float32)

    def _factor(self, y: Any, w: Any) -> float:
        # rows without any class are those that are ignored
        return super()._factor(y, w if self.ignore_class is None else w[y.any(axis=1)])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits, "ignore_class": self.ignore_class}


def _number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    # NumPy's scalars are numbers; strings and booleans are not
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not (real and math.isfinite(value) and low <= value <= high):
        limits = (
            "" if math.isinf(low) else f" of at least {low:g}" if math.isinf(high) else f" between {low:g} and {high:g}"
        )
        raise ValueError(f"{name}={value!r} is not a finite number{limits}")
    return float(value)


def _last_axis(axis: Any) -> int:
    if isinstance(axis, bool) or axis != -1:
        raise ValueError(f"axis={axis!r}, expected -1: losses here are of rows of numbers")
    return -1


def check_classes(name: str, y: Any, classes: int, ignored: int | None = None) -> None:
    """Raise ValueError unless all values are whole numbers in [0, classes), or the ignored one."""
    bad = ~((y >= 0) & (y < classes) & (y == np.floor(y)))
    if ignored is not None:
        bad &= y != ignored
    if bad.any():
        where = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name}[{where}] = {y.ravel()[where].item()!r} is no class number, "
            f"expected whole numbers from 0 to {classes - 1}"
        )


_CLASSES: dict[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (
        MeanAbsoluteError,
        MeanSquaredError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        Huber,
        LogCosh,
        Poisson,
        KLDivergence,
        Hinge,
        SquaredHinge,
        CategoricalHinge,
        CosineSimilarity,
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        SparseCategoricalCrossentropy,
    )
}
_ALL: dict[str, type[Loss]] = {
    **_CLASSES,
    **{cls._kind: cls for cls in _CLASSES.values()},
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "mape": MeanAbsolutePercentageError,
    "MAPE": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
    "MSLE": MeanSquaredLogarithmicError,
    "logcosh": LogCosh,
    "kld": KLDivergence,
    "KLD": KLDivergence,
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
}


def _function(cls: type[Loss]) -> Callable[..., Any]:
    def function(y_true: ArrayLike, y_pred: ArrayLike, *arguments: Any, **options: Any) -> Any:
        values: Any = cls(*arguments, **options, reduction="none")(y_true, y_pred)  # type: ignore[misc]
        return values[0] if np.ndim(y_pred) == 1 else values

    function.__name__ = function.__qualname__ = cls._kind
    function.__doc__ = (
        f"`{cls.__name__}` of each row; further arguments are those of the class, but reduction and name."
    )
    return function


FUNCTIONS = {cls._kind: _function(cls) for cls in _CLASSES.values()}
"""Name -> function of (y_true, y_pred), as in Keras; each is an attribute of this module and, but for the cosine
similarity, whose sign differs there, of `metrics`."""


def __getattr__(name: str) -> Callable[..., Any]:
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *FUNCTIONS})


def get(identifier: str | Loss | type[Loss] | dict[str, Any] | Callable[..., Any]) -> Loss:
    """The loss of that name, class or serialized form, or of one of the functions here.

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
    name = getattr(identifier, "__name__", "")
    if name in FUNCTIONS and identifier is FUNCTIONS[name]:
        return _ALL[name]()
    raise unknown("loss", identifier, _ALL)


def serialize(loss: Loss) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the loss."""
    return serialized("keras.losses", loss)


def deserialize(config: dict[str, Any]) -> Loss:
    """The loss that `serialize` described."""
    if config.get("class_name") not in _CLASSES:
        raise unknown("loss", config.get("class_name"), _CLASSES)
    return _CLASSES[config["class_name"]].from_config(config.get("config", {}))
