"""Read a HAR file: the requests of a browser, with their bodies.

Source: HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec), as Chrome, Firefox,
Safari and proxies write it.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from benchlab.errors import InputError
from benchlab.plan.recording.bodies import form_body, masked_body
from benchlab.plan.recording.collect import Collector, Entry
from benchlab.plan.recording.moments import Moment, read_iso
from benchlab.plan.recording.skipped import Skip
from benchlab.plan.recording.target import read_target
from benchlab.plan.validation import is_number
from benchlab.text import one_line
from benchlab.text_files import read_text
from benchlab.units import NS_PER_MS

__all__ = ["Har", "read_har"]

_WEBSOCKET = "websocket"
_BEFORE = ("blocked", "dns", "connect")
_LONGEST_WAIT_MS = 3_600_000
_SHOWN = 80


class Har(NamedTuple):
    """A file that was read: its path, its name, and the host of its first request."""

    path: str
    name: str
    main_host: str


def read_har(path: str | PathLike[str], collector: Collector) -> Har:
    """Give the requests of a HAR file to ``collector``.

    Raises:
        InputError: the file cannot be read, or is not HAR.
    """
    path = Path(path)
    entries = _entries(path)
    main_host = ""
    for number, item in enumerate(entries, 1):
        if not isinstance(item, dict):
            raise _not_har(path, f"entry {number} is {one_line(repr(item), _SHOWN)}")
        entry = _read(item)
        if isinstance(entry, Entry):
            main_host = main_host or entry.host
            collector.take(entry)
        else:
            collector.skip(entry)
    return Har(str(path.absolute()), path.name, main_host)


def _entries(path: Path) -> list[Any]:
    text = read_text(path)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise _not_har(path, f"it is not JSON: {exc}") from exc
    log = data.get("log") if isinstance(data, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise _not_har(path, "it has no log with entries")
    return entries


def _not_har(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} is not a HAR file: {reason}",
        remedy="save one with a browser's developer tools, under Network",
    )


def _read(item: Mapping[str, Any]) -> Entry | Skip:
    request = item.get("request")
    if not isinstance(request, dict):
        return Skip.MALFORMED
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        return Skip.MALFORMED
    if item.get("_resourceType") == _WEBSOCKET:
        return Skip.WEBSOCKET
    started = read_iso(_text(item.get("startedDateTime")))
    if started is None:
        return Skip.NO_TIME
    moment = _sent_at(started, item.get("timings"))
    method, url = method.upper(), url.partition("#")[0]  # a fragment is not sent
    target = read_target(method, url if "://" in url else f"{url.partition(':')[0]}://")
    if isinstance(target, Skip):
        return target
    response, took = item.get("response"), item.get("time")
    status = response.get("status") if isinstance(response, dict) else None
    if item.get("_fromCache") or _blocked(response):
        return Skip.NOT_SENT
    content_type, raw = _body(request)
    body = None if raw is None else masked_body(raw, content_type)
    page = _text(item.get("pageref"))
    return Entry(
        moment,
        method,
        url,
        host=target.host,
        status=status if isinstance(status, int) else 0,
        duration_s=took / 1000 if is_number(took) and took >= 0 else math.nan,
        session=(page,) if page else (),
        body=body,
        body_bytes=_size(request) if body is None else None,
        content_type=content_type,
        is_masked=body != raw,
    )


def _sent_at(started: Moment, timings: object) -> Moment:
    """When the request was sent: it waited for a connection first (``ssl`` is in ``connect``).

    What is not known, or did not happen, is -1.
    """
    given = [timings.get(name) for name in _BEFORE] if isinstance(timings, dict) else []
    waited_ms = sum(ms for ms in given if is_number(ms) and 0 < ms < _LONGEST_WAIT_MS)
    if not waited_ms:
        return started
    return Moment(started.ns + round(waited_ms * NS_PER_MS), started.zone_s, is_whole=False)


def _blocked(response: object) -> bool:
    """Whether the browser refused to send the request (Chrome: ``net::ERR_BLOCKED_BY_CLIENT``)."""
    return isinstance(response, dict) and "BLOCKED" in _text(response.get("_error"))


def _body(request: Mapping[str, Any]) -> tuple[str, bytes | None]:
    """The type of the body, and the body; None if it is not known."""
    data = request.get("postData")
    if not isinstance(data, dict):
        return "", None
    content_type = _text(data.get("mimeType")).strip()
    if any(ord(mark) < 0x20 or ord(mark) > 0x7E for mark in content_type):
        content_type = ""
    text, params = data.get("text"), data.get("params")
    if isinstance(text, str) and text:
        raw = text.encode("utf-8", "surrogatepass")
        if data.get("encoding") == "base64":
            try:
                raw = base64.b64decode(text, validate=True)
            except ValueError:
                return content_type, None
        return content_type, raw
    if isinstance(params, list) and "x-www-form-urlencoded" in content_type.lower():
        return content_type, form_body(params)
    return content_type, None


def _size(request: Mapping[str, Any]) -> int | None:
    """The bytes of the body; browsers write 0, or -1 where they do not know."""
    size = request.get("bodySize")
    return size if isinstance(size, int) and size >= 0 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
