"""Every formula of the core once more in plain NumPy, written to be read.

Nothing here is fast, and nothing here imports the compiled core: the property tests hold the core to these
few lines.  Arrays are row-major, one row a sample, and all arithmetic is in the type of the inputs.

Modules: `activations`, `layers`, `losses`, `minimize` (descents of functions), `network` (forward, backward, finite
differences), `optimizers`, `random` (TensorFlow's streams), `schedules` (learning rates), `surfaces` (test functions)
and `training` (epochs of batches).
"""

from . import activations, layers, losses, minimize, network, optimizers, random, schedules, surfaces, training

__all__ = [
    "activations",
    "layers",
    "losses",
    "minimize",
    "network",
    "optimizers",
    "random",
    "schedules",
    "surfaces",
    "training",
]
