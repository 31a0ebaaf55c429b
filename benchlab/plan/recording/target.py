"""The target of a recorded request: its path and query as they can be sent and stored."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from benchlab.plan.recording.skipped import Skip
from benchlab.redact import HIDDEN, may_have_secret, public_fields, public_path

__all__ = ["JWT", "Target", "read_request_line", "read_target"]

_LONGEST = 65_536
_SHORT = 512  # so that what is remembered stays small, however hostile a log is
_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,31}")
_SCHEMES = ("http", "https")
# What servers write for a byte that would break the line: \xHH (nginx, Apache, Envoy), or as in C.
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|([\\\"'bnrtv]))")
_NAMED = {"b": 8, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34, "'": 39}
# All of visible ASCII but #, which would end the target: the rest is sent percent-encoded.
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "#")
_PLAIN = re.compile(r"/[A-Za-z0-9/._~-]*\Z")
# Three parts of base64, of which the first begins with {": a JSON Web Token (RFC 7519).
JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
"""A JSON Web Token, which is a secret whatever its name."""


class Target(NamedTuple):
    """A path with its query, the host of an absolute URL, and whether a secret was masked."""

    path: str
    host: str = ""
    is_masked: bool = False


def read_request_line(line: str) -> tuple[str, str] | Skip:
    """Method and target of ``GET /path HTTP/1.1``; a path with blanks is taken whole.

    >>> read_request_line("GET /a b.txt HTTP/1.1")
    ('GET', '/a b.txt')
    """
    method, blank, rest = line.partition(" ")
    if not blank or not _METHOD.fullmatch(method):
        return Skip.NOT_HTTP
    target, _, version = rest.rpartition(" ")
    if not version.startswith("HTTP/"):
        target = rest  # HTTP/0.9, or a version that was cut off
    return (method, target.strip()) if target.strip() else Skip.NOT_HTTP


def read_target(method: str, raw: str) -> Target | Skip:
    """The target ``raw`` of a log, ready to be sent, with its secrets masked; or why it cannot be.

    What a server escaped is what was sent again; bytes that a request line cannot have are
    percent-encoded.
    """
    return (_read_short if len(raw) <= _SHORT else _read)(method, raw)


def _read(method: str, raw: str) -> Target | Skip:
    if method == "CONNECT":
        return Skip.CONNECT
    if not _METHOD.fullmatch(method):
        return Skip.NOT_HTTP
    if len(raw) > _LONGEST:
        return Skip.TOO_LONG
    if _PLAIN.match(raw):
        return _masked(raw, "")
    if raw == "*":
        return Skip.ASTERISK
    if "\\" in raw:
        raw = _ESCAPE.sub(_unescaped, raw)
    host, path = "", raw
    if not raw.startswith("/"):
        scheme, mark, rest = raw.partition("://")
        if not mark:
            return Skip.NOT_HTTP
        if scheme.lower() in ("ws", "wss"):
            return Skip.WEBSOCKET
        if scheme.lower() not in _SCHEMES:
            return Skip.OTHER_SCHEME
        cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
        host, path = rest[:cut].rpartition("@")[2].lower(), rest[cut:]
        path = path if path.startswith("/") else f"/{path}"
    encoded = quote(_bytes(path), safe=_SAFE)
    return Skip.TOO_LONG if len(encoded) > _LONGEST else _masked(encoded, host)


_read_short = lru_cache(maxsize=16_384)(_read)


def _masked(path: str, host: str) -> Target:
    shown = path
    if may_have_secret(path):
        before, mark, query = path.partition("?")
        # As a whole, //host/… would be read as a host.
        shown = public_path(before) + mark + public_fields(query)
    if "eyJ" in shown:
        shown = JWT.sub(HIDDEN, shown)
    return Target(shown, host, shown != path)


def _bytes(path: str) -> bytes:
    """The bytes of a path: those that are not UTF-8 were read as halves of surrogate pairs."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other halves, which only JSON can have
        return path.encode("utf-8", "surrogatepass")


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16) if found[1] else _NAMED[found[2]]
    return chr(code) if code < 0x80 else bytes((code,)).decode("utf-8", "surrogateescape")
