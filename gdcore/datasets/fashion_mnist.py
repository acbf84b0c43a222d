"""Fashion-MNIST: 70,000 pictures of clothes, of 28 x 28 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._idx import FASHION_MNIST, load

if TYPE_CHECKING:
    import os

class_names = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Any, Any]:
    """The whole data set, as ``keras.datasets.fashion_mnist.load_data`` returns it.

    Parameters
    ----------
    path : str or path, optional
        As for `gdcore.datasets.mnist.load_data`; in ``GDCORE_DATA_DIR`` its folder is ``fashion-mnist``.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray of uint8
        60,000 and 10,000 rows: grey values from 0 to 255 of shape (rows, 28, 28), and numbers of the class, an
        index into `class_names`, of shape (rows,).

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As for `gdcore.datasets.mnist.load_data`.
    """
    return load(FASHION_MNIST, path)
