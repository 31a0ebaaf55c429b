"""Change points of a series of runs: where its level changed, and stayed changed.

Two detectors have to agree. E-divisive compares the distributions on both sides of a split by their
energy distance, and takes its p-value from random orders of the same values: no distribution is
assumed. Optimal partitioning finds the best segments by squared error, each at the price of a
penalty.

The series is gone through as it grew, run by run, and a change is named from the first run on at
which the evidence is sufficient. What is named depends on no later run: a change in yesterday's
report is in today's as well, and a false alarm counts whenever it would have been raised.

Sources: Matteson and James, "A nonparametric approach for multiple change point analysis of
multivariate data", JASA 109 (2014); Jackson et al., "An algorithm for optimal partitioning of data
on an interval", IEEE Signal Processing Letters 12 (2005), whose segments PELT (Killick, Fearnhead
and Eckley, JASA 107, 2012) finds sooner in long series; the penalty: Zhang and Siegmund,
Biometrics 63 (2007). The range of a change: Hansen, Econometrica 68 (2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LONGEST",
    "MAX_P",
    "MIN_SIZE",
    "Change",
    "best_segments",
    "change_points",
    "energy_split",
]

MIN_SIZE = 3
"""The fewest runs before and after a change: one or two unusual runs are not a change."""

MAX_P = 0.001
"""The largest p-value of a change."""

LONGEST = 100
"""How many of the newest runs are looked at: it bounds the time that a long history takes."""

_PERMUTATIONS = 1999  # p <= 0.001 allows one of them to reach the value that was found
_PENALTY = 3.0  # times log(n) times the variance of the noise
_NEAREST = 2  # runs that the two detectors may disagree by
_GROWTH = 1.1  # of the evidence, or of the series, before a test that failed is repeated
_WITHIN_95 = 7.35  # Hansen's Table I: 95 % of the likelihood ratio of a change's place
_HIGHEST_CORRELATION = 0.95
_USUAL, _PRIOR = 0.25, 20  # the correlation assumed of runs, and how many runs that is worth
_LEAST = 1e-9  # of the variance: a metric may have none at all
_CLIP = 3.0  # times the noise
_ERRORS = 4.5  # standard errors that a step has to be large
_PRIOR_NOISE = 1  # values that the noise of the whole segment counts like, beside that of a side

Values: TypeAlias = NDArray[np.float64]
Blocks: TypeAlias = tuple[Values, Values, Values]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level between two runs.

    ``index`` is the first run after the change by the best estimate; ``first`` and ``last`` bound
    it at 95 %. ``named_at`` is the run with which it was named. ``difference`` is the new level
    minus the old one, each the mean of its segment.
    """

    index: int
    first: int
    last: int
    named_at: int
    p_value: float
    difference: float


class _Segment(NamedTuple):
    """Values after the last change, and the noise on them."""

    values: Values
    weights: Values
    variance: float
    inflation: float

    @property
    def penalty(self) -> float:
        """What a change of level has to save in squared errors."""
        noise = self.variance * self.inflation
        return _PENALTY * math.log(len(self.values)) * max(noise, _LEAST)

    @property
    def evidence(self) -> float:
        """The squared errors that the best change saves, as multiples of the penalty."""
        around = self.values - _level(self.values, self.weights)
        whole = float(self.weights @ around**2)
        saved = whole - float(_squared_errors(self.values, self.weights).min())
        return saved / self.penalty


def change_points(
    values: ArrayLike,
    errors: ArrayLike | None = None,
    *,
    min_difference: float = 0.0,
    max_p: float = MAX_P,
    correlation: float | None = None,
    seed: int = 1,
) -> list[Change]:
    """The changes of level in ``values``, in their order: the logarithms of a metric, usually.

    ``errors`` are standard errors of the values, NaN where unknown: a value that is known less
    precisely than runs differ from each other counts less. Changes smaller than
    ``min_difference`` are not named. ``correlation`` from one value to the next is estimated unless
    given: values that follow each other look like a change. The result depends on the arguments
    only.

    A permutation test needs some runs to reach p <= 0.001 at all: of 14 runs or more. A clear
    step is named 3 to 5 runs after it with ten or more runs before it, and about 8 with seven.
    """
    series = np.asarray(values, dtype=np.float64)
    known = np.full(len(series), np.nan) if errors is None else np.asarray(errors, np.float64)
    named: list[tuple[int, int, float]] = []
    start, next_evidence, next_size = 0, 1.0, 0.0
    for end in range(1, len(series) + 1):
        size = end - start
        if size < 2 * MIN_SIZE:
            continue
        begin = max(start, end - LONGEST)
        segment = _segment(series[begin:end], known[begin:end], correlation)
        evidence = segment.evidence
        if evidence < 1 or (evidence < next_evidence and size < next_size):
            continue
        index = _agreed_split(segment, min_difference)
        if index is None:
            continue
        p_value = _p_value(segment, max_p, seed)
        if p_value <= max_p:
            start, next_evidence, next_size = begin + index, 1.0, 0.0
            named.append((start, end - 1, p_value))
        else:  # to repeat the test at each new run would take time, and be wrong more often
            next_evidence, next_size = evidence * _GROWTH, size * _GROWTH
    return _located(series, known, named, correlation)


