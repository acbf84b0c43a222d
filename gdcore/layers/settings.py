"""Kinds of settings that several layers have."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np

from .. import _checks, activations, constraints, initializers, regularizers
from .._fields import Field, Part


class Options(TypedDict, total=False):
    """What every layer takes, and `Layer` describes."""

    name: str | None
    dtype: Any
    trainable: bool
    input_dim: int | None
    input_shape: Any


class OptionsWithActivity(Options, total=False):
    """The same, for layers that do not name `activity_regularizer` among their own arguments."""

    activity_regularizer: Any


def activation() -> Part:
    """An activation; None is linear."""
    return Part(activations.get, activations.serialize)


def initializer() -> Part:
    """An initializer, by name, class, configuration, function or array."""
    return Part(initializers.get, initializers.serialize)


def regularizer() -> Part:
    """A regularizer, or None."""
    return Part(regularizers.get, regularizers.serialize)


def constraint() -> Part:
    """A constraint, or None."""
    return Part(constraints.get, constraints.serialize)


class ActivityRegularizer(Part):
    """A regularizer that the core applies to outputs, or None."""

    def __init__(self) -> None:
        super().__init__(regularizers.get, regularizers.serialize)

    def check(self, value: Any) -> Any:
        found = super().check(value)
        if found is None or isinstance(found, regularizers.ElementwisePenalty):
            return found
        raise ValueError(f"{self.name}={found!r} is not L1, L2 or L1L2")


class LastAxis(Field[Any]):
    """-1 or 1, the axis of a row's values, kept as it comes; it may come in a list of one."""

    def check(self, value: Any) -> Any:
        return _checks.last_axis(self.name, value, (-1, 1))


class Only(Field[Any]):
    """A setting of Keras's that has one value here.

    Parameters
    ----------
    value : bool, str or None
    reason : str
        Why there is no other, for the error.
    """

    def __init__(self, value: Any, reason: str) -> None:
        super().__init__()
        self.value, self.reason = value, reason

    def __get__(self, thing: Any, owner: type) -> Any:
        return self if thing is None else self.value

    def __set__(self, thing: Any, value: Any) -> None:
        self.check(value)

    def check(self, value: Any) -> Any:
        simple = isinstance(value, bool | np.bool_ | int | str)
        if value is self.value or (simple and self.value is not None and value == self.value):
            return self.value
        raise ValueError(f"{self.name}={value!r} is not {self.value!r}: {self.reason}")


class Reals(Field[Any]):
    """A finite number, or nested lists of them as configurations hold them; arrays become lists."""

    def check(self, value: Any) -> Any:
        return plain_reals(self.name, value)


def plain_reals(name: str, value: Any) -> Any:
    """The number, or the array of numbers as nested lists.

    Raises
    ------
    WrongType
        If it is neither a number nor an array of real numbers.
    ValueError
        If any of the numbers is nan or infinite.
    """
    if np.ndim(value) == 0:
        _checks.number(name, value.item() if isinstance(value, np.ndarray) else value)
    array = _checks.real_array(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has nan or inf, expected finite numbers")
    return array.tolist()


def given_row_shape(input_dim: Any, input_shape: Any) -> tuple[int, ...] | None:
    """The shape of a row that a layer was given by either of two arguments, or None."""
    dim = None if input_dim is None else (_checks.integer("input_dim", input_dim, 1),)
    shape = None if input_shape is None else _checks.row_shape("input_shape", input_shape)
    if dim is not None and shape is not None and dim != shape:
        raise ValueError(f"input_dim={input_dim!r} and input_shape={input_shape!r} disagree")
    return shape if dim is None else dim
