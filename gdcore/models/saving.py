"""Models in files, as Keras 3 writes and reads them (``keras/src/saving``).

A ``.keras`` file is a zip archive: ``config.json`` says what the model is and how it was compiled,
``model.weights.h5`` holds arrays, ``metadata.json`` who wrote it and when.  In the HDF5 file (alone:
``.weights.h5``) the arrays of a layer stand in ``layers/NAME/vars/0, 1, ...``, where NAME is the class in snake
case with a counter, and those of the optimizer in ``optimizer/vars``.

What they say is not trusted; `gdcore.models.archive` has the files themselves.
"""

from __future__ import annotations

import copy
import datetime
import io
import json
import re
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import layers, losses, metrics, optimizers
from .._names import look_up, serialized
from .._version import __version__
from .archive import (
    PLENTY,
    WEIGHTS,
    naming,
    open_arrays,
    open_h5,
    parse_object,
    read_member,
    reading,
    require_h5py,
    write_atomically,
    write_h5,
    write_npz,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .archive import Groups
    from .sequential import Sequential

_KERAS = "3.15.1"  # the Keras whose files these are


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


def model_config(model: Sequential) -> dict[str, Any]:
    """What `Sequential.get_config` gives."""
    config: dict[str, Any] = {"name": model.name, "dtype": model.dtype}
    stack = model.layers
    if model.input_shape is not None:
        stack.insert(0, model._stack.input or layers.InputLayer(model.input_shape[1:]))
        config["build_input_shape"] = model.input_shape
    config["layers"] = [layers.serialize(layer) for layer in stack]
    for layer in config["layers"]:
        layer["config"]["dtype"] = model.dtype
    return config


def model_of_config(cls: type[Sequential], config: dict[str, Any]) -> Sequential:
    """What `Sequential.from_config` gives."""
    given = plain(config)
    if not isinstance(given.get("layers"), list):
        raise ValueError(f"config has no list 'layers', only {', '.join(map(repr, given)) or 'nothing'}")
    stack = [layers.deserialize(layer) for layer in given["layers"]]
    if stack and isinstance(stack[0], layers.InputLayer) and any(layer._dtype == "float32" for layer in stack[1:]):
        stack[0]._dtype = None  # a wider input has no influence: rows become what the layers are
    # nor has the dtype that Keras gives to a model
    model = cls(stack, given.get("name"), None if stack else given.get("dtype"))
    if stack and not model.built and given.get("build_input_shape"):
        model.build(given["build_input_shape"])
    return model


def _as_json(value: Any) -> Any:
    """What the json module does not know."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": str(value.dtype)}}
    raise TypeError(f"{value!r} cannot be written to a file")


def to_json(model: Sequential, **options: Any) -> str:
    """What `Sequential.to_json` gives."""
    config = {**serialized("keras", model), "class_name": "Sequential", "gdcore": {"version": __version__}}
    compiled = model._compiled
    if compiled is not None:
        assert model.optimizer is not None
        config["compile_config"] = {
            "optimizer": optimizers.serialize(model.optimizer),
            "loss": None if model.loss is None else losses.serialize(model.loss),
            "loss_weights": compiled.loss_weights,
            "metrics": [_metric_config(m) for m in compiled.metrics] or None,
            "weighted_metrics": [_metric_config(m) for m in compiled.weighted_metrics] or None,
        }
        config["gdcore"]["compile"] = {"gradient": compiled.gradient, "h": compiled.h}
    return json.dumps(config, **{"default": _as_json, **options})


def _metric_config(metric: Any) -> Any:
    return metric if isinstance(metric, str) else metrics.serialize(metric)


def from_json(cls: type[Sequential], text: str) -> Sequential:
    """What `gdcore.models.model_from_json` gives."""
    with naming("json_string"):
        return _from_config(cls, parse_object("it", text), True, None)


def _from_config(cls: type[Sequential], config: dict[str, Any], compile: bool, stored: int | None) -> Sequential:
    """The model that config.json describes; stored is the number of bytes that there are of its weights."""
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


def _compile(model: Sequential, config: dict[str, Any], own: dict[str, Any]) -> None:
    # run_eagerly, steps_per_execution and jit_compile say how Keras computes, not what
    plain, weighted = (
        [metrics.deserialize(m) if isinstance(m, dict) else m for m in config.get(name) or []]
        for name in ("metrics", "weighted_metrics")
    )
    model.compile(
        config["optimizer"],
        config.get("loss"),
        config.get("loss_weights"),
        metrics=plain,
        weighted_metrics=weighted,
        **own,
    )


def _not_newer(library: str, version: Any, known: str) -> None:
    if version is not None and int(str(version).split(".")[0]) > int(known.split(".")[0]):
        raise ValueError(f"it was written by {library} {version}, and this gdcore reads files of {library} {known}")


def _refuse_absurd(configs: Any, stored: int) -> None:
    """Raise ValueError if a config asks for far more weights than there are bytes of them."""
    width = needed = 0
    for layer in configs:
        config = layer["config"]
        if config.get("batch_shape"):
            width = int(np.prod([float(n) for n in config["batch_shape"][1:]]))
        elif "units" in config:
            needed += width * int(config["units"])
            width = int(config["units"])
        needed += width
    if needed > max(stored, PLENTY):
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
    for layer in model.layers:
        layer._refresh()
    return skipped


def _optimizer_values(optimizer: optimizers.Optimizer, stored: list[Any]) -> list[NDArray[Any]]:
    expected = optimizer._keras_variables()
    values = _matched("optimizer", [f"array {i}" for i in range(len(expected))], expected, stored)
    if not 0 <= int(values[0]) < 2**62:
        raise ValueError(f"optimizer: {values[0]} is no number of iterations")
    if len(values) - len(optimizer._keras_slots()) == 2 and not 0 <= values[1] < np.inf:
        raise ValueError(f"optimizer: {values[1]} is no learning rate")
    return values


def _left_alone(optimizer: optimizers.Optimizer, stored: list[Any]) -> str:
    expected = len(optimizer._keras_variables())
    return f"the optimizer stays as it is, with {expected} arrays; the file has {len(stored)}"


# ---- files -----------------------------------------------------------------------------------------------------


def save_model(model: Sequential, filepath: Any, overwrite: bool) -> None:
    """Write a ``.keras`` file; see `Sequential.save`."""
    require_h5py()
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
        write_h5(weights, model.name, groups)
        now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
        metadata = json.dumps({"keras_version": _KERAS, "date_saved": now})
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("metadata.json", metadata)
            archive.writestr("config.json", config)
            archive.writestr(WEIGHTS, weights.getbuffer())

    write_atomically(filepath, (".keras",), overwrite, write)


def load_model(cls: type[Sequential], filepath: Any, compile: bool) -> Sequential:
    """Read a ``.keras`` file; see `gdcore.models.load_model`."""
    require_h5py()
    skipped = None
    with reading(filepath) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is not a zip archive, as .keras files are (weights alone go through load_weights)")
        with zipfile.ZipFile(file) as archive:
            if "metadata.json" in archive.namelist():
                metadata = parse_object("metadata.json", read_member(archive, "metadata.json"))
                _not_newer("Keras", metadata.get("keras_version"), _KERAS)
            config, weights = read_member(archive, "config.json"), read_member(archive, WEIGHTS)
        model = _from_config(cls, parse_object("config.json", config), compile, len(weights))
        if not model.built:
            return model
        with open_h5(io.BytesIO(weights)) as store:
            _take(model, store)
            stored, optimizer = store.get("optimizer", []), model.optimizer
            if optimizer is not None and stored:
                if len(stored) > len(optimizer._keras_variables()):
                    model._build_optimizer(optimizer)
                if len(stored) == len(optimizer._keras_variables()):
                    optimizer._set_keras_variables(_optimizer_values(optimizer, stored))
                else:  # saved after trainable flags had changed, for instance; Keras begins anew, too
                    skipped = _left_alone(optimizer, stored)
    if skipped:
        warnings.warn(f"{filepath}: {skipped}", stacklevel=3)
    return model


def save_weights(model: Sequential, filepath: Any, overwrite: bool) -> None:
    """Write a file of weights; see `Sequential.save_weights`."""
    _refuse_unbuilt(model)
    groups = _layer_groups(model)

    def write(file: Any, name: str) -> None:
        if name.endswith(".npz"):
            write_npz(file, groups)
        else:
            write_h5(file, model.name, groups + (_optimizer_group(model.optimizer) if model.optimizer else []))

    write_atomically(filepath, (".weights.h5", ".npz"), overwrite, write)


def load_weights(model: Sequential, filepath: Any, skip_mismatch: bool) -> None:
    """Take weights from a file; see `Sequential.load_weights`."""
    _refuse_unbuilt(model)
    with reading(filepath) as file, open_arrays(file) as store:
        stored, optimizer = store.get("optimizer", []), model.optimizer
        values = None
        if optimizer is not None and len(stored) == len(optimizer._keras_variables()):
            values = _optimizer_values(optimizer, stored)
        skipped = _take(model, store, skip_mismatch)
        if optimizer is not None and values is not None:
            optimizer._set_keras_variables(values)
        elif optimizer is not None and stored:
            skipped.append(_left_alone(optimizer, stored))
    for what in skipped:
        warnings.warn(f"{filepath}: {what}", stacklevel=3)


def _refuse_unbuilt(model: Sequential) -> None:
    if not model.built:
        raise ValueError("the model has no weights yet: start with Input((n,)), or build((n,))")
