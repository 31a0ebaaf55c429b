"""Options of the commands that compare, and what they write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from benchlab.cli.exit_codes import ExitCode
from benchlab.cli.options.names import Names
from benchlab.cli.options.output import (
    Outputs,
    ReportOutput,
    json_option,
    junit_option,
    markdown_option,
)
from benchlab.units import parse_share

if TYPE_CHECKING:
    from benchlab.analysis.comparison import Comparison
    from benchlab.statistics.change import Change

__all__ = [
    "METRIC_NAMES",
    "VERDICT_NAMES",
    "ComparisonOutputs",
    "comparison_options",
    "outputs_from",
]

# The metrics of benchlab.analysis.run_statistics, which a test compares: to import it costs numpy.
METRIC_NAMES: Final = ("p50", "p90", "p99", "mean", "error_ratio", "rate_rps")

# The same of the verdicts of benchlab.statistics.change.
VERDICT_NAMES: Final = ("faster", "slower", "same", "inconclusive")


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
            type=Names("verdict", VERDICT_NAMES),
            default=fail_on or None,
            show_default=bool(fail_on),
            metavar="VERDICTS",
            help="exit with code 3 on these verdicts: slower, or slower,inconclusive",
        ),
        json_option(what),
        markdown_option,
        junit_option("a test case per metric; what decides fails on the verdicts of --fail-on"),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@dataclass(frozen=True, slots=True)
class ComparisonOutputs:
    """Where a comparison is written, and which verdicts fail."""

    files: Outputs
    fail_on: tuple[Change, ...] = ()

    def check(self) -> None:
        """Refuse files that cannot be written, before anything is measured, as `Outputs` does."""
        self.files.check()

    def write(self, result: Comparison) -> int:
        """Write and print ``result``; returns the exit code of the command.

        Raises:
            OutputError: a file cannot be written.
        """
        from benchlab.cli.terminal.result import print_result

        if not self.files.takes_stdout:
            print_result(result)
        self.files.write(result, fail_on=self.fail_on)
        failed = result.verdict in self.fail_on
        return ExitCode.OBJECTIVE_BROKEN if failed else ExitCode.SUCCESS


def outputs_from(
    values: Mapping[str, Any], report: ReportOutput | None = None
) -> ComparisonOutputs:
    """The outputs that the values of `comparison_options` name."""
    files = Outputs(
        json_file=values["json_file"],
        markdown_file=values["markdown_file"],
        junit_file=values["junit_file"],
        report=report or ReportOutput(),
    )
    return ComparisonOutputs(files, tuple(values["fail_on"] or ()))
