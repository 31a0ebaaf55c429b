"""How often a history without changes has one, and how often a step is found. make bench runs it.

Each series is gone through run by run, so an alarm at any time counts. The seeds are others than
those that the detector was developed with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from benchlab.experiments.history import SMALLEST_CHANGE
from benchlab.statistics.change_points import Change, change_points

Values = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Values]

_SERIES, _RUNS, _SPREAD = 200, 100, 0.03
_MOST_ALARMS = 16


def _correlated(correlation: float) -> Noise:
    def draw(rng: np.random.Generator, count: int) -> Values:
        new = rng.normal(size=count + 50) * np.sqrt(1 - correlation**2)
        return np.asarray(lfilter([1.0], [1.0, -correlation], new)[50:])

    return draw


def _skewed(rng: np.random.Generator, count: int) -> Values:
    return np.asarray((rng.lognormal(size=count) - np.exp(0.5)) / 2.16)


def _bimodal(rng: np.random.Generator, count: int) -> Values:
    return np.asarray(0.3 * rng.normal(size=count) + 2.0 * (rng.random(count) < 0.3))


_NOISE: Final[Mapping[str, Noise]] = {
    "lognormal": lambda rng, count: rng.normal(size=count),
    "heavy tails": lambda rng, count: rng.standard_t(3, count),
    "skewed": _skewed,
    "bimodal": _bimodal,
    "AR(1) 0.2": _correlated(0.2),
    "AR(1) 0.3": _correlated(0.3),
}
"""Noise on the logarithm of the metric, in units of its spread."""


def _found(values: Values) -> list[Change]:
    return change_points(values, min_difference=np.log1p(SMALLEST_CHANGE))


@pytest.mark.parametrize("kind", _NOISE)
def test_pure_noise_rarely_has_a_change(kind: str) -> None:
    alarms = 0
    for seed in range(_SERIES):
        noise = _NOISE[kind](np.random.default_rng([20_261_128, seed]), _RUNS)
        alarms += bool(_found(_SPREAD * noise))
    print(f"{kind}: {alarms} of {_SERIES} series of {_RUNS} runs have a false alarm")
    assert alarms <= _MOST_ALARMS


@pytest.mark.parametrize(("kind", "fewest"), [("lognormal", 0.95), ("heavy tails", 0.85)])
def test_a_step_of_ten_percent_is_found_in_three_percent_of_noise(kind: str, fewest: float) -> None:
    hits = covered = 0
    delays = []
    for seed in range(_SERIES):
        noise = _NOISE[kind](np.random.default_rng([20_261_129, seed]), _RUNS)
        values = _SPREAD * noise + np.log(1.1) * (np.arange(_RUNS) >= 60)
        near = [change for change in _found(values) if abs(change.index - 60) <= 3]
        if near:
            hits += 1
            covered += near[0].first <= 60 <= near[0].last
            delays.append(near[0].named_at - 59)
    print(
        f"{kind}: {hits} of {_SERIES} steps are found, after {np.median(delays):.0f} runs (median)"
        f" or {np.quantile(delays, 0.9):.0f} (90 %); the range holds the place in {covered}"
    )
    assert hits >= fewest * _SERIES
    assert covered >= 0.93 * hits
