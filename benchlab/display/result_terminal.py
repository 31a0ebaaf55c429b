"""A result on a terminal, as rich text, and as plain text."""

from __future__ import annotations

import io
from itertools import zip_longest

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from benchlab.display.colors import COLORS
from benchlab.display.fitted_table import Column, FittedTable
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.text import printable

__all__ = ["result_summary", "result_text"]

_WIDTH = 100


def result_summary(view: ResultView) -> Group:
    """Title, verdict, answer, warnings, figures and tables, one below the other."""
    color = COLORS[view.level]
    verdict = Text.assemble((view.banner, f"bold {color}"))
    if view.sentence:
        verdict.append(f": {view.sentence}")
    parts: list[RenderableType] = [Text(view.title, style="bold"), _indented(verdict)]
    parts += [_indented(Text(f"warning: {text}", style="yellow")) for text in view.warnings]
    parts += [_indented(Text(f"{name} {text}")) for name, text in view.facts]
    for table in view.tables:
        parts += _table(table)
    parts += [_indented(Text(text, style="dim")) for text in view.notes]
    return Group(*parts)


def result_text(view: ResultView) -> str:
    """The same as plain text, at most 100 columns wide."""
    out = io.StringIO()
    console = Console(
        file=out, width=_WIDTH, color_system=None, force_terminal=False, force_jupyter=False
    )
    console.print(result_summary(view))
    return printable("\n".join(line.rstrip() for line in out.getvalue().splitlines()))


def _table(table: Table) -> list[RenderableType]:
    """A table whose second column is coloured by the level of its row; nothing without rows."""
    if not table.rows:
        return []
    parts: list[RenderableType] = [_indented(Text(table.title))] if table.title else []
    columns = [[Text(text) for text in column] for column in zip(*table.rows, strict=True)]
    for cell, level in zip_longest(columns[1] if len(columns) > 1 else [], table.levels):
        if level is not None:
            cell.stylize(f"bold {COLORS[level]}" if level == "bad" else COLORS[level])
    parts.append(
        FittedTable(
            [
                Column(name, column, is_number=is_number)
                for name, column, is_number in zip(
                    table.head, columns, table.are_numbers, strict=True
                )
            ],
            indent=2,
        )
    )
    if table.note:
        parts.append(_indented(Text(table.note, style="dim")))
    return parts


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2), expand=False)
