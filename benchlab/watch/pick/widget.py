"""The widget of a choice of runs: a table of text that its script fills, and what is chosen."""

from __future__ import annotations

import math
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol
from weakref import ref

from benchlab.display.html import STYLE
from benchlab.display.spark import Spark
from benchlab.display.values.store import runs_table
from benchlab.store.choice import RunChoice

__all__ = ["PickWidget", "pick_widget"]

_HERE = Path(__file__).parent


class PickWidget(Protocol):
    """As much of the widget as is used here."""

    chosen: list[str]

    def _repr_mimebundle_(self, **kwargs: Any) -> Any: ...


def pick_widget(choice: RunChoice) -> PickWidget | None:
    """A widget that chooses in ``choice``; None without anywidget."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class Widget(anywidget.AnyWidget):
        """Its state is drawn by every page that shows it."""

        _esm = (_HERE / "pick.js").read_text(encoding="utf-8")
        _css = STYLE.removeprefix("<style>").removesuffix("</style>") + (
            _HERE / "pick.css"
        ).read_text(encoding="utf-8")
        table = traitlets.Dict().tag(sync=True)
        chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)

    widget = Widget(table=_table(choice), chosen=list(choice.run_ids))
    of = ref(choice)  # the widget lives as long as the choice does, not the other way round

    def choose(change: Any) -> None:
        chosen = of()
        if chosen is not None:
            chosen.choose(change["new"])

    def follow(run_ids: tuple[str, ...]) -> None:
        if set(widget.chosen) != set(run_ids):
            widget.chosen = list(run_ids)

    widget.observe(choose, "chosen")
    choice.watch(follow)
    return widget


def _table(choice: RunChoice) -> dict[str, Any]:
    """The table as JSON: heads, and of each run its id, name, level and cells."""
    table = runs_table(choice.rows)
    return {
        "head": list(table.head),
        "numbers": table.are_numbers,
        "rows": [
            {
                "id": row["run_id"],
                "name": row["name"],
                "level": level,
                "cells": [_cell(cell) for cell in cells],
            }
            for row, cells, level in zip_longest(choice.rows, table.rows, table.levels)
        ],
    }


def _cell(cell: str) -> str | dict[str, Any]:
    """A text, or the numbers of a spark line, whose gaps are null."""
    if not isinstance(cell, Spark) or not cell.numbers:
        return str(cell)
    numbers = [number if math.isfinite(number) else None for number in cell.numbers]
    return {"numbers": numbers, "meaning": cell.meaning}
