"""Options of the commands that compare, and what they write."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from benchlab.cli.exit_codes import ExitCode
from benchlab.cli.options.output import json_option
from benchlab.errors import OutputError
from benchlab.units import parse_share

if TYPE_CHECKING:
    from benchlab.analysis.comparison import Comparison
    from benchlab.statistics.change import Change

__all__ = ["METRIC_NAMES", "ComparisonOutputs", "comparison_options", "outputs_from"]

# The metrics of benchlab.analysis.run_statistics, which a test compares: to import it costs numpy.
METRIC_NAMES: Final = ("p50", "p90", "p99", "mean", "error_ratio", "rate_rps")


class _Share(click.ParamType[float]):
    """A share such as 2% or 0.02."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        try:
            return parse_share(str(value))
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


class _Verdicts(click.ParamType[tuple[str, ...]]):
    """Verdicts joined by commas."""

    name = "verdicts"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        from benchlab.statistics.change import Change

        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        unknown = [name for name in names if name not in get_args(Change)]
        if unknown:
            self.fail(
                f"{unknown[0]!r} is not a verdict: use {', '.join(get_args(Change))}", param, ctx
            )
        return names


def comparison_options(
    what: str, *, fail_on: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What decides a comparison, and where it is written; ``what`` is the subject of ``--json``.

    The values are for `outputs_from`, except ``metric`` and ``threshold``.
    """
    options = (
        click.option(
            "--metric",
            type=click.Choice(METRIC_NAMES),
            default="p50",
            show_default=True,
            help="primary metric, whose verdict is that of the comparison",
        ),
        click.option(
            "--threshold",
            type=_Share(),
            default="2%",
            show_default=True,
            metavar="SHARE",
            help="the smallest change that matters",
        ),
        click.option(
            "--fail-on",
            type=_Verdicts(),
            default=fail_on or None,
            show_default=bool(fail_on),
            metavar="VERDICTS",
            help="exit with code 3 on these verdicts: slower, or slower,inconclusive",
        ),
        json_option(what),
        click.option(
            "--markdown",
            "markdown_file",
            metavar="FILE|-",
            help="write it as Markdown, fit for a comment on a pull request",
        ),
        click.option(
            "--junit",
            "junit_file",
            metavar="FILE",
            help="write it as JUnit XML: a test case per metric; what decides fails on the verdicts"
            " of --fail-on",
        ),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@dataclass(frozen=True, slots=True)
class ComparisonOutputs:
    """Where a comparison is written, and which verdicts fail. A file ``-`` is standard output."""

    json_file: str | None = None
    markdown_file: str | None = None
    junit_file: str | None = None
    report_dir: Path | None = None
    fail_on: tuple[Change, ...] = ()

    def check(self) -> None:
        """Refuse files that cannot be written, before anything is measured.

        Raises:
            click.UsageError: two of them are standard output.
            OutputError: the directory of a file does not exist or cannot be written.
        """
        files = [self.json_file, self.markdown_file, self.junit_file]
        if files.count("-") > 1:
            raise click.UsageError("only one of the outputs can be standard output")
        for file in files:
            if file is None or file == "-":
                continue
            parent = Path(file).parent
            if not parent.is_dir():
                raise OutputError(f"cannot write {file}: there is no directory {parent}")
            if not os.access(parent, os.W_OK):
                raise OutputError(f"cannot write {file}: the directory {parent} is not writable")

    def write(self, result: Comparison) -> int:
        """Write and print ``result``; returns the exit code of the command.

        Raises:
            OutputError: a file cannot be written.
        """
        from benchlab.cli.terminal.output import print_line, write_json, write_text
        from benchlab.cli.terminal.result import print_result
        from benchlab.display.markdown import result_markdown
        from benchlab.display.results.comparison_junit import comparison_junit
        from benchlab.display.results.registry import view_of

        if "-" not in (self.json_file, self.markdown_file, self.junit_file):
            print_result(result)
        if self.json_file is not None:
            write_json(result.to_dict(), self.json_file)
        if self.markdown_file is not None:
            write_text(result_markdown(view_of(result)), self.markdown_file)
        if self.junit_file is not None:
            write_text(comparison_junit(result, self.fail_on), self.junit_file)
        if self.report_dir is not None:
            from benchlab.report import write_report

            print_line(f"report: {write_report(result, self.report_dir)}")
        failed = result.verdict in self.fail_on
        return ExitCode.OBJECTIVE_BROKEN if failed else ExitCode.SUCCESS


def outputs_from(values: Mapping[str, Any], report_dir: Path | None = None) -> ComparisonOutputs:
    """The outputs that the values of `comparison_options` name."""
    return ComparisonOutputs(
        json_file=values["json_file"],
        markdown_file=values["markdown_file"],
        junit_file=values["junit_file"],
        report_dir=report_dir,
        fail_on=tuple(values["fail_on"] or ()),
    )
