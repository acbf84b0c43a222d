"""The data of the workloads: rows and targets, loaded or drawn from a seed, once a process.

Like all that a worker runs (see `builds`), it names gdcore's rooms absolutely and uses only what is public in 0.1.0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from gdcore import datasets

MNIST_ROWS = 60_000
HIGGS_ROWS = 20_000


@cache
def load(name: str) -> tuple[Any, Any]:
    """Rows in float32 between 0 and about 1, or standard normal ("higgs").

    Targets are class numbers (int64), or float32 of shape (rows, 1) for nets with one output.
    """
    return _LOADERS[name]()


def mnist_source() -> str:
    """Whether the pictures are MNIST's or random ones of their shape."""
    return _mnist()[2]


def _lesson() -> tuple[Any, Any]:
    x, y = datasets.iris.load_data()
    return x[:99, 2:3].astype(np.float32), y[:99, None].astype(np.float32)


def _iris() -> tuple[Any, Any]:
    x, y = datasets.iris.load_data()
    return x.astype(np.float32), y


def _digits() -> tuple[Any, Any]:
    x, y = datasets.digits.load_data()
    return (x / 16).astype(np.float32), y


@cache
def _mnist() -> tuple[Any, Any, str]:
    try:
        (x, y), _ = datasets.mnist.load_data()
    except OSError as error:
        return *pictures(), f"random pictures of MNIST's shape ({error})"
    return (x.reshape(-1, 784) / np.float32(255)).astype(np.float32), y.astype(np.int64), "MNIST"


def pictures() -> tuple[Any, Any]:
    """Ten blurred shapes with noise, four fifths of it dark as in MNIST: a net can learn to tell them apart."""
    rng = np.random.default_rng(11)
    y = rng.integers(0, 10, MNIST_ROWS)
    shapes = rng.random((10, 784), np.float32) < 0.2
    x = rng.random((MNIST_ROWS, 784), np.float32)
    x *= np.where(rng.random((MNIST_ROWS, 784), np.float32) < 0.15, ~shapes[y], shapes[y])
    return x, y


def collisions() -> tuple[Any, Any]:
    """Rows of HIGGS's shape: 28 standard normal numbers, and 1 where a product of two outweighs a third."""
    x = np.random.default_rng(13).standard_normal((HIGGS_ROWS, 28), np.float32)
    return x, (x[:, :1] * x[:, 1:2] > x[:, 2:3]).astype(np.float32)


_LOADERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "lesson": _lesson,
    "iris": _iris,
    "digits": _digits,
    "mnist": lambda: _mnist()[:2],
    "higgs": collisions,
}
