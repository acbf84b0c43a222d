"""Learning-rate schedules, with Keras's names and order of operations (``keras/src/optimizers/schedules``).

An optimizer takes one as its ``learning_rate``; the core then computes the rate of each step inside its loop.
Called with a step, or an array of steps, a schedule gives what the core would compute there::

    schedule = gdcore.optimizers.schedules.CosineDecay(0.1, decay_steps=1000)
    rates = schedule(np.arange(1000))
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .._core import kernels
from .._names import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_S = TypeVar("_S", bound="LearningRateSchedule")


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r} is not a number") from None
    if not (low <= number <= high) or math.isinf(number):
        raise ValueError(f"{name}={value!r} is not a finite number between {low:g} and {high:g}")
    return number


def _positive(name: str, value: Any) -> float:
    if _number(name, value, 0.0, math.inf) == 0:
        raise ValueError(f"{name}={value!r} is not greater than 0")
    return value


class LearningRateSchedule:
    """A learning rate that depends on the number of steps made so far.

    For a schedule of your own override ``__call__(step)``; it is called once before each update, with an int.
    ``get_config`` makes it serializable.
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step (from 0)."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(step): a schedule must say its rates")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        raise NotImplementedError(f"{type(self).__name__} has no get_config(): it cannot be serialized")

    @classmethod
    def from_config(cls: type[_S], config: dict[str, Any]) -> _S:
        """The object that `get_config` described."""
        return cls(**config)

    def _spec(self) -> tuple[Any, ...]:
        """What the core needs to know: (kind, numbers, flag, table or what to call)."""
        return _called(self)


def _called(rate: Any) -> tuple[Any, ...]:
    """The spec of a function of the step whose results are not known to be learning rates."""
    return ("called", (), False, lambda step: _number("learning_rate", rate(step), 0.0, math.inf))


