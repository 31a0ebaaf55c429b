"""Read HTTP/1.1 responses (RFC 9112).

Every head is parsed by httptools (llhttp). It is strict about lengths, since both sides must agree
where a response ends, and lenient where a client must or may be (folded header lines, section 5.2;
lines that end with LF alone, section 2.2). Most responses of a service under test have the same
head, byte for byte, except for a date that changes once per second. So the result is cached by the
head's bytes, and a response with a cached head and a ``Content-Length`` body is read by comparing
lengths. The result of its checks is cached too, unless they need the body.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import httptools

from benchlab.load.drivers.checking import Checker, check_status
from benchlab.load.drivers.headers import ServerNames
from benchlab.samples.examples import BODY_BYTES
from benchlab.samples.samples import ErrorKind

__all__ = ["CachedHead", "HeadCache", "ProtocolError", "Response"]

_MEMORY = 512
_SWITCHING = 101
_OK = 200
_NO_BODY = (204, 304)
_FIRST_STATUS = 100
_VERSIONS = ("1.0", "1.1")
_OPENING = b"HTTP/"
_INTERIM = re.compile(rb"HTTP/1\.\d 1\d\d")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_MOST_HEADS = 8
_MAX_HEAD = 256 * 1024
"""Maximum bytes of interim responses and headers, or of chunk headers and trailers without a byte
of body: an endless head must not fill the memory."""


class ProtocolError(Exception):
    """The bytes are not an HTTP/1.x response."""


class CachedHead(NamedTuple):
    """A head followed by ``length`` bytes; the connection can be used again if ``reusable``.

    ``error`` is the error kind of a response with this head.
    """

    status: int
    length: int
    reusable: bool
    error: ErrorKind


class HeadCache:
    """Caches heads of one request's responses, with the results of the parser and the checks."""

    __slots__ = ("_checker", "_head_only", "_servers", "known")

    def __init__(
        self,
        *,
        head_only: bool,
        servers: ServerNames | None = None,
        checker: Checker | None = None,
    ) -> None:
        """``head_only``: the request is HEAD, whose responses have no body. ``servers`` notes the
        server name in every new head."""
        self._servers = servers or ServerNames()
        self._checker = checker
        self._head_only = head_only
        self.known: dict[bytes, CachedHead | None] = {}

    def learn(self, head: bytes) -> CachedHead | None:
        """Parse ``head``, including its blank line, and cache the result.

        The result is None if the body has no fixed length, or if a check needs the body.

        Raises:
            ProtocolError: it is not an HTTP head.
        """
        if len(self.known) >= _MEMORY:
            self.known.clear()
        response = Response(head_only=self._head_only)
        complete = response.feed(head)
        plain = None
        length = response.content_length
        framed = (complete or length is not None) and not response.body_bytes
        if not response.interim and framed and not response.until_close:
            body = 0 if complete else length or 0
            plain = self._check(response.status, body, response.reusable)
        self.known[head] = plain
        self._servers.note_head(head)
        return plain

    def forget(self, head: bytes) -> None:
        """Remove ``head``, so that its next occurrence is parsed."""
        self.known.pop(head, None)

    def _check(self, status: int, length: int, reusable: bool) -> CachedHead | None:
        if self._checker is None:
            return CachedHead(status, length, reusable, check_status(status)[0])
        if self._checker.needs_body:
            return None
        return CachedHead(status, length, reusable, self._checker.evaluate(status, None, length)[0])


