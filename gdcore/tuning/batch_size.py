"""`find_batch_size`: the largest batch whose training fits into memory, foretold and tried."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _checks, losses
from .._text import aligned

if TYPE_CHECKING:
    from ..models import Sequential

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


class LayerBytes(NamedTuple):
    """What a layer takes in memory."""

    name: str
    parameters: int
    parameter_bytes: int
    """Of its arrays, their gradients and what the optimizer keeps of them."""
    bytes_per_row: int
    """What training keeps of each row that is at work."""


class BatchSize(int):
    """A number of rows, as `find_batch_size` found it; with what led to it.

    Attributes
    ----------
    memory : int
        The bytes that were allowed.
    layers : list of LayerBytes
    common_bytes_per_row : int
        Inputs, targets, weights and what flows back, for each row that is at work.
    foretold : dict of int to int
        Size of a batch -> bytes for it, of the powers of two that were looked at.
    failed : list of int
        Sizes that should have fitted, but did not when they were tried.
    """

    memory: int
    layers: list[LayerBytes]
    common_bytes_per_row: int
    foretold: dict[int, int]
    failed: list[int]

    def table(self) -> str:
        """Layer by layer parameters and bytes; then the bytes of each size of a batch that was looked at."""
        lines = [("layer", "parameters", "bytes for them", "bytes per row at work")]
        for layer in self.layers:
            numbers = layer.parameters, layer.parameter_bytes, layer.bytes_per_row
            lines.append((layer.name, f"{numbers[0]:,}", f"{numbers[1]:,}", f"{numbers[2]:,}"))
        lines.append(("(in common)", "", "", f"{self.common_bytes_per_row:,}"))
        text = aligned(lines) + "\n\n"
        sizes = [("batch", "bytes", "")]
        for size, needed in self.foretold.items():
            note = "does not fit" if needed > self.memory else "failed when tried" if size in self.failed else "chosen"
            sizes.append((f"{size:,}", f"{needed:,}", note))
        return f"{text}{aligned(sizes)}\n\nmemory: {self.memory:,} bytes"


def find_batch_size(model: Sequential, memory: str | float = "8GB", start: int = 512) -> BatchSize:
    """The largest power of two, at most `start`, of rows that a batch can have for training to fit into memory.

    What a size needs is foretold to the byte: the parameters with their gradient and the optimizer's arrays, the
    rows of the batch themselves, and the workspace, for which layers keep what they computed.  (The core takes a
    large batch in pieces that fit the cache, so that the workspace does not grow beyond those; with
    `BatchNormalization` it must take it whole.)  The first size that should fit is then tried with rows of zeros; as
    long as there is not enough memory in fact, half of it is.  Nothing of the model changes.

    Parameters
    ----------
    model : Sequential
        Built and compiled.
    memory : str or float
        Bytes; or text like "8GB" (10**9 each) or "8GiB" (2**30 each).
    start : int
        The largest size to look at, rounded down to a power of two.

    Returns
    -------
    BatchSize
        An int.

    Raises
    ------
    MemoryError
        If not even one row fits.
    """
    allowed = _bytes(memory)
    size = 1 << (_checks.integer("start", start, 1).bit_length() - 1)
    foretold: dict[int, int] = {}
    failed: list[int] = []
    while True:
        foretold[size] = training_bytes(model, size)
        if foretold[size] <= allowed:
            if _fits(model, size):
                break
            failed.append(size)
        if size == 1:
            raise MemoryError(f"one row needs {foretold[1]:,} bytes, and memory={memory!r}")
        size //= 2

    assert model.optimizer is not None
    _, common, per_layer, _ = model._network.footprint(size)
    item = np.dtype(model.dtype).itemsize
    found = BatchSize(size)
    found.memory, found.foretold, found.failed = allowed, foretold, failed
    found.common_bytes_per_row = common * item
    copies = 2 + len(model.optimizer._slots)
    found.layers = [
        LayerBytes(
            layer.name,
            layer.count_params(),
            sum(view.nbytes for view in layer.trainable_weights) * copies
            + sum(view.nbytes for view in layer.non_trainable_weights),
            values * item,
        )
        for layer, values in zip(model.layers, per_layer, strict=True)
    ]
    return found


def training_bytes(model: Sequential, batch_size: int) -> int:
    """The bytes for training in batches of that size: of parameters, gradient, optimizer, workspace and the batch."""
    model._ready("find_batch_size")
    model.build()
    assert model.optimizer is not None
    model._build_optimizer(model.optimizer)
    model._configure()
    network = model._network
    kept = (network.theta, network.grad, network.state, model.optimizer._slots)
    rows = batch_size * sum(_widths(model)) * network.dtype.itemsize
    return sum(array.nbytes for array in kept) + int(network.footprint(batch_size)[3]) + rows


def _widths(model: Sequential) -> tuple[int, int]:
    """Values of a row of x and of y."""
    assert model.input_shape is not None
    sparse = isinstance(model.loss, losses.SparseCategoricalCrossentropy)
    return math.prod(model.input_shape[1:]), 1 if sparse else math.prod(model.output_shape[1:])


def _fits(model: Sequential, size: int) -> bool:
    """Whether the gradient of so many rows can be taken."""
    network = model._network
    try:
        x, y = (np.zeros((size, width), network.dtype) for width in _widths(model))
        network.gradient(x, y, None, "analytic", 0.0, True)
    except MemoryError:
        return False
    return True


def _bytes(memory: Any) -> int:
    """The number of bytes that a number or a text like "8GB" says."""
    if isinstance(memory, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", memory.lower())
        if found is None or found[2] not in _UNITS:
            raise ValueError(f"memory={memory!r} is not a number of bytes, expected for example '8GB' or '512MiB'")
        return int(float(found[1]) * _UNITS[found[2]])
    _checks.positive("memory", memory)
    return int(memory)
