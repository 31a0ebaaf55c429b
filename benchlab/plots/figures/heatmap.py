"""Latency over the time of a run, as counts of requests."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from benchlab.analysis.heatmap import LatencyGrid, latency_grid
from benchlab.analysis.timeseries import choose_bucket_s
from benchlab.plots.canvas import figure_of, heading, legend, legend_pt, no_samples, open_axes
from benchlab.plots.over_time import (
    end_s_of,
    name_faults,
    shade_faults,
    shade_warmup,
    step_s_of,
    whole_run,
    windows_of,
)
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.series import Drawing, Series, drawing
from benchlab.plots.style import ERROR, HEAT, INK, PAPER, Dashes, dress, styled
from benchlab.runs.run import Run, check_run
from benchlab.samples.samples import Endpoints
from benchlab.units import NS_PER_MS, NS_PER_S, seconds_to_ns

__all__ = ["heatmap"]

_MOST_ROWS = 60
_FINER = 10  # times as many steps as a p99 allows
_MOST_MARKS = 150  # cells with failed requests that are marked
_FEWEST_FOR_P99 = 100  # of fewer, the p99 is the maximum
_HALO = [withStroke(linewidth=2.6, foreground=PAPER)]


@styled
def heatmap(run: Run, ax: Axes | None = None, *, endpoint: Endpoints | None = None) -> Figure:
    """Requests by the time they were intended at and by latency, warm-up shaded.

    Two modes, a slow minority or a periodic stall show here and in no percentile. Each colour
    stands for several times as many requests per cell as the one before; one request is enough to
    be seen. Over it are the p50 and the p99 (where a step has at least 100 requests), in steps of
    their own. Crosses are on cells with failed requests, or on some of them if there are many.
    """
    check_run(run)
    ax = open_axes(ax, (9.6, 4.2))
    with drawing(ax, "heatmap", run, endpoint, adds=False) as drawn:
        _draw(ax, drawn, drawn.series[0])
    return figure_of(ax)


def _draw(ax: Axes, drawn: Drawing, series: Series) -> None:
    end_s, count = end_s_of([series.run]), len(series.samples)
    step_s = choose_bucket_s(end_s, count * _FINER)
    grid = _grid(series, step_s)
    bounds = _bounds(int(grid.counts.max(initial=0)))
    keys = [f"≥ {bound:,}" for bound in bounds]
    failed = bool(grid.error_counts.any())
    labels = [*keys, "p50", "p99", *(["failed"] if failed else [])] if keys else []
    subject = f"{drawn.subject} in cells of {step_s:g} s"
    heading(ax, "Latency over time", series.run, subject, clearance_pt=legend_pt(ax, labels))
    ax.set_xlabel("time since start (s)")
    ax.set_ylabel("latency (ms, log scale)")
    if not keys:
        no_samples(ax)
        return
    colors = [HEAT[round(level)] for level in np.linspace(0, len(HEAT) - 1, len(bounds))]
    edges_ms = np.maximum(grid.latencies_ns / NS_PER_MS, FLOOR_MS / 1.1)
    level_of = np.searchsorted(bounds, grid.counts, side="right") - 1
    for level, color in enumerate(colors):
        path = _path(level_of == level, grid.times_ns / NS_PER_S, edges_ms)
        # Drawn a little larger, so that no light comes through between neighbours.
        ax.add_patch(PathPatch(path, facecolor=color, edgecolor=color, linewidth=0.4))
    marks = _draw_lines(ax, series)
    if failed:
        marks.append(_mark_errors(ax, grid.error_counts, grid.times_ns / NS_PER_S, edges_ms))
    log_ms(ax, "y", edges_ms[0] / 1.05, edges_ms[-1] * 1.05)
    ax.set_xlim(0, end_s)
    shade_warmup(ax, [series.run])
    shade_faults(ax, [series.run])
    name_faults(ax, [series.run])
    patches = [Patch(color=color, lw=0, label=key) for color, key in zip(colors, keys, strict=True)]
    legend(ax, [*patches, *marks])
    dress(ax)
    ax.grid(visible=False)


def _grid(series: Series, step_s: float) -> LatencyGrid:
    """Counts in steps that never mix warm-up and measured window, and in not too many rows."""
    windows, step_ns = windows_of(series.run), max(1, seconds_to_ns(step_s))
    starts = [np.arange(start_ns, end_ns, step_ns) for start_ns, end_ns in windows]
    times_ns = np.concatenate([*starts, np.array([series.run.window_ns[1]])]).astype(np.int64)
    grid = latency_grid(series.samples, times_ns)
    rows = grid.counts.shape[1]
    merged = np.arange(0, rows, -(-rows // _MOST_ROWS) or 1)
    if len(merged) == rows:
        return grid
    return LatencyGrid(
        times_ns,
        np.append(grid.latencies_ns[merged], grid.latencies_ns[-1]),
        np.add.reduceat(grid.counts, merged, axis=1),
        np.add.reduceat(grid.error_counts, merged, axis=1),
    )


def _bounds(highest: int) -> NDArray[np.int64]:
    """The fewest requests in a cell of each colour, in equal steps of the logarithm."""
    if highest == 0:
        return np.empty(0, dtype=np.int64)
    steps = np.geomspace(1, highest + 1, len(HEAT) + 1)[:-1]
    return np.unique(np.minimum(np.round(steps).astype(np.int64), highest))


def _path(
    cells: NDArray[np.bool_], times_s: NDArray[np.float64], edges_ms: NDArray[np.float64]
) -> Path:
    """The outlines of ``cells``, neighbours in time as one: a page has thousands of them."""
    padded = np.pad(cells.T, ((0, 0), (1, 1))).astype(np.int8)
    row, start = np.nonzero(np.diff(padded, axis=1) == 1)
    _, end = np.nonzero(np.diff(padded, axis=1) == -1)
    left, right, low, high = times_s[start], times_s[end], edges_ms[row], edges_ms[row + 1]
    corners = [(left, low), (left, high), (right, high), (right, low), (left, low)]
    vertices = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    return Path(vertices.reshape(-1, 2), np.tile(codes, len(row)))


def _draw_lines(ax: Axes, series: Series) -> list[Artist]:
    table, edges = whole_run(series, step_s_of([series]))
    enough = table["count"] >= _FEWEST_FOR_P99
    lines: list[Artist] = []
    looks: dict[str, tuple[Dashes, pd.Series]] = {
        "p50": ("-", table["count"] > 0),
        "p99": ((0, (4, 1.6)), enough),
    }
    for name, (dashes, shown) in looks.items():
        if not shown.any():
            continue
        values_ms = np.maximum(table[f"latency_{name}_ms"].to_numpy(), FLOOR_MS)
        ax.stairs(
            np.where(shown, values_ms, np.nan), edges, baseline=None, color=INK,
            linestyle=dashes, linewidth=1.3, path_effects=_HALO, label=name,
        )  # fmt: skip
        lines.append(Line2D([], [], color=INK, linestyle=dashes, linewidth=1.3, label=name))
    return lines


def _mark_errors(
    ax: Axes,
    counts: NDArray[np.int64],
    times_s: NDArray[np.float64],
    edges_ms: NDArray[np.float64],
) -> Artist:
    step, row = np.nonzero(counts)
    some = np.unique(np.linspace(0, len(step) - 1, min(len(step), _MOST_MARKS)).astype(np.int64))
    step, row = step[some], row[some]
    (marks,) = ax.plot(
        (times_s[step] + times_s[step + 1]) / 2, np.sqrt(edges_ms[row] * edges_ms[row + 1]), "x",
        color=ERROR, markersize=4, markeredgewidth=1.1, path_effects=_HALO, label="failed",
    )  # fmt: skip
    return marks
