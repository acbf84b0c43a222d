"""What a model is given: rows, targets and weights, checked and in the form that the core takes.

Arrays become `Arrays`, which a model visits at once; everything else is a `gdcore.data.stream.Stream` of such pieces.
Both have the same properties and methods.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks, losses
from .._core import kernels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data import Dataset
    from ..data.stream import Stream


class Arrays(tuple[Any, Any, Any]):
    """Rows in memory, in the form of the core: (x, y, sample_weight)."""

    __slots__ = ()

    by_batches = False  # whether batches count as rows do
    ended_early = False  # whether the last pass had fewer batches than it should have had
    x = property(itemgetter(0))
    y = property(itemgetter(1))
    sample_weight = property(itemgetter(2))

    @property
    def length(self) -> int:
        """The number of rows."""
        return len(self[0])

    def cut(self, rows: slice) -> Arrays:
        """Some of the rows."""
        return Arrays(None if array is None else array[rows] for array in self)

    def plan(self, batch_size: int | None, steps: int | None) -> tuple[int, int]:
        """Rows to a batch and batches to a pass."""
        return pass_arithmetic().batches_of_pass(len(self[0]), batch_size, steps)

    def pieces(self, batch: int, part: tuple[Any, int, int] | None) -> Iterable[Any]:
        """What the core is given in a pass: data, rows to a batch, and (order, first, last) of the rows to visit."""
        return [(self, batch, (None, 0, len(self[0])) if part is None else part)]


class DataForm:
    """The form in which a network takes its data.

    Parameters
    ----------
    row_shape : tuple of int
    units : int
        Outputs of the network.
    dtype : numpy.dtype
    """

    __slots__ = ("dtype", "row_shape", "units")

    def __init__(self, row_shape: tuple[int, ...], units: int, dtype: Any) -> None:
        self.row_shape, self.units, self.dtype = row_shape, units, dtype

    def data(
        self, loss: losses.Loss, x: Any, y: Any, weights: Any, allow_nan: bool, where: str = "", watched: bool = False
    ) -> Arrays:
        """Everything checked; where stands before the names in errors, and x is not looked through if watched.

        Raises
        ------
        TypeError
            For what is not made of real numbers.
        ValueError
            For other shapes than the network's, nan and inf (unless allow_nan), and invalid class indices.
        """
        if y is None:
            raise ValueError(f"{where}y is missing; only a Dataset or batches have targets of their own")
        X = self.rows(where + "x", x, allow_nan or watched)
        Y = self._targets(where + "y", y, len(X), loss, allow_nan)
        return Arrays((X, Y, None if weights is None else self._weights(where, weights, len(X), allow_nan)))

    def rows(self, name: str, x: Any, allow_nan: bool) -> Any:
        """x as a C-contiguous array of the network's type, of shape (rows, inputs)."""
        array = _checks.real_array(name, x)
        shape = self.row_shape
        if array.ndim == 1 and shape == (1,):
            array = array[:, np.newaxis]
        if array.shape[1:] != shape:
            raise ValueError(f"{name} has shape {np.shape(x)}, expected (rows, {', '.join(map(str, shape))})")
        if len(array) == 0:
            raise ValueError(f"{name} has shape {np.shape(x)}: there are no rows")
        return self._finite(name, array if array.ndim == 2 else array.reshape(len(array), -1), allow_nan)

    def _targets(self, name: str, y: Any, rows: int, loss: losses.Loss, allow_nan: bool) -> Any:
        targets = _checks.real_array(name, y)
        sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
        units = self.units
        columns = 1 if sparse else units
        if targets.ndim == 1 and columns == 1:
            targets = targets[:, np.newaxis]
        if targets.shape != (rows, columns):
            hint = ""
            if not sparse and units > 1 and targets.shape in ((rows,), (rows, 1)):
                hint = "; class numbers go with loss='sparse_categorical_crossentropy', or through to_categorical"
            raise ValueError(f"{name} has shape {np.shape(y)}, expected {(rows, columns)} for these x{hint}")
        if isinstance(loss, losses.SparseCategoricalCrossentropy):
            losses.check_classes(name, targets, units, loss.ignore_class)
        return self._finite(name, targets, allow_nan)

    def _weights(self, where: str, sample_weight: Any, rows: int, allow_nan: bool) -> Any:
        name = where + "sample_weight"
        weights = _checks.real_array(name, sample_weight)
        if weights.shape == (rows, 1):
            weights = weights[:, 0]
        if weights.shape != (rows,):
            raise ValueError(f"{name} has shape {np.shape(sample_weight)}, expected ({rows},)")
        return self._finite(name, weights, allow_nan)

    def _finite(self, name: str, array: Any, allow_nan: bool) -> Any:
        if array.dtype == self.dtype and array.flags.c_contiguous:
            converted = array
        else:
            with np.errstate(over="ignore"):
                converted = np.ascontiguousarray(array, self.dtype)
        if not (allow_nan or kernels.all_finite(converted)):
            row = int(np.flatnonzero(~np.isfinite(converted.reshape(len(converted), -1)).all(axis=1))[0])
            beyond = " beyond float32's range" if np.isfinite(array[row]).all() else ""
            raise ValueError(f"{name} has nan or inf{beyond} in row {row}; allow_nan=True lets such values pass")
        return converted


CHANGED = "the layers, the loss or the metrics of this model were changed while it was at work"


def in_memory(data: Arrays | Stream) -> Arrays:
    """The data, unless they are streamed."""
    if not isinstance(data, Arrays):
        raise TypeError("only fit, evaluate and predict take data that are streamed")
    return data


def weighted_by_class(data: Arrays, class_weight: Mapping[int, float]) -> Arrays:
    """The data with the weights of their classes: of the class indices, or of where the largest targets stand."""
    if data.sample_weight is not None:
        raise ValueError("class_weight and sample_weight are both given, expected at most one of them")
    Y = data.y
    classes = Y.argmax(axis=1) if Y.shape[1] > 1 else Y[:, 0].astype(np.int64)
    weights = np.ones(len(Y), Y.dtype)
    for number, weight in class_weight.items():
        chosen = classes == _checks.integer("class_weight's key", number, 0)
        weights[chosen] = _checks.number(f"class_weight[{number}]", weight, 0.0)
    return Arrays((data.x, Y, weights))


def dataset_of(x: Any, y: Any, sample_weight: Any, targets: bool = True) -> Dataset | None:
    """The `gdcore.Dataset` that x is or makes, or None if these are arrays, with targets unless that is False."""
    if y is not None and not hasattr(x, "_converted"):
        return None
    from ..data.dataset import source_of

    return source_of(x, y, sample_weight, targets)


@cache
def pass_arithmetic() -> Any:
    """The module `gdcore.data.passes`, loaded with its room when it is first needed."""
    from ..data import passes

    return passes


def shape_of_rows(x: Any) -> tuple[int, ...]:
    """The shape of a row of x, where the model does not know it yet."""
    shape = np.shape(x)
    if not shape or 0 in shape:
        raise ValueError(f"x has shape {shape}, expected (rows, inputs) and not empty")
    return shape[1:] or (1,)


def check_count(name: str, value: Any) -> None:
    """Raise unless it is None or an integer of at least 1."""
    if value is not None:
        _checks.integer(name, value, 1)


def check_verbose(verbose: Any) -> None:
    """Raise unless it is one of the values that `fit`, `evaluate` and `predict` take."""
    if verbose not in (0, "auto", 1, 2):
        raise ValueError(f"verbose={verbose!r} is not 'auto', 0, 1 or 2")
