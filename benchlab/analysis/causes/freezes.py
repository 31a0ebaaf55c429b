"""Freezes: moments in which nothing was completed while requests waited, and were released at once.

Seen by intended time a freeze is one tooth of a saw: who comes first waits longest, so latency
falls with slope -1, and all waiting requests end together. A stall, pauses of a garbage collector,
a blocked event loop and the scheduler of a busy machine differ by length, number and distances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.levels import serial, slow_mode
from benchlab.analysis.causes.requests import Floats, Mask, Requests

__all__ = ["Freezes", "find_freezes", "find_period"]

_RARE = 256  # one gap of so many has as many overdue requests by chance
_MOST = 2000  # freezes that are looked at: the longest
_RECOVERED = 3  # requests in a row that are no slower than usual
_PERIODS = 400  # candidates


@dataclass(frozen=True, slots=True, eq=False)
class Freezes:
    """Freezes in the order of time: when each began and ended, its cost and where it was spent.

    ``owner`` has for each request the number of the freeze that delayed it, or -1, and
    ``delay_ns`` by how much. ``excess_ns`` is
    the total time by which its requests exceed the median, ``lag_ns`` the part of it that is lag of
    the generator. Freezes shorter than ``least_ns`` do not show.
    """

    start_ns: Floats
    end_ns: Floats
    excess_ns: Floats
    lag_ns: Floats
    owner: NDArray[np.int64]
    delay_ns: Floats
    least_ns: float

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def length_ns(self) -> Floats:
        """How long each lasted."""
        return self.end_ns - self.start_ns

    @property
    def is_local(self) -> Mask:
        """Whether the generator itself stood still."""
        return self.lag_ns >= limit.LOCAL_SHARE * np.maximum(self.excess_ns, 1)

    @property
    def is_shared(self) -> Mask:
        """Whether the generator was held up as well: what does that to both is their machine.

        One that is longer than most of a machine's must have been so for a larger part.
        """
        is_long = self.length_ns > limit.HICCUP_MOST_NS
        least = np.where(is_long, limit.SHARED_LONG_RATIO, limit.SHARED_RATIO)
        shared: Mask = self.lag_ns >= least * np.maximum(self.excess_ns, 1)
        return shared

    def delayed_by(self, chosen: Mask) -> Mask:
        """Whether each request was delayed by one of the ``chosen`` freezes."""
        delayed: Mask = np.append(chosen, False)[self.owner]
        return delayed


def find_freezes(requests: Requests, within_queue: bool = False) -> Freezes:
    """Every freeze of all requests, with who was delayed by it.

    Those ``within_queue`` too, if asked: where all wait for long anyhow, a freeze of the machine is
    as easily seen as one of the service, and in a closed loop all users may wait for one by chance.
    """
    count = len(requests)
    usual = float(np.quantile(requests.latency, limit.FREEZE_OVERDUE))
    done = np.sort(requests.done)
    gap = np.diff(done)
    then = np.full(len(gap), usual)
    if not requests.is_open:
        then = np.maximum(then, _usual_then(requests, done[:-1], usual))
    at = np.flatnonzero(gap > np.maximum(limit.FREEZE_SHORTEST_NS, limit.FREEZE_RATIO * then))
    waiting = _overdue(requests, done[at], done[at + 1], usual)
    # At a low rate few are there to wait, but many responses in a row are missing.
    missing = gap[at] * len(requests) / max(requests.window_ns, 1.0)
    few = (waiting >= limit.FREEZE_FEW_WAITING) & (missing >= limit.FREEZE_MISSING)
    at = at[(waiting >= limit.FREEZE_WAITING) | few]
    least = max(limit.FREEZE_SHORTEST_NS, limit.FREEZE_RATIO * usual)
    if requests.is_open:
        at = np.union1d(at, _among_quick(requests, done, usual))
        spacing = requests.window_ns / count
        least = max(least, usual + limit.FREEZE_WAITING * spacing)
        if within_queue:
            at = np.union1d(at, _beyond_chance(requests, done))
            shortest = max((limit.FREEZE_CHANCE + math.log(count)) * spacing, limit.HICCUP_NS)
            least = min(least, shortest)
    if len(at) > _MOST:
        at = np.sort(at[np.argsort(gap[at])[-_MOST:]])
    found = _with_cost(requests, *_joined(done[at], done[at + 1]), usual, least)
    if requests.is_open or within_queue:
        return found
    return _without_coincidences(requests, found, usual)


def _without_coincidences(requests: Requests, found: Freezes, usual: float) -> Freezes:
    """The freezes of a closed loop that are longer than a request of its slow kind.

    If there is such a kind, and it does not come from the freezes, few users all wait for one of
    its requests at once now and then.
    """
    mode = slow_mode(requests, np.ones(len(requests), dtype=np.bool_))
    if mode is None:
        return found
    is_rare = float(found.length_ns.sum()) <= limit.FREEZE_OF_TIME * requests.window_ns
    if is_rare and np.mean(found.owner[mode.slow] >= 0) >= limit.FREEZE_OF_SLOW:
        return found
    longest = limit.FREEZE_BEYOND * float(np.quantile(requests.service[mode.slow], 0.95))
    chosen = found.length_ns > longest
    return _with_cost(requests, found.start_ns[chosen], found.end_ns[chosen], usual, longest)


def _among_quick(requests: Requests, done: Floats, usual: float) -> NDArray[np.int64]:
    """Gaps in which so many came that some of the quick kind of requests must have been overdue.

    Where many requests are of a slow kind, the usual percentile is theirs.
    """
    mode = slow_mode(requests, np.ones(len(requests), dtype=np.bool_))
    if mode is None or serial(requests.service[mode.slow]) >= limit.QUEUE_SERIAL:
        return np.empty(0, dtype=np.int64)
    quick = float(np.quantile(requests.latency[mode.fast], 0.9))
    if quick > usual / limit.FREEZE_RATIO:
        return np.empty(0, dtype=np.int64)
    chance = mode.share + 0.1 * (1 - mode.share)
    enough = math.log(_RARE) / -math.log(chance)
    at = np.flatnonzero(np.diff(done) > max(limit.FREEZE_SHORTEST_NS, limit.FREEZE_RATIO * quick))
    return at[_overdue(requests, done[at], done[at + 1], quick) >= enough]


def _beyond_chance(requests: Requests, done: Floats) -> NDArray[np.int64]:
    """Gaps in which more responses are missing than by chance, although requests waited.

    In a queue none of them is overdue: there a freeze is short beside the wait of all.
    """
    start, end = done[:-1], done[1:]
    expected = np.sort(requests.intended + requests.explained) + requests.median
    missing = np.searchsorted(expected, end) - np.searchsorted(expected, start)
    at = np.flatnonzero(missing >= limit.FREEZE_CHANCE + math.log(len(requests)))
    open_then = np.searchsorted(np.sort(requests.sent), start[at], "right") - (at + 1)
    chosen = (open_then >= limit.FREEZE_WAITING) & (end[at] - start[at] >= limit.HICCUP_NS)
    return at[chosen]


def _usual_then(requests: Requests, at: Floats, usual: float) -> Floats:
    """The percentile at each time: users who all wait for a slow service are not frozen."""
    size = 10 * requests.run.plan.connection_limit
    count = min(len(requests) // size, 20)
    if count < 2:
        return np.full(len(at), usual)
    parts = np.array_split(np.arange(len(requests)), count)
    levels = [float(np.quantile(requests.latency[part], limit.FREEZE_OVERDUE)) for part in parts]
    edges = requests.intended[[part[0] for part in parts]]
    return np.array(levels)[np.maximum(np.searchsorted(edges, at, "right") - 1, 0)]


def _overdue(requests: Requests, start: Floats, end: Floats, usual: float) -> NDArray[np.int64]:
    """How many requests came in each gap and were overdue at its end, beyond what is explained.

    In a closed loop nobody comes while all wait: there, how many waited, if they ended together.
    """
    due = end - usual
    if requests.is_open:
        expected = np.sort(requests.intended + requests.explained)
        found = np.searchsorted(expected, due) - np.searchsorted(expected, start)
        return np.asarray(found)
    sent, done = np.sort(requests.sent + requests.explained), np.sort(requests.done)
    open_then = np.searchsorted(sent, due) - np.searchsorted(done, end)
    soon = np.maximum(limit.RELEASED_NS, limit.RELEASED_RATIO * (end - start))
    soon = end + np.maximum(soon, usual)
    released = np.searchsorted(done, soon, "right") - np.searchsorted(done, end)
    users = requests.run.plan.connection_limit
    together = (open_then >= 0.8 * users) & (released >= limit.RELEASED_SHARE * open_then)
    return np.where(together, np.maximum(open_then, limit.FREEZE_WAITING), 0)


def _joined(start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Freezes that a stray response divides, as one."""
    starts: list[float] = []
    ends: list[float] = []
    for first, last in zip(start.tolist(), end.tolist(), strict=True):
        if ends and first - ends[-1] < 0.1 * (last - first):
            ends[-1] = last
        else:
            starts.append(first)
            ends.append(last)
    return np.array(starts), np.array(ends)


