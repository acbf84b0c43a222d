"""`sweep`: one model trained with many settings, on all processors, with the same numbers on any number of them."""

from __future__ import annotations

import itertools
import math
import os
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import random as _random
from .._checks import integer as _whole
from .._text import aligned
from ..callbacks import _clock
from ..data import Dataset
from ..models import Sequential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_SEARCHES = {"grid": 0, "random": 1, "halving": 2}
_SEEDS = threading.Lock()  # models are built one after the other: what they draw from belongs to the process


class Run(NamedTuple):
    """One training: a row of the table.

    ``utils.set_random_seed(run.seed); model = build(**run.params); model.fit(x, y, epochs=run.epochs, ...)`` is the
    same training once more.
    """

    params: dict[str, Any]
    repeat: int
    seed: int
    epochs: int
    history: dict[str, list[float]]
    """As ``History.history``."""
    before: float
    """The loss before training."""
    seconds: float
    error: str = ""
    """Why it has no history: there was not enough memory, say."""

    @property
    def diverged(self) -> bool:
        """Whether the loss became nan or inf, or ended at more than twice what it was before training."""
        losses = self.history.get("loss", [])
        return not losses or not all(map(math.isfinite, losses)) or losses[-1] > 2 * self.before

    def final(self, name: str) -> float:
        """The last figure of that name, nan if there is none."""
        return self.history.get(name, [math.nan])[-1]


