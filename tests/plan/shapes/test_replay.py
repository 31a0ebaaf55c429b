"""Recorded arrival times, from a list, a file and an earlier run."""

from __future__ import annotations

import contextlib
import cProfile
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.shapes import BLOCK, ConstantRate, Replay
from benchlab.plan.shapes.arrival_times import read_arrivals_s
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
        ("1700000000100\n1700000000600\n1700000001900\n", (0, 0.5, 1.8)),
        ("1700000000100000\n1700000000100500\n", (0, 0.0005)),
        ("1700000000100000000\n1700000000600000000\n", (0, 0.5)),
        ("timestamp_ms\n0\n500\n", (0, 0.5)),
        ("timeMs,path\n500,/a\n0,/b\n", (0, 0.5)),
        ("time [µs];path\n0;/\n500000,5;/\n", (0, 0.5000005)),
        ("items\n0\n500\n", (0, 500)),
        ("time\n0,5\n1,0\n", (0, 0.5)),
        ('"0,5"\n"1,0"\n', (0, 0.5)),
        ('"0,5",/a\n"1,0",/b\n', (0, 0.5)),
        ("0,5;12\n1,0;13\n", (0, 0.5)),
        ("0,5\t12\n1\t13\n", (0, 0.5)),
        ("time,status\n0,5\n1,200\n", (0, 1)),
        ("0.5,200\n1,200\r\n", (0, 0.5)),
        ("1\r2\r", (0, 1)),
        ("\ufeff1\n2\n", (0, 1)),
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
        ("nan\n1\n2\n", "line 1 begins with 'nan'"),
        ("1\n1e999\n", "line 2 begins with '1e999'"),
        ("0,5\n1,0\n", "line 1 is '0,5', which may be one number or two columns: .*header"),
        ("0\n0,5\n", "line 2 is '0,5', which may be"),
        ("0\n1700000000100\n", "offsets_s=1700000000100"),
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


def test_reading_ends_at_the_most_times_that_are_possible() -> None:
    with pytest.raises(InputError, match="more than 3 arrival times"):
        read_arrivals_s("1\n" * 5, 3)


@given(st.text(alphabet='0159.,;-\t"\r\n eastmnu_#', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        assert Replay.parse(text).offsets_s[0] == 0


def test_reading_takes_a_time_proportional_to_the_number_of_times() -> None:
    """No function is called more than once a line, and those that look at all of them not more
    often for more lines."""

    def calls(count: int) -> Counter[str]:
        text = "\n".join(f"{1.7e9 + k / 1000:.3f},/a" for k in range(count))
        profile = cProfile.Profile()
        profile.runcall(Replay.parse, text)
        return Counter({str(each.code): each.callcount for each in profile.getstats()})

    few, many = calls(500), calls(1000)
    for code, count in many.items():
        whole = any(name in code for name in ("min", "max", "sorted", "sum", "array"))
        assert count - few[code] in ((0,) if whole else (0, 500)), code


def test_times_may_be_an_array() -> None:
    assert Replay(np.array([2.0, 1.0])).offsets_s == (1.0, 2.0)
