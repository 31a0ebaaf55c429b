"""Causes that stop the whole service: one stall, periodic pauses, a blocked event loop."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.freezes import Freezes, find_period
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.text import plural
from benchlab.units import NS_PER_S, format_ms, format_share

__all__ = ["are_alike", "before_span_share", "service_freezes", "with_backlog"]

_TRY_STALL = (
    "look at what the service and its machine did at that moment: a deployment, a snapshot, a full"
    " collection of garbage, a lock held by a batch job"
)
_TRY_PERIODIC = (
    "look for what runs at this period: garbage collection, a flush or checkpoint, a cron job, a"
    " health check; spread it out, or take it out of the process"
)
_TRY_LOOP = (
    "find the call that blocks the event loop (a synchronous client, a large JSON document,"
    " computing) and move it to a thread or a process; asyncio's debug mode names slow callbacks"
)


def _hiccup_ns(requests: Requests, freezes: Freezes, length: Floats) -> float:
    """How long a freeze of the machine may be, as the generator felt it."""
    if are_alike(length, freezes.least_ns):
        return limit.HICCUP_NS
    if requests.is_open:
        felt = limit.HICCUP_LAG_RATIO * float(np.quantile(requests.lag, 0.9))
    else:
        stalls = [item.stall_max_ns for item in requests.run.health.workers if item.stall_count > 1]
        felt = limit.HICCUP_STALL_RATIO * max(stalls, default=0)
    return max(limit.HICCUP_NS, min(felt, limit.HICCUP_MOST_NS))


def service_freezes(requests: Requests, freezes: Freezes) -> tuple[Finding, Mask] | None:
    """The cause of the service's freezes, and which of them it is; None if they are the machine's.

    Those in which the generator was held up as well are the machine's, and short ones are.
    One that outweighs all others is a stall, those at equal distances are periodic pauses, and
    others, many and long, a blocked event loop. With spans, waiting before them is what tells a
    blocked loop: its own handlers are quick once they are begun.
    """
    found = _regular(requests, freezes)
    if found is not None:
        return found
    of_service = ~freezes.is_shared
    length = np.where(of_service, freezes.length_ns, 0.0)
    cost = np.where(of_service, freezes.excess_ns, 0.0)
    if not length.any():
        return None
    longest = int(np.argmax(length))
    hiccup = _hiccup_ns(requests, freezes, length)
    rare = max(hiccup, limit.RARE_HICCUP_NS)
    others = np.delete(length, longest).max(initial=0.0)
    if length[longest] > rare and (
        cost[longest] >= limit.STALL_SHARE * cost.sum()
        or length[longest] >= limit.STALL_LONGER * others
    ):
        members = np.arange(len(freezes)) == longest
        return _stall(requests, freezes, members), members
    long = length > max(hiccup, 0.15 * length[longest])
    if np.count_nonzero(long) < limit.LOOP_FEWEST:
        long &= length > rare
        if not long.any() or float(cost[long].sum()) < limit.STALL_SHARE * cost.sum():
            return None
    return _loop(requests, freezes, long), long


def _regular(requests: Requests, freezes: Freezes) -> tuple[Finding, Mask] | None:
    """The freezes at equal distances, whatever else happened in some of them."""
    of_service = ~freezes.is_local
    length = np.where(of_service, freezes.length_ns, 0.0)
    cost = np.where(of_service, freezes.excess_ns, 0.0)
    if not length.any():
        return None
    longest = float(length.max())
    hiccup = _hiccup_ns(requests, freezes, length)
    # The machine's own freezes, short and random, are mixed with the cause's.
    comparable = length >= 0.5 * float(np.sort(length)[-2:][0] or longest)
    window = (float(requests.intended[0]), float(requests.done.max()))
    for chosen in (comparable, length >= 0.5 * longest, length > 0.3 * longest):
        places = np.flatnonzero(chosen)
        # Where few requests come, they begin some time after a response, and end when they do.
        found = find_period(freezes.start_ns[places], window) or find_period(
            freezes.end_ns[places], window
        )
        if found is None:
            continue
        period, inside = found
        members = np.zeros(len(freezes), dtype=np.bool_)
        members[places[inside]] = True
        typical, count = float(np.median(length[members])), int(np.count_nonzero(members))
        if (
            typical > hiccup
            or (typical > limit.HICCUP_NS and count >= limit.PERIODIC_CERTAIN)
            or _is_regular(cost, members)
        ):
            return _periodic(requests, freezes, members, period), members
    return None


def are_alike(length: Floats, least_ns: float) -> bool:
    """Whether freezes have a length: the machine's get fewer and fewer the longer they are."""
    beyond = length[length > least_ns] - least_ns
    if len(beyond) < limit.ALIKE_FEWEST:
        return False
    most = 1 - limit.ALIKE_DEVIATIONS / math.sqrt(len(beyond))
    return float(np.std(beyond)) < float(np.mean(beyond)) * most


