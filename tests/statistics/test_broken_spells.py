"""Broken spells of a limit on the share of bad requests: found, and located in time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchlab.statistics.broken_spells import (
    Spell,
    broken_spells,
    chance_count,
    change_time,
)
from benchlab.units import NS_PER_S

ALLOWED = 0.01
TIMES = NDArray[np.int64]


def made(
    seed: int,
    *spells: tuple[float, float, float],
    rate_rps: float = 500.0,
    length_s: float = 30.0,
    usual: float = 0.002,
) -> tuple[TIMES, NDArray[np.bool_]]:
    """Requests at random times of which the share ``usual`` is bad, in ``spells`` another one."""
    drawn = np.random.default_rng(seed)
    times_s = np.sort(drawn.random(int(rate_rps * length_s))) * length_s
    share = np.full(len(times_s), usual)
    for start_s, end_s, depth in spells:
        share[(times_s >= start_s) & (times_s < end_s)] = depth
    return (times_s * NS_PER_S).astype(np.int64), drawn.random(len(times_s)) < share


def found_in(
    requests: tuple[TIMES, NDArray[np.bool_]], *, window_s: float = 2.0, length_s: float = 30.0
) -> list[Spell]:
    window_ns, end_ns = round(window_s * NS_PER_S), round(length_s * NS_PER_S)
    return broken_spells(*requests, ALLOWED, window_ns, 0, end_ns)


def binomial_tail(least: int, count: int, ratio: float) -> float:
    return 1 - sum(
        math.comb(count, k) * ratio**k * (1 - ratio) ** (count - k) for k in range(least)
    )


@pytest.mark.parametrize(
    ("count", "ratio"), [(100, 0.01), (1_000, 0.01), (10_000, 0.001), (400, 0.1), (200, 0.5)]
)
def test_chance_exceeds_its_count_once_in_a_thousand_windows(count: int, ratio: float) -> None:
    """The exact binomial distribution says how often; the approximation may be one request off."""
    first_broken = math.floor(float(chance_count(count, ratio))) + 1
    assert binomial_tail(first_broken + 1, count, ratio) < 0.001
    assert binomial_tail(first_broken, count, ratio) < 0.0015
    assert binomial_tail(first_broken - 2, count, ratio) > 0.001
    assert chance_count(count, 0.0) == 0


def test_a_change_from_none_to_all_is_located_exactly() -> None:
    times_ns = np.arange(100, dtype=np.int64) * 1_000
    bad = times_ns >= 40_000
    rise, fall = change_time(times_ns, bad, rising=True), change_time(times_ns, ~bad, rising=False)
    assert rise is not None
    assert fall is not None
    assert abs(rise.at_ns - 40_000) < 1_000
    assert (rise.low_ns, rise.high_ns) == (fall.low_ns, fall.high_ns) == (40_000, 40_000)
    # The best place is that of the two likelihoods multiplied out.
    assert rise.gain == pytest.approx(-(60 * math.log(0.6) + 40 * math.log(0.4)))
    assert change_time(times_ns, bad, rising=False) is None
    assert change_time(times_ns, np.zeros(100, dtype=np.bool_), rising=True) is None
    assert change_time(times_ns[:1], bad[:1], rising=True) is None


def test_the_interval_of_a_change_holds_it_nineteen_times_of_twenty() -> None:
    inside = 0
    for seed in range(200):
        times_ns, bad = made(10_000 + seed, (4.0, 10.0, 0.15), length_s=10.0)
        change = change_time(times_ns, bad, rising=True)
        assert change is not None
        inside += change.low_ns <= 4 * NS_PER_S <= change.high_ns
    assert inside >= 180


@pytest.mark.parametrize(
    ("length_s", "depth", "usual"),
    [(0.2, 1.0, 0.002), (1.0, 0.5, 0.006), (5.0, 1.0, 0.0), (5.0, 0.5, 0.006), (5.0, 0.1, 0.002)],
)
def test_onset_and_end_are_located(length_s: float, depth: float, usual: float) -> None:
    """Within 50 ms, or 5 % of the length, in 95 of 100; seeds it was not developed on."""
    tolerance_s = max(0.05, 0.05 * length_s)
    errors_s = []
    for seed in range(40):
        start_s = 12 + 0.0137 * seed
        requests = made(77_000 + seed, (start_s, start_s + length_s, depth), usual=usual)
        (spell,) = found_in(requests)
        assert spell.start is not None
        assert spell.end is not None
        errors_s.append(abs(spell.start.at_ns / NS_PER_S - start_s))
        errors_s.append(abs(spell.end.at_ns / NS_PER_S - start_s - length_s))
    assert np.mean(np.array(errors_s) <= tolerance_s) >= 0.95


def test_nothing_breaks_below_the_limit() -> None:
    """Of 300 windows of a service at half of its limit none is broken."""
    for seed in range(20):
        assert found_in(made(5_000 + seed, usual=0.005)) == []


def test_bursts_within_a_window_are_one_spell_and_others_are_not() -> None:
    bursts = [(10.0 + 1.5 * number, 10.1 + 1.5 * number, 1.0) for number in range(5)]
    (spell,) = found_in(made(1, *bursts, usual=0.0))
    assert spell.start_ns(0) == pytest.approx(10.0 * NS_PER_S, abs=0.05 * NS_PER_S)
    assert spell.end_ns(0) == pytest.approx(16.1 * NS_PER_S, abs=0.05 * NS_PER_S)
    apart = found_in(made(1, (10.0, 10.1, 1.0), (13.0, 13.1, 1.0), usual=0.0))
    assert [round(each.start_ns(0) / NS_PER_S, 1) for each in apart] == [10.0, 13.0]


def test_what_is_broken_at_an_edge_has_no_beginning_or_no_end() -> None:
    (whole,) = found_in(made(3, (0.0, 30.0, 1.0)))
    assert whole == Spell(None, None)
    (early,) = found_in(made(3, (0.0, 8.0, 0.8)))
    assert early.start is None
    assert early.end_ns(0) == pytest.approx(8 * NS_PER_S, abs=0.05 * NS_PER_S)
    (late,) = found_in(made(3, (22.0, 30.0, 0.8)))
    assert late.end is None
    assert late.start_ns(0) == pytest.approx(22 * NS_PER_S, abs=0.05 * NS_PER_S)
    # Half a window after it is enough to say that it ended, and less is not.
    (ended,) = found_in(made(3, (20.0, 28.8, 1.0)))
    assert ended.end_ns(0) == pytest.approx(28.8 * NS_PER_S, abs=0.05 * NS_PER_S)
    (open_end,) = found_in(made(3, (20.0, 29.5, 1.0)))
    assert open_end.end is None


def test_few_requests_and_none() -> None:
    nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    assert found_in(nothing) == []
    one = np.array([NS_PER_S]), np.array([True])
    assert found_in(one) == []  # chance explains one
    (always,) = broken_spells(*one, 0.0, NS_PER_S, 0, 30 * NS_PER_S)
    assert always.start_ns(0) <= NS_PER_S
