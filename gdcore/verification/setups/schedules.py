"""Learning rate schedules: the rates of many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .draw import Arrays, Draw, Of, SetUp
from .libraries import as_tensor, build

SCHEDULES: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "ExponentialDecay": lambda d: {
        "decay_steps": d.whole(2, 60),
        "decay_rate": d.real(0.5, 1.2),
        "staircase": d.flag(),
    },
    "InverseTimeDecay": lambda d: {"decay_steps": d.whole(2, 60), "decay_rate": d.real(0.1, 2), "staircase": d.flag()},
    "PolynomialDecay": lambda d: {
        "decay_steps": d.whole(5, 90),
        "end_learning_rate": d.size(1e-4, 1e-2),
        "power": d.one_of(1.0, 2.0, d.real(0.3, 3)),
        "cycle": d.flag(),
    },
    "CosineDecay": lambda d: {
        "decay_steps": d.whole(10, 90),
        "alpha": d.real(0, 0.3),
        **d.one_of({}, {"warmup_target": d.size(1e-2, 0.5), "warmup_steps": d.whole(1, 20)}),
    },
    "CosineDecayRestarts": lambda d: {
        "first_decay_steps": d.whole(5, 30),
        "t_mul": d.one_of(1.0, 2.0, d.real(1.1, 3)),
        "m_mul": d.real(0.5, 1.1),
        "alpha": d.real(0, 0.3),
    },
}


def draw(d: Draw) -> Iterator[SetUp]:
    for name, own in SCHEDULES.items():
        for _ in range(3):
            config = {"initial_learning_rate": d.size(1e-3, 0.3), **own(d)}
            yield SetUp("schedules", name, {"of": Of("optimizers.schedules", name, config)})
    name = "PiecewiseConstantDecay"
    for _ in range(3):
        at = d.whole(1, 20)
        config = {"boundaries": [at, 3 * at, 4 * at], "values": [d.size(1e-3, 0.3) for _ in range(4)]}
        yield SetUp("schedules", name, {"of": Of("optimizers.schedules", name, config)})


def run(library: Any, what: dict[str, Any]) -> Arrays:
    schedule = build(library, what["of"])
    # not so many that rates become denormal numbers, which TensorFlow takes for 0
    steps = [*range(30), 31, 40, 59, 60, 64, 90, 99, 150, 200]
    return {"arrays": [np.float32(schedule(as_tensor(library, np.int64(step)))) for step in steps]}
