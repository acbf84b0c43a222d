"""The loss of the net of ten parameters, over two of them and along two random directions."""

from __future__ import annotations

from pathlib import Path

from ..plots._texts import translator
from . import by_hand
from ._report import write

TWO: tuple[tuple[int, tuple[int, ...], str], ...] = ((1, (1, 0), "w_53"), (1, (0,), "b_5"))
SPAN = 6.0


def main(plots: str | Path, lang: str = "en") -> int:
    """Print the lowest loss of each landscape and draw both, as landscapes and from above."""
    from ..plots import landscape, plot_landscape
    from ..plots._figures import two_views

    say = translator(lang)
    outcome = by_hand.run()
    model = outcome.as_keras
    now = model.evaluate(outcome.x, outcome.y, batch_size=len(outcome.x))
    pictures = {}
    for name, title, parameters, span in (
        ("landscape-parameters.png", say("Loss over two of the ten parameters"), TWO, SPAN),
        ("landscape-random.png", say("Loss along two random directions"), None, SPAN),
    ):
        lowest = landscape(model, outcome.x, outcome.y, parameters, span=span)[2].min()
        print(f"{title}: {say('lowest loss')} {lowest:.4f}, {say('here')} {now:.4f}")
        figure, space, above = two_views(title)
        for ax, kind in ((space, "3d"), (above, "contour")):
            plot_landscape(model, outcome.x, outcome.y, parameters, ax, kind, span=span, lang=lang)
        pictures[name] = figure
    write(pictures, plots, lang)
    return 0
