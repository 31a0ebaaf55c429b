from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from benchlab.decoding import convert, decode
from benchlab.plan.shapes import ClosedLoop, ConstantRate
from benchlab.runs.floor import (
    NOT_CALIBRATED,
    UNREADABLE,
    Floor,
    fingerprint,
    floor_note_of,
    floor_of,
    mismatch,
)
from benchlab.samples.summary import Distribution
from tests.runs.floors import ENVIRONMENT, HOST, make_floor
from tests.runs.synthetic import make_run


def test_a_floor_survives_json() -> None:
    floor = make_floor(warnings=("noisy",))
    assert decode(json.dumps(floor.to_dict()), Floor, where="") == floor


def test_a_closed_loop_has_the_floor_without_lag() -> None:
    floor = make_floor()
    assert floor.under(ClosedLoop(2)) == floor.service_ns
    assert floor.under(ConstantRate(2)) == floor.latency_ns


def test_a_floor_matches_its_own_host() -> None:
    assert fingerprint(ENVIRONMENT) == HOST
    assert mismatch(make_floor(), ENVIRONMENT) == ""


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"host": "bench-2"}, "host bench-1, here bench-2"),
        ({"kernel": "Linux 6.6"}, "kernel Linux 6.1, here Linux 6.6"),
        ({"cpu_count": 4}, "cpu count 2, here 4"),
        ({"cpu_usable": 1}, "cpu usable 2, here 1"),
        ({"cpu_model": None}, "cpu model Fast 9000, here None"),
        ({"python": "3.12.1"}, "python 3.11.7, here 3.12.1"),
        ({"packages": {"benchlab": "0.2.0"}}, "benchlab 0.1.0, here 0.2.0"),
    ],
)
def test_mismatch_names_what_differs(changed: dict[str, Any], text: str) -> None:
    reason = mismatch(make_floor(), {**ENVIRONMENT, **changed})
    assert text in reason
    assert "run benchlab calibrate" in reason


def test_a_run_carries_its_floor_or_says_why_not() -> None:
    floor = make_floor()
    run = make_run(environment={"calibration": {"floor": floor.to_dict()}})
    assert (run.floor, run.floor_note) == (floor, "")
    without = make_run(environment={"calibration": {"note": "it was moved"}})
    assert (without.floor, without.floor_note) == (None, "it was moved")


@pytest.mark.parametrize(
    ("carried", "note"),
    [
        ({}, NOT_CALIBRATED),
        ({"calibration": None}, NOT_CALIBRATED),
        ({"calibration": {"floor": {}}}, UNREADABLE),
    ],
)
def test_a_run_without_a_floor_or_with_a_damaged_one_says_so(
    carried: dict[str, Any], note: str
) -> None:
    assert floor_of(carried) is None
    assert floor_note_of(carried) == note


@dataclass(frozen=True, slots=True)
class Wider(Distribution):
    """What `Distribution` is once it has one more statistic."""

    p99_99: int | None = None


def test_a_distribution_stored_before_a_statistic_was_added_is_read_without_it() -> None:
    stored = make_floor().latency_ns
    found = convert(stored.to_dict(), Wider)
    assert (found.p50, found.p99_99) == (stored.p50, None)


def test_a_floor_with_a_statistic_that_is_unknown_here_is_read_without_it() -> None:
    stored = make_floor().to_dict()
    stored["lag_ns"]["p99_99"] = 7
    stored["probes"][0]["missed_ns"]["p99_99"] = 7
    assert floor_of({"calibration": {"floor": stored}}) == make_floor()


def test_the_maximum_rate_is_a_lower_bound_if_the_server_was_the_limit() -> None:
    assert make_floor().describe_max_rate() == "61,234 requests/s"
    assert make_floor(max_rate_cpu_ratio=0.5).describe_max_rate() == "at least 61,234 requests/s"


def test_repr_is_one_line() -> None:
    shown = "<Floor of bench-1, 2026-11-01: latency p50 0.600 ms, p99 1.09 ms; 61,234 requests/s"
    assert repr(make_floor()).startswith(shown)
