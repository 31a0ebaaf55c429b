"""Read k6's results: JSON lines (``--out json``) and CSV (``--out csv``).

k6 writes one line per metric of a request. The lines of a request follow each other and have the
same timestamp, the request's end. A request starts where k6 began to wait for a connection:
``http_req_blocked`` plus ``http_req_duration`` before the end. So latency includes connecting, as
in benchlab's own runs and unlike in k6's ``http_req_duration``. A gRPC call has one metric, its
duration, and is a request without a first byte.

A script may add metrics of its own, under any name, and ``--system-tags`` leaves tags out: only
k6's own metrics count, and what a tag would say is unknown without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, Table, lines, parse_rfc3339_ns
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.text import plural
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["read_k6_csv", "read_k6_json"]

_PARTS = ("duration", "blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving")
_CALL = "grpc_req_duration"
_METRICS = {"http_reqs", "http_req_failed", *(f"http_req_{part}" for part in _PARTS), _CALL}
_NEEDED = ("http_req_duration", "http_req_blocked", "http_req_receiving")
_SIGNS = ('"http_req', '"grpc_req')
_LOG = ("time=", "INFO[", "WARN[", "ERRO[")  # where k6 writes both to the same place
_CSV_COLUMNS = ("metric_name", "timestamp", "metric_value")
_TAGS = {"method": "methods", "name": "names", "status": "statuses"}
_WHOLE_SECONDS = (
    "timestamps are whole seconds, durations are exact: rates over a few seconds mean nothing"
    " (K6_CSV_TIME_FORMAT=unix_nano makes k6 write nanoseconds)"
)
_CODES = (
    (1050, 1051, ErrorKind.TIMEOUT),
    (1100, 1200, ErrorKind.CONNECT),
    (1211, 1212, ErrorKind.TIMEOUT),
    (1220, 1221, ErrorKind.RESET),
    (1200, 1300, ErrorKind.CONNECT),
    (1300, 1400, ErrorKind.TLS),
    (1400, 1600, ErrorKind.STATUS),
    (1600, 1700, ErrorKind.PROTOCOL),
)
"""Ranges of k6's error codes (first, end) and their kinds. Source: https://grafana.com/docs/k6,
"Error codes"."""


def read_k6_json(path: Path, collector: Collector) -> Run:
    """Read the requests of a JSON file; other metrics, and lines of k6's log, are passed over."""
    place = Place(path)
    requests, log_count = _Requests(collector, place), 0
    for line in lines(path, place):
        with place.entry:
            if not line.startswith("{"):
                if line.startswith(_LOG):
                    log_count += 1
                elif line and not line.isspace():
                    raise ValueError(f"{line[:40]!r} is not a JSON object")
                continue
            if not line.endswith("}"):
                raise ValueError("the line is cut off")
            if not any(sign in line for sign in _SIGNS):
                continue
            item = json.loads(line)
            if item["type"] == "Point" and item["metric"] in _METRICS:
                data = item["data"]
                requests.take(item["metric"], data["time"], float(data["value"]), data["tags"])
    notes = [f"passed over: {plural(log_count, 'line')} of k6's log"] if log_count else []
    return requests.run(path, "k6-json", notes)


def read_k6_csv(path: Path, collector: Collector) -> Run:
    """Read the requests of a CSV file, in which k6 rounds timestamps to seconds by default."""
    place = Place(path)
    requests, whole_seconds = _Requests(collector, place), True
    for fields in Table(path, place, _CSV_COLUMNS):
        metric, time = fields["metric_name"], fields["timestamp"]
        if metric in _METRICS:
            with place.entry:
                whole_seconds = whole_seconds and len(time) <= 10
                requests.take(metric, time, float(fields["metric_value"]), fields)
    return requests.run(path, "k6-csv", [_WHOLE_SECONDS] if whole_seconds else [])


