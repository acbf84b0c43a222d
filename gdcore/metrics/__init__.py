"""Metrics: figures over all rows of an epoch, with Keras's names, defaults and values (``keras/src/metrics``).

A plain mean over the rows is taken by the core inside its loop (`Metric._spec`); all others are computed here in NumPy
from the outputs of a batch or of a whole epoch (`Metric._by_batch` says which).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import activations, losses
from .._core import kernels
from .._names import arguments, look_up, serialized, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import ClassVar

    from numpy.typing import ArrayLike, NDArray

_M = TypeVar("_M", bound="Metric")
_Figure = float | np.ndarray

_EPSILON = 1e-7
_NEGATIVE = -1e10  # what Keras puts for outputs that are not among the top k


class Variable(np.ndarray):
    """An array that can be assigned to as Keras's variables are: the state of a metric of one's own."""

    def assign(self, value: ArrayLike) -> Variable:
        """Overwrite it."""
        self[...] = value
        return self

    def assign_add(self, value: ArrayLike) -> Variable:
        """Add to it."""
        self[...] += value
        return self

    def assign_sub(self, value: ArrayLike) -> Variable:
        """Subtract from it."""
        self[...] -= value
        return self

    def numpy(self) -> NDArray[Any]:
        """A copy of it as a plain array."""
        return np.array(self)


class Metric:
    """What all metrics share, and the class to derive one's own from.

    `update_state` adds a batch, `result` is the figure so far, `reset_state` forgets.  A metric of one's own makes its
    variables in ``__init__`` by `add_variable`, after ``super().__init__()``, and says what the other two do; it gets
    NumPy arrays, one batch at a time.

    Parameters
    ----------
    dtype : {"float32", "float64"}, optional
        The type in which targets and outputs are compared (float32 if not given).
    name : str, optional
        By default the class's name in snake_case.

    Examples
    --------
    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **options):
    ...         super().__init__(name=name, **options)
    ...         self.largest = self.add_variable((), "zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(np.maximum(self.largest, np.abs(y_true - y_pred).max()))
    ...     def result(self):
    ...         return self.largest
    >>> float(Largest()([[1.0], [2.0]], np.array([[1.5], [0.0]])))
    2.0
    """

    _default_name: str | None = None
    _dtypes: ClassVar[dict[str, str]] = {
        "float32": "float32",
        "float64": "float64",
        "int": "int64",
        "int32": "int32",
        "int64": "int64",
    }
    _by_batch = True  # whether feeding a whole epoch at once gives another figure than feeding its batches

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__ != __name__:
            cls._by_batch = True  # what a class of the user does with a batch is not known

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        self.name = name or self._default_name or _snake(type(self).__name__)
        said = (dtype or "float32") if isinstance(dtype, str | None) else np.dtype(dtype).name
        self._dtype = look_up("dtype", said, self._dtypes)
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        """The type in which targets and outputs are compared."""
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        """What `add_variable` made."""
        return list(self._variables)

    def _spec(self, reduction: str = "mean") -> Any:
        """What the core needs to know to take this as a mean inside its loop, or None if it cannot."""
        return None

    def _loss(self) -> losses.Loss | None:
        """A loss that takes targets of the same form as this metric, or None if it takes them as they come."""
        return None

    def add_variable(
        self,
        shape: int | Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """An array that `reset_state` sets to zero.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or Initializer
            Its first values; as in Keras, `reset_state` sets zeros whatever it is.
        dtype : str, optional
            By default the metric's.
        aggregation, name : str, optional
            Taken for Keras's sake, without influence here.
        """
        if not hasattr(self, "_variables"):
            raise RuntimeError(f"{type(self).__name__}.__init__ must call super().__init__() before add_variable")
        from .. import initializers

        chosen = dtype or self._dtype
        values = initializers.get("zeros" if initializer is None else initializer)(shape, "float32")
        variable = np.array(values, chosen).view(Variable)
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: int | Sequence[int] = (), initializer: Any = "zeros", dtype: str | None = None, name: Any = None
    ) -> Variable:
        """The same as `add_variable`, under its older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self._variables:
            variable[...] = 0
        for value in vars(self).values():
            if isinstance(value, Metric):
                value.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch."""
        raise NotImplementedError(f"{type(self).__name__} has no update_state")

    def result(self) -> Any:
        """The figure over all batches so far: a float, or an array of float32."""
        raise NotImplementedError(f"{type(self).__name__} has no result")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls: type[_M], config: Mapping[str, Any]) -> _M:
        """The object that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config))

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class _Sums(Metric):
    """A metric whose state is one array of sums over the rows, in float64."""

    _dtypes: ClassVar[dict[str, str]] = {"float32": "float32", "float64": "float64"}
    _by_batch = False

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        super().__init__(dtype, name)
        _Sums.reset_state(self)  # not that of a derived class, whose own state is not there yet

    def _loss(self) -> losses.Loss | None:
        return losses.MeanSquaredError()

    def _zeros(self) -> tuple[int, ...]:
        """The shape of the sums, with 1 for what only the first batch will tell."""
        return (2,)

    def reset_state(self) -> None:
        super().reset_state()
        self._sums: NDArray[Any] = np.zeros(self._zeros())
        self._empty = True

    def _add(self, sums: Any) -> None:
        if not self._empty and sums.shape != self._sums.shape:
            raise ValueError(
                f"y_pred has {sums.shape[-1]} columns, but metric {self.name!r} has seen {self._sums.shape[-1]} before"
            )
        self._sums = self._sums + sums
        self._empty = False

    def _rounded(self) -> Any:
        """The sums in the metric's type: the figures made of them round as Keras's."""
        return self._sums.astype(self._dtype)


# ---- means -----------------------------------------------------------------------------------------------


