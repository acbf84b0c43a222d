"""The benchmark's arithmetic, what it prints and writes, and a small run; never how fast anything is."""

import dataclasses
import itertools
import json
import math
import multiprocessing
import sys
from pathlib import Path

import numpy as np
import pytest

import gdcore
from gdcore.__main__ import main
from gdcore.bench import (
    build_worker,
    builds,
    compare,
    growth,
    inputs,
    markdown,
    peers,
    phases,
    pictures,
    race,
    report,
    results,
    roofline,
    sampling,
    session,
    workers,
    workloads,
)
from gdcore.bench.peers import ours, sklearn

TINY = workloads.Training(
    "T1", "a tiny net", "iris", workloads.WORKLOADS["W2"].net, "crossentropy", "adam", 1e-3, 32, 2, goal=3
)


def entry(gdcore=(2.0, 1.5), goal=None, **others):
    """A workload's results: (median, least) by peer; a third value marks a wrong result."""
    everyone = {"gdcore": gdcore, **others}
    found = {
        name: {
            "median": times[0],
            "least": times[1],
            "spread": 0.1,
            "samples": 3,
            "settings": "",
            "difference": 0.0,
            "shuffled_difference": 0.0,
            "wrong": len(times) > 2,
        }
        for name, times in everyone.items()
    }
    return {"title": "what", "unit": "µs a step", "goal": goal, "peers": found, "out": {}, "rounds": 3}


# ---- arithmetic ------------------------------------------------------------------------------------------


def test_ratios_and_the_fastest():
    found = entry(numpy=(30.0, 15.0), jax=(8.0, 6.6), torch=(4.0, 4.0, "wrong"))
    assert results.ratios(found) == {"numpy": 15.0, "jax": 4.0}
    assert results.fastest(found) == ("jax", 4.0, pytest.approx(4.4))
    assert results.fastest(entry()) is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (entry(goal=4, jax=(8.0, 8.0)), "yes"),
        (entry(goal=4.1, jax=(8.0, 8.0)), "no"),
        (entry(goal=4, jax=(8.0, 8.0), numpy=(7.0, 7.0)), "no"),
        (entry(goal=4), "-"),
        (entry(jax=(8.0, 8.0)), "-"),
        (entry(gdcore=(2.0, 1.5, "wrong"), goal=1, jax=(8.0, 8.0)), "WRONG RESULT"),
        ({**entry(), "limit": 2.0}, "yes"),
        ({**entry(), "limit": 1.9}, "no"),
    ],
)
def test_a_goal_is_reached_or_not(found, expected):
    assert results.verdict(found) == expected


def test_summary_of_samples():
    assert race.summary([1.0, 0.9, 1.2, 1.1], [2.0, 4.0, 1.0, 3.0]) == {
        "least": 0.9,
        "median": 2.5,
        "spread": pytest.approx(0.75),
        "samples": 4,
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.5, "1.5"),
        (9.994, "9.99"),
        (12.34, "12.3"),
        (123.4, "123"),
        (65432, "65,432"),
    ],
)
def test_three_digits(value, shown):
    assert markdown.number(value) == shown


def test_least_work_of_a_step_is_counted_by_hand():
    net = workloads.Net((3, 4, 2), ("relu", "softmax"))
    step = workloads.Training("", "", "iris", net, "crossentropy", "adam", 0.1, 10, 1)
    assert net.parameters() == 3 * 4 + 4 + 4 * 2 + 2 == sum(a.size for a in net.start())
    # forward, gradient: 12 and 8 products of a row; back through the second layer: 8
    assert step.flops() == 2 * 10 * (12 + 8 + 12 + 8 + 8)
    assert step.bytes() == 4 * (10 * (3 + 1) + 26 * 6)
    assert step.steps() == 15
    assert step.in_unit(15e-6) == pytest.approx(1.0)
    assert workloads.WORKLOADS["U1"].in_unit(0.01) == pytest.approx(1.0)
    assert workloads.WORKLOADS["import"].in_unit(0.5) == 500.0


