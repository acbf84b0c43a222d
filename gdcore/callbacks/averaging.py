"""`SwapEMAWeights`: evaluating with averaged weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._fields import Flag
from .base import Callback

if TYPE_CHECKING:
    from .base import Logs


class SwapEMAWeights(Callback):
    """Evaluate and predict with the moving average of the weights, which an optimizer with ``use_ema=True`` keeps.

    Parameters
    ----------
    swap_on_epoch : bool
        Also swap at the end of each epoch, until the next begins: for callbacks after this one that save the model.

    Raises
    ------
    ValueError
        When it comes to swapping and the optimizer keeps no average.
    """

    swap_on_epoch = Flag()

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _pairs(self) -> list[tuple[Any, Any]]:
        """The model's arrays and their averages."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        pairs = self.model._averages() if optimizer.use_ema and optimizer.built else []
        if not pairs:
            raise ValueError(f"SwapEMAWeights needs an optimizer with use_ema=True that has trained, not {optimizer!r}")
        return list(pairs)

    def _swap(self, to: bool) -> None:
        if self._swapped != to:
            for array, average in self._pairs():
                array[...], average[...] = average.copy(), array.copy()
            self._swapped = to

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.swap_on_epoch:
            return
        self._swap(True)
        assert self.params is not None
        if epoch == self.params["epochs"] - 1 or self.model.stop_training:
            # `fit` ends by putting the average into the weights, where it is already
            for array, average in self._pairs():
                average[...] = array

    def on_test_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._swap(False)
