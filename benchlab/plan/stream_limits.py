"""Check that what a plan reads as streams can be read under its other settings."""

from __future__ import annotations

from collections.abc import Iterable

from benchlab.errors import InputError
from benchlab.plan.drivers import DRIVERS
from benchlab.plan.request import Request
from benchlab.units import format_duration_s

__all__ = ["check_streams"]


def check_streams(
    requests: Iterable[Request], driver: str, timeout_s: float, *, has_policies: bool
) -> None:
    """Refuse streams that ``driver`` cannot read, or not as long as they ask for.

    Raises:
        InputError: it is so.
    """
    for request in requests:
        stream = request.stream
        if stream is None:
            continue
        if stream.kind not in DRIVERS[driver].reads_streams:
            able = [name for name, traits in DRIVERS.items() if stream.kind in traits.reads_streams]
            raise InputError(
                f"does not read {stream.kind} of a stream, as {request.name} asks for",
                field="driver",
                value=driver,
                remedy=f"use {' or '.join(able)}",
            )
        if stream.max_s is not None and stream.max_s >= timeout_s:
            raise InputError(
                f"ends the stream of {request.name}, which is read for"
                f" {format_duration_s(stream.max_s)}, as a failure",
                field="timeout_s",
                value=timeout_s,
                remedy=f"give more than {format_duration_s(stream.max_s)}, for what comes before"
                " the stream too",
            )
        if has_policies:
            raise InputError(
                f"{request.name} is read as a stream, and no part of a stream is sent again",
                field="transport",
                remedy="leave out retries, hedges and the circuit breaker, or the stream",
            )
