"""Connections: what they send, read and refuse (RFC 9113), against h2 and frames by hand."""

from __future__ import annotations

import struct

import pytest
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    RequestReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
)
from h2.settings import SettingCodes
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame, PriorityFrame

from benchlab.load.drivers.http2.frames import (
    ErrorCode,
    FrameType,
    Setting,
    encode_frame,
    encode_settings,
)
from benchlab.load.drivers.http2.header_blocks import encode_block
from benchlab.load.drivers.http2.stream import RECEIVE_WINDOW
from benchlab.samples.samples import ErrorKind
from tests.load.drivers.http2.memory import REQUEST, Service, block, in_loop

OK = [(":status", "200"), ("server", "h2")]


@in_loop
def test_a_request_and_its_response_cross() -> None:
    service = Service()
    stream = service.request(b"sent")
    got, data, ended = service.pump()
    assert isinstance(got, RequestReceived)
    assert [tuple(field) for field in got.headers or ()] == REQUEST
    assert isinstance(data, DataReceived)
    assert data.data == b"sent"
    assert isinstance(ended, StreamEnded)
    service.h2.send_headers(1, OK)
    service.h2.send_data(1, b"received", end_stream=True)
    service.pump()
    (outcome,) = service.sink.outcomes
    assert (outcome.error, outcome.status, outcome.bytes_in) == (ErrorKind.OK, 200, 8)
    assert (outcome.connection, outcome.seq) == (7, 0)
    assert outcome.sent < outcome.first_byte <= outcome.done
    assert bytes(stream.body or b"") == b"received"
    assert (service.sink.in_flight, service.sink.freed, service.connection.streams) == (0, 1, {})


@in_loop
def test_streams_end_in_any_order() -> None:
    service = Service()
    for _ in range(5):
        service.request()
    service.pump()
    for number in (5, 1, 9, 3, 7):
        service.h2.send_headers(number, OK, end_stream=True)
    service.pump()
    assert [seq for seq, *_ in service.sink.results] == [2, 0, 4, 1, 3]


@in_loop
def test_one_request_is_sent_before_the_settings_and_the_others_as_they_allow() -> None:
    service = Service(5, settled=False)
    for _ in range(5):
        service.request()
    assert len(service.connection.streams) == service.connection.most
    service.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 3})
    events = service.h2.receive_data(service.memory.take())
    assert [event.stream_id for event in events if isinstance(event, RequestReceived)] == [1]
    events = service.pump()
    assert [event.stream_id for event in events if isinstance(event, RequestReceived)] == [3, 5]
    service.h2.send_headers(3, OK, end_stream=True)
    events = service.pump()
    assert [event.stream_id for event in events if isinstance(event, RequestReceived)] == [7]
    assert service.connection.most == 3


@in_loop
def test_a_large_body_waits_for_the_windows_of_the_service() -> None:
    body = bytes(range(256)) * 1200
    service = Service()
    service.request(body)
    service.request(body)
    got = {1: bytearray(), 3: bytearray()}
    for _ in range(100):
        for event in service.pump():
            if isinstance(event, DataReceived):
                got[event.stream_id] += event.data or b""
                service.h2.acknowledge_received_data(
                    event.flow_controlled_length or 0, event.stream_id
                )
    assert got == {1: body, 3: body}


@in_loop
def test_a_changed_initial_window_and_frame_size_hold_for_open_streams() -> None:
    service = Service(settled=False)
    service.hear(encode_settings({Setting.INITIAL_WINDOW_SIZE: 10}))
    service.memory.take()
    service.request(b"x" * 50)
    assert service.memory.take().endswith(encode_frame(FrameType.DATA, 0, 1, b"x" * 10))
    service.hear(encode_settings({Setting.INITIAL_WINDOW_SIZE: 0}))  # the window is negative
    service.hear(_window_update(1, 9))
    service.memory.take()
    service.hear(_window_update(1, 11))
    assert service.memory.take() == encode_frame(FrameType.DATA, 0, 1, b"x" * 10)
    service.hear(encode_settings({Setting.INITIAL_WINDOW_SIZE: 100}))
    assert service.memory.take().endswith(encode_frame(FrameType.DATA, 1, 1, b"x" * 30))


