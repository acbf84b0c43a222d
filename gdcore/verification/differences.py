"""How far apart two arrays are, and what that means for the line of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .report import PartCheck
from .setups import Arrays, SetUp
from .setups.activations import points
from .stored import plain
from .tolerances import Tolerance, tolerance_of


def checked(compared: Iterator[tuple[SetUp, Arrays, Arrays]]) -> list[PartCheck]:
    """A line for each name, in the order of the set-ups."""
    rows: dict[tuple[str, str], PartCheck] = {}
    for set_up, ours, theirs in compared:
        key = (set_up.part, set_up.name)
        row = rows.get(key) or PartCheck(*key, 0, np.nan, np.nan, np.nan, tolerance_of(*key), ())
        found = Differences(set_up, row.tolerance, ours, theirs)
        rows[key] = row._replace(
            cases=row.cases + 1,
            ulp=float(np.fmax(row.ulp, found.ulp)),
            relative=float(np.fmax(row.relative, found.relative["float32"])),
            relative64=float(np.fmax(row.relative64, found.relative["float64"])),
            wrong=(*row.wrong, repr(plain(set_up.what))) if found.wrong else row.wrong,
        )
    return list(rows.values())


class Differences:
    """What one set-up shows.

    Attributes
    ----------
    ulp : float
        As in `PartCheck`; nan where it is not measured.
    relative : dict of str to float
        The largest relative difference, by dtype.
    wrong : bool
        Whether anything differs by more than the tolerance.
    """

    def __init__(self, set_up: SetUp, tolerance: Tolerance, ours: Arrays, theirs: Arrays) -> None:
        self.ulp = np.nan
        self.relative = {"float32": np.nan, "float64": np.nan}
        self.wrong = False
        self._rounding = "rounding" in tolerance.limits
        for what, limit in tolerance.limits.items():
            if what == "rounding":
                off = ulps_off(set_up, ours["value"][0])
                self.ulp = np.fmax(self.ulp, off)
                self.wrong |= off > limit
                continue
            pairs = list(zip(ours[what], theirs[what], strict=True)) if len(ours[what]) == len(theirs[what]) else []
            self.wrong |= not pairs
            for mine, right in pairs:
                self._add(set_up, np.asarray(mine), np.asarray(right), limit, what in ("losses", "figures"))

    def _add(self, set_up: SetUp, a: Any, b: Any, limit: float, each: bool) -> None:
        """Take in one array of ours and of Keras's."""
        dtype = set_up.what.get("dtype", "float32") if each or b.dtype == np.float64 else b.dtype.name
        off = np.inf if a.shape != b.shape or a.dtype != b.dtype else relative(a, b, each)
        self.wrong |= not off <= limit * (1 if dtype == "float32" else 2**-29)
        self.relative[dtype] = np.fmax(self.relative[dtype], off)
        if not self._rounding and a.shape == b.shape:
            self.ulp = np.fmax(self.ulp, ulps_between(a, b, np.dtype(dtype)))


def relative(ours: Any, theirs: Any, each: bool) -> float:
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


def ulps_between(ours: Any, theirs: Any, dtype: Any) -> float:
    """The largest difference in units in the last place of Keras's values."""
    finite = np.isfinite(theirs) & np.isfinite(ours)
    a, b = ours[finite].astype(np.float64), theirs[finite].astype(np.float64)
    return float(np.max(np.abs(a - b) / np.spacing(np.abs(b).astype(dtype)).astype(np.float64), initial=0.0))


def ulps_off(set_up: SetUp, value: Any) -> float:
    """How far float32 values are from the correctly rounded ones, in units in the last place of these."""
    from ..reference import activations

    if set_up.what["dtype"] != "float32":
        return float("nan")
    x = points(set_up.name, set_up.what)[0].astype(np.float64)
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
