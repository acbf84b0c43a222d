"""Files: a model saved in the midst of its training, which then goes on in either library."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

from .draw import Arrays, Draw, Of, SetUp
from .layers import initializer, regularizer
from .libraries import is_keras
from .optimizers import OPTIMIZERS
from .trainings import compiled_model, dense, layer, rows_and_targets, train, training


def draw(d: Draw) -> Iterator[SetUp]:
    for name in ("SGD", "Adam", "RMSprop", "Adafactor"):
        said = Of("optimizers", name, {"learning_rate": 0.01, **OPTIMIZERS[name](d)})
        stack = [
            dense(6, use_bias=False),
            layer("BatchNormalization"),
            layer("LeakyReLU", negative_slope=d.fraction(0.1, 0.4)),
        ]
        rate = {"kernel_regularizer": regularizer(d), "kernel_initializer": initializer(d)}
        fit = {"epochs": 2, "shuffle": False}
        what = training(
            d, [*stack, dense(5, "tanh", **rate)], optimizer=said, fit=fit, compile={"metrics": ["accuracy"]}
        )
        yield SetUp("files", "Keras's, read by gdcore", what)


def written(library: Any, what: dict[str, Any]) -> bytes:
    """A ``.keras`` file of a model in the midst of its training."""
    model = compiled_model(library, what)
    x, y, fit = rows_and_targets(what)
    model.fit(x, y, **fit, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        with open(path, "rb") as file:
            return file.read()


def read(library: Any, content: bytes, what: dict[str, Any]) -> Arrays:
    """What becomes of the model in a file when its training goes on."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        with open(path, "wb") as file:
            file.write(content)
        model = (library.saving if is_keras(library) else library.models).load_model(path)
    return train(library, model, what)
