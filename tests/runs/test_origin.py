"""The line that says where numbers come from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchlab.plan.request import Request
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run
from tests.runs.floors import ENVIRONMENT, make_floor
from tests.runs.synthetic import RUN_ID, make_run


def calibrated(**options: Any) -> Run:
    floor = {"calibration": {"floor": make_floor().to_dict()}}
    return make_run(environment={**ENVIRONMENT, **floor}, **options)


def test_of_one_run_all_is_said() -> None:
    assert origin_of([calibrated()]) == (
        f"run {RUN_ID} (valid) · POST http://127.0.0.1:8000/api/vector/add · open loop of 100"
        " requests/s at equal intervals · 10 s after 1 s of warm-up · bench-1, Fast 9000, 2 cores"
        " · noise floor p50 0.600 ms, p99 1.09 ms"
    )


def test_without_a_floor_or_a_machine_it_says_so() -> None:
    text = origin_of([make_run(environment={"cpu_count": 1})])
    assert text.endswith("· 1 core · no noise floor")
    assert origin_of([make_run(environment={"x": 1})]).endswith(
        "· unknown machine · no noise floor"
    )


def test_of_two_runs_the_ids_are_listed_and_of_more_the_first_and_the_last() -> None:
    runs = [replace(calibrated(), id=f"000000000000000{number}") for number in range(4)]
    assert origin_of(runs[:2]).startswith("runs 0000000000000000, 0000000000000001 (all valid) · ")
    assert origin_of(runs).startswith("4 runs, 0000000000000000 to 0000000000000003 (all valid)")


def test_what_runs_do_not_share_is_counted() -> None:
    other = replace(make_run(lag_ns=15_000_000, rate_rps=50), id="0193f0a1b2c3d4e6")
    text = origin_of([calibrated(), calibrated(), other])
    assert "(2 valid, 1 invalid)" in text
    assert "· POST http://127.0.0.1:8000/api/vector/add · 2 machines · floors differ" in text
    elsewhere = make_run(requests=[Request("GET", "http://127.0.0.1:8000/other")])
    assert " · 2 plans · " in origin_of([make_run(), elsewhere])


def test_credentials_are_hidden_and_nothing_is_said_of_nothing() -> None:
    run = make_run(requests=[Request("GET", "http://me:secret@host/a?token=abc")])
    assert "secret" not in origin_of([run])
    assert origin_of([]) == ""
