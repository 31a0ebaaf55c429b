"""Cookies of a user, and the header line that they make."""

from __future__ import annotations

import time
from http.cookiejar import Cookie, CookieJar

import httpx

from benchlab.load.drivers.scenario.client.target import Target

__all__ = ["CookieLines", "CountingJar"]

_MOST_LINES = 256
_ROOT = "/"


class CountingJar(CookieJar):
    """A jar that counts its changes; ``version`` is 0 as long as nothing was ever in it."""

    version = 0

    def set_cookie(self, cookie: Cookie) -> None:
        """Add a cookie."""
        self.version += 1
        super().set_cookie(cookie)

    def clear(
        self, domain: str | None = None, path: str | None = None, name: str | None = None
    ) -> None:
        """Remove cookies."""
        self.version += 1
        super().clear(domain, path, name)


class CookieLines:
    """The ``Cookie`` lines for requests, as the jar makes them; remembered until it changes."""

    __slots__ = ("_by_path", "_cookies", "_expires", "_jar", "_known", "_version")

    def __init__(self, cookies: httpx.Cookies, jar: CountingJar) -> None:
        self._cookies = cookies
        self._jar = jar
        self._version = 0
        self._expires: float | None = None
        self._by_path = False
        self._known: dict[object, bytes] = {}

    def line(self, target: Target) -> bytes:
        """The line for a request to ``target``; empty if no cookie is for it."""
        if self._version != self._jar.version or (
            self._expires is not None and time.time() >= self._expires
        ):
            self._renew()
        key = (target.service, target.raw_path) if self._by_path else target.service
        line = self._known.get(key)
        if line is None:
            if len(self._known) >= _MOST_LINES:
                self._known.clear()
            line = self._known[key] = self._make(target.url)
        return line

    def _renew(self) -> None:
        self._jar.clear_expired_cookies()
        self._known = {}
        self._by_path = any(cookie.path != _ROOT for cookie in self._jar)
        self._expires = min((c.expires for c in self._jar if c.expires is not None), default=None)
        self._version = self._jar.version

    def _make(self, url: str) -> bytes:
        request = httpx.Request("GET", url)
        self._cookies.set_cookie_header(request)
        value = request.headers.get("Cookie")
        return b"" if value is None else b"Cookie: %b\r\n" % value.encode("latin-1")
