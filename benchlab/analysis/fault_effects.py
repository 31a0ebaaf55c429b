"""Attribute broken objectives to the faults of a run, and measure how deep and how long.

An objective that breaks while a fault is on, or within a window after it, is attributed to the
fault that began last. Nothing is attributed to a fault that begins when the objectives are broken
already, nor a period that is no larger than those without any fault. A fault that is on in the
whole window is how the service is there: the others are measured with it.

A metastable failure is a failure that its cause outlives: N. Bronson et al., "Metastable failures
in distributed systems", HotOS 2021. Here: the fault is gone, the load is as before, goodput stays
down, and neither the latency nor the share of bad requests falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.broken_periods import (
    BrokenPeriod,
    Requests,
    WatchedObjective,
    broken_periods,
)
from benchlab.analysis.resilience import (
    FaultEffect,
    FaultOutcome,
    Resilience,
    ResilienceObjective,
    ResilienceTimeline,
    SlowRequest,
)
from benchlab.analysis.timeseries import choose_bucket_s, rates_and_latencies
from benchlab.analysis.watched_objectives import watched_objectives
from benchlab.errors import InputError, InvalidRunError
from benchlab.plan.objectives import Objective
from benchlab.plan.tracing import is_traced, trace_id
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run
from benchlab.samples.percentiles import exact_percentile
from benchlab.samples.samples import ErrorKind
from benchlab.statistics.broken_spells import ChangeTime, chance_count, change_time
from benchlab.statistics.mann_kendall import mann_kendall
from benchlab.units import NS_PER_MS, NS_PER_S, seconds_to_ns

__all__ = ["resilience_of"]

_CONFIRMED_NS = 250 * NS_PER_MS
"""A fault takes hold before it is confirmed: so much earlier, what breaks is attributed to it."""

_SLOWEST = 5

_SAME_LOAD = 0.1
_DOWN_RATIO = 0.9
_LEAST_AFTER_S = 5.0
_MOST_AFTER_S = 30.0
_BATCHES = 20
_FALLING = -2.3263478740408408  # one trend in 100 falls as steeply by chance
_SOON = 10.0
"""What falls so that it would be over within 10 times the observed time is recovering."""

_FEWEST_FOR_P99 = 100


def resilience_of(
    run: Run,
    objective: str | Objective | Sequence[str | Objective] | None = None,
    *,
    force: bool = False,
) -> Resilience:
    """How ``run`` came through its faults, by ``objective``, or the plan's objectives.

    Without any, one is derived from the measured time before the first fault.

    Raises:
        InputError: the run had no faults, or there is no objective that can be used.
        InvalidRunError: the run is not valid, unless ``force``.
    """
    if run.verdict != "valid" and not force:
        raise InvalidRunError(
            f"run {run.id} is {run.verdict}: {run.invalid_reason}",
            remedy="look at its faults nevertheless with force=True, or --force",
        )
    faults = sorted(run.faults, key=lambda each: (each.began_ns, each.number))
    if not faults:
        raise InputError(
            "had no faults",
            field="run",
            value=run.id,
            remedy="make one with faults, such as --fault 'latency 200ms at 10s for 5s'",
        )
    requests = Requests(run)
    lasting = _lasting(faults, requests)
    began_ns = min(each.began_ns for each in faults if each.number not in lasting)
    first_ns = min(max(began_ns, requests.begin_ns), requests.end_ns)
    watched, source, left_out, derivation = watched_objectives(run, requests, objective, first_ns)
    measure = _Measure(run, requests, tuple(watched), faults, first_ns, lasting)
    effects, other = measure.effects()
    return Resilience(
        run_id=run.id,
        name=run.name,
        objectives=tuple(
            ResilienceObjective(str(each.objective), each.allowed_ratio, each.window_s)
            for each in watched
        ),
        objective_source=source,
        faults=tuple(effects),
        count=len(requests),
        before_s=(first_ns - requests.begin_ns) / NS_PER_S,
        derivation=derivation,
        left_out=tuple(left_out),
        other_periods=tuple((each.start_ns, each.end_ns) for each in other),
        timeline=_timeline(run, requests, ~measure.outside),
        origin=origin_of([run]),
    )


def _lasting(faults: Sequence[FaultRecord], requests: Requests) -> frozenset[int]:
    """The faults that are on in the whole window, by number, if there are others besides."""
    soon_ns = requests.begin_ns + _CONFIRMED_NS
    found = frozenset(
        each.number
        for each in faults
        if each.began_ns <= soon_ns and not each.error and not _is_lifted(each, requests)
    )
    return found if len(found) < len(faults) else frozenset()


def _is_lifted(record: FaultRecord, requests: Requests) -> bool:
    """Whether a fault ended within the window, not because the run did."""
    return record.ended_ns is not None and record.ended_ns < requests.end_ns


class _Depth(TypedDict, total=False):
    error_ratio: float
    latency_p50_factor: float
    latency_p99_factor: float


@dataclass(frozen=True, slots=True)
class _Span:
    """A fault with the time in which its effects can be seen."""

    record: FaultRecord
    ended_ns: int | None
    cleared_ns: int | None
    until_ns: int
    overlaps: tuple[int, ...]


class _Measure:
    """The requests of a run, its faults, and the periods in which objectives were broken."""

    def __init__(
        self,
        run: Run,
        requests: Requests,
        watched: tuple[WatchedObjective, ...],
        faults: Sequence[FaultRecord],
        first_ns: int,
        lasting: frozenset[int],
    ) -> None:
        self.run = run
        self.requests = requests
        self.watched = watched
        self.faults = faults
        self.first_ns = first_ns
        self.lasting = lasting
        self.window_ns = max(each.window_ns for each in watched)
        self.outside = requests.outside(watched)
        self.periods = broken_periods(run, requests, watched, requests.end_ns)
        self.before = requests.between(requests.begin_ns, first_ns)
        self.before_s = (first_ns - requests.begin_ns) / NS_PER_S

    def effects(self) -> tuple[list[FaultEffect], list[BrokenPeriod]]:
        """The effect of each fault, and the periods that are attributed to none."""
        spans = [self._span(record) for record in self.faults]
        owned: dict[int, list[BrokenPeriod]] = {index: [] for index in range(len(spans))}
        other: list[BrokenPeriod] = []
        for period in self.periods:
            index = self._cause_of(period, spans)
            (other if index is None else owned[index]).append(period)
        # What breaks as much without a fault is nothing that a fault did.
        usual = max(
            (self._bad_count(each) for each in other if each.spell.start is not None), default=0
        )
        found = []
        for index, span in enumerate(spans):
            large = [each for each in owned[index] if self._bad_count(each) > usual]
            other += [each for each in owned[index] if each not in large]
            small = len(owned[index]) - len(large)
            found.append(self._effect(span, large, small, spans))
        return found, sorted(other, key=lambda each: each.start_ns)

    def _span(self, record: FaultRecord) -> _Span:
        if record.number in self.lasting:
            return _Span(record, None, None, self.first_ns, ())
        end_ns = self.requests.end_ns
        ended_ns = record.ended_ns if _is_lifted(record, self.requests) else None
        cleared_ns = ended_ns
        overlaps: list[FaultRecord] = []
        others = [
            each
            for each in self.faults
            if each is not record and not each.error and each.number not in self.lasting
        ]
        if cleared_ns is not None:
            for other in sorted(others, key=lambda each: each.began_ns):
                other_end_ns = end_ns if other.ended_ns is None else other.ended_ns
                if other.began_ns < cleared_ns and other_end_ns > record.began_ns:
                    overlaps.append(other)
                    cleared_ns = max(cleared_ns, other_end_ns)
        until_ns = min(
            [each.began_ns for each in others if cleared_ns and each.began_ns >= cleared_ns],
            default=end_ns,
        )
        numbers = tuple(sorted(each.number for each in overlaps))
        if cleared_ns is not None and cleared_ns >= end_ns:
            cleared_ns = None
        return _Span(record, ended_ns, cleared_ns, min(until_ns, end_ns), numbers)

    def _cause_of(self, period: BrokenPeriod, spans: Sequence[_Span]) -> int | None:
        """The fault that a period is attributed to: the one that began last before it."""
        if period.spell.start is None:
            return self._cause_from_the_beginning(spans)
        found = None
        for index, span in enumerate(spans):
            began_ns = span.record.began_ns
            end_ns = self._on_until_ns(span)
            reaches = period.start_ns <= end_ns + self.window_ns and period.end_ns > began_ns
            if reaches and not span.record.error and not self._was_broken_before(period, began_ns):
                found = index
        return found

    def _cause_from_the_beginning(self, spans: Sequence[_Span]) -> int | None:
        """The fault that is on when the window begins, if there is one."""
        begin_ns = self.requests.begin_ns
        for index, span in enumerate(spans):
            is_on = span.record.began_ns <= begin_ns + _CONFIRMED_NS
            if is_on and not span.record.error and self._on_until_ns(span) > begin_ns:
                return index
        return None

    def _on_until_ns(self, span: _Span) -> int:
        """The end of the time when a fault was on, and the only one if it is a lasting one."""
        if span.record.number in self.lasting:
            return self.first_ns
        return self.requests.end_ns if span.ended_ns is None else span.ended_ns

    def _was_broken_before(self, period: BrokenPeriod, began_ns: int) -> bool:
        """Whether it was known before the fault began that the objectives were broken.

        Requests that were still open then do not count: the fault may be what happened to them.
        """
        inside = self.requests.between(period.start_ns, began_ns)
        known = self.requests.done_ns[inside] <= began_ns - _CONFIRMED_NS
        bad_count = int(np.count_nonzero(self.outside[inside] & known))
        allowed = max(each.allowed_ratio for each in self.watched)
        return bad_count > float(chance_count(int(np.count_nonzero(known)), allowed))

    def _bad_count(self, period: BrokenPeriod) -> int:
        inside = self.requests.between(period.start_ns, period.end_ns)
        return int(np.count_nonzero(self.outside[inside]))

    def _effect(
        self, span: _Span, periods: list[BrokenPeriod], small: int, spans: Sequence[_Span]
    ) -> FaultEffect:
        record, requests = span.record, self.requests
        end_ns = self._on_until_ns(span)
        effect = partial(
            FaultEffect,
            number=record.number,
            fault=record.fault,
            kind=record.kind,
            began_ns=record.began_ns,
            ended_ns=span.ended_ns,
            cleared_ns=span.cleared_ns,
            observed_until_ns=span.until_ns,
            overlaps=span.overlaps,
        )
        if record.error:
            return effect(outcome="failed", note=record.error)
        on = requests.between(record.began_ns, end_ns)
        before_rps = self._goodput_rps(requests.begin_ns, self.first_ns)
        if not periods:
            broken = self._broken_by(record, spans)
            depth = self._depth(record.began_ns, end_ns)
            if broken is not None:
                return effect(outcome="already_broken", note=broken, **depth)
            affected = int(np.count_nonzero(self.outside[on]))
            note = "broken for a short time, but no more than without a fault" if small else ""
            if record.number in self.lasting:
                note = "it was on all the time: the others are measured with it"
            return effect(
                outcome="withstood",
                note=note,
                request_count=on.stop - on.start,
                affected_count=affected,
                budget_burned_ratio=self._budget(on),
                goodput_before_rps=before_rps,
                goodput_during_rps=self._goodput_rps(record.began_ns, end_ns),
                slowest=self._slowest(on),
                **depth,
            )
        onset, last = self._onset(record, periods[0]), periods[-1]
        recovery = last.spell.end
        if recovery is not None and recovery.at_ns > span.until_ns:
            recovery = None
        until_ns = min(last.end_ns, span.until_ns) if recovery is None else recovery.at_ns
        broken_part = requests.between(onset.at_ns, until_ns)
        deep_until_ns = min(until_ns, end_ns)
        deep_ns = (max(onset.at_ns, record.began_ns), deep_until_ns)
        if deep_ns[0] >= deep_ns[1]:
            deep_ns = (onset.at_ns, until_ns)
        outcome, note = self._outcome(span, recovery is not None)
        after_rps = None
        if recovery is None and span.cleared_ns is not None:
            half_ns = (span.cleared_ns + span.until_ns) // 2
            after_rps = self._goodput_rps(half_ns, span.until_ns)
        return effect(
            outcome=outcome,
            note=note,
            objectives=tuple(dict.fromkeys(name for each in periods for name in each.objectives)),
            onset_ns=onset.at_ns,
            onset_low_ns=onset.low_ns,
            onset_high_ns=onset.high_ns,
            recovery_ns=None if recovery is None else recovery.at_ns,
            recovery_low_ns=None if recovery is None else recovery.low_ns,
            recovery_high_ns=None if recovery is None else recovery.high_ns,
            request_count=broken_part.stop - broken_part.start,
            affected_count=int(np.count_nonzero(self.outside[broken_part])),
            budget_burned_ratio=self._budget(broken_part),
            goodput_before_rps=before_rps,
            goodput_during_rps=self._goodput_rps(onset.at_ns, until_ns),
            goodput_after_rps=after_rps,
            slowest=self._slowest(broken_part),
            **self._depth(*deep_ns),
        )

    def _onset(self, record: FaultRecord, period: BrokenPeriod) -> ChangeTime:
        """When a period that is attributed to a fault began, by what the fault can have done.

        That is no earlier than the first request that was open when it took hold. Some that were
        bad before, but not more than chance explains, may have moved the estimate there.
        """
        onset, requests = period.spell.start, self.requests
        if onset is None:  # it was on when the window began
            at_ns = max(record.began_ns, requests.begin_ns)
            return ChangeTime(at_ns, at_ns, at_ns, 0.0)
        held_ns = record.began_ns - _CONFIRMED_NS
        if onset.at_ns >= held_ns:
            return onset
        earlier = requests.between(onset.at_ns, held_ns)
        is_open = requests.done_ns[earlier] > held_ns
        if is_open.any():
            held_ns = int(requests.intended_ns[earlier][is_open][0])
        if onset.at_ns >= held_ns:
            return onset
        near = requests.between(
            held_ns - self.window_ns, min(period.end_ns, held_ns + 2 * self.window_ns)
        )
        found = change_time(
            requests.intended_ns[near], self.outside[near], rising=True, least_ns=held_ns
        )
        return found or ChangeTime(held_ns, held_ns, record.began_ns, 0.0)

    def _broken_by(self, record: FaultRecord, spans: Sequence[_Span]) -> str | None:
        """What had broken the objectives before a fault began; None if they held."""
        for period in self.periods:
            if not period.start_ns < record.began_ns < period.end_ns:
                continue
            if period.spell.start is not None and not self._was_broken_before(
                period, record.began_ns
            ):
                continue
            index = self._cause_of(period, spans)
            if index is None:
                return "the objectives were broken before it began, without a fault"
            return f"fault {spans[index].record.number} had broken the objectives before it began"
        return None

    def _outcome(self, span: _Span, recovered: bool) -> tuple[FaultOutcome, str]:
        """The outcome of a fault that broke an objective, and what to know of it."""
        if recovered:
            if span.overlaps:
                others = ", ".join(str(number) for number in span.overlaps)
                return "recovered", f"overlaps with fault {others}: what each did cannot be told"
            return "recovered", ""
        if span.cleared_ns is None:
            return "lasted", ""
        next_fault = span.until_ns < self.requests.end_ns
        note = "the next fault began before it recovered" if next_fault else ""
        persists, why = self._persists(span.cleared_ns, span.until_ns, span.record)
        return ("metastable", why) if persists else ("not_recovered", note or why)

    def _persists(self, start_ns: int, end_ns: int, record: FaultRecord) -> tuple[bool, str]:
        """Whether nothing improves after a fault although it is gone, and why that is said."""
        requests = self.requests
        after_s = (end_ns - start_ns) / NS_PER_S
        fault_s = (start_ns - record.began_ns) / NS_PER_S
        least_s = max(_LEAST_AFTER_S, min(fault_s, _MOST_AFTER_S))
        if after_s < least_s or self.before_s <= 0:
            return False, ""
        half_ns = (start_ns + end_ns) // 2
        before_rps = self._goodput_rps(requests.begin_ns, self.first_ns) or 0.0
        goodput_rps = self._goodput_rps(half_ns, end_ns) or 0.0
        if goodput_rps >= _DOWN_RATIO * before_rps:
            return False, ""
        if self.run.plan.load.has_schedule:
            offered = self._rate_rps(half_ns, end_ns)
            if abs(offered / self._rate_rps(requests.begin_ns, self.first_ns) - 1) > _SAME_LOAD:
                return False, "the load after it is not that before it"
        over_s = self._improves(start_ns, end_ns)
        if over_s is not None:
            return False, f"it improves: at this pace it is over in about {over_s:.2g} s more"
        return True, "the fault is gone and the load is as before, but goodput stays down"

    def _improves(self, start_ns: int, end_ns: int) -> float | None:
        """In how many s it is over if latency, or the share of bad requests, falls; else None."""
        requests = self.requests
        edges = np.linspace(start_ns, end_ns, _BATCHES + 1).astype(np.int64)
        parts = [requests.between(low, high) for low, high in pairwise(edges.tolist())]
        parts = [part for part in parts if part.stop > part.start]
        if len(parts) < _BATCHES // 2:
            return None
        step_s = (end_ns - start_ns) / NS_PER_S / _BATCHES
        for values in (
            [float(np.median(requests.latency_ns[part])) for part in parts],
            [float(np.mean(self.outside[part])) for part in parts],
        ):
            trend = mann_kendall(np.array(values), least_inflation=1.0)
            if trend.z < _FALLING and trend.slope < 0:
                over_s = float(np.median(values[-3:])) / -trend.slope * step_s
                if over_s <= _SOON * (end_ns - start_ns) / NS_PER_S:
                    return over_s
        return None

    def _depth(self, start_ns: int, end_ns: int) -> _Depth:
        requests = self.requests
        inside = requests.between(start_ns, end_ns)
        if inside.stop <= inside.start:
            return {}
        found: _Depth = {"error_ratio": float(np.mean(requests.failed[inside]))}
        if self.before.stop > self.before.start:
            during, before = (np.sort(requests.latency_ns[part]) for part in (inside, self.before))
            p50, p99 = (
                exact_percentile(during, ratio) / max(1, exact_percentile(before, ratio))
                for ratio in (0.5, 0.99)
            )
            found |= {"latency_p50_factor": p50, "latency_p99_factor": p99}
        return found

    def _budget(self, part: slice) -> float | None:
        """The share of the run's error budget that a part burned, of the objective it hit most."""
        shares = []
        for each in self.watched:
            concerned = int(np.count_nonzero(self.requests.concerns(each.objective)))
            allowed = each.allowed_ratio * concerned
            if allowed > 0:
                bad = np.count_nonzero(self.requests.outside([each])[part])
                shares.append(float(bad) / allowed)
        return max(shares, default=None)

    def _rate_rps(self, start_ns: int, end_ns: int) -> float:
        part = self.requests.between(start_ns, end_ns)
        return float(part.stop - part.start) * NS_PER_S / (end_ns - start_ns)

    def _goodput_rps(self, start_ns: int, end_ns: int) -> float | None:
        if end_ns <= start_ns:
            return None
        good = ~self.outside[self.requests.between(start_ns, end_ns)]
        return float(np.count_nonzero(good)) * NS_PER_S / (end_ns - start_ns)

    def _slowest(self, part: slice) -> tuple[SlowRequest, ...]:
        """The slowest requests of a part: of those that were traced, if there are any."""
        requests, run = self.requests, self.run
        places = np.arange(part.start, part.stop)
        seq, status = requests.column("seq"), requests.column("status")
        traced = is_traced(seq[part], run.plan.trace_ratio)
        if traced.any():
            places = places[traced]
        order = np.argsort(-requests.latency_ns[places], kind="stable")[:_SLOWEST]
        return tuple(
            SlowRequest(
                seq=int(seq[place]),
                trace_id=trace_id(run.id, int(seq[place])),
                traced=bool(traced.any()),
                intended_ns=int(requests.intended_ns[place]),
                latency_ns=int(requests.latency_ns[place]),
                status=int(status[place]),
                error=ErrorKind(requests.error[place]).label if requests.failed[place] else "",
            )
            for place in places[order]
        )


