"""What a client does about failures, as people see it."""

from __future__ import annotations

from attrs import fields

from benchlab.display.result_view import ResultView
from benchlab.plan.policies import Breaker, Hedge, Retry

__all__ = ["view"]


def view(policy: Retry | Hedge | Breaker) -> ResultView:
    """All settings of a policy, and the text that is read back as it."""
    name = type(policy).__name__
    return ResultView(
        title=name,
        banner=name.lower(),
        level="neutral",
        sentence=policy.describe(),
        facts=tuple(
            (field.name, _text(getattr(policy, field.name))) for field in fields(type(policy))
        ),
    )


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else "none" if value is None else str(value)
