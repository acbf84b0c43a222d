from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

ACTIVATIONS: dict[str, int]
LOSSES: dict[str, int]
METRICS: dict[str, int]
OPTIMIZERS: dict[str, int]
REDUCTIONS: dict[str, int]
GRADIENTS: dict[str, int]

LossSpec = tuple[str, str, bool, float]
Array = NDArray[Any]

class Network:
    theta: Array
    grad: Array
    dtype: Any
    epochs_done: int
    steps_done: int
    n_params: int
    def __init__(self, layers: list[tuple[int, int, str, bool]], dtype: Any) -> None: ...
    def configure(self, loss: LossSpec, metrics: list[LossSpec]) -> None: ...
    def train(
        self,
        x: Array,
        y: Array,
        w: Array | None,
        batch_size: int,
        optimizer: tuple[Any, ...] | None,
        slots: Array,
        gradient: str,
        h: float,
        shuffling: tuple[int, int, int] | None,
        history: Array,
        progress: Callable[[int, float], None] | None = None,
    ) -> None: ...
    def gradient(self, x: Array, y: Array, w: Array | None, method: str, h: float) -> float: ...
    def predict(self, x: Array) -> Array: ...
    def loss_slice(self, x: Array, y: Array, w: Array | None, layer: int, parameter: int, values: Array) -> Array: ...

def philox_words(key: int, stream: int, n: int) -> Array: ...
def philox_words_at(key: int, stream: int, block: int) -> Array: ...
def shuffle_order(n: int, key: int, stream: int) -> Array: ...
def all_finite(x: Array) -> bool: ...
def aligned_zeros(n: int, dtype: Any) -> Array: ...
def apply_activation(name: str, x: Array) -> Array: ...
def loss_value(spec: LossSpec, y: Array, p: Array) -> Array: ...
def loss_gradient_of(spec: LossSpec, y: Array, p: Array, scale: Array) -> Array: ...
def apply_math(name: str, x: Array) -> Array: ...
