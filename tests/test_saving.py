"""Files: what Keras wrote and what it reads, round trips, damage, and what is refused."""

import copy
import importlib.util
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import layers, optimizers
from gdcore.layers import Dense
from gdcore.models import load_model, model_from_json, save_model, saving

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "files.json").read_text())
ARRAYS = np.load(FOLDER / "files.npz")
FIT = {"batch_size": 5, "shuffle": False, "verbose": 0}

needs_h5py = pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason="h5py is not installed")


def keras_file(case, ending=".keras"):
    return ARRAYS[f"{case}/{ending}"].tobytes()


def keras_config(case):
    with zipfile.ZipFile(io.BytesIO(keras_file(case))) as archive:
        return json.loads(archive.read("config.json"))


def known(case):
    _, optimizer, settings, _ = FIGURES["cases"][case]
    names = {layer["class_name"] for layer in keras_config(case)["config"]["layers"]}
    scheduled = isinstance(settings.get("learning_rate"), list)
    return (
        names <= set(layers.lookup.TABLE.classes)
        and optimizer in optimizers.lookup.CLASSES
        and scheduled <= hasattr(optimizers, "schedules")
    )


CASES = [case for case in FIGURES["cases"] if known(case)]


def data(case):
    kind, *_, dtype = FIGURES["cases"][case]
    return ARRAYS["x"].astype(dtype), ARRAYS["one" if kind == "one" else "two"].astype(dtype)


def small(optimizer="adam", dtype="float32", **compiled):
    """A model of 4 inputs and 2 outputs, compiled."""
    gdcore.utils.set_random_seed(3)
    model = gdcore.Sequential([Dense(3, "tanh", input_dim=4), Dense(2)], dtype=dtype)
    model.compile(optimizer, "mse", **compiled)
    return model


def trained(*args, **kwargs):
    model = small(*args, **kwargs)
    model.fit(ARRAYS["x"], ARRAYS["two"], epochs=2, **FIT)
    return model


def through_file(model):
    file = io.BytesIO()
    model.save(file)
    return load_model(file)


def same(model, other):
    """Weights, settings and the state of the optimizer agree to the last bit."""
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in other.get_weights()]
    assert model.dtype == other.dtype
    assert repr(model.loss) == repr(other.loss)
    assert repr(model._compiled) == repr(other._compiled)
    assert repr(model.optimizer) == repr(other.optimizer)
    mine, theirs = model.optimizer._keras_variables(), other.optimizer._keras_variables()
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


# ---- Keras's files -------------------------------------------------------------------------------------------------


@needs_h5py
@pytest.mark.parametrize("case", CASES)
def test_a_file_of_keras_predicts_and_goes_on(case):
    model = load_model(io.BytesIO(keras_file(case)))
    x, y = data(case)
    exact = 1e-6 if model.dtype == "float32" else 1e-12
    np.testing.assert_allclose(model.predict(x), ARRAYS[f"{case}/predicted"], rtol=exact, atol=exact)
    assert model.optimizer._applied == 8
    history = model.fit(x, y, epochs=FIGURES["epochs"], **FIT).history
    # Keras rounds rates and momenta to float32 also in a float64 model
    figures = [history[name] for name in sorted(history)]
    np.testing.assert_allclose(figures, ARRAYS[f"{case}/history"], rtol=2e-6, atol=1e-6)
    # batch normalization takes out what the bias below it adds: its gradient is rounding, of which Adam makes steps
    noise = [1, 4] if case == "normalized" else []
    for i, array in enumerate(model.get_weights()):
        if i not in noise:
            np.testing.assert_allclose(array, ARRAYS[f"{case}/weights/{i}"], rtol=2e-6, atol=1e-6)


def tree(file):
    """All groups and arrays of an HDF5 file."""
    import h5py

    found = {}

    def visit(path, thing):
        is_array = isinstance(thing, h5py.Dataset)
        found[path] = (str(thing.dtype), thing.shape, thing[()].tobytes()) if is_array else dict(thing.attrs)

    with h5py.File(file) as h5:
        h5.visititems(visit)
    return found


@needs_h5py
@pytest.mark.parametrize("case", CASES)
def test_a_file_of_keras_is_written_again_with_the_same_arrays(case):
    written = io.BytesIO()
    load_model(io.BytesIO(keras_file(case))).save(written)
    trees = []
    for file in (written, io.BytesIO(keras_file(case))):
        with zipfile.ZipFile(file) as archive:
            trees.append(tree(io.BytesIO(archive.read("model.weights.h5"))))
    ours, theirs = trees
    assert ours == theirs


