"""How far from Keras the numbers of each part may be, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

from .setups.initializers import UNIFORM
from .setups.optimizers import ELEMENTWISE


class Tolerance(NamedTuple):
    """How far from Keras still passes."""

    limits: dict[str, float]
    """By what is measured: the largest difference from Keras, relative to the largest value of the array (each number
    of "losses" and "figures" is an array of its own).  It holds for float32, and times 2**-29 for float64.  "rounding"
    is that from the correctly rounded value, in units in its last place."""
    why: str
    """Where it is not 0: why not."""


_SUMS = "sums, whose terms are added in another order, and powers that libraries round differently"
_RUN = Tolerance({"losses": 2e-6, "after": 2e-5}, "sums over rows and units are taken in another order")

# by part, and by part and name where these differ
TOLERANCES: dict[Any, Tolerance] = {
    "optimizers": Tolerance({"arrays": 1e-6}, _SUMS),
    **dict.fromkeys((("optimizers", name) for name in ELEMENTWISE), Tolerance({"arrays": 0.0}, "")),
    ("optimizers", "Ftrl"): Tolerance(
        {"arrays": 2e-6}, "TensorFlow's powers, up to 1.33 ulp off, in a difference that the rate divides"
    ),
    "activations": Tolerance({"rounding": 2, "value": 1e-6, "slope": 1e-6}, "TensorFlow's own rounding"),
    ("activations", "gelu"): Tolerance(
        {"rounding": 2, "value": 1e-6, "slope": 4e-6}, "TensorFlow's slope has 1 - tanh(x)^2, which cancels"
    ),
    ("activations", "mish"): Tolerance(
        {"rounding": 2, "value": 1e-6, "slope": 8e-6}, "TensorFlow's slope is made of four rounded functions"
    ),
    ("activations", "sparsemax"): Tolerance({"value": 1e-6, "slope": 1e-6}, "differences of sums, in Keras's order"),
    "losses": Tolerance({"value": 1e-6, "slope": 1e-6}, "sums, and TensorFlow's own logarithms and exponentials"),
    "initializers": Tolerance({"arrays": 5e-7}, "logarithms, sines and cosines are the C library's"),
    **dict.fromkeys((("initializers", name) for name in UNIFORM), Tolerance({"arrays": 0.0}, "")),
    ("initializers", "Orthogonal"): Tolerance({"arrays": 2e-6}, "the rounding of a QR decomposition"),
    "schedules": Tolerance({"arrays": 2.5e-7}, "powers and cosines that libraries round differently"),
    "metrics": Tolerance({"figures": 1e-6}, "Keras sums in float32"),
    **dict.fromkeys(
        (("metrics", "counts and rates"), ("metrics", "curves")),
        Tolerance({"figures": 4e-6}, "Keras sums in float32, and takes counts as differences of sums"),
    ),
    "layers": _RUN,
    "callbacks": _RUN,
    "runs": _RUN,
    "files": _RUN,
    "gradients": Tolerance({"gradient": 1e-6}, "the error of central differences, in float64"),
}


def tolerance_of(part: str, name: str) -> Tolerance:
    """That of the name, or of its whole part."""
    return TOLERANCES.get((part, name)) or TOLERANCES[part]
