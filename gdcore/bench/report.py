"""What was measured, as Markdown, JSON and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .peers import PEERS

# Results are plain dicts, as `run` in this package's __init__ makes them, so that they can be read from JSON too.


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
    """Whether a work's goal is reached."""
    if entry["peers"]["gdcore"]["wrong"]:
        return "WRONG RESULT"
    if entry.get("limit") is not None:
        return "yes" if entry["peers"]["gdcore"]["median"] <= entry["limit"] else "no"
    best = fastest(entry)
    if entry["goal"] is None or best is None:
        return "-"
    return "yes" if best[1] >= entry["goal"] else "no"


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Markdown whose columns also line up in a terminal; all but the first two are flushed right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rule = ["-" * width if i < 2 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    shown = [
        [cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))]  # noqa: B905
        for line in lines
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [shown[0], rule, *shown[1:]])


def goal(entry: Mapping[str, Any]) -> str:
    if entry.get("limit") is not None:
        return f"<= {entry['limit']:g} {entry['unit'].split()[0]}"
    return "-" if entry["goal"] is None else f">= {entry['goal']:.3g}x"


def text(results: Mapping[str, Any]) -> str:
    """The whole report in Markdown."""
    works = results["works"]
    blocks = [_header(results)]
    rows = []
    for name, entry in works.items():
        best = fastest(entry)
        rows.append(
            (
                name,
                entry["title"],
                f"{number(entry['peers']['gdcore']['median'])} {entry['unit'].split()[0]}",
                best[0] if best else "-",
                f"{number(best[1])}x" if best else "-",
                f"{number(best[2])}x" if best else "-",
                goal(entry),
                verdict(entry),
            )
        )
    head = ("work", "what", "gdcore", "fastest peer", "ratio of medians", "of the least", "goal", "reached")
    blocks.append("### Against the fastest peer\n\n" + table(head, rows))
    blocks.append("### All peers\n\n" + _all_peers(works))
    if any("roofline" in entry for entry in works.values()):
        blocks.append("### How near to what the machine can do\n\n" + _roofline(results))
    if any("phases" in entry for entry in works.values()):
        blocks.append("### Where the time of one step goes\n\n" + _phases(works))
    if results.get("growth"):
        blocks.append("### How cost grows\n\n" + growth_text(results["growth"], results["bumps"]))
    names = dict.fromkeys(name for entry in works.values() for name in entry["peers"])
    blocks.append("### How each is run\n\n" + "\n".join(f"- {name}: {PEERS[name].how}." for name in names))
    return "\n\n".join(blocks)


def _header(results: Mapping[str, Any]) -> str:
    config, probe, (before, after) = results["config"], results["probe"], results["load"]
    machine, core = config["machine"], config["core"]
    versions = dict(config["versions"])
    for found in results["peers"].values():
        versions.update(found)
    return (
        f"Measured on {results['date']}: {machine['processor']}, {machine['processors']} processors, "
        f"{machine['system']}; load {before:.2f} before and {after:.2f} after.\n"
        f"gdcore {config['gdcore']['version']}, core `{core['isa']}` (compiler {core['compiler']}); "
        f"{', '.join(f'{package} {version}' for package, version in versions.items())}.\n"
        f"Pictures of W4, W5 and P2: {results['mnist']}.\n"
        f"Multiply-adds reach {probe['fma_one_thread'] / 1e9:.0f} GF/s with one thread, {probe['fma'] / 1e9:.0f} with "
        f"all; a triad over 256 MB moves {probe['stream'] / 1e9:.1f} GB/s."
    )


