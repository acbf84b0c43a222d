"""What the core is told about an optimizer, and the memory that it works on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import kernels

if TYPE_CHECKING:
    from collections.abc import Sequence


def allot(optimizer: Any, arrays: Sequence[Any], paths: Sequence[str] | None) -> None:
    """Make the optimizer's vectors for these arrays; nothing where it has those for arrays of their very shapes.

    Parameters
    ----------
    optimizer : Optimizer
    arrays : list of ndarray
    paths : list of str, optional
        Of the arrays in a model: ``model/layer/kernel``.

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
    optimizer._shapes = shapes
    optimizer._bounds = np.cumsum([0, *(math.prod(shape) for shape in shapes)], dtype=np.int64)
    optimizer._matrices = np.array(
        [(math.prod(s[:-2]), *s[-2:]) if len(s) > 1 else (1, 0, s[0] if s else 1) for s in shapes], np.int64
    )
    optimizer._adam = np.array([optimizer._leaves_to_adam(*one) for one in named], np.uint8)
    optimizer._decayed = np.array([not optimizer._is_excluded(*one) for one in named])
    initial = optimizer._initial_slots()
    optimizer._slots = np.zeros((len(initial) + _extra(optimizer), optimizer._bounds[-1]), dtype)
    for slot, value in zip(optimizer._slots, initial, strict=False):
        slot[:] = value
    optimizer._scalars = np.array([1.0, 1.0, 0.0])


def describe(optimizer: Any, growth_steps: int) -> tuple[Any, ...]:
    """What the core needs for updates.

    (spec, slots, bounds and shapes of the arrays, which of them Muon leaves to Adam, their decays, scalars,
    workspace); growth_steps are those of a dynamic loss scale, 0 where there is none.

    Raises
    ------
    ValueError
        If settings that decide on the number of vectors have changed since these were made.
    """
    values = vars(optimizer)  # the fields, without what checks them: this may run before each update
    own = len(optimizer._initial_slots())
    _refuse_other_vectors(optimizer, own)
    clipping = next((name for name in optimizer._CLIPS if values[name]), None)  # Keras takes 0 for none
    scale = values["loss_scale_factor"]
    if not growth_steps:
        optimizer._scalars[1] = scale or 1.0
    options = (
        clipping,
        values[clipping] if clipping else 0.0,
        values["use_ema"],
        values["ema_momentum"],
        values["ema_overwrite_frequency"] or 0,
        values["gradient_accumulation_steps"] or 0,
        bool(growth_steps or scale),
        growth_steps,
        optimizer._applied,
    )
    slots, matrices, adam = optimizer._slots, optimizer._matrices, optimizer._adam
    if optimizer._workspace is None:
        optimizer._workspace = kernels.optimizer_workspace(optimizer._kind, matrices, adam, slots.dtype)
    spec = (optimizer._kind, optimizer._rate_spec(), optimizer._numbers(), optimizer._flag(), own, options)
    arrays = (slots, optimizer._bounds, matrices, adam)
    return (spec, *arrays, optimizer._decay(), optimizer._scalars, optimizer._workspace)


def _extra(optimizer: Any) -> int:
    """How many vectors there are besides those of the kind: the moving average, the accumulated gradients."""
    values = vars(optimizer)
    return values["use_ema"] + (values["gradient_accumulation_steps"] is not None)


def _refuse_other_vectors(optimizer: Any, own: int) -> None:
    extra = _extra(optimizer)
    has, needs = len(optimizer._slots), own + extra
    if has == needs or (has > needs and not extra):  # the kind's own vectors come first: the last may stay unused
        return
    names = ", ".join((*optimizer._vector_settings, "use_ema", "gradient_accumulation_steps"))
    raise ValueError(
        f"this {type(optimizer).__name__} was built with {has} vectors, and its settings now need {needs}: those that "
        f"add or drop vectors ({names}) must be set before build()"
    )
