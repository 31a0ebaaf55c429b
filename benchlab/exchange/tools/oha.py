"""Read oha's results: a summary (``--output-format json``) or requests (``--output-format csv``).

The CSV has only the requests that got a response; the JSON also counts the others.
"""

from __future__ import annotations

from pathlib import Path

from benchlab.exchange.parsing import Place, Table
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.summaries import (
    document,
    integer,
    nanoseconds,
    number,
    ratio,
    summary_of,
)
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.units import NS_PER_S

__all__ = ["read_oha_csv", "read_oha_json"]

_COLUMNS = ("request-start", "DNS+dialup", "request-duration", "bytes", "status")
_FIRST_BYTE = "Response-delay"  # not in the files of older versions


def read_oha_csv(path: Path, collector: Collector) -> Run:
    """Read the completed requests of a CSV file."""
    place = Place(path)
    table = Table(path, place, _COLUMNS)
    for fields in table:
        with place.entry:
            start, dialup, duration, size, status = (fields[name] for name in _COLUMNS)
            sent_ns = round(float(start) * NS_PER_S)
            first_ns = round(float(fields.get(_FIRST_BYTE, 0)) * NS_PER_S)
            collector.add(
                sent_ns,
                sent_ns + first_ns if first_ns else 0,
                sent_ns + round(float(duration) * NS_PER_S),
                bytes_in=int(size),
                status=int(status),
                endpoint=collector.endpoint("GET", ""),
                error=ErrorKind.STATUS if int(status) >= 400 else ErrorKind.OK,
                flags=Flag.NEW_CONNECTION if float(dialup) else 0,
            )
    missing = ["requests without a response", "methods"]
    if _FIRST_BYTE not in table.names:
        missing.append("first bytes")
    return collector.run(path, "oha-csv", "oha", missing=missing, notes=place.notes, clock=False)


def read_oha_json(path: Path, url: str | None) -> ImportedSummary:
    """Read the summary in a JSON file."""
    with document(path, "oha") as data:
        total = data["summary"]
        statuses = {int(code): integer(n) for code, n in data["statusCodeDistribution"].items()}
        errors = {text: integer(n) for text, n in data["errorDistribution"].items()}
        failed = {f"status {code}": n for code, n in statuses.items() if code >= 400} | errors
        return summary_of(
            path,
            "oha-json",
            "oha",
            url=url or "",
            duration_s=number(total["total"]),
            count=sum(statuses.values()) + sum(errors.values()),
            error_count=sum(failed.values()),
            rate_rps=number(total["requestsPerSec"]),
            mean_ns=_ns(total["average"]),
            min_ns=_ns(total["fastest"]),
            max_ns=_ns(total["slowest"]),
            percentiles=[
                Point(ratio(name.removeprefix("p")), nanoseconds(value, NS_PER_S))
                for name, value in data["latencyPercentiles"].items()
                if value is not None
            ],
            errors=failed,
            notes=["percentiles cover the requests that got a response"],
        )


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else nanoseconds(seconds, NS_PER_S)
