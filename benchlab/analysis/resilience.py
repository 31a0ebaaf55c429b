"""How a run came through its faults: when objectives broke, how far, and when they held again."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from benchlab.displayed import Result
from benchlab.units import NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "OUTCOMES",
    "FaultEffect",
    "FaultOutcome",
    "ObjectiveSource",
    "Resilience",
    "ResilienceObjective",
    "ResilienceTimeline",
    "SlowRequest",
]

FaultOutcome: TypeAlias = Literal[
    "metastable",
    "not_recovered",
    "lasted",
    "already_broken",
    "failed",
    "recovered",
    "withstood",
]
"""What became of the objectives when a fault was on, and after it.

- ``withstood``: they held all the time.
- ``recovered``: they broke, and held again.
- ``not_recovered``: they were still broken when the next fault began, or the run ended.
- ``metastable``: so they were, with the load as before and the goodput down, and nothing improved.
- ``lasted``: they were still broken when the run ended, and the fault was on to the end.
- ``already_broken``: they were broken before the fault began, so nothing is attributed to it.
- ``failed``: the fault could not be set or lifted.
"""

OUTCOMES: Final[tuple[FaultOutcome, ...]] = (
    "metastable",
    "not_recovered",
    "lasted",
    "failed",
    "already_broken",
    "recovered",
    "withstood",
)
"""From the one to know first to the one that is no news."""

_PLANNED = re.compile(r"( at \S+)?( for \S+)?$")

ObjectiveSource: TypeAlias = Literal["given", "plan", "derived"]
"""Whether objectives were asked for, are the plan's, or follow from the time before the faults."""


@dataclass(frozen=True, slots=True)
class ResilienceObjective:
    """An objective as it was watched: the share of requests that may be outside, and windows."""

    objective: str
    allowed_ratio: float
    window_s: float


