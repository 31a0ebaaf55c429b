"""The table of thresholds: each has a reason, and each is used."""

from __future__ import annotations

import ast
from pathlib import Path

from benchlab.analysis.causes import thresholds

_TABLE = Path(thresholds.__file__)


def _names() -> list[str]:
    body = ast.parse(_TABLE.read_text()).body
    return [
        item.target.id
        for item in body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]


def test_every_threshold_is_followed_by_its_reason() -> None:
    body = ast.parse(_TABLE.read_text()).body
    pending: list[str] = []
    for item in body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            pending.append(item.target.id)
        elif isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant):
            pending.clear()
    assert not pending


def test_every_threshold_is_used() -> None:
    code = "".join(
        path.read_text() for path in _TABLE.parent.glob("*.py") if path.name != _TABLE.name
    )
    assert [name for name in _names() if f"limit.{name}" not in code] == []
