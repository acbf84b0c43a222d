"""The memory that an optimizer works on, and the plan that the core makes of it."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import kernels
from .._core.specs import OptimizerSpec, VariableSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

AVERAGE, ACCUMULATOR = "moving_average", "accumulated_gradient"
"""Names of the vectors that any kind of optimizer may have, behind those of its own kind."""


def names(optimizer: Any) -> tuple[str, ...]:
    """The vectors that the settings ask for."""
    kind = kernels.OPTIMIZERS[optimizer._kind]
    own = [slot.name for slot in kind.slots if slot.needed_by is None or getattr(optimizer, slot.needed_by)]
    shared = [AVERAGE] * optimizer.use_ema + [ACCUMULATOR] * (optimizer.gradient_accumulation_steps is not None)
    return (*own, *shared)


def allot(
    optimizer: Any, arrays: Sequence[Any], paths: Sequence[str] | None = None, keys: Sequence[Any] | None = None
) -> None:
    """Make the optimizer's vectors for these arrays; nothing where it has those for arrays of their very shapes.

    Parameters
    ----------
    optimizer : Optimizer
    arrays : list of ndarray
    paths : list of str, optional
        Of the arrays in a model: ``model/layer/kernel``.
    keys : list, optional
        By which a model's arrays are known again.

    Raises
    ------
    ValueError
        If it is built for other shapes or another type, or the arrays have no common type.
    """
    if not arrays or any(a.dtype != arrays[0].dtype for a in arrays):
        raise ValueError(f"var_list has types {[str(a.dtype) for a in arrays]}, expected one type for all")
    shapes, dtype = [a.shape for a in arrays], arrays[0].dtype
    if optimizer.built:
        if shapes != optimizer._shapes or optimizer._slots.dtype != dtype:
            raise ValueError(
                f"this {type(optimizer).__name__} already belongs to arrays of shapes {optimizer._shapes} and type "
                f"{optimizer._slots.dtype}, and cannot train {shapes} of type {dtype}: make a new one"
            )
        return
    named = list(zip(arrays, paths or [""] * len(arrays), strict=True))
    bounds, slot_names = [0, *accumulate(math.prod(shape) for shape in shapes)], names(optimizer)
    vars(optimizer).update(  # none of it is a setting
        _shapes=shapes,
        _keys=None if keys is None else list(keys),
        _bounds=np.array(bounds, np.int64),
        _adam=np.array([optimizer._leaves_to_adam(*one) for one in named], np.uint8),
        _decayed=np.array([not optimizer._is_excluded(*one) for one in named]),
        _slot_names=slot_names,
        _slots=np.zeros((len(slot_names), bounds[-1]), dtype),
        _scalars=np.array([1.0, 1.0, 0.0]),
    )
    for slot in kernels.OPTIMIZERS[optimizer._kind].slots:
        if slot.initial is not None:
            row(optimizer, slot.name)[:] = getattr(optimizer, slot.initial)


def row(optimizer: Any, name: str) -> Any:
    """The vector of that name."""
    return optimizer._slots[optimizer._slot_names.index(name)]


def own_count(optimizer: Any) -> int:
    """How many of the vectors are those of the kind itself, which come first."""
    return sum(name not in (AVERAGE, ACCUMULATOR) for name in optimizer._slot_names)


def describe(optimizer: Any, growth_steps: int = 0) -> OptimizerSpec:
    """The settings as they are now; growth_steps are those of a dynamic loss scale, 0 where there is none."""
    values = vars(optimizer)  # the fields, without what checks them: this may run before each update
    clipping = next((name for name in optimizer._CLIPS if values[name]), None)  # Keras takes 0 for none
    scale = 1.0 if growth_steps else values["loss_scale_factor"]
    return OptimizerSpec(
        optimizer._kind,
        optimizer._rate_spec(),
        kernels.OPTIMIZERS[optimizer._kind].numbers_of(optimizer),
        clipping,
        values[clipping] if clipping else 0.0,
        values["ema_momentum"] if values["use_ema"] else None,
        values["ema_overwrite_frequency"] or 0,
        values["gradient_accumulation_steps"] or 0,
        scale,
        growth_steps,
    )


def variables(optimizer: Any, offsets: Sequence[int | None], learns: Sequence[bool]) -> list[VariableSpec]:
    """What the optimizer was built for, where it lies in a flat vector, and which of it learns."""
    decays, by_adam = optimizer._decays().tolist(), optimizer._adam.tolist()
    return [
        VariableSpec(offset, math.prod(shape), *_matrices(shape), decay, adam != 0, learn)
        for offset, shape, decay, adam, learn in zip(offsets, optimizer._shapes, decays, by_adam, learns, strict=True)
    ]


def plan(
    optimizer: Any,
    growth_steps: int = 0,
    n_params: int | None = None,
    offsets: Sequence[int | None] | None = None,
    learns: Sequence[bool] | None = None,
) -> kernels.UpdatePlan:
    """What the core needs for updates: of all that the optimizer was built for, one behind the other, or as told.

    Raises
    ------
    ValueError
        If the settings ask for a vector that the optimizer was built without.
    """
    bounds = optimizer._bounds.tolist()
    described = variables(optimizer, offsets or bounds[:-1], learns or [True] * len(optimizer._shapes))
    size = bounds[-1] if n_params is None else n_params
    spec = describe(optimizer, growth_steps)
    made = kernels.UpdatePlan(spec, described, optimizer._slots, optimizer._scalars, size, optimizer._slot_names)
    made.applied = optimizer._applied
    return made


def _matrices(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The number of matrices, their rows and columns; no rows: not a matrix."""
    if len(shape) < 2:
        return (1, 0, shape[0] if shape else 1)
    return (math.prod(shape[:-2]), shape[-2], shape[-1])
