"""``benchlab report``: write a page and tables, from stored runs or by running a notebook."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchlab.cli.exit_codes import ExitCode, exit_code
from benchlab.cli.options.notebook import directory_option, parameter_option
from benchlab.cli.options.output import (
    DEFAULT_FORMAT_NAMES,
    Outputs,
    ReportOutput,
    format_option,
    junit_option,
    markdown_option,
    open_in_browser,
    open_option,
)
from benchlab.cli.terminal.output import print_error, print_line
from benchlab.errors import InputError, OutputError, RunNotFoundError
from benchlab.store import Store

if TYPE_CHECKING:
    from benchlab.displayed import Result
    from benchlab.notebook.headless.execute import Report
    from benchlab.runs.run import Run
    from benchlab.runs.server_side import ServerSide

__all__ = ["report"]

_RUN_ID = re.compile(r"[0-9a-f]{4,16}|latest")
_NAMED = "name="


@click.command()
@click.argument("source", metavar="RUN|EXPERIMENT|NOTEBOOK|name=NAME")
@click.argument("new", metavar="[RUN]", required=False)
@parameter_option("parameter of the notebook; repeatable")
@directory_option("reports/<id>")
@format_option
@open_option
@markdown_option
@junit_option("the measurement and each objective of a run, or what else was found")
@click.option("--list-parameters", is_flag=True, help="list the parameters of the notebook")
@click.option("--quiet", "-q", is_flag=True, help="print no progress and no summary")
def report(
    source: str,
    new: str | None,
    parameters: tuple[tuple[str, str], ...],
    directory: Path | None,
    formats: tuple[str, ...],
    open_page: bool,
    markdown_file: str | None,
    junit_file: str | None,
    list_parameters: bool,
    quiet: bool,
) -> int:
    """Write the report of runs, an experiment, a trend or a notebook.

    RUN is the id of a stored run, its first digits, or "latest"; with a second one, the report is
    of their comparison. EXPERIMENT is the id of an A/B, a capacity search or a sweep. name=NAME is
    the trend of the runs with this name. NOTEBOOK is a path or the name of a bundled notebook,
    which is run headless; Ctrl-C, SIGTERM and SIGHUP end its run early and report what was
    measured.

    Below a directory called reports, index.html lists all reports: see benchlab reports.

    \b
    Examples:
      benchlab report latest --format html,pdf --open
      benchlab report latest --format md,json -o /tmp/report --junit objectives.xml
      benchlab report 01a209c5db41b16d latest
      benchlab report name=nightly
      benchlab report 01_benchmark -p url http://127.0.0.1:8000/ -p method GET -p body ""
    """
    outputs = Outputs(None, markdown_file, junit_file)
    wanted = _Wanted(outputs, directory, formats, open_page, quiet)
    wanted.check()
    if new is not None or not _is_notebook(source):
        if parameters or list_parameters:
            raise InputError(
                f"{source} is not a notebook, so it has no parameters: leave out -p and"
                " --list-parameters"
            )
        return _report_stored(source, new, wanted)
    return _carry_out(source, dict(parameters), wanted, list_parameters)


def _is_notebook(source: str) -> bool:
    return not (_RUN_ID.fullmatch(source) or source.startswith(_NAMED))


class _Wanted(NamedTuple):
    """What is written besides, where, and how much of it is said."""

    outputs: Outputs
    directory: Path | None
    formats: tuple[str, ...]
    open_page: bool
    quiet: bool

    def check(self) -> None:
        """Refuse what cannot be written, before anything is measured."""
        self.outputs.check()
        ReportOutput(self.directory, self.formats).check()

    def write(self, result: Run | Result, place: str, server: ServerSide | None = None) -> None:
        """Write the report to the directory, ``reports/<place>`` by default, and say where."""
        directory = self.directory or Path("reports") / place
        written = ReportOutput(directory, self.formats, self.open_page)
        self.outputs.write(result, server=server)
        written.write(result, server=server, quiet=self.quiet, err=self.outputs.takes_stdout)


def _report_stored(source: str, new: str | None, wanted: _Wanted) -> int:
    """Report what the store has: a run, a comparison, an experiment or a trend."""
    store = Store()
    if new is not None:
        from benchlab.experiments.compare import compare

        comparison = compare(source, new, store=store)
        return _report_result(
            comparison, f"compare-{comparison.base[0]}-{comparison.new[0]}", wanted
        )
    if source.startswith(_NAMED):
        from benchlab.experiments.trend import trend

        name = source.removeprefix(_NAMED)
        return _report_result(trend(name, store=store), f"trend-{_file_name(name)}", wanted)
    run = _find_run(store, source)
    if run is None:
        whole_id, found = _experiment(store, source)
        return _report_result(found, whole_id, wanted)
    if not wanted.quiet:
        _print(run)
    wanted.write(run, run.id, store.server_side(run.id))
    return _outcome(run, 0, wanted.quiet)


def _report_result(result: Result, place: str, wanted: _Wanted) -> int:
    if not wanted.quiet:
        _print_result(result)
    wanted.write(result, place)
    return ExitCode.SUCCESS


def _experiment(store: Store, experiment_id: str) -> tuple[str, Result]:
    """The whole id of a stored experiment, and its result."""
    from benchlab.experiments.stored import stored_result
    from benchlab.experiments.unfinished import find_experiment

    experiment = find_experiment(store, experiment_id)
    return experiment.id, stored_result(store, experiment)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)[:60]


def _carry_out(
    source: str,
    parameters: dict[str, str],
    wanted: _Wanted,
    list_parameters: bool,
) -> int:
    from benchlab.notebook.shipped import notebook_path

    notebook = notebook_path(source)
    if list_parameters:
        _print_parameters(notebook)
        return ExitCode.SUCCESS
    done = _execute(notebook, parameters, wanted)
    run = None if done.run_id is None else Store().load(done.run_id)
    found = None if done.experiment_id is None else _experiment(Store(), done.experiment_id)[1]
    if not wanted.quiet:
        if run is not None:
            _print(run)
        elif found is not None:
            _print_result(found)
    _add_formats(done, run or found, wanted)
    if not wanted.quiet:
        print_line(f"report: {done.page}", err=wanted.outputs.takes_stdout)
    if wanted.open_page:
        open_in_browser(done.page)
    return ExitCode.SUCCESS if run is None else _outcome(run, done.signal_number, wanted.quiet)


def _find_run(store: Store, run_id: str) -> Run | None:
    """The stored run, or None if only an experiment has this id."""
    with store.connect():
        try:
            return store.load(run_id)
        except RunNotFoundError:
            from benchlab.experiments.unfinished import find_experiment

            with suppress(RunNotFoundError):
                find_experiment(store, run_id)
                return None
            raise


def _execute(notebook: Path, parameters: dict[str, str], wanted: _Wanted) -> Report:
    from benchlab.cli.terminal.run import progress_bar, progress_from_dict
    from benchlab.notebook.headless import execute_notebook

    if wanted.quiet:
        return execute_notebook(notebook, parameters, wanted.directory)
    with progress_bar(f"running {notebook.name}") as show:

        def on_event(event: dict[str, Any]) -> None:
            if show is not None and "progress" in event:
                show(progress_from_dict(event["progress"]))

        return execute_notebook(notebook, parameters, wanted.directory, on_event)


def _add_formats(done: Report, result: Run | Result | None, wanted: _Wanted) -> None:
    """Write what the notebook has not: it wrote its page, and the tables of its result.

    Raises:
        OutputError: the notebook stored no result, and what was asked for is of one.
    """
    formats = [name for name in wanted.formats if name not in DEFAULT_FORMAT_NAMES]
    if "pdf" in formats:
        from benchlab.report.pdf import write_pdf

        write_pdf(done.page)
        formats.remove("pdf")
    if result is not None:
        wanted.outputs.write(result)
        if formats:
            ReportOutput(done.directory, tuple(formats)).write(result, quiet=True)
    elif formats or wanted.outputs.files:
        raise OutputError(
            f"{done.notebook} stored no result, so there is none to write as Markdown or JUnit",
            remedy="leave out --markdown, --junit and the format md",
        )


def _print_parameters(notebook: Path) -> None:
    from benchlab.notebook.headless import notebook_parameters

    for parameter in notebook_parameters(notebook).values():
        print_line(
            f"{parameter.name}: {parameter.type} = {parameter.default}  {parameter.help}",
            err=False,
        )


def _print_result(result: Result) -> None:
    from benchlab.cli.terminal.console import error_console
    from benchlab.cli.terminal.result import print_result

    print_result(result, error_console())


def _print(run: Run) -> None:
    from benchlab.cli.terminal.console import error_console
    from benchlab.cli.terminal.run import print_run

    print_run(run, error_console())


def _outcome(run: Run, signal_number: int, quiet: bool) -> int:
    """The exit code for ``run``; nothing else said what is wrong with it if it was ``quiet``."""
    if quiet:
        broken = "; ".join(result.describe() for result in run.objectives if not result.met)
        problems = [f"the run broke its objectives: {broken}"] if broken else []
        if run.verdict != "valid":
            hint = f"; {run.hint}" if run.hint else ""
            problems.append(f"the run is {run.verdict}: {run.invalid_reason}{hint}")
        for problem in problems:
            print_error(problem)
    return exit_code(run, signal_number)
