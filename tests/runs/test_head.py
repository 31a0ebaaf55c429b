from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from benchlab import Plan, scenario
from benchlab.errors import DamagedError
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.head import RunHead, new_run_id
from benchlab.runs.health import WorkerHealth
from benchlab.samples.examples import make_example
from tests.runs.synthetic import make_run

EXAMPLE = make_example("status", "a", 1, 2, 503, "the status is 503", [("Server", "x")], b"no")
FAULT = FaultRecord(0, "drop at 1s", "drop", 10**9, error="why")


def head(**changes: Any) -> dict[str, Any]:
    """The metadata of a run as it comes from JSON, with other values in it."""
    run = make_run(environment={"nested": {"a": [1, None]}}, stopped_ns=5)
    changed = replace(run, examples=(EXAMPLE,), stop_reason="why", faults=(FAULT,))
    metadata = changed.to_metadata()
    return {**json.loads(json.dumps(metadata)), **changes}


def test_metadata_round_trips() -> None:
    found = RunHead.from_metadata(head())
    assert json.loads(json.dumps(found.to_metadata())) == head()
    assert set(head()) == {item.name for item in fields(RunHead)}
    assert (found.examples, found.stop_reason, found.stopped_ns) == ((EXAMPLE,), "why", 5)
    assert found.faults == (FAULT,)


def test_credentials_in_the_plan_are_hidden() -> None:
    run = make_run()
    request = evolve(run.plan.requests[0], headers={"Authorization": "Bearer hunter2"})
    plan = run.plan.replace(requests=[request])
    assert "hunter2" not in json.dumps(replace(run, plan=plan).to_metadata())


def test_optional_fields_may_be_absent_and_others_are_ignored() -> None:
    data = head(later="x")
    for name in ("environment", "health", "examples", "stopped_ns", "stop_reason", "faults"):
        del data[name]
    found = RunHead.from_metadata(data)
    assert (found.examples, found.stopped_ns, found.health.workers) == ((), None, ())


@pytest.mark.parametrize("name", ["id", "plan", "started_at_ns"])
def test_a_missing_field_is_named(name: str) -> None:
    data = head()
    del data[name]
    with pytest.raises(DamagedError, match=f"^run.json: {name}: it is missing"):
        RunHead.from_metadata(data, "run.json")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("started_at_ns", "5", "='5' expected int, got str"),
        ("started_at_ns", True, "=True expected int, got bool"),
        ("started_at_ns", 10**30, "=1000000000000000000000000000000 expected int <= 9223372"),
        ("environment", [1], ": expected object, got array"),
        ("environment", {"calibration": 5}, ".calibration=5 expected object | null, got int"),
        ("environment", {"imported": {"notes": 5}}, ".imported.notes=5 expected array"),
        ("environment", {"load_average_before": []}, ".load_average_before: "),
        ("environment", {"cpu_count": "4"}, ".cpu_count='4' expected int | null, got str"),
        ("health", 5, "=5 expected object, got int"),
        ("health", {"workers": [{"worker": "0"}]}, ".workers[0].worker='0' expected int"),
        ("health", {"workers": [{}]}, ".workers[0].worker: it is missing"),
        ("health", {"workers": [{"worker": 0, "problem_kind": "x"}]}, ".workers[0].problem_kind="),
        ("examples", [{}], "[0].kind: it is missing"),
        ("examples", 5, "=5 expected array, got int"),
        ("stopped_ns", 0.5, "=0.5 expected int | null, got float"),
        ("stopped_ns", -1, "=-1 expected int >= 0"),
        ("stop_reason", None, "=None expected str, got null"),
        ("plan", 5, "=5 expected object, got int"),
        ("plan", {}, ".load: the plan lacks it"),
    ],
)
def test_damage_is_named_with_its_file_field_and_value(
    name: str, value: object, shown: str
) -> None:
    with pytest.raises(DamagedError) as caught:
        RunHead.from_metadata(head(**{name: value}), "run.json")
    assert str(caught.value).startswith(f"run.json: {name}{shown}")


def test_what_a_newer_version_adds_is_ignored() -> None:
    data = head(health={"workers": [{"worker": 0, "later": 1}]}, environment={"later": [1]})
    found = RunHead.from_metadata(data)
    assert found.environment == {"later": [1]}
    assert found.health.workers == (WorkerHealth(0),)


async def steal(client: Any, ctx: Any) -> None:
    raise AssertionError


def test_the_code_of_a_scenario_is_never_read_back() -> None:
    plan = Plan(scenario=scenario(steal, "http://127.0.0.1:1/"), duration_s=1)
    assert plan.scenario is not None
    assert plan.scenario.code
    found = RunHead.from_metadata(head(plan=plan.to_dict())).plan.scenario
    assert found is not None
    assert (found.code, found.source) == (b"", plan.scenario.source)


@pytest.mark.parametrize("run_id", ["../../x", "latest", 5, None, "A" * 16, "0" * 16 + "\n"])
def test_an_id_is_16_hex_digits(run_id: object) -> None:
    with pytest.raises(DamagedError, match=r"16 hex digits|expected str"):
        RunHead.from_metadata(head(id=run_id))


def test_started_at_is_the_one_clock_in_utc() -> None:
    run = replace(make_run(), started_at_ns=1_700_000_000_123_456_789)
    assert run.started_at == datetime(2023, 11, 14, 22, 13, 20, 123_456, tzinfo=UTC)


def test_ids_of_later_runs_sort_later() -> None:
    ids = [new_run_id() for _ in range(3)]
    assert [run_id[:12] for run_id in ids] == sorted(run_id[:12] for run_id in ids)
