"""Helpers for notebooks: a plan from parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchlab as bl
from benchlab.errors import InputError
from benchlab.notebook import plan_parameters

URL = "http://127.0.0.1:8000"
LOG = """\
10.0.0.1 - - [14/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5
10.0.0.1 - - [14/Mar/2026:10:00:02 +0000] "GET /b HTTP/1.1" 200 5
10.0.0.1 - - [14/Mar/2026:10:09:00 +0000] "POST /c HTTP/1.1" 200 5
"""


@pytest.fixture
def log(tmp_path: Path) -> str:
    (tmp_path / "access.log").write_text(LOG)
    return f"{tmp_path}/access.log"


def test_a_log_becomes_a_recording(log: str) -> None:
    given = {"replay_log": log, "window": "10:00-10:05", "speed": 2.0, "duration_s": 0.0}
    plan = bl.Plan.from_options(**plan_parameters(given, URL))
    assert isinstance(plan.load, bl.Replay)
    assert plan.intended_count() == 2
    assert plan.recorded is not None
    assert plan.recorded.speed == 2


def test_bodies_and_headers_go_with_it(log: str) -> None:
    given = {"replay_log": log, "bodies": "{}", "headers": {"X-A": "1"}, "duration_s": 0.0}
    plan = bl.Plan.from_options(**plan_parameters(given, URL))
    assert {request.method: request.body for request in plan.requests} == {
        "GET": b"",
        "POST": b"{}",
    }
    assert all(("X-A", "1") in request.headers for request in plan.requests)


def test_empty_names_mean_no_recording() -> None:
    empty = {"replay_log": "", "replay_service": "", "window": "", "log_format": ""}
    assert plan_parameters(empty, URL) == {"url": URL}


def test_two_recordings_or_two_loads_are_refused(log: str) -> None:
    with pytest.raises(InputError, match="replay_log"):
        plan_parameters({"replay_log": log, "replay_service": "shop"}, URL)
    with pytest.raises(InputError, match="leave shape out"):
        bl.Plan.from_options(
            **plan_parameters({"replay_log": log, "shape": "steps 1s:5,1s:9"}, URL)
        )