class _Requests:
    """Combines the metrics of each request."""

    def __init__(self, collector: Collector, place: Place) -> None:
        self._collector = collector
        self._place = place
        self._count = 0
        self._call_count = 0
        self._seen_tags: set[str] = set()
        # Of the request that is being combined:
        self._values: dict[str, float] = {}
        self._tags: Mapping[str, str] = {}
        self._time = ""
        self._line = 0
        self._metric_count = 0  # of a whole request

    def take(self, metric: str, time: str, value: float, tags: Mapping[str, str] | None) -> None:
        """Add a metric to its request, which begins where a metric repeats or the time changes."""
        if time != self._time or metric in self._values or metric == _CALL:
            self._finish()
            self._values = {}
            self._time, self._tags, self._line = time, tags or {}, self._place.line
        if metric == _CALL:
            self._add_call(time, value, tags or {})
        else:
            self._values[metric] = value

    def run(self, path: Path, format: str, notes: list[str]) -> Run:
        """Make the run, after the last metric."""
        if self._count and len(self._values) < self._metric_count:
            notes = [*notes, "the last request was left out: the file ends within its metrics"]
        else:
            with self._place:
                self._finish()
        if not self._count:
            raise InputError(
                f"{path} holds no requests over HTTP or gRPC, the only ones of k6 that can be read"
            )
        if self._call_count:
            notes = [*notes, f"{plural(self._call_count, 'call')} over gRPC, without HTTP statuses"]
        missing = [what for tag, what in _TAGS.items() if tag not in self._seen_tags]
        return self._collector.run(
            path,
            format,
            "k6",
            missing=["bytes received", *missing],
            notes=[*notes, *self._place.notes],
        )

    def _add_call(self, time: str, duration_ms: float, tags: Mapping[str, str]) -> None:
        done_ns, url = _time_ns(time), tags.get("url") or ""
        kind = ErrorKind.of_grpc(int(tags.get("status") or 0))
        self._collector.add(
            done_ns - round(duration_ms * NS_PER_MS),
            0,
            done_ns,
            status=0,
            # k6 does not say whether the connection had TLS.
            endpoint=self._collector.endpoint(
                "POST", f"http://{url}" if url else "", (tags.get("name") or "").removeprefix("/")
            ),
            error=kind,
            message=kind.grpc_status,
        )
        self._count += 1
        self._call_count += 1
        self._seen_tags.update(tags, ["method"])  # that of HTTP is always POST

    def _finish(self) -> None:
        values, tags = self._values, self._tags
        if not values:
            return
        lacking = [name for name in _NEEDED if name not in values]
        if lacking:
            raise InputError(
                f"a request has no {', '.join(lacking)}",
                remedy="the metrics of a request must follow each other, as k6 writes them",
                where=f"{self._place.path}:{self._line}",
            )
        done_ns = _time_ns(self._time)
        duration_ns, blocked_ns, receiving_ns = (
            round(values[name] * NS_PER_MS) for name in _NEEDED
        )
        status, message = int(tags.get("status") or 0), tags.get("error") or ""
        code = tags.get("error_code") or ""
        by_tags = status >= 400 or (status == 0 if "status" in tags else bool(message or code))
        failed = values.get("http_req_failed", by_tags)
        responded = status if "status" in tags else not failed
        name, url = tags.get("name") or "", tags.get("url") or ""
        if "://" in name:  # k6's default name is the URL, and a group's name may be a URL pattern
            name, url = "", name
        endpoint = self._collector.endpoint(
            tags.get("method") or "GET", url if "://" in url else "", name
        )
        self._collector.add(
            done_ns - duration_ns - blocked_ns,
            done_ns - receiving_ns if responded else 0,
            done_ns,
            status=status,
            endpoint=endpoint,
            error=_kind(status, code, message) if failed else ErrorKind.OK,
            message=message if failed else "",
            flags=Flag.NEW_CONNECTION if values.get("http_req_connecting") else 0,
        )
        self._count += 1
        self._seen_tags.update(tags)
        self._metric_count = max(self._metric_count, len(values))


def _kind(status: int, code: str, message: str) -> ErrorKind:
    if code.isdecimal():
        for first, end, kind in _CODES:
            if first <= int(code) < end:
                return kind
    return kind_of_failure(status, message)


def _time_ns(text: str) -> int:
    """Parse a timestamp: RFC 3339, or a number since 1970 whose length gives its unit."""
    if not text.isdecimal():
        return parse_rfc3339_ns(text)
    for digits, unit_ns in ((10, NS_PER_S), (13, NS_PER_MS), (16, 1_000)):
        if len(text) <= digits:
            return int(text) * unit_ns
    return int(text)
