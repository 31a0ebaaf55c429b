"""Send a request that httpx built."""

from __future__ import annotations

import re

import httpx

from benchlab.load.drivers.scenario.client.connection import Connection, Limits
from benchlab.load.drivers.scenario.client.fields import encode_fields
from benchlab.load.drivers.scenario.client.service import Service
from benchlab.plan.hosts import without_zone

__all__ = ["Upload", "asks_to_close"]

_METHOD = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_TARGET = re.compile(rb"[\x21-\x7e]+")
_DIGITS = re.compile(rb"[0-9]{1,20}")


class Upload:
    """A request as it is sent: its head, and its body in the framing that the head announces.

    Raises:
        httpx.LocalProtocolError: HTTP does not allow the request.
    """

    __slots__ = ("_head", "_left", "_request", "closes", "service")

    def __init__(self, request: httpx.Request, service: Service, *, closing: bool) -> None:
        """``closing`` asks the service to close the connection."""
        self._request = request
        self.service = service
        headers = request.headers
        if "Host" not in headers:
            raise httpx.LocalProtocolError("Missing mandatory Host: header")
        headers["Host"] = without_zone(headers["Host"])
        if "Transfer-Encoding" in headers:
            headers.pop("Content-Length", None)  # httpx adds it to a body of known length
        if closing:
            headers.setdefault("Connection", "close")
        fields = headers.raw
        self.closes = asks_to_close(fields)
        self._left = _length(fields)
        lines = encode_fields(fields)
        target = request.url.raw_path
        if not _METHOD.fullmatch(request.method):
            raise httpx.LocalProtocolError("Illegal method characters")
        if not _TARGET.fullmatch(target):
            raise httpx.LocalProtocolError("Illegal target characters")
        method = request.method.encode("ascii")
        self._head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, lines)

    async def send(self, connection: Connection, limits: Limits) -> None:
        """Send the request; ends early if the service closes the connection.

        Raises:
            httpx.LocalProtocolError: the body does not have the length that the head announces.
            httpx.WriteTimeout: nothing could be sent for too long.
        """
        stream = self._request.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        start = self._head  # sent with the first part of the body
        async for part in stream:
            await connection.write(start + self._framed(part), limits)
            start = b""
            if not connection.is_open:
                return  # the service may have responded before it closed the connection
        if self._left is None:
            await connection.write(start + b"0\r\n\r\n", limits)
        elif self._left:
            raise httpx.LocalProtocolError("Too little data for declared Content-Length")
        elif start:
            await connection.write(start, limits)

    def _framed(self, part: bytes) -> bytes:
        if self._left is None:
            return b"%x\r\n%b\r\n" % (len(part), part) if part else b""
        self._left -= len(part)
        if self._left < 0:
            raise httpx.LocalProtocolError("Too much data for declared Content-Length")
        return part


def asks_to_close(fields: list[tuple[bytes, bytes]]) -> bool:
    """Whether ``fields`` of a request announce that it is the last on its connection."""
    values = [value for name, value in fields if name.lower() == b"connection"]
    return b"close" in {option.strip() for option in b",".join(values).lower().split(b",")}


def _length(fields: list[tuple[bytes, bytes]]) -> int | None:
    """The length that ``fields`` announce; None if the body is chunked."""
    codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
    if codings:
        if len(codings) > 1:
            raise httpx.LocalProtocolError("multiple Transfer-Encoding headers")
        if codings[0].lower() != b"chunked":
            raise httpx.LocalProtocolError("Only Transfer-Encoding: chunked is supported")
        return None
    lengths = {value for name, value in fields if name.lower() == b"content-length"}
    if len(lengths) > 1:
        raise httpx.LocalProtocolError("conflicting Content-Length headers")
    for value in lengths:
        if not _DIGITS.fullmatch(value):
            raise httpx.LocalProtocolError("bad Content-Length")
        return int(value)
    return 0
