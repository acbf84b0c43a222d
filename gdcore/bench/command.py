"""The command: its arguments, and what it does with them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

# which options have no use with which others
_WITHOUT_PEERS = ("peers", "growth", "json", "plot", "save", "readme")
_USELESS = {"list": ("only", *_WITHOUT_PEERS), "compare": ("only", *_WITHOUT_PEERS), "against": _WITHOUT_PEERS}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of ``gdcore bench``."""
    parser.add_argument("--only", metavar="WORKLOADS", help="these workloads, with commas: W1,W5 (all)")
    parser.add_argument("--peers", metavar="PEERS", help="these peers, with commas: jax,numpy (all that are installed)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="time for each workload (%(default)s)")
    parser.add_argument("--growth", action="store_true", help="also how cost grows with width, depth and batch")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--plot", metavar="FILE", help="draw ratios and the roofline")
    parser.add_argument(
        "--save", metavar="FOLDER", help="write figures and picture there, as VERSION.json and VERSION.png"
    )
    parser.add_argument(
        "--readme", metavar="FILE", help="put the report below the marker '<!-- last run -->' of a page"
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--list", action="store_true", help="list workloads and peers, and stop")
    modes.add_argument(
        "--compare", nargs=2, metavar=("OLD", "NEW"), help="compare gdcore's times in two files of figures"
    )
    modes.add_argument(
        "--against",
        metavar="BUILD",
        help="time another build of gdcore and this one in turn: a Python that has it, or a folder with gdcore/ in it",
    )
    parser.add_argument(
        "--min-ratio",
        type=float,
        metavar="RATIO",
        help="with --compare or --against: fail if old time / new time is smaller anywhere",
    )


def main(chosen: Namespace) -> int:
    """Run the command and return the exit status; raises ValueError for arguments that do not fit."""
    _check(chosen)
    if chosen.list:
        return list_all()
    if chosen.compare:
        old, new = chosen.compare
        return compare_files(old, new, chosen.min_ratio)
    if chosen.against:
        return against_build(chosen)
    return against_peers(chosen)


def _check(chosen: Namespace) -> None:
    for mode, options in _USELESS.items():
        for option in options:
            if getattr(chosen, mode) and getattr(chosen, option):
                raise ValueError(f"--{option} has no use with --{mode}")
    if chosen.min_ratio is None:
        return
    if not (chosen.compare or chosen.against):
        raise ValueError("--min-ratio needs --compare or --against")
    if not 0 < chosen.min_ratio < float("inf"):
        raise ValueError(f"--min-ratio {chosen.min_ratio} is not a positive number")


def list_all() -> int:
    """Print the names of workloads and peers."""
    from .peers import PEERS
    from .workloads import BETWEEN_BUILDS, WORKLOADS

    for name, workload in WORKLOADS.items():
        print(f"{name:<17} {workload.title}")
    for name, workload in BETWEEN_BUILDS.items():
        if name not in WORKLOADS:
            print(f"{name:<17} {workload.title} (with --against only)")
    for name, peer in PEERS.items():
        versions = peer.versions()
        shown = ", ".join(f"{k} {v}" for k, v in versions.items()) if versions else "not installed"
        print(f"{name:<17} {shown}")
    return 0


def against_peers(chosen: Namespace) -> int:
    """Time gdcore and its peers; the status is 1 if results differ between them."""
    from .._version import __version__
    from . import pictures, report, results
    from .markdown import insert
    from .session import run
    from .workloads import WORKLOADS

    figures, picture = chosen.json, chosen.plot
    if chosen.save:
        folder = Path(chosen.save)
        folder.mkdir(parents=True, exist_ok=True)
        figures, picture = figures or folder / f"{__version__}.json", picture or folder / f"{__version__}.png"
    if picture:
        pictures.require_matplotlib()  # now, not after the run
    workloads = _named("workload", chosen.only, WORKLOADS)
    found = run(workloads, _peers(chosen.peers), chosen.seconds, chosen.growth, _tell)
    page = report.text(found)
    print(page)
    if figures:
        results.save(found, figures)
    if picture:
        pictures.save(found, picture)
    if chosen.readme:
        readme = Path(chosen.readme)
        readme.write_text(insert(readme.read_text(encoding="utf-8"), page), encoding="utf-8")
    wrong = results.wrong(found)
    if wrong:
        print(f"gdcore: results differ between peers in {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


def compare_files(old: str, new: str, min_ratio: float | None) -> int:
    """Print how gdcore's times in two files differ; the status is 1 if a ratio is below `min_ratio`."""
    from . import results
    from .compare import compare, text

    before, after = results.load(old), results.load(new)
    found = compare(before, after)
    print(text(found, before, after))
    return _judge(found.below(min_ratio or 0), min_ratio)


def against_build(chosen: Namespace) -> int:
    """Time another build and this one in turn; the status is 1 if one fails, or a ratio is below ``--min-ratio``."""
    from .builds import compare_builds, text
    from .workloads import BETWEEN_BUILDS

    workloads = _named("workload", chosen.only, BETWEEN_BUILDS)
    found = compare_builds(workloads, chosen.against, chosen.seconds, _tell)
    print(text(found))
    return max(_judge(found.below(chosen.min_ratio or 0), chosen.min_ratio), 1 if found.out else 0)


def _judge(below: list[str], min_ratio: float | None) -> int:
    if not below:
        return 0
    print(f"gdcore: old time / new time is below {min_ratio:g} in {', '.join(below)}", file=sys.stderr)
    return 1


def _named(kind: str, names: str | None, table: dict[str, Any]) -> dict[str, Any]:
    """The entries that were asked for, all by default."""
    from .._names import look_up

    return {name: look_up(kind, name, table) for name in _split(names, table)}


def _peers(names: str | None) -> list[str]:
    """gdcore first, and those peers that were asked for, or all that are installed."""
    from .peers import PEERS

    chosen = _named("peer", names, PEERS)
    for name in [name for name, peer in chosen.items() if peer.versions() is None]:
        if names:
            raise ValueError(f"peer={name!r} is not installed: pip install {' '.join(chosen[name].packages)}")
        del chosen[name]
    return ["gdcore", *(name for name in chosen if name != "gdcore")]


def _split(names: str | None, everything: Iterable[str]) -> list[str]:
    return [name.strip() for name in names.split(",")] if names else list(everything)


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