def _timeline(run: Run, requests: Requests, good: NDArray[np.bool_]) -> ResilienceTimeline:
    """Rates and percentiles in steps of equal time, warm-up left out."""
    begin_ns, end_ns = requests.begin_ns, requests.end_ns
    if end_ns <= begin_ns or not len(requests):
        return ResilienceTimeline()
    step_s = choose_bucket_s((end_ns - begin_ns) / NS_PER_S, len(requests))
    table = rates_and_latencies(run.measured, begin_ns, end_ns, step_s)
    starts_ns = begin_ns + np.arange(len(table), dtype=np.int64) * seconds_to_ns(step_s)
    edges_ns = np.append(starts_ns, end_ns)
    lengths_s = np.diff(edges_ns) / NS_PER_S
    good_counts = np.histogram(requests.intended_ns[good], edges_ns)[0]
    counts = table["count"].to_numpy()

    def percentile(name: str, fewest: int) -> tuple[float | None, ...]:
        values = table[f"latency_{name}_ms"]
        return tuple(
            float(value) if count >= fewest else None
            for value, count in zip(values, counts, strict=True)
        )

    return ResilienceTimeline(
        edges_s=tuple((edges_ns / NS_PER_S).tolist()),
        rate_rps=tuple(table["rate_rps"].tolist()),
        goodput_rps=tuple((good_counts / lengths_s).tolist()),
        error_rps=tuple((table["error_count"].to_numpy() / lengths_s).tolist()),
        p50_ms=percentile("p50", 1),
        p99_ms=percentile("p99", _FEWEST_FOR_P99),
    )
