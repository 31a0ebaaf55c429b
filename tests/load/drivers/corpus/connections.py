"""Whether a connection is used again, interim responses, and other protocols."""

from __future__ import annotations

from tests.load.drivers.corpus.case import closes, head, ok, refused, sized, unfinished

__all__ = ["CASES"]

LENGTH = b"Content-Length: 5"
OLD = b"HTTP/1.0 200 OK"
CONTINUE = head(status=b"HTTP/1.1 100 Continue")
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def connection(*values: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """A response with these Connection fields."""
    return head(*(b"Connection: " + value for value in values), LENGTH, status=status) + b"hello"


def interim(*lines: bytes, status: bytes = b"HTTP/1.1 103 Early Hints") -> bytes:
    """An interim response with these fields, and then the final one."""
    return head(*lines, status=status) + sized(b"5")


OPTIONS = [
    ok("no option", sized(b"5"), "9.3"),
    ok("keep-alive", connection(b"keep-alive"), "9.3"),
    ok("an unknown option", connection(b"x"), "9.3"),
    ok("an option that begins alike", connection(b"closed"), "9.3"),
    ok("an option that ends alike", connection(b"not-close"), "9.3"),
    ok("an empty option", connection(b""), "9.3"),
    ok("close in quotes", connection(b'"close"'), "9.3"),
    ok("Proxy-Connection: close", head(b"Proxy-Connection: close", LENGTH) + b"hello", "9.3"),
    ok("X-Connection: close", head(b"X-Connection: close", LENGTH) + b"hello", "9.3"),
    ok("Keep-Alive: timeout=0", head(b"Keep-Alive: timeout=0", LENGTH) + b"hello", "9.3"),
    ok(
        "upgrade offered",
        head(b"Connection: upgrade", b"Upgrade: h2c", LENGTH) + b"hello",
        "9110 7.8",
    ),
    closes("close", connection(b"close"), "9.3"),
    closes("close in capitals", connection(b"CLOSE"), "9.3"),
    closes("close with blanks", connection(b" \tclose\t "), "9.3"),
    closes("close in a list", connection(b"x, close, y"), "9.3"),
    closes("close without a space", connection(b"x,close"), "9.3"),
    closes("close after an empty element", connection(b",close"), "9.3"),
    closes("keep-alive and close", connection(b"keep-alive, close"), "9.3"),
    closes("close and keep-alive", connection(b"close, keep-alive"), "9.3"),
    closes("close in a second field", connection(b"keep-alive", b"close"), "9.3"),
    closes("close in a fold", connection(b"x,\r\n close"), "5.2"),
    closes("name in capitals", head(b"CONNECTION: close", LENGTH) + b"hello", "5"),
    closes(
        "upgrade offered, and close",
        head(b"Connection: upgrade, close", b"Upgrade: x", LENGTH) + b"hello",
        "9.3",
    ),
]

OLD_VERSION = [
    closes("HTTP/1.0", connection(status=OLD), "9.3"),
    closes("HTTP/1.0 and another option", connection(b"x", status=OLD), "9.3"),
    closes("HTTP/1.0 and close", connection(b"close", status=OLD), "9.3"),
    closes(
        "HTTP/1.0 with keep-alive and close", connection(b"keep-alive, close", status=OLD), "9.3"
    ),
    closes(
        "HTTP/1.0 with close and keep-alive", connection(b"close", b"keep-alive", status=OLD), "9.3"
    ),
    closes(
        "HTTP/1.0 with the field Keep-Alive",
        head(b"Keep-Alive: 300", LENGTH, status=OLD) + b"hello",
        "9.3",
    ),
    ok("HTTP/1.0 kept", connection(b"keep-alive", status=OLD), "9.3"),
    ok("HTTP/1.0 kept, in capitals", connection(b"Keep-Alive", status=OLD), "9.3"),
    ok("HTTP/1.0 kept, in a list", connection(b"x, keep-alive", status=OLD), "9.3"),
    ok(
        "HTTP/1.0 404 kept", connection(b"keep-alive", status=b"HTTP/1.0 404 No"), "9.3", status=404
    ),
    closes("HTTP/1.0 with chunked", head(b"Transfer-Encoding: chunked", status=OLD) + HELLO, "6.1"),
    closes(
        "HTTP/1.0 with chunked, kept",
        head(b"Connection: keep-alive", b"Transfer-Encoding: chunked", status=OLD) + HELLO,
        "6.1",
    ),
    closes(
        "HTTP/1.0 until close, kept",
        head(b"Connection: keep-alive", status=OLD) + b"hello",
        "6.3",
        until_close=True,
    ),
    refused(
        "HTTP/1.0 with chunked and a length",
        head(b"Transfer-Encoding: chunked", LENGTH, status=OLD) + HELLO,
        "6.3",
    ),
]

INTERIM = [
    ok("100", CONTINUE + sized(b"5"), "9110 15.2"),
    ok("100 without a reason", interim(status=b"HTTP/1.1 100"), "9110 15.2"),
    ok("102", interim(status=b"HTTP/1.1 102 Processing"), "9110 15.2"),
    ok("103", interim(b"Link: </x>"), "9110 15.2"),
    ok("an unknown interim status", interim(status=b"HTTP/1.1 199 X"), "9110 15.2"),
    ok("three interim responses", CONTINUE + CONTINUE + interim(), "9110 15.2"),
    ok("a hundred interim responses", CONTINUE * 100 + sized(b"5"), "9110 15.2"),
    ok("interim with a length", interim(b"Content-Length: 3"), "6.3"),
    ok("interim with an invalid length", interim(b"Content-Length: x"), "6.3"),
    ok("interim with chunked", interim(b"Transfer-Encoding: chunked"), "6.3"),
    ok("interim with a coding", interim(b"Content-Encoding: br"), "9110 15.2"),
    ok("interim of HTTP/1.0", interim(status=b"HTTP/1.0 103 Early Hints"), "9110 15.2"),
    ok("interim with keep-alive", interim(b"Connection: keep-alive"), "9110 15.2"),
    ok("empty lines between", CONTINUE + b"\r\n\r\n" + sized(b"5"), "2.2"),
    ok("interim with LF alone", b"HTTP/1.1 100 Continue\n\n" + sized(b"5"), "2.2"),
    ok("interim and chunks", CONTINUE + head(b"Transfer-Encoding: chunked") + HELLO, "9110 15.2"),
    ok(
        "interim and 204",
        CONTINUE + head(status=b"HTTP/1.1 204 No"),
        "9110 15.2",
        body=b"",
        status=204,
    ),
    ok(
        "interim and 404",
        CONTINUE + head(LENGTH, status=b"HTTP/1.1 404 No") + b"hello",
        "9110 15.2",
        status=404,
    ),
    closes("interim with close", interim(b"Connection: close"), "9.6"),
    closes("interim and a final close", CONTINUE + connection(b"close"), "9.3"),
    closes("interim and HTTP/1.0", CONTINUE + connection(status=OLD), "9.3"),
    closes("interim and until close", CONTINUE + head() + b"hello", "6.3", until_close=True),
    refused(
        "interim and another protocol", CONTINUE + head(LENGTH, status=b"RTSP/1.0 200 OK"), "2.3"
    ),
    refused("interim and garbage", CONTINUE + b"hello", "2.3"),
    refused("interim and HTTP/2", CONTINUE + head(LENGTH, status=b"HTTP/2.0 200 OK"), "2.3"),
    refused(
        "interim with a body",
        head(b"Content-Length: 5", status=b"HTTP/1.1 100 X") + b"hello",
        "6.3",
    ),
    refused("invalid interim", head(b"X", status=b"HTTP/1.1 100 Continue") + sized(b"5"), "5"),
    unfinished("interim alone", CONTINUE, "9110 15.2", status=0),
    unfinished("interim and half a head", CONTINUE + b"HTTP/1.1 200", "8", status=0),
    unfinished("half an interim response", b"HTTP/1.1 100 Continue\r\n", "8", status=0),
]

SWITCHING = [
    refused("101", head(status=b"HTTP/1.1 101 Switching"), "9110 15.2.2"),
    refused(
        "101 to websocket",
        head(b"Connection: upgrade", b"Upgrade: websocket", status=b"HTTP/1.1 101 Switching"),
        "9110 15.2.2",
    ),
    refused("101 and a response", interim(status=b"HTTP/1.1 101 Switching"), "9110 15.2.2"),
    refused("100 and then 101", CONTINUE + head(status=b"HTTP/1.1 101 Switching"), "9110 15.2.2"),
    ok(
        "426",
        head(b"Upgrade: h2c", LENGTH, status=b"HTTP/1.1 426 X") + b"hello",
        "9110 15.5.22",
        status=426,
    ),
]

CASES = [*OPTIONS, *OLD_VERSION, *INTERIM, *SWITCHING]
