"""A result to show, with text that renderers must not take for more than text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from benchlab.display.result_view import ResultView
from benchlab.display.results import registry
from benchlab.display.table import Table
from benchlab.displayed import Result

__all__ = ["HOSTILE", "Example", "register"]

HOSTILE = "<script>alert(1)</script> | `a` [b](c) @someone #1 \x1b[31m"


@dataclass(frozen=True)
class Example(Result):
    """A result of one number."""

    value: float = 1.25

    def to_dict(self) -> dict[str, Any]:
        """The number."""
        return {"value": self.value}

    def to_pandas(self) -> pd.DataFrame:
        """The number and a formula."""
        return pd.DataFrame([{"value": self.value, "text": "=1+1"}])


def view(result: Example) -> ResultView:
    """The example as people see it."""
    return ResultView(
        title=f"title {HOSTILE}",
        banner="slower",
        level="bad",
        sentence=f"sentence {HOSTILE}",
        facts=(("blocks", "20"),),
        warnings=(f"warned {HOSTILE}",),
        tables=(
            Table(
                ["metric", "verdict", "ratio"],
                [["p50", "slower", f"{result.value}"], [HOSTILE, "same", "–"]],
                ["bad", "neutral"],
                note="a note",
                title="Metrics",
            ),
            Table(["empty"]),
        ),
        notes=("made by hand",),
    )


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the example be shown for the time of a test."""
    monkeypatch.setattr(registry, "RESULT_VIEWS", {**registry.RESULT_VIEWS, Example: view})
