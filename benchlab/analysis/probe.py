"""Decide a probe: whether a service met its objectives at one rate.

A probe is decided by attainment, the share of its requests that were within the objective. Requests
that failed, were abandoned or never sent are outside. ``p99<50ms`` needs 99 % of requests within
50 ms, ``error_ratio<1%`` needs 99 % without an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.plan.objectives import Objective, parse_objectives
from benchlab.samples.samples import ErrorKind, Samples
from benchlab.statistics.attained_share import (
    independent_count,
    probability_attained,
    share_confidence,
)
from benchlab.statistics.batch_means import batch_of
from benchlab.units import NS_PER_S

__all__ = [
    "DECIDED_RATIO",
    "Attained",
    "Backlog",
    "Culprit",
    "Decision",
    "Kind",
    "Probe",
    "Requirement",
    "attained",
    "decide",
    "requirements_of",
]

Decision = Literal["good", "bad", "undecided"]
Culprit = Literal["", "service", "generator"]
"""Who gave way in a probe that was not good; empty in one that was, or that shows nothing."""
Kind = Literal["climb", "narrow", "overload", "descend"]
"""What a probe is for: to bracket the capacity, to narrow the bracket, to overload the service on
purpose, and to see whether it has recovered from that."""

DECIDED_RATIO = 0.975
"""The confidence from which on a probe is good, or bad: one side of 95 %."""

_BATCHES = 30
_READ_WITHIN_S = 0.5  # workers write their samples within this time
_LIMITS_PAST = 3.0
_LOOKS = 4
_P99_ALLOWS = 0.0101  # the share outside that a p99 says something of
_REMEDY = "use a percentile or an error ratio, such as p99<50ms or error_ratio<1%"


@dataclass(frozen=True, slots=True)
class Requirement:
    """An objective as a share of requests: at least ``ratio`` of them have to be within it."""

    objective: Objective
    ratio: float

    @property
    def limit_ns(self) -> float | None:
        """The limit of the duration; None for an error ratio."""
        return self.objective.limit if self.objective.of else None

    def inside(self, samples: Samples, of: str = "") -> NDArray[np.bool_]:
        """Which of ``samples`` are within the objective; ``of`` is another duration to look at."""
        met: NDArray[np.bool_] = samples.column("error") == ErrorKind.OK
        if not self.objective.of:
            return met
        values = getattr(samples, f"{of or self.objective.of}_ns")
        limit = self.objective.limit
        within = values < limit if self.objective.operator == "<" else values <= limit
        found: NDArray[np.bool_] = met & within
        return found


def requirements_of(slo: str | Objective | Iterable[str | Objective]) -> tuple[Requirement, ...]:
    """The objectives that a capacity is asked for, as shares of requests.

    Raises:
        InputError: there is none, or one that is not about a share of requests.
    """
    objectives = parse_objectives(slo, "slo") if slo else ()
    if not objectives:
        raise InputError(
            "a capacity needs an objective: how slow may responses get?",
            field="slo",
            remedy="give one, such as p99<50ms",
        )
    return tuple(_requirement(objective) for objective in objectives)


def _requirement(objective: Objective) -> Requirement:
    def wrong(problem: str, remedy: str = _REMEDY) -> InputError:
        return InputError(problem, field="slo", value=str(objective), remedy=remedy)

    if objective.statistic == "error_ratio":
        ratio = 1 - objective.limit
    elif objective.ratio is not None:
        ratio = objective.ratio
    else:
        raise wrong("is not about a share of requests, by which a probe is decided")
    if not objective.operator.startswith("<"):
        raise wrong("has no upper limit, which more load could pass", "write it with <")
    if objective.of == "lag":
        raise wrong("is about the load generator, not about the service")
    if objective.window_s is not None:
        raise wrong(
            "has windows, and a probe is one window",
            "leave 'over …' out: each probe is judged whole",
        )
    if not 0 < ratio < 1:
        raise wrong(
            "leaves no share of requests to be outside, which no number of requests can show",
            "allow a small one, such as error_ratio<0.1%",
        )
    return Requirement(objective, ratio)


@dataclass(frozen=True, slots=True)
class Attained:
    """The share of a probe's requests within a requirement.

    ``count`` requests say as much as ``n_eff`` independent ones.
    """

    requirement: Requirement
    ratio: float
    count: int
    n_eff: float

    @property
    def decision(self) -> Decision:
        """Good or bad if the 95 % interval of the share is on one side of the required one."""
        confidence = share_confidence(self.ratio, self.requirement.ratio, self.n_eff)
        if confidence > DECIDED_RATIO:
            return "good"
        return "bad" if confidence < 1 - DECIDED_RATIO else "undecided"

    @property
    def probability(self) -> float:
        """The probability that the requirement is met at this rate, undecided or not."""
        return probability_attained(self.ratio, self.requirement.ratio, self.n_eff)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe says.

    ``duration_s`` is how long it measured, of ``planned_s`` after ``warmup_s``: a hopeless one is
    ended early. ``attained_ratio`` is that of the objective that decides, the one which is least
    likely to be met, and ``probability`` how likely that is. ``latency_ns`` is the percentile
    that the objective is about, ``service_ns`` the median service time. ``verdict`` is the run's.
    """

    rate_rps: float
    duration_s: float
    attained_ratio: float | None
    decision: Decision
    verdict: str
    culprit: Culprit = ""
    probability: float = 0.5
    objective: str = ""
    count: int = 0
    n_eff: float = 0.0
    latency_ns: int | None = None
    p50_ns: int | None = None
    service_ns: int | None = None
    kind: Kind = "narrow"
    required_ratio: float = 0.99
    planned_s: float = 0.0
    warmup_s: float = 0.0
    random_arrivals: bool = False
    is_drained: bool = True
    reason: str = ""
    run_id: str = ""

    @property
    def is_as_asked(self) -> bool:
        """Whether the generator made the load that was asked for."""
        return self.culprit != "generator"


