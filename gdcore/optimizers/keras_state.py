"""How the state of an optimizer lies in Keras's files: one array for each variable, in Keras's own order.

The order is that in which the optimizers of ``keras/src/optimizers`` create their variables: iterations, rate, what
the base class keeps, what the kind of optimizer keeps.  Most kinds create theirs by `by_array`; where one differs, its
class says so in ``_keras_vectors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .vectors import own_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class HasState(Protocol):
    """What the functions here need to know of an optimizer."""

    learning_rate: float
    _applied: int
    _slots: Any
    _bounds: Any
    _shapes: list[tuple[int, ...]]
    _slot_names: tuple[str, ...]

    def get_config(self) -> dict[str, Any]: ...
    def _keras_vectors(self) -> list[NDArray[Any]]: ...


def part(optimizer: HasState, slot: int, array: int) -> NDArray[Any]:
    """A view of an array's part of one of the optimizer's vectors, in the shape of the array."""
    view: NDArray[Any] = optimizer._slots[slot, optimizer._bounds[array] : optimizer._bounds[array + 1]]
    return view.reshape(optimizer._shapes[array])


def by_array(optimizer: HasState, together: int = 2) -> list[NDArray[Any]]:
    """Views of the vectors of the kind itself: the first ones array by array, each of the others by itself.

    Parameters
    ----------
    optimizer : Optimizer
    together : int
        How many vectors are created in one pass over the arrays: a's m, a's v, b's m, b's v, ...
    """
    own, arrays = own_count(optimizer), range(len(optimizer._shapes))
    first = min(own, together)
    views = [part(optimizer, slot, array) for array in arrays for slot in range(first)]
    return views + [part(optimizer, slot, array) for slot in range(first, own) for array in arrays]


def vectors(optimizer: HasState) -> list[NDArray[Any]]:
    """All vectors, in Keras's order; empty where the optimizer is not built."""
    if optimizer._slots is None:
        return []
    shared = range(own_count(optimizer), len(optimizer._slots))  # moving averages, accumulated gradients
    views = [part(optimizer, slot, array) for slot in shared for array in range(len(optimizer._shapes))]
    return [*views, *optimizer._keras_vectors()]


def variables(optimizer: HasState) -> list[NDArray[Any]]:
    """All that changes with updates: iterations (int64), rate (unless it is scheduled), vectors."""
    dtype = np.float32 if optimizer._slots is None else optimizer._slots.dtype
    rate = optimizer.get_config()["learning_rate"]
    rates = [] if isinstance(rate, dict) else [np.array(rate, dtype)]
    views = [view.astype(dtype, copy=False) if view.dtype.kind == "f" else view for view in vectors(optimizer)]
    return [np.array(optimizer._applied, np.int64), *rates, *views]


def assign(optimizer: HasState, values: Sequence[NDArray[Any]]) -> None:
    """Take over values in the order and the shapes of `variables`."""
    views = vectors(optimizer)
    has_rate = len(values) - len(views) == 2
    if has_rate and values[1].dtype.type(optimizer.learning_rate) != values[1]:
        optimizer.learning_rate = float(values[1])
    optimizer._applied = int(values[0])
    for view, value in zip(views, values[len(values) - len(views) :], strict=True):
        view[...] = value
