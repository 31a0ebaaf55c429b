"""What made a run slow: the result around the causes, whoever finds them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchlab.analysis import explanation as module
from benchlab.analysis.causes.cause import CAUSES, Cause, Evidence
from benchlab.analysis.evidence_points import Counts, Pairs, Scatter
from benchlab.analysis.explanation import Explanation, explanation_of
from benchlab.errors import InputError, InvalidRunError
from benchlab.plan.request import Request
from benchlab.plan.tracing import trace_id
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.request_spans import ChildSpans, RequestSpans
from benchlab.runs.run import Run
from tests.runs.synthetic import RUN_ID, URL, make_run

FIGURES = (
    "timeline", "scatter", "histogram", "by_group", "sizes", "phases", "traces", "errors",
)  # fmt: skip


def make_cause(cause: str = "periodic_pause", tail_ratio: float = 0.6, figure: str = "") -> Cause:
    """A cause with two observations and two examples."""
    return Cause(
        cause=cause,  # type: ignore[arg-type]
        tail_ratio=tail_ratio,
        evidence=(
            Evidence("every 2 s requests wait for 150 ms", {"period_ns": 2e9, "length_ns": 1.5e8}),
            Evidence("5 pauses"),
        ),
        figure=figure or FIGURES[CAUSES.index(cause) % len(FIGURES)],
        requests=(520, 521),
        try_next="look for a garbage collector, a cron job, a flush",
    )


def make_spans(run: Run, every: int = 2) -> RequestSpans:
    """A server span of each second request, with a child in each, on two instances."""
    records = run.measured.records[::every]
    index = np.arange(len(records), dtype=np.int32)
    server_ns = (records["done_ns"] - records["sent_ns"]) // 2
    start_ns = records["sent_ns"] + 1_000
    children = tuple(
        ChildSpans(name, "shop", index, start_ns + 1_000, server_ns // part)
        for part, name in ((2, "SELECT"), (4, "cache"))
    )
    return RequestSpans(
        seq=records["seq"].copy(),
        start_ns=start_ns,
        server_ns=server_ns,
        instance=index % 2,
        instances=("a", "b"),
        children=children,
    )


def make_explanation(
    causes: Sequence[Cause] = (make_cause(), make_cause("child_span", 0.3)),
    run: Run | None = None,
    *,
    endpoint: str | None = None,
    force: bool = False,
    traced: bool = True,
) -> Explanation:
    """An explanation of a run with two endpoints, whose causes are given."""
    requests = [Request("GET", URL, name=name) for name in ("fast", "slow")]
    run = run or make_run(stall=True, errors=True, requests=requests, trace_ratio=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "causes_of", lambda *_: tuple(causes))
        spans = make_spans(run) if traced else None
        return explanation_of(run, spans, endpoint=endpoint, force=force)


def test_an_explanation_is_json() -> None:
    found = make_explanation()
    data = json.loads(json.dumps(found.to_dict()))
    assert data["run_id"] == RUN_ID
    assert [set(cause) for cause in data["causes"]] == [
        {"cause", "tail_ratio", "evidence", "try"}
    ] * 2
    assert [cause["cause"] for cause in data["causes"]] == ["periodic_pause", "child_span"]
    assert data["causes"][0]["evidence"][0] == {
        "text": "every 2 s requests wait for 150 ms",
        "numbers": {"period_ns": 2e9, "length_ns": 1.5e8},
    }
    assert data["nothing_found"] is False
    assert data["tail"]["ratio"] == 0.9
    example = data["examples"][0]
    assert (example["cause"], example["seq"]) == ("periodic_pause", 520)
    assert example["trace_id"] == trace_id(RUN_ID, 520)
    assert data["examples"][1]["trace_id"] is None  # no span of it
    frame = found.to_pandas()
    assert list(frame["cause"]) == ["periodic_pause", "child_span"]
    assert frame["example_seqs"][0] == "520, 521"


def test_nothing_found_is_said() -> None:
    found = make_explanation([])
    data = found.to_dict()
    assert data["causes"] == data["examples"] == []
    assert data["nothing_found"] is found.nothing_found is True
    assert next(iter(found.to_pandas().columns)) == "cause"


@pytest.mark.parametrize("figure", [*FIGURES, "of a later version"])
@pytest.mark.parametrize("traced", [True, False])
def test_each_figure_has_few_points(figure: str, traced: bool) -> None:
    found = make_explanation([make_cause(figure=figure)], traced=traced)
    (points,) = found.points
    if isinstance(points, Scatter):
        assert 100 < len(points.x) == len(points.latency_ms) <= 380
        assert points.is_slow.any()
        assert points.failed.any()
        assert np.all(points.x >= 0)
    elif isinstance(points, Counts):
        assert points.counts.sum() == found.count
    else:
        assert 2 <= len(points.names) == len(points.first_ms) == len(points.second_ms) <= 8


def test_the_plot_over_time_has_the_faults_that_were_on() -> None:
    faults = (
        FaultRecord(0, "drop", "drop", 6_000_000_000, 7_000_000_000),
        FaultRecord(1, "leak", "leak", 9_000_000_000),
        FaultRecord(2, "lock", "lock", 9_500_000_000, error="refused"),
    )
    run = replace(make_run(), faults=faults)
    (points,) = make_explanation([make_cause(figure="timeline")], run).points
    assert isinstance(points, Scatter)
    assert points.faults == ((6.0, 7.0), (9.0, run.measured.records["done_ns"].max() / 1e9))


def test_the_plot_by_group_is_of_what_tells_slow_requests_from_others() -> None:
    requests = [Request("GET", URL, name=name) for name in ("fast", "slow")]
    run = make_run(requests=requests)
    records = run.samples.records.copy()
    records["done_ns"][records["endpoint"] == 1] += 50_000_000
    run = replace(run, samples=type(run.samples)(records, run.samples.endpoints))
    (points,) = make_explanation([make_cause(figure="by_group")], run).points
    assert isinstance(points, Pairs)
    assert points.names == ("endpoint slow", "endpoint fast")
    assert points.first_ms[0] > 50 > points.first_ms[1]


def test_requests_in_flight_are_counted_when_each_was_sent() -> None:
    run = make_run(duration_s=0.2, warmup_s=0, rate_rps=100, equal=True, lag_ns=0)
    records = run.samples.records.copy()
    records["done_ns"] = records["sent_ns"] + 25_000_000  # 2 others are open when one is sent
    run = replace(run, samples=type(run.samples)(records, run.samples.endpoints))
    (points,) = make_explanation([make_cause(figure="scatter")], run, traced=False).points
    assert isinstance(points, Scatter)
    assert sorted(points.x.tolist()) == [0, 1] + [2] * 18


def test_of_an_invalid_run_causes_that_rest_on_latencies_are_left_out() -> None:
    run = make_run(lag_ns=15_000_000)
    causes = [make_cause("generator"), make_cause("queueing"), make_cause("errors")]
    found = make_explanation(causes, run)
    assert [each.cause for each in found.causes] == ["generator", "errors"]
    assert found.verdict == "invalid"
    assert len(make_explanation(causes, run, force=True).causes) == 3
    with pytest.raises(InvalidRunError, match=r"is invalid: the generator fell behind.*--force"):
        make_explanation([make_cause("queueing")], run)
    assert make_explanation([], run, force=True).nothing_found


def test_an_interrupted_run_is_explained_as_far_as_it_went() -> None:
    found = make_explanation(run=make_run(stopped_ns=6_000_000_000), traced=False)
    assert found.verdict == "interrupted"
    assert len(found.causes) == 2


def test_without_requests_there_is_no_tail() -> None:
    found = make_explanation([], make_run(count=0), force=True, traced=False)
    assert (found.tail, found.count, found.points) == (None, 0, ())
    assert found.to_dict()["tail"] is None


def test_one_endpoint_keeps_the_verdict_of_all() -> None:
    found = make_explanation(endpoint="slow")
    assert (found.endpoint, found.verdict, found.count) == ("slow", "valid", 500)
    assert {(each.endpoint, each.seq) for each in found.examples} == {("slow", 521)}
    with pytest.raises(InputError, match="third"):
        make_explanation(endpoint="third")
