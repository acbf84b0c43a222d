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

Array = NDArray[Any]

class NotFinite(ValueError): ...

@final
class UpdatePlan:
    spec: Final[OptimizerSpec]
    slots: Final[Array]
    scalars: Final[Array]
    n_params: Final[int]
    dtype: Final[Any]
    applied: int
    @property
    def works_in_place(self) -> bool: ...
    def __init__(
        self,
        spec: OptimizerSpec,
        variables: Sequence[VariableSpec],
        slots: Array,
        scalars: Array,
        n_params: int,
        names: tuple[str, ...],
    ) -> None: ...
    def update(self, theta: Array, grad: Array) -> int: ...
    def prepare(self, shapes: list[tuple[int, ...]]) -> None: ...
    def apply(self, grads: Any, arrays: Any, applied: int) -> bool: ...

@final
class Network:
    layers: Final[tuple[LayerSpec, ...]]
    theta: Final[Array]
    grad: Final[Array]
    state: Final[Array]
    random: Final[Array]
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
    def __init__(self, layers: Sequence[LayerSpec], dtype: Any) -> None: ...
    def plan(self, layers: Sequence[LayerSpec]) -> None: ...
    def configure(self, loss: LossSpec, metrics: Sequence[LossSpec], weight: float = 1) -> None: ...
    def footprint(self, batch_size: int) -> tuple[int, int, list[int], int]: ...
    def fresh_sums(self) -> Array: ...
    def train(
        self,
        x: Array,
        y: Array,
        w: Array | None,
        batch_size: int,
        updates: UpdatePlan | None,
        history: Array,
        *,
        gradient: str = "analytic",
        h: float = 0,
        shuffling: tuple[int, int, int] | None = None,
        progress: Callable[[int, float], None] | None = None,
        part: tuple[Array | None, int, int, Array] | None = None,
        outputs: Array | None = None,
        timings: Array | None = None,
        watched: bool = False,
    ) -> None: ...
    def gradient(self, x: Array, y: Array, w: Array | None, method: str, h: float, training: bool = False) -> float: ...
    def predict(self, x: Array) -> Array: ...
    def predict_few(self, x: Array) -> Array | None: ...
    def loss_slice(self, x: Array, y: Array, w: Array | None, layer: int, parameter: int, values: Array) -> Array: ...

def needed_slots(spec: OptimizerSpec) -> list[str | None]: ...
def schedule_values(spec: ScheduleSpec, steps: Array, dtype: Any) -> Array: ...
def philox_words(key: int, stream: int, n: int, block: int = 0) -> Array: ...
def seeded_stream(seed: int, call: int) -> tuple[int, int]: ...
def draw_random(
    distribution: str, key: int, stream: int, out: Array, first: int = 0, scale: float = 1, shift: float = 0
) -> None: ...
def shuffle_order(n: int, key: int, stream: int) -> Array: ...
def set_threads(n: int) -> None: ...
def get_threads() -> int: ...
def all_finite(x: Array) -> bool: ...
def aligned_zeros(n: int, dtype: Any) -> Array: ...
def apply_activation(spec: ActivationSpec, x: Array, d: Array | None = None) -> Array: ...
def loss_value(spec: LossSpec, y: Array, p: Array) -> Array: ...
def loss_gradient_of(spec: LossSpec, y: Array, p: Array, scale: Array) -> Array: ...
def apply_power(x: Array, y: float) -> Array: ...
def apply_math(name: str, x: Array) -> Array: ...
def apply_surface(spec: SurfaceSpec, x: Array, value: Array, grad: Array) -> None: ...
def capsule_name(capsule: Any) -> str: ...
def evaluate_objective(spec: ObjectiveSpec, x: Array) -> tuple[float, Array]: ...
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
    stop: Array,
    callback: Callable[[int, Array, float], bool] | None = None,
) -> None: ...
def probe_fma(seconds: float) -> float: ...
def probe_stream(nbytes: int, seconds: float = 0.05) -> float: ...
def padded_rows(rows: int) -> int: ...
def multiply(w: Array, a: Array, out: Array) -> None: ...
