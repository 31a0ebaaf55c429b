"""Read Gatling's ``simulation.log`` in its text form, which Gatling up to 3.11 writes.

A line is a record whose fields are separated by tabs. That of a request ends with its name, start
and end in milliseconds since 1970, OK or KO, and a message; what comes before the name differs
between versions, but its last field is the groups. Times include connecting. The lines of groups
are sums of requests, and are skipped. (https://github.com/gatling/gatling,
``LogFileDataWriter.scala`` in ``gatling-core``)
"""

from __future__ import annotations

import re
from pathlib import Path

from benchlab.exchange.parsing import Place, lines
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind
from benchlab.units import NS_PER_MS

__all__ = ["read_gatling"]

_MISSING = (
    "methods",
    "statuses of good requests",
    "bytes received",
    "first bytes",
    "new connections",
)
_MESSAGE_CHARACTERS = 2_000
_FOUND_STATUS = re.compile(r"status\.find\b.*\bfound (\d{3})\b")
_CHECK = re.compile(r"\.(?:find|findAll|findRandom|count|exists|notExists)\b")


def read_gatling(path: Path, collector: Collector) -> Run:
    """Read the requests in a log file."""
    place, errors = Place(path), 0
    for line in lines(path, place):
        kind, _, rest = line.partition("\t")
        if kind == "ERROR":
            errors += 1
        if kind != "REQUEST":
            continue
        with place.entry:
            _add(collector, rest.split("\t"))
    notes = ["times are whole milliseconds", *place.notes]
    if errors:
        notes.append(f"{errors:,} errors of users outside requests are not in the samples")
    return collector.run(path, "gatling", "Gatling", missing=_MISSING, notes=notes)


def _add(collector: Collector, fields: list[str]) -> None:
    state = next(
        (
            index
            for index in range(4, len(fields))
            if fields[index] in ("OK", "KO") and fields[index - 1].isdecimal()
        ),
        None,
    )
    if state is None:
        raise ValueError("the record of the request is cut off, or of an unknown form")
    groups, name, start, end = fields[state - 4 : state]
    message = " ".join(fields[state + 1 :])[:_MESSAGE_CHARACTERS].strip()
    failed = fields[state] == "KO"
    status = 0
    if failed and (found := _FOUND_STATUS.search(message)):
        status = int(found[1])
    collector.add(
        int(start) * NS_PER_MS,
        0,
        int(end) * NS_PER_MS,
        status=status,
        endpoint=collector.endpoint(
            "GET", "", " / ".join([*filter(None, groups.split(",")), name])
        ),
        error=_kind(status, message) if failed else ErrorKind.OK,
        message=message if failed else "",
    )


def _kind(status: int, message: str) -> ErrorKind:
    if status < 400 and _CHECK.search(message):
        return ErrorKind.CHECK
    return kind_of_failure(status, message)
