"""`gdcore.verify`: every part against Keras's figures, and that it finds what is wrong."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import gdcore
from gdcore.__main__ import main
from gdcore.verification import differences, setups, stored

PARTS = [part for part in setups.PARTS if part != "files" or find_spec("h5py")]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_gives_keras_figures(part):
    report = gdcore.verify(part)
    assert report, str(report)
    assert {row.part for row in report.parts} == {part}
    assert all(row.cases > 0 for row in report.parts)


def test_the_elementwise_optimizers_are_keras_bit_for_bit():
    rows = {row.name: row for row in gdcore.verify("optimizers").parts}
    for name in "SGD Adagrad RMSprop Adadelta Adam AdamW Adamax Lion".split():
        assert rows[name].ulp == 0
        assert rows[name].tolerance.limits == {"arrays": 0.0}


def test_nothing_that_a_dense_net_has_is_left_out():
    names = {part: {row.name for row in gdcore.verify(part).parts} for part in ("optimizers", "losses", "schedules")}
    assert names["losses"] == set(gdcore.losses.lookup.CLASSES)
    schedules = {name for name, cls in vars(gdcore.optimizers.schedules).items() if _is(cls, "LearningRateSchedule")}
    assert names["schedules"] == schedules - {"EpochDecay"}  # which Keras does not have
    missing = {name for name, cls in vars(gdcore.optimizers).items() if _is(cls, "Optimizer")} - names["optimizers"]
    assert missing == {"Adan"}  # which Keras does not have, either
    assert {row.name for row in gdcore.verify("activations").parts} == set(gdcore.activations._ACTIVATIONS)
    assert {row.name for row in gdcore.verify("initializers").parts} == set(gdcore.initializers._TABLE.classes)


def _is(cls, base):
    """Whether it is a class under the one of that name, and public."""
    return isinstance(cls, type) and cls.__name__[0] != "_" and base in {c.__name__ for c in cls.__mro__[1:]}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gradients_are_those_of_central_differences(seed):
    report = gdcore.verify(gradients=True, seed=seed)
    assert report, str(report)
    assert {row.part for row in report.parts} == {"layers", "activations", "losses"}


def test_what_is_wrong_is_found_and_named(monkeypatch, capsys):
    class Wrong(gdcore.optimizers.Adam):
        def __init__(self, *arguments, epsilon=1e-7, **options):
            super().__init__(*arguments, epsilon=1.01 * epsilon, **options)

    monkeypatch.setattr(gdcore.optimizers, "Adam", Wrong)
    report = gdcore.verify("optimizers")
    assert not report
    bad = [row for row in report.parts if not row.passed]
    assert not any(row.good for row in bad)  # the name of 0.1.0
    assert "Adam" in {row.name for row in bad}
    assert "SGD" not in {row.name for row in bad}
    assert "differs: {'of': 'Adam'" in str(report)
    assert main(["verify", "--only", "optimizers"]) == 1
    assert "FAIL" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ours", "theirs", "each", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], False, 0.0),
        ([1.0, 2.0], [1.0, 4.0], False, 0.5),
        ([1.0, 2.0], [2.0, 2.0], True, 0.5),
        ([np.nan, 2.0], [np.nan, 2.0], False, 0.0),
        ([1.0, np.inf], [1.0, np.inf], False, 0.0),
        ([1.0, np.nan], [1.0, 2.0], False, np.inf),
        ([1.0, 2.0], [1.0, np.nan], False, np.inf),
        ([1.0, -np.inf], [1.0, np.inf], False, np.inf),
        ([1e-9, 0.0], [0.0, 0.0], False, np.inf),
    ],
)
def test_differences(ours, theirs, each, expected):
    assert differences.relative(np.array(ours), np.array(theirs), each) == expected


def test_the_table_and_the_command(capsys):
    report = gdcore.verify("schedules")
    assert main(["verify", "--only", "schedules"]) == 0
    out = capsys.readouterr().out
    assert out == f"{report}\n"
    assert "Keras 3" in out.splitlines()[0]
    assert "CosineDecayRestarts" in out
    assert out.splitlines()[-1] == f"{len(report.parts)} parts, {sum(r.cases for r in report.parts)} cases: all pass"


def test_random_streams_and_the_caller_s_seed_stay_as_they_are():
    gdcore.utils.set_random_seed(3)
    expected = gdcore.initializers.GlorotUniform()((3, 3)), np.random.random(3)  # noqa: NPY002 - what utils seeds
    gdcore.utils.set_random_seed(3)
    gdcore.verify("layers")
    assert np.array_equal(gdcore.initializers.GlorotUniform()((3, 3)), expected[0])
    assert np.array_equal(np.random.random(3), expected[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "optimizer"}, r"only='optimizer' is not known. Did you mean 'optimizers'"),
        ({"seed": 3}, "seed=3 has no use"),
        ({"gradients": True, "seed": -1}, "seed=-1 is not an integer of at least 0"),
        ({"gradients": True, "seed": True}, "seed=True is not an integer of at least 0"),
        ({"gradients": True, "only": "losses"}, "gradients=True is a comparison of its own"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        gdcore.verify(**options)


def test_bad_input_on_the_command_line(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "--only", "runz"])
    assert "Did you mean 'runs'" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("keras") is not None, reason="Keras is installed")
def test_without_keras_live_says_what_to_install(capsys):
    with pytest.raises(ImportError, match="pip install keras tensorflow-cpu"):
        gdcore.verify(live=True)
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "--live"])
    assert "pip install keras tensorflow-cpu" in capsys.readouterr().err


def test_figures_of_other_set_ups_are_refused(monkeypatch):
    monkeypatch.setattr(setups.optimizers, "STEPS", 100)
    monkeypatch.setitem(setups.DRAWN, "schedules", lambda d: iter([]))
    with pytest.raises(RuntimeError, match=r"make_verify\.py"):
        gdcore.verify("optimizers")


def test_set_ups_are_the_same_in_every_process():
    code = "from gdcore.verification import stored; print(stored.fingerprint())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) == stored.fingerprint()


def test_the_figures_are_small_and_say_where_they_come_from():
    import os

    made, figures = stored.load_figures()
    assert set(made) == {"Keras", "TensorFlow", "NumPy", "on"}
    assert len(figures) == sum(len(setups.set_ups(part, 0)) for part in setups.PARTS)
    assert os.path.getsize(stored.path()) < 1_000_000
