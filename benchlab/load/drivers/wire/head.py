"""Heads of responses: the status line and the header fields (RFC 9112, sections 2 to 6).

A client may be lenient with lines that end with LF alone (section 2.2), empty lines before the
status line, and folded fields (section 5.2). Nothing else is guessed: a bare CR, white space before
the first field or a colon, and lengths that contradict each other are errors, because both sides
must agree where a response ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "MAX_SECTION_BYTES",
    "OPENING",
    "STATUS_LINE",
    "Head",
    "ProtocolError",
    "Section",
    "check_lines",
    "parse_head",
]

MAX_SECTION_BYTES = 256 * 1024
"""Maximum size of a head with the interim responses before it, or of the trailers: an endless one
must not fill the memory."""

OPENING = b"HTTP/1."
"""The first bytes of every head. Anything else is another protocol, which is reported at once."""

_STATUS_LINE = rb"HTTP/1\.([0-9]) ([1-9][0-9][0-9])(?: [^\0\r\n]*)?\r?\n"
_FIELD_LINE = rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:|[ \t])[^\0\r\n]*+\r?\n"
STATUS_LINE = re.compile(_STATUS_LINE)
_FIELD_LINES = re.compile(rb"(?:%b)*+" % _FIELD_LINE)
_HEAD = re.compile(rb"%b(?![ \t])(?:%b)*+\r?\n" % (_STATUS_LINE, _FIELD_LINE))
_NAMES = rb"connection|content-encoding|content-length|set-cookie|transfer-encoding"
_FRAMING = re.compile(rb"\n(%b):([^\n]*(?:\n[ \t][^\n]*)*)" % _NAMES, re.IGNORECASE)
_EMPTY_LINES = re.compile(rb"(?:\r?\n)*+")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
_DECIMAL = re.compile(rb"0*([0-9]{1,20})")
_BLANKS = b" \t\r\n"
_MAX_LENGTH = 2**64
_WITHOUT_BODY = (204, 304)
_OK = 200
_SWITCHING = 101


class ProtocolError(Exception):
    """The bytes are not an HTTP/1.x response."""


class Head(NamedTuple):
    """A complete head, and what follows it.

    The body has ``length`` bytes; if that is None, it is ``chunked`` or ends with the connection.
    ``reusable``: the connection can be used again after the body. ``closes``: it has the connection
    option ``close``. ``encoding`` lists the codings of the body, in the order applied.
    ``sets_cookies``: it has a Set-Cookie field.
    """

    raw: bytes
    status: int
    length: int | None
    chunked: bool
    reusable: bool
    closes: bool
    encoding: str
    sets_cookies: bool

    @property
    def interim(self) -> bool:
        """True if another response to the same request follows (RFC 9110, section 15.2)."""
        return self.status < _OK and self.status != _SWITCHING

    def headers(self) -> list[tuple[str, str]]:
        """Names and values of all fields, in order."""
        lines = _FOLD.sub(b" ", self.raw).decode("latin-1").split("\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return [(name, value.strip()) for name, colon, value in pairs if colon]


def parse_head(raw: bytes, *, head_only: bool) -> Head:
    """Parse a head with its blank line; ``head_only``: the request was HEAD.

    The length of the body follows the rules of RFC 9112, section 6.3, in their order.

    Raises:
        ProtocolError: ``raw`` is not exactly one valid head.
    """
    match = _HEAD.fullmatch(raw)
    if match is None:
        check_lines(raw, STATUS_LINE)
        raise ProtocolError("bytes after the head")
    status = int(match[2])
    found: dict[bytes, list[bytes]] = {}
    for name, value in _FRAMING.findall(raw):
        found.setdefault(name.lower(), []).append(value)
    options = _elements(found.get(b"connection", ()))
    closes = b"close" in options
    codings = _elements(found.get(b"transfer-encoding", ()))
    encoding = [_text(value) for value in found.get(b"content-encoding", ())]
    length: int | None = None
    chunked = False
    if head_only or status < _OK or status in _WITHOUT_BODY:
        length = 0  # rule 1: regardless of the fields
    elif codings:
        chunked = _ends_with_chunked(codings)
        encoding += [_text(coding) for coding in codings if coding != b"chunked"]
        if b"content-length" in found:
            raise ProtocolError("both Transfer-Encoding and Content-Length")
    elif b"content-length" in found:
        length = _content_length(found[b"content-length"])
    # An HTTP/1.0 response with a transfer coding is taken, and its connection closed (section 6.1).
    persists = match[1] != b"0" or (b"keep-alive" in options and not codings)
    reusable = persists and not closes and (chunked or length is not None)
    sets_cookies = b"set-cookie" in found
    return Head(raw, status, length, chunked, reusable, closes, ", ".join(encoding), sets_cookies)


def _elements(values: Iterable[bytes]) -> list[bytes]:
    """The elements of a list in lower case, from all its fields; empty ones do not count."""
    parts = (part.strip(_BLANKS) for value in values for part in value.split(b","))
    return [part.lower() for part in parts if part]


def _ends_with_chunked(codings: list[bytes]) -> bool:
    named = [coding.partition(b";")[0].rstrip(_BLANKS) for coding in codings]
    if named.count(b"chunked") > 1:
        raise ProtocolError("Transfer-Encoding has chunked more than once")
    if b"chunked" in named and b"chunked" not in codings:
        raise ProtocolError("chunked has no parameters")  # section 7.1
    return codings[-1] == b"chunked"


def _content_length(values: list[bytes]) -> int:
    """The length in one or more fields. A list of equal lengths is one of them (rule 5)."""
    lengths = set()
    for element in _elements(values):
        digits = _DECIMAL.fullmatch(element)
        if digits is None:
            raise ProtocolError(f"Content-Length is {_text(element)[:40]!r}")
        lengths.add(int(digits[1]))
    if len(lengths) != 1:
        raise ProtocolError("Content-Length has different values" if lengths else "no length")
    length = lengths.pop()
    if length >= _MAX_LENGTH:
        raise ProtocolError(f"Content-Length is {length}")
    return length


def _text(value: bytes) -> str:
    return " ".join(value.decode("latin-1").split())


class Section:
    """A start line and field lines up to the blank line, fed in pieces of any size.

    Lines are checked as they come, so that what is wrong does not wait for a timeout; whether it is
    does not depend on the pieces. The lines of a complete section are left to `check_lines`.
    ``raw`` is the complete section, ``size`` the number of bytes so far, with the empty lines
    before it.
    """

    __slots__ = ("_checked", "_empty_bytes", "_held", "_limit", "_opening", "_start", "raw", "size")

    def __init__(
        self, start: re.Pattern[bytes], opening: bytes = b"", limit: int = MAX_SECTION_BYTES
    ) -> None:
        """``start`` is the pattern of the first line, ``opening`` its first bytes."""
        self._start = start
        self._opening = opening
        self._limit = limit
        self._held = b""
        self._checked = 0
        self._empty_bytes = 0
        self.raw = b""
        self.size = 0

    def feed(self, data: bytes, at: int) -> int | None:
        """Read ``data`` from offset ``at``; returns the offset after the blank line once it came.

        Raises:
            ProtocolError: a line is invalid, or the section is too long.
        """
        before, searched = 0, at
        if held := self._held:
            before = at - len(held)
            data, at, searched = held + data[at:], 0, max(0, len(held) - 2)
        if not self._checked:
            start = self._skip_empty_lines(data, at)
            self._empty_bytes += start - at
            at = start
            searched = max(searched, start)
        found = _BLANK_LINE.search(data, searched)
        end = len(data) if found is None else found.end()
        self.size = self._empty_bytes + end - at
        if self.size > self._limit:
            raise ProtocolError(f"more than {self._limit:,} bytes of headers")
        if found is not None:
            self.raw = data[at:end]
            return before + end
        self._held = data[at:]
        if data.find(b"\n", searched) >= 0:
            self._checked = check_lines(self._held, self._start, self._checked)
        return None

    def _skip_empty_lines(self, data: bytes, at: int) -> int:
        empty = _EMPTY_LINES.match(data, at)
        start = at if empty is None else empty.end()
        opening = data[start : start + len(self._opening)]
        if not self._opening.startswith(opening) and data[start:] != b"\r":
            raise ProtocolError("the response is not HTTP/1.x")
        return start


def check_lines(section: bytes, start: re.Pattern[bytes], checked: int = 0) -> int:
    """Check the complete lines of a section, or of a part of it; returns their size.

    ``start`` is the pattern of the first line; the first ``checked`` bytes are known to be valid.

    Raises:
        ProtocolError: a line is invalid.
    """
    if not checked:
        first = start.match(section)
        if first is None:
            raise ProtocolError(f"invalid start line {_shown(section)}")
        checked = first.end()
        if section[checked : checked + 1] in (b" ", b"\t"):
            raise ProtocolError("white space before the first header")
        if checked == len(section):
            return 0  # whether white space follows is not known yet
    lines = _FIELD_LINES.match(section, checked)
    assert lines is not None
    checked = lines.end()
    stop = section.find(b"\n", checked) + 1
    if stop and section[checked:stop] not in (b"\n", b"\r\n"):
        raise ProtocolError(f"invalid header {_shown(section[checked:stop])}")
    return checked


def _shown(line: bytes) -> str:
    return repr(line.partition(b"\n")[0][:40])
