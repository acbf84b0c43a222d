"""The dense layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._fields import Flag, Integer
from . import settings
from .base import Layer, Shape, WeightSpec
from .lookup import TABLE

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._core.specs import ActivationSpec
    from ..activations import Activation


@TABLE.add()
class Dense(Layer):
    """outputs = activation(inputs @ kernel + bias)

    Parameters
    ----------
    units : int
        Outputs of the layer.
    activation : str or Activation, optional
        None is linear.
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : str or Constraint, optional
    options : as in `Layer`

    Attributes
    ----------
    kernel : ndarray of shape (inputs, units)
    bias : ndarray of shape (units,), or None
        Both are views into the model's parameters, None before the model knows its input width.
    """

    _kind = "dense"

    units = Integer(1)
    activation = settings.activation()
    use_bias = Flag()
    kernel_initializer = settings.initializer()
    bias_initializer = settings.initializer()
    kernel_regularizer = settings.regularizer()
    bias_regularizer = settings.regularizer()
    kernel_constraint = settings.constraint()
    bias_constraint = settings.constraint()

    def __init__(
        self,
        units: int,
        activation: str | Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[settings.Options],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **options)
        self.units = units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        # these may draw seeds, in Keras's order: last, so that bad settings use none up
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def _arrays(self, n: int) -> tuple[WeightSpec | None, WeightSpec | None]:
        kernel = WeightSpec(
            "kernel", (n, self.units), self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
        )
        bias = WeightSpec("bias", (self.units,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return (kernel, bias if self.use_bias else None)

    def _activation(self) -> ActivationSpec:
        return self.activation._spec()

    def _output_shape(self, shape: Shape) -> Shape:
        super()._output_shape(shape)
        return (self.units,)

    @property
    def kernel(self) -> Any:
        """The weights, of shape (inputs, units)."""
        return self._named_view("kernel")

    @property
    def bias(self) -> Any:
        """The biases, of shape (units,)."""
        return self._named_view("bias")

    def __repr__(self) -> str:
        return f"<Dense {self.name}: {self.units} units, {self.activation.__name__}>"
