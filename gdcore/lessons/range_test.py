"""Which learning rate? A net trains with a rate that grows at each batch; the loss says which is good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import datasets, initializers, layers
from ..models import Sequential
from ..plots._texts import translator
from ._report import write


def build() -> Sequential:
    """The net, with the same starting weights each time."""
    first, second = (initializers.GlorotUniform(seed=seed) for seed in (1, 2))
    model = Sequential(
        [
            layers.Dense(8, "tanh", kernel_initializer=first, input_dim=4),
            layers.Dense(3, "softmax", kernel_initializer=second),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def run() -> tuple[Any, Any]:
    """Rates and losses."""
    from ..plots import range_test

    return range_test(build(), *datasets.iris.load_data(), low=1e-4, high=10.0, steps=150, batch_size=30)


def main(plots: str | Path, lang: str = "en") -> int:
    """Print some of the losses by rate and draw all."""
    from ..plots import plot_range_test

    say = translator(lang)
    rates, losses = run()
    print(f"{say('learning rate'):>19}  {say('loss'):>8}")
    for i in np.linspace(0, len(rates) - 1, 12).round().astype(int):
        print(f"{rates[i]:>19.5f}  {losses[i]:>8.4f}")
    ax = plot_range_test(rates, losses, lang=lang)
    ax.set_title(say("Which learning rate? iris, Dense(8, tanh), Dense(3, softmax)"))
    write({"range-test.png": ax}, plots, lang)
    return 0
