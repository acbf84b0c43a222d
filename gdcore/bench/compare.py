"""Two files of results beside each other: how gdcore's times have changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .markdown import number, table


class Change(NamedTuple):
    """One workload in both files."""

    name: str
    title: str
    unit: str
    old: Mapping[str, Any]
    """gdcore's figures: "median" and "least", in the unit."""
    new: Mapping[str, Any]

    @property
    def ratio(self) -> float:
        """Old time divided by new time, of the medians: above 1, the new one is faster."""
        return float(self.old["median"] / self.new["median"])

    @property
    def least_ratio(self) -> float:
        """The same of the least times."""
        return float(self.old["least"] / self.new["least"])


class Comparison(NamedTuple):
    """What `compare` found."""

    changes: list[Change]
    notes: list[str]
    """Workloads that cannot be compared, and why."""

    def below(self, min_ratio: float) -> list[str]:
        """The workloads whose ratio of medians is smaller."""
        return [change.name for change in self.changes if not change.ratio >= min_ratio]


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """Compare gdcore's own times in two results, in the order of the new ones.

    Raises
    ------
    ValueError
        If they have no workload in common.
    """
    before, after = old["workloads"], new["workloads"]
    changes, notes = [], []
    for name, entry in after.items():
        if name not in before:
            notes.append(f"{name} stands in the new file only")
        elif before[name]["unit"] != entry["unit"]:
            notes.append(f"{name} is timed in {before[name]['unit']} in the old file, in {entry['unit']} in the new")
        else:
            ours = before[name]["peers"]["gdcore"], entry["peers"]["gdcore"]
            changes.append(Change(name, entry["title"], entry["unit"], *ours))
    notes += [f"{name} stands in the old file only" for name in before if name not in after]
    if not changes:
        raise ValueError("the two files have no workload in common")
    return Comparison(changes, notes)


def text(found: Comparison, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """A table of the changes in Markdown, with what was measured on what."""
    rows = [
        (
            change.name,
            change.title,
            change.unit,
            _shown(change.old, "median"),
            _shown(change.new, "median"),
            f"{change.ratio:.3f}",
            number(change.old["least"]),
            number(change.new["least"]),
            f"{change.least_ratio:.3f}",
        )
        for change in found.changes
    ]
    head = ("workload", "what", "unit", "old median", "new median", "old/new", "old least", "new least", "old/new")
    lines = [f"Old: {_measured(old)}.", f"New: {_measured(new)}.", "", table(head, rows)]
    return "\n".join([*lines, *([""] if found.notes else []), *(f"- {note}." for note in found.notes)])


def _shown(figures: Mapping[str, Any], figure: str) -> str:
    return number(figures[figure]) + (" (WRONG RESULT)" if figures.get("wrong") else "")


def _measured(results: Mapping[str, Any]) -> str:
    """On what; as far as the file says it."""
    config = results.get("config", {})
    machine, core = config.get("machine", {}), config.get("core", {})
    known = [
        f"gdcore {config.get('gdcore', {}).get('version', 'unknown')}",
        f"core {core.get('isa', 'unknown')}",
        str(machine.get("processor", "unknown processor")),
        str(results.get("date", "unknown date")),
    ]
    return ", ".join(known)
