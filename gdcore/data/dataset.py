"""`Dataset`: rows for a model, from arrays in memory, from files larger than memory, or made as they are needed.

A model takes data in one of two forms.  Arrays go to the core as they are, a whole training at a time.  Everything
else is streamed: a pass is a series of pieces, each of them checked and given to the core on its own.  A file on
disk gives blocks of rows, a generator or a sequence of batches gives its batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import random as _random
from .._checks import integer as _whole
from .._core import kernels as _kernels
from .passes import UNKNOWN_BATCHES as _ENDLESS
from .passes import batches_of_pass as _batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    Rows = tuple[Any, Any, Any]
    Piece = tuple[Rows, int, tuple[Any, int, int]]

BLOCK_BYTES = 1 << 25
"""Rows are read from files in blocks of about so many bytes."""


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
        self.batch_size = None if batch_size is None else _whole("batch_size", batch_size, 1)
        self.shuffle = shuffle
        self.seed = _random.check_seed(seed)
        self.mean: NDArray[Any] | None = None
        self.scale: NDArray[Any] | None = None
        self._classes: int | None = None
        self._batches: Any = None
        self._x: Any = None
        self._y: Any = None
        self._w: Any = None
        if _gives_batches(x):
            if y is not None or sample_weight is not None:
                given = "y" if y is not None else "sample_weight"
                raise ValueError(f"{given} is given, but the batches of x bring their own")
            self._batches = _Batches(x)
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
        return self._batches is None and not any(_on_disk(a) for a in (self._x, self._y, self._w))

    @property
    def rows(self) -> int:
        """The number of rows.

        Raises
        ------
        TypeError
            For a generator or a sequence of batches, of which nobody knows.
        """
        self._needs_rows("the number of rows")
        return len(self._x)

    @property
    def x(self) -> Any:
        """The inputs, standardized if they are to be."""
        self._needs_rows("x")
        return self._converted(slice(None))[0]

    @property
    def y(self) -> Any:
        """The targets, one-hot if they are to be; or None."""
        self._needs_rows("y")
        return self._converted(slice(None))[1]

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
                yield tuple(part for part in self._converted_batch(batch) if part is not None)
            return
        size, order = self.batch_size or 32, None
        if self.shuffle:
            order = _kernels.shuffle_order(len(self._x), *_random.shuffling(self.shuffle, self.seed, 0)[:2])
        for first in range(0, len(self._x), size):
            rows = slice(first, first + size) if order is None else order[first : first + size]
            yield tuple(part for part in self._converted(rows) if part is not None)

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
        return self._changed(batch_size=_whole("batch_size", batch_size, 1))

    def take(self, rows: Any) -> Dataset:
        """The first so many rows, or those of a slice or of an array of indices (a copy)."""
        self._needs_rows("take")
        chosen = rows if isinstance(rows, slice) else _chosen(rows, len(self._x))
        return self._of_rows(chosen)

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
        changed = self._changed(_classes=_whole("classes", classes, 1))
        if self.in_memory:  # labels out of range are an error now rather than later
            changed._converted(slice(None))
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
        count, mean, spread = 0, 0.0, 0.0
        for part in self._blocks():
            values = np.asarray(self._x[part], np.float64)
            own = values.mean(axis=0)
            shift, total = own - mean, count + len(values)
            # of two groups of rows together (Chan, Golub and LeVeque, 1979)
            spread = spread + ((values - own) ** 2).sum(axis=0) + shift**2 * (count * len(values) / total)
            mean, count = mean + shift * (len(values) / total), total
        scale = np.sqrt(spread / count)
        return self._changed(mean=np.asarray(mean), scale=np.where(scale > 0, scale, 1.0))

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
        second = _size("test_size", test_size, n)
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
        return self._of_rows(parts[0]), self._of_rows(parts[1])

    # ---- inner workings ----------------------------------------------------------------------------------

    def _changed(self, **attributes: Any) -> Dataset:
        from copy import copy

        other = copy(self)
        other.__dict__.update(attributes)
        return other

    def _settled(self, dtype: Any) -> Dataset:
        """The same data in memory, standardized and one-hot now instead of in each `fit`, inputs of that type."""
        x, y, _ = self._converted(slice(None))
        if x.dtype.kind in "fiub":
            with np.errstate(over="ignore"):
                x = np.ascontiguousarray(x, dtype)
        return self._changed(_x=x, _y=y, mean=None, scale=None, _classes=None)

    def _of_rows(self, rows: Any) -> Dataset:
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

    def _for(self, check: Callable[..., Rows]) -> Rows | Stream:
        """What `check` makes of all rows, or a stream of what it makes of each piece."""
        return check(*self._converted(slice(None))) if self.in_memory else Stream(self, check)

    def _converted(self, rows: Any) -> Rows:
        """x, y and weights of some rows, standardized and one-hot if they are to be."""
        y = None if self._y is None else self._y[rows]
        return self._converted_batch((self._x[rows], y, None if self._w is None else self._w[rows]))

    def _converted_batch(self, batch: Rows) -> Rows:
        x, y, w = batch
        if self.mean is not None:
            x = np.asarray(x)
            dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
            x = (x - self.mean.astype(dtype)) / np.asarray(self.scale).astype(dtype)
        if self._classes is not None and y is not None:
            from ..utils import to_categorical

            y = to_categorical(y, self._classes)
        return x, y, w


class Stream:
    """What a model visits piece by piece.

    Parameters
    ----------
    dataset : Dataset
        That is not in memory.
    check : callable
        Makes of x, y and weights what the core takes, or raises.
    first, last : int, optional
        Which of its rows (of its batches, if it has those).
    """

    def __init__(
        self, dataset: Dataset, check: Callable[[Any, Any, Any], Rows], first: int = 0, last: int | None = None
    ) -> None:
        self._dataset, self._check, self._first = dataset, check, first
        self.by_batches = dataset._batches is not None
        total = dataset._batches.count if self.by_batches else len(dataset._x)
        self.length: int = (total if last is None else last) - first
        self.ended_early = False
        # shapes and types, before anything changes
        if self.by_batches:
            check(*dataset._converted_batch(dataset._batches.peek()))
        else:
            check(*dataset._converted(slice(first, first + 1)))

    def __iter__(self) -> Any:
        raise TypeError("only fit, evaluate and predict take data that are streamed")

    def plan(self, batch_size: int | None, steps: int | None) -> tuple[int, int]:
        """Rows to a batch and batches to a pass; where the data come in batches each of them counts as a row."""
        if not self.by_batches:
            return _batches(self.length, batch_size, steps)
        if batch_size is not None:
            raise ValueError(f"batch_size={batch_size} has no meaning for data that come in batches")
        return 1, steps or self.length

    def cut(self, rows: slice) -> Stream:
        """Some of the rows."""
        if self.by_batches:
            raise ValueError("validation_split needs rows, but x gives batches; use validation_data instead")
        return Stream(self._dataset, self._check, self._first + rows.start, self._first + rows.stop)

    def pieces(self, batch: int, part: tuple[Any, int, int] | None) -> Iterator[Piece]:
        """The pieces of a pass: data, rows to a batch, and (order, first, last) of the rows to visit.

        part is (shuffling, first, last): (key, stream) to shuffle by or None, and what part of the pass is wanted.
        """
        shuffled, first, last = part or (None, 0, self.length)
        if self.by_batches:
            count = 0
            for given in self._dataset._batches.between(shuffled, first, last):
                data = self._check(*self._dataset._converted_batch(given))
                count += 1
                yield data, len(data[0]), (None, 0, len(data[0]))
            self.ended_early = count < last - first < _ENDLESS
            return
        whole = block_rows(self._dataset._x, batch)
        blocks = np.arange(-(-self.length // whole))
        if shuffled is not None and len(blocks):
            full = self.length // whole
            blocks[:full] = _kernels.shuffle_order(full, *shuffled)
        for place in range(first // whole, -(-last // whole)):
            at = int(blocks[place]) * whole
            rows = slice(self._first + at, self._first + min(at + whole, self.length))
            data = self._check(*self._dataset._converted(rows))
            n, order = len(data[0]), None
            if shuffled is not None:
                key, stream = shuffled
                order = _kernels.shuffle_order(n, key, (stream + (int(blocks[place]) + 1 << 48)) % 2**64)
            yield data, batch, (order, max(first - place * whole, 0), min(last - place * whole, n))
            for array in (self._dataset._x, self._dataset._y, self._dataset._w):
                release(array, rows)


class _Batches:
    """Batches from a generator, a sequence or another iterable, counted where that is possible."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self._at, self._iterator, self._held = 0, None, []  # type: int, Any, list[Any]
        # keras.utils.PyDataset says None where it does not know
        n = getattr(source, "num_batches", None) if self._indexed else None
        n = len(source) if self._indexed and n is None else n
        self.count: int = _ENDLESS if n is None else int(n)
        if self.count == 0:
            raise ValueError(f"x={source!r} has no batches")

    def __len__(self) -> int:
        if self.count == _ENDLESS:
            raise TypeError("nobody knows how many batches there are")
        return self.count

    def __repr__(self) -> str:
        return f"batches of {type(self._source).__name__}"

    def peek(self) -> Any:
        """The first batch, which is not used up."""
        if self._indexed:
            return _parts(self._source[0])
        if not self._held:
            try:
                self._held = [self._next()]
            except StopIteration:
                raise ValueError(f"x={self._source!r} gives no batches (any more)") from None
        return self._held[0]

    def between(self, shuffled: tuple[int, int] | None, first: int, last: int) -> Iterator[Rows]:
        """Batches first..last-1 of a pass; those of a generator are the next ones, as long as there are any."""
        if self._indexed:
            order = np.arange(self.count) if shuffled is None else _kernels.shuffle_order(self.count, *shuffled)
            for index in order[first:last].tolist():
                yield _parts(self._source[index])
            if last == self.count and hasattr(self._source, "on_epoch_end"):
                self._source.on_epoch_end()
            return
        if first == 0 and not self._held and iter(self._source) is not self._source:
            self._iterator = None  # starts again
        for _ in range(first, last):
            try:
                batch = self._held.pop() if self._held else self._next()
            except StopIteration:
                return
            yield batch

    def _next(self) -> Rows:
        if self._iterator is None:
            self._iterator = iter(self._source)
        return _parts(next(self._iterator))


