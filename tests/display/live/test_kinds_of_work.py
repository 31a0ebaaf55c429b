"""What is shown of a run, an A/B, a search for a capacity and a sweep."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from benchlab.analysis.probe import Probe
from benchlab.display.live import LiveView, live_html, live_svg, live_text
from benchlab.display.live.ab import ab_view
from benchlab.display.live.capacity import capacity_view
from benchlab.display.live.run import run_view
from benchlab.display.live.sweep import sweep_view
from benchlab.experiments.ab_progress import ABInterval, ABProgress
from benchlab.experiments.capacity_progress import CapacityProgress
from benchlab.experiments.sweep_progress import SweepProgress
from benchlab.load.supervisor.progress import ObjectiveProgress, Progress
from benchlab.load.supervisor.series import ProgressSeries
from benchlab.runs.fault_record import FaultRecord

SERIES = ProgressSeries(
    width_s=1.0,
    t_s=(0.0, 1.0, 2.0),
    rate_rps=(50.0, 50.0, 10.0),
    p50_ms=(1.0, 2.0, math.nan),
    p99_ms=(5.0, 9.0, math.nan),
    error_rps=(0.0, 1.0, 0.0),
    lag_p99_ms=(0.1, 0.2, 0.1),
    in_flight=(1.0, 2.0, math.nan),
)
RUN = Progress(
    phase="measuring",
    elapsed_s=3.0,
    total_s=10.0,
    warmup_s=1.0,
    count=110,
    error_count=1,
    rate_rps=50.0,
    p50_ns=2_000_000,
    p99_ns=9_000_000,
    lag_p99_ns=200_000,
    in_flight=2,
    title="GET http://127.0.0.1/ at 50 requests/s",
    objectives=(
        ObjectiveProgress("p99<20ms", "9.00 ms", True),
        ObjectiveProgress("lag.p99<1ms", "–", None),
        ObjectiveProgress("p99[GET /a]<20ms", "–", None),
    ),
    series=SERIES,
)
PROBES = (
    Probe(10.0, 2.0, 1.0, "good", "valid", latency_ns=4_000_000, kind="climb"),
    Probe(80.0, 2.0, 0.5, "bad", "valid", latency_ns=90_000_000, kind="climb"),
    Probe(20.0, 2.0, None, "undecided", "invalid"),
)
AB = ABProgress(
    done=2,
    blocks=20,
    metric="p50",
    ratio=1.01,
    ratio_low=0.98,
    ratio_high=1.04,
    intervals=(ABInterval(1, 1.5, None, None), ABInterval(2, 1.01, 0.98, 1.04)),
    threshold=0.02,
    title="checkout",
    arm="b",
    run=RUN,
    elapsed_s=12.0,
    total_s=100.0,
)
CAPACITY = CapacityProgress(
    elapsed_s=30.0,
    budget_s=120.0,
    probe_number=4,
    rate_rps=40.0,
    kind="narrow",
    low_rps=10.0,
    high_rps=80.0,
    last=PROBES[-1],
    probes=PROBES,
    objective="p99<50ms",
    limit_ns=50e6,
    title="GET /",
    run=RUN,
)
SWEEP = SweepProgress(points=8, done=3, failed=1, skipped=2, current={"rate": 50}, run=RUN)


def numbers(view: LiveView) -> dict[str, str]:
    return {item.label: item.text for item in view.numbers}


def test_a_run() -> None:
    view = run_view(RUN)
    assert (view.done_ratio, view.done, view.left_s) == (0.3, "3/10 s", 7.0)
    assert numbers(view) == {
        "rate": "50.0 requests/s",
        "p50": "2.00 ms",
        "p99": "9.00 ms",
        "errors": "1",
        "lag p99": "0.200 ms",
        "in flight": "2",
    }
    assert [chart.title.split()[0] for chart in view.charts] == ["rate", "latency", "errors", "lag"]
    assert [mark.y for mark in view.charts[1].marks if mark.name] == [20.0]
    assert "✓ p99<20ms 9.00 ms" in live_text(view)


def test_a_run_before_its_first_response() -> None:
    view = run_view(Progress("warm-up", 0.0, 10.0))
    assert set(numbers(view).values()) == {"0.0 requests/s", "–", "0"}
    assert live_svg(view).count("nothing measured yet") == 4


def test_the_time_left_of_a_number_of_requests_follows_from_the_pace() -> None:
    counted = Progress("measuring", 6.0, 0.0, total_count=300, done_count=100, warmup_s=1.0)
    assert run_view(counted).left_s == pytest.approx(10.0)
    assert run_view(Progress("draining", 10.0, 10.0)).left_s is None


@pytest.mark.parametrize("total_s", [10.0, 2.2], ids=["stopped", "complete"])
def test_a_run_has_no_rate_for_the_interval_in_which_it_ended(total_s: float) -> None:
    """Nor for the time after it, in which the last open requests end."""
    ended = Progress("done", 2.2, total_s, series=SERIES)
    assert run_view(ended).charts[0].lines[0].y == (50.0, 50.0)
    assert run_view(Progress("done", 0.5, 0.5, series=SERIES)).charts[0].lines[0].y == (50.0,)
    assert run_view(RUN).charts[0].lines[0].y == (50.0, 50.0, 10.0)


def test_an_ab_closes_its_interval() -> None:
    view = ab_view(AB)
    assert view.title == "A/B of checkout"
    assert view.phase == "B: measuring"
    assert view.left_s == 88.0
    assert numbers(view)["p50: change from A to B"] == "+1.0 % (−2.0 to +4.0 %)"
    (chart,) = view.charts
    assert chart.band is not None
    assert chart.band.high[1] == pytest.approx(4.0)
    assert math.isnan(chart.band.high[0])
    assert chart.y_axis.most == pytest.approx(12.0)  # of the latest, not of the first +50 %
    assert "The number of blocks is fixed" in live_text(view)


@pytest.mark.parametrize(("done", "phase"), [(20, "done"), (7, "ended early")])
def test_an_ab_that_is_over(done: int, phase: str) -> None:
    view = ab_view(ABProgress(done, 20, "p50", finished=True))
    assert (view.phase, view.finished, view.is_complete) == (phase, True, phase == "done")


def test_a_capacity_has_its_probes_on_the_curve() -> None:
    view = capacity_view(CAPACITY)
    assert view.phase == "probe 4: measuring"
    assert numbers(view)["capacity so far, 95 % interval"] == "10 to 80 requests/s"
    (chart,) = view.charts
    assert [(point.x, point.y, point.color) for point in chart.points] == [
        (10.0, 4.0, "good"),
        (80.0, 90.0, "bad"),
    ]
    assert {mark.name: mark.y or mark.x for mark in chart.marks if mark.name} == {
        "this probe": 40.0,
        "p99<50ms": 50.0,
    }


def test_a_sweep() -> None:
    view = sweep_view(SWEEP)
    assert (view.done, view.phase) == ("5 of 8 points", "point 6: measuring")
    assert numbers(view) == {"measured": "2", "failed": "1", "finished before": "2"}
    assert "rate = 50" in live_text(view)
    assert len(view.charts) == 4


@pytest.mark.parametrize(
    "view",
    [
        run_view(RUN),
        ab_view(AB),
        ab_view(ABProgress(0, 20, "p50")),
        capacity_view(CAPACITY),
        capacity_view(CapacityProgress(0.0, 120.0, 1, 10.0, "climb")),
        sweep_view(SWEEP),
        sweep_view(SweepProgress(points=0)),
    ],
    ids=lambda view: str(view.title),
)
def test_each_is_a_few_kilobytes_and_well_formed(view: LiveView) -> None:
    ElementTree.fromstring(live_svg(view))
    assert len(live_html(view)) < 20_000


def test_faults_are_shaded_in_every_chart_and_named_in_one() -> None:
    records = (
        FaultRecord(0, "latency 5ms for 1s", "latency", 10**9, 2 * 10**9),
        FaultRecord(1, "drop at 3s", "drop", 3 * 10**9),
    )
    charts = run_view(replace(RUN, faults=records)).charts
    assert all([(span.start, span.end) for span in c.spans] == [(1, 2), (3, None)] for c in charts)
    assert [[span.name for span in c.spans] for c in charts[:2]] == [["latency", "drop"], ["", ""]]
    assert not any(chart.spans for chart in run_view(RUN).charts)
