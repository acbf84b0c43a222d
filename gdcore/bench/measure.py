"""Timing: every peer in a process of its own, all of them in turn, and what the machine can do at best."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from statistics import median
from typing import Any

import numpy as np

from .._core import kernels
from ..reference.activations import activate
from .peers import Contestant, DoesNotFit, enter, fitting, gdcore_compiled
from .works import Importing, Net, Prediction, Product, Training, Update, Work

SLOT = 0.02  # seconds of one sample, unless one call takes longer
PAUSE = 0.02  # before a sample, so that the threads of the one before have gone to sleep
ROUNDS = 3  # at least
SLOW = 10.0  # a peer so many times slower than gdcore sits out after those rounds
PATIENCE = 900.0  # seconds to wait for an answer

# how far results may be from gdcore's: by the order of additions, and where the rows come in another order
# Of the loss before training: near its end Adam magnifies the roundings of float32, where float64 agrees to 1e-15.
TOLERANCE = {"in order": 0.01, "shuffled": 0.05}


# ---- in the process of a peer ----------------------------------------------------------------------------


def serve(connection: Any, name: str) -> None:
    """Answer requests until the other end is closed."""
    peer = enter(name)
    contestant: Any = None
    work: Any = None
    while True:
        try:
            request, argument = connection.recv()
        except EOFError:
            return
        try:
            if request == "prepare":
                contestant, work = None, argument
                contestant = peer.contestant(work)
                answer: Any = (in_order(contestant, work), tune(contestant, work))
            elif request == "sample":
                answer = sample(contestant, work, argument)
            else:
                answer = contestant.result()
        except DoesNotFit as reason:
            connection.send(("does not fit", str(reason)))
        except Exception:
            connection.send(("failed", traceback.format_exc()))
        else:
            connection.send(("done", answer))


def in_order(contestant: Contestant, work: Work) -> list[Any]:
    """What must agree between peers: a training without shuffling, three updates, a prediction or a product."""
    if isinstance(work, Training):
        contestant.reset()
        contestant.run(False)
        return [np.array(a) for a in contestant.result()]
    for _ in range(3 if isinstance(work, Update) else 1):
        contestant.run()
    return [np.array(a[:100]) for a in contestant.result()]


def tune(contestant: Contestant, work: Work) -> str:
    """Try the settings, stay with the fastest, and return its name."""
    least = {}
    for name, choose in contestant.settings.items():
        choose()
        call(contestant, work)
        least[name] = sample(contestant, work, 0.2)[0]
    if not least:
        return ""
    best = min(least, key=least.__getitem__)
    contestant.settings[best]()
    call(contestant, work)
    return best


def call(contestant: Contestant, work: Work, number: int = 1) -> float:
    """Seconds that so many calls took."""
    run, calls = contestant.run, range(number)
    if isinstance(work, Training):
        contestant.reset()
        start = time.perf_counter()
        run(True)
        return time.perf_counter() - start
    start = time.perf_counter()
    for _ in calls:
        run()
    return time.perf_counter() - start


def sample(contestant: Contestant, work: Work, seconds: float) -> tuple[float, float]:
    """Least and median time of one call, over some time; a short call with cold caches does not count."""
    once = call(contestant, work)
    # so many calls between two looks at the clock that these do not show
    number = 1 if isinstance(work, Training) else max(1, min(1000, int(1e-3 / max(once, 1e-6))))
    times = [once] if once > seconds else []
    gc.collect()
    gc.disable()
    try:
        stop = time.perf_counter() + seconds - once
        while not times or time.perf_counter() < stop:
            times.append(call(contestant, work, number) / number)
    finally:
        gc.enable()
    return min(times), median(times)


# ---- in the process of the benchmark ---------------------------------------------------------------------


class Worker:
    """A peer's process."""

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, name), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, request: str, argument: Any = None) -> tuple[str, Any]:
        """("done", answer), ("does not fit", why) or ("failed", what happened)."""
        try:
            self._connection.send((request, argument))
            if self._connection.poll(PATIENCE):
                return self._connection.recv()
        except (EOFError, OSError):
            return "failed", f"the process of {self.name} has ended"
        self._process.kill()
        return "failed", f"no answer within {PATIENCE:.0f} seconds"

    def close(self) -> None:
        self._connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()


