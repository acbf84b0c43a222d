"""Looking things up by name, with help for the reader of a typing error."""

from collections.abc import Mapping
from typing import Any, TypeVar

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


def serialized(module: str, thing: Any) -> dict[str, Any]:
    """Keras's form of an object, which both libraries turn back into it."""
    return {
        "module": module,
        "class_name": type(thing).__name__,
        "config": thing.get_config(),
        "registered_name": None,
    }


def arguments(cls: type, config: Mapping[str, Any], **neutral: Any) -> dict[str, Any]:
    """The entries of a config that a class's constructor takes.

    What else Keras writes must say nothing: be None, False, or what `neutral` gives for its name.
    """
    from inspect import signature

    makers = [vars(c)["__init__"] for c in cls.__mro__ if c is not object and "__init__" in vars(c)]
    known = {name for maker in makers for name in signature(maker).parameters}
    for key, value in config.items():
        if key not in known and value is not None and value is not False and value != neutral.get(key):
            raise ValueError(f"{cls.__name__} has no setting {key!r} here, which is {value!r} in this config")
    return {key: value for key, value in config.items() if key in known}
