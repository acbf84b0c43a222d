"""Markdown that reads well in a terminal too: numbers, tables, and a page with a report below a marker."""

from __future__ import annotations

from collections.abc import Iterable

MARKER = "<!-- last run -->"


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


def insert(page: str, report: str) -> str:
    """The page with the report in place of what stood below its last-run marker."""
    above, found, _ = page.partition(MARKER)
    if not found:
        raise ValueError(f"the page has no line {MARKER}")
    return f"{above}{MARKER}\n\n{report}\n"
