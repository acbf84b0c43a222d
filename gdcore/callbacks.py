"""What ``fit`` tells about its progress: callbacks, the history, and Keras's progress lines."""

import sys
import time
from typing import Any


class Callback:
    """Subclass it and override what you need; `fit` calls these around training and around each epoch.

    Attributes
    ----------
    model : Sequential
    params : dict
        ``{"epochs": ..., "steps": ..., "verbose": ...}``
    """

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Called first, with the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called second, with the parameters of this training."""
        self.params = params

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """After the last epoch; logs are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Before an epoch (from 0)."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """After an epoch; logs hold the loss, the metrics, and both on the validation data as ``val_...``."""


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

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def _extend(self, first: int, names: list[str], figures: Any) -> None:
        """Append many epochs at once; figures has a row for each and a column for each name."""
        self.epoch.extend(range(first, first + len(figures)))
        for name, column in zip(names, figures.T.tolist(), strict=True):
            self.history.setdefault(name, []).extend(column)

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}>"


class Progress(Callback):
    """Keras's lines: a bar that fills on a terminal, one finished line for each epoch elsewhere.

    Parameters
    ----------
    verbose : {1, 2}
        1: with a bar; 2: without.
    """

    _WIDTH = 30
    _INTERVAL = 0.05

    def __init__(self, verbose: int = 1) -> None:
        self.verbose = verbose
        self._live = verbose == 1 and sys.stdout.isatty()
        self._shown = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._print(f"Epoch {epoch + 1}/{self.params['epochs']}\n")
        self._start = self._last = time.perf_counter()

    def advance(self, rows: int, loss_sum: float) -> None:
        """Redraw the bar within an epoch: rows done, and the sum of the loss over them."""
        now = time.perf_counter()
        if not self._live or now - self._last < self._INTERVAL or not rows:
            return
        self._last = now
        steps, total = rows // self.params["batch_size"], self.params["steps"]
        left = (now - self._start) * (total - steps) / max(steps, 1)
        self._overwrite(f"{self._bar(steps)} - ETA: {_clock(left)} - loss: {_figure(loss_sum / rows)}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        took, steps = time.perf_counter() - self._start, self.params["steps"]
        figures = "".join(f" - {name}: {_figure(value)}" for name, value in (logs or {}).items())
        if self.verbose == 2:
            self._print(
                f"{steps}/{steps} - {took:.0f}s{figures} - {_short(took)}/epoch - {_short(took / steps)}/step\n"
            )
            return
        line = f"{self._bar(steps)} - {_clock(took)} {_short(took / steps)}/step{figures}"
        if self._live:
            self._overwrite(line)
            self._print("\n")
            self._shown = 0
        else:
            self._print(line + "\n")

    def _bar(self, steps: int) -> str:
        total = self.params["steps"]
        filled = self._WIDTH * steps // total
        bar = "=" * filled if filled == self._WIDTH else ("=" * filled + ">").ljust(self._WIDTH, ".")
        return f"{steps:>{len(str(total))}}/{total} [{bar}]"

    def _overwrite(self, line: str) -> None:
        self._print("\r" + line.ljust(self._shown))
        self._shown = len(line)

    @staticmethod
    def _print(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _figure(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 or value != value else f"{value:.4e}"


def _short(seconds: float) -> str:
    """Whole seconds, milliseconds or microseconds, as Keras writes the time of a step."""
    if seconds >= 1:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
