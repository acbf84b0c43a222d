"""What the machine can do at best, and how near to it a workload comes."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from .._core import kernels
from .workloads import Prediction, Product, Training, Update


def processors() -> int:
    """That this process may use."""
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


def probe() -> dict[str, float]:
    """The limits that the report names: memory by 256 MB, caches by 1 MB."""
    threads = processors()
    return {
        "fma_one_thread": fma_peak(1),
        "fma": fma_peak(threads),
        "stream_one_thread": stream(2**28, 1),
        "stream": stream(2**28, threads),
        "stream_cache_one_thread": stream(2**20, 1),
        "stream_cache": stream(2**20, threads),
        "threads": threads,
    }


def roofline(workload: Training | Update | Prediction | Product, seconds: float) -> dict[str, float]:
    """How near to the machine's own limits one step, update or call came.

    The roof is the longer of the least arithmetic at the peak of multiply-adds and the least traffic at the speed
    of memory that large, with all processors.
    """
    flops, nbytes, threads = workload.flops(), workload.bytes(), processors()
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