def loss_of(work: Training, weights: Sequence[Any]) -> float:
    """The loss over (at most 10,000 of) the rows, by NumPy."""
    x, y = (a[:10_000] for a in work.arrays())
    a = x.astype(np.float64) if len(x) < 10_000 else x
    for w, b, name in zip(weights[::2], weights[1::2], work.net.activations, strict=True):
        a = activate(name, a @ w + b)
    if work.loss == "mae":
        return float(np.abs(a - y).mean())
    return float(-np.log(np.maximum(a[np.arange(len(y)), y], 1e-30)).mean())


def difference(work: Work, theirs: Sequence[Any], ours: Sequence[Any]) -> float:
    """How far results are apart: trainings by their losses, relative to that before; the others by their numbers."""
    if isinstance(work, Importing):
        return 0.0
    if isinstance(work, Training):
        return abs(loss_of(work, theirs) - loss_of(work, ours)) / loss_of(work, work.net.start())
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in zip(theirs, ours, strict=True))


def race(work: Work, workers: Mapping[str, Worker], seconds: float) -> dict[str, Any]:
    """Time one work with all peers in turn, round after round; gdcore must be one of them.

    Returns
    -------
    dict
        "peers": by name, `summary` of the samples with "settings", "difference", "shuffled_difference" and
        "wrong"; "out": by name, why a peer did not take part; "rounds".
    """
    ready: dict[str, dict[str, Any]] = {}
    out: dict[str, str] = {}
    reference: list[Any] = []
    for name in sorted(workers, key=lambda name: name != "gdcore"):
        state, answer = workers[name].ask("prepare", work)
        if state == "done":
            result, settings = answer
            reference = reference or result
            ready[name] = {"settings": settings, "difference": difference(work, result, reference)}
        elif name == "gdcore":
            raise RuntimeError(f"gdcore {state}: {answer}")
        else:
            out[name] = answer if state == "does not fit" else "failed: " + answer.strip().splitlines()[-1]
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in ready}
    stop, rounds = time.perf_counter() + seconds, 0
    while rounds < ROUNDS or time.perf_counter() < stop:
        for name in list(samples)[rounds % len(samples) :] + list(samples)[: rounds % len(samples)]:
            if rounds >= ROUNDS and samples[name][0][0] > SLOW * samples["gdcore"][0][0]:
                continue
            time.sleep(PAUSE)
            state, answer = workers[name].ask("sample", SLOT)
            if state == "done":
                samples[name].append(answer)
            else:
                raise RuntimeError(f"{name} {state} while it was timed: {answer}")
        rounds += 1
    shuffled = None
    for name, entry in ready.items():
        least, middle = ([work.in_unit(seconds) for seconds in part] for part in zip(*samples[name], strict=True))
        entry.update(summary(least, middle))
        entry["shuffled_difference"] = 0.0
        if isinstance(work, Training):
            _, weights = workers[name].ask("result")
            shuffled = shuffled or weights
            entry["shuffled_difference"] = difference(work, weights, shuffled)
        entry["wrong"] = not (
            entry["difference"] <= TOLERANCE["in order"] and entry["shuffled_difference"] <= TOLERANCE["shuffled"]
        )
    return {"peers": ready, "out": out, "rounds": rounds}


def phases(work: Training, seconds: float) -> dict[str, float]:
    """Where the time of one of gdcore's steps goes, in microseconds: the epochs that took the least."""
    model, (x, y) = gdcore_compiled(work), work.arrays()
    model.fit(x, y, batch_size=work.batch, verbose=0)
    data = model._data(x, y, None, False)
    best, stop = np.full(len(kernels.PHASES), np.inf), time.perf_counter() + seconds
    while not np.isfinite(best).all() or time.perf_counter() < stop:
        laps, figures = np.zeros(len(best)), np.empty((work.epochs, 1))
        orders = model._orders(work.batch < len(x))
        model._network.train(*data, work.batch, model.optimizer._core(), "analytic", 0.0, orders, figures, laps=laps)
        if laps.sum() < best.sum():
            best = laps
    return dict(zip(kernels.PHASES, (best / work.steps() * 1e6).tolist(), strict=True))


