from __future__ import annotations

from pathlib import Path

import pytest

from benchlab import ConstantRate, JsonEquals, Replay, StatusIn
from benchlab.errors import InputError
from benchlab.plan.files.plan import read_plan
from benchlab.plan.toml import plan_to_toml
from tests.docs.pages import DOCS, blocks
from tests.plan.toml.texts import REQUEST


def example() -> str:
    """The plan file that the documentation shows."""
    (block,) = blocks(DOCS / "plan-file.md", "toml")
    return block.text


def test_documented_example_is_a_plan(tmp_path: Path) -> None:
    (tmp_path / "checkout.toml").write_text(example())
    plan = read_plan(tmp_path / "checkout.toml")
    assert plan.name == "checkout"
    assert (plan.duration_s, plan.warmup_s, plan.timeout_s) == (30, 2, 1.5)
    assert plan.load == ConstantRate(200)
    add, health = plan.requests
    assert (add.method, add.name, add.weight) == ("POST", "add", 3)
    assert add.body == b'{"a":[1,2],"b":[3,4]}'
    assert add.checks == (StatusIn(200), JsonEquals("result.0", 4))
    assert (health.method, health.headers) == ("GET", (("Accept", "application/json"),))
    assert [str(item) for item in plan.slo] == ["p99<50ms", "error_ratio<1% over 5s"]
    assert [str(item) for item in plan.abort_on] == ["error_ratio>0.5"]
    assert dict(plan.tags) == {"team": "shop"}


def test_files_are_relative_to_the_plan(tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(b"\xff\x00")
    (tmp_path / "times.csv").write_text("time\n5.0\n5.5\n")
    (tmp_path / "plan.toml").write_text(
        f'{REQUEST}body_file = "body.bin"\n[load]\nkind = "replay"\noffsets_file = "times.csv"\n'
    )
    plan = read_plan(tmp_path / "plan.toml")
    assert (plan.requests[0].method, plan.requests[0].body) == ("POST", b"\xff\x00")
    assert plan.load == Replay([0, 0.5])


def test_unreadable_file_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.toml"):
        read_plan(tmp_path / "none.toml")
    (tmp_path / "plan.toml").write_text(f'{REQUEST}body_file = "nope"')
    with pytest.raises(InputError, match=r"cannot read .*nope"):
        read_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_text(f"workers = 0\n{REQUEST}")
    with pytest.raises(InputError, match=r"plan\.toml, line 1: workers=0"):
        read_plan(tmp_path / "plan.toml")


def test_rows_come_from_a_file_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("name,token\nAnn,s3cret\n")
    (tmp_path / "plan.toml").write_text(
        f'{REQUEST}headers = {{ X-A = "{{{{name}}}}" }}\ndata = {{ file = "users.csv" }}\n'
    )
    plan = read_plan(tmp_path / "plan.toml")
    assert plan.requests[0].data is not None
    assert plan.requests[0].data.rows == ({"name": "Ann", "token": "s3cret"},)
    text = plan_to_toml(plan)
    assert "s3cret" not in text
    (tmp_path / "again.toml").write_text(text)
    assert read_plan(tmp_path / "again.toml") == plan
