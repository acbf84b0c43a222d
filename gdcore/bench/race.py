"""One workload, timed with all peers in turn, and whether they came to the same result."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from ..reference.activations import activate
from .workers import Worker
from .workloads import Training, Workload

SLOT = 0.02  # seconds of one sample, unless one call takes longer
PAUSE = 0.02  # before a sample, so that the threads of the one before have gone to sleep
ROUNDS = 3  # at least
SLOW = 10.0  # a peer so many times slower than gdcore sits out after those rounds

# how far results may be from gdcore's: by the order of additions, and where the rows come in another order
# Of the loss before training: near its end Adam magnifies the roundings of float32, where float64 agrees to 1e-15.
TOLERANCE = {"in order": 0.01, "shuffled": 0.05}


def race(workload: Workload, workers: Mapping[str, Worker], seconds: float) -> dict[str, Any]:
    """Time one workload with all peers in turn, round after round; gdcore must be one of them.

    Returns
    -------
    dict
        "peers": by name, `summary` of the samples with "settings", "difference", "shuffled_difference" and
        "wrong"; "out": by name, why a peer did not take part; "rounds".
    """
    ready, out = _prepare(workload, workers)
    samples, rounds = _take_turns({name: workers[name] for name in ready}, seconds)
    shuffled = None
    for name, entry in ready.items():
        least, middle = ([workload.in_unit(seconds) for seconds in part] for part in zip(*samples[name], strict=True))
        entry.update(summary(least, middle))
        entry["shuffled_difference"] = 0.0
        if isinstance(workload, Training):
            _, weights = workers[name].ask("result")
            shuffled = shuffled or weights
            entry["shuffled_difference"] = difference(workload, weights, shuffled)
        entry["wrong"] = not (
            entry["difference"] <= TOLERANCE["in order"] and entry["shuffled_difference"] <= TOLERANCE["shuffled"]
        )
    return {"peers": ready, "out": out, "rounds": rounds}


def _prepare(workload: Workload, workers: Mapping[str, Worker]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """(what is known of those who take part, why the others do not), gdcore first."""
    ready: dict[str, dict[str, Any]] = {}
    out: dict[str, str] = {}
    reference: list[Any] = []
    for name in sorted(workers, key=lambda name: name != "gdcore"):
        state, answer = workers[name].ask("prepare", workload)
        if state == "done":
            result, settings = answer
            reference = reference or result
            ready[name] = {"settings": settings, "difference": difference(workload, result, reference)}
        elif name == "gdcore":
            raise RuntimeError(f"gdcore {state}: {answer}")
        else:
            out[name] = answer if state == "does not fit" else "failed: " + last_line(answer)
    return ready, out


def _take_turns(workers: Mapping[str, Worker], seconds: float) -> tuple[dict[str, list[tuple[float, float]]], int]:
    """(the samples of each, the number of rounds)"""
    names = list(workers)
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    stop, rounds = time.perf_counter() + seconds, 0
    while rounds < ROUNDS or time.perf_counter() < stop:
        first = rounds % len(names)
        for name in names[first:] + names[:first]:
            if rounds < ROUNDS or samples[name][0][0] <= SLOW * samples["gdcore"][0][0]:
                samples[name].append(take_sample(workers[name]))
        rounds += 1
    return samples, rounds


def take_sample(worker: Worker) -> tuple[float, float]:
    """Least and median time of a call; raises RuntimeError if the worker fails."""
    time.sleep(PAUSE)
    state, answer = worker.ask("sample", SLOT)
    if state != "done":
        raise RuntimeError(f"{worker.name} {state} while it was timed: {answer}")
    least, middle = answer
    return least, middle


def last_line(text: str) -> str:
    """Of a traceback: what was raised."""
    return text.strip().splitlines()[-1]


def summary(least: Sequence[float], middle: Sequence[float]) -> dict[str, float]:
    """Of samples, each with its least and its median: the least, the median, and half the quartiles' distance."""
    low, high = np.quantile(middle, [0.25, 0.75])
    return {
        "least": min(least),
        "median": median(middle),
        "spread": float(high - low) / 2,
        "samples": len(middle),
    }


def difference(workload: Workload, theirs: Sequence[Any], ours: Sequence[Any]) -> float:
    """How far results are apart: trainings by their losses, relative to that before; the others by their numbers."""
    if isinstance(workload, Training):
        start = loss_of(workload, workload.net.start())
        return abs(loss_of(workload, theirs) - loss_of(workload, ours)) / start
    return max(
        (float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in zip(theirs, ours, strict=True)), default=0.0
    )


def loss_of(workload: Training, weights: Sequence[Any]) -> float:
    """The loss over (at most 10,000 of) the rows, by NumPy."""
    x, y = (a[:10_000] for a in workload.arrays())
    a = x.astype(np.float64) if len(x) < 10_000 else x
    for w, b, name in zip(weights[::2], weights[1::2], workload.net.activations, strict=True):
        a = activate(name, a @ w + b)
    if workload.loss == "mae":
        return float(np.abs(a - y).mean())
    chances = a[np.arange(len(y)), y] if workload.loss == "crossentropy" else np.where(y > 0, a, 1 - a)
    return float(-np.log(np.maximum(chances, 1e-30)).mean())
