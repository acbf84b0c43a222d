"""How the cost of a training step grows with width, depth and batch size."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from .peers import ours
from .race import ROUNDS
from .roofline import fma_peak, roofline
from .workloads import Net, Training

SWEEPS = {  # (width, depth, batch)
    "width": [(width, 2, 64) for width in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)],
    "depth": [(64, depth, 64) for depth in range(1, 17)],
    "batch": [(64, 2, batch) for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)],
}


def growth(seconds: float) -> list[dict[str, Any]]:
    """The time of a training step over widths, depths and batch sizes, each with its roofline.

    Relu nets trained by SGD; the rows of data are as many as make the call's own cost small.
    """
    return [
        {"sweep": sweep, "width": width, "depth": depth, "batch": batch, **grown(width, depth, batch, seconds)}
        for sweep, configurations in SWEEPS.items()
        for width, depth, batch in configurations
    ]


def grown(width: int, depth: int, batch: int, seconds: float) -> dict[str, float]:
    """One point of it."""
    net = Net((width,) * (depth + 1), ("relu",) * depth)
    workload = Training("", "", "", net, "mae", "sgd", 1e-6, batch, 1)
    # some milliseconds of arithmetic at a tenth of the peak, 16 to 4096 steps, and not too much memory
    steps = int(min(max(5e-3 * fma_peak(1) / 10 / workload.flops(), 16), 4096, max(2**26 / (batch * width), 16)))
    rng = np.random.default_rng(3)
    x = rng.random((steps * batch, width), np.float32)
    runner = ours.fitting(workload, x, x[::-1].copy())
    runner.run(True)
    times: list[float] = []
    stop = time.perf_counter() + seconds
    while len(times) < ROUNDS or time.perf_counter() < stop:
        runner.reset()
        start = time.perf_counter()
        runner.run(True)
        times.append((time.perf_counter() - start) / steps)
    return roofline(workload, median(times))


def bumps(points: Sequence[Mapping[str, Any]], factor: float = 1.5) -> list[Mapping[str, Any]]:
    """Points that stand out: so many times further above the roofline than points of their sweep on either side."""
    found = []
    for i, here in enumerate(points):
        share = [p["roof_share"] if p["sweep"] == here["sweep"] else 0.0 for p in points]
        if share[i] * factor < min(max(share[:i], default=0.0), max(share[i + 1 :], default=0.0)):
            found.append(here)
    return found
