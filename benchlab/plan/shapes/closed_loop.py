"""A closed loop: users who wait for their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from benchlab.errors import InputError
from benchlab.plan.validation import check_seconds, check_whole
from benchlab.units import NS_PER_S, format_ns

__all__ = ["THINK_TIMES", "ClosedLoop"]

THINK_TIMES = ("constant", "exponential")
"""How think times are spread."""

_MAX_CONNECTIONS = 60_000


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """``connections`` users, each sending its next request when the answer to the last is in.

    Throughput follows the service; intended time equals sending time, so a stall of the service
    is seen by at most ``connections`` requests.

    With ``think_time_s`` a user waits that long after each answer; with ``think_time``
    ``exponential`` that is the mean of a random time, as people take it. Thinking is part of no
    latency. Users begin spread over one think time, so that they do not march in step.
    """

    connections: int = 64
    think_time_s: float = 0.0
    think_time: str = "constant"
    kind: ClassVar[str] = "closed_loop"
    duration_s: ClassVar[None] = None

    def __post_init__(self) -> None:
        check_whole("connections", self.connections, 1, _MAX_CONNECTIONS)
        check_seconds("think_time_s", self.think_time_s, zero=True)
        if self.think_time not in THINK_TIMES:
            raise InputError(
                "is unknown",
                field="think_time",
                value=self.think_time,
                remedy=f"use {' or '.join(THINK_TIMES)}",
            )

    def describe(self) -> str:
        """What it does, as a phrase."""
        noun = "connection" if self.connections == 1 else "connections"
        loop = f"closed loop of {self.connections:,} {noun}"
        if not self.think_time_s:
            return loop
        random = " on average" if self.think_time == "exponential" else ""
        return f"{loop}, each pausing {format_ns(self.think_time_s * NS_PER_S)}{random}"
