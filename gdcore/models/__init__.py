"""Models: stacks of layers that are compiled, trained, evaluated and kept in files (``keras.models``)."""

from .gradients import ArrayCheck, GradientReport, check_gradients
from .sequential import Sequential, clone_model, load_model, model_from_json, save_model

__all__ = [
    "ArrayCheck",
    "GradientReport",
    "Sequential",
    "check_gradients",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
