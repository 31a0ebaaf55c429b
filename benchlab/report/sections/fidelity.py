"""How faithfully a replay sent what was recorded."""

from __future__ import annotations

from dataclasses import replace

from benchlab.display.results.fidelity import view
from benchlab.report.page import Section
from benchlab.report.result_page import inline_figures
from benchlab.report.sections.result import result
from benchlab.runs.run import Run

__all__ = ["fidelity"]


def fidelity(run: Run) -> Section | None:
    """The figures of the replay and its arrivals, recorded and sent; None without a replay."""
    if run.fidelity is None:
        return None
    shown = replace(view(run.fidelity), title="Fidelity of the replay")
    return result(shown, inline_figures(run.fidelity), heading=True)