class Sweep:
    """What `gdcore.sweep` returns.

    Attributes
    ----------
    runs : list of Run
        In the order of the settings, the repeats of each together; of successive halving all rounds.
    grid : dict of str to list
        The values that were tried.
    monitor : str
        What the best is chosen by.
    mode : {"min", "max"}
    seconds : float
        For all of them, as the clock has it.
    """

    def __init__(self, runs: list[Run], grid: dict[str, list[Any]], monitor: str, mode: str, seconds: float) -> None:
        self.runs, self.grid, self.monitor, self.mode, self.seconds = runs, grid, monitor, mode, seconds

    def __len__(self) -> int:
        return len(self.runs)

    def cells(self) -> list[list[Run]]:
        """The repeats of each setting, in order; of successive halving those of its last round."""
        found: dict[str, list[Run]] = {}
        for run in self.runs:
            cell = found.setdefault(_key(run.params), [])
            if cell and run.epochs > cell[0].epochs:
                cell.clear()
            cell.append(run)
        return list(found.values())

    def score(self, cell: Sequence[Run], name: str | None = None) -> float:
        """The mean over repeats of the last figure of that name (by default `monitor`); nan if one diverged."""
        if any(run.diverged for run in cell):
            return math.nan
        return float(np.mean([run.final(name or self.monitor) for run in cell]))

    def ranked(self) -> list[list[Run]]:
        """The cells, the best one first; those that diverged last."""
        most = max((run.epochs for run in self.runs), default=0)

        def rank(cell: list[Run]) -> tuple[bool, int, float]:
            score = self.score(cell)
            return (math.isnan(score), most - cell[0].epochs, score if self.mode == "min" else -score)

        return sorted(self.cells(), key=rank)

    @property
    def best(self) -> Run:
        """The first repeat of the setting with the best mean of `monitor`.

        Raises
        ------
        ValueError
            If all of them diverged.
        """
        cell = self.ranked()[0]
        if math.isnan(self.score(cell)):
            raise ValueError("there is no best run: all of them diverged")
        return cell[0]

    def best_by(self, name: str) -> dict[Any, Run]:
        """For each value of a parameter the best run with it; values with which all diverged are left out."""
        from .._names import look_up

        look_up("name", name, self.grid)
        found: dict[Any, Run] = {}
        for cell in self.ranked():
            if not math.isnan(self.score(cell)):
                found.setdefault(_label(cell[0].params[name]), cell[0])
        return {label: found[label] for label in map(_label, self.grid[name]) if label in found}

    def table(self) -> str:
        """A line for each setting, the best one first: parameters, figures (means over repeats), seconds."""
        names = sorted({name for run in self.runs for name in run.history})
        head = [*self.grid, *names, "epochs", "seconds", ""]
        lines = [head]
        for cell in self.ranked():
            bad = sum(run.diverged for run in cell)
            note = cell[0].error or ("diverged" if bad else "")
            if 0 < bad < len(cell):
                note = f"{bad} of {len(cell)} diverged"
            figures = [float(np.mean([run.final(name) for run in cell])) for name in names]
            seconds = sum(run.seconds for run in cell)
            lines.append(
                [*(str(_label(cell[0].params[name])) for name in self.grid), *(f"{value:.4g}" for value in figures),
                 str(cell[0].epochs), f"{seconds:.3g}", note]
            )  # fmt: skip
        return aligned(lines, len(head))

    def to_pandas(self) -> Any:
        """A row for each run as a ``pandas.DataFrame``: parameters, repeat, seed, last figures, whether it diverged.

        Raises
        ------
        ImportError
            Without pandas.
        """
        import pandas

        rows = [
            {name: _label(value) for name, value in run.params.items()}
            | {"repeat": run.repeat, "seed": run.seed, "epochs": run.epochs}
            | {name: values[-1] for name, values in run.history.items()}
            | {"seconds": run.seconds, "diverged": run.diverged, "error": run.error}
            for run in self.runs
        ]
        return pandas.DataFrame(rows)

    def plot(self, key: str | None = None, rows: str | None = None, *, lang: str = "en") -> Any:
        """A grid of curves by epoch: values of one parameter as rows, those of all others as columns.

        Parameters
        ----------
        key : str, optional
            Which figure to draw; by default `monitor`.
        rows : str, optional
            The parameter for the rows; by default the first one.
        lang : {"en", "es"}

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ..plots.sweeps import draw

        return draw(self, key or self.monitor, rows or next(iter(self.grid)), lang)

    def __repr__(self) -> str:
        bad = sum(run.diverged for run in self.runs)
        return f"<Sweep of {len(self.runs)} runs over {', '.join(self.grid)}; {bad} diverged; {self.seconds:.3g} s>"


def sweep(
    build: Callable[..., Sequential],
    x: Any,
    y: Any = None,
    grid: Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Iterable[Any]]] | None = None,
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
    from .._names import look_up

    look_up("search", search, _SEARCHES)
    epochs, repeats = _whole("epochs", epochs, 1), _whole("repeats", repeats, 1)
    factor, samples = _whole("factor", factor, 2), _whole("samples", samples, 1)
    if mode not in ("auto", "min", "max"):
        raise ValueError(f"mode={mode!r} is not 'auto', 'min' or 'max'")
    if verbose not in ("auto", 0, 1):
        raise ValueError(f"verbose={verbose!r} is not 'auto', 0 or 1")
    if seed is None:
        seed = int(np.random.default_rng().integers(2**31))
    if not 0 <= _whole("seed", seed, 0) <= 2**32 - repeats:
        raise ValueError(f"seed={seed} is not between 0 and 2**32 - repeats")
    values, settings = _space(grid, search, samples, seed)
    data = x if isinstance(x, Dataset) else Dataset(x, y)
    if isinstance(x, Dataset) and y is not None:
        raise ValueError("y is given, but x is a Dataset with its own")
    if not data.in_memory:
        raise ValueError("x is streamed, but all runs read it at once: expected arrays in memory")
    validated = bool(validation_split) or fit_options.get("validation_data") is not None
    monitor = monitor or ("val_loss" if validated else "loss")
    if mode == "auto":
        mode = "min" if any(word in monitor for word in ("loss", "error", "crossentropy", "divergence")) else "max"

    options = dict(fit_options, batch_size=batch_size, validation_split=validation_split, verbose=0)
    start = time.perf_counter()
    first = _built(build, settings[0], seed)
    data = data._settled(first.dtype)  # once, instead of once for each run
    held = options.get("validation_data")
    if isinstance(held, Dataset) and held.in_memory:
        options["validation_data"] = held._settled(first.dtype)
    trainings = _Trainings(
        (build, data, callbacks, options), _threads(n_jobs), parallel, file, seed, list(values), verbose
    )
    runs: list[Run] = []
    for budget, kept in _rounds(search, len(settings), epochs, factor):
        if kept < len(settings):
            cells = {_key(cell[0].params) for cell in Sweep(runs, values, monitor, mode, 0.0).ranked()[:kept]}
            settings = [params for params in settings if _key(params) in cells]
        runs += trainings.run(
            [(params, repeat, seed + repeat, budget) for params in settings for repeat in range(repeats)]
        )
    known = {name: 0 for run in runs for name in run.history}
    if known:
        look_up("monitor", monitor, known)
    return Sweep(runs, values, monitor, mode, time.perf_counter() - start)


def train(
    build: Callable[..., Sequential], data: Dataset, callbacks: Any, options: dict[str, Any], task: tuple[Any, ...]
) -> Run:
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
    before, error = math.nan, ""
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
        if x is not None:
            model._stack.built_for(x)
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
    """Runs trainings, several at a time, and keeps what is finished in a file."""

    def __init__(
        self,
        arguments: tuple[Any, ...],
        threads: int,
        parallel: Any,
        file: str | os.PathLike[str] | None,
        seed: int,
        names: list[str],
        verbose: int | str,
    ) -> None:
        self._train: Any = partial(train, *arguments)
        self._threads, self._parallel = threads, parallel
        self._bar = verbose == 1 or (verbose == "auto" and sys.stdout.isatty())
        self._path = None if file is None else os.fspath(file)
        self._lines: dict[tuple[str, int, int], dict[str, Any]] = {}
        if self._path is not None:
            self._open(self._path, {"parameters": names, "seed": seed, "data": _fingerprint(arguments[1:])})

    def run(self, tasks: list[tuple[Any, ...]]) -> list[Run]:
        """The runs of these tasks, in their order."""
        found: list[Run | None] = [self._known(task) for task in tasks]
        missing = [i for i, run in enumerate(found) if run is None]
        start = time.perf_counter()
        for count, (i, run) in enumerate(self._finished([(i, tasks[i]) for i in missing]), 1):
            found[i] = run
            self._write(run)
            if self._bar:
                left = (time.perf_counter() - start) * (len(missing) - count) / count
                filled = "=" * (30 * count // len(missing))
                end = "\n" if count == len(missing) else ""
                print(f"\r{count}/{len(missing)} [{filled:.<30}] - ETA: {_clock(left):<8}", end=end, flush=True)
        return [run for run in found if run is not None]

    def _finished(self, tasks: list[tuple[int, tuple[Any, ...]]]) -> Iterator[tuple[int, Run]]:
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

    def _open(self, path: str, head: dict[str, Any]) -> None:
        import json

        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            content = b""
        whole = content[: content.rfind(b"\n") + 1]  # a last line without an end was cut off while it was written
        try:
            lines = [json.loads(line) for line in whole.splitlines()]
            if lines and set(lines[0]) != set(head):
                raise ValueError("its first line is not that of a sweep")
            self._lines = {(line["key"], line["repeat"], line["epochs"]): line for line in lines[1:]}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"file={path!r} is not a file of sweep, or damaged: {error}") from error
        if lines and lines[0] != head:
            other = [name for name in head if lines[0][name] != head[name]]
            raise ValueError(f"file={path!r} belongs to another sweep: {', '.join(other)} differ; give another file")
        if not lines:
            self._append(path, head)
        elif len(whole) < len(content):
            os.truncate(path, len(whole))

    def _known(self, task: tuple[Any, ...]) -> Run | None:
        params, repeat, seed, epochs = task
        line = self._lines.get((_key(params), repeat, epochs))
        return (
            None
            if line is None
            else Run(params, repeat, seed, epochs, line["history"], line["before"], line["seconds"], line["error"])
        )

    def _write(self, run: Run) -> None:
        if self._path is not None:
            line = {"key": _key(run.params), "repeat": run.repeat, "epochs": run.epochs}
            self._append(
                self._path,
                line
                | {"before": run.before, "seconds": run.seconds, "error": run.error, "history": _plain(run.history)},
            )

    @staticmethod
    def _append(path: str, line: dict[str, Any]) -> None:
        import json

        # one write of a whole line to the end of the file: it is there or not
        with open(path, "ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
            os.fsync(file.fileno())


def _space(grid: Any, search: str, samples: int, seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values of each parameter, and the settings to try."""
    if not isinstance(grid, list | tuple):
        values = _values(grid, search)
        return values, _settings(values, search, samples, seed)
    if search == "random" or not grid:
        raise ValueError(f"grid is a list of {len(grid)} dictionaries, which search={search!r} cannot draw from")
    parts = [_values(part, search) for part in grid]
    for part in parts[1:]:
        if set(part) != set(parts[0]):
            raise ValueError(f"grid has dictionaries of different parameters: {list(parts[0])} and {list(part)}")
    settings = {_key(params): params for part in parts for params in _settings(part, search, samples, seed)}
    union = {name: {_label(value): value for part in parts for value in part[name]} for name in parts[0]}
    return {name: list(found.values()) for name, found in union.items()}, list(settings.values())


