"""Evaluate checks on responses. Checks are compiled once, before the run."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from benchlab.plan.checks import (
    EVENT_CHECKS,
    BodyContains,
    BodyEquals,
    BodyMatches,
    GrpcStatusIn,
    JsonEquals,
    MaxBody,
    StatusIn,
    brief,
    describe_grpc_statuses,
    describe_statuses,
    split_path,
)
from benchlab.plan.request import Request
from benchlab.samples.samples import ErrorKind
from benchlab.units import format_bytes

__all__ = [
    "BODY_CAP_BYTES",
    "FIRST_ERROR_STATUS",
    "Checker",
    "check_status",
    "decompress",
    "find_fault_in",
    "make_checker",
]

BODY_CAP_BYTES = 16 * 1024 * 1024
"""A body longer than this, compressed or not, fails its checks unread."""

FIRST_ERROR_STATUS = 400
"""The lowest status that is an error, unless a check says otherwise."""

_BRIEF_BYTES = 200
_GZIP_OR_ZLIB = 47  # makes zlib detect which of the two it is by the header


def make_checker(request: Request) -> Checker | None:
    """Compile the checks of ``request``; None if it has none, and `check_status` is enough."""
    return Checker(request) if request.checks else None


def check_status(status: int) -> tuple[ErrorKind, str]:
    """The default check: a status of 400 or above is an error."""
    if status < FIRST_ERROR_STATUS:
        return ErrorKind.OK, ""
    return ErrorKind.STATUS, f"the status is {status}"


class Checker:
    """The checks of one request.

    A driver collects at most ``keep_bytes`` of the body (0 unless ``needs_body``), calls `evaluate`
    when the response is complete, and discards the body.
    """

    def __init__(self, request: Request) -> None:
        self._statuses: frozenset[int] | None = None
        self._calls: frozenset[str] | None = None
        self._max_bytes: int | None = None
        self._parts: list[Callable[[_Body], str]] = []
        for check in request.checks:
            if isinstance(check, StatusIn):
                known = frozenset(check.statuses)
                self._statuses = known if self._statuses is None else self._statuses & known
            elif isinstance(check, GrpcStatusIn):
                names = frozenset(check.statuses)
                self._calls = names if self._calls is None else self._calls & names
            elif isinstance(check, MaxBody):
                limit = check.size_bytes
                self._max_bytes = limit if self._max_bytes is None else min(self._max_bytes, limit)
            elif not isinstance(check, EVENT_CHECKS):
                self._parts.append(_compile(check, "body"))
        self._expected = describe_statuses(self._statuses) if self._statuses is not None else ""
        self._expected_calls = describe_grpc_statuses(sorted(self._calls or ()))
        self.needs_body = bool(self._parts)
        self._decode = request.response_decoder() if self.needs_body else None
        limit = BODY_CAP_BYTES if self._max_bytes is None else self._max_bytes
        self.keep_bytes = min(limit, BODY_CAP_BYTES) if self.needs_body else 0

    def evaluate(
        self, status: int, body: bytes | bytearray | None, body_bytes: int, encoding: str = ""
    ) -> tuple[ErrorKind, str]:
        """Evaluate the checks; returns an error kind and a message, ``(OK, "")`` if all hold.

        ``body`` is the collected part, as transferred; ``body_bytes`` is the length of the whole
        body. A body with Content-Encoding gzip or deflate is decompressed first, even if the
        request did not allow that encoding; any other encoding fails the checks.
        """
        if self._statuses is None:
            error, why = check_status(status)
            if error:
                return error, why
        elif status not in self._statuses:
            return ErrorKind.CHECK, f"the status is {status}, not {self._expected}"
        why = self._find_fault(bytes(body or b""), body_bytes, encoding)
        return (ErrorKind.CHECK, why) if why else (ErrorKind.OK, "")

    def evaluate_call(
        self, ended: ErrorKind, why: str, messages: Sequence[bytes], body_bytes: int
    ) -> tuple[ErrorKind, str]:
        """Evaluate the checks of a gRPC call that ``ended`` with a status and a message, ``why``.

        Returns what `evaluate` does. ``messages`` are those of the response, whole and
        decompressed: all of them if it ``needs_body``.
        """
        status = ended.grpc_status or "OK"
        if self._calls is None:
            if ended:
                return ended, why
        elif status not in self._calls:
            found = describe_grpc_statuses([status])
            because = f" ({why})" if why else ""
            return ErrorKind.CHECK, f"the status is {found}, not {self._expected_calls}{because}"
        body = b""
        if self._decode is not None and messages and body_bytes <= BODY_CAP_BYTES:
            try:
                body = self._decode(messages)
            except ValueError as exc:
                return ErrorKind.CHECK, f"the message {exc}"
        fault = self._find_fault(body, body_bytes, "")
        return (ErrorKind.CHECK, fault) if fault else (ErrorKind.OK, "")

    def _find_fault(self, body: bytes, body_bytes: int, encoding: str) -> str:
        if self._max_bytes is not None and body_bytes > self._max_bytes:
            return f"the body has {body_bytes:,} bytes, more than {self._max_bytes:,}"
        if not self._parts:
            return ""
        if body_bytes > BODY_CAP_BYTES:
            cap = format_bytes(BODY_CAP_BYTES)
            return f"the body has {format_bytes(body_bytes)}, of which checks read {cap} at most"
        if encoding:
            body, why = decompress(body, encoding)
            if why:
                return why
        decoded = _Body(body, "body")
        return next(filter(None, (part(decoded) for part in self._parts)), "")


class _Body:
    """A body, or another text, decoded and parsed at most once for all checks."""

    def __init__(self, raw: bytes, noun: str) -> None:
        self.raw = raw
        self.noun = noun

    @cached_property
    def text(self) -> str:
        return self.raw.decode(errors="replace")

    @cached_property
    def document(self) -> tuple[Any, str]:
        """The parsed JSON and an empty string, or None and an error message."""
        if not self.raw:
            return None, f"the {self.noun} is empty, not JSON"
        try:
            return json.loads(self.raw), ""
        except (ValueError, RecursionError) as exc:
            return None, f"the {self.noun} is not JSON ({exc})"


def find_fault_in(
    check: BodyContains | BodyEquals | BodyMatches | JsonEquals, noun: str
) -> Callable[[bytes], str]:
    """Compile a check to a function of a text that its messages call ``noun``.

    It returns why the check does not hold, or an empty message.
    """
    part = _compile(check, noun)
    return lambda raw: part(_Body(raw, noun))


def _compile(
    check: BodyContains | BodyEquals | BodyMatches | JsonEquals, noun: str
) -> Callable[[_Body], str]:
    """Compile a check to a function that returns an error message for a body, or an empty one."""
    match check:
        case BodyContains(text):
            return _contains(text, noun)
        case BodyEquals(text):
            return _equals(text)
        case BodyMatches(pattern):
            return _matches(pattern)
        case JsonEquals(path, value):
            return _json_equals(path, value)


def _contains(text: str, noun: str) -> Callable[[_Body], str]:
    wanted, why = text.encode(), f"the {noun} does not contain {brief(text)}"
    return lambda body: "" if wanted in body.raw else why


def _equals(text: str) -> Callable[[_Body], str]:
    wanted = text.encode()

    def look(body: _Body) -> str:
        if body.raw == wanted:
            return ""
        start = body.raw[:_BRIEF_BYTES].decode(errors="replace")
        return f"the body is {brief(start)}, not {brief(text)}"

    return look


def _matches(pattern: str) -> Callable[[_Body], str]:
    search, why = re.compile(pattern).search, f"the body does not match {brief(pattern)}"
    return lambda body: why if search(body.text) is None else ""


def _json_equals(path: str, wanted: Any) -> Callable[[_Body], str]:
    parts = split_path(path)
    positions = [int(part) if re.fullmatch(r"\d{1,9}", part, re.ASCII) else -1 for part in parts]

    def look(body: _Body) -> str:
        value, why = body.document
        if why:
            return why
        for number, (part, position) in enumerate(zip(parts, positions, strict=True)):
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, list) and 0 <= position < len(value):
                value = value[position]
            else:
                place = ".".join(parts[:number]) or f"the JSON {body.noun}"
                return f"{place} is {brief(value)}, which has no {brief(part)}"
        return "" if _same_json(value, wanted) else f"{path} is {brief(value)}, not {brief(wanted)}"

    return look


def _same_json(one: Any, other: Any) -> bool:
    """True if two values are the same JSON: unlike in Python, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_json(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_json, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def decompress(body: bytes, encoding: str) -> tuple[bytes, str]:
    """Decompress a body; returns it and an error message, empty on success."""
    name = encoding.strip().lower()
    if name in ("", "identity") or not body:
        return body, ""
    if name not in ("gzip", "x-gzip", "deflate"):
        return b"", (
            f"the body is compressed as {brief(encoding)}, which checks cannot read:"
            " ask for gzip in Accept-Encoding"
        )
    parts: list[bytes] = []
    room = BODY_CAP_BYTES + 1
    try:
        while body and room > 0:  # gzip may come in several members
            stream = _inflater(body)
            parts.append(stream.decompress(body, room))
            room -= len(parts[-1])
            if not stream.eof and room > 0:
                return b"", f"the body ends in the middle of its {name} data"
            body = stream.unused_data
    except zlib.error as exc:
        return b"", f"the body is not valid {name}, its Content-Encoding ({exc})"
    if room <= 0:
        return b"", f"the decompressed body has more than {format_bytes(BODY_CAP_BYTES)}"
    return b"".join(parts), ""


def _inflater(body: bytes) -> Any:
    # Some servers send deflate without the zlib wrapper that RFC 9110 requires.
    zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2]) % 31 == 0
    wrapped = zlib_header or body[:2] == b"\x1f\x8b"
    return zlib.decompressobj(_GZIP_OR_ZLIB if wrapped else -zlib.MAX_WBITS)
