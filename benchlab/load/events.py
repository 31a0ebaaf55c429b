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
    """Decode the line of an event.

    Raises:
        ValueError: the line is something else.
    """
    data = json.loads(line)
    match data:
        case {"event": "ready" | "stopping" as name}:
            return Event(name)
        case {"event": "error", "kind": str(kind), "arguments": {**arguments}}:
            return Event("error", _error(kind, arguments))
    raise ValueError(f"{data!r} is no event")


def _error(kind: str, arguments: dict[Any, Any]) -> BenchlabError:
    found = getattr(errors, kind, None)
    if not (isinstance(found, type) and issubclass(found, BenchlabError)):
        raise ValueError(f"{kind!r} is no kind of error")
    try:
        return found(**arguments)
    except TypeError as exc:
        raise ValueError(f"{kind} has other arguments: {exc}") from exc
