"""The course's experiments, as functions and for ``python -m gdcore lesson NAME``."""

from . import (
    batch_size,
    by_hand,
    exercise_1_2,
    exercise_3_4,
    exercise_5a,
    exercise_5b,
    exercise_6a,
    exercise_6b,
    exercise_6c,
    initialisation,
    learning_rate,
    max_batch_size,
)

LESSONS = {
    "by-hand": by_hand,
    "learning-rate": learning_rate,
    "batch-size": batch_size,
    "initialisation": initialisation,
    "max-batch-size": max_batch_size,
    "exercise-1-2": exercise_1_2,
    "exercise-3-4": exercise_3_4,
    "exercise-5a": exercise_5a,
    "exercise-5b": exercise_5b,
    "exercise-6a": exercise_6a,
    "exercise-6b": exercise_6b,
    "exercise-6c": exercise_6c,
}
"""Name on the command line -> module with a one-line docstring and ``main(plots)``, which returns an exit status."""

__all__ = ["LESSONS", *(module.__name__.rpartition(".")[2] for module in LESSONS.values())]
