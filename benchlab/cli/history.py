"""``benchlab history``, ``show`` and ``query``: read the store."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from benchlab.errors import InputError, RunNotFoundError
from benchlab.text import printable
from benchlab.units import parse_duration_s

if TYPE_CHECKING:
    from rich.console import Console

    from benchlab.runs.imported_summary import ImportedSummary
    from benchlab.runs.run import Run
    from benchlab.store import Store

__all__ = ["history", "latest_runs", "print_history", "query", "show"]

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

_WIDE = 100  # the width of a terminal that has room for every column
_ONLY_WIDE = ["count", "p50 ms"]


@click.command()
@click.option(
    "-n", "limit", type=click.IntRange(1), default=10, show_default=True, help="number of runs"
)
@click.option("--name", help="only runs with this name")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="only runs with this tag")
@click.option("--since", metavar="AGE|DATE", help="only runs since then: 7d, or 2026-11-28 (UTC)")
def history(limit: int, name: str | None, tags: tuple[str, ...], since: str | None) -> None:
    """List the latest runs and imported summaries, newest first.

    Imported summaries are not listed with --name, --tag or --since.

    \b
    Examples:
      benchlab history -n 20
      benchlab history --name nightly --tag branch=main --since 30d
    """
    from benchlab.cli.options.types import parse_tags
    from benchlab.cli.terminal.console import console, error_console
    from benchlab.cli.terminal.tables import print_rows
    from benchlab.store import Store

    store = Store()
    filters = {
        "name": name,
        "tags": parse_tags(tags),
        "since": None if since is None else _moment(since),
    }
    filtered = any(filters.values())
    with store.connect():
        runs = latest_runs(store, limit, **filters)
        imports = [] if filtered else _latest_imports(store, limit)
    if not runs and not imports:
        message = "no runs match" if filtered else "no runs yet: make one with benchlab run URL"
        error_console().print(message, markup=False)
    print_history(runs, console())
    if imports:
        click.echo(f"{chr(10) if runs else ''}imported summaries, without requests:")
        print_rows(imports)


@click.command()
@click.argument("run_id")
@click.option("--json", "as_json", is_flag=True, help="print JSON, as run --json writes it")
def show(run_id: str, as_json: bool) -> None:
    """Show the summary of a stored run.

    RUN_ID is the id of a run or an imported summary, its first digits, or "latest".

    For a run with traces, the output includes how many of the traced requests have a server span
    in the store and, if too many are missing, the likely reason.

    \b
    Examples:
      benchlab show latest
      benchlab show 01a209c5db41b16d --json
    """
    from benchlab.cli.terminal.imported import print_summary
    from benchlab.cli.terminal.run import print_run
    from benchlab.runs.imported_summary import ImportedSummary
    from benchlab.runs.server_side import ServerSide
    from benchlab.store import Store

    store = Store()
    stored = _find(store, run_id)
    if isinstance(stored, ImportedSummary):
        if as_json:
            click.echo(json.dumps(stored.to_dict(), indent=2))
        else:
            print_summary(stored)
        return
    coverage = store.trace_coverage(stored.id)
    if as_json:
        traces = {"traces": coverage.to_dict()} if coverage.sampled else {}
        click.echo(json.dumps({**stored.to_dict(), **traces}, indent=2))
    else:
        print_run(stored, server=ServerSide(coverage=coverage))


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="how to print the rows",
)
@click.option("--write", is_flag=True, help="allow changes, and access to files and other hosts")
def query(sql: str, form: str, write: bool) -> None:
    """Query the store in ClickHouse SQL. Read-only unless --write is given.

    \b
    Examples:
      benchlab query "SELECT * FROM benchmark_results ORDER BY timestamp DESC LIMIT 10"
      benchlab query "SELECT status, count() FROM samples GROUP BY status" --format csv
    """
    from benchlab.cli.terminal.tables import print_frame
    from benchlab.store import Store

    frame = Store().query_df(sql, write=write)
    if form == "csv":
        text = frame.to_csv(index=False)  # escaped on a terminal, unchanged for programs
        print(printable(text) if sys.stdout.isatty() else text, end="")
    elif form == "json":
        click.echo(frame.to_json(orient="records", date_format="iso", indent=2))
    else:
        print_frame(frame, float_format=".6g")


def _find(store: Store, run_id: str) -> Run | ImportedSummary:
    with store.connect():
        try:
            return store.load(run_id)
        except RunNotFoundError:
            try:
                return store.imported(run_id)
            except RunNotFoundError:
                pass
            raise


def _moment(text: str) -> datetime:
    """Parse an age (``7d``) to the time that long ago, or an ISO date or time (UTC by default)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - timedelta(seconds=parse_duration_s(text))
        except (InputError, OverflowError):
            raise InputError(
                "is neither an age nor a date",
                field="--since",
                value=text,
                remedy="write it as 7d, or as 2026-11-28",
            ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def latest_runs(store: Store, limit: int, **filters: Any) -> Rows:
    """The latest ``limit`` runs that match ``filters``, with the columns that fit on a screen."""
    runs = _shortened(store.rows(limit=limit, **filters), _RUNS)
    return [run | {"started_at": f"{run['started_at']:%m-%d %H:%M}"} for run in runs]


def _latest_imports(store: Store, limit: int) -> Rows:
    return _shortened(store.import_rows(limit), _IMPORTS)


def _shortened(rows: Rows, columns: dict[str, str]) -> Rows:
    return [{short: row[name] for name, short in columns.items()} for row in rows]


def print_history(runs: Rows, out: Console) -> None:
    """Print what `latest_runs` returned, one line per run even in 80 columns."""
    from benchlab.cli.terminal.tables import print_rows

    left_out = _ONLY_WIDE if out.width < _WIDE else ()
    shown = [{name: run[name] for name in run if name not in left_out} for run in runs]
    print_rows(shown, out, formats={"rate_rps": ",.1f"}, shortened="name")
