"""``python -m gdcore bench``: gdcore's speed against every peer that is installed, and against the machine's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

FORMAT = 1  # of the JSON


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--only", metavar="WORKS", help="these works, with commas: W1,W5 (all)")
    parser.add_argument("--peers", metavar="PEERS", help="these peers, with commas: jax,numpy (all that are installed)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="time for each work (%(default)s)")
    parser.add_argument("--growth", action="store_true", help="also how cost grows with width, depth and batch")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--plot", metavar="FILE", help="draw ratios and the roofline")
    parser.add_argument(
        "--readme", metavar="FILE", help="put the report below the marker '<!-- last run -->' of a page"
    )
    parser.add_argument("--list", action="store_true", help="list works and peers, and stop")


def main(chosen: Namespace) -> int:
    """Run the command; raises ValueError for names that are not known."""
    from .._names import look_up
    from . import report
    from .peers import PEERS
    from .works import WORKS

    if chosen.list:
        for name, work in WORKS.items():
            print(f"{name:<17} {work.title}")
        for name, peer in PEERS.items():
            versions = peer.versions()
            shown = ", ".join(f"{k} {v}" for k, v in versions.items()) if versions else "not installed"
            print(f"{name:<17} {shown}")
        return 0
    works = {name: look_up("work", name, WORKS) for name in _split(chosen.only, WORKS)}
    peers = {name: look_up("peer", name, PEERS) for name in _split(chosen.peers, PEERS)}
    for name in [name for name, peer in peers.items() if peer.versions() is None]:
        if chosen.peers:
            raise ValueError(f"peer={name!r} is not installed: pip install {' '.join(peers[name].packages)}")
        del peers[name]
    results = run(
        works, ["gdcore", *(name for name in peers if name != "gdcore")], chosen.seconds, chosen.growth, _tell
    )
    print(report.text(results))
    if chosen.json:
        import json

        Path(chosen.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if chosen.plot:
        from .. import plots

        plots.save(report.plot(results), chosen.plot)
    if chosen.readme:
        page = Path(chosen.readme)
        page.write_text(report.insert(page.read_text(encoding="utf-8"), report.text(results)), encoding="utf-8")
    wrong = [name for name, entry in results["works"].items() if any(p["wrong"] for p in entry["peers"].values())]
    if wrong:
        print(f"gdcore: results differ between peers in {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


def _split(names: str | None, everything: Iterable[str]) -> list[str]:
    return [name.strip() for name in names.split(",")] if names else list(everything)


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def run(
    works: dict[str, Any], peers: list[str], seconds: float, growth: bool = False, tell: Callable[[str], None] = print
) -> dict[str, Any]:
    """Time the works with gdcore and peers, all in turn; everything that was found, ready for JSON."""
    from datetime import datetime, timezone

    from .. import __version__
    from ..config import _config
    from . import measure
    from .peers import PEERS
    from .works import Importing, Prediction, Training, mnist_source

    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    threads = measure.processors()
    probe = {
        "fma_one_thread": measure.fma_peak(1),
        "fma": measure.fma_peak(threads),
        "stream_one_thread": measure.stream(2**28, 1),
        "stream": measure.stream(2**28, threads),
        "stream_cache_one_thread": measure.stream(2**20, 1),
        "stream_cache": measure.stream(2**20, threads),
        "threads": threads,
    }
    entries: dict[str, Any] = {}
    workers = {name: measure.Worker(name) for name in peers}
    try:
        for name, work in works.items():
            tell(f"{name}: {work.title}")
            entry = measure.race(work, workers, seconds)
            entry = {"title": work.title, "unit": work.unit, "goal": work.goal, **entry}
            if isinstance(work, Prediction):
                entry["limit"] = work.limit
            if not isinstance(work, Importing) and (not isinstance(work, Training) or work.gradient == "analytic"):
                ours = entry["peers"]["gdcore"]["median"] / work.in_unit(1.0)
                entry["roofline"] = measure.roofline(work, ours / (work.steps() if isinstance(work, Training) else 1))
            if isinstance(work, Training) and work.gradient == "analytic":
                entry["phases"] = measure.phases(work, seconds / 10)
            entries[name] = entry
    finally:
        for worker in workers.values():
            worker.close()
    points = []
    if growth:
        tell("how cost grows")
        points = measure.growth(min(seconds / 20, 0.5))
    return {
        "format": FORMAT,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "config": {**_config(), "gdcore": {"version": __version__}},  # where it is installed is nobody's business
        "peers": {name: PEERS[name].versions() for name in peers},
        "load": [before, os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")],
        "mnist": mnist_source(),
        "probe": probe,
        "works": entries,
        "growth": points,
        "bumps": measure.bumps(points),
    }