def summary(least: Sequence[float], middle: Sequence[float]) -> dict[str, float]:
    """Of samples, each with its least and its median: the least, the median, and half the quartiles' distance."""
    low, high = np.quantile(middle, [0.25, 0.75])
    return {
        "least": min(least),
        "median": median(middle),
        "spread": float(high - low) / 2,
        "samples": len(middle),
    }


# ---- what the machine can do -----------------------------------------------------------------------------


def processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def together(probe: Callable[[], float], threads: int) -> float:
    """The sum of what threads reach that probe at once."""
    if threads == 1:
        return probe()
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda _: probe(), range(threads)))


@cache
def fma_peak(threads: int) -> float:
    """Float32 operations per second in registers, in this build's vectors."""
    return together(lambda: kernels.probe_fma(0.3), threads)


@cache
def stream(nbytes: int, threads: int) -> float:
    """Bytes per second of a triad over so many bytes, shared out among threads."""
    return together(lambda: kernels.probe_stream(max(nbytes // threads, 768), 0.1), threads)


def roofline(work: Training | Update | Prediction | Product, seconds: float) -> dict[str, float]:
    """How near to the machine's own limits one step, update or call came.

    The roof is the longer of the least arithmetic at the peak of multiply-adds and the least traffic at the speed
    of memory that large, with all processors.
    """
    flops, nbytes, threads = work.flops(), work.bytes(), processors()
    arithmetic, traffic = flops / fma_peak(threads), nbytes / stream(int(nbytes), threads)
    return {
        "flops": flops,
        "bytes": nbytes,
        "seconds": seconds,
        "flops_per_second": flops / seconds,
        "fma_share_one_thread": flops / seconds / fma_peak(1),
        "fma_share": flops / seconds / fma_peak(threads),
        "roof_seconds": max(arithmetic, traffic),
        "roof_share": max(arithmetic, traffic) / seconds,
    }


def growth(seconds: float) -> list[dict[str, Any]]:
    """The time of a training step over widths, depths and batch sizes, each with its roofline.

    Relu nets trained by SGD; the rows of data are as many as make the call's own cost small.
    """
    sweeps = {
        "width": [(width, 2, 64) for width in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)],
        "depth": [(64, depth, 64) for depth in range(1, 17)],
        "batch": [(64, 2, batch) for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)],
    }
    return [
        {"sweep": sweep, "width": width, "depth": depth, "batch": batch, **_grown(width, depth, batch, seconds)}
        for sweep, configurations in sweeps.items()
        for width, depth, batch in configurations
    ]


def _grown(width: int, depth: int, batch: int, seconds: float) -> dict[str, float]:
    net = Net((width,) * (depth + 1), ("relu",) * depth)
    work = Training("", "", "", net, "mae", "sgd", 1e-6, batch, 1)
    # some milliseconds of arithmetic at a tenth of the peak, 16 to 4096 steps, and not too much memory
    steps = int(min(max(5e-3 * fma_peak(1) / 10 / work.flops(), 16), 4096, max(2**26 / (batch * width), 16)))
    rng = np.random.default_rng(3)
    x = rng.random((steps * batch, width), np.float32)
    contestant = fitting(work, x, x[::-1].copy())
    contestant.run(True)
    times: list[float] = []
    stop = time.perf_counter() + seconds
    while len(times) < ROUNDS or time.perf_counter() < stop:
        contestant.reset()
        start = time.perf_counter()
        contestant.run(True)
        times.append((time.perf_counter() - start) / steps)
    return roofline(work, median(times))


def bumps(points: Sequence[Mapping[str, Any]], factor: float = 1.5) -> list[Mapping[str, Any]]:
    """Points that stand out: so many times further above the roofline than points of their sweep on either side."""
    found = []
    for i, here in enumerate(points):
        share = [p["roof_share"] if p["sweep"] == here["sweep"] else 0.0 for p in points]
        if share[i] * factor < min(max(share[:i], default=0.0), max(share[i + 1 :], default=0.0)):
            found.append(here)
    return found