@in_loop
def test_long_header_blocks_are_continued() -> None:
    service = Service()
    long = [*REQUEST, (b"x-long", b"v" * 40_000)]
    service.request(head=encode_block(long))
    (got, _) = service.pump()
    assert isinstance(got, RequestReceived)
    assert [value for name, value in got.headers or () if name == b"x-long"] == [b"v" * 40_000]


@in_loop
def test_windows_are_kept_open_for_the_service() -> None:
    service = Service()
    service.request()
    service.memory.take()
    service.hear(encode_frame(FrameType.HEADERS, 4, 1, block()))
    frames = encode_frame(FrameType.DATA, 0, 1, bytes(16384)) * 64
    for _ in range(RECEIVE_WINDOW // 2 // (16384 * 64) + 1):
        service.hear(frames)
    updates = service.memory.take()
    assert updates.count(encode_frame(FrameType.WINDOW_UPDATE, 0, 0, b"")[3:]) == 1
    assert updates.count(encode_frame(FrameType.WINDOW_UPDATE, 0, 1, b"")[3:]) == 1


@in_loop
def test_pings_and_settings_are_acknowledged() -> None:
    service = Service()
    service.h2.ping(b"12345678")
    service.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 50})
    kinds = {type(event) for event in service.pump()}
    assert {PingAckReceived, SettingsAcknowledged} <= kinds


@in_loop
def test_after_a_goaway_requests_above_the_last_were_not_processed() -> None:
    service = Service()
    for _ in range(3):
        service.request()
    service.pump()
    service.hear(_goaway(3, ErrorCode.ENHANCE_YOUR_CALM, b"too many"))
    ((seq, kind, message),) = service.sink.results
    assert (seq, kind) == (2, "goaway")
    assert "ENHANCE_YOUR_CALM: too many" in message
    assert "did not process" in message
    assert (service.connection.most, service.sink.failed_with_connection) == (0, 1)
    service.hear_response(1)
    service.connection.connection_lost(None)
    assert [kind for _, kind, _ in service.sink.results] == ["goaway", "ok", "goaway"]


@in_loop
def test_a_reset_stream_leaves_the_others() -> None:
    service = Service()
    service.request()
    service.request()
    service.pump()
    service.h2.reset_stream(1, ErrorCodes.REFUSED_STREAM)
    service.h2.send_headers(3, OK, end_stream=True)
    service.pump()
    assert service.sink.results == [
        (0, "stream_reset", "the service reset the stream (REFUSED_STREAM)"),
        (1, "ok", ""),
    ]


@in_loop
def test_a_response_before_the_body_was_sent_ends_the_stream() -> None:
    service = Service()
    service.request(b"x" * 200_000)
    service.pump()
    service.h2.send_headers(1, OK, end_stream=True)
    reset = [event for event in service.pump() if isinstance(event, StreamReset)]
    assert [event.error_code for event in reset] == [ErrorCodes.CANCEL]
    assert service.sink.results == [(0, "ok", "")]


@in_loop
def test_what_comes_for_a_cancelled_stream_is_ignored() -> None:
    service = Service()
    stream = service.request()
    service.request()
    service.pump()
    stream.cancel()
    reset = list(service.h2.receive_data(service.memory.take()))
    assert [type(event) for event in reset] == [StreamReset]
    service.hear_response(1, b"late")
    service.hear_response(3)
    assert service.sink.results == [(1, "ok", "")]
    assert not service.memory.is_closed


