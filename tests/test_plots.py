"""Pictures: they hold what they should, can be read, and end up in files."""

import builtins
import itertools

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

import gdcore
from gdcore import lessons, plots
from gdcore.lessons import LESSONS, by_hand
from gdcore.surfaces import peaks


def texts(figure):
    """The texts that are drawn, with the rectangles they fill, as (string, four corners)."""
    drawn = []
    draw = Text.draw

    def record(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            drawn.append(self)
        return draw(self, renderer, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    found = []
    for text in dict.fromkeys(drawn):
        box = Text.get_window_extent(text, canvas.get_renderer())
        middle, angle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2, np.deg2rad(text.get_rotation())
        text.set_rotation(0)
        box = Text.get_window_extent(text, canvas.get_renderer())
        text.set_rotation(np.rad2deg(angle))
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (box.width / 2 - 1, box.height / 2 - 1)
        found.append((text.get_text(), corners @ turn + middle))
    return found


def apart(one, other):
    """Whether two rectangles do not touch: then an edge of one of them divides them."""
    for corners in (one, other):
        for normal in (corners[1] - corners[0], corners[2] - corners[1]):
            first, second = one @ normal, other @ normal
            if first.max() < second.min() or second.max() < first.min():
                return True
    return False


def assert_legible(figure):
    """No text lies on another, or is cut off, or is tiny."""
    found = texts(figure)
    assert found
    size = figure.canvas.get_width_height()
    for string, corners in found:
        assert (corners >= -1).all(), string
        assert (corners <= np.add(size, 1)).all(), string
    for (string, corners), (other, other_corners) in itertools.combinations(found, 2):
        assert apart(corners, other_corners), (string, other)
    assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 7
    return [string for string, _ in found]
