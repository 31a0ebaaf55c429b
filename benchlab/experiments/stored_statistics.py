"""The statistics of stored runs, most of which need no samples."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.analysis.run_statistics import METRICS, RunStatistics, fewest_requests
from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.stored_run import StoredRun
from benchlab.store import Store

__all__ = ["statistics_of_stored", "stored_statistics"]


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
            return [statistics_of_stored(run) for run in store.stored(run_ids)]
        except RunNotFoundError:
            for run_id in run_ids:
                _refuse_summary(store, run_id)
            raise


def statistics_of_stored(run: StoredRun) -> RunStatistics:
    """The statistics of a run without its samples; the variance of errors is not known."""
    figures = {name: f"latency_{name}_ns" for name in METRICS} | {"rate_rps": "rate_rps"}
    return RunStatistics(
        id=run.id,
        plan=run.plan,
        environment=run.environment,
        started_at=run.started_at,
        verdict=run.verdict,
        invalid_reason=run.invalid_reason,
        count=run.count,
        error_count=run.error_count,
        error_variance=0.0,
        metrics={
            name: run.figures.get(figure) if run.count >= fewest_requests(name, 1) else None
            for name, figure in figures.items()
        },
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