@pytest.mark.parametrize("case", CASES)
def test_configs_of_keras_come_back_with_every_setting(case):
    theirs = keras_config(case)
    ours = json.loads(model_from_json(json.dumps(theirs)).to_json())

    def compare(mine, other, where):
        if isinstance(other, dict) and other.get("class_name") == "DTypePolicy":
            assert mine == other["config"]["name"], where
        elif isinstance(other, dict):
            for key, value in other.items():
                if key in mine:
                    compare(mine[key], value, f"{where}/{key}")
                else:  # left out, so it must have said nothing
                    neutral = {"trainable": True, "axis": -1, "steps_per_execution": 1, "dtype": value}
                    neutral |= dict.fromkeys(("shared_object_id", "build_config", "jit_compile"), value)
                    assert value in (None, False, neutral.get(key)), f"{where}/{key}"
        elif isinstance(other, list):
            assert len(mine) == len(other), where
            for i, (a, b) in enumerate(zip(mine, other, strict=True)):
                compare(a, b, f"{where}/{i}")
        elif not where.endswith("/dtype"):
            expected = type(gdcore.losses.get(other)).__name__ if where.endswith("/loss") else other
            assert (mine["class_name"] if where.endswith("/loss") else mine) == expected, where

    compare(ours, theirs, "")


@needs_h5py
@pytest.mark.parametrize("case", [name.removesuffix("/.weights.h5") for name in ARRAYS.files if name.endswith(".h5")])
def test_a_weights_file_of_keras(case, tmp_path):
    path = tmp_path / "m.weights.h5"
    path.write_bytes(keras_file(case, ".weights.h5"))
    expected = load_model(io.BytesIO(keras_file(case)))
    model = model_from_json(json.dumps(keras_config(case)))
    with pytest.warns(UserWarning, match="optimizer stays as it is"):  # for it has no arrays before fit
        model.load_weights(path)
    assert model.optimizer.iterations == 0
    model.fit(*data(case), **FIT)
    model.load_weights(path)
    same(model, expected)
    untrained = gdcore.Sequential.from_config(keras_config(case)["config"])
    untrained.load_weights(str(path))
    np.testing.assert_array_equal(untrained.predict(data(case)[0]), expected.predict(data(case)[0]))


@needs_h5py
def test_the_layout_of_keras_2_13():
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    file = io.BytesIO()
    trained().save_weights(file)
    with h5py.File(file, "a") as h5:
        h5.move("layers", "_layer_checkpoint_dependencies")
    model = gdcore.Sequential.from_config(small().get_config())
    model.load_weights(file)
    np.testing.assert_array_equal(model.get_weights()[0], trained().get_weights()[0])


# ---- round trips ---------------------------------------------------------------------------------------------------


def build(spec):
    """A model of 4 inputs and 2 outputs, with settings from everywhere."""
    stack = [Dense(units, *options, name=name) for units, *options, name in spec["layers"]]
    model = gdcore.Sequential([gdcore.Input((4,)), *stack, Dense(2, "softmax")], spec["name"], spec["dtype"])
    optimizer, settings = spec["optimizer"]
    model.compile(getattr(optimizers, optimizer)(**settings), **spec["compile"])
    return model


metric = st.sampled_from(["accuracy", "mae", gdcore.metrics.BinaryAccuracy("share", threshold=0.3)])
specs = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "net"]),
        "dtype": st.sampled_from(["float32", "float64"]),
        "layers": st.lists(
            st.tuples(
                st.integers(1, 4),
                st.sampled_from(["relu", "tanh", "sigmoid", "elu", None]),
                st.booleans(),
                st.sampled_from(["he_uniform", gdcore.initializers.RandomUniform(-0.2, 0.1, seed=4)]),
                st.sampled_from(["zeros", gdcore.initializers.Constant(0.25)]),
                st.sampled_from([None, "first", "second", "third"]),
            ),
            max_size=3,
            unique_by=lambda layer: layer[-1],
        ),
        "optimizer": st.sampled_from(
            [
                ("SGD", {"learning_rate": 0.1}),
                ("SGD", {"momentum": 0.7, "nesterov": True, "clipnorm": 0.5}),
                ("RMSprop", {"momentum": 0.3, "centered": True, "use_ema": True, "weight_decay": 0.01}),
                ("Adam", {"amsgrad": True, "gradient_accumulation_steps": 2, "use_ema": True}),
                ("Nadam", {"learning_rate": 0.01, "global_clipnorm": 1.0}),
                ("Ftrl", {"beta": 0.1}),
                ("AdamW", {"ema_momentum": 0.5, "clipvalue": 0.4}),
            ]
        ),
        "compile": st.fixed_dictionaries(
            {
                "loss": st.sampled_from(
                    ["mse", gdcore.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="sum")]
                ),
                "metrics": st.lists(metric, max_size=2),
                "weighted_metrics": st.lists(metric, max_size=1),
                "gradient": st.sampled_from(["analytic", "central"]),
                "h": st.sampled_from([None, 1e-3]),
            }
        ),
    }
)


