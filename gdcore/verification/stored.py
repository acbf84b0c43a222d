"""Keras's figures in the package: made, written, read, and tied to the set-ups that they are of."""

from __future__ import annotations

import json
import math
import os
from typing import Any
from zlib import crc32

import numpy as np

from . import setups
from .setups import Arrays, files


def make_figures(keras: Any) -> list[Arrays]:
    """What Keras gives for all set-ups of the seed 0."""
    figures = []
    for part in setups.PARTS:
        for set_up in setups.set_ups(part, 0):
            if part == "files":
                content = files.written(keras, set_up.what)
                figures.append({"file": [np.frombuffer(content, np.uint8)], **files.read(keras, content, set_up.what)})
            else:
                figures.append(setups.run(keras, set_up))
    return figures


def fingerprint() -> int:
    """Of the set-ups: figures of others are of no use."""
    return crc32(repr([plain(s) for part in setups.PARTS for s in setups.set_ups(part, 0)]).encode())


def plain(value: Any) -> Any:
    """A description of plain values only; functions are their names."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return value.__name__ if callable(value) else value


def path() -> str:
    """Where the figures lie."""
    return os.path.join(os.path.dirname(__file__), "figures", "keras.npz")


def save_figures(figures: list[Arrays], made: dict[str, str]) -> None:
    """Write the figures into the package: all numbers of a type end to end, and an index."""
    flat: dict[str, list[Any]] = {}
    index = []
    for outputs in figures:
        entry = {}
        for what, arrays in outputs.items():
            entry[what] = [[array.dtype.name, *array.shape] for array in map(np.asarray, arrays)]
            for array in map(np.asarray, arrays):
                flat.setdefault(array.dtype.name, []).append(array.reshape(-1))
        index.append(entry)
    about = json.dumps({"made": made, "set-ups": fingerprint(), "index": index}, separators=(",", ":"))
    np.savez_compressed(
        path(),
        about=np.frombuffer(about.encode(), np.uint8),
        **{name: np.concatenate(arrays) for name, arrays in flat.items()},  # type: ignore[arg-type]
    )


def load_figures() -> tuple[dict[str, str], list[Arrays]]:
    """(what they were made with, the outputs of each set-up)

    Raises
    ------
    RuntimeError
        If they are of other set-ups than those in this package.
    """
    with np.load(path()) as file:
        flat = {name: file[name] for name in file.files}
    about = json.loads(flat.pop("about").tobytes())
    if about["set-ups"] != fingerprint():
        raise RuntimeError(
            "the figures in gdcore/verification/figures are of other set-ups: run tests/keras_figures/make_verify.py"
        )
    at = dict.fromkeys(flat, 0)
    figures = []
    for entry in about["index"]:
        outputs: Arrays = {}
        for what, arrays in entry.items():
            outputs[what] = []
            for name, *shape in arrays:
                size = math.prod(shape)
                outputs[what].append(flat[name][at[name] : at[name] + size].reshape(shape))
                at[name] += size
        figures.append(outputs)
    return about["made"], figures
