"""Models in files, as Keras 3 writes and reads them (``keras/src/saving``).

A ``.keras`` file is a zip archive: ``config.json`` says what the model is and how it was compiled,
``model.weights.h5`` holds arrays, ``metadata.json`` who wrote it and when.  In the HDF5 file (alone:
``.weights.h5``) the arrays of a layer stand in ``layers/NAME/vars/0, 1, ...``, where NAME is the class in snake
case with a counter, and those of the optimizer in ``optimizer/vars``.

Files are not trusted: nothing in them is run or unpacked to disk, and what they say about sizes is compared with
what they hold before memory is taken.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import io
import json
import os
import re
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses, metrics, optimizers
from .._names import look_up, serialized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from .sequential import Sequential

    # (path in the file, name, arrays)
    Groups = list[tuple[str, str, list[NDArray[Any]]]]

_KERAS = "3.15.1"  # the Keras whose files these are
_WEIGHTS = "model.weights.h5"
_PLENTY = 1 << 28  # bytes; a file may claim so much without further question


# ---- configs ---------------------------------------------------------------------------------------------------


def plain(config: Any) -> Any:
    """A config with Keras's objects as {class_name, config}, and its functions and dtypes as names.

    Raises
    ------
    ValueError
        For code, and for classes that are not Keras's own.
    """
    if isinstance(config, list | tuple):
        return [plain(value) for value in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config:
        return {key: plain(value) for key, value in config.items()}
    name, module, inner = config["class_name"], config.get("module"), config.get("config") or {}
    if name in ("Lambda", "__lambda__"):
        raise ValueError("there is a Lambda in it: code from a file is never run")
    own = module is None or module == "builtins" or f"{module}.".startswith("keras.")
    if not own or config.get("registered_name") not in (None, name, inner):
        raise ValueError(f"{name!r} of {config.get('registered_name') or module!r} is a custom class, not Keras's own")
    if name == "function":
        return inner
    if name == "DTypePolicy":
        return inner["name"]
    if name in ("__numpy__", "__tensor__"):
        return np.array(
            inner["value"],
            look_up("dtype", inner["dtype"], {"float32": "f4", "float64": "f8", "int32": "i4", "int64": "i8"}),
        )
    return {"class_name": name, "config": plain(inner)}


def _as_json(value: Any) -> Any:
    """What the json module does not know."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": str(value.dtype)}}
    raise TypeError(f"{value!r} cannot be written to a file")


def to_json(model: Sequential, **options: Any) -> str:
    from .. import __version__

    config = {**serialized("keras", model), "class_name": "Sequential", "gdcore": {"version": __version__}}
    said = model._compiled
    if said is not None:
        assert model.optimizer is not None
        config["compile_config"] = {
            "optimizer": optimizers.serialize(model.optimizer),
            "loss": None if model.loss is None else losses.serialize(model.loss),
            "loss_weights": said["loss_weights"],
            "metrics": [m if isinstance(m, str) else metrics.serialize(m) for m in said["metrics"]] or None,
            "weighted_metrics": [m if isinstance(m, str) else metrics.serialize(m) for m in said["weighted"]] or None,
        }
        config["gdcore"]["compile"] = {"gradient": said["gradient"], "h": said["h"]}
    return json.dumps(config, **{"default": _as_json, **options})


def from_json(cls: type[Sequential], text: str) -> Sequential:
    with _naming("json_string"):
        return _from_config(cls, _object("it", text), True, None)


def _from_config(cls: type[Sequential], config: dict[str, Any], compile: bool, stored: int | None) -> Sequential:
    """The model that config.json describes; stored is the number of bytes that there are of its weights."""
    from .. import __version__

    own = config.get("gdcore", {})
    _not_newer("gdcore", own.get("version"), __version__)
    if config.get("class_name") != "Sequential" or not isinstance(config.get("config"), dict):
        raise ValueError(f"it has class_name={config.get('class_name')!r}, and only 'Sequential' models can be built")
    inner = plain(config["config"])
    if stored is not None:
        _refuse_absurd(inner.get("layers") or [], stored)
    model = cls.from_config(inner)
    if compile and config.get("compile_config"):
        try:
            _compile(model, plain(config["compile_config"]), own.get("compile", {}))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"compile_config: {error} (load_model with compile=False passes over it)") from error
    return model


def _compile(model: Sequential, said: dict[str, Any], own: dict[str, Any]) -> None:
    # run_eagerly, steps_per_execution and jit_compile say how Keras computes, not what
    model.compile(
        said["optimizer"],
        said.get("loss"),
        said.get("loss_weights"),
        metrics=[metrics.deserialize(m) if isinstance(m, dict) else m for m in said.get("metrics") or []],
        weighted_metrics=[
            metrics.deserialize(m) if isinstance(m, dict) else m for m in said.get("weighted_metrics") or []
        ],
        **own,
    )


