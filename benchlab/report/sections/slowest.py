"""The slowest requests, and the waterfall of the slowest that has server spans."""

from __future__ import annotations

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from benchlab import plots
from benchlab.display.table import Table
from benchlab.plan.tracing import is_traced, trace_id
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import WIDE, inline_svg
from benchlab.report.page import Section
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.samples.records import join_records
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.samples.statistics import DURATIONS
from benchlab.units import NS_PER_S, format_column_ms

__all__ = ["slowest"]

_SLOWEST = 10


def slowest(run: Run, server: ServerSide) -> Section | None:
    """The requests with the highest latencies, slowest first; None without samples."""
    if len(run.measured) == 0:
        return None
    return Section(
        "slowest",
        {"table": _table(run, server.requests), "waterfall": _waterfall(run, server)},
    )


def _waterfall(run: Run, server: ServerSide) -> Markup | None:
    trace = next(iter(server.slowest), None)
    if trace is None or len(trace.spans) == 0:
        return None
    rows = min(1 + len(trace.spans), 31)
    figure = plots.waterfall(trace, open_axes(None, (WIDE[0], 1.5 + 0.44 * rows)), run=run)
    described = f"The slowest traced request and the {len(trace.spans)} spans that servers made"
    return inline_svg(figure, "waterfall", f"{described} of it.")


def _table(run: Run, requests: pd.DataFrame | None) -> Table:
    measured = run.measured
    rows = Samples.empty(run.samples.endpoints)
    for block in measured.blocks():
        slow = block
        if len(rows) == _SLOWEST:  # of equal ones the first are shown
            slow = block.where(block.latency_ns > rows.latency_ns[-1])
        rows = Samples(join_records([rows.records, slow.records]), rows.endpoints)
        rows = rows.where(np.argsort(-rows.latency_ns, kind="stable")[:_SLOWEST])
    head = ["intended at, s", "latency, ms", "service, ms", "lag, ms"]
    columns = [
        [f"{value / NS_PER_S:.3f}" for value in rows.column("intended_ns")],
        *(
            format_column_ms(part.tolist())
            for part in (getattr(rows, f"{name}_ns") for name in DURATIONS)
        ),
    ]
    if requests is not None and len(requests):
        server_ms = dict(zip(requests["seq"], requests["server_ms"], strict=True))
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


def _result(row: np.void) -> str:
    kind, status = ErrorKind(int(row["error"])), int(row["status"])
    # Of a call over gRPC, the HTTP status says nothing: it is 200 however the call ended.
    parts = [str(status)] if status and not kind.grpc_status else []
    return ", ".join([*parts, kind.label] if kind else parts or ["ok"])


def _circumstances(flags: int) -> str:
    parts = []
    if flags & Flag.NEW_CONNECTION:
        parts.append("new connection")
    if flags & Flag.CAP_WAIT:
        parts.append("waited for a connection")
    if flags & Flag.RETRY:
        parts.append("retry")
    if flags & Flag.HEDGE:
        parts.append("hedge")
    return ", ".join(parts) or "–"


def _identities(run: Run, seq: NDArray[np.int64]) -> list[str]:
    if run.plan.trace_ratio == 0:
        return [f"#{number}" for number in seq.tolist()]
    traced = is_traced(seq, run.plan.trace_ratio)
    return [
        trace_id(run.id, number) if asked else "not traced"
        for number, asked in zip(seq.tolist(), traced.tolist(), strict=True)
    ]
