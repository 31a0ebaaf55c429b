"""A call: a stream of HTTP/2 whose response has messages, and a gRPC status at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from benchlab.load.drivers.checking import BODY_CAP_BYTES, Checker
from benchlab.load.drivers.grpc.response import CallResponse
from benchlab.load.drivers.grpc.statuses import End, content_fault, end_of_trailers, of_reset
from benchlab.load.drivers.http2.header_blocks import Fields
from benchlab.load.drivers.http2.stream import Stream, StreamOwner
from benchlab.load.drivers.streams.event_checks import EventChecker, EventChecks
from benchlab.load.recording.outcome import Excerpt, Outcome
from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.plan.stream import Stream as StreamOptions
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.records import ErrorKind
from benchlab.text import plural
from benchlab.units import NS_PER_S, format_bytes

__all__ = ["Call", "CallOwner", "Method", "ReadCall"]

_clock = time.monotonic_ns
_READ = bytearray()
"""Says that the body is to be given to a call; what is kept of it is elsewhere."""

_HTTP_OK = 200
_LEFT: End = (ErrorKind.OK, "")


class Method:
    """What a driver knows of a request's calls.

    ``stream`` is set if its responses are streams. ``decode`` gives the JSON of a response's
    messages, and ``event_checks`` are about single ones. ``is_read``: its responses are read in
    full, since they stream or have checks.
    """

    __slots__ = ("deadline_ns", "decode", "event_checks", "is_read", "stream")

    def __init__(
        self,
        deadline_ns: int,
        decode: Callable[[Sequence[bytes]], bytes],
        stream: StreamOptions | None,
        event_checks: EventChecks | None,
        *,
        is_read: bool,
    ) -> None:
        self.deadline_ns = deadline_ns
        self.decode = decode
        self.stream = stream
        self.event_checks = event_checks
        self.is_read = is_read


class CallOwner(StreamOwner, Protocol):
    """The part of the driver that its calls use."""

    methods: list[Method]

    def free(self, connection: Any, now: int) -> None:
        """A stream has ended."""


class Call(Stream):
    """A call and its response.

    On the quick path DATA is a single message in one piece, of which only the size is looked at,
    and headers and trailers are remembered ones. Everything else is read by a `CallResponse`.
    """

    __slots__ = ("_has_message", "_response")

    owner: CallOwner

    def __init__(
        self, owner: CallOwner, seq: int, endpoint: int, intended: int, sent: int, flags: int
    ) -> None:
        # What the base class does: calling it would cost as much as all of this.
        self.owner = owner
        self.seq = seq
        self.endpoint = endpoint
        self.intended = intended
        self.sent = sent
        self.flags = flags
        self.first = self.bytes_in = 0
        self.fields = self.tail = self._response = None
        self.body = _READ
        self._has_message = False

    _response: CallResponse | None

    @property
    def time_limit_ns(self) -> int:
        """How long the call may take."""
        return self.owner.methods[self.endpoint].deadline_ns

    def data(self, chunk: bytes, now: int) -> None:
        """A part of the messages came."""
        response = self._response
        if response is None:
            # A flag of 0 and the length, read as one number.
            if int.from_bytes(chunk[:5]) == len(chunk) - 5 and not self._has_message:
                self._has_message = True
                return
            assert self.fields is not None
            response = self._read_in_full(self.fields)
        done, meter = response.data(chunk), response.meter
        is_full = False
        if meter is not None:
            stream = self.owner.methods[self.endpoint].stream
            assert stream is not None
            if stream.max_events is not None:
                done = done[: stream.max_events - meter.events]
            for length in done:
                meter.event(now, length)
            is_full = meter.events == stream.max_events
        if response.is_broken or is_full:
            # Its connection still reads the frame; the stream may even end with it.
            asyncio.get_running_loop().call_soon(self._leave)

    def ended(self, now: int) -> None:
        """The response is complete."""
        owner, tail, head = self.owner, self.tail, self.fields
        assert head is not None
        if (
            tail is not None
            and self._has_message
            and self._response is None
            and (head.is_good or is_good(head))
            and (tail.is_good or is_good(tail))
            and now - self.sent <= owner.methods[self.endpoint].deadline_ns
        ):
            owner.in_flight -= 1
            owner.record(
                self.seq,
                self.intended,
                self.sent,
                self.first,
                now,
                self.bytes_in,
                _HTTP_OK,
                self.endpoint,
                0,
                self.flags,
                self.connection.number,
            )
            return
        response = self._response or self._read_in_full(head)
        if tail is not None:
            response.trailers(end_of_trailers(tail.headers()))
        self._conclude(response, response.end(), now)

    def _conclude(self, response: CallResponse, end: End, now: int, silent_until: int = 0) -> None:
        """Record the call, which ended as its response says, or was left at ``silent_until``."""
        checker = self.owner.checkers[self.endpoint]
        if checker is not None:
            end = self._check(response, checker, end)
        error, message = end
        if now - self.sent > self.time_limit_ns:
            self.fail_late(now)
        elif error:
            self.failed(error, message, now)
        else:
            self._record_stream(silent_until)
            self.owner.in_flight -= 1
            self.owner.recording.finish(self.outcome(error, message, now))

    def failed(self, error: ErrorKind, message: str, now: int, code: int = 0) -> None:
        """The call failed; ``code`` is that of HTTP/2, if the service reset its stream.

        What gRPC has a status for is that status; the connection's own failures stay what they are.
        """
        broke_off = not error.grpc_status
        is_late = now - self.sent >= self.time_limit_ns
        if error is ErrorKind.STREAM_RESET:
            error = of_reset(code)
            if is_late and error is ErrorKind.GRPC_CANCELLED:
                error = ErrorKind.GRPC_DEADLINE_EXCEEDED  # the service's clock was first
        elif error is ErrorKind.GOAWAY:
            error = ErrorKind.GRPC_UNAVAILABLE
        elif error is ErrorKind.TIMEOUT and self.connection.is_settled:
            error = ErrorKind.GRPC_DEADLINE_EXCEEDED
        response = self._response
        if response is not None and response.meter is not None:
            if broke_off and not message:
                events = plural(response.meter.events, "message")
                message = f"the stream broke off after {events}"
            self._record_stream(now)
        super().failed(error, message, now)

    def outcome(self, error: ErrorKind, message: str, now: int) -> Outcome:
        """What is recorded of it, with the part of its response that an example shows."""
        return super().outcome(error, message, now)._replace(excerpt=self.excerpt)

    def _read_in_full(self, fields: Fields) -> CallResponse:
        method = self.owner.methods[self.endpoint]
        response = self._response = CallResponse(
            streams=method.stream is not None,
            keep_bytes=self.owner.body_limits[self.endpoint],
            has_message=self._has_message,
        )
        response.headers(fields.status, fields.headers())
        if method.stream is not None:
            stream = method.stream
            response.meter = StreamMeter(stream.stall_ns, keeps_events=stream.rows)
            if stream.max_s is not None:
                left_s = stream.max_s - (_clock() - self.sent) / NS_PER_S
                response.timer = asyncio.get_running_loop().call_later(left_s, self._leave)
        return response

    def _record_stream(self, silent_until: int) -> None:
        """Record what was measured of a stream, which failed or was left at ``silent_until``."""
        response = self._response
        if response is not None and response.meter is not None:
            self.owner.recording.add_stream(self.seq, response.meter, silent_until)
            if response.timer is not None:
                response.timer.cancel()

    def _check(self, response: CallResponse, checker: Checker, end: End) -> End:
        """Evaluate the checks, which may want another status than OK."""
        method = self.owner.methods[self.endpoint]
        needs_messages = checker.needs_body or method.event_checks is not None
        messages, why = response.messages() if needs_messages else ([], "")
        if why and not end[0]:
            return ErrorKind.GRPC_INTERNAL, why
        error, message = checker.evaluate_call(*end, messages, self.bytes_in)
        if error or method.event_checks is None:
            return error, message
        fault = self._check_events(messages, method, method.event_checks)
        return (ErrorKind.CHECK, fault) if fault else (ErrorKind.OK, "")

    def _check_events(self, messages: list[bytes], method: Method, checks: EventChecks) -> str:
        """Why the checks on the messages of a stream do not hold; empty if they do."""
        if self.bytes_in > BODY_CAP_BYTES:
            cap = format_bytes(BODY_CAP_BYTES)
            return f"the stream has {format_bytes(self.bytes_in)}, of which checks read {cap}"
        checker = EventChecker(checks)
        for message in messages:
            try:
                checker.event(method.decode([message])[1:-1])  # an array of one
            except ValueError as exc:
                return f"the message {exc}"
        return checker.finish()

    def excerpt(self) -> Excerpt:
        """The part of its response that an example shows: headers, trailers and messages."""
        if self.fields is None:
            return Excerpt()
        headers = self.fields.headers()
        if self.tail is not None:
            headers += self.tail.headers()
        body = b""
        response = self._response
        if response is not None:
            body, why = _json_of(response, self.owner.methods[self.endpoint])
            if why:
                body = b"".join(response.messages()[0])
        return Excerpt(headers, body[:BODY_BYTES], self.bytes_in)

    def _leave(self) -> None:
        """End a call whose messages cannot be read, or of which enough is read."""
        connection, response = self.connection, self._response
        assert response is not None
        if connection.streams.get(self.id) is self:
            now = _clock()
            connection.cancel(self)
            self._conclude(response, response.end() if response.is_broken else _LEFT, now, now)
            self.owner.free(connection, now)


class ReadCall(Call):
    """A call whose response may have to be read in full from its headers on."""

    __slots__ = ()

    reads_headers = True

    def headers(self, block: bytes, fields: Fields, now: int) -> None:
        """The header fields of the final response came."""
        super().headers(block, fields, now)
        if self.owner.methods[self.endpoint].is_read:
            self._read_in_full(fields)


def is_good(fields: Fields) -> bool:
    """Whether headers or trailers are those of a call that succeeds, and remember that."""
    end = end_of_trailers(fields.headers())
    if fields.status:
        content_type = (fields.get(b"content-type") or b"").decode("latin-1")
        fields.is_good = (
            fields.status == _HTTP_OK and not content_fault(content_type) and end is None
        )
    else:
        fields.is_good = end is not None and not end[0]
    return fields.is_good


def _json_of(response: CallResponse, method: Method) -> tuple[bytes, str]:
    """The messages of a response as JSON; and why that is not possible, or nothing."""
    messages, why = response.messages()
    if why:
        return b"", why
    try:
        return method.decode(messages), ""
    except ValueError as exc:
        return b"", f"a message cannot be read: {exc}"
