"""The statistics of stored runs, most of which need no samples."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.analysis.run_statistics import (
    ERROR_BATCHES,
    METRICS,
    RunStatistics,
    fewest_requests,
)
from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.stored_run import StoredRun
from benchlab.statistics.proportions import share_variance
from benchlab.store import Store

__all__ = ["statistics_of_stored", "stored_statistics"]


def stored_statistics(store: Store, run_ids: Sequence[str]) -> list[RunStatistics]:
    """The statistics of stored runs by id, by an unambiguous prefix of one, or ``latest``.

    Of several runs only the table of runs is read. How errors vary within a run needs its samples,
    which are counted in the store, and matters only for one that is alone.

    Raises:
        RunNotFoundError: for an id no run, or more than one, fits.
        InputError: an id is that of an imported summary, which has no requests to compare.
    """
    with store.connect():
        try:
            runs = store.stored(run_ids)
            variances = [0.0] * len(runs)
            if len(runs) == 1 and runs[0].figures["duration_s"]:
                counts, failed = store.errors_by_batch(runs[0], ERROR_BATCHES)
                variances = [share_variance(failed, counts)]
            return [
                statistics_of_stored(run, variance)
                for run, variance in zip(runs, variances, strict=True)
            ]
        except RunNotFoundError:
            for run_id in run_ids:
                _refuse_summary(store, run_id)
            raise


def statistics_of_stored(run: StoredRun, error_variance: float = 0.0) -> RunStatistics:
    """The statistics of a run without its samples, and with this variance of its errors."""
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
        error_variance=error_variance,
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
