"""Events that a worker reports to its supervisor: one JSON object per line of standard output.

{"event": "ready"}                  the worker is ready to start
{"event": "stopping"}               it sends no new requests, by its own decision
{"event": "error", "kind": …, …}    it cannot start; the error's class and its arguments
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from benchlab import errors
from benchlab.errors import BenchlabError

__all__ = ["READY", "STOPPING", "Event", "error_line", "parse_event"]

READY = b'{"event": "ready"}\n'
STOPPING = b'{"event": "stopping"}\n'

_PLAIN = (str, int, float, type(None))


class Event(NamedTuple):
    """An event of a worker; ``error`` is the reason why it could not start."""

    name: Literal["ready", "stopping", "error"]
    error: BenchlabError | None = None


def error_line(error: BenchlabError) -> bytes:
    """Encode ``error`` as the line of an event."""
    data = error.to_dict()
    if not isinstance(data.get("value"), _PLAIN):
        data.pop("value", None)
    report = {"event": "error", "kind": type(error).__name__, "arguments": data}
    return json.dumps(report).encode() + b"\n"


def parse_event(line: bytes) -> Event:
    """Decode the line of an event."""
    data: dict[str, Any] = json.loads(line)
    if data["event"] != "error":
        return Event(data["event"])
    kind: type[BenchlabError] = getattr(errors, data["kind"])
    return Event("error", kind(**data["arguments"]))
