"""The faults that were on during the run."""

from __future__ import annotations

from benchlab.display.run_view import RunView
from benchlab.report.page import Section
from benchlab.runs.run import Run

__all__ = ["faults"]


def faults(run: Run, shown: RunView) -> Section | None:
    """A row per fault, with the times at which it was on; None if there was none."""
    if not shown.faults.rows:
        return None
    return Section("faults", {"table": shown.faults, "warmup_s": run.plan.warmup_s})
