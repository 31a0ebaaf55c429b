"""A response that was received whole; what is seldom asked for is made when it is."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import httpx

from benchlab.load.drivers.scenario.client.connection import Limits
from benchlab.load.drivers.scenario.client.fields import parse_fields
from benchlab.load.drivers.scenario.client.settings import Start
from benchlab.load.drivers.scenario.client.transport import response_extensions
from benchlab.load.drivers.wire.head import Head

__all__ = ["Draft", "QuickResponse", "Sender", "decoded"]


class Sender(Protocol):
    """The client that a response is for."""

    def redirected(self, response: httpx.Response) -> httpx.Request:
        """The request that a redirect asks for."""


class Draft:
    """A request to send; ``framing`` are the header lines that its ``body`` needs.

    ``data`` is what was sent. If redirects are followed, ``received`` takes a redirect.
    """

    __slots__ = ("body", "data", "framing", "limits", "received", "start")

    def __init__(self, start: Start, framing: bytes, body: bytes, limits: Limits) -> None:
        self.start = start
        self.framing = framing
        self.body = body
        self.limits = limits
        self.received: list[httpx.Response] | None = None
        self.data = b""

    def request(self) -> httpx.Request:
        """The request as a value of httpx."""
        head = self.data[: len(self.data) - len(self.body)]
        request = httpx.Request(
            self.start.method,
            self.start.target.url,
            headers=parse_fields(head),
            stream=httpx.ByteStream(self.body),
        )
        request.read()
        return request


@lru_cache(maxsize=256)
def _fields(raw: bytes) -> httpx.Headers:
    return httpx.Headers(parse_fields(raw))


class QuickResponse(httpx.Response):
    """A response whose body was read; ``size`` is that of the body as transferred."""

    is_closed = True
    is_stream_consumed = True
    default_encoding = "utf-8"

    def __init__(
        self,
        client: Sender,
        draft: Draft,
        head: Head,
        content: bytes,
        size: int,
        elapsed_ns: int,
        connection: int,
    ) -> None:
        self.status_code = head.status
        self._content = content
        self._num_bytes_downloaded = size
        self._client = client
        self._draft = draft
        self._head = head
        self._elapsed_ns = elapsed_ns
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        """The attributes that httpx sets when it makes a response."""
        make = _MADE_WHEN_ASKED.get(name)
        if make is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = make(self)
        setattr(self, name, value)
        return value

    @property
    def charset_encoding(self) -> str | None:
        """The encoding that the Content-Type header names."""
        return _charset(self._head.raw)

    def _make_next_request(self) -> httpx.Request | None:
        return self._client.redirected(self) if self.has_redirect_location else None

    def __getstate__(self) -> dict[str, Any]:
        """What `httpx.Response` keeps when it is pickled."""
        for name in _MADE_WHEN_ASKED:
            getattr(self, name)
        dropped = ("_client", "_draft", "stream", "extensions")
        return {name: value for name, value in self.__dict__.items() if name not in dropped}


_MADE_WHEN_ASKED: dict[str, Callable[[QuickResponse], Any]] = {
    "headers": lambda response: httpx.Headers(_fields(response._head.raw)),
    "_request": lambda response: response._draft.request(),
    "_elapsed": lambda response: datetime.timedelta(microseconds=response._elapsed_ns / 1000),
    "extensions": lambda response: response_extensions(response._head, response._connection),
    "history": lambda _response: [],
    "next_request": QuickResponse._make_next_request,
    "stream": lambda _response: httpx.ByteStream(b""),
}


def decoded(head: Head, body: bytes) -> bytes:
    """The body without its content encodings, as far as httpx knows them.

    Raises:
        httpx.DecodingError: it is not in the encoding that the head names.
    """
    return httpx.Response(head.status, headers=_fields(head.raw), content=body).content


@lru_cache(maxsize=256)
def _charset(raw: bytes) -> str | None:
    return httpx.Response(200, headers=_fields(raw)).charset_encoding
