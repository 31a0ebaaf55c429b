"""Samples, as people see them: how many, of what, and how long they took."""

from __future__ import annotations

from benchlab.analysis.histogram import count_by_bucket
from benchlab.display.result_view import ResultView
from benchlab.display.run_view import duration_table
from benchlab.display.table import Table
from benchlab.display.values.histogram import distribution_table
from benchlab.samples.samples import Samples
from benchlab.samples.summary import Distribution
from benchlab.text import plural
from benchlab.units import format_count

__all__ = ["view"]

_MOST_SAMPLES = 20_000_000  # more take longer than people wait for a cell
_ENDPOINTS_SHOWN = 8


def view(samples: Samples) -> ResultView:
    """Counts, and the latency of all of them, warm-up included where they have one."""
    names = samples.endpoints
    shown = ", ".join(names[:_ENDPOINTS_SHOWN]) + (" …" if len(names) > _ENDPOINTS_SHOWN else "")
    return ResultView(
        title="Samples",
        banner=plural(len(samples), "request"),
        level="neutral",
        sentence=f"{samples.error_count:,} failed",
        facts=(
            *((("endpoints", shown),) if names else ()),
            *((kind, format_count(count)) for kind, count in samples.errors.items()),
        ),
        tables=_tables(samples),
        notes=("samples.to_pandas() has a row for each",),
    )


def _tables(samples: Samples) -> tuple[Table, ...]:
    if len(samples) > _MOST_SAMPLES:
        return ()
    latency = Distribution.of_blocks(samples.in_blocks("latency_ns"))
    if latency is None:
        return ()
    counts = count_by_bucket(samples, "latency_ns")
    return duration_table({"latency": latency}), distribution_table(counts)
