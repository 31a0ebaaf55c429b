"""Read the body of a response as a stream: find its events, time and check them."""

from __future__ import annotations

from benchlab.load.drivers.streams.event_checks import EventChecker, EventChecks
from benchlab.load.drivers.streams.sse import EventParser, check_event_size
from benchlab.load.recording.recording import Recording
from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.stream import Stream
from benchlab.samples.samples import ErrorKind
from benchlab.text import plural

__all__ = ["NO_STREAM", "StreamReader", "StreamReading", "readings_of"]

NO_STREAM = "no stream came in the time that it is read for"
"""Why a request failed whose time was up before its response began."""

_BROKEN_OFF = frozenset(
    {ErrorKind.RESET, ErrorKind.CLOSED, ErrorKind.TIMEOUT, ErrorKind.ABANDONED, ErrorKind.PROTOCOL}
)
_EVENT_TYPE = "text/event-stream"


class StreamReading:
    """How the responses to one request are read as streams."""

    __slots__ = ("checks", "max_ns", "stream")

    def __init__(self, request: Request, stream: Stream) -> None:
        self.stream = stream
        self.checks = EventChecks(request)
        self.max_ns = stream.max_ns

    def begin(self) -> StreamReader:
        """Read one response."""
        return StreamReader(self.stream, self.checks)


def readings_of(plan: Plan) -> list[StreamReading | None]:
    """How the responses to each request of ``plan`` are read; None if not as streams."""
    return [
        None if request.stream is None else StreamReading(request, request.stream)
        for request in plan.requests
    ]


class StreamReader:
    """Reads one response. All times are clock times.

    ``is_stream`` is set by `accept`: the response is a stream and its parts are read. ``is_full``:
    it had as many events as are read; what follows is not looked at. ``was_left``: it was left, or
    broke off, before it ended.
    """

    __slots__ = (
        "_checker",
        "_chunk",
        "_chunk_bytes",
        "_keeps_chunks",
        "_most",
        "_parser",
        "_problem",
        "is_full",
        "is_stream",
        "meter",
        "was_left",
    )

    def __init__(self, stream: Stream, checks: EventChecks) -> None:
        self.meter = StreamMeter(stream.stall_ns, keeps_events=stream.rows)
        self._checker = EventChecker(checks)
        self._parser = EventParser() if stream.kind == "events" else None
        self._most = stream.max_events or 0
        self._keeps_chunks = checks.read_data
        self._chunk: list[bytes] = []
        self._chunk_bytes = 0
        self._problem = ""
        self.is_stream = False
        self.is_full = False
        self.was_left = False

    def accept(self, content_type: str, encoding: str) -> None:
        """Decide by its headers whether a response without an error status is a stream."""
        if encoding.strip().lower() not in ("", "identity"):
            self._problem = (
                f"the stream is compressed as {encoding[:40]!r}, which is not read:"
                " leave Accept-Encoding out"
            )
        elif self._parser is not None and not _is_event_stream(content_type):
            found = repr(content_type[:80]) if content_type else "missing"
            self._problem = f"the Content-Type is {found}, not {_EVENT_TYPE}"
        else:
            self.is_stream = True

    def feed(self, data: bytes, now: int) -> None:
        """Read a part of the body.

        Raises:
            EventTooLongError: an event does not end.
        """
        if self.is_full:
            return
        if self._parser is None:
            self._chunk_bytes += len(data)
            if self._keeps_chunks:
                self._chunk.append(data)
                check_event_size(self._chunk_bytes)
            return
        for event in self._parser.feed(data):
            if self._note(event, len(event), now):
                return

    def end_chunk(self, now: int) -> None:
        """A chunk ended with what was fed last; it is an event if chunks are read."""
        if self._chunk_bytes and not self.is_full:
            self._note(b"".join(self._chunk), self._chunk_bytes, now)
        self._chunk.clear()
        self._chunk_bytes = 0

    def finish(self) -> str:
        """Why the stream is not what it must be, now that it ended; empty if it is."""
        if not self.is_stream:
            return self._problem
        if self._parser is not None and self._parser.is_inside and not self.was_left:
            count = plural(self.meter.events, "event")
            return f"the stream ended in the middle of an event, after {count}"
        return self._checker.finish()

    def fail(self, error: ErrorKind, message: str) -> str:
        """Note that the request failed; returns ``message``, or else what is known of the stream.

        That is how far it came, or why there was none.
        """
        if error not in _BROKEN_OFF:
            return message
        if not self.is_stream:
            return message or self._problem
        self.was_left = True
        return message or f"the stream broke off after {plural(self.meter.events, 'event')}"

    def record(self, recording: Recording, seq: int, done: int) -> None:
        """Record the stream of request ``seq``, which ended at ``done``, if it was one."""
        if self.is_stream:
            recording.add_stream(seq, self.meter, done if self.was_left else 0)

    def _note(self, event: bytes, size: int, now: int) -> bool:
        """Count an event; True if no more are read."""
        self.meter.event(now, size)
        self._checker.event(event)
        self.is_full = self.meter.events == self._most
        return self.is_full


def _is_event_stream(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == _EVENT_TYPE
