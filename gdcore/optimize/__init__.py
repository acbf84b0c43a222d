"""Minimising functions: those that users wrote, surfaces, and models as functions of their weights."""

from .descents import ModelObjective, minimize

__all__ = ["ModelObjective", "minimize"]
