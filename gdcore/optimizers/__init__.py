"""Optimizers, with Keras's names, defaults and order of operations (``keras/src/optimizers``).

They train a model, or work alone on arrays, in place::

    opt = gdcore.optimizers.Adam(0.01)
    opt.build([a, b])
    opt.apply([gradient_of_a, gradient_of_b], [a, b])

Learning rates that change by themselves are in `schedules`.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from .._core import kernels
from .._names import serialized, unknown
from . import schedules
from .schedules import LearningRateSchedule, _called, _Compiled, _positive
from .schedules import _number as _number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    LearningRate = float | LearningRateSchedule | Callable[[], float]

# as os does with os.path: so that Keras's own `from keras.optimizers.schedules import ...` needs no other change
sys.modules[__name__ + ".schedules"] = schedules

_O = TypeVar("_O", bound="Optimizer")


class Optimizer:
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
    """

    _kind: str
    _name: str
    _slot_values: ClassVar[tuple[float, ...]] = ()
    _prepared: Any = None  # a `kernels.Prepared` for updates like the last one, until a setting changes
    _side_by_side: ClassVar[int] = 2  # so many vectors Keras's files hold array by array, the others one by one

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
        self.weight_decay = None if weight_decay is None else _number("weight_decay", weight_decay, 0.0, math.inf)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {name: _number(name, value, 0.0, math.inf) for name, value in clips.items() if value is not None}
        if len(given) > 1:
            raise ValueError(f"only one of clipnorm, clipvalue and global_clipnorm can be set, got {given}")
        self.clipnorm = given.get("clipnorm")
        self.clipvalue = given.get("clipvalue")
        self.global_clipnorm = given.get("global_clipnorm")
        self.use_ema = bool(use_ema)
        self.ema_momentum = _number("ema_momentum", ema_momentum, 0.0, 1.0)
        self.ema_overwrite_frequency = _count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.loss_scale_factor = (
            None if loss_scale_factor is None else float(_positive("loss_scale_factor", loss_scale_factor))
        )
        self.gradient_accumulation_steps = _count("gradient_accumulation_steps", gradient_accumulation_steps, 2)
        self.name = name or self._name
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
        return _number("learning_rate", self._scheduled(), 0.0, math.inf)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or callable(value):
            self._rate = value
            return
        if isinstance(self._rate, LearningRateSchedule):
            raise TypeError(
                f"learning_rate={value!r} cannot be assigned: the rate of this {type(self).__name__} comes from "
                f"{self._rate!r}. Assign another schedule, or make the optimizer with a number."
            )
        number = _number("learning_rate", value, 0.0, math.inf)
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
        assert isinstance(rate, _Compiled)
        return rate._at(self._applied, self._slots.dtype if self.built else np.float32)

    def _rate_spec(self) -> tuple[Any, ...]:
        """What the core needs to know about the rate, as `LearningRateSchedule._spec` describes it."""
        rate = self._rate
        if isinstance(rate, np.ndarray):
            return ("constant", (), False, rate)
        return rate._spec() if isinstance(rate, LearningRateSchedule) else _called(lambda step: rate())

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
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay comes too late: the optimizer is built already")
        self._excluded_arrays = list(var_list or [])
        self._excluded = tuple(var_names or ())

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, in Keras's form."""
        constant = isinstance(self._rate, np.ndarray)
        return {
            "name": self.name,
            "learning_rate": self.learning_rate if constant else schedules.serialize(self._rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

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

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"

    # ---- state -------------------------------------------------------------------------------------------

    def _numbers(self) -> tuple[float, ...]:
        """The settings of this kind of optimizer, in the order of ``_core/optimizers.pxi``."""
        raise NotImplementedError

    def _flag(self) -> bool:
        return False

    def _initial_slots(self) -> tuple[float, ...]:
        """What each vector of this kind of optimizer starts with."""
        return self._slot_values

    @property
    def built(self) -> bool:
        """Whether the optimizer has its vectors."""
        return self._slots is not None

    def build(self, var_list: Sequence[NDArray[Any]]) -> None:
        """Make room for these arrays (float32 or float64, all of one type).

        Does nothing where the optimizer is built for arrays of these very shapes.

        Raises
        ------
        ValueError
            If it is built for other shapes or another type, or the arrays have no common type.
        """
        self._build([_array("var_list", a) for a in var_list])

    def _build(self, arrays: Sequence[Any], paths: Sequence[str] | None = None) -> None:
        """`build`, for arrays of which a model knows the paths: ``model/layer/kernel``."""
        if not arrays or any(a.dtype != arrays[0].dtype for a in arrays):
            raise ValueError(f"var_list has types {[str(a.dtype) for a in arrays]}, expected one type for all")
        shapes, dtype = [a.shape for a in arrays], arrays[0].dtype
        if self.built:
            if shapes != self._shapes or self._slots.dtype != dtype:
                raise ValueError(
                    f"this {type(self).__name__} already belongs to arrays of shapes {self._shapes} and type "
                    f"{self._slots.dtype}, and cannot train {shapes} of type {dtype}: make a new one"
                )
            return
        paths = paths or [""] * len(arrays)
        self._shapes = shapes
        self._bounds = np.cumsum([0, *(math.prod(shape) for shape in shapes)], dtype=np.int64)
        self._matrices = np.array(
            [(math.prod(s[:-2]), *s[-2:]) if len(s) > 1 else (1, 0, s[0] if s else 1) for s in shapes], np.int64
        )
        self._adam = np.array([self._leaves_to_adam(a, p) for a, p in zip(arrays, paths, strict=True)], np.uint8)
        self._decayed = np.array([not self._is_excluded(a, p) for a, p in zip(arrays, paths, strict=True)])
        initial = self._initial_slots()
        extra = self.use_ema + (self.gradient_accumulation_steps is not None)
        self._slots = np.zeros((len(initial) + extra, self._bounds[-1]), dtype)
        for slot, value in zip(self._slots, initial, strict=False):
            slot[:] = value
        self._scalars = np.array([1.0, 1.0, 0.0])  # Nadam's product; the loss scale, the steps since it changed

    def _is_excluded(self, array: Any, path: str) -> bool:
        return any(array is other for other in self._excluded_arrays) or _matches(self._excluded, path)

    def _leaves_to_adam(self, array: Any, path: str) -> bool:
        return False

    def _decay(self) -> Any:
        """The weight decay of each array, 0 for none; or None."""
        return self._decayed * self.weight_decay if self.weight_decay else None

    def _core(self, growth_steps: int = 0) -> tuple[Any, ...]:
        """What the core needs.

        (spec, slots, bounds and shapes of the arrays, which of them Muon leaves to Adam, their decays, scalars,
        workspace); growth_steps are those of a dynamic loss scale.
        """
        clipping, clip_at = None, 0.0
        for name in ("clipnorm", "global_clipnorm", "clipvalue"):
            if getattr(self, name):  # Keras takes 0 for none
                clipping, clip_at = name, getattr(self, name)
        if not growth_steps:
            self._scalars[1] = self.loss_scale_factor or 1.0
        options = (
            clipping,
            clip_at,
            self.use_ema,
            self.ema_momentum,
            self.ema_overwrite_frequency or 0,
            self.gradient_accumulation_steps or 0,
            bool(growth_steps or self.loss_scale_factor),
            growth_steps,
            self._applied,
        )
        if self._workspace is None:
            self._workspace = kernels.optimizer_workspace(self._kind, self._matrices, self._adam, self._slots.dtype)
        spec = (self._kind, self._rate_spec(), self._numbers(), self._flag(), len(self._initial_slots()), options)
        return (
            spec,
            self._slots,
            self._bounds,
            self._matrices,
            self._adam,
            self._decay(),
            self._scalars,
            self._workspace,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_workspace": None, "_prepared": None}

    @property
    def variables(self) -> list[NDArray[Any]]:
        """The optimizer's own vectors, each as long as all arrays together."""
        return [] if self._slots is None else list(self._slots)

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
            If the optimizer is not built for arrays of that size.
        """
        slots = state.get("slots")
        if slots is not None:
            if not self.built or slots.shape != self._slots.shape:
                here = self._slots.shape if self.built else None
                raise ValueError(
                    f"state holds vectors of shape {slots.shape}, this optimizer has {here}: build it first"
                )
            self._slots[...] = slots
            self._scalars[...] = state["scalars"]
        self._applied = int(state["applied"])

    def _snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """For `_restore`: the settings and the state, also that of an optimizer without vectors."""
        return dict(self.__dict__), self.get_state()

    def _restore(self, snapshot: tuple[dict[str, Any], dict[str, Any]]) -> None:
        settings, state = snapshot
        self.__dict__.clear()
        self.__dict__.update(settings, _prepared=None)
        self.set_state(state)

    def _part(self, slot: int, array: int) -> NDArray[Any]:
        """A view of an array's part of one of the vectors."""
        part: NDArray[Any] = self._slots[slot, self._bounds[array] : self._bounds[array + 1]]
        return part.reshape(self._shapes[array])

    def _keras_own(self) -> list[NDArray[Any]]:
        """What this kind of optimizer keeps, as views in the order of Keras's files."""
        own, arrays = len(self._initial_slots()), range(len(self._shapes))
        first = min(own, self._side_by_side)
        together = [self._part(slot, array) for array in arrays for slot in range(first)]
        return together + [self._part(slot, array) for slot in range(first, own) for array in arrays]

    def _keras_slots(self) -> list[NDArray[Any]]:
        if not self.built:
            return []
        extra = range(len(self._initial_slots()), len(self._slots))  # moving averages, accumulated gradients
        return [*(self._part(slot, array) for slot in extra for array in range(len(self._shapes))), *self._keras_own()]

    def _keras_variables(self) -> list[NDArray[Any]]:
        """All that changes with updates, as Keras's files hold it: iterations, rate (unless scheduled), vectors."""
        rate = self.get_config()["learning_rate"]
        rates = [] if isinstance(rate, dict) else [np.array(rate, self._slots.dtype if self.built else np.float32)]
        slots = [s.astype(self._slots.dtype, copy=False) if s.dtype.kind == "f" else s for s in self._keras_slots()]
        return [np.array(self._applied, np.int64), *rates, *slots]

    def _set_keras_variables(self, values: Sequence[NDArray[Any]]) -> None:
        """Take over values in the order and the shapes of `_keras_variables`."""
        views = self._keras_slots()
        if len(values) - len(views) == 2 and values[1].dtype.type(self.learning_rate) != values[1]:
            self.learning_rate = float(values[1])
        self._applied = int(values[0])
        for view, value in zip(views, values[len(values) - len(views) :], strict=True):
            view[...] = value

    def _fresh(self: _O) -> _O:
        """An optimizer with the same settings, that has not been built."""
        from copy import copy

        twin = copy(self)
        twin._slots, twin._workspace, twin._shapes, twin._applied = None, None, [], 0
        if isinstance(twin._rate, np.ndarray):
            twin._rate = twin._rate.copy()
        return twin

    @property
    def _elementwise(self) -> bool:
        """Whether each number is updated as if it were alone."""
        return not (self.clipnorm or self.global_clipnorm)

    # ---- alone -------------------------------------------------------------------------------------------

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
        if self._prepared is not None and self._prepared.apply(grads, trainable_variables, self._applied):
            self.__dict__["_applied"] += 1
            return
        arrays = [_array("trainable_variables", a) for a in trainable_variables]
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
        if not arrays:
            return
        self.build(arrays)
        dtype = arrays[0].dtype
        if len(arrays) == 1 and self._reads_only(given[0], arrays[0]):
            flat_grad = given[0].reshape(-1)
        else:
            flat_grad = np.concatenate([g.reshape(-1) for g in given]).astype(dtype, copy=False)
        if len(arrays) == 1 and arrays[0].flags.c_contiguous:
            self._applied += kernels.apply_update(arrays[0].reshape(-1), flat_grad, self._core())
        else:
            theta = np.concatenate([a.reshape(-1) for a in arrays])
            self._applied += kernels.apply_update(theta, flat_grad, self._core())
            for a, start, end in zip(arrays, self._bounds[:-1], self._bounds[1:], strict=True):
                a[...] = theta[start:end].reshape(a.shape)
        prepared = kernels.Prepared(self._shapes, self._core())
        object.__setattr__(self, "_prepared", prepared if prepared.able else None)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if self._prepared is not None:  # for what the settings were
            object.__setattr__(self, "_prepared", None)

    def _reads_only(self, grad: NDArray[Any], array: NDArray[Any]) -> bool:
        """Whether the core can have the gradient itself: it fits, and nothing is written to it on the way."""
        flags = grad.flags
        return (
            grad.dtype == array.dtype
            and flags.c_contiguous
            and flags.writeable
            and flags.aligned
            and self._kind not in ("lamb", "adafactor", "muon")
            and not (self._clips or self.gradient_accumulation_steps or self.loss_scale_factor)
            and not np.may_share_memory(grad, array)
        )

    @property
    def _clips(self) -> bool:
        return bool(self.clipnorm or self.global_clipnorm or self.clipvalue)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, NDArray[Any]]]) -> int:
        """`apply`, for pairs (gradient, array); returns the iterations so far."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

    def finalize_variable_values(self, var_list: Sequence[NDArray[Any]]) -> None:
        """With `use_ema`, put the moving average into the arrays."""
        if not self.use_ema or not self.built:
            return
        average = self._slots[len(self._initial_slots())]
        for a, start, end in zip(var_list, self._bounds[:-1], self._bounds[1:], strict=True):
            a[...] = average[start:end].reshape(a.shape)

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
        from ..optimize.descents import minimize

        if constraints or hess is not None or hessp is not None:
            raise ValueError(f"{type(self).__name__} uses neither constraints nor hess and hessp")
        return minimize(fun, x0, self, jac, args=args, bounds=bounds, callback=callback, **options)


class SGD(Optimizer):
    """Gradient descent, with momentum.

    Without momentum ``w <- w - g lr``; with it ``v <- v momentum - g lr`` and then ``w <- w + v``, or, with
    Nesterov's variant, ``w <- w + (v momentum - g lr)`` (Sutskever et al., ICML 2013; keras/src/optimizers/sgd.py).

    Parameters
    ----------
    learning_rate : float
    momentum : float
        Between 0 and 1.
    nesterov : bool
    name, options : as in `Optimizer`
    """

    _kind, _name = "sgd", "SGD"

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = _number("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)

    def _numbers(self) -> tuple[float, ...]:
        return (self.momentum,)

    def _flag(self) -> bool:
        return self.nesterov

    def _initial_slots(self) -> tuple[float, ...]:
        return (0.0,) if self.momentum else ()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class Adagrad(Optimizer):
    """``a <- a + g^2``, ``w <- w - lr g / sqrt(a + epsilon)`` (Duchi et al., JMLR 2011; adagrad.py)."""

    _kind, _name = "adagrad", "adagrad"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = _number("initial_accumulator_value", initial_accumulator_value, 0.0, math.inf)
        self.epsilon = _number("epsilon", epsilon, 0.0, math.inf)

    def _numbers(self) -> tuple[float, ...]:
        return (self.initial_accumulator_value, self.epsilon)

    def _initial_slots(self) -> tuple[float, ...]:
        return (self.initial_accumulator_value,)

    def get_config(self) -> dict[str, Any]:
        own = {"initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


class RMSprop(Optimizer):
    """``v <- rho v + (1 - rho) g^2``, ``w <- w - lr g / sqrt(v + epsilon)`` (Tieleman & Hinton 2012; rmsprop.py).

    Parameters
    ----------
    learning_rate, rho : float
    momentum : float
        If greater than 0, ``m <- momentum m + lr g / sqrt(...)``, ``w <- w - m``.
    epsilon : float
    centered : bool
        Divide by the root of the variance ``v - (mean of g)^2``.
    name, options : as in `Optimizer`
    """

    _kind, _name = "rmsprop", "rmsprop"
    _side_by_side = 1

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = _number("rho", rho, 0.0, 1.0)
        self.momentum = _number("momentum", momentum, 0.0, 1.0)
        self.epsilon = _number("epsilon", epsilon, 0.0, math.inf)
        self.centered = bool(centered)

    def _numbers(self) -> tuple[float, ...]:
        return (self.rho, self.momentum, self.epsilon)

    def _flag(self) -> bool:
        return self.centered

    def _initial_slots(self) -> tuple[float, ...]:
        return (0.0,) * (1 + (self.momentum > 0) + self.centered)

    def get_config(self) -> dict[str, Any]:
        own = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon, "centered": self.centered}
        return {**super().get_config(), **own}


class Adadelta(Optimizer):
    """``w <- w + lr d``, d = -g sqrt(mean d^2 + epsilon) / sqrt(mean g^2 + epsilon) (Zeiler 2012; adadelta.py).

    Both means decay by rho.  The paper's own rate is 1.
    """

    _kind, _name = "adadelta", "adadelta"
    _slot_values = (0.0, 0.0)

    def __init__(
        self, learning_rate: LearningRate = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = _number("rho", rho, 0.0, 1.0)
        self.epsilon = _number("epsilon", epsilon, 0.0, math.inf)

    def _numbers(self) -> tuple[float, ...]:
        return (self.rho, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}


class _Betas(Optimizer):
    """Optimizers of Adam's family: beta_1, beta_2 and epsilon."""

    _slot_values = (0.0, 0.0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = _number("beta_1", beta_1, 0.0, 1.0)
        self.beta_2 = _number("beta_2", beta_2, 0.0, 1.0)
        self.epsilon = _number("epsilon", epsilon, 0.0, math.inf)

    def _numbers(self) -> tuple[float, ...]:
        return (self.beta_1, self.beta_2, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Adam(_Betas):
    """Adam (Kingma & Ba, ICLR 2015; keras/src/optimizers/adam.py).

    ``m <- m + (g - m)(1 - beta_1)``, ``v <- v + (g^2 - v)(1 - beta_2)``, ``w <- w - m a / (sqrt(v) + epsilon)``
    with ``a = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)``.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
    amsgrad : bool
        Divide by the root of the largest v so far (Reddi et al., ICLR 2018).
    name, options : as in `Optimizer`
    """

    _kind, _name = "adam", "adam"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = bool(amsgrad)

    def _flag(self) -> bool:
        return self.amsgrad

    def _initial_slots(self) -> tuple[float, ...]:
        return (0.0, 0.0, 0.0) if self.amsgrad else (0.0, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "amsgrad": self.amsgrad}


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter, ICLR 2019; adamw.py)."""

    _name = "adamw"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("weight_decay=None is not a number: AdamW needs one (Adam does not)")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)


class Adamax(_Betas):
    """Adam with the largest of the decayed gradients for v (Kingma & Ba, ICLR 2015; adamax.py).

    ``u <- max(beta_2 u, |g|)``, ``w <- w - lr m / ((1 - beta_1^t)(u + epsilon))``.
    """

    _kind, _name = "adamax", "adamax"


class Nadam(_Betas):
    """Adam with Nesterov's momentum (Dozat 2015; keras/src/optimizers/nadam.py)."""

    _kind, _name = "nadam", "nadam"

    def _keras_own(self) -> list[NDArray[Any]]:
        return [*super()._keras_own(), self._scalars[:1].reshape(())]


class Ftrl(Optimizer):
    """Follow the regularised leader (McMahan et al., KDD 2013; keras/src/optimizers/ftrl.py).

    Parameters
    ----------
    learning_rate : float
    learning_rate_power : float
        At most 0.
    initial_accumulator_value, l1_regularization_strength, l2_regularization_strength : float
    l2_shrinkage_regularization_strength, beta : float
    name, options : as in `Optimizer`
    """

    _kind, _name = "ftrl", "ftrl"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.learning_rate_power = _number("learning_rate_power", learning_rate_power, -math.inf, 0.0)
        self.initial_accumulator_value = _number("initial_accumulator_value", initial_accumulator_value, 0.0, math.inf)
        self.l1_regularization_strength = _number(
            "l1_regularization_strength", l1_regularization_strength, 0.0, math.inf
        )
        self.l2_regularization_strength = _number(
            "l2_regularization_strength", l2_regularization_strength, 0.0, math.inf
        )
        self.l2_shrinkage_regularization_strength = _number(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0.0, math.inf
        )
        self.beta = _number("beta", beta, -math.inf, math.inf)

    def _numbers(self) -> tuple[float, ...]:
        return tuple(self._own().values())

    def _initial_slots(self) -> tuple[float, ...]:
        return (self.initial_accumulator_value, 0.0)

    def _own(self) -> dict[str, float]:
        return {
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._own()}


class Lion(Optimizer):
    """``w <- w - lr sign(m beta_1 + g (1 - beta_1))``, ``m <- m beta_2 + g (1 - beta_2)``.

    Chen et al., 2023 (keras/src/optimizers/lion.py).
    """

    _kind, _name = "lion", "lion"
    _slot_values = (0.0,)

    def __init__(
        self, learning_rate: LearningRate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = _number("beta_1", beta_1, 0.0, 1.0)
        self.beta_2 = _number("beta_2", beta_2, 0.0, 1.0)
        if self.beta_1 == 0:
            raise ValueError(f"beta_1={beta_1!r} is not greater than 0")

    def _numbers(self) -> tuple[float, ...]:
        return (self.beta_1, self.beta_2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}


class Lamb(_Betas):
    """Adam's step, made as long for each array as ``learning_rate`` times the array itself (You et al., ICLR 2020).

    ``w <- w - lr (|w| / |u|) u`` with ``u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)``, the ratio
    being 1 where one of the norms is 0 (lamb.py).
    """

    _kind, _name = "lamb", "lamb"
    _elementwise = False


class Adafactor(Optimizer):
    """Adam without momentum whose mean squares of a matrix are the product of those of its rows and its columns.

    Shazeer & Stern, ICML 2018 (keras/src/optimizers/adafactor.py).  The step is relative to the root mean square of
    the array (at least epsilon_2), and its own is limited to clip_threshold.

    Parameters
    ----------
    learning_rate : float
        At most ``1 / sqrt(t)`` of it is used.
    beta_2_decay : float
        The means keep ``1 - t^beta_2_decay`` of themselves.
    epsilon_1, epsilon_2, clip_threshold : float
    relative_step : bool
        For Keras's sake: its limit on the rate holds in any case.
    name, options : as in `Optimizer`
    """

    _kind, _name = "adafactor", "adafactor"
    _elementwise = False
    _slot_values = (0.0, 0.0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_2_decay = _number("beta_2_decay", beta_2_decay, -math.inf, 0.0)
        self.epsilon_1 = _number("epsilon_1", epsilon_1, 0.0, math.inf)
        self.epsilon_2 = _number("epsilon_2", epsilon_2, 0.0, math.inf)
        self.clip_threshold = float(_positive("clip_threshold", clip_threshold))
        self.relative_step = bool(relative_step)

    def _keras_own(self) -> list[NDArray[Any]]:
        found: list[NDArray[Any]] = []
        for array, shape in enumerate(self._shapes):
            if len(shape) < 2:
                found += [np.zeros((), np.int32), np.zeros((), np.int32), self._part(0, array)]
                continue
            # where a matrix begins in the vectors, the means of its rows and its columns do, and no more
            rows, cols = shape[:-1], shape[:-2] + shape[-1:]
            start = self._bounds[array]
            r = self._slots[0, start : start + math.prod(rows)].reshape(rows)
            c = self._slots[1, start : start + math.prod(cols)].reshape(cols)
            mean = r.mean(axis=-1, keepdims=True)
            share = np.divide(r, mean, out=np.zeros_like(r), where=mean > 0)
            found += [r, c, share[..., np.newaxis] * c[..., np.newaxis, :]]  # Keras keeps their product too
        return found

    def _numbers(self) -> tuple[float, ...]:
        return (self.beta_2_decay, self.epsilon_1, self.epsilon_2, self.clip_threshold)

    def get_config(self) -> dict[str, Any]:
        own = {
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
        return {**super().get_config(), **own}


class Muon(Optimizer):
    """Momentum, orthogonalised (Jordan et al., 2024; keras/src/optimizers/muon.py).

    A matrix moves by ``lr sqrt(max(rows, columns)) rms_rate X``, X being its momentum (with Nesterov's look ahead)
    after ns_steps of ``X <- a X + (b X X' + c (X X')^2) X``, which bring all singular values near 1.  Arrays of
    other than two dimensions are left to `AdamW`, as are those that exclude_layers and exclude_embeddings name.

    Parameters
    ----------
    learning_rate, adam_beta_1, adam_beta_2 : float
    adam_weight_decay : float, optional
        The weight decay of what is left to Adam; weight_decay is that of the others.
    epsilon : float
    weight_decay : float, optional
    exclude_layers : list of str, optional
        Regular expressions: arrays in whose path (``model/layer/kernel``) one is found are left to Adam.
    exclude_embeddings : bool
        Leave arrays with "embedding" in their path to Adam.
    muon_a, muon_b, muon_c : float
    adam_lr_ratio : float
        The rate for Adam, as a multiple of learning_rate.
    momentum : float
    ns_steps : int
    nesterov : bool
    rms_rate : float, optional
        None: matrices move by ``lr X``.
    name, options : as in `Optimizer`
    """

    _kind, _name = "muon", "muon"
    _slot_values = (0.0, 0.0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1 = _number("adam_beta_1", adam_beta_1, 0.0, 1.0)
        self.adam_beta_2 = _number("adam_beta_2", adam_beta_2, 0.0, 1.0)
        self.adam_weight_decay = (
            None if adam_weight_decay is None else _number("adam_weight_decay", adam_weight_decay, 0.0, math.inf)
        )
        self.epsilon = _number("epsilon", epsilon, 0.0, math.inf)
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = bool(exclude_embeddings)
        self.muon_a = _number("muon_a", muon_a, -math.inf, math.inf)
        self.muon_b = _number("muon_b", muon_b, -math.inf, math.inf)
        self.muon_c = _number("muon_c", muon_c, -math.inf, math.inf)
        self.adam_lr_ratio = _number("adam_lr_ratio", adam_lr_ratio, 0.0, math.inf)
        self.momentum = _number("momentum", momentum, 0.0, 1.0)
        self.ns_steps = _count("ns_steps", ns_steps, 0) or 0
        self.nesterov = bool(nesterov)
        self.rms_rate = None if rms_rate is None else _number("rms_rate", rms_rate, 0.0, math.inf)

    def _numbers(self) -> tuple[float, ...]:
        return (
            self.adam_beta_1,
            self.adam_beta_2,
            self.epsilon,
            self.adam_lr_ratio,
            self.momentum,
            self.muon_a,
            self.muon_b,
            self.muon_c,
            self.ns_steps,
            math.nan if self.rms_rate is None else self.rms_rate,
        )

    def _flag(self) -> bool:
        return self.nesterov

    def _keras_own(self) -> list[NDArray[Any]]:
        return [self._part(slot, array) for array, adam in enumerate(self._adam) for slot in range(1 + int(adam))]

    def _leaves_to_adam(self, array: Any, path: str) -> bool:
        embedding = self.exclude_embeddings and "embedding" in path.lower()
        return array.ndim != 2 or embedding or _matches(self.exclude_layers, path)

    def _decay(self) -> Any:
        return self._decayed * np.where(self._adam, self.adam_weight_decay or 0.0, self.weight_decay or 0.0)

    def get_config(self) -> dict[str, Any]:
        own = {
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "exclude_embeddings": self.exclude_embeddings,
            "adam_weight_decay": self.adam_weight_decay,
            "rms_rate": self.rms_rate,
        }
        return {**super().get_config(), **own}


class ScheduleFreeAdamW(_Betas):
    """Adam on iterates z, with gradients taken between z and the mean x of all z (Defazio et al., NeurIPS 2024).

    ``z <- z - lr g / (sqrt(v / (1 - beta_2^t)) + epsilon)``, ``x <- (1 - 1/t) x + z/t``, and the arrays hold
    ``y = (1 - beta_1) z + beta_1 x``, x being recovered from them by the new z, as Keras on TensorFlow does
    (schedule_free_adamw.py).  As in Keras a model keeps y: `evaluate` and `predict` do not turn to x.  z starts at the
    arrays; Keras's own ``fit`` starts it at 0, and so loses the first weights, unless `build` was called before.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
        beta_1 is greater than 0.
    warmup_steps : int
        The rate rises to learning_rate in so many steps.
    name, options : as in `Optimizer`
    """

    _kind, _name = "schedule_free_adamw", "schedule_free_adamw"

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        if self.beta_1 == 0:
            raise ValueError(f"beta_1={beta_1!r} is not greater than 0")
        self.warmup_steps = _count("warmup_steps", warmup_steps, 0) or 0

    def _numbers(self) -> tuple[float, ...]:
        return (*super()._numbers(), self.warmup_steps)

    def _build(self, arrays: Sequence[Any], paths: Sequence[str] | None = None) -> None:
        fresh = not self.built
        super()._build(arrays, paths)
        if fresh:
            self._slots[0] = np.concatenate([a.reshape(-1) for a in arrays])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "warmup_steps": self.warmup_steps}


class LossScaleOptimizer(Optimizer):
    """Another optimizer, with a loss scale that finds its own size (keras/src/optimizers/loss_scale_optimizer.py).

    Where a gradient is nan or inf the scale is halved, and the update left out; after dynamic_growth_steps updates
    without that it is doubled.  Everything but the scale is that of the inner optimizer.

    Parameters
    ----------
    inner_optimizer : Optimizer
    initial_scale : float
    dynamic_growth_steps : int
    name : str, optional
    """

    _own = ("inner_optimizer", "initial_scale", "dynamic_growth_steps", "name")
    _elementwise = False

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ) -> None:
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise TypeError(f"inner_optimizer={inner_optimizer!r} is not an optimizer whose loss could be scaled")
        self.inner_optimizer = inner_optimizer
        self.initial_scale = float(_positive("initial_scale", initial_scale))
        self.dynamic_growth_steps = _count("dynamic_growth_steps", dynamic_growth_steps, 1) or 2000
        self.name = name or "loss_scale_optimizer"
        inner_optimizer.loss_scale_factor = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in self._own:  # also while it is being unpickled
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.inner_optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own:
            object.__setattr__(self, name, value)
        else:
            setattr(self.inner_optimizer, name, value)

    @property
    def dynamic_scale(self) -> float:
        """The loss scale of the next step."""
        return float(self._scalars[1]) if self.built else self.initial_scale

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale, whose gradients `apply` expects."""
        return loss * self.dynamic_scale

    def _build(self, arrays: Sequence[Any], paths: Sequence[str] | None = None) -> None:
        fresh = not self.built
        self.inner_optimizer._build(arrays, paths)
        if fresh:
            self._scalars[1] = self.initial_scale

    def _reads_only(self, grad: NDArray[Any], array: NDArray[Any]) -> bool:
        return False  # it is divided by the scale

    def _core(self, growth_steps: int = 0) -> tuple[Any, ...]:
        return self.inner_optimizer._core(self.dynamic_growth_steps)

    def finalize_variable_values(self, var_list: Sequence[NDArray[Any]]) -> None:
        """With `use_ema`, put the moving average into the arrays."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def _snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.inner_optimizer._snapshot()

    def _restore(self, snapshot: tuple[dict[str, Any], dict[str, Any]]) -> None:
        self.inner_optimizer._restore(snapshot)

    def _fresh(self) -> LossScaleOptimizer:
        return LossScaleOptimizer(
            self.inner_optimizer._fresh(), self.initial_scale, self.dynamic_growth_steps, self.name
        )

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, in Keras's form."""
        return {
            "name": self.name,
            "inner_optimizer": serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LossScaleOptimizer:
        """The object that `get_config` (or Keras's) described."""
        inner = config.get("inner_optimizer")
        if isinstance(inner, dict):
            config = {**config, "inner_optimizer": deserialize(inner, custom_objects)}
        return cls(**config)


def _matches(patterns: Iterable[str], path: str) -> bool:
    import re

    return any(re.search(pattern, path) for pattern in patterns)


def _count(name: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}={value!r} is not an integer of at least {least}, or None")
    return int(value)


def _array(name: str, value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64) or not value.dtype.isnative:
        kind = f"{value.dtype} array" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} holds a {kind}, expected arrays of float32 or float64 to change in place")
    return value


_CLASSES: dict[str, type[Optimizer]] = {
    cls.__name__: cls
    for cls in (
        SGD,
        Adagrad,
        RMSprop,
        Adadelta,
        Adam,
        AdamW,
        Adamax,
        Nadam,
        Ftrl,
        Lion,
        Lamb,
        Adafactor,
        Muon,
        ScheduleFreeAdamW,
        LossScaleOptimizer,
    )
}
_ALL: dict[str, type[Optimizer]] = {name.lower(): cls for name, cls in _CLASSES.items()}


def get(identifier: str | Optimizer | dict[str, Any]) -> Optimizer:
    """The optimizer of that name (in any case) or serialized form.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier.lower() in _ALL:
        return _ALL[identifier.lower()].from_config({})
    raise unknown("optimizer", identifier, _CLASSES)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """A dictionary, in Keras's form, that `deserialize` turns back into the optimizer."""
    return serialized("keras.optimizers", optimizer)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that `serialize` (or Keras's) described; custom_objects holds your own schedules by name."""
    name = config.get("class_name")
    if not isinstance(name, str) or name.lower() not in _ALL:
        raise unknown("optimizer", name, _CLASSES)
    return _ALL[name.lower()].from_config(dict(config.get("config", {})), custom_objects)
