"""Read oha's results: a summary (``--output-format json``) or requests (``--output-format csv``).

The CSV has only the requests that got a response; the JSON also counts the others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.exchange.parsing import (
    LONGEST_BYTES,
    Place,
    Table,
    content_digest,
    number,
    too_long,
    whole,
)
from benchlab.exchange.tools.collect import Collector
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.text import one_line
from benchlab.text_files import open_bytes
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
    if not collector.url:
        missing.append("the address")
    if _FIRST_BYTE not in table.names:
        missing.append("first bytes")
    return collector.run(path, "oha-csv", "oha", missing=missing, notes=place.notes, clock=False)


def read_oha_json(path: Path, url: str | None) -> ImportedSummary:
    """Read the summary in a JSON file."""
    try:
        with open_bytes(path) as file:
            text = file.read(LONGEST_BYTES + 1)
        if len(text) > LONGEST_BYTES:
            raise InputError(f"{path}: {too_long('file')}")
        data: Mapping[str, Any] = json.loads(text)
        return _summary(path, url, data)
    except InputError:
        raise
    except json.JSONDecodeError as exc:
        raise InputError(f"{path}:{exc.lineno}: the JSON is broken: {exc.msg}") from exc
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as exc:
        raise InputError(f"{path} is not a complete result of oha: {exc}") from exc
    except RecursionError as exc:
        raise InputError(f"{path}: the JSON is nested too deeply") from exc


def _summary(path: Path, url: str | None, data: Mapping[str, Any]) -> ImportedSummary:
    total = data["summary"]
    statuses = {int(code): whole(n) for code, n in data["statusCodeDistribution"].items()}
    errors = {one_line(text, 200): whole(n) for text, n in data["errorDistribution"].items()}
    notes = ["percentiles cover the requests that got a response"]
    if errors:
        listed = ", ".join(f"{message}: {n:,}" for message, n in sorted(errors.items()))
        notes.append(f"without a response: {listed}")
    points = [
        Point(round(float(name.removeprefix("p")) / 100, 9), value_ns)
        for name, value in data["latencyPercentiles"].items()
        if (value_ns := _ns(value)) is not None
    ]
    return ImportedSummary(
        id=content_digest(path, "oha-json"),
        tool="oha",
        format="oha-json",
        name=path.name.split(".")[0],
        url=url or "",
        duration_s=number(total["total"]),
        count=sum(statuses.values()) + sum(errors.values()),
        error_count=sum(n for code, n in statuses.items() if code >= 400) + sum(errors.values()),
        rate_rps=number(total["requestsPerSec"]),
        mean_ns=_ns(total["average"]),
        min_ns=_ns(total["fastest"]),
        max_ns=_ns(total["slowest"]),
        percentiles=tuple(sorted(points)),
        notes=tuple(notes),
    )


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else whole(number(seconds) * NS_PER_S)
