"""Which renderer shows a value in a notebook: one line for each type."""

from __future__ import annotations

from benchlab.display.card import run_card
from benchlab.displayed import Renderers
from benchlab.runs.run import Run
from benchlab.runs.trace import Trace
from benchlab.units import format_ms

__all__ = ["RENDERERS", "trace_html"]


def trace_html(trace: Trace) -> str:
    """HTML of a trace: a line about the request, and its spans as a table."""
    about = ""
    if trace.request is not None:
        took = format_ms(trace.request.latency_ns)
        about = f": request {trace.request.seq:,}, latency {took}"
    return f"<p>Trace <code>{trace.trace_id}</code>{about}</p>{trace.spans.to_html(index=False)}"


RENDERERS: Renderers = {
    Run: run_card,
    Trace: trace_html,
}
