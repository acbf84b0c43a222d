"""Does gdcore give Keras's numbers?  All set-ups of `setups`, compared with what Keras gave or gives."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._names import look_up
from . import setups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .setups import Arrays, SetUp


class Tolerance(NamedTuple):
    """How far from Keras is good."""

    limits: dict[str, float]
    """By what is measured: the largest difference from Keras, relative to the largest value of the array (each number
    of "losses" and "figures" is an array of its own).  It holds for float32, and times 2**-29 for float64.  "rounding"
    is that from the correctly rounded value, in units in its last place."""
    why: str
    """Where it is not 0: why not."""


_SUMS = "sums, whose terms are added in another order, and powers that libraries round differently"
_RUN = Tolerance({"losses": 2e-6, "after": 2e-5}, "sums over rows and units are taken in another order")

# by part, and by part and name where these differ
TOLERANCES: dict[Any, Tolerance] = {
    "optimizers": Tolerance({"arrays": 1e-6}, _SUMS),
    **dict.fromkeys((("optimizers", name) for name in setups._ELEMENTWISE), Tolerance({"arrays": 0.0}, "")),
    ("optimizers", "Ftrl"): Tolerance(
        {"arrays": 2e-6}, "TensorFlow's powers, up to 1.33 ulp off, in a difference that the rate divides"
    ),
    "activations": Tolerance({"rounding": 2, "value": 1e-6, "slope": 1e-6}, "TensorFlow's own rounding"),
    ("activations", "gelu"): Tolerance(
        {"rounding": 2, "value": 1e-6, "slope": 4e-6}, "TensorFlow's slope has 1 - tanh(x)^2, which cancels"
    ),
    ("activations", "mish"): Tolerance(
        {"rounding": 2, "value": 1e-6, "slope": 8e-6}, "TensorFlow's slope is made of four rounded functions"
    ),
    ("activations", "sparsemax"): Tolerance({"value": 1e-6, "slope": 1e-6}, "differences of sums, in Keras's order"),
    "losses": Tolerance({"value": 1e-6, "slope": 1e-6}, "sums, and TensorFlow's own logarithms and exponentials"),
    "initializers": Tolerance({"arrays": 5e-7}, "logarithms, sines and cosines are the C library's"),
    **dict.fromkeys((("initializers", name) for name in setups._UNIFORM), Tolerance({"arrays": 0.0}, "")),
    ("initializers", "Orthogonal"): Tolerance({"arrays": 2e-6}, "the rounding of a QR decomposition"),
    "schedules": Tolerance({"arrays": 2.5e-7}, "powers and cosines that libraries round differently"),
    "metrics": Tolerance({"figures": 1e-6}, "Keras sums in float32"),
    **dict.fromkeys(
        (("metrics", "counts and rates"), ("metrics", "curves")),
        Tolerance({"figures": 4e-6}, "Keras sums in float32, and takes counts as differences of sums"),
    ),
    "layers": _RUN,
    "callbacks": _RUN,
    "runs": _RUN,
    "files": _RUN,
    "gradients": Tolerance({"gradient": 1e-6}, "the error of central differences, in float64"),
}


class PartCheck(NamedTuple):
    """How one part fared."""

    part: str
    name: str
    cases: int
    ulp: float
    """Largest difference in units in the last place of Keras's value, and for activations of the correctly rounded
    one.  Where an array holds values that cancel to nearly nothing, they make it large."""
    relative: float
    """Largest relative difference from Keras in float32, as `Tolerance` measures it; nan without such a case."""
    relative64: float
    """The same in float64."""
    tolerance: Tolerance
    wrong: tuple[str, ...]
    """The set-ups that differ by more."""

    @property
    def good(self) -> bool:
        """Whether no set-up differs by more than the tolerance."""
        return not self.wrong


class VerifyReport:
    """The outcome of `verify`: prints as a table, and is true where every part is good.

    Attributes
    ----------
    parts : list of PartCheck
    title : str
        What was compared with what.
    """

    def __init__(self, parts: list[PartCheck], title: str) -> None:
        self.parts = parts
        self.title = title

    def __bool__(self) -> bool:
        return all(part.good for part in self.parts)

    def __str__(self) -> str:
        width = max(len(part.name) for part in self.parts)
        lines = [
            self.title,
            "largest difference, in units in the last place of each value (ulp), and relative to the largest value",
        ]
        part = ""
        for row in self.parts:
            if row.part != part:
                part = row.part
                lines += [
                    "",
                    f"{part:<{width + 2}} {'cases':>5} {'ulp':>9} {'float32':>9} {'float64':>9}        tolerance",
                ]
            lines.append(
                f"  {row.name:<{width}} {row.cases:>5} {_ulps(row.ulp):>9} {_figure(row.relative):>9} "
                f"{_figure(row.relative64):>9}  {'pass' if row.good else 'FAIL'}  {_limits(row.tolerance)}"
            )
            lines += [f"    differs: {what}" for what in row.wrong]
        cases, bad = sum(row.cases for row in self.parts), sum(not row.good for row in self.parts)
        verdict = f"{bad} FAIL" if bad else "all pass"
        return "\n".join([*lines, "", f"{len(self.parts)} parts, {cases} cases: {verdict}"])

    __repr__ = __str__


def _limits(tolerance: Tolerance) -> str:
    """The tolerances in words."""
    relative = sorted({limit for what, limit in tolerance.limits.items() if what != "rounding"})
    said = [f"{limit:g}" if limit else "bit for bit" for limit in relative]
    if "losses" in tolerance.limits:
        said[0], said[-1] = f"losses {said[0]}", f"weights {said[-1]}"
    return ", ".join(([f"{tolerance.limits['rounding']:g} ulp"] if "rounding" in tolerance.limits else []) + said)


def _ulps(ulp: float) -> str:
    return "-" if np.isnan(ulp) else f"{ulp:.3g}" if ulp < 1e5 else f"{ulp:.0e}"


def _figure(relative: float) -> str:
    return "-" if np.isnan(relative) else "0" if relative == 0 else f"{relative:.1e}"


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
        True where all parts are good; prints as a table.

    Raises
    ------
    ValueError
        If `only` is no part, or `seed` no seed or without use.
    ImportError
        If Keras with TensorFlow is wanted and not installed.
    """
    if only is not None:
        look_up("only", only, dict.fromkeys(setups.PARTS))
    if seed is not None and (isinstance(seed, bool) or not 0 <= seed < 2**32):
        raise ValueError(f"seed={seed!r} is not an integer between 0 and 2**32 - 1")
    if seed is not None and not (live or gradients):
        raise ValueError(f"seed={seed!r} has no use: figures in the package are of set-ups that do not change")
    if gradients and (live or only):
        raise ValueError("gradients=True is a comparison of its own, without live or only")
    if seed is None:
        seed = int(np.random.SeedSequence().entropy) % 2**32 if live else 0  # type: ignore[arg-type]
    parts = tuple(part for part in setups.PARTS if part == (only or part))
    note = ""
    if only is None and not find_spec("h5py"):
        parts, note = parts[:-1], "; without files, which need h5py"
    with _Untouched():
        if gradients:
            return VerifyReport(_gradients(seed), f"gdcore, analytic against central differences, seed {seed}")
        if live:
            keras = _keras()
            title = f"gdcore against {_said(versions(keras))}; seed {seed}"
            pairs = _against_live(keras, parts, seed)
        else:
            made, figures = load_figures()
            title = f"gdcore against figures of {_said(made)}"
            pairs = _against_figures(figures, parts)
        return VerifyReport(_checked(pairs), title + note)


