"""One small net trained twice from the same weights: as Keras does, and by hand with finite differences.

The net is Dense(3, sigmoid) -> Dense(1, sigmoid) on the petal lengths of the first 99 iris flowers; mean
absolute error, plain gradient descent with a rate of 0.001, 50 epochs of one batch.  Keras computes the
derivatives by backpropagation in float32; by hand each of the ten parameters is moved by h in turn, in
float64.  The course printed the parameters of both, and so do we, digit for digit.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import datasets, layers, optimizers, random
from ..callbacks import History
from ..models import Sequential
from ..plots._texts import translator
from ._report import write

SEED = 5
LEARNING_RATE = 0.001
EPOCHS = 50
H = 0.000003

# (name, layer, index) in the order in which the course prints them
PARAMETERS: tuple[tuple[str, int, tuple[int, ...]], ...] = (
    ("w_2", 0, (0, 0)),
    ("w_3", 0, (0, 1)),
    ("w_4", 0, (0, 2)),
    ("w_52", 1, (0, 0)),
    ("w_53", 1, (1, 0)),
    ("w_54", 1, (2, 0)),
    ("b_2", 0, (0,)),
    ("b_3", 0, (1,)),
    ("b_4", 0, (2,)),
    ("b_5", 1, (0,)),
)

# What the course printed, as text: the digits are the point.
PRINTED = {
    name: text.split()
    for name, text in {
        "before": "0.30959857 0.07310068 0.63308823 0.49408045 -1.1185157 0.14808941 0.0 0.0 0.0 0.0",
        "as Keras": "0.31066534 0.06847349 0.6330435 0.49511436 -1.1182635 0.14937088 "
        "-0.00022871 6.122e-05 -0.00013335 -9.583e-05",
        "by hand": "0.31066538 0.06847351 0.63304377 0.49511434 -1.11826369 0.14937088 "
        "-0.00022871 6.122e-05 -0.00013335 -9.583e-05",
    }.items()
}


class Outcome(NamedTuple):
    """What `run` returns."""

    x: Any
    y: Any
    before: Any
    """The ten parameters as `PARAMETERS` lists them, float32."""
    as_keras: Sequential
    by_hand: Sequential
    keras_history: History
    hand_history: History
    keras_seconds: float
    hand_seconds: float


def data() -> tuple[Any, Any]:
    """Petal lengths and species (0 or 1) of the first 99 flowers, each of shape (99,)."""
    x, y = datasets.iris.load_data()
    return x[0:99, 2], y[0:99]


def build(dtype: str) -> Sequential:
    """The net, with starting weights from the stream that initializers draw from now."""
    return Sequential(
        [layers.Dense(3, activation="sigmoid", input_dim=1), layers.Dense(1, activation="sigmoid")], dtype=dtype
    )


def parameters(model: Sequential) -> Any:
    """The ten parameters of the net in the order of `PARAMETERS`, of shape (10,)."""
    arrays = [layer.get_weights() for layer in model.layers]
    return np.array([arrays[layer][0 if len(index) == 2 else 1][index] for _, layer, index in PARAMETERS])


def before_training() -> Sequential:
    """The net with the course's starting weights, in float32."""
    stream = random.get_stream()
    try:
        random.set_seed(SEED)
        return build("float32")
    finally:
        random.set_stream(stream)


def run() -> Outcome:
    """Train both nets from the course's seed."""
    x, y = data()
    as_keras = before_training()
    before = parameters(as_keras)
    by_hand = build("float64")
    by_hand.set_weights(as_keras.get_weights())

    as_keras.compile(optimizers.SGD(learning_rate=LEARNING_RATE), loss="mae")
    by_hand.compile(optimizers.SGD(learning_rate=LEARNING_RATE), loss="mae", gradient="forward", h=H)
    histories, seconds = [], []
    for model in (as_keras, by_hand):
        start = time.perf_counter()
        histories.append(model.fit(x, y, batch_size=len(x), epochs=EPOCHS, shuffle=False, verbose=0))
        seconds.append(time.perf_counter() - start)
    return Outcome(x, y, before, as_keras, by_hand, histories[0], histories[1], seconds[0], seconds[1])


