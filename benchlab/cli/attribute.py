"""``benchlab attribute``: where does the latency come from?"""

from __future__ import annotations

from pathlib import Path

import click

from benchlab.cli.options.output import JsonCommand, json_option, report_option

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
    report_dir: Path | None,
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
    from benchlab.cli.terminal.output import print_line, write_json
    from benchlab.cli.terminal.result import print_result
    from benchlab.experiments.attribute import attribute as attribute_run

    result = attribute_run(run_id, endpoint=endpoint, force=force)
    if json_file is not None:
        write_json(result.to_dict(), json_file)
    if json_file != "-":
        print_result(result)
    if report_dir is not None:
        from benchlab.report import write_report

        print_line(f"report: {write_report(result, report_dir)}", err=json_file == "-")
