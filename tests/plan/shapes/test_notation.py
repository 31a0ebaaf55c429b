"""Shapes as people write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.options import load_from_options
from benchlab.plan.shapes import ClosedLoop, ConstantRate, PoissonRate, Spike, Stages, Steps
from benchlab.plan.shapes.notation import (
    parse_spike,
    parse_stages,
    parse_steps,
    parse_think_time,
    write_spike,
    write_stages,
    write_steps,
    write_think_time,
)

times_s = st.integers(1, 10**12).map(lambda ns: round(ns / 1e9, 9))
rates = st.floats(0.001, 1e6).map(lambda rate: float(f"{rate:.12g}"))
levels = st.lists(st.tuples(times_s, rates), min_size=1, max_size=4)


@given(levels, st.one_of(st.just(0.0), rates))
def test_stages_are_read_as_they_are_written(
    pairs: list[tuple[float, float]], start: float
) -> None:
    load = Stages(pairs, start)
    assert parse_stages(write_stages(load)) == load


@given(levels)
def test_steps_are_read_as_they_are_written(pairs: list[tuple[float, float]]) -> None:
    load = Steps(pairs)
    assert parse_steps(write_steps(load)) == load


@given(rates, rates)
def test_a_spike_is_read_as_it_is_written(base: float, peak: float) -> None:
    load = Spike(base, peak, 1.25, 0.5, 60)
    assert parse_spike(write_spike(load)) == load


@given(times_s, st.sampled_from(["constant", "exponential"]))
def test_a_think_time_is_read_as_it_is_written(seconds: float, spread: str) -> None:
    assert parse_think_time(write_think_time(seconds, spread)) == (seconds, spread)


def test_what_people_write_is_what_they_mean() -> None:
    assert parse_stages("30s:500, 1m:500,10s:0") == Stages([(30, 500), (60, 500), (10, 0)])
    assert parse_stages("30s:100-500,1m:500-250") == Stages([(30, 500), (60, 250)], 100)
    assert parse_stages("30:0-1e3") == Stages([(30, 1000)])
    assert parse_steps("10s:100,500ms:0", "poisson") == Steps([(10, 100), (0.5, 0)], "poisson")
    assert parse_spike("base=10,peak=100,at=5s,length=1s,duration=20s") == Spike(10, 100, 5, 1, 20)
    assert parse_think_time("100ms, exponential") == (0.1, "exponential")


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (parse_stages, "", "stages='' cannot be used: a part of it is '': write DURATION:RATE"),
        (parse_stages, "10s", "a part of it is '10s'"),
        (parse_stages, "10s:fast", "'fast' is not a rate"),
        (parse_stages, "10x:5", "unit 'x'"),
        (parse_stages, "10s:5,10s:7-9", "stage 2 starts at 7 .* ends at 5"),
        (parse_stages, "10s:-5", "'' is not a rate"),
        (parse_steps, "10s:5,,5s:1", "a part of it is ''"),
        (parse_steps, "10s:1-2", "'1-2' is not a rate"),
        (parse_steps, "0s:5", "entry 1 of steps: duration_s=0.0 must be"),
        (parse_spike, "10", "a part of it is '10': write base=100"),
        (parse_spike, "base=1,base=2", "a part of it is 'base=2'"),
        (parse_spike, "base=1,peak=2", "the key at, duration, length is missing"),
        (
            parse_spike,
            "base=1,peak=2,at=1s,length=1s,total=9s",
            "the key duration, total is unknown",
        ),
        (parse_think_time, "soon", "'soon' is not a duration"),
        (parse_think_time, "1s,gaussian", "the spread 'gaussian' is unknown"),
    ],
)
def test_text_that_is_no_shape_is_told_where(
    parse: Callable[[str], Any], text: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        parse(text)


def test_options_make_loads() -> None:
    assert load_from_options(0) == ClosedLoop(64)
    assert load_from_options(0, connections=3, think_time="1s") == ClosedLoop(3, 1)
    assert load_from_options(5) == ConstantRate(5)
    assert load_from_options(5, "poisson") == PoissonRate(5)
    assert load_from_options(5, "poisson", shape="steps 1s:5") == Steps([(1, 5)], "poisson")
    with pytest.raises(InputError, match="shape='sine 1s' is unknown: use stages, steps, spike"):
        load_from_options(5, shape="sine 1s")
    with pytest.raises(InputError, match="arrivals='x' is unknown"):
        load_from_options(5, "x")