def test_the_roofline_is_the_longer_of_arithmetic_and_traffic(monkeypatch):
    monkeypatch.setattr(roofline, "processors", lambda: 2)
    monkeypatch.setattr(roofline, "fma_peak", lambda threads: 1e9 * threads)
    monkeypatch.setattr(roofline, "stream", lambda nbytes, threads: 1e9)
    roof = roofline.roofline(workloads.WORKLOADS["U2"], 1e-3)
    assert roof["roof_seconds"] == pytest.approx(280e3 / 1e9)
    assert roof["roof_share"] == pytest.approx(0.28)
    assert roof["fma_share"] == pytest.approx(0.05)
    assert roof["fma_share_one_thread"] == pytest.approx(0.1)
    roof = roofline.roofline(workloads.WORKLOADS["P2"], 1.0)
    assert roof["roof_share"] == roof["fma_share"] > 0


def test_bumps_stand_out_from_points_of_their_sweep_on_either_side():
    def points(sweep, shares):
        return [{"sweep": sweep, "at": i, "roof_share": share} for i, share in enumerate(shares)]

    found = growth.bumps([*points("a", [0.5, 0.2, 0.5, 0.6]), *points("b", [0.1, 0.5, 0.3, 0.2, 0.4, 0.1])])
    assert [(p["sweep"], p["at"]) for p in found] == [("a", 1), ("b", 3)]
    assert growth.bumps([]) == []


def test_the_probes_say_something_possible():
    kernels = gdcore._core.kernels
    assert 1e8 < kernels.probe_fma(0.01) < 1e13
    for nbytes in (0, 1000, 2**22):
        assert 1e7 < kernels.probe_stream(nbytes, 0.01) < 1e13


# ---- peers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "W6", "L1", "U2", "P1", "G1"])
def test_numpy_by_hand_comes_to_the_same_result(name):
    workload = workloads.WORKLOADS[name]
    if isinstance(workload, workloads.Training):
        workload = dataclasses.replace(workload, epochs=1)  # before Adam magnifies the roundings of float32
    mine, theirs = (sampling.in_order(peers.PEERS[peer].runner(workload), workload) for peer in ("gdcore", "numpy"))
    assert [a.shape for a in theirs] == [a.shape for a in mine]
    assert race.difference(workload, theirs, mine) <= 1e-3


def test_products_refuse_shapes_that_do_not_fit():
    multiply, (w, a, out) = (
        gdcore._core.kernels.multiply,
        (np.ones((3, 5), "f4"), np.ones((3, 16), "f4"), np.ones((5, 16), "f4")),
    )
    multiply(w, a, out)
    assert (out == 3).all()
    for bad in ((w.T.copy(), a, out), (w, a[:, :15].copy(), out[:, :15].copy()), (w, a, out[:4]), (w[:0], a[:0], out)):
        with pytest.raises(ValueError, match="do not fit"):
            multiply(*bad)


def test_training_starts_anew_each_time():
    runner = peers.PEERS["gdcore"].runner(TINY)
    first, second = sampling.in_order(runner, TINY), sampling.in_order(runner, TINY)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert race.loss_of(TINY, first) < race.loss_of(TINY, TINY.net.start())


def test_a_setting_is_chosen_by_time():
    slow, chosen = [False], []

    def choose(name, is_slow):
        def setting():
            slow[0] = is_slow
            chosen.append(name)

        return setting

    runner = peers.Runner(
        lambda: sum(range(200_000 if slow[0] else 2)), list, settings={"a": choose("a", True), "b": choose("b", False)}
    )
    assert sampling.tune(runner, workloads.WORKLOADS["P1"]) == "b"
    assert chosen == ["a", "b", "b"]


def test_results_far_from_ours_are_seen():
    start = TINY.net.start()
    assert race.difference(TINY, start, start) == 0
    assert race.difference(TINY, [2 * a for a in start], start) > 0.01
    nan = [a * np.nan for a in start]
    assert not race.difference(TINY, nan, start) <= 0.01


def test_what_a_peer_cannot_do():
    with pytest.raises(peers.DoesNotFit, match="selu"):
        sklearn.check_fits(workloads.WORKLOADS["W3"])
    for name in ("W4a", "W5", "W6", "P2"):
        sklearn.check_fits(workloads.WORKLOADS[name])
    for name in ("W1", "W2", "P1"):
        with pytest.raises(peers.DoesNotFit):
            sklearn.check_fits(workloads.WORKLOADS[name])
    with pytest.raises(peers.DoesNotFit, match="does not take part"):
        peers.PEERS["sklearn"].runner(workloads.WORKLOADS["U1"])
    with pytest.raises(peers.DoesNotFit, match="does not take part"):
        peers.PEERS["gdcore"].runner(workloads.BETWEEN_BUILDS["E1"])


