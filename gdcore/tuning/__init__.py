"""What is tried out: grids of trainings, and how many rows a batch may have."""

from .batch_size import BatchSize, LayerBytes, find_batch_size, training_bytes
from .sweeps import Run, Sweep, sweep, train

__all__ = ["BatchSize", "LayerBytes", "Run", "Sweep", "find_batch_size", "sweep", "train", "training_bytes"]
