from collections.abc import Callable, Sequence
from typing import Any, Final, final

from numpy.typing import NDArray

from .specs import (
    ActivationSpec,
    DescentArrays,
    Kind,
    LayerSpec,
    LossSpec,
    ObjectiveSpec,
    OptimizerSpec,
    ScheduleSpec,
    SurfaceSpec,
    VariableSpec,
)

ACTIVATIONS: dict[str, Kind]
LAYERS: dict[str, Kind]
REGULARIZERS: dict[str, Kind]
CONSTRAINTS: dict[str, Kind]
LOSSES: dict[str, Kind]
METRICS: dict[str, Kind]
OPTIMIZERS: dict[str, Kind]
SCHEDULES: dict[str, Kind]
SURFACES: dict[str, Kind]
CLIPPINGS: dict[str | None, int]
REDUCTIONS: dict[str, int]
PHASES: tuple[str, ...]
GRADIENTS: dict[str, int]
DISTRIBUTIONS: dict[str, int]
DESCENT_STATES: dict[str, int]
SIGNATURES: dict[str, tuple[int, bool]]
SLOPE_SIGNATURES: dict[str, tuple[int, bool]]
COMPILER: str
FLAGS: str

_Array = NDArray[Any]

class NotFinite(ValueError): ...

@final
class UpdatePlan:
    spec: Final[OptimizerSpec]
    slots: Final[_Array]
    scalars: Final[_Array]
    n_params: Final[int]
    dtype: Final[Any]
    applied: int
    @property
    def works_in_place(self) -> bool: ...
    def __new__(
        cls,
        spec: OptimizerSpec,
        variables: Sequence[VariableSpec],
        slots: _Array,
        scalars: _Array,
        n_params: int,
        names: tuple[str, ...],
    ) -> UpdatePlan: ...
    def update(self, theta: _Array, grad: _Array) -> int: ...
    def prepare(self, shapes: list[tuple[int, ...]]) -> None: ...
    def apply(self, grads: Any, arrays: Any, applied: int) -> bool: ...

@final
class Network:
    layers: Final[tuple[LayerSpec, ...]]
    theta: Final[_Array]
    grad: Final[_Array]
    state: Final[_Array]
    random: Final[_Array]
    dtype: Final[Any]
    epochs_done: Final[int]
    @property
    def n_params(self) -> int: ...
    @property
    def steps_done(self) -> int: ...
    @property
    def workspace_bytes(self) -> int: ...
    @property
    def is_stochastic(self) -> bool: ...
    @property
    def can_watch(self) -> bool: ...
    def __new__(cls, layers: Sequence[LayerSpec], dtype: Any) -> Network: ...
    def plan(self, layers: Sequence[LayerSpec]) -> None: ...
    def configure(self, loss: LossSpec, metrics: Sequence[LossSpec], weight: float = 1.0) -> None: ...
    def footprint(self, batch_size: int) -> tuple[int, int, list[int], int]: ...
    def fresh_sums(self) -> _Array: ...
    def train(
        self,
        x: _Array,
        y: _Array,
        w: _Array | None,
        batch_size: int,
        updates: UpdatePlan | None,
        history: _Array,
        *,
        gradient: str = "analytic",
        h: float = 0.0,
        shuffling: tuple[int, int, int] | None = None,
        progress: Callable[[int, float], None] | None = None,
        part: tuple[_Array | None, int, int, _Array] | None = None,
        outputs: _Array | None = None,
        timings: _Array | None = None,
        watched: bool = False,
    ) -> None: ...
    def gradient(
        self, x: _Array, y: _Array, w: _Array | None, method: str, h: float, training: bool = False
    ) -> float: ...
    def predict(self, x: _Array) -> _Array: ...
    def predict_few(self, x: _Array) -> _Array | None: ...
    def loss_slice(
        self, x: _Array, y: _Array, w: _Array | None, layer: int, parameter: int, values: _Array
    ) -> _Array: ...

class HeldObjective:
    def __new__(cls, spec: ObjectiveSpec, dims: int, lanes: int, dtype: Any) -> HeldObjective: ...

def needed_slots(spec: OptimizerSpec) -> list[str | None]: ...
def schedule_values(spec: ScheduleSpec, steps: _Array, dtype: Any) -> _Array: ...
def philox_words(key: int, stream: int, n: int, block: int = 0) -> _Array: ...
def seeded_stream(seed: int, call: int) -> tuple[int, int]: ...
def draw_random(
    distribution: str, key: int, stream: int, out: _Array, first: int = 0, scale: float = 1, shift: float = 0
) -> None: ...
def shuffle_order(n: int, key: int, stream: int) -> _Array: ...
def set_threads(n: int) -> None: ...
def get_threads() -> int: ...
def all_finite(x: _Array) -> bool: ...
def aligned_zeros(n: int, dtype: Any) -> _Array: ...
def apply_activation(spec: ActivationSpec, x: _Array, d: _Array | None = None) -> _Array: ...
def loss_value(spec: LossSpec, y: _Array, p: _Array) -> _Array: ...
def loss_gradient_of(spec: LossSpec, y: _Array, p: _Array, scale: _Array) -> _Array: ...
def apply_power(x: _Array, y: float) -> _Array: ...
def apply_math(name: str, x: _Array) -> _Array: ...
def apply_surface(spec: SurfaceSpec, x: _Array, value: _Array, grad: _Array) -> None: ...
def capsule_name(capsule: Any) -> str: ...
def evaluate_objective(spec: ObjectiveSpec, x: _Array) -> tuple[float, _Array]: ...
def descend(
    spec: ObjectiveSpec,
    updates: UpdatePlan,
    lanes: int,
    first: int,
    last: int,
    maxiter: int,
    tol: float,
    gtol: float,
    results: DescentArrays,
    stop: _Array,
    callback: Callable[[int, _Array, float], bool] | None = None,
) -> None: ...
def probe_fma(seconds: float) -> float: ...
def probe_stream(nbytes: int, seconds: float = 0.05) -> float: ...
def padded_rows(rows: int) -> int: ...
def multiply(w: _Array, a: _Array, out: _Array) -> None: ...
