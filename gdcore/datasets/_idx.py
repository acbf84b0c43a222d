"""The files of MNIST and of data sets made like it: found on this machine or downloaded, read and checked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
ARRAYS = ("x_train", "y_train", "x_test", "y_test")

# third byte of an IDX file -> type of its values, all of them big-endian
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

_BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


class Source(NamedTuple):
    """What tells one such data set from another."""

    title: str
    names: tuple[str, ...]
    """Names that its folder may have; the first one is that in Keras's cache."""
    downloads: dict[str, str]
    """File below the place that Keras downloads from -> its hash."""
    keras_files: tuple[str, ...]
    """Where Keras keeps it, below its ``datasets`` folder: an ``.npz`` file or the folder of IDX files."""
    checksums: tuple[int, int, int, int] | None
    """CRC-32 of the bytes of the four arrays, in the order of `ARRAYS`."""


MNIST = Source(
    "MNIST",
    ("mnist",),
    {"mnist.npz": "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
    ("mnist.npz", "mnist"),
    (0xF3639B56, 0xBA07E8EF, 0xE4CA5F57, 0xEE8604D9),
)
FASHION_MNIST = Source(
    "Fashion-MNIST",
    ("fashion-mnist", "fashion_mnist"),
    {
        FILES[0] + ".gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        FILES[1] + ".gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
        FILES[2] + ".gz": "md5:bef4ecab320f06d8554ea6380940ec79",
        FILES[3] + ".gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
    },
    ("fashion-mnist",),
    None,
)


def read_idx(path: str | Path) -> NDArray[Any]:
    """The array in an IDX file, gzipped if its name ends in ``.gz``.

    Raises
    ------
    ValueError
        If the file is damaged, cut short, too long, or not IDX; the message names it.
    """
    import math
    import zlib

    name = os.fspath(path)
    try:
        if name.endswith(".gz"):
            import gzip

            with gzip.open(name, "rb") as file:
                content = file.read()
        else:
            with open(name, "rb") as file:
                content = file.read()
    except (EOFError, zlib.error) as error:
        raise ValueError(f"{name} is damaged: {error}") from error
    except OSError as error:
        if error.errno is None:  # gzip's own: not a gzip file, or its checksum is wrong
            raise ValueError(f"{name} is damaged: {error}") from error
        raise
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise ValueError(f"{name} is not an IDX file: it begins with {content[:4]!r}")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise ValueError(f"{name} is damaged: it ends within its head, after {len(content)} bytes")
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], ">u4"))
    dtype = np.dtype(_TYPES[content[2]])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(
            f"{name} is damaged: {len(content)} bytes, but its head tells of {expected} for an array of shape {shape}"
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def load(source: Source, path: str | os.PathLike[str] | None) -> tuple[Part, Part]:
    """The training and the test part of a data set of this kind."""
    if path is None:
        found = next(_places(source), None)
        where = found if found is not None else _download(source)
    else:
        where = _given(source, os.path.expanduser(os.fspath(path)))
    parts = _read(where)
    _check(source, where, parts, contents=path is None)
    return parts


def _given(source: Source, path: str) -> str:
    """The file or folder that the caller means; a bare name may be one in Keras's cache, as it is for Keras."""
    for place in (path, os.path.join(_keras_cache(), path)):
        if _holds(place):
            return place
    if os.path.isdir(path):
        raise FileNotFoundError(f"path={path!r} lacks {', '.join(_missing(path))}")
    if path in source.downloads:  # what Keras's default says: the file by this name in the cache
        return next(_places(source), None) or _download(source)
    raise FileNotFoundError(f"path={path!r} does not exist, expected an .npz file or a folder of IDX files")


def _places(source: Source) -> Iterator[str]:
    """Where the data set lies on this machine, first what is asked first."""
    folders = []
    own = os.environ.get("GDCORE_DATA_DIR")
    if own:
        own = os.path.expanduser(own)
        if not os.path.isdir(own):
            raise FileNotFoundError(f"GDCORE_DATA_DIR={own!r} is not a folder")
        folders += [os.path.join(own, name) for name in source.names]
        folders += [os.path.join(own, name + ".npz") for name in source.names]
        # files of several data sets have the same names: the folder itself counts if it is not another's
        if source is MNIST or os.path.basename(os.path.normpath(own)) in source.names:
            folders.append(own)
        for folder in folders:
            if os.path.isdir(folder) and 0 < len(lacking := _missing(folder)) < len(FILES):
                raise FileNotFoundError(f"{folder} has files of {source.title}, but lacks {', '.join(lacking)}")
    folders += [os.path.join(_keras_cache(), name) for name in source.keras_files]
    folders += [os.path.join(_own_cache(), name) for name in source.keras_files]
    return (place for place in folders if _holds(place))


def _keras_cache() -> str:
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return os.path.join(home, "datasets")


def _own_cache() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "gdcore")


