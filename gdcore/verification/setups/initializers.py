"""Initializers: arrays of some shape from some seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .draw import Arrays, Draw, SetUp


def _scaling(d: Draw) -> dict[str, Any]:
    return {
        "scale": d.real(0.2, 3),
        "mode": d.one_of("fan_in", "fan_out", "fan_avg"),
        "distribution": d.one_of("truncated_normal", "untruncated_normal"),
    }


INITIALIZERS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "Zeros": lambda d: {},
    "Ones": lambda d: {},
    "Constant": lambda d: {"value": d.real(-2, 2)},
    "Identity": lambda d: {"gain": d.real(0.2, 2)},
    "RandomUniform": lambda d: {"minval": d.real(-2, 0), "maxval": d.real(0.1, 2)},
    "GlorotUniform": lambda d: {},
    "HeUniform": lambda d: {},
    "LecunUniform": lambda d: {},
    "RandomNormal": lambda d: {"mean": d.real(-1, 1), "stddev": d.real(0.1, 2)},
    "TruncatedNormal": lambda d: {"mean": d.real(-1, 1), "stddev": d.real(0.1, 2)},
    "VarianceScaling": _scaling,
    "GlorotNormal": lambda d: {},
    "HeNormal": lambda d: {},
    "LecunNormal": lambda d: {},
    "Orthogonal": lambda d: {"gain": d.real(0.2, 2)},
}
UNIFORM = tuple(INITIALIZERS)[:8]


def draw(d: Draw) -> Iterator[SetUp]:
    for name, own in INITIALIZERS.items():
        for dtype in ("float32", "float32", "float32", "float64"):
            config = own(d)
            if name not in tuple(INITIALIZERS)[:4]:
                config["seed"] = d.one_of(d.seed(), -d.seed(), d.whole(0, 9))
            shape = [d.whole(1, 12), d.whole(1, 12)]
            yield SetUp("initializers", name, {"config": config, "shape": shape, "dtype": dtype})


def run(library: Any, name: str, what: dict[str, Any]) -> Arrays:
    initializer = getattr(library.initializers, name)(**what["config"])
    return {"arrays": [np.array(initializer(tuple(what["shape"]), dtype=what["dtype"]))]}