def _object(name: str, text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{name} holds a {type(found).__name__}, expected an object")
    return found


def _not_newer(library: str, version: Any, known: str) -> None:
    if version is not None and int(str(version).split(".")[0]) > int(known.split(".")[0]):
        raise ValueError(f"it was written by {library} {version}, and this gdcore reads files of {library} {known}")


def _refuse_absurd(layers: Any, stored: int) -> None:
    """Raise ValueError if a config asks for far more weights than there are bytes of them."""
    width = needed = 0
    for layer in layers:
        config = layer["config"]
        if config.get("batch_shape"):
            width = int(np.prod([float(n) for n in config["batch_shape"][1:]]))
        elif "units" in config:
            needed += width * int(config["units"])
            width = int(config["units"])
        needed += width
    if needed > max(stored, _PLENTY):
        raise ValueError(f"its config asks for some {needed} numbers, but it has only {stored} bytes of weights")


# ---- arrays ----------------------------------------------------------------------------------------------------


def _layer_groups(model: Sequential) -> Groups:
    groups: Groups = []
    seen: dict[str, int] = {}
    for layer in model.layers:
        name = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)).lower()
        count = seen[name] = seen.get(name, -1) + 1
        groups.append((f"layers/{name}_{count}" if count else f"layers/{name}", layer.name, layer.weights))
    return groups


def _optimizer_group(optimizer: optimizers.Optimizer) -> Groups:
    return [("optimizer", optimizer.name, optimizer._keras_variables())]


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise ImportError(
            'HDF5 needs h5py: python -m pip install "gdcore[h5]" (save_weights and load_weights take .npz without it)'
        ) from None
    return h5py


def _write_h5(file: Any, name: str, groups: Groups) -> None:
    with _h5py().File(file, "w") as h5:
        for path, title, arrays in [("", name, []), *groups]:
            group = h5.create_group(f"{path}/vars")
            group.attrs["name"] = title
            for i, array in enumerate(arrays):
                group[str(i)] = array


def _write_npz(file: Any, groups: Groups) -> None:
    arrays = {f"{path}/vars/{i}": array for path, _, arrays in groups for i, array in enumerate(arrays)}
    np.savez(file, **arrays)  # type: ignore[arg-type]


