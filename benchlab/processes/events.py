"""Events that a process reports to whoever started it: a JSON object per line of standard output.

{"event": "ready"}                  the process is ready to start
{"event": "stopping"}               a worker sends no new requests, by its own decision
{"event": "error", "kind": …, …}    it cannot start; the error's class and its arguments

The process that makes a run's faults adds to two of them: {"event": "ready", "resolve": {…}} has
the addresses of the proxies it has started, by the ``host:port`` that they stand before, and
{"event": "stopping", "reason": …} why the run has to end.

A supervisor that is a process of its own reports one: an error, or

{"event": "started"}                the run has started
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from benchlab.decoding import decode
from benchlab.errors import BenchlabError, error_from_data, error_to_data

__all__ = [
    "READY",
    "STARTED",
    "STOPPING",
    "Event",
    "error_line",
    "parse_event",
    "ready_line",
    "stopping_line",
]

READY = b'{"event": "ready"}\n'
STARTED = b'{"event": "started"}\n'
STOPPING = b'{"event": "stopping"}\n'

_NOWHERE: Mapping[str, str] = {}


class Event(NamedTuple):
    """An event of a process; ``error`` is the reason why it could not start."""

    name: Literal["ready", "stopping", "started", "error"]
    error: BenchlabError | None = None
    reason: str = ""
    resolve: Mapping[str, str] = _NOWHERE


class _Line(msgspec.Struct):
    event: Literal["ready", "stopping", "started", "error"]
    reason: str = ""
    resolve: dict[str, str] = {}
    kind: object = None
    arguments: object = None


def error_line(error: BenchlabError) -> bytes:
    """Encode ``error`` as the line of an event."""
    return _line({"event": "error", **error_to_data(error)})


def ready_line(resolve: Mapping[str, str]) -> bytes:
    """The line of a process that is ready, with addresses to connect to instead."""
    return _line({"event": "ready", "resolve": dict(resolve)})


def stopping_line(reason: str) -> bytes:
    """The line that ends the run for a ``reason``."""
    return _line({"event": "stopping", "reason": reason})


def parse_event(line: bytes) -> Event:
    """Decode the line of an event.

    Raises:
        ValueError: the line is something else.
    """
    data = decode(line, _Line, where="the event")
    if data.event == "error":
        return Event("error", error_from_data({"kind": data.kind, "arguments": data.arguments}))
    return Event(data.event, None, data.reason, data.resolve)


def _line(data: Mapping[str, object]) -> bytes:
    return json.dumps(data).encode() + b"\n"
