"""Rows from anywhere, in memory or streamed, as batches: `Dataset`."""

from .dataset import Dataset

__all__ = ["Dataset"]