class Sum(_Sums):
    """The sum of values, each multiplied by the weight of its sample (as ``keras.metrics.Sum``)."""

    _default_name = "sum"

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def _zeros(self) -> tuple[int, ...]:
        return ()

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add an array of values; sample_weight has their shape, or that of their first axes."""
        each, _ = _by_sample(values, sample_weight, np.sum)
        self._add(np.sum(each, dtype=np.float64))

    def result(self) -> float:
        return float(self._sums)


class Mean(_Sums):
    """The weighted mean of values (as ``keras.metrics.Mean``); 0 before the first.

    Values of more than one dimension are first averaged over all axes but the first: each row counts once.  A scalar
    counts as one sample.
    """

    _default_name = "mean"

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add an array of values; sample_weight has their shape, or that of their first axes."""
        each, weights = _by_sample(values, sample_weight, np.mean)
        count = np.size(each) if weights is None else np.sum(weights, dtype=np.float64)
        self._add(np.array([np.sum(each, dtype=np.float64), count]))

    def result(self) -> float:
        total, count = self._sums.tolist()
        return total / count if count else 0.0


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
    _by_batch = True  # fn may give one value for all of its rows

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: str | None = None, **kwargs: Any):
        if not callable(fn):
            raise TypeError(f"fn={fn!r} is not callable")
        self._fn = fn
        self._kwargs = kwargs
        super().__init__(name, dtype)

    def _loss(self) -> losses.Loss | None:
        return None

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch."""
        super().update_state(
            self._fn(_array("y_true", y_true), _array("y_pred", y_pred), **self._kwargs), sample_weight
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again; fn is the function itself (`serialize` puts its name)."""
        return {**super().get_config(), "fn": self._fn, **self._kwargs}

    @classmethod
    def from_config(cls: type[_M], config: Mapping[str, Any]) -> _M:
        """The object that `get_config` described."""
        return cls(**config)  # whatever fn takes


class _Elementwise(Mean):
    """The mean of a figure that each single output has."""

    def _values(self, y: Any, p: Any) -> Any:
        raise NotImplementedError

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch: arrays of one shape; sample_weight of that shape or of shape (samples,)."""
        super().update_state(self._values(*_pair(y_true, y_pred)), sample_weight)


class Accuracy(_Elementwise):
    """The share of outputs that equal their target."""

    _default_name = "accuracy"

    def _values(self, y: Any, p: Any) -> Any:
        return y.astype(p.dtype) == p


class BinaryAccuracy(_Elementwise):
    """The share of outputs on the right side of the threshold: mean_k [y_k == (p_k > threshold)].

    Parameters
    ----------
    name, dtype : str, optional
    threshold : float
        At least 0 and less than 1; 0 for outputs that are logits.
    """

    _default_name = "binary_accuracy"

    def __init__(self, name: str | None = None, dtype: str | None = None, threshold: float = 0.5) -> None:
        if not 0.0 <= threshold < 1.0:
            raise ValueError(f"threshold={threshold!r} is not between 0 and 1 (1 excluded)")
        self.threshold = float(threshold)
        super().__init__(name, dtype)

    def _spec(self, reduction: str = "mean") -> Any:
        return ("binary_accuracy", reduction, False, (self.threshold,)) if _built_in(self) else None

    def _values(self, y: Any, p: Any) -> Any:
        return y == (p > p.dtype.type(self.threshold))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


class RootMeanSquaredError(_Elementwise):
    """The square root of the mean of (y_pred - y_true)^2."""

    _default_name = "root_mean_squared_error"

    def _values(self, y: Any, p: Any) -> Any:
        return np.square(p.astype(self._dtype) - y.astype(self._dtype))

    def result(self) -> float:
        return float(np.sqrt(super().result()))


class _SampleMean(Mean):
    """The mean of a figure that each sample has: of a loss, or of another kind that the core knows."""

    _loss_class: type[losses.Loss] = losses.MeanSquaredError
    _kind: str | None = None

    def __init__(self, name: str | None = None, dtype: str | None = None, **settings: Any) -> None:
        self._settings = settings
        self._of = self._loss_class(**settings)
        super().__init__(name, dtype)

    def _loss(self) -> losses.Loss:
        return self._of

    def _spec(self, reduction: str = "mean") -> Any:
        return self._core_spec(reduction) if _built_in(self) else None

    def _core_spec(self, reduction: str) -> Any:
        kind, _, *rest = self._of._spec()
        return (self._kind or kind, reduction, *rest)

    def _values(self, y: Any, p: Any) -> Any:
        return kernels.loss_value(self._core_spec("mean"), y, p)

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch of shape (samples, units); sample_weight is of shape (samples,)."""
        super().update_state(self._each(y_true, y_pred), sample_weight)

    def _each(self, y_true: ArrayLike, y_pred: ArrayLike) -> Any:
        y, p, _ = self._of._batch(_array("y_true", y_true), _array("y_pred", y_pred), None)
        with np.errstate(all="ignore"):
            return self._values(y, p)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._settings}


class CategoricalAccuracy(_SampleMean):
    """The share of samples whose largest output stands where the largest target does."""

    _kind = _default_name = "categorical_accuracy"


class SparseCategoricalAccuracy(_SampleMean):
    """Categorical accuracy for targets given as class numbers."""

    _loss_class = losses.SparseCategoricalCrossentropy
    _kind = "categorical_accuracy"
    _default_name = "sparse_categorical_accuracy"

    def _core_spec(self, reduction: str) -> Any:
        return (self._kind, reduction, False, ())


class MeanAbsoluteError(_SampleMean):
    """The mean of |y_pred - y_true|."""

    _loss_class = losses.MeanAbsoluteError
    _default_name = "mean_absolute_error"


class MeanSquaredError(_SampleMean):
    """The mean of (y_pred - y_true)^2."""

    _default_name = "mean_squared_error"


