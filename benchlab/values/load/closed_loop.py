"""A closed loop: users who wait for their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from benchlab.errors import InputError

__all__ = ["ClosedLoop"]

_MAX_CONNECTIONS = 60_000


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """``connections`` users, each sending its next request when the answer to the last is in.

    Throughput follows the service; intended time equals sending time, so a stall of the service
    is seen by at most ``connections`` requests.
    """

    connections: int = 64
    kind: ClassVar[str] = "closed_loop"
    duration_s: ClassVar[None] = None

    def __post_init__(self) -> None:
        whole = isinstance(self.connections, int) and not isinstance(self.connections, bool)
        if not (whole and 1 <= self.connections <= _MAX_CONNECTIONS):
            raise InputError(
                f"connections={self.connections!r} must be a whole number"
                f" from 1 to {_MAX_CONNECTIONS}"
            )

    def describe(self) -> str:
        """What it does, as a phrase."""
        noun = "connection" if self.connections == 1 else "connections"
        return f"closed loop of {self.connections:,} {noun}"