def _values(grid: Mapping[str, Iterable[Any]] | None, search: str) -> dict[str, Any]:
    """The values of each parameter as lists; callables stay."""
    if not grid:
        raise ValueError("grid is missing: expected a dictionary of parameters and their values")
    values: dict[str, Any] = {}
    for name, given in grid.items():
        if callable(given) and not isinstance(given, list | tuple):
            if search != "random":
                raise TypeError(f"grid[{name!r}] is a callable, which only search='random' can draw from")
            values[name] = given
            continue
        if isinstance(given, str) or not np.iterable(given):
            raise TypeError(f"grid[{name!r}]={given!r} is not a list of values")
        values[name] = [value.item() if isinstance(value, np.generic) else value for value in given]
        if not values[name]:
            raise ValueError(f"grid[{name!r}] has no values")
    return values


def _settings(values: dict[str, Any], search: str, samples: int, seed: int) -> list[dict[str, Any]]:
    """The combinations to try; where values are drawn, `values` gets those that were."""
    drawn = [name for name, given in values.items() if callable(given)]
    if search == "random":
        rng = np.random.default_rng(seed)
        if drawn:
            chosen = [
                {
                    name: given(rng) if name in drawn else given[rng.integers(len(given))]
                    for name, given in values.items()
                }
                for _ in range(samples)
            ]
            for name in drawn:
                values[name] = sorted({params[name] for params in chosen})
            return chosen
        sizes = [len(given) for given in values.values()]
        picked = rng.choice(math.prod(sizes), min(samples, math.prod(sizes)), replace=False)
        places = np.unravel_index(np.sort(picked), sizes)
        return [
            {name: given[at] for (name, given), at in zip(values.items(), place, strict=True)}
            for place in zip(*(place.tolist() for place in places), strict=True)
        ]
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def _rounds(search: str, settings: int, epochs: int, factor: int) -> Iterator[tuple[int, int]]:
    """(epochs, how many of the settings) of each round."""
    rounds = 0
    while search == "halving" and factor ** (rounds + 1) <= min(settings, epochs):
        rounds += 1
    for i in range(rounds + 1):
        yield max(epochs // factor ** (rounds - i), 1), max(settings // factor**i, 1)


def _threads(n_jobs: int) -> int:
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or (n_jobs < 1 and n_jobs != -1):
        raise ValueError(f"n_jobs={n_jobs!r} is not a positive integer or -1")
    if n_jobs > 0:
        return int(n_jobs)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _label(value: Any) -> Any:
    """A value as tables show it and files tell it from others."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "get_config"):
        config = ", ".join(f"{name}={_label(setting)!r}" for name, setting in value.get_config().items())
        return f"{type(value).__name__}({config})"
    if isinstance(value, list | tuple):
        return str([_label(entry) for entry in value])
    return getattr(value, "__name__", None) or repr(value)


def _key(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_label(value)!r}" for name, value in params.items())


def _plain(value: Any) -> Any:
    """History as JSON can hold it: a metric with a figure for each class is an array."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _fingerprint(value: Any) -> str:
    """What tells these arguments from others, in a few letters."""
    import zlib

    def text(value: Any) -> str:
        if isinstance(value, Dataset):
            return text([value._x, value._y, value._w, value.mean, value.scale, value._classes, value.batch_size,
                         value.shuffle])  # fmt: skip
        if isinstance(value, dict):
            return "{" + ",".join(f"{name}:{text(value[name])}" for name in sorted(value)) + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(map(text, value)) + "]"
        if hasattr(value, "__array__"):
            array = np.asarray(value)
            return f"{array.dtype}{array.shape}{zlib.crc32(array.tobytes())}"
        return (
            str(_label(value)) if value is None or isinstance(value, bool | int | float | str) else type(value).__name__
        )

    return f"{zlib.crc32(text(value).encode()):08x}"