class BinaryCrossentropy(_SampleMean):
    """The mean binary cross-entropy; `from_logits` and `label_smoothing` as in the loss."""

    _loss_class = losses.BinaryCrossentropy
    _default_name = "binary_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(_SampleMean):
    """The mean categorical cross-entropy; `from_logits` and `label_smoothing` as in the loss."""

    _loss_class = losses.CategoricalCrossentropy
    _default_name = "categorical_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        _last_axis(axis)
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class SparseCategoricalCrossentropy(_SampleMean):
    """The mean categorical cross-entropy for class numbers; `from_logits` as in the loss.

    Parameters
    ----------
    name, dtype : str, optional
    from_logits : bool
    ignore_class : int, optional
        Samples of this class (which need not be one of the outputs) have the loss 0, and where sample weights are given
        the weight 0 too; without weights they count as samples, as in Keras.
    axis : int
        The last one.
    """

    _loss_class = losses.SparseCategoricalCrossentropy
    _default_name = "sparse_categorical_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        _last_axis(axis)
        self.ignore_class = ignore_class
        super().__init__(name, dtype, from_logits=from_logits)

    def _spec(self, reduction: str = "mean") -> Any:
        return super()._spec(reduction) if self.ignore_class is None else None

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add a batch: y_true of shape (samples,) or (samples, 1), y_pred of shape (samples, units)."""
        if self.ignore_class is None:
            return super().update_state(y_true, y_pred, sample_weight)
        y = _array("y_true", y_true)
        y = y.reshape(len(y)) if y.shape[1:] == (1,) else y
        kept = y != self.ignore_class
        values = kept * self._each(np.where(kept, y, 0), y_pred)
        Mean.update_state(
            self, values, None if sample_weight is None else _weights(sample_weight, y.shape, "float32") * kept
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ignore_class": self.ignore_class}


class _NumpyMean(_SampleMean):
    """A mean over samples whose figure of a sample the core does not know."""

    _loss_class = losses.MeanSquaredError  # only for its check of the arguments

    def _spec(self, reduction: str = "mean") -> Any:
        return None


class MeanAbsolutePercentageError(_NumpyMean):
    """The mean of 100 |y_true - y_pred| / max(|y_true|, 1e-7)."""

    _default_name = "mean_absolute_percentage_error"

    def _values(self, y: Any, p: Any) -> Any:
        return 100 * np.mean(np.abs((y - p) / np.maximum(np.abs(y), p.dtype.type(_EPSILON))), axis=-1)


class MeanSquaredLogarithmicError(_NumpyMean):
    """The mean of (log(y_pred + 1) - log(y_true + 1))^2, both at least 1e-7."""

    _default_name = "mean_squared_logarithmic_error"

    def _values(self, y: Any, p: Any) -> Any:
        low = p.dtype.type(_EPSILON)
        return np.mean(np.square(np.log(np.maximum(p, low) + 1) - np.log(np.maximum(y, low) + 1)), axis=-1)


class LogCoshError(_NumpyMean):
    """The mean of log(cosh(y_pred - y_true)), as x + softplus(-2 x) - log 2."""

    _default_name = "logcosh"

    def _values(self, y: Any, p: Any) -> Any:
        x = p - y
        return np.mean(x + np.logaddexp(0, -2 * x) - p.dtype.type(np.log(2)), axis=-1)


class KLDivergence(_NumpyMean):
    """The mean of sum_k y_k log(y_k / p_k), both clipped to [1e-7, 1]."""

    _default_name = "kl_divergence"

    def _values(self, y: Any, p: Any) -> Any:
        y, p = (np.clip(x, x.dtype.type(_EPSILON), 1) for x in (y, p))
        return np.sum(y * np.log(y / p), axis=-1)


class Poisson(_NumpyMean):
    """The mean of y_pred - y_true log(y_pred + 1e-7)."""

    _default_name = "poisson"

    def _values(self, y: Any, p: Any) -> Any:
        return np.mean(p - y * np.log(p + p.dtype.type(_EPSILON)), axis=-1)


class Hinge(_NumpyMean):
    """The mean of max(1 - y_true y_pred, 0); targets that are all 0 or 1 (in a batch) become -1 and 1."""

    _default_name = "hinge"
    _by_batch = True

    def _values(self, y: Any, p: Any) -> Any:
        return np.mean(_hinge(y, p), axis=-1)


class SquaredHinge(_NumpyMean):
    """The mean of max(1 - y_true y_pred, 0)^2; targets that are all 0 or 1 (in a batch) become -1 and 1."""

    _default_name = "squared_hinge"
    _by_batch = True

    def _values(self, y: Any, p: Any) -> Any:
        return np.mean(np.square(_hinge(y, p)), axis=-1)


class CategoricalHinge(_NumpyMean):
    """The mean of max(max_k (1 - y_k) p_k - sum_k y_k p_k + 1, 0)."""

    _default_name = "categorical_hinge"

    def _values(self, y: Any, p: Any) -> Any:
        return np.maximum(np.max((1 - y) * p, axis=-1) - np.sum(y * p, axis=-1) + 1, 0)


class _AlongAxis(_NumpyMean):
    """A figure of the outputs along an axis: of each sample (the last axis), or of each unit of a batch."""

    def __init__(self, name: str | None = None, dtype: str | None = None, axis: int = -1) -> None:
        if axis not in (-2, -1, 0, 1):
            raise ValueError(f"axis={axis!r} is not an axis of (samples, units)")
        self.axis = axis
        super().__init__(name, dtype)
        self._by_batch = type(self)._by_batch or axis in (-2, 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class CosineSimilarity(_AlongAxis):
    """The mean of sum_k y_k p_k / (|y| |p|), the cosine of the angle between targets and outputs."""

    _default_name = "cosine_similarity"

    def _values(self, y: Any, p: Any) -> Any:
        y, p = (
            x * np.minimum(1 / np.sqrt(np.sum(np.square(x), axis=self.axis, keepdims=True)), x.dtype.type(1 / _EPSILON))
            for x in (y, p)
        )
        return np.sum(y * p, axis=self.axis)


class PearsonCorrelation(_AlongAxis):
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


class ConcordanceCorrelation(_AlongAxis):
    """The mean of Lin's concordance correlation of targets and outputs along an axis (see `PearsonCorrelation`)."""

    _default_name = "concordance_correlation"

    def _values(self, y: Any, p: Any) -> Any:
        options: Any = {"axis": self.axis, "keepdims": True}
        y_mean, p_mean = np.mean(y, **options), np.mean(p, **options)
        spread = np.var(y - y_mean, **options) + np.var(p - p_mean, **options) + np.square(y_mean - p_mean)
        # both factors are centred by the mean of p, as in Keras: it makes no difference to the mean of the product
        product = (y - p_mean) * (p - p_mean)
        return np.mean(2 * product / (spread + p.dtype.type(_EPSILON)), axis=self.axis)


