"""Where the latency of a traced run comes from, and what its slow requests have in common."""

from __future__ import annotations

from dataclasses import replace

from benchlab.analysis.attribution import attribution_of
from benchlab.display.results.attribution import view
from benchlab.report.page import Section
from benchlab.report.result_page import inline_figures
from benchlab.report.sections.result import result
from benchlab.runs.latency_parts import ENOUGH_IN_TAIL
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide

__all__ = ["attribution"]


def attribution(run: Run, server: ServerSide) -> Section | None:
    """The parts of the latency by bands of percentiles.

    None if the run is not valid, was not traced, or has too few requests for a tail. Without spans
    nearly all of a request is one part: the wait for its response.
    """
    parts = server.parts
    if parts is None or run.verdict != "valid" or len(run.measured) < 10 * ENOUGH_IN_TAIL:
        return None
    found = attribution_of(parts, origin=origin_of([run]))
    if not found.span_count:
        return None
    shown = replace(view(found), title="Where the latency comes from")
    return result(shown, inline_figures(found), heading=True)
