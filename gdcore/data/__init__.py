"""Rows from anywhere, in memory or streamed, as batches."""

from .dataset import Dataset

__all__ = ["Dataset"]