def energy_split(values: Values, weights: Values) -> tuple[int, float]:
    """The split with the largest energy distance between both sides, and that distance.

    With equal weights this is the statistic of E-divisive, for a second segment that ends with the
    series: m·n / (m + n) times twice the mean distance across, less those within the two sides.
    """
    distances, pairs = _pairs(values, weights)
    return _best_split(_blocks(distances), _blocks(pairs), weights)


def best_segments(values: Values, penalty: float, min_size: int = MIN_SIZE) -> list[int]:
    """Where the segments start that cost least: squared error, and ``penalty`` for each of them.

    The least cost of the values up to each one follows from that of the shorter series before it.
    """
    count = len(values)
    around = values - values.mean()  # for the precision of the differences below
    sums = np.concatenate([[0.0], np.cumsum(around)])
    places = np.arange(count + 1)
    # What the values before a place cost, less their squares: the sums of these cancel.
    saved = np.full(count + 1, np.inf)
    saved[0] = 0.0
    before = np.zeros(count + 1, dtype=np.int64)
    for end in range(min_size, count + 1):
        starts = places[: end - min_size + 1]
        costs = saved[starts] - (sums[end] - sums[starts]) ** 2 / (end - starts)
        before[end] = np.argmin(costs)
        saved[end] = costs[before[end]] + penalty
    found: list[int] = []
    place = int(before[count])
    while place > 0:
        found.append(place)
        place = int(before[place])
    return found[::-1]


def _segment(values: Values, errors: Values, correlation: float | None) -> _Segment:
    cleaned = _without_outliers(values)
    # Neighbours differ by what is new in each of them; a change of level is among them only once.
    steps = np.diff(cleaned)
    new = float(steps @ steps) / (2 * len(steps))
    if correlation is None:
        correlation = _correlation(cleaned, new)
    weights = _weights(cleaned, errors)
    return _Segment(values, weights, new / (1 - correlation), _inflation(correlation))


def _inflation(correlation: float) -> float:
    """How much more a mean varies than that of independent values."""
    return (1 + correlation) / (1 - correlation)


def _agreed_split(segment: _Segment, min_difference: float) -> int | None:
    """Where E-divisive sees the change, if there is a best segment too, and it is large enough."""
    values, weights = segment.values, segment.weights
    index, _ = energy_split(values, weights)
    if not abs(_step(segment, index)) > min_difference:
        return None
    if not abs(_step(segment, index)) > _ERRORS * _step_error(segment, index):
        return None
    agreed = any(abs(place - index) <= _NEAREST for place in best_segments(values, segment.penalty))
    return index if agreed else None


def _step_error(segment: _Segment, index: int) -> float:
    """The standard error of the step, each side with the noise that it has itself.

    Runs that begin to differ more are no new level, and yet both detectors see them: E-divisive
    any change of distribution, the other a few values that are far away by the noise of before. Few
    values say little about their noise: that of the whole segment counts like some more.
    """
    usual = max(segment.variance, _LEAST)
    error = 0.0
    for side in (segment.values[:index], segment.values[index:]):
        squares = float(np.square(side - side.mean()).sum())
        error += (squares + _PRIOR_NOISE * usual) / (len(side) - 1 + _PRIOR_NOISE) / len(side)
    return math.sqrt(error)


def _step(segment: _Segment, index: int) -> float:
    values, weights = segment.values, segment.weights
    return _level(values[index:], weights[index:]) - _level(values[:index], weights[:index])


def _p_value(segment: _Segment, max_p: float, seed: int) -> float:
    """How often a random order of the values has a split with as large an energy distance.

    What correlation from run to run adds to that distance is taken off before. Counting ends as
    soon as the p-value must be larger than ``max_p``.
    """
    values, weights = segment.values, segment.weights
    reached = energy_split(values, weights)[1] / segment.inflation
    rng = np.random.default_rng(seed)
    distances, pairs = _pairs(values, weights)
    all_alike = bool((weights == weights[0]).all())
    pair_blocks = _blocks(pairs)
    extreme = 0
    for done in range(1, _PERMUTATIONS + 1):
        order = rng.permutation(len(values))
        blocks = _blocks(distances.take(order, 0).take(order, 1))
        if not all_alike:
            pair_blocks = _blocks(pairs.take(order, 0).take(order, 1))
        extreme += _best_split(blocks, pair_blocks, weights[order])[1] >= reached
        if (extreme + 1) / (_PERMUTATIONS + 1) > max_p:
            return (extreme + 1) / (done + 1)
    return (extreme + 1) / (_PERMUTATIONS + 1)


def _pairs(values: Values, weights: Values) -> tuple[Values, Values]:
    """The weight of each pair of two values, and that times their distance."""
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0.0)
    return pairs * np.abs(values[:, np.newaxis] - values), pairs


@lru_cache(4)
def _lower(count: int) -> Values:
    return np.tri(count)


