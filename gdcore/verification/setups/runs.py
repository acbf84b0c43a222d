"""Whole trainings with what `fit` and `compile` can be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .draw import Draw, Of, SetUp
from .layers import LAYERS
from .losses import LOSSES
from .optimizers import OPTIMIZERS, shared_options
from .trainings import dense, layer, training, training_with_loss


def _stack(d: Draw) -> list[Of]:
    return [dense(d.whole(3, 9), d.one_of("tanh", "sigmoid", "elu", "relu", "silu")) for _ in range(d.whole(1, 3))]


def _noisy(d: Draw) -> list[Of]:
    noise = [layer(name, **LAYERS[name](d)) for name in ("GaussianNoise", "Dropout", "GaussianDropout")]
    return [noise[0], dense(8, "tanh"), noise[1], dense(7, "elu"), d.one_of(*noise[1:])]


def draw(d: Draw) -> Iterator[SetUp]:
    for kind in ("onehot", "classes", "chances", "real"):
        for dtype in ("float32", "float64"):
            yield SetUp("runs", "a seed and the defaults", training(d, _stack(d), dtype, kind))
        accuracy: dict[str, Any] = {"compile": {"metrics": ["accuracy", "mae"] if kind != "classes" else ["accuracy"]}}
        split = {"validation_split": d.real(0.15, 0.4)}
        yield SetUp("runs", "validation split", training(d, _stack(d), kind=kind, fit=split, **accuracy))
        yield SetUp("runs", "without shuffling", training(d, _stack(d), kind=kind, fit={"shuffle": False}))
        yield SetUp("runs", "dropout and noise", training(d, _noisy(d), kind=kind, fit=split))
        metrics: dict[str, Any] = {"compile": {"weighted_metrics": ["accuracy"], "loss_weights": d.real(0.3, 3)}}
        weights = d.one_of({"sample_weight": True}, {"class_weight": {0: d.real(0.2, 3), 1: d.real(0.2, 3)}})
        yield SetUp("runs", "weighted rows and losses", training(d, _stack(d), kind=kind, fit=weights, **metrics))
        normalized = [dense(8, "tanh"), layer("BatchNormalization"), dense(7, "silu"), layer("LayerNormalization")]
        yield SetUp("runs", "normalized", training(d, normalized, kind=kind, fit=split))
    for name, own in OPTIMIZERS.items():
        if name != "ScheduleFreeAdamW":  # Keras's own fit starts its z at 0, and so loses the first weights
            said = Of("optimizers", name, {"learning_rate": 0.01, **own(d), **shared_options(d)})
            yield SetUp("runs", "every optimizer", training(d, [dense(6, d.one_of("tanh", "gelu"))], optimizer=said))
    for name, (kinds, own_loss) in LOSSES.items():
        yield SetUp("runs", "every loss", training_with_loss(d, name, kinds.split()[0], own_loss(d), "float32"))