def _with_cost(
    requests: Requests, start: Floats, end: Floats, usual: float, least: float
) -> Freezes:
    count = len(requests)
    owner = np.full(count, -1)
    fine = requests.latency <= max(usual, requests.median)
    run_of_fine = np.convolve(fine, np.ones(_RECOVERED), "full")[_RECOVERED - 1 :] >= _RECOVERED
    recovered = np.append(np.flatnonzero(run_of_fine), count)
    released = np.searchsorted(requests.intended, end)
    until = recovered[np.searchsorted(recovered, released)]
    # A backlog is worked off within some times the freeze; what stays slow for longer is another.
    longest = np.searchsorted(requests.intended, end + 3 * (end - start))
    until = np.minimum(until, np.maximum(longest, released))
    # Who was sent before the freeze and was still waiting in it.
    since = np.searchsorted(requests.intended, start - float(np.quantile(requests.latency, 0.99)))
    excess_of = np.maximum(requests.latency - requests.median, 0)
    whole_of = np.maximum(requests.done - requests.intended - requests.median, 0)
    excess, lag = np.zeros(len(start)), np.zeros(len(start))
    delay = np.zeros(count)
    begun = start.copy()
    for number in np.argsort(start - end, kind="stable").tolist():  # the longest first
        here = slice(int(since[number]), int(until[number]))
        waited = (requests.done[here] >= end[number] - 1) & (owner[here] < 0)
        owner[here][waited] = number
        if not requests.is_open and waited.any():  # nobody waits while all of the users think
            begun[number] = max(begun[number], float(requests.intended[here][waited].min()))
        # Who was there before would have taken some of its time anyhow.
        before = requests.intended[here] < start[number]
        most = np.where(before, end[number] - start[number], np.inf)
        # Whatever else is slow about it, it was there in the freeze.
        there = end[number] - np.maximum(requests.intended[here], start[number])
        mine = np.maximum(excess_of[here], np.minimum(whole_of[here], there))
        delay[here][waited] = np.minimum(mine, most)[waited]
        excess[number] = float(delay[here][waited].sum())
        lag[number] = float(requests.lag[here][waited].sum())
    return Freezes(begun, end, excess, lag, owner, delay, least)