def _blocks(matrix: Values) -> Blocks:
    """For each split, the sums of a symmetric matrix over pairs before, after and across it."""
    allowed = slice(MIN_SIZE - 1, -MIN_SIZE)
    before = 2 * np.cumsum(np.einsum("ij,ij->i", matrix, _lower(len(matrix))))
    rows = np.cumsum(matrix.sum(axis=1))
    before, rows, total = before[allowed], rows[allowed], rows[-1]
    across = rows - before
    return before, total - before - 2 * across, across


def _best_split(distances: Blocks, pairs: Blocks, weights: Values) -> tuple[int, float]:
    before, after, across = (
        distance / pair for distance, pair in zip(distances, pairs, strict=True)
    )
    mass = np.cumsum(weights)[MIN_SIZE - 1 : -MIN_SIZE]
    rest = weights.sum() - mass
    distance = mass * rest / (mass + rest) * (2 * across - before - after)
    best = int(np.argmax(distance))
    return best + MIN_SIZE, float(distance[best])


def _level(values: Values, weights: Values) -> float:
    return float(np.average(values, weights=weights))


def _without_outliers(values: Values) -> Values:
    """``values``, a lone one far from both of its neighbours brought nearer.

    A step of two runs or more passes: the median of three follows it. For estimates of the noise
    only: a test on what was cleaned would see what remains, which is clustered, as a change.
    """
    padded = np.concatenate([values[1:2], values, values[-2:-1]])
    middle = np.median(np.stack([padded[:-2], values, padded[2:]]), axis=0)
    noise = 1.4826 * float(np.median(np.abs(np.diff(values)))) / math.sqrt(2)
    cleaned: Values = np.clip(values, middle - _CLIP * noise, middle + _CLIP * noise)
    return cleaned


def _weights(values: Values, errors: Values) -> Values:
    """Weights by the inverse variance of each value, of mean 1.

    That variance has a part which all runs share, how much they differ by themselves: a value
    that is known exactly is still only one run.
    """
    own = np.square(errors)
    if np.isnan(own).all():
        return np.ones(len(values))
    own = np.where(np.isnan(own), np.nanmedian(own), own)
    noise = 1.4826 * float(np.median(np.abs(np.diff(values)))) / math.sqrt(2)
    typical = float(np.median(own))
    shared = max(noise**2 - typical, (0.5 * noise) ** 2, typical)
    weights: Values = 1 / (shared + own) if shared > 0 else np.ones(len(values))
    scaled: Values = weights / weights.mean()
    return scaled


def _correlation(values: Values, new: float) -> float:
    """How much each value resembles the one before it, 0 or more.

    It is that of what remains when clear changes of level are removed, corrected for its bias by
    Kendall (1954). Few values say little about it: what runs usually have counts like some more.
    """
    count = len(values)
    noise = max(new / (1 - _USUAL) * _inflation(_USUAL), _LEAST)
    bounds = [0, *best_segments(values, _PENALTY * math.log(count) * noise), count]
    parts = [values[start:end] for start, end in pairwise(bounds)]
    rest = np.concatenate([part - part.mean() for part in parts])
    squares = float(rest @ rest)
    found = float(rest[1:] @ rest[:-1]) / squares if squares > _LEAST * count else 0.0
    found += len(parts) * (1 + 4 * found) / count
    correlation = (count * found + _PRIOR * _USUAL) / (count + _PRIOR)
    return min(max(correlation, 0.0), _HIGHEST_CORRELATION)


def _located(
    series: Values, errors: Values, named: list[tuple[int, int, float]], correlation: float | None
) -> list[Change]:
    """The changes with their best places, by all the runs between one and the next."""
    found: list[Change] = []
    start = 0
    for number, (index, named_at, p_value) in enumerate(named, 1):
        end = named[number][0] if number < len(named) else len(series)
        start = min(start, index - MIN_SIZE)  # the one before may have moved towards this one
        segment = _segment(series[start:end], errors[start:end], correlation)
        costs = _squared_errors(segment.values, segment.weights)
        best = int(np.argmin(costs))
        within = np.flatnonzero(
            costs - costs[best] <= _WITHIN_95 * segment.variance * segment.inflation
        )
        found.append(
            Change(
                index=start + best + MIN_SIZE,
                first=start + int(within[0]) + MIN_SIZE,
                last=start + int(within[-1]) + MIN_SIZE,
                named_at=named_at,
                p_value=p_value,
                difference=_step(segment, best + MIN_SIZE),
            )
        )
        start = found[-1].index
    return found


def _squared_errors(values: Values, weights: Values) -> Values:
    """For each split, the squared errors around the levels before and after it."""
    mass, first = np.cumsum(weights), np.cumsum(weights * values)
    allowed = slice(MIN_SIZE - 1, -MIN_SIZE)
    explained = first[allowed] ** 2 / mass[allowed]
    explained += (first[-1] - first[allowed]) ** 2 / (mass[-1] - mass[allowed])
    costs: Values = float(weights @ values**2) - explained
    return costs
