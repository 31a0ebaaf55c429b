from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from benchlab.plan.feed import Feed
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, Stages
from benchlab.plan.transport import Transport
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.warnings import warnings_of
from tests.runs.floors import make_floor
from tests.runs.synthetic import make_run

MS = 1_000_000


def test_an_ordinary_run_needs_no_care() -> None:
    assert make_run().warnings == ()
    assert make_run(environment={}).warnings == ()


@pytest.mark.parametrize(
    ("url", "cpu_count", "workers", "words"),
    [
        ("http://127.0.0.1/", 1, 1, "the service and 1 worker shared 1 core:"),
        ("http://localhost/", 2, 2, "the service and 2 workers shared 2 cores:"),
        ("http://[::1]:80/", 2, 2, "the service and 2 workers shared 2 cores:"),
        ("http://bench-1/", 2, 2, "the service and 2 workers shared 2 cores:"),
        ("http://127.0.0.1/", 2, 1, ""),
        ("http://elsewhere/", 2, 2, ""),
        ("http://elsewhere/", 2, 3, "3 workers shared 2 cores:"),
        ("http://10.0.0.1/", 1, 1, ""),
    ],
)
def test_cores_that_are_shared_are_told(url: str, cpu_count: int, workers: int, words: str) -> None:
    plan = Plan([Request("GET", url)], ClosedLoop(8), workers=workers)
    environment = {"host": "bench-1", "cpu_count": cpu_count}
    said = list(warnings_of(plan, make_run().samples, Health(), environment))
    assert [caution.startswith(words) for caution in said] == ([True] if words else [])


def test_a_service_behind_a_unix_socket_is_on_this_machine() -> None:
    behind = Transport(unix_socket="/run/service")
    run = make_run(requests=[Request("GET", "http://elsewhere/")], transport=behind)
    said = warnings_of(run.plan, run.samples, run.health, {"cpu_count": 1})
    assert [caution.partition(":")[0] for caution in said] == [
        "the service and 1 worker shared 1 core"
    ]


@pytest.mark.parametrize(
    ("max_rate_rps", "cpu_ratio", "words"),
    [
        (90.0, 0.99, "100 requests/s of each worker are more than the 90 that one can send"),
        (90.0, 0.5, ""),  # it could have sent more
        (100.0, 0.99, ""),
    ],
)
def test_a_rate_beyond_what_a_worker_can_send_is_told(
    max_rate_rps: float, cpu_ratio: float, words: str
) -> None:
    floor = make_floor(max_rate_rps=max_rate_rps, max_rate_cpu_ratio=cpu_ratio)
    run = make_run(environment={"calibration": {"floor": floor.to_dict()}})
    (said,) = run.warnings or ("",)
    assert said.startswith(words) if words else not said
    assert make_run(environment=run.environment, load=ClosedLoop(2)).warnings == ()
    climbing = make_run(environment=run.environment, load=Stages([(10, 100)])).warnings
    assert climbing == run.warnings  # its peak counts


@pytest.mark.parametrize(
    ("limit", "words"),
    [({"cpu_usable": 1}, "shared 1 core:"), ({"cpu_quota": 1.5}, "shared 1.5 cores:")],
)
def test_the_cores_that_may_be_used_count_not_those_there_are(
    limit: dict[str, Any], words: str
) -> None:
    (said,) = make_run(environment={"cpu_count": 8, **limit}).warnings
    assert words in said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"cpu_count": 2, "load_average_before": [3.5, 1, 1]}, "load average was 3.5 on 2 cores"),
        ({"cpu_count": 2, "load_average_before": [1.5, 9, 9]}, ""),
        ({"load_average_before": None}, ""),
        ({"clock_source": "hpet"}, "clock source is hpet"),
        ({"clock_source": "tsc"}, ""),
    ],
)
def test_the_machine_may_call_for_care(environment: dict[str, Any], words: str) -> None:
    (said,) = make_run(environment=environment).warnings or ("",)
    assert (words in said) if words else not said


def test_a_saturated_worker_of_an_open_loop_calls_for_care() -> None:
    run = make_run(workers=[WorkerHealth(0, 0.2), WorkerHealth(1, 0.97)])
    assert run.verdict == "valid"
    assert "worker 1 used 97% of a core" in run.warnings[0]


def test_lag_that_shows_in_the_latency_calls_for_care() -> None:
    visible = make_run(lag_ns=4 * MS)
    assert visible.verdict == "valid"
    assert "own lag, 4.01 ms at p99, is a visible part" in visible.warnings[0]
    assert make_run(lag_ns=15 * MS).warnings == ()  # the verdict says it
    assert make_run(lag_ns=MS // 2).warnings == ()  # a fast service: the floor tells
    assert make_run(lag_ns=2 * MS, stall=True).warnings == ()  # a small share


def test_a_field_that_nothing_fills_is_told() -> None:
    bare = Request("GET", "http://127.0.0.1:8000/x?id={{id}}&n={{seq}}")
    (said,) = make_run(requests=[bare]).warnings
    assert said == "GET /x sends {{id}} as it stands: it has no feed (data) to fill it"
    fed = evolve(bare, data=Feed([{"id": 1}]))
    assert make_run(requests=[fed]).warnings == ()
