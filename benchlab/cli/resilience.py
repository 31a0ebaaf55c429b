"""``benchlab resilience``: how did the service come through its faults?"""

from __future__ import annotations

from typing import Final

import click

from benchlab.cli.options.names import Names
from benchlab.cli.options.output import JsonCommand, ReportOutput, json_option, report_option

__all__ = ["OUTCOME_NAMES", "resilience"]

# Those of benchlab.analysis.resilience, which a test compares: to import it costs numpy.
OUTCOME_NAMES: Final = (
    "metastable",
    "not_recovered",
    "lasted",
    "failed",
    "already_broken",
    "recovered",
    "withstood",
)


@click.command(cls=JsonCommand)
@click.argument("run_id", metavar="RUN")
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="OBJECTIVE",
    help="what has to hold, such as 'p99<50ms' (repeatable)"
    "  [default: the plan's, or one that follows from the time before the first fault]",
)
@json_option("the result")
@click.option(
    "--fail-on",
    type=Names("outcome", OUTCOME_NAMES),
    metavar="OUTCOMES",
    help="exit with code 3 if a fault has one of these outcomes: metastable,not_recovered",
)
@report_option()
@click.option("--force", is_flag=True, help="also if the run is not valid")
def resilience(
    run_id: str,
    objectives: tuple[str, ...],
    json_file: str | None,
    fail_on: tuple[str, ...] | None,
    report: ReportOutput,
    force: bool,
) -> int:
    """Show how a stored run came through its faults.

    RUN is the id of a run, its first digits, or "latest".

    For each fault: after which time an objective broke, how deep (errors, latency), how long after
    the end of the fault it held again, how many requests were affected, and how much of the run's
    error budget that burned. A fault that is gone while goodput stays down is metastable.

    \b
    Examples:
      benchlab resilience latest
      benchlab resilience latest --objective 'p99<50ms' --report /tmp/resilience
      benchlab resilience 01a209c5db41b16d --fail-on metastable,not_recovered --json
    """
    from benchlab.cli.exit_codes import ExitCode
    from benchlab.cli.terminal.result import write_result
    from benchlab.experiments.resilience import resilience as resilience_of_run

    report.check()
    result = resilience_of_run(run_id, objective=objectives or None, force=force)
    write_result(result, json_file, report)
    failed = any(each.outcome in (fail_on or ()) for each in result.faults)
    return ExitCode.OBJECTIVE_BROKEN if failed else ExitCode.SUCCESS
