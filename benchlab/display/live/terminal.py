"""A live view on a terminal, as rich text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from benchlab.display.colors import COLORS
from benchlab.display.live.live_view import LiveView, Row
from benchlab.display.live.text import bar, left_text, met_text, sparks_of, state
from benchlab.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["live_rich"]


def live_rich(view: LiveView) -> Group:
    """``view`` in as many lines from its first to its last state, whatever the terminal's width."""
    # Not after the title, which may be longer than the terminal is wide.
    words = " · ".join(part for part in (state(view), view.done, left_text(view)) if part)
    parts: list[RenderableType] = [
        _line(Text(printable(view.title), style="bold")),
        _line(Text(bar(view.done_ratio or 0.0, 30), style=_bar_color(view)), Text(f" {words}")),
    ]
    if view.numbers:
        parts.append(_numbers(view))
    grid = Table.grid(padding=(0, 1))
    for chart in view.charts:
        for name, drawn in sparks_of(chart):
            grid.add_row(Text(name, style="dim"), _line(Text(drawn)))
    parts.append(grid)
    parts += (_row(row) for row in view.rows)
    return Group(*parts)


def _numbers(view: LiveView) -> Table:
    grid = Table.grid(padding=(0, 2))
    for _ in view.numbers:
        grid.add_column(no_wrap=True)
    grid.add_row(*(Text(item.label, style="dim") for item in view.numbers))
    grid.add_row(
        *(
            Text(item.text, style="" if item.level == "neutral" else COLORS[item.level])
            for item in view.numbers
        )
    )
    return grid


def _row(row: Row) -> Text:
    color = "" if row.met is None else COLORS["good" if row.met else "bad"]
    return _line(
        Text(f"{met_text(row.met)} ", style=color),
        Text(printable(row.name)),
        Text(f" {printable(row.observed)}", style="dim"),
    )


def _line(*parts: Text) -> Text:
    """One line, which is cut rather than wrapped: a wrapped one would move what is below."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for part in parts:
        line.append_text(part)
    return line


def _bar_color(view: LiveView) -> str:
    return "dim" if view.stop_requested else COLORS["good" if view.is_complete else "neutral"]
