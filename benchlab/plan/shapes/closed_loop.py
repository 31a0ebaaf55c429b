"""A closed loop: users who wait for each response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import frozen

from benchlab.errors import InputError
from benchlab.plan.shapes.base import LoadShape
from benchlab.plan.validation import check_choice, check_seconds, check_whole, reading
from benchlab.text import plural
from benchlab.units import NS_PER_S, format_duration_s, format_ns, parse_duration_s

__all__ = ["THINK_DISTRIBUTIONS", "ClosedLoop", "parse_think_time"]

THINK_DISTRIBUTIONS = ("constant", "exponential")
"""How think times are distributed."""

_MAX_CONNECTIONS = 60_000
_DRAWN_AT_ONCE = 1_024


@frozen
class ClosedLoop(LoadShape):
    """``connections`` users, each sending its next request when the last response is complete.

    Throughput follows the service; the intended time equals the time of sending, so at most
    ``connections`` requests show a stall of the service.

    With ``think_time_s`` a user pauses that long after each response; with the
    ``think_distribution`` ``exponential`` that is the mean of random pauses, as people make them.
    Pauses are part of no latency. Users start spread over one think time, to avoid synchronised
    bursts.

    >>> ClosedLoop(8, think_time_s=0.1).describe()
    'closed loop of 8 connections, each pausing 100 ms'
    """

    connections: int = 64
    think_time_s: float = 0.0
    think_distribution: str = "constant"
    kind: ClassVar[str] = "closed_loop"

    def __attrs_post_init__(self) -> None:
        check_whole("connections", self.connections, 1, _MAX_CONNECTIONS)
        check_seconds("think_time_s", self.think_time_s, zero=True)
        check_choice("think_distribution", self.think_distribution, THINK_DISTRIBUTIONS)

    def connection_limit(self, max_connections: int) -> int:
        """One connection for each user."""
        del max_connections
        return self.connections

    def pauses(self, users: int, seed: int, worker: int) -> Iterator[int]:
        """Generate think times in ns, endlessly.

        The first pause of each of ``users`` is random: a staggered start avoids bursts.
        """
        import numpy as np

        rng = np.random.default_rng([seed, worker])
        think_ns = self.think_time_s * NS_PER_S
        random = self.think_distribution == "exponential"
        if not random:
            yield from (rng.random(users) * think_ns).astype(np.int64).tolist()
        while True:
            drawn = rng.standard_exponential(_DRAWN_AT_ONCE) if random else np.ones(_DRAWN_AT_ONCE)
            yield from (drawn * think_ns).astype(np.int64).tolist()

    def describe(self, noun: str = "connection") -> str:
        """Short description; ``noun`` is what sends one request after the other."""
        loop = f"closed loop of {plural(self.connections, noun)}"
        if not self.think_time_s:
            return loop
        random = " on average" if self.think_distribution == "exponential" else ""
        return f"{loop}, each pausing {format_ns(self.think_time_s * NS_PER_S)}{random}"

    def options(self) -> tuple[tuple[str, str], ...]:
        """``--connections``, and ``--think-time`` where users pause."""
        connections = ("--connections", str(self.connections))
        if not self.think_time_s:
            return (connections,)
        spread = "" if self.think_distribution == "constant" else f",{self.think_distribution}"
        return (connections, ("--think-time", format_duration_s(self.think_time_s) + spread))


def parse_think_time(text: str) -> tuple[float, str]:
    """Think time in seconds and its distribution: ``100ms`` or ``100ms,exponential``.

    Raises:
        InputError: the text has another form.

    >>> parse_think_time("100ms,exponential")
    (0.1, 'exponential')
    """
    length, _, distribution = text.partition(",")
    distribution = distribution.strip() or "constant"
    with reading("think_time", text, "write 100ms or 100ms,exponential"):
        if distribution not in THINK_DISTRIBUTIONS:
            raise InputError(f"the distribution {distribution!r} is unknown")
        return parse_duration_s(length), distribution
