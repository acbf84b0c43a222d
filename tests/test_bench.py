"""The benchmark's arithmetic, what it prints and writes, and a small run; never how fast anything is."""

import dataclasses
import itertools
import json
import math
import multiprocessing

import numpy as np
import pytest

import gdcore
from gdcore import bench
from gdcore.__main__ import main
from gdcore.bench import measure, peers, report, works

TINY = works.Training("T1", "a tiny net", "iris", works.WORKS["W2"].net, "crossentropy", "adam", 1e-3, 32, 2, goal=3)


def entry(gdcore=(2.0, 1.5), goal=None, **others):
    """A work's results: (median, least) by peer; a third value marks a wrong result."""
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
    assert report.ratios(found) == {"numpy": 15.0, "jax": 4.0}
    assert report.fastest(found) == ("jax", 4.0, pytest.approx(4.4))
    assert report.fastest(entry()) is None


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
    assert report.verdict(found) == expected


def test_summary_of_samples():
    assert measure.summary([1.0, 0.9, 1.2, 1.1], [2.0, 4.0, 1.0, 3.0]) == {
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
    assert report.number(value) == shown


def test_least_work_of_a_step_is_counted_by_hand():
    net = works.Net((3, 4, 2), ("relu", "softmax"))
    work = works.Training("", "", "iris", net, "crossentropy", "adam", 0.1, 10, 1)
    assert net.parameters() == 3 * 4 + 4 + 4 * 2 + 2 == sum(a.size for a in net.start())
    # forward, gradient: 12 and 8 products of a row; back through the second layer: 8
    assert work.flops() == 2 * 10 * (12 + 8 + 12 + 8 + 8)
    assert work.bytes() == 4 * (10 * (3 + 1) + 26 * 6)
    assert work.steps() == 15
    assert work.in_unit(15e-6) == pytest.approx(1.0)
    assert works.WORKS["U1"].in_unit(0.01) == pytest.approx(1.0)
    assert works.WORKS["import"].in_unit(0.5) == 500.0


def test_the_roofline_is_the_longer_of_arithmetic_and_traffic(monkeypatch):
    monkeypatch.setattr(measure, "processors", lambda: 2)
    monkeypatch.setattr(measure, "fma_peak", lambda threads: 1e9 * threads)
    monkeypatch.setattr(measure, "stream", lambda nbytes, threads: 1e9)
    roof = measure.roofline(works.WORKS["U2"], 1e-3)
    assert roof["roof_seconds"] == pytest.approx(280e3 / 1e9)
    assert roof["roof_share"] == pytest.approx(0.28)
    assert roof["fma_share"] == pytest.approx(0.05)
    assert roof["fma_share_one_thread"] == pytest.approx(0.1)
    roof = measure.roofline(works.WORKS["P2"], 1.0)
    assert roof["roof_share"] == roof["fma_share"] > 0


def test_bumps_stand_out_from_points_of_their_sweep_on_either_side():
    def points(sweep, shares):
        return [{"sweep": sweep, "at": i, "roof_share": share} for i, share in enumerate(shares)]

    found = measure.bumps([*points("a", [0.5, 0.2, 0.5, 0.6]), *points("b", [0.1, 0.5, 0.3, 0.2, 0.4, 0.1])])
    assert [(p["sweep"], p["at"]) for p in found] == [("a", 1), ("b", 3)]
    assert measure.bumps([]) == []


def test_the_probes_say_something_possible():
    kernels = gdcore._core.kernels
    assert 1e8 < kernels.probe_fma(0.01) < 1e13
    for nbytes in (0, 1000, 2**22):
        assert 1e7 < kernels.probe_stream(nbytes, 0.01) < 1e13


# ---- peers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "L1", "U2", "P1", "G1"])
def test_numpy_by_hand_comes_to_the_same_result(name):
    work = works.WORKS[name]
    if isinstance(work, works.Training):
        work = dataclasses.replace(work, epochs=1)  # before Adam magnifies the roundings of float32
    ours, theirs = (measure.in_order(peers.PEERS[peer].contestant(work), work) for peer in ("gdcore", "numpy"))
    assert [a.shape for a in theirs] == [a.shape for a in ours]
    assert measure.difference(work, theirs, ours) <= 1e-3


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
    contestant = peers.PEERS["gdcore"].contestant(TINY)
    first, second = measure.in_order(contestant, TINY), measure.in_order(contestant, TINY)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert measure.loss_of(TINY, first) < measure.loss_of(TINY, TINY.net.start())


def test_a_setting_is_chosen_by_time():
    slow, chosen = [False], []

    def choose(name, is_slow):
        def setting():
            slow[0] = is_slow
            chosen.append(name)

        return setting

    contestant = peers.Contestant(
        lambda: sum(range(200_000 if slow[0] else 2)), list, settings={"a": choose("a", True), "b": choose("b", False)}
    )
    assert measure.tune(contestant, works.WORKS["P1"]) == "b"
    assert chosen == ["a", "b", "b"]


def test_results_far_from_ours_are_seen():
    start = TINY.net.start()
    assert measure.difference(TINY, start, start) == 0
    assert measure.difference(TINY, [2 * a for a in start], start) > 0.01
    nan = [a * np.nan for a in start]
    assert not measure.difference(TINY, nan, start) <= 0.01


def test_what_a_peer_cannot_do():
    with pytest.raises(peers.DoesNotFit, match="selu"):
        peers.sklearn_fits(works.WORKS["W3"])
    with pytest.raises(peers.DoesNotFit, match="does not take part"):
        peers.PEERS["sklearn"].contestant(works.WORKS["U1"])


def test_pictures_of_mnist_size_can_be_learnt():
    x, y = works._pictures()
    assert (x.shape, x.dtype, y.shape) == ((60_000, 784), np.float32, (60_000,))
    assert set(np.unique(y)) == set(range(10))
    assert 0.7 < np.mean(x[:1000] == 0) < 0.9
    centres = np.stack([x[y == k][:100].mean(axis=0) for k in range(10)])
    nearest = np.argmin(((x[:500, None] - centres) ** 2).sum(axis=2), axis=1)
    assert np.mean(nearest == y[:500]) > 0.9


# ---- a run -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results():
    chosen = {"T1": TINY, "P1": works.WORKS["P1"]}
    return bench.run(chosen, ["gdcore", "numpy"], 0.01, growth=False, tell=lambda message: None)


def test_json_schema(results):
    again = json.loads(json.dumps(results))
    assert again == results
    assert set(results) == {
        *("format", "date", "config", "peers", "load", "mnist", "probe", "works", "growth", "bumps"),
    }
    assert results["format"] == 1
    assert set(results["config"]) == {"gdcore", "core", "machine", "versions", "blas"}
    assert all(value > 0 for value in results["probe"].values())
    assert list(results["works"]) == ["T1", "P1"]
    for found in results["works"].values():
        assert {"title", "unit", "goal", "peers", "out", "rounds", "roofline"} <= set(found)
        assert found["rounds"] >= 3
        assert set(found["peers"]) == {"gdcore", "numpy"}
        for peer in found["peers"].values():
            assert set(peer) == {
                *("least", "median", "spread", "samples", "settings", "difference", "shuffled_difference", "wrong"),
            }
            assert 0 < peer["least"] <= peer["median"]
            assert math.isfinite(peer["spread"])
            assert peer["wrong"] is False
        assert all(value >= 0 for value in found["roofline"].values())


def test_the_report_names_everyone(results):
    page = report.text(results)
    for expected in ("| T1 ", "**gdcore**", "| numpy", ">= 3x", "<= 1.5 µs", results["config"]["core"]["isa"]):
        assert expected in page
    lines = page.splitlines()
    for line, after in itertools.pairwise(lines):
        if line.startswith("|") and after.startswith("|"):
            assert len(line) == len(after)


def test_the_pictures(results, tmp_path):
    grown = {"width": 8, "depth": 2, "batch": 4, "roof_seconds": 1e-7, "seconds": 1e-6, "roof_share": 0.1}
    points = [
        {**grown, "sweep": sweep, "roof_seconds": at} for sweep in ("width", "depth", "batch") for at in (1e-7, 1e-6)
    ]
    figure = report.plot({**results, "growth": points})
    assert [ax.get_xscale() for ax in figure.axes] == ["log"] * 3
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["T1", "P1"]
    gdcore.plots.save(figure, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert "8 wide, 2 deep, batch 4" in report.growth_text(points, points[:1]).splitlines()[-1]


def test_a_page_keeps_the_last_report_only():
    page = "# Title\n\n<!-- last run -->\n\nold\n"
    assert report.insert(page, "new") == "# Title\n\n<!-- last run -->\n\nnew\n"
    with pytest.raises(ValueError, match="last run"):
        report.insert("# Title\n", "new")


def test_growth_of_a_small_net():
    point = measure._grown(4, 2, 8, 0.0)
    assert point["seconds"] > 0
    assert point["roof_share"] > 0


def test_a_peer_that_fails_is_left_out(monkeypatch):
    class Broken:
        def ask(self, request, argument=None):
            return "failed", "Traceback\nValueError: broken"

    class Good:
        def __init__(self):
            self.contestant = peers.PEERS["gdcore"].contestant(TINY)

        def ask(self, request, argument=None):
            if request == "prepare":
                return "done", (measure.in_order(self.contestant, argument), "")
            return "done", (1.0, 2.0) if request == "sample" else self.contestant.result()

    found = measure.race(TINY, {"jax": Broken(), "gdcore": Good()}, 0.0)
    assert found["out"] == {"jax": "failed: ValueError: broken"}
    assert list(found["peers"]) == ["gdcore"]
    with pytest.raises(RuntimeError, match="gdcore failed"):
        measure.race(TINY, {"gdcore": Broken()}, 0.0)


def test_processes_end():
    worker = measure.Worker("numpy")
    assert worker.ask("prepare", works.WORKS["U2"])[0] == "done"
    assert worker.ask("prepare", works.WORKS["W2"])[0] == "done"
    worker.close()
    assert worker.ask("sample", 0.01)[0] == "failed"
    assert not multiprocessing.active_children()


# ---- the command -----------------------------------------------------------------------------------------


def test_list(capsys):
    assert main(["bench", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name} " in out for name in [*works.WORKS, *peers.PEERS])


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
    assert json.loads((tmp_path / "all.json").read_text())["works"]["U2"]["goal"] == 5
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "page.md").read_text() == f"# Page\n<!-- last run -->\n\n{out}"


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
    phases = measure.phases(TINY, 0.0)
    assert list(phases) == ["gather", "forward", "loss", "backward", "update"]
    assert all(0 < seconds < 1e6 for seconds in phases.values())
