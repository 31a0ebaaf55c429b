"""Read vegeta's reports: ``vegeta report -type=json``, in ns, and ``vegeta report``, a text.

Percentiles are estimates of a t-digest. A request failed without a status from 200 to 399.
(https://github.com/tsenart/vegeta, ``lib/metrics.go`` and ``lib/reporters.go``)
"""

from __future__ import annotations

import re
from pathlib import Path

from benchlab.exchange.parsing import parse_rfc3339_ns
from benchlab.exchange.tools.summaries import (
    document,
    integer,
    nanoseconds,
    number,
    report,
    summary_of,
    text,
)
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_S, parse_duration_s

__all__ = ["ESTIMATED", "read_vegeta_report_json", "read_vegeta_report_text"]

ESTIMATED = "vegeta estimates percentiles with a t-digest"

_RATIOS = {"50th": 0.5, "90th": 0.9, "95th": 0.95, "99th": 0.99}
_ROW = re.compile(
    r"^(?P<name>[A-Z]\w+(?: \w+)?)[ \t]+\[(?P<columns>[^\]\n]*)\](?P<values>[^\n]*)\n", re.MULTILINE
)
_CODE = re.compile(r"(\d+):(\d+)")


def read_vegeta_report_json(path: Path, url: str | None) -> ImportedSummary:
    """Read the metrics in a JSON file."""
    with document(path, "vegeta") as data:
        latency, count = data["latencies"], integer(data["requests"])
        errors = _failed({code: integer(n) for code, n in data["status_codes"].items()})
        start = text(data.get("earliest"))
        return summary_of(
            path,
            "vegeta-report-json",
            "vegeta",
            url=url or "",
            started_at_ns=parse_rfc3339_ns(start) if start and count else None,
            duration_s=(number(data["duration"]) + number(data["wait"])) / NS_PER_S,
            count=count,
            error_count=sum(errors.values()),
            rate_rps=number(data["rate"]),
            mean_ns=nanoseconds(latency["mean"], 1) if count else None,
            min_ns=nanoseconds(latency["min"], 1) if count and "min" in latency else None,
            max_ns=nanoseconds(latency["max"], 1) if count else None,
            percentiles=[
                Point(at, nanoseconds(latency[name], 1))
                for name, at in _RATIOS.items()
                if count and name in latency
            ],
            errors=errors,
            notes=[ESTIMATED],
        )


def read_vegeta_report_text(path: Path, url: str | None) -> ImportedSummary:
    """Read the table of metrics in a text file."""
    with report(path, "vegeta") as table:
        rows = {row["name"]: row for row in _ROW.finditer(table)}
        cells = {
            f"{name} {column.strip()}": value.strip()
            for name, row in rows.items()
            for column, value in zip(
                row["columns"].split(","), row["values"].split(","), strict=False
            )
        }
        count, columns = integer(cells["Requests total"]), rows["Latencies"]["columns"].split(",")
        errors, notes = {}, [ESTIMATED]
        codes = rows.get("Status Codes")
        if codes is None:
            notes.append("the report ends before its status codes: failures are unknown")
        else:
            errors = _failed({code: int(n) for code, n in _CODE.findall(codes["values"])})
        latency = {
            column: nanoseconds(parse_duration_s(cells[f"Latencies {column}"]), NS_PER_S)
            for column in map(str.strip, columns if count else [])
        }
        return summary_of(
            path,
            "vegeta-report",
            "vegeta",
            url=url or "",
            duration_s=parse_duration_s(cells["Duration total"]),
            count=count,
            error_count=None if codes is None else sum(errors.values()),
            rate_rps=number(cells["Requests rate"]) if "Requests rate" in cells else None,
            mean_ns=latency.get("mean"),
            min_ns=latency.get("min"),
            max_ns=latency.get("max"),
            percentiles=[
                Point(int(column) / 100, value)
                for column, value in latency.items()
                if column.isdigit()
            ],
            errors=errors,
            notes=notes,
        )


def _failed(codes: dict[str, int]) -> dict[str, int]:
    """The counts of statuses outside 200 to 399; status 0 is no response."""
    return {
        "no response" if int(code) == 0 else f"status {code}": n
        for code, n in codes.items()
        if not 200 <= int(code) < 400
    }
