"""Measure how far the monotonic clock of a host is from the parent's.

Cristian, F. (1989), "Probabilistic clock synchronization", Distributed Computing 3, 146-158: ask
for the time again and again; the shortest round trip bounds the error best. The clock was read
somewhere within it, so its middle is right to half of its length, whatever the network did.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from benchlab.load.cluster.connect import ClusterConnection, monotonic_ns

__all__ = ["ROUNDS", "ClockReading", "best_reading", "measure_clock"]

ROUNDS = 25


class ClockReading(NamedTuple):
    """``offset_ns`` is what the host's clock showed more than the parent's, known within
    ``error_ns``; ``round_trip_ns`` is the shortest round trip, and ``at_ns`` when that was.
    """

    offset_ns: int
    error_ns: int
    round_trip_ns: int
    at_ns: int


def best_reading(rounds: Iterable[tuple[int, int, int]]) -> ClockReading:
    """The reading of the shortest round: parent's clock before, host's clock, parent's after.

    >>> best_reading([(0, 1050, 100), (200, 1220, 240), (300, 1390, 400)]).offset_ns
    1000
    """
    before, there, after = min(rounds, key=lambda each: each[2] - each[0])
    trip = after - before
    return ClockReading(there - (before + trip // 2), -(-trip // 2), trip, before)


async def measure_clock(
    connection: ClusterConnection, address: str, timeout_s: float, rounds: int = ROUNDS
) -> ClockReading:
    """Read the clock of the host at ``address`` several times.

    Raises:
        HostUnreachableError: it does not respond.
    """
    found = []
    for _ in range(rounds):
        before = time.monotonic_ns()
        there = await connection.call(address, monotonic_ns, timeout_s=timeout_s, inline=True)
        found.append((before, there, time.monotonic_ns()))
    return best_reading(found)
