"""Distributions side by side, a row for each statistic."""

from __future__ import annotations

from collections.abc import Mapping

from benchlab.display.table import Table
from benchlab.samples.statistics import STATISTICS
from benchlab.samples.summary import Distribution
from benchlab.units import format_column_ms

__all__ = ["statistics_table"]


def statistics_table(columns: Mapping[str, Distribution | None]) -> Table:
    """Mean, extremes and percentiles in ms; dashes in the column of a None."""
    texts = [
        ["–"] * len(STATISTICS)
        if part is None
        else format_column_ms([getattr(part, key) for key in STATISTICS])
        for part in columns.values()
    ]
    rows = zip(STATISTICS.values(), *texts, strict=True)
    return Table(["ms", *columns], [list(row) for row in rows])
