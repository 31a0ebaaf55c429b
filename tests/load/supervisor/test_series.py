"""The course of a run while it goes on agrees with what its samples say exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchlab import ClosedLoop, ConstantRate, Plan, Request
from benchlab.analysis.in_flight import in_flight
from benchlab.load.supervisor.series import MOST_POINTS, SeriesBins
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from benchlab.units import NS_PER_S

REQUEST = Request("GET", "http://127.0.0.1:1/")


def made(count: int, seconds: float) -> NDArray[np.void]:
    rng = np.random.default_rng(7)
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(count)
    records["intended_ns"] = np.sort(rng.integers(0, round(seconds * NS_PER_S), count))
    records["sent_ns"] = records["intended_ns"] + rng.lognormal(11, 0.5, count).astype(np.int64)
    records["done_ns"] = records["sent_ns"] + rng.lognormal(17, 0.6, count).astype(np.int64)
    records["error"][rng.random(count) < 0.1] = ErrorKind.TIMEOUT
    return records[np.argsort(records["done_ns"])]


@pytest.mark.parametrize("seconds", [20.0, 150.0], ids=["as planned", "widths doubled"])
def test_it_agrees_with_the_samples_whatever_the_blocks(seconds: float) -> None:
    """The second run takes far longer than its bins reach at first."""
    plan = Plan(REQUEST, ClosedLoop(4), request_count=9000)
    records, bins = made(9000, seconds), SeriesBins(plan)
    for block in np.array_split(records, 23):
        bins.take(block)
    end_ns = int(records["done_ns"].max()) + 1
    series = bins.series(end_ns, complete=True)
    width_ns, count = bins.width_ns, len(series.t_s)
    assert width_ns == round(0.2 * NS_PER_S) * (1 if seconds < 60 else 4)
    assert count <= MOST_POINTS
    assert count == -(-end_ns // width_ns)
    assert series.t_s == pytest.approx(np.arange(count) * width_ns / NS_PER_S)
    places = records["done_ns"] // width_ns
    number = np.bincount(places, minlength=count)
    assert series.rate_rps == pytest.approx(number / series.width_s)
    failed = np.bincount(places[records["error"] != 0], minlength=count)
    assert series.error_rps == pytest.approx(failed / series.width_s)
    latencies = records["done_ns"] - records["intended_ns"]
    lags = records["sent_ns"] - records["intended_ns"]
    for column, values, ratio in (
        (series.p50_ms, latencies, 50),
        (series.p99_ms, latencies, 99),
        (series.lag_p99_ms, lags, 99),
    ):
        exact = [
            np.percentile(values[places == place], ratio, method="inverted_cdf") / 1e6
            if number[place]
            else math.nan
            for place in range(count)
        ]
        assert column == pytest.approx(exact, rel=0.011, nan_ok=True)
    whole = in_flight(Samples(records), 0, count * width_ns, width_ns).mean
    assert series.in_flight == pytest.approx(whole, abs=1e-6)


def test_only_what_is_known_is_in_it() -> None:
    plan = Plan(REQUEST, ConstantRate(450), duration_s=20)
    records, bins = made(9000, 20), SeriesBins(plan)
    seen = records[records["done_ns"] < 10 * NS_PER_S]
    bins.take(seen)
    series = bins.series(10 * NS_PER_S, complete=False)
    width_ns = bins.width_ns
    assert series.t_s[-1] * NS_PER_S + width_ns <= 9.5 * NS_PER_S, "not written completely yet"
    known = [value for value in series.in_flight if not math.isnan(value)]
    assert 0 < len(known) < len(series.t_s)
    exact = in_flight(Samples(records), 0, len(known) * width_ns, width_ns).mean
    assert known == pytest.approx(exact, abs=1e-6), "those still open count too"


def test_a_silent_service_leaves_gaps_and_no_points_beyond_the_most() -> None:
    bins = SeriesBins(Plan(REQUEST, ClosedLoop(1), request_count=5))
    assert bins.series(0, complete=False).t_s == ()
    series = bins.series(3600 * NS_PER_S, complete=False)
    assert MOST_POINTS / 2 < len(series.t_s) <= MOST_POINTS
    assert set(series.rate_rps) == {0.0}
    assert all(math.isnan(value) for value in (*series.p99_ms, *series.in_flight))


@pytest.mark.parametrize(("seconds", "width_s"), [(1, 0.2), (48, 0.2), (49, 0.5), (86_400, 2)])
def test_the_width_follows_from_the_length(seconds: float, width_s: float) -> None:
    plan = Plan(REQUEST, ConstantRate(1), duration_s=seconds)
    assert SeriesBins(plan).width_ns == round(width_s * NS_PER_S)
