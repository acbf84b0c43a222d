"""Fisher's iris flowers: 150 flowers of three species, four lengths each."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

feature_names = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
target_names = ("setosa", "versicolor", "virginica")


def load_data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The whole data set.

    Returns
    -------
    x : ndarray of float64, of shape (150, 4)
        Lengths in centimetres; columns as in `feature_names`.
    y : ndarray of int64, of shape (150,)
        Species, an index into `target_names`; fifty rows of each, in that order.
    """
    with resources.files(__package__).joinpath("iris.npz").open("rb") as file, np.load(file) as data:
        return data["millimetres"] / 10, data["species"].astype(np.int64)
