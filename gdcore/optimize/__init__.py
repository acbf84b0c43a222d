"""Minimising functions, with our optimizers or SciPy's solvers: those that users wrote, surfaces, and models."""

from .descents import ModelObjective, minimize

__all__ = ["ModelObjective", "minimize"]
