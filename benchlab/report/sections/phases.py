"""Where the time of requests went, phase by phase."""

from __future__ import annotations

import numpy as np

from benchlab import analysis
from benchlab.analysis.phases import STATISTICS
from benchlab.display.table import Table
from benchlab.report.page import Section
from benchlab.runs.run import Run
from benchlab.samples.samples import Flag
from benchlab.text import plural
from benchlab.units import NS_PER_MS, format_column_ms, format_count

__all__ = ["phases"]


def phases(run: Run) -> Section | None:
    """A row per phase, ms; None when no request got a response."""
    found = analysis.phases.phases(run.measured, run.connections)
    if found.empty:
        return None
    columns = [
        [f"{row.connection}: {row.phase}" for row in found.itertuples()],
        [format_count(count) for count in found["count"]],
        *(
            format_column_ms([round(value * NS_PER_MS) for value in found[f"{name}_ms"]])
            for name in STATISTICS
        ),
    ]
    head = [
        "connection and phase",
        f"{run.plan.sample_noun}s",
        *(f"{name}, ms" for name in STATISTICS),
    ]
    table = Table(head, [list(row) for row in zip(*columns, strict=True)])
    return Section("phases", {"table": table, "reuse": _reuse(run)})


def _reuse(run: Run) -> str:
    """How many requests opened a connection, and how many went over an open one."""
    measured, noun = run.measured, run.plan.sample_noun
    opened = sum(
        int(np.count_nonzero(flags & Flag.NEW_CONNECTION)) for flags in measured.in_blocks("flags")
    )
    reused = len(measured) - opened
    if opened == 0:
        return f"All {plural(reused, noun)} went over connections that were open already."
    return (
        f"{plural(opened, noun)} opened a connection,"
        f" {format_count(reused)} went over one that was open already."
    )
