"""A run as a picture: how many times as long others take, gdcore under the roofline, and how cost grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .markdown import number
from .peers import PEERS
from .results import ratios

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
DPI = 120


def require_matplotlib() -> Any:
    """matplotlib's Figure; raises ImportError with what to install."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        message = 'pictures need matplotlib: pip install "gdcore[plot]"'
        raise ImportError(message, name="matplotlib") from error
    return Figure


def plot(results: Mapping[str, Any]) -> Any:
    """Ratios as bars on a logarithmic scale, and gdcore under the roofline; beside them how cost grows."""
    growing = bool(results.get("growth"))
    figure = require_matplotlib()(figsize=(17 if growing else 12, 11), layout="constrained")
    axes = figure.subplots(1, 3 if growing else 2)
    draw_ratios(axes[0], results["workloads"])
    draw_roofline(axes[1], results)
    if growing:
        draw_growth(axes[2], results["growth"])
    return figure


def save(results: Mapping[str, Any], path: str | Path) -> None:
    """Draw the results into a file."""
    plot(results).savefig(path, dpi=DPI)


def draw_ratios(ax: Any, workloads: Mapping[str, Any]) -> None:
    """A bar for each peer in each workload, with the goals."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    found = {name: ratios(entry) for name, entry in workloads.items() if ratios(entry)}
    names = [name for name in PEERS if any(name in of for of in found.values())]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    at, ticks = 0.0, []
    for workload, of in found.items():
        taking_part = [name for name in names if name in of]
        for i, name in enumerate(taking_part):
            ax.barh(at + i, of[name] - 1, left=1, height=0.85, color=colours[name])
            ax.text(max(of[name], 1) * 1.06, at + i, number(of[name]), va="center", fontsize=7)
        wanted = workloads[workload]["goal"]
        if wanted is not None:
            ax.plot([wanted] * 2, [at - 0.5, at + len(taking_part) - 0.5], color="black", linewidth=1.2)
        ticks.append(at + (len(taking_part) - 1) / 2)
        at += len(taking_part) + 1
    for name, colour in colours.items():
        ax.barh([0], [0], left=1, color=colour, label=name)
    ax.plot([], [], color="black", linewidth=1.2, label="goal, against the fastest")
    ax.axvline(1, color="grey", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xlim(right=ax.get_xlim()[1] * 2)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks(ticks, list(found))
    ax.invert_yaxis()
    ax.set_xlabel("times gdcore's time (medians)")
    ax.set_title("How many times as long others take")
    ax.legend(fontsize=8)


def draw_roofline(ax: Any, results: Mapping[str, Any]) -> None:
    """A point for each workload below what arithmetic and memory allow."""
    probe = results["probe"]
    intensity = np.geomspace(0.05, 500, 200)
    for label, peak, speed, style in (
        ("all threads, memory", probe["fma"], probe["stream"], "-"),
        ("all threads, 1 MB in cache", probe["fma"], probe["stream_cache"], "--"),
        ("one thread, 1 MB in cache", probe["fma_one_thread"], probe["stream_cache_one_thread"], ":"),
    ):
        ax.plot(intensity, np.minimum(peak, intensity * speed) / 1e9, style, color="grey", label=label)
    roofs = {name: entry["roofline"] for name, entry in results["workloads"].items() if "roofline" in entry}
    places = {name: (roof["flops"] / roof["bytes"], roof["flops_per_second"] / 1e9) for name, roof in roofs.items()}
    for name, (x, y) in places.items():
        left = any(1 < other / x < 2 and 0.7 < high / y < 1.4 for other, high in places.values())  # a label's width
        ax.plot([x], [y], "o", color="#0072B2")
        place = {"xytext": (-5, -10), "ha": "right"} if left else {"xytext": (5, -10)}
        ax.annotate(name, (x, y), textcoords="offset points", fontsize=8, **place)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("operations for each byte that must move")
    ax.set_ylabel("GF/s")
    ax.set_title("gdcore under the roofline")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)


def draw_growth(ax: Any, points: Iterable[Mapping[str, Any]]) -> None:
    """The time of a step over the least it could take."""
    points = list(points)
    styles = {"width": ("#0072B2", "o"), "depth": ("#E69F00", "s"), "batch": ("#009E73", "^")}
    for sweep, (colour, marker) in styles.items():
        part = [p for p in points if p["sweep"] == sweep]
        ax.plot(
            [p["roof_seconds"] * 1e6 for p in part],
            [p["seconds"] * 1e6 for p in part],
            marker=marker,
            color=colour,
            linewidth=0.8,
            label=sweep,
        )
    ends = [min(p["roof_seconds"] for p in points) * 1e6, max(p["roof_seconds"] for p in points) * 1e6]
    ax.plot(ends, ends, color="grey", label="the roofline")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("µs at the roofline")
    ax.set_ylabel("µs of one step")
    ax.set_title("How cost grows")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)
