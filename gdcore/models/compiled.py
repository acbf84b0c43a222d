"""What `compile` was told, and what follows from it for a network: metrics, their names, the core's numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _checks, losses, metrics
from .._core import kernels
from .._names import look_up
from .inputs import CHANGED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..metrics import Metric
    from .inputs import Arrays
    from .stack import Built


class Compiled(NamedTuple):
    """What `compile` was told besides the optimizer and the loss; it does not change.

    Attributes
    ----------
    loss_weights
        As it was given.
    metrics, weighted_metrics : tuple of str or Metric
    gradient : {"analytic", "forward", "central"}
    h : float or None
    """

    loss_weights: Any
    metrics: tuple[Any, ...]
    weighted_metrics: tuple[Any, ...]
    gradient: str
    h: float | None

    @classmethod
    def checked(cls, loss_weights: Any, plain: Any, weighted: Any, gradient: str, h: Any) -> Compiled:
        """The same, after a look at all of it."""
        known = cls(
            loss_weights,
            _listed(plain),
            _listed(weighted),
            gradient,
            None if h is None else _checks.positive("h", h),
        )
        for name in known.metrics + known.weighted_metrics:
            if name not in ("accuracy", "acc"):
                metrics.get(name)
        _one_weight(loss_weights)
        look_up("gradient", gradient, kernels.GRADIENTS)
        return known

    @classmethod
    def of_state(cls, state: Compiled | Mapping[str, Any] | None) -> Compiled | None:
        """What a pickle holds, of which those of 0.1.0 have a dictionary."""
        if state is None or isinstance(state, Compiled):
            return state
        plain, weighted = tuple(state["metrics"]), tuple(state["weighted"])
        return cls(state["loss_weights"], plain, weighted, state["gradient"], state["h"])

    @property
    def loss_weight(self) -> float:
        """What the loss of the one output is multiplied by."""
        return _one_weight(self.loss_weights)

    @property
    def calls_python(self) -> bool:
        """Whether a metric may be one that the core leaves to Python."""
        return any(name not in ("accuracy", "acc") for name in self.metrics + self.weighted_metrics)


def difference_step(method: str, h: float | None, dtype: Any) -> float:
    """The step of finite differences: h, or the square or cube root of the dtype's epsilon."""
    if h is not None or method == "analytic":
        return h or 0.0
    return math.pow(float(np.finfo(dtype).eps), 1 / 3 if method == "central" else 1 / 2)


class ModelMetrics:
    """The loss and the metrics of a compiled model, told to the core for one network.

    Parameters
    ----------
    compiled : Compiled
    loss : Loss
    built : Built
        Whose network is configured.

    Attributes
    ----------
    names : list of str
        "loss" and the metrics.
    core_names : list of str
        Those of them that the core computes.
    step : float
        Of the finite differences.
    in_python : list of (name, metric, whether it is weighted)
        The others.

    Raises
    ------
    ValueError
        For a metric that does not fit the targets of the loss.
    """

    __slots__ = ("_metrics", "_widths", "built", "compiled", "core_names", "in_python", "names", "step")

    def __init__(self, compiled: Compiled, loss: losses.Loss, built: Built) -> None:
        units, plain = built.form.units, len(compiled.metrics)
        sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
        chosen = [metrics.for_model(name, units, sparse) for name in compiled.metrics + compiled.weighted_metrics]
        for metric in chosen:
            _check_targets(metric, units, sparse)
        specs = [metric._spec("mean" if i < plain else "mean_with_sample_weight") for i, metric in enumerate(chosen)]
        core_specs = [spec for spec in specs if spec is not None]
        built.network.configure(loss._spec(), core_specs, compiled.loss_weight)
        names = _unique_names(chosen, plain)
        self.step = difference_step(compiled.gradient, compiled.h, built.form.dtype)
        self.built, self.compiled, self._metrics, self.names = built, compiled, chosen, names
        self._widths = math.prod(built.form.row_shape), 1 if sparse else units
        self.core_names = ["loss", *(name for name, spec in zip(names[1:], specs, strict=True) if spec is not None)]
        self.in_python: list[tuple[str, Metric, bool]] = [
            (names[1 + i], metric, i >= plain)
            for i, (metric, spec) in enumerate(zip(chosen, specs, strict=True))
            if spec is None
        ]

    def check_current(self, data: Arrays) -> None:
        """Raise if data was checked for other layers or another loss: another thread may have changed them since."""
        x, y, _ = data
        if x.dtype != self.built.form.dtype or (x.shape[1], y.shape[1]) != self._widths:
            raise RuntimeError(CHANGED)

    def named(self, name: str) -> Metric | None:
        """The metric of that name."""
        return dict(zip(self.names[1:], self._metrics, strict=True)).get(name)


def _check_targets(metric: Metric, units: int, sparse: bool) -> None:
    wanted = metric._loss()
    if wanted is None:
        return  # it takes targets as they come
    wants_classes = isinstance(wanted, losses.SparseCategoricalCrossentropy)
    if sparse and units > 1 and not wants_classes:
        raise ValueError(f"metric {metric.name!r} compares outputs with targets, but y holds class numbers")
    if not sparse and wants_classes:
        raise ValueError(f"metric {metric.name!r} needs class numbers for y, but the loss takes one-hot rows")


def _unique_names(chosen: list[Metric], plain: int) -> list[str]:
    """ "loss" and a name for each metric, of which the first so many are not weighted."""
    names = ["loss"]
    for i, metric in enumerate(chosen):
        name = metric.name if i < plain or metric.name not in names else f"weighted_{metric.name}"
        same = sum(other == name or other.startswith(name + "_") for other in names[1:])
        names.append(f"{name}_{same}" if name in names else name)
    return names


def _listed(value: Any) -> tuple[Any, ...]:
    return () if value is None else tuple(value) if isinstance(value, list | tuple) else (value,)


def _one_weight(given: Any) -> float:
    if given is None:
        return 1.0
    weights = list(given) if isinstance(given, list | tuple) else [given]
    if len(weights) != 1:
        raise ValueError(f"loss_weights={given!r} has {len(weights)} entries, expected one: the model has one output")
    return _checks.number("loss_weights", weights[0])
