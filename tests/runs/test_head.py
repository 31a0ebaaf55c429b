from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from benchlab.errors import InputError
from benchlab.runs.head import RunHead, new_run_id
from benchlab.samples.examples import make_example
from tests.runs.synthetic import make_run

EXAMPLE = make_example("status", "a", 1, 2, 503, "the status is 503", [("Server", "x")], b"no")


def head(**changes: Any) -> dict[str, Any]:
    """The metadata of a run as it comes from JSON, with other values in it."""
    run = make_run(environment={"nested": {"a": [1, None]}}, stopped_ns=5)
    metadata = replace(run, examples=(EXAMPLE,), stop_reason="why").to_metadata()
    return {**json.loads(json.dumps(metadata)), **changes}


def test_metadata_round_trips() -> None:
    found = RunHead.from_metadata(head())
    assert json.loads(json.dumps(found.to_metadata())) == head()
    assert set(head()) == {item.name for item in fields(RunHead)}
    assert (found.examples, found.stop_reason, found.stopped_ns) == ((EXAMPLE,), "why", 5)


def test_credentials_in_the_plan_are_hidden() -> None:
    run = make_run()
    request = evolve(run.plan.requests[0], headers={"Authorization": "Bearer hunter2"})
    plan = run.plan.replace(requests=[request])
    assert "hunter2" not in json.dumps(replace(run, plan=plan).to_metadata())


def test_optional_fields_may_be_absent_and_others_are_ignored() -> None:
    data = head(later="x")
    for name in ("environment", "health", "examples", "stopped_ns", "stop_reason"):
        del data[name]
    found = RunHead.from_metadata(data)
    assert (found.examples, found.stopped_ns, found.health.workers) == ((), None, ())


@pytest.mark.parametrize("name", ["id", "plan", "started_at_ns"])
def test_a_missing_field_is_named(name: str) -> None:
    data = head()
    del data[name]
    with pytest.raises(ValueError, match=f"^{name} missing"):
        RunHead.from_metadata(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("started_at_ns", "5"),
        ("started_at_ns", True),
        ("started_at_ns", 10**30),
        ("environment", [1]),
        ("environment", {"calibration": 5}),
        ("health", 5),
        ("health", {"workers": [{"worker": "0"}]}),
        ("health", {"workers": [{"worker": 0, "cpu_ratio": "much"}]}),
        ("health", {"workers": [{"worker": 0, "unknown": 1}]}),
        ("examples", [{}]),
        ("examples", 5),
        ("stopped_ns", 0.5),
        ("stop_reason", None),
    ],
)
def test_a_field_of_another_type_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{name} is .*: "):
        RunHead.from_metadata(head(**{name: value}))


@pytest.mark.parametrize("run_id", ["../../x", "latest", 5, None, "A" * 16, "0" * 16 + "\n"])
def test_an_id_is_16_hex_digits(run_id: object) -> None:
    with pytest.raises(InputError, match="16 hex digits"):
        RunHead.from_metadata(head(id=run_id))


def test_started_at_is_the_one_clock_in_utc() -> None:
    run = replace(make_run(), started_at_ns=1_700_000_000_123_456_789)
    assert run.started_at == datetime(2023, 11, 14, 22, 13, 20, 123_456, tzinfo=UTC)


def test_ids_of_later_runs_sort_later() -> None:
    ids = [new_run_id() for _ in range(3)]
    assert [run_id[:12] for run_id in ids] == sorted(run_id[:12] for run_id in ids)
