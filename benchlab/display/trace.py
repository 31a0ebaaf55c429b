"""A trace in a notebook: a line about the request, and its spans as a table."""

from __future__ import annotations

from benchlab.runs.trace import Trace

__all__ = ["trace_html"]


def trace_html(trace: Trace) -> str:
    """HTML of a trace."""
    about = ""
    if trace.request is not None:
        took = f"{trace.request.latency_ns / 1e6:,.3f} ms"
        about = f": request {trace.request.seq:,}, latency {took}"
    return f"<p>Trace <code>{trace.trace_id}</code>{about}</p>{trace.spans.to_html(index=False)}"
