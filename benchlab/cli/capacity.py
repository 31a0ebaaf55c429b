"""``benchlab capacity``: find out how much load a service takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from benchlab.cli.exit_codes import ExitCode, stopped_by
from benchlab.cli.lean_numpy import import_numpy
from benchlab.cli.options.cluster import CLUSTER, Place
from benchlab.cli.options.group import (
    OptionGroup,
    errors_name_options,
    given_of,
    with_options,
)
from benchlab.cli.options.load import LENGTH, LOAD
from benchlab.cli.options.output import (
    Outputs,
    ReportOutput,
    json_option,
    junit_option,
    markdown_option,
    report_option,
)
from benchlab.cli.options.run import OBJECTIVES, PLAN_OPTIONS, PlanCommand, plan_from_values
from benchlab.cli.options.types import DURATION
from benchlab.cli.terminal.output import print_line
from benchlab.errors import OutputError
from benchlab.plan.validation import ARRIVALS

if TYPE_CHECKING:
    from benchlab.analysis.capacity import Capacity
    from benchlab.experiments.capacity import CapacityRun
    from benchlab.experiments.capacity_progress import CapacityProgress, OnCapacityProgress
    from benchlab.load.cluster.asked import SamplesTo
    from benchlab.plan.plan import Plan
    from benchlab.store import Store

__all__ = ["capacity"]

SEARCH = OptionGroup(
    "Search",
    (
        click.option(
            "--slo",
            multiple=True,
            metavar="OBJECTIVE",
            help="what the service has to meet, such as 'p99<50ms' or 'error_ratio<1%'; repeatable"
            "  [default: those of the plan]",
        ),
        click.option(
            "--budget",
            "budget_s",
            type=DURATION,
            default="2m",
            show_default=True,
            help="how long the search may take; it ends at most a probe later",
        ),
        click.option(
            "--from",
            "from_rps",
            type=float,
            default=None,
            metavar="RATE",
            help="lowest rate, where the search starts  [default: it starts at 10 requests/s]",
        ),
        click.option(
            "--to",
            "to_rps",
            type=float,
            default=None,
            metavar="RATE",
            help="highest rate  [default: up to where something gives way]",
        ),
        click.option(
            "--arrivals",
            type=click.Choice(ARRIVALS),
            default=None,
            help="how the requests of a probe are spaced  [default: as in the plan; of a URL"
            " constant]",
        ),
    ),
)

_PLAN = tuple(group for group in PLAN_OPTIONS if group not in (LOAD, LENGTH, OBJECTIVES))
_GROUPS = (SEARCH, *_PLAN, CLUSTER)
_ANY_RATE_RPS = 1.0  # each probe has its own


class _Capacity(PlanCommand):
    groups = _GROUPS


@click.command(cls=_Capacity)
@click.pass_context
@click.argument("source", metavar="URL|PLAN.toml")
@with_options(_GROUPS)
@json_option("the result")
@markdown_option
@junit_option("one test case, which fails if no rate met the objectives")
@report_option()
@click.option("--no-save", is_flag=True, help="save neither the experiment nor its runs")
def capacity(
    context: click.Context,
    source: str,
    json_file: str | None,
    markdown_file: str | None,
    junit_file: str | None,
    report: ReportOutput,
    no_save: bool,
    budget_s: float,
    from_rps: float | None,
    to_rps: float | None,
    arrivals: str | None,
    cluster: str | None,
    samples: SamplesTo,
    **values: Any,
) -> int:
    """Find out how much load a service takes.

    The result is the highest rate at which it meets its objectives, with a 95 % interval. The
    search makes probes, short runs at one rate each: it doubles the rate until the service
    gives way, then narrows the interval where it does, and overloads the service once to see
    whether it recovers. A probe that something spoiled excludes nothing for ever.

    A URL gets requests at equal intervals. A plan keeps its arrivals, which have to have one rate,
    that the search varies. The result says whether service, load generator or budget set the limit.

    Ctrl-C ends the search, and shows and saves what was found so far. The exit code is 3 if no rate
    met the objectives, and 1 if none was shown to.

    \b
    Examples:
      benchlab capacity http://127.0.0.1:8000/ --slo 'p99<50ms'
      benchlab capacity http://127.0.0.1:8000/ --slo 'p99<50ms' --slo 'error_ratio<1%' --budget 5m
      benchlab capacity checkout.toml --slo 'p99<200ms' --from 50 --to 5000 --json capacity.json
      benchlab capacity http://127.0.0.1:8000/ --slo 'p95<20ms' --arrivals poisson --report out
      benchlab capacity checkout.toml --slo 'p99<200ms' --cluster tcp://scheduler:8786
    """
    outputs = Outputs(json_file, markdown_file, junit_file, report)
    outputs.check()
    given = given_of(context, context.params)
    import_numpy()
    with errors_name_options(_GROUPS, given):
        plan = _plan(source, arrivals, values, given)
        from benchlab.experiments.capacity import search_for

        search = search_for(plan, budget_s, from_rps, to_rps)
        place = Place.of(cluster, samples, save=not no_save)
    from benchlab.cli.terminal.console import console, error_console
    from benchlab.cli.terminal.result import print_result
    from benchlab.experiments.capacity import measure_capacity
    from benchlab.experiments.saving import usable_store
    from benchlab.load.supervisor.stop_signal import StopSignal

    store = None if no_save else usable_store()
    stop = StopSignal()
    title = f"{plan.describe_requests()} · {search.objective_text} · within {budget_s:g} s"
    with _progress(title) as on_progress, errors_name_options(_GROUPS, given):
        made = measure_capacity(plan, search, stop, on_progress, **place.options)
    print_result(made.result, error_console() if outputs.takes_stdout else console())
    _write(made, outputs, store)
    return stopped_by(stop.number) if stop.number else _exit_code(made.result)


def _plan(source: str, arrivals: str | None, values: dict[str, Any], given: set[str]) -> Plan:
    from benchlab.experiments.capacity import plan_for

    own = dict(values)
    slo = own.pop("slo")
    if arrivals is not None or not source.endswith(".toml") or "://" in source:
        own |= {"rate": _ANY_RATE_RPS, "arrivals": arrivals or "constant"}
        given = given | {"rate", "arrivals"}
    return plan_for(plan_from_values(source, own, given), slo)


def _write(made: CapacityRun, outputs: Outputs, store: Store | None) -> None:
    """Write the result and save it; what cannot be written does not keep the rest from it."""
    from benchlab.experiments.capacity import save_capacity

    problem = None
    try:
        outputs.write(made.result)
    except OutputError as exc:
        problem = exc
    save_capacity(made, store)
    if store is not None:
        print_line(f"saved in {store.location} as experiment {made.id}")
    if problem is not None:
        raise problem


def _exit_code(result: Capacity) -> ExitCode:
    if result.rate_rps is not None:
        return ExitCode.SUCCESS
    return ExitCode.OBJECTIVE_BROKEN if result.limited_by == "service" else ExitCode.FAILURE


@contextmanager
def _progress(title: str) -> Iterator[OnCapacityProgress | None]:
    """Show on standard error how the interval closes; yields None if that is not a terminal."""
    from benchlab.cli.terminal.console import error_console

    out = error_console()
    if not out.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    from benchlab.display.results.capacity import probe_text, progress_text

    out.print(Text(title))
    shown = 0
    columns = (BarColumn(bar_width=30), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("starting", total=1)

        def show(progress: CapacityProgress) -> None:
            nonlocal shown
            if progress.last is not None and progress.probe_number > shown + 1:
                shown = progress.probe_number - 1
                bar.console.print(Text(f"  {probe_text(progress.last)}", style="dim"))
            description = progress_text(progress)
            bar.update(task, completed=progress.done_ratio, description=description)

        yield show
