"""The largest batch that fits into memory: bytes foretold layer by layer, tried, and halved where they do not fit.

It depends on the net: dense layers have the most parameters, and what they keep of each row is what a batch costs.
"""

from __future__ import annotations

from pathlib import Path

from .. import layers
from .._batch_size import BatchSize, find_batch_size, training_bytes
from .._text import aligned
from ..models import Sequential

START = 512
MEMORY = "8GB"

# name -> (values of a row, units of each layer, bytes allowed); the last ones get little, so that halving is seen
NETS: dict[str, tuple[int, tuple[int, ...], str]] = {
    "MNIST, 784-10": (784, (10,), MEMORY),
    "MNIST, 784-512-512-10": (784, (512, 512, 10), MEMORY),
    "pictures of 64 x 64, 4096-256-10": (64 * 64, (256, 10), MEMORY),
    "the same in 20 MB": (64 * 64, (256, 10), "20MB"),
    "pictures of 128 x 128, 16384-256-10, in 72 MB": (128 * 128, (256, 10), "72MB"),
    "the same in 70.5 MB": (128 * 128, (256, 10), "70.5MB"),
}


def build(inputs: int, units: tuple[int, ...]) -> Sequential:
    """Dense layers with relu, softmax on top, and Adam, which keeps two arrays more of the parameters."""
    hidden = [layers.Dense(n, "relu") for n in units[:-1]]
    model = Sequential([layers.Input((inputs,)), *hidden, layers.Dense(units[-1], "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def run() -> dict[str, BatchSize]:
    """The batch of each net."""
    return {
        name: find_batch_size(build(inputs, units), memory, START) for name, (inputs, units, memory) in NETS.items()
    }


def report(found: dict[str, BatchSize]) -> str:
    """The text that the command prints."""
    lines = [["net", "parameters", "bytes allowed", f"bytes for {START}", "largest batch"]]
    for name, batch in found.items():
        lines.append(
            [
                name,
                f"{sum(layer.parameters for layer in batch.layers):,}",
                f"{batch.memory:,}",
                f"{batch.foretold[START]:,}",
                str(int(batch)),
            ]
        )
    shown = "MNIST, 784-512-512-10", "pictures of 128 x 128, 16384-256-10, in 72 MB"
    tables = [f"{name}, layer by layer:\n{found[name].table()}" for name in shown]
    return "\n\n".join(
        [f"Powers of two from {START} down, float32, Adam, training tried for real:\n{aligned(lines)}", *tables]
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print its report and draw its picture into a folder."""
    found = run()
    print(report(found))
    print()
    print(f"wrote {draw(Path(plots))}")
    return 0


def draw(folder: Path) -> Path:
    """Bytes by size of the batch for each net, up to a million rows; returns the file written."""
    from ..plots._figures import new_figure
    from ._figures import STYLES, save

    figure = new_figure(7.5, 4.8)
    ax = figure.add_subplot()
    sizes = [2**k for k in range(21)]
    different = dict.fromkeys(net[:2] for net in NETS.values())
    for (inputs, units), (colour, dashes) in zip(different, STYLES, strict=False):
        model = build(inputs, units)
        needed = [training_bytes(model, size) for size in sizes]
        label = "-".join(map(str, (inputs, *units)))
        ax.plot(sizes, needed, color=colour, linestyle=dashes, linewidth=2, label=label)
    ax.axhline(8e9, color="black", linewidth=1)
    ax.text(1, 8e9, " 8 GB", va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlabel("rows in a batch")
    ax.set_ylabel("bytes for training")
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    return save(figure, folder, "max-batch-size.png")
