"""Waits of the kernel's own timers: delayed acknowledgements and retransmissions.

Their lengths are constants of Linux: 40 ms and a little (TCP_DELACK_MIN), 200 ms (TCP_RTO_MIN), and
for every further loss twice as long as before (RFC 6298), so 400 or, added up, 600 ms and so on.
"""

from __future__ import annotations

import math

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.levels import serial, slow_mode
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.units import format_ms, format_share

__all__ = ["tcp_stall"]

_QUARTILES = (0.25, 0.5, 0.75)
_NEAR = 7  # requests before, and after, that show the level
_AT_ONCE = 20_000  # requests, so that memory stays small
_LATER = (2.0, 3.0, 4.0, 7.0, 8.0, 15.0, 16.0)
"""Later retransmissions, in units of the first: each alone, or all before it added."""


def tcp_stall(requests: Requests, calm: Mask) -> Finding | None:
    """Most slow requests are slower by just the length of a timer of TCP.

    The wait is before the first byte, or within the body; each is looked at on its own, since a
    service whose own times vary blurs the steps.
    """
    chosen = calm & ~requests.failed
    if np.count_nonzero(chosen) < limit.FEWEST:
        return None
    took = np.maximum(requests.service - requests.opening - requests.body, 0)
    traced = requests.traced
    times = [took, requests.body]
    if traced is not None and len(traced) > 0.5 * len(requests):
        # What the service itself took varies, and is not the network's.
        outside = requests.done - requests.sent - requests.opening
        outside[traced.index] -= traced.inside - np.median(traced.inside)
        times[0] = np.maximum(outside - requests.body, 0)
    elif _blur(took[chosen]) > limit.TCP_BLUR * limit.TCP_DELAYED_ACK_NS[0]:
        times.append(_without_level(took))
    found = [item for each in times if (item := _steps(requests, each, chosen)) is not None]
    if not found:
        found = [item for each in times if (item := _shifted(requests, each, chosen)) is not None]
    return max(found, key=lambda item: float(item.explained.sum()), default=None)


def _without_level(took: Floats) -> Floats:
    """``took`` less what the requests before and after it take as well: a drift, a queue."""
    near = np.lib.stride_tricks.sliding_window_view(np.pad(took, _NEAR, mode="edge"), 2 * _NEAR + 1)
    level = np.empty_like(took)
    for first in range(0, len(took), _AT_ONCE):
        level[first : first + _AT_ONCE] = np.median(near[first : first + _AT_ONCE], axis=1)
    return took - level + np.median(took)


def _blur(took: Floats) -> float:
    """How far from a step a request may be, by how much usual ones differ."""
    low, high = np.quantile(took, [0.1, 0.75]).tolist()
    return 1.2 * float(high - low)


def _steps(requests: Requests, took: Floats, chosen: Mask) -> Finding | None:
    median, blur = float(np.median(took[chosen])), _blur(took[chosen])
    beyond = took - median
    for name, (low_ns, high_ns), steps in (
        ("a delayed acknowledgement", limit.TCP_DELAYED_ACK_NS, (1.0, 2.0)),
        ("a retransmission", limit.TCP_RETRANSMISSION_NS, (1.0, *_LATER)),
    ):
        if blur > limit.TCP_BLUR * low_ns:
            continue
        at_step = np.zeros(len(requests), dtype=np.bool_)
        for step in steps:
            at_step |= (beyond >= step * low_ns - blur) & (beyond <= step * high_ns + blur)
        first = (beyond >= low_ns - blur) & (beyond <= high_ns + blur) & chosen
        mine = at_step & chosen
        count = int(np.count_nonzero(mine))
        later = chosen & (beyond > 0.6 * low_ns)
        if len(steps) == 2:
            later &= beyond < 2.7 * low_ns
        if count < max(limit.TCP_FEWEST, 0.002 * len(requests)) or not first.any():
            continue
        if count < limit.TCP_SHARE * np.count_nonzero(later):
            continue
        if np.count_nonzero(first) < 0.4 * count or not _is_narrow(beyond[chosen], low_ns):
            continue
        if _in_bursts(beyond, mine, low_ns):
            continue
        if _inside_spans(requests, mine, 0.5 * low_ns):
            continue
        step_ns = float(np.median(beyond[first]))
        later_too = ", or a later one after twice that time" if len(steps) > 2 else ""
        explained = np.where(at_step, np.maximum(beyond, 0), 0.0)
        return _finding(explained, step_ns, count / len(requests), name + " takes" + later_too)
    return None


