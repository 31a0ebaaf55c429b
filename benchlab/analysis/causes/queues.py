"""Requests that wait for each other: a queue before the service, or a lock in it.

In both, latency grows with the number of requests in flight on arrival, by the time that each of
them holds what all need: the inverse of the capacity (for one server and any distribution of
service times this is exact with exponential ones: (N + 1)/μ). That a slow service has
more requests in flight (Little's law) also makes them grow together, so slow trends are taken out
of both first, and so are freezes, in which who comes last waits least.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.correlation import rank_correlation
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.levels import drift, serial, slow_mode
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.units import NS_PER_S, format_ms, format_share

__all__ = ["overload", "queueing"]

_BATCHES = (8, 25)  # of time, in which trends are straight lines
_BLOCK, _SMALLEST_BLOCK, _BLOCKS = 20, 8, 40  # requests, and their number
_DEGREE = 4
_ENOUGH = 50_000  # requests that show a relation, at equal distances, of a long run
_OFTEN = 5  # requests at a number in flight that a level is read from
_TRY_QUEUE = (
    "add capacity or lower the load: near its capacity a service's wait grows without limit"
    " (benchlab capacity finds the rate that meets an objective)"
)
_TRY_LOCK = (
    "find what only one request can hold at a time (a lock, a pool of one connection, a single"
    " worker): hold it for a shorter time, divide it, or make the pool larger"
)


def queueing(requests: Requests, calm: Mask) -> Finding | None:
    """A queue, or contention where the spans show that the wait is inside of the service."""
    if not requests.is_open:
        return None
    return _with_bursts(requests, calm) or _of_some(requests, calm) or _slow_waves(requests, calm)


def overload(requests: Requests, calm: Mask) -> Finding | None:
    """More came than could be completed: the backlog grew until the end of the load.

    A service that becomes slower also has more and more in flight. But the waits of a queue are
    sums of the service times before: around their trend they wander.
    """
    if not requests.is_open:
        return None
    start, end = float(requests.intended[0]), float(requests.intended[-1])
    times = np.linspace(start, end, 21)[1:]
    came = np.searchsorted(requests.intended, times, "right")
    done = np.searchsorted(np.sort(requests.done), times, "right")
    backlog = (came - done).astype(np.float64)
    grown = backlog[-3:].mean() - backlog[:3].mean()
    if grown < max(0.5 * limit.OVERLOAD_RATIO * len(requests), 5.0):
        return None
    if requests.cap_wait.sum() > 0.5 * requests.latency.sum():
        return None
    inside = _inside_share(requests)
    is_before = inside is not None and inside < 1 - limit.BEFORE_SPAN_SHARE
    # It may be the service that becomes slower, by some percent of the run.
    least = limit.OVERLOAD_RATIO
    if inside is not None and not is_before:
        least *= limit.OVERLOAD_INSIDE
    elif inside is None and serial(requests.service[calm]) < limit.OVERLOAD_SERIAL:
        least *= limit.OVERLOAD_SMOOTH
    is_certain = inside is None or grown >= least * len(requests)
    enough = limit.WANDERING if is_certain else limit.QUEUE_WANDERING
    wanders = not is_before and _wandering(requests, calm)[0] >= enough
    is_large = grown >= least * len(requests) and np.mean(np.diff(backlog) > 0) > 0.7
    rises = rank_correlation(times, backlog) >= limit.OVERLOAD_RISE
    if not (is_large or is_before or (rises and wanders)):
        return None
    middle = times > start + 0.3 * (end - start)  # the queue was there all the time
    capacity = float((done[-1] - done[middle][0]) / (times[-1] - times[middle][0]) * NS_PER_S)
    offered = float(len(requests) / max(end - start, 1.0) * NS_PER_S)
    if not is_before and capacity > offered * (1 - 0.25 * limit.OVERLOAD_RATIO):
        return None
    quickest = float(np.quantile(requests.service, 0.02))
    text = (
        f"{offered:,.0f} requests/s came and {capacity:,.0f} were completed: the backlog grew to"
        f" {backlog.max():,.0f} requests"
    )
    numbers = {"capacity_rps": capacity, "offered_rps": offered, "backlog_count": backlog.max()}
    return _finding(
        requests, np.maximum(requests.service - quickest, 0), [Evidence(text, numbers)],
        requests.median - quickest,
    )  # fmt: skip


def _of_some(requests: Requests, calm: Mask) -> Finding | None:
    """Only some requests need what is short: they are a slow mode, and neighbours are alike."""
    found = slow_mode(requests, calm)
    if found is None or serial(requests.service[found.slow]) < limit.QUEUE_SERIAL:
        return None
    slow, fast_ns = found.slow, float(np.median(requests.service[found.fast]))
    explained = np.zeros(len(requests))
    explained[slow] = requests.service[slow] - fast_ns
    relation = serial(requests.service[slow])
    text = (
        f"{format_share(found.share)} of the requests wait for each other: they take"
        f" {format_ms(round(float(np.median(requests.service[slow]))))} instead of"
        f" {format_ms(round(fast_ns))}, and each about as long as the one before (rank correlation"
        f" {relation:.2f})"
    )
    numbers = {"share_ratio": found.share, "serial_correlation": relation}
    return _finding(requests, explained, [Evidence(text, numbers)], 0.0)


def _wandering(requests: Requests, calm: Mask) -> tuple[float, float, float]:
    """Which part of the variance around the trend is between blocks of neighbours; which part of
    that between blocks no rise or fall explains; and the ratio of their high levels to their low
    ones.

    The trend is what fits best of a polynomial and of a level that only rises, or only falls: what
    is left of a drifting service is independent, and of a queue it is not.
    """
    chosen = np.flatnonzero(calm & ~requests.failed)
    size = int(np.clip(len(chosen) // _BLOCKS, _SMALLEST_BLOCK, _BLOCK))
    count = len(chosen) // size * size
    if count < 10 * size:
        return 0.0, 0.0, 1.0
    took = requests.service[chosen[:count]]
    took = np.minimum(took, np.quantile(took, 0.98)).reshape(-1, size)
    means, at = took.mean(axis=1), np.linspace(-1, 1, len(took))
    within = float(np.mean(took.var(axis=1)))
    fit = np.polynomial.chebyshev.chebfit(at, means, _DEGREE)
    smooth = np.polynomial.chebyshev.chebval(at, fit)
    least = float(np.var(means - smooth))
    if least / max(least + within, 1.0) < min(limit.WANDERING, limit.WAVES):
        return 0.0, 0.0, 1.0  # whatever another trend leaves, it is not more
    from scipy.optimize import isotonic_regression

    trends = [
        smooth,
        isotonic_regression(means, increasing=True).x,
        isotonic_regression(means, increasing=False).x,
    ]
    between = min(float(np.var(means - trend)) for trend in trends)
    low, high = np.quantile(np.median(took, axis=1), [0.05, 0.95]).tolist()
    left = min(float(np.var(means - trend)) for trend in trends[1:]) / max(
        float(np.var(means)), 1.0
    )
    return between / max(between + within, 1.0), left, high / max(low, 1.0)


def _slow_waves(requests: Requests, calm: Mask) -> Finding | None:
    """A long queue that grows and shrinks again: so slowly that no burst shows in it."""
    share, unexplained, ratio = _wandering(requests, calm)
    if share < limit.WANDERING or ratio < limit.WAVES_RATIO:
        return None
    if not _is_standing(requests, calm) and (
        share < limit.WAVES or unexplained < limit.WAVES_LEFT or drift(requests, calm) is not None
    ):
        return None
    chosen = calm & ~requests.failed
    took, flight = requests.service[chosen], requests.in_flight[chosen]
    quickest = float(np.quantile(took, 0.05))
    levels, medians, counts = _levels(flight, took, False)
    if len(levels) < limit.QUEUE_LEVELS:
        return None
    slope = float(np.polyfit(levels, medians, 1, w=np.sqrt(counts))[0])
    if slope <= 0:
        return None
    rate = len(requests) / max(requests.window_ns, 1.0) * NS_PER_S
    text = (
        f"up to {flight.max():,.0f} requests were in flight; how long they took rose and fell"
        f" {ratio:.1f}-fold with their number, {format_ms(round(slope))} for each, and neighbours"
        f" were alike: a queue at a capacity of {NS_PER_S / slope:,.0f} requests/s, where"
        f" {rate:,.0f} came"
    )
    numbers = {
        "capacity_rps": NS_PER_S / slope,
        "offered_rps": rate,
        "per_request_ns": slope,
        "level_ratio": ratio,
    }
    explained = np.where(calm, np.maximum(requests.service - quickest, 0), 0.0)
    return _finding(requests, explained, [Evidence(text, numbers)],
                    max(requests.median - quickest, 0.0))  # fmt: skip


def _is_standing(requests: Requests, calm: Mask) -> bool:
    """Whether half of the requests wait before their spans, for a good part of what they take, and
    few were frozen: a service that becomes slower does so within its spans."""
    if float(np.mean(calm)) < limit.STANDING_CALM:
        return False
    inside, traced = _inside_share(requests), requests.traced
    if inside is None or traced is None or inside >= 1 - limit.BEFORE_SPAN_SHARE:
        return False
    return float(np.median(traced.before)) >= limit.STANDING * requests.median


def _with_bursts(requests: Requests, calm: Mask) -> Finding | None:
    chosen = np.flatnonzero(calm & ~requests.failed)
    if len(chosen) < limit.FEWEST:
        return None
    chosen = chosen[:: len(chosen) // _ENOUGH + 1]
    took, flight = requests.service[chosen], requests.in_flight[chosen]
    if len(np.unique(flight)) < limit.QUEUE_LEVELS:
        return None
    relations = [_relation(requests, chosen, batches) for batches in _BATCHES]
    wandering, unexplained, ratio = _wandering(requests, calm)
    in_waves = (
        wandering >= limit.QUEUE_WANDERING
        and unexplained >= limit.WAVES_LEFT
        and ratio >= limit.QUEUE_WANDERING_RATIO
    )
    least = limit.QUEUE_WAVES_SHARE if in_waves else limit.QUEUE_SHARE
    relations = [found for found in relations if _is_related(*found[:2], least)]
    if not relations:
        return None
    relation, _, some = max(relations)
    levels, medians, counts = _levels(flight, took, some)
    if len(levels) < limit.QUEUE_LEVELS or medians[-1] <= medians[0]:
        return None
    first = slice(0, max(len(levels) // 5, 1))
    alone = float(np.average(medians[first], weights=counts[first]))
    wait = np.maximum(np.interp(requests.in_flight, levels, medians) - alone, 0)
    # The capacity from the busier half: with several slots the first requests do not wait.
    busy = levels >= np.quantile(flight, 0.6)
    if np.count_nonzero(busy) < 3:
        busy = np.ones(len(levels), dtype=np.bool_)
    slope = float(np.polyfit(levels[busy], medians[busy], 1, w=np.sqrt(counts[busy]))[0])
    if slope <= 0:
        return None
    rate = len(requests) / max(requests.window_ns, 1.0) * NS_PER_S
    capacity = NS_PER_S / slope
    text = (
        f"with {levels[0]:.0f} other requests in flight on arrival a request takes"
        f" {format_ms(round(alone))}, with {levels[-1]:.0f} {format_ms(round(float(medians[-1])))}:"
        f" {format_ms(round(slope))} for each, which is a capacity of {capacity:,.0f} requests/s;"
        f" {rate:,.0f} came"
    )
    numbers = {
        "capacity_rps": capacity,
        "offered_rps": rate,
        "per_request_ns": slope,
        "correlation": relation,
    }
    # What varies beyond the expected wait at a number in flight is the queue's too: service times
    # of those before. It explains a request's excess by as much as the wait is of it.
    explained = np.where(
        wait > 0.2 * requests.median, np.maximum(requests.service - alone, wait), wait
    )
    return _finding(requests, np.where(calm, explained, 0.0), [Evidence(text, numbers)],
                    max(requests.median - alone, 0.0))  # fmt: skip


def _is_related(relation: float, share: float, least: float) -> bool:
    """Whether requests wait for those in flight, and that makes ``least`` of the tail."""
    return (relation >= limit.QUEUE_CORRELATION and share >= least) or (
        relation >= limit.QUEUE_WEAK_CORRELATION and share >= 2 * limit.QUEUE_SHARE
    )


def _relation(
    requests: Requests, chosen: NDArray[np.int64], batches: int
) -> tuple[float, float, bool]:
    """Rank correlation with the number in flight, what part of the tail follows from it, and
    whether only some of the requests wait.

    Where only some need what is short, they are among the slower half, and what counts is how many
    of those are in flight.
    """
    took, flight = requests.service[chosen], requests.in_flight[chosen]
    batch = np.minimum(np.arange(len(chosen)) * batches // len(chosen), batches - 1)
    left, ahead = _without_trend(took, batch), _without_trend(flight, batch)
    relation = rank_correlation(left, ahead)
    slow = took >= np.median(took)
    slow_ahead = _without_trend(_slow_in_flight(requests, chosen, float(np.median(took))), batch)
    of_slow = max(
        rank_correlation(left[slow], ahead[slow]), rank_correlation(left[slow], slow_ahead[slow])
    )
    some = of_slow > relation + 0.1
    return max(relation, of_slow), _share_of_tail(requests, chosen, left, ahead, some), some


def _slow_in_flight(
    requests: Requests, chosen: NDArray[np.int64], least_ns: float
) -> NDArray[np.int64]:
    """How many requests slower than ``least_ns`` were in flight when the ``chosen`` were sent."""
    slow = requests.service >= least_ns
    sent, done = np.sort(requests.sent[slow]), np.sort(requests.done[slow])
    at = requests.sent[chosen]
    return np.asarray(np.searchsorted(sent, at, "left") - np.searchsorted(done, at, "right"))


def _share_of_tail(
    requests: Requests, chosen: NDArray[np.int64], left: Floats, ahead: Floats, some: bool
) -> float:
    """Which part of the tail's excess follows from the number in flight, without trends of both."""
    levels, times, counts = _levels(np.round(ahead).astype(np.int64), left, some)
    if len(levels) < limit.QUEUE_LEVELS:
        return 0.0
    alone = slice(0, max(len(levels) // 5, 1))
    wait = np.interp(ahead, levels, times) - np.average(times[alone], weights=counts[alone])
    tail = np.isin(chosen, requests.tail)
    excess = float(np.maximum(left[tail], 0).sum())
    return float(np.maximum(wait[tail], 0).sum()) / max(excess, 1.0) if tail.any() else 0.0


def _finding(
    requests: Requests, explained: Floats, evidence: list[Evidence], typical: float
) -> Finding:
    inside = _inside_share(requests)
    is_lock = inside is not None and inside >= limit.BEFORE_SPAN_SHARE
    if inside is not None:
        evidence.append(
            Evidence(
                f"{format_share(inside)} of the wait is inside of the server spans",
                {"inside_span_ratio": inside},
            )
        )
    return Finding(
        "contention" if is_lock else "queueing",
        explained,
        tuple(evidence),
        "scatter",
        _TRY_LOCK if is_lock else _TRY_QUEUE,
        typical_ns=typical,
    )


def _inside_share(requests: Requests) -> float | None:
    """Which part of the wait of requests that found many others is inside of their spans."""
    traced = requests.traced
    if traced is None or len(traced) < 50:
        return None
    flight, service = requests.in_flight[traced.index], requests.service[traced.index]
    low, high = np.quantile(flight, [0.25, 0.85]).tolist()
    few, many = flight <= low, flight > min(high, float(flight.max()) - 1)
    whole = float(service[many].mean() - service[few].mean())
    inside = float(traced.inside[many].mean() - traced.inside[few].mean())
    return min(max(inside / max(whole, 1.0), 0.0), 1.0)


def _without_trend(
    values: NDArray[np.floating[Any]] | NDArray[np.int64], batch: NDArray[np.int64]
) -> Floats:
    """``values`` less the line through them in their batch of time."""
    left = values.astype(np.float64)
    edges = np.searchsorted(batch, np.arange(int(batch[-1]) + 2))
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = left[first:last]
        if last > first:
            part -= np.median(part)
            at = np.linspace(-1.0, 1.0, len(part))
            # Clipped, so that a few long ones do not tilt the line.
            level = np.clip(part, *np.quantile(part, [0.02, 0.9]))
            part -= at * float(np.sum(at * level) / max(np.sum(at * at), 1e-9))
    return left


def _levels(flight: NDArray[np.int64], took: Floats, some: bool) -> tuple[Floats, Floats, Floats]:
    """For each number in flight that occurred often enough: it, the median time, how often.

    The mean instead of the median, where only ``some`` requests wait.
    """
    middle = np.mean if some else np.median
    order = np.argsort(flight, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(flight[order])) + 1)
    parts = [part for part in parts if len(part) >= _OFTEN]
    if len(parts) > 60:  # neighbours together
        size = len(parts) // 60 + 1
        parts = [np.concatenate(parts[at : at + size]) for at in range(0, len(parts), size)]
    return (
        np.array([flight[part].mean() for part in parts]),
        np.array([middle(took[part]) for part in parts]),
        np.array([len(part) for part in parts], dtype=np.float64),
    )