def test_rows_of_higgs_s_shape_have_a_fixed_rule():
    x, y = inputs.load("higgs")
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((20_000, 28), np.float32, (20_000, 1), np.float32)
    assert np.array_equal(y[:, 0], x[:, 0] * x[:, 1] > x[:, 2])
    assert abs(x.mean()) < 0.01
    assert abs(x.std() - 1) < 0.01
    classes = sklearn.rows_and_classes(workloads.WORKLOADS["W6"])[1]
    assert np.array_equal(classes, y[:, 0])


def test_the_binary_crossentropy_of_weights():
    workload = workloads.WORKLOADS["W6"]
    weights = [np.zeros_like(a) for a in workload.net.start()]
    assert race.loss_of(workload, weights) == pytest.approx(np.log(2))
    trained = sampling.in_order(ours.training(workload), workload)
    assert race.loss_of(workload, trained) < 0.68


def test_pictures_of_mnist_size_can_be_learnt():
    x, y = inputs.pictures()
    assert (x.shape, x.dtype, y.shape) == ((60_000, 784), np.float32, (60_000,))
    assert set(np.unique(y)) == set(range(10))
    assert 0.7 < np.mean(x[:1000] == 0) < 0.9
    centres = np.stack([x[y == k][:100].mean(axis=0) for k in range(10)])
    nearest = np.argmin(((x[:500, None] - centres) ** 2).sum(axis=2), axis=1)
    assert np.mean(nearest == y[:500]) > 0.9


# ---- a run -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    chosen = {"T1": TINY, "P1": workloads.WORKLOADS["P1"]}
    return session.run(chosen, ["gdcore", "numpy"], 0.01, tell=lambda message: None)


def test_json_schema(found):
    again = json.loads(json.dumps(found))
    assert again == found
    assert set(found) == {
        *("format", "date", "config", "peers", "load", "mnist", "probe", "workloads", "growth", "bumps"),
    }
    assert found["format"] == 2
    assert set(found["config"]) == {"gdcore", "core", "machine", "versions", "blas"}
    assert all(value > 0 for value in found["probe"].values())
    assert list(found["workloads"]) == ["T1", "P1"]
    for entry in found["workloads"].values():
        assert {"title", "unit", "goal", "peers", "out", "rounds", "roofline"} <= set(entry)
        assert entry["rounds"] >= 3
        assert set(entry["peers"]) == {"gdcore", "numpy"}
        for peer in entry["peers"].values():
            assert set(peer) == {
                *("least", "median", "spread", "samples", "settings", "difference", "shuffled_difference", "wrong"),
            }
            assert 0 < peer["least"] <= peer["median"]
            assert math.isfinite(peer["spread"])
            assert peer["wrong"] is False
        assert all(value >= 0 for value in entry["roofline"].values())


def test_the_report_names_everyone(found):
    page = report.text(found)
    for expected in ("| T1 ", "**gdcore**", "| numpy", ">= 3x", "<= 1.5 µs", found["config"]["core"]["isa"]):
        assert expected in page
    lines = page.splitlines()
    for line, after in itertools.pairwise(lines):
        if line.startswith("|") and after.startswith("|"):
            assert len(line) == len(after)