@in_loop
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_every_form_of_a_response_is_read(piece: int, quick: bool) -> None:
    """Padding, priority, continued blocks, interim responses, trailers, unknown frames."""
    fields = block(("server", "forms"), ("content-length", "10"))
    forms = (
        _hyper(HeadersFrame(1, fields, flags=["END_HEADERS"])),
        _hyper(DataFrame(1, b"0123456789", flags=["END_STREAM"])),
        _hyper(HeadersFrame(3, block(("link", "x"), status=103), flags=["END_HEADERS"])),
        _hyper(HeadersFrame(3, fields, flags=["END_HEADERS", "PADDED"], pad_length=9)),
        _hyper(DataFrame(3, b"01234", flags=["PADDED"], pad_length=20)),
        encode_frame(FrameType.DATA, 0, 3),
        encode_frame(FrameType(4), 1, 0),
        b"\0\0\3\x77\xff\0\0\0\3abc",
        _hyper(DataFrame(3, b"56789")),
        _hyper(HeadersFrame(3, block(("x-t", "1"), status=0), flags=["END_HEADERS", "END_STREAM"])),
        _hyper(HeadersFrame(5, fields[:3], flags=["PRIORITY"])),
        _hyper(ContinuationFrame(5, b"")),
        _hyper(ContinuationFrame(5, fields[3:], flags=["END_HEADERS"])),
        _hyper(PriorityFrame(5, depends_on=3)),
        _hyper(DataFrame(5, b"0123456789")),
        _hyper(DataFrame(5, b"", flags=["END_STREAM"])),
        _hyper(HeadersFrame(7, block(status=204), flags=["END_HEADERS", "END_STREAM"])),
        _hyper(HeadersFrame(9, fields, flags=["END_HEADERS", "END_STREAM"])),
        _hyper(HeadersFrame(11, block(("content-length", "5"), status=304), flags=["END_HEADERS"])),
        _hyper(DataFrame(11, b"", flags=["END_STREAM"])),
        _hyper(HeadersFrame(13, block(status=503), flags=["END_HEADERS"])),
        _hyper(DataFrame(13, b"down", flags=["END_STREAM"])),
    )
    service = Service(quick=quick)
    for endpoint in (0, 0, 0, 0, 1, 0, 0):  # the fifth is HEAD
        service.request(endpoint=endpoint)
    whole = b"".join(forms)
    for at in range(0, len(whole), piece):
        service.hear(whole[at : at + piece])
    assert service.sink.results == [
        *((seq, "ok", "") for seq in range(6)),
        (6, "status", "the status is 503"),
    ]
    assert [one.bytes_in for one in service.sink.outcomes] == [10, 10, 10, 0, 0, 0, 4]
    assert [one.status for one in service.sink.outcomes] == [200] * 3 + [204, 200, 304, 503]
    shown = service.sink.outcomes[-1].excerpt()
    assert (list(shown.headers), shown.body) == ([], b"down")


def _hyper(frame: HeadersFrame | DataFrame | ContinuationFrame | PriorityFrame) -> bytes:
    return frame.serialize()


def _goaway(last: int, code: int, debug: bytes = b"") -> bytes:
    return encode_frame(FrameType.GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)


def _window_update(stream: int, more: int) -> bytes:
    return encode_frame(FrameType.WINDOW_UPDATE, 0, stream, struct.pack(">I", more))


HEADERS, DATA = FrameType.HEADERS, FrameType.DATA
STREAM_FAULTS: dict[str, tuple[bytes, str]] = {
    "no status": (encode_frame(HEADERS, 5, 1, block(("a", "b"), status=0)), "no :status"),
    "two statuses": (
        encode_frame(HEADERS, 5, 1, block((":status", "200"))),
        "not the first, or not the only one",
    ),
    "upper case": (encode_frame(HEADERS, 5, 1, b"\x88\0\1A\1b"), "a field 'A'"),
    "a field of connections": (
        encode_frame(HEADERS, 5, 1, block(("connection", "close"))),
        "a field 'connection'",
    ),
    "a field of requests": (encode_frame(HEADERS, 5, 1, block((":path", "/"))), "':path'"),
    "a line break": (encode_frame(HEADERS, 5, 1, b"\x88\0\1a\3b\r\n"), "the field 'a'"),
    "status 101": (encode_frame(HEADERS, 5, 1, block(status=101)), "101"),
    "an interim end": (encode_frame(HEADERS, 5, 1, block(status=100)), "interim status 100"),
    "a long status": (encode_frame(HEADERS, 5, 1, block(status=2000)), "'2000'"),
    "content length": (
        encode_frame(HEADERS, 4, 1, block(("content-length", "3")))
        + encode_frame(DATA, 1, 1, b"four"),
        "has 4 bytes, its content length is 3",
    ),
    "no body at all": (
        encode_frame(HEADERS, 5, 1, block(("content-length", "3"))),
        "has 0 bytes, its content length is 3",
    ),
    "two lengths": (
        encode_frame(HEADERS, 5, 1, block(("content-length", "3"), ("content-length", "4"))),
        "'3' and '4'",
    ),
    "204 with a body": (
        encode_frame(HEADERS, 4, 1, block(status=204)) + encode_frame(DATA, 1, 1, b"x"),
        "a response 204 has a body",
    ),
    "data first": (encode_frame(DATA, 1, 1, b"x"), "DATA is before the header fields"),
    "trailers that do not end": (
        encode_frame(HEADERS, 4, 1, block()) + encode_frame(HEADERS, 4, 1, block(status=0)),
        "do not end the response",
    ),
    "a second status": (
        encode_frame(HEADERS, 4, 1, block()) + encode_frame(HEADERS, 5, 1, block()),
        "the trailers have a status",
    ),
    "a window update of 0": (_window_update(1, 0), "adds nothing"),
    "a window too large": (_window_update(1, 2**31 - 1), "its window is"),
}


