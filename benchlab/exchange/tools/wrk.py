"""Read wrk's output, and that of wrk2 without its table of percentiles: a summary.

Latencies have two decimals and a unit each. ``--latency`` adds the percentiles. wrk counts
responses; requests without one are among the socket errors only.
(https://github.com/wg/wrk, ``src/wrk.c`` and ``src/units.c``)
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from benchlab.exchange.tools.summaries import (
    integer,
    nanoseconds,
    number,
    ratio,
    report,
    summary_of,
)
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_S

__all__ = ["Totals", "read_wrk", "totals_of"]

_UNITS_NS = {"us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
_TIME = r"([\d.]+)(us|ms|s|m|h)"
_ADDRESS = re.compile(r"Running \S+ test @ (\S+)")
_REQUESTS = re.compile(rf"^[ \t]*(\d+) requests in {_TIME},", re.MULTILINE)
_SOCKET = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)\s")
_STATUS = re.compile(r"Non-2xx or 3xx responses: (\d+)\s")
_RATE = re.compile(r"^Requests/sec:\s*([\d.]+)\s", re.MULTILINE)
_LATENCY = re.compile(rf"^[ \t]*Latency[ \t]+{_TIME}[ \t]+{_TIME}[ \t]+{_TIME}\s", re.MULTILINE)
_PERCENTILE = re.compile(rf"^[ \t]*([\d.]+)%[ \t]+{_TIME}\s", re.MULTILINE)


@frozen
class Totals:
    """What wrk and wrk2 print of a run beside its latencies."""

    url: str
    count: int
    duration_s: float
    rate_rps: float
    errors: dict[str, int]


def totals_of(output: str) -> Totals | None:
    """The totals in the output of wrk or wrk2, None if it is something else.

    Raises:
        ValueError: the output ends before its last lines.
    """
    address = _ADDRESS.search(output)
    if address is None:
        return None
    requests, rate = _REQUESTS.search(output), _RATE.search(output)
    if requests is None or rate is None:
        raise ValueError("its end, with the number of requests and their rate, is missing")
    errors = {}
    if socket := _SOCKET.search(output):
        names = ("connect", "read", "write", "timeout")
        errors = {name: integer(n) for name, n in zip(names, socket.groups(), strict=True)}
    if status := _STATUS.search(output):
        errors["status not 2xx or 3xx"] = integer(status[1])
    count, length, unit = requests.groups()
    return Totals(
        url=address[1],
        count=integer(count),
        duration_s=nanoseconds(length, _UNITS_NS[unit]) / NS_PER_S,
        rate_rps=number(rate[1]),
        errors=errors,
    )


def read_wrk(path: Path, url: str | None) -> ImportedSummary:
    """Read the output of a run."""
    with report(path, "wrk") as output:
        totals, latency = totals_of(output), _LATENCY.search(output)
        if totals is None or latency is None:
            raise ValueError("the line with the latency is missing")
        distribution = output.partition("Latency Distribution")[2].partition(" requests in ")[0]
        points = [
            Point(ratio(percent), nanoseconds(value, _UNITS_NS[unit]))
            for percent, value, unit in _PERCENTILE.findall(distribution)
        ]
        wrk2 = "Thread calibration:" in output
        notes = ["latencies have two decimals of the unit that they were printed in"]
        if not points:
            notes.append("wrk prints percentiles with --latency")
        if totals.errors:
            notes.append("the requests are those with a response; errors of sockets had none")
        known = totals.count > 0
        return summary_of(
            path,
            "wrk",
            "wrk2" if wrk2 else "wrk",
            url=url or totals.url,
            duration_s=totals.duration_s,
            count=totals.count,
            error_count=sum(totals.errors.values()),
            rate_rps=totals.rate_rps,
            mean_ns=nanoseconds(latency[1], _UNITS_NS[latency[2]]) if known else None,
            max_ns=nanoseconds(latency[5], _UNITS_NS[latency[6]]) if known else None,
            percentiles=points if known else [],
            errors=totals.errors,
            notes=notes,
        )
