"""Read autocannon's result (``autocannon --json``): a summary, in milliseconds.

Its histogram holds whole milliseconds, rounded down. With ``--excludeErrorStats`` it lacks the
responses of another status than 2xx, and with a rate it has more values than there were responses,
to correct for coordinated omission. Its minimum is the smallest that is not 0, so it is left out.
(https://github.com/mcollina/autocannon, ``lib/run.js``)
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
    ratio,
    summary_of,
    text,
)
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_MS

__all__ = ["read_autocannon"]

_PERCENTILE = re.compile(r"p(\d+(?:_\d+)?)")


def read_autocannon(path: Path, url: str | None) -> ImportedSummary:
    """Read the result in a JSON file."""
    with document(path, "autocannon") as data:
        latency, responses = data["latency"], integer(data["requests"]["total"])
        unanswered, timeouts = integer(data["errors"]), integer(data.get("timeouts", 0))
        status, mismatches = integer(data["non2xx"]), integer(data.get("mismatches", 0))
        measured = integer(latency.get("totalCount", data["2xx"]))
        notes = ["latencies are whole milliseconds, rounded down, so 0 is less than 1 ms"]
        if measured != responses:
            notes.append(
                f"the percentiles are those of {measured:,} values, for {responses:,} responses:"
                " autocannon corrects for coordinated omission where it was given a rate, and may"
                " leave out errors"
            )
        error_count: int | None = unanswered + status + mismatches
        if status and mismatches:
            error_count = None
            notes.append("how many responses had both a wrong status and a wrong body is unknown")
        start = text(data.get("start"))
        return summary_of(
            path,
            "autocannon-json",
            "autocannon",
            url=url or text(data.get("url")),
            started_at_ns=parse_rfc3339_ns(start) if start else None,
            duration_s=number(data["duration"]),
            count=responses + unanswered,
            error_count=error_count,
            rate_rps=number(data["requests"]["average"]),
            mean_ns=nanoseconds(latency["average"], NS_PER_MS) if measured else None,
            max_ns=nanoseconds(latency["max"], NS_PER_MS) if measured else None,
            percentiles=[
                Point(ratio(match[1].replace("_", ".")), nanoseconds(value, NS_PER_MS))
                for name, value in latency.items()
                if measured and (match := _PERCENTILE.fullmatch(name))
            ],
            errors={
                "timeout": timeouts,
                "no response": unanswered - timeouts,
                "status not 2xx": status,
                "unexpected body": mismatches,
            },
            notes=notes,
        )
