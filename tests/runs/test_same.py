"""Which runs are of the same plan, and from the same host."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from benchlab.plan.feed import Feed
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, ConstantRate
from benchlab.plan.shapes.imported import Imported
from benchlab.runs.cluster import with_machines
from benchlab.runs.head import RunHead
from benchlab.runs.same import host_differences, is_same_host, is_same_plan, plan_differences

URL = "http://127.0.0.1:8000/api"
HOST = {
    "host": "bench-1",
    "cpu_model": "EPYC 7763",
    "cpu_count": 4,
    "kernel": "Linux 6.8.0",
    "python": "3.12.4",
    "packages": {"benchlab": "0.9.0", "uvloop": "0.21.0"},
    "load_average_before": [0.1, 0.2, 0.3],
    "git_commit": "abc",
}


def head(plan: Plan | None = None, environment: dict[str, Any] | None = None) -> RunHead:
    return RunHead("0" * 16, plan or make_plan(), 0, HOST if environment is None else environment)


def make_plan(**changes: Any) -> Plan:
    return Plan(Request("GET", URL), ConstantRate(100)).replace(**changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"load": ConstantRate(200)}, "load.rate_rps"),
        ({"timeout_s": 1.0}, "timeout_s"),
        ({"drain_s": 1.0}, "drain_s"),
        ({"seed": 2}, "seed"),
        ({"max_connections": 10}, "max_connections"),
        ({"requests": Request("GET", f"{URL}/v2", name="GET /api")}, "requests[0].url"),
        ({"requests": Request("GET", URL, body=b"x")}, "requests[0].body"),
    ],
)
def test_another_plan_is_named_by_its_field(changes: dict[str, Any], field: str) -> None:
    found = plan_differences(head(), head(make_plan(**changes)))
    assert [item.field for item in found] == [field]


def test_a_difference_has_both_values() -> None:
    (found,) = plan_differences(head(), head(make_plan(seed=7)))
    assert str(found) == "seed: 1 and 7"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "nightly"},
        {"tags": {"branch": "main"}},
        {"slo": "p99<50ms"},
        {"duration_s": 99.0},
        {"warmup_s": 5.0},
        {"workers": 2},
        {"trace_ratio": 0.1},
    ],
)
def test_a_plan_of_the_same_requests_and_load_is_the_same(changes: dict[str, Any]) -> None:
    assert is_same_plan(head(), head(make_plan(**changes)))


def test_the_cap_of_connections_says_nothing_of_a_closed_loop() -> None:
    closed = make_plan(load=ClosedLoop(4))
    assert is_same_plan(head(closed), head(closed.replace(max_connections=9)))
    assert not is_same_plan(head(closed), head(closed.replace(load=ClosedLoop(5))))


def test_a_stored_plan_is_the_same_as_the_one_with_credentials() -> None:
    rows = Feed([{"id": "1"}, {"id": "2"}])
    secret = Request("GET", f"{URL}/{{{{id}}}}", {"Authorization": "Bearer x"}, data=rows)
    plan = make_plan(requests=secret)
    stored = Plan.from_dict(redacted_plan(plan.to_dict()))
    assert is_same_plan(head(plan), head(stored))
    other = make_plan(requests=evolve(secret, data=Feed([{"id": "3"}, {"id": "2"}])))
    assert not is_same_plan(head(stored), head(other))


def test_imported_runs_are_compared_by_tool_and_endpoint_names_only() -> None:
    def imported(tool: str, *names: str, **changes: Any) -> RunHead:
        requests = [Request("GET", URL, name=name) for name in names]
        return head(Plan(requests, Imported(3, source=tool), **changes), {"imported": {}})

    base = imported("k6", "list", "item")
    assert is_same_plan(base, imported("k6", "item", "list", duration_s=3.0, seed=9))
    tool, endpoints = plan_differences(base, imported("vegeta", "list"))
    assert (tool.field, tool.base, tool.new) == ("tool", "'k6'", "'vegeta'")
    assert endpoints.field == "endpoints"
    assert not is_same_plan(base, head())
    assert is_same_host(base, imported("k6", "list"))
    assert not is_same_host(base, head())


def test_the_same_host_has_the_same_hardware_and_versions_whatever_its_name() -> None:
    assert is_same_host(head(), head(environment={**HOST, "host": "bench-2", "git_commit": "def"}))
    packages = {"benchlab": "0.9.1", "uvloop": "0.21.0"}
    other = {**HOST, "cpu_count": 8, "kernel": None, "packages": packages}
    found = [str(item) for item in host_differences(head(), head(environment=other))]
    assert found == [
        "cpu_count: 4 and 8",
        "kernel: 'Linux 6.8.0' and nothing",
        "packages.benchlab: '0.9.0' and '0.9.1'",
    ]


def cluster(*machines: dict[str, Any]) -> RunHead:
    """A run of hosts on these machines, by a parent that is like none of them."""
    return head(environment=with_machines({**HOST, "cpu_model": "Laptop"}, machines))


def test_clusters_are_compared_by_the_kinds_of_their_machines_and_not_by_the_parent() -> None:
    ours = [{**HOST, "host": name} for name in ("alpha", "beta")]
    other = {**HOST, "host": "gamma", "cpu_count": 8}
    assert is_same_host(cluster(*ours, other), cluster(other, *reversed(ours)))
    assert is_same_host(cluster(ours[0]), head()), "one machine is one, whoever started the load"

    found = host_differences(cluster(*ours), cluster(ours[0], other))
    assert [str(item) for item in found] == ["cpu_count: 4 and 8"]
    found = host_differences(cluster(*ours), head())
    assert [str(item) for item in found] == ["machines: 2 and 1"]


def test_what_differs_in_the_same_way_on_many_machines_is_said_once() -> None:
    before = [{**HOST, "host": f"h{n}", "cpu_count": 4 + n % 2} for n in range(100)]
    after = [{**machine, "kernel": "Linux 6.9.0"} for machine in before]
    found = host_differences(cluster(*before), cluster(*after))
    assert [str(item) for item in found] == ["kernel: 'Linux 6.8.0' and 'Linux 6.9.0'"]


def test_hosts_on_one_machine_are_one_machine() -> None:
    assert is_same_host(cluster(HOST, HOST, HOST), cluster(HOST))
