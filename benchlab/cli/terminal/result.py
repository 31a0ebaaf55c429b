"""Print the result of an analysis."""

from __future__ import annotations

from rich.console import Console

from benchlab.cli.terminal.console import console
from benchlab.display.result_terminal import result_summary
from benchlab.display.results.registry import view_of
from benchlab.displayed import Result

__all__ = ["print_result"]


def print_result(result: Result, out: Console | None = None) -> None:
    """Print the summary of ``result``: verdict, answer, warnings and tables."""
    (out or console()).print(result_summary(view_of(result)))
