"""What a fault does to the bytes of a proxy: whom it hits, and how long it holds them back."""

from __future__ import annotations

import math
import random
import time
from typing import Literal

from benchlab.plan.tracing import GOLDEN, scramble

__all__ = ["Effect", "NetworkFault", "now_s"]

NetworkFault = Literal[
    "delay",
    "jitter",
    "bandwidth",
    "reset",
    "blackhole",
    "accept_only",
    "delayed_ack",
    "retransmission",
]
"""The kinds of faults that a proxy makes."""

Distribution = Literal["constant", "uniform", "exponential", "pareto"]

_HIT, _LOST, _DELAY = 0, 1, 7  # which draw of an exchange
_MOST_LOSSES = 4
_OFTENEST_AGAIN = 0.5
_PARETO_INDEX = 1.5
_LONGEST_S = 3600.0
_PIECE_S = 0.01
_SMALLEST_PIECE = 1460  # bytes: a segment of Ethernet
_TO_SERVICE, _TO_CLIENT = 0, 1

now_s = time.monotonic


class Effect:
    """One fault that is on. ``amount`` is in seconds, of a bandwidth in bytes per second.

    It hits the share ``ratio`` of the exchanges. An exchange is what a client sends until the
    service sends something, and what the service sends until the client does: a request and its
    response, where one follows the other. Whether an exchange is hit follows from ``seed``, the
    number of the connection and that of the exchange on it, and from nothing else.
    """

    def __init__(
        self,
        kind: NetworkFault,
        amount: float = 0.0,
        *,
        spread: float = 0.0,
        distribution: Distribution = "constant",
        ratio: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.kind = kind
        self.piece = max(_SMALLEST_PIECE, int(amount * _PIECE_S)) if kind == "bandwidth" else 0
        """At most so many bytes are held back as one; 0: as many as there are."""
        self._amount = amount
        self._spread = spread
        self._distribution = distribution
        self._ratio = ratio
        self._seed = seed
        self._random = random.Random(seed)
        self._free_at = [0.0, 0.0]

    def hits(self, connection: int, exchange: int) -> bool:
        """Whether it applies to an exchange."""
        return self._ratio >= 1 or self._draw(connection, exchange, _HIT) < self._ratio

    def wait_s(
        self, size: int, *, to_client: bool, first: bool, connection: int, exchange: int
    ) -> float:
        """How long it holds back ``size`` bytes that have just arrived.

        ``first`` are the first bytes of a response. A bandwidth applies to both directions, each
        with a link of its own that all connections share; everything else to what is sent to the
        client, so that a delay is added to a round trip once.
        """
        if self.kind == "bandwidth":
            return self._transmission_s(size, _TO_CLIENT if to_client else _TO_SERVICE)
        if not to_client:
            return 0.0
        match self.kind:
            case "delay":
                return self._delay_s(connection, exchange)
            case "jitter":
                return self._random.uniform(0, self._amount)
            case "delayed_ack" if first:
                return self._amount
            case "retransmission" if first:
                return self._retransmission_s(connection, exchange)
        return 0.0

    def _delay_s(self, connection: int, exchange: int) -> float:
        """The delay of an exchange, the same for all of its bytes: by the inverse of its CDF."""
        drawn = self._draw(connection, exchange, _DELAY)
        match self._distribution:
            case "uniform":
                return self._amount + self._spread * (2 * drawn - 1)
            case "exponential":
                return min(_LONGEST_S, -self._amount * math.log1p(-drawn))
            case "pareto":
                return min(_LONGEST_S, self._amount * math.pow(1 - drawn, -1 / _PARETO_INDEX))
        return self._amount

    def _transmission_s(self, size: int, direction: int) -> float:
        """Time until a link has sent ``size`` bytes more, each of which takes 1 / rate.

        It is a token bucket that holds no burst, kept as the time at which the link is free (the
        virtual scheduling algorithm of ITU-T I.371).
        """
        now = now_s()
        self._free_at[direction] = max(now, self._free_at[direction]) + size / self._amount
        return self._free_at[direction] - now

    def _retransmission_s(self, connection: int, exchange: int) -> float:
        """Waits for a segment that is lost, and whose retransmissions are lost as often.

        No more than every second of them is, and no more than four in a row. Each wait for the same
        segment is twice as long as the one before (RFC 6298, section 5.5); Linux's first is at
        least 200 ms (``TCP_RTO_MIN``), as it delays acknowledgements by 40 ms (``TCP_DELACK_MIN``).
        """
        again = min(self._ratio, _OFTENEST_AGAIN)
        lost = 1
        while lost < _MOST_LOSSES and self._draw(connection, exchange, _LOST + lost) < again:
            lost += 1
        return self._amount * ((1 << lost) - 1)

    def _draw(self, connection: int, exchange: int, number: int) -> float:
        """A number from 0 to below 1 that belongs to an exchange: SplitMix64 of a counter."""
        place = (connection << 32) + (exchange << 3) + number + 1
        mixed = scramble((self._seed + place * GOLDEN) % 2**64)
        return (scramble((mixed + GOLDEN) % 2**64) >> 11) / 2**53
