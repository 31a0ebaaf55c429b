"""From the values of one log entry, by what they mean, to the request that it is about."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from benchlab.errors import InputError
from benchlab.plan.recording.collect import Entry
from benchlab.plan.recording.moments import Moment
from benchlab.plan.recording.skipped import Skip
from benchlab.plan.recording.target import read_request_line
from benchlab.units import NS_PER_S, parse_duration_s

__all__ = ["UNKNOWN", "Meaning", "TimeField", "read_entry", "without_port"]

UNKNOWN = ("", "-")
"""What servers write for a value that they do not have."""

_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+|\[[^\]]*\]):\d+\Z")
_STATUS = re.compile(r"[1-9][0-9][0-9]")
_SIZE = re.compile(r"[0-9]{1,18}")
_FRACTION = re.compile(r"[0-9]{1,9}")


class Meaning(StrEnum):
    """What a value of a log is of the request."""

    REQUEST = "request"
    METHOD = "method"
    TARGET = "target"
    PATH = "path"
    QUERY = "query"
    HOST = "host"
    STATUS = "status"
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"
    CLIENT = "client"
    FORWARDED = "forwarded"
    AGENT = "agent"
    SESSION = "session"
    CONNECTION = "connection"
    BODY_BYTES = "body_bytes"
    CONTENT_TYPE = "content_type"
    UPGRADE = "upgrade"
    FRACTION_MS = "fraction_ms"
    FRACTION_US = "fraction_us"
    NOTHING = ""


_PER_S = {
    Meaning.SECONDS: 1,
    Meaning.MILLISECONDS: 1e3,
    Meaning.MICROSECONDS: 1e6,
    Meaning.NANOSECONDS: 1e9,
}
_FRACTIONS = {Meaning.FRACTION_MS: 1_000_000, Meaning.FRACTION_US: 1_000}


class TimeField(NamedTuple):
    """The key of a time, how it is read, and whether it is that of the response's end."""

    key: str
    read: Callable[[str], Moment | None]
    ended: bool


def read_entry(values: Mapping[str, str], times: list[TimeField]) -> Entry | Skip:
    """The request of an entry with these ``values``, by `Meaning`, or why there is none.

    Of several ``times`` the first that can be read counts.
    """
    if values.get(Meaning.UPGRADE, "").lower() == "websocket":
        return Skip.WEBSOCKET
    request = _request(values)
    if isinstance(request, Skip):
        return request
    moment, ended = None, False
    for key, read, is_end in times:
        moment, ended = read(values.get(key, "")), is_end
        if moment is not None:
            break
    if moment is None:
        return Skip.NO_TIME
    for meaning, ns in _FRACTIONS.items():
        if _FRACTION.fullmatch(fraction := values.get(meaning, "")):
            moment = Moment(moment.ns + int(fraction) * ns % NS_PER_S, moment.zone_s, False)
    status, size = values.get(Meaning.STATUS, ""), values.get(Meaning.BODY_BYTES, "")
    host, kind = values.get(Meaning.HOST, ""), values.get(Meaning.CONTENT_TYPE, "")
    session = values.get(Meaning.SESSION, "")
    return Entry(
        moment,
        *request,
        host="" if host in UNKNOWN else host,
        status=int(status) if _STATUS.fullmatch(status) else 0,
        duration_s=_duration_s(values),
        ended=ended,
        client=_client(values),
        session=() if session in UNKNOWN else (session,),
        body_bytes=int(size) if _SIZE.fullmatch(size) else None,
        content_type="" if kind in UNKNOWN else kind,
    )


def _request(values: Mapping[str, str]) -> tuple[str, str] | Skip:
    """Method and target: of the request line, or of the parts that a log has."""
    line = values.get(Meaning.REQUEST)
    if line is not None:
        return read_request_line(line)
    method = values.get(Meaning.METHOD, "GET")
    target = values.get(Meaning.TARGET, "")
    if target in UNKNOWN:
        path, query = values.get(Meaning.PATH, ""), values.get(Meaning.QUERY, "").lstrip("?")
        if path in UNKNOWN:
            return Skip.NOT_HTTP
        target = path if query in UNKNOWN else f"{path}?{query}"
    return Skip.NOT_HTTP if method in UNKNOWN else (method, target)


def _duration_s(values: Mapping[str, str]) -> float:
    for meaning, per_s in _PER_S.items():
        text = values.get(meaning, "")
        if text in UNKNOWN:
            continue
        try:
            return float(text) / per_s
        except ValueError:
            try:
                return parse_duration_s(text)  # 2.14ms, as Caddy may write it
            except InputError:
                return math.nan
    return math.nan


def _client(values: Mapping[str, str]) -> tuple[str, ...]:
    """Who sent the request, as far as the log tells: address and user agent.

    Behind a proxy the address is that of the proxy, and the first of ``X-Forwarded-For`` the
    client's. Without an address, requests of one connection are of one client.
    """
    forwarded = values.get(Meaning.FORWARDED, "").partition(",")[0].strip()
    address = values.get(Meaning.CLIENT, "") if forwarded in UNKNOWN else forwarded
    if address in UNKNOWN:
        connection = values.get(Meaning.CONNECTION, "")
        return () if connection in UNKNOWN else ("connection", connection)
    agent = values.get(Meaning.AGENT, "")
    return (without_port(address), "" if agent in UNKNOWN else agent)


def without_port(address: str) -> str:
    """``address`` without the port, which differs from connection to connection.

    >>> without_port("192.0.2.10:40084"), without_port("2001:db8::7")
    ('192.0.2.10', '2001:db8::7')
    """
    found = _PORT.match(address)
    return found[1] if found else address
