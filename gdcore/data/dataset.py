"""`Dataset`: rows for a model, from arrays in memory, from files larger than memory, or made as they are needed.

A model takes data in one of two forms.  Arrays go to the core as they are, a whole training at a time.  Everything
else is streamed: a pass is a series of pieces, each of them checked and given to the core on its own.  A file on
disk gives blocks of rows, a generator or a sequence of batches gives its batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .. import random as _random
from .._core import kernels
from ..utils import to_categorical
from .batches import Batches, gives_batches
from .blocks import block_rows, on_disk, release
from .split import rows_of_share, split_rows
from .stream import BatchStream, RowStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from .batches import Rows
    from .stream import Stream

_Batches = Batches
"""Under this name pickles of 0.1.0 look for it."""


class Dataset:
    """Inputs and targets, with how they are to be visited; `fit`, `evaluate` and `predict` take it for x.

    Parameters
    ----------
    x : array_like of shape (rows, ...), memmap, generator, or sequence of batches
        Arrays, nested lists and pandas frames are held in memory.  A ``numpy.memmap`` (or a
        data set of ``h5py`` or ``zarr``) is read block by block while a model is trained, so that it may be larger
        than memory.  A generator gives batches ``(x, y)`` or ``(x, y, sample_weight)``; so does an
        object with ``len`` and an index (a ``keras.utils.Sequence`` or ``PyDataset``), in any order, and so does
        another iterable, from its beginning in each epoch.
    y : array_like of shape (rows, ...), optional
        Not with batches, which bring theirs.
    batch_size : int, optional
        32 if neither this nor `fit` says another.
    shuffle : {True, False, "fresh"}, optional
        As for `fit`, which this overrules.
    seed : int, optional
        Rows are visited in the order that they have after ``utils.set_random_seed(seed)``, whatever the seed of
        all else is.
    sample_weight : array_like of shape (rows,), optional

    Attributes
    ----------
    mean, scale : ndarray or None
        What `standardize` subtracts and divides by.

    Notes
    -----
    Data whose type and layout are what the model needs (C-contiguous, float32 or float64 as the model is) are never
    copied.  Streamed rows are shuffled in two steps, so that a file is read in large pieces: the blocks in random
    order (except the last one if it is shorter), and in random order the rows of each.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        shuffle: bool | str | None = None,
        seed: int | None = None,
        *,
        sample_weight: Any = None,
    ) -> None:
        if not (shuffle in (None, True, False) or shuffle == "fresh"):
            raise ValueError(f"shuffle={shuffle!r} is not True, False, 'fresh' or None")
        self.batch_size = None if batch_size is None else _checks.integer("batch_size", batch_size, 1)
        self.shuffle = shuffle
        self.seed = _random.check_seed(seed)
        self.mean: NDArray[Any] | None = None
        self.scale: NDArray[Any] | None = None
        self._classes: int | None = None
        self._batches: Batches | None = None
        self._x: Any = None
        self._y: Any = None
        self._w: Any = None
        if gives_batches(x) and not isinstance(x, Dataset):
            if y is not None or sample_weight is not None:
                given = "y" if y is not None else "sample_weight"
                raise ValueError(f"{given} is given, but the batches of x bring their own")
            self._batches = Batches(x)
            return
        self._x, self._y, self._w = _as_rows(x), _as_rows(y), _as_rows(sample_weight)
        if not self._x.shape:
            raise ValueError(f"x={x!r} has no rows")
        for name, rows in (("y", self._y), ("sample_weight", self._w)):
            if rows is not None and rows.shape[:1] != self._x.shape[:1]:
                raise ValueError(f"{name} has shape {rows.shape}, but x has {len(self._x)} rows")

    # ---- what is in it -----------------------------------------------------------------------------------

    @property
    def in_memory(self) -> bool:
        """Whether it holds arrays, rather than something to be streamed."""
        return self._batches is None and not any(on_disk(a) for a in (self._x, self._y, self._w))

    @property
    def rows(self) -> int:
        """The number of rows.

        Raises
        ------
        TypeError
            For a generator or a sequence of batches.
        """
        self._needs_rows("the number of rows")
        return len(self._x)

    @property
    def x(self) -> Any:
        """The inputs, standardized if they are to be."""
        self._needs_rows("x")
        return self._rows(slice(None))[0]

    @property
    def y(self) -> Any:
        """The targets, one-hot if they are to be; or None."""
        self._needs_rows("y")
        return self._rows(slice(None))[1]

    @property
    def sample_weight(self) -> Any:
        """The weights of the rows, or None."""
        self._needs_rows("sample_weight")
        return self._w

    def __len__(self) -> int:
        """The number of batches in a pass."""
        if self._batches is not None:
            return len(self._batches)
        return -(-len(self._x) // (self.batch_size or 32))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The batches of one pass, ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``, in random order if `shuffle`."""
        if self._batches is not None:
            for batch in self._batches.between(None, 0, self._batches.count):
                yield tuple(part for part in self._converted(*batch) if part is not None)
            return
        size, order = self.batch_size or 32, None
        if self.shuffle:
            order = kernels.shuffle_order(len(self._x), *_random.shuffling(self.shuffle, self.seed, 0)[:2])
        for first in range(0, len(self._x), size):
            rows = slice(first, first + size) if order is None else order[first : first + size]
            yield tuple(part for part in self._rows(rows) if part is not None)

    def __repr__(self) -> str:
        what = repr(self._batches) if self._batches is not None else f"x {self._x.dtype} {self._x.shape}"
        if self._y is not None:
            what += f", y {self._y.dtype} {self._y.shape}"
        return f"<Dataset: {what}{'' if self.in_memory else ', streamed'}>"

    # ---- making others of it -----------------------------------------------------------------------------

    def batch(self, batch_size: int) -> Dataset:
        """The same data in batches of that size."""
        if self._batches is not None:
            raise TypeError(f"batch_size={batch_size!r} has no meaning for data that come in batches")
        return self._changed(batch_size=_checks.integer("batch_size", batch_size, 1))

    def take(self, rows: Any) -> Dataset:
        """The first so many rows, or those of a slice or of an array of indices (a copy)."""
        self._needs_rows("take")
        chosen = rows if isinstance(rows, slice) else _chosen(rows, len(self._x))
        return self._subset(chosen)

    def one_hot(self, classes: int | None = None) -> Dataset:
        """The same data with rows of 0 and 1 instead of class numbers for targets.

        Parameters
        ----------
        classes : int, optional
            How many there are; one more than the greatest number in y, if not given.
        """
        if self._classes is not None:
            raise ValueError("the targets are one-hot already")
        if classes is None:
            self._needs_rows("one_hot without the number of classes")
            if self._y is None or len(self._y) == 0:
                raise ValueError("there are no targets to make one-hot")
            classes = int(max(np.max(self._y[part]) for part in self._blocks())) + 1
        changed = self._changed(_classes=_checks.integer("classes", classes, 1))
        if self.in_memory:  # labels out of range are an error now rather than later
            changed._rows(slice(None))
        return changed

    def standardize(self, like: Dataset | None = None) -> Dataset:
        """The same data with each column of x moved and scaled to a mean of 0 and a standard deviation of 1.

        Parameters
        ----------
        like : Dataset, optional
            Take over the mean and the scale of another one that was standardized, as a test set must those of the
            training set.

        Notes
        -----
        A column that is the same in all rows is only moved.  Files are read once, block by block, for the means.
        """
        if self.mean is not None:
            raise ValueError("x is standardized already")
        if like is not None:
            if like.mean is None:
                raise ValueError("like is not standardized")
            return self._changed(mean=like.mean, scale=like.scale)
        self._needs_rows("standardize without like=")
        if len(self._x) == 0:
            raise ValueError("there are no rows to standardize by")
        mean, scale = _moments(np.asarray(self._x[part], np.float64) for part in self._blocks())
        return self._changed(mean=mean, scale=np.where(scale > 0, scale, 1.0))

    def split(
        self, test_size: float | int = 0.2, *, shuffle: bool = True, seed: int | None = None, stratify: bool = False
    ) -> tuple[Dataset, Dataset]:
        """Two Datasets, one to train and one to test on; the rows are scikit-learn's ``train_test_split``'s.

        Parameters
        ----------
        test_size : float or int
            Share of the rows for the second one, rounded up, or their number.
        shuffle : bool
            Whether to draw the rows; otherwise they are the last ones, and nothing is copied.
        seed : int, optional
            scikit-learn's ``random_state``: the same one gives the same rows.
        stratify : bool
            Whether each class (each distinct target) has about its share of both.

        Raises
        ------
        ValueError
            If no row is left on one side; if `stratify` finds a class with one row only, or more classes than
            rows on a side; if without it the first one gets no row of some class.
        """
        self._needs_rows("split")
        n = len(self._x)
        second = rows_of_share("test_size", test_size, n)
        if not shuffle:
            if stratify:
                raise ValueError("stratify=True draws rows, expected shuffle=True with it")
            first: Any = slice(0, n - second)
            parts: tuple[Any, Any] = (first, slice(n - second, n))
        else:
            if not self.in_memory:
                raise ValueError("shuffle=True would copy data that are streamed, expected shuffle=False")
            parts = split_rows(n, second, seed, self.y if stratify else None)
        if not stratify:
            self._check_classes(parts[0])
        return self._subset(parts[0]), self._subset(parts[1])

    # ---- inner workings ----------------------------------------------------------------------------------

    def _changed(self, **attributes: Any) -> Dataset:
        """A copy with other attributes, which shares the rows."""
        from copy import copy

        other = copy(self)
        other.__dict__.update(attributes)
        return other

    def _materialized(self, dtype: Any) -> Dataset:
        """The same data in memory, standardized and one-hot now instead of in each `fit`, inputs of that type."""
        x, y, _ = self._rows(slice(None))
        if x.dtype.kind in "fiub":
            with np.errstate(over="ignore"):
                x = np.ascontiguousarray(x, dtype)
        return self._changed(_x=x, _y=y, mean=None, scale=None, _classes=None)

    def _contents(self) -> list[Any]:
        """All that a training sees of it, but for the seed."""
        return [self._x, self._y, self._w, self.mean, self.scale, self._classes, self.batch_size, self.shuffle]

    def _subset(self, rows: Any) -> Dataset:
        return self._changed(
            _x=self._x[rows],
            _y=None if self._y is None else self._y[rows],
            _w=None if self._w is None else self._w[rows],
        )

    def _needs_rows(self, what: str) -> None:
        if self._batches is not None:
            raise TypeError(f"{what} needs arrays, but this data comes in batches ({self._batches!r})")

    def _blocks(self) -> Iterator[slice]:
        """Slices of rows, each of which is about `BLOCK_BYTES`."""
        n = len(self._x)
        rows = n if self.in_memory else block_rows(self._x, 1)
        for first in range(0, n, max(rows, 1)):
            part = slice(first, first + rows)
            yield part
            for array in (self._x, self._y):
                release(array, part)

    def _check_classes(self, train: Any) -> None:
        """Raise if some class is not among the rows to train on."""
        y = self._y
        if not self.in_memory or y is None or y.ndim != 1 or y.dtype.kind not in "iu" or len(y) == 0:
            return
        if y.min() < 0 or y.max() >= len(y):
            return
        there, left = np.bincount(y) > 0, np.bincount(y[train], minlength=int(y.max()) + 1) > 0
        if there.all() and not left.all():  # 0, 1, ..., so that these are classes and not counts
            raise ValueError(
                f"class {int(np.flatnonzero(~left)[0])} has no row to train on in this split; "
                "stratify=True gives each class its share"
            )

    def _prepared(self, check: Callable[..., Rows]) -> Rows | Stream:
        """What `check` makes of all rows, or a stream of what it makes of each piece."""

        def prepare(x: Any, y: Any, w: Any) -> Rows:
            return check(*self._converted(x, y, w))

        if self._batches is not None:
            return BatchStream(self._batches, prepare)
        arrays = self._x, self._y, self._w
        return prepare(*arrays) if self.in_memory else RowStream(arrays, prepare)

    def _rows(self, rows: Any) -> Rows:
        """x, y and weights of some rows, standardized and one-hot if they are to be."""
        y = None if self._y is None else self._y[rows]
        return self._converted(self._x[rows], y, None if self._w is None else self._w[rows])

    def _converted(self, x: Any, y: Any, w: Any) -> Rows:
        if self.mean is not None:
            x = np.asarray(x)
            dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
            x = (x - self.mean.astype(dtype)) / np.asarray(self.scale).astype(dtype)
        if self._classes is not None and y is not None:
            y = to_categorical(y, self._classes)
        return x, y, w


def source_of(x: Any, y: Any, sample_weight: Any, targets: bool) -> Dataset | None:
    """The Dataset that x is or makes, or None if these are arrays, with targets unless that is False."""
    if isinstance(x, Dataset):
        if y is not None or sample_weight is not None:
            raise ValueError(f"{'y' if y is not None else 'sample_weight'} is given, but x is a Dataset with its own")
        return x
    if y is None and sample_weight is None and gives_batches(x):
        return Dataset(x)
    if targets and y is None:
        raise ValueError("y is missing; only a Dataset or batches have targets of their own")
    return None


def _chosen(rows: Any, n: int) -> Any:
    if isinstance(rows, int | np.integer) and not isinstance(rows, bool):
        if not 0 <= rows <= n:
            raise ValueError(f"rows={rows} is not between 0 and {n}")
        return slice(0, int(rows))
    indices = np.asarray(rows)
    if indices.dtype.kind not in "iub" or indices.ndim != 1:
        raise TypeError(f"rows={rows!r} is not a number, a slice or an array of indices")
    return indices


def _as_rows(values: ArrayLike | None) -> Any:
    if values is None or on_disk(values):
        return values
    return np.asarray(values)


def _moments(blocks: Iterable[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column, over blocks of rows."""
    count, mean, spread = 0, 0.0, 0.0
    for values in blocks:
        of_block = values.mean(axis=0)
        shift, total = of_block - mean, count + len(values)
        # of two groups of rows together (Chan, Golub and LeVeque, 1979)
        spread = spread + ((values - of_block) ** 2).sum(axis=0) + shift**2 * (count * len(values) / total)
        mean, count = mean + shift * (len(values) / total), total
    return np.asarray(mean), np.sqrt(spread / count)
