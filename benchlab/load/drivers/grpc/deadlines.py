"""The deadline of a call, as a header tells it to the service."""

from __future__ import annotations

from typing import Final

__all__ = ["encode_timeout"]

_MOST_DIGITS = 8
_UNITS: Final = (
    ("n", 1),
    ("u", 10**3),
    ("m", 10**6),
    ("S", 10**9),
    ("M", 60 * 10**9),
    ("H", 3600 * 10**9),
)


def encode_timeout(timeout_ns: int) -> str:
    """The value of ``grpc-timeout`` for a call that may take ``timeout_ns``.

    At most eight digits and a unit (gRPC over HTTP/2, "Requests"), in the finest unit that fits;
    rounded up, so that the service never gives up before its client does.

    >>> encode_timeout(250_000_000), encode_timeout(30_000_000_000)
    ('250000u', '30000000u')
    """
    left = max(1, timeout_ns)
    for unit, size in _UNITS:
        count = -(-left // size)
        if count < 10**_MOST_DIGITS:
            return f"{count}{unit}"
    return "9" * _MOST_DIGITS + "H"
