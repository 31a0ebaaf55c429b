"""A value of every public class, with foreign text and secrets wherever there is room for some."""

from __future__ import annotations

from dataclasses import replace

import benchlab as bl
from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.independent_runs import compare_runs
from benchlab.analysis.trend import TrendPoint
from benchlab.runs.imported_summary import Point
from tests.analysis.compared import statistics_of
from tests.analysis.faulty import faulty_run
from tests.analysis.test_explanation import make_explanation
from tests.display.results.example import HOSTILE
from tests.display.results.test_capacity import make_capacity
from tests.display.results.test_sweep import make_sweep
from tests.plots.test_attribution import attribution
from tests.runs.floors import make_floor
from tests.runs.replayed import poisson_s, replayed_run
from tests.runs.synthetic import make_run, make_trace

__all__ = ["SECRET", "VALUES"]

SECRET = "s3cret"
URL = f"http://me:{SECRET}@127.0.0.1:1/a?api_key={SECRET}&q=<script>"


async def shop(client: object, ctx: object) -> None:
    """<script>alert(1)</script>"""


RUN = make_run(errors=True, stall=True, slo=["p99<5ms"], name=HOSTILE, tags={HOSTILE: HOSTILE})
REQUEST = bl.Request(
    "POST",
    URL,
    headers={"X-Token": SECRET, "X-Mine": "<script> {{user}}"},
    cookies={"session": SECRET},
    json={"password": SECRET},
    name="<script>",
    checks=[bl.BodyContains(HOSTILE)],
    data=bl.Feed([{"user": SECRET}], name=HOSTILE),
)
PLAN = bl.Plan(
    [REQUEST, bl.Request("GET", URL, auth=("me", SECRET))],
    bl.Spike(50, 500, 10, 5, 30),
    name=HOSTILE,
    tags={HOSTILE: HOSTILE},
    slo=["p99<50ms", "error_ratio<1%"],
    abort_on=["error_ratio>0.5 over 5s"],
    transport=bl.Transport(verify=False, unix_socket="/tmp/<script>"),
    faults=["latency 200ms route=/<script> at 10s for 5s"],
)
REPLAYED = replayed_run(
    poisson_s(100), requests=[bl.Request("GET", URL, name=HOSTILE)], name=HOSTILE
)
COMPARED = [[statistics_of(number, 1e7 * (1 + number / 10))] for number in (1, 2)]
POINTS = [
    TrendPoint(
        run_id=f"{number:016x}",
        started_at=RUN.started_at,
        git_commit="<script>",
        git_dirty=True,
        value=1e6,
    )
    for number in range(3)
]
TREND = bl.Trend(name=HOSTILE, metric="p99", points=tuple(POINTS))
FAULTY = faulty_run(1, rate_rps=100)
VALUES: dict[str, object] = {
    "Apdex": RUN.apdex(5),
    "Attainment": RUN.attainment("p99<5ms"),
    "Attribution": attribution(),
    "BodyContains": REQUEST.checks[0],
    "BodyEquals": bl.BodyEquals(HOSTILE),
    "BodyMatches": bl.BodyMatches("<script>"),
    "Capacity": make_capacity(name=HOSTILE),
    "ClosedLoop": bl.ClosedLoop(8),
    "Comparison": compare_runs(*COMPARED),
    "ConstantRate": bl.ConstantRate(10),
    "EventContains": bl.EventContains(HOSTILE),
    "EventCount": bl.EventCount(3),
    "EventJson": bl.EventJson("a.b", HOSTILE, of="last"),
    "Fault": PLAN.faults[0],
    "FaultRecord": bl.FaultRecord(0, str(PLAN.faults[0]), "latency", 10**9, error=HOSTILE),
    "FaultSchedule": PLAN.faults,
    "Explanation": make_explanation(run=RUN),
    "Feed": REQUEST.data,
    "Fidelity": REPLAYED.fidelity,
    "Floor": make_floor(host={"host": HOSTILE}, warnings=(HOSTILE,)),
    "GrpcRequest": bl.GrpcRequest(
        "shop.Orders/Add",
        {"password": SECRET, "note": "<script> {{user}}"},
        {"X-Token": SECRET, "x-mine": "<script>"},
        name="<script>",
        checks=[bl.BodyContains(HOSTILE)],
        data=bl.Feed([{"user": SECRET}], name=HOSTILE),
        target=f"grpc://me:{SECRET}@127.0.0.1:1",
    ),
    "GrpcStatusIn": bl.GrpcStatusIn("OK", "NOT_FOUND"),
    "HostRecord": bl.HostRecord("tcp://<script>:1", HOSTILE, (0, 2), 1, 2, 3, 4, HOSTILE),
    "ImportedSummary": bl.ImportedSummary(
        id="1",
        tool="wrk",
        format="wrk",
        name=HOSTILE,
        url=URL,
        count=10,
        error_count=1,
        rate_rps=5.0,
        duration_s=2.0,
        percentiles=[Point(0.5, 10**6), Point(0.99, 10**7)],
        notes=[HOSTILE],
    ),
    "JsonEquals": bl.JsonEquals("a.b", HOSTILE),
    "LatencyHistogram": RUN.histogram(),
    "LittlesLaw": RUN.littles_law,
    "MaxBody": bl.MaxBody(1_000),
    "Modes": RUN.modes(),
    "Objective": bl.Objective.parse("p99[<script>]<50ms over 5s"),
    "PercentileInterval": RUN.percentile_interval(0.99),
    "Plan": PLAN,
    "PoissonRate": bl.PoissonRate(10),
    "Recording": bl.Recording.from_table(
        offset_s=[0, 0.5, 2],
        method=["GET", "POST", "CONNECT"],
        path=[f"/<script>?api_key={SECRET}", f"{URL}&@someone", "/"],
        session=[SECRET, SECRET, None],
        source=HOSTILE,
        notes=[HOSTILE],
    ),
    "Replay": bl.Replay([0.0, 0.5, 2.0]),
    "Request": REQUEST,
    "Resilience": resilience_of(
        replace(FAULTY, plan=FAULTY.plan.replace(name=HOSTILE)), "p99<50ms"
    ),
    "Run": RUN,
    "Samples": RUN.samples,
    "Scalability": bl.scalability([1, 2, 4, 8, 16], [100, 190, 340, 550, 700]),
    "Scenario": bl.scenario(shop, URL, data=REQUEST.data),
    "Spike": PLAN.load,
    "Stages": bl.Stages([(5, 10), (10, 100)]),
    "StatusIn": bl.StatusIn(200, 204),
    "SteadyState": RUN.steady_state(),
    "Steps": bl.Steps([(5, 10), (10, 100)]),
    "Stream": bl.Stream("events", max_s=30, rows=True),
    "Summary": RUN.summary,
    "Trace": make_trace(RUN),
    "Transport": PLAN.transport,
    "Retry": bl.Retry(budget=0.1),
    "Hedge": bl.Hedge(),
    "Breaker": bl.Breaker(),
    "Sweep": make_sweep(x=[HOSTILE, 2]),
    "Trend": TREND,
}
