"""How long requests took: histogram, percentiles, and the table of durations."""

from __future__ import annotations

from collections.abc import Mapping

from benchlab import plots
from benchlab.display.run_view import RunView, durations_of, range_text
from benchlab.display.table import Table
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import HALF_WIDTH, describe_latency, inline_svg
from benchlab.report.page import Section
from benchlab.report.statistics import statistics_table
from benchlab.runs.run import Run
from benchlab.samples.percentile_interval import PercentileInterval
from benchlab.samples.statistics import STATISTICS
from benchlab.samples.summary import Distribution
from benchlab.statistics.batch_means import FEWEST
from benchlab.text import plural
from benchlab.units import format_count

__all__ = ["durations", "endpoints", "percentile_table"]


def durations(run: Run, shown: RunView) -> Section:
    """Figures of the latency, and a column of statistics for each duration."""
    histogram = plots.histogram(run, open_axes(None, HALF_WIDTH))
    percentiles = plots.percentiles(run, open_axes(None, HALF_WIDTH))
    latency = describe_latency(run)
    described = {
        "histogram": f"Histogram of latencies. {latency}",
        "percentiles": f"Latency, service time and lag by percentile. {latency}",
    }
    return Section(
        "durations",
        {
            "histogram": inline_svg(histogram, "histogram", described["histogram"]),
            "percentiles": inline_svg(percentiles, "percentiles", described["percentiles"]),
            "table": percentile_table(run),
            "note": _few_samples_note(run.summary.count, run.plan.sample_noun),
            "has_intervals": bool(shown.intervals.rows),
            "fewest": FEWEST,
            "floor": shown.floor,
            "has_floor": shown.has_floor,
        },
    )


def endpoints(shown: RunView) -> Section | None:
    """A row per endpoint; None unless there are several."""
    return Section("endpoints", {"table": shown.endpoints}) if shown.endpoints.rows else None


def percentile_table(run: Run) -> Table | None:
    """Durations by statistic, ms: beside the latency its intervals, the floor, and the successes.

    None without samples.
    """
    columns: dict[str, Distribution | None] = {}
    for name, distribution in durations_of(run.summary).items():
        columns[name] = distribution
        if name == "latency":
            columns |= _beside_latency(run)
    if not columns:
        return None
    return _with_intervals(statistics_table(columns), run.summary.latency_intervals)


def _with_intervals(table: Table, intervals: Mapping[str, PercentileInterval]) -> Table:
    """``table`` with the intervals of the latency beside it, and at its end what they rest on."""
    if all(interval.low_ns is None for interval in intervals.values()):
        return table
    head = ["ms", "latency", "95 % interval", *table.head[2:], "n_eff"]
    rows = []
    for key, (name, latency, *others) in zip(STATISTICS, table.rows, strict=True):
        interval = intervals.get(key)
        limits = "" if interval is None else range_text(interval)
        n_eff = format_count(round(interval.n_eff)) if interval and interval.n_eff else ""
        rows.append([name, latency, limits, *others, n_eff])
    return Table(head, rows)


def _beside_latency(run: Run) -> dict[str, Distribution | None]:
    columns: dict[str, Distribution | None] = {}
    if run.floor is not None:
        columns["floor"] = run.floor.under(run.plan.load)
    if run.summary.error_count:
        succeeded = run.measured.succeeded
        columns["latency, successful only"] = Distribution.of_blocks(
            succeeded.in_blocks("latency_ns")
        )
    return columns


def _few_samples_note(count: int, noun: str) -> str:
    if 0 < count < 1000:
        return (
            f"With {plural(count, noun)}, p99.9 is the slowest of them; it takes 1,000 or more"
            " to tell the two apart."
        )
    return ""
