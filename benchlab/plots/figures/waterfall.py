"""One request as a waterfall: what the client measured, and the spans below it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchlab.plots.canvas import (
    LEGEND_PT,
    check_drawable,
    figure_of,
    heading,
    no_samples,
    open_axes,
)
from benchlab.plots.style import (
    ERROR,
    INK,
    LAG,
    MUTED,
    PAPER,
    SERVER,
    SERVICE,
    SMALL_PT,
    WARNING,
    dress,
    plain,
    styled,
    thousands,
)
from benchlab.runs.run import Run
from benchlab.runs.trace import Trace, TracedRequest
from benchlab.units import NS_PER_MS, format_ms

__all__ = ["waterfall"]

_MOST_SPANS = 30
_BAR = 0.4
_LABEL_CHARACTERS = 70
_HATCHES = {LAG: "//////", SERVER: ".."}  # for prints without colour
_INDENT_PT = 8
_DEEPEST = 12  # further in, labels would leave the figure


@dataclass(frozen=True)
class _Row:
    label: str
    parts: list[tuple[float, float, str, float]]  # start and length in ms, colour, opacity
    error: str
    depth: int = 0

    @property
    def end_ms(self) -> float:
        return max(start + length for start, length, *_ in self.parts)

    @property
    def length_ms(self) -> float:
        return sum(length for _, length, *_ in self.parts)


@styled
def waterfall(trace: Trace, ax: Axes | None = None, *, run: Run | None = None) -> Figure:
    """The client's request above the spans that servers made of it, each below its parent.

    The axis is ms since the request was due. The request is in three parts: until it was sent
    (lag), until the first byte of the response, and until its end. Failures are marked, with the
    reason. Of many spans, those that failed or took longest are drawn. Where the clocks of client
    and service contradict each other, the spans are drawn in the middle of the request, and the
    figure says so. Give ``run`` to name it and to mark a verdict that is not ``valid``.
    """
    check_drawable(
        trace,
        Trace,
        field="trace",
        noun="a trace",
        remedy="give what store.slowest(run.id, traced=True) or store.trace(id) returns",
    )
    request, spans = trace.request, trace.spans
    shift_ms = 0.0 if request is None else _shift_ms(request, spans)
    rows = [] if request is None else [_client_row(request)]
    drawn = _most_relevant([_span_row(*item, shift_ms) for item in _by_parent(spans)])
    left_out = len(spans) - len(drawn)
    rows += drawn
    ax = open_axes(ax, (7.2, 1.5 + 0.44 * max(len(rows), 2)))
    heading(ax, "One request", run, _subject(trace, run), clearance_pt=LEGEND_PT)
    if not rows:
        no_samples(ax)
        return figure_of(ax)
    for place, row in enumerate(rows):
        _draw(ax, row, place)
    start_ms = min(0.0, *(start for row in rows for start, *_ in row.parts))
    end_ms = max(start_ms + 0.001, *(row.end_ms for row in rows))
    # Space on the right for the text after the longest bar.
    ax.set_xlim(start_ms - 0.01 * (end_ms - start_ms), end_ms + 0.24 * (end_ms - start_ms))
    ax.set_ylim(len(rows) - 0.55, -0.75)
    ax.set_yticks([])
    ax.xaxis.set_major_formatter(thousands())
    ax.set_xlabel(_axis_label(request, shift_ms, left_out))
    _legend(ax, rows)
    dress(ax, grid="x")
    return figure_of(ax)


def _subject(trace: Trace, run: Run | None) -> str:
    parts = [f"trace {trace.trace_id}"]
    if (request := trace.request) is not None:
        took = format_ms(request.latency_ns)
        parts = [f"request {request.seq:,}", f"latency {took}", *parts]
    if run is not None:
        parts.append(run.name)
    return " · ".join(parts)


def _axis_label(request: TracedRequest | None, shift_ms: float, left_out: int) -> str:
    since = "the first span began" if request is None else "the request was due"
    label = f"time since {since} (ms)"
    if shift_ms:
        label += "\nThe clocks of client and service differ: the spans are drawn in the middle."
    if left_out > 0:
        label += f"\n{left_out:,} more spans are left out; these failed or took longest."
    return label


def _client_row(request: TracedRequest) -> _Row:
    due_ns, sent_ns, done_ns = request.intended_ns, request.sent_ns, request.done_ns
    first_ns = request.first_byte_ns if request.first_byte_ns > sent_ns else done_ns
    parts = [
        (0.0, (sent_ns - due_ns) / NS_PER_MS, LAG, 1.0),
        ((sent_ns - due_ns) / NS_PER_MS, (first_ns - sent_ns) / NS_PER_MS, SERVICE, 1.0),
        ((first_ns - due_ns) / NS_PER_MS, (done_ns - first_ns) / NS_PER_MS, SERVICE, 0.5),
    ]
    error = f"status {request.status}" if request.error == "status" else request.error
    return _Row(plain(f"client · {request.endpoint}", _LABEL_CHARACTERS), parts, error)


def _span_row(depth: int, span: pd.Series, shift_ms: float) -> _Row:
    error = ""
    if span["status"] == "Error":
        error = f"error: {span['status_message']}" if span["status_message"] else "error"
    length_ms = float(span["duration_ms"])
    if math.isnan(length_ms):
        error, length_ms = error or "ends before it begins", 0.0
    name = f"{span['service']} · {span['span_name']}" if depth == 0 else str(span["span_name"])
    part = (float(span["offset_ms"]) + shift_ms, length_ms, SERVER, 1.0)
    return _Row(plain(name, _LABEL_CHARACTERS), [part], error, min(depth, _DEEPEST))


def _most_relevant(rows: list[_Row]) -> list[_Row]:
    """The rows that failed or took longest, as many as fit, in the order of ``rows``."""
    ranked = sorted(enumerate(rows), key=lambda item: (not item[1].error, -item[1].length_ms))
    return [row for _, row in sorted(ranked[:_MOST_SPANS], key=lambda item: item[0])]


def _shift_ms(request: TracedRequest, spans: pd.DataFrame) -> float:
    """What to add to the spans' offsets: 0 where they are possible as they are."""
    if len(spans) == 0:
        return 0.0
    sent_ms = (request.sent_ns - request.intended_ns) / NS_PER_MS
    done_ms = request.latency_ns / NS_PER_MS
    first = spans.iloc[0]
    start_ms, length_ms = float(first["offset_ms"]), float(first["duration_ms"])
    if math.isnan(length_ms):
        length_ms = 0.0
    # A span may end after its response has arrived, so only its start is certain.
    if sent_ms <= start_ms <= done_ms:
        return 0.0
    return sent_ms + max(0.0, (done_ms - sent_ms - length_ms) / 2) - start_ms


