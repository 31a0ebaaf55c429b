"""The same requests as the client and as the server saw them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchlab.plots.figure import (
    LEGEND_PT,
    figure_of,
    heading,
    legend,
    no_samples,
    open_axes,
    requests,
)
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import LATENCY, SERVER, dress, styled
from benchlab.units import NS_PER_MS, format_ms
from benchlab.values.run import Run

__all__ = ["client_server"]

_BINS = 90
_RUN_ID_DIGITS = 16
_SERIES = (
    ("server_ms", "server span", SERVER, 0.55),
    ("latency_ms", "client latency", LATENCY, 0.45),
)


@styled
def client_server(
    joined: pd.DataFrame, ax: Axes | None = None, *, run: Run | None = None
) -> Figure:
    """Client latency and server span time of the requests in ``joined``, with their medians.

    ``joined`` has one row per request whose server span was found, with at least the columns
    ``latency_ms``, ``server_ms`` and ``trace_id``. Give ``run`` to name it, and to mark a verdict
    that is not ``valid``; without it the title has the run's id, which every trace id begins with.
    """
    ax = open_axes(ax, (7.2, 3.9))
    subject = f"{_name(joined, run)}{requests(len(joined))} with a server span"
    clearance_pt = LEGEND_PT if len(joined) else 0
    heading(ax, "Client and server", run, subject, clearance_pt=clearance_pt)
    ax.set_xlabel("duration (ms)")
    ax.set_ylabel("share of requests (%)")
    if len(joined) == 0:
        no_samples(ax)
        return figure_of(ax)
    columns = {name: np.maximum(joined[name].to_numpy(float), FLOOR_MS) for name, *_ in _SERIES}
    everything = np.concatenate(list(columns.values()))
    edges = _edges(everything)
    peak = 0.0
    for name, label, color, alpha in _SERIES:
        values = columns[name]
        # Beyond the drawn range, which leaves out the slowest 0.1 %, requests count as its edge.
        share = 100 * np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
        median = float(np.median(values))
        text = f"{label}, median {format_ms(round(median * NS_PER_MS))}"
        ax.stairs(share, edges, fill=True, color=color, alpha=alpha, linewidth=0, label=text)
        ax.stairs(share, edges, color=color, linewidth=1.2, baseline=None)
        ax.axvline(median, color=color, linewidth=1.4, linestyle=(0, (3, 2)))
        peak = max(peak, float(share.max()))
    log_ms(ax, "x", float(edges[0]), float(edges[-1]))
    ax.set_ylim(0, peak * 1.15)
    legend(ax)
    dress(ax)
    return figure_of(ax)


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = float(values.min()) / 1.05, float(np.quantile(values, 0.999)) * 1.05
    return np.geomspace(low, max(high, low * 1.1), _BINS + 1)


def _name(joined: pd.DataFrame, run: Run | None) -> str:
    if run is not None:
        return f"{run.name} · "
    return f"run {str(joined['trace_id'].iloc[0])[:_RUN_ID_DIGITS]} · " if len(joined) else ""
