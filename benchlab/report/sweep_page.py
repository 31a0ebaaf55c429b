"""The page of a sweep that lies beside its points: ``index.html``."""

from __future__ import annotations

from benchlab.analysis.sweep import Sweep
from benchlab.display.results.sweep import view
from benchlab.report.page import render_page
from benchlab.report.result_page import inline_figures
from benchlab.report.sections import result as section
from benchlab.report.sections.sweep import points

__all__ = ["render_sweep_page"]


def render_sweep_page(sweep: Sweep) -> str:
    """HTML of the index of ``sweep``, with links to what its points wrote."""
    shown = view(sweep)
    return render_page(
        f"{shown.title}: {shown.banner}",
        [
            section.header(shown),
            section.result(shown, inline_figures(sweep), table=points(sweep).render()),
            section.footer(["sweep.csv"]),
        ],
    )
