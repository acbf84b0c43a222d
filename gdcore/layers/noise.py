"""Layers that draw numbers in training, each from a stream of its own, as Keras on TensorFlow does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import random
from .._fields import Integer, Real
from . import settings
from .base import Layer
from .lookup import TABLE

if TYPE_CHECKING:
    from typing_extensions import Unpack

_NO_NOISE_SHAPE = "each value is dropped by itself"


class RandomLayer(Layer):
    """A layer with one number that says how much it draws, and a seed."""

    _any_shape = True
    _amount = "rate"  # the name of the setting that is that number

    seed = Integer(-(2**63), optional=True)
    seed_generator: random.SeedGenerator | None

    def _draws(self) -> bool:
        return bool(getattr(self, self._amount) > 0)

    def _seed_stream(self) -> None:
        """Begin the layer's stream; as in Keras, a layer that draws nothing takes no seed."""
        self.seed_generator = random.SeedGenerator(self.seed) if self._draws() else None

    def _core_kind(self) -> str:
        return type(self)._kind if self._draws() else Layer._kind

    def _attach_random(self, state: Any) -> None:
        if self.seed_generator is None:
            self._seed_stream()  # where the amount was raised from 0
        if self.seed_generator is not None:
            state[:] = self.seed_generator.state
            self.seed_generator.state = state

    def _detach(self) -> None:
        super()._detach()
        if self.seed_generator is not None:
            self.seed_generator.state = self.seed_generator.state.copy()


class RateBelow1(Real):
    """A number from 0 to less than 1."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def check(self, value: Any) -> float:
        rate = super().check(value)
        if rate == 1:
            raise ValueError(f"{self.name}={value!r} leaves nothing to train with, expected less than 1")
        return rate


@TABLE.add()
class Dropout(RandomLayer):
    """In training each value is 0 with probability `rate`, and divided by 1 - rate otherwise.

    Parameters
    ----------
    rate : float
        Between 0 and 1.
    noise_shape : None
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "dropout"

    rate = Real(0, 1)
    noise_shape = settings.Only(None, _NO_NOISE_SHAPE)

    def __init__(
        self,
        rate: float,
        noise_shape: None = None,
        seed: int | None = None,
        **options: Unpack[settings.OptionsWithActivity],
    ) -> None:
        super().__init__(**options)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self._seed_stream()


@TABLE.add()
class AlphaDropout(RandomLayer):
    """Dropout that keeps mean and variance of selu's outputs (Klambauer et al., NeurIPS 2017).

    Parameters
    ----------
    rate : float
        From 0 to less than 1.
    noise_shape : None
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "alpha_dropout"

    rate = RateBelow1()
    noise_shape = settings.Only(None, _NO_NOISE_SHAPE)

    def __init__(
        self,
        rate: float,
        noise_shape: None = None,
        seed: int | None = None,
        **options: Unpack[settings.OptionsWithActivity],
    ) -> None:
        super().__init__(**options)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self._seed_stream()


@TABLE.add()
class GaussianDropout(RandomLayer):
    """In training each value is multiplied by a normal number around 1 of variance rate / (1 - rate).

    Parameters
    ----------
    rate : float
        From 0 to less than 1.
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "gaussian_dropout"

    rate = RateBelow1()

    def __init__(self, rate: float, seed: int | None = None, **options: Unpack[settings.OptionsWithActivity]) -> None:
        super().__init__(**options)
        self.rate = rate
        self.seed = seed
        self._seed_stream()


@TABLE.add()
class GaussianNoise(RandomLayer):
    """In training a normal number around 0 is added to each value.

    Parameters
    ----------
    stddev : float
        Between 0 and 1.
    seed : int, optional
    options : as in `Layer`
    """

    _kind = "gaussian_noise"
    _amount = "stddev"

    stddev = Real(0, 1)

    def __init__(self, stddev: float, seed: int | None = None, **options: Unpack[settings.OptionsWithActivity]) -> None:
        super().__init__(**options)
        self.stddev = stddev
        self.seed = seed
        self._seed_stream()