@pytest.mark.parametrize(
    "duplicate",
    [pytest.param(through_file, marks=needs_h5py), lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy],
    ids=["file", "pickle", "deepcopy"],
)
@given(spec=specs, epochs=st.integers(0, 2), seed=st.integers(0, 99))
def test_training_goes_on_as_if_there_had_been_no_break(duplicate, spec, epochs, seed):
    model = build(spec)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(7, 4)), np.eye(2)[rng.integers(0, 2, 7)]
    model.fit(x, y, epochs=epochs, **FIT)
    twin = duplicate(model)
    assert model.name == twin.name
    assert [layer.get_config() | {"dtype": 0} for layer in model.layers] == [
        layer.get_config() | {"dtype": 0} for layer in twin.layers
    ]
    histories = [each.fit(x, y, epochs=2, **FIT).history for each in (model, twin)]
    assert repr(histories[0]) == repr(histories[1])
    same(model, twin)


def objects(config):
    """All serialized objects in a config."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        config = list(config.values())
    if isinstance(config, list):
        for entry in config:
            yield from objects(entry)


@given(spec=specs)
def test_json_and_config(spec):
    model = build(spec)
    for thing in objects(json.loads(model.to_json())):
        assert thing["module"].partition(".")[0] == "keras", thing  # Keras finds nothing without
    for twin in (model_from_json(model.to_json()), model_from_json(model.to_json(indent=1))):
        assert twin.to_json() == model.to_json()
        assert repr(twin._compiled) == repr(model._compiled)
        assert repr(twin.optimizer) == repr(model.optimizer)
    twin = gdcore.Sequential.from_config(model.get_config())
    assert twin.get_config() == model.get_config()
    assert twin._compiled is None
    assert [w.shape for w in twin.weights] == [w.shape for w in model.weights]


def test_config_without_a_width_and_without_layers():
    for stack in ([Dense(3), Dense(1)], []):
        model = gdcore.Sequential(stack, "open", "float64")
        twin = gdcore.Sequential.from_config(model.get_config())
        assert not twin.built
        assert twin.get_config() == model.get_config()
        assert twin.dtype == "float64"


def test_config_numbers_of_numpy_and_lists_become_json():
    assert json.loads(json.dumps({"a": np.float32(0.5), "b": np.arange(2.0)}, default=saving._as_json)) == {
        "a": 0.5,
        "b": {"class_name": "__numpy__", "config": {"value": [0.0, 1.0], "dtype": "float64"}},
    }
    array = saving.plain({"class_name": "__numpy__", "config": {"value": [0.0, 1.0], "dtype": "float64"}})
    np.testing.assert_array_equal(array, [0.0, 1.0])
    with pytest.raises(TypeError, match="cannot be written"):
        json.dumps({"a": object()}, default=saving._as_json)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_npz(tmp_path, dtype):
    model, path = trained(dtype=dtype), tmp_path / "weights.npz"
    model.save_weights(path)
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays) == [f"layers/{name}/vars/{i}" for name in ("dense", "dense_1") for i in (0, 1)]
        np.testing.assert_array_equal(arrays["layers/dense_1/vars/0"], model.layers[1].kernel)
    for other in ("float32", "float64"):
        twin = small(dtype=other)
        twin.load_weights(path)
        for a, b in zip(twin.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b.astype(other))
        assert twin.optimizer.iterations == 0


def test_npz_needs_no_h5py_and_the_rest_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    model = trained()
    model.save_weights(tmp_path / "m.npz")
    small().load_weights(tmp_path / "m.npz")
    (tmp_path / "m.keras").write_bytes(b"old")
    for action in (
        lambda: model.save(tmp_path / "m.keras"),
        lambda: model.save_weights(tmp_path / "m.weights.h5"),
        lambda: load_model(tmp_path / "m.keras"),
    ):
        with pytest.raises(ImportError, match=r'h5py: python -m pip install "gdcore\[h5\]"'):
            action()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.keras", "m.npz"]
    assert (tmp_path / "m.keras").read_bytes() == b"old"


@needs_h5py
def test_a_model_that_was_never_trained_has_a_complete_file_and_stays_as_it_is():
    model = small()
    file = io.BytesIO()
    model.save(file)
    assert not model.optimizer.built
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert "optimizer/vars/9" in tree(io.BytesIO(archive.read("model.weights.h5")))
        assert json.loads(archive.read("metadata.json"))["keras_version"].startswith("3.")
    again = load_model(file)
    for each in (model, again):
        each.fit(ARRAYS["x"], ARRAYS["two"], **FIT)
    assert model.history.history == again.history.history
    same(model, again)


@pytest.mark.parametrize("ending", [pytest.param(".keras", marks=needs_h5py), ".npz"])
def test_a_normalization_works_with_the_means_of_the_file(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    model = gdcore.Sequential([gdcore.Input((4,)), layers.Normalization(), Dense(2)])
    model.layers[0].adapt(3 * ARRAYS["x"] + 5)
    expected = model.predict(ARRAYS["x"])
    write(model, path)
    if ending == ".keras":
        model = load_model(path)
    else:
        model = gdcore.Sequential([gdcore.Input((4,)), layers.Normalization(), Dense(2)])
        model.load_weights(path)
    np.testing.assert_array_equal(model.predict(ARRAYS["x"]), expected)


def test_pickles_of_earlier_versions():
    stored = np.load(Path(__file__).parent / "pickles" / "0.1.0.npz")
    model, x, y = pickle.loads(stored["model"].tobytes()), stored["x"], stored["y"]
    assert model.name == "old"
    assert [layer.name for layer in model.layers][:2] == ["normalization", "dense"]
    assert model._compiled.weighted_metrics == ("mse",)
    assert model._compiled.loss_weight == 2.0
    np.testing.assert_allclose(model.predict(x), stored["predicted"], rtol=1e-5, atol=1e-6)
    history = model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
    assert list(history) == ["loss", "mae", "mse"]
    np.testing.assert_allclose(history["loss"], stored["loss"], rtol=1e-5)
    for i, weight in enumerate(model.get_weights()):
        np.testing.assert_allclose(weight, stored[f"weight_{i}"], rtol=1e-4, atol=1e-6)
    model.add(Dense(1))
    assert model.predict(x).shape == (20, 1)
    unbuilt = pickle.loads(stored["unbuilt"].tobytes())
    assert not unbuilt.built
    assert unbuilt.predict(x).shape == (20, 2)


@needs_h5py
def test_a_model_without_weights_and_one_that_is_not_compiled():
    file = io.BytesIO()
    with pytest.warns(UserWarning, match="no weights yet"):
        save_model(gdcore.Sequential([Dense(2)]), file)
    assert not load_model(file).built
    plain = gdcore.Sequential([Dense(2, input_dim=3)])
    again = through_file(plain)
    assert again.optimizer is None
    np.testing.assert_array_equal(again.predict(np.eye(3)), plain.predict(np.eye(3)))
    file = io.BytesIO()
    trained().save(file)
    assert load_model(file, compile=False).optimizer is None


def test_a_class_derived_from_sequential_is_written_as_what_it_is():
    class Mine(gdcore.Sequential):
        pass

    assert type(model_from_json(Mine([Dense(2, input_dim=3)]).to_json())) is gdcore.Sequential


@needs_h5py
def test_the_rate_of_the_file_counts():
    model = trained()
    model.optimizer.learning_rate = 0.25
    assert through_file(model).optimizer.learning_rate == 0.25
    file = io.BytesIO()
    model.save_weights(file)
    other = trained()
    other.load_weights(file)
    assert other.optimizer.learning_rate == 0.25
    model.optimizer.learning_rate = other.optimizer.learning_rate = 0.001  # no float32
    model.save_weights(file := io.BytesIO())
    other.load_weights(file)
    assert other.optimizer.learning_rate == 0.001


# ---- writing -------------------------------------------------------------------------------------------------------

ENDINGS = [pytest.param(".keras", marks=needs_h5py), pytest.param(".weights.h5", marks=needs_h5py), ".npz"]


def write(model, path):
    (model.save if path.name.endswith(".keras") else model.save_weights)(path)


class Bad:
    """What no file can hold."""

    shape = (3, 2)

    def __array__(self, dtype=None, copy=None):
        raise ArithmeticError("halfway")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_writer_that_fails_leaves_the_old_file(tmp_path, monkeypatch, ending):
    path = tmp_path / f"m{ending}"
    write(trained(), path)
    old = path.read_bytes()
    model = trained("sgd")
    model.layers[1]._views[0] = Bad()  # comes to light when half of the file is written
    with pytest.raises(ArithmeticError, match="halfway"):
        write(model, path)
    monkeypatch.setattr(os, "fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(trained("sgd"), path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kill_in_between_leaves_the_old_file(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    write(trained(), path)
    old = path.read_bytes()
    script = f"""
