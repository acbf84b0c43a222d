"""Layers with Keras's names, defaults and order of arrays; what they compute runs in the core."""

from . import lookup as lookup
from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .base import Layer, WeightSpec
from .dense import Dense
from .flatten import Flatten
from .input import Input, InputLayer
from .lookup import deserialize, serialize
from .noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from .normalization import BatchNormalization, LayerNormalization
from .scaling import Normalization, Rescaling

__all__ = [
    "ELU",
    "Activation",
    "AlphaDropout",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Softmax",
    "deserialize",
    "serialize",
]

_Array = WeightSpec  # the name by which pickles of 0.1.0 hold it
