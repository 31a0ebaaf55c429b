"""``benchlab history``, ``show`` and ``query``: looking at what is stored."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.store import Store
from benchlab.text import printable
from benchlab.units import parse_duration_s

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from benchlab.runs.run import Run

__all__ = ["history", "history_table", "print_history", "query", "show"]

# Column of the store, and its name where a terminal's width counts.
_HISTORY = {
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

_WIDE = 100  # columns of a terminal with room for all of them
_ONLY_WIDE = ["count", "p50 ms"]


@click.command()
@click.option("-n", "limit", type=click.IntRange(1), default=10, show_default=True, help="how many")
@click.option("--name", help="only runs with this name")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="only runs with this tag")
@click.option("--since", metavar="AGE|DATE", help="only later runs: 7d, or 2026-11-28 (UTC)")
def history(limit: int, name: str | None, tags: tuple[str, ...], since: str | None) -> None:
    """List the latest runs, newest first, and below them the imported summaries.

    Imported summaries are not listed with --name, --tag or --since.

    \b
    Examples:
      benchlab history -n 20
      benchlab history --name nightly --tag branch=main --since 30d
    """
    from benchlab.cli.options.types import parse_tags
    from benchlab.cli.terminal.imported import summary_table
    from benchlab.cli.terminal.output import console, error_console, print_frame

    store = Store()
    filters = {
        "name": name,
        "tags": parse_tags(tags),
        "since": None if since is None else _moment(since),
    }
    filtered = any(filters.values())
    with store.connect():
        table = history_table(store, limit, **filters)
        summaries = summary_table(store, 0 if filtered else limit)
    if table.empty and summaries.empty:
        message = "no such runs" if filtered else "no runs yet: make one with benchlab run URL"
        error_console().print(message, markup=False)
    if not table.empty:
        print_history(table, console())
    if not summaries.empty:
        click.echo(f"{'' if table.empty else chr(10)}imported summaries, without requests:")
        print_frame(summaries)


@click.command()
@click.argument("run_id")
@click.option("--json", "as_json", is_flag=True, help="as JSON, like run --json")
def show(run_id: str, as_json: bool) -> None:
    """The summary of a stored run: its id, the beginning of it, or "latest".

    It says how many of the requests that asked to be traced have a server span in the store, and
    where too many are missing, what they were likely lost to. An imported summary is shown as what
    it is.

    \b
    Examples:
      benchlab show latest
      benchlab show 01a209c5db41b16d --json
    """
    from benchlab.cli.terminal.imported import print_summary
    from benchlab.cli.terminal.output import print_coverage, print_run

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
        print_run(stored)
        print_coverage(coverage)


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
@click.option("--write", is_flag=True, help="allow to change the store and to reach files or hosts")
def query(sql: str, form: str, write: bool) -> None:
    """Ask the store in ClickHouse's SQL. Read-only unless --write.

    \b
    Examples:
      benchlab query "SELECT * FROM benchmark_results ORDER BY timestamp DESC LIMIT 10"
      benchlab query "SELECT status, count() FROM samples GROUP BY status" --format csv
    """
    from benchlab.cli.terminal.output import print_frame

    frame = Store().query_df(sql, write=write)
    if form == "csv":
        text = frame.to_csv(index=False)  # for programs as it is, for a terminal safe
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
    """The time that was ``text`` ago (``7d``), or an ISO date or time, in UTC by default."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - timedelta(seconds=parse_duration_s(text))
        except (InputError, OverflowError):
            raise InputError(
                "is neither an age nor a date",
                field="since",
                value=text,
                remedy="write it as 7d, or as 2026-11-28",
            ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def history_table(store: Store, limit: int, **filters: Any) -> pd.DataFrame:
    """The latest ``limit`` runs that meet ``filters``, with the columns that fit on a screen."""
    runs = store.runs(limit=limit, **filters)[list(_HISTORY)].rename(columns=_HISTORY)
    return runs.assign(started_at=runs["started_at"].dt.strftime("%m-%d %H:%M"))


def print_history(table: pd.DataFrame, out: Console) -> None:
    """Print what `history_table` gave, a line per run in 80 columns too."""
    from benchlab.cli.terminal.output import print_frame

    if out.width < _WIDE:
        table = table.drop(columns=_ONLY_WIDE)
    print_frame(table, out, formats={"rate_rps": ",.1f"}, shortened="name")
