"""Callbacks that change a training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .draw import Draw, Of, SetUp
from .trainings import dense, training


def draw(d: Draw) -> Iterator[SetUp]:
    def set_up(name: str, config: dict[str, Any], **more: Any) -> SetUp:
        fit = {"epochs": 12, "validation_split": 0.3, "callbacks": [Of("callbacks", name, config)]}
        sgd = Of("optimizers", "SGD", {"learning_rate": d.real(0.1, 0.5), "momentum": 0.5, **more})
        return SetUp("callbacks", name, training(d, [dense(6, "tanh")], kind="real", fit=fit, optimizer=sgd))

    for _ in range(2):
        monitor = d.one_of("loss", "val_loss")
        stop = {"monitor": monitor, "patience": d.whole(1, 3), "restore_best_weights": d.flag()}
        yield set_up("EarlyStopping", {**stop, "min_delta": d.one_of(0.0, 0.02)})
        plateau = {"monitor": monitor, "factor": d.real(0.2, 0.8), "patience": d.whole(1, 2), "min_delta": 0.03}
        yield set_up("ReduceLROnPlateau", {**plateau, "cooldown": d.whole(0, 2)})
        yield set_up("LearningRateScheduler", {"schedule": _falling if d.flag() else _of_the_epoch})
        averages = {"use_ema": True, "ema_momentum": d.real(0.5, 0.95)}
        yield set_up("SwapEMAWeights", {"swap_on_epoch": d.flag()}, **averages)


def _falling(epoch: int, rate: float) -> float:
    return rate if epoch < 3 else rate * 0.8


def _of_the_epoch(epoch: int) -> float:
    return 0.3 / (1 + epoch // 2)
