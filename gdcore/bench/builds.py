"""Two builds of gdcore timed in turn: the one here, and another that lies elsewhere.

Each build is loaded by a worker, a process of its own.  Both workers run the very same code: this package's files
are copied into a folder without gdcore and run from there (`build_worker`), so that ``import gdcore`` finds the build
to be timed.  What they run uses only names that version 0.1.0 has too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from .markdown import number, table
from .race import SLOT, last_line, take_sample
from .workers import Worker
from .workloads import Workload

COPY = "gdcore_bench"  # what this package is called in the workers' folder
ROUNDS = 4  # at least; of an even number each build comes first as often as second


class BuildRace(NamedTuple):
    """How two builds fared in one workload; times in its unit."""

    workload: Workload
    old: list[tuple[float, float]]
    """(least, median) of each round's sample."""
    new: list[tuple[float, float]]
    same_numbers: bool
    """Whether both came to the same result, bit for bit."""

    @property
    def ratio(self) -> float:
        """The median over rounds of old time divided by new time: above 1, the new build is faster."""
        return median(old / new for (_, old), (_, new) in zip(self.old, self.new, strict=True))

    @property
    def least_ratio(self) -> float:
        """The old build's least time divided by the new build's."""
        return min(least for least, _ in self.old) / min(least for least, _ in self.new)


# ---- workers ---------------------------------------------------------------------------------------------


class Lines:
    """A connection over a process's standard input and output, a line of JSON for each message."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._line = ""

    def send(self, message: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def poll(self, timeout: float) -> bool:
        """Whether an answer, or the end, came in time; the process is killed if not."""
        assert self._process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(timeout, give_up)
        timer.start()
        try:
            self._line = self._process.stdout.readline()
        finally:
            timer.cancel()
        return not late.is_set()

    def recv(self) -> Any:
        if not self._line:
            raise EOFError
        return json.loads(self._line)

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


class BuildProcess:
    """`subprocess.Popen` with the names that a `Worker` knows from multiprocessing."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.kill = process.kill

    def join(self, timeout: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)

    def is_alive(self) -> bool:
        return self._process.poll() is None


def place(where: str) -> tuple[str, str | None]:
    """(interpreter, folder to find gdcore in) for what the user gave: either of them.

    Raises
    ------
    ValueError
        If it is neither.
    """
    path = Path(where)
    if (path / "gdcore" / "__init__.py").is_file():
        return sys.executable, str(path.resolve())
    if path.is_dir():
        raise ValueError(f"against={where!r} holds no gdcore: expected a folder with gdcore/ in it, built in place")
    found = shutil.which(where)
    if found is None:
        raise ValueError(f"against={where!r} is neither a Python interpreter nor a folder with gdcore/ in it")
    return found, None


@contextmanager
def workers_folder() -> Iterator[Path]:
    """A folder with a copy of this package and no gdcore."""
    with tempfile.TemporaryDirectory(prefix="gdcore-bench-") as folder:
        shutil.copytree(Path(__file__).parent, Path(folder, COPY), ignore=shutil.ignore_patterns("__pycache__"))
        yield Path(folder)


