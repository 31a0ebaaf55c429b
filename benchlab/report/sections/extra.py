"""Sections that the caller adds to a report: results, tables, figures and text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import pandas as pd
from matplotlib.figure import Figure

from benchlab.display.results.registry import view_of
from benchlab.display.table import Table
from benchlab.displayed import Result
from benchlab.report.figures import inline_svg
from benchlab.report.page import Section
from benchlab.report.result_page import inline_figures
from benchlab.report.sections.result import result

__all__ = ["Extra", "extra"]

Extra: TypeAlias = pd.DataFrame | Figure | Result | str

_ROWS_SHOWN = 200


def extra(items: Mapping[str, Extra]) -> Iterator[Section]:
    """A section for each item, by its title; a result has its own."""
    for index, (title, item) in enumerate(items.items()):
        if isinstance(item, Result):
            yield result(view_of(item), inline_figures(item, f"extra{index}"), heading=True)
        else:
            yield Section("extra", {"title": title, **_content(index, title, item)})


def _content(index: int, title: str, item: Extra) -> Mapping[str, object]:
    content: dict[str, object] = {"figure": None, "table": None, "left_out": 0, "text": ""}
    if isinstance(item, Figure):
        return content | {"figure": inline_svg(item, f"extra{index}", title)}
    if isinstance(item, pd.DataFrame):
        shown = item.head(_ROWS_SHOWN)
        cells = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
        table = Table([str(name) for name in shown.columns], cells)
        return content | {"table": table, "left_out": len(item) - len(shown)}
    return content | {"text": str(item)}


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:,.6g}"
    return str(value)
