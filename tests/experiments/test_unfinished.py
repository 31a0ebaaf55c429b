"""Experiments whose process was killed: the runs of an A/B say enough to compare them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchlab import Store
from benchlab.analysis.sweep import Sweep
from benchlab.display.outcome import outcome
from benchlab.display.results.sweep import view
from benchlab.errors import InputError, RunNotFoundError
from benchlab.experiments.ab_design import ABDesign, Arm, Block
from benchlab.experiments.stored import stored_result
from benchlab.experiments.unfinished import find_experiment
from benchlab.runs.experiment import Experiment
from tests.experiments.simulated import PLAN, run_of
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]

ID = "01a209c5db41b16d"
OTHER = "01a209c5db41b170"


def test_the_complete_blocks_of_an_unfinished_experiment_are_compared(closed_store: Store) -> None:
    design = ABDesign(plan_a=PLAN, plan_b=PLAN, blocks=2, block_s=1.0, washout_s=0.0, seed=5)
    first, second = design.in_order()
    made: list[tuple[Block, Arm]] = [(first, "a"), (first, "b"), (second, second.order[0])]
    runs = [
        run_of(number, design.run_plan(ID, block, arm)) for number, (block, arm) in enumerate(made)
    ]
    with closed_store.connect():
        with pytest.raises(RunNotFoundError, match=ID):
            find_experiment(closed_store, ID)
        for run in runs:
            closed_store.save(run)
        found = find_experiment(closed_store, ID)
        assert found.run_ids == tuple(run.id for run in runs)
        assert found.started_at == runs[0].started_at
        result = stored_result(closed_store, found)
        (listed,) = closed_store.experiment_rows()
        made_by_another = replace(
            runs[0], id="f" * 16, plan=PLAN.replace(tags={"experiment": OTHER})
        )
        closed_store.save(made_by_another)
        with pytest.raises(InputError, match="has no result: it was not finished"):
            stored_result(closed_store, find_experiment(closed_store, OTHER))
    assert (listed["id"], listed["run_count"], listed["started_at"]) == (ID, 3, runs[0].started_at)
    assert outcome(listed["kind"], listed["result"]) == "not finished"
    assert result.to_dict()["base"] == [runs[0].id]
    assert result.to_dict()["new"] == [runs[1].id]
    assert result.to_dict()["warnings"] == [
        "the experiment was not finished: the result is of 1 complete block"
    ]


def test_the_runs_of_an_unfinished_sweep_say_what_was_swept(closed_store: Store) -> None:
    tags = {"experiment": ID, "repeat": "1"}
    runs = [
        run_of(
            number, PLAN.replace(tags={**tags, "point": f"{number + 1}", "swept.x": f"{number}"})
        )
        for number in range(2)
    ]
    with closed_store.connect():
        for run in runs:
            closed_store.save(run)
        found = find_experiment(closed_store, ID)
        result = stored_result(closed_store, found)
        closed_store.save_experiment(found)
        again = stored_result(closed_store, closed_store.load_experiment(ID))
    assert isinstance(result, Sweep)
    assert result.run_ids == tuple(run.id for run in runs)
    assert [point.parameters for point in result.points] == [{"x": 0}, {"x": 1}]
    assert result.runs[0].rate_rps == runs[0].summary.rate_rps
    interval = runs[0].percentile_interval(0.99)
    assert (result.runs[0].p99_ns, result.runs[0].p99_low_ns) == (
        interval.value_ns,
        interval.low_ns,
    )
    assert "was not finished" in result.warnings[0]
    assert view(result).banner == "not finished"
    assert view(result.where(x=1)).banner == "not finished"
    assert again == result


def test_an_experiment_without_a_result_or_of_another_kind_says_so(closed_store: Store) -> None:
    given: dict[str, Any] = {"id": ID, "name": "", "started_at_ns": 0, "run_ids": ()}
    with pytest.raises(InputError, match="has no result: too many failed"):
        stored_result(
            closed_store, Experiment(kind="ab", design={"problem": "too many failed"}, **given)
        )
    compared = {"pairs": [["0" * 16, "1" * 16]], "metric": "p50", "threshold": 0.02}
    with pytest.raises(RunNotFoundError, match="benchlab recover"):
        stored_result(
            closed_store, Experiment(kind="ab", design=compared, result={"warnings": []}, **given)
        )
    with pytest.raises(InputError, match="kind 'later'"):
        stored_result(closed_store, Experiment(kind="later", result={"x": 1}, **given))
