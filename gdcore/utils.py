"""Keras's ``utils``: seeding and one-hot targets."""

from __future__ import annotations

import random as _python
from typing import TYPE_CHECKING

import numpy as np

from . import _checks, random

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def set_random_seed(seed: int) -> None:
    """Seed Python's ``random``, NumPy and gdcore, as ``keras.utils.set_random_seed`` does.

    Afterwards models start from the weights that Keras 3 would give them, and ``fit`` shuffles in Keras's order.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.
    """
    seed = _checks.integer("seed", seed, 0, 2**32 - 1)
    _python.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global generator is the one that Keras seeds
    random.set_global_seed(seed)
    random.set_stream("keras3")


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> NDArray[np.float32]:
    """One-hot rows for class numbers.

    Parameters
    ----------
    x : array_like of int, of any shape
        A last axis of length 1 is dropped.
    num_classes : int, optional
        One more than the largest number in x, if not given.

    Returns
    -------
    ndarray of float32, of shape ``x.shape + (num_classes,)``
    """
    from .losses import check_classes

    y = _checks.real_array("x", x)
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    if num_classes is not None:
        classes = _checks.integer("num_classes", num_classes, 0)
    else:
        classes = int(y.max()) + 1 if y.size else 0
    check_classes("x", y, classes)
    return (y[..., np.newaxis] == np.arange(classes)).astype(np.float32)
