"""Progress of a training on the screen: `ProgbarLogger`, which writes Keras's lines, and `TqdmCallback`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from .base import Callback

if TYPE_CHECKING:
    from .base import Logs


class TqdmCallback(Callback):
    """A bar of the package tqdm over the epochs, with the logs beside it.

    Parameters
    ----------
    options
        Passed on to ``tqdm.auto.tqdm``.

    Raises
    ------
    ImportError
        If tqdm is not installed.
    """

    def __init__(self, **options: Any) -> None:
        from importlib import import_module

        try:
            self._tqdm = import_module("tqdm.auto").tqdm
        except ImportError:
            raise ImportError("TqdmCallback needs tqdm: python -m pip install 'gdcore[tqdm]'") from None
        self.options = options

    def on_train_begin(self, logs: Logs = None) -> None:
        assert self.params is not None
        self._bar = self._tqdm(**{"total": self.params["epochs"], "unit": "epoch", **self.options})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._bar.set_postfix(logs or {}, refresh=False)
        self._bar.update(epoch + 1 - self._bar.n)

    def on_train_end(self, logs: Logs = None) -> None:
        self._bar.close()


class ProgbarLogger(Callback):
    """Keras's lines: a bar that fills on a terminal, one finished line for each epoch elsewhere.

    `fit` adds one unless ``verbose=0``; 1 is with a bar, 2 without.
    """

    _WIDTH = 30
    _INTERVAL = 0.05

    def __init__(self) -> None:
        self.verbose = 1
        self.target = self.epochs = 1
        self._shown = 0

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.target, self.epochs = params["steps"] or 0, params["epochs"]  # 0: unknown
        self._live = self.verbose == 1 and sys.stdout.isatty()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.verbose:
            self._print(f"Epoch {epoch + 1}/{self.epochs}\n")
        self._start = self._last = time.perf_counter()

    def advance(self, steps: int, loss: float) -> None:
        """Redraw the bar within an epoch, of which so many steps are done, with the loss so far."""
        now = time.perf_counter()
        if now - self._last < self._INTERVAL:
            return
        self._last = now
        left = (now - self._start) * (self.target - steps) / max(steps, 1)
        ahead = f" - ETA: {as_clock(left)}" if self.target else ""
        self._overwrite(f"{self._bar(steps)}{ahead} - loss: {as_figure(loss)}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.verbose:
            return
        took, steps = time.perf_counter() - self._start, self.target
        figures = "".join(f" - {name}: {as_figure(value)}" for name, value in (logs or {}).items())
        pace = f"{as_step_time(took / steps)}/step" if steps else ""
        if self.verbose == 2:
            self._print(f"{steps or '?'}/{steps or '?'} - {took:.0f}s{figures} - {as_step_time(took)}/epoch - {pace}\n")
            return
        line = f"{self._bar(steps)} - {as_clock(took)} {pace}{figures}"
        if self._live:
            self._overwrite(line)
            self._print("\n")
            self._shown = 0
        else:
            self._print(line + "\n")

    def _bar(self, steps: int) -> str:
        total = self.target
        if not total:
            return f"{steps or '?'}/?"
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


def as_figure(value: Any) -> str:
    """A figure of the logs as Keras writes it."""
    if getattr(value, "ndim", 0):  # a metric with a figure for each class
        return "[" + " ".join(map(as_figure, value.tolist())) + "]"
    return f"{value:.4f}" if abs(value) > 1e-3 or value != value else f"{value:.4e}"


def as_step_time(seconds: float) -> str:
    """Whole seconds, milliseconds or microseconds, as Keras writes the time of a step."""
    if seconds >= 1:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def as_clock(seconds: float) -> str:
    """Seconds, minutes and seconds, or hours, minutes and seconds, as Keras writes the time left."""
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
