"""Learning-rate schedules, with Keras's names and order of operations (``keras/src/optimizers/schedules``).

An optimizer takes one as its ``learning_rate``; the core then computes the rate of each step inside its loop.
Called with a step, or an array of steps, a schedule gives what the core would compute there::

    schedule = gdcore.optimizers.schedules.CosineDecay(0.1, decay_steps=1000)
    rates = schedule(np.arange(1000))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from .. import _checks
from .._core import kernels
from .._core.specs import ScheduleSpec
from .._fields import Configured, Flag, Real, Text
from .._names import unknown
from .settings import Count, Name, Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_S = TypeVar("_S", bound="LearningRateSchedule")


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

    def _spec(self) -> ScheduleSpec:
        """What the core needs to know."""
        return called_spec(self, self)


def called_spec(rate: Any, source: Any) -> ScheduleSpec:
    """The spec of a function of the step whose results are not known to be learning rates; source is what it asks."""
    called = lambda step: _checks.number("learning_rate", rate(step), 0.0)  # noqa: E731
    return ScheduleSpec("called", called=called, source=source)


class _Compiled(Configured, LearningRateSchedule):
    """A schedule whose formula the core knows."""

    _kind: ClassVar[str]

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step, or at each of an array of steps.

        Parameters
        ----------
        step : array_like of real numbers

        Returns
        -------
        float32 scalar, or ndarray of float32 of the shape of step

        Raises
        ------
        TypeError
            If the steps are no real numbers.
        """
        return self._at(step, np.float32)

    def _at(self, step: Any, dtype: Any) -> Any:
        steps = _checks.real_array("step", step)
        flat = np.ascontiguousarray(steps.reshape(-1), np.float64)
        return kernels.schedule_values(self._formula(), flat, dtype).reshape(steps.shape)[()]

    def _formula(self) -> ScheduleSpec:
        """The spec of the class's own formula, whatever a subclass makes of `__call__`."""
        return ScheduleSpec(self._kind, kernels.SCHEDULES[self._kind].numbers_of(self))

    def _spec(self) -> ScheduleSpec:
        # a subclass may have its own idea of the rate
        return self._formula() if type(self).__call__ is _Compiled.__call__ else super()._spec()


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

    initial_learning_rate = Real(0)
    decay_steps = Count(above=0)
    decay_rate = Real(0)
    staircase = Flag()
    name = Name(lambda cls: cls.__name__)

    _kind = "exponential_decay"

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name


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

    initial_learning_rate = Real(0)
    decay_steps = Count(above=0)
    end_learning_rate = Real(0)
    power = Real(0)
    cycle = Flag()
    name = Name(lambda cls: "PolynomialDecay")

    _kind = "polynomial_decay"

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name


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

    boundaries = Numbers(ascending=True)
    values = Numbers(0)
    name = Text(optional=True)

    _kind = "piecewise_constant_decay"

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        self.boundaries = boundaries
        self.values = values
        self.name = name
        self._formula()  # which looks at both together

    def _formula(self) -> ScheduleSpec:
        # the lists are the user's to change, so that they are checked again; the core gets copies
        boundaries = type(self).boundaries.check(self.boundaries)
        values = type(self).values.check(self.values)
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"values has {len(values)} entries and boundaries {len(boundaries)}, expected one value more than "
                "there are boundaries"
            )
        return ScheduleSpec(self._kind, boundaries=tuple(boundaries), values=tuple(values))


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

    initial_learning_rate = Real(0)
    decay_steps = Count(above=0)
    alpha = Real(0)
    name = Text(optional=True)
    warmup_target = Real(0, optional=True)
    warmup_steps = Count(0)

    _kind = "cosine_decay"

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps


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

    initial_learning_rate = Real(0)
    first_decay_steps = Count(above=0)
    t_mul = Count(above=0)
    m_mul = Real(0)
    alpha = Real(0)
    name = Text(optional=True)

    _kind = "cosine_decay_restarts"

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name


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

    initial_learning_rate = Real(0)
    decay = Real(0, 1)
    steps_per_epoch = Count(above=0)
    name = Text(optional=True)

    _kind = "epoch_decay"

    def __init__(
        self, initial_learning_rate: float, decay: float, steps_per_epoch: int, name: str = "EpochDecay"
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay = decay
        self.steps_per_epoch = steps_per_epoch
        self.name = name


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
