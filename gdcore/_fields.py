"""Settings that a class declares once: ``momentum = Real(low=0, high=1)``.

A field checks what is assigned to it, in the constructor and later, and says what `get_config` writes; the default
stands in the signature of ``__init__`` alone.  `Configured` is what has fields.
"""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from . import _checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


class Changes:
    """Counts what is assigned to fields, so that a plan can tell cheaply whether anything may have changed."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


changes = Changes()

_PLAIN = (type(None), bool, int, float, str)


class Field(Generic[T]):
    """A setting of a class of `Configured`.

    Parameters
    ----------
    optional : bool
        Whether None is taken as well.
    """

    name: str
    owner: type
    _taken: Any = object()  # the plain value taken last, most often the default, which need not be checked again

    def __init__(self, *, optional: bool = False) -> None:
        self.optional = optional

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    @overload
    def __get__(self, thing: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, thing: object, owner: type) -> T: ...
    def __get__(self, thing: Any, owner: type) -> Any:
        if thing is None:
            return self
        try:
            return thing.__dict__[self.name]
        except KeyError:
            raise AttributeError(f"{owner.__name__!r} object has no attribute {self.name!r}") from None

    def __set__(self, thing: Any, value: Any) -> None:
        if value is not self._taken:
            checked = None if value is None and self.optional else self.check(value)
            if checked is value and type(value) in _PLAIN:
                self._taken = value
            value = checked
        thing.__dict__[self.name] = value
        changes.count += 1

    def check(self, value: Any) -> T:
        """The value as it is kept; an error that names the field where it cannot be."""
        raise NotImplementedError

    def config(self, value: T) -> Any:
        """The value as `get_config` writes it."""
        return value

    @property
    def default(self) -> Any:
        """What the constructor takes where nothing is given."""
        return inspect.signature(self.owner).parameters[self.name].default


class Real(Field[float]):
    """A finite number from low to high, greater than `above` and less than `below`."""

    def __init__(
        self,
        low: float = -math.inf,
        high: float = math.inf,
        *,
        above: float | None = None,
        below: float | None = None,
        optional: bool = False,
    ) -> None:
        super().__init__(optional=optional)
        self.low, self.high, self.above, self.below = low, high, above, below

    def check(self, value: Any) -> float:
        return _checks.number(self.name, value, self.low, self.high, above=self.above, below=self.below)


class Integer(Field[int]):
    """A whole number from low to high."""

    def __init__(self, low: int | None = None, high: int = 2**63 - 1, *, optional: bool = False) -> None:
        super().__init__(optional=optional)
        self.low, self.high = low, high

    def check(self, value: Any) -> int:
        return _checks.integer(self.name, value, self.low, self.high)


class Flag(Field[bool]):
    """True or False."""

    def check(self, value: Any) -> bool:
        return _checks.flag(self.name, value)


class Text(Field[str]):
    """A string."""

    def check(self, value: Any) -> str:
        return _checks.text(self.name, value)


class Choice(Field[Any]):
    """One of some values."""

    def __init__(self, known: Iterable[Any], *, optional: bool = False) -> None:
        super().__init__(optional=optional)
        self.known = tuple(known)

    def check(self, value: Any) -> Any:
        return _checks.choice(self.name, value, self.known)


class Part(Field[Any]):
    """Another object with a configuration of its own: an initializer, a regularizer, an activation.

    Parameters
    ----------
    get : callable
        Makes the object of a name, a class or a configuration, and lets objects pass.
    serialize : callable
        Makes the configuration.
    """

    def __init__(self, get: Callable[[Any], Any], serialize: Callable[[Any], Any], *, optional: bool = False) -> None:
        super().__init__(optional=optional)
        self.get, self.serialize = get, serialize

    def check(self, value: Any) -> Any:
        try:
            return self.get(value)
        except (TypeError, ValueError) as error:
            if not str(error).startswith(self.name):  # which of several initializers it is
                error.args = (f"{self.name}: {error}",)
            raise

    def config(self, value: Any) -> Any:
        return None if value is None else self.serialize(value)


class Configured:
    """What has fields."""

    _fields: ClassVar[dict[str, Field[Any]]] = {}
    """The class's own fields and those of the classes above it, in the order of their declaration."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = {name: field for name, field in vars(cls).items() if isinstance(field, Field)}
        if own:
            cls._fields = {**cls._fields, **own}

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again, in Keras's form."""
        return {name: field.config(getattr(self, name)) for name, field in self._fields.items()}

    def __repr__(self) -> str:
        config = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({config})"
