"""A whole run against the peers: every workload raced, with roofline and phases, ready for JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._version import __version__
from ..config import _config
from .growth import bumps, growth
from .inputs import mnist_source
from .peers import PEERS
from .phases import phases
from .race import race
from .results import FORMAT
from .roofline import probe, roofline
from .workers import Worker, start_peer
from .workloads import Importing, Prediction, Training, Workload


def run(
    workloads: Mapping[str, Any],
    peers: Sequence[str],
    seconds: float,
    with_growth: bool = False,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Time the workloads with gdcore and peers, all in turn.

    Parameters
    ----------
    workloads : mapping of name to workload
    peers : sequence of str
        Names of `PEERS`, "gdcore" among them.
    seconds : float
        For each workload.
    with_growth : bool
        Whether to time how cost grows too.
    tell : callable
        Is given the title of what is timed next.

    Returns
    -------
    dict
        As `results` writes and reads it.
    """
    before, probed = _load_average(), probe()
    entries: dict[str, Any] = {}
    workers = {name: start_peer(name) for name in peers}
    try:
        for name, workload in workloads.items():
            tell(f"{name}: {workload.title}")
            entries[name] = _entry(workload, workers, seconds)
    finally:
        for worker in workers.values():
            worker.close()
    points = []
    if with_growth:
        tell("how cost grows")
        points = growth(min(seconds / 20, 0.5))
    return {
        "format": FORMAT,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "config": {**_config(), "gdcore": {"version": __version__}},  # where it is installed is nobody's business
        "peers": {name: PEERS[name].versions() for name in peers},
        "load": [before, _load_average()],
        "mnist": mnist_source(),
        "probe": probed,
        "workloads": entries,
        "growth": points,
        "bumps": bumps(points),
    }


def _load_average() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def _entry(workload: Any, workers: Mapping[str, Worker], seconds: float) -> dict[str, Any]:
    """All that was found about one workload."""
    entry = {"title": workload.title, "unit": workload.unit, "goal": workload.goal}
    entry |= race(workload, workers, seconds)
    if isinstance(workload, Prediction):
        entry["limit"] = workload.limit
    if _has_roofline(workload):
        ours = entry["peers"]["gdcore"]["median"] / workload.in_unit(1.0)
        entry["roofline"] = roofline(workload, ours / (workload.steps() if isinstance(workload, Training) else 1))
    if isinstance(workload, Training) and workload.gradient == "analytic":
        entry["phases"] = phases(workload, seconds / 10)
    return entry


def _has_roofline(workload: Workload) -> bool:
    """Whether its least arithmetic and traffic are known."""
    if isinstance(workload, Training):
        return workload.gradient == "analytic"
    return not isinstance(workload, Importing)
