"""The classes of a family by name: what ``get``, ``serialize`` and ``deserialize`` of Keras's modules look up."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._names import look_up, serialized, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
C = TypeVar("C", bound=type)


class Registry(Generic[T]):
    """A family of classes; each enters itself by the decorator `add`.

    Parameters
    ----------
    base : class
        What all members are.
    kind : str
        What an error calls a member: "initializer".
    module : str
        Where Keras keeps the classes, for its serialized form.

    Attributes
    ----------
    classes : dict of class
        By their own names.
    names : dict of class
        By their own and their second names: ``GlorotUniform``, ``glorot_uniform``.
    """

    def __init__(self, base: type[T], kind: str, module: str) -> None:
        self.base, self.kind, self.module = base, kind, module
        self.classes: dict[str, type[T]] = {}
        self.names: dict[str, type[T]] = {}

    def add(self, *second_names: str) -> Callable[[C], C]:
        """A decorator that enters a class by its name, that name in snake case, and others."""

        def enter(cls: C) -> C:
            self.classes[cls.__name__] = cls
            for name in (cls.__name__, snake_case(cls.__name__), *second_names):
                self.names[name] = cls
            return cls

        return enter

    def get(self, identifier: Any) -> T:
        """The member of that name, class or serialized form; a member itself passes.

        Raises
        ------
        ValueError
            If there is none; it suggests the nearest names.
        """
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        if isinstance(identifier, str):
            return look_up(self.kind, identifier, self.names)()
        raise unknown(self.kind, identifier, self.names)

    def serialize(self, member: T) -> dict[str, Any]:
        """Keras's form of a member, which both libraries turn back into it."""
        return serialized(self.module, member)

    def deserialize(self, config: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> Any:
        """What `serialize` described; `own` has classes beside those of the family, by name."""
        name, others = str(config.get("class_name")), own or {}
        known: Mapping[str, Any] = self.names if name in self.names and name not in others else self.classes
        return look_up(self.kind, name, {**known, **others}).from_config(config.get("config") or {})


@cache
def snake_case(name: str) -> str:
    """A class's name in Keras's lower case: ``GlorotUniform`` is ``glorot_uniform``, ``PReLU`` is ``p_re_lu``."""
    # a word begins with a capital that follows a small letter, or that a small letter follows
    apart = (
        f"_{c}" if i and c.isupper() and (name[i - 1].islower() or name[i + 1 : i + 2].islower()) else c
        for i, c in enumerate(name)
    )
    return "".join(apart).lower()
