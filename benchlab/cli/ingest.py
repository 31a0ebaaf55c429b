"""``benchlab ingest``: load telemetry files of services and collectors into the store."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchlab.errors import InputError
from benchlab.signals import ENDING_SIGNALS, handle_signals
from benchlab.store import Store

if TYPE_CHECKING:
    from rich.console import Console

    from benchlab.telemetry import IngestReport

__all__ = ["ingest"]


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path, exists=True)
)
@click.option("--follow", "-f", is_flag=True, help="keep reading appended data until Ctrl-C")
def ingest(paths: tuple[Path, ...], follow: bool) -> None:
    """Load OTLP JSON files, or directories of them, into the store.

    The files are those written by a Collector's or an SDK's file exporter. Data that is already in
    the store is recognised by its content and skipped, so this can be repeated while files grow,
    are rotated, copied or moved to another machine. Name the directory rather than a file in it: a
    rotated file has another name, which only --follow finds by itself.

    A line that cannot be used is reported with its file and offset and stored in the table
    ingest_errors; ingestion continues, as it does after a file that cannot be read.

    \b
    Examples:
      benchlab ingest otlp/
      benchlab ingest --follow otlp/

    If a file cannot be read, or none of the new lines can be used, the exit code is 2.
    """
    (_follow if follow else _ingest_once)(paths)


def _ingest_once(paths: tuple[Path, ...]) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from benchlab.cli.terminal.console import error_console
    from benchlab.telemetry.files import find_files
    from benchlab.telemetry.intake import ingest_files

    files = find_files(paths)
    if not files:
        raise InputError(
            f"{', '.join(map(str, paths))} has no .json, .jsonl or .ndjson file: name one,"
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
    _print_report(out, report)
    report.raise_unreadable()
    if report.errors and not report.spans and not report.metric_points:
        raise InputError(
            "none of these lines could be used: OTLP JSON files have one object per line,"
            ' {"resourceSpans":[…]} or {"resourceMetrics":[…]}'
        )


def _follow(paths: tuple[Path, ...]) -> None:
    from rich.live import Live
    from rich.text import Text

    from benchlab.cli.terminal.console import error_console
    from benchlab.telemetry import IngestReport, follow

    out = error_console()
    names = ", ".join(map(str, paths))
    total, polled_s = IngestReport(), time.monotonic()
    display = Live(Text(f"{names}: reading"), console=out, transient=True)
    with _until_interrupted() as stop, display:
        for report in follow(Store().connect, paths, wait=stop.wait):
            total.add(report)
            for problem in report.unreadable:
                out.print(f"not read: {problem}", soft_wrap=True)
            if out.is_terminal or not report.lines:
                _print_faults(out, report)
            else:
                _print_report(out, report)
            before_s, polled_s = polled_s, time.monotonic()
            state = (
                f"{total.spans:,} spans and {total.metric_points:,} metric points so far,"
                f" {report.spans / (polled_s - before_s):,.0f} spans/s; Ctrl-C stops"
            )
            display.update(Text(f"{names}: {state}"))
            if stop.is_set():
                break
    out.print(f"total: {total}", soft_wrap=True)


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C, SIGTERM or SIGHUP sets; the second ends the command."""
    event = threading.Event()

    def request(_number: int, _frame: object) -> None:
        event.set()
        restore()

    restore = handle_signals((signal.SIGINT, *ENDING_SIGNALS), request)
    try:
        yield event
    finally:
        restore()


def _print_report(out: Console, report: IngestReport) -> None:
    _print_faults(out, report)
    out.print(str(report), soft_wrap=True)


def _print_faults(out: Console, report: IngestReport) -> None:
    for fault in report.faults:
        out.print(f"broken: {fault}", soft_wrap=True)
    if more := report.errors - len(report.faults):
        out.print(f"broken: {more:,} more, all in the table ingest_errors")
    for line in report.partial:
        out.print(str(line), soft_wrap=True)