class TopKCategoricalAccuracy(_NumpyMean):
    """The share of samples with the class of the largest target among those of the k largest outputs.

    Outputs equal to the k-th largest count as among them; a sample with an output that is not finite does not.

    Parameters
    ----------
    k : int
    name, dtype : str, optional
    """

    _default_name = "top_k_categorical_accuracy"

    def __init__(self, k: int = 5, name: str | None = None, dtype: str | None = None) -> None:
        self.k = _integer("k", k, 0)
        super().__init__(name, dtype)

    def _values(self, y: Any, p: Any) -> Any:
        return _in_top_k(y.argmax(axis=-1), p, self.k)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}


class SparseTopKCategoricalAccuracy(Mean):
    """`TopKCategoricalAccuracy` for targets given as class numbers.

    Parameters
    ----------
    k : int
    name, dtype : str, optional
    from_sorted_ids : bool
        y_pred holds class numbers, likeliest first, instead of outputs.
    """

    _default_name = "sparse_top_k_categorical_accuracy"

    def __init__(
        self, k: int = 5, name: str | None = None, dtype: str | None = None, from_sorted_ids: bool = False
    ) -> None:
        self.k = _integer("k", k, 0)
        self.from_sorted_ids = bool(from_sorted_ids)
        super().__init__(name, dtype)

    def _loss(self) -> losses.Loss:
        return losses.SparseCategoricalCrossentropy()

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch: y_true of shape (samples,) or (samples, 1), y_pred of shape (samples, units)."""
        y, p = _array("y_true", y_true), _array("y_pred", y_pred)
        if p.ndim != 2:
            raise ValueError(f"y_pred has shape {p.shape}, expected (samples, units)")
        if y.shape not in ((len(p),), (len(p), 1)):
            raise ValueError(f"y_true has shape {y.shape}, expected ({len(p)},): one class number a sample")
        y = y.reshape(len(p))
        values = (p[:, : self.k] == y[:, np.newaxis]).any(axis=1) if self.from_sorted_ids else _in_top_k(y, p, self.k)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k, "from_sorted_ids": self.from_sorted_ids}


class R2Score(_Sums):
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

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        _one_of("class_aggregation", class_aggregation, (None, "uniform_average", "variance_weighted_average"))
        self.class_aggregation = class_aggregation
        self.num_regressors = _integer("num_regressors", num_regressors, 0)
        super().__init__(dtype, name)

    def _zeros(self) -> tuple[int, ...]:
        return (5, 1)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch of shape (samples, units); sample_weight of that shape or of shape (samples,)."""
        y, p = _rows(y_true, y_pred, self._dtype)
        w = _weights(1.0 if sample_weight is None else sample_weight, y.shape, self._dtype)
        entries = np.full(y.shape[1], float(y.size))
        error, y = y - p, y.astype(np.float64)  # the error rounds as Keras's, the sums must not
        each = [x.sum(axis=0, dtype=np.float64) for x in (w, y * w, y * (y * w), np.square(error) * w)]
        self._add(np.stack([*each, entries]))

    def result(self) -> _Figure:
        count, total, squares, residual, entries = self._sums
        with np.errstate(all="ignore"):
            spread = squares - total * (total / count)
            spread = np.where(np.abs(spread) < 1e-14 * squares, 0, spread)  # rounding, where the targets do not vary
            scores = 1 - residual / spread
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = scores.mean()
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.sum(spread * scores) / np.sum(spread)
        free = float(entries[0]) - self.num_regressors - 1  # as in Keras, each output counts as a data point
        if self.num_regressors and free > 0:
            scores = 1 - (1 - scores) * (float(entries[0]) - 1) / free
        elif self.num_regressors:
            import warnings

            warnings.warn(
                f"num_regressors={self.num_regressors} leaves no degree of freedom of {entries[0]:g} data points: "
                "the score is not adjusted",
                stacklevel=2,
            )
        return _figure(scores)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }


# ---- counts of right and wrong decisions -------------------------------------------------------------------


