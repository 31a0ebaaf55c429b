"""A histogram of durations, as people see it."""

from __future__ import annotations

import numpy as np

from benchlab.analysis.histogram import EDGES_NS
from benchlab.display.result_view import ResultView
from benchlab.display.spark import Spark
from benchlab.display.table import Table
from benchlab.samples.histogram import LatencyHistogram
from benchlab.samples.statistics import PERCENTILES, STATISTICS
from benchlab.text import plural
from benchlab.units import format_column_ms, format_ms

__all__ = ["distribution_table", "view"]


def view(histogram: LatencyHistogram) -> ResultView:
    """How many values there are, their percentiles and their distribution."""
    filled = np.flatnonzero(histogram.counts)
    tables = []
    if len(filled):
        values = [histogram.percentile_ns(ratio) for ratio in PERCENTILES.values()]
        tables.append(
            Table(
                ["ms", *(STATISTICS[key] for key in PERCENTILES)],
                [["values", *format_column_ms(values)]],
            )
        )
        low, high = histogram.edges_ns(filled)
        slots = np.searchsorted(EDGES_NS[:-1], (low + high) // 2, side="right") - 1
        counts = np.bincount(slots, histogram.counts[filled], len(EDGES_NS) - 1)
        tables.append(distribution_table(counts.astype(np.int64)))
    return ResultView(
        title="Histogram of durations",
        banner=plural(histogram.count, "value"),
        level="neutral",
        sentence=f"three significant digits, up to {format_ms(histogram.highest_ns)}",
        tables=tuple(tables),
    )


def distribution_table(counts: np.ndarray) -> Table:
    """Counts in the buckets of `EDGES_NS` as a spark line, from the lowest that holds anything."""
    filled = np.flatnonzero(counts)
    first, end = int(filled[0]), int(filled[-1]) + 1
    low, high = format_ms(int(EDGES_NS[first])), format_ms(int(EDGES_NS[end]))
    spark = Spark(
        [float(count) for count in counts[first:end]], f"distribution from {low} to {high}"
    )
    return Table(["latency", "distribution", "from", "to"], [["requests", spark, low, high]])