def test_the_pictures(found, tmp_path):
    grown = {"width": 8, "depth": 2, "batch": 4, "roof_seconds": 1e-7, "seconds": 1e-6, "roof_share": 0.1}
    points = [
        {**grown, "sweep": sweep, "roof_seconds": at} for sweep in ("width", "depth", "batch") for at in (1e-7, 1e-6)
    ]
    figure = pictures.plot({**found, "growth": points})
    assert [ax.get_xscale() for ax in figure.axes] == ["log"] * 3
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["T1", "P1"]
    gdcore.plots.save(figure, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert "8 wide, 2 deep, batch 4" in report.growth_text(points, points[:1]).splitlines()[-1]


def test_a_page_keeps_the_last_report_only():
    page = "# Title\n\n<!-- last run -->\n\nold\n"
    assert markdown.insert(page, "new") == "# Title\n\n<!-- last run -->\n\nnew\n"
    with pytest.raises(ValueError, match="last run"):
        markdown.insert("# Title\n", "new")


def test_growth_of_a_small_net():
    point = growth.grown(4, 2, 8, 0.0)
    assert point["seconds"] > 0
    assert point["roof_share"] > 0


def test_a_peer_that_fails_is_left_out(monkeypatch):
    class Broken:
        def ask(self, request, argument=None):
            return "failed", "Traceback\nValueError: broken"

    class Working:
        def __init__(self):
            self.runner = peers.PEERS["gdcore"].runner(TINY)

        def ask(self, request, argument=None):
            if request == "prepare":
                return "done", (sampling.in_order(self.runner, argument), "")
            return "done", (1.0, 2.0) if request == "sample" else self.runner.result()

    found = race.race(TINY, {"jax": Broken(), "gdcore": Working()}, 0.0)
    assert found["out"] == {"jax": "failed: ValueError: broken"}
    assert list(found["peers"]) == ["gdcore"]
    with pytest.raises(RuntimeError, match="gdcore failed"):
        race.race(TINY, {"gdcore": Broken()}, 0.0)


def test_processes_end():
    worker = workers.start_peer("numpy")
    assert worker.ask("prepare", workloads.WORKLOADS["U2"])[0] == "done"
    assert worker.ask("prepare", workloads.WORKLOADS["W2"])[0] == "done"
    worker.close()
    assert worker.ask("sample", 0.01)[0] == "failed"
    assert not multiprocessing.active_children()


# ---- the command -----------------------------------------------------------------------------------------


def test_list(capsys):
    assert main(["bench", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name} " in out for name in [*workloads.WORKLOADS, *peers.PEERS])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "W4"], "Did you mean 'W4b' or 'W4a'?"),
        (["--peers", "jaxx"], "Did you mean 'jax' or 'keras-jax'?"),
    ],
)
def test_unknown_names_suggest_the_nearest(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["bench", *arguments])
    assert stop.value.code == 2
    assert message.split("'")[1] in capsys.readouterr().err


def test_the_command_writes_what_it_is_asked_for(tmp_path, capsys):
    (tmp_path / "page.md").write_text("# Page\n<!-- last run -->\n")
    files = {"--json": "all.json", "--plot": "all.png", "--readme": "page.md"}
    options = [word for option, name in files.items() for word in (option, str(tmp_path / name))]
    assert main(["bench", "--only", "U2", "--peers", "numpy", "--seconds", "0", *options]) == 0
    out = capsys.readouterr().out
    assert json.loads((tmp_path / "all.json").read_text())["workloads"]["U2"]["goal"] == 5
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "page.md").read_text() == f"# Page\n<!-- last run -->\n\n{out}"


def test_save_writes_figures_and_picture_under_the_version(tmp_path):
    folder = tmp_path / "bench" / "results"
    command = ["bench", "--only", "U2", "--peers", "numpy", "--seconds", "0", "--save", str(folder)]
    assert main(command) == 0
    version = gdcore.__version__
    assert sorted(path.name for path in folder.iterdir()) == [f"{version}.json", f"{version}.png"]
    assert list(results.load(folder / f"{version}.json")["workloads"]) == ["U2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--list", "--only", "W1"], "--only has no use with --list"),
        (["--against", "x", "--peers", "jax"], "--peers has no use with --against"),
        (["--compare", "x", "y", "--save", "z"], "--save has no use with --compare"),
        (["--compare", "x", "y", "--list"], "not allowed with"),
        (["--min-ratio", "0.97"], "--min-ratio needs --compare or --against"),
        (["--compare", "x", "y", "--min-ratio", "-1"], "--min-ratio -1.0 is not a positive number"),
        (["--compare", "x", "y", "--min-ratio", "nan"], "--min-ratio nan is not a positive number"),
        (["--against", "/no/such/python"], "neither a Python interpreter nor a folder"),
        (["--against", "."], None),
    ],
)
def test_options_that_do_not_fit(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["bench", *arguments])
    assert stop.value.code == 2
    assert (message or "holds no gdcore: expected a folder with gdcore/ in it") in capsys.readouterr().err


