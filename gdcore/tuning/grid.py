"""Which settings a sweep tries: the values of each parameter, their combinations, and the rounds of halving."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Grid = Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Iterable[Any]]] | None
    Settings = tuple[dict[str, Any], list[dict[str, Any]]]
    """The values of each parameter, and the settings to try."""


def label_of(value: Any) -> Any:
    """A value as tables show it and files tell it from others."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "get_config"):
        config = ", ".join(f"{name}={label_of(setting)!r}" for name, setting in value.get_config().items())
        return f"{type(value).__name__}({config})"
    if isinstance(value, list | tuple):
        return str([label_of(entry) for entry in value])
    return getattr(value, "__name__", None) or repr(value)


def key_of(params: Mapping[str, Any]) -> str:
    """What tells a setting from others, also in files."""
    return ", ".join(f"{name}={label_of(value)!r}" for name, value in params.items())


def settings_of(grid: Grid, search: str, samples: int, seed: int) -> Settings:
    """The values of each parameter, and the settings to try.

    Parameters
    ----------
    grid, search, samples, seed : as in `gdcore.sweep`

    Raises
    ------
    ValueError, TypeError
        If there is nothing to try, or something that `search` cannot try.
    """
    if not isinstance(grid, list | tuple):
        values = _values(grid)  # type: ignore[arg-type]  # mypy takes a mapping for a sequence
        return _drawn(values, samples, seed) if search == "random" else _all(values)
    if search == "random" or not grid:
        raise ValueError(f"grid is a list of {len(grid)} dictionaries, which search={search!r} cannot draw from")
    parts = [_values(part) for part in grid]
    for part in parts[1:]:
        if set(part) != set(parts[0]):
            raise ValueError(f"grid has dictionaries of different parameters: {list(parts[0])} and {list(part)}")
    settings = {key_of(params): params for part in parts for params in _all(part)[1]}
    union = {name: {label_of(value): value for part in parts for value in part[name]} for name in parts[0]}
    return {name: list(found.values()) for name, found in union.items()}, list(settings.values())


def _values(grid: Mapping[str, Iterable[Any]] | None) -> dict[str, Any]:
    """The values of each parameter as lists; callables stay."""
    if not grid:
        raise ValueError("grid is missing: expected a dictionary of parameters and their values")
    values: dict[str, Any] = {}
    for name, given in grid.items():
        if _is_drawn(given):
            values[name] = given
            continue
        if isinstance(given, str) or not np.iterable(given):
            raise TypeError(f"grid[{name!r}]={given!r} is not a list of values")
        values[name] = [value.item() if isinstance(value, np.generic) else value for value in given]
        if not values[name]:
            raise ValueError(f"grid[{name!r}] has no values")
    return values


def _is_drawn(given: Any) -> bool:
    """Whether values are drawn by a function of the user's."""
    return callable(given) and not isinstance(given, list | tuple)


def _all(values: dict[str, Any]) -> Settings:
    """Every combination."""
    for name, given in values.items():
        if _is_drawn(given):
            raise TypeError(f"grid[{name!r}] is a callable, which only search='random' can draw from")
    return values, [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def _drawn(values: dict[str, Any], samples: int, seed: int) -> Settings:
    """So many combinations; without functions that draw values none of them twice."""
    rng = np.random.default_rng(seed)
    drawn = [name for name, given in values.items() if _is_drawn(given)]
    if drawn:
        chosen = [
            {name: given(rng) if name in drawn else given[rng.integers(len(given))] for name, given in values.items()}
            for _ in range(samples)
        ]
        return {**values, **{name: sorted({params[name] for params in chosen}) for name in drawn}}, chosen
    sizes = [len(given) for given in values.values()]
    picked = rng.choice(math.prod(sizes), min(samples, math.prod(sizes)), replace=False)
    places = np.unravel_index(np.sort(picked), sizes)
    return values, [
        {name: given[at] for (name, given), at in zip(values.items(), place, strict=True)}
        for place in zip(*(place.tolist() for place in places), strict=True)
    ]


def rounds(search: str, settings: int, epochs: int, factor: int) -> Iterator[tuple[int, int]]:
    """(epochs, how many of the settings) of each round: several of successive halving, one otherwise."""
    count = 0
    while search == "halving" and factor ** (count + 1) <= min(settings, epochs):
        count += 1
    for i in range(count + 1):
        yield max(epochs // factor ** (count - i), 1), max(settings // factor**i, 1)
