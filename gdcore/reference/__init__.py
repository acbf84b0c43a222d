"""Every formula of the core once more in plain NumPy, written to be read.

Nothing here is fast, and nothing here imports the compiled core: the property tests hold the core to these
few lines.  Arrays are row-major, one row a sample, and all arithmetic is in the type of the inputs.

Modules: `activations`, `losses`, `network` (forward, backward, finite differences), `optimizers`, `random`
(TensorFlow's streams) and `training` (epochs of batches).
"""

from . import activations, losses, network, optimizers, random, training

__all__ = ["activations", "losses", "network", "optimizers", "random", "training"]
