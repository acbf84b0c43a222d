"""Looking things up by name, with help for the reader of a typing error."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def look_up(kind: str, name: str, table: Mapping[str, T]) -> T:
    """The entry of that name; a ValueError that suggests the nearest known names otherwise."""
    try:
        return table[name]
    except KeyError:
        raise unknown(kind, name, table) from None


def unknown(kind: str, name: object, table: Mapping[str, object]) -> ValueError:
    from difflib import get_close_matches

    folded = {key.lower(): key for key in table}
    near = [folded[key] for key in get_close_matches(str(name).lower(), folded, n=3)]
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known: {', '.join(sorted(table))}."
    return ValueError(f"{kind}={name!r} is not known. {hint}")
