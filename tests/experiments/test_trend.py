"""Since when: the history of a metric, with changes, breaks, and what is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from benchlab.analysis.trend import Trend
from benchlab.errors import InputError
from benchlab.experiments.stored import stored_result
from benchlab.experiments.trend import trend, trend_of
from benchlab.plan.shapes import ConstantRate
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.store import Store
from tests.experiments.histories import ENVIRONMENT, PLAN, drawn_ms, history_of
from tests.store.stored_runs import make_run
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]  # fixtures


def slower_from(at: int, count: int = 50, step: float = 1.2) -> Trend:
    return trend_of(history_of(drawn_ms(count, step=step, at=at)), "nightly", "p99")


def test_a_regression_has_its_last_good_and_first_bad_commit() -> None:
    runs = history_of(drawn_ms(50, step=1.2, at=30))
    result = trend_of(runs, "nightly", "p99")
    (change,) = result.changes
    assert result.regression is change
    assert change.direction == "worse"
    assert (change.last_good.run_id, change.first_bad.run_id) == (runs[29].id, runs[30].id)
    assert change.first_bad.git_commit == runs[30].git_commit
    assert change.ratio == pytest.approx(1.2, rel=0.03)
    assert change.before == pytest.approx(10e6, rel=0.03)


def test_up_is_worse_for_latency_and_better_for_throughput() -> None:
    runs = history_of(drawn_ms(50, step=0.8, at=30))
    latency, throughput = (trend_of(runs, "nightly", key) for key in ("mean", "rate_rps"))
    assert [change.direction for change in (*latency.changes, *throughput.changes)] == [
        "better",
        "better",
    ]
    assert latency.regression is None
    failing = history_of(drawn_ms(40), errors=dict.fromkeys(range(25, 40), 400))
    found = trend_of(failing, "nightly", "error_ratio").regression
    assert found is not None
    assert (found.before, found.after, found.ratio) == (0.0, 0.04, None)


def test_another_host_is_a_break_and_never_a_change() -> None:
    faster = {**ENVIRONMENT, "cpu_model": "EPYC 9654"}
    runs = history_of(drawn_ms(50, step=1.5, at=25), environments={25: faster})
    result = trend_of(runs, "nightly", "p99")
    assert result.changes == ()
    (found,) = result.breaks
    assert (found.index, found.run_id) == (25, runs[25].id)
    assert found.differences == ("cpu_model: 'EPYC 7763' and 'EPYC 9654'",)


def test_another_plan_is_a_break_that_names_the_field() -> None:
    runs = history_of(drawn_ms(40), plans={20: PLAN.replace(load=ConstantRate(200))})
    (found,) = trend_of(runs, "nightly", "p99").breaks
    assert found.differences == ("load.rate_rps: 100 and 200",)


def test_a_regression_before_a_break_is_history() -> None:
    runs = history_of(
        drawn_ms(60, step=1.3, at=25), environments={45: {**ENVIRONMENT, "kernel": "Linux 6.9"}}
    )
    result = trend_of(runs, "nightly", "p99")
    assert [change.direction for change in result.changes] == ["worse"]
    assert result.regression is None
    assert any("only 15 runs" in text for text in result.warnings) is False


def test_runs_that_cannot_be_used_are_left_out_with_the_reason() -> None:
    runs = history_of(drawn_ms(20), invalid=[3, 7])
    result = trend_of(runs, "nightly", "p99")
    assert len(result.points) == 18
    assert [item.run_id for item in result.left_out] == [runs[3].id, runs[7].id]
    assert result.left_out[0].reason == "invalid: the generator fell behind"


def test_few_runs_say_how_many_it_takes() -> None:
    (warning,) = slower_from(5, 10).warnings
    assert "only 10 runs" in warning
    assert "14" in warning
    assert trend_of(history_of([], invalid=[]), "nightly", "p99").changes == ()


def test_the_result_is_json_a_frame_and_text() -> None:
    result = slower_from(30)
    data = json.loads(json.dumps(result.to_dict()))
    assert data["regression"]["first_bad"]["run_id"] == result.points[30].run_id
    assert (len(data["runs"]), data["unit"], data["metric"]) == (50, "ns", "p99")
    frame = result.to_pandas()
    assert list(frame["change"]).index("worse") == 30
    assert frame["level"].nunique() == 2
    text = str(result)
    assert "regression" in text
    assert str(result.points[30].git_commit)[:10] in text


def test_an_unknown_name_or_metric_is_refused_with_what_there_is(closed_store: Store) -> None:
    runs = [
        make_run(200, seed=seed, name="nightly", started_at_ns=seed * 10**12) for seed in (1, 2, 3)
    ]
    with closed_store.connect():
        with pytest.raises(InputError, match="no run is stored yet"):
            trend("nightly", store=closed_store)
        for run in runs:
            closed_store.save(run)
        result = trend("nightly", "p99.9", store=closed_store)
        with pytest.raises(InputError, match="there is 'nightly'"):
            trend("nigthly", store=closed_store)
        with pytest.raises(InputError, match="no runs that match"):
            trend("nightly", since=datetime(2026, 1, 1, tzinfo=UTC), store=closed_store)
        kept = trend("nightly", "p99.9", tags={"commit": "abc"}, store=closed_store, save=True)
        (row,) = closed_store.experiment_rows(10)
        experiment = closed_store.load_experiment(row["id"])
        # A run that is made later is not part of what was kept.
        closed_store.save(make_run(200, seed=4, name="nightly", started_at_ns=4 * 10**12))
        assert stored_result(closed_store, experiment) == kept
        trend("nightly", "p50", store=closed_store, save=True)
        trend("nightly", "p99.9", tags={"commit": "abc"}, store=closed_store, save=True)
        again = {row["id"]: row["run_count"] for row in closed_store.experiment_rows(10)}
        assert sorted(again.values()) == [4, 4]
        assert again[experiment.id] == 4
        frame = closed_store.experiment(experiment.id)
    assert list(frame["run_id"])[:3] == [run.id for run in runs]
    assert experiment.result["levels"] == [
        {"run_id": runs[0].id, "run_count": 3, "value": sorted(p.value for p in kept.points)[1]}
    ]
    assert [point.run_id for point in result.points] == [run.id for run in runs]
    latency = runs[0].summary.latency_ns
    assert latency is not None
    assert result.points[0].value == latency.p99_9
    with pytest.raises(InputError) as caught:
        trend("nightly", "p42")
    assert caught.value.field == "metric"


def test_runs_of_experiments_are_not_part_of_a_history(closed_store: Store) -> None:
    own = make_run(200, seed=1)
    made = make_run(200, seed=2)
    made = type(made).from_head(made, made.samples, made.connections)
    tagged = {**dict(made.plan.tags), EXPERIMENT_TAG: "ab00000000000000"}
    object.__setattr__(made, "plan", made.plan.replace(tags=tagged))
    with closed_store.connect():
        for run in (own, made):
            closed_store.save(run)
        result = trend("drawn", store=closed_store)
    assert [point.run_id for point in result.points] == [own.id]