import os, signal, gdcore
model = gdcore.Sequential([gdcore.layers.Dense(9, input_dim=4)])
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
(model.save if {ending!r} == ".keras" else model.save_weights)({str(path)!r})
"""
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 2  # what was written so far lies beside it


@pytest.mark.parametrize("ending", ENDINGS)
def test_overwrite_links_and_modes(tmp_path, ending):
    model, path, link = trained(), tmp_path / f"m{ending}", tmp_path / f"link{ending}"
    method = model.save if ending == ".keras" else model.save_weights
    method(str(path), overwrite=False)
    old = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=False"):
        method(path, overwrite=False)
    assert path.read_bytes() == old
    if os.name == "posix":
        path.chmod(0o640)
        link.symlink_to(path)
        method(link)
        assert link.is_symlink()
        assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(("method", "name"), [("save", "m.h5"), ("save", "m.npz"), ("save_weights", "m.h5")])
def test_endings(tmp_path, method, name):
    if method == "save":
        pytest.importorskip("h5py", reason="h5py is not installed")
    with pytest.raises(ValueError, match="does not end in"):
        getattr(trained(), method)(tmp_path / name)
    assert not list(tmp_path.iterdir())


@needs_h5py
def test_files_that_are_open(tmp_path):
    model = trained()
    with open(tmp_path / "m.keras", "wb") as file:
        model.save(file)
    with open(tmp_path / "m.keras", "rb") as file:
        same(load_model(file), model)
    file = io.BytesIO()
    model.save_weights(file)
    twin = trained("sgd")
    twin.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="the file has 10"):
        twin.load_weights(file)
    np.testing.assert_array_equal(twin.predict(ARRAYS["x"]), model.predict(ARRAYS["x"]))


# ---- reading what is not right -------------------------------------------------------------------------------------


def archive(**changed):
    """A file of Keras with members changed: bytes, a function of the parsed JSON, or None to leave it out."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(keras_file("adam"))) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content, change = old.read(name), changed.get(name.partition(".")[0], False)
            if callable(change):
                parsed = json.loads(content)
                change(parsed)
                content = json.dumps(parsed)
            elif change is not False:
                content = change
            if content is not None:
                new.writestr(name, content)
    return made.getvalue()


