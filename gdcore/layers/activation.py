"""Layers that are an activation function, with or without settings and arrays of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import activations
from .._fields import Real
from . import settings
from .base import Layer, Shape, WeightSpec
from .lookup import TABLE

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._core.specs import ActivationSpec


class ActivationLayer(Layer):
    """A layer that applies an activation function to rows of any shape."""

    _any_shape = True

    def _function(self) -> activations.Activation:
        """The activation with the layer's settings."""
        raise NotImplementedError

    def _activation(self) -> ActivationSpec:
        return self._function()._spec()

    def _output_shape(self, shape: Shape) -> Shape:
        function = self._function()
        if len(shape) > 1 and function._couples_units:
            raise ValueError(
                f"layer {self.name!r} ({function.__name__}) gets rows of shape {shape}: put Flatten() before it"
            )
        return shape


@TABLE.add()
class Activation(ActivationLayer):
    """An activation function as a layer of its own.

    Parameters
    ----------
    activation : str or Activation
    options : as in `Layer`
    """

    activation = settings.activation()

    def __init__(
        self, activation: str | activations.Activation, **options: Unpack[settings.OptionsWithActivity]
    ) -> None:
        super().__init__(**options)
        self.activation = activation

    def _function(self) -> activations.Activation:
        return self.activation


class ParametrizedActivation(ActivationLayer):
    """A layer around one activation, whose parameters are its settings."""

    @property
    def activation(self) -> activations.Activation:
        """The activation with the layer's settings."""
        return self._function()


@TABLE.add()
class ReLU(ParametrizedActivation):
    """0 below the threshold plus `negative_slope` times the distance to it, at most `max_value`.

    Parameters
    ----------
    max_value : float, optional
    negative_slope, threshold : float
        At least 0.
    options : as in `Layer`
    """

    max_value = Real(0, optional=True)
    negative_slope = Real(0)
    threshold = Real(0)

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Unpack[settings.OptionsWithActivity],
    ) -> None:
        super().__init__(**options)
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def _function(self) -> activations.Activation:
        return activations.relu.with_parameters(self.negative_slope, self.max_value, self.threshold)


@TABLE.add()
class LeakyReLU(ParametrizedActivation):
    """x if x > 0, else `negative_slope` x.

    Parameters
    ----------
    negative_slope : float
        At least 0.
    options : as in `Layer`
    """

    negative_slope = Real(0)

    def __init__(self, negative_slope: float = 0.3, **options: Unpack[settings.OptionsWithActivity]) -> None:
        super().__init__(**options)
        self.negative_slope = negative_slope

    def _function(self) -> activations.Activation:
        return activations.leaky_relu.with_parameters(self.negative_slope)


@TABLE.add()
class ELU(ParametrizedActivation):
    """x if x > 0, else alpha (exp(x) - 1).

    Parameters
    ----------
    alpha : float
    options : as in `Layer`
    """

    alpha = Real()

    def __init__(self, alpha: float = 1.0, **options: Unpack[settings.OptionsWithActivity]) -> None:
        super().__init__(**options)
        self.alpha = alpha

    def _function(self) -> activations.Activation:
        return activations.elu.with_parameters(self.alpha)


@TABLE.add()
class Softmax(ParametrizedActivation):
    """exp(x_j) / sum_k exp(x_k)

    Parameters
    ----------
    axis : int
        The last one (-1 or 1).
    options : as in `Layer`
    """

    axis = settings.LastAxis()

    def __init__(self, axis: int = -1, **options: Unpack[settings.OptionsWithActivity]) -> None:
        super().__init__(**options)
        self.axis = axis

    def _function(self) -> activations.Activation:
        return activations.softmax


@TABLE.add()
class PReLU(Layer):
    """x if x > 0, else alpha x, with an alpha for each feature that learns (He et al., ICCV 2015).

    Parameters
    ----------
    alpha_initializer : str or Initializer
    alpha_regularizer : str or Regularizer, optional
    alpha_constraint : str or Constraint, optional
    shared_axes : None
    options : as in `Layer`
    """

    _kind = "prelu"

    alpha_initializer = settings.initializer()
    alpha_regularizer = settings.regularizer()
    alpha_constraint = settings.constraint()
    shared_axes = settings.Only(None, "rows have one axis, with an alpha for each value")

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: None = None,
        **options: Unpack[settings.OptionsWithActivity],
    ) -> None:
        super().__init__(**options)
        self.alpha_regularizer = alpha_regularizer
        self.alpha_constraint = alpha_constraint
        self.shared_axes = shared_axes
        self.alpha_initializer = alpha_initializer

    def _arrays(self, n: int) -> tuple[WeightSpec | None, WeightSpec | None]:
        alpha = WeightSpec("alpha", (n,), self.alpha_initializer, self.alpha_regularizer, self.alpha_constraint)
        return (alpha, None)

    @property
    def alpha(self) -> Any:
        """The slopes below 0, of shape (inputs,)."""
        return self._named_view("alpha")
