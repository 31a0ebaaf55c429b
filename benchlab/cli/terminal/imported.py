"""Print imported summaries of other tools."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from benchlab.cli.terminal.console import console
from benchlab.cli.terminal.tables import print_rows
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.units import format_count, format_rate, format_ratio

__all__ = ["print_summary"]

_SHOWN = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)


def print_summary(summary: ImportedSummary, out: Console | None = None) -> None:
    """Print the tool's results and the notes on them."""
    out = out or console()
    out.print(Text.assemble("summary ", (summary.id, "bold"), f"  {summary.name}"))
    where = f"  {summary.url}" if summary.url else "  (the address is not in the file)"
    out.print(Text(where))
    out.print(
        Text(
            f"  imported from {summary.tool}: its own percentiles, without requests; benchlab"
            " computed and checked none of these numbers",
            style="bold blue",
        )
    )
    parts = []
    if summary.count is not None:
        parts.append(f"{format_count(summary.count)} requests")
    if summary.duration_s is not None:
        parts.append(f"in {summary.duration_s:.2f} s")
    if summary.rate_rps is not None:
        parts.append(format_rate(summary.rate_rps))
    if summary.error_count is not None and summary.count:
        ratio = format_ratio(summary.error_count / summary.count)
        parts.append(f"{format_count(summary.error_count)} errors ({ratio})")
    if parts:
        out.print(Text("  " + ", ".join(parts)))
    for note in summary.notes:
        out.print(Text(f"  note: {note}"))
    row = {"mean": summary.mean_ns, "min": summary.min_ns}
    row |= {f"p{ratio * 100:g}": summary.percentile_ns(ratio) for ratio in _SHOWN}
    row["max"] = summary.max_ns
    known = {name: value / 1e6 for name, value in row.items() if value is not None}
    if known:
        print_rows([{"ms": "latency", **known}], out, turns=True)
