"""``benchlab history``, ``show`` and ``query``: read the store."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from benchlab.cli.lean_numpy import import_numpy
from benchlab.cli.options.output import JsonCommand, json_option
from benchlab.display.banner import SEPARATOR, Banner, banner
from benchlab.display.outcome import outcome
from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.text import plural

if TYPE_CHECKING:
    from rich.console import Console

    from benchlab.displayed import Result
    from benchlab.runs.experiment import Experiment
    from benchlab.runs.imported_summary import ImportedSummary
    from benchlab.runs.run import Run
    from benchlab.store import Store

__all__ = ["history", "print_history", "query", "show"]

_TREND = "trend"
"""The kind of an experiment that made no runs: `benchlab.experiments.trend`."""

Rows = list[dict[str, Any]]

# Columns of the store, with shorter names for a terminal.
_RUNS = {
    "run_id": "run_id",
    "started_at": "started_at",
    "name": "name",
    "verdict": "verdict",
    "count": "count",
    "error_count": "errors",
    "rate_rps": "rate_rps",
    "latency_p50_ms": "p50 ms",
    "latency_p99_ms": "p99 ms",
}

_IMPORTS = {
    "id": "run_id",
    "tool": "tool",
    "name": "name",
    "count": "count",
    "error_count": "errors",
    "rate_rps": "rate_rps",
    "latency_p50_ms": "p50 ms",
    "latency_p99_ms": "p99 ms",
}

_EXPERIMENTS = {
    "id": "id",
    "started_at": "started_at",
    "kind": "kind",
    "name": "name",
    "run_count": "runs",
    "outcome": "result",
}

_LEFT_OUT = (
    "count",
    "p50 ms",
    "errors",
    "rate_rps",
    "runs",
    "started_at",
    "tool",
    "name",
    "p99 ms",
)
"""Columns without which a narrow terminal shows a list of runs, the first of these first."""


@click.command()
@click.option(
    "-n", "limit", type=click.IntRange(1), default=10, show_default=True, help="number of runs"
)
@click.option("--name", help="only runs with this name")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="only runs with this tag")
@click.option("--since", metavar="AGE|DATE", help="only runs since then: 7d, or 2026-11-28 (UTC)")
@click.option(
    "--experiment", metavar="ID", help="only the runs of this experiment, which are else left out"
)
@json_option("the list")
def history(
    limit: int,
    name: str | None,
    tags: tuple[str, ...],
    since: str | None,
    experiment: str | None,
    json_file: str | None,
) -> None:
    """List the latest runs, experiments and imported summaries.

    The newest come first. Runs of experiments are listed with --experiment only. Experiments and
    imported summaries are not listed with --name, --tag, --since or --experiment.

    \b
    Examples:
      benchlab history -n 20
      benchlab history --name nightly --tag branch=main --since 30d
      benchlab history --tag branch=main --json
      benchlab history --experiment 01a209c5db41b16d -n 40
    """
    from benchlab.cli.options.types import parse_moment, parse_tags
    from benchlab.cli.terminal.console import console, error_console
    from benchlab.cli.terminal.output import write_json
    from benchlab.store import Store

    import_numpy()
    store, wanted = Store(), parse_tags(tags)
    start = None if since is None else parse_moment(since, "--since")
    filtered = bool(name or wanted or start or experiment)
    with store.connect():
        if experiment is not None:
            wanted[EXPERIMENT_TAG] = _experiment_id(store, experiment)
        runs = store.rows(
            name=name,
            tags=wanted,
            since=start,
            limit=limit,
            in_experiments=EXPERIMENT_TAG in wanted,
        )
        experiments = [] if filtered else store.experiment_rows(limit)
        imports = [] if filtered else store.import_rows(limit)
    if json_file is not None:
        listed = {"runs": runs, "experiments": experiments, "imported_summaries": imports}
        write_json({kind: list(map(_jsonable, rows)) for kind, rows in listed.items()}, json_file)
    if json_file == "-":
        return
    if not runs and not experiments and not imports:
        message = "no runs match" if filtered else "no runs yet: make one with benchlab run URL"
        error_console().print(message)
    out = console()
    print_history(runs, out)
    if experiments:
        out.print(f"{chr(10) if runs else ''}experiments:")
        shown = [{**row, "outcome": outcome(row["kind"], row["result"])} for row in experiments]
        _print_list(shown, _EXPERIMENTS, out)
    if imports:
        out.print(f"{chr(10) if runs or experiments else ''}imported summaries, without requests:")
        _print_list(imports, _IMPORTS, out)


@click.command(cls=JsonCommand)
@click.argument("run_id")
@json_option("the results")
def show(run_id: str, json_file: str | None) -> None:
    """Show the summary of a stored run or experiment.

    RUN_ID is the id of a run, an experiment or an imported summary, its first digits, or "latest".

    For a run with traces, the output includes how many of the traced requests have a server span
    in the store and, if too many are missing, the likely reason.

    \b
    Examples:
      benchlab show latest
      benchlab show 01a209c5db41b16d --json
    """
    from benchlab.cli.terminal.console import console
    from benchlab.cli.terminal.output import write_json
    from benchlab.cli.terminal.run import print_run
    from benchlab.runs.experiment import Experiment
    from benchlab.runs.imported_summary import ImportedSummary
    from benchlab.runs.server_side import ServerSide
    from benchlab.store import Store

    store = Store()
    stored = _find(store, run_id)
    if isinstance(stored, ImportedSummary):
        data = stored.to_dict()
        if json_file != "-":
            from benchlab.display.result_terminal import result_summary
            from benchlab.display.values import imported_summary

            console().print(result_summary(imported_summary.view(stored)))
    elif isinstance(stored, Experiment):
        from benchlab.experiments.stored import stored_result

        result = stored_result(store, stored)
        data = result.to_dict()
        if json_file != "-":
            _print_experiment(result, stored)
    else:
        coverage = store.trace_coverage(stored.id)
        traces = {"traces": coverage.to_dict()} if coverage.sampled else {}
        data = {**stored.to_dict(), **traces}
        if json_file != "-":
            print_run(stored, server=ServerSide(coverage=coverage))
    if json_file is not None:
        write_json(data, json_file)


@click.command(cls=JsonCommand)
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv"]),
    default="table",
    show_default=True,
    help="how to print the rows",
)
@json_option("the rows")
@click.option("--write", is_flag=True, help="allow changes, and access to files and other hosts")
def query(sql: str, form: str, json_file: str | None, write: bool) -> None:
    """Query the store in ClickHouse SQL. Read-only unless --write is given.

    A row that does not fit into the width of the terminal is printed with a line for each value.

    \b
    Examples:
      benchlab query "SELECT * FROM benchmark_results ORDER BY timestamp DESC LIMIT 10"
      benchlab query "SELECT status, count() FROM samples GROUP BY status" --format csv
      benchlab query "SELECT id, plan FROM runs" --json
    """
    from benchlab.cli.terminal.output import print_data, write_json
    from benchlab.cli.terminal.tables import print_frame
    from benchlab.store import Store

    frame = Store().query_df(sql, write=write)
    if json_file is not None:
        write_json(
            json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15)),
            json_file,
        )
    if form == "csv":
        print_data(frame.to_csv(index=False))
    elif json_file != "-":
        print_frame(frame, float_format="")


def _experiment_id(store: Store, text: str) -> str:
    """The id that starts with ``text``; of an experiment that was not finished it is the whole."""
    try:
        found = store.load_experiment(text)
    except RunNotFoundError:
        if store.rows(tags={EXPERIMENT_TAG: text}, limit=1):
            return text
        raise
    if found.kind == _TREND:
        raise InputError(
            "is a trend, whose runs belong to no experiment",
            field="experiment",
            value=found.id,
            remedy=f"list them with --name {shlex.quote(found.name)}",
        )
    return found.id


def _print_experiment(result: Result, experiment: Experiment) -> None:
    from benchlab.cli.terminal.output import print_line
    from benchlab.cli.terminal.result import print_result

    print_result(result)
    runs = plural(len(experiment.run_ids), "run")
    listed = f"--experiment {experiment.id}"
    if experiment.kind == _TREND:  # its runs belong to no experiment
        listed = f"--name {shlex.quote(experiment.name)}"
    print_line(
        f"experiment {experiment.id} of {experiment.started_at:%Y-%m-%d %H:%M} UTC, {runs}:"
        f" benchlab history {listed}",
        err=False,
    )


def _find(store: Store, run_id: str) -> Run | ImportedSummary | Experiment:
    with store.connect():
        try:
            return store.load(run_id)
        except RunNotFoundError:
            from benchlab.experiments.unfinished import find_experiment

            with suppress(RunNotFoundError):
                return store.imported(run_id)
            with suppress(RunNotFoundError):
                return find_experiment(store, run_id)
            raise


def _jsonable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def print_history(runs: Rows, out: Console) -> None:
    """Print rows of `Store.rows`, a run in one line unless there is more to its verdict."""
    _print_list(runs, _RUNS, out, [_banner(run) for run in runs])


def _print_list(
    rows: Rows, names: Mapping[str, str], out: Console, banners: Sequence[Banner] = ()
) -> None:
    from rich.text import Text

    from benchlab.cli.terminal.tables import column
    from benchlab.display.colors import COLORS
    from benchlab.display.fitted_table import Column, FittedTable

    if not rows:
        return
    columns = []
    for name, shown in names.items():
        values = [row[name] for row in rows]
        if name == "verdict":
            cells = [Text(text, style=COLORS[level]) for text, level in banners]
            columns.append(Column(shown, cells, fold_at=SEPARATOR))
        elif name == "started_at":
            cells = [Text(f"{moment:%m-%d %H:%M}") for moment in values]
            columns.append(Column(shown, cells, whole=True))
        else:
            float_format = ",.1f" if name == "rate_rps" else ",.3f"
            columns.append(column(shown, values, float_format, one_line=name == "name"))
    out.print(FittedTable(columns, left_out=_LEFT_OUT))


def _banner(run: Mapping[str, Any]) -> Banner:
    return banner(
        run["verdict"],
        count=run["count"],
        error_count=run["error_count"],
        objective_count=run["objective_count"],
        broken_count=run["broken_objective_count"],
    )
