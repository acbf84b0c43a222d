"""What all metrics share, and the sums that most of them keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from .. import losses
from .._checks import WrongType
from .._fields import Configured, Field, Text
from .._names import arguments, look_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

_M = TypeVar("_M", bound="Metric")
Figure = float | np.ndarray


class Variable(np.ndarray):
    """An array that can be assigned to as Keras's variables are: the state of a metric of one's own."""

    def assign(self, value: ArrayLike) -> Variable:
        """Overwrite it."""
        self[...] = value
        return self

    def assign_add(self, value: ArrayLike) -> Variable:
        """Add to it."""
        self[...] += value
        return self

    def assign_sub(self, value: ArrayLike) -> Variable:
        """Subtract from it."""
        self[...] -= value
        return self

    def numpy(self) -> NDArray[Any]:
        """A copy of it as a plain array."""
        return np.array(self)


class DataType(Field[str]):
    """The name of a type of numbers.

    Parameters
    ----------
    known : str
        The names that are taken, with spaces between; "int" stands for int64.
    """

    def __init__(self, known: str) -> None:
        super().__init__()
        self.known = {name: "int64" if name == "int" else name for name in known.split()}

    def check(self, value: Any) -> str:
        """The name of a type that is given by its name, or as NumPy's or Python's own."""
        if isinstance(value, str):
            return look_up(self.name, value, self.known)
        try:
            name = "None" if value is None else np.dtype(value).name  # for NumPy None is float64
        except (TypeError, ValueError):
            name = ""
        if name not in self.known:
            raise WrongType(f"{self.name}={value!r} is not one of {', '.join(map(repr, self.known))}")
        return self.known[name]


def is_built_in(cls: type) -> bool:
    """Whether a class is one of this package, and not one derived from these that may do something else."""
    return cls.__module__.rpartition(".")[0] == __package__


class Metric(Configured):
    """What all metrics share, and the class to derive one's own from.

    `update_state` adds a batch, `result` is the figure so far, `reset_state` forgets.  A metric of one's own makes its
    variables in ``__init__`` by `add_variable`, after ``super().__init__()``, and says what the other two do; it gets
    NumPy arrays, one batch at a time.

    Parameters
    ----------
    dtype : {"float32", "float64"}, optional
        The type in which targets and outputs are compared (float32 if not given).
    name : str, optional
        By default the class's name in snake_case.

    Notes
    -----
    As in Keras, a class whose ``_direction`` is "up" or "down" tells callbacks whether large or small is good.

    Examples
    --------
    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **options):
    ...         super().__init__(name=name, **options)
    ...         self.largest = self.add_variable((), "zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(np.maximum(self.largest, np.abs(y_true - y_pred).max()))
    ...     def result(self):
    ...         return self.largest
    >>> float(Largest()([[1.0], [2.0]], np.array([[1.5], [0.0]])))
    2.0
    """

    _default_name: ClassVar[str | None] = None
    _direction: ClassVar[str | None] = None
    _additive: ClassVar[bool] = False  # whether a whole epoch at once gives the same figure as its batches

    name = Text()
    dtype = DataType("float32 float64 int int32 int64")

    def __init_subclass__(cls, without: Iterable[str] = (), **options: Any) -> None:
        """`without` names settings of the classes above that are none of this one."""
        super().__init_subclass__(**options)
        if without:
            cls._fields = {name: field for name, field in cls._fields.items() if name not in without}

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        self.name = self._default_name or snake_case(type(self).__name__) if name is None or name == "" else name
        self.dtype = "float32" if dtype is None else dtype
        self._variables: list[Variable] = []

    @property
    def variables(self) -> list[Variable]:
        """What `add_variable` made."""
        return list(self._variables)

    @property
    def _by_batch(self) -> bool:
        """Whether feeding a whole epoch at once gives another figure than feeding its batches."""
        return not (self._additive and is_built_in(type(self)))  # what a class of the user does is not known

    def _spec(self, reduction: str = "mean") -> Any:
        """What the core needs to know to take this as a mean inside its loop, or None if it cannot."""
        return None

    def _loss(self) -> losses.Loss | None:
        """A loss that takes targets of the same form as this metric, or None if it takes them as they come."""
        return None

    def add_variable(
        self,
        shape: int | Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """An array that `reset_state` sets to zero.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or Initializer
            Its first values; as in Keras, `reset_state` sets zeros whatever it is.
        dtype : str, optional
            By default the metric's.
        aggregation, name : str, optional
            Taken for Keras's sake, without influence here.
        """
        if not hasattr(self, "_variables"):
            raise RuntimeError(f"{type(self).__name__}.__init__ must call super().__init__() before add_variable")
        from .. import initializers

        chosen = dtype or self.dtype
        values = initializers.get("zeros" if initializer is None else initializer)(shape, "float32")
        variable = np.array(values, chosen).view(Variable)
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: int | Sequence[int] = (), initializer: Any = "zeros", dtype: str | None = None, name: Any = None
    ) -> Variable:
        """The same as `add_variable`, under its older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self._variables:
            variable[...] = 0
        for value in vars(self).values():
            if isinstance(value, Metric):
                value.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch."""
        raise NotImplementedError(f"{type(self).__name__} has no update_state")

    def result(self) -> Any:
        """The figure over all batches so far: a float, or an array of float32."""
        raise NotImplementedError(f"{type(self).__name__} has no result")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    @classmethod
    def from_config(cls: type[_M], config: Mapping[str, Any]) -> _M:
        """The object that `get_config` (or Keras's) described."""
        return cls(**arguments(cls, config))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(_renamed(state) if "_dtype" in state else state)


class SumMetric(Metric):
    """A metric whose state is one array of sums over the rows, in float64."""

    _additive = True

    dtype = DataType("float32 float64")

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        super().__init__(dtype, name)
        self._sums: NDArray[Any] | None = None  # before the first batch

    def _loss(self) -> losses.Loss | None:
        return losses.MeanSquaredError()

    def _zeros(self) -> tuple[int, ...]:
        """The shape of the sums, with 1 for what only the first batch will tell."""
        return (2,)

    def reset_state(self) -> None:
        super().reset_state()
        self._sums = None

    def _add(self, sums: Any) -> None:
        before = np.zeros(self._zeros()) if self._sums is None else self._sums
        if self._sums is not None and sums.shape != before.shape:
            if sums.shape[:-1] == before.shape[:-1] and self._zeros()[-1] == 1:
                changed = f"y_pred has {sums.shape[-1]} columns, but metric {self.name!r} has seen {before.shape[-1]}"
            else:
                changed = f"settings of metric {self.name!r} are not those with which it saw the batches"
            raise ValueError(f"{changed} before: call reset_state() first")
        self._sums = before + sums

    @property
    def _totals(self) -> Any:
        """The sums so far, zeros before the first batch."""
        return np.zeros(self._zeros()) if self._sums is None else self._sums

    @property
    def _rounded_totals(self) -> Any:
        """The sums in the metric's type: the figures made of them round as Keras's."""
        return self._totals.astype(self.dtype)


def snake_case(name: str) -> str:
    """A class's or function's name as Keras makes a metric's name of it: AUC auc, MeanIoU mean_io_u."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _renamed(state: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of today, of a metric that version 0.1.0 pickled."""
    state = dict(state)
    state["dtype"] = state.pop("_dtype")
    if state.pop("_empty", False):
        state["_sums"] = None
    if "_fn" in state:
        state["fn"] = state.pop("_fn")
    if "_of" in state:  # the loss whose mean it is, now made of the settings
        del state["_of"]
        state.update(state.pop("_settings"))
    if "_at" in state:  # counts at thresholds, of which now only those are kept that were given
        shown = state.pop("thresholds")
        if "_given" in state:
            given = state.pop("_given")
            state["thresholds"] = given if not isinstance(given, bool) else shown[1:-1] if given else None
        for name in ("_at", "_even", "_by_label", "_labels"):
            state.pop(name, None)
    state.pop("_by_batch", None)
    return state
