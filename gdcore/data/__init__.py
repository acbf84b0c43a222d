"""Rows from anywhere, in memory or streamed, as batches: `Dataset`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dataset import Dataset

__all__ = ["Dataset"]


def __getattr__(name: str) -> Any:
    # loads when somebody asks for it: models need data.passes alone to train on arrays
    if name != "Dataset":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .dataset import Dataset

    globals()[name] = Dataset
    return Dataset


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
