"""What all optimizers share: the rate, the settings, the vectors, and updates of arrays where they lie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from .. import _checks
from .._core import kernels
from .._core.specs import OptimizerSpec, ScheduleSpec
from .._fields import Configured, Flag, Integer, Real, changes
from . import keras_state, schedules, vectors
from .schedules import LearningRateSchedule, called_spec
from .settings import Name, patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    LearningRate = float | LearningRateSchedule | Callable[[], float]

_O = TypeVar("_O", bound="Optimizer")

_load_minimize: Callable[[], Callable[..., Any]] | None = None


def provide_minimize(load: Callable[[], Callable[..., Any]]) -> None:
    """Say what an optimizer does that is called, as SciPy calls its methods.

    Parameters
    ----------
    load : callable
        Gives the function; it is called at the first such call, so that what it imports can wait until then.
    """
    global _load_minimize
    _load_minimize = load


class Clip(Real):
    """A limit for gradients, of which an optimizer has one at most."""

    def __init__(self) -> None:
        super().__init__(0, optional=True)

    def __set__(self, thing: Any, value: Any) -> None:
        if value is not None:
            others = {name: thing.__dict__.get(name) for name in thing._CLIPS if name != self.name}
            given = {name: limit for name, limit in others.items() if limit is not None}
            value = self.check(value)
            if given:
                raise ValueError(
                    f"only one of clipnorm, clipvalue and global_clipnorm can be set, got {given | {self.name: value}}"
                )
        super().__set__(thing, value)


class Optimizer(Configured):
    """What all optimizers share.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule, or callable
        At least 0; or what says the rate of each step: a schedule, or a function without arguments that is called
        before each update.
    weight_decay : float, optional
        Before each update ``w <- w - w weight_decay learning_rate``.
    clipnorm, clipvalue, global_clipnorm : float, optional
        At most one of them: scale the gradient of each array down to this norm, limit each of its values, or
        scale all of it down to this norm.
    use_ema : bool
        Keep a moving average ``e <- e ema_momentum + w (1 - ema_momentum)`` of the weights; ``fit`` ends on it.
    ema_momentum : float
    ema_overwrite_frequency : int, optional
        Put the average into the weights every so many updates.
    loss_scale_factor : float, optional
        Train on the loss times this, and divide the gradients by it: for gradients that are too small for the type.
    gradient_accumulation_steps : int, optional
        At least 2: update once in so many steps, by the mean of their gradients.
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        For settings of other types, or out of their range; also where they are assigned later.
    """

    name = Name(lambda cls: cls._name)
    weight_decay = Real(0, optional=True)
    clipnorm = Clip()
    global_clipnorm = Clip()
    clipvalue = Clip()
    use_ema = Flag()
    ema_momentum = Real(0, 1)
    ema_overwrite_frequency = Integer(1, optional=True)
    loss_scale_factor = Real(above=0, optional=True)
    gradient_accumulation_steps = Integer(2, optional=True)

    _name: ClassVar[str]
    _slot_names: tuple[str, ...] = ()  # what the vectors are
    _keys: list[Any] | None = None  # by which a model's arrays are known again
    _bounds: Any  # where arrays begin in the vectors, and the end
    _adam: Any  # which arrays Muon leaves to Adam
    _decayed: Any  # to which arrays weight decay applies
    _scalars: Any  # Nadam's product of momenta; the loss scale, the steps since it changed
    _prepared: kernels.UpdatePlan | None = None  # for updates of arrays like the last one
    _prepared_as_of = -1  # the count of `changes` then: no setting has changed while it stays

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        self._rate: Any = None
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.name = name
        self._applied = 0
        self._excluded: tuple[str, ...] = ()
        self._excluded_arrays: list[Any] = []
        self._slots: Any = None
        self._shapes: list[tuple[int, ...]] = []

    # ---- settings ----------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """The step size of the next update.

        A number may be assigned at any time, also while `fit` runs.  A schedule or a function that takes the place of
        another rate counts from the next `apply` on, and in a model that is in use from the next `compile`.

        Raises
        ------
        TypeError
            On assigning a number where a schedule says the rate (as in Keras).
        """
        rate = self._rate
        if isinstance(rate, np.ndarray):
            return float(rate[0])
        return _checks.number("learning_rate", self._scheduled(), 0.0)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or callable(value):
            self._rate = value
            changes.count += 1
            return
        if isinstance(self._rate, LearningRateSchedule):
            raise TypeError(
                f"learning_rate={_checks.shown(value)} cannot be assigned: the rate of this {type(self).__name__} "
                f"comes from {self._rate!r}. Assign another schedule, or make the optimizer with a number."
            )
        number = _checks.number("learning_rate", value, 0.0)
        if self._rate is None or callable(self._rate):
            self._rate = np.empty(1)
            changes.count += 1
        self._rate[0] = number  # in place: the core may be looking at it

    def _scheduled(self) -> Any:
        """The next rate in the arithmetic of the arrays (float32 where they are not known yet)."""
        rate = self._rate
        if not isinstance(rate, LearningRateSchedule):
            return rate()
        if not isinstance(rate, schedules._Compiled) or rate._spec().called is not None:
            return rate(self._applied)
        return rate._at(self._applied, self._slots.dtype if self.built else np.float32)

    @property
    def iterations(self) -> int:
        """Updates made so far (with accumulated gradients, one for each full set of steps)."""
        return self._applied // (self.gradient_accumulation_steps or 1)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Leave some arrays out of `weight_decay`; before `build`.

        Parameters
        ----------
        var_list : list of ndarray, optional
        var_names : list of str, optional
            Regular expressions: a model's arrays in whose path (``model/layer/kernel``) one is found.

        Raises
        ------
        ValueError
            If the optimizer is built already, or var_names are not regular expressions.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay must be called before build(): this optimizer is built already")
        names = patterns("var_names", () if var_names is None else var_names)
        self._excluded_arrays = [] if var_list is None else list(var_list)
        self._excluded = tuple(names)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, in Keras's form."""
        constant = isinstance(self._rate, np.ndarray)
        rate = self.learning_rate if constant else schedules.serialize(self._rate)
        return {"name": self.name, "learning_rate": rate, **super().get_config()}

    @classmethod
    def from_config(cls: type[_O], config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> _O:
        """The object that `get_config` (or Keras's) described; custom_objects holds your own schedules by name."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": schedules.deserialize(rate, custom_objects)}
        return cls(**config)

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, whose gradients `apply` expects."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def __str__(self) -> str:
        rate = self.learning_rate if isinstance(self._rate, np.ndarray) else self._scheduled()
        # the fewest digits that tell the number apart in its own type: float32's 0.1 is not 0.1000000015
        return f"{type(self).__name__} lr={np.format_float_positional(rate, precision=10, trim='.')}"

    # ---- state -------------------------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the optimizer has its vectors."""
        return self._slots is not None

    @property
    def variables(self) -> list[NDArray[Any]]:
        """The optimizer's own vectors, each as long as all arrays together."""
        return [] if self._slots is None else list(self._slots)

    def build(self, var_list: Sequence[NDArray[Any]]) -> None:
        """Make room for these arrays (float32 or float64, all of one type).

        Does nothing where the optimizer is built for arrays of these very shapes.

        Raises
        ------
        ValueError
            If it is built for other shapes or another type, or the arrays have no common type.
        """
        self._build([_variable("var_list", a) for a in var_list])

    def get_state(self) -> dict[str, Any]:
        """A copy of all that changes with updates, for `set_state`."""
        if not self.built:
            return {"applied": self._applied}
        return {"applied": self._applied, "slots": self._slots.copy(), "scalars": self._scalars.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to what `get_state` gave.

        Raises
        ------
        ValueError
            If the optimizer is not built for arrays of that size; nothing has changed then.
        """
        applied, slots = int(state["applied"]), state.get("slots")
        if slots is not None:
            if not self.built or slots.shape != self._slots.shape:
                here = self._slots.shape if self.built else None
                raise ValueError(
                    f"state holds vectors of shape {slots.shape}, this optimizer has {here}: build it first"
                )
            self._scalars[...] = state["scalars"]
            self._slots[...] = slots
        self._applied = applied

    def finalize_variable_values(self, var_list: Sequence[NDArray[Any]]) -> None:
        """With `use_ema`, put the moving average into the arrays."""
        if not self.use_ema or not self.built:
            return
        for array, average in zip(var_list, self._averages(), strict=True):
            array[...] = average

    def _averages(self) -> list[NDArray[Any]]:
        """Views of the moving averages of what the optimizer was built for; none where it keeps none."""
        if vectors.AVERAGE not in self._slot_names or not self.use_ema:
            return []
        slot = self._slot_names.index(vectors.AVERAGE)
        return [keras_state.part(self, slot, array) for array in range(len(self._shapes))]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_prepared": None, "_prepared_as_of": -1}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._slots is not None and not self._slot_names:  # of 0.1.0, which knew them by their number
            self.__dict__["_slot_names"] = vectors.names(self)

    # ---- updates -----------------------------------------------------------------------------------------

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[NDArray[Any]]) -> None:
        """Update arrays in place.

        Parameters
        ----------
        grads : list of array_like
        trainable_variables : list of ndarray
            Those that the optimizer was built for, in that order; the first call builds it.

        Raises
        ------
        ValueError, TypeError
            If shapes, types or numbers do not agree; nothing has changed then.
        """
        prepared = self._prepared if self._prepared_as_of == changes.count else None
        if prepared is not None and prepared.apply(grads, trainable_variables, self._applied):
            self.__dict__["_applied"] += 1
            return
        arrays = [_variable("trainable_variables", a) for a in trainable_variables]
        given = _gradients(grads, arrays)
        if not arrays:
            return
        self.build(arrays)
        as_of, plan = changes.count, prepared or self._plan()
        plan.applied = self._applied
        if len(arrays) == 1 and self._reads_only(given[0], arrays[0]):
            flat_grad = given[0].reshape(-1)
        else:
            flat_grad = np.concatenate([g.reshape(-1) for g in given]).astype(arrays[0].dtype, copy=False)
        if len(arrays) == 1 and arrays[0].flags.c_contiguous:
            self._applied += plan.update(arrays[0].reshape(-1), flat_grad)
        else:
            theta = np.concatenate([a.reshape(-1) for a in arrays])
            self._applied += plan.update(theta, flat_grad)
            for a, start, end in zip(arrays, self._bounds[:-1], self._bounds[1:], strict=True):
                a[...] = theta[start:end].reshape(a.shape)
        if prepared is None and plan.works_in_place:
            plan.prepare(self._shapes)
            self._prepared, self._prepared_as_of = plan, as_of

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, NDArray[Any]]]) -> int:
        """`apply`, for pairs (gradient, array); returns the iterations so far."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

    def __call__(
        self,
        fun: Any,
        x0: Any,
        args: Any = (),
        *,
        jac: Any = None,
        hess: Any = None,
        hessp: Any = None,
        bounds: Any = None,
        constraints: Any = (),
        callback: Any = None,
        **options: Any,
    ) -> Any:
        """`gdcore.minimize` by this optimizer: ``scipy.optimize.minimize(f, x0, method=Adam(0.01), options={...})``.

        Raises
        ------
        ValueError
            If there are constraints, or second derivatives, which no optimizer here looks at.
        """
        if constraints or hess is not None or hessp is not None:
            raise ValueError(f"{type(self).__name__} uses neither constraints nor hess and hessp")
        if _load_minimize is None:
            raise RuntimeError("optimizers minimize functions only as a part of gdcore, which provides minimize()")
        minimize = _load_minimize()
        return minimize(fun, x0, self, jac, args=args, bounds=bounds, callback=callback, **options)

    # ---- what the core is told, and what models, files and the core ask ----------------------------------

    _kind: ClassVar[str]
    _CLIPS = ("clipvalue", "global_clipnorm", "clipnorm")

    def _rate_spec(self) -> ScheduleSpec:
        """What the core needs to know about the rate."""
        rate = self._rate
        if isinstance(rate, np.ndarray):
            return ScheduleSpec("constant", rate=rate)
        return rate._spec() if isinstance(rate, LearningRateSchedule) else called_spec(lambda step: rate(), rate)

    @property
    def _calls_python(self) -> bool:
        """Whether a function of Python says the rate."""
        return not isinstance(self._rate, np.ndarray) and self._rate_spec().called is not None

    def _build(
        self, arrays: Sequence[Any], paths: Sequence[str] | None = None, keys: Sequence[Any] | None = None
    ) -> None:
        """`build`, for arrays of which a model knows the paths, ``model/layer/kernel``, and the keys."""
        vectors.allot(self, arrays, paths, keys)

    def _is_excluded(self, array: Any, path: str) -> bool:
        return any(array is other for other in self._excluded_arrays) or matches(self._excluded, path)

    def _leaves_to_adam(self, array: Any, path: str) -> bool:
        return False

    def _decays(self) -> Any:
        """The weight decay of each array, 0 for none."""
        return self._decayed * (self.weight_decay or 0.0)

    def _spec(self, growth_steps: int = 0) -> OptimizerSpec:
        """The settings as the core needs to know them; growth_steps are those of a dynamic loss scale."""
        return vectors.describe(self, growth_steps)

    def _plan(self, growth_steps: int = 0, **places: Any) -> kernels.UpdatePlan:
        """What the core needs for updates; places are those of `vectors.plan`."""
        return vectors.plan(self, growth_steps, **places)

    def _reads_only(self, grad: NDArray[Any], array: NDArray[Any]) -> bool:
        """Whether the core can have the gradient itself: it fits, and nothing is written to it on the way."""
        flags = grad.flags
        return (
            grad.dtype == array.dtype
            and flags.c_contiguous
            and flags.writeable
            and flags.aligned
            and kernels.OPTIMIZERS[self._kind].is_elementwise
            and not any(getattr(self, name) for name in self._CLIPS)
            and not (self.gradient_accumulation_steps or self.loss_scale_factor)
            and not np.may_share_memory(grad, array)
        )

    @property
    def _elementwise(self) -> bool:
        """Whether each number is updated as if it were alone."""
        return kernels.OPTIMIZERS[self._kind].is_elementwise and not (self.clipnorm or self.global_clipnorm)

    def _snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """For `_restore`: the settings and the state, also that of an optimizer without vectors."""
        return dict(self.__dict__), self.get_state()

    def _restore(self, snapshot: tuple[dict[str, Any], dict[str, Any]]) -> None:
        settings, state = snapshot
        self.__dict__.clear()
        self.__dict__.update(settings, _prepared=None, _prepared_as_of=-1)
        self.set_state(state)

    def _fresh(self: _O) -> _O:
        """An optimizer with the same settings, that has not been built."""
        twin, rate = object.__new__(type(self)), self._rate
        unbuilt: dict[str, Any] = {"_slots": None, "_slot_names": (), "_keys": None, "_shapes": [], "_applied": 0}
        vars(twin).update({**self.__getstate__(), **unbuilt})
        if isinstance(rate, np.ndarray):
            vars(twin)["_rate"] = rate.copy()
        return twin

    def _keras_vectors(self) -> list[NDArray[Any]]:
        """What this kind of optimizer keeps, as views in the order of Keras's files."""
        return keras_state.by_array(self)

    def _keras_slots(self) -> list[NDArray[Any]]:
        return keras_state.vectors(self)

    def _keras_variables(self) -> list[NDArray[Any]]:
        return keras_state.variables(self)

    def _set_keras_variables(self, values: Sequence[NDArray[Any]]) -> None:
        keras_state.assign(self, values)


def matches(expressions: Iterable[str], path: str) -> bool:
    """Whether one of the regular expressions is found in the path."""
    return any(re.search(expression, path) for expression in expressions)


def _variable(name: str, value: Any) -> Any:
    """An array that can be updated in place."""
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64) or not value.dtype.isnative:
        kind = f"{value.dtype} array" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} holds a {kind}, expected arrays of float32 or float64 to change in place")
    return value


def _gradients(grads: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The gradients as arrays, which fit those that they belong to."""
    given = [np.asarray(g) for g in grads]
    if len(given) != len(arrays):
        raise ValueError(f"grads has {len(given)} arrays, expected {len(arrays)}, one for each variable")
    for i, (g, a) in enumerate(zip(given, arrays, strict=True)):
        if g.dtype.kind not in "fiub":
            raise TypeError(f"grads[{i}] has dtype {g.dtype}, expected real numbers")
        if g.shape != a.shape:
            raise ValueError(f"grads[{i}] has shape {g.shape}, expected {a.shape}")
        if not a.flags.writeable:
            raise ValueError(f"trainable_variables[{i}] is read-only")
    return given