def _finding(explained: Floats, step_ns: float, share: float, as_what: str) -> Finding:
    text = (
        f"{format_share(share)} of the requests took {format_ms(round(step_ns))} longer than the"
        f" others, as {as_what}"
    )
    return Finding(
        "tcp_stall",
        explained,
        (Evidence(text, {"step_ns": step_ns, "share_ratio": share}),),
        "histogram",
        "for 40 ms: write a request or response at once, and set TCP_NODELAY on both sides; for"
        " 200 ms and its doublings: look for lost packets (nstat TcpRetransSegs, ss -ti)",
    )


def _shifted(requests: Requests, took: Floats, chosen: Mask) -> Finding | None:
    """A slow mode that is the fast one, later by just the length of a timer: where usual requests
    differ too much for a step to show."""
    found = slow_mode(requests.without(requests.service - took), chosen)
    if found is None or serial(took[found.slow]) >= limit.QUEUE_SERIAL:
        return None
    slow, fast = took[found.slow], took[found.fast]
    at = np.quantile(slow, _QUARTILES) - np.quantile(fast, _QUARTILES)
    error = float(np.subtract(*np.quantile(slow, [0.75, 0.25]))) * 0.93 / math.sqrt(len(slow))
    error *= limit.TCP_ERRORS
    for name, (low_ns, high_ns) in (
        ("a delayed acknowledgement", limit.TCP_DELAYED_ACK_NS),
        ("a retransmission", limit.TCP_RETRANSMISSION_NS),
    ):
        if error > limit.TCP_BLUR * low_ns / 4 or len(slow) < limit.TCP_FEWEST:
            continue
        if not np.all((at >= low_ns - 1.5 * error) & (at <= high_ns + 1.5 * error)):
            continue
        if not low_ns - error <= at[1] <= high_ns + error:
            continue
        mine = np.zeros(len(requests), dtype=np.bool_)
        mine[found.slow] = True
        if _in_bursts(took - np.median(fast), mine, low_ns):
            continue
        if _inside_spans(requests, mine, 0.5 * low_ns):
            continue
        explained = np.where(mine, np.maximum(took - np.median(fast), 0), 0.0)
        return _finding(explained, float(at[1]), found.share, name + " takes")
    return None


def _in_bursts(beyond: Floats, mine: Mask, low_ns: float) -> bool:
    """Whether the requests just before and after those of a step are as late: a lost packet or
    acknowledgement is one connection's, and what delays neighbours as well is none."""
    at = np.flatnonzero(mine)
    near = np.concatenate([at - 1, at + 1])
    near = near[(near >= 0) & (near < len(beyond))]
    return bool(np.median(beyond[near]) > 0.5 * low_ns)


def _is_narrow(beyond: Floats, low_ns: float) -> bool:
    """Whether the requests of a step differ no more from each other than usual ones do, and the
    timer: two independent spreads add up as squares do."""
    late = beyond[(beyond > 0.7 * low_ns) & (beyond < 1.4 * low_ns)]
    usual = beyond[beyond < 0.5 * low_ns]
    spread, own = (float(np.subtract(*np.quantile(part, [0.75, 0.25]))) for part in (late, usual))
    error = limit.TCP_ERRORS / math.sqrt(len(late))
    return spread <= (1 + error) * math.hypot(own, limit.TCP_SPREAD * low_ns)


def _inside_spans(requests: Requests, chosen: Mask, least_ns: float) -> bool:
    """Whether it is the service that took the time, as its spans say."""
    traced = requests.traced
    if traced is None:
        return False
    mine = chosen[traced.index]
    if np.count_nonzero(mine) < 3 or mine.all():
        return False
    return bool(np.median(traced.inside[mine]) - np.median(traced.inside[~mine]) > least_ns)
