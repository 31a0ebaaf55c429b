"""The progress of a search for a capacity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchlab.analysis.probe import Kind, Probe
from benchlab.load.supervisor.progress import Progress

__all__ = ["CapacityProgress", "OnCapacityProgress"]


@dataclass(frozen=True, slots=True)
class CapacityProgress:
    """The state of a search in progress, ``elapsed_s`` into its budget.

    ``probe_number`` counts from 1; that probe sends ``rate_rps`` for the purpose ``kind``. ``last``
    is the probe before, as decided. ``low_rps`` to ``high_rps`` is the 95 % interval so far; None
    while nothing bounds it on that side. For display: it may still move. ``probes`` are all before,
    and ``objective`` what they were asked for. ``run`` is the progress of the probe that
    is made. Once ``finished``, ``rate_rps`` is the rate of the last one.
    """

    elapsed_s: float
    budget_s: float
    probe_number: int
    rate_rps: float
    kind: Kind
    low_rps: float | None = None
    high_rps: float | None = None
    last: Probe | None = None
    probes: tuple[Probe, ...] = ()
    objective: str = ""
    limit_ns: float | None = None
    title: str = ""
    run: Progress | None = None
    finished: bool = False

    @property
    def done_ratio(self) -> float:
        """The share of the budget that is used, 0 to 1."""
        return min(1.0, self.elapsed_s / self.budget_s)


OnCapacityProgress = Callable[[CapacityProgress], None]