def _said(made: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}".removeprefix("on ") for name, value in made.items())


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


def _keras() -> Any:
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
            theirs = setups.written(keras, set_up.what)
            yield set_up, setups.read(ours, theirs, set_up.what), setups.read(keras, theirs, set_up.what)
            own = setups.written(ours, set_up.what)
            back = set_up._replace(name="gdcore's, read by Keras")
            yield back, setups.read(ours, own, set_up.what), setups.read(keras, own, set_up.what)


def _against_figures(figures: list[Arrays], parts: tuple[str, ...]) -> Iterator[tuple[SetUp, Arrays, Arrays]]:
    ours, at = _ours(), 0
    for part in setups.PARTS:
        for set_up in setups.set_ups(part, 0):
            theirs = figures[at]
            at += 1
            if part not in parts:
                continue
            if part == "files":
                yield set_up, setups.read(ours, theirs["file"][0].tobytes(), set_up.what), theirs
            else:
                yield set_up, setups.run(ours, set_up), theirs


# ---- figures in the package ------------------------------------------------------------------------------------


def make_figures(keras: Any) -> list[Arrays]:
    """What Keras gives for all set-ups of the seed 0."""
    figures = []
    for part in setups.PARTS:
        for set_up in setups.set_ups(part, 0):
            if part == "files":
                content = setups.written(keras, set_up.what)
                figures.append({"file": [np.frombuffer(content, np.uint8)], **setups.read(keras, content, set_up.what)})
            else:
                figures.append(setups.run(keras, set_up))
    return figures


def _fingerprint() -> int:
    """Of the set-ups: figures of others are of no use."""
    from zlib import crc32

    return crc32(repr([_plain(s) for part in setups.PARTS for s in setups.set_ups(part, 0)]).encode())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value.__name__ if callable(value) else value


def _path() -> str:
    import os

    return os.path.join(os.path.dirname(__file__), "figures", "keras.npz")


