"""Optimizers, with Keras's names, defaults and order of operations (``keras/src/optimizers``).

They train a model, or work alone on arrays, in place::

    opt = gdcore.optimizers.Adam(0.01)
    opt.build([a, b])
    opt.apply([gradient_of_a, gradient_of_b], [a, b])
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from ._core import kernels
from ._names import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_O = TypeVar("_O", bound="Optimizer")


class Optimizer:
    """What all optimizers share.

    Parameters
    ----------
    learning_rate : float
        At least 0.
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
    gradient_accumulation_steps : int, optional
        At least 2: update once in so many steps, by the mean of their gradients.
    name : str, optional
    """

    _kind: str
    _name: str
    _slot_values: ClassVar[tuple[float, ...]] = ()

    def __init__(
        self,
        learning_rate: float,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
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
        self.gradient_accumulation_steps = _count("gradient_accumulation_steps", gradient_accumulation_steps, 2)
        self.name = name or self._name
        self._applied = 0
        self._excluded: tuple[str, ...] = ()
        self._excluded_arrays: list[Any] = []
        self._slots: Any = None
        self._shapes: list[tuple[int, ...]] = []

    # ---- settings ----------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """The step size; may be assigned between two calls of ``fit`` and between two epochs."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = _number("learning_rate", value, 0.0, math.inf)

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
            Arrays whose name (``kernel``, ``bias``) contains one of these.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay comes too late: the optimizer is built already")
        self._excluded_arrays = list(var_list or [])
        self._excluded = tuple(var_names or ())

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, in Keras's form."""
        return {
            "name": self.name,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls: type[_O], config: dict[str, Any]) -> _O:
        """The object that `get_config` (or Keras's) described."""
        return cls(**{k: v for k, v in config.items() if not (k == "loss_scale_factor" and v is None)})

    def __str__(self) -> str:
        return f"{type(self).__name__} lr={f'{self.learning_rate:.10f}'.rstrip('0')}"

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
        arrays = [_array("var_list", a) for a in var_list]
        if not arrays or any(a.dtype != arrays[0].dtype for a in arrays):
            raise ValueError(f"var_list has types {[str(a.dtype) for a in arrays]}, expected one type for all")
        decayed = [not any(a is b for b in self._excluded_arrays) for a in arrays]
        self._build([a.shape for a in arrays], arrays[0].dtype, decayed)

    def _build(self, shapes: list[tuple[int, ...]], dtype: Any, decayed: list[bool]) -> None:
        if self.built:
            if shapes != self._shapes or self._slots.dtype != dtype:
                raise ValueError(
                    f"this {type(self).__name__} already belongs to arrays of shapes {self._shapes} and type "
                    f"{self._slots.dtype}, and cannot train {shapes} of type {np.dtype(dtype)}: make a new one"
                )
            return
        self._shapes = shapes
        self._bounds = np.cumsum([0, *(math.prod(shape) for shape in shapes)], dtype=np.int64)
        self._decayed = np.array(decayed, np.uint8)
        initial = self._initial_slots()
        extra = self.use_ema + (self.gradient_accumulation_steps is not None)
        self._slots = np.zeros((len(initial) + extra, self._bounds[-1]), dtype)
        for slot, value in zip(self._slots, initial, strict=False):
            slot[:] = value
        self._scalars = np.ones(1)

    def _core(self) -> tuple[Any, ...]:
        """What the core needs: (spec, slots, bounds of the arrays, which of them decay, scalars)."""
        clipping, clip_at = None, 0.0
        for name in ("clipnorm", "global_clipnorm", "clipvalue"):
            if getattr(self, name):  # Keras takes 0 for none
                clipping, clip_at = name, getattr(self, name)
        options = (
            self.weight_decay,
            clipping,
            clip_at,
            self.use_ema,
            self.ema_momentum,
            self.ema_overwrite_frequency or 0,
            self.gradient_accumulation_steps or 0,
            self._applied,
        )
        slots = len(self._initial_slots())
        spec = (self._kind, self.learning_rate, self._numbers(), self._flag(), slots, options)
        return (spec, self._slots, self._bounds, self._decayed, self._scalars)

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
        flat_grad = np.concatenate([g.reshape(-1) for g in given]).astype(dtype, copy=False)
        if len(arrays) == 1 and arrays[0].flags.c_contiguous:
            kernels.apply_update(arrays[0].reshape(-1), flat_grad, self._core())
        else:
            theta = np.concatenate([a.reshape(-1) for a in arrays])
            kernels.apply_update(theta, flat_grad, self._core())
            for a, start, end in zip(arrays, self._bounds[:-1], self._bounds[1:], strict=True):
                a[...] = theta[start:end].reshape(a.shape)
        self._applied += 1

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
        learning_rate: float = 0.01,
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
        learning_rate: float = 0.001,
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

    def __init__(
        self,
        learning_rate: float = 0.001,
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

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Any) -> None:
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
        learning_rate: float = 0.001,
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
        learning_rate: float = 0.001,
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
        learning_rate: float = 0.001,
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
        learning_rate: float = 0.001,
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

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = _number("beta_1", beta_1, 0.0, 1.0)
        self.beta_2 = _number("beta_2", beta_2, 0.0, 1.0)
        if self.beta_1 == 0:
            raise ValueError(f"beta_1={beta_1!r} is not greater than 0")

    def _numbers(self) -> tuple[float, ...]:
        return (self.beta_1, self.beta_2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r} is not a number") from None
    if not (low <= number <= high) or math.isinf(number):
        raise ValueError(f"{name}={value!r} is not a finite number between {low:g} and {high:g}")
    return number


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
    cls.__name__: cls for cls in (SGD, Adagrad, RMSprop, Adadelta, Adam, AdamW, Adamax, Nadam, Ftrl, Lion)
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
    """A dictionary that `deserialize` turns back into the optimizer."""
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config: dict[str, Any]) -> Optimizer:
    """The optimizer that `serialize` described."""
    name = config.get("class_name")
    if not isinstance(name, str) or name.lower() not in _ALL:
        raise unknown("optimizer", name, _CLASSES)
    return _ALL[name.lower()].from_config(config.get("config", {}))
