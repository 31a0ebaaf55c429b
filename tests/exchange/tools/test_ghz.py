from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.run import Run
from benchlab.units import NS_PER_S


def run_of(path: Path) -> Run:
    found = import_file(path)
    assert isinstance(found, Run)
    return found


def test_calls_agree_with_the_summary_in_the_file(data: Path) -> None:
    whole = json.loads((data / "ghz.json").read_text())
    run = run_of(data / "ghz.json")
    assert len(run.samples) == whole["count"] == 40
    assert run.samples.error_count == sum(whole["errorDistribution"].values()) == 4
    assert run.samples.errors == {"grpc:INTERNAL": 4}
    assert run.environment["imported"]["errors"] == whole["errorDistribution"]
    assert run.samples.service_ns.mean() == pytest.approx(whole["average"], abs=1)
    good = np.sort(run.samples.service_ns[run.samples.column("error") == 0])
    for row in whole["latencyDistribution"]:
        rank = -(-row["percentage"] * len(good) // 100)
        assert row["latency"] == pytest.approx(good[rank - 1], abs=1)
    assert run.plan.requests[0].url == "http://127.0.0.1:18767/calc.Calc/Add"
    assert run.samples.endpoints == ("calc.Calc/Add",)


def test_a_timestamp_is_the_end_of_a_call(data: Path) -> None:
    first = json.loads((data / "ghz.json").read_text())["details"][0]
    run = run_of(data / "ghz.json")
    assert first["timestamp"].endswith("29.754891211Z")
    assert run.started_at_ns % NS_PER_S == 754_891_211 - first["latency"]


def test_a_status_is_a_kind_of_its_own(tmp_path: Path, data: Path) -> None:
    whole = json.loads((data / "ghz.json").read_text())
    calls = [
        ("OK", ""),
        ("DeadlineExceeded", "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
        ("Canceled", ""),
        ("ResourceExhausted", "rpc error: code = ResourceExhausted desc = slow down"),
        ("Unavailable", "rpc error: code = Unavailable desc = a fault was set"),
        ("Unavailable", 'connection error: desc = "transport: Error while dialing: refused"'),
        ("Unavailable", "connection error: tls: failed to verify certificate"),
        ("Code(17)", ""),
    ]
    whole["details"] = [
        {**whole["details"][0], "status": status, "error": message} for status, message in calls
    ]
    path = tmp_path / "ghz.json"
    path.write_text(json.dumps(whole))
    assert run_of(path).samples.errors == {
        "connect": 1,
        "grpc:CANCELLED": 1,
        "grpc:DEADLINE_EXCEEDED": 1,
        "grpc:RESOURCE_EXHAUSTED": 1,
        "grpc:UNAVAILABLE": 1,
        "grpc:UNKNOWN": 1,
        "tls": 1,
    }


def test_missing_calls_are_reported(tmp_path: Path, data: Path) -> None:
    whole = json.loads((data / "ghz.json").read_text())
    whole |= {"count": 1_000_040, "options": {"host": "unix:///tmp/x", "call": "a.B/C"}}
    path = tmp_path / "ghz.json"
    path.write_text(json.dumps(whole))
    run = run_of(path)
    assert run.url == "http://unknown.invalid/"
    assert "1,000,040 calls were made, 40 of them are in the file" in " ".join(run.warnings)
    whole["details"] = None
    path.write_text(json.dumps(whole))
    with pytest.raises(InputError, match="holds no requests"):
        import_file(path)
