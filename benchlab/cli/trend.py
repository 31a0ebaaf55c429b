"""``benchlab trend``: since when is it slower?"""

from __future__ import annotations

import click

from benchlab.cli.options.output import JsonCommand, ReportOutput, json_option, report_option

__all__ = ["trend"]


@click.command(cls=JsonCommand)
@click.argument("name")
@click.option(
    "--metric",
    default="p99",
    show_default=True,
    help="p50, p90, p95, p99, p99.9 or mean of the latency, rate, or errors",
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="only runs with this tag")
@click.option("--since", metavar="AGE|DATE", help="only runs since then: 90d, or 2026-11-28 (UTC)")
@json_option("the history")
@click.option(
    "--fail-on",
    type=click.Choice(["regression"]),
    help="exit with code 3 if the latest change made things worse",
)
@click.option("--save", is_flag=True, help="keep the result in the store, where Grafana shows it")
@report_option()
def trend(
    name: str,
    metric: str,
    tags: tuple[str, ...],
    since: str | None,
    json_file: str | None,
    fail_on: str | None,
    save: bool,
    report: ReportOutput,
) -> int:
    """Find changes in the history of the stored runs called NAME.

    A change is named with the last good and the first bad run and their commits, three runs after
    it at the earliest. Runs on another host or of another plan are breaks, and never changes.
    Runs that are not valid, and those of experiments, are left out.

    With --save the result takes the place of an earlier one of the same name, metric and tags, and
    history lists it.

    \b
    Examples:
      benchlab trend nightly
      benchlab trend nightly --metric p50 --tag branch=main --since 90d
      benchlab trend nightly --save --json - --fail-on regression
    """
    from benchlab.cli.exit_codes import ExitCode
    from benchlab.cli.options.types import parse_moment, parse_tags
    from benchlab.cli.terminal.result import write_result
    from benchlab.experiments.trend import trend as find_trend

    report.check()
    start = None if since is None else parse_moment(since, "--since")
    result = find_trend(name, metric, tags=parse_tags(tags), since=start, save=save)
    write_result(result, json_file, report)
    failed = fail_on is not None and result.regression is not None
    return ExitCode.OBJECTIVE_BROKEN if failed else ExitCode.SUCCESS
