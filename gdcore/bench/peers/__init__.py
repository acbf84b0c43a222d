"""Who is timed: gdcore and the libraries that do the same work, each as fast as its own means allow, one a file.

No library is imported before it is asked for, and each peer works in a process of its own.
"""

from __future__ import annotations

import os

from . import jax, keras, numpy, ours, sklearn, torch
from .base import DoesNotFit, Peer, Runner

__all__ = ["PEERS", "DoesNotFit", "Peer", "Runner", "enter"]

PEERS: dict[str, Peer] = {
    "gdcore": ours.PEER,
    "numpy": numpy.PEER,
    "sklearn": sklearn.PEER,
    "torch": torch.EAGER,
    "torch-compiled": torch.COMPILED,
    "jax": jax.PEER,
    "keras-tensorflow": keras.peer("tensorflow", "tensorflow-cpu"),
    "keras-jax": keras.peer("jax", "jax", "jaxlib"),
    "keras-torch": keras.peer("torch", "torch"),
}


def enter(name: str) -> Peer:
    """The peer of that name, with the environment that its library reads when it is imported."""
    peer = PEERS[name]
    os.environ.update(peer.environment)
    return peer