def in_config(*path, **values):
    """A change of config.json: the entries of one of its objects."""

    def change(config):
        for key in path:
            config = config[key]
        config.update(values)

    return {"config": change}


def custom(**values):
    return in_config("config", "layers", 1, **values)


BAD = {
    "nothing": (b"", "not a zip archive"),
    "text": (b"no model at all", "not a zip archive"),
    "no config": (archive(config=None), "there is no config.json in the archive, only metadata.json, model"),
    "no weights": (archive(model=None), "there is no model.weights.h5 in the archive"),
    "weights are no HDF5": (archive(model=b"nothing"), "weights are not HDF5, or damaged"),
    "no JSON": (archive(config=b"{"), "config.json is not JSON"),
    "no object": (archive(config=b"[]"), "config.json holds a list, expected an object"),
    "empty object": (archive(config=b"{}"), "class_name=None, and only 'Sequential' models"),
    "functional": (archive(**in_config(class_name="Functional")), "class_name='Functional', and only 'Sequential'"),
    "no layers": (archive(**in_config("config", layers=None)), "config has no list 'layers'"),
    "newer gdcore": (archive(**in_config(gdcore={"version": "1000.0"})), "written by gdcore 1000.0"),
    "newer Keras": (archive(metadata=lambda m: m.update(keras_version="4.0.1")), "written by Keras 4.0.1"),
    "unknown layer": (archive(**custom(class_name="Dens")), "layer='Dens' is not known. Did you mean 'Dense'"),
    "lambda layer": (archive(**custom(class_name="Lambda")), "Lambda in it: code from a file is never run"),
    "own module": (archive(**custom(module="os")), "'Dense' of 'os' is a custom class"),
    "almost keras": (archive(**custom(module="keras_evil.layers")), "is a custom class"),
    "own name": (archive(**custom(registered_name="mine>Dense")), "'Dense' of 'mine>Dense' is a custom class"),
    "unknown setting": (archive(**in_config("config", "layers", 1, "config", lora_rank=4)), "no setting 'lora_rank'"),
    "other dtype": (archive(**in_config("config", "layers", 1, "config", dtype="mixed_float16")), "mixed_float16"),
    "other shapes": (
        archive(**in_config("config", "layers", 1, "config", units=5)),
        r"kernel has shape \(4, 3\), expected \(4, 5\)",
    ),
    "absurd width": (
        archive(**in_config("config", "layers", 1, "config", units=10**13)),
        "numbers, but it has only",
    ),
    "absurd product": (
        archive(config=lambda c: [layer["config"].update(units=10**6) for layer in c["config"]["layers"][1:]]),
        "numbers, but it has only",
    ),
    "absurd input": (
        archive(**in_config("config", "layers", 0, "config", batch_shape=[None, 10**13])),
        "numbers, but it has only",
    ),
    "unknown loss": (
        archive(**in_config("compile_config", loss="mee")),
        "compile_config: loss='mee' is not known.*compile=False",
    ),
    "lambda loss": (
        archive(**in_config("compile_config", loss={"class_name": "__lambda__", "config": {"value": "x"}})),
        "never run",
    ),
    "loss_weights": (archive(**in_config("compile_config", loss_weights=[2.0, 1.0])), "loss_weights="),
    "unknown metric": (
        archive(**in_config("compile_config", metrics=[{"class_name": "BinaryAcuracy", "config": {}}])),
        "Did you mean 'BinaryAccuracy'",
    ),
}


