"""Tables on a terminal, of any content."""

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

_WHOLE = ("run_id", "started_at", "verdict")  # never folded: people copy and compare them


def print_frame(
    frame: pd.DataFrame, out: Console | None = None, float_format: str = ",.3f"
) -> None:
    """Print a table of the columns of ``frame``.

    Fixed decimals suit columns in ms; others want ``.6g``.
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
    """Print a table of rows that have the same keys; nothing when there are none.

    ``formats`` has the columns whose numbers are not shown with three decimals. Where the terminal
    is too narrow, the column ``shortened`` is cut to the room that the others leave; without it
    columns are folded.
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
        whole = name in (shortened, *numeric, *_WHOLE)
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
    return printable(str(value))  # before its width is taken
