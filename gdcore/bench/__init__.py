"""``gdcore bench``: gdcore's speed against every peer that is installed, against the machine, and between builds."""

from .command import add_arguments, main

__all__ = ["add_arguments", "main"]
