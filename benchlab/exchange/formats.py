"""Detect the format of a file by its first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.own.export import CSV_MARK
from benchlab.exchange.parsing import Place, chunks
from benchlab.text_files import decode_text

__all__ = ["SOURCES", "Source", "detect"]

_SNIFFED_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Source:
    """An importable format: the command that writes it, and a test of a file's first bytes."""

    written_by: str
    matches: Callable[[bytes], object]


def _starts(mark: bytes) -> Callable[[bytes], object]:
    return lambda head: head.startswith(mark)


def _has(pattern: bytes) -> Callable[[bytes], object]:
    return re.compile(pattern, re.DOTALL).search


SOURCES: dict[str, Source] = {
    "parquet": Source("benchlab export --format parquet", _starts(b"PAR1")),
    "arrow": Source("benchlab export --format arrow", _starts(b"ARROW1")),
    "csv": Source("benchlab export --format csv", _starts(CSV_MARK.encode())),
    "k6-json": Source(
        "k6 run --out json=FILE",
        # Lines of k6's log may stand between, if both were written to the same place.
        _has(rb'\A(?:\s|time="[^\n]*\n)*\{(?=[^\n]*"metric":)[^\n]*"type":"(Metric|Point)"'),
    ),
    "k6-csv": Source("k6 run --out csv=FILE", _starts(b"metric_name,timestamp,metric_value")),
    "vegeta-json": Source(
        "vegeta encode --to json", _has(rb'\A\s*\{"attack":[^\n]*"seq":[^\n]*"latency":')
    ),
    "vegeta-csv": Source("vegeta encode --to csv", _has(rb"\A\d{16,19},\d{1,3},\d+,\d+,\d+,")),
    "oha-json": Source(
        "oha --output-format json", _has(rb'\A\s*\{\s*"summary":\s*\{\s*"successRate"')
    ),
    "oha-csv": Source("oha --output-format csv", _starts(b"request-start,DNS,")),
    "locust-history": Source(
        "locust --csv NAME: NAME_stats_history.csv", _has(rb'\A"?Timestamp"?,"?User Count"?,')
    ),
    "locust-stats": Source(
        "locust --csv NAME: NAME_stats.csv", _has(rb'\A"?Type"?,"?Name"?,"?Request Count"?,')
    ),
    "jtl-csv": Source(
        "jmeter -l FILE, as CSV",
        # A header with any delimiter and order, or a row of JMeter's default columns.
        _has(
            rb"\A(?=[^\n]*\btimeStamp\b)(?=[^\n]*\belapsed\b)[^\n]*\bresponseCode\b"
            rb"|\A\d{13}(\W)\d+\1[^\n]*\1(?:true|false)\1"
        ),
    ),
    "jtl-xml": Source("jmeter -l FILE, as XML", _has(rb"<testResults\b")),
    "hgrm": Source(
        "wrk2 --latency, or HdrHistogram's .hgrm",
        _has(rb'\n?\s*"?Value"?[ \t,]+"?Percentile"?[ \t,]+"?TotalCount'),
    ),
}
"""Formats by name (as in ``--from``), in the order of detection."""


def detect(path: Path) -> str:
    """Return the name of the format of a file.

    Raises:
        InputError: no format matches; the message lists them all.
    """
    data = b""
    for chunk in chunks(path, Place(path)):
        data += chunk
        if len(data) >= _SNIFFED_BYTES:
            break
    head = decode_text(data, "replace").encode()
    for name, source in SOURCES.items():
        if source.matches(head):
            return name
    if not head.strip():
        raise InputError(f"{path} is empty")
    hint = ""
    if b"Result" in head[:32] and b"Attack" in head[:64]:
        hint = ". It looks like vegeta's binary encoding: convert it with vegeta encode --to json"
    raise InputError(
        f"the format of {path} cannot be detected: name it with --from ({', '.join(SOURCES)}){hint}"
    )
