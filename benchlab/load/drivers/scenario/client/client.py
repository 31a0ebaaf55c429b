"""The client of a scenario: httpx's, with a quick way for ordinary requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, MutableMapping
from types import NoneType
from typing import Any, Protocol

import httpx

from benchlab.load.drivers.scenario.client.body import encode_body
from benchlab.load.drivers.scenario.client.connection import Limits
from benchlab.load.drivers.scenario.client.cookies import CookieLines, CountingJar
from benchlab.load.drivers.scenario.client.fields import parse_fields
from benchlab.load.drivers.scenario.client.hooks import Hooks, Job
from benchlab.load.drivers.scenario.client.response import Draft, QuickResponse, decoded
from benchlab.load.drivers.scenario.client.settings import (
    DEFAULT,
    Lines,
    Services,
    Settings,
)
from benchlab.load.drivers.scenario.client.target import Target
from benchlab.load.drivers.scenario.client.transport import (
    RECEIVED,
    WireTransport,
    response_extensions,
)
from benchlab.load.drivers.wire.head import Head
from benchlab.load.drivers.wire.head_cache import HeadCache

__all__ = ["Shared", "WireClient"]

_clock = time.monotonic_ns

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_MOST_HEADS = 16
_WITH_LENGTH = ("POST", "PUT", "PATCH")
_WITHOUT_BODY = frozenset({"params", "headers", "auth", "follow_redirects", "timeout"})
_QUICK = _WITHOUT_BODY | {"content", "data", "json"}
"""Arguments that the quick way knows; what else there is, is left to httpx."""

_WATCHED = {"base_url", "auth", "params", "timeout"}

_SET_COOKIE = b"\nset-cookie:"
_HTTP_300, _HTTP_400 = 300, 400

_Sending = Coroutine[Any, Any, httpx.Response]

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


class WireClient(httpx.AsyncClient):
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

    def get(self, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send a GET request; see `httpx.AsyncClient.get`."""
        if options.keys() <= _WITHOUT_BODY:
            return self.request("GET", url, **options)
        return super().get(url, **options)

    def head(self, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send a HEAD request; see `httpx.AsyncClient.head`."""
        if options.keys() <= _WITHOUT_BODY:
            return self.request("HEAD", url, **options)
        return super().head(url, **options)

    def options(self, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send an OPTIONS request; see `httpx.AsyncClient.options`."""
        if options.keys() <= _WITHOUT_BODY:
            return self.request("OPTIONS", url, **options)
        return super().options(url, **options)

    def delete(self, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send a DELETE request; see `httpx.AsyncClient.delete`."""
        if options.keys() <= _WITHOUT_BODY:
            return self.request("DELETE", url, **options)
        return super().delete(url, **options)

    def post(self, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send a POST request; see `httpx.AsyncClient.post`."""
        return self.request("POST", url, **options)

    def put(self, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send a PUT request; see `httpx.AsyncClient.put`."""
        return self.request("PUT", url, **options)

    def patch(self, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send a PATCH request; see `httpx.AsyncClient.patch`."""
        return self.request("PATCH", url, **options)

    def request(self, method: str, url: httpx.URL | str, **options: Any) -> _Sending:
        """Send a request; see `httpx.AsyncClient.request`."""
        hooks = self.hooks
        if hooks is not None and type(url) is str and options.keys() <= _QUICK:
            try:
                draft = self._draft(method, url, options)
            except Exception:  # httpx raises it again where the request is awaited
                draft = None
            if draft is not None:
                if draft.follow:
                    return self._send_and_follow(hooks, draft, url, options)
                return self._send(hooks, draft)
        return super().request(method, url, **options)

    def _draft(self, method: str, url: str, options: dict[str, Any]) -> Draft | None:
        """The request for the quick way; None if httpx has to make it.

        Raises:
            Exception: the one that httpx raises for such arguments.
        """
        settings = self._settings
        if settings is None or self._seen_headers != self._counting_headers.version:
            settings = self._renew_settings()
        if settings is None or self._wire.is_closed or method not in _METHODS:
            return None
        get = options.get
        target = settings.target(url)
        lines = settings.lines(get("headers"), get("auth", DEFAULT))
        if target is None or lines is None:
            return None
        params = get("params")
        if params is not None:
            target = target.with_query(str(httpx.QueryParams(params)) if params else None)
        encoded = encode_body(get("content"), get("data"), get("json"), lines.has_type)
        if encoded is None:
            return None
        body, framing = encoded
        if not framing and method in _WITH_LENGTH:
            framing = b"Content-Length: 0\r\n"
        head = target.heads.get((method, lines))
        if head is None:
            head = _start(method, target, lines)
        timeout = get("timeout", DEFAULT)
        follow = get("follow_redirects", DEFAULT)
        return Draft(
            method,
            target,
            lines,
            head + framing,
            body,
            settings.limits if timeout is DEFAULT else _limits(httpx.Timeout(timeout)),
            self.follow_redirects if follow is DEFAULT else follow,
        )

    async def _send(self, hooks: Hooks, draft: Draft, job: Job | None = None) -> httpx.Response:
        """Send a request, as part of ``job`` or of the current one."""
        if job is None:
            job = hooks.current()
            if job is None:
                async with hooks.alone(draft.method, draft.target.path) as job:
                    return await self._send(hooks, draft, job)
        target, lines, limits = draft.target, draft.lines, draft.limits
        extra = b"" if lines.has_trace else hooks.lines(job)
        if self._jar.version and not lines.has_cookie:
            extra += self._cookie_lines.line(target)
        draft.data = data = b"%b%b\r\n%b" % (draft.head, extra, draft.body)
        shared, begun = self._shared, _clock()
        connection = self._wire.take_idle(target.service, begun)
        try:
            if connection is None:
                connection = await self._wire.open(target.service, job, limits.connect)
            head, body = await connection.send(
                data,
                shared.heads_only if draft.method == "HEAD" else shared.heads,
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
        if draft.follow and _HTTP_300 <= head.status < _HTTP_400:
            received = _as_received(head, body, connection.number)
            if received.has_redirect_location:
                return received
        if head.encoding:
            body = _decoded(head, body, draft)
        response = QuickResponse(
            self, draft, head, body, size, connection.last - begun, connection.number
        )
        if _SET_COOKIE in head.raw.lower():
            self._counted_cookies.extract_cookies(response)
        hooks.responded(job, response, connection.number, connection.first)
        return response

    async def _send_and_follow(
        self,
        hooks: Hooks,
        draft: Draft,
        url: str,
        options: dict[str, Any],
        job: Job | None = None,
    ) -> httpx.Response:
        """Send a request, and let httpx follow the redirect that may be the response to it."""
        job = job or hooks.current()
        if job is None:
            async with hooks.alone(draft.method, draft.target.path) as job:
                return await self._send_and_follow(hooks, draft, url, options, job)
        response = await self._send(hooks, draft, job)
        if isinstance(response, QuickResponse):
            return response
        # the transport gives httpx what was received, and sends what follows
        extensions = {RECEIVED: [response]}
        return await super().request(draft.method, url, **options, extensions=extensions)

    def redirected(self, response: httpx.Response) -> httpx.Request:
        """The request that a redirect asks for."""
        return self._build_redirect_request(response.request, response)


def _start(method: str, target: Target, lines: Lines) -> bytes:
    """The start of a request with these lines; remembered."""
    if len(target.heads) >= _MOST_HEADS:
        target.heads.clear()
    head = target.heads[method, lines] = b"%b %b HTTP/1.1\r\n%b%b" % (
        method.encode(),
        target.text.encode("ascii"),
        b"" if lines.has_host else target.service.host_line,
        lines.raw,
    )
    return head


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
