"""The search for a capacity: given the probes so far, which one comes next.

It makes no load, so that simulations and real services drive the same code:

    search = CapacitySearch(requirements, budget_s=120)
    while (order := search.next_order(elapsed_s)) is not None:
        search.add(carry_out(order), took_s)

1. *Climb*: double the rate from the lowest on until one is not good, and tries there leave little
   doubt of it (or halve it from there while none is good).
2. *Narrow*: take the next rate from those that are expected to tell most, at random, so that a
   drift of the service is not taken for an effect of the rate. What is known is a `Threshold`: a
   bad probe makes a higher capacity less likely and never impossible, so that spoiled ones are
   outvoted by the next ones.
3. *Descend*, once: overload the service on purpose, and probe at once at a rate that was good.
   Where that stays bad, it does not recover by itself, and its capacity depends on its past
   (hysteresis).

It ends when the interval is narrow, when the range has no threshold in it, or with the budget.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchlab.analysis.probe import Kind, Probe, Requirement
from benchlab.errors import InputError
from benchlab.plan.validation import check_rate, check_seconds
from benchlab.statistics.attained_share import share_confidence
from benchlab.statistics.probe_length import (
    overload_resolution,
    overload_shows_after_s,
    relaxation_time_s,
)
from benchlab.statistics.threshold import Evidence, Threshold
from benchlab.units import NS_PER_S

__all__ = ["CapacitySearch", "ProbeOrder", "evidence_of"]

_START_RPS = 10.0
_LOWEST_RPS = 1.0
_HIGHEST_RPS = 1e6

_NARROW_RATIO = 1.04
"""The search ends when the 99 % interval is narrower than this: high ÷ low."""

_BRACKET_RATIO = 1.12
_DESCEND_AFTER = 0.6
"""The descending pass begins with an interval narrower than this, or after this share of the
budget."""

_DESCENT = (0.95, 0.95, 0.7, 0.5, 0.25)
"""Rates of the descending pass, as shares of the lower bound; the first good one ends it."""

_SURE_COUNT = 3.84  # requests per odds q / (1 - q) that show the share q when all are within it
_MARGIN = 1.1
_RELAXATIONS = 10
_FINEST = 0.004
_WARMUP_SHARE = 0.2
_OVERHEAD_S = 0.5
_LEAST_SHARE = 0.4  # a probe that has to be shorter than this share of its length is not made
_SURE = 0.99
"""The probability that a rate is too high at which the climb takes it for that: four bad probes. Of
three, one search in thirty had them all spoiled, at some rate on the way."""

_MOST_TRIES = 5
_WIDE_RATIO = 1.3
"""Within an interval that is wider than this, a probe that is too slow to be decided anyway is
short: many of them find the place, and outvote spoiled ones, sooner than a few long ones."""

_SHORTEST_S = 0.5  # else a probe at a high rate is over while its connections are opened
_STUCK = 3
_NEAR_LIMIT = 10.0
_SAME_QUEUE = 0.75
_FAULT = 0.01


@dataclass(frozen=True, slots=True)
class ProbeOrder:
    """A probe to make: after ``cool_down_s`` without load, and a warm-up at the same rate."""

    rate_rps: float
    warmup_s: float
    length_s: float
    kind: Kind
    cool_down_s: float = 0.0


class CapacitySearch:
    """The state of a search; see the module for how it goes on.

    Rates stay within ``from_rps`` and ``to_rps``. Without the first, it starts at 10 requests/s and
    goes down to 1; without the second, it goes up until something gives way.

    Raises:
        InputError: a budget or a range that cannot be used.
    """

    def __init__(
        self,
        requirements: Sequence[Requirement],
        budget_s: float,
        from_rps: float | None = None,
        to_rps: float | None = None,
        *,
        random_arrivals: bool = False,
        warmup_s: float = 0.0,
        seed: int = 1,
    ) -> None:
        check_seconds("budget_s", budget_s)
        for name, rate_rps in (("from_rps", from_rps), ("to_rps", to_rps)):
            if rate_rps is not None:
                check_rate(name, rate_rps)
        self.lowest_rps = from_rps or min(_LOWEST_RPS, to_rps or _LOWEST_RPS)
        self.highest_rps = to_rps or max(_HIGHEST_RPS, self.lowest_rps)
        if self.lowest_rps >= self.highest_rps and not from_rps == to_rps:
            raise InputError(
                f"is not above the lowest rate, {self.lowest_rps:g}",
                field="to_rps",
                value=to_rps,
                remedy="give the lower rate first",
            )
        self._start_rps = from_rps or min(_START_RPS, self.highest_rps)
        self.probes: list[Probe] = []
        self.budget_s = budget_s
        self.has_descended = False
        self.requirements = requirements
        self._random_arrivals = random_arrivals
        self._first_warmup_s = warmup_s
        self._random = random.Random(seed)
        self._overhead_s = _OVERHEAD_S
        self._descent_from_rps: float | None = None

    def add(self, probe: Probe, took_s: float | None = None) -> None:
        """Add the result of the last order; ``took_s`` is how long that took in all."""
        self.probes.append(probe)
        if took_s is not None:
            extra_s = took_s - probe.warmup_s - probe.duration_s
            self._overhead_s = max(0.5 * self._overhead_s + 0.5 * extra_s, 0.0)

    @property
    def objective_text(self) -> str:
        """The objectives as they were written."""
        return ", ".join(str(item.objective) for item in self.requirements)

    @property
    def threshold(self) -> Threshold:
        """The rates at which service or generator may give way, given the probes so far."""
        return self._threshold(self.used_probes)

    @property
    def service_threshold(self) -> Threshold:
        """The same of the service alone: without probes in which the generator gave way."""
        return self._threshold([item for item in self.used_probes if item.is_as_asked])

    @property
    def used_probes(self) -> list[Probe]:
        """The probes that say something of the capacity.

        Of a service that `stays_bad` those before its overload, and the first bad one. Without
        those in which the generator gave way although it did not at a rate as high: something
        disturbed it, and that is not its limit.
        """
        used = self._before_overload() if self.stays_bad else self.probes
        sent = max((item.rate_rps for item in self.probes if item.is_as_asked), default=0.0)
        return [item for item in used if item.is_as_asked or 0.97 * item.rate_rps > sent]

    def interval(self) -> tuple[float, float]:
        """The ends of the 95 % interval of `threshold`."""
        threshold = self.threshold
        return threshold.quantile(0.025), threshold.quantile(0.975)

    def next_order(self, elapsed_s: float) -> ProbeOrder | None:
        """The next probe, ``elapsed_s`` after the start; None when the search is over."""
        remaining_s = self.budget_s - elapsed_s
        if self.probes and remaining_s <= 0:
            return None
        rate_rps, kind = self._next_rate(elapsed_s)
        if rate_rps is None:
            return None
        length_s = self._length_s(rate_rps, kind)
        warmup_s = min(max(_WARMUP_SHARE * length_s, 0.1), 5.0)
        if not self.probes:
            warmup_s = max(warmup_s, min(self._first_warmup_s, self.budget_s / 10))
        cool_down_s = self._cool_down_s(kind)
        free_s = remaining_s - self._overhead_s - cool_down_s
        share = free_s / (length_s + warmup_s)
        if share < 1:
            if self.probes and share < _LEAST_SHARE:
                return None
            shorter = max(share, 0.1)
            length_s, warmup_s = shorter * length_s, shorter * warmup_s
        return ProbeOrder(
            float(f"{rate_rps:.4g}"), round(warmup_s, 3), round(length_s, 3), kind, cool_down_s
        )

    def _next_rate(self, elapsed_s: float) -> tuple[float | None, Kind]:
        climbed = self._climbed_rate()
        if climbed is not None:
            return climbed, "climb"
        if not self.has_descended and self._seems_stuck():
            self.has_descended = True
            self._descent_from_rps = self._good_before_overload_rps()
        if self._descent_from_rps is not None:
            rate_rps = self._descended_rate(self._descent_from_rps)
            if rate_rps is not None:
                return rate_rps, "descend"
            self._descent_from_rps = None
        if self.stays_bad:
            return None, "narrow"
        threshold = self.threshold
        low, high = threshold.quantile(0.025), threshold.quantile(0.975)
        highest = max(item.rate_rps for item in self.probes)
        lowest = min(item.rate_rps for item in self.probes)
        if low > self.highest_rps:
            top = [item for item in self.probes if item.rate_rps == self.highest_rps]
            return (None if len(top) > 1 else self.highest_rps), "narrow"
        if high < self.lowest_rps:
            return None, "narrow"
        if threshold.below(highest) < 0.5 and highest < self.highest_rps:
            return min(2 * highest, self.highest_rps), "narrow"
        if threshold.below(lowest) > 0.5 and lowest > self.lowest_rps:
            return max(lowest / 2, self.lowest_rps), "narrow"
        has_both = low < self.highest_rps and high > self.lowest_rps and self._has_good()
        late = elapsed_s > _DESCEND_AFTER * self.budget_s
        if has_both and not self.has_descended and (high / low < _BRACKET_RATIO or late):
            self.has_descended = True
            if self._has_bad_of_service():
                self._descent_from_rps = low
                return min(max(1.1 * high, 1.25 * low), 2 * low, self.highest_rps), "overload"
        if threshold.quantile(0.995) / threshold.quantile(0.005) < _NARROW_RATIO:
            return None, "narrow"
        rate_rps = self._random.choice(threshold.informative_rates())
        return min(max(rate_rps, self.lowest_rps), self.highest_rps), "narrow"

    def _climbed_rate(self) -> float | None:
        """The next rate of the climb; None once a rate was not good, whenever it was tried.

        Where the lowest rate is not good, the climb goes down from there until one is.
        """
        climb = [item for item in self.probes if item.kind == "climb"]
        if len(climb) < len(self.probes):
            return None
        if not climb:
            return self._start_rps
        last = climb[-1]
        if not _leans_good(last):
            tried = [item for item in climb if item.rate_rps == last.rate_rps]
            if len(tried) < _MOST_TRIES and self.threshold.below(last.rate_rps) < _SURE:
                return last.rate_rps
            if any(map(_leans_good, climb)) or last.rate_rps <= self.lowest_rps:
                return None
            return max(last.rate_rps / 2, self.lowest_rps)
        highest = max(item.rate_rps for item in climb)
        if highest >= self.highest_rps or any(item.rate_rps > last.rate_rps for item in climb):
            return None  # the range ends here, or this is the way down
        return min(2 * highest, self.highest_rps)

    def _descended_rate(self, from_rps: float) -> float | None:
        """The next rate after the overload; None when the service is good again, or never was."""
        after = self._descent()
        if any(map(_leans_good, after)) or len(after) == len(_DESCENT):
            return None
        rate_rps = max(_DESCENT[len(after)] * from_rps, self.lowest_rps)
        return None if after and rate_rps == after[-1].rate_rps == self.lowest_rps else rate_rps

    def _descent(self) -> list[Probe]:
        return [item for item in self.probes if item.kind == "descend"]

    def _good_before_overload_rps(self) -> float:
        """The highest rate that was good before the first bad probe; 0 if none was."""
        first = next(
            (index for index, item in enumerate(self.probes) if not _leans_good(item)),
            len(self.probes),
        )
        return max((item.rate_rps for item in self.probes[:first]), default=0.0)

    def _seems_stuck(self) -> bool:
        """Whether the last probes were all bad, at rates that were good before an overload."""
        below_rps = 0.97 * self._good_before_overload_rps()
        recent = self.probes[-_STUCK:]
        return len(recent) == _STUCK and all(
            item.decision == "bad" and item.rate_rps < below_rps for item in recent
        )

    @property
    def stays_bad(self) -> bool:
        """Whether the service did not recover from an overload, also at lower rates and after a
        pause (hysteresis)."""
        descent = self._descent()
        return len(descent) >= _STUCK and all(item.decision == "bad" for item in descent[:_STUCK])

    @property
    def recovered_rps(self) -> float | None:
        """The rate at which a service that `stays_bad` was good again; None if it was at none."""
        return next((item.rate_rps for item in self._descent() if _leans_good(item)), None)

    def _before_overload(self) -> list[Probe]:
        """The probes up to the last good one before the descending pass, and the next bad one."""
        before = list(itertools.takewhile(lambda item: item.kind != "descend", self.probes))
        good = [index for index, item in enumerate(before) if _leans_good(item)]
        return before[: good[-1] + 2] if good else before

    def _has_good(self) -> bool:
        return any(item.decision == "good" for item in self.probes)

    def _has_bad_of_service(self) -> bool:
        return any(item.decision == "bad" for item in self.probes)

    def _length_s(self, rate_rps: float, kind: Kind) -> float:
        """How long a probe has to last, within its share of the budget.

        Enough requests to show the share; when narrowing, long enough for an overload of a quarter
        of the interval to break the limit, and for random arrivals ten relaxation times.
        """
        ratio = max(item.ratio for item in self.requirements)
        needed_s = _MARGIN * _SURE_COUNT * ratio / (1 - ratio) / rate_rps
        low, high = self.interval()
        if kind == "climb" or high / low > _WIDE_RATIO:
            can_decide = kind != "climb" and needed_s <= self.budget_s / 12
            longest_s = self.budget_s / (12 if can_decide else 24)
            return min(max(needed_s, self.budget_s / 100, _SHORTEST_S), longest_s)
        excess = max((high / low - 1) / 8, _FINEST)
        for item in self.requirements:
            if item.limit_ns is not None:
                limit_s = item.limit_ns / NS_PER_S
                shows_s = overload_shows_after_s(limit_s, self._service_s(), excess, item.ratio)
                needed_s = max(needed_s, shows_s)
        if self._random_arrivals:
            relaxation_s = relaxation_time_s(rate_rps, max(1 - 2 * excess, 0.1))
            needed_s = max(needed_s, _RELAXATIONS * relaxation_s)
        longest_s = self.budget_s / (12 if self._has_good() else 4)
        return min(max(needed_s, self.budget_s / 40), longest_s)

    def _service_s(self) -> float:
        """The median service time at the lowest rate that was good."""
        good = [item for item in self.probes if item.decision == "good" and item.service_ns]
        if not good:
            return 0.0
        return (min(good, key=lambda item: item.rate_rps).service_ns or 0) / NS_PER_S

    def _cool_down_s(self, kind: Kind) -> float:
        """A pause after requests were left open; none before the descending pass sees the effect of
        an overload."""
        if not self.probes or self.probes[-1].is_drained or kind == "descend":
            return 0.0
        return min(2.0, self.budget_s / 40)

    def _dependence(self) -> tuple[float, float]:
        """Independent requests per request, of random arrivals, and the rate from which it holds.

        It is that of probes near the limit: one in which all requests were within shows nothing of
        how they depend on each other. At much lower rates there is no queue for them to share.
        """
        near = [
            item
            for item in self.probes
            if item.attained_ratio is not None
            and 0 < 1 - item.attained_ratio < _NEAR_LIMIT * (1 - item.required_ratio)
        ]
        if not self._random_arrivals or not near:
            return 1.0, math.inf
        ratio = statistics.median(item.n_eff / item.count for item in near)
        return ratio, _SAME_QUEUE * min(item.rate_rps for item in near)

    def _threshold(self, probes: Sequence[Probe]) -> Threshold:
        highest = max((item.rate_rps for item in self.probes), default=self._start_rps)
        lowest = min((item.rate_rps for item in self.probes), default=self._start_rps)
        service_s, (independent, from_rps) = self._service_s(), self._dependence()
        evidence = [
            evidence_of(
                item,
                self.requirements,
                service_s,
                independent if item.rate_rps >= from_rps else None,
            )
            for item in probes
        ]
        return Threshold(lowest / 4, highest * 4, evidence)


def _leans_good(probe: Probe) -> bool:
    return probe.is_as_asked and probe.probability >= 0.5


def evidence_of(
    probe: Probe,
    requirements: Sequence[Requirement],
    service_s: float,
    independent_ratio: float | None = None,
) -> Evidence:
    """What ``probe`` says of the threshold, with its resolution.

    An overload that is smaller than `overload_resolution` cannot show in its time, so its good
    result says less. The number of random arrivals varies from probe to probe. Of these
    ``independent_ratio`` of the requests are independent (None: as many as the probe shows), and a
    capacity is where the share crosses the required one, not where most probes are good: so the
    evidence is the confidence of the share, not of a service that copes or does not.
    """
    finest = 0.0
    for item in requirements:
        if item.limit_ns is not None:
            limit_s = item.limit_ns / NS_PER_S
            resolution = overload_resolution(
                limit_s, service_s, probe.warmup_s, max(probe.planned_s, 1e-9), item.ratio
            )
            finest = max(finest, min(resolution, 1.0))
    count = probe.rate_rps * probe.planned_s
    spread = 1 / math.sqrt(max(count, 1.0)) if probe.random_arrivals else 0.0
    scale = math.hypot(finest / 3, spread, 0.003)
    probability = probe.probability
    if not probe.is_as_asked:
        probability = _FAULT
    elif independent_ratio is not None and probe.attained_ratio is not None:
        n_eff = min(probe.n_eff, independent_ratio * probe.count)
        probability = share_confidence(probe.attained_ratio, probe.required_ratio, n_eff)
    return Evidence(probe.rate_rps, probability, finest, scale)
