"""What `verify` found, a line of a table for each name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .tolerances import Tolerance


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
    def passed(self) -> bool:
        """Whether no set-up differs by more than the tolerance."""
        return not self.wrong

    @property
    def good(self) -> bool:
        """What version 0.1.0 calls `passed`."""
        return self.passed


class VerifyReport:
    """The outcome of `verify`: prints as a table, and is true where every part passes.

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
        return all(part.passed for part in self.parts)

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
                f"{_figure(row.relative64):>9}  {'pass' if row.passed else 'FAIL'}  {_limits(row.tolerance)}"
            )
            lines += [f"    differs: {what}" for what in row.wrong]
        cases, bad = sum(row.cases for row in self.parts), sum(not row.passed for row in self.parts)
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