@in_loop
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", STREAM_FAULTS)
def test_a_fault_in_a_stream_leaves_the_others(name: str, quick: bool) -> None:
    frames, message = STREAM_FAULTS[name]
    service = Service(quick=quick)
    service.request()
    service.request()
    service.hear(frames)
    service.hear_response(3)
    (_, kind, why), other = service.sink.results
    assert (kind, other) == ("protocol", (1, "ok", ""))
    assert message in why
    assert not service.memory.is_closed


CONNECTION_FAULTS: dict[str, tuple[bytes, str, ErrorCode]] = {
    "a long frame": (
        b"\x00\x40\x01\0\0\0\0\0\1",
        "DATA has 16,385 bytes",
        ErrorCode.FRAME_SIZE_ERROR,
    ),
    "an undecodable block": (
        encode_frame(HEADERS, 5, 1, b"\xff\xff\xff"),
        "cannot be decoded",
        ErrorCode.COMPRESSION_ERROR,
    ),
    "an index of the dynamic table": (
        encode_frame(HEADERS, 5, 1, b"\x88\xbe"),
        "cannot be decoded",
        ErrorCode.COMPRESSION_ERROR,
    ),
    "a larger table": (
        encode_frame(HEADERS, 5, 1, b"\x3f\xe1\x1f\x88"),
        "cannot be decoded",
        ErrorCode.COMPRESSION_ERROR,
    ),
    "an idle stream": (
        encode_frame(HEADERS, 5, 7, block()),
        "HEADERS is in stream 7, which was never opened",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a stream of the service": (
        encode_frame(DATA, 1, 2, b"x"),
        "stream 2",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "no stream": (encode_frame(DATA, 0, 0, b"x"), "in no stream", ErrorCode.PROTOCOL_ERROR),
    "a closed stream": (
        encode_frame(HEADERS, 5, 1, block()) + encode_frame(DATA, 1, 1, b"x"),
        "stream 1, which is closed",
        ErrorCode.STREAM_CLOSED,
    ),
    "a push": (encode_frame(FrameType(5), 4, 1, bytes(8)), "pushes", ErrorCode.PROTOCOL_ERROR),
    "a frame within a block": (
        encode_frame(HEADERS, 1, 1, block()) + encode_frame(DATA, 1, 3, b"x"),
        "within the header block of stream 1",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a continuation of nothing": (
        encode_frame(FrameType.CONTINUATION, 4, 1, block()),
        "continues nothing",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "padding": (
        encode_frame(DATA, 8, 1, b"\5abc"),
        "more padding than bytes",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "settings of a stream": (
        encode_frame(FrameType.SETTINGS, 0, 1),
        "SETTINGS is in stream 1",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "half settings": (
        encode_frame(FrameType.SETTINGS, 0, 0, b"abc"),
        "SETTINGS has 3 bytes",
        ErrorCode.FRAME_SIZE_ERROR,
    ),
    "settings that push": (
        encode_settings({Setting.ENABLE_PUSH: 1}),
        "ENABLE_PUSH",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a window of settings": (
        encode_settings({Setting.INITIAL_WINDOW_SIZE: 2**31}),
        "INITIAL_WINDOW_SIZE is",
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "a frame size of settings": (
        encode_settings({Setting.MAX_FRAME_SIZE: 100}),
        "MAX_FRAME_SIZE is 100",
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a short ping": (
        encode_frame(FrameType.PING, 0, 0, b"abc"),
        "PING has 3 bytes, not 8",
        ErrorCode.FRAME_SIZE_ERROR,
    ),
    "a short reset": (
        encode_frame(FrameType.RST_STREAM, 0, 1, b"abc"),
        "RST_STREAM has 3 bytes, not 4",
        ErrorCode.FRAME_SIZE_ERROR,
    ),
    "a window update of 0": (_window_update(0, 0), "adds nothing", ErrorCode.PROTOCOL_ERROR),
    "a window too large": (
        _window_update(0, 2**31 - 1),
        "the window of the connection",
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "an endless block": (
        encode_frame(HEADERS, 0, 1, b"\x88")
        + encode_frame(FrameType.CONTINUATION, 0, 1, bytes(16384)) * 17,
        "more than 262,144 bytes",
        ErrorCode.ENHANCE_YOUR_CALM,
    ),
}


@in_loop
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", CONNECTION_FAULTS)
def test_a_fault_of_the_connection_ends_it(name: str, quick: bool) -> None:
    frames, message, code = CONNECTION_FAULTS[name]
    service = Service(quick=quick)
    service.request()
    service.request()
    service.pump()
    service.hear(frames)
    assert all(
        kind in ("protocol", "ok") and message in (why or message)
        for _, kind, why in service.sink.results
    )
    assert service.sink.results[-1][1] == "protocol"
    assert len(service.sink.results) == 2
    assert service.memory.is_closed
    (event,) = service.h2.receive_data(service.memory.take())
    assert isinstance(event, ConnectionTerminated)
    assert event.error_code == code


@in_loop
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    "frames",
    [
        encode_frame(HEADERS, 5, 3, block()),
        encode_frame(FrameType.RST_STREAM, 0, 3, bytes(4)),
        _window_update(3, 1),
    ],
    ids=["a response", "a reset", "a window"],
)
def test_a_request_that_waits_to_be_sent_has_no_stream_yet(frames: bytes, quick: bool) -> None:
    service = Service(settled=False, quick=quick)
    service.request()
    service.request()
    service.hear(encode_settings({Setting.MAX_CONCURRENT_STREAMS: 1}))
    service.hear(frames)
    assert [kind for _, kind, _ in service.sink.results] == ["protocol"] * 2
    assert all("stream 3, which was never opened" in why for *_, why in service.sink.results)


@in_loop
@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            'HTTP/1.1: it does not speak HTTP/2, and the driver "http"',
        ),
        (encode_frame(HEADERS, 5, 1, block()), "the first frame is HEADERS, not"),
        (encode_frame(FrameType.SETTINGS, 1, 0), "the first frame is SETTINGS that acknowledges"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "more than 16,384"),
    ],
)
def test_a_service_must_begin_with_its_settings(said: bytes, message: str) -> None:
    service = Service(settled=False)
    service.request()
    service.hear(said)
    ((_, kind, why),) = service.sink.results
    assert kind == "protocol"
    assert message in why


@in_loop
@pytest.mark.parametrize(
    ("cause", "kind"), [(None, "closed"), (ConnectionResetError(), "reset"), (OSError(), "closed")]
)
def test_a_lost_connection_fails_its_streams(cause: Exception | None, kind: str) -> None:
    service = Service()
    service.request()
    service.hear(encode_frame(HEADERS, 4, 1, block()))
    service.connection.connection_lost(cause)
    ((_, got, _),) = service.sink.results
    assert (got, service.sink.failed_with_connection) == (kind, 1)
    assert service.sink.outcomes[0].status == 200
