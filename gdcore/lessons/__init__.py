"""The course's experiments, as functions and for ``python -m gdcore lesson NAME``."""

from . import (
    by_hand,
    learning_rates,
    optimizers,
    race,
    starts,
    surface,
)

LESSONS = {
    "by-hand": by_hand,
    "surface": surface,
    "learning-rates": learning_rates,
    "starts": starts,
    "optimizers": optimizers,
    "race": race,
}
"""Name on the command line -> module with a docstring and ``main(plots, lang)``, which returns an exit status."""

__all__ = [
    "LESSONS",
    "by_hand",
    "learning_rates",
    "optimizers",
    "race",
    "starts",
    "surface",
]