def digits(values: Any) -> list[str]:
    """Values as the course printed them: rounded to 8 decimals in their own type."""
    return [str(np.round(v, 8)) for v in values]


def difference(shown: list[str], printed: list[str]) -> float:
    """The largest difference between two rows of printed numbers."""
    return max(abs(float(a) - float(b)) for a, b in zip(shown, printed, strict=True))


def report(outcome: Outcome, lang: str = "en") -> str:
    """The text that the command prints."""
    say = translator(lang)
    blocks = {
        "before": outcome.before,
        "as Keras": parameters(outcome.as_keras),
        "by hand": parameters(outcome.by_hand),
    }
    titles = {
        "before": say("Parameters before training"),
        "as Keras": say("Parameters after training as Keras does (backpropagation, float32)"),
        "by hand": say("Parameters after training by hand (finite differences, h = {:.6f}, float64)").format(H),
    }
    lines = [
        say("iris petal length -> Dense(3, sigmoid) -> Dense(1, sigmoid), loss MAE, SGD(0.001), 50 epochs of 99 rows")
    ]
    summary = []
    width = max(len(say(name)) for name in blocks) + 2
    for name, values in blocks.items():
        shown = digits(values)
        w, b = shown[:6], shown[6:]
        lines += ["", titles[name] + ":"]
        lines += [f"  w_{k} = {w[k - 2]:<12} b_{k} = {b[k - 2]}" for k in (2, 3, 4)]
        lines += [f"  w_52 = {w[3]:<11} w_53 = {w[4]:<12} w_54 = {w[5]:<12} b_5 = {b[3]}"]
        same = sum(a == p for a, p in zip(shown, PRINTED[name], strict=True))
        text = say("{:>2} of 10 the same, largest difference {:.0e}").format(same, difference(shown, PRINTED[name]))
        summary.append(f"  {say(name):<{width}}{text}")
    lines += ["", say("Against the digits printed in the course") + ":", *summary, "", say("Loss and time") + ":"]
    for name, history, seconds in (
        ("as Keras", outcome.keras_history, outcome.keras_seconds),
        ("by hand", outcome.hand_history, outcome.hand_seconds),
    ):
        loss = history.history["loss"]
        text = say("loss {:.4f} at epoch 1, {:.4f} at epoch {}; {:.0f} us for {} epochs")
        lines.append(f"  {say(name):<{width}}{text.format(loss[0], loss[-1], EPOCHS, seconds * 1e6, EPOCHS)}")
    return "\n".join(lines)


def main(plots: str | Path, lang: str = "en") -> int:
    """Run the lesson, print its report and draw its pictures into a folder."""
    outcome = run()
    print(report(outcome, lang))
    write(draw(outcome, lang), plots, lang)
    return 0


def draw(outcome: Outcome, lang: str = "en") -> dict[str, Any]:
    """Loss by epoch and slices of the loss, over the first parameter and over all ten, by the names of their files."""
    from .. import plots

    say = translator(lang)
    histories = {say("as Keras"): outcome.keras_history, say("by hand"): outcome.hand_history}
    loss = plots.plot_histories(histories, lang=lang)
    loss.set_title(say("Loss by epoch: as Keras and by hand lie on one line"))

    shown = [(layer, index, name) for name, layer, index in PARAMETERS]
    values = np.linspace(-5, 5, 400)
    slices, first = (
        plots.plot_slices(outcome.as_keras, some, values, outcome.x, outcome.y, lang=lang)
        for some in (shown, shown[:1])
    )
    slices.suptitle(say("Loss when one parameter changes and the others stay (dot: its value now)"))
    return {"loss.png": loss, "slice-w_2.png": first, "slices.png": slices}