def attained(
    requirement: Requirement,
    samples: Samples,
    start_ns: int,
    end_ns: int,
    missing_count: int = 0,
    of: str = "",
) -> Attained:
    """The share of ``samples`` in the window ``start_ns`` to ``end_ns`` that were within.

    ``missing_count`` requests were due and never sent: they are outside, at the end of the window.
    For an endpoint's objective only its own requests count.
    """
    endpoint = requirement.objective.endpoint
    if endpoint:
        samples, missing_count = samples.endpoint(endpoint), 0
    inside = requirement.inside(samples, of)
    batch = batch_of(samples.column("intended_ns"), start_ns, end_ns, _BATCHES)
    counts = np.bincount(batch, minlength=_BATCHES)
    met = np.bincount(batch[inside], minlength=_BATCHES)
    counts[-1] += missing_count
    count = int(counts.sum())
    ratio = float(met.sum()) / count if count else 0.0
    return Attained(requirement, ratio, count, independent_count(met, counts))


def decide(parts: Sequence[Attained]) -> Attained:
    """The objective that decides: the one that is least likely to be met."""
    return min(parts, key=lambda part: (part.probability, part.ratio - part.requirement.ratio))


class Backlog:
    """Watches a probe: whether its open requests have grown so far that it cannot become good.

    A service that takes less than is sent has a queue that grows steadily. It shows in the open
    requests (in flight, or due and not yet sent), which by Little's law are the rate times the time
    that a request takes now, and in the p99 of those that are done. A probe is hopeless when one of
    them has grown at each of the last looks and is at several times the limit; or when more
    requests have failed than the rest of the probe could make up for.
    """

    def __init__(
        self, requirements: Sequence[Requirement], rate_rps: float, length_s: float
    ) -> None:
        limits_ns = [item.limit_ns for item in requirements if item.limit_ns is not None]
        allowed = max(1 - item.ratio for item in requirements)
        self._rate_rps = rate_rps
        self._most_failed = 5 * allowed * rate_rps * length_s + 20
        self._most_open = self._most_p99_ns = math.inf
        if limits_ns:
            unread = rate_rps * _READ_WITHIN_S
            limit_s = max(limits_ns) / NS_PER_S
            self._most_open = unread + 4 * unread**0.5 + 3 + rate_rps * _LIMITS_PAST * limit_s
            if allowed <= _P99_ALLOWS:
                self._most_p99_ns = _LIMITS_PAST * max(limits_ns)
        self._open: list[float] = []
        self._p99_ns: list[float] = []

    def is_hopeless(
        self, measured_s: float, done_count: int, error_count: int, p99_ns: int | None
    ) -> bool:
        """Whether to end the probe, ``measured_s`` after the start of its measured window."""
        self._open.append(self._rate_rps * measured_s - done_count)
        self._p99_ns.append(p99_ns or 0)
        return (
            error_count > self._most_failed
            or _grows_above(self._open, self._most_open)
            or _grows_above(self._p99_ns, self._most_p99_ns)
        )


def _grows_above(values: Sequence[float], limit: float) -> bool:
    recent = values[-_LOOKS:]
    return len(recent) == _LOOKS and recent[0] > limit and bool(np.all(np.diff(recent) > 0))
