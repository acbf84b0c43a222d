"""Handwritten digits: 1797 pictures of 8 x 8 pixels."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def load_data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The whole data set.

    Returns
    -------
    x : ndarray of float64, of shape (1797, 64)
        Grey values from 0 to 16, row by row of each picture.
    y : ndarray of int64, of shape (1797,)
        The digit, 0 to 9.
    """
    with resources.files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as data:
        return data["pixels"].astype(np.float64), data["digit"].astype(np.int64)
