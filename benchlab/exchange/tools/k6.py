"""Read k6's results: JSON lines (``--out json``) and CSV (``--out csv``).

k6 writes one line per metric of a request. The lines of a request follow each other and have the
same timestamp, the request's end. A request starts where k6 began to wait for a connection:
``http_req_blocked`` plus ``http_req_duration`` before the end. So latency includes connecting, as
in benchlab's own runs and unlike in k6's ``http_req_duration``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchlab.exchange.parsing import Place, columns, csv_rows, lines, parse_rfc3339_ns
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["read_k6_csv", "read_k6_json"]

_PREFIX = "http_req"
_FIRST = "http_reqs"
_MISSING = ("bytes received",)
_CSV_COLUMNS = ("metric_name", "timestamp", "metric_value", "method", "name", "status", "url")
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
    """Read the requests of a JSON file; other metrics are skipped."""
    place, requests = Place(path), _Requests(collector)
    for line in lines(path, place):
        with place:
            if not line.startswith("{"):
                raise ValueError(f"{line[:40]!r} is not a JSON object")
            if not line.endswith("}"):
                raise ValueError("the line is cut off")
            if f'"{_PREFIX}' not in line:
                continue
            item = json.loads(line)
            if item["type"] == "Point" and item["metric"].startswith(_PREFIX):
                data = item["data"]
                requests.take(item["metric"], data["time"], data["value"], data["tags"])
    with place:
        requests.finish()
    return collector.run(path, "k6-json", "k6", missing=_MISSING)


def read_k6_csv(path: Path, collector: Collector) -> Run:
    """Read the requests of a CSV file, in which k6 rounds timestamps to seconds by default."""
    place, requests, whole_seconds = Place(path), _Requests(collector), True
    rows = csv_rows(path, place)
    with place:
        where = columns(next(rows, []), _CSV_COLUMNS, place)
    names = tuple(where)
    for row in rows:
        if not row[0].startswith(_PREFIX):
            continue
        with place:
            if len(row) != len(names):
                raise ValueError(f"the row has {len(row)} columns, the header {len(names)}")
            fields = dict(zip(names, row, strict=True))
            time = fields["timestamp"]
            whole_seconds = whole_seconds and len(time) <= 10
            requests.take(fields["metric_name"], time, float(fields["metric_value"]), fields)
    with place:
        requests.finish()
    notes = [_WHOLE_SECONDS] if whole_seconds else []
    return collector.run(path, "k6-csv", "k6", missing=_MISSING, notes=notes)


class _Requests:
    """Combines the metrics of each request."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self._values: dict[str, float] = {}
        self._tags: Mapping[str, str] = {}
        self._time = ""

    def take(self, metric: str, time: str, value: float, tags: Mapping[str, str]) -> None:
        if metric == _FIRST:
            self.finish()
            self._time, self._tags = time, tags
        elif not self._time or time != self._time:
            raise ValueError(f"{metric} has no request: no {_FIRST} with its time comes before it")
        self._values[metric] = value

    def finish(self) -> None:
        if not self._time:
            return
        values, tags = self._values, self._tags
        done_ns = _time_ns(self._time)
        duration_ns, blocked_ns, receiving_ns = (
            round(values[f"http_req_{name}"] * NS_PER_MS)
            for name in ("duration", "blocked", "receiving")
        )
        status = int(tags.get("status") or 0)
        failed = values.get("http_req_failed", status == 0 or status >= 400)
        message = tags.get("error") or ""
        name, url = tags["name"], tags["url"]
        if "://" in name:  # k6's default name is the URL, and a group's name may be a URL pattern
            name, url = "", name
        self.collector.add(
            done_ns - duration_ns - blocked_ns,
            done_ns - receiving_ns if status else 0,
            done_ns,
            status=status,
            endpoint=self.collector.endpoint(tags["method"], url if "://" in url else "", name),
            error=_kind(status, tags.get("error_code") or "", message) if failed else ErrorKind.OK,
            message=message if failed else "",
            flags=Flag.NEW_CONNECTION if values.get("http_req_connecting") else 0,
        )
        self._values, self._time = {}, ""


def _kind(status: int, code: str, message: str) -> ErrorKind:
    if code.isdigit():
        for first, end, kind in _CODES:
            if first <= int(code) < end:
                return kind
    return kind_of_failure(status, message)


def _time_ns(text: str) -> int:
    """Parse a timestamp: RFC 3339, or a number since 1970 whose length gives its unit."""
    if not text.isdigit():
        return parse_rfc3339_ns(text)
    for digits, unit_ns in ((10, NS_PER_S), (13, NS_PER_MS), (16, 1_000)):
        if len(text) <= digits:
            return int(text) * unit_ns
    return int(text)
