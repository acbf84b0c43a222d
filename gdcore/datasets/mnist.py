"""MNIST: 70,000 handwritten digits, pictures of 28 x 28 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._idx import MNIST, load

if TYPE_CHECKING:
    import os

VALIDATION_ROWS = 5000


def load_data(path: str | os.PathLike[str] | None = None, *, split: str = "keras") -> tuple[Any, ...]:
    """The whole data set, as ``keras.datasets.mnist.load_data`` returns it.

    Without `path` it is looked for in the folder that the environment variable ``GDCORE_DATA_DIR`` names (or its
    subfolder ``mnist``), then in Keras's cache ``~/.keras/datasets``, then in ``~/.cache/gdcore``; where it is in
    none of them it is downloaded into the last one, which needs pooch (``pip install "gdcore[data]"``).

    Parameters
    ----------
    path : str or path, optional
        An ``.npz`` file with the arrays x_train, y_train, x_test and y_test, or a folder of the four IDX files,
        gzipped or not; or the name of a file in Keras's cache.
    split : {"keras", "course"}
        Into 60,000 rows to train on and 10,000 to test on; or as TensorFlow 1's tutorials and the course had it:
        the first 5,000 of the former are for validation, the other 55,000 to train on.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray of uint8
        Grey values from 0 to 255 of shape (rows, 28, 28), and the digits, of shape (rows,).
        With ``split="course"`` there are three pairs: to train, to validate, to test.

    Raises
    ------
    FileNotFoundError
        If it is not there; the message says where it was looked for.
    ConnectionError
        If it is not there and could not be downloaded.
    ValueError
        If a file is damaged (its checksum, its length or what its head says); the message names it.
    """
    from .._names import look_up

    look_up("split", split, {"keras": 0, "course": 0})
    (x, y), test = load(MNIST, path)
    if split == "keras":
        return (x, y), test
    n = VALIDATION_ROWS
    if len(x) <= n:
        raise ValueError(f"split='course' needs more than {n} training rows, and there are {len(x)}")
    return (x[n:], y[n:]), (x[:n], y[:n]), test
