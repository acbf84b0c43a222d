"""What Python tells the core: one typed, immutable class a family, with plain numbers.

The core copies what stands here, and checks it against the row of its table (`Kind`) and against its own sizes: nothing
that happens to a description later can make it read or write outside of what it allotted.  Descriptions that are equal
make the same plan.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(NamedTuple):
    """A row of a family's table."""

    name: str
    row: int
    parameters: tuple[str, ...]
    """Names of its numbers, in the order in which the core takes them."""
    slots: tuple[Slot, ...] = ()
    """An optimizer's vectors."""
    is_elementwise: bool = True
    """Whether an optimizer updates each number as if it were alone."""

    def numbers_of(self, thing: Any) -> tuple[float, ...]:
        """The parameters as an object has them: its attributes of those names, nan for None."""
        values = [getattr(thing, name) for name in self.parameters]
        return tuple([math.nan if value is None else float(value) for value in values])


class Slot(NamedTuple):
    """One vector of an optimizer, as long as all that it updates."""

    name: str
    needed_by: str | None = None
    """The setting that asks for it, where it is not always there."""
    initial: str | None = None
    """The setting that it starts with; None: 0."""


class ActivationSpec(NamedTuple):
    """A function of what a layer makes of its input."""

    kind: str
    parameters: tuple[float, ...] = ()


class RegularizerSpec(NamedTuple):
    """A penalty on one of a layer's arrays (0: kernel, 1: bias), seen as a matrix."""

    array: int
    kind: str
    parameters: tuple[float, ...]
    rows: int
    columns: int


class ConstraintSpec(NamedTuple):
    """What one of a layer's arrays (0: kernel, 1: bias), seen as a matrix, is held to after each update."""

    array: int
    kind: str
    parameters: tuple[float, ...]
    over_rows: bool
    over_columns: bool
    rows: int
    columns: int


class LayerSpec(NamedTuple):
    """A layer, for rows of a known width.

    ``kernel`` and ``bias`` are the sizes of the arrays that it may learn (None: it has none), ``state`` that of its
    moving statistics or constants; a frozen layer keeps its arrays as they are.
    """

    kind: str
    n_in: int
    n_out: int
    parameters: tuple[float, ...] = ()
    activation: ActivationSpec = ActivationSpec("linear")
    kernel: int | None = None
    bias: int | None = None
    state: int = 0
    frozen: bool = False
    activity: tuple[float, float] = (0.0, 0.0)
    regularizers: tuple[RegularizerSpec, ...] = ()
    constraints: tuple[ConstraintSpec, ...] = ()

    @property
    def n_params(self) -> int:
        """How many numbers it may learn."""
        return (self.kernel or 0) + (self.bias or 0)


class LossSpec(NamedTuple):
    """A loss or a metric that is a mean over rows."""

    kind: str
    reduction: str | None = "sum_over_batch_size"
    from_logits: bool = False
    parameters: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    """Of the outputs, where the kind has them: one for all, or one for each."""


class ScheduleSpec(NamedTuple):
    """The learning rate of each step: a number that may change at any time (``rate``, an array of one), what a function
    makes of the step (``called``), or one of the schedules of the table."""

    kind: str
    parameters: tuple[float, ...] = ()
    boundaries: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    rate: Any = None
    called: Callable[[int], float] | None = None
    source: Any = None
    """What `called` asks, by which two such descriptions are told apart."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScheduleSpec) and self._compared == other._compared

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[Any, ...]:
        return (self.kind, self.parameters, self.boundaries, self.values, self.source)


class VariableSpec(NamedTuple):
    """An array that an optimizer was built for: where it lies in the flat vector (None: it is no longer there), its
    shape as so many matrices (no rows: it is none), and what the optimizer makes of it."""

    offset: int | None
    size: int
    matrices: int = 1
    rows: int = 0
    columns: int = 1
    decay: float = 0.0
    by_adam: bool = False
    learns: bool = True


class OptimizerSpec(NamedTuple):
    """An optimizer's settings.  Pieces that are not asked for are 0 or None."""

    kind: str
    schedule: ScheduleSpec
    parameters: tuple[float, ...] = ()
    clipping: str | None = None
    clip_at: float = 0.0
    ema_momentum: float | None = None
    ema_overwrite: int = 0
    accumulation: int = 0
    loss_scale: float | None = None
    growth_steps: int = 0


class SurfaceSpec(NamedTuple):
    """A test function of optimization."""

    kind: str
    parameters: tuple[float, ...] = ()


class ObjectiveSpec(NamedTuple):
    """A function to descend on: a surface, compiled functions (capsules), or a Python function of x that gives the
    value and the gradient; differences of step h where the method asks for them, within bounds (arrays of dims)."""

    surface: SurfaceSpec | None = None
    compiled: Any = None
    slope: Any = None
    called: Callable[[Any], Any] | None = None
    method: str = "analytic"
    h: float = 0.0
    low: Any = None
    high: Any = None


class DescentArrays(NamedTuple):
    """Where descents begin, and what they fill."""

    x0: Any
    """(starts, n)"""
    x: Any
    """(starts, n), as jac"""
    jac: Any
    fun: Any
    """(starts,), of the type of x0"""
    nit: Any
    """(starts,), int64, as status"""
    status: Any
    history: Any = None
    """(starts, maxiter + 1), or None"""
    trajectory: Any = None
    """(starts, maxiter + 1, n), or None"""
