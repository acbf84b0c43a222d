"""The compiled core: one kernel source, built for several instruction sets, the best one picked here.

The environment variable ``GDCORE_ISA`` (``baseline``, ``v3`` or ``v4``) forces a build, for tests and for
comparing figures between machines.
"""

import os
from importlib import import_module

from ._cpu import LEVEL

_BUILDS = {"v4": 4, "v3": 3, "baseline": 1}


def _pick():
    forced = os.environ.get("GDCORE_ISA", "")
    if forced and forced not in _BUILDS:
        raise ImportError(f"GDCORE_ISA={forced!r} is not one of {', '.join(map(repr, _BUILDS))}")
    if forced and _BUILDS[forced] > LEVEL:
        raise ImportError(f"GDCORE_ISA={forced!r} asks for instructions that this processor does not have")
    for name, level in _BUILDS.items():
        if level <= LEVEL and forced in ("", name):
            try:
                return name, import_module(f"._{name}", __name__)
            except ModuleNotFoundError:
                if forced or name == "baseline":
                    raise ImportError(f"gdcore was installed without its {name!r} build") from None
    raise AssertionError


ISA, kernels = _pick()
Network = kernels.Network
