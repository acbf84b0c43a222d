"""`verify`: all set-ups compared with what Keras gave or gives."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import integer
from .._names import look_up
from . import setups, stored
from .differences import checked
from .report import PartCheck, VerifyReport
from .setups import files, trainings
from .setups import gradients as set_ups_of_gradients
from .stored import plain
from .tolerances import tolerance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .setups import Arrays, SetUp


def verify(
    only: str | None = None, *, live: bool = False, gradients: bool = False, seed: int | None = None
) -> VerifyReport:
    """Compare every part with Keras.

    Parameters
    ----------
    only : str, optional
        One part: "optimizers", "activations", "losses", "initializers", "schedules", "metrics", "layers",
        "callbacks", "runs" or "files".
    live : bool
        Compare with the Keras installed here, on set-ups drawn anew, and not with the figures in the package.
    gradients : bool
        Compare analytic gradients with central differences over all layers, activations and losses instead; needs
        no Keras.
    seed : int, optional
        What set-ups are drawn from, where they are.  By default another one each time; the report names it.

    Returns
    -------
    VerifyReport
        True where all parts pass; prints as a table.

    Raises
    ------
    ValueError
        If `only` is no part, or `seed` no seed or without use.
    ImportError
        If Keras with TensorFlow is wanted and not installed.
    """
    _check(only, live, gradients, seed)
    if seed is None:
        seed = int(np.random.SeedSequence().entropy) % 2**32 if live else 0  # type: ignore[arg-type]
    parts = tuple(part for part in setups.PARTS if part == (only or part))
    note = ""
    if only is None and not find_spec("h5py"):
        parts, note = parts[:-1], "; without files, which need h5py"
    with _Untouched():
        if gradients:
            return VerifyReport(
                _against_differences(seed), f"gdcore, analytic against central differences, seed {seed}"
            )
        if live:
            keras = import_keras()
            title = f"gdcore against {_listed(versions(keras))}; seed {seed}"
            pairs = _against_live(keras, parts, seed)
        else:
            made_with, figures = stored.load_figures()
            title = f"gdcore against figures of {_listed(made_with)}"
            pairs = _against_figures(figures, parts)
        return VerifyReport(checked(pairs), title + note)


def _check(only: str | None, live: bool, gradients: bool, seed: int | None) -> None:
    """Refuse arguments that do not fit together."""
    if only is not None:
        look_up("only", only, dict.fromkeys(setups.PARTS))
    if seed is not None:
        integer("seed", seed, 0, 2**32 - 1)
    if seed is not None and not (live or gradients):
        raise ValueError(f"seed={seed!r} has no use: figures in the package are of set-ups that do not change")
    if gradients and (live or only):
        raise ValueError("gradients=True is a comparison of its own, without live or only")


def _listed(made_with: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}".removeprefix("on ") for name, value in made_with.items())


class _Untouched:
    """Leaves the random streams of Python, NumPy and gdcore as they were."""

    def __enter__(self) -> None:
        import random

        from ..random import _State

        held = {name: value for name, value in vars(_State).items() if not name.startswith("__")}
        self._states = (random.getstate(), np.random.get_state(), held)  # noqa: NPY002 - what utils seeds

    def __exit__(self, *_: Any) -> None:
        import random

        from ..random import _State

        python, numpy, held = self._states
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for name, value in held.items():
            setattr(_State, name, value)


# ---- with whom to compare --------------------------------------------------------------------------------------


def _ours() -> Any:
    return sys.modules[__package__.partition(".")[0]]


def import_keras() -> Any:
    """Keras on TensorFlow; raises ImportError with what is missing."""
    import os

    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ImportError as error:
        raise ImportError(
            f"live=True compares with Keras on TensorFlow, which cannot be imported here ({error}): "
            "pip install keras tensorflow-cpu"
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise ImportError(f"live=True needs Keras on TensorFlow, not on {keras.backend.backend()}")
    return keras


def versions(keras: Any) -> dict[str, str]:
    """What figures were made with, where and when."""
    import datetime
    import platform

    import tensorflow as tf

    return {
        "Keras": keras.__version__,
        "TensorFlow": tf.__version__,
        "NumPy": np.__version__,
        "on": f"{platform.system()} {platform.machine()}, {datetime.date.today().isoformat()}",
    }


def _against_live(keras: Any, parts: tuple[str, ...], seed: int) -> Iterator[tuple[SetUp, Arrays, Arrays]]:
    """(set-up, what gdcore gives, what Keras gives)"""
    ours = _ours()
    for part in parts:
        for set_up in setups.set_ups(part, seed):
            if part != "files":
                yield set_up, setups.run(ours, set_up), setups.run(keras, set_up)
                continue
            theirs = files.written(keras, set_up.what)
            yield set_up, files.read(ours, theirs, set_up.what), files.read(keras, theirs, set_up.what)
            own = files.written(ours, set_up.what)
            back = set_up._replace(name="gdcore's, read by Keras")
            yield back, files.read(ours, own, set_up.what), files.read(keras, own, set_up.what)


def _against_figures(figures: list[Arrays], parts: tuple[str, ...]) -> Iterator[tuple[SetUp, Arrays, Arrays]]:
    ours, at = _ours(), 0
    for part in setups.PARTS:
        for set_up in setups.set_ups(part, 0):
            theirs = figures[at]
            at += 1
            if part not in parts:
                continue
            if part == "files":
                yield set_up, files.read(ours, theirs["file"][0].tobytes(), set_up.what), theirs
            else:
                yield set_up, setups.run(ours, set_up), theirs


def _against_differences(seed: int) -> list[PartCheck]:
    """Analytic against central differences, in float64: every layer, activation and loss."""
    rows: list[PartCheck] = []
    ours = _ours()
    for set_up in set_ups_of_gradients.draw(ours, seed):
        model = trainings.compiled_model(ours, set_up.what)
        x, y, _ = trainings.rows_and_targets(set_up.what)
        report = ours.check_gradients(model, x, y, h=2e-7, training=True)  # a short step: kinks are rarely near
        off = max(array.max_rel for array in report.arrays)
        wrong = () if report else (repr(plain(set_up.what)),)
        rows.append(PartCheck(set_up.part, set_up.name, 1, np.nan, np.nan, off, tolerance_of("gradients", ""), wrong))
    return rows