# ---- two files of results --------------------------------------------------------------------------------


def write(path, **workloads_of):
    """A file of results with these workloads."""
    path.write_text(json.dumps({"format": 2, "date": "2026-01-02", "workloads": workloads_of}))
    return str(path)


def test_two_files_are_compared(tmp_path, capsys):
    old = write(tmp_path / "old.json", W1=entry((2.0, 1.5)), U9=entry((4.0, 2.0)), L1=entry((1.0, 1.0)))
    slow = {**entry((1.0, 1.0, "wrong")), "unit": "ms"}
    new = write(tmp_path / "new.json", P1=entry(), U9=entry((4.1, 1.9, "wrong")), W1=entry((1.0, 1.2)), L1=slow)
    assert main(["bench", "--compare", old, new]) == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith("| ")]
    assert [line.split()[1] for line in lines] == ["workload", "--------", "U9", "W1"]
    for expected in ("0.976", "1.053", "WRONG RESULT"):
        assert expected in lines[2]
    for expected in ("2.000", "1.250", "µs a step"):
        assert expected in lines[3]
    assert "- P1 stands in the new file only." in out
    assert "- L1 is timed in µs a step in the old file, in ms in the new." in out
    assert "2026-01-02" in out


def test_a_ratio_below_the_least_allowed_fails_and_is_named(tmp_path, capsys):
    old = write(tmp_path / "old.json", W1=entry((2.0, 1.5)), U9=entry((4.0, 2.0)))
    new = write(tmp_path / "new.json", W1=entry((1.0, 1.2)), U9=entry((4.2, 1.9)))
    assert main(["bench", "--compare", old, new, "--min-ratio", "0.95"]) == 0
    assert main(["bench", "--compare", old, new, "--min-ratio", "0.97"]) == 1
    assert "below 0.97 in U9\n" in capsys.readouterr().err


def test_the_results_of_each_release_can_be_read():
    folder = Path(__file__).parents[1] / "bench" / "results"
    files = sorted(folder.glob("*.json"))
    assert folder / "0.1.0.json" in files
    for file in files:
        found = results.load(file)
        assert found["format"] == results.FORMAT
        assert found["config"]["gdcore"]["version"] == file.stem
        assert "| W5 " in report.text(found)
        assert file.with_suffix(".png").is_file()
        assert compare.compare(found, found).below(1.0) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("{", "holds no results of `gdcore bench --json`: it is not JSON"),
        ("[1]", "holds no results"),
        ("{}", "holds no results"),
        ('{"format": 3, "workloads": {}}', "is of format 3; this version of gdcore reads formats 1 to 2"),
        ('{"format": 2, "works": {}}', "holds no results"),
        ('{"format": 2, "workloads": {"W1": {"title": "", "unit": "", "peers": {"numpy": {}}}}}', "holds no results"),
        ('{"format": 2, "workloads": {}}', "no workload in common"),
        (json.dumps({"format": 2, "workloads": {"W1": entry((0, 1))}}), "has 0 as gdcore's median time of W1"),
        (json.dumps({"format": 2, "workloads": {"W1": entry((1, "x"))}}), "has 'x' as gdcore's least time of W1"),
    ],
)
def test_what_is_no_file_of_results_is_refused(content, message, tmp_path, capsys):
    good = write(tmp_path / "good.json", W1=entry())
    other = tmp_path / "other.json"
    if content is not None:
        other.write_text(content)
    for order in ([good, str(other)], [str(other), good]):
        with pytest.raises(SystemExit) as stop:
            main(["bench", "--compare", *order])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


# ---- two builds ------------------------------------------------------------------------------------------


class Clock:
    """A worker that takes as long as it is told."""

    def __init__(self, name, log, *times):
        self.name, self.log, self.times = name, log, itertools.cycle(times)

    def ask(self, request, argument=None):
        self.log.append(self.name)
        seconds = next(self.times)
        return ("failed", "broken") if seconds is None else ("done", [seconds, 2 * seconds])