def _holds(place: str) -> bool:
    return os.path.isfile(place) or (os.path.isdir(place) and not _missing(place))


def _missing(folder: str) -> list[str]:
    return [name for name in FILES if _idx_file(folder, name) is None]


def _idx_file(folder: str, name: str) -> str | None:
    # some archives write a dot where the original has a dash
    spelled = (name, name.replace("-idx", ".idx"))
    candidates = (os.path.join(folder, form + end) for form in spelled for end in (".gz", ""))
    return next((file for file in candidates if os.path.isfile(file)), None)


def _read(place: str) -> tuple[Part, Part]:
    folder = os.path.isdir(place)
    arrays = [read_idx(str(_idx_file(place, name))) for name in FILES] if folder else _read_npz(place)
    return (arrays[0], arrays[1]), (arrays[2], arrays[3])


def _read_npz(place: str) -> list[NDArray[Any]]:
    import zipfile
    import zlib

    try:
        with np.load(place, allow_pickle=False) as file:
            if not hasattr(file, "files"):
                raise ValueError("it holds one array only")
            lacking = [name for name in ARRAYS if name not in file.files]
            if lacking:
                raise ValueError(f"it has no array {', '.join(lacking)}")
            return [file[name] for name in ARRAYS]
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{place} is not an .npz file of this data set, or is damaged: {error}") from error


def _check(source: Source, place: str, parts: tuple[Part, Part], contents: bool) -> None:
    """Raise unless the arrays fit each other and, if `contents`, are those of the data set."""
    for name, (x, y) in zip(("training", "test"), parts, strict=True):
        if x.ndim != 3 or y.ndim != 1 or len(x) != len(y) or not len(y):
            raise ValueError(
                f"{place} is damaged: {name} images of shape {x.shape} with labels of shape {y.shape}, "
                "expected (n, height, width) with (n,)"
            )
        if x.dtype != np.uint8 or y.dtype != np.uint8:
            raise ValueError(
                f"{place} is damaged: {name} images and labels are {x.dtype} and {y.dtype}, expected uint8"
            )
        if y.max() > 9:
            raise ValueError(f"{place} is damaged: label {y.max()} at {name} row {y.argmax()}, expected 0 to 9")
    if contents:
        import zlib

        arrays = (*parts[0], *parts[1])
        if source.checksums is not None and (len(arrays[0]), len(arrays[2])) == (60000, 10000):
            for name, array, expected in zip(FILES, arrays, source.checksums, strict=True):
                if zlib.crc32(array.tobytes()) != expected:
                    raise ValueError(f"{place}: {name} is damaged or not {source.title}'s: its checksum is wrong")


def _download(source: Source) -> str:
    """Download into the own cache, and say where that is."""
    try:
        import pooch
    except ImportError:
        pooch = None
    own = os.environ.get("GDCORE_DATA_DIR", "which is not set")
    searched = f"GDCORE_DATA_DIR ({own}), in {_keras_cache()} and in {_own_cache()}"
    if pooch is None:
        raise FileNotFoundError(
            f"{source.title} is not on this machine (looked in {searched}). Point GDCORE_DATA_DIR at a folder with "
            'its files, or install pooch (pip install "gdcore[data]"), which downloads them'
        )
    folder = _own_cache()
    alone = len(source.downloads) == 1
    if not alone:
        folder = os.path.join(folder, source.keras_files[0])
    try:
        import importlib.util

        bar = importlib.util.find_spec("tqdm") is not None
        files = [
            pooch.retrieve(_BASE + name, known_hash=known, fname=name, path=folder, progressbar=bar)
            for name, known in source.downloads.items()
        ]
    except OSError as error:  # what requests and urllib raise is one
        raise ConnectionError(
            f"{source.title} is not on this machine (looked in {searched}) and could not be downloaded: {error}. "
            "Offline, point GDCORE_DATA_DIR at a folder with its files"
        ) from error
    return str(files[0]) if alone else folder
