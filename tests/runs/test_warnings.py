from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attrs import evolve

from benchlab.plan.checks import StatusIn
from benchlab.plan.feed import Feed
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, Stages
from benchlab.plan.transport import Transport
from benchlab.runs.cluster import with_machines
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.runs.warnings import warnings_of
from benchlab.samples.samples import ErrorKind, Flag, Samples
from tests.runs.floors import make_floor
from tests.runs.synthetic import make_run

MS = 1_000_000


def test_an_ordinary_run_has_no_warnings() -> None:
    assert make_run().warnings == ()
    assert make_run(environment={}).warnings == ()


@pytest.mark.parametrize(
    ("url", "cpu_count", "workers", "text"),
    [
        ("http://127.0.0.1/", 1, 1, "the service and 1 worker shared 1 core:"),
        ("http://localhost/", 2, 2, "the service and 2 workers shared 2 cores:"),
        ("http://localhost./", 2, 2, "the service and 2 workers shared 2 cores:"),
        ("http://[::1]:80/", 2, 2, "the service and 2 workers shared 2 cores:"),
        ("http://bench-1/", 2, 2, "the service and 2 workers shared 2 cores:"),
        ("http://127.0.0.1/", 2, 1, ""),
        ("http://elsewhere/", 2, 2, ""),
        ("http://elsewhere/", 2, 3, "3 workers shared 2 cores:"),
        ("http://10.0.0.1/", 1, 1, ""),
    ],
)
def test_shared_cores_are_a_warning(url: str, cpu_count: int, workers: int, text: str) -> None:
    plan = Plan([Request("GET", url)], ClosedLoop(8), workers=workers)
    environment = {"host": "bench-1", "cpu_count": cpu_count}
    warnings = list(warnings_of(plan, make_run().samples, Health(), environment))
    assert [warning.startswith(text) for warning in warnings] == ([True] if text else [])


def test_a_service_behind_a_unix_socket_is_on_this_machine() -> None:
    behind = Transport(unix_socket="/run/service")
    run = make_run(requests=[Request("GET", "http://elsewhere/")], transport=behind)
    warnings = warnings_of(run.plan, run.samples, run.health, {"cpu_count": 1})
    assert [warning.partition(":")[0] for warning in warnings] == [
        "the service and 1 worker shared 1 core"
    ]


@pytest.mark.parametrize(
    ("max_rate_rps", "cpu_ratio", "text"),
    [
        (90.0, 0.99, "100 requests/s of each worker are more than the 90 that one can send"),
        (90.0, 0.5, ""),  # it could have sent more
        (100.0, 0.99, ""),
    ],
)
def test_a_rate_above_a_workers_maximum_is_a_warning(
    max_rate_rps: float, cpu_ratio: float, text: str
) -> None:
    floor = make_floor(max_rate_rps=max_rate_rps, max_rate_cpu_ratio=cpu_ratio)
    run = make_run(environment={"calibration": {"floor": floor.to_dict()}})
    (warning,) = run.warnings or ("",)
    assert warning.startswith(text) if text else not warning
    assert make_run(environment=run.environment, load=ClosedLoop(2, 0.02)).warnings == ()
    climbing = make_run(environment=run.environment, load=Stages([(10, 100)])).warnings
    assert climbing == run.warnings  # its peak counts


@pytest.mark.parametrize(
    ("limit", "text"),
    [({"cpu_usable": 1}, "shared 1 core:"), ({"cpu_quota": 1.5}, "shared 1.5 cores:")],
)
def test_usable_cores_are_counted_not_existing_ones(limit: dict[str, Any], text: str) -> None:
    (warning,) = make_run(environment={"cpu_count": 8, **limit}).warnings
    assert text in warning


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"cpu_count": 2, "load_average_before": [3.5, 1, 1]}, "load average was 3.5 on 2 cores"),
        ({"cpu_count": 2, "load_average_before": [1.5, 9, 9]}, ""),
        ({"load_average_before": None}, ""),
        ({"clock_source": "hpet"}, "clock source is hpet"),
        ({"clock_source": "tsc"}, ""),
    ],
)
def test_a_busy_machine_or_slow_clock_is_a_warning(environment: dict[str, Any], text: str) -> None:
    (warning,) = make_run(environment=environment).warnings or ("",)
    assert (text in warning) if text else not warning


def test_a_saturated_worker_of_an_open_loop_is_a_warning() -> None:
    run = make_run(workers=[WorkerHealth(0, 0.2), WorkerHealth(1, 0.97)])
    assert run.verdict == "valid"
    assert "worker 1 used 97% of a core" in run.warnings[0]


