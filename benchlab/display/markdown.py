"""A result as Markdown, fit for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.text import one_line

__all__ = ["result_markdown"]

_LENGTH = 400
# What Markdown, or a page that shows it (mentions, issue numbers), would take for more than text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$^])")
_MENTION = re.compile(r"@(?=\w)")


def result_markdown(view: ResultView) -> str:
    """Title, verdict, answer, warnings, tables and notes; foreign text stays text."""
    sentence = f": {_escaped(view.sentence)}" if view.sentence else ""
    parts = [f"### {_escaped(view.title)}", f"**{_escaped(view.banner)}**{sentence}"]
    parts += [f"> ⚠ {_escaped(text)}" for text in view.warnings]
    if view.facts:
        parts.append(
            "\n".join(f"- {_escaped(name)}: {_escaped(text)}" for name, text in view.facts)
        )
    for table in view.tables:
        if table.rows:
            parts += [f"**{_escaped(table.title)}**"] if table.title else []
            parts.append(_table(table))
            parts += [_escaped(table.note)] if table.note else []
    parts += [_escaped(text) for text in view.notes]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    rule = ["--:" if is_number else ":--" for is_number in table.are_numbers]
    return "\n".join([_row(table.head), f"| {' | '.join(rule)} |", *map(_row, table.rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    text = _SPECIAL.sub(r"\\\1", escape(one_line(text, _LENGTH), quote=False))
    return _MENTION.sub("@\u200b", text)  # a zero-width space keeps a name from being notified
