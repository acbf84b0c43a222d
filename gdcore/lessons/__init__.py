"""The course's experiments, as functions and for ``python -m gdcore lesson NAME``."""

from . import (
    by_hand,
    exercise_2,
    exercise_3,
    exercise_4,
    landscape,
    learning_rates,
    optimizers,
    race,
    range_test,
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
    "landscape": landscape,
    "range-test": range_test,
    "exercise-2": exercise_2,
    "exercise-3": exercise_3,
    "exercise-4": exercise_4,
}
"""Name on the command line -> module with a docstring and ``main(plots, lang)``, which returns an exit status."""

__all__ = [
    "LESSONS",
    "by_hand",
    "exercise_2",
    "exercise_3",
    "exercise_4",
    "landscape",
    "learning_rates",
    "optimizers",
    "race",
    "range_test",
    "starts",
    "surface",
]
