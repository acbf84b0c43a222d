"""What is timed: nets to train, updates, predictions and more, each with its data and its least possible cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .inputs import load


@dataclass(frozen=True)
class Net:
    """A stack of dense layers."""

    widths: tuple[int, ...]
    activations: tuple[str, ...]

    def start(self) -> list[Any]:
        """Kernel, bias, kernel, ... in float32: Glorot's uniform numbers, and zeros."""
        rng = np.random.default_rng(5)
        weights = []
        for k, j in zip(self.widths, self.widths[1:], strict=False):
            limit = np.sqrt(6 / (k + j))
            weights += [rng.uniform(-limit, limit, (k, j)).astype(np.float32), np.zeros(j, np.float32)]
        return weights

    def parameters(self) -> int:
        return sum((k + 1) * j for k, j in zip(self.widths, self.widths[1:], strict=False))

    def products(self) -> int:
        """Multiply-adds of one row's way through."""
        return sum(k * j for k, j in zip(self.widths, self.widths[1:], strict=False))


@dataclass(frozen=True)
class Training:
    """Whole epochs of shuffled mini-batches; a time is one of a step."""

    name: str
    title: str
    data: str
    net: Net
    loss: str  # "mae", "crossentropy" of class numbers, or "binary_crossentropy"
    optimizer: str  # "sgd" or "adam"
    rate: float
    batch: int
    epochs: int
    goal: float | None = None  # so many times as fast as the fastest peer
    gradient: str = "analytic"  # "forward": finite differences, in float64 and in the order of the rows
    unit: ClassVar[str] = "µs a step"

    def arrays(self) -> tuple[Any, Any]:
        return load(self.data)

    def steps(self) -> int:
        return self.epochs * -(-len(self.arrays()[0]) // self.batch)

    def in_unit(self, seconds: float) -> float:
        return seconds / self.steps() * 1e6

    def flops(self) -> float:
        """Of one step: a product forward, one for the gradient, and one through each layer but the first.

        Activations and updates are left out.
        """
        return 2.0 * self.batch * (3 * self.net.products() - self.net.widths[0] * self.net.widths[1])

    def bytes(self) -> float:
        """What one step must move at least: rows in, parameters and the optimizer's vectors in and out."""
        vectors = 3 if self.optimizer == "adam" else 1
        return 4.0 * (self.batch * (self.net.widths[0] + 1) + 2 * vectors * self.net.parameters())


@dataclass(frozen=True)
class Update:
    """One update by Adam of one array."""

    name: str
    title: str
    size: int
    unit: str
    goal: float | None = None
    rate: ClassVar[float] = 0.001

    def arrays(self) -> tuple[Any, Any]:
        """Parameters, and their gradient."""
        rng = np.random.default_rng(7)
        return rng.standard_normal(self.size, np.float32), rng.standard_normal(self.size, np.float32)

    def in_unit(self, seconds: float) -> float:
        return seconds / self.size * 1e9 if self.unit.startswith("ns") else seconds * 1e6

    def flops(self) -> float:
        return 10.0 * self.size

    def bytes(self) -> float:
        """Gradient in; parameters and two vectors in and out."""
        return 28.0 * self.size


@dataclass(frozen=True)
class Prediction:
    """The outputs for some rows, in one call."""

    name: str
    title: str
    data: str
    net: Net
    rows: int
    limit: float | None = None  # microseconds of one call
    goal: ClassVar[None] = None
    unit: ClassVar[str] = "µs a call"

    def arrays(self) -> tuple[Any, Any]:
        x, y = load(self.data)
        return x[: self.rows], y[: self.rows]

    def in_unit(self, seconds: float) -> float:
        return seconds * 1e6

    def flops(self) -> float:
        return 2.0 * self.rows * self.net.products()

    def bytes(self) -> float:
        return 4.0 * (self.rows * (self.net.widths[0] + self.net.widths[-1]) + self.net.parameters())


@dataclass(frozen=True)
class Product:
    """The product of a layer's kernel with a batch (by features, as gdcore keeps it), into memory that is there."""

    name: str
    rows: int
    inputs: int
    units: int
    goal: ClassVar[float] = 1
    unit: ClassVar[str] = "µs a call"

    @property
    def title(self) -> str:
        return f"product {self.rows} x {self.inputs} x {self.units}"

    def arrays(self) -> tuple[Any, Any]:
        """The kernel of shape (inputs, units), and the batch of shape (inputs, rows)."""
        rng = np.random.default_rng(9)
        return tuple(rng.standard_normal((self.inputs, n), np.float32) for n in (self.units, self.rows))  # type: ignore

    def in_unit(self, seconds: float) -> float:
        return seconds * 1e6

    def flops(self) -> float:
        return 2.0 * self.rows * self.inputs * self.units

    def bytes(self) -> float:
        return 4.0 * (self.inputs * (self.units + self.rows) + self.units * self.rows)


@dataclass(frozen=True)
class Importing:
    """A process of the interpreter that imports a package and ends."""

    name: str
    title: str
    goal: float
    unit: ClassVar[str] = "ms"

    def in_unit(self, seconds: float) -> float:
        return seconds * 1e3


@dataclass(frozen=True)
class Sweep:
    """One call of `gdcore.sweep`: a training at many rates."""

    name: str
    title: str
    training: Training
    nets: int
    unit: ClassVar[str] = "µs a step and net"

    def arrays(self) -> tuple[Any, Any]:
        return self.training.arrays()

    def in_unit(self, seconds: float) -> float:
        return self.training.in_unit(seconds) / self.nets


@dataclass(frozen=True)
class Descent:
    """One call of `gdcore.minimize` by Adam, in float64."""

    name: str
    title: str
    function: str  # "peaks", a surface; or "numpy", a function of Python that NumPy works out
    starts: int
    steps: int
    unit: ClassVar[str] = "ns a step and start"
    rate: ClassVar[float] = 1e-5  # so that a start is on its way all the time

    def x0(self) -> Any:
        """Of shape (2,) for one start, (starts, 2) for more."""
        if self.starts == 1:
            return np.array([0.5, -0.5])
        return np.random.default_rng(0).uniform(-3, 3, (self.starts, 2))

    def in_unit(self, seconds: float) -> float:
        return seconds / self.steps / self.starts * 1e9


Workload = Training | Update | Prediction | Product | Importing | Sweep | Descent

_LESSON = Net((1, 3, 1), ("sigmoid", "sigmoid"))
_IRIS = Net((4, 8, 3), ("selu", "softmax"))
_DIGITS = Net((64, 128, 64, 32, 16, 10), ("selu", "selu", "selu", "selu", "softmax"))
_SOFTMAX = Net((784, 10), ("softmax",))
_MNIST = Net((784, 512, 512, 10), ("relu", "relu", "softmax"))
_HIGGS = Net((28, 300, 300, 300, 300, 300, 1), ("tanh",) * 5 + ("sigmoid",))
_W1 = Training("W1", "iris 1-3-1 sigmoid, MAE, SGD, batch 99", "lesson", _LESSON, "mae", "sgd", 1e-3, 99, 50, 10)

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        _W1,
        Training("W2", "iris 4-8-3 selu, Adam, batch 32", "iris", _IRIS, "crossentropy", "adam", 1e-3, 32, 40, 8),
        Training(
            "W3", "digits 64-128-64-32-16-10 selu, Adam, batch 32", "digits", _DIGITS, "crossentropy", "adam", 1e-3, 32,
            10, 3,
        ),
        Training("W4a", "MNIST 784-10, SGD, batch 32", "mnist", _SOFTMAX, "crossentropy", "sgd", 1e-2, 32, 1, 5),
        Training("W4b", "MNIST 784-10, SGD, batch 128", "mnist", _SOFTMAX, "crossentropy", "sgd", 1e-2, 128, 1, 5),
        Training(
            "W5", "MNIST 784-512-512-10 relu, Adam, batch 128", "mnist", _MNIST, "crossentropy", "adam", 1e-3, 128, 1,
            1.4,
        ),
        Training(
            "W6", "HIGGS's net 28-300-300-300-300-300-1 tanh, Adam, batch 100", "higgs", _HIGGS, "binary_crossentropy",
            "adam", 1e-4, 100, 1,
        ),
        Training(
            "L1", "the lesson by hand: W1's net by finite differences, float64", "lesson", _LESSON, "mae", "sgd", 1e-3,
            99, 50, None, "forward",
        ),
        Update("U1", "Adam on 10,000,000 float32", 10_000_000, "ns an element", 1),
        Update("U2", "Adam on 10,000 float32", 10_000, "µs a call", 5),
        Prediction("P1", "predict one row, net of W1", "lesson", _LESSON, 1, 1.5),
        Prediction("P2", "predict 10,000 rows, net of W5", "mnist", _MNIST, 10_000),
        Product("G1", 32, 64, 128),
        Product("G2", 128, 128, 128),
        Product("G3", 256, 256, 256),
        Product("G4", 512, 512, 512),
        Product("G5", 1024, 1024, 1024),
        Importing("import", "a process that imports it, and ends", 1 / 1.6),
    )
}  # fmt: skip
"""What gdcore and its peers are timed on, by name."""

_SHARED = ("W1", "W2", "W3", "W4a", "W4b", "W5", "W6", "U1", "U2", "P1", "P2")
BETWEEN_BUILDS: dict[str, Workload] = {
    **{name: WORKLOADS[name] for name in _SHARED},
    "E1": Sweep("E1", "sweep of 200 nets of W1", _W1, 200),
    "D1": Descent("D1", "minimize: Adam on peaks, one start", "peaks", 1, 10_000),
    "D2": Descent("D2", "minimize: Adam on peaks, 10,000 starts", "peaks", 10_000, 100),
    "D3": Descent("D3", "minimize: Adam on a NumPy function, by differences", "numpy", 1, 500),
}
"""What two builds of gdcore are timed on, by name."""
