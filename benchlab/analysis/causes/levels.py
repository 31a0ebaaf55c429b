"""Causes that show in the distribution and in its level over time: modes and drift."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.correlation import rank_correlation
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.statistics.mann_kendall import mann_kendall
from benchlab.statistics.modes import BINS_PER_UNIT, find_modes
from benchlab.statistics.ranks import mean_ranks
from benchlab.text import plural
from benchlab.units import NS_PER_S, format_ms, format_share

__all__ = ["SlowMode", "bimodal", "drift", "present_ratio", "serial", "slow_mode"]

_DEGREE = 4  # of the polynomial that is the trend
_BINS = 64 * BINS_PER_UNIT  # e^64 ns is beyond any duration


def drift(requests: Requests, calm: Mask, only_clear: bool = False) -> Finding | None:
    """The level of the service time rises, or falls, all the time.

    The medians of `DRIFT_BATCHES` equal slices of time are tested by Mann-Kendall; the level is
    their isotonic regression, so that a single slow slice is none of it. What makes many requests
    slow at times hides a drift of the median, but not one of the quickest tenth. If asked for
    ``only_clear`` ones, next to all that differs between slices must be the drift.
    """
    chosen = np.flatnonzero(calm & ~requests.failed)
    if len(chosen) < 2 * limit.FEWEST:
        return None
    for quantile in limit.DRIFT_QUANTILES:
        found = _drift_of(requests, chosen, quantile, only_clear)
        if found is not None:
            return found
    return None


def _drift_of(
    requests: Requests, chosen: NDArray[np.int64], quantile: float, only_clear: bool
) -> Finding | None:
    at = requests.intended[chosen]
    count = min(limit.DRIFT_BATCHES, len(chosen) // 20)
    edges = np.linspace(requests.intended[0], requests.intended[-1] + 1, count + 1)
    place = np.searchsorted(at, edges)
    took = requests.service[chosen]
    parts = [took[first:last] for first, last in itertools.pairwise(place.tolist())]
    known = np.array([len(part) >= 5 for part in parts])
    if np.count_nonzero(known) < 10:
        return None
    middle = ((edges[:-1] + edges[1:]) / 2)[known]
    level = np.array([np.quantile(part, quantile) for part in parts if len(part) >= 5])
    trend = mann_kendall(np.log(np.maximum(level, 1)))
    tau = trend.score / (len(level) * (len(level) - 1) / 2)
    if trend.p_value > limit.DRIFT_CLEAR_P or abs(tau) < limit.DRIFT_TAU:
        return None
    from scipy.optimize import isotonic_regression

    weights = np.array([len(part) for part in parts if len(part) >= 5], dtype=np.float64)
    smooth = isotonic_regression(level, weights=weights, increasing=trend.score > 0).x
    # The correction for dependence takes a smooth drift for that, too.
    left = float(np.var(level - smooth)) / max(float(np.var(level)), 1.0)
    if left > limit.DRIFT_CLEAR and (only_clear or trend.p_value > limit.DRIFT_P):
        return None
    low, high = float(smooth.min()), float(smooth.max())
    if high < (1 + limit.DRIFT_EFFECT) * low:
        return None
    fitted = np.interp(requests.intended, middle, smooth)
    usual = float(np.median(fitted))
    explained = np.where(requests.failed, 0.0, np.maximum(fitted - low, 0))
    per_s = (high - low) / max(float(middle[-1] - middle[0]), 1.0) * NS_PER_S
    rises = trend.score > 0
    level_name = "median" if quantile == 0.5 else f"{quantile * 100:.0f}th percentile"
    text = (
        f"the {level_name} of the service time {'rose' if rises else 'fell'} from"
        f" {format_ms(round(low if rises else high))} to {format_ms(round(high if rises else low))}"
        f" over the run (Kendall's tau {tau:+.2f})"
    )
    numbers = {"low_ns": low, "high_ns": high, "tau": float(tau), "ns_per_s": per_s}
    try_next = (
        "look for what grows: memory, a table or a cache without a limit, a queue; measure for"
        " longer, and restart the service to see whether the level comes back"
        if rises
        else "the service was warming up: give the plan a longer warm-up, and look at what its"
        " first requests have to load or compile"
    )
    return Finding(
        "drift", explained, (Evidence(text, numbers),), "timeline", try_next,
        typical_ns=usual - low,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SlowMode:
    """The slow modes of the service time together: ``slow`` are indexes of requests in them, which
    take ``least_ns`` or longer."""

    slow: NDArray[np.int64]
    fast: NDArray[np.int64]
    count: int
    least_ns: float

    @property
    def share(self) -> float:
        """The share of requests that are slow."""
        return len(self.slow) / (len(self.slow) + len(self.fast))


def slow_mode(requests: Requests, calm: Mask) -> SlowMode | None:
    """The requests of the slow modes, if there are several modes that differ enough.

    Those of a chain of caches are one cause, so all slow modes are taken together.
    """
    chosen = np.flatnonzero(calm & ~requests.failed)
    took = requests.service[chosen]
    if len(took) < limit.FEWEST:
        return None
    # What others take off a request may leave it next to nothing: no mode on a scale of ratios.
    took = np.maximum(took, max(0.25 * float(np.median(took)), 1.0))
    bins = (np.log(took) * BINS_PER_UNIT).astype(np.int64)
    counts = np.bincount(bins, minlength=_BINS)
    apart = math.log(limit.BIMODAL_RATIO) * BINS_PER_UNIT
    for smoothing in limit.BIMODAL_SMOOTHINGS:
        modes = find_modes(
            counts,
            least_share=limit.BIMODAL_SHARE,
            fewest=limit.FEWEST,
            deviations=limit.BIMODAL_DEVIATIONS,
            smoothing=smoothing,
        )
        cut = next((mode for mode in modes[1:] if mode.peak - modes[0].peak >= apart), None)
        if cut is not None:
            break
    else:
        return None
    slow = bins >= cut.start
    if float(np.mean(slow)) > limit.BIMODAL_MOST:
        return None
    least_ns = math.exp(cut.start / BINS_PER_UNIT)
    return SlowMode(chosen[slow], chosen[~slow], len(modes), least_ns)


def bimodal(requests: Requests, calm: Mask, held: Floats) -> Finding | None:
    """Two kinds of requests or more, at all times of the run: cache hits and misses.

    Requests that wait for each other may have two modes as well, but then neighbours are alike.
    What froze a request for up to ``held`` made it no slower than by that: who would have been slow
    without is of the slow kind.
    """
    found = slow_mode(requests, calm) or _far_mode(requests, calm)
    if found is None or present_ratio(requests, found.slow) < limit.BIMODAL_PRESENT:
        return None
    if serial(requests.service[found.slow]) >= limit.QUEUE_SERIAL:
        return None
    share = found.share
    fast_ns = float(np.median(requests.service[found.fast]))
    slow_ns = float(np.median(requests.service[found.slow]))
    if slow_ns - fast_ns < limit.SLICE_NS and _generator_waits(requests, slow_ns - fast_ns):
        return None
    explained = np.zeros(len(requests))
    explained[found.slow] = requests.service[found.slow] - fast_ns
    took = requests.service - held
    also = ~calm & ~requests.failed & (took >= found.least_ns)
    explained[also] = took[also] - fast_ns
    text = (
        f"{plural(found.count, 'peak')} of the service time: {format_share(1 - share)} of the"
        f" requests around {format_ms(round(fast_ns))} and {format_share(share)} around"
        f" {format_ms(round(slow_ns))}, at all times of the run"
    )
    numbers = {
        "fast_ns": fast_ns,
        "slow_ns": slow_ns,
        "fast_share_ratio": 1 - share,
        "slow_share_ratio": share,
    }
    return Finding(
        "bimodal",
        explained,
        (Evidence(text, numbers),),
        "histogram",
        "find what the slow requests have in common that the fast ones do not: a cache miss,"
        " another branch, a first use; trace some of both kinds",
        typical_ns=slow_ns - fast_ns if share > 0.5 else 0.0,
    )


def _far_mode(requests: Requests, calm: Mask) -> SlowMode | None:
    """A slow mode of too few requests for a peak, with a gap before it.

    Beyond its mode a unimodal density never rises: of those above the gap's lower edge, a share
    that is at most that of the gap in the range would be beyond it, each on its own. (The range is
    on a logarithmic scale; requests that were in flight together count as one.)
    """
    chosen = np.flatnonzero(calm & ~requests.failed)
    most = int(0.05 * len(chosen))
    if len(chosen) < limit.FEWEST or most < limit.FAR_FEWEST:
        return None
    order = chosen[np.argsort(requests.service[chosen], kind="stable")]
    slowest = np.log(np.maximum(requests.service[order[-most - 1 :]], 1.0))
    gaps = np.diff(slowest)
    for at in np.argsort(-gaps)[:3].tolist():
        slow = np.sort(order[len(order) - most + at :])
        sent, done = requests.sent[slow], np.maximum.accumulate(requests.done[slow])
        alone = 1 + int(np.count_nonzero(sent[1:] >= done[:-1]))
        inside = float(slowest[-1] - slowest[at + 1])
        chance = (inside / max(inside + float(gaps[at]), 1e-9)) ** alone
        if (
            alone >= limit.FAR_FEWEST
            and chance * most <= limit.FAR_P
            and gaps[at] >= math.log(limit.BIMODAL_RATIO)
        ):
            fast = np.setdiff1d(chosen, slow, assume_unique=True)
            return SlowMode(slow, fast, 2, float(requests.service[slow].min()))
    return None


def _generator_waits(requests: Requests, length_ns: float) -> bool:
    """Whether the generator is late by about as much, now and then: then both wait for a core."""
    late = float(np.quantile(requests.lag, 0.99)) if requests.is_open else 0.0
    return limit.NOISE_FELT_RATIO * late >= length_ns


def serial(took: Floats) -> float:
    """Rank correlation of neighbours, without the trend of all: those who wait for each other are
    alike, and requests of a kind are not. 0 if there are too few to say."""
    if len(took) < limit.FEWEST // 2:
        return 0.0
    at, ranks = np.linspace(-1, 1, len(took)), mean_ranks(took)
    fit = np.polynomial.chebyshev.chebfit(at, ranks, _DEGREE)
    left = ranks - np.polynomial.chebyshev.chebval(at, fit)
    return rank_correlation(left[:-1], left[1:])


def present_ratio(requests: Requests, slow: NDArray[np.int64]) -> float:
    """In which share of the batches of time a fair number of slow requests occurs."""
    at = (requests.intended[slow] - requests.intended[0]) / max(requests.window_ns, 1.0)
    count = max(min(limit.BIMODAL_BATCHES, len(slow) // 3), 1)
    batches = np.bincount(np.minimum((at * count).astype(int), count - 1), minlength=count)
    return float(np.mean(batches >= 0.25 * len(slow) / count))