def test_builds_take_turns_and_ratios_are_of_rounds(monkeypatch):
    monkeypatch.setattr(race, "PAUSE", 0)
    log = []
    old, new = Clock("old", log, 2e-6, 3e-6, 2e-6, 8e-6), Clock("new", log, 1e-6, 2e-6, 2e-6, 2e-6)
    found = builds.take_turns(workloads.WORKLOADS["P1"], old, new, 0.0, True)
    assert log == ["old", "new", "new", "old"] * 2
    assert found.old[0] == (pytest.approx(2.0), pytest.approx(4.0))
    assert found.ratio == pytest.approx(1.75)  # the median of 2, 1.5, 1 and 4
    assert found.least_ratio == pytest.approx(2.0)
    with pytest.raises(RuntimeError, match="new failed while it was timed: broken"):
        builds.take_turns(workloads.WORKLOADS["P1"], old, Clock("new", log, None), 0.0, True)


def test_every_workload_between_builds_runs_and_repeats():
    for name in ("P1", "U2", "E1", "D1", "D2", "D3"):
        station = build_worker.BuildStation()
        first = station.prepare(name)
        assert station.prepare(name) == first
        least, middle = station.sample(0.0)
        assert 0 < least <= middle
        assert station.workload.in_unit(least) > 0


def test_a_build_against_itself(capsys):
    here = Path(gdcore.__file__).parents[1]
    command = ["bench", "--against", str(here), "--only", "P1,U2,D1", "--seconds", "0"]
    assert main([*command, "--min-ratio", "1e-9"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    for line, which in zip(lines, ("Old", "New"), strict=False):
        assert line.startswith(f"{which} build: gdcore {gdcore.__version__}, core `{gdcore._core.ISA}`")
    rows = [line.split("|")[1:-1] for line in lines if line.startswith("| ")][2:]
    assert [(row[0].strip(), row[-1].strip()) for row in rows] == [("P1", "same"), ("U2", "same"), ("D1", "same")]
    assert main([*command, "--min-ratio", "1e9"]) == 1
    assert "below 1e+09 in P1, U2, D1" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="the interpreter is a shell script")
def test_an_interpreter_without_gdcore_is_refused(tmp_path, capsys):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # neither NumPy nor gdcore
    python.chmod(0o755)
    with pytest.raises(SystemExit) as stop:
        main(["bench", "--against", str(python), "--only", "P1", "--seconds", "0"])
    assert stop.value.code == 2
    assert "cannot be timed" in capsys.readouterr().err


def test_a_workload_that_a_build_cannot_do_is_left_out(tmp_path, capsys):
    """A gdcore that lacks `minimize`."""
    package = tmp_path / "gdcore"
    package.mkdir()
    (package / "__init__.py").write_text(
        f"import sys\nsys.path.insert(0, {str(Path(gdcore.__file__).parents[1])!r})\ndel sys.modules['gdcore']\n"
        "import gdcore\ngdcore.__dict__['minimize'] = None\n"
    )
    assert main(["bench", "--against", str(tmp_path), "--only", "P1,D1", "--seconds", "0"]) == 1
    out = capsys.readouterr().out
    assert "| P1 " in out
    assert "- D1 was not timed: the old build failed: TypeError: 'NoneType' object is not callable." in out


# ---- the command line itself -----------------------------------------------------------------------------


def test_the_version_and_the_name_of_the_command(capsys):
    for arguments, expected in ((["--version"], f"gdcore {gdcore.__version__}\n"), (["--help"], "usage: gdcore ")):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        assert capsys.readouterr().out.startswith(expected)


def test_show_config(capsys):
    config = gdcore.show_config(mode="dicts")
    assert gdcore.show_config() is None
    out = capsys.readouterr().out
    assert config["core"]["isa"] in out
    assert config["gdcore"]["version"] == gdcore.__version__
    assert config["versions"]["numpy"] == np.__version__
    assert "-O" in config["core"]["flags"] or "/O" in config["core"]["flags"]
    with pytest.raises(ValueError, match="mode='yaml' is not 'stdout' or 'dicts'"):
        gdcore.show_config("yaml")


def test_the_phases_of_a_step_are_those_of_the_core_and_take_time():
    found = phases.phases(TINY, 0.0)
    assert list(found) == ["gather", "forward", "loss", "backward", "update"]
    assert all(0 < seconds < 1e6 for seconds in found.values())
