"""Requests that wait for each other: a queue before the service, or a lock in it.

In both, latency grows with the number of requests in flight on arrival, by the time that each of
them holds what all need: the inverse of the capacity (for one server and any distribution of
service times this is exact with exponential ones: (N + 1)/μ). That a slow service has
more requests in flight (Little's law) also makes them grow together, so slow trends are taken out
of both first, and so are freezes, in which who comes last waits least.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.units import NS_PER_S, format_ms, format_ratio

__all__ = ["queueing"]

_BATCHES = 25
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
    return _overload(requests) or _with_bursts(requests, calm)


def _overload(requests: Requests) -> Finding | None:
    """More came than could be completed: the backlog grew until the end of the load."""
    start, end = float(requests.intended[0]), float(requests.intended[-1])
    times = np.linspace(start, end, 21)[1:]
    came = np.searchsorted(requests.intended, times, "right")
    done = np.searchsorted(np.sort(requests.done), times, "right")
    backlog = (came - done).astype(np.float64)
    grown = backlog[-3:].mean() - backlog[:3].mean()
    if grown < max(limit.OVERLOAD_RATIO * len(requests), 10.0):
        return None
    if np.mean(np.diff(backlog) > 0) < 0.75 or requests.cap_wait.sum() > 0.5 * (
        requests.latency.sum()
    ):
        return None
    middle = times > start + 0.3 * (end - start)  # the queue was there all the time
    capacity = float((done[-1] - done[middle][0]) / (times[-1] - times[middle][0]) * NS_PER_S)
    offered = float(len(requests) / max(end - start, 1.0) * NS_PER_S)
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


def _with_bursts(requests: Requests, calm: Mask) -> Finding | None:
    chosen = np.flatnonzero(calm & ~requests.failed)
    if len(chosen) < limit.FEWEST:
        return None
    took, flight = requests.service[chosen], requests.in_flight[chosen]
    if len(np.unique(flight)) < limit.QUEUE_LEVELS:
        return None
    batch = np.minimum(np.arange(len(chosen)) * _BATCHES // len(chosen), _BATCHES - 1)
    ahead = _without_trend(flight, batch)
    relation = _rank_correlation(_without_trend(took, batch), ahead)
    # Where only some requests need what is short, they are among the slower half.
    slow = took >= np.median(took)
    of_slow = _rank_correlation(_without_trend(took[slow], batch[slow]), ahead[slow])
    some = of_slow > relation + 0.1
    relation = max(relation, of_slow)
    levels, medians, counts = _levels(flight, took, some)
    if len(levels) < limit.QUEUE_LEVELS or medians[-1] <= medians[0]:
        return None
    alone = float(np.average(medians[: max(len(levels) // 5, 1)],
                             weights=counts[: max(len(levels) // 5, 1)]))  # fmt: skip
    wait = np.maximum(np.interp(requests.in_flight, levels, medians) - alone, 0)
    tail = requests.tail[calm[requests.tail]]
    excess = float(np.maximum(requests.service[tail] - requests.median, 0).sum())
    share = float(wait[tail].sum()) / max(excess, 1.0) if len(tail) else 0.0
    if not (
        (relation >= limit.QUEUE_CORRELATION and share >= limit.LEAST_SHARE)
        or (relation >= limit.QUEUE_WEAK_CORRELATION and share >= limit.QUEUE_SHARE)
    ):
        return None
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


def _finding(
    requests: Requests, explained: Floats, evidence: list[Evidence], typical: float
) -> Finding:
    inside = _inside_share(requests)
    is_lock = inside is not None and inside >= limit.BEFORE_SPAN_SHARE
    if inside is not None:
        evidence.append(
            Evidence(
                f"{format_ratio(inside)} of the wait is inside of the server spans",
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
    service = requests.service[traced.index]
    slow, quick = service >= np.quantile(service, 0.8), service <= np.quantile(service, 0.2)
    inside = float(traced.inside[slow].mean() - traced.inside[quick].mean())
    whole = float(service[slow].mean() - service[quick].mean())
    return min(max(inside / max(whole, 1.0), 0.0), 1.0)


def _without_trend(
    values: NDArray[np.floating] | NDArray[np.int64], batch: NDArray[np.int64]
) -> Floats:
    """``values`` less the median of their batch of time."""
    left = values.astype(np.float64)
    edges = np.searchsorted(batch, np.arange(_BATCHES + 1))
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if last > first:
            left[first:last] -= np.median(left[first:last])
    return left


def _rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's, of at most 20,000 of them; ties are broken by chance, which lowers it a little."""
    step = max(len(first) // 20_000, 1)
    from benchlab.statistics.ranks import mean_ranks

    one, two = mean_ranks(first[::step]), mean_ranks(second[::step])
    spread = float(np.std(one) * np.std(two))
    return float(np.mean((one - one.mean()) * (two - two.mean())) / spread) if spread else 0.0


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
