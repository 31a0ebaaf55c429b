"""How long the parent of a run and the hosts of a cluster wait for each other."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL_PATIENCE", "Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds.

    An agent that has heard nothing of its parent for ``lease_s`` ends its load: no host makes load
    that nobody watches. A parent that has heard nothing of a host for ``lost_s``, which is longer,
    knows that its load has ended, and goes on without it. ``call_s`` bounds one call, ``ready_s``
    the preparation of a run, and ``collect_s`` what is fetched of a host after the end of the load.
    Every ``poll_s`` a host is asked for what is new; with many hosts less often.
    """

    lease_s: float = 10.0
    lost_s: float = 15.0
    call_s: float = 5.0
    ready_s: float = 60.0
    collect_s: float = 60.0
    poll_s: float = 0.1

    def poll_every_s(self, hosts: int) -> float:
        """How often each of ``hosts`` hosts is asked: the parent has one core for all of them."""
        return max(self.poll_s, 0.004 * hosts)


USUAL_PATIENCE = Patience()
