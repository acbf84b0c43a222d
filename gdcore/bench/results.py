"""Results as plain dicts: their file, and what follows from the figures of one workload."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = 2
"""Of the JSON.  Format 1, of version 0.1.0, says "works" where this one says "workloads"."""


def save(results: Mapping[str, Any], path: str | Path) -> None:
    """Write the results of `session.run`."""
    Path(path).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def load(path: str | Path) -> dict[str, Any]:
    """Read what `save` wrote, or version 0.1.0.

    Raises
    ------
    ValueError
        If the file cannot be read, or holds no results.
    """
    try:
        results = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no JSON, or no text
        raise ValueError(f"{path} holds no results of `gdcore bench --json`: it is not JSON ({error})") from None
    try:
        return _checked(results)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} holds no results of `gdcore bench --json`: something is missing or no object ({error})"
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None


def _checked(results: Any) -> dict[str, Any]:
    """The results in today's format, with all that a comparison needs."""
    if results["format"] not in range(1, FORMAT + 1):
        raise ValueError(f"is of format {results['format']!r}; this version of gdcore reads formats 1 to {FORMAT}")
    if results["format"] == 1:
        results = {**results, "format": FORMAT, "workloads": results["works"]}
        del results["works"]
    for name, entry in results["workloads"].items():
        ours, _ = entry["peers"]["gdcore"], (entry["title"], entry["unit"])
        for figure in ("median", "least"):
            value = ours[figure]
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ValueError(f"has {value!r} as gdcore's {figure} time of {name}: expected a positive number")
    return dict(results)


def ratios(entry: Mapping[str, Any], figure: str = "median") -> dict[str, float]:
    """How many times as long as gdcore each peer takes that came to the right result."""
    ours = entry["peers"]["gdcore"][figure]
    return {
        name: peer[figure] / ours for name, peer in entry["peers"].items() if name != "gdcore" and not peer["wrong"]
    }


def fastest(entry: Mapping[str, Any]) -> tuple[str, float, float] | None:
    """The fastest peer by its median, with the ratios of the medians and of the least times; None without peers."""
    by_median = ratios(entry)
    if not by_median:
        return None
    name = min(by_median, key=by_median.__getitem__)
    return name, by_median[name], ratios(entry, "least")[name]


def verdict(entry: Mapping[str, Any]) -> str:
    """Whether a workload's goal is reached."""
    if entry["peers"]["gdcore"]["wrong"]:
        return "WRONG RESULT"
    if entry.get("limit") is not None:
        return "yes" if entry["peers"]["gdcore"]["median"] <= entry["limit"] else "no"
    best = fastest(entry)
    if entry["goal"] is None or best is None:
        return "-"
    return "yes" if best[1] >= entry["goal"] else "no"


def wrong(results: Mapping[str, Any]) -> list[str]:
    """The workloads in which a peer came to another result."""
    return [name for name, entry in results["workloads"].items() if any(p["wrong"] for p in entry["peers"].values())]
