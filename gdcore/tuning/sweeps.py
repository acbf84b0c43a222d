"""`sweep`: one model trained with many settings, on all processors, with the same numbers on any number of them."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .. import random as _random
from .._names import look_up
from ..callbacks.progress import as_clock
from ..config import processors
from ..data import Dataset
from ..models import Sequential
from .grid import key_of, rounds, settings_of
from .journal import Journal
from .results import Run, Sweep

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from .grid import Grid
    from .results import Task

_SEARCHES = ("grid", "random", "halving")
_SMALL_IS_GOOD = ("loss", "error", "crossentropy", "divergence")
_SEEDS = threading.Lock()  # models are built one after the other: what they draw from belongs to the process


def sweep(
    build: Callable[..., Sequential],
    x: Any,
    y: Any = None,
    grid: Grid = None,
    epochs: int = 1,
    batch_size: int | None = None,
    validation_split: float = 0.0,
    n_jobs: int = -1,
    seed: int | None = None,
    repeats: int = 1,
    *,
    search: str = "grid",
    samples: int = 10,
    factor: int = 3,
    monitor: str | None = None,
    mode: str = "auto",
    callbacks: Any = None,
    file: str | os.PathLike[str] | None = None,
    parallel: Any = None,
    verbose: int | str = "auto",
    **fit_options: Any,
) -> Sweep:
    """Train a model with each of many settings.

    Parameters
    ----------
    build : callable
        Makes a compiled model of keyword arguments, one of each name in `grid`.
    x, y, epochs, batch_size, validation_split
        As for `Sequential.fit`; x may be a `Dataset` in memory.
    grid : dict of str to values
        The values of each parameter; or a list of such dictionaries, to try all that any of them says.
        For ``search="random"`` a callable may stand for values: it is given a
        ``numpy.random.Generator`` and returns one.
    n_jobs : int
        Threads, of which each trains one model (the core needs no interpreter); -1 takes all processors.  It has no
        influence on the numbers.
    seed : int, optional
        From 0 to 2**32 - 1; repeat r of every setting starts from ``utils.set_random_seed(seed + r)``.  One is drawn
        if it is not given.  All generators are left as they were.
    repeats : int
        Trainings of each setting, from different seeds.
    search : {"grid", "random", "halving"}
        Every combination; `samples` combinations drawn from all; or successive halving: every combination for few
        epochs, then again and again the best ``1 / factor`` of them for `factor` times as many, up to `epochs`.
    monitor : str, optional
        The figure to choose the best by, its last value: by default "val_loss" if there is something to validate on,
        otherwise "loss".
    mode : {"auto", "min", "max"}
        Whether a smaller or a greater one is better; "auto" knows for losses and errors (smaller) and for all else.
    callbacks : Callback, list of Callback, or callable, optional
        Every run gets copies; a callable is called for each run with its parameters and returns its callbacks.
    file : str or path, optional
        Where finished runs are written, a line of JSON each.  Called again with the same arguments, only what is
        not in the file is trained.
    parallel : joblib.Parallel, optional
        Runs the trainings instead of threads (processes, a cluster); `n_jobs` has no meaning then.
    verbose : {"auto", 0, 1}
        Whether to show a bar with the time left; "auto" does so on a terminal.
    **fit_options
        For `Sequential.fit`: ``validation_data``, ``shuffle``, ``class_weight``, ...

    Returns
    -------
    Sweep
        A run that diverges, or has not enough memory, is in it as all others are.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, or a file of another sweep; and whatever `build` and `fit` raise.
    """
    look_up("search", search, dict.fromkeys(_SEARCHES))
    epochs, repeats = _checks.integer("epochs", epochs, 1), _checks.integer("repeats", repeats, 1)
    factor, samples = _checks.integer("factor", factor, 2), _checks.integer("samples", samples, 1)
    _checks.choice("mode", mode, ("auto", "min", "max"))
    bar, threads = _shows_bar(verbose), _threads(n_jobs)
    if seed is None:
        seed = int(np.random.default_rng().integers(2**31))
    seed = _checks.integer("seed", seed, 0, 2**32 - repeats)
    values, settings = settings_of(grid, search, samples, seed)
    data = _in_memory(x, y)
    validated = bool(validation_split) or fit_options.get("validation_data") is not None
    monitor = monitor or ("val_loss" if validated else "loss")
    if mode == "auto":
        mode = "min" if any(word in monitor for word in _SMALL_IS_GOOD) else "max"

    options = dict(fit_options, batch_size=batch_size, validation_split=validation_split, verbose=0)
    start = time.perf_counter()
    dtype = _built(build, settings[0], seed).dtype
    data = data._materialized(dtype)  # once, instead of once for each run
    held = options.get("validation_data")
    if isinstance(held, Dataset) and held.in_memory:
        options["validation_data"] = held._materialized(dtype)
    journal = None if file is None else Journal(file, list(values), seed, (data, callbacks, options))
    trainings = _Trainings(partial(train, build, data, callbacks, options), threads, parallel, journal, bar)
    runs: list[Run] = []
    for budget, kept in rounds(search, len(settings), epochs, factor):
        if kept < len(settings):
            cells = {key_of(cell[0].params) for cell in Sweep(runs, values, monitor, mode, 0.0).ranked()[:kept]}
            settings = [params for params in settings if key_of(params) in cells]
        runs += trainings.run([(params, i, seed + i, budget) for params in settings for i in range(repeats)])
    known = {name: 0 for run in runs for name in run.history}
    if known:
        look_up("monitor", monitor, known)
    return Sweep(runs, values, monitor, mode, time.perf_counter() - start)


def _in_memory(x: Any, y: Any) -> Dataset:
    """The data as a Dataset of arrays."""
    if isinstance(x, Dataset) and y is not None:
        raise ValueError("y is given, but x is a Dataset with its own")
    data = x if isinstance(x, Dataset) else Dataset(x, y)
    if not data.in_memory:
        raise ValueError("x is streamed, but all runs read it at once: expected arrays in memory")
    return data


def _threads(n_jobs: Any) -> int:
    """How many threads `n_jobs` asks for."""
    if _checks.integer("n_jobs", n_jobs) < 1 and n_jobs != -1:
        raise ValueError(f"n_jobs={n_jobs!r} is not a positive integer or -1")
    return processors() if n_jobs == -1 else int(n_jobs)


def _shows_bar(verbose: Any) -> bool:
    """Whether `verbose` asks for a bar."""
    if isinstance(verbose, str):
        return bool(_checks.choice("verbose", verbose, ("auto", 0, 1)) and sys.stdout.isatty())
    return bool(_checks.choice("verbose", int(verbose) if isinstance(verbose, bool) else verbose, ("auto", 0, 1)))


def train(build: Callable[..., Sequential], data: Dataset, callbacks: Any, options: dict[str, Any], task: Task) -> Run:
    """One training; alone it needs nothing but its arguments, in whatever thread or process."""
    from copy import deepcopy

    params, repeat, seed, epochs = task
    model = _built(build, params, seed, data._x)
    if callable(callbacks) and not isinstance(callbacks, list | tuple):
        mine = callbacks(**params)
    else:
        mine = deepcopy(callbacks)
    rows = data._changed(seed=seed)
    start = time.perf_counter()
    before, error = float("nan"), ""
    try:
        before = model.evaluate(rows, batch_size=options["batch_size"], return_dict=True, allow_nan=True)["loss"]
        model.fit(rows, epochs=epochs, callbacks=mine, **options)
    except MemoryError as problem:
        error = f"not enough memory: {problem}"
    seconds = time.perf_counter() - start
    history = {} if error or model.history is None else model.history.history
    return Run(params, repeat, seed, epochs, history, before, seconds, error)


def _built(build: Callable[..., Sequential], params: Mapping[str, Any], seed: int, x: Any = None) -> Sequential:
    """The model of these parameters as it is after `set_random_seed`; all generators are left as they were."""
    from copy import deepcopy

    with _SEEDS, _seeded(seed):
        model = build(**deepcopy(dict(params)))
        if not isinstance(model, Sequential):
            raise TypeError(f"build returned {model!r}, expected a compiled Sequential")
        model._ready("sweep")
        if x is not None and not model.built:
            model._stack.built_for(x)  # draws the weights
    return model


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    import random as python

    from ..utils import set_random_seed

    kept = python.getstate(), np.random.get_state(), dict(vars(_random._State))  # noqa: NPY002
    try:
        set_random_seed(seed)
        yield
    finally:
        python.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        for name, value in kept[2].items():
            if not name.startswith("__"):
                setattr(_random._State, name, value)


class _Trainings:
    """Runs trainings, several at a time, and keeps what is finished in a journal.

    Parameters
    ----------
    function : callable
        Takes a task and returns its run.
    threads : int
    parallel : joblib.Parallel, optional
        Instead of threads.
    journal : Journal, optional
    bar : bool
        Whether to show how far it is.
    """

    def __init__(
        self, function: Callable[[Task], Run], threads: int, parallel: Any, journal: Journal | None, bar: bool
    ) -> None:
        self._train, self._threads, self._parallel = function, threads, parallel
        self._journal, self._bar = journal, bar

    def run(self, tasks: list[Task]) -> list[Run]:
        """The runs of these tasks, in their order."""
        found = [None if self._journal is None else self._journal.find(task) for task in tasks]
        missing = [(i, task) for i, task in enumerate(tasks) if found[i] is None]
        start = time.perf_counter()
        for count, (i, run) in enumerate(self._finished(missing), 1):
            found[i] = run
            if self._journal is not None:
                self._journal.write(run)
            if self._bar:
                self._draw(count, len(missing), time.perf_counter() - start)
        return [run for run in found if run is not None]

    @staticmethod
    def _draw(count: int, total: int, seconds: float) -> None:
        left = seconds * (total - count) / count
        filled = "=" * (30 * count // total)
        end = "\n" if count == total else ""
        print(f"\r{count}/{total} [{filled:.<30}] - ETA: {as_clock(left):<8}", end=end, flush=True)

    def _finished(self, tasks: list[tuple[int, Task]]) -> Iterator[tuple[int, Run]]:
        """Number and run, as they are finished."""
        if self._parallel is not None:
            from joblib import delayed

            runs = self._parallel(delayed(self._train)(task) for _, task in tasks)
            # what it returns is in order, as a list or one after the other
            yield from zip((i for i, _ in tasks), runs, strict=True)
        elif self._threads == 1 or len(tasks) < 2:
            for i, task in tasks:
                yield i, self._train(task)
        else:
            from concurrent.futures import ThreadPoolExecutor, as_completed

            pool = ThreadPoolExecutor(min(self._threads, len(tasks)))
            try:
                futures = {pool.submit(self._train, task): i for i, task in tasks}
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                pool.shutdown(cancel_futures=True)