class Response:
    """One response, fed in pieces of any size. Its body is counted; only the start is stored.

    ``body`` has the first ``body_limit`` bytes; for a status of 400 or above, at least as many as
    an example shows. ``encoding`` is the Content-Encoding. If ``until_close``, the body ends with
    the connection, and `end` completes the response.
    """

    __slots__ = (
        "_body_limit",
        "_chunked",
        "_head_only",
        "_opening",
        "_parser",
        "_spent",
        "_start",
        "body",
        "body_bytes",
        "complete",
        "content_length",
        "encoding",
        "interim",
        "reusable",
        "status",
        "until_close",
    )

    def __init__(self, *, head_only: bool, body_limit: int = 0, start: bytes = b"") -> None:
        """``start`` are the first bytes of the response, which `headers` parses when called."""
        self._head_only = head_only
        self._body_limit = body_limit
        self._start = start
        self.body = bytearray()
        self.encoding = ""
        self._parser: Any = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True
        )
        self._opening: bytes | None = b""
        self._spent = 0
        self._chunked = False
        self.status = 0
        self.body_bytes = 0
        self.content_length: int | None = None
        self.interim = False
        self.complete = False
        self.reusable = False
        self.until_close = False

    def feed(self, data: bytes) -> bool:
        """Parse ``data``; True once the response is complete.

        Bytes after the end make the connection unusable, but the response is still valid.

        Raises:
            ProtocolError: the bytes are not an HTTP response.
        """
        if self._opening is not None:
            self._check_opening(data)
        self._spent += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.complete, self.reusable = True, False
        except httptools.HttpParserError as exc:
            if not self.complete:
                own = isinstance(exc.__context__, ProtocolError)
                raise ProtocolError(str(exc.__context__ if own else exc)) from exc
            self.reusable = False  # bad bytes after a complete response affect only the connection
        if self.status == _SWITCHING:
            raise ProtocolError("the server switched to another protocol")
        if self._spent > _MAX_HEAD and not self.complete:
            raise ProtocolError(f"more than {_MAX_HEAD:,} bytes of headers")
        return self.complete

    def _check_opening(self, data: bytes) -> None:
        """Refuse protocols that look like HTTP, which the parser accepts."""
        opening = ((self._opening or b"") + data).lstrip(b"\r\n")[: len(_OPENING)]
        if not _OPENING.startswith(opening):
            raise ProtocolError("the response is not HTTP")
        self._opening = None if opening == _OPENING else opening

    def end(self) -> bool:
        """Note the end of the connection; True if it completes the response."""
        return self.complete or (self.until_close and self.status != 0)

    def headers(self) -> list[tuple[str, str]]:
        """The headers, as far as they are in the first bytes."""
        for head in _BLANK_LINE.split(self._start, _MOST_HEADS):
            if not _INTERIM.match(head):
                pairs = (line.decode("latin-1").partition(":") for line in head.split(b"\n")[1:])
                return [(name, value.strip()) for name, colon, value in pairs if colon]
        return []

    # what httptools calls

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False  # an unsolicited second response

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.complete:
            return
        if b"\0" in value or name[-1:] in b" \t":
            raise ProtocolError(f"invalid header {name[:40]!r}")
        lowered = name.lower()
        if lowered == b"content-length":
            self.content_length = int(value)
        elif lowered == b"transfer-encoding":
            if self._chunked:
                raise ProtocolError("Transfer-Encoding continues after chunked")
            self._chunked = value.lower().rstrip().endswith(b"chunked")
        elif lowered == b"content-encoding":
            coding = value.decode("latin-1")
            self.encoding = f"{self.encoding}, {coding}" if self.encoding else coding

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        status, version = self._parser.get_status_code(), self._parser.get_http_version()
        if status < _FIRST_STATUS or version not in _VERSIONS:
            raise ProtocolError(f"status {status} of HTTP/{version}")
        self.interim = status < _OK and status != _SWITCHING
        if self.interim:
            self.content_length, self._chunked, self.encoding = None, False, ""
            return
        self._spent = 0
        self.status = status
        self.reusable = self._parser.should_keep_alive()
        if check_status(status)[0]:
            self._body_limit = max(self._body_limit, BODY_BYTES)
        if self._head_only or status in _NO_BODY:
            self.complete = True
        else:
            self.until_close = self.content_length is None and not self._chunked

    def on_body(self, body: bytes) -> None:
        if self.complete:
            self.reusable = False  # a body where none is allowed, such as after HEAD
            return
        self._spent = 0
        self.body_bytes += len(body)
        if len(self.body) < self._body_limit:
            self.body += body[: self._body_limit - len(self.body)]

    def on_message_complete(self) -> None:
        if not self.interim:
            self.complete = True
