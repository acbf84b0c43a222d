"""Pictures with matplotlib.

What draws one panel takes ``ax=`` and returns the axes, on a new figure by default; what needs several returns
the figure; none shows it.  `save` writes either.  Figures are made without pyplot, so that drawing needs no
display and leaves no global state behind.  Labels are English, or Spanish with ``lang="es"``.
"""

from ._figures import save
from .models import (
    landscape,
    plot_histories,
    plot_history,
    plot_landscape,
    plot_parameters,
    plot_range_test,
    plot_schedule,
    plot_slices,
    plot_steps,
    range_test,
)
from .surfaces import animate, name_minima, plot_descent, plot_descents, plot_surface, plot_trajectory

__all__ = [
    "animate",
    "landscape",
    "name_minima",
    "plot_descent",
    "plot_descents",
    "plot_histories",
    "plot_history",
    "plot_landscape",
    "plot_parameters",
    "plot_range_test",
    "plot_schedule",
    "plot_slices",
    "plot_steps",
    "plot_surface",
    "plot_trajectory",
    "range_test",
    "save",
]
