"""A run or a result as Markdown, fit for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from benchlab.display.result_view import ResultView
from benchlab.display.run_view import view
from benchlab.display.table import Table
from benchlab.display.text import host_text
from benchlab.runs.run import Run
from benchlab.text import one_line

__all__ = ["result_markdown", "run_markdown"]

_LENGTH = 400
# What Markdown, or a page that shows it (mentions, issue numbers), would take for more than text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$^])")
_REFERENCE = re.compile(r"[@#](?=\w)")


def run_markdown(run: Run) -> str:
    """Verdict, objectives and numbers of ``run``, and what it measured."""
    return result_markdown(_of_run(run))


def _of_run(run: Run) -> ResultView:
    """What a comment says of a run: its verdict, its objectives, its numbers and their origin."""
    shown = view(run)
    return ResultView(
        title=f"{shown.name}: {shown.load}",
        banner=shown.banner,
        level=shown.level,
        sentence=shown.reason or shown.meaning,
        facts=(
            *shown.facts,
            *((("errors by kind", shown.error_kinds),) if shown.error_kinds else ()),
            ("run", f"{shown.id}, started {shown.started}, {shown.window}"),
            *((("host", host),) if (host := host_text(run)) else ()),
            *((("noise floor", shown.floor),) if shown.floor else ()),
        ),
        warnings=shown.warnings,
        tables=(
            shown.objectives,
            shown.duration_table,
            shown.intervals,
            shown.endpoints._replace(title="Endpoints"),
            shown.faults._replace(title="Faults that were on"),
            shown.hosts._replace(title="Hosts that made the load"),
        ),
        notes=shown.hints,
    )


def result_markdown(shown: ResultView) -> str:
    """Title, verdict, answer, warnings, tables and notes; foreign text stays text."""
    sentence = f": {_escaped(shown.sentence)}" if shown.sentence else ""
    parts = [f"### {_escaped(shown.title)}", f"**{_escaped(shown.banner)}**{sentence}"]
    parts += [f"> ⚠ {_escaped(text)}" for text in shown.warnings]
    if shown.facts:
        parts.append(
            "\n".join(f"- {_escaped(name)}: {_escaped(text)}" for name, text in shown.facts)
        )
    for table in shown.tables:
        if table.rows:
            parts += [f"**{_escaped(table.title)}**"] if table.title else []
            parts.append(_table(table))
            parts += [_escaped(table.note)] if table.note else []
    parts += [_escaped(text) for text in shown.notes]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    rule = ["--:" if is_number else ":--" for is_number in table.are_numbers]
    return "\n".join([_row(table.head), f"| {' | '.join(rule)} |", *map(_row, table.rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    text = _SPECIAL.sub(r"\\\1", escape(one_line(text, _LENGTH), quote=False))
    # A backslash is no help: names are notified, and issues linked, by what a reader sees. A
    # zero-width space after the sign keeps both from it.
    return _REFERENCE.sub("\\g<0>\u200b", text)
