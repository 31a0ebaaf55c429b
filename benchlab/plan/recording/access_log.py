"""Read the access log of a web server, line by line: its size does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import NamedTuple, Protocol

from benchlab.errors import InputError
from benchlab.plan.recording.collect import Collector, Entry
from benchlab.plan.recording.format_strings import parse_format
from benchlab.plan.recording.json_lines import JsonLines
from benchlab.plan.recording.line_format import LineFormat, Reader, reader_of
from benchlab.plan.recording.skipped import Skip
from benchlab.redact import public_text
from benchlab.text import one_line
from benchlab.text_files import bounded_lines, open_text

__all__ = ["FORMATS", "AccessLog", "read_access_log"]

FORMATS = ("auto", "common", "combined", "envoy", "json")
"""The formats that have a name; any other is a format string."""

_COMMON = '%h %l %u %t "%r" %>s %b'
_COMBINED = f'{_COMMON} "%{{Referer}}i" "%{{User-Agent}}i"'
_ENVOY = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%"'
    " %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION%"
    ' %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"'
    ' "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"'
)
_ISTIO = _ENVOY.replace(
    "%BYTES_RECEIVED%",
    "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS%"
    ' "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED%',
)
_TRIED = 200  # lines, of which a format must have the most
_SHOWN = 80


class AccessLog(NamedTuple):
    """A file that was read: its path, its name, and the format that it has."""

    path: str
    name: str
    format: str


class _Detectable(Reader, Protocol):
    def matches(self, line: str) -> bool: ...


def read_access_log(path: str | PathLike[str], form: str, collector: Collector) -> AccessLog:
    """Give the entries of a log to ``collector``.

    ``form`` is as in `benchlab.Recording.from_access_log`.

    Raises:
        InputError: the file cannot be read, no line of it has the format, or there is none.
    """
    path = Path(path)
    if not isinstance(form, str) or not form.strip():
        raise InputError(
            "is not the format of a log",
            field="format",
            value=form,
            remedy=f"give {', '.join(FORMATS)}, or the format string of the server",
        )
    with open_text(path, "surrogateescape") as file:
        lines = _numbered(bounded_lines(file, str(path)))
        head = list(islice(lines, _TRIED))
        if not head:
            raise InputError(f"{path} is empty", remedy="give the log of a web server")
        reader = _reader(form, path, head)
        first_bad, found = None, False
        for number, line in _chain(head, lines):
            entry = reader.read(line)
            if isinstance(entry, Entry):
                found = True
                collector.take(entry)
                continue
            collector.skip(entry)
            found = found or entry is not Skip.MALFORMED
            if entry is Skip.MALFORMED and first_bad is None:
                first_bad = number, line
    if not found and first_bad is not None:
        raise _foreign(path, *first_bad, reader.explain(first_bad[1]), reader.name)
    return AccessLog(str(path.absolute()), path.name, reader.name)


def _chain(
    head: list[tuple[int, str]], lines: Iterator[tuple[int, str]]
) -> Iterator[tuple[int, str]]:
    yield from head
    yield from lines


def _numbered(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers.

    After a rotation by copying and truncating, a log may begin with zero bytes.
    """
    for number, line in enumerate(lines, 1):
        text = line.strip("\r\n\0")
        if text and not text.isspace():
            yield number, text


def _reader(form: str, path: Path, head: list[tuple[int, str]]) -> Reader:
    if form == "auto":
        return _detected(path, head)
    if form in ("common", "combined"):
        return _best(_clf(), head) or _clf()[-1]
    if form == "envoy":
        candidates = _envoy()
        return _best(candidates, head) or candidates[0]
    if form == "json":
        return JsonLines()
    if form.isalnum():
        raise InputError(
            "is unknown",
            field="format",
            value=form,
            remedy=f"give {', '.join(FORMATS)}, or the format string of the server",
        )
    return reader_of(form)


def _clf() -> list[_Detectable]:
    """The common log format and what extends it; Apache may write the host before it."""
    return [_Clf("%v:%p "), _Clf("")]


def _envoy() -> list[_Detectable]:
    return [LineFormat(parse_format(form), "Envoy", rest=True) for form in (_ISTIO, _ENVOY)]


class _Clf:
    """Reads lines of the combined format, and those that end where the common one does."""

    def __init__(self, host: str) -> None:
        self._whole = LineFormat(parse_format(host + _COMBINED), "combined", rest=True)
        self._common = LineFormat(parse_format(host + _COMMON), "common", rest=True)
        self.name = self._common.name
        self.explain = self._common.explain

    def matches(self, line: str) -> bool:
        """Whether ``line`` has one of the two forms."""
        if self._whole.matches(line):
            self.name = self._whole.name
            return True
        return self._common.matches(line)

    def read(self, line: str) -> Entry | Skip:
        """The request of a line, or why there is none."""
        found = self._whole.read(line)
        return self._common.read(line) if found is Skip.MALFORMED else found


def _best(candidates: list[_Detectable], head: list[tuple[int, str]]) -> _Detectable | None:
    """The format of the most lines; of several, the first."""
    counts = [sum(reader.matches(line) for _, line in head) for reader in candidates]
    most = max(counts)
    return candidates[counts.index(most)] if most else None


def _detected(path: Path, head: list[tuple[int, str]]) -> Reader:
    found = _best([JsonLines(), *_clf(), *_envoy()], head)
    if found is None:
        number, line = head[0]
        why = JsonLines().explain(line) if line.lstrip().startswith("{") else ""
        raise _foreign(path, number, line, why, "")
    return found


def _foreign(path: Path, number: int, line: str, why: str, form: str) -> InputError:
    known = f"of the format {form}" if form else "of a format that is known by itself"
    reason = f": {public_text(why)}" if why else ""
    shown = public_text(one_line(line, _SHOWN))
    return InputError(
        f"no line of {path} is {known}; line {number} begins {shown!r}{reason}",
        field="format",
        remedy="give the format string of the server, such as"
        " '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent'",
    )