def start_build(name: str, python: str, path: str | None, folder: Path) -> Worker:
    """A worker that imports gdcore from `path`, or from where the interpreter finds it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = path
    process = subprocess.Popen(
        [python, "-m", f"{COPY}.build_worker"],
        cwd=folder,  # where it finds the copy
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    return Worker(name, Lines(process), BuildProcess(process))


# ---- the race --------------------------------------------------------------------------------------------


class BuildComparison(NamedTuple):
    """What `compare_builds` found."""

    builds: dict[str, dict[str, str]]
    """By "old" and "new": "version", "core", and "python", "numpy" of the interpreter."""
    races: dict[str, BuildRace]
    out: dict[str, str]
    """By workload, why it was not timed."""

    def below(self, min_ratio: float) -> list[str]:
        """The workloads whose median ratio is smaller."""
        return [name for name, race in self.races.items() if not race.ratio >= min_ratio]


def compare_builds(
    workloads: Mapping[str, Any], where: str, seconds: float, tell: Callable[[str], None] = print
) -> BuildComparison:
    """Time the workloads with the build at `where` (the old one) and with this one (the new one), in turn.

    Parameters
    ----------
    workloads : mapping of name to workload
    where : str
        A Python interpreter whose gdcore is the other build, or a folder with gdcore/ in it, built in place, which
        this interpreter then loads.
    seconds : float
        For each workload.
    tell : callable
        Is given the title of what is timed next.

    Raises
    ------
    ValueError
        If there is no such build.
    RuntimeError
        If a build fails while it is timed.
    """
    other, here = place(where), (sys.executable, str(Path(__file__).resolve().parents[2]))
    races: dict[str, BuildRace] = {}
    out: dict[str, str] = {}
    with workers_folder() as folder:
        workers = {"old": start_build("old", *other, folder), "new": start_build("new", *here, folder)}
        try:
            builds = {name: _describe(worker, where) for name, worker in workers.items()}
            for name, workload in workloads.items():
                tell(f"{name}: {workload.title}")
                numbers = {who: worker.ask("prepare", name) for who, worker in workers.items()}
                failed = {who: answer for who, (state, answer) in numbers.items() if state != "done"}
                if failed:
                    out[name] = "; ".join(f"the {who} build failed: {last_line(why)}" for who, why in failed.items())
                    continue
                same = numbers["old"] == numbers["new"]
                races[name] = take_turns(workload, workers["old"], workers["new"], seconds, same)
        finally:
            for worker in workers.values():
                worker.close()
    return BuildComparison(builds, races, out)


def _describe(worker: Worker, where: str) -> dict[str, str]:
    state, answer = worker.ask("describe")
    if state != "done":
        which = f"against={where!r}" if worker.name == "old" else "this build"
        raise ValueError(f"{which} cannot be timed: {last_line(answer)}")
    return dict(answer)


def take_turns(workload: Any, old: Worker, new: Worker, seconds: float, same_numbers: bool) -> BuildRace:
    """Rounds of a sample each, old first and new first in turn: A B B A, against what drifts."""
    times: dict[str, list[tuple[float, float]]] = {"old": [], "new": []}
    stop, rounds = time.perf_counter() + seconds, 0
    while rounds < ROUNDS or rounds % 2 or time.perf_counter() < stop:
        for worker in (old, new) if rounds % 2 == 0 else (new, old):
            least, middle = take_sample(worker)
            times[worker.name].append((workload.in_unit(least), workload.in_unit(middle)))
        rounds += 1
    return BuildRace(workload, times["old"], times["new"], same_numbers)


def text(found: BuildComparison) -> str:
    """The comparison as a table in Markdown."""
    lines = [
        f"{name.capitalize()} build: gdcore {build['version']}, core `{build['core']}`, python {build['python']}, "
        f"numpy {build['numpy']}."
        for name, build in found.builds.items()
    ]
    rows = [
        (
            name,
            race.workload.title,
            race.workload.unit,
            number(median(middle for _, middle in race.old)),
            number(median(middle for _, middle in race.new)),
            f"{race.ratio:.3f}",
            f"{race.least_ratio:.3f}",
            str(len(race.old)),
            "same" if race.same_numbers else "differ",
        )
        for name, race in found.races.items()
    ]
    head = ("workload", "what", "unit", "old", "new", "old/new", "of the least", "rounds", "numbers")
    notes = [f"- {name} was not timed: {why}." for name, why in found.out.items()]
    about = f"Ratios are medians over rounds, each of a sample of {SLOT:g} s or one call of either build, in turn."
    return "\n".join([*lines, "", table(head, rows), "", about, *([""] if notes else []), *notes])
