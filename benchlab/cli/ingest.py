"""``benchlab ingest``: what services and collectors wrote, into the store."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchlab.errors import BenchlabError, InputError
from benchlab.store import Store

if TYPE_CHECKING:
    from rich.console import Console

    from benchlab.telemetry import IngestReport

__all__ = ["ingest"]


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path, exists=True)
)
@click.option("--follow", "-f", is_flag=True, help="go on with what is added to them, until Ctrl-C")
def ingest(paths: tuple[Path, ...], follow: bool) -> None:
    """Load OTLP JSON files, or directories of them, into the store.

    They are those of a Collector's file exporter or of an SDK's. What was taken before is not taken
    again, since it is known by its content: this can be repeated while files grow, are rotated,
    copied or moved to another machine. Name the directory rather than a file in it: what was
    rotated has another name, and --follow alone finds it by itself. A line that cannot be used is
    told with its file and the byte it starts at, kept in the table ingest_errors, and does not stop
    the others; nor does a file that cannot be read.

    \b
    Examples:
      benchlab ingest otlp/
      benchlab ingest --follow otlp/

    Exit codes: 0 done; 1 a file could not be read, or none of the new lines could be used; 2 the
    input cannot be used.
    """
    (_follow if follow else _take)(paths)


def _take(paths: tuple[Path, ...]) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from benchlab.cli.terminal.console import error_console
    from benchlab.telemetry.files import find_files
    from benchlab.telemetry.intake import ingest_files

    files = find_files(paths)
    if not files:
        raise InputError(
            f"{', '.join(map(str, paths))} holds no .json, .jsonl or .ndjson file: name one,"
            " or the directory that a Collector or an SDK writes OTLP JSON files to"
        )
    out = error_console()
    columns = (BarColumn(bar_width=30), DownloadColumn(), TimeRemainingColumn())
    with Store().connect() as client:
        if out.is_terminal:
            with Progress(*columns, console=out, transient=True) as bar:
                task = bar.add_task("", total=None)
                report = ingest_files(
                    client, files, lambda done, all_: bar.update(task, completed=done, total=all_)
                )
        else:
            report = ingest_files(client, files)
    _tell(out, report)
    if report.errors and report.errors == report.lines:
        raise BenchlabError(
            "none of these lines could be used: OTLP JSON files have one object a line,"
            ' {"resourceSpans":[…]} or {"resourceMetrics":[…]}'
        )


def _follow(paths: tuple[Path, ...]) -> None:
    from rich.live import Live
    from rich.text import Text

    from benchlab.cli.terminal.console import error_console
    from benchlab.telemetry import IngestReport
    from benchlab.telemetry import follow as looks

    out = error_console()
    names = ", ".join(map(str, paths))
    total, looked_at = IngestReport(), time.monotonic()
    display = Live(Text(f"{names}: looking"), console=out, transient=True)
    with _until_interrupted() as stop, display:
        for report in looks(Store().connect, paths, wait=stop.wait):
            total.add(report)
            if out.is_terminal or not report.lines:
                _tell_faults(out, report)
            else:
                _tell(out, report)
            before, looked_at = looked_at, time.monotonic()
            state = (
                f"{total.spans:,} spans and {total.metric_points:,} metric points so far,"
                f" {report.spans / (looked_at - before):,.0f} spans/s; Ctrl-C ends"
            )
            display.update(Text(f"{names}: {state}"))
            if stop.is_set():
                break
    out.print(f"in all {total}", markup=False, soft_wrap=True)


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second ends the process as usual."""
    event = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def request(_number: int, _frame: object) -> None:
        event.set()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, request)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(out: Console, report: IngestReport) -> None:
    _tell_faults(out, report)
    out.print(str(report), markup=False, soft_wrap=True)


def _tell_faults(out: Console, report: IngestReport) -> None:
    for fault in report.faults:
        out.print(f"broken: {fault}", markup=False, soft_wrap=True)
    if untold := report.errors - len(report.faults):
        out.print(f"broken: {untold:,} more, all in the table ingest_errors", markup=False)
    for line in report.partial:
        out.print(str(line), markup=False, soft_wrap=True)
