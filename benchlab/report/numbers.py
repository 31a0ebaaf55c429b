"""The numbers of a report, formatted: what stands in its tiles and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchlab.analysis.phases import STATISTICS as STEPS
from benchlab.analysis.phases import phases
from benchlab.display.tables import ENDPOINT_HEAD, endpoint_rows
from benchlab.plan.tracing import is_traced, trace_id
from benchlab.runs.run import Run
from benchlab.runs.verdict import without_cap_wait
from benchlab.samples.percentiles import percentile_of
from benchlab.samples.records import join_records
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.samples.summary import STATISTICS, Distribution
from benchlab.units import (
    NS_PER_MS,
    NS_PER_S,
    format_bytes,
    format_column_ms,
    format_count,
    format_ms,
    format_parts_ms,
    format_ratio,
)

__all__ = [
    "Table",
    "Tile",
    "endpoint_table",
    "error_rows",
    "percentile_table",
    "phase_table",
    "reuse_in_words",
    "server_table",
    "slowest_table",
    "tiles",
    "worker_table",
]

_SLOWEST = 10
_MEANING = {
    ErrorKind.CONNECT: "no connection: refused, unreachable or unknown host",
    ErrorKind.TIMEOUT: "no complete answer in time",
    ErrorKind.RESET: "the service reset the connection",
    ErrorKind.CLOSED: "the service closed the connection before the answer was complete",
    ErrorKind.PROTOCOL: "the answer was not proper HTTP",
    ErrorKind.TLS: "the TLS handshake or the certificate failed",
    ErrorKind.CHECK: "the answer was not what the plan expects",
    ErrorKind.STATUS: "the status was 400 or above",
    ErrorKind.ABANDONED: "still open when the generator stopped waiting",
}


class Tile(NamedTuple):
    """A headline number: label, value, unit, and one line on what it means."""

    label: str
    value: str
    unit: str
    note: str
    alarming: bool = False


class Table(NamedTuple):
    """Column heads and rows of text; the first cell of a row is its head."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def tiles(run: Run) -> list[Tile]:
    """The numbers to be seen first."""
    stats = run.summary
    p50, p99 = ("–", "", "no samples"), ("–", "", "no samples")
    if stats.latency_ns is not None:
        floor = run.floor.under(run.plan.load) if run.floor else None
        below = (
            ["", ""]
            if floor is None
            else [f", floor {format_ms(floor.p50)}", f", floor {format_ms(floor.p99)}"]
        )
        p50 = (
            *format_parts_ms(stats.latency_ns.p50),
            f"half of all requests took longer{below[0]}",
        )
        p99 = (*format_parts_ms(stats.latency_ns.p99), f"1 request in 100 took longer{below[1]}")
    if run.plan.load.is_imported:
        rate_note = f"from the first request to the last answer, by {run.plan.load.source}"
    elif not run.plan.load.has_schedule:
        rate_note = f"as many as {run.plan.connection_limit:,} connections got answered"
    elif run.iteration_count is not None:
        rate_note = f"steps/s of {run.iteration_count:,} iterations"
    elif stats.intended_rate_rps is None:
        rate_note = "requests/s sent until the run was stopped"
    else:
        rate_note = f"of {stats.intended_rate_rps:,.1f} requests/s intended"
    return [
        Tile("Median latency (p50)", *p50),
        Tile("99th percentile (p99)", *p99),
        Tile("Rate achieved", f"{stats.rate_rps:,.1f}", "requests/s", rate_note),
        Tile(
            "Failed requests",
            format_count(stats.error_count),
            "",
            f"{format_ratio(stats.error_ratio)} of {format_count(stats.count)} requests",
            alarming=stats.error_count > 0,
        ),
    ]