def source_of(x: Any, y: Any, sample_weight: Any, targets: bool) -> Dataset | None:
    """The Dataset that x is or makes, or None if these are arrays, with targets unless that is False."""
    if isinstance(x, Dataset):
        if y is not None or sample_weight is not None:
            raise ValueError(f"{'y' if y is not None else 'sample_weight'} is given, but x is a Dataset with its own")
        return x
    if y is None and sample_weight is None and _gives_batches(x):
        return Dataset(x)
    if targets and y is None:
        raise ValueError("y is missing; only a Dataset or batches have targets of their own")
    return None


def split_rows(n: int, test: int, seed: int | None, labels: Any = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train and to test on, as ``sklearn.model_selection.train_test_split`` draws them.

    Without labels they are the end and the beginning of one permutation.  With labels (class numbers, or rows of a
    one-hot array) each class gives its share; the rows left over by rounding go to the classes with the largest
    remainders, ties being drawn.
    """
    rng = np.random.RandomState(seed)  # the generator whose numbers these are
    if labels is None:
        order = rng.permutation(n)
        return order[test:], order[:test]
    labels = np.asarray(labels)
    # rows are compared as text there, which puts the one-hot row of the last class first
    keys = np.array([" ".join(map(str, row)) for row in labels.tolist()]) if labels.ndim == 2 else labels
    classes, which = np.unique(keys, return_inverse=True)
    counts = np.bincount(which)
    if counts.min() < 2:
        raise ValueError(f"class {classes[counts.argmin()]} has {counts.min()} row, expected at least 2 to stratify")
    for side, count in (("train", n - test), ("test", test)):
        if count < len(classes):
            raise ValueError(f"there are {count} rows to {side} on, fewer than the {len(classes)} classes")
    train_share = _shares(counts, n - test, rng)
    test_share = _shares(counts - train_share, test, rng)
    members = np.split(np.argsort(which, kind="stable"), np.cumsum(counts)[:-1])
    trained, tested = [], []
    for rows, ours, theirs in zip(members, train_share.tolist(), test_share.tolist(), strict=True):
        drawn = rows[rng.permutation(len(rows))]
        trained.append(drawn[:ours])
        tested.append(drawn[ours : ours + theirs])
    return rng.permutation(np.concatenate(trained)), rng.permutation(np.concatenate(tested))


def _shares(counts: NDArray[np.int64], total: int, rng: Any) -> NDArray[np.int64]:
    """`total` rows shared among classes in proportion to counts."""
    exact = counts / counts.sum() * total
    share = np.floor(exact)
    left = int(total - share.sum())
    remainder = exact - share
    for value in np.sort(np.unique(remainder))[::-1]:
        if left <= 0:
            break
        tied = np.flatnonzero(remainder == value)
        chosen = rng.choice(tied, size=min(len(tied), left), replace=False)
        share[chosen] += 1
        left -= len(chosen)
    return share.astype(np.int64)


def _size(name: str, size: Any, n: int) -> int:
    if isinstance(size, bool) or not isinstance(size, int | float | np.number):
        raise TypeError(f"{name}={size!r} is not a number")
    share = isinstance(size, float | np.floating)
    rows = (int(np.ceil(size * n)) if 0 < size < 1 else 0) if share else int(size)
    if not 0 < rows < n:
        raise ValueError(f"{name}={size!r} of {n} rows, expected a share between 0 and 1 or a number of rows below {n}")
    return rows


def _chosen(rows: Any, n: int) -> Any:
    if isinstance(rows, int | np.integer) and not isinstance(rows, bool):
        if not 0 <= rows <= n:
            raise ValueError(f"rows={rows} is not between 0 and {n}")
        return slice(0, int(rows))
    indices = np.asarray(rows)
    if indices.dtype.kind not in "iub" or indices.ndim != 1:
        raise TypeError(f"rows={rows!r} is not a number, a slice or an array of indices")
    return indices


def _gives_batches(x: Any) -> bool:
    """Whether x is a generator, a sequence of batches or another iterable of them, rather than rows."""
    if (
        isinstance(x, list | tuple | str | bytes | np.ndarray | Dataset)
        or hasattr(x, "__array__")
        or hasattr(x, "dtype")
    ):
        return False
    return hasattr(x, "__next__") or hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def _as_rows(values: ArrayLike | None) -> Any:
    if values is None or _on_disk(values):
        return values
    return np.asarray(values)


def _on_disk(array: Any) -> bool:
    """Whether rows are to be read only as they are needed."""
    return isinstance(array, np.memmap) or type(array).__module__.partition(".")[0] in ("h5py", "zarr")


def block_rows(array: Any, batch: int) -> int:
    """Rows to a block: about `BLOCK_BYTES` of them, in whole batches."""
    row = int(np.prod(array.shape[1:])) * array.dtype.itemsize
    return max(BLOCK_BYTES // max(row, 1) // batch, 1) * batch


def release(array: Any, rows: slice) -> None:
    """Tell the system that these rows of a mapped file are not needed now, so that they do not fill memory."""
    if not isinstance(array, np.memmap) or array.mode == "c":  # with "c" changes live in memory only
        return
    from mmap import PAGESIZE

    mapping = getattr(array, "_mmap", None)
    part = array[rows]
    if mapping is None or not part.size or not part.flags.c_contiguous or not hasattr(mapping, "madvise"):
        return
    import mmap

    start = part.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data
    page = start // PAGESIZE * PAGESIZE
    mapping.madvise(mmap.MADV_DONTNEED, page, start + part.nbytes - page)


def _parts(batch: Any) -> Rows:
    """x, y and weights of a batch as the caller's source gives it."""
    given: Sequence[Any] = batch if isinstance(batch, tuple | list) else (batch,)
    if not 1 <= len(given) <= 3:
        raise ValueError(f"a batch has {len(given)} parts, expected (x, y) or (x, y, sample_weight)")
    x, y, w = (*given, None, None)[:3]
    return x, y, w
