"""Events that a process reports to whoever started it: a JSON object per line of standard output.

{"event": "ready"}                  the worker is ready to start
{"event": "stopping"}               it sends no new requests, by its own decision
{"event": "error", "kind": …, …}    it cannot start; the error's class and its arguments

These are a worker's. A supervisor that is a process of its own reports one: an error, or

{"event": "started"}                the run has started
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from benchlab.decoding import decode
from benchlab.errors import BenchlabError, error_from_data, error_to_data

__all__ = ["READY", "STARTED", "STOPPING", "Event", "error_line", "parse_event"]

READY = b'{"event": "ready"}\n'
STARTED = b'{"event": "started"}\n'
STOPPING = b'{"event": "stopping"}\n'


class Event(NamedTuple):
    """An event of a process; ``error`` is the reason why it could not start."""

    name: Literal["ready", "stopping", "started", "error"]
    error: BenchlabError | None = None


def error_line(error: BenchlabError) -> bytes:
    """Encode ``error`` as the line of an event."""
    report = {"event": "error", **error_to_data(error)}
    return json.dumps(report).encode() + b"\n"


def parse_event(line: bytes) -> Event:
    """Decode the line of an event.

    Raises:
        ValueError: the line is something else.
    """
    data = decode(line, dict[str, Any], where="the event")
    match data:
        case {"event": "ready" | "stopping" | "started" as name}:
            return Event(name)
        case {"event": "error"}:
            return Event("error", error_from_data(data))
    raise ValueError(f"{data!r} is not an event")
