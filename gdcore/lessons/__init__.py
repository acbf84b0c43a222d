"""The course's experiments, as functions and for ``python -m gdcore lesson NAME``."""

from . import (
    batch_size,
    by_hand,
    exercise_1,
    exercise_2,
    exercise_3,
    exercise_4,
    exercise_5a,
    exercise_5b,
    exercise_6a,
    exercise_6b,
    exercise_6c,
    initialisation,
    landscape,
    learning_rate,
    learning_rates,
    max_batch_size,
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
    "learning-rate": learning_rate,
    "batch-size": batch_size,
    "initialisation": initialisation,
    "max-batch-size": max_batch_size,
    "exercise-1": exercise_1,
    "exercise-2": exercise_2,
    "exercise-3": exercise_3,
    "exercise-4": exercise_4,
    "exercise-5a": exercise_5a,
    "exercise-5b": exercise_5b,
    "exercise-6a": exercise_6a,
    "exercise-6b": exercise_6b,
    "exercise-6c": exercise_6c,
}
"""Name on the command line -> module with a docstring and ``main(plots, lang)``, which returns an exit status."""

__all__ = ["LESSONS", *(module.__name__.rpartition(".")[2] for module in LESSONS.values())]
