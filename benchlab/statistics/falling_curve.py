"""A curve that never rises, fitted to probes: isotonic regression with an interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["falling_curve"]


def falling_curve(
    rates_rps: NDArray[np.float64],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    level: float = 0.95,
    resamples: int = 500,
    seed: int = 1,
) -> list[tuple[float, float, float, float]]:
    """The isotonic fit of ``shares`` by rate, non-increasing, at each different rate.

    Rows of rate, fitted share, and the ends of its interval. The interval is the percentile
    bootstrap over probes (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, ch. 13):
    requests of one probe depend on each other and share what spoils it, so the probe is the unit. A
    resample that lacks a rate is interpolated there, and constant beyond its own rates. The fit is
    by pool adjacent violators (`scipy.optimize.isotonic_regression`).
    """
    points = np.unique(rates_rps)
    if len(points) == 0:
        return []
    fitted = _fit(points, rates_rps, shares, weights)
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, len(points)))
    for row in drawn:
        chosen = rng.integers(0, len(rates_rps), len(rates_rps))
        row[:] = _fit(points, rates_rps[chosen], shares[chosen], weights[chosen])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    rows = zip(points, fitted, np.minimum(low, fitted), np.maximum(high, fitted), strict=True)
    return [(float(rate), float(y), float(lo), float(hi)) for rate, y, lo, hi in rows]


def _fit(
    points: NDArray[np.float64],
    rates_rps: NDArray[np.float64],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    from scipy.optimize import isotonic_regression

    known, place = np.unique(rates_rps, return_inverse=True)
    mass = np.bincount(place, weights)
    mean = np.bincount(place, weights * shares) / mass
    fit = isotonic_regression(mean, weights=mass, increasing=False).x
    found: NDArray[np.float64] = np.interp(np.log(points), np.log(known), fit)
    return found
