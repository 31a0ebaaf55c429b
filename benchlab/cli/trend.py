"""``benchlab trend``: since when is it slower?"""

from __future__ import annotations

from pathlib import Path

import click

from benchlab.cli.options.output import JsonCommand, json_option

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
@click.option(
    "--report",
    "report_dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="write the report, a page with its tables as CSV and JSON",
)
def trend(
    name: str,
    metric: str,
    tags: tuple[str, ...],
    since: str | None,
    json_file: str | None,
    fail_on: str | None,
    report_dir: Path | None,
) -> int:
    """Find changes in the history of the stored runs called NAME.

    A change is named with the last good and the first bad run and their commits, three runs after
    it at the earliest. Runs on another host or of another plan are breaks, and never changes.
    Runs that are not valid, and those of experiments, are left out.

    \b
    Examples:
      benchlab trend nightly
      benchlab trend nightly --metric p50 --tag branch=main --since 90d
      benchlab trend nightly --json - --fail-on regression
    """
    from benchlab.cli.exit_codes import ExitCode
    from benchlab.cli.options.types import parse_moment, parse_tags
    from benchlab.cli.terminal.output import print_line, write_json
    from benchlab.cli.terminal.result import print_result
    from benchlab.experiments.trend import trend as find_trend

    start = None if since is None else parse_moment(since, "--since")
    result = find_trend(name, metric, tags=parse_tags(tags), since=start)
    if json_file != "-":
        print_result(result)
    if json_file is not None:
        write_json(result.to_dict(), json_file)
    if report_dir is not None:
        from benchlab.report import write_report

        print_line(f"report: {write_report(result, report_dir)}")
    failed = fail_on is not None and result.regression is not None
    return ExitCode.OBJECTIVE_BROKEN if failed else ExitCode.SUCCESS
