"""The machines of a cluster: their floors, their clocks, and whether they suffice."""

from __future__ import annotations

from typing import Any

import pytest

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, ConstantRate, LoadShape
from benchlab.runs.cluster import (
    CLOCK_LIMIT_NS,
    ClusterSize,
    clock_warnings,
    machines_of,
    shared_cores,
    size_of,
    with_machines,
)
from benchlab.runs.floor import floor_note_of, floor_of
from benchlab.runs.host_record import HostRecord
from tests.runs.floors import ENVIRONMENT, make_floor, spread

MS = 1_000_000


def machine(name: str, max_rate_rps: float | None, low_ns: int = 0, **more: Any) -> dict[str, Any]:
    """A machine as its host captures it; not calibrated without a rate."""
    known = {**ENVIRONMENT, "host": name, "git_commit": "abc", **more}
    if max_rate_rps is None:
        return {**known, "calibration": {"note": "not calibrated on this host"}}
    floor = make_floor(max_rate_rps=max_rate_rps, latency_ns=spread(low_ns))
    return {**known, "calibration": {"floor": floor.to_dict()}}


def size(*machines: dict[str, Any], load: LoadShape | None = None, **plan: Any) -> ClusterSize:
    shape = load or ConstantRate(120_000)
    whole = Plan([Request("GET", "http://10.0.0.9/")], shape, **{"workers": 4, **plan})
    return size_of(whole, machines_of(with_machines({}, machines)))


def test_a_plan_needs_workers_by_the_slowest_host_with_some_of_its_core_to_spare() -> None:
    found = size(machine("alpha", 40_000), machine("beta", 25_000), machine("gamma", 61_000))
    assert found.describe() == (
        "this plan needs about 6 workers: 120,000 requests/s at 25,000 per worker by calibration"
    )
    assert (found.needed, found.suffices, found.note) == (6, False, "")
    assert found.problem == (
        f"{found.describe()} (with 80% of a core; beta is the slowest), and it has 4: use"
        " --workers 6, or a lower rate"
    )
    assert size(machine("alpha", 25_000), workers=6).problem == ""
    assert (
        "and it has 4: use more machines (these have 2 cores in all), or a lower rate"
        in size(machine("alpha", 25_000), machine("alpha", 25_000)).problem
    )


@pytest.mark.parametrize(
    ("load", "plan"),
    [(ClosedLoop(8), {}), (None, {"driver": "httpx"})],
    ids=["closed loop", "driver that is not calibrated"],
)
def test_nothing_is_said_of_what_no_calibration_is_about(
    load: LoadShape | None, plan: dict[str, Any]
) -> None:
    found = size(machine("alpha", 10), load=load, **plan)
    assert (found.needed, found.describe(), found.problem) == (None, "", "")


def test_hosts_without_a_calibration_are_named_and_nothing_is_refused() -> None:
    found = size(machine("alpha", None), *(machine(f"host-{n}", None) for n in range(4)))
    assert (found.needed, found.suffices, found.problem) == (None, True, "")
    assert "5 hosts of the cluster are not calibrated (alpha, host-0, host-1 and 2 more)" in (
        found.note
    )
    assert found.note.startswith("how many workers this plan needs is not known, since 5 hosts")
    assert "run benchlab calibrate --cluster" in found.note
    found = size(machine("alpha", 25_000), machine("beta", None), workers=6)
    assert found.describe().startswith("this plan needs about 6 workers")
    assert found.note.startswith("that is by the other hosts: 1 host of the cluster is not")


def test_a_rate_that_is_only_a_lower_bound_says_nothing() -> None:
    bound = machine("alpha", 10)
    bound["calibration"]["floor"]["max_rate_cpu_ratio"] = 0.5
    assert size(bound).needed is None


def test_a_run_has_the_floor_of_the_host_that_adds_the_most() -> None:
    environment = with_machines(
        {"host": "laptop", "calibration": {"note": "of no one who made load"}},
        [machine("alpha", 1e5), machine("beta", 1e5, low_ns=5 * MS)],
    )
    floor = floor_of(environment)
    assert floor is not None
    assert floor.latency_ns == spread(5 * MS)
    assert [item["calibration"]["p50_ns"] for item in machines_of(environment)] == [
        spread(0).p50,
        spread(5 * MS).p50,
    ]
    assert not any("git_commit" in item for item in machines_of(environment))


def test_one_host_without_a_floor_leaves_the_run_without() -> None:
    environment = with_machines({}, [machine("alpha", 1e5), machine("beta", None)])
    assert floor_of(environment) is None
    assert floor_note_of(environment) == (
        "no calibration that holds on 1 of 2 hosts of the cluster (beta): run benchlab calibrate"
        " --cluster"
    )


def host(name: str, **known: Any) -> HostRecord:
    return HostRecord(f"tcp://{name}:4000", name, (0,), **known)


def test_clocks_within_the_limit_are_not_mentioned() -> None:
    good = [
        host("a", clock_offset_ns=10**15, clock_drift_ns=CLOCK_LIMIT_NS),
        host("b", clock_error_ns=CLOCK_LIMIT_NS, start_late_ns=CLOCK_LIMIT_NS),
    ]
    assert list(clock_warnings(good)) == []


def test_hosts_beyond_the_limit_are_named_the_worst_first() -> None:
    hosts = [
        host("a", clock_drift_ns=-11 * MS),
        host("b", clock_drift_ns=30 * MS, clock_error_ns=40 * MS),
        host("c", start_late_ns=2_000 * MS),
    ]
    late, drift, error = clock_warnings(hosts)
    assert late.startswith("c started late, by up to 2.00 s (limit 10.0 ms)")
    assert drift.startswith("the clock of b, a drifted during the run, by up to 30.0 ms")
    assert error.startswith("the clock of b was read across a slow network, within 40.0 ms")


def test_workers_of_all_hosts_on_a_machine_share_its_cores() -> None:
    hosts = [
        HostRecord("tcp://a:1", "a", (0, 2)),
        HostRecord("tcp://a:2", "a", (1,)),
        HostRecord("tcp://b:1", "b", (3, 4)),
    ]
    machines: list[dict[str, Any]] = [
        {"host": "a", "cpu_count": 2},
        {"host": "a", "cpu_count": 2},
        {"host": "b"},
    ]
    assert list(shared_cores(hosts, machines)) == [("a", 3, 2.0)]