class _Confusion(_Sums):
    """True and false positives and negatives at each threshold, from which a figure is made."""

    top_k: int | None = None
    class_id: int | None = None
    _by_label = False  # whether each column has counts of its own
    _labels: Any = None  # weights of the columns where they have none of their own

    def __init__(self, thresholds: Sequence[float], even: bool, dtype: str | None, name: str | None) -> None:
        self._at = np.asarray(thresholds, np.float64)
        self._even = even
        super().__init__(dtype, name)

    def _zeros(self) -> tuple[int, ...]:
        return (4, len(self._at))

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true, y_pred : array_like of one shape, (samples,) or (samples, units)
            A target that is not 0 stands for yes, an output greater than a threshold too.
        sample_weight : array_like, optional
            Of shape (samples,), or of the shape of y_pred.
        """
        y, p = _pair(y_true, y_pred, self._dtype)
        w = None if sample_weight is None else _weights(sample_weight, p.shape, self._dtype)
        if self._by_label and p.ndim != 2:
            raise ValueError(f"y_pred has shape {p.shape}, expected (samples, labels)")
        if self.top_k is not None:
            if self.top_k > p.shape[-1]:
                raise ValueError(f"top_k={self.top_k}, but y_pred has shape {p.shape}")
            # of equal outputs the first come first
            top = np.argsort(-p, axis=-1, kind="stable")[..., : self.top_k]
            kept = np.full_like(p, _NEGATIVE)
            np.put_along_axis(kept, top, np.take_along_axis(p, top, axis=-1), axis=-1)
            p = kept
        if self.class_id is not None:
            if p.ndim == 1 or self.class_id >= p.shape[-1]:
                raise ValueError(f"class_id={self.class_id}, but y_pred has shape {p.shape}")
            y, p = y[..., self.class_id], p[..., self.class_id]
            w = None if w is None else w[..., self.class_id]
        if self._labels is not None and not self._by_label:
            columns = _weights([self._labels], p.shape, self._dtype)
            w = columns if w is None else w * columns
        self._add(self._counts(y, p, w))

    def _counts(self, y: Any, p: Any, w: Any) -> Any:
        """(4, thresholds) or (4, thresholds, labels): true and false positives, false and true negatives.

        Each output goes into the bucket of the number of thresholds that it is greater than; what lies above
        threshold k are the buckets after k, and the others lie below.
        """
        n = len(self._at)
        if self._even:
            # Keras does not compare with thresholds at even distances, but rounds: the same but for rounding
            bucket = np.ceil(np.clip(p, 0, 1) * p.dtype.type(n - 1))
            if self._at[0] < 0:
                bucket = np.maximum(bucket, 1)
            order = None
        else:
            order = np.argsort(self._at, kind="stable")
            bucket = np.searchsorted(self._at[order].astype(p.dtype), p, side="left")
        bucket = np.where(np.isnan(p), 0, bucket).astype(np.intp)
        labels = p.shape[-1] if self._by_label else 1
        if self._by_label:
            bucket = bucket * labels + np.arange(labels)
        index = 2 * bucket + (y != 0)
        weights = None if w is None else w.ravel()
        sums = np.bincount(index.ravel(), weights, 2 * labels * (n + 1)).reshape(n + 1, labels, 2).astype(np.float64)
        above = sums[:0:-1].cumsum(axis=0)[::-1]
        below = sums[:-1].cumsum(axis=0)
        if order is not None:
            back = np.argsort(order)
            above, below = above[back], below[back]
        counts = np.stack([above[..., 1], above[..., 0], below[..., 1], below[..., 0]])
        return counts if self._by_label else counts[..., 0]


class _Count(_Confusion):
    _which: int

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: str | None = None) -> None:
        self.thresholds, self._given = _thresholds(thresholds, 0.5)
        super().__init__(self.thresholds, _are_even(self.thresholds), dtype, name)

    def result(self) -> _Figure:
        """The (weighted) number; an array if several thresholds were given."""
        return _one_or_all(self._rounded()[self._which])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self._given}


class TruePositives(_Count):
    """How many outputs are greater than the threshold and rightly so.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], 0.5 if not given; `result` has one figure for each.
    name, dtype : str, optional
    """

    _which = 0


class FalsePositives(_Count):
    """How many outputs are greater than the threshold and should not be (parameters as in `TruePositives`)."""

    _which = 1


class FalseNegatives(_Count):
    """How many outputs are not greater than the threshold and should be (parameters as in `TruePositives`)."""

    _which = 2


class TrueNegatives(_Count):
    """How many outputs are not greater than the threshold and rightly so (parameters as in `TruePositives`)."""

    _which = 3


class Precision(_Confusion):
    """The share of right ones among the outputs that say yes: TP / (TP + FP), 0 if none does.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1]; an output greater than it says yes.  0.5 if neither this nor `top_k` is given.
    top_k : int, optional
        Only the k largest outputs of a sample can say yes.
    class_id : int, optional
        Look at this column only.
    name, dtype : str, optional
    """

    _other = 1  # false positives

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self.top_k = None if top_k is None else _integer("top_k", top_k, 1)
        self.class_id = None if class_id is None else _integer("class_id", class_id, 0)
        self.thresholds, self._given = _thresholds(thresholds, 0.5 if top_k is None else _NEGATIVE)
        super().__init__(self.thresholds, _are_even(self.thresholds), dtype, name)

    def result(self) -> _Figure:
        """The share; an array if several thresholds were given."""
        counts = self._rounded()
        return _one_or_all(_ratio(counts[0], counts[0] + counts[self._other]))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "thresholds": self._given,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Recall(Precision):
    """The share found of the targets that say yes: TP / (TP + FN), 0 if none does (parameters as in `Precision`)."""

    _other = 2  # false negatives


class _AtBest(_Confusion):
    """The best of one rate over all thresholds at which another is at least a given value."""

    _value: str  # the name of that value
    _dependent: tuple[int, int]  # which counts the rate is made of: a / (a + b)
    _constrained: tuple[int, int]

    def __init__(
        self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: str | None
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"{self._value}={value!r} is not between 0 and 1")
        setattr(self, self._value, value)
        self.num_thresholds = n = _integer("num_thresholds", num_thresholds, 1)
        self.class_id = None if class_id is None else _integer("class_id", class_id, 0)
        self.thresholds = [0.5] if n == 1 else [i / (n - 1) for i in range(n)]
        super().__init__(self.thresholds, n > 1, dtype, name)

    def result(self) -> float:
        counts = self._rounded()
        rates = [_ratio(counts[a], counts[a] + counts[b]) for a, b in (self._dependent, self._constrained)]
        feasible = rates[1] >= counts.dtype.type(getattr(self, self._value))
        return float(np.max(np.where(feasible, rates[0], 0), initial=0))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._value: getattr(self, self._value),
        }


class SensitivityAtSpecificity(_AtBest):
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

    _value, _dependent, _constrained = "specificity", (0, 2), (3, 1)

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_AtBest):
    """The best TN / (TN + FP) where TP / (TP + FN) is at least the sensitivity (see `SensitivityAtSpecificity`)."""

    _value, _dependent, _constrained = "sensitivity", (3, 1), (0, 2)

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_AtBest):
    """The best TP / (TP + FP) where TP / (TP + FN) is at least the recall (see `SensitivityAtSpecificity`)."""

    _value, _dependent, _constrained = "recall", (0, 1), (0, 2)

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_AtBest):
    """The best TP / (TP + FN) where TP / (TP + FP) is at least the precision (see `SensitivityAtSpecificity`)."""

    _value, _dependent, _constrained = "precision", (0, 2), (0, 1)

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)


class AUC(_Confusion):
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
        self.curve = _one_of("curve", str(curve).upper(), ("ROC", "PR", "PRGAIN"))
        self.summation_method = _one_of(
            "summation_method", str(summation_method).lower(), ("interpolation", "minoring", "majoring")
        )
        if num_labels is not None and not multi_label:
            raise ValueError(f"num_labels={num_labels} is for multi_label=True only")
        self.multi_label = self._by_label = bool(multi_label)
        self.num_labels = None if num_labels is None else _integer("num_labels", num_labels, 1)
        self.label_weights = None if label_weights is None else _array("label_weights", label_weights).tolist()
        self.from_logits = bool(from_logits)
        self._given = thresholds is not None
        if thresholds is None:
            n = _integer("num_thresholds", num_thresholds, 2)
            inner = [i / (n - 1) for i in range(1, n - 1)]
        else:
            inner = sorted(_thresholds(list(thresholds), 0.5)[0]) if len(thresholds) else []
        self.num_thresholds = len(inner) + 2
        self.thresholds = [-_EPSILON, *inner, 1 + _EPSILON]
        self._labels = self.label_weights
        super().__init__(self.thresholds, not self._given or _are_even([0.0, *inner, 1.0]), dtype, name)

    def _zeros(self) -> tuple[int, ...]:
        return (4, self.num_thresholds, self.num_labels or 1) if self.multi_label else super()._zeros()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        p = _array("y_pred", y_pred)
        columns = p.shape[-1] if p.ndim else 0
        for what, labels in (("num_labels", self.num_labels), ("label_weights", self.label_weights)):
            expected = len(labels) if isinstance(labels, list) else labels
            if expected not in (None, columns):
                raise ValueError(f"y_pred has shape {p.shape}, but {what} is for {expected} columns")
        super().update_state(y_true, activations.sigmoid(p) if self.from_logits else p, sample_weight)

    def result(self) -> float:
        counts = self._rounded()
        areas = _area_by_interpolation(counts) if self._interpolates_pr else self._riemann(counts)
        if not self.multi_label:
            return float(areas)
        if self.label_weights is None:
            return float(np.mean(areas))
        weights = np.array(self.label_weights, counts.dtype)
        return float(_ratio(np.sum(areas * weights), np.sum(weights)))

    @property
    def _interpolates_pr(self) -> bool:
        return self.curve == "PR" and self.summation_method == "interpolation"

    def _riemann(self, counts: Any) -> Any:
        tp, fp, fn, tn = counts
        if self.curve == "ROC":
            x, y = _ratio(fp, fp + tn), _ratio(tp, tp + fn)
        elif self.curve == "PR":
            x, y = _ratio(tp, tp + fn), _ratio(tp, tp + fp)
        else:
            odds = _ratio(tp + fn, tn + fp)
            x = np.maximum(np.where(tp == 0, 0, 1 - odds * _ratio(fn, tp)), 0)
            y = np.where(tp == 0, 1, 1 - odds * _ratio(fp, tp))
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        else:
            heights = (np.minimum if self.summation_method == "minoring" else np.maximum)(y[:-1], y[1:])
        return np.sum((x[:-1] - x[1:]) * heights, axis=0)

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        return {**config, "thresholds": self.thresholds[1:-1]} if self._given else config


class FBetaScore(_Sums):
    """The weighted harmonic mean (1 + b^2) P R / (b^2 P + R) of precision P and recall R, for each class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None gives the scores of the classes as an array, "macro" their mean, "weighted" their mean by the number of
        targets; "micro" counts all classes together.
    beta : float
        Greater than 0: how many times more recall weighs than precision.
    threshold : float, optional
        In (0, 1]: outputs greater than it say yes.  If not given the largest of a sample does.
    name, dtype : str, optional
    """

    _default_name = "fbeta_score"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self.average = _one_of("average", average, (None, "micro", "macro", "weighted"))
        if not 0 < beta < float("inf"):
            raise ValueError(f"beta={beta!r} is not greater than 0 and finite")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"threshold={threshold!r} is not greater than 0 and at most 1")
        self.beta = float(beta)
        self.threshold = None if threshold is None else float(threshold)
        super().__init__(dtype, name)

    def _zeros(self) -> tuple[int, ...]:
        return (3,) if self.average == "micro" else (3, 1)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch of shape (samples, classes); sample_weight is of shape (samples,)."""
        y, p = _rows(y_true, y_pred, self._dtype)
        if self.threshold is None:
            said = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            said = p > p.dtype.type(self.threshold)
        w = _weights(1.0 if sample_weight is None else sample_weight, p.shape, self._dtype)
        axes = None if self.average == "micro" else 0
        self._add(np.stack([np.sum(x, axis=axes, dtype=np.float64) for x in (said * y * w, said * w, y * w)]))

    def result(self) -> _Figure:
        hits, said, targets = self._rounded()
        precision, recall = hits / (said + _EPSILON), hits / (targets + _EPSILON)
        square = self.beta**2
        scores = precision * recall / (square * precision + recall + _EPSILON) * (1 + square)
        if self.average == "weighted":
            scores = np.sum(scores * (targets / (np.sum(targets) + _EPSILON)))
        elif self.average == "macro":
            scores = np.mean(scores)
        return _figure(scores)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """`FBetaScore` with beta = 1: 2 P R / (P + R)."""

    _default_name = "f1_score"

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config


