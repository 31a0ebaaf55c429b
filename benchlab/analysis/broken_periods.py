"""When the objectives of a run were broken: from single requests, for all of them together.

A closed loop sends nothing while its users wait for a service that hangs, so few of its requests
show that. Each request that took longer than users usually need for one is counted again for every
one that was left out meanwhile, waiting for correspondingly less (the correction for coordinated
omission of HdrHistogram's ``recordValueWithExpectedInterval``, G. Tene).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.objectives import Objective
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.request_limits import is_within
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Samples
from benchlab.statistics.broken_spells import Spell, broken_spells
from benchlab.units import seconds_to_ns

__all__ = ["BrokenPeriod", "Requests", "WatchedObjective", "broken_periods"]


@dataclass(frozen=True, slots=True)
class WatchedObjective:
    """An objective, the share of requests that may be outside of it, and the length of its windows.

    ``window_s`` is what the objective says (``over 5s``); otherwise long enough for the limit to
    allow 10 bad requests in a window, but 1 to 10 s, and a quarter of the run at most.
    """

    objective: Objective
    allowed_ratio: float
    window_s: float

    @property
    def window_ns(self) -> int:
        """The length of a window."""
        return seconds_to_ns(self.window_s)


@dataclass(frozen=True, slots=True)
class BrokenPeriod:
    """A time during which at least one objective was broken, as a `Spell`, and which these were."""

    spell: Spell
    start_ns: int
    end_ns: int
    objectives: tuple[str, ...]


class Requests:
    """The measured requests of a run in the order of their intended times, as arrays."""

    def __init__(self, run: Run) -> None:
        self.begin_ns, self.end_ns = run.window_ns
        self.endpoints = run.samples.endpoints
        measured = run.measured
        start_ns, end_ns = self.begin_ns, self.end_ns
        inside: Samples = measured.choose(
            lambda records: (records["intended_ns"] >= start_ns) & (records["intended_ns"] < end_ns)
        )
        self._inside = inside
        intended_ns = inside.column("intended_ns")
        in_order = bool(np.all(intended_ns[1:] >= intended_ns[:-1]))
        self._order = slice(None) if in_order else np.argsort(intended_ns, kind="stable")
        self.intended_ns: NDArray[np.int64] = intended_ns[self._order]
        self.done_ns: NDArray[np.int64] = self.column("done_ns")
        self.error: NDArray[np.uint8] = self.column("error")

    def __len__(self) -> int:
        return len(self.intended_ns)

    def column(self, name: str) -> NDArray[Any]:
        """A field of the records."""
        values: NDArray[Any] = self._inside.column(name)[self._order]
        return values

    @cached_property
    def latency_ns(self) -> NDArray[np.int64]:
        """From the intended send to the end of the response."""
        return self.done_ns - self.intended_ns

    @cached_property
    def failed(self) -> NDArray[np.bool_]:
        """Which failed."""
        failed: NDArray[np.bool_] = self.error != ErrorKind.OK
        return failed

    def between(self, start_ns: int, end_ns: int) -> slice:
        """The requests intended from ``start_ns`` on and before ``end_ns``."""
        first, after = np.searchsorted(self.intended_ns, [start_ns, end_ns])
        return slice(int(first), max(int(first), int(after)))

    def values_ns(self, objective: Objective) -> NDArray[np.int64] | None:
        """The durations that ``objective`` is about; None if it is about errors."""
        if not objective.of:
            return None
        if objective.of == "latency":
            return self.latency_ns
        sent_ns = self.column("sent_ns")
        return self.done_ns - sent_ns if objective.of == "service" else sent_ns - self.intended_ns

    def concerns(self, objective: Objective) -> NDArray[np.bool_]:
        """Which are of the endpoint that ``objective`` is about; all for none."""
        if not objective.endpoint:
            return np.ones(len(self), dtype=np.bool_)
        codes = [code for code, name in enumerate(self.endpoints) if name == objective.endpoint]
        return np.isin(self.column("endpoint"), codes)

    def outside(self, watched: Iterable[WatchedObjective]) -> NDArray[np.bool_]:
        """Which are outside of the limit of at least one of the objectives."""
        found = np.zeros(len(self), dtype=np.bool_)
        for each in watched:
            objective = each.objective
            good = is_within(objective, self.error, self.values_ns(objective))
            found |= self.concerns(objective) & ~good
        return found


def broken_periods(
    run: Run, requests: Requests, watched: Sequence[WatchedObjective], until_ns: int
) -> list[BrokenPeriod]:
    """When at least one of the objectives was broken, from the start of the window on."""
    begin_ns = requests.begin_ns
    users = run.plan.load.connections if isinstance(run.plan.load, ClosedLoop) else 0
    found: list[BrokenPeriod] = []
    if until_ns <= begin_ns:
        return found
    for each in watched:
        times_ns, bad = _marks(each.objective, requests, users)
        kept = slice(0, int(np.searchsorted(times_ns, until_ns)))
        limits = (each.allowed_ratio, max(1, each.window_ns), begin_ns, until_ns)
        for spell in broken_spells(times_ns[kept], bad[kept], *limits):
            ends = spell.start_ns(begin_ns), spell.end_ns(until_ns)
            found.append(BrokenPeriod(spell, *ends, (str(each.objective),)))
    return _merged(found)


def _merged(periods: list[BrokenPeriod]) -> list[BrokenPeriod]:
    """Periods of several objectives that overlap are one."""
    found: list[BrokenPeriod] = []
    for later in sorted(periods, key=lambda period: (period.start_ns, period.end_ns)):
        if not found or later.start_ns > found[-1].end_ns:
            found.append(later)
            continue
        earlier = found[-1]
        last = later if later.end_ns > earlier.end_ns else earlier
        found[-1] = BrokenPeriod(
            Spell(earlier.spell.start, last.spell.end),
            earlier.start_ns,
            last.end_ns,
            tuple(dict.fromkeys((*earlier.objectives, *later.objectives))),
        )
    return found


def _marks(
    objective: Objective, requests: Requests, users: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times of the requests that ``objective`` is about, and which are outside of its limit."""
    chosen = requests.concerns(objective)
    times_ns, errors = requests.intended_ns[chosen], requests.error[chosen]
    values_ns = requests.values_ns(objective)
    values_ns = None if values_ns is None else values_ns[chosen]
    bad = ~is_within(objective, errors, values_ns)
    if not users or objective.of == "lag" or not len(times_ns):
        return times_ns, bad
    # In a closed loop, what was not sent while its users waited:
    waited_ns = requests.latency_ns[chosen]
    step_ns = _usual_step_ns(times_ns, users)
    counts = np.maximum((waited_ns - 1) // step_ns, 0)
    source = np.repeat(np.arange(len(times_ns)), counts)
    place = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    late_ns = place * step_ns
    left_ns = None if values_ns is None else values_ns[source] - late_ns
    added_ns = times_ns[source] + late_ns
    added = ~is_within(objective, errors[source], left_ns)
    times_ns, bad = np.concatenate([times_ns, added_ns]), np.concatenate([bad, added])
    order = np.argsort(times_ns, kind="stable")
    return times_ns[order], bad[order]


def _usual_step_ns(times_ns: NDArray[np.int64], users: int) -> int:
    """How long a user usually needs from one request to the next.

    All users together send ``users`` requests in that time; the median over the run does not see
    the times when they waited.
    """
    if len(times_ns) <= users:
        return max(1, int(times_ns[-1] - times_ns[0]))
    return max(1, int(np.median(times_ns[users:] - times_ns[:-users])))
