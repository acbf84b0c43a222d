"""What a model visits piece by piece: blocks of the rows of files, or batches that somebody else makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import kernels
from .blocks import block_rows, release
from .passes import UNKNOWN_BATCHES, batches_of_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .batches import Batches, Rows

    Part = tuple[tuple[int, int] | None, int, int]
    """What part of a pass is wanted: (key, stream) to shuffle by or None, and from where to where it goes."""
    Piece = tuple[Rows, int, tuple[Any, int, int]]
    """Data, rows to a batch, and (order, first, last) of its rows to visit."""


class Stream:
    """What is common to streams.

    Attributes
    ----------
    length : int
        Rows in a pass; batches, each of which counts as a row, where the data come in these.
    by_batches : bool
        Whether they do.
    ended_early : bool
        Whether the last pass had fewer batches than were asked for.
    """

    by_batches = False
    ended_early = False
    length: int

    def __iter__(self) -> Any:
        raise TypeError("only fit, evaluate and predict take data that are streamed")

    def plan(self, batch_size: int | None, steps: int | None) -> tuple[int, int]:
        """Rows to a batch and batches to a pass."""
        raise NotImplementedError

    def cut(self, rows: slice) -> Stream:
        """Some of the rows."""
        raise NotImplementedError

    def pieces(self, batch: int, part: Part | None) -> Iterator[Piece]:
        """The pieces of a pass, or of that part of it."""
        raise NotImplementedError


class RowStream(Stream):
    """Blocks of rows.

    Parameters
    ----------
    arrays : tuple
        x, y and weights, of which the last two may be None.
    prepare : callable
        Makes of x, y and weights of some rows what the core takes, or raises.
    first, last : int, optional
        Which of the rows.
    """

    def __init__(self, arrays: Rows, prepare: Callable[..., Rows], first: int = 0, last: int | None = None) -> None:
        self._arrays, self._prepare, self._first = arrays, prepare, first
        self.length = (len(arrays[0]) if last is None else last) - first
        self._read(slice(first, first + 1))  # shapes and types, before anything changes

    def plan(self, batch_size: int | None, steps: int | None) -> tuple[int, int]:
        return batches_of_pass(self.length, batch_size, steps)

    def cut(self, rows: slice) -> Stream:
        return RowStream(self._arrays, self._prepare, self._first + rows.start, self._first + rows.stop)

    def pieces(self, batch: int, part: Part | None) -> Iterator[Piece]:
        shuffled, first, last = part or (None, 0, self.length)
        size = block_rows(self._arrays[0], batch)
        blocks = np.arange(-(-self.length // size))
        if shuffled is not None and len(blocks):
            full = self.length // size  # a last block that is shorter stays the last one
            blocks[:full] = kernels.shuffle_order(full, *shuffled)
        for place in range(first // size, -(-last // size)):
            block = int(blocks[place])
            rows = slice(self._first + block * size, self._first + min((block + 1) * size, self.length))
            data = self._read(rows)
            n, order = len(data[0]), None
            if shuffled is not None:
                key, stream = shuffled
                order = kernels.shuffle_order(n, key, (stream + (block + 1 << 48)) % 2**64)
            yield data, batch, (order, max(first - place * size, 0), min(last - place * size, n))
            for array in self._arrays:
                release(array, rows)

    def _read(self, rows: slice) -> Rows:
        return self._prepare(*(None if array is None else array[rows] for array in self._arrays))


class BatchStream(Stream):
    """Batches that a source makes.

    Parameters
    ----------
    batches : Batches
    prepare : callable
        Makes of x, y and weights of a batch what the core takes, or raises.
    """

    by_batches = True

    def __init__(self, batches: Batches, prepare: Callable[..., Rows]) -> None:
        self._batches, self._prepare = batches, prepare
        self.length = batches.count
        prepare(*batches.peek())  # shapes and types, before anything changes

    def plan(self, batch_size: int | None, steps: int | None) -> tuple[int, int]:
        if batch_size is not None:
            raise ValueError(f"batch_size={batch_size} has no meaning for data that come in batches")
        return 1, steps or self.length

    def cut(self, rows: slice) -> Stream:
        raise ValueError("validation_split needs rows, but x gives batches; use validation_data instead")

    def pieces(self, batch: int, part: Part | None) -> Iterator[Piece]:
        shuffled, first, last = part or (None, 0, self.length)
        count = 0
        for given in self._batches.between(shuffled, first, last):
            data = self._prepare(*given)
            count += 1
            yield data, len(data[0]), (None, 0, len(data[0]))
        self.ended_early = count < last - first < UNKNOWN_BATCHES
