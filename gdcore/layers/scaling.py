"""Layers that scale and shift their inputs by fixed numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .._fields import Field, Flag
from . import settings
from .base import Built, Layer, Shape
from .lookup import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack


@TABLE.add()
class Rescaling(Layer):
    """inputs * scale + offset

    Parameters
    ----------
    scale, offset : float, or array_like with a value for each feature
    options : as in `Layer`
    """

    _kind = "rescaling"
    _any_shape = True

    scale = settings.Reals()
    offset = settings.Reals()

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Unpack[settings.OptionsWithActivity]) -> None:
        super().__init__(**options)
        self.scale = scale
        self.offset = offset

    def _constants(self, shape: Shape, dtype: Any = np.float64) -> Any:
        try:
            return np.array([np.broadcast_to(v, shape).reshape(-1) for v in (self.scale, self.offset)], np.float64)
        except ValueError:
            raise ValueError(
                f"layer {self.name!r}: scale of shape {np.shape(self.scale)} and offset of shape "
                f"{np.shape(self.offset)} do not fit rows of shape {shape}"
            ) from None


class FeatureAxes(Field[tuple[int, ...]]):
    """-1 or 1, which has a mean for each feature, or None, which has one for all; kept as a tuple."""

    def check(self, value: Any) -> tuple[int, ...]:
        axes = () if value is None else tuple(value) if isinstance(value, list | tuple) else (value,)
        if len(axes) > 1 or any(isinstance(axis, bool) or axis not in (-1, 1) for axis in axes):
            raise ValueError(f"{self.name}={value!r} is not -1, 1 or None")
        return axes


@TABLE.add()
class Normalization(Layer):
    """(inputs - mean) / max(sqrt(variance), 1e-7)

    Parameters
    ----------
    axis : int or None
        -1 (or 1): a mean and variance for each feature; None: one of each for all.
    mean, variance : float or array_like, optional
        Both or neither; without them `adapt` takes them from data.
    invert : bool
        inputs * max(sqrt(variance), 1e-7) + mean instead.
    options : as in `Layer`
    """

    axis = FeatureAxes()
    invert = Flag()

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **options: Unpack[settings.OptionsWithActivity],
    ) -> None:
        super().__init__(**options)
        self.axis = axis
        self.invert = invert
        if (mean is None) != (variance is None):
            raise ValueError(f"mean={mean!r} and variance={variance!r}: give both or neither")
        self.input_mean, self.input_variance = mean, variance
        if mean is not None:
            self.input_mean = settings.plain_reals("mean", mean)
            self.input_variance = settings.plain_reals("variance", variance)
            if np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis):
                raise ValueError(
                    f"mean has shape {np.shape(mean)} and variance {np.shape(variance)}: expected the same, of at most "
                    f"{len(self.axis)} dimensions"
                )
        self._adapted: list[Any] = []  # mean, variance, count

    @property
    def mean(self) -> Any:
        """What is subtracted."""
        return self.input_mean if self.input_mean is not None else (self._adapted[0] if self._adapted else None)

    @property
    def variance(self) -> Any:
        """What is divided by, squared."""
        return self.input_variance if self.input_mean is not None else (self._adapted[1] if self._adapted else None)

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data of shape (rows, inputs), or an iterable of such batches.

        Raises
        ------
        TypeError, ValueError
            If mean and variance were given, or the data are not rows of real numbers, all of one shape.
        """
        if self.input_mean is not None:
            raise ValueError(f"layer {self.name!r} was given its mean and variance, and cannot adapt to data")
        mean, variance = _moments([data] if isinstance(data, np.ndarray) else data, 0 if self.axis else None)
        self._make_arrays(np.shape(mean))
        if np.shape(mean) != self._adapted[0].shape:
            raise ValueError(f"data has rows of shape {np.shape(mean)}, but the layer takes {self._adapted[0].shape}")
        self._adapted[0][...], self._adapted[1][...] = mean, variance
        self._refresh()

    def finalize_state(self) -> None:
        """Use mean and variance as they are now, after they were written into."""
        self._refresh()

    def _make_arrays(self, shape: Shape) -> None:
        if not self._adapted and self.input_mean is None:
            self._adapted = [np.zeros(shape, np.float32), np.ones(shape, np.float32), np.zeros((), np.int64)]

    def _core_kind(self) -> str:
        return "rescaling" if self.invert else "normalization"

    def _output_shape(self, shape: Shape) -> Shape:
        return super()._output_shape(shape) if self.axis else shape

    def _constants(self, shape: Shape, dtype: Any = np.float64) -> Any:
        self._make_arrays(shape if self.axis else ())
        if self._adapted and self._adapted[0].shape not in ((), shape):
            raise ValueError(
                f"layer {self.name!r} was adapted to rows of shape {self._adapted[0].shape}, but gets {shape}"
            )
        real = np.dtype(dtype).type
        mean = np.broadcast_to(np.asarray(self.mean, real), shape).reshape(-1)
        scale = np.broadcast_to(np.asarray(self.variance, real), shape).reshape(-1)
        scale = np.maximum(np.sqrt(scale), real(1e-7))
        return np.array([scale, mean] if self.invert else [mean, scale])

    def _attach(self, built: Built, learned: Any, state: Any, dtype: Any, kept: list[Any] | None) -> None:
        super()._attach(built, learned, state, dtype, [])  # its arrays are its own, not views

    def _refresh(self) -> None:
        self._fill_constants()

    @property
    def weights(self) -> list[Any]:
        """Mean, variance and count, unless they were given."""
        return list(self._adapted)

    @property
    def non_trainable_weights(self) -> list[Any]:
        return self.weights

    def _weight_names(self) -> list[str]:
        return ["mean", "variance", "count"] if self.input_mean is None else []

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.input_mean, "variance": self.input_variance}


def _moments(batches: Iterable[Any], axis: int | None) -> tuple[Any, Any]:
    """Mean and variance of the rows of all batches, along axis 0 or of all values together.

    Batches are merged one by one, each by its share of the rows (``keras/src/layers/preprocessing/normalization.py``).
    """
    count, mean, variance = 0, None, None
    for batch in batches:
        rows = _checks.real_array("data", batch)
        if rows.ndim < 2 or not rows.size:
            raise ValueError(f"data has a batch of shape {rows.shape}, expected (rows, inputs)")
        if mean is not None and axis == 0 and rows.shape[1:] != mean.shape:
            raise ValueError(f"data has batches of shapes {(len(rows), *mean.shape)} and {rows.shape}")
        new_mean, new_variance, n = np.mean(rows, axis=axis), np.var(rows, axis=axis), len(rows)
        if mean is None:
            mean, variance = new_mean, new_variance
        else:
            share = n / (count + n)
            both = mean * (1 - share) + new_mean * share
            old, new = variance + (mean - both) ** 2, new_variance + (new_mean - both) ** 2
            mean, variance = both, old * (1 - share) + new * share
        count += n
    if mean is None:
        raise ValueError("data holds no batch")
    return mean, variance
