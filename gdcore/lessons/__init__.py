"""The course's experiments, as functions and for ``python -m gdcore lesson NAME``."""

from . import by_hand

LESSONS = {"by-hand": by_hand}
"""Name on the command line -> module with a one-line docstring and ``main(plots)``, which returns an exit status."""

__all__ = ["LESSONS", "by_hand"]
