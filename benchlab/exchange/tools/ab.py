"""Read ab's results: its report as text, ``-e`` (percentiles as CSV), ``-g`` (requests as TSV).

All times are milliseconds: whole ones in the report and in the TSV, with three decimals in the
CSV. ab counts a response whose length differs from the first one's as failed, and apart from
that a response whose status is not 2xx. (https://github.com/apache/httpd, ``support/ab.c``)
"""

from __future__ import annotations

import re
from pathlib import Path

from benchlab.exchange.parsing import Place, Table, lines
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
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["read_ab_csv", "read_ab_text", "read_ab_tsv"]

_FIELD = re.compile(r"^([A-Z][\w /-]*):[ \t]+(\S+)", re.MULTILINE)
_KINDS = re.compile(r"\(Connect: (\d+), Receive: (\d+), Length: (\d+), Exceptions: (\d+)\)")
_TOTAL = re.compile(
    r"^Total:[ \t]+(\d+)[ \t]+(\d+)[ \t]+[\d.]+[ \t]+(\d+)[ \t]+(\d+)\s", re.MULTILINE
)
_PERCENTILE = re.compile(
    r"^[ \t]*(\d+)%[ \t]+(\d+)(?: \(longest request\))?[ \t]*\r?\n", re.MULTILINE
)
_TSV_COLUMNS = ("starttime", "seconds", "ctime", "dtime", "ttime", "wait")


def read_ab_text(path: Path, url: str | None) -> ImportedSummary:
    """Read the report that ab prints."""
    with report(path, "ab") as output:
        fields = dict(_FIELD.findall(output))
        count, failed = integer(fields["Complete requests"]), integer(fields["Failed requests"])
        status = integer(fields.get("Non-2xx responses", "0"))
        total = _TOTAL.search(output)
        served = output.partition("Percentage of the requests served")[2]
        points = _PERCENTILE.findall(served)
        if count > 1 and (total is None or not points or points[-1][0] != "100"):
            raise ValueError("its end, with the percentiles up to 100%, is missing")
        kinds = _KINDS.search(output)
        names = ("connect", "receive", "length", "exception")
        errors = {"failed": failed}
        if kinds:
            errors = {name: integer(n) for name, n in zip(names, kinds.groups(), strict=True)}
        notes = ["latencies are whole milliseconds"]
        error_count: int | None = failed + status
        if status and errors.get("length", failed):
            error_count = None
            notes.append(
                "how many responses had both another length and a status other than 2xx is unknown"
            )
        return summary_of(
            path,
            "ab",
            "ab",
            url=url or _url(fields),
            duration_s=number(fields["Time taken for tests"]),
            count=count,
            error_count=error_count,
            rate_rps=number(fields["Requests per second"]),
            mean_ns=nanoseconds(total[2], NS_PER_MS) if total else None,
            min_ns=nanoseconds(total[1], NS_PER_MS) if total else None,
            max_ns=nanoseconds(total[4], NS_PER_MS) if total else None,
            percentiles=[
                Point(ratio(percent), nanoseconds(value, NS_PER_MS)) for percent, value in points
            ],
            errors={**errors, "status not 2xx": status},
            notes=notes,
        )


def _url(fields: dict[str, str]) -> str:
    host, port = fields.get("Server Hostname", ""), fields.get("Server Port", "")
    if not host:
        return ""
    scheme = "https" if "SSL/TLS Protocol" in fields else "http"
    default = {"http": "80", "https": "443"}[scheme]
    host = f"[{host}]" if ":" in host else host
    where = host if port in ("", default) else f"{host}:{port}"
    return f"{scheme}://{where}{fields.get('Document Path', '/')}"


def read_ab_csv(path: Path, url: str | None) -> ImportedSummary:
    """Read the percentiles that ``ab -e`` writes; their file has nothing else."""
    place = Place(path)
    points: list[Point] = []
    for row, line in enumerate(lines(path, place)):
        if row == 0 or not line.strip():
            continue
        with place:
            percent, value = line.split(",")
            points.append(Point(ratio(percent), nanoseconds(value, NS_PER_MS)))
            if len(points) > 1 and points[-1] < points[-2]:
                raise ValueError("the table decreases here")
    with place:
        if not points or points[-1].ratio < 0.99:
            raise ValueError("the table was cut off: its last line is that of 99 or 100 percent")
    return summary_of(
        path,
        "ab-csv",
        "ab",
        url=url or "",
        min_ns=points[0].value_ns if points[0].ratio == 0 else None,
        max_ns=points[-1].value_ns if points[-1].ratio == 1 else None,
        percentiles=points,
        notes=["the file has neither counts nor errors, nor a duration"],
    )


def read_ab_tsv(path: Path, collector: Collector) -> Run:
    """Read the requests that ``ab -g`` writes, sorted by their duration."""
    place = Place(path)
    for fields in Table(path, place, _TSV_COLUMNS, delimiter="\t"):
        with place.entry:
            sent_ns = integer(fields["seconds"]) * NS_PER_S
            collector.add(
                sent_ns,
                0,
                sent_ns + nanoseconds(fields["ttime"], NS_PER_MS),
                status=0,
                endpoint=collector.endpoint("GET", ""),
            )
    missing = ["statuses and failures", "methods", "bytes received", "first bytes"]
    missing.append("new connections")
    notes = [
        "durations are whole milliseconds, and starts whole seconds: rates over a few seconds"
        " mean nothing",
        "ab writes failed requests like others: that there are 0 errors means nothing",
        *place.notes,
    ]
    return collector.run(path, "ab-tsv", "ab", missing=missing, notes=notes)
