"""Stages, steps and spikes: the schedule is the area under the rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.shapes import BLOCK, ConstantRate, PoissonRate, Spike, Stages, Steps
from benchlab.plan.shapes.rate_curve import Piece, RateCurve
from benchlab.plan.shapes.varying_rate import VaryingRate
from benchlab.units import NS_PER_S, seconds_to_ns
from tests.plan.shapes.shapes import lengths_s, levels_rps, offsets_of, varying

pieces = st.lists(st.builds(Piece, lengths_s, levels_rps, levels_rps), min_size=1, max_size=4)
curves = pieces.filter(lambda some: any(max(p[1:]) > 0 for p in some)).map(RateCurve)


@given(varying, st.integers(0, 2**32), st.floats(0.001, 1))
def test_a_varying_schedule_is_in_order_inside_its_time_and_repeatable(
    load: Stages | Steps | Spike, seed: int, share: float
) -> None:
    duration_ns = max(1, seconds_to_ns(load.duration_s * share))
    offsets = offsets_of(load, duration_ns, seed)
    assert np.all(np.diff(offsets) >= 0)
    assert np.all((offsets >= 0) & (offsets < duration_ns))
    assert np.array_equal(offsets, offsets_of(load, duration_ns, seed))


@given(varying, st.floats(0.001, 1))
def test_evenly_spaced_requests_are_where_the_area_is_whole(
    load: Stages | Steps | Spike, share: float
) -> None:
    duration_ns = max(1, seconds_to_ns(load.duration_s * share))
    curve = load.curve()
    offsets = np.concatenate(
        [np.empty(0, dtype=np.int64), *curve.offsets(duration_ns, 1, "constant")]
    )
    area = curve.area(duration_ns / NS_PER_S)
    assert len(offsets) == round(area)
    peak_rps = 20_000
    reached = np.array([curve.area(int(offset) / NS_PER_S) for offset in offsets[:200]])
    assert np.all(np.abs(reached - np.arange(len(reached))) <= peak_rps * 2e-9 + 1e-6)


@given(curves, st.floats(0, 1))
def test_the_inverse_undoes_the_area(curve: RateCurve, share: float) -> None:
    area = share * curve.area(1e9)
    (time_s,) = curve.times_s(np.array([area]))
    assert curve.area(float(time_s)) == pytest.approx(area, rel=1e-9, abs=1e-6)


def test_each_stage_has_the_requests_of_its_area() -> None:
    load = Stages([(2, 100), (3, 100), (1, 400), (2, 0)], start_rps=50)
    offsets = offsets_of(load, seconds_to_ns(load.duration_s)) / NS_PER_S
    counts = np.histogram(offsets, [0, 2, 5, 6, 8])[0]
    assert counts.tolist() == [150, 300, 250, 400]


def test_a_ramp_from_nothing_grows_with_the_square_of_time() -> None:
    offsets = offsets_of(Stages([(10, 100)]), 10 * NS_PER_S) / NS_PER_S
    assert len(offsets) == 500
    assert np.allclose(offsets, np.sqrt(np.arange(500) / 5), atol=1e-8)


def test_steps_hold_their_rates_and_pauses_stay_empty() -> None:
    load = Steps([(1, 10), (2, 0), (1, 20)])
    offsets = offsets_of(load, 4 * NS_PER_S)
    assert offsets[:10].tolist() == [k * 100_000_000 for k in range(10)]
    assert offsets[10:].tolist() == [3 * NS_PER_S + k * 50_000_000 for k in range(20)]


def test_a_varying_rate_knows_its_peak() -> None:
    assert Stages([(1, 10), (2, 70), (1, 0)], start_rps=50).highest_rps == 70
    assert Stages([(1, 10)], start_rps=50).highest_rps == 50
    assert Spike(1, 20, 1, 1, 3).highest_rps == 20


def test_the_corners_of_a_curve_draw_it() -> None:
    times_s, rates_rps = Steps([(1, 10), (2, 0)]).curve().corners
    assert times_s.tolist() == [0, 1, 1, 3]
    assert rates_rps.tolist() == [10, 10, 0, 0]
    times_s, rates_rps = Stages([(1, 10), (2, 0)], start_rps=5).curve().corners
    assert times_s.tolist() == [0, 1, 1, 3]
    assert rates_rps.tolist() == [5, 10, 10, 0]


def test_one_step_is_a_constant_rate() -> None:
    steps, constant = Steps([(3, 333)]), ConstantRate(333)
    difference = offsets_of(steps, 3 * NS_PER_S) - offsets_of(constant, 3 * NS_PER_S)
    assert np.abs(difference).max() <= 1


def test_a_spike_has_its_peak_and_nothing_else_changes() -> None:
    load = Spike(base_rps=10, peak_rps=200, at_s=2, length_s=0.5, duration_s=5)
    offsets = offsets_of(load, 5 * NS_PER_S) / NS_PER_S
    assert np.histogram(offsets, [0, 2, 2.5, 5])[0].tolist() == [20, 100, 25]


@pytest.mark.parametrize("seed", range(3))
def test_poisson_stages_are_a_poisson_process_of_that_rate(seed: int) -> None:
    """Rescaled by the area, the gaps are exponential with mean 1 (Kolmogorov-Smirnov)."""
    load = Stages([(10, 1000), (10, 200)], start_rps=10, arrivals="poisson")
    curve = load.curve()
    offsets = offsets_of(load, 20 * NS_PER_S, seed) / NS_PER_S
    area = curve.area(20)
    assert abs(len(offsets) - area) < 5 * np.sqrt(area)
    gaps = np.sort(np.diff([curve.area(time_s) for time_s in offsets]))
    distance = np.abs(1 - np.exp(-gaps) - (np.arange(len(gaps)) + 0.5) / len(gaps)).max()
    assert distance < 1.95 / np.sqrt(len(gaps))  # p = 0.001


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_a_long_varying_schedule_comes_in_bounded_blocks(arrivals: str) -> None:
    load = Stages([(10, 20_000), (10, 0)], arrivals=arrivals)
    sizes = [len(block) for block in load.offsets(20 * NS_PER_S, seed=1)]
    assert len(sizes) > 90
    assert max(sizes) <= BLOCK


@pytest.mark.parametrize(
    ("load", "steady"),
    [
        (Stages([(10, 0), (5, 30), (5, 60)]), ConstantRate(15)),
        (Stages([(10, 0), (5, 60)], start_rps=30), ConstantRate(30)),
        (Stages([(10, 50)], start_rps=7, arrivals="poisson"), PoissonRate(7)),
        (Steps([(1, 0), (1, 40)]), ConstantRate(40)),
        (Spike(5, 50, 1, 1, 3), ConstantRate(5)),
        (Spike(0, 50, 1, 1, 3), ConstantRate(50)),
    ],
)
def test_warm_up_runs_at_the_first_rate_above_zero(load: Any, steady: Any) -> None:
    assert load.steady() == steady


@pytest.mark.parametrize("shape", [Stages, Steps])
@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "0 entries"),
        ("10s:5", "give pairs"),
        (7, "give pairs"),
        ([(1, 2), (3,)], r"st\w+: entry 2 is \(3,\)"),
        ([(0, 5)], r"entry 1 of st\w+: duration_s=0 must be"),
        ([(1, 5), (1, -1)], r"entry 2 of st\w+: rate_rps=-1 must be"),
        ([("1", 5)], r"entry 1 of st\w+: duration_s='1'"),
        ([(1, 1e9)], r"entry 1 of st\w+: rate_rps=1000000000.0"),
        ([(1, 0), (2, 0)], "0 all the time"),
        ([(1, 1)] * 10_001, "10,001 entries"),
    ],
)
def test_invalid_levels_error_names_the_entry(shape: Any, pairs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        shape(pairs)


def test_invalid_arrivals_or_start_error_names_them() -> None:
    with pytest.raises(InputError, match="arrivals='uniform' is unknown: use constant or poisson"):
        Steps([(1, 1)], arrivals="uniform")
    with pytest.raises(InputError, match="start_rps=-1"):
        Stages([(1, 1)], start_rps=-1)


def test_peak_must_end_before_the_spike_does() -> None:
    with pytest.raises(
        InputError, match="duration_s=3 ends before the peak does, which lasts from 2 s to 4 s"
    ):
        Spike(1, 10, 2, 2, 3)
    assert Spike(1, 10, 0.1, 0.2, 0.3).duration_s == 0.3  # although 0.1 + 0.2 > 0.3
    with pytest.raises(InputError, match="peak_rps=0"):
        Spike(1, 0, 1, 1, 3)


def test_shapes_describe_themselves() -> None:
    assert Stages([(30, 500), (60, 500)]).describe() == (
        "open loop from 0 to 500 in 30 s, 500 in 60 s (requests/s), evenly spaced"
    )
    assert Steps([(1, 10), (2.5, 1500)], arrivals="poisson").describe() == (
        "open loop of 10 for 1 s, 1,500 for 2.5 s (requests/s), at random (Poisson) intervals"
    )
    assert Spike(10, 100, 5, 2, 20).describe() == (
        "open loop of 10 requests/s, 100 from 5 s to 7 s, evenly spaced"
    )
    assert "… (6 more steps)" in Steps([(1, 1)] * 10).describe()


times_s = st.integers(1, 10**12).map(lambda ns: round(ns / 1e9, 9))
rates_rps = st.floats(0.001, 1e6).map(lambda rate: float(f"{rate:.12g}"))
levels = st.lists(st.tuples(times_s, rates_rps), min_size=1, max_size=4)


@given(levels, st.one_of(st.just(0.0), rates_rps))
def test_stages_notation_round_trips(pairs: list[tuple[float, float]], start: float) -> None:
    load = Stages(pairs, start)
    assert Stages.parse(load.notation()) == load


@given(levels)
def test_steps_notation_round_trips(pairs: list[tuple[float, float]]) -> None:
    load = Steps(pairs)
    assert Steps.parse(load.notation()) == load


@given(rates_rps, rates_rps)
def test_spike_notation_round_trips(base: float, peak: float) -> None:
    load = Spike(base, peak, 1.25, 0.5, 60)
    assert Spike.parse(load.notation()) == load


def test_notation_may_have_spaces_and_a_start() -> None:
    assert Stages.parse("30s:500, 1m:500,10s:0") == Stages([(30, 500), (60, 500), (10, 0)])
    assert Stages.parse("30s:100-500,1m:500-250") == Stages([(30, 500), (60, 250)], 100)
    assert Stages.parse("30:0-1e3") == Stages([(30, 1000)])
    assert Steps.parse("10s:100,500ms:0", "poisson") == Steps([(10, 100), (0.5, 0)], "poisson")
    spike = Spike.parse("base=10,peak=100,at=5s,length=1s,duration=20s")
    assert spike == Spike(10, 100, 5, 1, 20)


@pytest.mark.parametrize(
    ("shape", "text", "message"),
    [
        (Stages, "", "stages='' cannot be used: a part of it is '': write DURATION:RATE"),
        (Stages, "10s", "a part of it is '10s'"),
        (Stages, "10s:fast", "'fast' is not a rate"),
        (Stages, "10x:5", "unit 'x'"),
        (Stages, "10s:5,10s:7-9", "stage 2 starts at 7 .* ends at 5"),
        (Stages, "10s:-5", "'' is not a rate"),
        (Steps, "10s:5,,5s:1", "a part of it is ''"),
        (Steps, "10s:1-2", "'1-2' is not a rate"),
        (Steps, "0s:5", "entry 1 of steps: duration_s=0.0 must be"),
        (Spike, "10", "a part of it is '10': write base=100"),
        (Spike, "base=1,base=2", "a part of it is 'base=2'"),
        (Spike, "base=1,peak=2", "the key at, duration, length is missing"),
        (Spike, "base=1,peak=2,at=1s,length=1s,total=9s", "the key duration, total is unknown"),
    ],
)
def test_invalid_notation_error_names_the_part(
    shape: type[VaryingRate], text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        shape.parse(text)