def percentile_table(run: Run) -> Table | None:
    """Latency, service time and lag by statistic, ms; with errors, those of successes too."""
    stats = run.summary
    columns: list[tuple[str, Distribution | None]] = [("latency", stats.latency_ns)]
    if run.floor is not None:
        columns.append(("floor", run.floor.under(run.plan.load)))
    if stats.error_count:
        succeeded = run.measured.succeeded
        columns.append(
            ("latency, successful only", Distribution.of_blocks(succeeded.in_blocks("latency_ns")))
        )
    columns += [("service time", stats.service_ns), ("lag", stats.lag_ns)]
    if stats.latency_ns is None:
        return None
    return _by_statistic([(name, part) for name, part in columns])


def error_rows(run: Run) -> Table | None:
    """Failed requests by kind and HTTP status, most frequent first; None without any."""
    measured = run.measured
    failed = measured.failed
    if len(failed) == 0:
        return None
    code = failed.column("error").astype(np.int64) * 65_536 + failed.column("status")
    found, counts = np.unique(code, return_counts=True)
    rows = []
    for index in np.argsort(-counts, kind="stable"):
        kind, status = ErrorKind(int(found[index]) // 65_536), int(found[index]) % 65_536
        count = int(counts[index])
        share = format_ratio(count / len(measured))
        rows.append(
            [kind.label, str(status or "–"), format_count(count), share, _MEANING.get(kind, "")]
        )
    return Table(["kind", "HTTP status", "requests", "share", "meaning"], rows)


def endpoint_table(run: Run) -> Table | None:
    """One row per endpoint; None unless there are several."""
    rows = endpoint_rows(run)
    return Table(ENDPOINT_HEAD, rows) if rows else None


def phase_table(run: Run) -> Table | None:
    """Where the time of answered requests went, by phase, ms; None when nothing was answered."""
    found = phases(run.measured, run.connections)
    if found.empty:
        return None
    columns = [
        [f"{row.connection}: {row.phase}" for row in found.itertuples()],
        [format_count(count) for count in found["count"]],
        *(
            format_column_ms([round(value * NS_PER_MS) for value in found[f"{name}_ms"]])
            for name in STEPS
        ),
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    head = ["connection and phase", "requests", *(f"{name}, ms" for name in STEPS)]
    return Table(head, rows)


def reuse_in_words(run: Run) -> str:
    """How often connections were used again."""
    measured = run.measured
    opened = sum(
        int(np.count_nonzero(flags & Flag.NEW_CONNECTION)) for flags in measured.in_blocks("flags")
    )
    kept = len(measured) - opened
    if opened == 0:
        return f"All {format_count(kept)} requests went over connections that were open already."
    noun = "request" if opened == 1 else "requests"
    return (
        f"{format_count(opened)} {noun} opened a connection,"
        f" {format_count(kept)} went over one that was open already."
    )


def slowest_table(run: Run, joined: pd.DataFrame | None) -> Table | None:
    """The requests with the highest latencies, slowest first; None without samples."""
    measured = run.measured
    if len(measured) == 0:
        return None
    rows = Samples.empty(run.samples.endpoints)
    for block in measured.blocks():
        rows = Samples(join_records([rows.records, block.records]), rows.endpoints)
        rows = rows.where(np.argsort(-rows.latency_ns, kind="stable")[:_SLOWEST])
    head = ["intended at, s", "latency, ms", "service, ms", "lag, ms"]
    columns = [
        [f"{value / NS_PER_S:.3f}" for value in rows.column("intended_ns")],
        *(
            format_column_ms(part.tolist())
            for part in (rows.latency_ns, rows.service_ns, rows.lag_ns)
        ),
    ]
    if joined is not None and len(joined):
        server_ms = dict(zip(joined["seq"], joined["server_ms"], strict=True))
        found = [server_ms.get(seq) for seq in rows.column("seq").tolist()]
        head.append("server, ms")
        columns.append(["–" if value is None else f"{value:,.3f}" for value in found])
    if len(run.samples.endpoints) > 1:
        head.append("endpoint")
        columns.append([run.samples.endpoints[code] for code in rows.column("endpoint")])
    head.append("result")
    columns.append([_result(row) for row in rows.records])
    if rows.column("flags").any():
        head.append("circumstances")
        columns.append([_circumstances(int(flags)) for flags in rows.column("flags")])
    head.append("request" if run.plan.trace_ratio == 0 else "trace id")
    columns.append(_identities(run, rows.column("seq")))
    return Table(head, [list(row) for row in zip(*columns, strict=True)])


def server_table(joined: pd.DataFrame) -> Table | None:
    """The same requests seen from both sides, ms; None when there are none."""
    if len(joined) == 0:
        return None
    names = {
        "client latency": "latency_ms",
        "client service time": "service_ms",
        "server span": "server_ms",
        "outside the server": "network_ms",
    }
    return _by_statistic(
        [
            (name, Distribution.of(_to_ns(joined[column].to_numpy(float))))
            for name, column in names.items()
            if column in joined
        ]
    )


def worker_table(run: Run) -> Table | None:
    """What each worker says about itself; None when none did."""
    measured, workers = run.measured, run.plan.workers
    rows = [
        [
            str(worker.worker),
            _lag_p99_ms(_of_worker(measured, worker.worker, workers)),
            f"{worker.cpu_ratio * 100:.0f} %",
            format_count(worker.stall_count),
            f"{worker.stall_max_ns / NS_PER_MS:,.1f}",
            format_count(worker.in_flight_max),
            format_count(worker.connections_opened),
            format_count(worker.cap_wait_count),
            format_bytes(worker.memory_max_bytes) if worker.memory_max_bytes else "–",
            worker.clock or "–",
            worker.problem or "none",
        ]
        for worker in run.health.workers
    ]
    head = [
        "worker",
        "own lag p99, ms",
        "CPU",
        "stalls over 5 ms",
        "longest stall, ms",
        "most in flight",
    ]
    head += ["connections opened", "waited for one", "most memory", "clock", "problem"]
    return Table(head, rows) if rows else None


def _by_statistic(columns: Sequence[tuple[str, Distribution | None]]) -> Table:
    texts = [
        ["–"] * len(STATISTICS)
        if part is None
        else format_column_ms([getattr(part, key) for key in STATISTICS])
        for _, part in columns
    ]
    head = ["ms", *(name for name, _ in columns)]
    rows = zip(STATISTICS.values(), *texts, strict=True)
    return Table(head, [list(row) for row in rows])


def _of_worker(samples: Samples, worker: int, workers: int) -> Samples:
    return samples.choose(lambda records: records["seq"] % workers == worker)


def _lag_p99_ms(samples: Samples) -> str:
    p99_ns = percentile_of(without_cap_wait(samples).in_blocks("lag_ns"), 0.99)
    return "–" if p99_ns is None else format_column_ms([p99_ns])[0]


def _to_ns(values_ms: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.round(values_ms[~np.isnan(values_ms)] * NS_PER_MS).astype(np.int64)


def _result(row: np.void) -> str:
    kind, status = ErrorKind(int(row["error"])), int(row["status"])
    words = [str(status)] if status else []
    return ", ".join([*words, kind.label] if kind else words or ["ok"])


def _circumstances(flags: int) -> str:
    words = []
    if flags & Flag.NEW_CONNECTION:
        words.append("new connection")
    if flags & Flag.CAP_WAIT:
        words.append("waited for a connection")
    return ", ".join(words) or "–"


def _identities(run: Run, seq: NDArray[np.int64]) -> list[str]:
    if run.plan.trace_ratio == 0:
        return [f"#{number}" for number in seq.tolist()]
    traced = is_traced(seq, run.plan.trace_ratio)
    return [
        trace_id(run.id, number) if asked else "not traced"
        for number, asked in zip(seq.tolist(), traced.tolist(), strict=True)
    ]
