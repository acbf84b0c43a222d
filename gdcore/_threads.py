"""How many threads one call may use."""

from __future__ import annotations

import os
from typing import Any

from ._core import kernels


def set_num_threads(n: int | None) -> None:
    """Choose how many threads the loops of one step may use, from now on.

    Results do not depend on it, to the last bit.  Only large layers are worth more than one thread.

    Parameters
    ----------
    n : int or None
        At least 1.  None is what the package starts with: ``GDCORE_NUM_THREADS`` or ``OMP_NUM_THREADS`` where one of
        them is set, otherwise the processors that this process may use (its affinity and the quota of its cgroup).
    """
    if n is None:
        kernels.set_threads(_allowed())
        return
    if isinstance(n, bool) or not hasattr(n, "__index__") or n < 1:
        raise ValueError(f"n={n!r} is not an integer of at least 1, or None")
    kernels.set_threads(int(n))


def get_num_threads() -> int:
    """How many threads the loops of one step may use."""
    return kernels.get_threads()


def _allowed() -> int:
    for name in ("GDCORE_NUM_THREADS", "OMP_NUM_THREADS"):
        given = os.environ.get(name, "").split(",")[0].strip()
        if given.isdigit() and int(given) > 0:
            return int(given)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota(allowed)))


def _quota(otherwise: int) -> int:
    """Whole processors in the quota of this process's cgroup, version 2 or 1."""
    try:
        quota, period = _words("/sys/fs/cgroup/cpu.max")[:2]
    except OSError:
        try:
            quota = _words("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")[0]
            period = _words("/sys/fs/cgroup/cpu/cpu.cfs_period_us")[0]
        except OSError:
            return otherwise
    if not quota.isdigit() or not int(quota):
        return otherwise  # "max", or -1
    return max(1, round(int(quota) / int(period)))


def _words(path: str) -> Any:
    with open(path) as file:
        return file.read().split()


set_num_threads(None)
