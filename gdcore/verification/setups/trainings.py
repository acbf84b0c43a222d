"""Whole trainings: how one is described, and how a library runs it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Arrays, Draw, Of
from .libraries import build, default_floats
from .targets import data


def layer(name: str, **config: Any) -> Of:
    return Of("layers", name, config)


def dense(units: int, activation: str | None = None, **config: Any) -> Of:
    return layer("Dense", units=units, activation=activation, **config)


def training(d: Draw, layers: list[Of], dtype: str = "float32", kind: str = "onehot", **more: Any) -> dict[str, Any]:
    """A run as everybody's: `more` changes what is in it."""
    ends = {
        "onehot": ("softmax", "categorical_crossentropy"),
        "classes": ("softmax", "sparse_categorical_crossentropy"),
        "chances": ("sigmoid", "binary_crossentropy"),
    }
    end, loss = ends.get(kind, (None, "mean_squared_error"))
    what: dict[str, Any] = {
        "layers": [*layers, dense(3, end)],
        "optimizer": Of("optimizers", "SGD", {"learning_rate": d.size(1e-2, 1e-1)}),
        "loss": loss,
        "compile": {},
        "fit": {"epochs": 4, "batch_size": d.whole(5, 20)},
        "rows": d.whole(30, 50),
        "kind": kind,
        "dtype": dtype,
        "seed": d.seed(),
        "data": d.seed(),
    }
    return {**what, **more, "fit": {**what["fit"], **more.get("fit", {})}}


def training_with_loss(d: Draw, name: str, kind: str, config: dict[str, Any], dtype: str) -> dict[str, Any]:
    """A run with that loss, and an end that gives what it can take."""
    ends = {"counts": "softplus", "labels": "tanh", "chances": "sigmoid", "shares": "softmax"}
    run = training(d, [dense(6, "tanh")], dtype, kind, loss=Of("losses", name, config))
    if kind in ends:
        run["layers"][-1] = dense(3, ends[kind])
    if name == "MeanAbsolutePercentageError":  # it has large slopes
        run["optimizer"] = Of("optimizers", "SGD", {"learning_rate": 1e-5})
    return run


def rows_and_targets(what: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Rows, targets, and the arguments of `fit`."""
    d, rows, dtype = Draw(what["data"]), what["rows"], what["dtype"]
    x = d.array((rows, 5), -2, 2).astype(np.float32).astype(dtype)
    y = data(what["kind"], d, rows, 3)[0].astype(np.float32).astype(dtype)
    if what["kind"] == "real":
        y = np.clip(x[:, :3], -1, 1) + y / 4  # so that there is something to learn
    fit = dict(what["fit"])
    if fit.get("sample_weight"):
        fit["sample_weight"] = d.array(rows, 0.2, 2).astype(np.float32).astype(dtype)
    return x, y.astype(dtype), fit


def compiled_model(library: Any, what: dict[str, Any]) -> Any:
    library.utils.set_random_seed(what["seed"])
    inputs = library.Input((5,), dtype=what["dtype"])
    model = library.Sequential([inputs, *build(library, what["layers"])])
    model.compile(build(library, what["optimizer"]), build(library, what["loss"]), **what["compile"])
    return model


def train(library: Any, model: Any, what: dict[str, Any]) -> Arrays:
    x, y, fit = rows_and_targets(what)
    history = model.fit(x, y, **build(library, fit), verbose=0).history
    return {
        "losses": [np.array(history[name], np.float64) for name in sorted(history)],
        "after": [
            *model.get_weights(),
            np.array(model.predict(x, verbose=0)),
            np.array(model.evaluate(x, y, verbose=0), np.float64),
        ],
    }


def run(library: Any, what: dict[str, Any]) -> Arrays:
    with default_floats(library, what["dtype"]):
        return train(library, compiled_model(library, what), what)
