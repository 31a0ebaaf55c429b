"""Which renderer shows a value in a notebook: one line for each type, and one for all results."""

from __future__ import annotations

from benchlab.display.card import run_card
from benchlab.display.result_card import result_card
from benchlab.display.result_terminal import result_text
from benchlab.display.results.registry import view_of
from benchlab.displayed import Renderer, Renderers, Result
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


def _result_html(result: Result) -> str:
    return result_card(view_of(result))


def _result_text(result: Result) -> str:
    return result_text(view_of(result))


RENDERERS: Renderers = {
    Run: Renderer(run_card),
    Trace: Renderer(trace_html),
    Result: Renderer(_result_html, _result_text),
}
