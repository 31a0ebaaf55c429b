"""``benchlab explain``: what made a run slow?"""

from __future__ import annotations

import click

from benchlab.cli.options.output import JsonCommand, ReportOutput, json_option, report_option

__all__ = ["explain"]


@click.command(cls=JsonCommand)
@click.argument("run_id", metavar="RUN")
@click.option("--endpoint", metavar="NAME", help="only the requests of this endpoint")
@json_option("the result")
@report_option()
@click.option("--force", is_flag=True, help="also if the run is not valid")
def explain(
    run_id: str,
    endpoint: str | None,
    json_file: str | None,
    report: ReportOutput,
    force: bool,
) -> None:
    """Name what made a stored run slow.

    RUN is the id of a run, its first digits, or "latest".

    Causes are ranked by the share of the tail that they account for, each with its evidence,
    example requests, and what to try next. If there is none, the latency is the service's own.

    \b
    Examples:
      benchlab explain latest
      benchlab explain latest --endpoint "POST /api/add" --report /tmp/explanation
      benchlab explain 01a209c5db41b16d --json
    """
    from benchlab.cli.terminal.result import write_result
    from benchlab.experiments.explain import explain as explain_run

    report.check()
    write_result(explain_run(run_id, endpoint=endpoint, force=force), json_file, report)