@dataclass(frozen=True, slots=True)
class SlowRequest:
    """One of the slowest requests; ``traced`` says whether it asked to be traced.

    ``error`` is the label of its kind, empty when there was none.
    """

    seq: int
    trace_id: str
    traced: bool
    intended_ns: int
    latency_ns: int
    status: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEffect:
    """What a fault did. Times are in ns from the start of the run, as those of samples.

    ``onset_ns`` is the first intended time from which ``objectives`` were broken for longer than a
    window, ``recovery_ns`` the first from which they held for a whole window; each with the ends
    of its 95 % interval. Both are None where there was none, or none that is attributed to the
    fault. Recovery could be observed until ``observed_until_ns``, the end of the run or the next
    fault, and counts from ``cleared_ns``: the end of the fault, or of the last of the faults that
    overlapped it (``overlaps``, by number).

    ``request_count`` requests were intended while the objectives were broken, of a fault that was
    withstood while it was on; ``affected_count`` of them were outside of the objectives, which is
    ``budget_burned_ratio`` of the requests that the objectives allow in the whole run (1: all of
    them). ``error_ratio`` and the latency factors, the percentiles divided by those before the
    first fault, are those of the requests while the fault was on and the objectives broken.
    Goodput is requests within the objectives per second: before the first fault, while broken,
    and of a fault without recovery in the last half of the time after it.
    """

    number: int
    fault: str
    kind: str
    outcome: FaultOutcome
    began_ns: int
    ended_ns: int | None
    cleared_ns: int | None
    observed_until_ns: int
    objectives: tuple[str, ...] = ()
    onset_ns: int | None = None
    onset_low_ns: int | None = None
    onset_high_ns: int | None = None
    recovery_ns: int | None = None
    recovery_low_ns: int | None = None
    recovery_high_ns: int | None = None
    request_count: int = 0
    affected_count: int | None = None
    budget_burned_ratio: float | None = None
    error_ratio: float | None = None
    latency_p50_factor: float | None = None
    latency_p99_factor: float | None = None
    goodput_before_rps: float | None = None
    goodput_during_rps: float | None = None
    goodput_after_rps: float | None = None
    overlaps: tuple[int, ...] = ()
    slowest: tuple[SlowRequest, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        """The fault without the times that it was planned for: ``latency 200ms``."""
        return _PLANNED.sub("", self.fault)

    @property
    def time_to_broken_ns(self) -> int | None:
        """From the beginning of the fault until the objectives broke; None if they did not."""
        return None if self.onset_ns is None else max(0, self.onset_ns - self.began_ns)

    @property
    def time_to_recovery_ns(self) -> int | None:
        """From the end of the fault until the objectives held again; None if that was not seen.

        0 if they held again while it was still on.
        """
        if self.recovery_ns is None:
            return None
        return 0 if self.cleared_ns is None else max(0, self.recovery_ns - self.cleared_ns)

    @property
    def not_recovered_within_ns(self) -> int | None:
        """How long after the fault the objectives were still broken; None if they recovered."""
        if self.outcome not in ("not_recovered", "metastable") or self.cleared_ns is None:
            return None
        return max(0, self.observed_until_ns - self.cleared_ns)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields and of the times that follow from them."""
        values = {name: value for name, value in asdict(self).items() if name != "slowest"}
        return {
            **values,
            "objectives": list(self.objectives),
            "overlaps": list(self.overlaps),
            "note": self.note or None,
            "time_to_broken_ns": self.time_to_broken_ns,
            "time_to_recovery_ns": self.time_to_recovery_ns,
            "not_recovered_within_ns": self.not_recovered_within_ns,
            "slowest": [asdict(each) for each in self.slowest],
        }


@dataclass(frozen=True, slots=True)
class ResilienceTimeline:
    """The run in steps of equal time, for the figure: ``edges_s``, and a value for each step.

    ``p99_ms`` is None where a step has fewer than 100 requests.
    """

    edges_s: tuple[float, ...] = ()
    rate_rps: tuple[float, ...] = ()
    goodput_rps: tuple[float, ...] = ()
    error_rps: tuple[float, ...] = ()
    p50_ms: tuple[float | None, ...] = ()
    p99_ms: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Resilience(Result):
    """How a run came through its faults.

    ``faults`` has the effect of each, in the order in which they began. ``objectives`` are those
    that were watched, from ``objective_source``; ``left_out`` names those of the plan that are no
    limits of single requests. ``before_s`` is the length of the measured time before the first
    fault, with which depth is compared. ``other_periods`` are the times, start and end in ns, in
    which objectives were broken without a fault to attribute that to. ``origin`` says in a line
    what was run where.
    """

    run_id: str
    name: str
    objectives: tuple[ResilienceObjective, ...]
    objective_source: ObjectiveSource
    faults: tuple[FaultEffect, ...]
    count: int
    before_s: float
    derivation: str = ""
    left_out: tuple[str, ...] = ()
    other_periods: tuple[tuple[int, int], ...] = ()
    timeline: ResilienceTimeline = ResilienceTimeline()
    origin: str = ""

    @property
    def outcome(self) -> str:  # jedi cannot complete a property of a Literal
        """The outcome to know first among those of the faults."""
        return min((each.outcome for each in self.faults), key=OUTCOMES.index)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict, in full precision."""
        return {
            "run_id": self.run_id,
            "name": self.name,
            "outcome": self.outcome,
            "objectives": [asdict(each) for each in self.objectives],
            "objective_source": self.objective_source,
            "left_out": list(self.left_out),
            "count": self.count,
            "before_s": self.before_s,
            "faults": [each.to_dict() for each in self.faults],
            "other_periods": [
                {"start_ns": start_ns, "end_ns": end_ns} for start_ns, end_ns in self.other_periods
            ],
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row per fault: its text, outcome, times in s and ms, depth, requests, budget."""
        import pandas as pd

        columns = {
            "fault": [each.fault for each in self.faults],
            "outcome": [each.outcome for each in self.faults],
            "began_s": [each.began_ns / NS_PER_S for each in self.faults],
            "ended_s": [_scaled(each.ended_ns, NS_PER_S) for each in self.faults],
            "onset_s": [_scaled(each.onset_ns, NS_PER_S) for each in self.faults],
            "recovery_s": [_scaled(each.recovery_ns, NS_PER_S) for each in self.faults],
            "time_to_broken_ms": [
                _scaled(each.time_to_broken_ns, NS_PER_MS) for each in self.faults
            ],
            "time_to_recovery_ms": [
                _scaled(each.time_to_recovery_ns, NS_PER_MS) for each in self.faults
            ],
        }
        names = (
            "error_ratio",
            "latency_p50_factor",
            "latency_p99_factor",
            "request_count",
            "affected_count",
            "budget_burned_ratio",
            "goodput_before_rps",
            "goodput_during_rps",
            "goodput_after_rps",
        )
        values = {name: [getattr(each, name) for each in self.faults] for name in names}
        frame = pd.DataFrame({**columns, **values}, index=[each.number for each in self.faults])
        frame.index.name = "number"
        return frame.reset_index()


def _scaled(value_ns: int | None, divisor: int) -> float | None:
    return None if value_ns is None else value_ns / divisor
