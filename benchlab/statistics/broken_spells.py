"""When a limit on the share of bad requests was broken, from single requests.

A limit such as "p99 below 50 ms" says: of the requests of any window of time, at most 1 % may be
bad, that is slower or failed. Windows slide from request to request. One is broken if it has more
bad requests than the limit allows, and more than chance gives a service that is exactly at its
limit. Windows say that the limit was broken, but each is as long as it takes to know a share, and
mixes what was before with what was after. So the beginning and the end of a broken spell are
located by the likelihood of the single requests: where the probability of a bad one changed.

Sources: the change of a probability by maximum likelihood, D. V. Hinkley and E. A. Hinkley,
"Inference about the change-point in a sequence of binomial variables", Biometrika 57 (1970); its
mean and interval under a flat prior, A. F. M. Smith, "A Bayesian approach to inference about a
change-point in a sequence of random variables", Biometrika 62 (1975), with the two probabilities
at their best estimates; the correction of the normal approximation for skewness, E. A. Cornish and
R. A. Fisher, Revue de l'Institut International de Statistique 5 (1938).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChangeTime", "Spell", "broken_spells", "chance_count", "change_time"]

_DEVIATIONS = 3.0902323061678132
"""One window in 1,000 of a service that is exactly at its limit has more bad requests by chance."""

_LEAST_GAIN = 10.0
"""At the edge of what was observed, a change counts if it is e^10 times as likely as none."""

_REACH = 2
"""Windows before and after the first (last) broken one in which the change is looked for."""

_FLICKER = 10
"""Runs of broken windows less than a tenth of a window apart are one."""

_OUTSIDE = 0.025  # on either side of the interval

Times = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ChangeTime:
    """When a probability changed: the best estimate and its 95 % interval, in ns.

    ``gain`` is by how much the logarithm of the likelihood is better than without a change.
    """

    at_ns: int
    low_ns: int
    high_ns: int
    gain: float


@dataclass(frozen=True, slots=True)
class Spell:
    """A spell during which the limit was broken.

    ``start`` is None if the limit was broken from the beginning, ``end`` if it still was at the end
    of what was observed.
    """

    start: ChangeTime | None
    end: ChangeTime | None

    def start_ns(self, begin_ns: int) -> int:
        """The beginning, ``begin_ns`` if it was before that."""
        return begin_ns if self.start is None else self.start.at_ns

    def end_ns(self, end_ns: int) -> int:
        """The end, ``end_ns`` if it was not observed."""
        return end_ns if self.end is None else self.end.at_ns


def chance_count(count: NDArray[Any] | int, allowed_ratio: float) -> NDArray[np.float64]:
    """The most bad requests out of ``count`` that chance explains if the share is just allowed.

    The quantile of the binomial distribution that is exceeded once in 1,000 times.

    >>> float(chance_count(1000, 0.01)) < 22 < float(chance_count(1200, 0.01))
    True
    """
    counts = np.asarray(count, dtype=np.float64)
    if allowed_ratio <= 0:
        return np.zeros_like(counts)
    variance = counts * allowed_ratio * (1 - allowed_ratio)
    skew = (1 - 2 * allowed_ratio) * (_DEVIATIONS**2 - 1) / 6
    found: NDArray[np.float64] = counts * allowed_ratio + _DEVIATIONS * np.sqrt(variance) + skew
    return found


def broken_spells(
    times_ns: Times,
    bad: Marks,
    allowed_ratio: float,
    window_ns: int,
    begin_ns: int,
    end_ns: int,
) -> list[Spell]:
    """The spells in which more than ``allowed_ratio`` of the requests of a window were bad.

    ``times_ns`` are the times of the requests in order, ``bad`` says which were bad; ``begin_ns``
    and ``end_ns`` limit what was observed. Spells less than a window apart are one: the limit holds
    again when it holds for a whole window. At the end half a window is enough.
    """
    series = _Series(times_ns, bad, allowed_ratio, window_ns, begin_ns, end_ns)
    runs = series.broken_runs()
    found: list[Spell] = []
    for number, run in enumerate(runs):
        after_ns = begin_ns if not found else found[-1].end_ns(end_ns)
        next_ns = runs[number + 1][0] + window_ns // 2 if number + 1 < len(runs) else end_ns
        found.append(series.spell_of(run, after_ns, next_ns))
    return _joined(found, window_ns, begin_ns, end_ns)


@dataclass(frozen=True, slots=True)
class _Series:
    """The requests that were observed, and the limit."""

    times_ns: Times
    bad: Marks
    allowed_ratio: float
    window_ns: int
    begin_ns: int
    end_ns: int

    def broken_runs(self) -> list[tuple[int, int]]:
        """Starts of the first and the last window of each run of broken ones."""
        times_ns, window_ns, begin_ns = self.times_ns, self.window_ns, self.begin_ns
        latest_ns = max(begin_ns, self.end_ns - window_ns)
        starts_ns = times_ns[(times_ns > begin_ns) & (times_ns < latest_ns)]
        starts_ns = np.concatenate(([begin_ns], starts_ns, [latest_ns])).astype(np.int64)
        sums = np.concatenate(([0], np.cumsum(self.bad)))
        first = np.searchsorted(times_ns, starts_ns)
        after = np.searchsorted(times_ns, np.minimum(starts_ns + window_ns, self.end_ns))
        broken = sums[after] - sums[first] > chance_count(after - first, self.allowed_ratio)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], broken, [False])).astype(np.int8)))
        runs = [
            (int(starts_ns[low]), int(starts_ns[high - 1]))
            for low, high in zip(edges[::2], edges[1::2], strict=True)
        ]
        joined = runs[:1]  # it may flicker around the limit
        for earlier, later in pairwise(runs):
            if later[0] - earlier[1] < window_ns // _FLICKER:
                joined[-1] = (joined[-1][0], later[1])
            else:
                joined.append(later)
        return joined

    def spell_of(self, run: tuple[int, int], after_ns: int, next_ns: int) -> Spell:
        """The spell of a run of broken windows, between the one before it and the next."""
        (first_ns, last_ns), window_ns = run, self.window_ns
        low_ns = max(after_ns, first_ns - _REACH * window_ns)
        far_ns = min(self.end_ns, first_ns + (1 + _REACH) * window_ns, last_ns + window_ns)
        start = self._start(first_ns, low_ns, far_ns)
        end = self._end(last_ns, start, next_ns)
        if end is not None and end.at_ns < far_ns:
            # What follows a short spell is not part of it, and would blur where it began.
            start = self._start(first_ns, low_ns, end.at_ns)
            end = self._end(last_ns, start, next_ns)
        return Spell(start, end)

    def _start(self, first_ns: int, low_ns: int, high_ns: int) -> ChangeTime | None:
        # A window is broken by what is in it, so the spell begins before its end.
        found = self._located(low_ns, high_ns, rising=True, most_ns=first_ns + self.window_ns)
        if first_ns <= self.begin_ns and (found is None or found.gain < _LEAST_GAIN):
            return None
        return found or ChangeTime(first_ns, first_ns, first_ns + self.window_ns, 0.0)

    def _end(self, last_ns: int, start: ChangeTime | None, next_ns: int) -> ChangeTime | None:
        window_ns = self.window_ns
        start_ns = self.begin_ns if start is None else start.at_ns
        low_ns = max(start_ns, last_ns - _REACH * window_ns)
        high_ns = min(self.end_ns, last_ns + (1 + _REACH) * window_ns, next_ns)
        found = self._located(low_ns, high_ns, rising=False, least_ns=last_ns)
        if last_ns + window_ns >= self.end_ns:
            return found if self._has_ended(found) else None
        at_ns = last_ns + window_ns
        return found or ChangeTime(at_ns, last_ns, at_ns, 0.0)

    def _has_ended(self, end: ChangeTime | None) -> bool:
        """Whether enough was observed after ``end`` to say that the limit held again."""
        if end is None or end.gain < _LEAST_GAIN or self.end_ns - end.at_ns < self.window_ns // 2:
            return False
        after = self.bad[np.searchsorted(self.times_ns, end.at_ns) :]
        return bool(np.count_nonzero(after) <= self.allowed_ratio * len(after))

    def _located(
        self,
        low_ns: int,
        high_ns: int,
        *,
        rising: bool,
        least_ns: int | None = None,
        most_ns: int | None = None,
    ) -> ChangeTime | None:
        """The change between two times; None if the requests there say nothing about one."""
        first, after = np.searchsorted(self.times_ns, [low_ns, high_ns])
        part = slice(int(first), int(after))
        times_ns, bad = self.times_ns[part], self.bad[part]
        return change_time(times_ns, bad, rising=rising, least_ns=least_ns, most_ns=most_ns)


def change_time(
    times_ns: Times,
    bad: Marks,
    *,
    rising: bool,
    least_ns: int | None = None,
    most_ns: int | None = None,
) -> ChangeTime | None:
    """When the probability of a bad request rose (or fell): the time of the first one after it.

    There is one change. Each place of it has the likelihood that the shares before and after give;
    the estimate is the mean over all places, weighted by it. None if no place has a higher (lower)
    share after it than before. ``least_ns`` and ``most_ns`` limit the places.
    """
    count = len(bad)
    if count < 2:
        return None
    before_count = np.arange(1, count)
    before_bad = np.cumsum(bad)[:-1]
    total = int(before_bad[-1]) + int(bad[-1])
    after_count, after_bad = count - before_count, total - before_bad
    likelihood = _log_likelihood(before_bad, before_count) + _log_likelihood(after_bad, after_count)
    difference = after_bad * before_count - before_bad * after_count
    fits = difference > 0 if rising else difference < 0
    places_ns = times_ns[1:]
    if least_ns is not None:
        fits &= places_ns >= least_ns
    if most_ns is not None:
        fits &= places_ns <= most_ns
    if not fits.any():
        return None
    likelihood = np.where(fits, likelihood, -np.inf)
    best = float(likelihood.max())
    weights = np.exp(likelihood - best)
    weights /= weights.sum()
    origin_ns = int(places_ns[int(np.argmax(likelihood))])
    mean_ns = origin_ns + round(float(weights @ (places_ns - origin_ns)))
    ends = np.searchsorted(np.cumsum(weights), [_OUTSIDE, 1 - _OUTSIDE])
    low_ns, high_ns = (int(places_ns[min(int(end), count - 2)]) for end in ends)
    without = _log_likelihood(np.array([total]), np.array([count]))
    at_ns = min(max(mean_ns, low_ns), high_ns)
    return ChangeTime(at_ns, low_ns, high_ns, best - float(without[0]))


def _log_likelihood(bad: NDArray[Any], count: NDArray[Any]) -> NDArray[np.float64]:
    """The logarithm of the likelihood of ``bad`` out of ``count`` at its own share."""
    found = np.zeros(len(count))
    for part in (bad, count - bad):
        ratio = part / count
        found += part * np.log(np.where(ratio > 0, ratio, 1.0))
    return found


def _joined(spells: list[Spell], window_ns: int, begin_ns: int, end_ns: int) -> list[Spell]:
    """Spells that are less than a window apart are one."""
    found = spells[:1]
    for later in spells[1:]:
        if later.start_ns(begin_ns) - found[-1].end_ns(end_ns) < window_ns:
            found[-1] = Spell(found[-1].start, later.end)
        else:
            found.append(later)
    return found