def _is_regular(cost: Floats, members: Mask) -> bool:
    """Whether freezes no longer than the machine's own are periodic beyond doubt: many, and most
    of what freezes cost."""
    return (
        int(np.count_nonzero(members)) >= 2 * limit.PERIODIC_FEWEST
        and float(cost[members].sum()) >= limit.STALL_SHARE * cost.sum()
    )


def before_span_share(requests: Requests, delayed: Mask) -> float | None:
    """Which part of the waiting of the ``delayed`` requests was before their spans."""
    traced = requests.traced
    if traced is None:
        return None
    mine = delayed[traced.index]
    if np.count_nonzero(mine) < 3:
        return None
    usual = [float(np.median(part[~mine])) if not mine.all() else 0.0
             for part in (traced.before, traced.inside)]  # fmt: skip
    before = float(np.maximum(traced.before[mine] - usual[0], 0).sum())
    inside = float(np.maximum(traced.inside[mine] - usual[1], 0).sum())
    return before / max(before + inside, 1.0)


def _stall(requests: Requests, freezes: Freezes, members: Mask) -> Finding:
    delayed = freezes.delayed_by(members)
    (number,) = np.flatnonzero(members)
    length = float(freezes.length_ns[number])
    at = float(freezes.start_ns[number])
    count = int(np.count_nonzero(delayed))
    text = (
        f"nothing was completed for {format_ms(round(length))}, from {at / NS_PER_S:.3g} s after"
        f" the start of the run; {plural(count, 'request')} waited, and ended together"
    )
    numbers = {"start_ns": at, "length_ns": length, "request_count": float(count)}
    explained = np.where(delayed, freezes.delay_ns, 0.0)
    return Finding("stall", explained, (Evidence(text, numbers),), "timeline",
                   _TRY_STALL)  # fmt: skip


def _periodic(requests: Requests, freezes: Freezes, members: Mask, period: float) -> Finding:
    delayed = freezes.delayed_by(members)
    length, count = float(np.median(freezes.length_ns[members])), int(np.count_nonzero(members))
    text = (
        f"{plural(count, 'pause')} of about {format_ms(round(length))}, one every"
        f" {format_ms(round(period))}: nothing was completed in them, and all who waited ended"
        " together"
    )
    numbers = {"period_ns": period, "length_ns": length, "pause_count": float(count)}
    explained = np.where(delayed, freezes.delay_ns, 0.0)
    return Finding("periodic_pause", explained, (Evidence(text, numbers),),
                   "timeline", _TRY_PERIODIC)  # fmt: skip


def with_backlog(requests: Requests, freezes: Freezes, frozen: tuple[Finding, Mask]) -> Finding:
    """Pauses of a service that more comes to than it completes: they delay all who come later.

    Each adds its length to the backlog, which the service works off as far as it has time to spare
    between them (a fluid queue): none if more comes than it could complete without them.
    """
    finding, members = frozen
    start, end = float(requests.intended[0]), float(requests.done.max())
    paused = freezes.length_ns[members]
    completed = len(requests) / max(end - start - float(paused.sum()), 1.0)
    offered = len(requests) / max(float(requests.intended[-1]) - start, 1.0)
    spare = max(1.0 - offered / completed, 0.0)
    carried, before, left = np.zeros(len(requests)), start, 0.0
    for at, length in zip(freezes.end_ns[members].tolist(), paused.tolist(), strict=True):
        left = max(left - spare * (at - length - before), 0.0) + length
        carried = np.where(requests.done >= at, left - spare * (requests.done - at), carried)
        before = at
    excess = requests.latency - float(np.quantile(requests.latency, limit.QUICKEST_RATIO))
    carried = np.clip(carried, 0, np.maximum(excess, 0))
    return replace(finding, explained=np.maximum(finding.explained, carried))


def _loop(requests: Requests, freezes: Freezes, members: Mask) -> Finding:
    delayed = freezes.delayed_by(members)
    length, count = float(np.median(freezes.length_ns[members])), int(np.count_nonzero(members))
    text = (
        f"{plural(count, 'time')} all requests in flight waited together, for about"
        f" {format_ms(round(length))} and at no regular distance"
    )
    evidence = [Evidence(text, {"length_ns": length, "block_count": float(count)})]
    share = before_span_share(requests, delayed)
    if share is not None:
        evidence.append(
            Evidence(
                f"{format_share(share)} of the waiting was before the server spans began",
                {"before_span_ratio": share},
            )
        )
    explained = np.where(delayed, freezes.delay_ns, 0.0)
    return Finding("event_loop", explained, tuple(evidence), "timeline",
                   _TRY_LOOP)  # fmt: skip