def save_figures(figures: list[Arrays], made: dict[str, str]) -> None:
    """Write the figures into the package: all numbers of a type end to end, and an index."""
    import json

    flat: dict[str, list[Any]] = {}
    index = []
    for outputs in figures:
        entry = {}
        for what, arrays in outputs.items():
            entry[what] = [[array.dtype.name, *array.shape] for array in map(np.asarray, arrays)]
            for array in map(np.asarray, arrays):
                flat.setdefault(array.dtype.name, []).append(array.reshape(-1))
        index.append(entry)
    about = json.dumps({"made": made, "set-ups": _fingerprint(), "index": index}, separators=(",", ":"))
    np.savez_compressed(
        _path(),
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
    import json
    import math

    with np.load(_path()) as file:
        flat = {name: file[name] for name in file.files}
    about = json.loads(flat.pop("about").tobytes())
    if about["set-ups"] != _fingerprint():
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


# ---- differences -----------------------------------------------------------------------------------------------


def _checked(compared: Iterator[tuple[SetUp, Arrays, Arrays]]) -> list[PartCheck]:
    """A line for each name, in the order of the set-ups."""
    rows: dict[tuple[str, str], PartCheck] = {}
    for set_up, ours, theirs in compared:
        key = (set_up.part, set_up.name)
        tolerance = TOLERANCES.get(key) or TOLERANCES[set_up.part]
        row = rows.get(key) or PartCheck(*key, 0, np.nan, np.nan, np.nan, tolerance, ())
        found = {"float32": row.relative, "float64": row.relative64}
        ulp, wrong = row.ulp, False
        for what, limit in tolerance.limits.items():
            if what == "rounding":
                off = _ulps_off(set_up, ours["value"][0])
                ulp = np.fmax(ulp, off)
                wrong |= off > limit
                continue
            pairs = list(zip(ours[what], theirs[what], strict=True)) if len(ours[what]) == len(theirs[what]) else []
            wrong |= not pairs
            each = what in ("losses", "figures")
            for mine, right in pairs:
                a, b = np.asarray(mine), np.asarray(right)
                dtype = set_up.what.get("dtype", "float32") if each or b.dtype == np.float64 else b.dtype.name
                off = np.inf if a.shape != b.shape or a.dtype != b.dtype else _relative(a, b, each)
                wrong |= not off <= limit * (1 if dtype == "float32" else 2**-29)
                found[dtype] = np.fmax(found[dtype], off)
                if "rounding" not in tolerance.limits and a.shape == b.shape:
                    ulp = np.fmax(ulp, _ulps_between(a, b, np.dtype(dtype)))
        rows[key] = row._replace(
            cases=row.cases + 1,
            ulp=float(ulp),
            relative=float(found["float32"]),
            relative64=float(found["float64"]),
            wrong=(*row.wrong, repr(_plain(set_up.what))) if wrong else row.wrong,
        )
    return list(rows.values())


def _relative(ours: Any, theirs: Any, each: bool) -> float:
    """The largest difference, relative to Keras's largest value or, if each, to Keras's value there."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(a[finite]).all():
        return np.inf
    a, b = a[finite], b[finite]
    difference = np.abs(a - b)
    if not difference.size or not difference.any():
        return 0.0
    scale = np.abs(b) if each else np.abs(b).max()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nanmax(difference / scale))


def _ulps_between(ours: Any, theirs: Any, dtype: Any) -> float:
    """The largest difference in units in the last place of Keras's values."""
    finite = np.isfinite(theirs) & np.isfinite(ours)
    a, b = ours[finite].astype(np.float64), theirs[finite].astype(np.float64)
    return float(np.max(np.abs(a - b) / np.spacing(np.abs(b).astype(dtype)).astype(np.float64), initial=0.0))


def _ulps_off(set_up: SetUp, value: Any) -> float:
    """How far float32 values are from the correctly rounded ones, in units in the last place of these."""
    from ..reference import activations

    if set_up.what["dtype"] != "float32":
        return float("nan")
    x = setups.points(set_up.name, set_up.what)[0].astype(np.float64)
    config = dict(set_up.what["config"])
    axis = config.pop("axis", -1)
    x = np.moveaxis(x, axis, -1)
    if set_up.name == "glu":
        exact = np.multiply(
            *(half if i == 0 else activations.sigmoid(half) for i, half in enumerate(np.split(x, 2, -1)))
        )
    else:
        exact = activations.activate(set_up.name, x, **config)
    exact = np.moveaxis(exact, -1, axis)
    rounded = exact.astype(np.float32)
    return float(np.max(np.abs(value - rounded.astype(np.float64)) / np.spacing(np.abs(rounded)).astype(np.float64)))


# ---- gradients -------------------------------------------------------------------------------------------------


def _gradients(seed: int) -> list[PartCheck]:
    """Analytic against central differences, in float64: every layer, activation and loss."""
    rows: list[PartCheck] = []
    ours = _ours()
    for set_up in setups.gradient_set_ups(ours, seed):
        model = setups._compiled(ours, set_up.what)
        x, y, _ = setups._data(set_up.what)
        report = ours.check_gradients(model, x, y, h=2e-7, training=True)  # a short step: kinks are rarely near
        off = max(array.max_rel for array in report.arrays)
        wrong = () if report else (repr(_plain(set_up.what)),)
        rows.append(PartCheck(set_up.part, set_up.name, 1, np.nan, np.nan, off, TOLERANCES["gradients"], wrong))
    return rows
