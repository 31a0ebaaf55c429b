from __future__ import annotations

import math

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.samples.percentile_interval import PercentileInterval, percentile_intervals
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.samples.statistics import PERCENTILES
from tests.samples.long import as_if_long
from tests.statistics.dependent import AutoRegression, samples_of

RATIOS = list(PERCENTILES.values())


def steady(latency_ns: np.ndarray) -> Samples:
    """One request per µs."""
    records = np.zeros(len(latency_ns), dtype=SAMPLE_DTYPE)
    records["intended_ns"] = records["sent_ns"] = np.arange(len(latency_ns)) * 1_000
    records["done_ns"] = records["intended_ns"] + latency_ns
    return Samples(records, ["GET /"])


def interval(samples: Samples, ratio: float, level: float = 0.95) -> PercentileInterval:
    return percentile_intervals(samples, 0, len(samples) * 1_000, [ratio], level)[0]


def test_independent_requests_have_about_the_interval_of_independent_requests() -> None:
    found = interval(steady(np.random.default_rng(5).permutation(100_000)), 0.9)
    assert found.value_ns == 90_000
    assert found.n_eff > 50_000
    assert found.low_ns is not None
    assert found.high_ns is not None
    half = (found.high_ns - found.low_ns) / 2
    independent = 1.96 * math.sqrt(100_000 * 0.09)
    assert 0.99 * independent < half < 1.6 * independent


def test_dependent_requests_have_a_wider_interval() -> None:
    rng = np.random.default_rng(6)
    blocks = np.repeat(rng.integers(0, 1_000_000, 1_000), 100)  # each value a hundred times
    found = interval(steady(blocks), 0.9)
    assert 300 < found.n_eff < 2_500
    assert found.is_two_sided


def test_constant_durations_have_no_width() -> None:
    found = interval(steady(np.full(10_000, 5_000)), 0.99)
    assert (found.value_ns, found.low_ns, found.high_ns) == (5_000, 5_000, 5_000)
    assert found.n_eff == 10_000


def test_a_rounded_duration_is_within_its_own_interval() -> None:
    rng = np.random.default_rng(7)
    rounded = np.round(rng.exponential(2, 20_000)).astype(np.int64) * 1_000_000
    for found in percentile_intervals(steady(rounded), 0, 20_000_000, RATIOS):
        assert found.low_ns is not None
        assert found.high_ns is not None
        assert found.value_ns is not None
        assert found.low_ns <= found.value_ns <= found.high_ns
        assert found.high_ns - found.low_ns <= 3_000_000


def test_below_the_floor_there_is_a_lower_bound_and_below_320_requests_nothing() -> None:
    values = np.random.default_rng(8).permutation(6_000)
    found = percentile_intervals(steady(values[:320]), 0, 320_000, RATIOS)
    assert [item.is_two_sided for item in found] == [True, True, True, False, False]
    assert [item.low_ns is not None for item in found] == [True] * 5
    assert found[-1].describe().startswith("≥ ")
    for item in percentile_intervals(steady(values[:319]), 0, 319_000, RATIOS):
        assert (item.low_ns, item.high_ns, item.n_eff) == (None, None, 0)
        assert item.value_ns is not None
        assert item.to_dict()["n_eff"] is None
        assert item.describe() == "–"


def test_without_samples_there_is_no_percentile() -> None:
    found = interval(Samples.empty(), 0.5)
    assert found == PercentileInterval(0.5, 0.95, None, None, None, 0.0, 0)


def test_requests_in_one_short_burst_say_nothing() -> None:
    samples = steady(np.random.default_rng(9).permutation(10_000))
    (found,) = percentile_intervals(samples, 0, 10_000 * 1_000 * 40, [0.5])
    assert (found.low_ns, found.high_ns, found.count) == (None, None, 10_000)


def test_a_higher_level_is_wider() -> None:
    samples = steady(np.random.default_rng(10).permutation(50_000))
    low, high = interval(samples, 0.5, level=0.5), interval(samples, 0.5, level=0.99)
    assert low.low_ns is not None
    assert high.low_ns is not None
    assert low.high_ns is not None
    assert high.high_ns is not None
    assert high.low_ns < low.low_ns < 25_000 < low.high_ns < high.high_ns


def test_the_same_in_blocks_as_at_once() -> None:
    series = AutoRegression(0.8, "exponential").draw(np.random.default_rng(11), 4_000)
    rounded = series.latency_ns // 100_000 * 100_000
    for latency_ns in (series.latency_ns, rounded):
        records = samples_of(series).records.copy()
        records["done_ns"] = records["intended_ns"] + latency_ns
        samples = Samples(records, ["GET /"])
        whole = percentile_intervals(samples, 0, series.end_ns, RATIOS)
        with as_if_long(500):
            assert percentile_intervals(samples, 0, series.end_ns, RATIOS) == whole


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"ratios": [99]}, "ratio"),
        ({"ratios": [0]}, "ratio"),
        ({"ratios": ["p99"]}, "ratio"),
        ({"ratios": [0.5], "level": 1}, "level"),
        ({"ratios": [math.nan]}, "ratio"),
        ({"ratios": [0.5], "duration": "latency_ns"}, "duration"),
    ],
)
def test_what_is_no_percentile_is_refused(options: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        percentile_intervals(Samples.empty(), 0, 1, **options)  # type: ignore[arg-type]
    assert caught.value.field == field
