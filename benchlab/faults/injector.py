"""What makes faults at one kind of place: at the target, in a proxy, or to a process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from benchlab.plan.faults import Fault

__all__ = ["LEASE_S", "Injector"]

LEASE_S = 3.0
"""How long a fault stays on, unless it is renewed."""


class Injector(Protocol):
    """Sets and lifts the faults of one kind of place, all in one event loop.

    It is made with the run's plan and those of its faults that are its own, in this order:
    ``TargetInjector(plan, faults)``. Faults are told apart by their equality. Every method raises
    a `benchlab.errors.FaultError` if it cannot do its work.
    """

    @property
    def resolve(self) -> Mapping[str, str]:
        """Where connections have to go in place of a ``host:port``: ``127.0.0.1:PORT``.

        Known after `prepare`; empty unless proxies were started.
        """

    async def prepare(self) -> None:
        """Check before the run that its faults can be made, and make ready for them."""

    async def set(self, fault: Fault, lease_s: float) -> None:
        """Set ``fault``, which is on when this returns, and ends by itself after ``lease_s``."""

    async def renew(self, fault: Fault, lease_s: float) -> None:
        """Let ``fault``, which is on, end by itself after another ``lease_s`` from now."""

    async def lift(self, fault: Fault) -> None:
        """Lift ``fault``: it is off when this returns. One that is not on is no error."""

    async def close(self) -> None:
        """Lift whatever is still on, and end what was started for the faults."""
