from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

ACTIVATIONS: dict[str, int]
LAYERS: dict[str, int]
REGULARIZERS: dict[str, int]
CONSTRAINTS: dict[str, int]
LOSSES: dict[str, int]
METRICS: dict[str, int]
OPTIMIZERS: dict[str, int]
SCHEDULES: dict[str, int]
CLIPPINGS: dict[str | None, int]
REDUCTIONS: dict[str, int]
GRADIENTS: dict[str, int]
DISTRIBUTIONS: dict[str, int]
SURFACES: dict[str, int]
DESCENT_STATES: dict[str, int]
SIGNATURES: dict[str, tuple[int, bool]]
SLOPE_SIGNATURES: dict[str, tuple[int, bool]]

LossSpec = tuple[str, str | None, bool, tuple[float, ...]]
Array = NDArray[Any]

class Network:
    theta: Array
    grad: Array
    state: Array
    random: Array
    dtype: Any
    epochs_done: int
    steps_done: int
    n_params: int
    def __init__(self, layers: list[dict[str, Any]], dtype: Any) -> None: ...
    def configure(self, loss: LossSpec, metrics: list[LossSpec]) -> None: ...
    def train(
        self,
        x: Array,
        y: Array,
        w: Array | None,
        batch_size: int,
        optimizer: tuple[Any, ...] | None,
        gradient: str,
        h: float,
        shuffling: tuple[int, int, int] | None,
        history: Array,
        progress: Callable[[int, float], None] | None = None,
        part: tuple[Array | None, int, int, Array] | None = None,
        outputs: Array | None = None,
    ) -> None: ...
    def fresh_sums(self) -> Array: ...
    def gradient(self, x: Array, y: Array, w: Array | None, method: str, h: float, training: bool = False) -> float: ...
    def predict(self, x: Array) -> Array: ...
    def loss_slice(self, x: Array, y: Array, w: Array | None, layer: int, parameter: int, values: Array) -> Array: ...

def apply_update(theta: Array, grad: Array, optimizer: tuple[Any, ...]) -> int: ...
def optimizer_workspace(kind: str, shapes: Array, adam: Array, dtype: Any) -> Array: ...
def schedule_values(spec: tuple[Any, ...], steps: Array, dtype: Any) -> Array: ...
def philox_words(key: int, stream: int, n: int, block: int = 0) -> Array: ...
def seeded_stream(seed: int, call: int) -> tuple[int, int]: ...
def draw_random(
    distribution: str, key: int, stream: int, out: Array, first: int = 0, scale: float = 1, shift: float = 0
) -> None: ...
def shuffle_order(n: int, key: int, stream: int) -> Array: ...
def all_finite(x: Array) -> bool: ...
def aligned_zeros(n: int, dtype: Any) -> Array: ...
def apply_activation(name: str, params: tuple[float, ...], x: Array, d: Array | None = None) -> Array: ...
def loss_value(spec: LossSpec, y: Array, p: Array) -> Array: ...
def loss_gradient_of(spec: LossSpec, y: Array, p: Array, scale: Array) -> Array: ...
def apply_power(x: Array, y: float) -> Array: ...
def apply_math(name: str, x: Array) -> Array: ...
def apply_surface(spec: tuple[str, float], x: Array, value: Array, grad: Array) -> None: ...
def capsule_name(capsule: Any) -> str: ...
def evaluate_objective(objective: tuple[Any, ...], x: Array) -> tuple[float, Array]: ...
def descend(
    objective: tuple[Any, ...],
    optimizer: tuple[Any, ...],
    lanes: int,
    first: int,
    last: int,
    maxiter: int,
    tol: float,
    gtol: float,
    results: tuple[Any, ...],
    stop: Array,
    callback: Callable[[int, Array, float], bool] | None = None,
) -> None: ...
