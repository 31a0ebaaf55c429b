"""``benchlab run``: carry out a plan, show the results and save them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchlab.cli.exit_codes import ExitCode, exit_code
from benchlab.cli.lean_numpy import import_numpy
from benchlab.cli.options.cluster import CLUSTER, Place, print_size
from benchlab.cli.options.group import errors_name_options, given_of, with_options
from benchlab.cli.options.output import (
    Outputs,
    ReportOutput,
    check_writable,
    json_option,
    junit_option,
    markdown_option,
    report_option,
)
from benchlab.cli.options.run import PLAN_OPTIONS, PlanCommand, plan_from_values, plan_options
from benchlab.cli.terminal.output import print_data, print_line
from benchlab.errors import InputError, OutputError

if TYPE_CHECKING:
    from rich.console import Console

    from benchlab.load.cluster.asked import SamplesTo
    from benchlab.plan.plan import Plan
    from benchlab.runs.run import Run
    from benchlab.store import Store

__all__ = [
    "RUN_OPTIONS",
    "Asked",
    "RunCommand",
    "RunOutputs",
    "asked_for",
    "run",
    "write_and_save",
]

RUN_OPTIONS = (*PLAN_OPTIONS, CLUSTER)
"""The plan, and where its load is made."""

_SHOWN_ARRIVALS = 20
"""Recorded arrivals that a dry run prints, where no file has them: there may be a million."""


class RunCommand(PlanCommand):
    """A command with the options of ``benchlab run``."""

    groups = RUN_OPTIONS


@click.command(cls=RunCommand)
@click.pass_context
@click.argument("source", metavar="URL|PLAN.toml")
@plan_options
@with_options([CLUSTER])
@json_option("the results")
@click.option(
    "--csv",
    "csv_dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="write summary, histogram and time series as CSV",
)
@markdown_option
@junit_option("the measurement and each objective are test cases")
@report_option()
@click.option("--no-save", is_flag=True, help="do not save the run in the store")
@click.option(
    "--detach",
    is_flag=True,
    help="start the run, print its id and return; see benchlab live",
)
@click.option(
    "--dry-run", is_flag=True, help="print the plan as a plan file, secrets hidden; send nothing"
)
def run(context: click.Context, **options: Any) -> int:
    """Run a load test against URL, or the one in PLAN.toml.

    Without --rate the load is a closed loop: each of --connections users sends its next request
    when the response to the last one is complete. With --rate it is an open loop: requests are
    sent on schedule, however fast the service responds, on as many connections as needed. Its rate
    may also vary over time: see the options under Load.

    With --replay-log or --replay-service, what was recorded is sent instead: each request at its
    own time, and how faithful that was is part of the results.

    A plan file holds all settings; options given on the command line override them.

    Ctrl-C ends the run early, waits for open requests and saves what was measured; a second Ctrl-C
    does not wait.

    The exit code is 1 if the run is invalid or degraded, even if an objective was broken too; 3 if
    an objective was broken or --abort-on stopped the run; all are listed by benchlab --help.

    \b
    Examples:
      benchlab run http://127.0.0.1:8000/health
      benchlab run checkout.toml --duration 30s
      benchlab run checkout.toml --duration 4h --detach
      benchlab run checkout.toml --cluster tcp://scheduler:8786 --workers 8
      benchlab run http://127.0.0.1:8000/ --rate 500 --duration 30s --arrivals poisson
      benchlab run http://127.0.0.1:8000/ --requests 10000 --think-time 100ms,exponential
      benchlab run http://127.0.0.1:8000/ --stages 30s:500,1m:500,10s:0
      benchlab run http://127.0.0.1:8000/ --steps 10s:100,10s:200,10s:400
      benchlab run http://127.0.0.1:8000/ --spike base=50,peak=500,at=10s,length=5s,duration=30s
      benchlab run http://127.0.0.1:8000/ --replay arrivals.csv
      benchlab run http://127.0.0.1:8000 --replay-log access.log --window 10:00-10:05 --speed 2
      benchlab run http://127.0.0.1:8000 --replay-log shop.har
      benchlab run http://127.0.0.1:8000/api/vector/add -d '{"a":[1],"b":[2]}' --json result.json
      benchlab run http://127.0.0.1:8000/api/vector/add -d '{"a":[1],"b":[2]}' \\
        --expect-status 200 --expect-json result.0=3
      benchlab run grpc://127.0.0.1:50051/benchlab.Vectors/Add -d '{"a":[1],"b":[2]}'
    """
    asked = asked_for(context, **options)
    for line in _recorded_lines(asked.plan):
        print_line(line)
    if asked.dry_run:
        from benchlab.plan.toml import plan_to_toml

        print_data(plan_to_toml(asked.plan, _SHOWN_ARRIVALS if asked.plan.recorded else None))
        return ExitCode.SUCCESS
    if asked.detach:
        return _detach(asked)
    return _carry_out(asked)


def _recorded_lines(plan: Plan) -> list[str]:
    """What will be replayed, and what of the recording is left out."""
    if plan.recorded is None:
        return []
    from benchlab.display.text import largest_shares, recorded_lines

    first, *others = recorded_lines(plan)
    return [first, f"endpoints: {largest_shares(plan)}", *others]


class RunOutputs(NamedTuple):
    """The files that a run is written to, besides the store."""

    files: Outputs
    csv_dir: Path | None

    def check(self) -> None:
        """Check that the results can be written, before they are measured."""
        if self.csv_dir is not None:
            check_writable(self.csv_dir)
        self.files.check()

    def write(self, finished: Run) -> None:
        """Write the results.

        Raises:
            OutputError: one of them cannot be written; the others may be missing.
        """
        if self.csv_dir is not None:
            from benchlab.report import write_tables

            write_tables(finished, self.csv_dir)
        self.files.write(finished)


class Asked(NamedTuple):
    """What the command line asks for; ``given`` are the names of the options that it has."""

    plan: Plan
    place: Place
    given: set[str]
    outputs: RunOutputs
    save: bool
    detach: bool
    dry_run: bool


def asked_for(
    context: click.Context,
    *,
    source: str,
    json_file: str | None,
    csv_dir: Path | None,
    markdown_file: str | None,
    junit_file: str | None,
    report: ReportOutput,
    no_save: bool,
    detach: bool,
    dry_run: bool,
    cluster: str | None,
    samples: SamplesTo,
    **values: Any,
) -> Asked:
    """What the options of ``benchlab run`` ask for, checked before anything is measured.

    Raises:
        InputError: they make no plan, or a result cannot be written or will not be there.
    """
    given = given_of(context, context.params)
    with errors_name_options(RUN_OPTIONS, given):
        plan = plan_from_values(source, values, given)
        place = Place.of(cluster, samples, save=not no_save)
    outputs = RunOutputs(Outputs(json_file, markdown_file, junit_file, report), csv_dir)
    if detach and not dry_run:
        _check_detached(outputs, no_save=no_save)
    elif not dry_run:
        outputs.check()
    return Asked(plan, place, given, outputs, save=not no_save, detach=detach, dry_run=dry_run)


def _carry_out(asked: Asked) -> int:
    """Carry out the plan, write and save the results, and return the exit code."""
    import_numpy()
    from benchlab.cli.terminal.console import console, error_console
    from benchlab.cli.terminal.run import print_run, progress_bar
    from benchlab.experiments.saving import usable_store
    from benchlab.load.run import run_until
    from benchlab.load.supervisor.stop_signal import StopSignal

    plan, outputs, stop = asked.plan, asked.outputs, StopSignal()
    store = usable_store() if asked.save else None
    with (
        progress_bar(plan.describe()) as on_progress,
        errors_name_options(RUN_OPTIONS, asked.given),
    ):
        finished = run_until(plan, stop, on_progress, on_size=print_size, **asked.place.options)
    out = error_console() if outputs.files.takes_stdout else console()
    print_run(finished, out)
    write_and_save(
        finished, outputs, None if store is None else lambda: _save(finished, store, out)
    )
    return exit_code(finished, stop.number)


def write_and_save(finished: Run, outputs: RunOutputs, save: Callable[[], None] | None) -> None:
    """Write the results, and ``save`` the run even if that fails; without ``save``, drop its spool.

    Raises:
        OutputError: a result cannot be written.
    """
    failed: OutputError | None = None
    try:
        outputs.write(finished)
    except OutputError as exc:
        failed = exc
    if save is not None:
        save()
    elif finished.spool is not None and failed is None:
        from benchlab import spool

        spool.remove(finished.spool)
    if failed is not None:
        state = "not saved: benchlab recover saves it" if save is None else "saved"
        raise OutputError(f"{failed}; run {finished.id} was measured and {state}") from failed


def _check_detached(outputs: RunOutputs, *, no_save: bool) -> None:
    """Refuse what is made of results, since ``--detach`` returns before there are any.

    Raises:
        InputError: something was asked for.
    """
    files = outputs.files
    if files.files or outputs.csv_dir is not None or files.report.directory is not None or no_save:
        raise InputError(
            "--detach returns before there are results: leave --json, --csv, --markdown, --junit,"
            " --report and --no-save out, and let benchlab recover save the run when it has ended"
        )


def _detach(asked: Asked) -> int:
    """Start the plan in a process of its own, and say how to find it."""
    import_numpy()
    from benchlab.load.detached.start import start_detached

    with errors_name_options(RUN_OPTIONS, asked.given):
        run_id = start_detached(asked.plan, **asked.place.options).directory.name
    print_line(run_id, err=False)
    then = "benchlab recover saves it then"
    if asked.place.samples == "direct":
        then = "its hosts save it"
    print_line(f"benchlab live {run_id} shows it, with --stop ends it; {then}")
    return ExitCode.SUCCESS


def _save(finished: Run, store: Store, out: Console) -> None:
    from benchlab.cli.history import print_history
    from benchlab.cli.terminal.console import error_console

    latest: list[dict[str, Any]] = []
    try:
        store.save(finished, then=lambda: latest.extend(store.rows(limit=5, in_experiments=False)))
    except KeyboardInterrupt:
        error_console().print(
            f"run {finished.id} was measured but not saved: benchlab recover saves it",
            markup=False,
        )
        raise
    out.print(f"\nsaved in {store.location}; the latest runs:", markup=False)
    print_history(latest, out)
