"""Optimizers, with Keras's names, defaults and order of operations (``keras/src/optimizers``)."""

import math
from typing import Any, TypeVar

import numpy as np

from ._names import unknown

_O = TypeVar("_O", bound="Optimizer")


class Optimizer:
    """What all optimizers share: a learning rate, a count of updates, and vectors as long as the parameters."""

    _kind: str

    def __init__(self, learning_rate: float, name: str | None = None) -> None:
        self.learning_rate = learning_rate
        self.name = name or type(self).__name__
        self.iterations = 0
        self._slots: Any = None

    @property
    def learning_rate(self) -> float:
        """The step size; may be assigned between two calls of ``fit``."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = _number("learning_rate", value, 0.0, math.inf)

    def _n_slots(self) -> int:
        return 0

    def _spec(self) -> tuple[Any, ...]:
        """What the core needs to know: (kind, learning rate, ...)."""
        raise NotImplementedError

    def build(self, n_params: int, dtype: Any) -> None:
        """Make room for a model of that many parameters; what is there already, fits and is kept."""
        shape = (self._n_slots(), n_params)
        if self._slots is None:
            self._slots = np.zeros(shape, dtype)
        elif self._slots.shape != shape or self._slots.dtype != dtype:
            raise ValueError(
                f"this {type(self).__name__} already belongs to a model of {self._slots.shape[1]} parameters of type "
                f"{self._slots.dtype}, and cannot train one of {n_params} of type {np.dtype(dtype)}: make a new one"
            )

    @property
    def variables(self) -> list[Any]:
        """The optimizer's own vectors, each as long as the model's flat parameter vector."""
        return [] if self._slots is None else list(self._slots)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {"name": self.name, "learning_rate": self.learning_rate}

    @classmethod
    def from_config(cls: type[_O], config: dict[str, Any]) -> _O:
        """The object that `get_config` described."""
        return cls(**config)

    def __str__(self) -> str:
        return f"{self.name} lr={f'{self.learning_rate:.10f}'.rstrip('0')}"

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"


class SGD(Optimizer):
    """Gradient descent, with momentum.

    Without momentum ``w <- w - g lr``; with it ``v <- v momentum - g lr`` and then ``w <- w + v``, or, with
    Nesterov's variant, ``w <- w + (v momentum - g lr)`` (Sutskever et al., ICML 2013; keras/src/optimizers/sgd.py).

    Parameters
    ----------
    learning_rate : float
        Greater than or equal to 0.
    momentum : float
        Between 0 and 1.
    nesterov : bool
    name : str, optional
    """

    _kind = "sgd"

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.momentum = _number("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)

    def _n_slots(self) -> int:
        return 1 if self.momentum else 0

    def _spec(self) -> tuple[Any, ...]:
        return (self._kind, self.learning_rate, self.momentum, self.nesterov)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r} is not a number") from None
    if not (low <= number <= high) or math.isinf(number):
        raise ValueError(f"{name}={value!r} is not a finite number between {low:g} and {high:g}")
    return number


_CLASSES: dict[str, type[Optimizer]] = {"SGD": SGD}
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
