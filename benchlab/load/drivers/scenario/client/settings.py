"""What requests with equal settings have in common, encoded once for all users."""

from __future__ import annotations

import re
from typing import Any, Protocol

import httpx

from benchlab.load.drivers.scenario.client.connection import Limits
from benchlab.load.drivers.scenario.client.fields import encode_fields
from benchlab.load.drivers.scenario.client.service import Service
from benchlab.load.drivers.scenario.client.target import Target
from benchlab.load.drivers.scenario.client.upload import asks_to_close

__all__ = ["DEFAULT", "Services", "Settings", "Start", "basic_authorization"]

DEFAULT = httpx.USE_CLIENT_DEFAULT
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

# A path, and perhaps a query, that httpx would send as it is: without dot segments (a dot at the
# start of a segment is left to httpx), and not the start of an authority.
_CHARS = r"(?:[A-Za-z0-9_~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_PLAIN = re.compile(rf"(?:/{_CHARS}(?:{_CHARS}|\.)*+)*+/?(?:\?(?:{_CHARS}|[./?])*+)?")


class Services(Protocol):
    """Finds services by their URLs."""

    keep_alive: bool

    @property
    def most_remembered(self) -> int:
        """How many requests each `Settings` may remember."""

    def service_of(self, url: httpx.URL) -> Service:
        """The service of an absolute URL."""


class Lines:
    """Header lines, and what is among them."""

    __slots__ = ("closes", "has_cookie", "has_host", "has_trace", "has_type", "raw")

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Encode ``fields``.

        Raises:
            httpx.LocalProtocolError: HTTP does not allow one of them.
        """
        names = {name.lower() for name, _ in fields}
        self.raw = encode_fields(fields)
        self.has_host = b"host" in names
        self.has_type = b"content-type" in names
        self.has_trace = b"traceparent" in names
        self.has_cookie = b"cookie" in names
        self.closes = asks_to_close(fields)


class Start:
    """The start of requests with the same method, target and header lines: their ``head``."""

    __slots__ = ("head", "lines", "method", "target")

    def __init__(self, method: str, target: Target, lines: Lines) -> None:
        self.method = method
        self.target = target
        self.lines = lines
        self.head = b"%b %b HTTP/1.1\r\n%b%b" % (
            method.encode(),
            target.text.encode("ascii"),
            b"" if lines.has_host else target.service.host_line,
            lines.raw,
        )

    def with_query(self, query: str | None) -> Start:
        """The same path with another query, or without one."""
        return Start(self.method, self.target.with_query(query), self.lines)


class Settings:
    """The settings of a client that its quick way depends on, and what is known about requests.

    ``limits`` are the time limits; none unless the scenario set some.
    """

    def __init__(
        self,
        services: Services,
        base_url: httpx.URL,
        headers: httpx.Headers,
        authorization: str | None,
        limits: Limits,
    ) -> None:
        """``authorization`` is the client's; without it that of the URL is sent."""
        self._services = services
        self._headers = httpx.Headers(headers)
        self._of_url = None
        if base_url.userinfo:
            self._of_url = basic_authorization((base_url.username, base_url.password))
        self._authorization = authorization or self._of_url
        self.limits = limits
        self._service: Service | None = None
        if base_url.is_absolute_url and base_url.scheme in ("http", "https"):
            self._service = services.service_of(base_url)
        self._base_url = base_url
        self._place = str(base_url.copy_with(raw_path=b"/", fragment=None))[:-1]
        self._path = base_url.raw_path.decode("ascii")
        self._lines: dict[tuple[Any, ...], Lines | None] = {}
        self._starts: dict[tuple[Any, ...], Start | None] = {}

    def start(self, method: str, url: str, headers: Any, auth: Any) -> Start | None:
        """The start of a request; None if the request is left to httpx.

        Raises:
            Exception: the one that httpx raises for such arguments.
        """
        kind = type(headers)
        if headers is None:
            key: tuple[Any, ...] = (method, url, auth)
        elif kind is dict:
            key = (method, url, auth, *headers.items())
        elif kind is list or kind is tuple:
            key = (method, url, auth, kind, *headers)
        else:
            return None
        try:
            return self._starts[key]
        except KeyError:
            if len(self._starts) >= self._services.most_remembered:
                self._starts.clear()
        except TypeError:  # a list in it cannot be a key
            return None
        start = self._starts[key] = self._make(method, url, key[2:], headers, auth)
        return start

    def _make(
        self, method: str, url: str, key: tuple[Any, ...], headers: Any, auth: Any
    ) -> Start | None:
        target = self._find(url)
        if target is None or method not in _METHODS:
            return None
        try:
            lines = self._lines[key]
        except KeyError:
            if len(self._lines) >= self._services.most_remembered:
                self._lines.clear()
            lines = self._lines[key] = self._encode(headers, auth)
        return None if lines is None else Start(method, target, lines)

    def _find(self, url: str) -> Target | None:
        if url.startswith("/") and self._service is not None and _PLAIN.fullmatch(url):
            return Target(self._service, self._place, self._path + url[1:])
        full = httpx.URL(url)
        if full.is_relative_url:
            if self._service is None:
                return None
            raw_path = self._base_url.raw_path + full.raw_path.lstrip(b"/")
            full = self._base_url.copy_with(raw_path=raw_path)
        elif full.userinfo or self._base_url.userinfo:
            return None  # each URL has its own user and password, or none
        if full.scheme not in ("http", "https"):
            return None
        place = str(full.copy_with(raw_path=b"/", fragment=None))[:-1]
        text = full.raw_path.decode("ascii")
        if str(full) != place + text:  # it has a fragment, or no path
            return None
        return Target(self._services.service_of(full), place, text)

    def _encode(self, headers: Any, auth: Any) -> Lines | None:
        merged = httpx.Headers(self._headers)
        merged.update(headers)
        authorization = self._authorization
        if auth is None:
            authorization = self._of_url
        elif auth is not DEFAULT:
            if type(auth) is not tuple or len(auth) != 2:
                return None
            authorization = basic_authorization(auth)
        if authorization is not None:
            merged["Authorization"] = authorization
        fields = merged.raw
        names = [name.lower() for name, _ in fields]
        if b"content-length" in names or b"transfer-encoding" in names or names.count(b"host") > 1:
            return None
        if not self._services.keep_alive and b"connection" not in names:
            fields.append((b"Connection", b"close"))
        try:
            return Lines(fields)
        except httpx.LocalProtocolError:
            return None  # raised again when it is sent


def basic_authorization(auth: tuple[Any, Any]) -> str:
    """The value of ``Authorization`` for a user and a password, as httpx makes it."""
    request = httpx.Request("GET", "http://localhost")
    value: str = next(httpx.BasicAuth(*auth).auth_flow(request)).headers["Authorization"]
    return value
