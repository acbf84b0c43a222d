"""A run as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .markdown import number, table
from .peers import PEERS
from .results import fastest, ratios, verdict


def goal(entry: Mapping[str, Any]) -> str:
    if entry.get("limit") is not None:
        return f"<= {entry['limit']:g} {entry['unit'].split()[0]}"
    return "-" if entry["goal"] is None else f">= {entry['goal']:.3g}x"


def text(results: Mapping[str, Any]) -> str:
    """The whole report in Markdown."""
    workloads = results["workloads"]
    blocks = [
        _header(results),
        "### Against the fastest peer\n\n" + _against_fastest(workloads),
        "### All peers\n\n" + _all_peers(workloads),
    ]
    if any("roofline" in entry for entry in workloads.values()):
        blocks.append("### How near to what the machine can do\n\n" + _roofline(workloads))
    if any("phases" in entry for entry in workloads.values()):
        blocks.append("### Where the time of one step goes\n\n" + _phases(workloads))
    if results.get("growth"):
        blocks.append("### How cost grows\n\n" + growth_text(results["growth"], results["bumps"]))
    names = dict.fromkeys(name for entry in workloads.values() for name in entry["peers"])
    blocks.append("### How each is run\n\n" + "\n".join(f"- {name}: {PEERS[name].how}." for name in names))
    return "\n\n".join(blocks)


def _against_fastest(workloads: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in workloads.items():
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
    head = ("workload", "what", "gdcore", "fastest peer", "ratio of medians", "of the least", "goal", "reached")
    return table(head, rows)


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


def _all_peers(workloads: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in workloads.items():
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
    head = ("workload", "peer", "median", "spread", "least", "unit", "ratio", "samples", "settings")
    return table(head, rows) + _absent(workloads)


def _absent(workloads: Mapping[str, Any]) -> str:
    why: dict[tuple[str, str], list[str]] = {}
    for name, entry in workloads.items():
        for peer, reason in entry["out"].items():
            why.setdefault((peer, reason), []).append(name)
    lines = [f"- {peer} not in {', '.join(names)}: {reason}." for (peer, reason), names in why.items()]
    return "\n\n" + "\n".join(lines) if lines else ""


def _roofline(workloads: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in workloads.items():
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
    head = ("workload", "", "kflop", "kB", "GF/s", "of one thread's FMA peak", "of all threads'", "of the roofline")
    return f"""{table(head, rows)}

kflop and kB are the least that a step needs: the matrix products; rows in, parameters and the optimizer's vectors in
and out.  The roofline is the longer of the two times that these take, at the FMA peak and at a triad's speed over as
many bytes."""


def _phases(workloads: Mapping[str, Any]) -> str:
    found = {name: entry["phases"] for name, entry in workloads.items() if "phases" in entry}
    names = list(next(iter(found.values())))
    rows = []
    for workload, phases in found.items():
        whole = sum(phases.values())
        rows.append((workload, number(whole), *(f"{number(phases[p])} ({phases[p] / whole:.0%})" for p in names)))
    return table(("workload", "µs a step", *names), rows)


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