def find_period(starts: Floats, window: tuple[float, float]) -> tuple[float, Mask] | None:
    """The period of events at ``starts``, and which of them are in it; None if they are irregular.

    A period is one if most of its places in the window have an event and most of the events are at
    a place: `PERIODIC_SHARE`, within `PERIODIC_TOLERANCE` of the period. With `PERIODIC_CERTAIN`
    events or more the window is from the first to the last: what recurs may begin later than the
    run, and end sooner.
    """
    count = len(starts)
    if count < limit.PERIODIC_FEWEST:
        return None
    gaps = np.concatenate([starts[lag:] - starts[:-lag] for lag in range(1, min(4, count))])
    candidates = np.unique(gaps[gaps > 0])
    if len(candidates) > _PERIODS:
        candidates = candidates[:: len(candidates) // _PERIODS + 1]
    best: tuple[float, float, Mask] | None = None
    for rough in candidates.tolist():
        found = _at_period(starts, rough, window)
        if found is not None and (best is None or found[0] > best[0] + 1e-9):
            best = found
    return None if best is None else (best[1], best[2])


def _at_period(
    starts: Floats, period: float, window: tuple[float, float]
) -> tuple[float, float, Mask] | None:
    """How well ``period`` fits (the smaller of both shares), the period refined, and who is in."""
    for first_start in starts[:3].tolist():
        anchor = first_start
        for _ in range(3):  # refine by a line through the events that fit
            place = np.round((starts - anchor) / period)
            inside = np.abs(starts - anchor - place * period) <= limit.PERIODIC_TOLERANCE * period
            if np.count_nonzero(inside) < limit.PERIODIC_FEWEST or np.ptp(place[inside]) < 1:
                break
            period, anchor = np.polyfit(place[inside], starts[inside], 1).tolist()
            if period <= 0:
                break
        else:
            off = np.abs(starts - anchor - place * period)[inside]
            if float(np.median(off)) > limit.PERIODIC_SPREAD * period:
                continue
            taken = len(np.unique(place[inside]))
            first = np.ceil((window[0] - anchor) / period)
            last = np.floor((window[1] - anchor) / period)
            places = max(last - first + 1, 1.0)
            if taken >= limit.PERIODIC_CERTAIN:
                places = min(places, float(np.ptp(place[inside])) + 1)
            fit = min(taken / places, float(np.mean(inside)), 1.0)
            if fit >= limit.PERIODIC_SHARE and taken >= limit.PERIODIC_FEWEST:
                return fit, float(period), inside
    return None
