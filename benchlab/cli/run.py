"""``benchlab run``: carry out a plan, show the results and save them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchlab.cli.exit_codes import ExitCode, exit_code
from benchlab.cli.lean_numpy import import_numpy
from benchlab.cli.options.group import errors_name_options, given_of
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
from benchlab.cli.terminal.output import print_data
from benchlab.errors import OutputError

if TYPE_CHECKING:
    from rich.console import Console

    from benchlab.plan.plan import Plan
    from benchlab.runs.run import Run
    from benchlab.store import Store

__all__ = ["run"]


class _Run(PlanCommand):
    groups = PLAN_OPTIONS


@click.command(cls=_Run)
@click.pass_context
@click.argument("source", metavar="URL|PLAN.toml")
@plan_options
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
    "--dry-run", is_flag=True, help="print the plan as a plan file, secrets hidden; send nothing"
)
def run(
    context: click.Context,
    source: str,
    json_file: str | None,
    csv_dir: Path | None,
    markdown_file: str | None,
    junit_file: str | None,
    report: ReportOutput,
    no_save: bool,
    dry_run: bool,
    **values: Any,
) -> int:
    """Run a load test against URL, or the one in PLAN.toml.

    Without --rate the load is a closed loop: each of --connections users sends its next request
    when the response to the last one is complete. With --rate it is an open loop: requests are
    sent on schedule, however fast the service responds, on as many connections as needed. Its rate
    may also vary over time: see the options under Load.

    A plan file holds all settings; options given on the command line override them.

    Ctrl-C ends the run early, waits for open requests and saves what was measured; a second Ctrl-C
    does not wait.

    The exit code is 1 if the run is invalid, even if an objective was broken too; 3 if an objective
    was broken or --abort-on stopped the run; all are listed by benchlab --help.

    \b
    Examples:
      benchlab run http://127.0.0.1:8000/health
      benchlab run checkout.toml --duration 30s
      benchlab run http://127.0.0.1:8000/ --rate 500 --duration 30s --arrivals poisson
      benchlab run http://127.0.0.1:8000/ --requests 10000 --think-time 100ms,exponential
      benchlab run http://127.0.0.1:8000/ --stages 30s:500,1m:500,10s:0
      benchlab run http://127.0.0.1:8000/ --steps 10s:100,10s:200,10s:400
      benchlab run http://127.0.0.1:8000/ --spike base=50,peak=500,at=10s,length=5s,duration=30s
      benchlab run http://127.0.0.1:8000/ --replay arrivals.csv
      benchlab run http://127.0.0.1:8000/api/vector/add -d '{"a":[1],"b":[2]}' --json result.json
      benchlab run http://127.0.0.1:8000/api/vector/add -d '{"a":[1],"b":[2]}' \\
        --expect-status 200 --expect-json result.0=3
    """
    given = given_of(context, values)
    with errors_name_options(PLAN_OPTIONS, given):
        plan = plan_from_values(source, values, given)
    if dry_run:
        from benchlab.plan.toml import plan_to_toml

        print_data(plan_to_toml(plan))
        return ExitCode.SUCCESS
    outputs = _Outputs(Outputs(json_file, markdown_file, junit_file, report), csv_dir)
    outputs.check()
    return _carry_out(plan, given, outputs, save=not no_save)


class _Outputs(NamedTuple):
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


def _carry_out(plan: Plan, given: set[str], outputs: _Outputs, *, save: bool) -> int:
    """Carry out ``plan``, write and save the results, and return the exit code."""
    import_numpy()
    from benchlab import spool
    from benchlab.cli.terminal.console import console, error_console
    from benchlab.cli.terminal.run import print_run, progress_bar
    from benchlab.load.run import run_until
    from benchlab.load.supervisor.stop_signal import StopSignal

    store, stop = None, StopSignal()
    if save:
        from benchlab.store import Store

        store = Store()
        with store.connect():
            pass  # an unusable store is reported before the measurement, not after it
    with progress_bar(plan.describe()) as on_progress, errors_name_options(PLAN_OPTIONS, given):
        finished = run_until(plan, stop, on_progress)
    out = error_console() if outputs.files.takes_stdout else console()
    print_run(finished, out)
    try:
        outputs.write(finished)
    except OutputError as exc:
        if store is not None:
            _save(finished, store, out)
        state = "not saved: benchlab recover saves it" if store is None else "saved"
        raise OutputError(f"{exc}; run {finished.id} was measured and {state}") from exc
    if store is not None:
        _save(finished, store, out)
    elif finished.spool is not None:
        spool.remove(finished.spool)
    return exit_code(finished, stop.number)


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