@needs_h5py
@pytest.mark.parametrize("what", BAD)
def test_bad_files_are_named_and_explained(tmp_path, what):
    content, message = BAD[what]
    path = tmp_path / "broken.keras"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"(?s)broken.keras: .*{message}"):
        load_model(path)


@needs_h5py
def test_the_arrays_of_another_optimizer_are_left_alone(tmp_path):
    path = tmp_path / "other.keras"
    path.write_bytes(archive(**in_config("compile_config", "optimizer", class_name="SGD", config={"momentum": 0.5})))
    with pytest.warns(UserWarning, match=r"other.keras: the optimizer stays as it is, with 6 arrays; the file has 10"):
        model = load_model(path)
    assert (model.optimizer.iterations, model.optimizer.momentum) == (0, 0.5)


def test_a_large_model_is_not_taken_for_absurd():
    config = [{"config": {"batch_shape": [None, 1]}}, {"config": {"units": 10**9, "use_bias": False}}]
    saving._refuse_absurd(config, 4 * 10**9)
    with pytest.raises(ValueError, match="asks for some"):
        saving._refuse_absurd(config, 10**8)


@needs_h5py
def test_arguments_of_loading(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.keras"):
        load_model(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="safe_mode=False"):
        load_model(tmp_path / "none.keras", safe_mode=False)
    with pytest.raises(ValueError, match="custom_objects"):
        load_model(tmp_path / "none.keras", custom_objects={"a": Dense})
    with pytest.raises(ValueError, match="json_string: it is not JSON"):
        model_from_json("{")
    unbuilt = gdcore.Sequential([Dense(2)])
    for action in (unbuilt.save_weights, unbuilt.load_weights):
        with pytest.raises(ValueError, match="no weights yet"):
            action(tmp_path / "m.npz")


@needs_h5py
def test_a_zip_that_claims_to_be_vast(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * 1000)
    content = path.read_bytes()
    size = (1000).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (2**31).to_bytes(4, "little")))
    with pytest.raises(ValueError, match=r"config\.json claims 2147483648 bytes, packed into"):
        load_model(path)


