"""Trying out: `sweep` trains a model with many settings, `find_batch_size` says how many rows a batch may have."""

from .batch_size import BatchSize, LayerBytes, find_batch_size, training_bytes
from .results import Run, Sweep
from .sweeps import sweep, train

__all__ = ["BatchSize", "LayerBytes", "Run", "Sweep", "find_batch_size", "sweep", "train", "training_bytes"]
