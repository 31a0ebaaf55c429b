"""One run of each kind; together they fill every part of every view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchlab.exchange import import_file
from benchlab.plan.checks import Check, JsonEquals, StatusIn
from benchlab.plan.feed import Feed
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes import ClosedLoop, ConstantRate
from benchlab.report.sections.extra import Extra
from benchlab.runs.health import WorkerHealth
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.examples import make_example
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.units import NS_PER_S
from tests.runs.floors import make_floor
from tests.runs.synthetic import URL, join_server, make_buckets, make_run, make_trace

IMPORTED = Path(__file__).parents[1] / "exchange" / "data" / "jmeter.csv.jtl"
MACHINE = {
    "host": "bench-1",
    "cpu_model": "Fast 9000",
    "cpu_count": 4,
    "cpu_usable": 4,
    "clock_source": "tsc",
    "memory_bytes": 2**34,
    "load_average_before": [0.5, 1.0, 1.5],
    "kernel": "Linux 6.1",
    "python": "3.11.7",
    "packages": {"uvloop": "0.21", "httpx": None},
    "git_commit": "0123abc",
    "git_dirty": False,
    "target": {"server": "uvicorn", "workers": 2},
}


@dataclass(frozen=True, eq=False)
class Case:
    """A run, and what a report has beside it."""

    run: Run
    server: ServerSide = field(default_factory=ServerSide)
    extra: Mapping[str, Extra] = field(default_factory=dict)


def valid() -> Case:
    """An open loop over several endpoints with floor, objectives, traces and a metric."""
    headers = {"Authorization": "Bearer hunter2", "X-Kind": "golden"}
    checks: list[Check] = [StatusIn(200, 201), JsonEquals("result.0", 4)]
    users = Feed([{"user": "ann", "password": "hunter2"}, {"user": "bob", "password": "x"}])
    requests = [
        Request("POST", URL, json={"a": [1], "b": [3]}, headers=headers, checks=checks, name="add"),
        Request("GET", "http://127.0.0.1:8000/users/{{user}}?token=hunter2", data=users),
        Request("POST", "http://10.0.0.7:8001/api/text", body="a <b> & “c”", name="<text>"),
    ]
    run = make_run(
        rate_rps=100,
        requests=requests,
        stall=True,
        errors=True,
        name="golden, “quoted” <name>",
        tags={"branch": "main", "ticket": "42"},
        trace_ratio=1.0,
        workers=[
            WorkerHealth(0, 0.23, 3, 11_200_000, 23_000_000, 17, 12, 9, 0, 2**26, "timerfd", ""),
            WorkerHealth(1, 0.21, 0, 0, 0, 15, 0, 8, servers=("nginx/1.27", "uvicorn")),
        ],
        environment={**MACHINE, "calibration": {"floor": make_floor().to_dict()}},
        load=ConstantRate(100),
        slo=["p99<1500ms", "service.p50[add]<2ms", "error_ratio<0.01 over 2s", "rate_rps>90"],
    )
    run = replace(run, plan=run.plan.replace(workers=2), connections=opened(run))
    server = ServerSide(
        join_server(run),
        TraceCoverage(1000, 990, 10, dropped=5, unexported=0),
        (make_trace(run),),
        make_buckets(run),
    )
    rows = pd.DataFrame({"name": ["a", "b"], "x": [0.5, float("nan")]})
    return Case(run, server, {"Notes": "one\n<two>", "Rows": rows})


def invalid() -> Case:
    """An open loop that fell behind, with warnings and failures of every kind."""
    request = Request("POST", URL, json={"a": "{{missing}}"}, name="add")
    other = Request("GET", URL + "/slow", name="slow")
    run = make_run(
        requests=[request, other],
        lag_ns=15_000_000,
        errors=True,
        environment={
            **MACHINE,
            "cpu_count": 1,
            "cpu_usable": 1,
            "clock_source": "hpet",
            "load_average_before": [3.5],
            "calibration": {"floor": make_floor(warnings=("the machine was busy",)).to_dict()},
        },
        workers=[WorkerHealth(0, 0.97, 40, 21_000_000, cap_wait_count=1_234)],
        slo=["p99<10ms", "error_count<1", "p50[slow]<1s", "lag.max<1ms"],
        abort_on=["error_ratio>0.5 over 1s"],
    )
    examples = [
        make_example("connect", "add", 3, 30_000_000, 0, "in the warm-up: refused"),
        make_example(
            "status", "add", 100, NS_PER_S, 503, "the status is 503",
            [("Retry-After", "1"), ("Set-Cookie", "id=hunter2")], b'{"busy": true}\nwait', 20,
        ),
        make_example("status", "add", 200, 2 * NS_PER_S, 503, "the status is 503", (), b"busy"),
        make_example("reset", "slow", 125, 1_250_000_000, 0, "connection reset \x1b[31mby peer"),
        make_example("timeout", "slow", 227, 2_270_000_000, 0, "no response within 10 s"),
        make_example("check", "add", 300, 3 * NS_PER_S, 200, "<b>: 3, not 4", (), b"x" * 40, 9_000),
        make_example("check", "slow", 301, 3_010_000_000, 200, "the body is not JSON", (), b"\xff"),
        make_example("protocol", "slow", 303, 3_030_000_000, 0, "no HTTP"),
    ]  # fmt: skip
    records = run.samples.records.copy()
    for example in examples:
        records["error"][example.seq] = ErrorKind[example.kind.upper()]
        records["status"][example.seq] = example.status
    samples = Samples(records, run.samples.endpoints)
    return Case(replace(run, samples=samples, examples=tuple(examples)))


def counted() -> Case:
    """A closed loop of a number of requests, on a machine without a floor."""
    run = make_run(
        load=ClosedLoop(8, think_time_s=0.02),
        count=600,
        lag_ns=0,
        duration_s=60,
        request_count=500,
        environment={**MACHINE, "calibration": {"note": "not calibrated on this host"}},
        slo=["p99<50ms"],
    )
    return Case(run)


def imported() -> Case:
    """Another tool's requests."""
    run = import_file(IMPORTED)
    assert isinstance(run, Run)
    return Case(run)


