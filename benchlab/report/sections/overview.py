"""Header, verdict, headline numbers, objectives and footer of a report."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.display.run_view import RunView
from benchlab.report.page import Section
from benchlab.version import __version__

__all__ = ["footer", "header", "headlines", "objectives", "verdict"]


def header(shown: RunView) -> Section:
    """Name, target, id and time of the run."""
    return Section("header", {"run": shown})


def verdict(shown: RunView) -> Section:
    """The verdict: what it means, its reason, and the run's warnings."""
    return Section("verdict", {"run": shown})


def headlines(shown: RunView) -> Section:
    """The numbers to be seen first."""
    return Section("headlines", {"headlines": shown.headlines})


def objectives(shown: RunView) -> Section | None:
    """Results of the plan's objectives; None without any."""
    if not shown.objectives.rows:
        return None
    return Section(
        "objectives", {"objectives": shown.objectives, "broken_count": shown.broken_count}
    )


def footer(shown: RunView, files: Sequence[str]) -> Section:
    """The run's id, and links to the tables beside the page."""
    return Section("footer", {"run": shown, "version": __version__, "files": files})
