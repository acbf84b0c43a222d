"""The file in which a sweep keeps finished runs: a line of JSON each, after one that says which sweep it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Dataset
from .grid import key_of, label_of
from .results import Run

if TYPE_CHECKING:
    from .results import Task


class Journal:
    """The file of a sweep.

    Parameters
    ----------
    file : str or path
        Read if it exists, made otherwise.
    names : list of str
        The parameters of the sweep.
    seed : int
    arguments
        All else that the figures of a run depend on.

    Raises
    ------
    ValueError
        If the file is damaged, or of another sweep.
    """

    def __init__(self, file: str | os.PathLike[str], names: list[str], seed: int, arguments: Any) -> None:
        self._path = os.fspath(file)
        self._lines: dict[tuple[str, int, int], dict[str, Any]] = {}
        self._open({"parameters": names, "seed": seed, "data": fingerprint(arguments)})

    def find(self, task: Task) -> Run | None:
        """The run of that task, if it is in the file."""
        params, repeat, seed, epochs = task
        line = self._lines.get((key_of(params), repeat, epochs))
        if line is None:
            return None
        return Run(params, repeat, seed, epochs, line["history"], line["before"], line["seconds"], line["error"])

    def write(self, run: Run) -> None:
        """Put a run at the end of the file."""
        self._append(
            {
                "key": key_of(run.params),
                "repeat": run.repeat,
                "epochs": run.epochs,
                "before": run.before,
                "seconds": run.seconds,
                "error": run.error,
                "history": _plain(run.history),
            }
        )

    def _open(self, head: dict[str, Any]) -> None:
        import json

        path = self._path
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
            self._append(head)
        elif len(whole) < len(content):
            os.truncate(path, len(whole))

    def _append(self, line: dict[str, Any]) -> None:
        import json

        # one write of a whole line to the end of the file: it is there or not
        with open(self._path, "ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
            os.fsync(file.fileno())


def _plain(value: Any) -> Any:
    """History as JSON can hold it: a metric with a figure for each class is an array."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def fingerprint(value: Any) -> str:
    """What tells these arguments from others, in a few letters."""
    import zlib

    return f"{zlib.crc32(_text(value).encode()):08x}"


def _text(value: Any) -> str:
    import zlib

    if isinstance(value, Dataset):
        return _text(value._contents())
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_text(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        return f"{array.dtype}{array.shape}{zlib.crc32(array.tobytes())}"
    if value is None or isinstance(value, bool | int | float | str):
        return str(label_of(value))
    return type(value).__name__
