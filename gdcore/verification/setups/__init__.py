"""What `gdcore.verify` runs: set-ups of every part, drawn from a seed, and one way to run them with any library.

A set-up is a description made of plain values and of `Of`; `run(library, set_up)` builds it with Keras or with gdcore,
which have the same API, and gives arrays.  Each part has a file, whose `draw` gives its set-ups.  What Keras gave for
the seed 0 is in ``figures`` (made by ``tests/keras_figures/make_verify.py``); other seeds are for a live Keras.

Where Keras is not itself the measure, set-ups keep out of the way; docs/keras.md lists these corners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import (
    activations,
    callbacks,
    files,
    gradients,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    runs,
    schedules,
    trainings,
)
from .draw import Arrays, Draw, Of, SetUp

__all__ = ["PARTS", "Arrays", "Draw", "Of", "SetUp", "files", "gradients", "run", "set_ups", "trainings"]

# part -> what draws its set-ups; the order belongs to the seeds and to the stored figures
DRAWN: dict[str, Callable[[Draw], Iterator[SetUp]]] = {
    "optimizers": optimizers.draw,
    "activations": activations.draw,
    "losses": losses.draw,
    "initializers": initializers.draw,
    "schedules": schedules.draw,
    "metrics": metrics.draw,
    "layers": layers.draw,
    "callbacks": callbacks.draw,
    "runs": runs.draw,
    "files": files.draw,
}
PARTS = tuple(DRAWN)

_RUNNERS: dict[str, Callable[[Any, SetUp], Arrays]] = {
    "optimizers": lambda library, set_up: optimizers.run(library, set_up.what),
    "activations": lambda library, set_up: activations.run(library, set_up.name, set_up.what),
    "losses": lambda library, set_up: losses.run(library, set_up.name, set_up.what),
    "initializers": lambda library, set_up: initializers.run(library, set_up.name, set_up.what),
    "schedules": lambda library, set_up: schedules.run(library, set_up.what),
    "metrics": lambda library, set_up: metrics.run(library, set_up.what),
    **dict.fromkeys(("layers", "callbacks", "runs"), lambda library, set_up: trainings.run(library, set_up.what)),
}


def set_ups(part: str, seed: int) -> list[SetUp]:
    """The set-ups of a part that a seed gives."""
    return list(DRAWN[part](Draw((seed + 7919 * PARTS.index(part)) % 2**32)))


def run(library: Any, set_up: SetUp) -> Arrays:
    """What a library gives for a set-up (for all but files): arrays, by what is measured on them."""
    return _RUNNERS[set_up.part](library, set_up)