class _Compiled(LearningRateSchedule):
    """A schedule that the core knows; `_own` is its spec."""

    name: str

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step, or at each of an array of steps.

        Parameters
        ----------
        step : array_like of real numbers

        Returns
        -------
        float32 scalar, or ndarray of float32 of the shape of step
        """
        return self._at(step, np.float32)

    def _at(self, step: Any, dtype: Any) -> Any:
        steps = np.asarray(step)
        if steps.dtype.kind not in "fiub":
            raise TypeError(f"step has dtype {steps.dtype}, expected real numbers")
        flat = np.ascontiguousarray(steps.reshape(-1), np.float64)
        return kernels.schedule_values(self._own(), flat, dtype).reshape(steps.shape)[()]

    def _own(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def _spec(self) -> tuple[Any, ...]:
        # a subclass may have its own idea of the rate
        return self._own() if type(self).__call__ is _Compiled.__call__ else super()._spec()

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class ExponentialDecay(_Compiled):
    """``initial_learning_rate decay_rate^(step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : float
        Greater than 0.
    decay_rate : float
        At least 0.
    staircase : bool
        Only whole multiples of decay_steps count: the rate stays for so many steps.
    name : str
    """

    _kind = "exponential_decay"

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate, 0.0, math.inf)
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = _number("decay_rate", decay_rate, 0.0, math.inf)
        self.staircase = bool(staircase)
        self.name = name or type(self).__name__

    def _own(self) -> tuple[Any, ...]:
        numbers = (self.initial_learning_rate, self.decay_steps, self.decay_rate)
        return (self._kind, numbers, self.staircase, None)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class InverseTimeDecay(ExponentialDecay):
    """``initial_learning_rate / (1 + decay_rate step / decay_steps)``; arguments as in `ExponentialDecay`."""

    _kind = "inverse_time_decay"


class PolynomialDecay(_Compiled):
    """``(initial_learning_rate - end_learning_rate)(1 - step / decay_steps)^power + end_learning_rate``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : float
        Greater than 0.
    end_learning_rate : float
        The rate from there on.
    power : float
        At least 0.
    cycle : bool
        Instead of staying at the end, stretch decay_steps to its next multiple: the rate jumps up again.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate, 0.0, math.inf)
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = _number("end_learning_rate", end_learning_rate, 0.0, math.inf)
        self.power = _number("power", power, 0.0, math.inf)
        self.cycle = bool(cycle)
        self.name = name or "PolynomialDecay"

    def _own(self) -> tuple[Any, ...]:
        numbers = (self.initial_learning_rate, self.decay_steps, self.end_learning_rate, self.power)
        return ("polynomial_decay", numbers, self.cycle, None)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class PiecewiseConstantDecay(_Compiled):
    """``values[i]`` for the steps after ``boundaries[i - 1]``, up to and with ``boundaries[i]``.

    Parameters
    ----------
    boundaries : list of float
        In ascending order.
    values : list of float
        One more than there are boundaries.
    name : str
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        self.boundaries, self.values, self.name = list(boundaries), list(values), name
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"values has {len(self.values)} entries and boundaries {len(self.boundaries)}, expected one value more "
                "than there are boundaries"
            )
        for i, boundary in enumerate(self.boundaries):
            _number(f"boundaries[{i}]", boundary, -math.inf, math.inf)
        for i, value in enumerate(self.values):
            _number(f"values[{i}]", value, 0.0, math.inf)
        if any(a > b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"boundaries={self.boundaries} are not in ascending order")

    def _own(self) -> tuple[Any, ...]:
        return ("piecewise_constant_decay", (), False, np.array([*self.boundaries, *self.values], np.float64))

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


class CosineDecay(_Compiled):
    """Half a period of the cosine, perhaps after a straight warm-up (Loshchilov & Hutter, ICLR 2017).

    ``r ((1 - alpha)(1 + cos(pi step / decay_steps)) / 2 + alpha)``, where r is initial_learning_rate.  With a
    warmup_target the rate first rises from initial_learning_rate to that in warmup_steps; then r is
    warmup_target, and step counts from there.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : float
        Greater than 0; the rate stays as it is after them.
    alpha : float
        The last rate, as a fraction of r.
    name : str
    warmup_target : float, optional
    warmup_steps : float
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate, 0.0, math.inf)
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = _number("alpha", alpha, 0.0, math.inf)
        self.name = name
        self.warmup_target = None if warmup_target is None else _number("warmup_target", warmup_target, 0.0, math.inf)
        _number("warmup_steps", warmup_steps, 0.0, math.inf)
        self.warmup_steps = warmup_steps

    def _own(self) -> tuple[Any, ...]:
        target = self.warmup_target or 0.0
        numbers = (self.initial_learning_rate, self.decay_steps, self.alpha, target, self.warmup_steps)
        return ("cosine_decay", numbers, self.warmup_target is not None, None)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(_Compiled):
    """`CosineDecay` again and again (Loshchilov & Hutter, ICLR 2017).

    Each period is t_mul times as long as the one before, and begins at m_mul times its rate.

    Parameters
    ----------
    initial_learning_rate : float
    first_decay_steps : float
        Greater than 0.
    t_mul : float
        Greater than 0.  (Where it is less than 1 the periods end some time, and the rate is nan from there on.)
    m_mul : float
    alpha : float
        The last rate of each period, as a fraction of initial_learning_rate.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate, 0.0, math.inf)
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul = _positive("t_mul", t_mul)
        self.m_mul = _number("m_mul", m_mul, 0.0, math.inf)
        self.alpha = _number("alpha", alpha, 0.0, math.inf)
        self.name = name

    def _own(self) -> tuple[Any, ...]:
        numbers = (self.initial_learning_rate, self.first_decay_steps, self.t_mul, self.m_mul, self.alpha)
        return ("cosine_decay_restarts", numbers, False, None)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }


class EpochDecay(_Compiled):
    """``initial_learning_rate (1 - decay)^(k + 1)`` in epoch k, counted from 0 (not in Keras).

    Computed in double and rounded once.

    Parameters
    ----------
    initial_learning_rate : float
    decay : float
        Between 0 and 1.
    steps_per_epoch : int
        Updates to an epoch: the number of rows divided by the batch size, rounded up.
    name : str
    """

    def __init__(
        self, initial_learning_rate: float, decay: float, steps_per_epoch: int, name: str = "EpochDecay"
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate, 0.0, math.inf)
        self.decay = _number("decay", decay, 0.0, 1.0)
        self.steps_per_epoch = _positive("steps_per_epoch", steps_per_epoch)
        self.name = name

    def _own(self) -> tuple[Any, ...]:
        return ("epoch_decay", (self.initial_learning_rate, self.decay, self.steps_per_epoch), False, None)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay": self.decay,
            "steps_per_epoch": self.steps_per_epoch,
            "name": self.name,
        }


_CLASSES: dict[str, type[LearningRateSchedule]] = {
    cls.__name__: cls
    for cls in (
        ExponentialDecay,
        InverseTimeDecay,
        PolynomialDecay,
        PiecewiseConstantDecay,
        CosineDecay,
        CosineDecayRestarts,
        EpochDecay,
    )
}


def serialize(learning_rate_schedule: Any) -> dict[str, Any]:
    """A dictionary, in Keras's form, that `deserialize` turns back into the schedule.

    A plain function is described by its name only.
    """
    rate = learning_rate_schedule
    if not isinstance(rate, LearningRateSchedule):
        name = getattr(rate, "__name__", type(rate).__name__)
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    cls = type(rate)
    of_keras = _CLASSES.get(cls.__name__) is cls and cls is not EpochDecay
    return {
        "module": "keras.optimizers.schedules" if of_keras else None,
        "class_name": cls.__name__,
        "config": rate.get_config(),
        "registered_name": None if of_keras else cls.__name__,
    }


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule that `serialize` (or Keras's) described.

    Parameters
    ----------
    config : dict
    custom_objects : mapping of str to class or function, optional
        Your own schedules, by name.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    name, known = config.get("class_name"), {**_CLASSES, **(custom_objects or {})}
    function = name == "function"
    if function:
        name = config.get("config")
    if name not in known:
        raise unknown("learning-rate schedule", name, known)
    return known[name] if function else known[name].from_config(dict(config.get("config", {})))
