"""Prints how long `import gdcore` takes, in times of `import numpy`; exits with 1 where that is above the limit.

Whole processes, one of each in turn: medians of many, so that what else the machine does falls on both.  A busy
machine may still spoil a series; the best of three counts.
"""

import statistics
import subprocess
import sys
import time

LIMIT = 1.6
ROUNDS, SERIES = 21, 3


def seconds(module):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def ratio():
    """Of the medians."""
    pairs = [(seconds("gdcore"), seconds("numpy")) for _ in range(ROUNDS)]
    ours, numpys = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"import gdcore: {ours * 1000:.0f} ms, import numpy: {numpys * 1000:.0f} ms, {ours / numpys:.2f} times")
    return ours / numpys


if __name__ == "__main__":
    sys.exit(all(ratio() > LIMIT for _ in range(SERIES)))
