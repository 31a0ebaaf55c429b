"""The service's side of a run: its spans beside the client's samples, and its metric."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchlab import plots
from benchlab.display.table import Table
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import HALF_WIDTH, WIDE, inline_svg
from benchlab.report.page import Section
from benchlab.report.statistics import statistics_table
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.samples.summary import Distribution
from benchlab.text import plural
from benchlab.units import NS_PER_MS

__all__ = ["client_server", "server_histogram"]

_COLUMNS = {
    "client latency": "latency_ms",
    "client service time": "service_ms",
    "server span": "server_ms",
    "outside the server": "network_ms",
}


def client_server(run: Run, server: ServerSide) -> Section | None:
    """The same requests from both sides, and how complete the spans are; None without tracing."""
    if not server.was_traced:
        return None
    figure = None
    if server.requests is not None and len(server.requests):
        figure = inline_svg(
            plots.client_server(server.requests, open_axes(None, HALF_WIDTH), run=run),
            "server",
            "Distributions of client latency and of server span time of the same requests.",
        )
    coverage = server.coverage
    return Section(
        "client_server",
        {
            "coverage": f"Server {coverage.describe()}." if coverage.sampled else "",
            "is_incomplete": not coverage.enough,
            "cause": coverage.cause(),
            "table": _table(server.requests),
            "note": _note(server.requests),
            "figure": figure,
        },
    )


def server_histogram(run: Run, server: ServerSide) -> Section | None:
    """The service's own metric beside the client's service times; None where it has none."""
    if server.histogram is None or len(server.histogram) == 0 or len(run.measured) == 0:
        return None
    figure = plots.server_histogram(run, server.histogram, open_axes(None, WIDE))
    described = "Distributions of client service time and of the durations that the service counted"
    return Section("server_histogram", {"figure": inline_svg(figure, "counted", f"{described}.")})


def _table(requests: pd.DataFrame | None) -> Table | None:
    if requests is None or len(requests) == 0:
        return None
    return statistics_table(
        {
            name: Distribution.of(_to_ns(requests[column].to_numpy(float)))
            for name, column in _COLUMNS.items()
            if column in requests
        }
    )


def _note(requests: pd.DataFrame | None) -> str:
    """Why what is outside the server is below 0 for some requests; empty if it is for none."""
    if requests is None or "network_ms" not in requests:
        return ""
    below = int((requests["network_ms"] < 0).sum())
    if not below:
        return ""
    return (
        f"For {below:,} of {plural(len(requests), 'request')} the server's span is longer than the"
        " client's service time, so that what is outside the server is below 0: such a span ended"
        " after its response had arrived, or the two clocks run at different speeds."
    )


def _to_ns(values_ms: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.round(values_ms[~np.isnan(values_ms)] * NS_PER_MS).astype(np.int64)
