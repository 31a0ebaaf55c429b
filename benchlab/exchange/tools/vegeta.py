"""Read vegeta's results as ``vegeta encode`` writes them: JSON lines and CSV.

vegeta starts the clock when a worker picks a request up, so latency excludes the wait for a worker.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchlab.exchange.parsing import Place, csv_rows, lines, parse_rfc3339_ns
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind

__all__ = ["read_vegeta_csv", "read_vegeta_json"]

_MISSING = ("first bytes", "new connections")
_CSV_WIDTHS = (9, 11, 12)  # without method, address and headers; without headers; all


def read_vegeta_json(path: Path, collector: Collector) -> Run:
    """Read the requests of ``vegeta encode --to json``."""
    place = Place(path)
    for line in lines(path, place):
        if not line or line.isspace():
            continue
        with place.entry:
            hit = json.loads(line)
            _add(
                collector,
                parse_rfc3339_ns(hit["timestamp"]),
                int(hit["latency"]),
                int(hit["code"]),
                int(hit["bytes_in"]),
                hit["error"] or "",
                hit.get("method") or "GET",
                hit.get("url") or "",
            )
    return collector.run(path, "vegeta-json", "vegeta", missing=_MISSING, notes=place.notes)


def read_vegeta_csv(path: Path, collector: Collector) -> Run:
    """Read the requests of ``vegeta encode --to csv``, which has no header.

    Old versions of vegeta wrote no methods and addresses, or no headers.
    """
    place, missing = Place(path), set(_MISSING)
    for row in csv_rows(path, place):
        with place.entry:
            if len(row) not in _CSV_WIDTHS:
                widths = ", ".join(map(str, _CSV_WIDTHS))
                raise ValueError(f"the row has {len(row)} columns, expected {widths}")
            time, code, latency, _, bytes_in, error = row[:6]
            method, to = row[9:11] or ("", "")
            _add(
                collector, int(time), int(latency), int(code), int(bytes_in), error,
                method or "GET", to,
            )  # fmt: skip
            if not to:
                missing.add("methods")
    return collector.run(path, "vegeta-csv", "vegeta", missing=sorted(missing), notes=place.notes)


def _add(
    collector: Collector,
    sent_ns: int,
    latency_ns: int,
    status: int,
    bytes_in: int,
    error: str,
    method: str,
    url: str,
) -> None:
    failed = bool(error) or not 200 <= status < 400
    collector.add(
        sent_ns,
        0,
        sent_ns + latency_ns,
        bytes_in=bytes_in,
        status=status,
        endpoint=collector.endpoint(method, url),
        error=kind_of_failure(status, error) if failed else ErrorKind.OK,
        message=error,
    )
