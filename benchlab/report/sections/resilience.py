"""How the run came through its faults."""

from __future__ import annotations

from dataclasses import replace

from benchlab.analysis.fault_effects import resilience_of
from benchlab.display.results.resilience import view
from benchlab.errors import InputError
from benchlab.report.page import Section
from benchlab.report.result_page import inline_figures
from benchlab.report.sections.result import result
from benchlab.runs.run import Run

__all__ = ["resilience"]


def resilience(run: Run) -> Section | None:
    """Onset, depth and recovery of each fault, by the plan's objectives or by a derived one.

    None if the run had no faults, is not valid, or none of its objectives can be used and too few
    requests were measured before the first fault to derive one.
    """
    if not run.faults or run.verdict != "valid":
        return None
    try:
        found = resilience_of(run, force=True)
    except InputError:
        return None
    shown = replace(view(found), title="Faults and recovery")
    return result(shown, inline_figures(found), heading=True)
