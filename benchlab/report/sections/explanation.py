"""What made the run slow, with the plot of each cause, or that nothing was found."""

from __future__ import annotations

from dataclasses import replace

from benchlab.analysis.explanation import explanation_of
from benchlab.display.results.explanation import view
from benchlab.errors import InvalidRunError
from benchlab.report.page import Section
from benchlab.report.result_page import inline_figures
from benchlab.report.sections.result import result
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide

__all__ = ["explanation"]


def explanation(run: Run, server: ServerSide) -> Section | None:
    """The causes of the tail with their evidence, in the order of their share.

    None if there are no requests, or if the run is not valid for a reason that its verdict says.
    """
    try:
        found = explanation_of(run, server.spans)
    except InvalidRunError:
        return None
    if found.tail is None:
        return None
    shown = replace(view(found), title="What made it slow")
    if found.nothing_found:
        shown = replace(shown, facts=(), notes=())
    return result(shown, inline_figures(found), heading=True)
