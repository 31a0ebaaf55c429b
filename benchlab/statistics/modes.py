"""Modes of a distribution: separate peaks of its smoothed histogram on a logarithmic scale.

Peaks of a density estimate come and go with its bandwidth and with chance, so a valley counts only
if it is deep, and deeper than the density's standard error explains. The bandwidth is Silverman's
rule (B. W. Silverman, *Density Estimation for Statistics and Data Analysis*, 1986, 3.31) with a
lower limit, since modes that differ by a few percent are no kinds of requests.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS_PER_UNIT", "Mode", "find_modes"]

BINS_PER_UNIT = 64
"""Bins for each unit of the natural logarithm: each is 1.6 % wide."""

_FEWEST = 500
_NARROWEST = 0.06
_SHALLOWEST = 0.5  # of the lower peak
_LEAST_SHARE = 0.02
_DEVIATIONS = 5.0


class Mode(NamedTuple):
    """A mode: the bin of its peak, and the bins from ``start`` to ``end`` that belong to it."""

    peak: int
    start: int
    end: int
    share: float


def find_modes(
    counts: NDArray[Any],
    *,
    least_share: float = _LEAST_SHARE,
    fewest: int = _FEWEST,
    deviations: float = _DEVIATIONS,
    smoothing: float = 1.0,
) -> list[Mode]:
    """The modes of values that were counted in bins of ln(value) × `BINS_PER_UNIT`, from 0.

    In order; one mode if there are not several, and none if there are fewer than ``fewest`` values.
    A mode has at least ``least_share`` of them, and a valley is ``deviations`` standard errors
    deep. The bandwidth is ``smoothing`` times that of Silverman's rule, which is too wide for a
    small mode beside a wide one.
    """
    total = float(counts.sum())
    if total < fewest:
        return []
    width = max(smoothing * _bandwidth(counts, total), _NARROWEST) * BINS_PER_UNIT
    reach = math.ceil(4 * width)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(np.asarray(counts, dtype=np.float64), reach)
    density = np.convolve(padded, kernel, "same")
    # Smoothing averages over some 2 √π bandwidths of bins, so a count of f has this variance:
    variance = density / (2 * math.sqrt(math.pi) * width)
    up_to = np.concatenate([[0.0], np.cumsum(padded)]) / total
    filled = np.flatnonzero(padded)
    peaks = _peaks(density)
    while len(peaks) > 1:
        valleys = [
            low + int(np.argmin(density[low : high + 1])) for low, high in itertools.pairwise(peaks)
        ]
        edges = [int(filled[0]), *valleys, int(filled[-1]) + 1]
        shares = np.diff(up_to[edges])
        weakest, depth = _weakest(density, variance, peaks, valleys, deviations)
        small = int(np.argmin(shares))
        if shares[small] < least_share:
            del peaks[small]
        elif depth > 0:
            del peaks[weakest]
        else:
            return [
                Mode(peak - reach, start - reach, end - reach, share)
                for peak, (start, end), share in zip(
                    peaks, itertools.pairwise(edges), shares.tolist(), strict=True
                )
            ]
    return [Mode(peaks[0] - reach, int(filled[0]) - reach, int(filled[-1]) + 1 - reach, 1.0)]


def _bandwidth(counts: NDArray[Any], total: float) -> float:
    """Silverman's rule in units of the logarithm."""
    place = np.arange(len(counts)) / BINS_PER_UNIT
    mean = float(counts @ place) / total
    deviation = math.sqrt(float(counts @ (place - mean) ** 2) / total)
    up_to = np.cumsum(counts) / total
    low, high = (place[int(np.searchsorted(up_to, ratio))] for ratio in (0.25, 0.75))
    spread = min(deviation, float(high - low) / 1.34) or deviation
    return max(0.9 * spread / math.pow(total, 0.2), _NARROWEST)


def _peaks(density: NDArray[np.float64]) -> list[int]:
    rising = np.diff(density, prepend=-1.0, append=-1.0)
    return np.flatnonzero((rising[:-1] > 0) & (rising[1:] <= 0)).tolist()


def _weakest(
    density: NDArray[np.float64],
    variance: NDArray[np.float64],
    peaks: list[int],
    valleys: list[int],
    deviations: float,
) -> tuple[int, float]:
    """The peak that stands out least, and by how much its valley is too shallow: 0 if it is not."""
    worst, lacking = 0, -math.inf
    for number, valley in enumerate(valleys):
        lower = number if density[peaks[number]] < density[peaks[number + 1]] else number + 1
        height = float(density[peaks[lower]])
        error = deviations * math.sqrt(float(variance[peaks[lower]] + variance[valley]))
        most = min(_SHALLOWEST * height, height - error)
        if density[valley] - most > lacking:
            worst, lacking = lower, float(density[valley]) - most
    return worst, max(lacking, 0.0)
