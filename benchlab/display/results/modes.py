"""The modes of a latency, as people see them."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.runs.modes import Modes
from benchlab.text import plural
from benchlab.units import format_column_ms, format_ratio

__all__ = ["modes_table", "view"]


def view(result: Modes) -> ResultView:
    """How many peaks there are, and a row for each."""
    of = f" of {result.endpoint}" if result.endpoint is not None else ""
    return ResultView(
        title=f"Modes of the latency{of}",
        banner=plural(len(result.modes), "peak"),
        level="neutral",
        sentence=result.listed or "too few successful requests to say",
        tables=(modes_table(result),),
    )


def modes_table(result: Modes) -> Table:
    """A row for each mode: its peak, its range and its share."""
    columns = [
        format_column_ms([getattr(mode, name) for mode in result.modes])
        for name in ("at_ns", "low_ns", "high_ns")
    ]
    shares = [format_ratio(mode.share_ratio) for mode in result.modes]
    rows = [list(row) for row in zip(columns[0], shares, *columns[1:], strict=True)]
    return Table(["peak, ms", "share", "from, ms", "to, ms"], rows)
