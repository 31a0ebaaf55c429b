"""How strong a cause was in truth, on requests whose delays are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import benchlab as bl
from benchlab.runs.head import RunHead
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples
from tests.trials.strength import is_counted, strengths

MS = 1_000_000
COUNT = 1000
STARTED_NS = 5_000_000_000


def run_of(latency_ms: Any, **columns: Any) -> bl.Run:
    """A run of 1,000 requests, 5 ms apart."""
    records = np.zeros(COUNT, SAMPLE_DTYPE)
    records["seq"] = np.arange(COUNT)
    records["intended_ns"] = records["sent_ns"] = np.arange(COUNT) * 5 * MS
    for name, values in columns.items():
        records[name] = values
    records["done_ns"] = records["intended_ns"] + np.rint(np.asarray(latency_ms) * MS)
    plan = bl.Plan([bl.Request("GET", "http://127.0.0.1/")], bl.ConstantRate(200), 5)
    head = RunHead(id="0" * 16, plan=plan, started_at_ns=STARTED_NS)
    return bl.Run.from_head(head, Samples(records, ["GET /"]))


def truth(own_ms: float, first_ms: Any = 0, second_ms: Any = 0, pauses: Any = ()) -> dict[str, Any]:
    """What the service says: its own time, what two causes added, and pauses."""
    seq = np.arange(COUNT)
    return {
        "seq": seq,
        "own_ns": np.full(COUNT, own_ms * MS),
        "first_ns": seq * 0 + np.asarray(first_ms) * MS,
        "second_ns": seq * 0 + np.asarray(second_ms) * MS,
        "pauses": np.array(pauses, dtype=np.int64).reshape(-1, 3),
    }


def trial(*causes: str) -> dict[str, Any]:
    return {"causes": list(causes), "service": {}}


def test_what_was_added_to_the_slowest_requests_counts() -> None:
    is_slow = np.arange(COUNT) % 10 == 0
    run = run_of(np.where(is_slow, 50, 10))
    (found,) = strengths(run, trial("bimodal"), truth(10, np.where(is_slow, 40, 0)))
    assert found == {"alone_ratio": pytest.approx(0.8), "tail_ratio": pytest.approx(0.8)}
    assert is_counted([found])


def test_what_is_rarer_than_the_p99_does_not_count() -> None:
    is_slow = np.arange(COUNT) % 500 == 0
    run = run_of(np.where(is_slow, 50, 10))
    (found,) = strengths(run, trial("bimodal"), truth(10, np.where(is_slow, 40, 0)))
    assert found["alone_ratio"] == 0
    assert not is_counted([found])


def test_requests_wait_for_the_part_of_a_pause_that_they_overlap() -> None:
    end_ms = 2200.0
    intended_ms = np.arange(COUNT) * 5.0
    held = np.clip(end_ms - intended_ms, 0, 200) * (intended_ms >= 2000)
    run = run_of(10 + held)
    pause = (0, STARTED_NS + 2000 * MS, STARTED_NS + 2200 * MS)
    (found,) = strengths(run, trial("stall"), truth(10, pauses=[pause]))
    assert found["tail_ratio"] > 0.9


def test_failed_requests_are_beyond_the_p99_if_there_are_enough() -> None:
    for every, expected in ((20, 1.0), (200, 0.0)):
        is_failed = np.arange(COUNT) % every == 0
        run = run_of(np.full(COUNT, 10.0), error=np.where(is_failed, ErrorKind.STATUS, 0))
        (found,) = strengths(run, trial("errors"), truth(10))
        assert found == {"alone_ratio": expected, "tail_ratio": expected}


def test_waits_for_a_connection_are_told_from_those_of_the_generator() -> None:
    waits = np.arange(COUNT) % 10 == 0
    sent = np.arange(COUNT) * 5 * MS + np.where(waits, 30 * MS, 0)
    flags = np.where(waits, Flag.CAP_WAIT, 0)
    for used, expected in ((flags, 0.75), (flags * 0, 0.0)):
        run = run_of(np.where(waits, 40.0, 10.0), sent_ns=sent, flags=used)
        (found,) = strengths(run, trial("connection_cap"), truth(10))
        assert found["tail_ratio"] == pytest.approx(expected)
    (found,) = strengths(run, trial("generator"), truth(10))
    assert found["tail_ratio"] == pytest.approx(0.75)


def test_each_of_two_causes_must_be_strong_alone() -> None:
    place = np.arange(COUNT) % 10
    first, second = np.where(place == 0, 40, 0), np.where(place == 1, 44, 0)
    run = run_of(10 + first + second)
    found = strengths(run, trial("bimodal", "errors"), truth(10, first, second))
    assert [item["alone_ratio"] for item in found] == [pytest.approx(0.8), 0.0]
    found = strengths(run, trial("bimodal", "slow_body"), truth(10, first, second))
    assert [item["alone_ratio"] for item in found] == pytest.approx([0.8, 44 / 54])
    assert not is_counted(found)  # the tail is the second's
