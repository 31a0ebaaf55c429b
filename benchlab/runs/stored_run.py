"""A stored run without its samples: its figures, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchlab.plan.plan import Plan
from benchlab.runs.verdict import Verdict

__all__ = ["StoredRun"]


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What a store lists of a run, which is enough for a history of runs.

    ``figures`` are those of its summary: ``latency_p99_ns`` and others in ns, with ``_low_ns`` and
    ``_high_ns`` where the interval is known, ``rate_rps`` and ``duration_s``. None is what was not
    measured.
    """

    id: str
    started_at: datetime
    plan: Plan
    environment: Mapping[str, Any]
    verdict: Verdict
    invalid_reason: str | None
    count: int
    error_count: int
    figures: Mapping[str, float | None]

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.plan.name

    @property
    def error_ratio(self) -> float | None:
        """The share of failed requests; None without requests."""
        return self.error_count / self.count if self.count else None

    @property
    def git_commit(self) -> str | None:
        """The commit that was checked out where the run was made, as far as that is known."""
        return self.environment.get("git_commit")

    @property
    def git_dirty(self) -> bool:
        """Whether files differed from `git_commit`."""
        return bool(self.environment.get("git_dirty"))
