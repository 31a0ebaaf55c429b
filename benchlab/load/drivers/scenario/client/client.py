"""The client of a scenario: httpx's, with a quick way for ordinary requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, MutableMapping
from types import NoneType
from typing import Any, Protocol

import httpx

from benchlab.load.drivers.scenario.client.body import encode_body
from benchlab.load.drivers.scenario.client.calls import Calls, Sending
from benchlab.load.drivers.scenario.client.connection import Limits
from benchlab.load.drivers.scenario.client.cookies import CookieLines, CountingJar
from benchlab.load.drivers.scenario.client.fields import parse_fields
from benchlab.load.drivers.scenario.client.hooks import Hooks, Job
from benchlab.load.drivers.scenario.client.response import Draft, QuickResponse, decoded
from benchlab.load.drivers.scenario.client.settings import (
    DEFAULT,
    Services,
    Settings,
)
from benchlab.load.drivers.scenario.client.transport import (
    RECEIVED,
    WireTransport,
    response_extensions,
)
from benchlab.load.drivers.wire.head import Head
from benchlab.load.drivers.wire.head_cache import HeadCache

__all__ = ["Shared", "WireClient"]

_clock = time.monotonic_ns

_WITH_LENGTH = ("POST", "PUT", "PATCH")
_WATCHED = frozenset({"base_url", "auth", "params", "timeout"})

_HTTP_300, _HTTP_400 = 300, 400

_httpx: Any = httpx.AsyncClient
"""The class whose properties this one extends."""


class Shared(Services, Protocol):
    """What all clients of a driver know."""

    heads: HeadCache
    heads_only: HeadCache
    settings: MutableMapping[tuple[object, ...], Settings]


class _CountingHeaders(httpx.Headers):
    """Headers that count their changes."""

    version = 0

    def __setitem__(self, key: str, value: str) -> None:
        self.version += 1
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.version += 1
        super().__delitem__(key)

    def update(self, headers: Any = None) -> None:  # type: ignore[override]
        """Set ``headers``."""
        self.version += 1
        super().update(headers)


class WireClient(Calls):
    """An `httpx.AsyncClient` on connections of our own; made by a `WireClients`.

    It sends no default headers, and follows redirects only where that is asked for. A request with
    ordinary arguments takes a quick way, which does what httpx does with them. Everything else is
    done by httpx itself, and so is everything while ``hooks`` is None.
    """

    hooks: Hooks | None = None

    def __init__(
        self, shared: Shared, transport: WireTransport, *, base_url: str, timeout: float
    ) -> None:
        self._shared = shared
        self._wire = transport
        self._settings: Settings | None = None
        self._is_ordinary = True
        self._own_limits = False
        super().__init__(
            transport=transport,
            timeout=timeout,
            trust_env=False,
            base_url=base_url,
        )
        self.headers.clear()
        self.cookies = None
        self._own_limits = False

    @property
    def idle_connections(self) -> int:
        """Number of connections that could be used again."""
        return self._wire.idle_count

    # settings

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _WATCHED:
            self._settings = None
            self._own_limits |= name == "timeout"

    @property
    def headers(self) -> httpx.Headers:
        """Headers that are sent with every request."""
        return self._counting_headers

    @headers.setter
    def headers(self, headers: Any) -> None:
        _httpx.headers.fset(self, headers)
        self._counting_headers = _CountingHeaders(_httpx.headers.fget(self))
        self._seen_headers = -1

    @property
    def cookies(self) -> httpx.Cookies:
        """The user's cookies."""
        return self._counted_cookies

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._jar = CountingJar()
        self._counted_cookies = httpx.Cookies(self._jar)
        self._counted_cookies.update(cookies)
        self._cookie_lines = CookieLines(self._counted_cookies, self._jar)

    @property
    def event_hooks(self) -> dict[str, list[Callable[..., Any]]]:
        """Functions that httpx calls: a client that has some leaves everything to httpx."""
        self._is_ordinary = False
        return super().event_hooks

    @event_hooks.setter
    def event_hooks(self, event_hooks: Any) -> None:
        self._is_ordinary = False
        _httpx.event_hooks.fset(self, event_hooks)

    def _renew_settings(self) -> Settings | None:
        self._settings = self._find_settings()
        self._seen_headers = self._counting_headers.version
        return self._settings

    def _find_settings(self) -> Settings | None:
        auth = self.auth
        if not self._is_ordinary or self.params or type(auth) not in (httpx.BasicAuth, NoneType):
            return None
        authorization = None
        if auth is not None:
            probe = httpx.Request("GET", "http://localhost")
            authorization = next(auth.sync_auth_flow(probe)).headers["Authorization"]
        limits = _limits(self.timeout) if self._own_limits else Limits()
        base_url, headers = self.base_url, self.headers
        key = (str(base_url), tuple(headers.raw), authorization, limits)
        known = self._shared.settings.get(key)
        if known is None:
            known = Settings(self._shared, base_url, headers, authorization, limits)
            self._shared.settings[key] = known
        return known

    # requests

    def _begin(
        self,
        method: str,
        url: httpx.URL | str,
        content: Any,
        data: Any,
        files: Any,
        json: Any,
        params: Any,
        headers: Any,
        cookies: Any,
        auth: Any,
        follow_redirects: Any,
        timeout: Any,
        extensions: Any,
    ) -> Sending:
        """Send a request on the quick way, if all arguments are what it knows."""
        hooks, draft = self.hooks, None
        ordinary = files is None and cookies is None and extensions is None
        if ordinary and hooks is not None and type(url) is str:
            try:
                draft = self._draft(
                    method, url, content, data, json, params, headers, auth, timeout
                )
            except Exception:  # httpx raises it again where the request is awaited
                draft = None
            if draft is not None:
                if follow_redirects is DEFAULT:
                    follow_redirects = self.follow_redirects
                if not follow_redirects:
                    return self._send(hooks, draft)
                draft.received = []
                extensions = {RECEIVED: draft.received}
        by_httpx = httpx.AsyncClient.request(
            self,
            method,
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )
        if hooks is None or draft is None:
            return by_httpx
        return self._send_and_follow(hooks, draft, by_httpx)

    def _draft(
        self,
        method: str,
        url: str,
        content: Any,
        data: Any,
        json: Any,
        params: Any,
        headers: Any,
        auth: Any,
        timeout: Any,
    ) -> Draft | None:
        """The request for the quick way; None if httpx has to make it.

        Raises:
            Exception: the one that httpx raises for such arguments.
        """
        settings = self._settings
        if settings is None or self._seen_headers != self._counting_headers.version:
            settings = self._renew_settings()
        if settings is None or self._wire.is_closed:
            return None
        start = settings.start(method, url, headers, auth)
        if start is None:
            return None
        if params is not None:
            start = start.with_query(str(httpx.QueryParams(params)) if params else None)
        encoded = encode_body(content, data, json, start.lines.has_type)
        if encoded is None:
            return None
        body, framing = encoded
        if not framing and method in _WITH_LENGTH:
            framing = b"Content-Length: 0\r\n"
        limits = settings.limits if timeout is DEFAULT else _limits(httpx.Timeout(timeout))
        return Draft(start, framing, body, limits)

    async def _send(self, hooks: Hooks, draft: Draft, job: Job | None = None) -> httpx.Response:
        """Send a request, as part of ``job`` or of the current one."""
        if job is None:
            job = hooks.current()
            if job is None:
                async with hooks.alone(draft.start.method, draft.start.target.path) as job:
                    return await self._send(hooks, draft, job)
        start = draft.start
        lines, limits = start.lines, draft.limits
        extra = b"" if lines.has_trace else hooks.lines(job)
        if self._jar.version and not lines.has_cookie:
            extra += self._cookie_lines.line(start.target)
        draft.data = data = b"%b%b%b\r\n%b" % (start.head, draft.framing, extra, draft.body)
        service = start.target.service
        shared, begun = self._shared, _clock()
        connection = self._wire.take_idle(service, begun)
        try:
            if connection is None:
                connection = await self._wire.open(service, job, limits.connect)
            connection.begun = begun
            head, body = await connection.send(
                data,
                shared.heads_only if start.method == "HEAD" else shared.heads,
                limits.read,
                reusable=not lines.closes,
            )
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        except httpx.RequestError as exc:
            exc.request = draft.request()
            raise
        size = len(body)
        if draft.received is not None and _HTTP_300 <= head.status < _HTTP_400:
            received = _as_received(head, body, connection.number)
            if received.has_redirect_location:
                return received
        if head.encoding:
            body = _decoded(head, body, draft)
        response = QuickResponse(
            self, draft, head, body, size, connection.last - begun, connection.number
        )
        if head.sets_cookies:
            self._counted_cookies.extract_cookies(response)
        hooks.responded(job, response, connection.number, connection.first)
        return response

    async def _send_and_follow(
        self, hooks: Hooks, draft: Draft, by_httpx: Sending
    ) -> httpx.Response:
        """Send a request; if the response is a redirect, httpx gets it and goes on from there."""
        try:
            job = hooks.current()
            if job is not None:
                return await self._follow(hooks, draft, by_httpx, job)
            async with hooks.alone(draft.start.method, draft.start.target.path) as job:
                return await self._follow(hooks, draft, by_httpx, job)
        finally:
            by_httpx.close()  # in most cases it was not begun

    async def _follow(
        self, hooks: Hooks, draft: Draft, by_httpx: Sending, job: Job
    ) -> httpx.Response:
        response = await self._send(hooks, draft, job)
        if isinstance(response, QuickResponse):
            return response
        assert draft.received is not None
        draft.received.append(response)
        return await by_httpx

    def redirected(self, response: httpx.Response) -> httpx.Request:
        """The request that a redirect asks for."""
        return self._build_redirect_request(response.request, response)


def _as_received(head: Head, body: bytes, connection: int) -> httpx.Response:
    """A response as the transport returns it."""
    return httpx.Response(
        head.status,
        headers=parse_fields(head.raw),
        stream=httpx.ByteStream(body),
        extensions=response_extensions(head, connection),
    )


def _decoded(head: Head, body: bytes, draft: Draft) -> bytes:
    try:
        return decoded(head, body)
    except httpx.DecodingError as exc:
        exc.request = draft.request()
        raise


def _limits(timeout: httpx.Timeout) -> Limits:
    return Limits(timeout.connect, timeout.read, timeout.write)
