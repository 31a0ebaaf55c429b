"""Print tables of any content."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from benchlab.cli.terminal.console import console
from benchlab.display.fitted_table import Column, FittedTable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["column", "print_frame", "print_rows"]

_IN_MS = ",.3f"


def print_frame(
    frame: pd.DataFrame, out: Console | None = None, float_format: str = _IN_MS
) -> None:
    """Print ``frame`` as a table.

    The default of three decimals suits columns in ms; an empty ``float_format`` anything else.
    """
    columns = [
        column(str(name), values.astype(object).where(values.notna(), None).tolist(), float_format)
        for name, values in frame.items()
    ]
    if columns:
        (out or console()).print(FittedTable(columns))


def print_rows(
    rows: Sequence[Mapping[str, object]],
    out: Console | None = None,
    formats: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Print rows that have the same keys as a table; print nothing without rows.

    ``formats`` maps a column to its number format, where that is not three decimals.
    """
    if rows:
        columns = [
            column(name, [row[name] for row in rows], formats.get(name, _IN_MS)) for name in rows[0]
        ]
        (out or console()).print(FittedTable(columns))


def column(
    name: str, values: Sequence[object], float_format: str = _IN_MS, *, one_line: bool = False
) -> Column:
    """A column of any values, aligned as numbers if all that are there are numbers."""
    known = [value for value in values if value is not None]
    is_number = bool(known) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in known
    )
    whole = not any(isinstance(value, str | list | tuple | dict) for value in known)
    cells = [Text(_text(value, float_format)) for value in values]
    return Column(name, cells, is_number, whole, one_line)


def _text(value: object, float_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return f"{value:{float_format}}" if float_format else _float(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(item, float_format) for item in value)}]"
    return str(value)


def _float(value: float) -> str:
    """Six significant digits, and every digit before the point as long as a float has them."""
    if abs(value) < 1e5:
        return f"{value:.6g}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) < 1e15 else repr(float(value))
