"""A trace, as people see it: its request, and the spans that servers made of it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.runs.trace import Trace
from benchlab.text import plural
from benchlab.units import format_ms

__all__ = ["view"]

_SPANS_SHOWN = 50
_COLUMNS = {
    "span_name": "span",
    "service": "service",
    "kind": "kind",
    "offset_ms": "offset, ms",
    "duration_ms": "duration, ms",
    "status": "status",
}


def view(trace: Trace) -> ResultView:
    """The request, and a row per span in order of start."""
    request, spans = trace.request, trace.spans
    sentence, facts = "the request is not stored", ()
    if request is not None:
        sentence = f"request {request.seq:,} of run {request.run_id}: {request.endpoint}"
        facts = (
            ("latency", format_ms(request.latency_ns)),
            ("service time", format_ms(request.service_ns)),
            ("lag", format_ms(request.lag_ns)),
            ("status", str(request.status)),
            *((("error", request.error),) if request.error else ()),
        )
    names = [name for name in _COLUMNS if name in spans]
    rows = [
        [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in spans[names].head(_SPANS_SHOWN).itertuples(index=False)
    ]
    hidden = len(spans) - _SPANS_SHOWN
    return ResultView(
        title=f"Trace {trace.trace_id}",
        banner=plural(len(spans), "span"),
        level="neutral",
        sentence=sentence,
        facts=facts,
        tables=(
            Table(
                [_COLUMNS[name] for name in names],
                rows,
                note=f"and {hidden:,} more: see trace.spans" if hidden > 0 else "",
            ),
        ),
    )
