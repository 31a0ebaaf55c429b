"""Plan files that name a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from benchlab import ConstantRate, Plan, StatusIn, read_plan
from benchlab.errors import InputError
from benchlab.experiments.against import plan_against
from benchlab.plan.files.recording import read_recording
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.toml import plan_to_toml
from tests.plan.recording.recordings import BASE, log_of, recording

LINES = [
    f"192.0.2.{number} - - [14/Mar/2026:09:00:{number:02d} +0100]"
    f' "{method} /{number} HTTP/1.1" 200 1'
    for number, method in enumerate(["GET", "POST", "GET", "PUT"])
]
HAR = {
    "log": {
        "entries": [
            {
                "startedDateTime": "2026-03-14T08:00:00.5Z",
                "request": {
                    "method": "POST",
                    "url": "http://h/a",
                    "postData": {"mimeType": "text/plain", "text": "body"},
                },
            }
        ]
    }
}


def written(plan: Plan, directory: Path) -> Path:
    path = directory / "plan.toml"
    path.write_text(plan_to_toml(plan))
    return path


def test_a_plan_file_names_the_log_and_how_it_is_read(tmp_path: Path) -> None:
    found = log_of(
        tmp_path, *LINES, window="09:00:01-09:01", format="common", spread="random", seed=7
    )
    plan = found.plan(
        BASE,
        speed=2,
        bodies={"POST /{id}": b""},
        headers={"X-Visitor": "{{session}}"},
        checks=StatusIn(200),
        workers=2,
        tags={"a": "b"},
    )
    path = written(plan, tmp_path)
    text = path.read_text()
    assert "offsets_s" not in text
    assert "[[requests]]" not in text
    assert "requests = [" not in text
    assert read_plan(path) == plan
    assert read_plan(path).recorded == plan.recorded
    # A plan that was stored still says where it came from.
    stored = Plan.from_dict(json.loads(json.dumps(redacted_plan(plan.to_dict()))))
    assert read_plan(written(stored, tmp_path)) == plan
    assert found.plan(BASE, bodies=b"\xff").recorded.made_by == {}  # type: ignore[union-attr]
    part = found.window("09:00:02-09:00:03").plan(BASE)
    assert part.recorded is not None
    assert part.recorded.made_by["part"] == "09:00:02-09:00:03"
    assert read_plan(written(part, tmp_path)) == part
    faster = plan.replace(load=ConstantRate(50))
    assert read_plan(written(faster, tmp_path)) == faster


def test_a_plan_file_names_a_har(tmp_path: Path) -> None:
    for name in ("page.har", "page.json"):
        (tmp_path / name).write_text(json.dumps(HAR))
        plan = read_recording(tmp_path / name, "" if name.endswith(".har") else "har").plan(BASE)
        assert read_plan(written(plan, tmp_path)) == plan
        assert plan.content_of(0).body == b"body"
    with pytest.raises(
        InputError, match=r"format='combined' is for access logs, and .*page.har is"
    ):
        read_recording(tmp_path / "page.har", "combined")


def test_a_plan_for_another_service_names_that_one(tmp_path: Path) -> None:
    plan = log_of(tmp_path, *LINES).plan(f"{BASE}/base")
    moved = plan_against(plan, "https://other:444")
    again = read_plan(written(moved, tmp_path))
    assert (again.requests, again.load) == (moved.requests, moved.load)
    assert again.content_of(0) == moved.content_of(0)
    checked = plan.replace(
        requests=[evolve(request, checks=(StatusIn(200),)) for request in plan.requests]
    )
    assert "# changes of the recorded requests are left out" in plan_to_toml(checked)
    assert "changes of" not in plan_to_toml(moved)


def test_secrets_of_a_plan_are_not_written(tmp_path: Path) -> None:
    plan = log_of(tmp_path, *LINES).plan("http://me:s3cret@host", headers={"X-Token": "s3cret"})
    text = plan_to_toml(plan)
    assert "s3cret" not in text
    assert "*** stands for a secret" in text


def test_a_plan_of_no_file_says_what_is_left_out() -> None:
    text = plan_to_toml(recording(3).plan(BASE))
    assert "# the recorded order, paths and bodies are left out" in text
    assert "requests = [" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[recorded]\nbase_url = 'http://h'", "recorded of plan.toml, line 1: there is no file"),
        ("[recorded]\nfile = 'access.log'", "there is no base_url"),
        ("[recorded]\nfile = 'none.log'\nbase_url = 'http://h'", "cannot read .*none.log"),
        (
            "[recorded]\nfile = 'access.log'\nbase_url = 'http://h'\nspede = 2",
            "line 4: unknown key 'spede': did you mean speed",
        ),
        (
            "[recorded]\nfile = 'access.log'\nbase_url = 'http://h'\nspeed = -2",
            "recorded of plan.toml, line 4: speed=-2 must be",
        ),
        (
            "[recorded]\nfile = 'access.log'\nbase_url = 'http://h'\nwindow = '9'",
            "line 4: window='9' is not a window",
        ),
        (
            "[recorded]\nfile = 'access.log'\nbase_url = 'http://h'\n[[requests]]\nurl = 'http://h'",
            "there are requests and a recording: leave one out",
        ),
    ],
)
def test_errors_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    log_of(tmp_path, *LINES)
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_plan(tmp_path / "plan.toml")
