"""The summary that another tool made of its run, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.units import format_column_ms, format_count, format_rate, format_ratio

__all__ = ["view"]

_SHOWN = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)


def view(summary: ImportedSummary) -> ResultView:
    """The tool's own numbers, and what a reader should know of them."""
    values = {"mean": summary.mean_ns, "min": summary.min_ns}
    values |= {f"p{ratio * 100:g}": summary.percentile_ns(ratio) for ratio in _SHOWN}
    values["max"] = summary.max_ns
    known = {name: value for name, value in values.items() if value is not None}
    rows = [["latency", *format_column_ms(list(known.values()))]] if known else []
    return ResultView(
        title=summary.name,
        banner=f"imported from {summary.tool}",
        level="neutral",
        sentence="its own percentiles, without requests; benchlab computed and checked none",
        facts=_facts(summary),
        tables=(Table(["ms", *known], rows),),
        notes=(f"summary {summary.id}", *summary.notes),
    )


def _facts(summary: ImportedSummary) -> tuple[tuple[str, str], ...]:
    facts = [("URL", summary.url or "not in the file")]
    if summary.count is not None:
        facts.append(("requests", format_count(summary.count)))
    if summary.duration_s is not None:
        facts.append(("duration", f"{summary.duration_s:.2f} s"))
    if summary.rate_rps is not None:
        facts.append(("rate", format_rate(summary.rate_rps)))
    if summary.error_count is not None:
        ratio = format_ratio(summary.error_count / summary.count) if summary.count else "–"
        facts.append(("errors", f"{format_count(summary.error_count)} ({ratio})"))
    return tuple(facts)
