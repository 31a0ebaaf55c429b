"""Write a worker's first failed requests of each kind to the spool as they occur."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchlab.load.recording.outcome import Outcome
from benchlab.samples.examples import Quota, make_example
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.spool.storage import open_private

__all__ = ["Examples"]

_UNFINISHED = {
    ErrorKind.TIMEOUT: "the request timed out",
    ErrorKind.RESET: "the service reset the connection",
    ErrorKind.CLOSED: "the service closed the connection",
    ErrorKind.ABANDONED: "the generator stopped waiting",
    ErrorKind.STREAM_RESET: "the service reset the stream",
    ErrorKind.GOAWAY: "the service ended the connection",
}


class Examples:
    """Writes failed requests until the quota of their error kind is used up.

    After that a failure costs one lookup. After a failed write no more examples are recorded: they
    help to explain a run, but its results are complete without them.
    """

    def __init__(self, path: Path, endpoints: list[str], warmup_ns: int) -> None:
        """``endpoints`` are the names of the plan's requests; a scenario's steps are appended.

        Set ``start_ns`` when the run starts.
        """
        self._path = path
        self.endpoints = endpoints
        self._warmup_ns = warmup_ns
        self._quota = Quota()
        self._broken = False
        self.start_ns = 0

    def wants(self, error: ErrorKind, endpoint: int, intended: int) -> bool:
        """True if the failure of a request with this intended clock time is to be recorded."""
        warmup = intended - self.start_ns < self._warmup_ns
        return self._quota.wants(error.label, self.endpoints[endpoint], warmup)

    def is_complete(self, error: ErrorKind, endpoint: int, now: int) -> bool:
        """True if no failure of this kind after the clock time ``now`` is to be recorded."""
        in_warmup = now - self.start_ns < self._warmup_ns
        return not in_warmup and not self.wants(error, endpoint, now)

    def record_example(self, outcome: Outcome) -> None:
        """Write a failed request, if it `wants` it."""
        error, endpoint, intended = outcome.error, outcome.endpoint, outcome.intended
        if self._broken or not self.wants(error, endpoint, intended):
            return
        name, run_ns = self.endpoints[endpoint], intended - self.start_ns
        self._quota.take(error.label, name, run_ns < self._warmup_ns)
        message = outcome.message or _unfinished(outcome)
        example = make_example(
            error.label, name, outcome.seq, run_ns, outcome.status, message, *outcome.excerpt()
        )
        line = f"{json.dumps(example.to_dict())}\n".encode()
        try:
            with os.fdopen(open_private(self._path, os.O_WRONLY | os.O_APPEND), "ab", 0) as file:
                self._broken = file.write(line) != len(line)
        except OSError:
            self._broken = True


def _unfinished(outcome: Outcome) -> str:
    """Describe what ended a request before its response was complete; empty for other errors."""
    what, status = _UNFINISHED.get(outcome.error, ""), outcome.status
    if not what:
        return ""
    if status:
        return f"{what} after status {status} and {outcome.bytes_in:,} bytes of the body"
    lost = outcome.error in (ErrorKind.RESET, ErrorKind.CLOSED)
    reused = lost and not outcome.flags & Flag.NEW_CONNECTION
    return f"{what} before a response came{', on a reused connection' if reused else ''}"