@contextlib.contextmanager
def _h5_store(file: Any) -> Iterator[dict[str, list[Any]]]:
    """The arrays in an HDF5 file by the path of their group, still on disk."""
    h5py = _h5py()

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
def _npz_store(file: Any) -> Iterator[dict[str, list[Any]]]:
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
def _store(file: Any) -> Iterator[dict[str, list[Any]]]:
    """The arrays in a .weights.h5, .keras or .npz file, whatever it is called."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        with _h5_store(file) as store:
            yield store
        return
    if not start.startswith(b"PK"):
        raise ValueError("it is neither an HDF5 file nor a zip archive")
    with zipfile.ZipFile(file) as archive:
        model = any(name in archive.namelist() for name in ("config.json", _WEIGHTS))
        weights = _member(archive, _WEIGHTS) if model else None
    with _npz_store(file) if weights is None else _h5_store(io.BytesIO(weights)) as store:
        yield store


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.namelist():
        raise ValueError(f"there is no {name} in the archive, only {', '.join(archive.namelist()[:9]) or 'nothing'}")
    info = archive.getinfo(name)
    if info.file_size > max(_PLENTY, 100 * info.compress_size):
        raise ValueError(f"{name} claims {info.file_size} bytes, packed into {info.compress_size}")
    return archive.read(info)


def _matched(path: str, names: list[str], views: list[Any], stored: list[Any]) -> list[NDArray[Any]]:
    """What is stored for these arrays, read only if the shapes are theirs."""
    if len(stored) != len(views):
        raise ValueError(f"{path} holds {len(stored)} arrays, expected {len(views)}")
    for name, view, found in zip(names, views, stored, strict=True):
        if found.shape != view.shape:
            raise ValueError(f"{path}: {name} has shape {found.shape}, expected {view.shape}")
    return [np.asarray(found) for found in stored]


def _take(model: Sequential, store: Mapping[str, list[Any]], skip_mismatch: bool = False) -> list[str]:
    """Put stored arrays into the layers, all or none of them; returns what was skipped."""
    skipped, fitting = [], []
    groups = _layer_groups(model)
    left = {path for path, arrays in store.items() if arrays} - {path for path, _, _ in groups} - {"optimizer"}
    if left:
        skipped.append(f"{', '.join(sorted(left))} would be left over, for the model has no such layers")
    for (path, title, views), layer in zip(groups, model.layers, strict=True):
        names = [f"{title}/{name}" for name in layer._weight_names()]
        try:
            fitting.append((views, _matched(path, names, views, store.get(path, []))))
        except ValueError as error:
            skipped.append(str(error))
    if skipped and not skip_mismatch:
        raise ValueError("; ".join(skipped))
    for views, arrays in fitting:
        for view, array in zip(views, arrays, strict=True):
            view[...] = array
    return skipped


def _optimizer_values(optimizer: optimizers.Optimizer, stored: list[Any]) -> list[NDArray[Any]]:
    expected = optimizer._keras_variables()
    values = _matched("optimizer", [f"array {i}" for i in range(len(expected))], expected, stored)
    if not 0 <= int(values[0]) < 2**62:
        raise ValueError(f"optimizer: {values[0]} is no number of iterations")
    if len(values) - len(optimizer._keras_slots()) == 2 and not 0 <= values[1] < np.inf:
        raise ValueError(f"optimizer: {values[1]} is no learning rate")
    return values


# ---- files -----------------------------------------------------------------------------------------------------


def _write(filepath: Any, endings: tuple[str, ...], overwrite: bool, write: Callable[[Any, str], None]) -> None:
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
def _naming(name: Any) -> Iterator[None]:
    """Whatever goes wrong inside becomes a ValueError that begins with the name."""
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        said = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ValueError(f"{name}: {said}") from error


@contextlib.contextmanager
def _reading(filepath: Any) -> Iterator[Any]:
    if hasattr(filepath, "read"):
        with _naming(getattr(filepath, "name", repr(filepath))):
            yield filepath
    else:
        with open(filepath, "rb") as file, _naming(os.fspath(filepath)):
            yield file


def save_model(model: Sequential, filepath: Any, overwrite: bool) -> None:
    _h5py()
    if not model.built:
        warnings.warn("this model has no weights yet, and its file will hold none", stacklevel=3)
    config = to_json(model)
    groups = _layer_groups(model)
    if model.optimizer is not None:
        optimizer = model.optimizer
        if model.built and not optimizer.built:
            optimizer = copy.deepcopy(optimizer)  # the file has all arrays, but this model need not
            model._build_optimizer(optimizer)
        groups += _optimizer_group(optimizer)

    def write(file: Any, name: str) -> None:
        weights = io.BytesIO()
        _write_h5(weights, model.name, groups)
        now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
        metadata = json.dumps({"keras_version": _KERAS, "date_saved": now})
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("metadata.json", metadata)
            archive.writestr("config.json", config)
            archive.writestr(_WEIGHTS, weights.getbuffer())

    _write(filepath, (".keras",), overwrite, write)


def load_model(cls: type[Sequential], filepath: Any, compile: bool) -> Sequential:
    _h5py()
    with _reading(filepath) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is not a zip archive, as .keras files are (weights alone go through load_weights)")
        with zipfile.ZipFile(file) as archive:
            if "metadata.json" in archive.namelist():
                metadata = _object("metadata.json", _member(archive, "metadata.json"))
                _not_newer("Keras", metadata.get("keras_version"), _KERAS)
            config, weights = _member(archive, "config.json"), _member(archive, _WEIGHTS)
        model = _from_config(cls, _object("config.json", config), compile, len(weights))
        if not model.built:
            return model
        with _h5_store(io.BytesIO(weights)) as store:
            _take(model, store)
            stored, optimizer = store.get("optimizer", []), model.optimizer
            if optimizer is not None and stored:
                if len(stored) > len(optimizer._keras_variables()):
                    model._build_optimizer(optimizer)
                optimizer._set_keras_variables(_optimizer_values(optimizer, stored))
        return model


def save_weights(model: Sequential, filepath: Any, overwrite: bool) -> None:
    _refuse_unbuilt(model)
    groups = _layer_groups(model)

    def write(file: Any, name: str) -> None:
        if name.endswith(".npz"):
            _write_npz(file, groups)
        else:
            _write_h5(file, model.name, groups + (_optimizer_group(model.optimizer) if model.optimizer else []))

    _write(filepath, (".weights.h5", ".npz"), overwrite, write)


def load_weights(model: Sequential, filepath: Any, skip_mismatch: bool) -> None:
    _refuse_unbuilt(model)
    with _reading(filepath) as file, _store(file) as store:
        stored, optimizer = store.get("optimizer", []), model.optimizer
        values = None
        if optimizer is not None and len(stored) == len(optimizer._keras_variables()):
            values = _optimizer_values(optimizer, stored)
        skipped = _take(model, store, skip_mismatch)
        if optimizer is not None and values is not None:
            optimizer._set_keras_variables(values)
        elif optimizer is not None and stored:
            skipped.append(
                f"the optimizer stays as it is, with {len(optimizer._keras_variables())} arrays; "
                f"the file has {len(stored)}"
            )
    for what in skipped:
        warnings.warn(f"{filepath}: {what}", stacklevel=3)


def _refuse_unbuilt(model: Sequential) -> None:
    if not model.built:
        raise ValueError("the model has no weights yet: start with Input((n,)), or build((n,))")
