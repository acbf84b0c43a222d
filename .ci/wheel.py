"""Looks into a wheel: what must be in it, what must not, and how large it is when installed."""

import sys
import zipfile

LIMIT = 8_000_000
NEEDED = (
    "gdcore/py.typed",
    "gdcore/_core/_baseline.pyi",
    "gdcore/_core/_cpu.pyi",
    "gdcore/verification/figures/keras.npz",
    "gdcore/datasets/SOURCES.md",
    "gdcore/datasets/iris.npz",
    "gdcore/datasets/digits.npz",
)
SOURCES = (".pyx", ".pxi", ".h", ".c")


def main(path):
    with zipfile.ZipFile(path) as wheel:
        sizes = {entry.filename: entry.file_size for entry in wheel.infolist()}
    missing = [name for name in NEEDED if name not in sizes]
    if not any(name.startswith("gdcore/_core/_baseline.") and name.endswith((".so", ".pyd")) for name in sizes):
        missing.append("gdcore/_core/_baseline.*.so")
    beside = [name for name in sizes if not name.startswith(("gdcore/", "gdcore-")) or name.endswith(SOURCES)]
    size = sum(size for name, size in sizes.items() if name.startswith("gdcore/"))
    print(f"{len(sizes)} files, {size} bytes when installed, without bytecode")
    problems = [f"missing: {name}" for name in missing] + [f"not for a wheel: {name}" for name in beside]
    if size >= LIMIT:
        problems.append(f"larger than {LIMIT} bytes")
    return "\n".join(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) or 0)
