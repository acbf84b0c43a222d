"""How a runner is timed in its process: tuned first, then a sample at a time."""

from __future__ import annotations

import gc
import time
from statistics import median
from typing import Any

import numpy as np

from .peers.base import Runner
from .workloads import Training, Update, Workload


def in_order(runner: Runner, workload: Workload) -> list[Any]:
    """What must agree between peers: a training without shuffling, three updates, or one call of anything else."""
    if isinstance(workload, Training):
        runner.reset()
        runner.run(False)
        return [np.array(a) for a in runner.result()]
    for _ in range(3 if isinstance(workload, Update) else 1):
        runner.run()
    return [np.array(a[:100]) for a in runner.result()]


def tune(runner: Runner, workload: Workload) -> str:
    """Try the settings, stay with the fastest, and return its name."""
    least = {}
    for name, choose in runner.settings.items():
        choose()
        call(runner, workload)
        least[name] = sample(runner, workload, 0.2)[0]
    if not least:
        return ""
    best = min(least, key=least.__getitem__)
    runner.settings[best]()
    call(runner, workload)
    return best


def call(runner: Runner, workload: Workload, number: int = 1) -> float:
    """Seconds that so many calls took."""
    run, calls = runner.run, range(number)
    if isinstance(workload, Training):
        runner.reset()
        start = time.perf_counter()
        run(True)
        return time.perf_counter() - start
    start = time.perf_counter()
    for _ in calls:
        run()
    return time.perf_counter() - start


def sample(runner: Runner, workload: Workload, seconds: float) -> tuple[float, float]:
    """Least and median time of one call, over some time; a short call with cold caches does not count."""
    once = call(runner, workload)
    # so many calls between two looks at the clock that these do not show
    number = 1 if isinstance(workload, Training) else max(1, min(1000, int(1e-3 / max(once, 1e-6))))
    times = [once] if once > seconds else []
    gc.collect()
    gc.disable()
    try:
        stop = time.perf_counter() + seconds - once
        while not times or time.perf_counter() < stop:
            times.append(call(runner, workload, number) / number)
    finally:
        gc.enable()
    return min(times), median(times)
