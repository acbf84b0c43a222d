"""What all optimizers share: the rate, the settings, the vectors, and updates of arrays where they lie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from .. import _checks
from .._core import kernels
from .._fields import Configured, Flag, Integer, Real
from . import core_state, keras_state, schedules
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
    _bounds: Any  # where arrays begin in the vectors, and the end
    _matrices: Any  # the shapes of the arrays: number of matrices, their rows and columns
    _adam: Any  # which arrays Muon leaves to Adam
    _decayed: Any  # to which arrays weight decay applies
    _scalars: Any  # Nadam's product of momenta; the loss scale, the steps since it changed
    _prepared: Any = (
        None  # a `kernels.Prepared` for updates like the last one, until a setting changes; False: none fits
    )

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
        self._workspace: Any = None
        self._shapes: list[tuple[int, ...]] = []

    # ---- settings ----------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """The step size of the next update.

        A number may be assigned at any time, also while `fit` runs; a schedule or a function takes the place of
        a number from the next batch, or the next call of the core, on.

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
            return
        if isinstance(self._rate, LearningRateSchedule):
            raise TypeError(
                f"learning_rate={_checks.shown(value)} cannot be assigned: the rate of this {type(self).__name__} "
                f"comes from {self._rate!r}. Assign another schedule, or make the optimizer with a number."
            )
        number = _checks.number("learning_rate", value, 0.0)
        if self._rate is None or callable(self._rate):
            self._rate = np.empty(1)
        self._rate[0] = number  # in place: the core may be looking at it

    def _scheduled(self) -> Any:
        """The next rate in the arithmetic of the arrays (float32 where they are not known yet)."""
        rate = self._rate
        if not isinstance(rate, LearningRateSchedule):
            return rate()
        if rate._spec()[0] == "called":
            return rate(self._applied)
        assert isinstance(rate, schedules._Compiled)
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
        average = self._slots[len(self._initial_slots())]
        for a, start, end in zip(var_list, self._bounds[:-1], self._bounds[1:], strict=True):
            a[...] = average[start:end].reshape(a.shape)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_workspace": None, "_prepared": None}

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if self._prepared is not None and name != "_applied":  # for what the settings were
            object.__setattr__(self, "_prepared", None)

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
        if self._prepared and self._prepared.apply(grads, trainable_variables, self._applied):
            self.__dict__["_applied"] += 1
            return
        arrays = [_variable("trainable_variables", a) for a in trainable_variables]
        given = _gradients(grads, arrays)
        if not arrays:
            return
        self.build(arrays)
        core = self._core()
        if len(arrays) == 1 and self._reads_only(given[0], arrays[0]):
            flat_grad = given[0].reshape(-1)
        else:
            flat_grad = np.concatenate([g.reshape(-1) for g in given]).astype(arrays[0].dtype, copy=False)
        if len(arrays) == 1 and arrays[0].flags.c_contiguous:
            self._applied += kernels.apply_update(arrays[0].reshape(-1), flat_grad, core)
        else:
            theta = np.concatenate([a.reshape(-1) for a in arrays])
            self._applied += kernels.apply_update(theta, flat_grad, core)
            for a, start, end in zip(arrays, self._bounds[:-1], self._bounds[1:], strict=True):
                a[...] = theta[start:end].reshape(a.shape)
        if self._prepared is None:
            prepared = kernels.Prepared(self._shapes, core)
            object.__setattr__(self, "_prepared", prepared if prepared.able else False)

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
    _hyper: ClassVar[tuple[str, ...]] = ()  # the settings that the core computes with, in its order
    _switch: ClassVar[str | None] = None  # the one that is True or False
    _slot_values: ClassVar[tuple[float, ...]] = ()
    _CLIPS = ("clipvalue", "global_clipnorm", "clipnorm")
    _vector_settings: ClassVar[tuple[str, ...]] = ()  # that decide how many vectors there are, besides the base's

    def _rate_spec(self) -> tuple[Any, ...]:
        """What the core needs to know about the rate, as `LearningRateSchedule._spec` describes it."""
        rate = self._rate
        if isinstance(rate, np.ndarray):
            return ("constant", (), False, rate)
        return rate._spec() if isinstance(rate, LearningRateSchedule) else called_spec(lambda step: rate())

    def _numbers(self) -> tuple[float, ...]:
        """The settings of this kind of optimizer, in the order of ``_core/optimizers.pxi``."""
        return tuple([getattr(self, name) for name in self._hyper])

    def _flag(self) -> bool:
        return self._switch is not None and getattr(self, self._switch)

    def _initial_slots(self) -> tuple[float, ...]:
        """What each vector of this kind of optimizer starts with."""
        return self._slot_values

    def _build(self, arrays: Sequence[Any], paths: Sequence[str] | None = None) -> None:
        """`build`, for arrays of which a model knows the paths: ``model/layer/kernel``."""
        core_state.allot(self, arrays, paths)

    def _is_excluded(self, array: Any, path: str) -> bool:
        return any(array is other for other in self._excluded_arrays) or matches(self._excluded, path)

    def _leaves_to_adam(self, array: Any, path: str) -> bool:
        return False

    def _decay(self) -> Any:
        """The weight decay of each array, 0 for none; or None."""
        return self._decayed * self.weight_decay if self.weight_decay else None

    def _core(self, growth_steps: int = 0) -> tuple[Any, ...]:
        """What the core needs for updates; growth_steps are those of a dynamic loss scale."""
        return core_state.describe(self, growth_steps)

    def _reads_only(self, grad: NDArray[Any], array: NDArray[Any]) -> bool:
        """Whether the core can have the gradient itself: it fits, and nothing is written to it on the way."""
        flags = grad.flags
        return (
            grad.dtype == array.dtype
            and flags.c_contiguous
            and flags.writeable
            and flags.aligned
            and self._kind not in ("lamb", "adafactor", "muon")
            and not any(getattr(self, name) for name in self._CLIPS)
            and not (self.gradient_accumulation_steps or self.loss_scale_factor)
            and not np.may_share_memory(grad, array)
        )

    @property
    def _elementwise(self) -> bool:
        """Whether each number is updated as if it were alone."""
        return not (self.clipnorm or self.global_clipnorm)

    def _snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """For `_restore`: the settings and the state, also that of an optimizer without vectors."""
        return dict(self.__dict__), self.get_state()

    def _restore(self, snapshot: tuple[dict[str, Any], dict[str, Any]]) -> None:
        settings, state = snapshot
        self.__dict__.clear()
        self.__dict__.update(settings, _prepared=None)
        self.set_state(state)

    def _fresh(self: _O) -> _O:
        """An optimizer with the same settings, that has not been built."""
        from copy import copy

        twin = copy(self)
        twin._slots, twin._workspace, twin._shapes, twin._applied = None, None, [], 0
        if isinstance(twin._rate, np.ndarray):
            twin._rate = twin._rate.copy()
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
