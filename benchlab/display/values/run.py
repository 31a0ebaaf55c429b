"""A run in a few lines of text; its card shows more."""

from __future__ import annotations

from benchlab.display.run_view import view as run_view
from benchlab.display.table import Table
from benchlab.runs.run import Run
from benchlab.samples.statistics import STATISTICS
from benchlab.text import one_line
from benchlab.units import format_ns

__all__ = ["text"]

_LINE = 110
_MOST_FAULTS = 3
_IN_TEXT = ("p50", "p99")


def text(run: Run) -> str:
    """Verdict and counts, percentiles with their intervals, and the id: a few lines."""
    shown = run_view(run)
    lines = [
        f"{shown.name}: {shown.banner}",
        shown.reason,
        f"{shown.counted}, {shown.rate}, {shown.errors}",
        _latency(run),
        *_faults(shown.faults),
        f"run {shown.id}, {shown.started}",
    ]
    first, *others = [one_line(line, _LINE) for line in lines if line]
    return "\n".join([first, *(f"  {line}" for line in others)])


def _latency(run: Run) -> str:
    latency = run.summary.latency_ns
    if latency is None:
        return ""
    parts = []
    for key in _IN_TEXT:
        interval = run.summary.latency_intervals.get(key)
        limits = "" if interval is None or interval.low_ns is None else f" ({interval.describe()})"
        parts.append(f"{STATISTICS[key]} {format_ns(getattr(latency, key))}{limits}")
    return f"latency {', '.join(parts)}"


def _faults(table: Table) -> list[str]:
    """When each fault was on; of many only how many there were."""
    if len(table.rows) > _MOST_FAULTS:
        return [f"{len(table.rows)} faults"]
    return [f"{fault}: from {began} to {ended} s" for fault, began, ended in table.rows]
