"""``benchlab attribute``: where does the latency come from?"""

from __future__ import annotations

import click

from benchlab.cli.options.output import JsonCommand, ReportOutput, json_option, report_option

__all__ = ["attribute"]


@click.command(cls=JsonCommand)
@click.argument("run_id", metavar="RUN")
@click.option("--endpoint", metavar="NAME", help="only the requests of this endpoint")
@json_option("the result")
@report_option()
@click.option("--force", is_flag=True, help="also if the run is not valid")
def attribute(
    run_id: str,
    endpoint: str | None,
    json_file: str | None,
    report: ReportOutput,
    force: bool,
) -> None:
    """Show where the latency of a stored run comes from.

    RUN is the id of a run, its first digits, or "latest".

    Requests are split into bands by their latency, and each band's latency into the load
    generator's lag, opening a connection, the network, the server and the spans that it made. Slow
    requests are compared with those from p40 to p60: which parts are longer, and what they share.

    \b
    Examples:
      benchlab attribute latest
      benchlab attribute latest --endpoint "POST /api/add" --report /tmp/attribution
      benchlab attribute 01a209c5db41b16d --json
    """
    from benchlab.cli.terminal.result import write_result
    from benchlab.experiments.attribute import attribute as attribute_run

    report.check()
    write_result(attribute_run(run_id, endpoint=endpoint, force=force), json_file, report)
