"""What all tests share: hypothesis runs the same examples each time, without deadlines."""

import os
import signal
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import settings

import gdcore

settings.register_profile("gdcore", deadline=None, derandomize=True, max_examples=60, print_blob=True)
settings.load_profile("gdcore")

# as in a terminal: a shell that runs tests in the background has Ctrl-C ignored, and those about it would never end
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory):
    """Tests run outside the clone: a new interpreter would import the package that lies in the current folder.

    That has no compiled modules where the package was installed by ``pip install .``.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        clone = Path(__file__).parents[1]
        if Path(gdcore.__file__).parents[1] == clone:  # built in place: new interpreters are to find it still
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(clone), os.environ.get("PYTHONPATH")))))
        yield


@pytest.fixture
def ulps_off():
    """How far a float32 or float64 is from a number of many digits, in units of the last place of that, rounded."""

    def measure(got, exact):
        spacing = np.spacing(np.abs(type(got)(float(exact))))
        return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(float(spacing)))

    return measure
