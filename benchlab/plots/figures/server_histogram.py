"""The client's service times over the histogram that the service keeps itself."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchlab.plots.canvas import (
    figure_of,
    heading,
    legend_pt,
    no_samples,
    open_axes,
)
from benchlab.plots.overlay import Layer, overlay
from benchlab.plots.scale import FLOOR_MS
from benchlab.plots.style import SERVER, SERVICE, Look, styled
from benchlab.runs.run import Run
from benchlab.units import NS_PER_MS, format_count

__all__ = ["server_histogram"]

_TITLE = "Client and the service’s metric"
_MOST_BINS = 90


@styled
def server_histogram(run: Run, buckets: pd.DataFrame, ax: Axes | None = None) -> Figure:
    """Shares of the client's service times and of the service's own metric, in the same buckets.

    ``buckets`` are those of ``Store.server_histogram``: lower_ms, upper_ms and count, of one
    service or several. The two are different populations, and the figure says how large each is:
    the client's are the measured requests of ``run``, the service's are all that it handled in
    the export intervals that the run touches, warm-up and other clients' requests included. There
    is no ``endpoint=``, since the metric is of all endpoints.
    """
    ax = open_axes(ax, (7.2, 3.9))
    measured_ms = run.measured.service_ns / NS_PER_MS
    counts = buckets["count"].to_numpy(float) if len(buckets) else np.empty(0)
    subject = (
        f"{run.name} · {format_count(len(measured_ms))} measured by the client ·"
        f" {format_count(int(counts.sum()))} counted by the service"
    )
    filled = len(measured_ms) > 0 and counts.sum() > 0
    ax.set_xlabel("duration (ms)")
    ax.set_ylabel("share of each (%)")
    if not filled:
        heading(ax, _TITLE, run, subject)
        no_samples(ax)
        return figure_of(ax)
    upper_ms = np.maximum(buckets["upper_ms"].to_numpy(float), FLOOR_MS)
    client_ms = np.maximum(measured_ms, FLOOR_MS)
    # A bucket lies within one bin, which its middle decides.
    middle_ms = np.sqrt(np.maximum(buckets["lower_ms"].to_numpy(float), FLOOR_MS) * upper_ms)
    edges = _edges(buckets, middle_ms, client_ms)
    ones = np.ones(len(client_ms))
    median_ms = _median(middle_ms, counts), float(np.median(client_ms))
    layers = [
        Layer(
            "service’s metric", Look(SERVER, (0, (4, 1.5))), 0.55, middle_ms, counts, median_ms[0]
        ),
        Layer("client service time", Look(SERVICE, "-"), 0.4, client_ms, ones, median_ms[1]),
    ]
    clearance_pt = legend_pt(ax, [layer.text for layer in layers])
    heading(ax, _TITLE, run, subject, clearance_pt=clearance_pt)
    overlay(ax, edges, layers)
    return figure_of(ax)


def _edges(
    buckets: pd.DataFrame, middle_ms: NDArray[np.float64], client_ms: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bounds of the metric's own buckets, neighbours merged until there are few enough."""
    low = min(float(middle_ms.min()), float(client_ms.min()))
    # The slowest 0.1 % of the client's are left out.
    high = max(float(middle_ms.max()), float(np.quantile(client_ms, 0.999)))
    wide = buckets[buckets["lower_ms"] > 0]
    # Widths are 2**(2**-scale), in seconds: the same grid for any number of them.
    ratio = float((wide["upper_ms"] / wide["lower_ms"]).max()) if len(wide) else 2.0
    step = 2.0 ** round(math.log2(max(math.log2(ratio), 2.0**-20)))
    while (math.log2(high / low)) / step > _MOST_BINS:
        step *= 2
    first = math.floor(math.log2(low / 1e3) / step)
    last = math.ceil(math.log2(high / 1e3) / step)
    edges: NDArray[np.float64] = np.exp2(np.arange(first, max(last, first + 1) + 1) * step) * 1e3
    return edges


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
