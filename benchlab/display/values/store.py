"""A store, as people see it: its latest runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchlab.display.banner import SEPARATOR, banner
from benchlab.display.result_terminal import result_text
from benchlab.display.result_view import ResultView
from benchlab.display.spark import Spark
from benchlab.display.table import Table
from benchlab.errors import BenchlabError
from benchlab.store import Store
from benchlab.text import one_line, plural
from benchlab.units import NS_PER_MS, format_column_ms, format_count, format_ms

__all__ = ["runs_table", "text", "view"]

_RUNS_SHOWN = 10
_WAIT_S = 5.0  # a cell that only shows a store does not wait for as long as one that saves
_NAME = 22
_NARROW_NAME = 18
_FEWEST = 2  # a single slice is no line
_DURATIONS = ("latency_p50_ms", "latency_p99_ms")
_HEAD = (
    "name",
    "verdict",
    "started, UTC",
    "requests/s",
    "p50, ms",
    "p99, ms",
    "p99 over time",
    "errors",
    "run",
)
_NARROW_HEAD = ("name", "verdict", "requests/s", "p50, ms", "p99, ms", "p99 over time", "run")


def view(store: Store) -> ResultView:
    """The latest runs; the error instead, if the store cannot be read."""
    try:
        rows = store.overview(_RUNS_SHOWN + 1, wait_s=_WAIT_S)
    except BenchlabError as exc:
        return ResultView(
            title=store.location, banner="not readable", level="bad", sentence=str(exc)
        )
    shown = rows[:_RUNS_SHOWN]
    more = len(rows) > len(shown)
    return ResultView(
        title=store.location,
        banner="store",
        level="neutral",
        sentence=f"the latest {plural(len(shown), 'run')}" if shown else "no runs yet",
        tables=(runs_table(shown),),
        notes=("store.runs() has all of them, and store.pick() chooses some",) if more else (),
    )


def text(shown: ResultView) -> str:
    """The view as plain text, with the columns that a terminal has room for."""
    return result_text(replace(shown, tables=tuple(map(_narrow, shown.tables))))


def _narrow(table: Table) -> Table:
    chosen = [table.head.index(name) for name in _NARROW_HEAD]
    rows = [[row[index] for index in chosen] for row in table.rows]
    return Table(
        _NARROW_HEAD,
        [
            [one_line(name, _NARROW_NAME), verdict.partition(SEPARATOR)[0], *others]
            for name, verdict, *others in rows
        ],
    )


def runs_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A row per run, of rows as `Store.overview` has them."""
    levels = [
        banner(
            row["verdict"],
            count=row["count"],
            error_count=row["error_count"],
            objective_count=row["objective_count"],
            broken_count=row["broken_objective_count"],
        ).level
        for row in rows
    ]
    durations = [format_column_ms([_ns(row[key]) for row in rows]) for key in _DURATIONS]
    cells = [
        [
            one_line(row["name"], _NAME),
            _verdict(row),
            f"{row['started_at']:%Y-%m-%d %H:%M}",
            f"{row['rate_rps']:,.1f}",
            p50,
            p99,
            _spark(row["p99_over_time_ms"]),
            format_count(row["error_count"]),
            row["run_id"],
        ]
        for row, p50, p99 in zip(rows, *durations, strict=True)
    ]
    return Table(_HEAD, cells, levels)


def _verdict(row: Mapping[str, Any]) -> str:
    broken = row["broken_objective_count"]
    return f"{row['verdict']}{SEPARATOR}{broken:,} broken" if broken else str(row["verdict"])


def _ns(value_ms: float | None) -> int | None:
    return None if value_ms is None else round(value_ms * NS_PER_MS)


def _spark(numbers: Sequence[float]) -> Spark:
    known = [number for number in numbers if math.isfinite(number)]
    if len(known) < _FEWEST:
        return Spark([], "")
    highest = format_ms(round(max(known) * NS_PER_MS))
    return Spark(numbers, f"p99 over the time of the run, at most {highest}")
