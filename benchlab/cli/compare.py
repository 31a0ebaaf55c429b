"""``benchlab compare``: did it get slower?"""

from __future__ import annotations

from typing import Any

import click

from benchlab.cli.options.comparison import comparison_options, outputs_from
from benchlab.cli.options.output import JsonCommand, ReportOutput, report_option

__all__ = ["compare"]


@click.command(cls=JsonCommand)
@click.argument("base")
@click.argument("new")
@comparison_options("the comparison")
@report_option()
@click.option("--force", is_flag=True, help="compare runs of other plans or hosts, or invalid ones")
def compare(
    base: str,
    new: str,
    metric: str,
    threshold: float,
    report: ReportOutput,
    force: bool,
    **values: Any,
) -> int:
    """Compare stored runs: is NEW slower than BASE?

    Each is the id of a run, its first digits, "latest", several of these joined by commas,
    name=NAME or tag:KEY=VALUE; conditions joined by commas all hold. A run that one side names is
    left out of the other's selection by name.

    Every metric gets a ratio with a 95 % interval, and a verdict: faster, slower, same within the
    threshold, or inconclusive. Two single runs are inconclusive unless the store has 10 earlier
    runs of the same plan on the same host.

    \b
    Examples:
      benchlab compare 01a209c5db41b16d latest
      benchlab compare name=nightly latest --metric p99 --threshold 5%
      benchlab compare tag:branch=main tag:branch=fix --fail-on slower --markdown comment.md
    """
    from benchlab.experiments.compare import compare as compare_sides

    outputs = outputs_from(values, report)
    outputs.check()
    result = compare_sides(base, new, metric=metric, threshold=threshold, force=force)
    return outputs.write(result)
