"""What is timed: nets to train, updates and predictions, each with its data and its least possible cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from .. import datasets

MNIST_ROWS = 60_000


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
    loss: str  # "mae", or "crossentropy" of class numbers
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


Work = Training | Update | Prediction | Product | Importing

_LESSON = Net((1, 3, 1), ("sigmoid", "sigmoid"))
_IRIS = Net((4, 8, 3), ("selu", "softmax"))
_DIGITS = Net((64, 128, 64, 32, 16, 10), ("selu", "selu", "selu", "selu", "softmax"))
_SOFTMAX = Net((784, 10), ("softmax",))
_MNIST = Net((784, 512, 512, 10), ("relu", "relu", "softmax"))

WORKS: dict[str, Work] = {
    work.name: work
    for work in (
        Training("W1", "iris 1-3-1 sigmoid, MAE, SGD, batch 99", "lesson", _LESSON, "mae", "sgd", 1e-3, 99, 50, 10),
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


@cache
def load(name: str) -> tuple[Any, Any]:
    """Rows in float32 between 0 and about 1; targets: class numbers (int64), or float32 of shape (rows, 1)."""
    if name == "lesson":
        x, y = datasets.iris.load_data()
        return x[:99, 2:3].astype(np.float32), y[:99, None].astype(np.float32)
    if name == "iris":
        x, y = datasets.iris.load_data()
        return x.astype(np.float32), y
    if name == "digits":
        x, y = datasets.digits.load_data()
        return (x / 16).astype(np.float32), y
    return _mnist()[:2]


def mnist_source() -> str:
    """Whether the pictures are MNIST's or random ones of their shape."""
    return _mnist()[2]


@cache
def _mnist() -> tuple[Any, Any, str]:
    try:
        (x, y), _ = datasets.mnist.load_data()
    except OSError as error:
        return *_pictures(), f"random pictures of MNIST's shape ({error})"
    return (x.reshape(-1, 784) / np.float32(255)).astype(np.float32), y.astype(np.int64), "MNIST"


def _pictures() -> tuple[Any, Any]:
    """Ten blurred shapes with noise, four fifths of it dark as in MNIST: a net can learn to tell them apart."""
    rng = np.random.default_rng(11)
    y = rng.integers(0, 10, MNIST_ROWS)
    shapes = rng.random((10, 784), np.float32) < 0.2
    x = rng.random((MNIST_ROWS, 784), np.float32)
    x *= np.where(rng.random((MNIST_ROWS, 784), np.float32) < 0.15, ~shapes[y], shapes[y])
    return x, y
