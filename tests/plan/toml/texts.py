"""Reading plan files from their text alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchlab import Plan
from benchlab.plan.feed import Feed
from benchlab.plan.scenario import Scenario
from benchlab.plan.toml import Files, draft_from_toml

__all__ = ["REQUEST", "ROWS", "plan_of"]

REQUEST = '[[requests]]\nurl = "http://127.0.0.1:8000/x"\n'
ROWS = Feed([{"a": "1"}])


def no_file(name: str) -> Any:
    raise AssertionError(f"{name} is not to be read")


FILES = Files(
    no_file,
    no_file,
    lambda name, pick: Feed(ROWS.rows, pick, name),
    lambda name: str(Path("/at", name)),
    lambda function, base_url: Scenario(base_url, "visit", b"code", "", function),
    lambda arguments: no_file(arguments["file"]),
)


def plan_of(text: str) -> Plan:
    draft, place = draft_from_toml(text, "plan.toml", FILES)
    with place.errors():
        return Plan(**draft)
