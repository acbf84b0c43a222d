"""What a set-up is, and how its settings and data are drawn from a seed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

Arrays = dict[str, list[Any]]


class Of(NamedTuple):
    """An object of a library: ``library.module.name(**config)``."""

    module: str
    name: str
    config: dict[str, Any]


class SetUp(NamedTuple):
    """What to run; set-ups of the same part and name share a line of the table."""

    part: str
    name: str
    what: dict[str, Any]


class Draw:
    """Settings and data from a seed, the same with every NumPy: RandomState's stream is frozen."""

    def __init__(self, seed: int) -> None:
        self._stream = np.random.RandomState(seed)

    def real(self, low: float, high: float) -> float:
        return round(low + (high - low) * float(self._stream.random_sample()), 3)

    def fraction(self, low: float, high: float) -> float:
        """A number that is the same in float32 and float64."""
        return round(64 * self.real(low, high)) / 64

    def size(self, low: float, high: float) -> float:
        """A number of any order of magnitude between the two."""
        return float(f"{10 ** self.real(math.log10(low), math.log10(high)):.3g}")

    def whole(self, low: int, high: int) -> int:
        return low + int(self._stream.random_sample() * (high + 1 - low))

    def flag(self) -> bool:
        return bool(self._stream.random_sample() < 0.5)

    def one_of(self, *values: Any) -> Any:
        return values[self.whole(0, len(values) - 1)]

    def seed(self) -> int:
        return self.whole(0, 2**31 - 1)

    def array(self, shape: Any, low: float = -1.0, high: float = 1.0) -> Any:
        return low + (high - low) * self._stream.random_sample(shape)

    def classes(self, shape: Any, count: int) -> Any:
        return np.floor(self.array(shape, 0, count)).astype(np.int64)