class IoU(_Sums):
    """The mean over some classes of intersection over union, TP / (TP + FP + FN), of those that occur.

    Parameters
    ----------
    num_classes : int
    target_class_ids : list of int
        The classes to look at.
    name : str, optional
    dtype : str, optional
        int64 if not given; then weights are cut to whole numbers, as in Keras.
    ignore_class : int, optional
        Samples with this target do not count.
    sparse_y_true, sparse_y_pred : bool
        Whether these are class numbers; otherwise the largest along `axis` says the class.
    axis : int
    """

    _dtypes = Metric._dtypes

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        self.num_classes = _integer("num_classes", num_classes, 1)
        self.target_class_ids = [_integer("target_class_ids", i, 0) for i in target_class_ids]
        if not self.target_class_ids or max(self.target_class_ids) >= num_classes:
            raise ValueError(
                f"target_class_ids={target_class_ids!r} are not numbers from 0 to num_classes - 1 = {num_classes - 1}"
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = bool(sparse_y_true)
        self.sparse_y_pred = bool(sparse_y_pred)
        self.axis = axis
        super().__init__(dtype or "int64", name)

    def _loss(self) -> losses.Loss | None:
        return None

    def _zeros(self) -> tuple[int, ...]:
        return (self.num_classes, self.num_classes)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch; class numbers that are not those of a class do not count."""
        y, p = _array("y_true", y_true), _array("y_pred", y_pred)
        y = (y if self.sparse_y_true else y.argmax(axis=self.axis)).astype(self._dtype).ravel()
        p = (p if self.sparse_y_pred else p.argmax(axis=self.axis)).astype(self._dtype).ravel()
        if y.shape != p.shape:
            raise ValueError(f"y_true has {y.size} class numbers, expected {p.size} as y_pred")
        w = _weights(1 if sample_weight is None else np.ravel(sample_weight), y.shape, self._dtype)
        counts = (y >= 0) & (y < self.num_classes) & (p >= 0) & (p < self.num_classes)
        if self.ignore_class is not None:
            counts &= y != self.ignore_class
        index = y[counts].astype(np.intp) * self.num_classes + p[counts].astype(np.intp)
        sums = np.bincount(index, w[counts], self.num_classes**2)
        self._add(sums.reshape(self.num_classes, self.num_classes))

    def result(self) -> float:
        hits = np.diag(self._sums)
        union = (self._sums.sum(axis=0) + self._sums.sum(axis=1) - hits)[self.target_class_ids].astype(np.float32)
        occurs = union > 1e-9
        shares = np.where(occurs, hits[self.target_class_ids].astype(np.float32) / (union + _EPSILON), 0)
        return float(np.sum(shares) / (np.sum(occurs, dtype=np.float32) + np.float32(_EPSILON)))

    def _options(self) -> dict[str, Any]:
        """The arguments of this class that describe what comes in."""
        return {
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            **self._options(),
        }


class MeanIoU(IoU):
    """`IoU` over all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        every = range(_integer("num_classes", num_classes, 1))
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["target_class_ids"]
        return config


class BinaryIoU(IoU):
    """`IoU` of the two classes 0 and 1, where outputs of at least the threshold say 1."""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self.threshold = float(threshold)
        super().__init__(2, target_class_ids, name, dtype)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        p = _array("y_pred", y_pred).astype(np.float32)
        super().update_state(y_true, p >= np.float32(self.threshold), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {
            **Metric.get_config(self),
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
        }


class OneHotIoU(IoU):
    """`IoU` for targets in one-hot rows, and outputs of each class unless `sparse_y_pred`."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config


class OneHotMeanIoU(MeanIoU):
    """`OneHotIoU` over all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config


# ---- what they are made of ---------------------------------------------------------------------------------


def _snake(name: str) -> str:
    """A class's or function's name as Keras makes a metric's name of it: AUC auc, MeanIoU mean_io_u."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _built_in(metric: Metric) -> bool:
    """Whether its class is one of these, and not one derived from them that may do something else."""
    return type(metric).__module__ == __name__


def _array(name: str, x: Any) -> Any:
    """x as an array; what is no array yet and holds fractions becomes float32, as in Keras."""
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
    if array.dtype == np.float64 and not isinstance(x, np.ndarray | np.generic):
        return array.astype(np.float32)
    return array


def _pair(y_true: Any, y_pred: Any, dtype: str | None = None) -> tuple[Any, Any]:
    """Both as arrays of one shape (where one is (n,) and the other (n, 1), both become the latter)."""
    y, p = _array("y_true", y_true), _array("y_pred", y_pred)
    if p.dtype.kind != "f":
        p = p.astype(np.float32)
    if (*y.shape, 1) == p.shape:
        y = y[..., np.newaxis]
    elif y.shape == (*p.shape, 1):
        p = p[..., np.newaxis]
    if y.shape != p.shape or p.ndim == 0:
        expected = f"{p.shape} as y_pred" if p.ndim else "at least one dimension"
        raise ValueError(f"y_true has shape {y.shape}, expected {expected}")
    return (y, p) if dtype is None else (y.astype(dtype, copy=False), p.astype(dtype, copy=False))


def _rows(y_true: Any, y_pred: Any, dtype: str) -> tuple[Any, Any]:
    y, p = _pair(y_true, y_pred, dtype)
    if p.ndim != 2:
        raise ValueError(f"y_pred has shape {p.shape}, expected (samples, units)")
    return y, p


def _weights(w: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Weights of the samples, or of all entries, spread to a shape."""
    array = _array("sample_weight", w).astype(dtype)
    given = array.shape
    if array.ndim == 1 and len(shape) > 1:
        array = array[:, np.newaxis]
    elif array.shape == (*shape, 1):
        array = array[..., 0]
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"sample_weight has shape {given}, expected ({shape[0]},) or {shape}") from None


def _by_sample(values: Any, sample_weight: Any, reduce: Any) -> tuple[Any, Any]:
    """(value, weight) of each sample, the value multiplied by the weight; weights None where none are given."""
    values = _array("values", values)
    if values.dtype.kind != "f":
        values = values.astype(np.float32)
    weights = None
    if sample_weight is not None:
        w = _array("sample_weight", sample_weight).astype(values.dtype)
        if w.shape == (*values.shape, 1):
            values = values[..., np.newaxis]
        elif values.shape == (*w.shape, 1):
            w = w[..., np.newaxis]
        if values.ndim > w.ndim:
            values = reduce(values, axis=tuple(range(w.ndim, values.ndim)))
        try:
            w = np.broadcast_to(w, np.shape(values))
        except ValueError:
            expected = np.shape(values)[:1]
            raise ValueError(f"sample_weight has shape {w.shape}, expected {expected}: one for each sample") from None
        values = values * w
        weights = reduce(w, axis=tuple(range(1, w.ndim))) if w.ndim > 1 else w
    if np.ndim(values) > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, weights


def _hinge(y: Any, p: Any) -> Any:
    if np.all((y == 0) | (y == 1)):
        y = 2 * y - 1
    return np.maximum(1 - y * p, 0)


def _in_top_k(classes: Any, p: Any, k: int) -> Any:
    """Whether fewer than k outputs are greater than that of the class (no, if an output is not finite)."""
    n, units = p.shape
    valid = (classes >= 0) & (classes < units) & np.isfinite(p).all(axis=1)
    own = p[np.arange(n), np.where(valid, classes, 0).astype(np.intp)]
    return valid & (np.sum(p > own[:, np.newaxis], axis=1) < k)


def _ratio(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def _area_by_interpolation(counts: Any) -> Any:
    """The area under the precision-recall curve that has TP and TP + FP move evenly between thresholds.

    With P = TP + FP and TP = a + s P in between, the area is the integral of (a + s P) / P dTP, which is
    s (dTP + a log(P_k / P_k+1)), over the number of targets.
    """
    tp, fp, fn, _ = counts
    p = tp + fp
    dtp = tp[:-1] - tp[1:]
    slope = _ratio(dtp, np.maximum(p[:-1] - p[1:], 0))
    start = tp[1:] - slope * p[1:]
    growth = np.where((p[:-1] > 0) & (p[1:] > 0), _ratio(p[:-1], np.maximum(p[1:], 0)), 1)
    return np.sum(_ratio(slope * (dtp + start * np.log(growth)), np.maximum(tp[1:] + fn[1:], 0)), axis=0)


def _thresholds(given: Any, default: float) -> tuple[list[float], Any]:
    """(thresholds as a list, what was given)."""
    if given is None:
        return [default], None
    values = list(given) if isinstance(given, list | tuple | np.ndarray) else [given]
    if not values or not all(isinstance(t, int | float | np.number) and 0 <= t <= 1 for t in values):
        raise ValueError(f"thresholds={given!r} are not numbers between 0 and 1")
    numbers = [float(t) for t in values]
    return numbers, numbers if isinstance(given, list | tuple | np.ndarray) else numbers[0]


def _are_even(thresholds: Sequence[float]) -> bool:
    """Whether they lie at even distances from 0 to 1 (to Keras's tolerance)."""
    n = len(thresholds)
    return n > 2 and np.allclose(thresholds, np.arange(n, dtype=np.float32) / (n - 1), atol=_EPSILON)


def _figure(value: Any) -> _Figure:
    return np.asarray(value, np.float32) if np.ndim(value) else float(value)


def _one_or_all(figures: Any) -> _Figure:
    return float(figures[0]) if len(figures) == 1 else figures


def _integer(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}={value!r} is not an integer of at least {least}")
    return int(value)


def _one_of(name: str, value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(map(repr, known))}")
    return value


def _last_axis(axis: int) -> None:
    if axis not in (-1, 1):
        raise ValueError(f"axis={axis!r} is not the last one, -1")


# ---- by name -----------------------------------------------------------------------------------------------


_CLASSES: dict[str, type[Metric]] = {
    cls.__name__: cls
    for cls in (
        Mean,
        Sum,
        MeanMetricWrapper,
        MeanSquaredError,
        RootMeanSquaredError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        CosineSimilarity,
        LogCoshError,
        R2Score,
        AUC,
        FalseNegatives,
        FalsePositives,
        Precision,
        PrecisionAtRecall,
        Recall,
        RecallAtPrecision,
        SensitivityAtSpecificity,
        SpecificityAtSensitivity,
        TrueNegatives,
        TruePositives,
        ConcordanceCorrelation,
        PearsonCorrelation,
        Hinge,
        SquaredHinge,
        CategoricalHinge,
        KLDivergence,
        Poisson,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        SparseCategoricalCrossentropy,
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy,
        F1Score,
        FBetaScore,
        IoU,
        BinaryIoU,
        MeanIoU,
        OneHotIoU,
        OneHotMeanIoU,
    )
}
_ALL: dict[str, type[Metric]] = {
    **_CLASSES,
    **{_snake(name): cls for name, cls in _CLASSES.items()},
    **dict.fromkeys(("mae", "MAE"), MeanAbsoluteError),
    **dict.fromkeys(("mse", "MSE"), MeanSquaredError),
    **dict.fromkeys(("mape", "MAPE"), MeanAbsolutePercentageError),
    **dict.fromkeys(("msle", "MSLE"), MeanSquaredLogarithmicError),
    **dict.fromkeys(("bce", "BCE"), BinaryCrossentropy),
}


def __getattr__(name: str) -> Any:
    if name in losses.FUNCTIONS and name != "cosine_similarity":
        return losses.FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(identifier: Any) -> Metric:
    """The metric that is meant.

    Parameters
    ----------
    identifier : str, type, Metric, dict or callable
        A class's name, in snake_case too, or Keras's abbreviation ("mae", "mse", "mape", "msle", "bce"); a class; what
        `serialize` gives; or a function of (y_true, y_pred), which becomes a `MeanMetricWrapper` of its name.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, str) and identifier in _ALL:
        return _ALL[identifier]()
    if callable(identifier):
        name = getattr(identifier, "name", None) or _snake(getattr(identifier, "__name__", type(identifier).__name__))
        return MeanMetricWrapper(identifier, name=name)
    raise unknown("metric", identifier, _ALL)


def for_model(identifier: Any, units: int, sparse: bool) -> Metric:
    """As `get`; a string names the metric, and ``"accuracy"`` becomes the one that fits outputs and targets."""
    if not isinstance(identifier, str):
        return get(identifier)
    if identifier.lower() in ("accuracy", "acc"):
        if units == 1:
            return BinaryAccuracy(name=identifier)
        return (SparseCategoricalAccuracy if sparse else CategoricalAccuracy)(name=identifier)
    metric = get(identifier)
    metric.name = identifier
    return metric


def serialize(metric: Metric) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the metric; a function in it is put by its name."""
    own = type(metric).__module__
    form = serialized("keras.metrics" if own == __name__ else own, metric)
    if callable(form["config"].get("fn")):
        form["config"]["fn"] = {"class_name": "function", "config": form["config"]["fn"].__name__}
    return form


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Metric:
    """The metric that `serialize` (or Keras's) described.

    Parameters
    ----------
    config : dict
    custom_objects : dict, optional
        Classes and functions of one's own by name.
    """
    own = custom_objects or {}
    cls: Any = look_up("metric", str(config.get("class_name")), {**_CLASSES, **own})
    settings = dict(config.get("config", {}))
    if isinstance(settings.get("fn"), dict):
        settings["fn"] = look_up("function", str(settings["fn"].get("config")), own)
    return cls.from_config(settings)
