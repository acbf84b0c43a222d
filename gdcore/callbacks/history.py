"""`History`: what `fit` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Callback

if TYPE_CHECKING:
    from .base import Logs


class History(Callback):
    """The losses and metrics by epoch.

    Attributes
    ----------
    history : dict of str to list of float
    epoch : list of int
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self, keys: list[str] | None = None, ax: Any = None, *, lang: str = "en") -> Any:
        """Draw the learning curves: `gdcore.plots.plot_history` of this."""
        from ..plots import plot_history

        return plot_history(self, keys, ax, lang=lang)

    def _extend(self, first: int, names: list[str], figures: Any) -> None:
        """Append many epochs at once; figures has a row for each and a column for each name."""
        self.epoch.extend(range(first, first + len(figures)))
        for name, column in sorted(zip(names, figures.T.tolist(), strict=True)):
            self.history.setdefault(name, []).extend(column)

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}>"
