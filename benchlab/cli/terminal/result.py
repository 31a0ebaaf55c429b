"""Print the result of an analysis, and write it to files."""

from __future__ import annotations

from rich.console import Console

from benchlab.cli.options.output import ReportOutput
from benchlab.cli.terminal.console import console
from benchlab.cli.terminal.output import write_json
from benchlab.display.result_terminal import result_summary
from benchlab.display.results.registry import view_of
from benchlab.displayed import Result

__all__ = ["print_result", "write_result"]


def print_result(result: Result, out: Console | None = None) -> None:
    """Print the summary of ``result``: verdict, answer, warnings and tables."""
    (out or console()).print(result_summary(view_of(result)))


def write_result(result: Result, json_file: str | None, report: ReportOutput) -> None:
    """Print ``result``, unless its JSON goes to standard output; write its JSON and its page.

    Raises:
        OutputError: a file cannot be written.
    """
    if json_file != "-":
        print_result(result)
    if json_file is not None:
        write_json(result.to_dict(), json_file)
    report.write(result)
