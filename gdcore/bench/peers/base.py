"""What a peer is, and what it gives to be timed: a runner for one workload."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from ..workloads import Importing, Prediction, Product, Training, Update, Workload

EPSILON = 1e-7  # Keras's for Adam
KERAS_LOSSES = {
    "mae": "mae",
    "crossentropy": "sparse_categorical_crossentropy",
    "binary_crossentropy": "binary_crossentropy",
}


class DoesNotFit(Exception):
    """The library cannot do this workload; the message says why."""


class Runner(NamedTuple):
    """One workload, ready to be timed."""

    run: Callable[..., Any]
    """Does the workload once. Of a training, takes whether to shuffle."""
    result: Callable[[], list[Any]]
    """The weights, the updated array or the outputs."""
    reset: Callable[[], Any] = lambda: None
    """Back to the start; is not timed."""
    settings: Mapping[str, Callable[[], Any]] = {}
    """What the library leaves to its user, by name: each is tried, and the fastest is kept."""


class Peer(NamedTuple):
    """A library, and what makes its runner for each kind of workload; None where it takes no part."""

    packages: tuple[str, ...]
    how: str
    training: Callable[[Training], Runner] | None = None
    update: Callable[[Update], Runner] | None = None
    prediction: Callable[[Prediction], Runner] | None = None
    importing: Callable[[Importing], Runner] | None = None
    product: Callable[[Product], Runner] | None = None
    environment: tuple[tuple[str, str], ...] = ()

    def versions(self) -> dict[str, str] | None:
        """Of its packages; None if one is not installed."""
        try:
            return {package: version(package) for package in self.packages}
        except PackageNotFoundError:
            return None

    def runner(self, workload: Workload) -> Runner:
        """Raises `DoesNotFit` where the library cannot do the workload."""
        make: Any = getattr(self, type(workload).__name__.lower(), None)
        if make is None:
            raise DoesNotFit("this library does not take part in such workloads")
        return make(workload)


def analytic_only(workload: Training) -> None:
    """Raises `DoesNotFit` for a training by finite differences."""
    if workload.gradient != "analytic":
        raise DoesNotFit("has no finite differences")


def thread_choices(limit: Callable[[int], Any]) -> dict[str, Callable[[], Any]]:
    """A choice between one thread and one for each processor."""
    counts = sorted({1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1})
    return {f"threads={count}": lambda count=count: limit(count) for count in counts}  # type: ignore[misc]


def blas_thread_choices() -> dict[str, Callable[[], Any]]:
    """The same for NumPy's BLAS; none without threadpoolctl."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return {}
    return thread_choices(threadpool_limits)


def importing(module: str) -> Callable[[Importing], Runner]:
    """Whole processes of the interpreter that import the module."""

    def runner(workload: Importing) -> Runner:
        import subprocess
        import sys

        command = [sys.executable, "-c", f"import {module}"]
        compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return Runner(lambda: subprocess.run(command, check=True, env=compiled), list)

    return runner
