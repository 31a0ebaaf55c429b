"""Find the causes of a run's tail, and rank them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Cause
from benchlab.analysis.causes.child_spans import child_span
from benchlab.analysis.causes.failures import errors
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.freezes import find_freezes
from benchlab.analysis.causes.groups import one_of_many
from benchlab.analysis.causes.levels import bimodal, drift
from benchlab.analysis.causes.machine import felt_noise, noise
from benchlab.analysis.causes.pauses import service_freezes
from benchlab.analysis.causes.phases import connection_cap, generator, new_connections, slow_body
from benchlab.analysis.causes.queues import queueing
from benchlab.analysis.causes.requests import Floats, Requests
from benchlab.analysis.causes.sizes import payload_size
from benchlab.analysis.causes.tcp import tcp_stall

if TYPE_CHECKING:
    from benchlab.runs.request_spans import RequestSpans
    from benchlab.runs.run import Run

__all__ = ["find_causes"]

_EXAMPLES = 5
_CLEAR = ("slow_body", "child_span", "one_of_many")
_FIRST = (payload_size, new_connections)
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
    requests = Requests(run, spans)
    if len(requests) < limit.FEWEST:
        return ()
    return _ranked(requests, _findings(requests))


def _findings(requests: Requests) -> list[Finding]:
    """What the detectors found, the more specific first."""
    freezes = find_freezes(requests)
    local = freezes.delayed_by(freezes.is_local)
    found: list[Finding | None] = [generator(requests, local), connection_cap(requests)]
    frozen = service_freezes(requests, freezes)
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
    found.append(waiting := queueing(left, calm))
    for detect in _LATER:
        if waiting is not None and detect is drift:
            continue  # a queue that grows is not a service that becomes slower
        found.append(item := detect(left, calm))
        left = left if item is None else left.without(item.explained)
    if waiting is None:  # a tail of something else may have hidden it
        found.append(waiting := queueing(left, calm))
    if waiting is None:
        found.append(bimodal(left, calm))
    found.append(noise(requests, freezes, others))
    return [item for item in found if item is not None]


def _ranked(requests: Requests, findings: list[Finding]) -> tuple[Cause, ...]:
    """The findings that account for a part of the tail that counts, by that part."""
    tail = requests.tail
    typical = max((item.typical_ns for item in findings), default=0.0)
    usual = max(requests.median - typical, 0.0)
    left = np.maximum(requests.latency[tail] - usual, 0)
    whole = max(float(left.sum()), 1.0)
    ranked: list[tuple[float, Cause]] = []
    felt = felt_noise(requests)
    for item in findings:
        taken = np.minimum(np.maximum(item.explained[tail], 0), left)
        share = float(taken.sum()) / whole
        rank = max(share, item.weight)
        if rank < limit.LEAST_SHARE:
            continue
        adds = float(np.mean(taken[taken > 0])) if taken.any() else 0.0
        is_clear = share >= limit.CLEAR_SHARE and item.cause in _CLEAR
        if not is_clear and adds < limit.NOISE_LAG_RATIO * felt.get(item.cause, 0.0):
            continue
        left = left - taken
        # Noise is no cause to work on as long as there is another.
        rank = 0.0 if item.cause == "noise" else rank
        ranked.append((rank, _cause(requests, item, share, taken)))
    return tuple(cause for _, cause in sorted(ranked, key=lambda pair: -pair[0]))


def _cause(requests: Requests, item: Finding, share: float, taken: Floats) -> Cause:
    order = np.argsort(-taken, kind="stable")[:_EXAMPLES]
    chosen = requests.tail[order[taken[order] > 0]]
    if item.cause == "errors":
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
