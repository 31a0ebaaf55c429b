"""Causes that show as a phase: lag, waiting for a connection, opening one, the body."""

from __future__ import annotations

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.levels import present_ratio
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.text import plural
from benchlab.units import format_ms, format_share

__all__ = ["connection_cap", "generator", "new_connections", "slow_body"]


def generator(requests: Requests, local: Mask) -> Finding | None:
    """The generator sent late although a connection was free: its own queue, or it stood still.

    ``local`` are the requests that its own freezes delayed. Where the service was held up as often,
    it is the machine that does it (`noise`), unless the lag is longer than any of a machine's.
    """
    workers = requests.run.health.workers
    busy = max((worker.cpu_ratio for worker in workers), default=0.0)
    own = requests.lag[~requests.waited_for_connection]
    p99 = float(np.quantile(own, 0.99)) if len(own) else 0.0
    excess = np.maximum(requests.latency - requests.median, 0)
    explained = np.where(local, np.maximum(requests.lag, excess), requests.lag)
    texts = []
    typical = float(np.median(requests.lag))
    stalled = max((worker.stall_total_ns for worker in workers), default=0)
    is_late = p99 > limit.LAG_LEAST_NS or stalled > limit.STALLED_RATIO * requests.window_ns
    if busy >= limit.BUSY_RATIO and (is_late or busy >= limit.BUSIEST_RATIO):
        # What waits to be sent waits to be read as well; opening connections is a cause of its own.
        # A connection is not free until its response is read: who waits for one waits for that.
        waits = requests.lag + requests.cap_wait
        explained = np.maximum(np.maximum(explained, waits), excess - requests.opening)
        typical = float(np.median(waits))
        texts.append(
            Evidence(
                f"a worker used {format_share(busy)} of its core: requests waited to be"
                " sent, and responses to be read",
                {"cpu_ratio": busy},
            )
        )
    elif p99 <= limit.LAG_P99_NS or (
        p99 <= limit.LONGEST_LAG_NS and _elsewhere(requests, local) > limit.ELSEWHERE_RATIO
    ):
        return None
    texts.append(
        Evidence(
            f"1 % of the requests were sent more than {format_ms(round(p99))} late while a"
            " connection was free",
            {"lag_p99_ns": p99},
        )
    )
    return Finding(
        "generator",
        explained,
        tuple(texts),
        "timeline",
        "use more workers, a lower rate, or leave a core free for the generator: these latencies"
        " are partly its own",
        typical_ns=typical,
    )


def _elsewhere(requests: Requests, local: Mask) -> float:
    """What made the tail and is no lag, in units of the lag in the tail."""
    tail = requests.tail
    lag = float(requests.lag[tail].sum())
    took = requests.service[tail] - float(np.median(requests.service))
    prompt = ~local[tail] & (requests.lag[tail] < 0.25 * requests.latency[tail])
    return float(np.maximum(took[prompt], 0).sum()) / max(lag, 1.0)


def connection_cap(requests: Requests) -> Finding | None:
    """Requests waited for a connection because the plan allows no more of them."""
    waited = requests.waited_for_connection
    count = int(np.count_nonzero(waited))
    if not count:
        return None
    cap = requests.run.plan.connection_limit
    typical = float(np.median(requests.cap_wait))
    wait = float(np.median(requests.cap_wait[waited]))
    text = (
        f"{plural(count, 'request')} ({format_share(count / len(requests))}) waited for one of"
        f" {plural(cap, 'connection')}, {format_ms(round(wait))} at the median"
    )
    numbers = {
        "waited_ratio": count / len(requests),
        "connection_limit": float(cap),
        "wait_p50_ns": wait,
    }
    return Finding(
        "connection_cap",
        requests.cap_wait,
        (Evidence(text, numbers),),
        "phases",
        "raise max_connections, or accept that as many connections as this cannot carry the rate",
        typical_ns=typical,
    )


