"""Descents by the optimizers of `gdcore.optimizers`, from many starts side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import get_num_threads
from .engine import descend
from .results import Records

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..optimizers import Optimizer
    from .listeners import Listener
    from .objectives import Objective
    from .starts import Stops

LANE_NUMBERS = 512
"""Starts are worked on in groups of so many numbers at most, for the sake of vector instructions."""
STARTS_PER_THREAD = 64
"""Fewer are not worth another thread."""
SHARES_PER_THREAD = 4
"""Into so many shares a thread's work is cut, as one thread may be kept waiting."""


def descend_all(
    objective: Objective,
    optimizer: Optimizer,
    starts: NDArray[Any],
    stops: Stops,
    listener: Listener | None,
    history: bool,
    trajectory: bool,
) -> Records:
    """Descend from each of the starts, of shape (starts, n), shared out among threads.

    Parameters
    ----------
    objective, starts, stops, listener
    optimizer : Optimizer
        Copies of its settings are used.
    history, trajectory : bool
        Whether to keep the value, and the point, of each step.
    """
    count, n = starts.shape
    records = Records.empty(starts, stops.maxiter, history, trajectory)
    called = objective.kind == "called"
    lanes = min(count, max(1, LANE_NUMBERS // n)) if optimizer._elementwise and not called else 1
    # what calls Python is called in order, whatever the number of processors
    in_order = called or optimizer._calls_python
    threads = 1 if in_order else min(get_num_threads(), -(-count // max(lanes, STARTS_PER_THREAD)))
    share = -(-count // (lanes * SHARES_PER_THREAD * threads)) * lanes
    stop = np.zeros(1, np.int64)
    firsts = iter(range(0, count, share))  # taking the next one is safe among threads

    def work() -> None:
        try:
            for first in firsts:
                fresh = optimizer._fresh()
                fresh._build([np.zeros(n * lanes, starts.dtype)])
                last = min(first + share, count)
                descend(objective, fresh._plan(), lanes, first, last, stops, records, stop, listener)
        except BaseException:
            stop[0] = 1  # the others leave off too
            raise

    _side_by_side(work, threads, stop)
    return records


def _side_by_side(work: Callable[[], None], threads: int, stop: NDArray[Any]) -> None:
    """Call work in so many threads at once, of which this is one."""
    if threads == 1:
        work()
        return
    from concurrent.futures import ThreadPoolExecutor

    try:
        with ThreadPoolExecutor(threads - 1) as pool:
            others = [pool.submit(work) for _ in range(threads - 1)]
            work()
    except BaseException:  # also what comes while others are waited for
        stop[0] = 1
        raise
    for other in others:
        other.result()