def weights_file(tmp_path, change):
    """A weights file of Keras after a change."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    path = tmp_path / "bad.weights.h5"
    path.write_bytes(keras_file("adam", ".weights.h5"))
    with h5py.File(path, "a") as h5:
        change(h5py, h5)
    return path


def replaced(name, make):
    def change(h5py, h5):
        del h5[name]
        make(h5py, h5, name)

    return change


@needs_h5py
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h5py, h5: h5.move("layers/dense", "layers/other"), "layers/other would be left over"),
        (lambda h5py, h5: h5.__delitem__("layers/dense/vars/0"), "layers/dense/vars/0 is missing"),
        (lambda h5py, h5: h5.__delitem__("layers/dense/vars/1"), "layers/dense holds 1 arrays, expected 2"),
        (lambda h5py, h5: [h5.__delitem__(name) for name in list(h5)], "it has no layers, only nothing"),
        (lambda h5py, h5: h5.move("layers", "levels"), "layers/dense holds 0 arrays"),
        (replaced("layers/dense/vars/0", lambda p, h5, n: h5.create_group(n)), "is a Group, expected a Dataset"),
        (
            replaced("layers/dense/vars", lambda p, h5, n: h5.create_dataset(n, data=1.0)),
            "is a Dataset, expected a Group",
        ),
        (
            replaced("layers/dense/vars/0", lambda p, h5, n: h5.create_dataset(n, data=np.ones((4, 4)))),
            "kernel has shape",
        ),
        (
            replaced("layers/dense/vars/0", lambda p, h5, n: h5.create_dataset(n, (10**6, 10**6), "f4")),
            "kernel has shape",
        ),
        (
            replaced("layers/dense/vars/0", lambda p, h5, n: h5.create_dataset(n, data="text")),
            "not an array of numbers",
        ),
        (
            replaced("layers/dense/vars/0", lambda p, h5, n: h5.__setitem__(n, p.SoftLink("/layers"))),
            "a link to elsewhere",
        ),
        (
            replaced("layers/dense", lambda p, h5, n: h5.__setitem__(n, p.ExternalLink("/etc/x", "/"))),
            "a link to elsewhere",
        ),
        (
            replaced(
                "layers/dense/vars/0",
                lambda p, h5, n: h5.create_dataset(n, (4, 3), "f4", external=[("/etc/passwd", 0, 48)]),
            ),
            "not an array of numbers in this file",
        ),
        (replaced("optimizer/vars/0", lambda p, h5, n: h5.create_dataset(n, data=-1)), "-1 is no number of iterations"),
        (replaced("optimizer/vars/1", lambda p, h5, n: h5.create_dataset(n, data=np.nan)), "nan is no learning rate"),
        (replaced("optimizer/vars/2", lambda p, h5, n: h5.create_dataset(n, data=np.ones(2))), "array 2 has shape"),
    ],
)
def test_bad_weights_change_nothing(tmp_path, change, message):
    path = weights_file(tmp_path, change)
    model = trained()
    before = copy.deepcopy(model)
    with pytest.raises(ValueError, match=rf"bad\.weights\.h5: .*{message}"):
        model.load_weights(path)
    same(model, before)


def test_bad_npz_files(tmp_path):
    model = trained()
    before = copy.deepcopy(model)
    good = {
        f"{path}/vars/{i}": array for path, _, arrays in saving._layer_groups(model) for i, array in enumerate(arrays)
    }
    path = tmp_path / "m.npz"
    for change, message in [
        ({"layers/dense/vars/0": np.array([[{}]])}, "dtype object, expected numbers"),
        ({"layers/dense/vars/0": np.ones((4, 4))}, "dense/kernel has shape"),
        ({"layers/dense_2/vars/0": np.ones((4, 4))}, "layers/dense_2 would be left over"),
        ({"kernel": np.ones((4, 4))}, "an array 'kernel.npy'"),
        ({"layers/dense/vars/3": np.ones(3)}, "without a gap"),
    ]:
        np.savez(path, **{**good, **change})
        with pytest.raises(ValueError, match=rf"m\.npz: .*{message}"):
            model.load_weights(path)
    np.savez(path, **dict(list(good.items())[:2]))
    with pytest.raises(ValueError, match="layers/dense_1 holds 0 arrays, expected 2"):
        model.load_weights(path)
    # a header that claims more than there is
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }".ljust(117) + b"\n"
    np.savez(path, **{name: array for name, array in good.items() if name != "layers/dense/vars/0"})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("layers/dense/vars/0.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ValueError, match=r"dense/kernel has shape \(1000000, 1000000\)"):
        model.load_weights(path)
    path.write_bytes(b"nothing like it")
    with pytest.raises(ValueError, match="neither an HDF5 file nor a zip"):
        model.load_weights(path)
    same(model, before)


def test_skip_mismatch(tmp_path):
    wider = gdcore.Sequential([Dense(3, input_dim=4), Dense(5), Dense(2)])
    wider.save_weights(tmp_path / "m.npz")
    model = trained()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"dense_2 would be left over.*dense_1/kernel has shape \(3, 5\)"):
        model.load_weights(tmp_path / "m.npz")
    with pytest.warns(UserWarning, match="dense_1/kernel has shape|left over"):
        model.load_weights(tmp_path / "m.npz", skip_mismatch=True)
    np.testing.assert_array_equal(model.layers[0].kernel, wider.layers[0].kernel)
    np.testing.assert_array_equal(model.layers[1].kernel, before[2])


def assert_loads_or_explains(content, load):
    file = io.BytesIO(content)
    file.name = "damaged"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load(file)
        except ValueError as error:
            said = str(error)
        else:
            return
    assert said.startswith("damaged: ")


@needs_h5py
@given(at=st.integers(0, 10**6), byte=st.integers(1, 255), cut=st.booleans())
def test_any_damage_to_bytes(at, byte, cut):
    for content, load in (
        (keras_file("adam"), load_model),
        (keras_file("adam", ".weights.h5"), trained().load_weights),
    ):
        where = at % len(content)
        damaged = content[:where] if cut else bytearray(content)
        if not cut:
            damaged[where] ^= byte
        assert_loads_or_explains(bytes(damaged), load)


@st.composite
def damaged_configs(draw):
    config = keras_config("adam")
    for _ in range(draw(st.integers(1, 2))):
        place = config
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            key = draw(st.sampled_from(keys))
            if not (isinstance(place[key], dict | list) and place[key]) or draw(st.integers(0, 3)) == 0:
                break
            place = place[key]
        if isinstance(place, dict) and draw(st.booleans()):
            del place[key]
        else:
            place[key] = draw(
                st.sampled_from([None, -1, 0, 1.5, "x", True, [], {}, [1], {"class_name": "Dense"}, 10**30])
            )
        if not config:
            break
    return json.dumps(config)


@needs_h5py
@given(text=damaged_configs())
def test_any_damage_to_configs(text):
    assert_loads_or_explains(archive(config=text.encode()), load_model)


# ---- a live Keras --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras", minversion="3", reason="Keras 3 is not installed")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("case", "dtype"),
    [
        (case, dtype)
        for case in CASES
        for dtype in ("float32", "float64")
        if FIGURES["cases"][case][0] == "plain" and (dtype == "float32" or case in ("momentum", "adam", "nadam"))
    ],
)
def test_there_and_back(keras, tmp_path, case, dtype):
    _, name, settings, _ = FIGURES["cases"][case]
    if "learning_rate" in settings and isinstance(settings["learning_rate"], list):
        schedule, said = settings["learning_rate"]
        settings = {**settings, "learning_rate": getattr(optimizers.schedules, schedule)(**said)}
    x, y = ARRAYS["x"].astype(dtype), ARRAYS["two"].astype(dtype)
    close = {"rtol": 2e-6, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-5, "atol": 1e-6}
    ours = trained(
        getattr(optimizers, name)(**settings), dtype, metrics=["mae", gdcore.metrics.BinaryAccuracy(threshold=0.3)]
    )
    path = tmp_path / "there.keras"
    ours.save(path)
    theirs = keras.models.load_model(path)
    np.testing.assert_allclose(theirs.predict(x, verbose=0), ours.predict(x), rtol=1e-6, atol=1e-6)
    histories = [model.fit(x, y, epochs=3, **FIT).history for model in (ours, theirs)]
    for key, figures in histories[1].items():
        np.testing.assert_allclose(histories[0][key], figures, **close)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **close)
    theirs.save(path)
    again = load_model(path)
    for a, b in zip(again.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for model in (again, theirs):
        model.fit(x, y, epochs=3, **FIT)
    for a, b in zip(again.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **close)
    weights = tmp_path / "m.weights.h5"
    theirs.save_weights(weights)
    again.load_weights(weights)
    again.layers[0].kernel[...] += 1
    again.save_weights(weights)
    theirs.load_weights(weights)
    np.testing.assert_array_equal(theirs.get_weights()[0], again.get_weights()[0])
    assert keras.models.model_from_json(again.to_json()).count_params() == again.count_params()
    assert model_from_json(theirs.to_json()).count_params() == again.count_params()
    assert keras.Sequential.from_config(again.get_config()).count_params() == again.count_params()
    assert gdcore.Sequential.from_config(theirs.get_config()).count_params() == again.count_params()
