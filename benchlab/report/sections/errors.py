"""Errors of a run: how many of which kind, and the first failed requests of each."""

from __future__ import annotations

from typing import NamedTuple

from benchlab.analysis.errors import errors_table
from benchlab.display.run_view import RunView
from benchlab.display.table import Table
from benchlab.report.page import Section
from benchlab.runs.run import Run
from benchlab.samples.examples import Example, show_first
from benchlab.samples.samples import ErrorKind
from benchlab.text import printable
from benchlab.units import NS_PER_S, format_bytes, format_count, format_ratio

__all__ = ["errors", "failures"]

_SHOWN = 20
_MEANING = {
    ErrorKind.CONNECT.label: "no connection: refused, unreachable or unknown host",
    ErrorKind.TIMEOUT.label: "no complete response in time",
    ErrorKind.RESET.label: "the service reset the connection",
    ErrorKind.CLOSED.label: "the service closed the connection before the response was complete",
    ErrorKind.PROTOCOL.label: "the response was not valid HTTP",
    ErrorKind.TLS.label: "the TLS handshake or the certificate failed",
    ErrorKind.CHECK.label: "the response was not what the plan expects",
    ErrorKind.STATUS.label: "the status was 400 or above",
    ErrorKind.ABANDONED.label: "still open when the generator stopped waiting",
    ErrorKind.UNSENT.label: "HTTP does not allow the request as it is, so it was not sent",
    ErrorKind.CIRCUIT_OPEN.label: "the plan's circuit breaker was open, so it was not sent",
    ErrorKind.STREAM_RESET.label: "the service reset the HTTP/2 stream",
    ErrorKind.GOAWAY.label: "the service ended the HTTP/2 connection (GOAWAY)",
} | {kind.label: "the gRPC call ended with this status" for kind in ErrorKind if kind.grpc_status}


class FailureView(NamedTuple):
    """One failed request: what was wrong, and the response as far as there was one."""

    kind: str
    status: str
    endpoint: str
    message: str
    place: str
    headers: str
    body: str
    body_label: str


def errors(run: Run, shown: RunView) -> Section:
    """Failed requests by kind."""
    return Section(
        "errors",
        {
            "table": _table(run),
            "count": run.summary.count,
            "counted": shown.counted,
            "tries": shown.tries,
        },
    )


def failures(run: Run) -> Section | None:
    """Single failed requests, no two alike; None when there are no examples."""
    shown = show_first(run.examples, run.plan.warmup_ns, _SHOWN)
    if not shown:
        return None
    left_out = len(run.examples) - len(shown)
    note = f"{left_out:,} more like these are stored with the run, as run.examples."
    return Section(
        "failures",
        {
            "failures": [_failure(example, warmup=warmup) for example, warmup in shown],
            "note": note if left_out else "",
        },
    )


def _table(run: Run) -> Table | None:
    """Failed requests by kind and HTTP status, most frequent first; None without any."""
    found = errors_table(run.measured)
    if found.empty:
        return None
    columns = (found[name].tolist() for name in ("kind", "status", "count", "ratio"))
    rows = [
        [kind, str(status or "–"), format_count(count), format_ratio(ratio), _MEANING.get(kind, "")]
        for kind, status, count, ratio in zip(*columns, strict=True)
    ]
    return Table(["kind", "HTTP status", f"{run.plan.sample_noun}s", "share", "meaning"], rows)


def _failure(example: Example, *, warmup: bool) -> FailureView:
    phase = ", in the warm-up" if warmup else ""
    place = f"request #{example.seq:,}, intended at {example.intended_ns / NS_PER_S:.3f} s{phase}"
    size = format_bytes(example.body_bytes)
    whole = len(example.body.encode()) >= example.body_bytes
    return FailureView(
        kind=example.kind,
        status=str(example.status or ""),
        endpoint=printable(example.endpoint),
        message=printable(example.message),
        place=place,
        headers=printable("\n".join(f"{name}: {value}" for name, value in example.headers)),
        body=printable(example.body),
        body_label=f"Body, {size}" if whole else f"Start of the body, {size} in all",
    )
