"""The earlier runs of a plan, which say how much runs differ by themselves."""

from __future__ import annotations

from typing import Any

from benchlab.analysis.run_statistics import METRICS, RunStatistics, fewest_requests
from benchlab.errors import DamagedError
from benchlab.plan.plan import Plan
from benchlab.redact import public_url
from benchlab.runs.same import is_same_host, is_same_plan
from benchlab.store import Store

__all__ = ["LONGEST", "stable_history"]

LONGEST = 100
"""So many of the latest earlier runs are looked at."""


def stable_history(store: Store, run: RunStatistics) -> list[RunStatistics]:
    """The earlier valid runs of the same plan on the same host as ``run``, oldest first.

    Runs of experiments are not among them.

    Raises:
        StoreError: the store cannot be read.
    """
    rows = store.setup_rows(
        url=public_url(run.plan.requests[0].url), before_ns=run.started_at_ns, limit=LONGEST
    )
    earlier = [found for row in reversed(rows) if (found := _statistics(row)) is not None]
    return [each for each in earlier if is_same_plan(each, run) and is_same_host(each, run)]


def _statistics(row: dict[str, Any]) -> RunStatistics | None:
    """The statistics in a row of `Store.setup_rows`; None if its plan cannot be read any more.

    How errors vary within a run is not stored with it, and not needed of a history.
    """
    try:
        plan = Plan.from_dict(row["plan"])
    except DamagedError:
        return None
    return RunStatistics(
        id=row["id"],
        plan=plan,
        environment=row["environment"],
        started_at_ns=row["started_at_ns"],
        verdict=row["verdict"],
        invalid_reason=None,
        count=row["count"],
        error_count=row["error_count"],
        error_variance=0.0,
        metrics={
            name: row[name] if row["count"] >= fewest_requests(name, 1) else None
            for name in METRICS
        },
    )
