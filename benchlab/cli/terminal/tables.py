"""Print tables of any content."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from benchlab.cli.terminal.console import console
from benchlab.text import printable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["print_frame", "print_rows"]

_NEVER_FOLDED = ("run_id", "started_at", "verdict")  # people copy and compare them


def print_frame(
    frame: pd.DataFrame, out: Console | None = None, float_format: str = ",.3f"
) -> None:
    """Print ``frame`` as a table.

    The default of three decimals suits columns in ms; use ``.6g`` for anything else.
    """
    columns = {str(name): list(frame[name]) for name in frame.columns}
    numeric = {str(name) for name in frame.columns if frame[name].dtype.kind in "iuf"}
    _print_table(columns, numeric, out or console(), dict.fromkeys(columns, float_format))


def print_rows(
    rows: Sequence[Mapping[str, object]],
    out: Console | None = None,
    formats: Mapping[str, str] = MappingProxyType({}),
    shortened: str = "",
) -> None:
    """Print rows that have the same keys as a table; print nothing without rows.

    ``formats`` maps a column to its number format, where that is not three decimals. On a narrow
    terminal the column ``shortened`` is cut to the remaining width; if it is empty, columns are
    folded.
    """
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    numeric = {
        name
        for name, values in columns.items()
        if any(isinstance(value, int | float) for value in values)
    }
    if columns:
        _print_table(columns, numeric, out or console(), formats, shortened)


def _print_table(
    columns: Mapping[str, Sequence[object]],
    numeric: Collection[str],
    out: Console,
    formats: Mapping[str, str],
    shortened: str = "",
) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    cells = {
        name: [_cell(value, formats.get(name, ",.3f")) for value in values]
        for name, values in columns.items()
    }
    widths = {name: max(map(len, (name, *texts))) + 1 for name, texts in cells.items()}
    if shortened:
        room = max(out.width - sum(widths.values()) + widths[shortened] - 1, len(shortened))
        cells[shortened] = [
            text if len(text) <= room else f"{text[: room - 1]}…" for text in cells[shortened]
        ]
    for name in cells:
        whole = name in (shortened, *numeric, *_NEVER_FOLDED)
        justify: JustifyMethod = "right" if name in numeric else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=whole)
    for row in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, row))
    out.print(table)


def _cell(value: object, float_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:{float_format}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_cell(item, float_format) for item in value)}]"
    return printable(str(value))  # here, since the column width is computed from the result
