"""Which cause is named first: power and false alarms on simulated runs, seeds not developed on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchlab.analysis.causes.cause import CAUSES as IDS
from benchlab.analysis.causes.find import find_causes
from benchlab.plan.plan import Plan
from benchlab.samples.samples import Flag, Samples
from tests.analysis.causes.simulation import CAUSES, TOGETHER, is_same, simulate, simulate_two
from tests.runs.synthetic import make_run

_SEEDS = range(9000, 9003)


@pytest.mark.parametrize("cause", [name for name in CAUSES if name != "healthy"])
def test_the_injected_cause_comes_first(cause: str) -> None:
    right = 0
    for seed in _SEEDS:
        made = simulate(cause, seed)
        found = find_causes(made.run, made.spans)
        right += bool(found) and is_same(found[0].cause, cause, made.spans is not None)
    assert right >= len(_SEEDS) - 1  # the full simulation is among the benchmarks


@pytest.mark.parametrize("seed", range(9000, 9012))
def test_a_healthy_run_has_no_cause_but_the_machine(seed: int) -> None:
    made = simulate("healthy", seed)
    assert {item.cause for item in find_causes(made.run, made.spans)} <= {"noise"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("stall", "errors"),
        ("periodic_pause", "errors"),
        ("bimodal", "errors"),
        ("one_of_many", "errors"),
        ("slow_body", "errors"),
    ],
)
def test_two_causes_are_both_named(first: str, second: str) -> None:
    made = simulate_two(first, second, 9001)
    names = [item.cause for item in find_causes(made.run, made.spans)[:3]]
    traced = made.spans is not None
    assert all(any(is_same(name, cause, traced) for name in names) for cause in (first, second))


def test_earlier_tries_of_a_request_are_no_lag_of_the_generator() -> None:
    run = simulate("healthy", 9000).run
    records = run.samples.records.copy()
    again = np.random.default_rng(1).random(len(records)) < 0.05
    for name in ("sent_ns", "first_byte_ns", "done_ns"):
        records[name][again] += 150_000_000
    for flag, blamed in ((0, True), (Flag.RETRY, False), (Flag.HEDGE | Flag.CAP_WAIT, False)):
        records["flags"][again] |= np.uint8(flag)
        tried = replace(run, samples=Samples(records.copy(), run.samples.endpoints))
        found = {item.cause for item in find_causes(tried, None)}
        assert ("generator" in found) == blamed
        assert "connection_cap" not in found


def test_every_id_has_a_simulation_or_is_noise() -> None:
    assert set(IDS) - {"noise"} == set(CAUSES) - {"healthy"}
    assert all(group <= set(IDS) for group in TOGETHER)


@pytest.mark.parametrize("cause", ["bimodal", "errors", "stall", "queueing", "slow_body"])
def test_shares_are_ratios_and_examples_are_requests_of_the_run(cause: str) -> None:
    made = simulate(cause, 9000)
    causes = find_causes(made.run, made.spans)
    assert all(0 <= item.tail_ratio <= 1 for item in causes)
    assert sum(item.tail_ratio for item in causes) <= 1 + 1e-6
    seqs = set(made.run.samples.column("seq").tolist())
    for item in causes:
        assert set(item.requests) <= seqs
        assert 0 < len(item.requests) <= 5
        assert item.try_next
        assert item.figure
        assert all(part.text and np.isfinite(list(part.numbers.values())).all()
                   for part in item.evidence)  # fmt: skip


def test_a_cause_as_json_has_its_id_share_evidence_and_what_to_try() -> None:
    made = simulate("stall", 9000)
    data = find_causes(made.run, made.spans)[0].to_dict()
    assert list(data) == ["cause", "tail_ratio", "evidence", "figure", "requests", "try"]
    assert data["cause"] == "stall"
    assert data["evidence"][0]["numbers"]["length_ns"] > 0


def test_the_order_of_the_records_does_not_matter() -> None:
    made = simulate("bimodal", 9000)
    records = made.run.samples.records[::-1].copy()
    import dataclasses

    turned = dataclasses.replace(made.run, samples=Samples(records, made.run.samples.endpoints))
    assert find_causes(turned, made.spans) == find_causes(made.run, made.spans)


@pytest.mark.parametrize("count", [0, 1, 99])
def test_of_few_requests_nothing_is_said(count: int) -> None:
    assert find_causes(make_run(count=count)) == ()


@pytest.mark.parametrize(
    "changes",
    [{}, {"equal": True}, {"instant": True}, {"errors": True}, {"all_failed": 2}, {"stall": True}],
    ids=lambda changes: next(iter(changes), "usual"),
)
def test_degenerate_runs_have_causes_of_finite_shares(changes: dict[str, object]) -> None:
    for item in find_causes(make_run(**changes)):  # type: ignore[arg-type]
        assert 0 <= item.tail_ratio <= 1


def test_a_stored_plan_without_its_rows_is_enough() -> None:
    made = simulate("payload_size", 9000)
    assert isinstance(made.run.plan, Plan)
    assert find_causes(made.run)[0].cause == "payload_size"
