"""Stopping a run on a condition of its plan."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest

from benchlab import ConstantRate, Plan, Request, run, spool
from benchlab.load.supervisor.abort import AbortWatch
from benchlab.load.supervisor.conditions import enough
from benchlab.plan.objectives import Objective
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag
from benchlab.units import NS_PER_MS, NS_PER_S
from tests.load.servers import Behaviour, ok, serving

URL = "http://127.0.0.1:8000/"
FAILURE = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"


def watch_of(*conditions: str) -> AbortWatch:
    return AbortWatch(Plan([Request("GET", URL)], duration_s=20, warmup_s=1, abort_on=conditions))


def records_of(
    count: int, *, from_s: float = 1, each_ms: int = 10, took_ms: int = 1, failed: bool = False
) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """``count`` requests, one every ``each_ms``."""
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    records["intended_ns"] = int(from_s * NS_PER_S) + np.arange(count) * each_ms * NS_PER_MS
    records["sent_ns"] = records["intended_ns"]
    records["done_ns"] = records["intended_ns"] + took_ms * NS_PER_MS
    records["error"] = ErrorKind.STATUS if failed else ErrorKind.OK
    records["flags"] = np.where(records["intended_ns"] < NS_PER_S, Flag.WARMUP, 0)
    return records


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("error_ratio>0.5", 20),
        ("mean>1s", 20),
        ("p50>1s", 20),
        ("p99>1s", 100),
        ("p99.9>1s", 1000),
        ("p99.99>1s over 5s", 10_000),
        ("max>1s", 1),
        ("error_count>3", 1),
        ("rate_rps<3", 0),
    ],
)
def test_minimum_number_of_requests_for_each_statistic(condition: str, count: int) -> None:
    assert enough(Objective.parse(condition)) == count


def test_too_few_requests_stop_nothing() -> None:
    watch = watch_of("error_ratio>0.5")
    watch.take(records_of(19, failed=True))
    assert watch.fired(2 * NS_PER_S) == ""
    watch.take(records_of(1, from_s=1.5, failed=True))
    assert watch.fired(2 * NS_PER_S) == "stopped by abort_on error_ratio>0.5: 1 after 2.0 s"


def test_the_warm_up_stops_nothing() -> None:
    watch = watch_of("error_ratio>0.5")
    watch.take(records_of(50, from_s=0, failed=True))
    assert watch.fired(NS_PER_S // 2) == ""
    assert watch.fired(2 * NS_PER_S) == ""


def test_nothing_is_stopped_after_the_end() -> None:
    watch = watch_of("error_ratio>0.5")
    watch.take(records_of(50, failed=True))
    assert watch.fired(21 * NS_PER_S) == ""
    assert watch.fired(20 * NS_PER_S) != ""


def test_a_window_covers_the_last_seconds_only() -> None:
    whole, recent = watch_of("error_ratio>0.5"), watch_of("error_ratio>0.5 over 2s")
    for records in (records_of(700), records_of(200, from_s=8, failed=True)):
        whole.take(records)
        recent.take(records)
    assert whole.fired(10 * NS_PER_S) == ""
    expected = "stopped by abort_on error_ratio>0.5 over 2s: 1 after 10.0 s"
    assert recent.fired(10 * NS_PER_S) == expected


def test_a_window_is_evaluated_once_it_is_full() -> None:
    watch = watch_of("error_ratio>0.5 over 2s")
    watch.take(records_of(100, failed=True))
    assert watch.fired(int(2.9 * NS_PER_S)) == ""
    watch.take(records_of(100, from_s=2, failed=True))
    assert watch.fired(3 * NS_PER_S) != ""


@pytest.mark.parametrize("over", ["", " over 2s"])
@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("p99>50ms", "100 ms"),
        ("service.mean>50ms", "100 ms"),
        ("max>=100ms", "100 ms"),
        ("min>50ms", "100 ms"),
        ("error_count>=20", "200"),
        ("p90[GET /]>50ms", "100 ms"),
    ],
)
def test_every_statistic_can_stop_a_run(condition: str, shown: str, over: str) -> None:
    watch = watch_of(condition + over)
    watch.take(records_of(200, took_ms=100, failed=True))
    found = watch.fired(int(3.05 * NS_PER_S))
    assert found.startswith(f"stopped by abort_on {condition}{over}: ")
    number = found.split(": ")[1].split(" ")[0]
    if not over:
        assert float(number) == pytest.approx(float(shown.split(maxsplit=1)[0]), rel=0.002)


def test_a_rate_is_computed_from_responses_and_time() -> None:
    for condition in ("rate_rps<50", "rate_rps<50 over 2s"):
        slow, silent, good = watch_of(condition), watch_of(condition), watch_of(condition)
        good.take(records_of(1000))
        slow.take(records_of(100, each_ms=100))
        assert slow.fired(NS_PER_S + NS_PER_MS) == ""
        assert good.fired(6 * NS_PER_S) == ""
        assert slow.fired(6 * NS_PER_S).startswith(f"stopped by abort_on {condition}: ")
        assert silent.fired(6 * NS_PER_S).endswith(": 0 requests/s after 6.0 s")


def failing_after(count: int) -> Behaviour:
    def behave(connection: socket.socket, _request: bytes, number: int) -> bool:
        connection.sendall(ok() if number < count else FAILURE)
        return True

    return behave


@pytest.mark.parametrize("condition", ["error_ratio>0.5", "error_ratio>0.5 over 500ms"])
def test_a_run_is_stopped_when_the_service_starts_to_fail(condition: str) -> None:
    with serving(failing_after(60)) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(200),
            duration_s=60,
            slo=["error_ratio<1%"],
            abort_on=[condition],
        )
        result = run(plan)
    assert result.verdict == "interrupted"
    assert result.stop_reason.startswith(f"stopped by abort_on {condition}: ")
    assert result.stop_reason in (result.invalid_reason or "")
    assert result.stopped_ns is not None
    assert result.summary.errors["status"] > 0
    assert "abandoned" not in result.summary.errors  # it drained
    assert not result.objectives[0].met
    assert result.spool is not None
    outcome = json.loads((result.spool / "outcome.json").read_text())
    assert outcome == {"stopped_ns": result.stopped_ns, "stop_reason": result.stop_reason}
    assert spool.read_run(result.spool).stop_reason == result.stop_reason


def test_a_run_against_a_working_service_is_not_stopped() -> None:
    with serving(failing_after(10**9)) as url:
        plan = Plan([Request("GET", url)], ConstantRate(100), duration_s=1, abort_on="max>30s")
        result = run(plan)
    assert result.stopped_ns is None
    assert result.stop_reason == ""
    assert result.to_dict()["stop_reason"] is None
