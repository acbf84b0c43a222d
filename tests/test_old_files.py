"""What version 0.1.0 wrote is read, goes on as it did there, and what it let people import is where it was.

`files_0_1_0/make.py` made the files and asked the objects in them; here the same questions are asked again.
"""

import importlib
import importlib.util
import json
import pickle
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import gdcore

FOLDER = Path(__file__).parent / "files_0_1_0"


def _script():
    spec = importlib.util.spec_from_file_location("files_0_1_0_make", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _script()
PICKLES = make.read_pickles()
EXPECTED = make.read_expected()
BUILD = gdcore.show_config("dicts")["core"]
# another instruction set or compiler rounds sums elsewhere
EXACT = (BUILD["isa"], BUILD["compiler"]) == (EXPECTED["isa"], EXPECTED["compiler"])


def compare(name, answers):
    """The answers of the object of that name with those of 0.1.0."""
    known = {key.removeprefix(f"{name}: ") for key in EXPECTED if key.startswith(f"{name}: ")}
    assert set(answers) == known
    for question, answer in answers.items():
        expected, got = EXPECTED[f"{name}: {question}"], np.asarray(answer)
        if isinstance(expected, str):
            assert plain(got.item()) == plain(expected), question
            continue
        assert got.shape == expected.shape, question
        assert got.dtype == expected.dtype, question
        if EXACT:
            np.testing.assert_array_equal(got, expected, question)
        else:
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5, err_msg=question)


def plain(text):
    """A text as it is compared: as JSON, in which the order of names is free; other builds agree to five digits."""
    if not EXACT:
        text = re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda found: f"{float(found[0]):.4g}", text)
    return json.loads(text) if text.startswith(("{", "[")) else text


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some of the callbacks write files


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "1.26.1", reason="this NumPy reads no pickles of NumPy 2")
@pytest.mark.parametrize("name", PICKLES)
def test_pickles(name):
    family = name.partition("/")[0]
    compare(name, make.ASK[family](pickle.loads(PICKLES[name])))


def test_all_classes_are_among_them():
    """As far as 0.1.0 had them."""
    found = {type(pickle.loads(content)).__name__ for content in PICKLES.values()}
    for module, base in (("optimizers", "Optimizer"), ("metrics", "Metric"), ("losses", "Loss")):
        lines = [line.partition(":")[0] for line in (FOLDER / "names.txt").read_text().splitlines()]
        names = [line.rpartition(".")[2] for line in lines if re.fullmatch(rf"gdcore\.{module}\.[A-Z]\w*", line)]
        assert set(names) - {base, "Variable", "FUNCTIONS"} <= found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What the files give; reading them leaves them as they are."""
    pytest.importorskip("h5py", reason="h5py is not installed")
    folder = tmp_path_factory.mktemp("old") / "files"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.warns(UserWarning, match="the optimizer stays as it is"):
        answers = make.ask_files(folder)
    for path in folder.iterdir():
        if path.is_file():
            assert path.read_bytes() == (FOLDER / path.name).read_bytes(), f"{path.name} was written to"
    return answers


@pytest.mark.parametrize("name", ["model.keras", "model.npz", "smaller.weights.h5", "sweep.jsonl", "backup"])
def test_files(name, files):
    compare(f"files/{name}", files[name])


def test_a_sweep_trains_only_what_is_new(tmp_path):
    file = shutil.copy(FOLDER / "sweep.jsonl", tmp_path)
    before = Path(file).read_text()
    found = make.run_sweep(file, units=[2, 4, 3])
    after = Path(file).read_text()
    assert after.startswith(before)
    new = [json.loads(line) for line in after.removeprefix(before).splitlines()]
    assert len(new) == len(found) // 3
    assert all("units=4" in line["key"] for line in new)
    old = json.loads(before.splitlines()[1])
    assert set(new[0]) == set(old)
    assert list(new[0]["history"]) == list(old["history"])


@pytest.mark.parametrize("line", (FOLDER / "names.txt").read_text().splitlines())
def test_names(line):
    name, _, members = line.partition(": ")
    if name in sys.modules or "." not in name:
        importlib.import_module(name)
        return
    module, _, last = name.rpartition(".")
    try:
        value = getattr(importlib.import_module(module), last)
    except AttributeError:
        value = importlib.import_module(name)
    missing = [member for member in members.split() if not hasattr(value, member)]
    assert not missing
