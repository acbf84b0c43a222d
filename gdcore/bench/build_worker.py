"""The process of one build of gdcore, started by `builds` in a folder where gdcore is found elsewhere.

It answers on standard output, a line of JSON each; what gdcore itself would print there goes to standard error.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import zlib
from typing import Any

import numpy as np

from .peers import Runner, ours
from .sampling import in_order, sample
from .serving import serve
from .workloads import BETWEEN_BUILDS, Workload


class StandardStreams:
    """The other end of `builds.Lines`."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def recv(self) -> Any:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return json.loads(line)

    def send(self, message: Any) -> None:
        self._answers.write(json.dumps(message) + "\n")
        self._answers.flush()


class BuildStation:
    """One workload at a time, by name."""

    runner: Runner
    workload: Workload

    def describe(self, _: Any) -> dict[str, str]:
        """What is timed here."""
        import gdcore

        config: Any = gdcore.show_config(mode="dicts")
        return {
            "version": gdcore.__version__,
            "core": config["core"]["isa"],
            "python": platform.python_version(),
            "numpy": np.__version__,
        }

    def prepare(self, name: str) -> int:
        """The checksum of what a workload comes to."""
        self.workload = BETWEEN_BUILDS[name]
        self.__dict__.pop("runner", None)  # the memory of the one before
        self.runner = ours.runner(self.workload)
        checksum = 0
        for array in in_order(self.runner, self.workload):
            checksum = zlib.crc32(np.ascontiguousarray(array).tobytes(), checksum)
        return checksum

    def sample(self, seconds: float) -> tuple[float, float]:
        return sample(self.runner, self.workload, seconds)


if __name__ == "__main__":
    station = BuildStation()
    serve(StandardStreams(), {"describe": station.describe, "prepare": station.prepare, "sample": station.sample})
