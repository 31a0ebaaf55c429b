"""A/B with real processes: what is measured, stored and concluded, and how it ends early."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchlab import Plan, PoissonRate, Request, Store, spool
from benchlab.errors import InputError, RunError, TargetError
from benchlab.experiments.ab import ab, measure_ab
from benchlab.experiments.ab_design import ABDesign, Arm
from benchlab.experiments.ab_progress import ABProgress
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.runs.run import Run
from benchlab.units import NS_PER_S
from tests.load.servers import ok, serving
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]

BLOCK_S, WASHOUT_S = 0.15, 0.05


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests run beside these: what they do to the schedule makes no block invalid."""
    monkeypatch.setattr("benchlab.runs.verdict.LAG_P99_LIMIT_NS", 60 * NS_PER_S)


def hold(connection: socket.socket, request: bytes, _number: int) -> bool:
    """Respond after as many ms as the path says."""
    time.sleep(float(request.split(b" ")[1][1:]) / 1000)
    connection.sendall(ok())
    return True


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(hold) as url:
        yield url


def plan(url: str, hold_ms: float = 5.0) -> Plan:
    return Plan(Request("GET", f"{url}{hold_ms}", name="hold"), PoissonRate(100))


def design(plan_a: Plan, plan_b: Plan, blocks: int = 3) -> ABDesign:
    return ABDesign(
        plan_a=plan_a, plan_b=plan_b, blocks=blocks, block_s=BLOCK_S, washout_s=WASHOUT_S, seed=11
    )


def arm_of(run: Run) -> str:
    return dict(run.plan.tags)["arm"]


def test_a_slower_arm_is_called_and_every_run_is_stored(url: str, closed_store: Store) -> None:
    seen: list[ABProgress] = []
    result = ab(
        plan(url),
        plan(url, 20.0),
        blocks=6,
        block_s=BLOCK_S,
        washout_s=WASHOUT_S,
        seed=11,
        name="mine",
        tags={"ci": "1"},
        store=closed_store,
        on_progress=seen.append,
    )
    assert (result.verdict, result.design, result.reason) == ("slower", "paired_blocks", None)
    assert result.base_name.startswith("A (GET")
    between = [progress for progress in seen if progress.run is None]
    assert [progress.done for progress in between] == [0, 1, 2, 3, 4, 5, 6]
    assert between[1].ratio is not None
    assert {progress.arm for progress in seen if progress.run is not None} == {"a", "b"}
    assert [item.done for item in seen[-1].intervals] == [1, 2, 3, 4, 5, 6]
    assert [progress.finished for progress in seen[-2:]] == [False, True]
    assert seen[-1].ratio == result.metrics["p50"].ratio
    assert seen[-1].ratio_low == result.metrics["p50"].ratio_low

    with closed_store.connect():
        (row,) = closed_store.experiment_rows()
        experiment = closed_store.load_experiment(row["id"])
        runs = closed_store.load_all(experiment.run_ids)
    assert (experiment.kind, experiment.name) == ("ab", "mine")
    assert experiment.result == result.to_dict()
    order = [arm for block in design(plan(url), plan(url), 6).in_order() for arm in block.order]
    assert [arm_of(run) for run in runs] == order
    assert (
        list(map("".join, zip(order[::2], order[1::2], strict=True)))
        == (experiment.design["orders"])
    )
    assert experiment.design["seed"] == 11
    tags = [dict(run.plan.tags) for run in runs]
    assert {tag["experiment"] for tag in tags} == {experiment.id}
    assert [tag["pair"] for tag in tags] == [str(number // 2 + 1) for number in range(12)]
    assert {tag["ci"] for tag in tags} == {"1"}
    by_id = {run.id: run for run in runs}
    for base, new in zip(result.base, result.new, strict=True):
        assert (arm_of(by_id[base]), arm_of(by_id[new])) == ("a", "b")
        base_ns, new_ns = (by_id[name].samples.column("intended_ns") for name in (base, new))
        assert np.array_equal(base_ns, new_ns)
    assert not list(spool.pending())


def test_an_experiment_that_is_stopped_has_the_result_of_its_complete_blocks(url: str) -> None:
    stop = StopSignal()

    def stop_after_one(progress: ABProgress) -> None:
        if progress.done == 1 and not stop.level:
            stop.request()

    made = measure_ab(design(plan(url), plan(url)), stop, on_progress=stop_after_one)
    assert len(made.measured.pairs) == 1
    assert made.comparison is not None
    assert "ended early, by request, after 1 of 3 blocks" in made.comparison.warnings[0]
    assert made.to_experiment().design["ended_early"] == "request"


def test_a_block_whose_arm_fails_is_left_out_and_named(url: str, own_data: Path) -> None:
    def fail_once(arm: Arm, number: int) -> None:
        if (arm, number) == ("b", 2):
            raise RunError("the service did not come back")

    result = ab(
        plan(url),
        plan(url),
        blocks=3,
        block_s=BLOCK_S,
        washout_s=0,
        before_block=fail_once,
        save=False,
    )
    assert len(result.base) == 2
    (warning,) = [text for text in result.warnings if "left out" in text]
    assert "1 of 3 blocks was left out: block 2, B: the service did not come back" in warning
    assert not list(spool.pending())
    assert not (own_data / "store").exists()


def test_an_experiment_of_which_most_blocks_fail_is_given_up(url: str, closed_store: Store) -> None:
    def fail(_arm: Arm, number: int) -> None:
        raise RunError(f"no service {number}")

    with pytest.raises(RunError, match=r"3 of 20 blocks failed.*block 3, \w: no service 3"):
        ab(plan(url), plan(url), before_block=fail, store=closed_store)
    assert closed_store.experiment_rows() == []  # nothing was measured


def test_nothing_is_sent_if_one_of_the_services_cannot_be_reached(url: str) -> None:
    with pytest.raises(TargetError, match=r"127\.0\.0\.1:9"):
        ab(plan(url), plan("http://127.0.0.1:9/"), save=False)


def test_an_unknown_metric_is_refused_before_any_load(url: str) -> None:
    with pytest.raises(InputError, match="p75") as caught:
        ab(plan(url), plan(url), metric="p75")
    assert caught.value.field == "metric"
