"""Print the progress and the summary of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from benchlab.cli.terminal.console import console, error_console
from benchlab.display.progress import done_text, numbers_text
from benchlab.display.run_view import view
from benchlab.display.terminal import run_summary
from benchlab.load.supervisor.progress import OnProgress
from benchlab.load.supervisor.progress import Progress as RunProgress
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide

__all__ = ["print_run", "progress_bar", "progress_from_dict"]


@contextmanager
def progress_bar(title: str) -> Iterator[OnProgress | None]:
    """Show a progress bar on standard error; yields None if that is not a terminal."""
    out = error_console()
    if not out.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.fields[phase]:<9}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[done]}", markup=False),
        TextColumn("{task.fields[state]}", markup=False),
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
    """The progress of a run in a notebook, from the data that the notebook reported."""
    return RunProgress(**data)


def print_run(run: Run, out: Console | None = None, server: ServerSide | None = None) -> None:
    """Print the summary of a run: verdict, counts, and the table of durations."""
    (out or console()).print(run_summary(view(run, server)))
