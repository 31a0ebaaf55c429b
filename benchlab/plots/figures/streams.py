"""Times of streams: to the first byte and event, and the gaps between events."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from benchlab.plots.canvas import figure_of, heading, legend, legend_pt, no_samples, open_axes
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.style import LAG, LATENCY, SERVICE, Look, dress, plain, styled
from benchlab.runs.run import Run
from benchlab.runs.stream_summary import MeasuredStreams
from benchlab.samples.samples import Endpoints
from benchlab.samples.streams import gap_edges_ns
from benchlab.text import plural
from benchlab.units import NS_PER_MS

__all__ = ["streams"]

_POINTS = 1_000
_NAME_CHARACTERS = 44


class _Curve(NamedTuple):
    """Durations in ms, and the share (%) that took no longer."""

    label: str
    look: Look
    values_ms: NDArray[np.float64]
    shares: NDArray[np.float64]


@styled
def streams(run: Run, ax: Axes | None = None, *, endpoint: Endpoints | None = None) -> Figure:
    """Share of streams whose first byte and event came within a time, and of shorter gaps.

    Times to the first byte and event count from the intended time, as latency does. Gaps are those
    between the events of each stream, of all streams together; they are known by the buckets of
    their histogram, at most 12.5 % wide.
    """
    ax = open_axes(ax, (7.2, 3.9))
    found = MeasuredStreams.of(run.streams, run.measured_of(endpoint))
    curves = _curves(found)
    name = plain(run.name, _NAME_CHARACTERS)
    events = plural(int(found.records["events"].sum()), "event")
    heading(
        ax, "Streams: first event and gaps", run,
        f"{name} · {plural(len(found.records), 'stream')} · {events}",
        clearance_pt=legend_pt(ax, [curve.label for curve in curves]),
    )  # fmt: skip
    ax.set_xlabel("duration (ms, log scale)")
    ax.set_ylabel("share that took no longer (%)")
    if not curves:
        no_samples(ax, "no samples" if not len(run.samples) else "no streams")
        return figure_of(ax)
    for label, (color, dashes), values_ms, shares in curves:
        ax.plot(
            values_ms, shares, drawstyle="steps-post", label=label,
            color=color, linestyle=dashes, linewidth=1.8,
        )  # fmt: skip
    low = min(float(curve.values_ms[0]) for curve in curves)
    high = max(float(curve.values_ms[-1]) for curve in curves)
    log_ms(ax, "x", low / 1.05, high * 1.05)
    ax.set_ylim(0, 104)
    ax.yaxis.set_major_locator(MultipleLocator(25))
    legend(ax)
    dress(ax, grid="both")
    return figure_of(ax)


def _curves(found: MeasuredStreams) -> list[_Curve]:
    curves = [
        _of_values("to the first byte", Look(SERVICE, (0, (3, 1.6))), found.first_byte_ns),
        _of_values("to the first event", Look(LATENCY, "-"), found.first_event_ns),
        _of_counts("gaps between events", Look(LAG, "-."), found.gap_counts),
    ]
    return [curve for curve in curves if len(curve.values_ms)]


def _of_values(label: str, look: Look, values_ns: NDArray[np.int64]) -> _Curve:
    count = len(values_ns)
    if not count:
        return _Curve(label, look, np.empty(0), np.empty(0))
    ranks = np.unique(np.linspace(0, count - 1, min(count, _POINTS)).astype(np.int64))
    values_ms = _in_ms(np.sort(values_ns)[ranks])
    # Starts on the axis, at the lowest.
    shares = np.append(0, 100 * (ranks + 1) / count)
    return _Curve(label, look, np.append(values_ms[0], values_ms), shares)


def _of_counts(label: str, look: Look, counts: NDArray[np.int64]) -> _Curve:
    filled = np.flatnonzero(counts)
    lower, upper = gap_edges_ns()
    edges_ns = np.append(lower[filled[:1]], upper[filled])
    shares = np.append(
        np.zeros(min(len(filled), 1)), 100 * np.cumsum(counts[filled]) / max(counts.sum(), 1)
    )
    return _Curve(label, look, _in_ms(edges_ns), shares)


def _in_ms(values_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.maximum(values_ns / NS_PER_MS, FLOOR_MS)
