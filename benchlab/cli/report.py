"""``benchlab report``: write a page and tables, from a stored run or by running a notebook."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchlab.cli.exit_codes import ExitCode, exit_code
from benchlab.cli.options.notebook import directory_option, parameter_option
from benchlab.cli.terminal.output import print_error, print_line
from benchlab.errors import BenchlabError, InputError, RunError, RunNotFoundError, error_to_data
from benchlab.store import Store

if TYPE_CHECKING:
    from benchlab.runs.run import Run

__all__ = ["report"]

_RUN_ID = re.compile(r"[0-9a-f]{4,16}|latest")


@click.command()
@click.argument("source", metavar="NOTEBOOK|RUN_ID")
@parameter_option("parameter of the notebook; repeatable")
@directory_option("reports/<run id>")
@click.option("--list-parameters", is_flag=True, help="list the parameters of the notebook")
@click.option("--quiet", "-q", is_flag=True, help="print no progress and no summary")
@click.option(
    "--supervised",
    is_flag=True,
    hidden=True,
    help="read parameters as a line of JSON from standard input, whose end interrupts the run",
)
def report(
    source: str,
    parameters: tuple[tuple[str, str], ...],
    directory: Path | None,
    list_parameters: bool,
    quiet: bool,
    supervised: bool,
) -> int:
    """Write the report of a stored run, an experiment or a notebook.

    NOTEBOOK is a path or the name of a bundled notebook, which is run headless. RUN_ID is the id
    of a stored run or experiment, its first digits, or "latest". Ctrl-C, SIGTERM and SIGHUP end the
    run early and report what was measured.

    \b
    Examples:
      benchlab report 01_benchmark
      benchlab report 01_benchmark -p url http://127.0.0.1:8000/ -p method GET -p body ""
      benchlab report latest -o /tmp/report
    """
    with _errors_reported():
        return _carry_out(source, parameters, directory, list_parameters, quiet, supervised)


def _carry_out(
    source: str,
    parameters: tuple[tuple[str, str], ...],
    directory: Path | None,
    list_parameters: bool,
    quiet: bool,
    supervised: bool,
) -> int:
    from benchlab.notebook.shipped import notebook_path

    chosen = dict(parameters) | (_obey_supervisor() if supervised else {})
    if _RUN_ID.fullmatch(source):
        if parameters or list_parameters:
            raise InputError(
                f"{source} is a stored run, which has no parameters: leave out -p and"
                " --list-parameters"
            )
        run = _find_run(source)
        if run is None:
            return _report_experiment(source, directory, quiet=quiet)
        made = _report_run(run, directory)
    elif list_parameters:
        _print_parameters(notebook_path(source))
        return ExitCode.SUCCESS
    else:
        made = _report_notebook(notebook_path(source), chosen, directory, quiet)
    return _print_outcome(*made, quiet=quiet)


@contextmanager
def _errors_reported() -> Iterator[None]:
    """Report errors as data, too, to a sweep that this is a point of."""
    try:
        yield
    except BenchlabError as exc:
        _report_error(exc)
        raise


def _report_error(error: BenchlabError) -> None:
    from benchlab.notebook import events

    events.write({"error": error_to_data(error)})


def _obey_supervisor() -> dict[str, str]:
    """Read the parameters from the supervisor; interrupt this process when the supervisor exits."""
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(0, 65_536)
        if not data:
            raise InputError("--supervised needs a line of JSON on standard input")
        line += data
    parameters: dict[str, str] = json.loads(line)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()
    return parameters


def _find_run(run_id: str) -> Run | None:
    """The stored run, or None if only an experiment has this id."""
    store = Store()
    with store.connect():
        try:
            return store.load(run_id)
        except RunNotFoundError:
            from benchlab.experiments.unfinished import find_experiment

            with suppress(RunNotFoundError):
                find_experiment(store, run_id)
                return None
            raise


def _report_run(run: Run, directory: Path | None) -> tuple[Path, str | None, int]:
    from benchlab.notebook import finish

    return finish(Store(), run, str(directory or "")), run.id, 0


def _report_experiment(experiment_id: str, directory: Path | None, *, quiet: bool) -> int:
    from benchlab.cli.terminal.console import error_console
    from benchlab.cli.terminal.result import print_result
    from benchlab.experiments.stored import stored_result
    from benchlab.experiments.unfinished import find_experiment
    from benchlab.report import write_report

    store = Store()
    experiment = find_experiment(store, experiment_id)
    result = stored_result(store, experiment)
    page = write_report(result, directory or Path("reports") / experiment.id)
    if not quiet:
        print_result(result, error_console())
        print_line(f"report: {page}", err=False)
    return ExitCode.SUCCESS


def _report_notebook(
    notebook: Path, parameters: dict[str, str], directory: Path | None, quiet: bool
) -> tuple[Path, str | None, int]:
    from benchlab.cli.terminal.run import progress_bar, progress_from_dict
    from benchlab.notebook.headless import execute_notebook

    if quiet:
        done = execute_notebook(notebook, parameters, directory)
        return done.page, done.run_id, done.signal_number
    with progress_bar(f"running {notebook.name}") as show:

        def on_event(event: dict[str, Any]) -> None:
            if show is not None and "progress" in event:
                show(progress_from_dict(event["progress"]))

        done = execute_notebook(notebook, parameters, directory, on_event)
    return done.page, done.run_id, done.signal_number


def _print_parameters(notebook: Path) -> None:
    from benchlab.notebook.headless import notebook_parameters

    for parameter in notebook_parameters(notebook).values():
        print_line(
            f"{parameter.name}: {parameter.type} = {parameter.default}  {parameter.help}",
            err=False,
        )


def _print_outcome(page: Path, run_id: str | None, signal_number: int, *, quiet: bool) -> int:
    """Print the summary and the path of the report; returns the exit code."""
    from benchlab.cli.terminal.console import error_console
    from benchlab.cli.terminal.run import print_run

    run = None if run_id is None else Store().load(run_id)
    if not quiet:
        if run is not None:
            print_run(run, error_console())
        print_line(f"report: {page}", err=False)
    elif run is not None:
        broken = "; ".join(result.describe() for result in run.objectives if not result.met)
        problems = [f"the run broke its objectives: {broken}"] if broken else []
        if run.verdict != "valid":
            hint = f"; {run.hint}" if run.hint else ""
            problems.append(f"the run is {run.verdict}: {run.invalid_reason}{hint}")
        for problem in problems:
            print_error(problem)
            _report_error(RunError(problem))
    return ExitCode.SUCCESS if run is None else exit_code(run, signal_number)
