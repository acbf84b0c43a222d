"""How long `import gdcore` takes, against `import numpy`: whole processes, in turn.

python bench/import_time.py [pairs]
"""

import statistics
import subprocess
import sys
import time


def seconds(module: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def main(pairs: int = 40) -> None:
    for module in ("gdcore", "numpy"):
        seconds(module)  # writes the compiled files
    ours, theirs = zip(*((seconds("gdcore"), seconds("numpy")) for _ in range(pairs)), strict=True)
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    for name, values in (("import gdcore", ours), ("import numpy", theirs)):
        print(f"{name:<14} {min(values) * 1e3:6.1f} ms least, {statistics.median(values) * 1e3:6.1f} ms median")
    print(
        f"ratio          {min(ours) / min(theirs):6.2f} of the least, {statistics.median(ratios):6.2f} median of pairs"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
