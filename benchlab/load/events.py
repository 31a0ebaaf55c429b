"""What a worker reports to its supervisor: a JSON object on each line of its standard output.

{"event": "ready"}                  it is ready to start
{"event": "stopping"}               it sends nothing new for reasons of its own
{"event": "error", "kind": …, …}    it cannot start: the error's class and its arguments
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from benchlab.errors import BenchlabError, error_from_data, error_to_data

__all__ = ["READY", "STOPPING", "Event", "error_line", "parse_event"]

READY = b'{"event": "ready"}\n'
STOPPING = b'{"event": "stopping"}\n'


class Event(NamedTuple):
    """A line of a worker; ``error`` is what it could not start for."""

    name: Literal["ready", "stopping", "error"]
    error: BenchlabError | None = None


def error_line(error: BenchlabError) -> bytes:
    """The line that reports ``error``."""
    report = {"event": "error", **error_to_data(error)}
    return json.dumps(report).encode() + b"\n"


def parse_event(line: bytes) -> Event:
    """The event in a line."""
    data: dict[str, Any] = json.loads(line)
    if data["event"] != "error":
        return Event(data["event"])
    return Event("error", error_from_data(data))
