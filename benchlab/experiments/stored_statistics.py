"""The statistics of stored runs, most of which need no samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchlab.analysis.run_statistics import METRICS, RunStatistics, fewest_requests
from benchlab.errors import InputError, RunNotFoundError
from benchlab.plan.plan import Plan
from benchlab.store import Store

__all__ = ["statistics_of_row", "stored_statistics"]


def stored_statistics(store: Store, run_ids: Sequence[str]) -> list[RunStatistics]:
    """The statistics of stored runs by id, by an unambiguous prefix of one, or ``latest``.

    Of several runs only the table of runs is read. How errors vary within a run needs its samples,
    and matters only for one that is alone.

    Raises:
        RunNotFoundError: for an id no run, or more than one, fits.
        InputError: an id is that of an imported summary, which has no requests to compare.
    """
    with store.connect():
        try:
            if len(run_ids) == 1:
                return [RunStatistics.of(store.load(run_ids[0]))]
            return [statistics_of_row(row) for row in store.setup_rows(run_ids)]
        except RunNotFoundError:
            for run_id in run_ids:
                _refuse_summary(store, run_id)
            raise


def statistics_of_row(row: Mapping[str, Any]) -> RunStatistics:
    """The statistics in a row of `Store.setup_rows`, without the variance of errors.

    Raises:
        DamagedError: the plan is of another form.
    """
    metrics: dict[str, float | None] = {
        name: row[name] if row["count"] >= fewest_requests(name, 1) else None for name in METRICS
    }
    return RunStatistics(
        id=row["id"],
        plan=Plan.from_dict(row["plan"]),
        environment=row["environment"],
        started_at_ns=row["started_at_ns"],
        verdict=row["verdict"],
        invalid_reason=row["reason"] or None,
        count=row["count"],
        error_count=row["error_count"],
        error_variance=0.0,
        metrics=metrics,
    )


def _refuse_summary(store: Store, run_id: str) -> None:
    try:
        summary = store.imported(run_id)
    except RunNotFoundError:
        return
    raise InputError(
        f"{summary.id} is a summary by {summary.tool} without its requests, which a comparison"
        " needs",
        remedy=f"let {summary.tool} write each request, and import that",
    )
