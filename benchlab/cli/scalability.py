"""``benchlab scalability``: how throughput grows with the number of connections."""

from __future__ import annotations

import click

from benchlab.cli.options.output import JsonCommand, ReportOutput, json_option, report_option

__all__ = ["scalability"]


@click.command(cls=JsonCommand)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@json_option("the result")
@report_option()
def scalability(runs: tuple[str, ...], json_file: str | None, report: ReportOutput) -> None:
    """Fit the Universal Scalability Law to stored closed-loop RUNs.

    The runs differ by their number of connections, of which the law needs three, better six or
    more. It gives the connections at which throughput is highest, and what limits it. Each RUN is
    an id or its first digits, several of these joined by commas, name=NAME or tag:KEY=VALUE;
    conditions joined by commas all hold. Or RUN is the id of a sweep.

    \b
    Examples:
      benchlab scalability 01a2 01a3 01a4 01a5 01a6 01a7
      benchlab sweep 01_benchmark -g connections=1,2,4,8,16,32 -p rate_rps 0
      benchlab scalability 01a2245c6b742f33
    """
    from benchlab.cli.terminal.result import write_result
    from benchlab.experiments.scalability import scalability as fit

    report.check()
    result = fit(runs)
    write_result(result, json_file, report)
