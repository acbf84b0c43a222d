"""What all tests share: hypothesis runs the same examples each time, and is not about time."""

import signal

import mpmath
import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("gdcore", deadline=None, derandomize=True, max_examples=60, print_blob=True)
settings.load_profile("gdcore")

# as in a terminal: a shell that runs tests in the background has Ctrl-C ignored, and those about it would never end
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def ulps_off():
    """How far a float32 or float64 is from a number of many digits, in units of the last place of that, rounded."""

    def measure(got, exact):
        spacing = np.spacing(np.abs(type(got)(float(exact))))
        return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(float(spacing)))

    return measure
