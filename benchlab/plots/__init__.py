"""Figures of a run, one function each.

Every function returns the `matplotlib.figure.Figure` it drew on: a new one, which shows itself
when it is the last expression of a notebook cell, or the figure of ``ax`` when an axes is given.
None of them touches pyplot, so nothing is left open and no global setting changes. Times are in
ms; a run whose verdict is not ``valid`` says so on every figure.

Those of a run take ``endpoint=``: a name, or several taken together. ``histogram``,
``percentiles``, ``timeline`` and ``in_flight`` draw several series side by side: a list of runs,
``by="endpoint"`` or ``by="target"``, or whatever was drawn on the same ``ax`` before.
"""

from benchlab.plots.figures.attribution import attribution
from benchlab.plots.figures.capacity import capacity
from benchlab.plots.figures.client_server import client_server
from benchlab.plots.figures.comparison import comparison
from benchlab.plots.figures.ecdf import ecdf
from benchlab.plots.figures.explanation import explanation
from benchlab.plots.figures.fidelity import fidelity
from benchlab.plots.figures.heatmap import heatmap
from benchlab.plots.figures.histogram import histogram
from benchlab.plots.figures.in_flight import in_flight
from benchlab.plots.figures.percentiles import percentiles
from benchlab.plots.figures.resilience import resilience
from benchlab.plots.figures.scalability import scalability
from benchlab.plots.figures.server_histogram import server_histogram
from benchlab.plots.figures.steady_state import steady_state
from benchlab.plots.figures.streams import streams
from benchlab.plots.figures.sweep import sweep, sweep_heatmap
from benchlab.plots.figures.timeline import timeline
from benchlab.plots.figures.trend import trend
from benchlab.plots.figures.waterfall import waterfall

__all__ = [
    "attribution",
    "capacity",
    "client_server",
    "comparison",
    "ecdf",
    "explanation",
    "fidelity",
    "heatmap",
    "histogram",
    "in_flight",
    "percentiles",
    "resilience",
    "scalability",
    "server_histogram",
    "steady_state",
    "streams",
    "sweep",
    "sweep_heatmap",
    "timeline",
    "trend",
    "waterfall",
]


def __dir__() -> list[str]:
    """The figures alone: completion shall not offer modules."""
    return __all__
