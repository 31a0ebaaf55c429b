"""Read hey's results: requests (``hey -o csv``) or its report as text. Times are seconds.

Both have four decimals, so 0.1 ms. hey keeps the first million responses; requests without a
response are only counted, in the text. (https://github.com/rakyll/hey, ``requester/report.go``,
``print.go`` and ``requester.go``)
"""

from __future__ import annotations

import re
from pathlib import Path

from benchlab.exchange.parsing import Place, Table
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.summaries import (
    integer,
    nanoseconds,
    number,
    ratio,
    report,
    summary_of,
)
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_S

__all__ = ["read_hey_csv", "read_hey_text"]

_COLUMNS = (
    "response-time",
    "DNS+dialup",
    "Request-write",
    "Response-delay",
    "status-code",
    "offset",
)
_KEPT = 1_000_000
_DECIMALS = "times are rounded to 0.1 ms"
_TRUNCATED = "hey keeps the first 1,000,000 responses only: the others are not in the file"
_FIELD = re.compile(
    r"^[ \t]*(Total|Slowest|Fastest|Average|Requests/sec):\s+([\d.]+|NaN)\s", re.MULTILINE
)
_PERCENTILE = re.compile(r"^[ \t]*([\d.]+)%+ in ([\d.]+) secs", re.MULTILINE)
_STATUS = re.compile(r"^[ \t]*\[(\d+)\][ \t]+(\d+) responses\s", re.MULTILINE)
_ERROR = re.compile(r"^[ \t]*\[(\d+)\][ \t]+(\S.*)$", re.MULTILINE)


def read_hey_csv(path: Path, collector: Collector) -> Run:
    """Read the requests with a response of a CSV file."""
    place = Place(path)
    count = 0
    for fields in Table(path, place, _COLUMNS):
        with place.entry:
            duration, connect, write, delay, status, offset = (fields[name] for name in _COLUMNS)
            sent_ns, connect_ns = _ns(offset), _ns(connect)
            done_ns = sent_ns + _ns(duration)
            first_ns = min(sent_ns + connect_ns + _ns(write) + _ns(delay), done_ns)
            collector.add(
                sent_ns,
                first_ns if number(delay) else 0,
                done_ns,
                status=integer(status),
                endpoint=collector.endpoint("GET", ""),
                error=ErrorKind.STATUS if integer(status) >= 400 else ErrorKind.OK,
                flags=Flag.NEW_CONNECTION if connect_ns else 0,
            )
            count += 1
    missing = ["requests without a response", "methods", "bytes received"]
    notes = [_DECIMALS, *([_TRUNCATED] if count >= _KEPT else []), *place.notes]
    return collector.run(path, "hey-csv", "hey", missing=missing, notes=notes, clock=False)


def read_hey_text(path: Path, url: str | None) -> ImportedSummary:
    """Read the report in a text file."""
    with report(path, "hey") as output:
        fields = dict(_FIELD.findall(output.partition("histogram:")[0]))
        statuses_text, _, errors_text = output.partition("Status code distribution:")[2].partition(
            "Error distribution:"
        )
        statuses = {code: integer(n) for code, n in _STATUS.findall(statuses_text)}
        errors = {message.strip(): integer(n) for n, message in _ERROR.findall(errors_text)}
        responses, duration_s = sum(statuses.values()), number(fields["Total"])
        count, rate_rps = responses + sum(errors.values()), number(fields["Requests/sec"])
        # The duration has four decimals, the rate is exact.
        if responses < _KEPT and abs(rate_rps * duration_s - count) > 1 + rate_rps * 1e-4:
            raise ValueError(
                f"it counts {count:,} requests by status and error, of about"
                f" {rate_rps * duration_s:,.0f}: its end is missing"
            )
        failed = {f"status {code}": n for code, n in statuses.items() if int(code) >= 400} | errors
        notes = [_DECIMALS, "latencies are those of the requests that got a response"]
        return summary_of(
            path,
            "hey",
            "hey",
            url=url or "",
            duration_s=duration_s,
            count=count,
            error_count=sum(failed.values()),
            rate_rps=rate_rps,
            mean_ns=_ns(fields["Average"]) if responses else None,
            min_ns=_ns(fields["Fastest"]) if responses else None,
            max_ns=_ns(fields["Slowest"]) if responses else None,
            percentiles=[
                Point(ratio(percent), _ns(value))
                for percent, value in _PERCENTILE.findall(output)
                if number(percent)  # hey prints 0% for a percentile that it did not reach
            ],
            errors=failed,
            notes=[*notes, _TRUNCATED] if responses >= _KEPT else notes,
        )


def _ns(seconds: str) -> int:
    return nanoseconds(seconds, NS_PER_S)