def _all_peers(works: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in works.items():
        times = ratios(entry)
        for peer, found in sorted(entry["peers"].items(), key=lambda item: item[1]["median"]):
            rows.append(
                (
                    name,
                    f"**{peer}**" if peer == "gdcore" else peer + (" (WRONG RESULT)" if found["wrong"] else ""),
                    number(found["median"]),
                    f"±{found['spread'] / found['median']:.0%}",
                    number(found["least"]),
                    entry["unit"],
                    f"{number(times[peer])}x" if peer in times else "",
                    str(found["samples"]),
                    found["settings"],
                )
            )
    head = ("work", "peer", "median", "spread", "least", "unit", "ratio", "samples", "settings")
    return table(head, rows) + _absent(works)


def _absent(works: Mapping[str, Any]) -> str:
    why: dict[tuple[str, str], list[str]] = {}
    for name, entry in works.items():
        for peer, reason in entry["out"].items():
            why.setdefault((peer, reason), []).append(name)
    lines = [f"- {peer} not in {', '.join(names)}: {reason}." for (peer, reason), names in why.items()]
    return "\n\n" + "\n".join(lines) if lines else ""


def _roofline(results: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in results["works"].items():
        if "roofline" in entry:
            roof = entry["roofline"]
            rows.append(
                (
                    name,
                    entry["unit"].split(" ", 2)[-1],
                    number(roof["flops"] / 1e3),
                    number(roof["bytes"] / 1e3),
                    number(roof["flops_per_second"] / 1e9),
                    f"{roof['fma_share_one_thread']:.0%}",
                    f"{roof['fma_share']:.0%}",
                    f"{roof['roof_share']:.0%}",
                )
            )
    head = ("work", "", "kflop", "kB", "GF/s", "of one thread's FMA peak", "of all threads'", "of the roofline")
    return f"""{table(head, rows)}

kflop and kB are the least that a step needs: the matrix products; rows in, parameters and the optimizer's vectors in
and out.  The roofline is the longer of the two times that these take, at the FMA peak and at a triad's speed over as
many bytes."""


def _phases(works: Mapping[str, Any]) -> str:
    found = {name: entry["phases"] for name, entry in works.items() if "phases" in entry}
    names = list(next(iter(found.values())))
    rows = []
    for work, phases in found.items():
        whole = sum(phases.values())
        rows.append((work, number(whole), *(f"{number(phases[p])} ({phases[p] / whole:.0%})" for p in names)))
    return table(("work", "µs a step", *names), rows)


def growth_text(points: Iterable[Mapping[str, Any]], bumps: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (
            p["sweep"],
            f"{p['width']} wide, {p['depth']} deep, batch {p['batch']}",
            number(p["seconds"] * 1e6),
            number(p["roof_seconds"] * 1e6),
            f"{p['roof_share']:.0%}",
        )
        for p in points
    ]
    standing_out = [f"{p['width']} wide, {p['depth']} deep, batch {p['batch']}" for p in bumps]
    return (
        table(("sweep", "net", "µs a step", "roofline", "share"), rows)
        + "\n\nBumps: "
        + ("; ".join(standing_out) if standing_out else "none")
        + "."
    )


def insert(page: str, report: str) -> str:
    """The page with the report in place of what stood below its last-run marker."""
    marker = "<!-- last run -->"
    above, found, _ = page.partition(marker)
    if not found:
        raise ValueError(f"the page has no line {marker}")
    return f"{above}{marker}\n\n{report}\n"


# ---- pictures --------------------------------------------------------------------------------------------


def plot(results: Mapping[str, Any]) -> Any:
    """Ratios as bars on a logarithmic scale, and the works under the roofline; beside them how cost grows."""
    from ..plots._figures import new_figure

    growing = bool(results.get("growth"))
    figure = new_figure(17 if growing else 12, 11)
    axes = figure.subplots(1, 3 if growing else 2)
    draw_ratios(axes[0], results["works"])
    draw_roofline(axes[1], results)
    if growing:
        draw_growth(axes[2], results["growth"])
    return figure


def draw_ratios(ax: Any, works: Mapping[str, Any]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    found = {name: ratios(entry) for name, entry in works.items() if ratios(entry)}
    names = [name for name in PEERS if any(name in of for of in found.values())]
    colours = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000"]
    at, ticks, labels = 0.0, [], []
    for work, of in found.items():
        taking_part = [name for name in names if name in of]
        for i, name in enumerate(taking_part):
            ax.barh(at + i, of[name] - 1, left=1, height=0.85, color=colours[names.index(name) % len(colours)])
            ax.text(max(of[name], 1) * 1.06, at + i, number(of[name]), va="center", fontsize=7)
        wanted = works[work]["goal"]
        if wanted is not None:
            ax.plot([wanted] * 2, [at - 0.5, at + len(taking_part) - 0.5], color="black", linewidth=1.2)
        ticks.append(at + (len(taking_part) - 1) / 2)
        labels.append(work)
        at += len(taking_part) + 1
    for i, name in enumerate(names):
        ax.barh([0], [0], left=1, color=colours[i % len(colours)], label=name)
    ax.plot([], [], color="black", linewidth=1.2, label="goal, against the fastest")
    ax.axvline(1, color="grey", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xlim(right=ax.get_xlim()[1] * 2)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks(ticks, labels)
    ax.invert_yaxis()
    ax.set_xlabel("times gdcore's time (medians)")
    ax.set_title("How many times as long others take")
    ax.legend(fontsize=8)


def draw_roofline(ax: Any, results: Mapping[str, Any]) -> None:
    import numpy as np

    probe = results["probe"]
    intensity = np.geomspace(0.05, 500, 200)
    for label, peak, speed, style in (
        ("all threads, memory", probe["fma"], probe["stream"], "-"),
        ("all threads, 1 MB in cache", probe["fma"], probe["stream_cache"], "--"),
        ("one thread, 1 MB in cache", probe["fma_one_thread"], probe["stream_cache_one_thread"], ":"),
    ):
        ax.plot(intensity, np.minimum(peak, intensity * speed) / 1e9, style, color="grey", label=label)
    roofs = {name: entry["roofline"] for name, entry in results["works"].items() if "roofline" in entry}
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
