"""A check of responses, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.plan.checks import Check
from benchlab.redact import public_text

__all__ = ["view"]


def view(check: Check) -> ResultView:
    """What must hold."""
    return ResultView(
        title=type(check).__name__,
        banner="check",
        level="neutral",
        sentence=public_text(check.describe()),
    )
