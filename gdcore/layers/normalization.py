"""Layers that normalize by statistics of the batch or of the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _checks
from .._fields import Flag, Real
from . import settings
from .base import Layer, WeightSpec
from .lookup import TABLE

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CenteredAndScaled(Layer):
    """A layer that ends with gamma * x + beta."""

    axis = settings.LastAxis()
    epsilon = Real(0)
    center = Flag()
    scale = Flag()
    beta_initializer = settings.initializer()
    gamma_initializer = settings.initializer()
    beta_regularizer = settings.regularizer()
    gamma_regularizer = settings.regularizer()
    beta_constraint = settings.constraint()
    gamma_constraint = settings.constraint()

    def _arrays(self, n: int) -> tuple[WeightSpec | None, WeightSpec | None]:
        gamma = WeightSpec("gamma", (n,), self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint)
        beta = WeightSpec("beta", (n,), self.beta_initializer, self.beta_regularizer, self.beta_constraint)
        return (gamma if self.scale else None, beta if self.center else None)

    @property
    def gamma(self) -> Any:
        """The factors, of shape (inputs,); None without `scale`."""
        return self._named_view("gamma")

    @property
    def beta(self) -> Any:
        """The offsets, of shape (inputs,); None without `center`."""
        return self._named_view("beta")


@TABLE.add()
class BatchNormalization(CenteredAndScaled):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe & Szegedy, ICML 2015).

    In training, mean and variance are those of the batch, and the moving ones follow:
    ``moving <- moving momentum + batch (1 - momentum)``.  Elsewhere, and where the layer is not trainable, the
    moving ones are used.

    Parameters
    ----------
    axis : int
        -1 or 1.
    momentum : float
    epsilon : float
        At least 0.
    center, scale : bool
        Whether there are beta and gamma.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    renorm, renorm_clipping, renorm_momentum, synchronized
        Of Keras's configurations; neither renormalization nor synchronization is offered.
    options : as in `Layer`
    """

    _kind = "batch_normalization"

    momentum = Real()
    moving_mean_initializer = settings.initializer()
    moving_variance_initializer = settings.initializer()
    renorm = settings.Only(False, "batch renormalization is not offered")
    renorm_clipping = settings.Only(None, "batch renormalization is not offered")
    renorm_momentum = Real()
    synchronized = settings.Only(False, "there is one process, whose batches are whole")

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **options: Unpack[settings.OptionsWithActivity],
    ) -> None:
        super().__init__(**options)
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.renorm = renorm
        self.renorm_clipping = renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        # these may draw seeds, in Keras's order: last, so that bad settings use none up
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer

    def _moving(self) -> list[tuple[str, Any]]:
        return [
            ("moving_mean", self.moving_mean_initializer),
            ("moving_variance", self.moving_variance_initializer),
        ]

    @property
    def moving_mean(self) -> Any:
        """The moving mean, of shape (inputs,)."""
        return self._named_view("moving_mean")

    @property
    def moving_variance(self) -> Any:
        """The moving variance, of shape (inputs,)."""
        return self._named_view("moving_variance")


@TABLE.add()
class LayerNormalization(CenteredAndScaled):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance over the row (Ba et al., 2016).

    Parameters
    ----------
    axis : int
        -1 or 1.
    epsilon : float
        At least 0.
    center, scale : bool
        Whether there are beta and gamma.
    beta_initializer, gamma_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    rms_scaling : bool
        Of Keras's configurations; only False is offered.
    options : as in `Layer`
    """

    _kind = "layer_normalization"

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        rms_scaling: bool = False,
        **options: Unpack[settings.OptionsWithActivity],
    ) -> None:
        super().__init__(**options)
        if _checks.flag("rms_scaling", rms_scaling):
            raise ValueError("rms_scaling=True is not False: scaling by the mean square alone is not offered")
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
