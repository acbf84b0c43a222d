"""A loss scale that finds its own size, around any other optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _checks
from .._core import kernels
from .._core.specs import OptimizerSpec
from .._fields import Configured, Field, Integer, Real
from .base import Optimizer
from .lookup import deserialize, register, serialize
from .settings import Name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Inner(Field[Optimizer]):
    """The optimizer within another one, whose own loss scale is switched off."""

    def __set__(self, thing: Any, value: Any) -> None:
        super().__set__(thing, value)
        value.loss_scale_factor = None

    def check(self, value: Any) -> Optimizer:
        if not isinstance(value, Optimizer) or isinstance(value, LossScaleOptimizer):
            raise _checks.WrongType(
                f"{self.name}={_checks.shown(value)} is not an optimizer whose loss could be scaled"
            )
        return value

    def config(self, value: Optimizer) -> Any:
        return serialize(value)


class Forwarded:
    """An attribute that is the inner optimizer's, to read and to assign."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, thing: Any, owner: type) -> Any:
        return self if thing is None else getattr(thing.inner_optimizer, self.name)

    def __set__(self, thing: Any, value: Any) -> None:
        setattr(thing.inner_optimizer, self.name, value)


@register
class LossScaleOptimizer(Optimizer):
    """Another optimizer, with a loss scale that finds its own size (keras/src/optimizers/loss_scale_optimizer.py).

    Where a gradient is nan or inf the scale is halved, and the update left out; after dynamic_growth_steps updates
    without that it is doubled.  Everything but the scale is that of the inner optimizer: its settings and its state
    are read and assigned here as there.

    Parameters
    ----------
    inner_optimizer : Optimizer
        Not one of this class; its loss_scale_factor is set to None.
    initial_scale : float
        Greater than 0.
    dynamic_growth_steps : int
        At least 1.
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        For settings of other types, or out of their range; also where they are assigned later.
    """

    _fields: ClassVar[dict[str, Field[Any]]] = {}  # none of the base class's: those are the inner optimizer's
    name = Name(lambda cls: cls._name)
    inner_optimizer = Inner()
    initial_scale = Real(above=0)
    dynamic_growth_steps = Integer(1)

    _name = "loss_scale_optimizer"
    _elementwise = False

    # what the base class keeps in an instance is kept by the inner optimizer, and what it computes from that is right
    _FORWARDED = (
        # settings
        *("learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum"),
        *("ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps"),
        # state
        *("_rate", "_applied", "_excluded", "_excluded_arrays", "_slots", "_slot_names", "_scalars"),
        *("_shapes", "_bounds", "_keys", "_adam", "_decayed"),
        # what depends on the kind
        *("_kind", "_decays", "_leaves_to_adam", "_keras_vectors"),
    )

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ) -> None:
        # not super().__init__(), which would make a second set of settings; the inner optimizer, which changes, is last
        type(self).inner_optimizer.check(inner_optimizer)
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        self.name = name
        self.inner_optimizer = inner_optimizer

    def __getattr__(self, name: str) -> Any:
        """A setting of the inner optimizer's own kind, such as ``beta_1``."""
        if name.startswith("_") or "inner_optimizer" not in self.__dict__:  # which it is not while being unpickled
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.inner_optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            super().__setattr__(name, value)
        else:
            setattr(self.inner_optimizer, name, value)

    @property
    def dynamic_scale(self) -> float:
        """The loss scale of the next step."""
        return float(self._scalars[1]) if self.built else self.initial_scale

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale, whose gradients `apply` expects."""
        return loss * self.dynamic_scale

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, in Keras's form."""
        return Configured.get_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LossScaleOptimizer:
        """The object that `get_config` (or Keras's) described; custom_objects holds your own schedules by name."""
        inner = config.get("inner_optimizer")
        if isinstance(inner, dict):
            config = {**config, "inner_optimizer": deserialize(inner, custom_objects)}
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # ---- what models, files and the core ask -------------------------------------------------------------

    def _build(
        self, arrays: Sequence[Any], paths: Sequence[str] | None = None, keys: Sequence[Any] | None = None
    ) -> None:
        fresh = not self.built
        self.inner_optimizer._build(arrays, paths, keys)
        if fresh:
            self._scalars[1] = self.initial_scale

    def _spec(self, growth_steps: int = 0) -> OptimizerSpec:
        return self.inner_optimizer._spec(self.dynamic_growth_steps)

    def _plan(self, growth_steps: int = 0, **places: Any) -> kernels.UpdatePlan:
        return self.inner_optimizer._plan(self.dynamic_growth_steps, **places)

    def _reads_only(self, grad: NDArray[Any], array: NDArray[Any]) -> bool:
        return False  # it is divided by the scale

    def _snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.inner_optimizer._snapshot()

    def _restore(self, snapshot: tuple[dict[str, Any], dict[str, Any]]) -> None:
        self.inner_optimizer._restore(snapshot)

    def _keras_variables(self) -> list[NDArray[Any]]:
        # Keras gives the outer optimizer iterations and a rate as well, of which it makes no use
        return [np.array(0, np.int64), np.array(0, np.float32), *self._keras_slots()]

    def _keras_slots(self) -> list[NDArray[Any]]:
        scale: list[NDArray[Any]] = []
        if self.built:
            scale = [np.array(self._scalars[2], np.int64), np.array(self._scalars[1], np.float32)]
        return [*scale, *self.inner_optimizer._keras_variables()]

    def _set_keras_variables(self, values: Sequence[NDArray[Any]]) -> None:
        inner = self.inner_optimizer
        first = 4 if self.built else 2
        iterations, *more = values[first:]
        if not 0 <= int(iterations) < 2**62:
            raise ValueError(f"optimizer: {iterations} is no number of iterations")
        if len(more) - len(inner._keras_slots()) == 1 and not 0 <= more[0] < np.inf:
            raise ValueError(f"optimizer: {more[0]} is no learning rate")
        if self.built:
            if not (values[2] >= 0 and 0 < values[3] < np.inf):
                raise ValueError(f"optimizer: {values[3]} for {values[2]} steps is no loss scale")
            self._scalars[1:] = values[3], values[2]
        inner._set_keras_variables(values[first:])

    def _fresh(self) -> LossScaleOptimizer:
        return LossScaleOptimizer(
            self.inner_optimizer._fresh(), self.initial_scale, self.dynamic_growth_steps, self.name
        )


for _name in LossScaleOptimizer._FORWARDED:
    setattr(LossScaleOptimizer, _name, Forwarded(_name))
