"""The same requests as the client and as the server saw them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchlab.plots.canvas import (
    check_drawable,
    figure_of,
    heading,
    legend_pt,
    no_samples,
    open_axes,
)
from benchlab.plots.overlay import Layer, overlay
from benchlab.plots.scale import FLOOR_MS
from benchlab.plots.style import LATENCY, SERVER, Look, styled
from benchlab.runs.run import Run
from benchlab.samples.samples import Endpoints, check_endpoints
from benchlab.text import plural

__all__ = ["client_server"]

_BINS = 90
_RUN_ID_DIGITS = 16
_TITLE = "Client and server"
_SERIES = (
    ("server_ms", "server span", Look(SERVER, (0, (4, 1.5))), 0.55),
    ("latency_ms", "client latency", Look(LATENCY, "-"), 0.45),
)


@styled
def client_server(
    joined: pd.DataFrame,
    ax: Axes | None = None,
    *,
    run: Run | None = None,
    endpoint: Endpoints | None = None,
) -> Figure:
    """Client latency and server span time of the requests in ``joined``, with their medians.

    ``joined`` has one row per request whose server span was found, with at least the columns
    ``latency_ms``, ``server_ms`` and ``trace_id``. Give ``run`` to name it, and to mark a verdict
    that is not ``valid``; without it the title has the run's id, which every trace id begins with.
    ``endpoint`` selects one endpoint, or several together.
    """
    check_drawable(
        joined,
        pd.DataFrame,
        field="joined",
        noun="a table",
        remedy="give what store.client_server(run.id) returns",
    )
    joined, chosen = _of_endpoint(joined, endpoint)
    ax = open_axes(ax, (7.2, 3.9))
    subject = f"{_name(joined, run)}{chosen}{plural(len(joined), 'request')} with a server span"
    ax.set_xlabel("duration (ms)")
    ax.set_ylabel("share of requests (%)")
    if len(joined) == 0:
        heading(ax, _TITLE, run, subject)
        no_samples(ax)
        return figure_of(ax)
    columns = {name: np.maximum(joined[name].to_numpy(float), FLOOR_MS) for name, *_ in _SERIES}
    everything = np.concatenate(list(columns.values()))
    edges = _edges(everything)
    # The drawn range leaves out the slowest 0.1 %.
    layers = [
        Layer(
            label,
            look,
            alpha,
            columns[name],
            np.ones(len(joined)),
            float(np.median(columns[name])),
        )
        for name, label, look, alpha in _SERIES
    ]
    clearance_pt = legend_pt(ax, [layer.text for layer in layers])
    heading(ax, _TITLE, run, subject, clearance_pt=clearance_pt)
    overlay(ax, edges, layers)
    return figure_of(ax)


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = float(values.min()) / 1.05, float(np.quantile(values, 0.999)) * 1.05
    return np.geomspace(low, max(high, low * 1.1), _BINS + 1)


def _name(joined: pd.DataFrame, run: Run | None) -> str:
    if run is not None:
        return f"{run.name} · "
    return f"run {str(joined['trace_id'].iloc[0])[:_RUN_ID_DIGITS]} · " if len(joined) else ""


def _of_endpoint(joined: pd.DataFrame, endpoint: Endpoints | None) -> tuple[pd.DataFrame, str]:
    """The rows of one endpoint, or of several, and how to name them."""
    if endpoint is None:
        return joined, ""
    wanted = [endpoint] if isinstance(endpoint, str) else list(endpoint)
    known = joined["endpoint"].astype(str) if "endpoint" in joined else pd.Series(dtype=str)
    check_endpoints(wanted, list(known.unique()))
    return joined[known.isin(wanted)], f"{', '.join(wanted)} · "
