"""The largest batch that fits into memory: bytes foretold, tried, and halved where they do not fit.

It depends on the net: dense layers have the most parameters, and what they keep of each row is what a batch costs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import layers
from .._text import aligned
from ..models import Sequential
from ..plots._texts import translator
from ..tuning import BatchSize, find_batch_size, training_bytes
from ._report import write

START = 512
MEMORY = "8GB"

NETS: tuple[tuple[int, tuple[int, ...], str], ...] = (
    (28 * 28, (10,), MEMORY),
    (28 * 28, (512, 512, 10), MEMORY),
    (64 * 64, (256, 10), MEMORY),
    (64 * 64, (256, 10), "20MB"),
    (128 * 128, (256, 10), "72MB"),
    (128 * 128, (256, 10), "70.5MB"),
)
"""Values of a row, units of each layer, bytes allowed; the last ones get little, so that halving is seen."""
SHOWN = (NETS[1], NETS[4])
"""Those of which all layers and all sizes are printed."""


def build(inputs: int, units: tuple[int, ...]) -> Sequential:
    """Dense layers with relu, softmax on top, and Adam, which keeps two arrays more of the parameters."""
    hidden = [layers.Dense(n, "relu") for n in units[:-1]]
    model = Sequential([layers.Input((inputs,)), *hidden, layers.Dense(units[-1], "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def run() -> list[BatchSize]:
    """The batch of each net."""
    return [find_batch_size(build(inputs, units), memory, START) for inputs, units, memory in NETS]


def report(found: list[BatchSize], lang: str = "en") -> str:
    """A line for each net; then two of them, layer by layer and size by size."""
    say = translator(lang)
    lines = [
        [say("net"), say("parameters"), say("bytes allowed"), say("bytes for {}").format(START), say("largest batch")]
    ]
    for net, batch in zip(NETS, found, strict=True):
        numbers = sum(layer.parameters for layer in batch.layers), batch.memory, batch.foretold[START]
        lines.append([name(*net[:2]), *(f"{number:,}" for number in numbers), str(int(batch))])
    blocks = [say("Powers of two from {} down, float32, Adam, training tried for real:").format(START), aligned(lines)]
    for net in SHOWN:
        batch = found[NETS.index(net)]
        parts = [[say("layer"), say("parameters"), say("bytes for them"), say("bytes for a row at work")]]
        for layer, units in zip(batch.layers, net[1], strict=True):
            numbers = layer.parameters, layer.parameter_bytes, layer.bytes_per_row
            parts.append([f"Dense({units})", *(f"{number:,}" for number in numbers)])
        parts.append([say("in common"), "", "", f"{batch.common_bytes_per_row:,}"])
        sizes = [[say("rows in a batch"), say("bytes for training"), ""]]
        for size, needed in batch.foretold.items():
            fits = needed <= batch.memory and size not in batch.failed
            sizes.append([str(size), f"{needed:,}", say("it fits") if fits else say("too much")])
        blocks.append(f"{name(*net[:2])}, {net[2]}:\n{aligned(parts)}\n\n{aligned(sizes)}")
    return "\n\n".join(blocks)


def name(inputs: int, units: tuple[int, ...]) -> str:
    """The net as the course writes it."""
    return "-".join(map(str, (inputs, *units)))


def main(plots: str | Path, lang: str = "en") -> int:
    """Look for the batch of each net, print it, and draw the bytes that each size needs."""
    print(report(run(), lang))
    write({"max-batch-size.png": draw(lang)}, plots, lang)
    return 0


def draw(lang: str = "en") -> Any:
    """Bytes by size of the batch for each net, up to a million rows."""
    from ..plots._figures import STYLES, new_figure

    say = translator(lang)
    figure = new_figure(7.5, 4.8)
    ax = figure.add_subplot()
    sizes = [2**k for k in range(21)]
    different = dict.fromkeys(net[:2] for net in NETS)
    for (inputs, units), style in zip(different, STYLES, strict=False):
        model = build(inputs, units)
        needed = [training_bytes(model, size) for size in sizes]
        ax.plot(sizes, needed, label=name(inputs, units), **{**style, "linewidth": 2})
    ax.axhline(8e9, color="black", linewidth=1)
    ax.text(1, 8e9, " 8 GB", va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlabel(say("rows in a batch"))
    ax.set_ylabel(say("bytes for training"))
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    return figure
