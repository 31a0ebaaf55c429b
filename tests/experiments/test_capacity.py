"""The capacity of real services: what is stored, and what ends a search."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import benchlab as bl
from benchlab import spool
from benchlab.errors import InputError, TargetError
from benchlab.experiments.capacity import capacity, plan_for, stored_capacity
from benchlab.experiments.capacity_progress import CapacityProgress
from tests.slot_server import SlotServer

SLO = "p99<250ms"  # far above the 20 ms of the service: other processes shall not matter


@pytest.fixture(scope="module")
def server() -> Iterator[SlotServer]:
    """100 requests/s: two slots, 20 ms each."""
    with SlotServer(2, 0.02) as running:
        yield running


def probed(url: str, budget_s: float = 6, **options: Any) -> bl.Capacity:
    known = {"slo": SLO, "from_rps": 50, "to_rps": 400, "save": False}
    return capacity(url, budget_s=budget_s, **{**known, **options})


def test_a_search_narrows_down_on_the_capacity_of_a_service(
    server: SlotServer, own_data: Path
) -> None:
    seen: list[CapacityProgress] = []
    found = probed(server.url, on_progress=seen.append)
    assert found.arrivals.startswith("constant")
    assert found.rate_low <= 100
    assert found.rate_high is None or found.rate_high >= 100
    assert not any(probe.decision == "bad" for probe in found.probes if probe.rate_rps < 99)
    assert not any(probe.decision == "good" for probe in found.probes if probe.rate_rps > 120)
    assert seen[0].probe_number == 1
    assert seen[-1].last is not None
    assert seen[-1].probes == found.probes
    assert [item.finished for item in seen[-2:]] == [False, True]
    assert {item.rate_rps for item in seen} == {probe.rate_rps for probe in found.probes}
    assert list(spool.pending()) == []  # nothing is left of what is not saved


def test_connections_that_are_too_few_are_the_generators_limit(
    server: SlotServer, own_data: Path
) -> None:
    plan = bl.Plan(bl.Request("GET", server.url), bl.ConstantRate(1), max_connections=1, slo=SLO)
    found = capacity(plan, budget_s=6, from_rps=300, to_rps=400, save=False)
    limits = {probe.culprit for probe in found.probes}
    assert "generator" in limits  # one connection sends 50 requests/s
    assert "service" not in limits
    assert found.limited_by == "generator"
    assert found.rate_rps is None


def test_a_plan_keeps_its_arrivals_and_what_else_it_says(
    server: SlotServer, own_data: Path
) -> None:
    store = bl.Store()
    plan = bl.Plan(
        bl.Request("GET", server.url),
        bl.PoissonRate(7),
        duration_s=99,
        name="items",
        tags={"team": "search"},
        abort_on="error_ratio>0.5 over 20s",  # longer than a probe
    )
    found = capacity(plan, SLO, budget_s=2, from_rps=60, store=store)
    assert found.arrivals.startswith("Poisson")
    assert found.name == "items"
    experiment = store.load_experiment(found.experiment_id)
    assert (experiment.kind, experiment.name) == ("capacity", "items")
    assert experiment.result["probes"][0]["run_id"] == experiment.run_ids[0]
    assert experiment.run_ids == tuple(probe.run_id for probe in found.probes)
    assert stored_capacity(store, experiment) == found
    run = store.load(experiment.run_ids[0])
    assert run.plan.load == bl.PoissonRate(60)
    assert dict(run.plan.tags) == {
        "experiment": found.experiment_id,
        "probe": "1",
        "team": "search",
    }
    assert [str(item) for item in run.plan.slo] == [SLO]
    assert list(spool.pending()) == []


@pytest.mark.parametrize("who", ["Ctrl-C", "a request to stop"])
def test_a_stop_ends_a_search_with_what_was_found(
    who: str, server: SlotServer, own_data: Path
) -> None:
    """Also one that another process requested of the run of a probe."""

    def interrupt(progress: CapacityProgress) -> None:
        if progress.probe_number == 2 and not sent:
            sent.append(progress)
            if who == "Ctrl-C":
                os.kill(os.getpid(), signal.SIGINT)
            else:
                bl.live()[0].stop()

    sent: list[CapacityProgress] = []
    found = probed(server.url, budget_s=60, on_progress=interrupt)
    assert len(found.probes) == 2
    assert found.probes[1].verdict == "interrupted"
    assert f"stopped by {who}" in found.warnings[-1]
    assert found.took_s < 30
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_service_that_goes_away_ends_a_search_with_what_was_found(own_data: Path) -> None:
    with SlotServer(2, 0.02) as mortal:
        ended = threading.Event()

        def stop(progress: CapacityProgress) -> None:
            if progress.probe_number == 2 and not ended.is_set():
                ended.set()
                mortal.stop()

        found = probed(mortal.url, budget_s=60, on_progress=stop)
    assert found.probes
    assert "stopped responding" in found.warnings[-1]


def test_a_service_that_is_not_there_is_reported_before_any_load(own_data: Path) -> None:
    with pytest.raises(TargetError):
        probed("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("load", "text"),
    [
        (bl.ClosedLoop(8), "closed loop of 8 connections, which never sends more"),
        (bl.Steps([(1, 5), (1, 9)]), "varies by itself"),
        (bl.Replay([0.0, 0.5]), "varies by itself"),
    ],
)
def test_a_load_without_a_rate_to_vary_is_refused(load: Any, text: str) -> None:
    plan = bl.Plan(bl.Request("GET", "http://127.0.0.1:9/"), load)
    with pytest.raises(InputError, match=text) as raised:
        plan_for(plan, SLO)
    assert "PoissonRate(1)" in raised.value.remedy


def test_a_fault_that_short_probes_would_not_have_is_refused() -> None:
    plan = bl.Plan(bl.Request("GET", "http://127.0.0.1:9/"), bl.ConstantRate(5), faults="delay 1ms")
    assert plan_for(plan, SLO).faults == plan.faults
    with pytest.raises(InputError, match="probes") as raised:
        plan_for(plan.replace(faults="delay 1ms at 1s"), SLO)
    assert (raised.value.field, raised.value.value) == ("faults", "delay 1ms at 1s")


def test_the_objectives_of_a_plan_are_those_of_its_capacity() -> None:
    plan = bl.Plan(bl.Request("GET", "http://127.0.0.1:9/"), bl.ConstantRate(5), slo=SLO)
    assert [str(item) for item in plan_for(plan).slo] == [SLO]
    assert [str(item) for item in plan_for(plan, "p50<5ms").slo] == ["p50<5ms"]


def test_what_is_neither_a_plan_nor_a_url_is_refused() -> None:
    with pytest.raises(InputError, match="neither a plan nor a URL"):
        plan_for(7)  # type: ignore[arg-type]
