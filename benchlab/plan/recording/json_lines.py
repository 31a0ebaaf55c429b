"""Access logs of a JSON object per line, recognised by their names: Caddy, Traefik, Envoy, others.

Sources: Caddy's "How logging works" (logger ``http.log.access``); Traefik's "Access logs" (fields
of the JSON format); Envoy's ``json_format``, whose names are free: those of its documentation and
of Istio are known. nginx' ``escape=json`` has free names too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from benchlab.plan.recording.collect import Entry
from benchlab.plan.recording.fields import Meaning, TimeField, read_entry
from benchlab.plan.recording.moments import Moment, read_clf, read_epoch, read_iso
from benchlab.plan.recording.skipped import Skip

__all__ = ["JsonLines"]

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]")
_PARTS = ("request", "req", "http", "httprequest", "response")
_LONGEST_NAME = 64

# Names without capitals and marks, the best first.
_NAMES: dict[Meaning, tuple[str, ...]] = {
    Meaning.REQUEST: ("request", "requestline"),
    Meaning.METHOD: ("requestmethod", "method", "httpmethod", "verb"),
    Meaning.TARGET: (
        "requesturi", "xenvoyoriginalpath", "originalpath", "requestpath", "requesturl", "uri",
        "path", "url", "target",
    ),
    Meaning.QUERY: ("args", "querystring", "query"),
    Meaning.HOST: ("requesthost", "httphost", "host", "authority", "servername", "vhost"),
    Meaning.STATUS: ("downstreamstatus", "status", "responsecode", "statuscode", "code"),
    Meaning.CLIENT: (
        "clienthost", "clientip", "remoteaddr", "remoteip", "client", "downstreamremoteaddress",
        "remoteaddress", "remotehost", "ip",
    ),
    Meaning.FORWARDED: ("xforwardedfor", "httpxforwardedfor", "requestxforwardedfor"),
    Meaning.AGENT: ("useragent", "httpuseragent", "requestuseragent", "agent"),
    Meaning.SESSION: ("sessionid", "session", "xsessionid", "requestxsessionid"),
    Meaning.CONNECTION: ("connectionid", "connection"),
    Meaning.BODY_BYTES: (
        "requestcontentsize", "bytesreceived", "bytesread", "contentlength", "httpcontentlength",
        "requestcontentlength",
    ),
    Meaning.CONTENT_TYPE: ("contenttype", "httpcontenttype", "requestcontenttype"),
    Meaning.UPGRADE: ("httpupgrade", "requestupgrade", "upgrade"),
    Meaning.SECONDS: ("requesttime", "durations"),
    Meaning.MILLISECONDS: ("durationms", "latencyms", "elapsedms", "responsetimems"),
    Meaning.MICROSECONDS: ("durationus", "latencyus"),
    Meaning.NANOSECONDS: ("durationns", "latencyns"),
}  # fmt: skip
_STARTS = ("startutc", "starttime", "startlocal", "start")
_ENDS = (
    "msec", "ts", "time", "timestamp", "timeiso8601", "timelocal", "datetime", "date", "eventtime",
)  # fmt: skip
_TRAEFIK, _ENVOY = ("downstreamstatus", "requestpath"), ("responsecode",)
_ENVOY_FLAGS = "responseflags"
_CADDY_HEADERS = {
    "user-agent": Meaning.AGENT,
    "content-type": Meaning.CONTENT_TYPE,
    "upgrade": Meaning.UPGRADE,
}


def _any_time(text: str) -> Moment | None:
    return read_epoch(text) or read_iso(text) or read_clf(text)


_TIMES = [
    *(TimeField(name, _any_time, ended=False) for name in _STARTS),
    *(TimeField(name, _any_time, ended=True) for name in _ENDS),
]
_ENVOY_TIMES = [TimeField(name, _any_time, ended=False) for name in (*_STARTS, *_ENDS)]
_CADDY_TIMES = [TimeField("ts", _any_time, ended=True)]


class JsonLines:
    """Reads lines with a JSON object each."""

    name = "JSON lines"

    def read(self, line: str) -> Entry | Skip:
        """The request of a line, or why there is none."""
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            return Skip.MALFORMED
        if not isinstance(data, dict):
            return Skip.MALFORMED
        request = data.get("request")
        if isinstance(request, dict) and "uri" in request:
            return _caddy(data, request)
        return _flat(data)

    def matches(self, line: str) -> bool:
        """Whether ``line`` is an object."""
        return line.lstrip()[:1] == "{" and self.read(line) is not Skip.MALFORMED

    def explain(self, line: str) -> str:
        """Why ``line`` cannot be read."""
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as exc:
            return f"it is not JSON: {exc}"
        if not isinstance(data, dict):
            return "it is not an object"
        return "it has no method, path and time under names that are known"


def _caddy(data: Mapping[str, Any], request: Mapping[str, Any]) -> Entry | Skip:
    logger = data.get("logger", "")
    if isinstance(logger, str) and logger.startswith("http.log.error"):
        return Skip.NO_ACCESS  # the same request has a line of its own in the log of accesses
    values: dict[str, str] = {
        "ts": _text(data.get("ts")),
        Meaning.METHOD: _text(request.get("method")),
        Meaning.TARGET: _text(request.get("uri")),
        Meaning.HOST: _text(request.get("host")),
        Meaning.STATUS: _text(data.get("status")),
        Meaning.SECONDS: _caddy_duration(data.get("duration")),
        Meaning.CLIENT: _text(request.get("client_ip") or request.get("remote_ip")),
        Meaning.BODY_BYTES: _text(data.get("bytes_read")),
    }
    headers = request.get("headers")
    for name, given in headers.items() if isinstance(headers, dict) else ():
        meaning = _CADDY_HEADERS.get(name.lower())
        if meaning is not None:
            values[meaning] = _text(given[0] if isinstance(given, list) and given else given)
    return read_entry(values, _CADDY_TIMES)


def _flat(data: Mapping[str, Any]) -> Entry | Skip:
    found: dict[str, str] = {}
    for key, value in data.items():
        name = _plain(key)
        if isinstance(value, dict):
            if name in _PARTS:
                for inner, text in value.items():
                    found.setdefault(_plain(inner), _text(text))
        else:
            found[name] = _text(value)
    values = {name: found[name] for name in (*_STARTS, *_ENDS) if name in found}
    for meaning, names in _NAMES.items():
        name = next((name for name in names if found.get(name)), "")
        if name:
            values[meaning.value] = found[name]
    if (unit := _unit_of_duration(found)) is not None:
        values.setdefault(unit, found["duration"])
    if cookie := next((name for name in found if name.startswith("cookie") and found[name]), ""):
        values.setdefault(Meaning.SESSION, found[cookie])
    if Meaning.REQUEST not in values and not {Meaning.METHOD, Meaning.TARGET} <= values.keys():
        return Skip.MALFORMED  # such as a message about a file, which has a path too
    # Envoy's only time is that of the start, whatever it is called.
    return read_entry(values, _ENVOY_TIMES if _ENVOY_FLAGS in found else _TIMES)


def _unit_of_duration(found: Mapping[str, str]) -> Meaning | None:
    """Traefik's ``Duration`` is in ns and Envoy's in ms; one of others says its unit, as in
    ``12ms``, or has none that is known: a guess would move arrivals by a thousand times of it."""
    if all(name in found for name in _TRAEFIK):
        return Meaning.NANOSECONDS
    if all(name in found for name in _ENVOY):
        return Meaning.MILLISECONDS
    return Meaning.SECONDS if found.get("duration", "")[-1:].isalpha() else None


def _caddy_duration(duration: Any) -> str:
    """Seconds with a fraction, or a text with units; whole numbers are of another unit (its
    ``duration_format``), and not used."""
    return "" if isinstance(duration, int) and duration else _text(duration)


def _plain(name: str) -> str:
    return _without_marks(name[:_LONGEST_NAME])


@lru_cache(maxsize=4096)
def _without_marks(name: str) -> str:
    return _NOT_IN_NAMES.sub("", name.lower())


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return value if isinstance(value, str) else repr(value)