def new_connections(requests: Requests, calm: Mask) -> Finding | None:
    """Opening connections is what slow requests have in common."""
    is_new = requests.is_new & ~requests.failed
    count = int(np.count_nonzero(is_new & calm))
    if count < max(limit.OPENING_FEWEST, 0.005 * len(requests)):
        return None
    # A service that stands still makes an open loop open connections: those come all at once.
    few = np.count_nonzero(is_new) < limit.OPENING_SHARE * len(requests)
    grew = np.count_nonzero(is_new & requests.is_reopened) < limit.OPENING_AGAIN * count
    if (few or grew) and present_ratio(requests, np.flatnonzero(is_new)) < limit.BIMODAL_PRESENT:
        return None
    opening = requests.opening
    explained = np.where(is_new, opening, 0.0)
    reused = calm & ~is_new & ~requests.failed
    if np.count_nonzero(reused) >= limit.OPENING_FEWEST:
        # What the service itself does for a new connection, before its first response.
        rest = (requests.service - opening)[is_new & calm]
        more = float(np.median(rest - _usual_then(requests, reused)[is_new & calm]))
        spread = float(np.subtract(*np.quantile(requests.service[reused], [0.75, 0.25])))
        if more > max(spread, 0.2 * requests.median):
            explained = np.where(is_new, opening + more, 0.0)
    typical = float(np.median(explained))
    took = float(np.median(explained[is_new]))
    records = requests.run.connections.opened.records
    tls = float(np.median(records["tls_ns"])) if len(records) else 0.0
    share = count / max(int(np.count_nonzero(calm)), 1)
    if typical and typical < limit.PHASE_LEVEL * requests.median:
        typical = 0.0
        explained = np.maximum(explained - took, 0)
    if took < 0.15 * requests.median:
        return None
    text = (
        f"{format_share(share)} of the requests opened a connection, which took"
        f" {format_ms(round(took))} at the median"
        + (f", {format_ms(round(tls))} of it the TLS handshake" if tls else "")
    )
    numbers = {"new_ratio": share, "opening_p50_ns": took, "tls_p50_ns": tls}
    return Finding(
        "new_connections",
        explained,
        (Evidence(text, numbers),),
        "phases",
        "keep connections open (keep-alive, a longer idle limit, a pool in the client), and resume"
        " TLS sessions",
        typical_ns=typical,
    )


def _usual_then(requests: Requests, reused: Mask) -> Floats:
    """The median of ``reused`` connections with about as many requests in flight as each found.

    New connections are opened because the others are busy.
    """
    flight, took = requests.in_flight[reused], requests.service[reused]
    edges = np.unique(np.quantile(flight, np.linspace(0, 1, 9)[1:-1]))
    place = np.searchsorted(edges, flight, "right")
    usual = np.full(len(edges) + 1, float(np.median(took)))
    for number in range(len(usual)):
        if np.count_nonzero(place == number) >= limit.GROUP_FEWEST:
            usual[number] = np.median(took[place == number])
    return usual[np.searchsorted(edges, requests.in_flight, "right")]


def slow_body(requests: Requests, calm: Mask) -> Finding | None:
    """The first byte comes quickly, and the last one late."""
    chosen = calm & ~requests.failed
    body = np.minimum(requests.body, requests.service)  # the rest is explained already
    if not chosen.any():
        return None
    median = float(np.median(body[chosen]))
    slow = float(np.quantile(body[chosen], 0.995))
    if slow < limit.BODY_LEAST_NS:
        return None
    typical = median if median > limit.PHASE_LEVEL * requests.median else 0.0
    explained = np.maximum(body - (0.0 if typical else median), 0)
    # What a freeze adds to a body is the freeze's.
    ratio = float(np.mean(body[chosen] > max(2 * median, limit.BODY_LEAST_NS)))
    text = (
        f"from the first byte of a response to its last {format_ms(round(median))} at the median,"
        f" {format_ms(round(slow))} at p99.5"
    )
    numbers = {"body_p50_ns": median, "body_p995_ns": slow, "slow_ratio": ratio}
    return Finding(
        "slow_body",
        explained,
        (Evidence(text, numbers),),
        "phases",
        "look at what produces the body piece by piece (a stream, a cursor, a slow disk), or at the"
        " bandwidth; send it compressed, or less of it",
        typical_ns=typical,
    )