def test_lag_that_is_visible_in_the_latency_is_a_warning() -> None:
    visible = make_run(lag_ns=4 * MS)
    assert visible.verdict == "valid"
    assert "own lag, 4.01 ms at p99, is a visible part" in visible.warnings[0]
    assert make_run(lag_ns=15 * MS).warnings == ()  # the verdict says it
    assert make_run(lag_ns=MS // 2).warnings == ()  # a fast service: the floor shows it
    assert make_run(lag_ns=2 * MS, stall=True).warnings == ()  # a small share


def test_a_field_without_a_feed_is_a_warning() -> None:
    bare = Request("GET", "http://127.0.0.1:8000/x?id={{id}}&n={{seq}}")
    (warning,) = make_run(requests=[bare]).warnings
    assert warning == "GET /x sends {{id}} unchanged: it has no feed (data) to fill it"
    fed = evolve(bare, data=Feed([{"id": 1}]))
    assert make_run(requests=[fed]).warnings == ()


def test_what_looks_like_a_field_and_is_none_is_a_warning() -> None:
    (warning,) = make_run(requests=[Request("POST", "http://host/x", body="{{ id }}")]).warnings
    assert warning.startswith("POST /x sends {{ id }} unchanged: a field has no blanks")


def test_a_body_that_is_not_the_json_it_says_is_a_warning() -> None:
    request = Request("POST", "http://host/x", {"Content-Type": "application/json"}, '{"a": NaN}')
    (warning,) = make_run(requests=[request]).warnings
    assert warning == "the body of POST /x is not the JSON that its type says: JSON has no NaN"


def _warnings(
    error: ErrorKind, status: int = 0, first_byte_ns: int = 0, flags: int = 0, **plan: Any
) -> list[str]:
    """The warnings of a run whose last three requests had this result."""
    run = make_run(**plan)
    records = run.samples.records.copy()
    last = records[-3:]
    last["error"], last["status"], last["first_byte_ns"] = error, status, first_byte_ns
    last["flags"] |= np.uint8(flags)
    samples = Samples(records, run.samples.endpoints)
    return list(warnings_of(run.plan, samples, run.health, {}))


@pytest.mark.parametrize("kind", [ErrorKind.CLOSED, ErrorKind.RESET])
def test_errors_on_reused_connections_are_a_warning(kind: ErrorKind) -> None:
    (warning,) = _warnings(kind)
    assert warning.startswith("errors on reused connections: 3, ")
    assert warning.endswith("and so does benchlab with --retry-reused")
    (of_other,) = _warnings(kind, driver="http2")
    assert of_other.endswith("most clients repeat such a request")
    assert _warnings(kind, flags=Flag.NEW_CONNECTION) == []
    assert _warnings(kind, flags=Flag.WARMUP) == []
    assert _warnings(kind, status=200, first_byte_ns=1) == []
    assert _warnings(ErrorKind.TIMEOUT) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_that_count_as_good_are_a_warning(status: int) -> None:
    (warning,) = _warnings(ErrorKind.OK, status)
    assert warning.startswith("3 responses redirected: redirects are not followed")
    checked = Request("GET", "http://127.0.0.1/", checks=StatusIn(status))
    assert _warnings(ErrorKind.OK, status, requests=[checked]) == []
    assert _warnings(ErrorKind.CHECK, status) == []


@pytest.mark.parametrize("status", [200, 300, 304])
def test_other_statuses_are_no_redirects(status: int) -> None:
    assert _warnings(ErrorKind.OK, status) == []


def test_a_cluster_is_warned_of_by_its_hosts_and_not_by_the_parent() -> None:
    calibration = {"floor": make_floor(max_rate_rps=30.0).to_dict()}
    machines = [
        {"host": "alpha", "cpu_count": 1, "calibration": calibration},
        {
            "host": "beta",
            "cpu_count": 4,
            "load_average_before": [9.0, 1, 1],
            "clock_source": "hpet",
        },
    ]
    environment = with_machines({"host": "laptop", "cpu_count": 1}, machines)
    hosts = (
        HostRecord("tcp://10.0.0.1:1", "alpha", (0, 2), clock_drift_ns=-12 * MS),
        HostRecord("tcp://10.0.0.2:1", "beta", (1, 3), start_late_ns=35 * MS),
    )
    run = make_run(environment=environment, workers=[WorkerHealth(n) for n in range(4)])
    warnings = warnings_of(run.plan.replace(workers=4), run.samples, run.health, environment, hosts)
    assert [text.partition(":")[0].partition(", by")[0] for text in warnings] == [
        "beta started late",
        "the clock of alpha drifted during the run",
        "2 workers on alpha shared 1 core",
        "the machine beta was busy before the run",
        "the kernel's clock source on beta is hpet, which is slow to read",
    ]
    fewer = list(warnings_of(run.plan, run.samples, run.health, environment, hosts))
    assert any("this plan needs about 5 workers: 100 requests/s at 30" in text for text in fewer)
