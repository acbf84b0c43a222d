"""Files of arrays: zip archives and HDF5, written whole or not at all, and read without trust.

Nothing in a file is run or unpacked to disk, and what it says about sizes is compared with what it holds before
memory is taken.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    # (path in the file, name, arrays)
    Groups = list[tuple[str, str, list[NDArray[Any]]]]

WEIGHTS = "model.weights.h5"
"""The member of a ``.keras`` file that holds arrays."""

PLENTY = 1 << 28
"""Bytes; a file may claim so much without further question."""


# ---- arrays ----------------------------------------------------------------------------------------------------


def require_h5py() -> Any:
    """The package h5py; an ImportError that says how to get it."""
    try:
        import h5py
    except ImportError:
        raise ImportError(
            'HDF5 needs h5py: python -m pip install "gdcore[h5]" (save_weights and load_weights take .npz without it)'
        ) from None
    return h5py


def write_h5(file: Any, name: str, groups: Groups) -> None:
    """Write arrays to an HDF5 file; name is the model's."""
    with require_h5py().File(file, "w") as h5:
        for path, title, arrays in [("", name, []), *groups]:
            group = h5.create_group(f"{path}/vars")
            group.attrs["name"] = title
            for i, array in enumerate(arrays):
                group[str(i)] = array


def write_npz(file: Any, groups: Groups) -> None:
    """Write arrays to an npz file, named ``PATH/vars/0`` and so on."""
    arrays = {f"{path}/vars/{i}": array for path, _, arrays in groups for i, array in enumerate(arrays)}
    np.savez(file, **arrays)  # type: ignore[arg-type]


@contextlib.contextmanager
def open_h5(file: Any) -> Iterator[dict[str, list[Any]]]:
    """The arrays in an HDF5 file by the path of their group, still on disk."""
    h5py = require_h5py()

    def child(group: Any, name: str, kind: type) -> Any:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            what = "missing" if link is None else "a link to elsewhere"
            raise ValueError(f"{group.name.rstrip('/')}/{name} is {what}")
        found = group[name]
        if not isinstance(found, kind):
            raise ValueError(f"{found.name} is a {type(found).__name__}, expected a {kind.__name__}")
        if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual or found.dtype.kind not in "fiub"):
            raise ValueError(f"{found.name} of type {found.dtype} is not an array of numbers in this file")
        return found

    def variables(group: Any) -> list[Any]:
        held = child(group, "vars", h5py.Group) if "vars" in group else {}
        return [child(held, str(i), h5py.Dataset) for i in range(len(held))]

    try:
        opened = h5py.File(file, "r")
    except OSError as error:
        raise ValueError(f"its weights are not HDF5, or damaged: {error}") from None
    with opened as h5:
        store = {}
        # the latter is the name that Keras 2.13 used
        top = next((name for name in ("layers", "_layer_checkpoint_dependencies") if name in h5), None)
        if top is not None:
            layers = child(h5, top, h5py.Group)
            store.update({f"layers/{name}": variables(child(layers, name, h5py.Group)) for name in layers})
        if "optimizer" in h5:
            store["optimizer"] = variables(child(h5, "optimizer", h5py.Group))
        if not store:
            raise ValueError(f"it has no layers, only {', '.join(h5) or 'nothing'}")
        yield store


class _Member:
    """An array in an npz file, not read yet."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._open: Callable[[], Any] = lambda: archive.open(name)
        with self._open() as file:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            self.shape, _, self.dtype = read(file)
        if self.dtype.kind not in "fiub":
            raise ValueError(f"{name} has dtype {self.dtype}, expected numbers")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        with self._open() as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False), dtype)


@contextlib.contextmanager
def open_npz(file: Any) -> Iterator[dict[str, list[Any]]]:
    """The arrays in an npz file by the path of their group, not read yet."""
    with zipfile.ZipFile(file) as archive:
        found: dict[str, dict[int, Any]] = {}
        for name in archive.namelist():
            parts = re.fullmatch(r"(layers/\w+)/vars/(\d{1,3})\.npy", name)
            if not parts:
                raise ValueError(f"it has an array {name!r}, expected names like 'layers/dense/vars/0'")
            found.setdefault(parts[1], {})[int(parts[2])] = _Member(archive, name)
        for path, arrays in found.items():
            if set(arrays) != set(range(len(arrays))):
                raise ValueError(f"{path}/vars holds {sorted(arrays)}, expected numbers from 0 on without a gap")
        yield {path: [arrays[i] for i in range(len(arrays))] for path, arrays in found.items()}


@contextlib.contextmanager
def open_arrays(file: Any) -> Iterator[dict[str, list[Any]]]:
    """The arrays in a .weights.h5, .keras or .npz file, whatever it is called."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        with open_h5(file) as store:
            yield store
        return
    if not start.startswith(b"PK"):
        raise ValueError("it is neither an HDF5 file nor a zip archive")
    with zipfile.ZipFile(file) as archive:
        model = any(name in archive.namelist() for name in ("config.json", WEIGHTS))
        weights = read_member(archive, WEIGHTS) if model else None
    with open_npz(file) if weights is None else open_h5(io.BytesIO(weights)) as store:
        yield store


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member of a zip archive, unless it claims an absurd size."""
    if name not in archive.namelist():
        raise ValueError(f"there is no {name} in the archive, only {', '.join(archive.namelist()[:9]) or 'nothing'}")
    info = archive.getinfo(name)
    if info.file_size > max(PLENTY, 100 * info.compress_size):
        raise ValueError(f"{name} claims {info.file_size} bytes, packed into {info.compress_size}")
    return archive.read(info)


def parse_object(name: str, text: str | bytes) -> dict[str, Any]:
    """The JSON object in a text of that name."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{name} holds a {type(found).__name__}, expected an object")
    return found


# ---- files -----------------------------------------------------------------------------------------------------


def write_atomically(
    filepath: Any, endings: tuple[str, ...], overwrite: bool, write: Callable[[Any, str], None]
) -> None:
    """Call write(file, name), with a file that takes its place only when it is complete."""
    if hasattr(filepath, "write"):
        write(filepath, endings[0])
        return
    name = os.fspath(filepath)
    if isinstance(name, bytes) or not name.endswith(endings):
        raise ValueError(f"filepath={name!r} does not end in {' or '.join(endings)}")
    if not overwrite and os.path.lexists(name):
        raise FileExistsError(f"{name} exists, and overwrite=False")
    place = os.path.realpath(name)
    beside = f"{place}.{os.urandom(6).hex()}.tmp"
    try:
        with open(beside, "x+b") as file:
            write(file, name)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.chmod(beside, os.stat(place).st_mode & 0o7777)
        os.replace(beside, place)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        raise
    with contextlib.suppress(OSError):  # the new name outlives a power cut only once the folder is on disk
        folder = os.open(os.path.dirname(place), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def naming(name: Any) -> Iterator[None]:
    """Whatever goes wrong inside becomes a ValueError that begins with the name."""
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        said = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ValueError(f"{name}: {said}") from error


@contextlib.contextmanager
def reading(filepath: Any) -> Iterator[Any]:
    """The file, open for reading; errors name it."""
    if hasattr(filepath, "read"):
        with naming(getattr(filepath, "name", repr(filepath))):
            yield filepath
    else:
        with open(filepath, "rb") as file, naming(os.fspath(filepath)):
            yield file
