"""Lines, tables and progress bars on a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from benchlab.display.progress import done_text, numbers_text
from benchlab.display.run_view import view
from benchlab.display.terminal import run_summary
from benchlab.load.supervisor.progress import OnProgress
from benchlab.load.supervisor.progress import Progress as RunProgress
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.text import printable

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "console",
    "error_console",
    "print_frame",
    "print_line",
    "print_run",
    "progress_bar",
    "progress_from_dict",
]

_WHOLE = ("run_id", "started_at", "verdict")  # never folded: people copy and compare them


def console() -> Console:
    """Standard output. Lines are not wrapped unless it is a terminal."""
    return _wide(_Console(highlight=False))


def error_console() -> Console:
    """Standard error."""
    return _wide(_Console(stderr=True, highlight=False))


def print_line(text: str, *, err: bool = True) -> None:
    """Print a line that may hold foreign text, made safe for a terminal."""
    click.echo(printable(text), err=err)


class _Console(Console):
    """A console that removes control characters: text may come from files and services."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for part in super().render(renderable, options):
            yield part if part.control else Segment(printable(part.text), part.style)


@contextmanager
def progress_bar(title: str) -> Iterator[OnProgress | None]:
    """Show a bar on standard error that follows a run; yields None unless it is a terminal."""
    out = error_console()
    if not out.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.fields[phase]:<9}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[done]}"),
        TextColumn("{task.fields[state]}"),
    )
    out.print(Text(title))
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("", total=1, phase="starting", done="", state="")

        def show(progress: RunProgress) -> None:
            bar.update(
                task,
                completed=progress.done_ratio,
                phase=progress.phase,
                done=done_text(progress),
                state=numbers_text(progress),
            )

        yield show


def progress_from_dict(data: dict[str, Any]) -> RunProgress:
    """The progress that a notebook reported of its run."""
    return RunProgress(**data)


def print_run(run: Run, out: Console | None = None, server: ServerSide | None = None) -> None:
    """Print the summary of a run: verdict, counts, and the table of durations."""
    (out or console()).print(run_summary(view(run, server)))


def print_frame(
    frame: pd.DataFrame,
    out: Console | None = None,
    float_format: str = ",.3f",
    formats: Mapping[str, str] = MappingProxyType({}),
    shortened: str = "",
) -> None:
    """Print a table. Fixed decimals suit columns in ms; others want ``.6g``.

    ``formats`` overrides the format of single columns. Where the terminal is too narrow, the
    column ``shortened`` is cut to the room that the others leave; without it columns are folded.
    """
    out = out or console()
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    columns = {
        str(name): [_cell(value, formats.get(str(name), float_format)) for value in frame[name]]
        for name in frame.columns
    }
    widths = {name: max(map(len, (name, *cells))) + 1 for name, cells in columns.items()}
    if shortened:
        room = max(out.width - sum(widths.values()) + widths[shortened] - 1, len(shortened))
        columns[shortened] = [
            cell if len(cell) <= room else f"{cell[: room - 1]}…" for cell in columns[shortened]
        ]
    for name in columns:
        numeric = frame[name].dtype.kind in "iuf"
        whole = numeric or name in (shortened, *_WHOLE)
        justify: JustifyMethod = "right" if numeric else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=whole)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, row))
    out.print(table)


def _wide(out: Console) -> Console:
    if not out.is_terminal:
        out.width = 400
    return out


def _cell(value: object, float_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:{float_format}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_cell(item, float_format) for item in value)}]"
    return printable(str(value))  # before its width is taken