def _by_parent(spans: pd.DataFrame) -> Iterator[tuple[int, pd.Series]]:
    """Depth and span, each followed by its children in order of start."""
    rows = [row for _, row in spans.iterrows()]
    known = {row["span_id"] for row in rows}
    children: dict[str, list[pd.Series]] = {}
    for row in rows:
        is_root = row["parent_span_id"] not in known or row["parent_span_id"] == row["span_id"]
        children.setdefault("" if is_root else row["parent_span_id"], []).append(row)
    todo = [(0, row) for row in reversed(children.pop("", []))]
    while todo:
        depth, row = todo.pop()
        yield depth, row
        todo += [(depth + 1, child) for child in reversed(children.pop(row["span_id"], []))]
    # Spans that are left are ancestors of themselves.
    yield from ((0, row) for row in chain.from_iterable(children.values()))


def _draw(ax: Axes, row: _Row, place: int) -> None:
    # An edge of the same colour keeps even the shortest visible.
    for start, length, color, alpha in row.parts:
        width = 0.8 if len(row.parts) == 1 else 0
        edge = PAPER if color in _HATCHES else color
        ax.barh(
            place, length, _BAR, start,
            fc=color, alpha=alpha, ec=edge, linewidth=width, hatch=_HATCHES.get(color),
        )  # fmt: skip
    first = row.parts[0][0]
    ax.annotate(
        row.label,
        xy=(0, place - _BAR / 2),
        xycoords=("axes fraction", "data"),
        xytext=(3 + _INDENT_PT * row.depth, 2),
        textcoords="offset points",
        va="bottom",
        fontsize=SMALL_PT,
        color=MUTED,
        bbox={"boxstyle": "square,pad=0", "facecolor": PAPER, "edgecolor": "none"},
    )
    text, color = format_ms(round(row.length_ms * NS_PER_MS)), INK
    if row.error:
        color = WARNING
        text = plain(f"{text} · {row.error}", 30)
        ax.barh(place, row.end_ms - first, _BAR, first, fill=False, edgecolor=ERROR, linewidth=1.6)
    ax.annotate(
        text,
        xy=(row.end_ms, place),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL_PT,
        color=color,
        fontweight="bold" if row.error else "normal",
        bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
    )


def _legend(ax: Axes, rows: list[_Row]) -> None:
    names = {
        (LAG, 1.0): "lag",
        (SERVICE, 1.0): "to the first byte",
        (SERVICE, 0.5): "rest of the response",
        (SERVER, 1.0): "server span",
    }
    drawn = {(color, alpha) for row in rows for _, length, color, alpha in row.parts if length > 0}
    handles = [
        Patch(fc=color, ec=PAPER, alpha=alpha, lw=0, label=name, hatch=_HATCHES.get(color))
        for (color, alpha), name in names.items()
        if (color, alpha) in drawn
    ]
    if any(row.error for row in rows):
        handles.append(Patch(fill=False, edgecolor=ERROR, linewidth=1.6, label="failed"))
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=5,
        borderaxespad=0,
        borderpad=0.35,
    ).set_in_layout(False)
