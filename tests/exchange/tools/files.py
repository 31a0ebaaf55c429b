"""Files as other tools write them, in a few lines each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchlab.exchange import import_file
from benchlab.runs.run import Run

__all__ = ["JTL_HEADER", "K6_METRICS", "imported", "jtl", "jtl_row", "k6_request", "notes_of"]

K6_METRICS = {
    "http_reqs": 1,
    "http_req_duration": 10.0,
    "http_req_blocked": 0.5,
    "http_req_connecting": 0.25,
    "http_req_tls_handshaking": 0,
    "http_req_sending": 0.5,
    "http_req_waiting": 7.5,
    "http_req_receiving": 2.0,
    "http_req_failed": 0,
}
"""The metrics of a request in k6's order, with values in ms: it takes 10.5 ms."""

JTL_HEADER = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,"
    "failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect"
)


def k6_request(
    second: int, tags: Mapping[str, str] | None, values: Mapping[str, float] = K6_METRICS
) -> list[str]:
    """The lines of a request of k6 that ended in this second."""
    time = f"2026-01-02T03:04:{second:02d}.5Z"
    return [
        json.dumps(
            {
                "metric": metric,
                "type": "Point",
                "data": {"time": time, "value": value, "tags": tags},
            },
            separators=(",", ":"),
        )
        for metric, value in values.items()
    ]


def jtl_row(number: int, **fields: object) -> str:
    """A row of JMeter's, sent ``number`` seconds after some moment, with these fields changed."""
    row = {
        **dict.fromkeys(JTL_HEADER.split(","), ""),
        "timeStamp": 1_700_000_000_000 + 1000 * number,
        "elapsed": 20,
        "label": "home",
        "responseCode": 200,
        "responseMessage": "OK",
        "threadName": "T 1-1",
        "dataType": "text",
        "success": "true",
        "bytes": 500,
        "sentBytes": 100,
        "grpThreads": 1,
        "allThreads": 1,
        "URL": "http://shop.test/",
        "Latency": 15,
        "IdleTime": 0,
        "Connect": 1,
        **fields,
    }
    return ",".join(map(str, row.values()))


def jtl(rows: Iterable[str]) -> str:
    """A file of JMeter's with these rows."""
    return "\n".join([JTL_HEADER, *rows, ""])


def imported(directory: Path, text: str | bytes, **options: Any) -> Run:
    """The run in a file with this content."""
    path = directory / "results"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    run = import_file(path, **options)
    assert isinstance(run, Run)
    return run


def notes_of(run: Run) -> str:
    """The notes on an imported run."""
    return "\n".join(run.environment["imported"]["notes"])
