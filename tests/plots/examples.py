"""An example of each figure, for the tests that hold all of them to the same rules.

A new figure needs an entry, under its name; further entries (``name: what is special``) for what
looks different.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchlab import plots
from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.scalability import scalability as fit_scalability
from benchlab.experiments.trend import trend_of
from benchlab.plan.request import Request
from benchlab.plots.canvas import open_axes
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.fidelity import Fidelity
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.units import NS_PER_S
from tests.analysis.faulty import faulty_run as make_faulty
from tests.analysis.test_explanation import make_cause, make_explanation
from tests.display.results.test_capacity import make_capacity
from tests.display.results.test_comparison import comparison as make_comparison
from tests.display.results.test_sweep import make_sweep
from tests.experiments.histories import ENVIRONMENT as RUN_ENVIRONMENT
from tests.experiments.histories import drawn_ms, history_of
from tests.plots.test_attribution import attribution as make_attribution
from tests.plots.test_capacity import CURVE
from tests.runs.floors import ENVIRONMENT, make_floor
from tests.runs.replayed import poisson_s, replayed_run
from tests.runs.streaming import streaming_run
from tests.runs.synthetic import URL, join_server, make_buckets, make_run, make_trace
from tests.statistics.test_usl import RAYTRACER

__all__ = ["EXAMPLES", "busy_run", "faulty_run", "mixed_run", "two_runs"]


@cache
def busy_run() -> Run:
    """With a stall, errors and a floor."""
    calibration = {"calibration": {"floor": make_floor().to_dict()}}
    return make_run(stall=True, errors=True, environment={**ENVIRONMENT, **calibration})


@cache
def two_runs() -> list[Run]:
    """The same plan twice; the generator was the bottleneck of the second."""
    return [busy_run(), replace(make_run(lag_ns=15_000_000), id="0193f0a1b2c3d4e6")]


@cache
def mixed_run(count: int = 8) -> Run:
    """With ``count`` endpoints of long names, each slower than the one before."""
    requests = [
        Request("GET", URL, name=f"GET /api/v1/customers/orders/{chr(97 + number)}")
        for number in range(count)
    ]
    run = make_run(requests=requests, rate_rps=200, errors=True)
    records = run.samples.records.copy()
    latency_ns = records["done_ns"] - records["intended_ns"]
    slower = 1 + 0.4 * records["endpoint"]
    records["done_ns"] = records["intended_ns"] + (latency_ns * slower).astype(np.int64)
    return replace(run, samples=Samples(records, run.samples.endpoints))


def _narrow() -> Axes:
    return open_axes(None, (5.3, 3.9))


def _attribution(spans: int = 3) -> Figure:
    return plots.attribution(make_attribution(spans))


def _scalability(rows: int, *, has_runs: bool = True) -> Figure:
    result = fit_scalability(*(column[:rows] for column in RAYTRACER))
    return plots.scalability(replace(result, runs=("0" * 16,) * rows if has_runs else ()))


def _trend(metric: str = "p99") -> Figure:
    values = np.concatenate([drawn_ms(40, step=1.3, at=20), drawn_ms(20, seed=1)])
    runs = history_of(values, environments={10: {**RUN_ENVIRONMENT, "cpu_count": 8}})
    return plots.trend(trend_of(runs, "nightly", metric))


def _drifting() -> Run:
    """With a level shift in the middle."""
    run = make_run(duration_s=60, rate_rps=200, warmup_s=5)
    records = run.samples.records.copy()
    is_late = records["intended_ns"] > 35 * NS_PER_S
    records["done_ns"] += np.where(is_late, records["done_ns"] - records["intended_ns"], 0)
    return replace(run, samples=Samples(records, run.samples.endpoints))


@cache
def faulty_run() -> Run:
    """With a fault that was lifted, one inside it, and one that stayed."""
    faults = ["latency 20ms at 2s for 4s", "error 503 ratio=10% at 3s for 1s", "freeze pid=5 at 8s"]
    run = make_run(errors=True, faults=faults)
    times_s = ((3.0, 7.0), (4.0, 5.0), (9.0, None))
    records = (
        FaultRecord(
            number,
            str(fault),
            fault.kind,
            int(began_s * NS_PER_S),
            None if ended_s is None else int(ended_s * NS_PER_S),
        )
        for number, (fault, (began_s, ended_s)) in enumerate(
            zip(run.plan.faults, times_s, strict=True)
        )
    )
    return replace(run, faults=tuple(records))


def _replay(count: int = 1_000, tick_ns: int = 0) -> Fidelity:
    """Random arrivals, sent a little late, or at the next tick of a coarse timer."""
    due_s = poisson_s(count)
    due_ns = np.rint(due_s * NS_PER_S).astype(np.int64)
    late_ns = -due_ns % tick_ns if tick_ns else np.arange(count) * 7_919 % 60_000
    found = replayed_run(due_s, late_ns).fidelity
    assert found is not None
    return found


EXAMPLES: dict[str, Callable[[], Figure]] = {
    "attribution": _attribution,
    "attribution: many spans": lambda: _attribution(spans=9),
    "capacity": lambda: plots.capacity(make_capacity(curve=CURVE)),
    "capacity: or more": lambda: plots.capacity(make_capacity(rate_high=None, limited_by="none")),
    "client_server": lambda: plots.client_server(join_server(busy_run()), run=busy_run()),
    "comparison": lambda: plots.comparison(make_comparison("slower", 1.123, 1.101, 1.142)),
    "comparison: wide": lambda: plots.comparison(make_comparison("inconclusive", 1.3, needed=1)),
    "ecdf": lambda: plots.ecdf(two_runs()[:1], two_runs()[1:]),
    "explanation": lambda: plots.explanation(make_explanation()),
    "explanation: one cause": lambda: plots.explanation(
        make_explanation([make_cause(figure="histogram")])
    ),
    "explanation: three causes": lambda: plots.explanation(
        make_explanation([make_cause(figure=each) for each in ("sizes", "by_group", "scatter")])
    ),
    "explanation: pauses": lambda: plots.explanation(
        make_explanation([make_cause(), make_cause("child_span", figure="traces")])
    ),
    "explanation: nothing found": lambda: plots.explanation(make_explanation([])),
    "fidelity": lambda: plots.fidelity(_replay()),
    "fidelity: not faithful": lambda: plots.fidelity(_replay(tick_ns=10_000_000)),
    "fidelity: one arrival": lambda: plots.fidelity(_replay(1)),
    "heatmap": lambda: plots.heatmap(busy_run()),
    "heatmap: narrow": lambda: plots.heatmap(busy_run(), _narrow()),
    "histogram": lambda: plots.histogram(busy_run()),
    "histogram: two runs": lambda: plots.histogram(two_runs()),
    "histogram: many endpoints": lambda: plots.histogram(mixed_run(), by="endpoint"),
    "in_flight": lambda: plots.in_flight(busy_run()),
    "in_flight: many endpoints": lambda: plots.in_flight(mixed_run(), by="endpoint"),
    "percentiles": lambda: plots.percentiles(busy_run()),
    "percentiles: many endpoints": lambda: plots.percentiles(mixed_run(), _narrow(), by="endpoint"),
    "percentiles: three samples": lambda: plots.percentiles(make_run(count=3, warmup_s=0)),
    "resilience": lambda: plots.resilience(resilience_of(make_faulty(1))),
    "resilience: errors, narrow": lambda: plots.resilience(
        resilience_of(make_faulty(1, faults=[(8.0, 4.0), (20.0, 10.0)], errors=True, depth=0.3)),
        _narrow(),
    ),
    "scalability": lambda: _scalability(6),
    "scalability: numbers": lambda: _scalability(11, has_runs=False),
    "server_histogram": lambda: plots.server_histogram(busy_run(), make_buckets(busy_run())),
    "steady_state": lambda: plots.steady_state(busy_run()),
    "steady_state: level shift": lambda: plots.steady_state(_drifting(), _narrow()),
    "streams": lambda: plots.streams(streaming_run()),
    "sweep": lambda: plots.sweep(make_sweep(connections=[1, 2, 4, 8])),
    "sweep: two": lambda: plots.sweep(make_sweep(2, connections=[1, 2, 4], max_connections=[1, 2])),
    "sweep_heatmap": lambda: plots.sweep_heatmap(
        make_sweep(connections=[1, 2, 4], mode=["a", "b"])
    ),
    "timeline": lambda: plots.timeline(busy_run()),
    "timeline: faults": lambda: plots.timeline(faulty_run()),
    "timeline: many endpoints": lambda: plots.timeline(mixed_run(), by="endpoint"),
    "trend": _trend,
    "trend: rate": lambda: _trend("rate_rps"),
    "waterfall": lambda: plots.waterfall(make_trace(busy_run(), seq=25), run=busy_run()),
}
"""Figure to a function that draws it, from arithmetic alone."""
