"""What is installed, and what it runs on."""

from __future__ import annotations

from typing import Any


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
    import os
    import platform
    import sys

    from . import __version__
    from ._core import ISA, kernels
    from ._core._cpu import LEVEL

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "gdcore": {"version": __version__, "folder": os.path.dirname(os.path.abspath(__file__))},
        "core": {"isa": ISA, "compiler": kernels.COMPILER, "flags": kernels.FLAGS},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "level": f"x86-64-v{LEVEL}" if platform.machine().lower() in ("x86_64", "amd64") else "other",
            "processors": usable,
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
    import os
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
