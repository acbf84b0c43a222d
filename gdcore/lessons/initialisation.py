"""What starting weights do to one layer on MNIST: what saturates, what dies, and what is learned.

Activation x initial weights x loss on 784-10, with the course's rate of 0.1 and decay of 1e-3 (see batch_size.py
about that), batches of 128 and 10 epochs.  The course's own run is tanh, all weights and biases 1, and the mean
squared error.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import activations, layers, optimizers
from .._text import aligned
from ..callbacks import Callback
from ..data import Dataset
from ..models import Sequential
from ..plots._texts import translator
from ..tuning import Sweep, sweep
from . import learning_rate as softmax
from ._report import write
from .batch_size import DECAY

ACTIVATIONS = ("tanh", "sigmoid", "relu", "softmax")
WEIGHTS = ("zeros", "ones", "glorot_uniform", "he_uniform", "lecun_uniform", "random_normal")
LOSSES = ("mse", "categorical_crossentropy")
THE_COURSES = {"activation": "tanh", "weights": "ones", "loss": "mse"}
RATE = 0.1
BATCH_SIZE = 128
EPOCHS = 10
SEED = 5
ROWS = 1000  # looked at before and after
FLAT = 1e-3
"""A unit is stuck on a row where the slope of its activation is below this."""


class Look(NamedTuple):
    """The layer on some rows, at one moment."""

    outputs: Any
    """Of shape (rows, 10)."""
    slopes: Any
    """The loss by each of the 7840 weights."""
    stuck: float
    """The share of outputs where the activation is flat, so that nothing flows back."""


class Watch(Callback):
    """Looks at the layer before and after training."""

    def __init__(self, looks: list[Look], x: Any, y: Any) -> None:
        self._looks, self._x, self._y = looks, x, y

    def on_train_begin(self, logs: Any = None) -> None:
        self._look()

    def on_train_end(self, logs: Any = None) -> None:
        self._look()

    def _look(self) -> None:
        layer = self.model.layers[0]
        with np.errstate(over="ignore", invalid="ignore"):
            z = self._x @ layer.kernel + layer.bias
            outputs = self.model.predict(self._x)
            _, (slopes, _) = self.model.gradient(self._x, self._y)
        self._looks.append(Look(outputs, slopes.ravel(), float(np.mean(np.abs(_slope(layer.activation, z)) < FLAT))))


def _slope(activation: Any, z: Any) -> Any:
    if activation is activations.softmax:  # of each output by its own z
        p = activation(z)
        return p * (1 - p)
    return activation.derivative(z)


class Outcome(NamedTuple):
    """What `run` returns."""

    result: Sweep
    looks: dict[tuple[str, str, str], list[Look]]
    """(activation, weights, loss) -> before and after training."""


def build(activation: str, weights: str, loss: str) -> Sequential:
    """One layer; the biases are 1 where the weights are, otherwise 0."""
    bias = "ones" if weights == "ones" else "zeros"
    model = Sequential([layers.Dense(10, activation, kernel_initializer=weights, bias_initializer=bias, input_dim=784)])
    model.compile(optimizers.SGD(RATE * (1 - DECAY)), loss, metrics=["categorical_accuracy"])
    return model


def run(train: Dataset, test: Dataset, epochs: int = EPOCHS) -> Outcome:
    """One training of each combination."""
    looks: dict[tuple[str, str, str], list[Look]] = {}
    lock = threading.Lock()
    few = train.take(ROWS).one_hot(10)
    x, y = few.x, few.y

    def watch(activation: str, weights: str, loss: str) -> Watch:
        with lock:
            mine = looks[activation, weights, loss] = []
        return Watch(mine, x, y)

    result = sweep(
        build,
        train.one_hot(10),
        grid={"activation": ACTIVATIONS, "weights": WEIGHTS, "loss": LOSSES},
        epochs=epochs,
        batch_size=BATCH_SIZE,
        seed=SEED,
        validation_data=test.one_hot(10),
        shuffle="fresh",
        monitor="val_categorical_accuracy",
        callbacks=watch,
    )
    return Outcome(result, looks)


def verdict(before: Look, after: Look, costs: Sequence[float]) -> str:
    """What became of the layer, in a word or two."""
    if not np.isfinite(after.outputs).all():
        return "not a number"
    dead = float(np.mean(before.slopes == 0))
    if not after.slopes.any() and not before.slopes.any():
        return "dead from the start"
    if not after.slopes.any():
        return "died"
    if before.stuck > 0.95 and after.stuck > 0.5:
        return "saturated"
    if before.stuck > 0.5:
        return "saturated at first"
    if not np.isfinite(costs).all():
        return "cost not a number at times"
    if costs[-1] > costs[0]:
        return "gets worse"
    return "learns" if dead < 0.9 else "mostly dead at first"


def report(outcome: Outcome, lang: str = "en") -> str:
    """A line for each combination."""
    say = translator(lang)
    lines = [
        [
            say("activation"), say("weights"), say("loss"), say("stuck before"), say("after"), say("slope before"),
            say("after"), say("cost"), say("accuracy"), "",
        ]
    ]  # fmt: skip
    for run in outcome.result.runs:
        before, after = outcome.looks[run.params["activation"], run.params["weights"], run.params["loss"]]
        mine = f"<- {say('the course')}" if run.params == THE_COURSES else ""
        lines.append(
            [
                run.params["activation"],
                run.params["weights"],
                {"mse": "MSE"}.get(run.params["loss"], say("cross-entropy")),
                *(f"{look.stuck:.0%}" for look in (before, after)),
                *(f"{np.sqrt(np.mean(np.square(look.slopes, dtype=np.float64))):.1e}" for look in (before, after)),
                f"{run.final('loss'):.4f}",
                f"{run.final('val_categorical_accuracy'):.4f}",
                f"{say(verdict(before, after, run.history['loss']))} {mine}".rstrip(),
            ]
        )
    width = max(len(line[-1]) for line in lines)
    for line in lines:
        line[-1] = line[-1].ljust(width)
    return "\n".join(
        [
            say("MNIST -> Dense(10), SGD at {} (1 - {}), batches of {}, {} epochs, seed {}.").format(
                RATE, DECAY, BATCH_SIZE, outcome.result.runs[0].epochs, SEED
            ),
            say("stuck: share of outputs where the slope of the activation is below {}: nothing flows back;").format(
                FLAT
            ),
            say(
                "slope: root mean square of the derivatives of the loss, on {} rows; accuracy on the test rows."
            ).format(ROWS),
            "",
            aligned(lines, 3),
        ]
    )


def main(plots: str | Path, lang: str = "en") -> int:
    """Train all combinations, print what became of each and draw histograms."""
    outcome = run(*softmax.data())
    print(report(outcome, lang))
    write(draw(outcome, lang), plots, lang)
    return 0


def draw(outcome: Outcome, lang: str = "en") -> dict[str, Any]:
    """Histograms of the outputs and of the slopes, before and after training, by the names of their files."""
    say = translator(lang)
    outputs = _histograms(outcome, say("output of the unit"), lambda look: np.ravel(look.outputs), say, False)
    outputs.suptitle(say("Outputs of ten units on {} pictures, mean squared error").format(ROWS))
    slopes = _histograms(outcome, say("log10 of the slope"), lambda look: _logarithms(look.slopes), say, "col")
    slopes.suptitle(say("Slopes of the loss by the 7840 weights, mean squared error (zeros are not drawn)"))
    return {"initialisation-outputs.png": outputs, "initialisation-slopes.png": slopes}


def _logarithms(slopes: Any) -> Any:
    sizes = np.abs(slopes[slopes != 0])
    return np.log10(sizes[np.isfinite(sizes)])


def _histograms(outcome: Outcome, title: str, values: Any, say: Any, sharex: Any) -> Any:
    """Starting weights as rows, activations as columns; in each cell before and after."""
    from ..plots._figures import BLUE, ORANGE, new_figure

    figure = new_figure(11, 12.5)
    grid = figure.subplots(len(WEIGHTS), len(ACTIVATIONS), sharex=sharex, sharey=True)
    for i, weights in enumerate(WEIGHTS):
        for j, activation in enumerate(ACTIVATIONS):
            ax = grid[i, j]
            looks = outcome.looks[activation, weights, "mse"]
            found = [values(look) for look in looks]
            found = [part[np.isfinite(part)] for part in found]
            joined = np.concatenate(found)
            if i == 0:
                ax.set_title(activation)
            if i == len(WEIGHTS) - 1:
                ax.set_xlabel(title)
            if j == 0:
                ax.set_ylabel(f"{weights}\n{say('share')}")
            if not len(joined):
                ax.text(0.5, 0.5, say("all 0"), transform=ax.transAxes, ha="center", va="center")
                continue
            edges = np.histogram_bin_edges(joined, 30)
            for part, name, colour, style in zip(
                found, (say("before"), say("after")), (BLUE, ORANGE), ("stepfilled", "step"), strict=True
            ):
                shares = np.full(len(part), 1 / max(len(part), 1))
                ax.hist(part, edges, weights=shares, color=colour, histtype=style, alpha=0.8, linewidth=2, label=name)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure
