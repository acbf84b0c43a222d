"""What is installed, what it runs on, and how many threads one call may use."""

from __future__ import annotations

import os
from typing import Any

from ._core import kernels


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Print which build of the core is in use, its compiler, threads, versions and the BLAS of NumPy and SciPy.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Whether to print, or to return the same as nested dicts (as ``numpy.show_config``).

    Returns
    -------
    dict or None

    Raises
    ------
    ValueError
        For another mode.

    Notes
    -----
    The BLAS libraries are found by threadpoolctl, where that is installed.
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode={mode!r} is not 'stdout' or 'dicts'")
    config = _config()
    if mode == "dicts":
        return config
    for title, entries in config.items():
        print(f"{title}:")
        for key, value in entries.items():
            print(f"  {key}: {value}")
    return None


def _config() -> dict[str, Any]:
    import platform
    import sys

    from ._core import ISA
    from ._core._cpu import LEVEL
    from ._version import __version__

    return {
        "gdcore": {"version": __version__, "folder": os.path.dirname(os.path.abspath(__file__))},
        "core": {"isa": ISA, "compiler": kernels.COMPILER, "flags": kernels.FLAGS},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "level": f"x86-64-v{LEVEL}" if platform.machine().lower() in ("x86_64", "amd64") else "other",
            "processors": processors(),
        },
        "versions": {"python": sys.version.split()[0], **_versions("numpy", "scipy", "matplotlib")},
        "blas": _blas(),
    }


def _processor() -> str:
    import platform

    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def _versions(*packages: str) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _blas() -> dict[str, str]:
    """File name of each BLAS in this process -> what it is."""
    from importlib import import_module

    try:
        threadpoolctl: Any = import_module("threadpoolctl")
    except ImportError:
        return {"unknown": "threadpoolctl is not installed"}
    import_module("scipy.linalg")  # loads SciPy's own
    return {
        os.path.basename(pool["filepath"]): ", ".join(
            f"{key} {pool[key]}"
            for key in ("internal_api", "version", "architecture", "num_threads")
            if pool.get(key) is not None
        )
        for pool in threadpoolctl.threadpool_info()
        if pool.get("user_api") == "blas"
    }


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


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _allowed() -> int:
    for name in ("GDCORE_NUM_THREADS", "OMP_NUM_THREADS"):
        given = os.environ.get(name, "").split(",")[0].strip()
        if given.isdigit() and int(given) > 0:
            return int(given)
    allowed = processors()
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
