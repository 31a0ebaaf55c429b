"""The record of one request: its layout, error kinds and flags."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCK_RECORDS",
    "OPAQUE",
    "SAMPLE_DTYPE",
    "ErrorKind",
    "Flag",
    "join_records",
    "without_failed_tries",
]

_GRPC = "GRPC_"


class ErrorKind(IntEnum):
    """Why a request failed; ``OK`` when it did not. The numbers are stored: never renumber."""

    OK = 0
    CONNECT = 1
    """No connection: refused, unreachable, host name unknown."""
    TIMEOUT = 2
    """No complete response within ``timeout_s`` of sending."""
    RESET = 3
    """The connection was reset by the peer."""
    CLOSED = 4
    """The connection was closed before the response was complete."""
    PROTOCOL = 5
    """The response was not valid HTTP."""
    TLS = 6
    """The TLS handshake or the certificate failed."""
    CHECK = 7
    """The response does not meet the plan's checks."""
    STATUS = 8
    """The response has a status of 400 or above."""
    ABANDONED = 9
    """The generator stopped waiting: interrupted, or the drain limit passed."""

    UNSENT = 10
    """HTTP does not allow the request as it is, so it was not sent."""

    CIRCUIT_OPEN = 11
    """The plan's circuit breaker was open, so it was not sent."""

    STREAM_RESET = 12
    """The service reset the request's HTTP/2 stream."""
    GOAWAY = 13
    """The service ended the HTTP/2 connection before it had the request, or a response to it."""

    # A gRPC call that ended with this status; the number is that of the code, + 13.
    GRPC_CANCELLED = 14
    GRPC_UNKNOWN = 15
    GRPC_INVALID_ARGUMENT = 16
    GRPC_DEADLINE_EXCEEDED = 17
    GRPC_NOT_FOUND = 18
    GRPC_ALREADY_EXISTS = 19
    GRPC_PERMISSION_DENIED = 20
    GRPC_RESOURCE_EXHAUSTED = 21
    GRPC_FAILED_PRECONDITION = 22
    GRPC_ABORTED = 23
    GRPC_OUT_OF_RANGE = 24
    GRPC_UNIMPLEMENTED = 25
    GRPC_INTERNAL = 26
    GRPC_UNAVAILABLE = 27
    GRPC_DATA_LOSS = 28
    GRPC_UNAUTHENTICATED = 29

    @classmethod
    def of_grpc(cls, code: int) -> ErrorKind:
        """The kind of a gRPC call that ended with status ``code``; an unknown one is UNKNOWN.

        >>> ErrorKind.of_grpc(0), ErrorKind.of_grpc(14).label
        (<ErrorKind.OK: 0>, 'grpc:UNAVAILABLE')
        """
        if code == 0:
            return cls.OK
        return cls(13 + code) if 1 <= code <= 16 else cls.GRPC_UNKNOWN

    @property
    def grpc_status(self) -> str:
        """The name of the gRPC status that it stands for, empty if it is none."""
        return self.name.removeprefix(_GRPC) if self.name.startswith(_GRPC) else ""

    @property
    def label(self) -> str:
        """The name people see."""
        return f"grpc:{self.grpc_status}" if self.grpc_status else self.name.lower()


class Flag(IntFlag):
    """Circumstances of a request."""

    WARMUP = 1
    """Sent before the measured window."""
    NEW_CONNECTION = 2
    """Opened a connection, so service time includes connecting."""
    CAP_WAIT = 4
    """Waited for a free connection under the cap: the lag is not the generator's own."""
    FIRST_STEP = 8
    """The first step of a scenario's iteration: intended when the iteration was."""
    RETRY = 16
    """A retry: its request was tried before, so latency and lag include the tries before it."""
    HEDGE = 32
    """A hedge: sent because no response to an earlier try of its request had come in time."""
    FAILED_TRY = 64
    """A try whose outcome another try replaced: it is no outcome of a request."""


SAMPLE_DTYPE = np.dtype(
    {
        "names": [
            "seq",
            "intended_ns",
            "sent_ns",
            "first_byte_ns",
            "done_ns",
            "bytes_in",
            "status",
            "endpoint",
            "error",
            "flags",
            "connection",
        ],
        "formats": ["<i8", "<i8", "<i8", "<i8", "<i8", "<i8", "<u2", "<u2", "u1", "u1", "<u2"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 50, 52, 53, 54],
        "itemsize": 56,
    }
)
"""Layout of a record, in memory and in the spool.

``seq`` numbers requests over the whole run; ``sent_ns`` is the moment the generator acted: wrote
the request, or began to connect for it; ``first_byte_ns`` is 0 when nothing came; ``bytes_in``
counts body bytes as transferred; ``endpoint`` indexes the plan's requests. ``connection``
numbers the connections that carried requests, from 1 and modulo 65,535: requests of the same number
shared one. It is 0 when that is not known.
"""


BLOCK_RECORDS = 65_536
"""Records that are processed at once if there may be any number of them: 3.5 MB."""

OPAQUE = np.dtype((np.void, SAMPLE_DTYPE.itemsize))
"""A record as opaque bytes: selecting from an array of it is several times as fast."""


def without_failed_tries(records: NDArray[np.void]) -> NDArray[np.void]:
    """The records of requests as their users see them; the same array if that is all of them."""
    kept = (records["flags"] & Flag.FAILED_TRY) == 0
    return records if kept.all() else records[kept]  # a copy is slow


def join_records(parts: Iterable[NDArray[np.void]]) -> NDArray[np.void]:
    """Concatenate arrays of `SAMPLE_DTYPE`."""
    found = np.concatenate([np.empty(0, OPAQUE), *(part.view(OPAQUE) for part in parts)])
    return found.view(SAMPLE_DTYPE)
