"""Recorded arrival times, from a list, a file and an earlier run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.shapes import BLOCK, ConstantRate, Replay
from benchlab.units import NS_PER_S, seconds_to_ns
from tests.plan.shapes.shapes import offsets_of
from tests.runs.synthetic import make_run


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=200))
def test_a_replay_sends_at_exactly_the_recorded_times(times_ns: list[int]) -> None:
    load = Replay([time_ns / NS_PER_S for time_ns in times_ns])
    offsets = offsets_of(load, seconds_to_ns(load.duration_s) + 1)
    assert offsets.tolist() == sorted(times_ns)
    half = offsets_of(load, max(times_ns) // 2 + 1)
    assert half.tolist() == [time for time in sorted(times_ns) if time <= max(times_ns) // 2]


def test_a_replay_lasts_one_mean_gap_longer_than_its_arrivals() -> None:
    assert Replay([0, 1, 2, 3]).duration_s == 4
    assert Replay([5]).duration_s == 6
    assert Replay([0, 0]).duration_s == 1
    assert Replay([0, 1e-300]).steady() == ConstantRate(2_000_000)
    assert Replay([0, 1, 2, 3]).steady() == ConstantRate(1)
    assert Replay([0, 1, 1.25, 1.5, 3]).highest_rps == 3
    assert Replay([0, 0.01]).highest_rps == 100
    assert Replay([0, 1]).describe() == "replay of 2 recorded arrivals"


def test_a_long_replay_comes_in_bounded_blocks() -> None:
    load = Replay([k / 1000 for k in range(10_000)])
    sizes = [len(block) for block in load.offsets(10 * NS_PER_S, seed=1)]
    assert sum(sizes) == 10_000
    assert max(sizes) == BLOCK


@pytest.mark.parametrize(
    ("text", "offsets_s"),
    [
        ("0\n0.5\n1.25\n", (0, 0.5, 1.25)),
        ("1700000000.5\n1700000001\n", (0, 0.5)),
        ("time,path\n3.5,/a\n3,/b\n", (0, 0.5)),
        ('# recorded on Monday\n\n"time"\n"7"\n 8 \n', (0, 1)),
    ],
)
def test_times_are_read_from_text(text: str, offsets_s: tuple[float, ...]) -> None:
    assert Replay.parse(text).offsets_s == offsets_s


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no arrival times"),
        ("time\n", "no arrival times"),
        ("time\n1\ntwo\n", "line 3 begins with 'two'"),
        ("time\nseconds\n1\n", "line 2 begins with 'seconds'"),
        ("1\nnan\n", "line 2 begins with 'nan'"),
    ],
)
def test_invalid_text_error_names_the_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Replay.parse(text)


@pytest.mark.parametrize(
    ("offsets_s", "message"),
    [
        ([], "0 arrival times"),
        ("1 2 3", "cannot be read"),
        (5, "cannot be read"),
        ([1, -1], "offsets_s=-1"),
        ([float("nan")], "offsets_s=nan"),
        (["1"], "offsets_s='1'"),
    ],
)
def test_invalid_times_error_names_them(offsets_s: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Replay(offsets_s)


def test_an_earlier_run_is_replayed_as_it_was_scheduled() -> None:
    run = make_run(rate_rps=100, duration_s=10, warmup_s=1)
    load = Replay.from_samples(run.samples)
    schedule = np.array(load.offsets_s) * NS_PER_S
    assert np.allclose(schedule, np.arange(1000) * 10_000_000)
    assert load.duration_s == pytest.approx(10)
    with pytest.raises(InputError, match="nothing to replay"):
        Replay.from_samples(run.samples.warmup)


def test_times_may_be_an_array() -> None:
    assert Replay(np.array([2.0, 1.0])).offsets_s == (1.0, 2.0)
