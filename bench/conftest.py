"""Every figure comes with what it was measured on."""

import platform
from pathlib import Path

import numpy as np

import gdcore
from gdcore._core import ISA


def pytest_benchmark_update_machine_info(config, machine_info):
    cpuinfo = Path("/proc/cpuinfo")
    model = ""
    if cpuinfo.exists():
        model = next((line.split(": ")[1] for line in cpuinfo.read_text().splitlines() if "model name" in line), "")
    machine_info["gdcore"] = {
        "cpu": model or platform.processor(),
        "core": ISA,
        "gdcore": gdcore.__version__,
        "numpy": np.__version__,
    }
