"""Find the causes of a run's tail, and rank them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Cause, CauseId, Evidence
from benchlab.analysis.causes.child_spans import child_span
from benchlab.analysis.causes.correlation import rank_correlation
from benchlab.analysis.causes.failures import errors
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.freezes import Freezes, find_freezes
from benchlab.analysis.causes.groups import one_of_many
from benchlab.analysis.causes.levels import bimodal, drift
from benchlab.analysis.causes.machine import felt_noise, noise
from benchlab.analysis.causes.pauses import are_alike, service_freezes, with_backlog
from benchlab.analysis.causes.phases import connection_cap, generator, new_connections, slow_body
from benchlab.analysis.causes.queues import overload, queueing
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.analysis.causes.sizes import payload_size
from benchlab.analysis.causes.tcp import tcp_stall
from benchlab.units import format_share

if TYPE_CHECKING:
    from benchlab.runs.request_spans import RequestSpans
    from benchlab.runs.run import Run

__all__ = ["causes_of", "find_causes"]

_EXAMPLES = 5
_CLEAR = ("slow_body", "child_span", "one_of_many")
_FIRST = (payload_size, new_connections)
_KINDS = ("child_span", "one_of_many", "payload_size", "slow_body", "bimodal", "drift", "tcp_stall")
"""Causes that a part of the requests has, or each to a different extent."""

_WAITS = ("queueing", "contention")
_MEASURED = ("slow_body", "tcp_stall")
"""Causes whose part of each request is measured, as a phase or as the length of a timer."""

_AGAIN = (one_of_many,)
"""Detectors that look again at what all of `_LATER` left, if they found nothing in their turn."""

_LATER = (child_span, one_of_many, tcp_stall, slow_body, drift)
"""Detectors in the order in which they look at what the ones before left."""


def find_causes(run: Run, spans: RequestSpans | None = None) -> tuple[Cause, ...]:
    """The causes of the tail of ``run``, the one that accounts for most of it first.

    Empty if nothing was found: the latency is the service's own, unimodal and steady. ``spans``
    are those of its traced requests, all or a part of them.

    Every detector says how much of each request's latency it would explain. A more specific cause
    takes what it explains before a more general one is asked: who waited in a pause is no second
    mode, and a connection that only carries large payloads is not slow. Noise comes last: it is
    what is left when there is nothing to be done about the service.
    """
    return causes_of(Requests(run, spans))


def causes_of(requests: Requests) -> tuple[Cause, ...]:
    """`find_causes` of requests that are prepared already."""
    if len(requests) < limit.FEWEST:
        return ()
    return _ranked(requests, _findings(requests))


def _findings(requests: Requests) -> list[Finding]:
    """What the detectors found, the more specific first.

    Where one kind of requests is slow, it takes a longer freeze to be seen: without what makes
    them slow, freezes are looked for once more.
    """
    freezes = find_freezes(requests)
    frozen = service_freezes(requests, freezes)
    if frozen is None or frozen[0].cause == "stall":
        more = find_freezes(requests, within_queue=True)
        again = service_freezes(requests, more)
        if again is not None and (
            _is_regular(again)
            or (
                frozen is None
                and requests.is_open
                and are_alike(np.where(more.is_local, 0.0, more.length_ns), more.least_ns)
            )
        ):
            freezes, frozen = more, again
    found = _with_freezes(requests, freezes, frozen)
    left = requests
    for item in found:
        if item.cause in _KINDS:
            left = left.without(_usual_part(item.explained))
    if left is requests:
        return found
    freezes = find_freezes(left)
    again = service_freezes(left, freezes)
    if again is None or (frozen is not None and _cost(again[0]) <= _cost(frozen[0])):
        return found
    return _with_freezes(requests, freezes, again)


def _is_regular(frozen: tuple[Finding, Mask]) -> bool:
    """Whether freezes are periodic pauses beyond doubt."""
    finding, members = frozen
    count = int(np.count_nonzero(members))
    return finding.cause == "periodic_pause" and count >= limit.PERIODIC_CERTAIN


def _cost(item: Finding) -> float:
    return float(item.explained.sum())


def _usual_part(explained: Floats) -> Floats:
    """What is explained of each request, at most as much as of most of those that have any."""
    some = explained[explained > 0]
    return np.minimum(explained, np.quantile(some, 0.75)) if len(some) else explained


def _with_freezes(
    requests: Requests, freezes: Freezes, frozen: tuple[Finding, Mask] | None
) -> list[Finding]:
    """What the detectors found where the service or its machine stood still in ``freezes``."""
    local = freezes.delayed_by(freezes.is_local)
    found: list[Finding | None] = [generator(requests, local), connection_cap(requests)]
    others = np.zeros(len(freezes), dtype=np.bool_)
    if frozen is not None:
        finding, others = frozen
        found.append(finding)
    delayed = freezes.owner >= 0
    calm = ~delayed & (requests.lag <= np.maximum(0.25 * requests.median, limit.LAG_LEAST_NS))
    if np.count_nonzero(calm) < limit.FEWEST:
        calm = ~delayed
    found.append(errors(requests, delayed))
    left = requests
    for detect in _FIRST:
        found.append(item := detect(left, calm))
        left = left if item is None else left.without(item.explained)
    drifted: Finding | None = None
    waiting = overload(left, calm)
    if waiting is not None and frozen is not None and _is_regular(frozen):
        found[found.index(frozen[0])] = with_backlog(requests, freezes, frozen)
    if waiting is None and (waiting := queueing(left, calm)) is not None:
        # A service that becomes slower has more and more in flight: is there a queue without that?
        drifted = drift(left, calm, only_clear=True)
        again = None if drifted is None else queueing(left.without(drifted.explained), calm)
        if drifted is not None and again is not None:
            found.append(drifted)
            waiting, left = again, left.without(drifted.explained)
    found.append(waiting)
    before = left
    missed = []
    for detect in _LATER:
        if waiting is not None and detect is drift:
            continue  # a queue that grows is not a service that becomes slower
        found.append(item := detect(left, calm))
        left = left if item is None else left.without(item.explained)
        if item is None:
            missed.append(detect)
    if left is not before:  # what a later one explains may have hidden another
        for detect in [each for each in missed if each in _AGAIN]:
            found.append(item := detect(left, calm))
            left = left if item is None else left.without(item.explained)
    if waiting is None and left is not before:  # a tail of something else may have hidden it
        found.append(waiting := overload(left, calm) or queueing(left, calm))
    if waiting is None:
        held = np.append(freezes.length_ns, 0.0)[freezes.owner]
        found.append(bimodal(left, calm, held))
    found.append(noise(requests, freezes, others))
    return _in_order(_one_contention([item for item in found if item is not None]))


def _in_order(findings: list[Finding]) -> list[Finding]:
    """The findings in the order in which they take their shares: a queue after what is measured on
    its own in each request, since it takes all that is left of those that had to wait."""
    waits = [item for item in findings if item.cause in _WAITS]
    measured = [item for item in findings if item.cause in _MEASURED]
    if not waits or not measured:
        return findings
    rest = [item for item in findings if item not in waits]
    last = max(rest.index(item) for item in measured)
    return [*rest[: last + 1], *waits, *rest[last + 1 :]]


def _one_contention(findings: list[Finding]) -> list[Finding]:
    """A child span that is the wait of a contention (for a lock, or of a pool) shows where it is,
    and is no cause of its own."""
    by_cause = {item.cause: item for item in findings}
    waiting, child = by_cause.get("contention"), by_cause.get("child_span")
    if waiting is None or child is None:
        return findings
    some = (waiting.explained > 0) & (child.explained > 0)
    if np.count_nonzero(some) < limit.FEWEST // 2 or (
        rank_correlation(waiting.explained[some], child.explained[some]) < limit.CHILD_OF_WAIT
    ):
        return findings
    one = replace(
        waiting,
        explained=np.maximum(waiting.explained, child.explained),
        evidence=(*waiting.evidence, *child.evidence),
    )
    return [one if item is waiting else item for item in findings if item is not child]


def _ranked(requests: Requests, findings: list[Finding]) -> tuple[Cause, ...]:
    """The findings that account for a part of the tail that counts, by that part.

    Then those that account for what these leave: where one cause is so strong that all of the tail
    is its own, another shows in the requests that it spared.
    """
    tail = requests.tail
    typical = max((item.typical_ns for item in findings), default=0.0)
    usual = max(requests.median - typical, 0.0)
    left = np.maximum(requests.latency[tail] - usual, 0)
    whole = max(float(left.sum()), 1.0)
    ranked: list[tuple[float, Cause]] = []
    felt = felt_noise(requests)
    named: list[Finding] = []
    others: list[Finding] = []
    for item in findings:
        taken = np.minimum(np.maximum(item.explained[tail], 0), left)
        share = float(taken.sum()) / whole
        rank = max(share, item.weight)
        if rank < limit.LEAST_SHARE:
            others.append(item)
            continue
        adds = float(np.mean(taken[taken > 0])) if taken.any() else 0.0
        is_clear = share >= limit.CLEAR_SHARE and item.cause in _CLEAR
        if not is_clear and adds < limit.NOISE_LAG_RATIO * felt.get(item.cause, 0.0):
            others.append(item)
            continue
        left = left - taken
        # Noise is no cause to work on as long as there is another.
        if item.cause != "noise":
            named.append(item)
        rank = 0.0 if item.cause == "noise" else rank
        ranked.append((rank, _cause(requests, item, share, tail, taken)))
    if not named:
        named = [item for item in findings if item.cause == "noise" and ranked]
    ranked += _of_the_rest(requests, named, others, felt)
    return tuple(cause for _, cause in sorted(ranked, key=lambda pair: -pair[0]))


def _of_the_rest(
    requests: Requests, named: list[Finding], others: list[Finding], felt: dict[CauseId, float]
) -> list[tuple[float, Cause]]:
    """Which ``others`` account for the tail that there would be without the causes ``named``.

    Only beside a cause: what is left of a healthy run is as small as what is left of any.
    """
    found: list[tuple[float, Cause]] = []
    others = [item for item in others if item.cause != "noise"]
    latency = requests.latency
    for item in named:
        latency = np.maximum(latency - np.maximum(item.explained, 0), 0)
    ratios = {requests.tail_ratio}
    if len(latency) >= limit.REST_ENOUGH:
        ratios.add(limit.TAIL_RATIO)
    while named and others:
        best: tuple[float, Finding, _Rest] | None = None
        for ratio in sorted(ratios):
            rest = _Rest(latency, ratio)
            for item in others:
                share, adds, less = rest.explained_by(item)
                if (
                    (
                        (share >= limit.REST_SHARE and less >= limit.REST_LESS)
                        or (share >= limit.REST_LEAST and less >= limit.REST_MUCH)
                    )
                    and adds >= limit.NOISE_LAG_RATIO * felt.get(item.cause, 0.0)
                    and (best is None or share > best[0])
                ):
                    best = share, item, rest
        if best is None:
            break
        share, item, rest = best
        mine = rest.taken_by(item)
        text = f"{format_share(share)} of the tail that is left without the causes above"
        item = replace(item, evidence=(*item.evidence, Evidence(text, {"rest_ratio": share})))
        found.append((limit.LEAST_SHARE * share, _cause(requests, item, 0.0, rest.tail, mine)))
        others = [other for other in others if other.cause != item.cause]
        latency = np.maximum(latency - np.maximum(item.explained, 0), 0)
    return found


class _Rest:
    """The tail above a percentile of the latencies that are left without what is explained."""

    def __init__(self, latency: Floats, ratio: float) -> None:
        self.latency, self.ratio = latency, ratio
        count = max(int(len(latency) * (1 - ratio)), 1)
        self.tail = np.argpartition(latency, len(latency) - count)[len(latency) - count :]
        self.median = float(np.median(latency))
        self.high = max(float(np.quantile(latency, ratio)), 1.0)

    def _excess(self, item: Finding) -> Floats:
        return np.maximum(self.latency[self.tail] - max(self.median - item.typical_ns, 0.0), 0)

    def taken_by(self, item: Finding) -> Floats:
        """What ``item`` explains of the excess of each request in the tail."""
        return np.minimum(np.maximum(item.explained[self.tail], 0), self._excess(item))

    def explained_by(self, item: Finding) -> tuple[float, float, float]:
        """Its share of the tail's excess, its mean where there is any, and how much lower the
        percentile would be without it, as a ratio."""
        taken = self.taken_by(item)
        share = float(taken.sum()) / max(float(self._excess(item).sum()), 1.0)
        without = np.maximum(self.latency - np.maximum(item.explained, 0), 0)
        less = 1 - float(np.quantile(without, self.ratio)) / self.high
        return share, float(np.mean(taken[taken > 0])) if taken.any() else 0.0, less


def _cause(
    requests: Requests, item: Finding, share: float, tail: NDArray[np.int64], taken: Floats
) -> Cause:
    order = np.argsort(-taken, kind="stable")[:_EXAMPLES]
    chosen = tail[order[taken[order] > 0]]
    if item.cause == "errors" and requests.failed.any():
        failed = np.flatnonzero(requests.failed)
        chosen = failed[np.argsort(-requests.latency[failed], kind="stable")[:_EXAMPLES]]
    return Cause(
        cause=item.cause,
        tail_ratio=round(min(share, 1.0), 6),
        evidence=item.evidence,
        figure=item.figure,
        requests=tuple(requests.seq[chosen].tolist()),
        try_next=item.try_next,
    )