def scenario() -> Case:
    """A scenario that was stopped by its own condition."""
    feed = Feed([{"user": "ann"}, {"user": "bob"}], "random", "users.csv")
    shop = Scenario(
        "http://127.0.0.1:8000/shop",
        "buy",
        source="async def buy(client, ctx):\n    ...\n",
        function="shop.py:buy",
        data=feed,
        steps=("browse", "pay"),
    )
    run = make_run(
        requests=[shop.anchor],
        scenario=shop,
        load=ConstantRate(50),
        errors=True,
        stopped_ns=4 * NS_PER_S,
        environment=MACHINE,
        abort_on=["error_ratio>0.01"],
        slo=["p99[pay]<1ms", "error_ratio<0.5"],
    )
    records = run.samples.records.copy()
    records["endpoint"] = 1 + records["seq"] % 2
    records["flags"][::2] |= np.uint8(Flag.FIRST_STEP)
    example = make_example("status", "pay", 101, 1_010_000_000, 503, "the status is 503", (), b"no")
    run = replace(run, samples=Samples(records, run.plan.endpoint_names), examples=(example,))
    return Case(replace(run, stop_reason="stopped by error_ratio>0.01: it was 0.03"))


def _complete_scenario(**plan: Any) -> Run:
    """Two steps for each iteration of an open loop that reached its end."""
    shop = Scenario(
        "http://127.0.0.1:8000/shop", "buy", function="shop.py:buy", steps=("browse", "pay")
    )
    run = make_run(
        requests=[shop.anchor],
        scenario=shop,
        load=ConstantRate(50),
        drain_s=5,
        environment=MACHINE,
        slo=["p99[pay]<1s"],
        **plan,
    )
    records = run.samples.records.copy()
    records["endpoint"] = 1 + records["seq"] % 2
    records["flags"][::2] |= np.uint8(Flag.FIRST_STEP)
    return replace(run, samples=Samples(records, run.plan.endpoint_names))


def scenario_complete() -> Case:
    """A scenario that ended with its time."""
    return Case(_complete_scenario())


def scenario_counted() -> Case:
    """A scenario of a number of iterations, some of whose steps failed."""
    return Case(_complete_scenario(request_count=200, duration_s=4, errors=True))


def empty() -> Case:
    """A run without a single sample."""
    return Case(make_run(count=0, workers=[]))


CASES: Mapping[str, Callable[[], Case]] = {
    case.__name__: case
    for case in (
        valid,
        invalid,
        counted,
        imported,
        scenario,
        scenario_complete,
        scenario_counted,
        empty,
    )
}


def opened(run: Run) -> Connections:
    """Ten connections of ``run``, the last of which failed."""
    records = np.zeros(10, dtype=CONNECTION_DTYPE)
    index = np.arange(10)
    records["seq"] = index * 100
    records["start_ns"] = run.samples.records["sent_ns"][index * 100]
    records["dns_ns"], records["connect_ns"] = 30_000, 200_000 + index * 10_000
    records["origin"] = index % 2
    records["error"][-1] = ErrorKind.CONNECT
    return Connections(records)
