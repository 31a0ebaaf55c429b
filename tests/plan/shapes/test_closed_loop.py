from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.shapes import ClosedLoop, Imported
from benchlab.plan.shapes.closed_loop import parse_think_time

times_s = st.integers(1, 10**12).map(lambda ns: round(ns / 1e9, 9))


@given(times_s, st.sampled_from(["constant", "exponential"]))
def test_think_time_option_round_trips(seconds: float, distribution: str) -> None:
    options = dict(ClosedLoop(1, seconds, distribution).options())
    assert parse_think_time(options["--think-time"]) == (seconds, distribution)


def test_think_time_may_have_a_space() -> None:
    assert parse_think_time("100ms, exponential") == (0.1, "exponential")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "'soon' is not a duration"),
        ("1s,gaussian", "the distribution 'gaussian' is unknown"),
    ],
)
def test_invalid_think_time_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_think_time(text)


def test_connections_without_think_time_are_the_only_option() -> None:
    assert ClosedLoop(3).options() == (("--connections", "3"),)


def test_pauses_are_constant_after_the_staggered_start() -> None:
    drawn = list(itertools.islice(ClosedLoop(100, 0.5).pauses(100, seed=1, worker=0), 5_000))
    first, later = np.array(drawn[:100]), np.array(drawn[100:])
    assert np.all((first >= 0) & (first < 500_000_000))
    assert first.std() > 50_000_000
    assert np.all(later == 500_000_000)


def test_pauses_are_exponential_with_the_given_mean() -> None:
    load = ClosedLoop(1, 0.02, "exponential")
    drawn = np.array(list(itertools.islice(load.pauses(1, seed=1, worker=0), 20_000))) / 20e6
    assert abs(drawn.mean() - 1) < 0.05
    assert abs(np.mean(drawn > 1) - np.exp(-1)) < 0.02
    again = list(itertools.islice(load.pauses(1, seed=1, worker=0), 10))
    other = list(itertools.islice(load.pauses(1, seed=1, worker=1), 10))
    assert again == list(itertools.islice(load.pauses(1, seed=1, worker=0), 10))
    assert again != other


def test_imported_load_has_connections_and_no_schedule() -> None:
    load = Imported(7, "k6")
    assert not load.has_schedule
    assert load.is_imported
    assert load.options() is None
    assert load.connection_limit(1000) == 7
    assert list(load.offsets(10**9, 1)) == []
