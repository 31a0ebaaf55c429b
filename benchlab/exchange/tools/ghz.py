"""Read ghz's result (``ghz -O json``): the gRPC calls that it made, in nanoseconds.

The timestamp of a call is its end. ghz keeps the first million calls. Statuses have the names of
grpc-go's codes; the status of a call that never had a connection is Unavailable, too.
(https://github.com/bojand/ghz, ``runner/reporter.go`` and ``runner/stats_handler.go``)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlab.exchange.parsing import parse_rfc3339_ns
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.exchange.tools.summaries import document, integer, nanoseconds, text
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind

__all__ = ["read_ghz"]

_MISSING = ("HTTP statuses", "bytes received", "first bytes", "new connections")
_HOST = re.compile(r"[\w.-]+(?::\d{1,5})?")
_CALL = re.compile(r"(?P<service>[\w.]+)[./](?P<method>\w+)")
_KINDS = {kind.grpc_status.replace("_", ""): kind for kind in ErrorKind if kind.grpc_status}
_KINDS["CANCELED"] = ErrorKind.GRPC_CANCELLED
_CONNECTION = (ErrorKind.CONNECT, ErrorKind.TLS)


def read_ghz(path: Path, collector: Collector) -> Run:
    """Read the calls in a JSON file."""
    with document(path, "ghz") as data:
        count, options = integer(data["count"]), data.get("options") or {}
        details = data.get("details") or []
        endpoint = _endpoint(collector, options)
        for call in details:
            duration_ns = nanoseconds(call["latency"], 1)
            done_ns = parse_rfc3339_ns(call["timestamp"])
            state, message = text(call["status"]), text(call.get("error"))
            good = state == "OK" and not message
            collector.add(
                done_ns - duration_ns,
                0,
                done_ns,
                status=0,
                endpoint=endpoint,
                error=ErrorKind.OK if good else _kind(state, message),
                message="" if good else message or state,
            )
        notes = ["calls are gRPC: each status other than OK is a kind of error of its own"]
        if count > len(details):
            notes.append(f"{count:,} calls were made, {len(details):,} of them are in the file")
    return collector.run(path, "ghz-json", "ghz", missing=_MISSING, notes=notes)


def _endpoint(collector: Collector, options: Mapping[str, Any]) -> int:
    host, name = text(options.get("host")), text(options.get("call"))
    call = _CALL.fullmatch(name)
    url = ""
    if call:
        name = f"{call['service']}/{call['method']}"  # as gRPC, k6 and benchlab write it
        if _HOST.fullmatch(host):
            scheme = "http" if options.get("insecure") else "https"
            url = f"{scheme}://{host}/{name}"
    return collector.endpoint("POST", url, name)


def _kind(state: str, message: str) -> ErrorKind:
    kind = _KINDS.get(state.upper(), ErrorKind.GRPC_UNKNOWN)
    if kind is ErrorKind.GRPC_UNAVAILABLE:
        of_connection = kind_of_failure(0, message)
        return of_connection if of_connection in _CONNECTION else kind
    return kind
