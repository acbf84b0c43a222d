"""Batches from a generator, a sequence or another iterable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import kernels
from .passes import UNKNOWN_BATCHES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Rows = tuple[Any, Any, Any]
    """x, y and the weights of rows, of which the last two may be None."""


def gives_batches(x: Any) -> bool:
    """Whether x is a generator, a sequence of batches or another iterable of them, rather than rows."""
    if isinstance(x, list | tuple | str | bytes | np.ndarray) or hasattr(x, "__array__") or hasattr(x, "dtype"):
        return False
    return hasattr(x, "__next__") or hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


class Batches:
    """The batches of a source, counted where that is possible.

    Attributes
    ----------
    count : int
        How many a pass has, `UNKNOWN_BATCHES` if the source does not know.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self._iterator: Any = None
        self._held: list[Rows] = []
        # keras.utils.PyDataset says None where it does not know
        n = getattr(source, "num_batches", None) if self._indexed else None
        n = len(source) if self._indexed and n is None else n
        self.count: int = UNKNOWN_BATCHES if n is None else int(n)
        if self.count == 0:
            raise ValueError(f"x={source!r} has no batches")

    def __len__(self) -> int:
        if self.count == UNKNOWN_BATCHES:
            raise TypeError("the number of batches is unknown")
        return self.count

    def __repr__(self) -> str:
        return f"batches of {type(self._source).__name__}"

    def peek(self) -> Rows:
        """The first batch, which is not used up."""
        if self._indexed:
            return _rows_of(self._source[0])
        if not self._held:
            try:
                self._held = [self._next()]
            except StopIteration:
                raise ValueError(f"x={self._source!r} is exhausted: it gives no batch") from None
        return self._held[0]

    def between(self, shuffled: tuple[int, int] | None, first: int, last: int) -> Iterator[Rows]:
        """Batches first..last-1 of a pass; those of a generator are the next ones, as long as there are any."""
        if self._indexed:
            order = np.arange(self.count) if shuffled is None else kernels.shuffle_order(self.count, *shuffled)
            for index in order[first:last].tolist():
                yield _rows_of(self._source[index])
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
        return _rows_of(next(self._iterator))


def _rows_of(batch: Any) -> Rows:
    """x, y and weights of a batch as the caller's source gives it."""
    given: Sequence[Any] = batch if isinstance(batch, tuple | list) else (batch,)
    if not 1 <= len(given) <= 3:
        raise ValueError(f"a batch has {len(given)} parts, expected (x, y) or (x, y, sample_weight)")
    x, y, w = (*given, None, None)[:3]
    return x, y, w
